package node

import (
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// scheduler serves the scheduler's protocol (socket pengine): a client sends a CIB, and hears what would be done. It runs in the
// connection's goroutine, for a plan takes its time and touches nothing of the node's.
func (r *request) scheduler() {
	ack := func(status int) { r.s.node.post(func() { r.ack(status) }) }
	switch task := r.get("crm_task"); {
	case r.get("subt") == "response", r.get("crm_sys_to") != "pengine", task == "hello":
		ack(ackIndeterminate)
	case task != "pe_calc":
		r.s.log.Warn("a client asks the scheduler for what it does not do", "task", task, "user", r.user.Name)
		ack(ackProtocol)
	default:
		ack(ackIndeterminate)
		r.plan()
	}
}

// plan answers what is to be done by the CIB that came.
func (r *request) plan() {
	s, w := r.s, (*world)(r.s.node)
	var root *etree.Element
	if data := r.frame.Body.SelectElement("crm_xml"); data != nil {
		root = data.SelectElement("cib")
	}
	now := time.Now()
	graph, trouble := nothing(), "errors"
	if root != nil {
		s.planning.Lock()
		p, err := Plan(root, now, func(string, ...any) {})
		s.planning.Unlock()
		if err == nil {
			var doc *xml.Document
			if doc, err = xml.Parse(p.Graph.XML()); err == nil {
				graph, trouble = doc.Root, troubleOf(p)
			}
		}
		if err != nil {
			s.log.Error("a client's CIB cannot be planned from", "user", r.user.Name, "err", err)
		}
	}
	yes := func(word string) string { return strconv.Itoa(map[bool]int{true: 1}[trouble == word]) }
	s.node.post(func() {
		// Files are kept for those whom the history of decisions belongs to.
		file := ""
		if root != nil && r.session.privileged {
			file = w.keepInput(root, now, trouble)
		}
		el := r.replyElement("response", r.get("crm_task"), r.get("crm_sys_to"), r.get("src"), graph)
		if t := r.get("t"); t != "" {
			el.CreateAttr("t", t)
		}
		if file != "" {
			el.CreateAttr("crm-tgraph-in", file)
		}
		el.CreateAttr("graph-errors", yes("errors"))
		el.CreateAttr("graph-warnings", yes("warnings"))
		s.event(r.session, el)
	})
}

// nothing is the graph that does nothing.
func nothing() *etree.Element {
	el := etree.NewElement("transition_graph")
	el.CreateAttr("transition_id", "0")
	el.CreateAttr("cluster-delay", "0")
	return el
}
