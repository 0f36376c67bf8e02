package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/transition"
)

// graph makes a plan of steps "OPERATION RESOURCE NODE", each of which waits for those with the numbers after it; what has
// no place in the list is not in the graph.
func graph(steps [][]int, what ...string) *transition.Graph {
	actions := make([]*transition.Action, len(what))
	for i, w := range what {
		a := &transition.Action{ID: i, Key: w}
		var resource string
		fmt.Sscan(w, &a.Operation, &resource, &a.Node)
		a.Resource = &transition.Resource{Tag: "primitive", ID: resource, Class: "ocf", Provider: "pacemaker", Type: "Dummy"}
		if resource == "remote1" {
			a.Resource.Type = "remote"
		}
		if strings.HasSuffix(resource, "-clone") {
			a.Kind = transition.Pseudo
		}
		actions[i] = a
	}
	g := &transition.Graph{}
	for i, inputs := range steps {
		s := &transition.Synapse{ID: i, Action: actions[i]}
		for _, in := range inputs {
			s.Inputs = append(s.Inputs, actions[in])
		}
		g.Synapses = append(g.Synapses, s)
	}
	return g
}

func waitsFor(g *transition.Graph) string {
	var out [][]int
	for _, s := range g.Synapses {
		ids := []int{}
		for _, in := range s.Inputs {
			ids = append(ids, in.ID)
		}
		out = append(out, ids)
	}
	return fmt.Sprint(out)
}

func TestStepsThatWouldWaitForEver(t *testing.T) {
	for _, c := range []struct {
		name  string
		graph *transition.Graph
		want  string
		moves []string
	}{
		{
			"a stop waits for a probe that needs the connection",
			graph([][]int{{1}, {2}, {3}, {0}}, "monitor A remote1", "start remote1 n1", "stop remote1 n1", "stop B remote1"), "[[1] [2] [3] []]", nil,
		},
		{
			"a stop needs the connection over which it is done",
			graph([][]int{{1}, {0}}, "stop B remote1", "start remote1 n1"), "[[1] [0]]", nil,
		},
		{
			"a stop comes after that of what depends on it",
			graph([][]int{{1, 2}, {0}, {}}, "stop A n1", "stop B n1", "start C n2"), "[[1 2] [0] []]", nil,
		},
		{
			"no loop",
			graph([][]int{{1}, {2}, {}}, "start A n1", "stop A n2", "start B n1"), "[[1] [2] []]", nil,
		},
		{
			"a live migration among what it waits for",
			graph([][]int{{2}, {0}, {3}, {1}}, "migrate_to A:0 n1", "stop A n1", "start B n2", "stop B n1"), "[[2] [0] [3] [1]]",
			[]string{"A"},
		},
		{
			"all stops of a clone wait for a probe that needs the connection",
			graph([][]int{{1}, {2}, {3}, {4}, {5}, {0}}, "monitor A remote1", "start remote1 n1", "stop remote1 n2", "stop B remote1", "stopped C-clone ", "stop C-clone "),
			"[[1] [2] [3] [4] [5] []]", nil,
		},
		{
			"a connection ends without a migration that was given up",
			graph([][]int{{1}}, "stop remote1 n1", "migrate_from A remote1"), "[[]]", nil,
		},
		{
			"a connection ends without stops that cannot be done",
			graph([][]int{{1, 2, 3}, {}}, "stop remote1 n1", "stop A remote1", "stop B remote1", "stop C n2"), "[[1 3] []]", nil,
		},
	} {
		reconnected(c.graph)
		withoutLoops(c.graph, t.Logf)
		if got := waitsFor(c.graph); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
		if got := migrations(c.graph); !slices.Equal(got, c.moves) {
			t.Errorf("%s: %v migrate", c.name, got)
		}
	}
}

// The connection to a remote node is to be recovered without fencing: B, which runs there, is stopped only when it was looked whether A runs, which it is ordered
// after, and for that the connection is needed, which ends after that stop. In a whole plan nothing waits for itself.
func TestPlanHasNoLoops(t *testing.T) {
	const (
		entry   = `<lrm_rsc_op id="%[1]s_%[2]s" operation_key="%[1]s_%[3]s_0" operation="%[3]s" interval="0" call-id="%[4]d" rc-code="%[5]d" op-status="%[6]d" transition-key="1:1:%[7]d:u" transition-magic="%[6]d:%[5]d;1:1:%[7]d:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`
		history = `<lrm_resource id="%[1]s" class="ocf" provider="pacemaker" type="%[2]s">%[3]s</lrm_resource>`
	)
	started := func(id string) string { return fmt.Sprintf(entry, id, "last_0", "start", 1, 0, 0, 0) }
	idle := func(id string) string {
		return fmt.Sprintf(history, id, "Dummy", fmt.Sprintf(entry, id, "last_0", "monitor", 3, 7, 0, 7))
	}
	doc, err := xml.ParseString(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o1" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources><primitive id="remote1" class="ocf" provider="pacemaker" type="remote"/><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints><rsc_order id="o2" first="A" then="B"/><rsc_location id="l" rsc="B" node="remote1" score="INFINITY"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>` +
		fmt.Sprintf(history, "remote1", "remote", started("remote1")+fmt.Sprintf(entry, "remote1", "last_failure_0", "monitor", 2, 1, 4, 0)) + idle("A") + idle("B") +
		`</lrm_resources></lrm></node_state><node_state id="remote1" uname="remote1" remote_node="true" in_ccm="true"><lrm id="remote1"><lrm_resources>` +
		fmt.Sprintf(history, "B", "Dummy", started("B")) + `</lrm_resources></lrm></node_state></status></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	g, err := planOf(doc.Root, time.Unix(1000, 0), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	stops := false
	for _, s := range g.Synapses {
		stops = stops || s.Action.Key == "B_stop_0" && s.Action.Node == "remote1"
	}
	if found := loops(g); len(found) > 0 || !stops {
		t.Errorf("what waits for itself: %v of %s; B is stopped: %v", found, waitsFor(g), stops)
	}
}

// Two that take a connection from each other do so more and more rarely, and each try keeps half of its time.
func TestRivalry(t *testing.T) {
	now := time.Unix(1000, 0)
	v := rivalry{}
	waited := func(timeout time.Duration) time.Duration {
		var begun time.Time
		v.wait(now, timeout, func(at time.Time, unwanted bool) {
			if begun = at; unwanted {
				t.Error("a try is unwanted that nobody gave up")
			}
		})
		for at := now; begun.IsZero(); at = at.Add(100 * time.Millisecond) {
			v.tick(at)
		}
		return begun.Sub(now)
	}
	for i, s := range []struct {
		after, timeout, want time.Duration
		lost                 bool
	}{
		{0, 0, 0, false},
		{0, 0, time.Second, true},
		{time.Second, 0, 2 * time.Second, true},
		{time.Second, 3 * time.Second, 1500 * time.Millisecond, true},
		{time.Second, time.Minute, 8 * time.Second, true},
		{rivalCalm, 0, 0, false},
		{0, 0, time.Second, true},
	} {
		now = now.Add(s.after)
		if s.lost {
			v.lost(now)
		}
		if got := waited(s.timeout); got != s.want {
			t.Errorf("step %d: it waits for %v, not %v", i, got, s.want)
		}
	}
	given := false
	v.wait(now, 0, func(_ time.Time, unwanted bool) { given = unwanted })
	v.giveUp(now)
	if v.tick(now); !given {
		t.Error("a try that is given up waits on")
	}
}
