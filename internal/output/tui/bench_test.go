package tui

import (
	"fmt"
	"strings"
	"testing"

	"hacluster/cib"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
	"hacluster/internal/output/screen"
)

// big is a cluster of 16 nodes and 1000 resources that run.
func big(b *testing.B) Snapshot {
	b.Helper()
	var nodes, resources, states strings.Builder
	for n := 1; n <= 16; n++ {
		fmt.Fprintf(&nodes, `<node id="%d" uname="node%d"/>`, n, n)
		fmt.Fprintf(&states, `<node_state id="%d" uname="node%d" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="%d"><lrm_resources>`, n, n, n)
		for r := n; r <= 1000; r += 16 {
			fmt.Fprintf(&states, `<lrm_resource id="r%d" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="r%d_last_0" operation_key="r%d_start_0" operation="start" transition-key="%d:2:0:aa" transition-magic="0:0;%d:2:0:aa" call-id="%d" rc-code="0" op-status="0" interval="0" last-rc-change="1795449600" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/></lrm_resource>`, r, r, r, r, r, r)
		}
		states.WriteString(`</lrm_resources></lrm></node_state>`)
	}
	for r := 1; r <= 1000; r++ {
		fmt.Fprintf(&resources, `<primitive id="r%d" class="ocf" provider="pacemaker" type="Dummy"/>`, r)
	}
	doc, err := cib.Parse([]byte(`<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config/><nodes>` +
		nodes.String() + `</nodes><resources>` + resources.String() + `</resources><constraints/></configuration><status>` + states.String() + `</status></cib>`))
	if err != nil {
		b.Fatal(err)
	}
	return Snapshot{Root: doc.Root, At: at}
}

// BenchmarkRefresh is a new state taken in and drawn; one a second may cost 50 ms.
func BenchmarkRefresh(b *testing.B) {
	s := big(b)
	m := New(&plainPager{screen.Page{Sections: screen.DefaultText, Inactive: true}}, Options{Color: true})
	m.Resize(120, 40)
	m.Take(s)
	for b.Loop() {
		m.Take(s)
		m.Frame()
	}
}

// BenchmarkRefreshWhole is that with what comes before it: the answer of the CIB's daemon is
// parsed, and raised to the schema that is read.
func BenchmarkRefreshWhole(b *testing.B) {
	data := xml.Compact(big(b).Root)
	m := New(&plainPager{screen.Page{Sections: screen.DefaultText, Inactive: true}}, Options{Color: true})
	m.Resize(120, 40)
	for b.Loop() {
		doc, err := xml.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		s := Snapshot{Root: doc.Root, At: at}
		up, err := upgrade.ForSchedulerValid(doc.Root)
		if err != nil {
			b.Fatal(err)
		}
		s.Root, s.Raw = up.Root, doc.Root
		m.Take(s)
		m.Frame()
	}
	b.ReportMetric(float64(len(data)), "bytes")
}

// BenchmarkKey is a key that moves the cursor, and the frame after it; BenchmarkFilter one
// that changes what is listed.
func BenchmarkKey(b *testing.B) {
	m := New(&plainPager{screen.Page{Sections: screen.DefaultText, Inactive: true}}, Options{Color: true})
	m.Resize(120, 40)
	m.Take(big(b))
	for b.Loop() {
		m.Key("down")
		m.Frame()
	}
}

func BenchmarkFilter(b *testing.B) {
	m := New(&plainPager{screen.Page{Sections: screen.DefaultText, Inactive: true}}, Options{Color: true})
	m.Resize(120, 40)
	m.Take(big(b))
	m.Key("/")
	for b.Loop() {
		m.Key("7")
		m.Frame()
		m.Key("backspace")
	}
}

// BenchmarkResource is a page that needs the plan with its scores; BenchmarkDies one that
// plans and carries out on paper; BenchmarkPropose the plan of a change.
func BenchmarkResource(b *testing.B) {
	s := big(b)
	for b.Loop() {
		v := newView(s)
		v.page(Subject{Kind: Resource, ID: "r500"})
	}
}

func BenchmarkDies(b *testing.B) {
	v := newView(big(b))
	for b.Loop() {
		v.ifDies("node3")
	}
}

func BenchmarkPropose(b *testing.B) {
	v := newView(big(b))
	for b.Loop() {
		if _, err := v.propose(action{title: "x", edit: prefer("r500", "node4")}); err != nil {
			b.Fatal(err)
		}
	}
}
