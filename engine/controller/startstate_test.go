package controller

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// TestBeginAs: a node joins in the state that its host wishes, once; what stands in the CIB already is changed there.
func TestBeginAs(t *testing.T) {
	for _, c := range []struct{ state, before, want string }{
		{"standby", "", `id="nodes-1-standby" name="standby" value="true"`},
		{"Online", `<instance_attributes id="own"><nvpair id="o" name="standby" value="on"/></instance_attributes>`, `<instance_attributes id="own"><nvpair id="o" name="standby" value="false"/>`},
		{"default", "", ""},
		{"", "", ""},
		{"asleep", "", ""},
	} {
		w := &alone{root: cib.New()}
		if c.before != "" {
			doc, err := xml.ParseString(`<node id="1" uname="n1">` + c.before + `</node>`)
			if err != nil {
				t.Fatal(err)
			}
			cib.Section(w.root, "nodes").AddChild(doc.Root)
		}
		w.c = New(Identity{Member: Member{ID: 1, Name: "n1"}, UUID: "u", StartState: c.state}, DefaultTiming, w)
		written := ""
		for range 2 {
			w.c.beginAs()
			for _, r := range w.updates {
				if r.Section == "nodes" {
					written += string(xml.Compact(r.Data))
				}
			}
			w.updates = nil
		}
		if strings.Count(written, "<nvpair") > 1 || !strings.Contains(written, c.want) || c.want == "" && written != "" {
			t.Errorf("%q: written %s, want %s", c.state, written, c.want)
		}
	}
}

// TestOwnActionLimit: a node's own limit counts before the cluster's, 0 is twice its cores.
func TestOwnActionLimit(t *testing.T) {
	for own, want := range map[string]int{"": 6, "1": 1, "0": 8, "x": 6} {
		w := &alone{root: cib.New()}
		doc, err := xml.ParseString(`<cluster_property_set id="p"><nvpair id="n" name="node-action-limit" value="6"/></cluster_property_set>`)
		if err != nil {
			t.Fatal(err)
		}
		cib.Section(w.root, "crm_config").AddChild(doc.Root)
		w.c = New(Identity{Member: Member{ID: 1, Name: "n1"}, UUID: "u", ActionLimit: own}, DefaultTiming, w)
		w.c.Sample(time.Unix(1, 0), Sample{Cores: 4})
		if w.c.own.jobs != want {
			t.Errorf("limit %s: %d jobs, want %s", own, w.c.own.jobs, strconv.Itoa(want))
		}
	}
}
