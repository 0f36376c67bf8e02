package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"golang.org/x/sys/unix"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/cib/xml"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
)

// cluster is a CIB of some nodes and resources, each of which was probed on every node.
func cluster(t testing.TB, nodes, resources int) *etree.Element {
	t.Helper()
	var names, prims, states strings.Builder
	for r := 1; r <= resources; r++ {
		fmt.Fprintf(&prims, `<primitive id="r%d" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="r%d-monitor" name="monitor" interval="10s"/></operations></primitive>`, r, r)
	}
	for n := 1; n <= nodes; n++ {
		fmt.Fprintf(&names, `<node id="%d" uname="node%d"/>`, n, n)
		fmt.Fprintf(&states, `<node_state id="%d" uname="node%d" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="%d"><lrm_resources>`, n, n, n)
		for r := 1; r <= resources; r++ {
			task, rc := "monitor", 7
			if r%nodes == n%nodes {
				task, rc = "start", 0
			}
			fmt.Fprintf(&states, `<lrm_resource id="r%d" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="r%d_last_0" operation_key="r%d_%s_0" operation="%s" crm_feature_set="3.19.0" transition-key="%d:2:%d:1b7fa1a4-6a3c-4e8d-9d2f-000000000000" transition-magic="0:%d;%d:2:%d:1b7fa1a4-6a3c-4e8d-9d2f-000000000000" exit-reason="" on_node="node%d" call-id="%d" rc-code="%d" op-status="0" interval="0" last-rc-change="1795449600" exec-time="11" queue-time="0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/></lrm_resource>`, r, r, r, task, task, r, rc, rc, r, rc, n, r, rc)
		}
		states.WriteString(`</lrm_resources></lrm></node_state>`)
	}
	doc, err := cib.Parse([]byte(`<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config/><nodes>` +
		names.String() + `</nodes><resources>` + prims.String() + `</resources><constraints/></configuration><status>` + states.String() + `</status></cib>`))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// result has a node tell a result, and gives the patchset of it as it is read from a message.
func result(t testing.TB, d *cib.Document, node, resource string, call int) *etree.Element {
	t.Helper()
	data, err := xml.ParseString(fmt.Sprintf(`<node_state id="%s"><lrm id="%s"><lrm_resources><lrm_resource id="%s"><lrm_rsc_op id="%s_last_0" operation="monitor" rc-code="0" call-id="%d" transition-magic="0:0;1:3:0:x"/></lrm_resource></lrm_resources></lrm></node_state>`, node, node, resource, resource, call))
	if err != nil {
		t.Fatal(err)
	}
	return change(t, d, cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: data.Root})
}

func change(t testing.TB, d *cib.Document, req cib.Request) *etree.Element {
	t.Helper()
	if res, err := d.Apply(req); err != nil || !res.Changed {
		t.Fatalf("%+v: %v", res, err)
	}
	doc, err := xml.Parse(xml.Compact(d.Diff(patch.Versions)))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// TestMirror: what is followed is what would be read; what was read already is passed over, and
// a gap is an error.
func TestMirror(t *testing.T) {
	d := cib.Hold(cluster(t, 3, 5))
	early := result(t, d, "2", "r1", 100)
	m := newMirror(d.Root().Copy())
	same := func(when string) {
		t.Helper()
		s, want := m.snapshot(tui.Snapshot{}), newMirror(d.Root().Copy()).snapshot(tui.Snapshot{})
		if a, b := string(xml.Compact(s.Root)), string(xml.Compact(want.Root)); a != b {
			t.Fatalf("%s: shown is\n%s\nwant\n%s", when, a, b)
		}
		if (s.Raw == nil) != (want.Raw == nil) || s.Raw != nil && string(xml.Compact(s.Raw)) != string(xml.Compact(d.Root())) {
			t.Fatalf("%s: the cluster's own document differs", when)
		}
	}
	same("at first")
	ops, err := m.follow([]*etree.Element{early, result(t, d, "2", "r3", 101), result(t, d, "3", "new", 102)})
	if err != nil || len(ops) != 2 || ops[0].SelectAttrValue("id", "") != "r3_last_0" || ops[1].SelectAttrValue("id", "") != "new_last_0" {
		t.Fatalf("%v %v", ops, err)
	}
	same("after results")
	el := etree.NewElement("primitive")
	for _, a := range [][2]string{{"id", "more"}, {"class", "ocf"}, {"provider", "pacemaker"}, {"type", "Dummy"}} {
		el.CreateAttr(a[0], a[1])
	}
	if _, err := m.follow([]*etree.Element{change(t, d, cib.Request{Op: cib.Create, Section: "resources", Data: el})}); err != nil {
		t.Fatal(err)
	}
	same("after a change of the configuration")
	ops, err = m.follow([]*etree.Element{result(t, d, "1", "r4", 110), result(t, d, "2", "r4", 111), result(t, d, "1", "r4", 112)})
	if err != nil || len(ops) != 2 {
		t.Errorf("one that came to two results is told %d times: %v", len(ops)-1, err)
	}
	brief := []*etree.Element{result(t, d, "1", "brief", 113), change(t, d, cib.Request{Op: cib.Delete, XPath: true, Section: "//lrm_resource[@id='brief']"})}
	if ops, err := m.follow(brief); err != nil || len(ops) != 0 {
		t.Errorf("what is gone is told: %v %v", ops, err)
	}
	gone := change(t, d, cib.Request{Op: cib.Delete, XPath: true, Section: "/cib/status/node_state[@id='2']"})
	if ops, err := m.follow([]*etree.Element{gone, gone}); err != nil || len(ops) != 0 {
		t.Fatalf("%v %v", ops, err)
	}
	same("after a deletion")
	result(t, d, "1", "r1", 103) // not told of
	if _, err := m.follow([]*etree.Element{result(t, d, "1", "r2", 104)}); err == nil {
		t.Error("a gap is not seen")
	}
	if _, err := newMirror(d.Root().Copy()).follow([]*etree.Element{nil}); err == nil {
		t.Error("a change without its patchset is not seen")
	}
}

// TestFollowedEvents: what is followed is told as what is read is.
func TestFollowedEvents(t *testing.T) {
	d := cib.Hold(cluster(t, 3, 5))
	m := newMirror(d.Root().Copy())
	page := &pageScreen{&request{Page: screen.Page{Sections: screen.DefaultText}}}
	read, followed := tui.New(page, tui.Options{}), tui.New(page, tui.Options{})
	at := time.Unix(1795449700, 0)
	read.Take(tui.Snapshot{Root: d.Root().Copy(), At: at})
	followed.Take(m.snapshot(tui.Snapshot{At: at}))
	data, err := xml.ParseString(`<node_state id="2"><lrm id="2"><lrm_resources><lrm_resource id="r2"><lrm_rsc_op id="r2_last_0" operation="stop" rc-code="1" call-id="9" exit-reason="no" transition-key="1:5:0:x" transition-magic="0:1;1:5:0:x"/></lrm_resource></lrm_resources></lrm></node_state>`)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := m.follow([]*etree.Element{change(t, d, cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: data.Root})})
	if err != nil {
		t.Fatal(err)
	}
	s := m.snapshot(tui.Snapshot{At: at.Add(time.Second), Same: true, Ops: ops})
	got, want := followed.Take(s), read.Take(tui.Snapshot{Root: d.Root().Copy(), At: at.Add(time.Second)})
	if len(got) == 0 || !slices.Equal(got, want) || !strings.Contains(strings.Join(got, " "), "stop of r2 on node2") {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// BenchmarkFollow is a second of a cluster of 16 nodes and 1000 resources in which 20 resources
// come to a new result, taken in and drawn. One a second may cost 50 ms.
func BenchmarkFollow(b *testing.B) {
	root := cluster(b, 16, 1000)
	d, m := cib.Hold(root.Copy()), newMirror(root)
	page := tui.New(&pageScreen{&request{Page: screen.Page{Sections: screen.DefaultText, Inactive: true}}}, tui.Options{Color: true})
	page.Resize(120, 40)
	s := m.snapshot(tui.Snapshot{At: time.Unix(1795449700, 0)})
	page.Take(s)
	page.Frame()
	spent, began := time.Duration(0), time.Duration(0)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		var patches []*etree.Element
		for r := range 20 {
			patches = append(patches, result(b, d, fmt.Sprint(1+r%16), fmt.Sprintf("r%d", 1+(i*20+r)%1000), 2000+i))
		}
		b.StartTimer()
		began = cpu(b)
		ops, err := m.follow(patches)
		if err != nil {
			b.Fatal(err)
		}
		s = m.snapshot(s)
		s.Ops, s.Same = ops, true
		page.Take(s)
		page.Frame()
		spent += cpu(b) - began
	}
	b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "cpu-ms/op")
}

// cpu is the time that this process has been given.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestMirrorOfARewrittenDocument: what is shown has the document's own status, so that both are kept up by one patchset.
func TestMirrorOfARewrittenDocument(t *testing.T) {
	text := strings.Replace(twoNodes, `<cib `, `<cib admin_epoch="0" epoch="1" num_updates="0" `, 1)
	text = strings.Replace(text, "<resources>", `<resources><master id="M"><primitive id="S" class="ocf" provider="pacemaker" type="Stateful"/></master>`, 1)
	doc, err := cib.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m := newMirror(doc.Root)
	if m.shown == nil || m.shown.FindElement(".//master") != nil {
		t.Fatal("the document was not rewritten")
	}
	if m.shown.SelectElement("status") != m.doc.Root().SelectElement("status") {
		t.Error("the status that is shown is a copy")
	}
}
