package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// apply has somebody change the document of w.
func (w *alone) apply(t *testing.T, client string, req cib.Request) {
	t.Helper()
	doc := cib.Hold(w.root)
	res, err := doc.Apply(req)
	if err != nil {
		t.Fatal(err)
	}
	w.root = doc.Root()
	w.c.CIBChanged(time.Unix(1000, 0), replica.Change{Client: client, Node: "n1", Op: req.Op, Section: req.Section, Data: req.Data, Doc: doc, Config: res.Config})
}

func element(t *testing.T, text string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// Whoever changes the status, and is none of the cluster's programs, has the nodes join anew before a plan is made.
func TestForeignStatusIsWrittenAgain(t *testing.T) {
	status := `<status><node_state id="1" uname="n1" in_ccm="true"/><node_state id="2" uname="n2" in_ccm="false" expected="down"/></status>`
	for _, c := range []struct {
		client string
		req    cib.Request
		joins  bool
	}{
		{"cibadmin", cib.Request{Op: cib.Replace, Section: "status", Data: element(t, status)}, true},
		{"", cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: element(t, `<node_state id="1" uname="n1" join="down"/>`)}, true},
		{"cibadmin", cib.Request{Op: cib.Delete, XPath: true, Section: "//node_state[@id='2']"}, true},
		{"cibadmin", cib.Request{Op: cib.Delete, XPath: true, Section: "//status"}, true},
		{"crm_node", cib.Request{Op: cib.Delete, Section: "status", Data: element(t, `<node_state uname="n1"/>`)}, true},
		{"crm_node", cib.Request{Op: cib.Delete, XPath: true, Section: "//node_state[@id='2']"}, false},
		{"crm_resource", cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: element(t, `<node_state id="1" uname="n1" join="down"/>`)}, false},
		{"cibadmin", cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: element(t, `<cluster_property_set id="x"/>`)}, false},
		{"cibadmin", cib.Request{Op: cib.Modify, Section: "nodes", CanCreate: true, Data: element(t, `<node id="1" uname="n1"/>`)}, false},
	} {
		w := begin()
		w.c.CIBChanged(time.Unix(1000, 0), replica.Change{Client: ClientController, Node: "n1", Op: cib.Modify, Section: "status", Data: element(t, `<node_state id="2" uname="n2" expected="member"/>`)})
		if c.req.Op == cib.Delete {
			w.root.SelectElement("status").AddChild(element(t, `<node_state id="1" uname="n1" in_ccm="true"/>`))
			w.root.SelectElement("status").CreateElement("node_state").CreateAttr("id", "2")
		}
		nodes := cib.Section(w.root, "nodes")
		nodes.AddChild(element(t, `<node id="2" uname="n2"/>`))
		w.settle()
		planned := w.planned
		w.updates = nil
		w.apply(t, c.client, c.req)
		if got := w.c.State() == Integration; got != c.joins || got && w.planned != planned {
			t.Errorf("%s of %s by %q: state %s, planned %d times", c.req.Op, c.req.Section, c.client, w.c.State(), w.planned-planned)
		}
		said := slices.ContainsFunc(w.updates, func(r cib.Request) bool {
			return r.Data != nil && r.Data.SelectAttrValue("uname", "") == "n2" && r.Data.SelectAttrValue("expected", "") == "member"
		})
		if want := c.joins && c.req.Op == cib.Replace; said != want {
			t.Errorf("%s of %s by %q: what is expected of n2 was written: %v, want %v", c.req.Op, c.req.Section, c.client, said, want)
		}
		w.settle()
		if w.c.State() != Idle {
			t.Errorf("%s of %s by %q: in the end %s", c.req.Op, c.req.Section, c.client, w.c.Describe())
		}
	}
}

// A configuration of another cluster, or of before a node had its id, may have a member's name under an id that nobody has.
func TestNodesOfAnotherIDGo(t *testing.T) {
	w := begin()
	w.updates = nil
	w.apply(t, "cibadmin", cib.Request{Op: cib.Replace, Section: "nodes", Data: element(t, `<nodes><node id="7" uname="n1"/><node id="3" uname="n3"/><node id="r" uname="r" type="remote"/></nodes>`)})
	var got []string
	for _, u := range w.updates {
		if u.Op == cib.Delete && u.Data != nil {
			got = append(got, u.Section+" "+string(xml.Compact(u.Data)))
		}
	}
	want := []string{`nodes <node id="7" uname="n1"/>`, `status <node_state id="7" uname="n1"/>`}
	if !slices.Equal(got, want) {
		t.Errorf("removed %q, want %q", got, want)
	}
}
