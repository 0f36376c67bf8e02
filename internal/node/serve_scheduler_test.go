package node

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	frame "hacluster/internal/ipc"
)

// planner is a node that plans for clients, and no more.
func planner(t testing.TB) *services {
	n := &Node{log: slog.New(slog.DiscardHandler), calls: make(chan func()), ended: make(chan struct{})}
	n.inputs = inputs{dir: t.TempDir(), owner: -1, failed: func(err error) { t.Error(err) }}
	n.inputs.open()
	over := make(chan struct{})
	go func() {
		for f := range n.calls {
			f()
		}
		close(over)
	}()
	t.Cleanup(func() {
		close(n.calls)
		<-over
		n.inputs.close()
	})
	return &services{node: n, log: n.log}
}

// ask sends the scheduler a message, and gives what it is answered, nil for nothing.
func (s *services) ask(t testing.TB, msg string, privileged bool) *etree.Element {
	doc, err := xml.ParseString(msg)
	if err != nil {
		return nil
	}
	told := make(chan *etree.Element, 1)
	r := &request{s: s, frame: frame.Frame{Body: doc.Root}, session: &session{service: "pengine", privileged: privileged, tell: func(el *etree.Element) { told <- el }}}
	r.scheduler()
	if doc.Root.SelectAttrValue("crm_task", "") != "pe_calc" || doc.Root.SelectAttrValue("crm_sys_to", "") != "pengine" || doc.Root.SelectAttrValue("subt", "") == "response" {
		return nil
	}
	select {
	case el := <-told:
		return el
	case <-time.After(time.Minute):
		t.Fatalf("no answer to %s", msg)
		return nil
	}
}

const planned = `<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration>` +
	`<crm_config><cluster_property_set id="p"><nvpair id="f" name="stonith-enabled" value="false"/>%s</cluster_property_set></crm_config>` +
	`<nodes><node id="1" uname="n1"/></nodes><resources><primitive id="d" class="ocf" provider="heartbeat" type="Dummy"/></resources><constraints/></configuration>` +
	`<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources/></lrm></node_state></status></cib>`

func calc(cib string) string {
	return `<message t="pengine" subt="request" reference="ref1" crm_sys_from="9_me" crm_sys_to="pengine" crm_task="pe_calc" src="n1"><crm_xml>` + cib + `</crm_xml></message>`
}

func TestScheduler(t *testing.T) {
	s := planner(t)
	plain := fmt.Sprintf(planned, "")
	none := fmt.Sprintf(planned, `<nvpair id="s" name="pe-warn-series-max" value="0"/>`)
	for i, c := range []struct {
		cib        string
		privileged bool
		synapses   int
		file       string
		errors     string
	}{
		{plain, true, 2, "pe-warn-0.bz2", "0"},
		{plain, true, 2, "pe-warn-0.bz2", "0"}, // no second file of the same
		{strings.Replace(plain, `epoch="1"`, `epoch="2"`, 1), true, 2, "pe-warn-1.bz2", "0"},
		// Only the cluster's own programs write files of its history.
		{strings.Replace(plain, `epoch="1"`, `epoch="3"`, 1), false, 2, "", "0"},
		{none, true, 2, "", "0"},
		{`<cib/>`, true, 0, "pe-error-0.bz2", "1"},
		{`<cib validate-with="no such"/>`, true, 0, "pe-error-1.bz2", "1"},
		{`<other/>`, true, 0, "", "1"},
		{``, true, 0, "", "1"},
	} {
		el := s.ask(t, calc(c.cib), c.privileged)
		graph := el.FindElement("crm_xml/transition_graph")
		if graph == nil {
			t.Fatalf("%d: %s", i, xml.Compact(el))
		}
		file := filepath.Base(el.SelectAttrValue("crm-tgraph-in", ""))
		if file == "." {
			file = ""
		}
		if n := len(graph.SelectElements("synapse")); n < c.synapses || c.synapses == 0 && n > 0 || file != c.file || el.SelectAttrValue("graph-errors", "") != c.errors {
			t.Errorf("%d: %d synapses, file %q, %s errors; want %+v", i, n, file, el.SelectAttrValue("graph-errors", ""), c)
		}
		for name, want := range map[string]string{"t": "pengine", "subt": "response", "reference": "ref1", "crm_task": "pe_calc", "crm_sys_to": "9_me", "crm_sys_from": "pengine"} {
			if got := el.SelectAttrValue(name, ""); got != want {
				t.Errorf("%d: %s is %q, want %q", i, name, got, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(s.node.inputs.dir, "pe-warn.last")); err != nil {
		t.Error(err)
	}
}

func FuzzScheduler(f *testing.F) {
	f.Add(calc(fmt.Sprintf(planned, "")))
	f.Add(calc(`<cib/>`))
	f.Add(`<message subt="response" crm_sys_to="pengine" crm_task="pe_calc"/>`)
	f.Add(`<message crm_sys_to="pengine" crm_task="no such"/>`)
	s := planner(f)
	f.Fuzz(func(t *testing.T, msg string) {
		s.ask(t, msg, len(msg)%2 == 0)
	})
}
