package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/replica"
)

// corrected is a state of a node with what a DC writes of a step that was lost.
func corrected(t *testing.T, node, origin string) *etree.Element {
	t.Helper()
	entry := func(id string) string {
		return fmt.Sprintf(`<lrm_rsc_op id="A_%s" operation_key="A_start_0" operation="start" interval="0" op-status="2" rc-code="1" call-id="-1" crm-debug-origin="%s"/>`, id, origin)
	}
	remote := ""
	if node == "far" {
		remote = ` remote_node="true"`
	}
	doc, err := xml.ParseString(`<node_state id="1" uname="` + node + `"` + remote + `><lrm id="1"><lrm_resources><lrm_resource id="A" class="ocf" provider="p" type="t">` +
		entry("last_failure_0") + entry("last_0") + `</lrm_resource></lrm_resources></lrm></node_state>`)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

const lostOrigin = "controld_record_action_event"

// What a change corrects in a node's history: what was lost, and an entry that is taken out; not what nodes write of themselves, or have forgotten.
func TestCorrectionsIn(t *testing.T) {
	for _, x := range []struct {
		name string
		ch   replica.Change
		want []executor.Entry
	}{
		{"lost", replica.Change{Op: cib.Modify, Client: controller.ClientController, Data: corrected(t, "a", lostOrigin)}, []executor.Entry{{Resource: "A", ID: "A_last_failure_0"}, {Resource: "A", ID: "A_last_0"}}},
		{"lost on another node", replica.Change{Op: cib.Modify, Client: controller.ClientController, Data: corrected(t, "b", lostOrigin)}, nil},
		{"a history", replica.Change{Op: cib.Modify, Client: controller.ClientController, Data: corrected(t, "a", "controld_update_resource_history")}, nil},
		{"not the controller's", replica.Change{Op: cib.Modify, Client: "cibadmin", Data: corrected(t, "a", lostOrigin)}, nil},
		{"without data", replica.Change{Op: cib.Modify, Client: controller.ClientController}, nil},
		{"taken out", replica.Change{Op: cib.Delete, Client: controller.ClientController, Section: forgetHistory("a", "A", "A_migrate_to_0").Section}, []executor.Entry{{Resource: "A", ID: "A_migrate_to_0"}}},
		{"a whole resource", replica.Change{Op: cib.Delete, Client: controller.ClientController, Section: forgetHistory("a", "A", "").Section}, nil},
		{"a whole history", replica.Change{Op: cib.Delete, Client: controller.ClientController, Section: historyPath("a")}, nil},
		{"taken out on another node", replica.Change{Op: cib.Delete, Client: controller.ClientController, Section: forgetHistory("b", "A", "A_migrate_to_0").Section}, nil},
	} {
		if got := correctionsIn(x.ch, "a"); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}

// Who keeps a history takes in what the DC has changed in it, once no change of its own is under way, and as the CIB has it by then: a failure that is cleared stays
// away, also when that was ordered before the DC wrote it.
func TestCorrect(t *testing.T) {
	for _, x := range []struct {
		name   string
		node   string // whose history it is
		writer string
		elsewhere,
		underway, // changes of this node
		forgotten, // by the last of these
		synced bool // all take over a document meanwhile
		want string
	}{
		{name: "of this node", node: "a", writer: "b", want: "A_last_0 A_last_failure_0"},
		{name: "by this node", node: "a", writer: "a", want: "A_last_0 A_last_failure_0"},
		{name: "after this node's changes", node: "a", writer: "b", underway: true, want: "A_last_0 A_last_failure_0"},
		{name: "forgotten by then", node: "a", writer: "b", underway: true, forgotten: true, want: "A_last_0"},
		{name: "before all took over a document", node: "a", writer: "b", underway: true, synced: true},
		{name: "of a remote node", node: "far", writer: "b", want: "A_last_0 A_last_failure_0"},
		{name: "of a remote node that another node is connected to", node: "far", writer: "b", elsewhere: true},
	} {
		state := corrected(t, x.node, lostOrigin)
		root := cib.New()
		cib.Section(root, "status").AddChild(state.Copy())
		c := NewCore(CoreConfig{Self: controller.Member{ID: 1, Name: "a"}, Names: map[uint32]string{1: "a", 2: "b"}, CIB: cib.New(), Timing: controller.DefaultTiming}, quiet{})
		c.Replica = replica.New("a", root, cib.Term{}, (*replicaEffects)(c))
		c.inGroup = true
		r := c.remote("far")
		r.conn, r.holds = held{}, !x.elsewhere
		e := map[string]*executor.Executor{"a": c.Executor, "far": r.exec}[x.node]
		knows := func() string {
			var out []string
			for _, op := range e.State("1").FindElements("//lrm_rsc_op") {
				out = append(out, op.SelectAttrValue("id", ""))
			}
			return strings.Join(out, " ")
		}
		if x.underway {
			c.requests = 1
		}
		c.toldLate(replica.Change{Op: cib.Modify, Client: controller.ClientController, Node: x.writer, Data: state})
		if x.underway && knows() != "" {
			t.Errorf("%s: it counts before that", x.name)
		}
		if x.synced {
			c.toldLate(replica.Change{Synced: true, Node: "b"})
		}
		if x.forgotten {
			r := root.FindElement("status//lrm_resource")
			r.RemoveChild(r.SelectElement("lrm_rsc_op"))
		}
		c.requests = 0
		c.adoptLate()
		if got := knows(); got != x.want {
			t.Errorf("%s: it knows %q, not %q", x.name, got, x.want)
		}
	}
}
