package controller

import (
	"testing"
	"time"

	"hacluster/cib/xml"
)

// TestParting: nobody is fenced for not having been seen where all who are here leave before the cluster has gathered; who stays, or has not said so, keeps things as they are.
func TestParting(t *testing.T) {
	for _, c := range []struct {
		name           string
		self, gathered bool
		other          string // the other node's attribute shutdown
		alone, want    bool
	}{
		{name: "nobody leaves", other: "0"},
		{name: "this node leaves", self: true},
		{name: "the other one leaves", other: "1000"},
		{name: "both leave", self: true, other: "1000", want: true},
		{name: "the other one was asked in vain", self: true, other: "0"},
		{name: "this node leaves, alone", self: true, alone: true, want: true},
		{name: "both leave a cluster that has gathered", self: true, gathered: true, other: "1000"},
	} {
		w := begin()
		w.c.shutdown, w.c.gathered = c.self, c.gathered
		w.c.peers["n2"] = &peer{Member: Member{ID: 2, Name: "n2"}, process: !c.alone}
		if c.other != "" {
			doc, err := xml.ParseString(`<cib><status><node_state uname="n2"><transient_attributes><instance_attributes><nvpair name="shutdown" value="` + c.other + `"/></instance_attributes></transient_attributes></node_state></status></cib>`)
			if err != nil {
				t.Fatal(err)
			}
			w.root = doc.Root
		}
		if got := w.c.parting(); got != c.want {
			t.Errorf("%s: parting is %v", c.name, got)
		}
		w.c.now = w.c.now.Add(time.Second)
		w.c.plan()
		if w.spared != c.want {
			t.Errorf("%s: planned with sparing %v", c.name, w.spared)
		}
	}
}
