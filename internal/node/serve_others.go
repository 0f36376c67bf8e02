package node

import (
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/replica"
)

// controller serves the controller's protocol (service crmd).
func (r *request) controller() {
	task := r.get("crm_task")
	r.ack(ackOK)
	if task == "hello" {
		return
	}
	core := r.s.node.core
	data := r.frame.Body.SelectElement("crm_xml")
	first := func() *etree.Element {
		if data != nil {
			if c := data.ChildElements(); len(c) > 0 {
				return c[0]
			}
		}
		return etree.NewElement("none")
	}
	switch task {
	case "ping":
		node := r.get("crm_host_to")
		if r.get("crm_sys_to") == "dc" {
			node = core.Controller.DC()
		}
		core.Ping(time.Now(), node, func(state string) {
			el := etree.NewElement("ping_response")
			el.CreateAttr("crm_subsystem", "crmd")
			el.CreateAttr("crmd_state", state)
			el.CreateAttr("result", "ok")
			src := node
			if src == "" && r.get("crm_sys_to") != "dc" {
				src = core.Self().Name
			}
			r.reply("response", src, el)
		})
	case "list-nodes":
		el := etree.NewElement("nodes")
		for _, m := range r.s.node.knownNodes() {
			x := el.CreateElement("node")
			x.CreateAttr("id", strconv.FormatUint(uint64(m.ID), 10))
			x.CreateAttr("uname", m.Name)
			state := "lost"
			if slices.ContainsFunc(core.RingMembers(), func(o controller.Member) bool { return o.Name == m.Name }) {
				state = "member"
			}
			x.CreateAttr("in_ccm", state)
		}
		r.reply("response", core.Self().Name, el)
	case "node-info":
		el := etree.NewElement("node")
		el.CreateAttr("crm_subsystem", "crmd")
		el.CreateAttr("have-quorum", strconv.FormatBool(core.Replica.Root().SelectAttrValue("have-quorum", "") == "1"))
		self := core.Self()
		want := r.get("id")
		if name := r.get("uname"); name != "" && core.IsRemote(name) {
			state := "offline"
			if remoteOnline(core.Replica.Root(), name) {
				state = "member"
			}
			for _, a := range [][2]string{{"id", name}, {"uname", name}, {"crmd", state}, {"remote_node", "true"}} {
				el.CreateAttr(a[0], a[1])
			}
			r.reply("response", self.Name, el)
			return
		}
		for _, m := range append([]controller.Member{self}, r.s.node.knownNodes()...) {
			id := strconv.FormatUint(uint64(m.ID), 10)
			if want == "" && m.Name == self.Name || want == id {
				el.CreateAttr("id", id)
				el.CreateAttr("uname", m.Name)
				el.CreateAttr("crmd", "member")
				el.CreateAttr("remote_node", "false")
				break
			}
		}
		r.reply("response", self.Name, el)
	case "lrm_delete", "lrm_fail":
		r.lrm(task, first())
	case "probe_again":
		node := first().SelectAttrValue("on_node", "")
		r.probeAgain(node)
	case "rm_node_cache":
		node := r.get("uname")
		if node == "" {
			node = r.s.node.nameOf(r.get("id"))
		}
		if !r.session.privileged {
			r.s.log.Warn("a node is to be forgotten by a user who may not", "node", node, "user", r.session.user)
			return
		}
		r.s.log.Info("a node is to be forgotten", "node", node)
		core.Forget(node)
	default:
		r.s.log.Warn("a local client asks for what is not supported yet", "task", task)
		el := etree.NewElement("ping_response")
		el.CreateAttr("crm_subsystem", "crmd")
		el.CreateAttr("result", "not supported yet: "+task)
		r.reply("response", core.Self().Name, el)
	}
}

// reply answers a request to the controller, as an event.
func (r *request) reply(kind, src string, payload *etree.Element) {
	r.replyAs(kind, r.get("crm_task"), r.get("crm_sys_to"), src, payload)
}

// replyAs is reply with a task and a sender of its own.
func (r *request) replyAs(kind, task, from, src string, payload *etree.Element) {
	r.s.event(r.session, r.replyElement(kind, task, from, src, payload))
}

func (r *request) replyElement(kind, task, from, src string, payload *etree.Element) *etree.Element {
	el := etree.NewElement("create_reply_adv")
	for _, a := range [][2]string{
		{"origin", "reply"},
		{"t", "crmd"},
		{"version", controller.FeatureSet},
		{"subt", kind},
		{"reference", r.get("reference")},
		{"crm_task", task},
		{"crm_sys_to", r.get("crm_sys_from")},
		{"crm_sys_from", from},
		{"src", src},
	} {
		el.CreateAttr(a[0], a[1])
	}
	el.CreateElement("crm_xml").AddChild(payload)
	return el
}

// knownNodes are the configured nodes and those that are there.
func (n *Node) knownNodes() []controller.Member {
	out := n.core.configured()
	for _, m := range n.core.ring {
		if !slices.ContainsFunc(out, func(o controller.Member) bool { return o.ID == m.ID }) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b controller.Member) int { return int(a.ID) - int(b.ID) })
	return out
}

// insufficient is the code of an order that its user may not give (PCMK_OCF_INSUFFICIENT_PRIV).
const insufficient = 4

// forgetHistory is the change of the CIB that takes away the history of a resource on a node, or the entry of it that is named.
func forgetHistory(node, resource, entry string) cib.Request {
	path := historyPath(node) + "/lrm_resources/lrm_resource[@id=" + xml.QuoteXPath(resource) + "]"
	if entry != "" {
		path += "/lrm_rsc_op[@id=" + xml.QuoteXPath(entry) + "]"
	}
	return cib.Request{Op: cib.Delete, XPath: true, Section: path}
}

// lrm has a node forget a resource's history, or makes a failure up.
func (r *request) lrm(task string, op *etree.Element) {
	core := r.s.node.core
	node := op.SelectAttrValue("on_node", core.Self().Name)
	resource := ""
	var prim *etree.Element
	for _, c := range op.ChildElements() {
		if c.Tag != "attributes" {
			prim = c
			resource = c.SelectAttrValue("id", "")
		}
	}
	answer := func(code int) {
		s := etree.NewElement("node_state")
		s.CreateAttr("id", core.nodeID(node))
		s.CreateAttr("uname", node)
		lr := s.CreateElement("lrm").CreateElement("lrm_resources").CreateElement("lrm_resource")
		lr.CreateAttr("id", resource)
		o := lr.CreateElement("lrm_rsc_op")
		for _, a := range [][2]string{
			{"id", resource + "_last_0"},
			{"operation_key", resource + "_delete_0"},
			{"operation", "delete"},
			{"on_node", node},
			{"transition-key", op.SelectAttrValue("transition-key", "")},
			{"rc-code", strconv.Itoa(code)},
			{"op-status", "0"},
			{"interval", "0"},
			{"call-id", "0"},
		} {
			o.CreateAttr(a[0], a[1])
		}
		r.replyAs("request", "lrm_invoke", "lrmd", node, s)
	}
	if resource == "" {
		answer(2)
		return
	}
	forget := forgetHistory(node, resource, "")
	if task == "lrm_fail" && !r.user.Privileged() || task == "lrm_delete" && !r.allowed(forget) {
		r.s.log.Warn("a user may not do that to a resource", "user", r.user.Name, "task", task, "resource", resource, "node", node)
		answer(insufficient)
		return
	}
	order := etree.NewElement("rsc_op")
	name := map[string]string{"lrm_delete": "delete", "lrm_fail": "asyncmon"}[task]
	order.CreateAttr("operation", name)
	order.CreateAttr("on_node", node)
	order.CreateAttr("transition-key", op.SelectAttrValue("transition-key", ""))
	order.AddChild(prim.Copy())
	core.Invoke(node, order)
	if task == "lrm_fail" {
		answer(0)
		return
	}
	// The history in the CIB goes with it, in the name of who asks for such; the answer comes when it is gone.
	core.Change(time.Now(), replica.Client{Name: "crm_resource", User: r.user.Name, Groups: r.user.Groups}, forget, func(_ cib.Result, err error) {
		if err != nil {
			answer(1)
			return
		}
		answer(0)
		core.Controller.Refreshed(time.Now())
	})
}

// probeAgain forgets all histories of a node ("" for all), so that it is looked anew what runs.
func (r *request) probeAgain(node string) {
	core := r.s.node.core
	st := cib.Section(core.Replica.Root(), "status")
	if st == nil {
		st = etree.NewElement("status")
	}
	for _, state := range st.SelectElements("node_state") {
		name := state.SelectAttrValue("uname", "")
		if node != "" && name != node {
			continue
		}
		for _, res := range state.FindElements("./lrm/lrm_resources/lrm_resource") {
			if id := res.SelectAttrValue("id", ""); !r.allowed(forgetHistory(name, id, "")) {
				r.s.log.Warn("a user may not have a resource looked at anew", "user", r.user.Name, "resource", id, "node", name)
				continue
			}
			order := etree.NewElement("rsc_op")
			order.CreateAttr("operation", "delete")
			order.CreateAttr("on_node", name)
			p := order.CreateElement("primitive")
			for _, a := range res.Attr {
				p.CreateAttr(a.Key, a.Value)
			}
			core.Invoke(name, order)
		}
	}
	r.reply("response", core.Self().Name, etree.NewElement("ok"))
}

// launcher serves pacemakerd's protocol.
func (r *request) launcher() {
	switch task := r.get("crm_task"); task {
	case "ping":
		r.ack(ackIndeterminate)
		el := etree.NewElement("ping_response")
		for _, a := range [][2]string{{"crm_subsystem", "pacemakerd"}, {"pacemakerd_state", "running"}, {"crm-timestamp", strconv.FormatInt(time.Now().Unix(), 10)}, {"result", "ok"}} {
			el.CreateAttr(a[0], a[1])
		}
		r.reply("response", r.s.node.core.Self().Name, el)
	case "quit":
		r.ack(ackIndeterminate)
		el := etree.NewElement("shutdown")
		status := ackPermission
		if r.session.privileged {
			status = ackOK
			r.s.node.core.Shutdown(time.Now())
		}
		el.CreateAttr("op-status", strconv.Itoa(status))
		r.reply("response", r.s.node.core.Self().Name, el)
	default:
		r.ack(ackProtocol)
	}
}
