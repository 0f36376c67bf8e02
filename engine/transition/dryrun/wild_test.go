package dryrun_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition"
	"hacluster/engine/transition/dryrun"
)

// wild draws a cluster of everything that clusters are made of. Later
// resources depend on earlier ones: no circles.
type wild struct {
	t       *rapid.T
	b       strings.Builder
	nodes   int
	history []strings.Builder
	tops    []string
	clones  map[string]bool
	migrate map[string]bool // something of it may migrate
}

// waits tells whether an order of two can end in a circle that the original makes as well: a
// clone that moves stops when all that follows it has left, and what follows it and migrates
// leaves when the clone has started elsewhere.
func (w *wild) waits(first, then int) bool {
	clone, migrate := false, false
	for _, id := range w.tops[first : then+1] {
		clone = clone || w.clones[id]
		migrate = migrate || w.migrate[id]
	}
	return clone && migrate
}

func (w *wild) pick(name string, list ...string) string {
	return rapid.SampledFrom(list).Draw(w.t, name)
}

func (w *wild) chance(name string, percent int) bool {
	return rapid.IntRange(0, 99).Draw(w.t, name) < percent
}

func (w *wild) number(name string, low, high int) int {
	return rapid.IntRange(low, high).Draw(w.t, name)
}

// meta writes a block of meta-attributes: the given ones, and a few more.
func (w *wild) meta(id string, given ...string) {
	more := [][2]string{
		{"is-managed", "false"},
		{"priority", "5"},
		{"resource-stickiness", "100"},
		{"target-role", "Stopped"},
		{"critical", "false"},
		{"migration-threshold", "1"},
		{"allow-migrate", "true"},
		{"requires", "quorum"},
	}
	fmt.Fprintf(&w.b, `<meta_attributes id="%s-m">`, id)
	for i := 0; i+1 < len(given); i += 2 {
		fmt.Fprintf(&w.b, `<nvpair id="%s-m-%s" name="%s" value="%s"/>`, id, given[i], given[i], given[i+1])
	}
	for _, m := range more {
		if w.chance(m[0], 6) {
			if m[0] == "allow-migrate" {
				w.migrate[w.tops[len(w.tops)-1]] = true
			}
			fmt.Fprintf(&w.b, `<nvpair id="%s-m-%s" name="%s" value="%s"/>`, id, m[0], m[0], m[1])
		}
	}
	w.b.WriteString(`</meta_attributes>`)
}

func (w *wild) primitive(id string) {
	fmt.Fprintf(&w.b, `<primitive id="%s" class="ocf" provider="lab" type="Dummy">`, id)
	w.meta(id)
	if w.chance("utilization", 40) {
		fmt.Fprintf(&w.b, `<utilization id="%s-u"><nvpair id="%s-u1" name="cpu" value="%d"/></utilization>`, id, id, w.number("cpu", 0, 3))
	}
	fmt.Fprintf(&w.b, `<operations><op id="%s-mon" name="monitor" interval="10s"/></operations></primitive>`, id)
}

// run records where a resource is known to be active (and where not). Some
// nodes know nothing, some failed.
func (w *wild) run(id string, on func(n int) bool) {
	const key = "11111111-1111-1111-1111-111111111111"
	for n := 1; n <= w.nodes; n++ {
		if w.chance("unknown", 10) {
			continue
		}
		task, rc := "monitor", 7
		if on(n) {
			task, rc = "start", 0
		}
		fmt.Fprintf(&w.history[n], `<lrm_resource id="%s" class="ocf" provider="lab" type="Dummy"><lrm_rsc_op id="%s_last_0" operation="%s" operation_key="%s_%s_0" call-id="5" rc-code="%d" op-status="0" interval="0" transition-key="1:1:%d:%s" transition-magic="0:%d;1:1:%d:%s" last-rc-change="1699999000" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`,
			id, id, task, id, task, rc, rc, key, rc, rc, key)
		if rc == 0 && w.chance("failed", 15) {
			fmt.Fprintf(&w.history[n], `<lrm_rsc_op id="%s_last_failure_0" operation="monitor" operation_key="%s_monitor_10000" call-id="9" rc-code="1" op-status="4" interval="10000" transition-key="2:1:0:%s" transition-magic="4:1;2:1:0:%s" last-rc-change="1699999100" op-digest="4811cef7f7f94e3a35a70be7916cb2fd"/>`, id, id, key, key)
		}
		w.history[n].WriteString(`</lrm_resource>`)
	}
}

func (w *wild) resource(i int) {
	id := fmt.Sprintf("r%d", i)
	w.tops = append(w.tops, id)
	at := w.number("at", 0, w.nodes)
	here := func(n int) bool { return n == at }
	some := make([]bool, w.nodes+1)
	for n := range some {
		some[n] = w.chance("active", 60)
	}
	there := func(n int) bool { return some[n] }
	shape := w.pick("shape", "primitive", "primitive", "group", "clone", "clone", "promotable", "unique", "bundle", "guest", "cloned group")
	w.clones[id] = shape != "primitive" && shape != "group" && shape != "guest"
	switch shape {
	case "primitive":
		w.primitive(id)
		w.run(id, here)
	case "guest": // carries a node, on which others may run
		fmt.Fprintf(&w.b, `<primitive id="%s" class="ocf" provider="lab" type="Dummy">`, id)
		w.meta(id, "remote-node", "g"+id)
		w.b.WriteString(`</primitive>`)
		w.run(id, here)
	case "cloned group":
		fmt.Fprintf(&w.b, `<clone id="%s">`, id)
		w.meta(id, "interleave", w.pick("interleave", "true", "false"))
		fmt.Fprintf(&w.b, `<group id="%sg">`, id)
		for k := range w.number("members", 1, 3) {
			member := fmt.Sprintf("%sp%d", id, k)
			w.primitive(member)
			w.run(member, there)
		}
		w.b.WriteString(`</group></clone>`)
	case "group":
		fmt.Fprintf(&w.b, `<group id="%s">`, id)
		w.meta(id)
		for k := range w.number("members", 1, 3) {
			member := fmt.Sprintf("%sp%d", id, k)
			w.primitive(member)
			w.run(member, here)
		}
		w.b.WriteString(`</group>`)
	case "clone":
		fmt.Fprintf(&w.b, `<clone id="%s">`, id)
		w.meta(id, "interleave", w.pick("interleave", "true", "false"), "notify", w.pick("notify", "true", "false"), "clone-max", w.pick("clone-max", "1", "2", "3", "4"))
		w.primitive(id + "p")
		w.b.WriteString(`</clone>`)
		w.run(id+"p", there)
	case "promotable":
		fmt.Fprintf(&w.b, `<clone id="%s">`, id)
		w.meta(id, "promotable", "true", "promoted-max", w.pick("promoted-max", "1", "2"), "notify", w.pick("notify", "true", "false"))
		w.primitive(id + "p")
		w.b.WriteString(`</clone>`)
		w.run(id+"p", there)
	case "unique":
		fmt.Fprintf(&w.b, `<clone id="%s">`, id)
		w.meta(id, "globally-unique", "true", "clone-max", w.pick("clone-max", "1", "2", "3", "4"), "clone-node-max", w.pick("clone-node-max", "1", "2"))
		w.primitive(id + "p")
		w.b.WriteString(`</clone>`)
	case "bundle":
		fmt.Fprintf(&w.b, `<bundle id="%s"><podman image="x" replicas="%d"/><network control-port="%d"/>`, id, w.number("replicas", 1, 3), 3130+i)
		w.primitive(id + "p")
		w.b.WriteString(`</bundle>`)
	}
}

func (w *wild) constraint(i int) {
	x, y := w.number("one", 0, len(w.tops)-1), w.number("other", 0, len(w.tops)-1)
	switch kind := w.pick("constraint", "location", "colocation", "order", "ticket", "set", "rule"); {
	case kind == "location":
		fmt.Fprintf(&w.b, `<rsc_location id="c%d" rsc="%s" node="n%d" score="%s"/>`, i, w.tops[x], w.number("at", 1, w.nodes), w.pick("score", "100", "-INFINITY", "INFINITY", "-10"))
	case kind == "ticket":
		fmt.Fprintf(&w.b, `<rsc_ticket id="c%d" rsc="%s" ticket="t" loss-policy="%s"/>`, i, w.tops[x], w.pick("loss", "stop", "freeze", "demote"))
	case kind == "rule":
		fmt.Fprintf(&w.b, `<rsc_location id="c%d" rsc="%s"><rule id="c%dr" score="%s" boolean-op="%s"><expression id="c%dr1" attribute="#uname" operation="%s" value="n%d"/><expression id="c%dr2" attribute="site" operation="defined"/></rule></rsc_location>`,
			i, w.tops[x], i, w.pick("score", "100", "-INFINITY", "-10"), w.pick("joined", "and", "or"), i, w.pick("is", "eq", "ne"), w.number("at", 1, w.nodes), i)
	case x <= y:
	case kind == "set": // of all from one to the other, or of two of them
		tag := w.pick("set of", "order", "colocation")
		if tag == "order" && w.waits(y, x) {
			return
		}
		attrs := w.pick("sequential", "", ` sequential="false"`)
		if tag == "order" && attrs != "" {
			attrs += w.pick("require-all", "", ` require-all="false"`)
		}
		fmt.Fprintf(&w.b, `<rsc_%s id="c%d"`, tag, i)
		if tag == "colocation" {
			fmt.Fprintf(&w.b, ` score="%s"`, w.pick("score", "INFINITY", "50"))
		}
		fmt.Fprintf(&w.b, `><resource_set id="c%ds"%s>`, i, attrs)
		for k := y; k <= x; k++ {
			if k == y || k == x || w.chance("in the set", 50) {
				fmt.Fprintf(&w.b, `<resource_ref id="%s"/>`, w.tops[k])
			}
		}
		fmt.Fprintf(&w.b, `</resource_set></rsc_%s>`, tag)
	case kind == "colocation":
		fmt.Fprintf(&w.b, `<rsc_colocation id="c%d" rsc="%s" with-rsc="%s" score="%s"/>`, i, w.tops[x], w.tops[y], w.pick("score", "INFINITY", "-INFINITY", "50", "-50"))
	case kind == "order" && !w.waits(y, x):
		fmt.Fprintf(&w.b, `<rsc_order id="c%d" first="%s" then="%s" kind="%s"/>`, i, w.tops[y], w.tops[x], w.pick("kind", "Mandatory", "Optional"))
	}
}

func wildCluster(t *rapid.T) string {
	w := &wild{t: t, nodes: rapid.IntRange(1, 4).Draw(t, "nodes"), clones: map[string]bool{}, migrate: map[string]bool{}}
	w.history = make([]strings.Builder, w.nodes+1)
	fmt.Fprintf(&w.b, `<cib crm_feature_set="3.19.7" validate-with="pacemaker-4.0" epoch="1" num_updates="1" admin_epoch="0" have-quorum="%s" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">`, w.pick("quorum", "1", "1", "1", "0"))
	for _, o := range [][]string{
		{"no-quorum-policy", "stop", "ignore", "freeze", "demote"},
		{"fencing-enabled", "true", "false"},
		{"placement-strategy", "default", "default", "utilization", "minimal", "balanced"},
		{"symmetric-cluster", "true", "true", "true", "false"},
		{"stop-all-resources", "false", "false", "false", "false", "true"},
	} {
		fmt.Fprintf(&w.b, `<nvpair id="o-%s" name="%s" value="%s"/>`, o[0], o[0], w.pick(o[0], o[1:]...))
	}
	w.b.WriteString(`</cluster_property_set></crm_config><nodes>`)
	for n := 1; n <= w.nodes; n++ {
		fmt.Fprintf(&w.b, `<node id="%d" uname="n%d"><instance_attributes id="n%da">`, n, n, n)
		if w.chance("site", 50) {
			fmt.Fprintf(&w.b, `<nvpair id="n%da-site" name="site" value="a"/>`, n)
		}
		for _, a := range []string{"standby", "maintenance"} {
			if w.chance(a, 10) {
				fmt.Fprintf(&w.b, `<nvpair id="n%da-%s" name="%s" value="true"/>`, n, a, a)
			}
		}
		fmt.Fprintf(&w.b, `</instance_attributes><utilization id="n%du"><nvpair id="n%du1" name="cpu" value="%d"/></utilization></node>`, n, n, w.number("capacity", 0, 8))
	}
	w.b.WriteString(`</nodes><resources><primitive id="fence" class="stonith" type="fence_lab"/>`)
	for i := range w.number("resources", 1, 5) {
		w.resource(i)
	}
	w.b.WriteString(`</resources><constraints>`)
	for i := range w.number("constraints", 0, 4) {
		w.constraint(i)
	}
	w.b.WriteString(`</constraints></configuration><status>`)
	for n := 1; n <= w.nodes; n++ {
		state := `in_ccm="true" crmd="online" join="member" expected="member"`
		if n > 1 && w.chance("down", 20) {
			state = w.pick("how down", `in_ccm="false" crmd="offline" join="down" expected="down"`, `in_ccm="false" crmd="offline" join="down" expected="member"`, `in_ccm="true" crmd="online" join="pending" expected="member"`)
		}
		entries := w.history[n].String()
		if strings.Contains(state, `expected="down"`) {
			entries = ""
		}
		fmt.Fprintf(&w.b, `<node_state id="%d" uname="n%d" %s><lrm id="%d"><lrm_resources>%s</lrm_resources></lrm></node_state>`, n, n, state, n, entries)
	}
	if w.chance("ticket known", 60) {
		fmt.Fprintf(&w.b, `<tickets><ticket_state id="t" granted="%s" standby="%s"/></tickets>`, w.pick("granted", "true", "false"), w.pick("ticket standby", "false", "false", "true"))
	}
	w.b.WriteString(`</status></cib>`)
	return w.b.String()
}

// circle finds the actions of a graph that wait for each other. (What waits
// for an action that cannot be run at all waits for better times.)
func circle(g *transition.Graph) (stuck []string) {
	inside := map[int]bool{}
	for _, s := range g.Synapses {
		inside[s.Action.ID] = true
	}
	waits := map[int]int{}
	users := map[int][]int{}
	var ready []int
	for _, s := range g.Synapses {
		seen := map[int]bool{}
		for _, in := range s.Inputs {
			if inside[in.ID] && !seen[in.ID] {
				seen[in.ID] = true
				users[in.ID] = append(users[in.ID], s.Action.ID)
			}
		}
		if waits[s.Action.ID] = len(seen); len(seen) == 0 {
			ready = append(ready, s.Action.ID)
		}
	}
	for len(ready) > 0 {
		id := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, u := range users[id] {
			if waits[u]--; waits[u] == 0 {
				ready = append(ready, u)
			}
		}
	}
	for _, s := range g.Synapses {
		if waits[s.Action.ID] > 0 {
			stuck = append(stuck, fmt.Sprintf("%d %s (waits for %d)", s.Action.ID, s.Action.Key, waits[s.Action.ID]))
		}
	}
	return stuck
}

// changes are the operations that change what runs. (The dry run keeps what is
// cancelled or deleted in the history, as Pacemaker's does.)
var changes = map[string]bool{"start": true, "stop": true, "promote": true, "demote": true, "migrate_to": true, "migrate_from": true, "reload-agent": true}

// moves tells whether a graph changes what runs.
func moves(g *transition.Graph) bool {
	for _, s := range g.Synapses {
		if s.Action.Kind == transition.ResourceOp && changes[s.Action.Operation] {
			return true
		}
	}
	return false
}

func checkPlan(t *rapid.T, plan *scheduler.Result, text string) {
	if stuck := circle(plan.Graph); stuck != nil {
		t.Fatalf("actions wait for each other: %s\n%s", strings.Join(stuck, ", "), text)
	}
	for _, s := range plan.Graph.Synapses {
		a := s.Action
		if a.Kind != transition.ResourceOp {
			continue
		}
		var r *scheduler.Resource
		for _, id := range []string{a.Resource.LongID, a.Resource.ID} {
			if r == nil && id != "" {
				r = plan.Cluster.Find(id)
			}
		}
		if r != nil && !r.Has(status.Managed) && changes[a.Operation] {
			t.Fatalf("%s on %s, though it is not managed\n%s", a.Key, a.Node, text)
		}
		n := plan.Cluster.FindNode(a.Node)
		if a.Operation != "start" && a.Operation != "promote" {
			continue
		}
		if n == nil || n.IsGuest() { // started by the same graph
			continue
		}
		if !n.Online || n.Unclean || n.Standby || n.Pending || n.Maintenance {
			t.Fatalf("%s on %s, which cannot run it\n%s", a.Key, a.Node, text)
		}
	}
}

// counts checks that nothing runs more often than it may. A resource that is
// not managed runs where it runs.
func counts(t *rapid.T, c *scheduler.Cluster, text string) {
	for _, r := range c.All {
		if r.Kind == status.Primitive && len(r.Active) > 1 && r.Has(status.Managed) {
			t.Fatalf("%s runs in %d places\n%s", r.ID, len(r.Active), text)
		}
		if r.Kind != status.Clone {
			continue
		}
		active, promoted, free := 0, 0, true
		per := map[*scheduler.Node]int{}
		for _, i := range r.Children {
			for _, n := range i.Places(status.Current) {
				active++
				per[n]++
			}
			if status.RoleOf(i, true) == status.RolePromoted {
				promoted++
			}
			free = free && i.Has(status.Managed)
		}
		if !free {
			continue
		}
		if active > r.Clone.Max || r.Has(status.Promotable) && promoted > r.Clone.PromotedMax {
			t.Fatalf("%s runs %d times, promoted %d times\n%s", r.ID, active, promoted, text)
		}
		for n, k := range per {
			if k > r.Clone.NodeMax {
				t.Fatalf("%s runs %d times on %s\n%s", r.ID, k, n.Name, text)
			}
		}
	}
}

func TestWildPlansHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := wildCluster(t)
		doc, err := xml.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		in := scheduler.Input{CIB: doc.Root, Now: now}
		plan, err := scheduler.Plan(in)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := scheduler.Plan(in)
		if !bytes.Equal(plan.Graph.XML(), again.Graph.XML()) {
			t.Fatal("two plans for the same input differ")
		}
		for round := 0; ; round++ {
			checkPlan(t, plan, text)
			whole := plan.Cluster.Quorate
			for _, n := range plan.Cluster.Nodes {
				whole = whole && !n.Unclean && !n.Pending
			}
			for _, r := range plan.Cluster.All {
				whole = whole && r.Has(status.Managed)
			}
			sim := &dryrun.Simulation{CIB: doc.Root, Now: now, Known: func(id string) bool { return plan.Cluster.Find(id) != nil }}
			if sim.Execute(plan.Graph) != transition.Complete && whole {
				t.Fatalf("actions are left that nothing stands in the way of\n%s", text)
			}
			if plan, err = scheduler.Plan(in); err != nil {
				t.Fatal(err)
			}
			if !whole { // some things have to wait for better times, or for people
				return
			}
			if !moves(plan.Graph) {
				counts(t, plan.Cluster, text)
				return
			}
			if round == 7 {
				t.Fatalf("no rest after eight plans\n%s\n%s", text, plan.Graph.XML())
			}
		}
	})
}
