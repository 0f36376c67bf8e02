package dryrun_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition"
	"hacluster/engine/transition/dryrun"
)

var now = time.Unix(1700000000, 0).UTC()

// cluster draws a cluster: nodes in all states, resources of all common
// shapes, constraints between them, and a history of where they run.
func cluster(t *rapid.T) string {
	var b strings.Builder
	pick := func(name string, list ...string) string { return rapid.SampledFrom(list).Draw(t, name) }
	chance := func(name string, percent int) bool { return rapid.IntRange(0, 99).Draw(t, name) < percent }
	nodes := rapid.IntRange(1, 4).Draw(t, "nodes")
	fmt.Fprintf(&b, `<cib crm_feature_set="3.19.7" validate-with="pacemaker-4.0" epoch="1" num_updates="1" admin_epoch="0" have-quorum="%s" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="no-quorum-policy" value="%s"/><nvpair id="o2" name="fencing-enabled" value="%s"/></cluster_property_set></crm_config><nodes>`,
		pick("quorum", "1", "1", "1", "0"), pick("policy", "stop", "ignore", "freeze"), pick("fencing", "true", "false"))
	for n := 1; n <= nodes; n++ {
		fmt.Fprintf(&b, `<node id="%d" uname="n%d">`, n, n)
		if chance("standby", 15) {
			fmt.Fprintf(&b, `<instance_attributes id="n%da"><nvpair id="n%das" name="standby" value="true"/></instance_attributes>`, n, n)
		}
		b.WriteString(`</node>`)
	}
	b.WriteString(`</nodes><resources><primitive id="fence" class="stonith" type="fence_lab"/>`)
	history := make([]strings.Builder, nodes+1)
	run := func(id string, on map[int]bool) {
		for n := 1; n <= nodes; n++ {
			task, rc := "monitor", 7
			if on[n] {
				task, rc = "start", 0
			}
			fmt.Fprintf(&history[n], `<lrm_resource id="%s" class="ocf" provider="lab" type="Dummy"><lrm_rsc_op id="%s_last_0" operation="%s" call-id="5" rc-code="%d" op-status="0" interval="0" transition-key="1:1:%d:11111111-1111-1111-1111-111111111111" transition-magic="0:%d;1:1:%d:11111111-1111-1111-1111-111111111111" last-rc-change="1699999000" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/></lrm_resource>`, id, id, task, rc, rc, rc, rc)
		}
	}
	somewhere := func(id string) int { return rapid.IntRange(0, nodes).Draw(t, "on "+id) }
	var tops []string
	special := map[string]bool{}
	primitive := func(id string, meta string) {
		fmt.Fprintf(&b, `<primitive id="%s" class="ocf" provider="lab" type="Dummy">%s</primitive>`, id, meta)
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "resources") {
		id := fmt.Sprintf("r%d", i)
		tops = append(tops, id)
		switch pick("shape", "primitive", "primitive", "group", "clone") {
		case "primitive":
			meta := ""
			if chance("migrate", 30) {
				special[id] = true
				meta = `<meta_attributes id="` + id + `m"><nvpair id="` + id + `m1" name="allow-migrate" value="true"/></meta_attributes>`
			}
			primitive(id, meta)
			run(id, map[int]bool{somewhere(id): true})
		case "group":
			fmt.Fprintf(&b, `<group id="%s">`, id)
			on := somewhere(id)
			for k := range 2 {
				member := fmt.Sprintf("%sp%d", id, k)
				primitive(member, "")
				run(member, map[int]bool{on: true})
			}
			b.WriteString(`</group>`)
		case "clone":
			fmt.Fprintf(&b, `<clone id="%s"><meta_attributes id="%sm"><nvpair id="%sm1" name="interleave" value="%s"/><nvpair id="%sm2" name="notify" value="%s"/></meta_attributes>`,
				id, id, id, pick("interleave", "true", "false"), id, pick("notify", "true", "false"))
			primitive(id+"p", "")
			b.WriteString(`</clone>`)
			special[id] = true
			on := map[int]bool{}
			for n := 1; n <= nodes; n++ {
				on[n] = chance("clone on", 60)
			}
			run(id+"p", on)
		}
	}
	b.WriteString(`</resources><constraints>`)
	for i := range rapid.IntRange(0, 3).Draw(t, "constraints") {
		x := rapid.IntRange(0, len(tops)-1).Draw(t, "one")
		y := rapid.IntRange(0, len(tops)-1).Draw(t, "other")
		switch kind := pick("constraint", "location", "colocation", "order"); {
		case kind == "location":
			fmt.Fprintf(&b, `<rsc_location id="c%d" rsc="%s" node="n%d" score="%s"/>`, i, tops[x], rapid.IntRange(1, nodes).Draw(t, "at"), pick("score", "100", "-INFINITY", "INFINITY", "-10"))
		case x <= y: // later resources depend on earlier ones: no circles
			continue
		case kind == "colocation":
			score := pick("score", "INFINITY", "-INFINITY", "50", "-50")
			// An interleaved instance keeps away from one other instance only; a
			// live migration away from what is to start first waits for it.
			if special[tops[x]] {
				score = "INFINITY"
			}
			fmt.Fprintf(&b, `<rsc_colocation id="c%d" rsc="%s" with-rsc="%s" score="%s"/>`, i, tops[x], tops[y], score)
		case kind == "order":
			// A clone that moves and a live migration that is ordered after it wait for each
			// other, as in the original: the clone stops when all that follows it has left, and
			// that leaves when the clone has started elsewhere.
			if special[tops[x]] && special[tops[y]] {
				continue
			}
			fmt.Fprintf(&b, `<rsc_order id="c%d" first="%s" then="%s" kind="%s"/>`, i, tops[y], tops[x], pick("kind", "Mandatory", "Optional"))
		}
	}
	b.WriteString(`</constraints></configuration><status>`)
	for n := 1; n <= nodes; n++ {
		state := `in_ccm="true" crmd="online" join="member" expected="member"`
		if n > 1 && chance("down", 20) {
			state = pick("how down", `in_ccm="false" crmd="offline" join="down" expected="down"`, `in_ccm="false" crmd="offline" join="down" expected="member"`)
		}
		entries := history[n].String()
		if strings.Contains(state, `expected="down"`) {
			entries = ""
		}
		fmt.Fprintf(&b, `<node_state id="%d" uname="n%d" %s><lrm id="%d"><lrm_resources>%s</lrm_resources></lrm></node_state>`, n, n, state, n, entries)
	}
	b.WriteString(`</status></cib>`)
	return b.String()
}

func TestPlansHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := cluster(t)
		doc, err := xml.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		before := xml.Compact(doc.Root)
		in := scheduler.Input{CIB: doc.Root, Now: now}
		plan, err := scheduler.Plan(in)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, xml.Compact(doc.Root)) {
			t.Fatal("planning changed the CIB")
		}
		again, _ := scheduler.Plan(in)
		if !bytes.Equal(plan.Graph.XML(), again.Graph.XML()) || !bytes.Equal(plan.Dot(true, true), again.Dot(true, true)) {
			t.Fatal("two plans for the same input differ")
		}
		for _, s := range plan.Graph.Synapses {
			a := s.Action
			if a.Kind != transition.ResourceOp || (a.Operation != "start" && a.Operation != "promote") {
				continue
			}
			if n := plan.Cluster.FindNode(a.Node); n == nil || !n.Online || n.Unclean || n.Standby || n.Pending {
				t.Fatalf("%s on %s, which cannot run it\n%s", a.Key, a.Node, text)
			}
		}
		// Carried out again and again, plans come to rest: placement depends a
		// little on where things run, so the first one need not be the last.
		for round := 0; ; round++ {
			sim := &dryrun.Simulation{CIB: doc.Root, Now: now, Known: func(id string) bool { return plan.Cluster.Find(id) != nil }}
			whole := plan.Cluster.Quorate
			for _, n := range plan.Cluster.Nodes {
				whole = whole && !n.Unclean
			}
			if sim.Execute(plan.Graph) != transition.Complete {
				if !whole { // some actions may have to wait for better times
					return
				}
				t.Fatalf("actions wait for each other\n%s", text)
			}
			if plan, err = scheduler.Plan(in); err != nil {
				t.Fatal(err)
			}
			for _, r := range plan.Cluster.All {
				if r.Kind == status.Primitive && len(r.Active) > 1 {
					t.Fatalf("%s runs in two places\n%s", r.ID, text)
				}
			}
			if !busy(plan.Graph) {
				break
			}
			if round == 5 {
				t.Fatalf("no rest after six plans\n%s\n%s", text, plan.Graph.XML())
			}
		}
	})
}

// busy tells whether a graph changes anything (probes and monitors do not).
func busy(g *transition.Graph) bool {
	for _, s := range g.Synapses {
		if a := s.Action; a.Kind == transition.ResourceOp && a.Operation != "monitor" && a.Operation != "notify" {
			return true
		}
	}
	return false
}
