package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
)

// farm writes the CIB of a cluster with nodes, groups of three, clones and
// single resources, all running where a plan would put them; down tells how
// many nodes are lost.
func farm(nodes, groups, clones, singles, down int) string {
	return farmOf(nodes, groups, clones, singles, down, true)
}

// farmOf is farm where resources may have been looked for on every node, or are known where they
// run only, and not looked for elsewhere.
func farmOf(nodes, groups, clones, singles, down int, probed bool) string {
	var b, history strings.Builder
	name := func(i int) string { return fmt.Sprintf("node%d", i+1) }
	b.WriteString(`<cib crm_feature_set="3.19.7" validate-with="pacemaker-4.0" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="opts"><nvpair id="o1" name="no-quorum-policy" value="stop"/>`)
	fmt.Fprintf(&b, `<nvpair id="o2" name="enable-startup-probes" value="%t"/></cluster_property_set></crm_config><nodes>`, probed)
	for i := range nodes {
		fmt.Fprintf(&b, `<node id="%d" uname="%s"/>`, i+1, name(i))
	}
	b.WriteString(`</nodes><resources><primitive id="fence" class="stonith" type="fence_lab"/>`)
	entries := make([]strings.Builder, nodes)
	add := func(node int, id, agent string, active bool) {
		e := &entries[node]
		fmt.Fprintf(e, `<lrm_resource id="%s" class="ocf" provider="heartbeat" type="%s"><lrm_rsc_op id="%s_last_0" operation_key="%s_start_0" operation="start" crm_feature_set="3.19.7" transition-key="1:1:0:11111111-1111-1111-1111-111111111111" transition-magic="0:0;1:1:0:11111111-1111-1111-1111-111111111111" call-id="5" rc-code="0" op-status="0" interval="0" last-rc-change="1700000000"/></lrm_resource>`, id, agent, id, id)
		if !active {
			s := e.String()
			e.Reset()
			e.WriteString(strings.TrimSuffix(s, s[strings.LastIndex(s, "<lrm_resource "):]))
			fmt.Fprintf(e, `<lrm_resource id="%s" class="ocf" provider="heartbeat" type="%s"><lrm_rsc_op id="%s_last_0" operation_key="%s_monitor_0" operation="monitor" crm_feature_set="3.19.7" transition-key="1:1:7:11111111-1111-1111-1111-111111111111" transition-magic="0:7;1:1:7:11111111-1111-1111-1111-111111111111" call-id="5" rc-code="7" op-status="0" interval="0" last-rc-change="1700000000"/></lrm_resource>`, id, agent, id, id)
		}
	}
	put := func(on int, id, agent string) {
		for i := range nodes {
			if probed || i == on {
				add(i, id, agent, i == on)
			}
		}
	}
	const ops = `<operations><op id="%s-monitor" name="monitor" interval="10s" timeout="20s"/><op id="%s-start" name="start" interval="0" timeout="40s"/></operations>`
	primitive := func(id, agent string) {
		fmt.Fprintf(&b, `<primitive id="%s" class="ocf" provider="heartbeat" type="%s"><instance_attributes id="%s-params"><nvpair id="%s-ip" name="ip" value="192.0.2.1"/></instance_attributes>`+ops+`</primitive>`, id, agent, id, id, id, id)
	}
	for g := range groups {
		fmt.Fprintf(&b, `<group id="group%d">`, g)
		for _, part := range []string{"fs", "ip", "db"} {
			id := fmt.Sprintf("%s%d", part, g)
			primitive(id, "Dummy")
			put(g%nodes, id, "Dummy")
		}
		b.WriteString(`</group>`)
	}
	for c := range clones {
		id := fmt.Sprintf("daemon%d", c)
		fmt.Fprintf(&b, `<clone id="%s-clone"><meta_attributes id="%s-meta"><nvpair id="%s-il" name="interleave" value="true"/></meta_attributes>`, id, id, id)
		primitive(id, "Dummy")
		b.WriteString(`</clone>`)
		for i := range nodes {
			add(i, id, "Dummy", true)
		}
	}
	for s := range singles {
		id := fmt.Sprintf("web%d", s)
		primitive(id, "Dummy")
		put(s%nodes, id, "Dummy")
	}
	b.WriteString(`</resources><constraints>`)
	for g := range groups {
		fmt.Fprintf(&b, `<rsc_location id="loc%d" rsc="group%d" node="%s" score="100"/>`, g, g, name(g%nodes))
		if clones > 0 {
			fmt.Fprintf(&b, `<rsc_colocation id="col%d" rsc="group%d" with-rsc="daemon%d-clone" score="INFINITY"/><rsc_order id="ord%d" first="daemon%d-clone" then="group%d"/>`, g, g, g%clones, g, g%clones, g)
		}
	}
	b.WriteString(`</constraints></configuration><status>`)
	for i := range nodes {
		state := `in_ccm="true" crmd="online" join="member" expected="member"`
		if i >= nodes-down {
			state = `in_ccm="false" crmd="offline" join="member" expected="member"`
		}
		fmt.Fprintf(&history, `<node_state id="%d" uname="%s" %s><lrm id="%d"><lrm_resources>%s</lrm_resources></lrm></node_state>`, i+1, name(i), state, i+1, entries[i].String())
	}
	return b.String() + history.String() + `</status></cib>`
}

func parse(tb testing.TB, text string) *etree.Element {
	tb.Helper()
	doc, err := xml.ParseString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return doc.Root
}

var when = time.Unix(1700000100, 0).UTC()

func benchmark(b *testing.B, text string) {
	root := parse(b, text)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// kinds of clusters, each of about n primitives on nodes nodes, all cold: they
// are probed, placed and started.
var kinds = map[string]func(nodes, n int) string{
	"groups": func(nodes, n int) string {
		return shaped(nodes, func(b *strings.Builder) {
			for g := range n / 5 {
				fmt.Fprintf(b, `<group id="g%d">`, g)
				for k := range 5 {
					simple(b, fmt.Sprintf("g%dp%d", g, k))
				}
				b.WriteString(`</group>`)
			}
		}, func(b *strings.Builder) {
			for g := 1; g < n/5; g++ {
				if g%4 != 0 {
					fmt.Fprintf(b, `<rsc_colocation id="k%d" rsc="g%d" with-rsc="g%d" score="100"/>`, g, g, g-1)
				}
			}
		})
	},
	"sets": func(nodes, n int) string {
		return shaped(nodes, func(b *strings.Builder) {
			for i := range n {
				simple(b, fmt.Sprintf("p%d", i))
			}
		}, func(b *strings.Builder) {
			for s := range n / 10 {
				for _, c := range []string{"rsc_order", `rsc_colocation score="INFINITY"`} {
					tag, attr, _ := strings.Cut(c, " ")
					fmt.Fprintf(b, `<%s id="%s%d" %s>`, tag, tag, s, attr)
					for half := range 2 {
						fmt.Fprintf(b, `<resource_set id="%s%d-%d">`, tag, s, half)
						for k := range 5 {
							fmt.Fprintf(b, `<resource_ref id="p%d"/>`, s*10+half*5+k)
						}
						b.WriteString(`</resource_set>`)
					}
					fmt.Fprintf(b, `</%s>`, tag)
				}
			}
		})
	},
	"bundles": func(nodes, n int) string {
		return shaped(nodes, func(b *strings.Builder) {
			for i := range n / 10 {
				fmt.Fprintf(b, `<bundle id="b%d"><podman image="x" replicas="3"/><network control-port="%d"/>`, i, 4000+i)
				simple(b, fmt.Sprintf("b%dp", i))
				b.WriteString(`</bundle>`)
			}
		}, nil)
	},
	"promotable": func(nodes, n int) string {
		return shaped(nodes, func(b *strings.Builder) {
			for i := range n / nodes {
				fmt.Fprintf(b, `<clone id="c%d"><meta_attributes id="c%dm"><nvpair id="c%dm1" name="promotable" value="true"/><nvpair id="c%dm2" name="notify" value="true"/></meta_attributes>`, i, i, i, i)
				simple(b, fmt.Sprintf("c%dp", i))
				b.WriteString(`</clone>`)
			}
		}, nil)
	},
	"utilization": func(nodes, n int) string {
		return shaped(nodes, func(b *strings.Builder) {
			for i := range n {
				fmt.Fprintf(b, `<primitive id="p%d" class="ocf" provider="lab" type="Dummy"><utilization id="p%du"><nvpair id="p%du1" name="cpu" value="%d"/></utilization></primitive>`, i, i, i, i%4)
			}
		}, nil)
	},
}

func simple(b *strings.Builder, id string) {
	fmt.Fprintf(b, `<primitive id="%s" class="ocf" provider="lab" type="Dummy"><operations><op id="%s-m" name="monitor" interval="10s"/></operations></primitive>`, id, id)
}

// shaped writes the CIB of a cluster whose nodes have just joined.
func shaped(nodes int, resources, constraints func(*strings.Builder)) string {
	var b strings.Builder
	b.WriteString(`<cib crm_feature_set="3.19.7" validate-with="pacemaker-4.0" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="placement-strategy" value="balanced"/></cluster_property_set></crm_config><nodes>`)
	for i := range nodes {
		fmt.Fprintf(&b, `<node id="%d" uname="node%d"><utilization id="u%d"><nvpair id="u%d-1" name="cpu" value="1000"/></utilization></node>`, i+1, i+1, i, i)
	}
	b.WriteString(`</nodes><resources><primitive id="fence" class="stonith" type="fence_lab"/>`)
	resources(&b)
	b.WriteString(`</resources><constraints>`)
	if constraints != nil {
		constraints(&b)
	}
	b.WriteString(`</constraints></configuration><status>`)
	for i := range nodes {
		fmt.Fprintf(&b, `<node_state id="%d" uname="node%d" in_ccm="true" crmd="online" join="member" expected="member"/>`, i+1, i+1)
	}
	b.WriteString(`</status></cib>`)
	return b.String()
}

// BenchmarkPlanShapes plans cold clusters of one kind at three sizes; the time
// is to grow with nodes × resources.
func BenchmarkPlanShapes(b *testing.B) {
	for _, kind := range []string{"groups", "sets", "bundles", "promotable", "utilization"} {
		for _, size := range [][2]int{{3, 100}, {8, 400}, {16, 1600}} {
			b.Run(fmt.Sprintf("%s/%dx%d", kind, size[0], size[1]), func(b *testing.B) {
				benchmark(b, kinds[kind](size[0], size[1]))
			})
		}
	}
}

// BenchmarkPlanFarm plans running farms of three sizes, where nothing is to be done. (In the
// largest, resources are known where they run only: 640,000 histories are no test of planning.)
func BenchmarkPlanFarm(b *testing.B) {
	for _, f := range []struct {
		size                           string
		nodes, groups, clones, singles int
		probed                         bool
	}{
		{"3x100", 3, 20, 4, 36, true},
		{"16x1000", 16, 200, 20, 380, true},
		{"64x10000", 64, 2000, 40, 3960, false},
	} {
		b.Run(f.size, func(b *testing.B) { benchmark(b, farmOf(f.nodes, f.groups, f.clones, f.singles, 0, f.probed)) })
	}
}

// BenchmarkPlanTraced is BenchmarkPlanFarm/16x1000 with the origins of all scores and actions.
func BenchmarkPlanTraced(b *testing.B) {
	root := parse(b, farm(16, 200, 20, 380, 0))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scheduler.Plan(scheduler.Input{CIB: root, Now: when, NoScores: true, Trace: &scheduler.Trace{}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlanTwoNodes(b *testing.B) { benchmark(b, farm(2, 2, 1, 4, 0)) }

func BenchmarkPlanIdle(b *testing.B) { benchmark(b, farm(16, 60, 10, 200, 0)) }

func BenchmarkPlanNodeLost(b *testing.B) { benchmark(b, farm(16, 60, 10, 200, 1)) }

func BenchmarkPlanLarge(b *testing.B) { benchmark(b, farm(32, 300, 20, 1000, 1)) }

func BenchmarkReadStatus(b *testing.B) {
	root := parse(b, farm(16, 60, 10, 200, 0))
	b.ReportAllocs()
	for b.Loop() {
		status.Read(status.Input{CIB: root, Now: when})
	}
}
