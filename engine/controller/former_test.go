package controller

import (
	"slices"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// Attributes of before a node was started anew, in the CIB of those who had lost it, are taken out when it joins: counts of failures, and whatever was not
// in the document that it had. One that it knows stays, and one that somebody wrote into its own document.
func TestAttributesOfBefore(t *testing.T) {
	w := begin()
	all := []Member{{3, "n0"}, {1, "n1"}}
	w.c.Membership(w.c.now, all, true)
	w.c.Group(w.c.now, all)
	empty := xml.Copy(w.root)
	document := func(names ...string) *etree.Element {
		root := xml.Copy(empty)
		for _, node := range []string{"n0", "n1"} {
			state := cib.Section(root, "status").CreateElement("node_state")
			state.CreateAttr("uname", node)
			set := state.CreateElement("transient_attributes").CreateElement("instance_attributes")
			for _, name := range names {
				set.CreateElement("nvpair").CreateAttr("name", name)
			}
		}
		return root
	}
	w.set = append(w.set, "fail-count-s#stop_0", "known")
	w.c.dc, w.c.state = "", Pending
	w.c.Deliver(w.c.now, "n0", w.c.message("join_offer", "", "join_id", "1"))
	takeOver := func(root *etree.Element) {
		was := w.root
		w.root = root
		w.c.CIBChanged(w.c.now, replica.Change{Op: cib.Replace, Data: root, Synced: true, Was: was, Node: "n0", Client: "sync"})
	}
	joins := func() (gone []string) {
		w.updates = nil
		w.c.Deliver(w.c.now, "n0", w.c.message("join_ack_nack", "n1", "join_id", "1", "join_ack_nack", "true"))
		for _, u := range w.updates {
			if u.Op == cib.Delete {
				gone = append(gone, u.Section)
			}
		}
		return slices.DeleteFunc(gone, func(path string) bool { return path == "/cib/status/node_state[@uname='n1']/lrm" })
	}
	path := func(name string) string {
		return "/cib/status/node_state[@uname='n1']/transient_attributes//nvpair[@name='" + name + "']"
	}
	w.root = document("color", "fail-count-r#stop_0")
	if gone, want := joins(), []string{path("fail-count-r#stop_0")}; !slices.Equal(gone, want) {
		t.Errorf("without a takeover %v is taken out, not %v", gone, want)
	}
	takeOver(document("color", "master-m"))
	takeOver(document("color", "master-m", "known", "fail-count-r#stop_0", "fail-count-s#stop_0"))
	if gone, want := joins(), []string{path("master-m"), path("fail-count-r#stop_0")}; !slices.Equal(gone, want) {
		t.Errorf("%v is taken out, not %v", gone, want)
	}
	if gone, want := joins(), []string{path("fail-count-r#stop_0")}; !slices.Equal(gone, want) {
		t.Errorf("in the next join %v is taken out, not %v", gone, want)
	}
}
