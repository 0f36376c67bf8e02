package scheduler_test

import (
	"cmp"
	"flag"
	"fmt"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/scheduler"
	"hacluster/engine/transition/dryrun"
)

var growth = flag.Bool("growth", false, "measure how the time of a plan grows with the size of a cluster")

// more kinds of clusters, for TestGrowth alone.
var moreKinds = map[string]func(nodes, n int) string{
	"chain": func(nodes, n int) string { // each resource starts after the one before it
		return shaped(nodes, plainOnes(n), func(b *strings.Builder) {
			for i := 1; i < n; i++ {
				fmt.Fprintf(b, `<rsc_order id="o%d" first="p%d" then="p%d"/>`, i, i-1, i)
			}
		})
	},
	"together": func(nodes, n int) string { // each with the one before it, at the same place
		return shaped(nodes, plainOnes(n), func(b *strings.Builder) {
			for i := 1; i < n; i++ {
				if i%10 != 0 {
					fmt.Fprintf(b, `<rsc_colocation id="k%d" rsc="p%d" with-rsc="p%d" score="INFINITY"/>`, i, i, i-1)
				}
			}
		})
	},
	"one group": func(nodes, n int) string {
		return shaped(nodes, func(b *strings.Builder) {
			b.WriteString(`<group id="g">`)
			plainOnes(n)(b)
			b.WriteString(`</group>`)
		}, nil)
	},
	"star": func(nodes, n int) string { // all after, and with, a clone
		return shaped(nodes, func(b *strings.Builder) {
			b.WriteString(`<clone id="c"><meta_attributes id="cm"><nvpair id="ci" name="interleave" value="true"/></meta_attributes>`)
			simple(b, "daemon")
			b.WriteString(`</clone>`)
			plainOnes(n)(b)
		}, func(b *strings.Builder) {
			for i := range n {
				fmt.Fprintf(b, `<rsc_order id="o%d" first="c" then="p%d"/><rsc_colocation id="k%d" rsc="p%d" with-rsc="c" score="INFINITY"/>`, i, i, i, i)
			}
		})
	},
	"hub": func(nodes, n int) string { // all after, and with, one primitive
		return shaped(nodes, func(b *strings.Builder) {
			simple(b, "hub")
			plainOnes(n)(b)
		}, func(b *strings.Builder) {
			for i := range n {
				fmt.Fprintf(b, `<rsc_order id="o%d" first="hub" then="p%d"/><rsc_colocation id="k%d" rsc="p%d" with-rsc="hub" score="10"/>`, i, i, i, i)
			}
		})
	},
	"big set": func(nodes, n int) string {
		return shaped(nodes, plainOnes(n), func(b *strings.Builder) {
			b.WriteString(`<rsc_order id="o"><resource_set id="os">`)
			for i := range n {
				fmt.Fprintf(b, `<resource_ref id="p%d"/>`, i)
			}
			b.WriteString(`</resource_set></rsc_order>`)
		})
	},
	"interleaved": func(nodes, n int) string { // clones of groups, one after the other
		return shaped(nodes, func(b *strings.Builder) {
			for i := range n / nodes / 2 {
				fmt.Fprintf(b, `<clone id="c%d"><meta_attributes id="c%dm"><nvpair id="c%dmi" name="interleave" value="true"/></meta_attributes><group id="c%dg">`, i, i, i, i)
				simple(b, fmt.Sprintf("c%da", i))
				simple(b, fmt.Sprintf("c%db", i))
				b.WriteString(`</group></clone>`)
			}
		}, func(b *strings.Builder) {
			for i := 1; i < n/nodes/2; i++ {
				fmt.Fprintf(b, `<rsc_order id="o%d" first="c%d" then="c%d"/><rsc_colocation id="k%d" rsc="c%d" with-rsc="c%d" score="INFINITY"/>`, i, i-1, i, i, i, i-1)
			}
		})
	},
	"unique": func(nodes, n int) string { // one clone of many instances
		return shaped(nodes, func(b *strings.Builder) {
			fmt.Fprintf(b, `<clone id="c"><meta_attributes id="cm"><nvpair id="cm1" name="globally-unique" value="true"/><nvpair id="cm2" name="clone-max" value="%d"/><nvpair id="cm3" name="clone-node-max" value="%d"/></meta_attributes>`, n, n/nodes+1)
			simple(b, "p")
			b.WriteString(`</clone>`)
		}, nil)
	},
	"rules": func(nodes, n int) string {
		return shaped(nodes, plainOnes(n), func(b *strings.Builder) {
			for i := range n {
				fmt.Fprintf(b, `<rsc_location id="l%d" rsc="p%d"><rule id="r%d" score="%d"><expression id="e%d" attribute="#uname" operation="eq" value="node%d"/></rule></rsc_location>`, i, i, i, i%100, i, i%nodes+1)
			}
		})
	},
	"tickets": func(nodes, n int) string {
		return shaped(nodes, plainOnes(n), func(b *strings.Builder) {
			for i := range n {
				fmt.Fprintf(b, `<rsc_ticket id="t%d" rsc="p%d" ticket="T" loss-policy="fence"/>`, i, i)
			}
		})
	},
}

func plainOnes(n int) func(*strings.Builder) {
	return func(b *strings.Builder) {
		for i := range n {
			simple(b, fmt.Sprintf("p%d", i))
		}
	}
}

// settle carries plans out until nothing is left to do.
func settle(tb testing.TB, root *etree.Element) {
	tb.Helper()
	for range 4 {
		res, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true})
		if err != nil {
			tb.Fatal(err)
		}
		if len(res.Graph.Synapses) == 0 {
			return
		}
		(&dryrun.Simulation{CIB: root, Now: when, Known: func(id string) bool { return res.Cluster.Find(id) != nil }}).Execute(res.Graph)
	}
}

// change makes a running cluster one in another state.
func change(root *etree.Element, state string) {
	nodes := root.FindElements("./status/node_state")
	last := nodes[len(nodes)-1]
	switch state {
	case "lost":
		last.CreateAttr("in_ccm", "false")
		last.CreateAttr("crmd", "offline")
	case "fresh": // the last node joined, and nothing is known of it
		for _, k := range last.ChildElements() {
			last.RemoveChild(k)
		}
	case "failed": // everything on the last node failed
		for _, op := range last.FindElements(".//lrm_rsc_op") {
			if op.SelectAttrValue("operation", "") == "start" {
				op.CreateAttr("rc-code", "1")
				op.CreateAttr("op-status", "4")
				key := op.SelectAttrValue("transition-key", "")
				op.CreateAttr("transition-magic", "4:1;"+key)
			}
		}
	}
}

// processor is the time that this thread has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(1, &u) // RUSAGE_THREAD
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestGrowth tells how the time of a plan grows as clusters of all kinds, in all states, double.
//
//	go test ./engine/scheduler -run TestGrowth -growth -v
func TestGrowth(t *testing.T) {
	if !*growth {
		t.Skip("not asked for")
	}
	all := map[string]func(nodes, n int) string{}
	var names []string
	for _, m := range []map[string]func(nodes, n int) string{kinds, moreKinds} {
		for k, f := range m {
			all[k] = f
			names = append(names, k)
		}
	}
	sort.Strings(names)
	for _, kind := range names {
		for _, state := range []string{"cold", "running", "lost", "fresh", "failed"} {
			t.Run(kind+"/"+state, func(t *testing.T) { grow(t, all[kind], state) })
		}
	}
}

// TestGrowthOfWork: where a cluster of any kind doubles, a plan allocates hardly more than twice as
// often. Allocations are counted, since they are the same on a busy machine. Where everything is
// to be together, scores of all go to all: that is quadratic by what it means.
func TestGrowthOfWork(t *testing.T) {
	limits := map[string]float64{"one group": 4.2, "interleaved": 3.4}
	for _, m := range []map[string]func(nodes, n int) string{kinds, moreKinds} {
		for kind, shape := range m {
			limit := cmp.Or(limits[kind], 2.5)
			for _, state := range []string{"cold", "running", "lost"} {
				work := func(n int) (allocations uint64) {
					root := parse(t, shape(4, n))
					if state != "cold" {
						settle(t, root)
						change(root, state)
					}
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					if _, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true}); err != nil {
						t.Fatal(err)
					}
					runtime.ReadMemStats(&after)
					return after.Mallocs - before.Mallocs
				}
				small, large := work(120), work(240)
				if float64(large) > limit*float64(small) {
					t.Errorf("%s/%s: %d allocations for 120 resources, %d for 240", kind, state, small, large)
				}
				if testing.Verbose() {
					t.Logf("%s/%s: %d, %d: x%.2f", kind, state, small, large, float64(large)/float64(small))
				}
			}
		}
	}
}

// TestFreshNodeAndSet: where a node joins a cluster whose resources are ordered by one set, each resource waits for the probes
// of all before it. A graph is then quadratic by what it means: Pacemaker 3.0.2's has the same triggers, here as counted.
func TestFreshNodeAndSet(t *testing.T) {
	for n, want := range map[int]int{50: 1292, 100: 4849} {
		root := parse(t, moreKinds["big set"](8, n))
		settle(t, root)
		change(root, "fresh")
		res, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true})
		if err != nil {
			t.Fatal(err)
		}
		triggers := 0
		for _, s := range res.Graph.Synapses {
			triggers += len(s.Inputs)
		}
		if triggers != want {
			t.Errorf("%d resources: %d triggers, want %d", n, triggers, want)
		}
	}
}

// TestRoomOfPlan: how much memory a plan keeps of each step that it looked at, where a cluster starts.
func TestRoomOfPlan(t *testing.T) {
	root := parse(t, kinds["groups"](8, 200))
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	res, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true})
	if err != nil {
		t.Fatal(err)
	}
	kept, steps := int64(live()-before), int64(len(res.Actions))
	t.Logf("%d bytes for each of %d steps", kept/steps, steps)
	if kept > 2200*steps {
		t.Errorf("a plan of %d steps keeps %d bytes for each", steps, kept/steps)
	}
	runtime.KeepAlive(root)
}

func grow(t *testing.T, shape func(nodes, n int) string, state string) {
	runtime.LockOSThread()
	line := ""
	var before time.Duration
	for _, n := range []int{500, 1000, 2000, 4000} {
		root := parse(t, shape(8, n))
		if state != "cold" {
			settle(t, root)
			change(root, state)
		}
		runtime.GC()
		begin := processor()
		res, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true})
		if err != nil {
			t.Fatal(err)
		}
		planned := processor() - begin
		begin = processor()
		(&dryrun.Simulation{CIB: root, Now: when, Known: func(id string) bool { return res.Cluster.Find(id) != nil }}).Execute(res.Graph)
		executed := processor() - begin
		line += fmt.Sprintf("  %6.1f (+%.1f)", float64(planned.Microseconds())/1000, float64(executed.Microseconds())/1000)
		if n == 4000 {
			line += fmt.Sprintf("  x%.1f", float64(planned)/float64(before))
		}
		before = planned
	}
	t.Log(line)
}

// TestFreshNodeAndChain: where resources that run are ordered one after the other and a node is
// to be probed, probes are not ordered before stops that nobody asked for.
func TestFreshNodeAndChain(t *testing.T) {
	const n = 200
	text := strings.Replace(moreKinds["chain"](3, n), `</constraints>`,
		`</constraints><rsc_defaults><meta_attributes id="d"><nvpair id="ds" name="resource-stickiness" value="100"/></meta_attributes></rsc_defaults>`, 1)
	for node := 1; node <= 2; node++ {
		var h strings.Builder
		fmt.Fprintf(&h, `expected="member"><lrm id="%d"><lrm_resources>`, node)
		for i := range n {
			task, rc := "monitor", 7
			if i%2 == node-1 {
				task, rc = "start", 0
			}
			fmt.Fprintf(&h, `<lrm_resource id="p%d" class="ocf" provider="lab" type="Dummy"><lrm_rsc_op id="p%d_last_0" operation="%s" operation_key="p%d_%s_0" call-id="5" rc-code="%d" op-status="0" interval="0" transition-key="1:1:%d:11111111-1111-1111-1111-111111111111" transition-magic="0:%d;1:1:%d:11111111-1111-1111-1111-111111111111" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/></lrm_resource>`,
				i, i, task, i, task, rc, rc, rc, rc)
		}
		h.WriteString(`</lrm_resources></lrm></node_state>`)
		state := fmt.Sprintf(`<node_state id="%d" uname="node%d" in_ccm="true" crmd="online" join="member" `, node, node)
		text = strings.Replace(text, state+`expected="member"/>`, state+h.String(), 1)
	}
	res, err := scheduler.Plan(scheduler.Input{CIB: parse(t, text), Now: when, NoScores: true})
	if err != nil {
		t.Fatal(err)
	}
	count := func() (relations int) {
		for _, a := range res.Actions {
			relations += len(a.Before)
		}
		return relations
	}
	probes := 0
	for _, s := range res.Graph.Synapses {
		switch {
		case s.Action.Operation == "monitor" && s.Action.Node == "node3":
			probes++
		case s.Action.Operation == "stop" && strings.HasPrefix(s.Action.Key, "p"):
			t.Fatalf("%s is in the graph", s.Action.Key)
		}
	}
	if k := count(); probes < n || k > 20*n {
		t.Errorf("%d probes, %d relations for %d resources", probes, k, n)
	}
	res.Dot(true, false) // shows them
	if k := count(); k < n*n/4 {
		t.Errorf("a drawing of everything shows %d relations only", k)
	}
}
