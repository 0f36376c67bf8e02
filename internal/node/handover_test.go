package node

import (
	"slices"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/replica"
)

// What a change tells late of a remote node: results and what is forgotten of its executor, in a join all that its node knew, and nothing else.
func TestToldLate(t *testing.T) {
	element := func(text string) *etree.Element {
		doc, err := xml.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		return doc.Root
	}
	const history = `<lrm id="far"><lrm_resources><lrm_resource id="A"><lrm_rsc_op id="A_last_0"/><lrm_rsc_op id="A_last_failure_0"/></lrm_resource></lrm_resources></lrm>`
	far := func(what string) *etree.Element {
		return element(`<node_state id="far" uname="far">` + what + `</node_state>`)
	}
	for _, x := range []struct {
		name string
		ch   replica.Change
		want []historyEntry
	}{
		{"a result", replica.Change{Op: cib.Modify, Client: controller.ClientExecutor, Data: far(history)}, []historyEntry{{"A", "A_last_0"}, {"A", "A_last_failure_0"}}},
		{"a result of another node", replica.Change{Op: cib.Modify, Client: controller.ClientExecutor, Data: element(`<node_state uname="near">` + history + `</node_state>`)}, nil},
		{"an entry is forgotten", replica.Change{Op: cib.Delete, Client: controller.ClientExecutor, Section: forgetHistory("far", "A", "A_last_0").Section}, []historyEntry{{"A", "A_last_0"}}},
		{"a resource is forgotten", replica.Change{Op: cib.Delete, Client: controller.ClientExecutor, Section: forgetHistory("far", "A", "").Section}, []historyEntry{{"A", ""}}},
		{"a resource with an odd name is forgotten", replica.Change{Op: cib.Delete, Client: controller.ClientExecutor, Section: forgetHistory("far", "it's", "").Section}, []historyEntry{{"it's", ""}}},
		{"one whose name has all quotes", replica.Change{Op: cib.Delete, Client: controller.ClientExecutor, Section: forgetHistory("far", `it's "A"`, "").Section}, []historyEntry{{}}},
		{"a resource of another node is forgotten", replica.Change{Op: cib.Delete, Client: controller.ClientExecutor, Section: forgetHistory("far2", "A", "").Section}, nil},
		{"a join", replica.Change{Op: cib.Modify, Client: controller.ClientController, Data: far(history)}, []historyEntry{{}}},
		{"the state of the node", replica.Change{Op: cib.Modify, Client: controller.ClientController, Data: far("")}, nil},
		{"attributes", replica.Change{Op: cib.Modify, Client: controller.ClientAttributes, Data: far("<transient_attributes/>")}, nil},
		{"the configuration", replica.Change{Op: cib.Modify, Client: "cibadmin", Data: element("<resources/>")}, nil},
	} {
		if got := entriesIn(x.ch, "far"); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}

// What the node that handed a connection over tells late counts once no change of this node is under way; what another node tells does not, nor
// what was told before all took over a document.
func TestAdoptsLate(t *testing.T) {
	doc, err := xml.ParseString(`<cib><configuration/><status><node_state id="far" uname="far" remote_node="true"><lrm id="far"><lrm_resources>
		<lrm_resource id="A" class="ocf" provider="p" type="t"><lrm_rsc_op id="A_last_failure_0" operation_key="A_asyncmon_0" operation="asyncmon" interval="0" op-status="0" rc-code="1" call-id="4"/></lrm_resource>
		</lrm_resources></lrm></node_state></status></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	told := replica.Change{Op: cib.Modify, Client: controller.ClientExecutor, Node: "b", Data: doc.Root.FindElement("status/node_state")}
	for _, x := range []struct {
		name     string
		from     string
		requests int
		synced   bool // before the requests end
		want     int
	}{
		{"at once", "b", 0, false, 1},
		{"after this node's changes", "b", 1, false, 1},
		{"of another node", "c", 0, false, 0},
		{"before all took over a document", "b", 1, true, 0},
		{"the connection was not handed over", "", 0, false, 0},
	} {
		c := NewCore(CoreConfig{Self: controller.Member{ID: 1, Name: "a"}, Names: map[uint32]string{1: "a", 2: "b"}, CIB: cib.New(), Timing: controller.DefaultTiming}, quiet{})
		c.Replica = replica.New("a", xml.Copy(doc.Root), cib.Term{}, (*replicaEffects)(c))
		c.inGroup, c.requests = true, x.requests
		r := c.remote("far")
		r.conn, r.holds, r.late = held{}, true, late{from: x.from, counts: true}
		c.toldLate(told)
		known := func() int { return len(r.exec.State("far").FindElements("//lrm_rsc_op")) }
		if x.requests > 0 && known() > 0 {
			t.Errorf("%s: it counts before that", x.name)
		}
		if x.synced {
			c.toldLate(replica.Change{Synced: true, Node: "b"})
		}
		c.requests = 0
		c.adoptLate()
		if known() != x.want {
			t.Errorf("%s: %d entries", x.name, known())
		}
	}
}
