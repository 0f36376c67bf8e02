package controller

import (
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// Nodes and guests may be called anything. Whatever it is, their states are found and their histories written in the place of those that there are.
func TestNodesOfAnyName(t *testing.T) {
	for _, name := range []string{"n2", "it's", `it's "n2"`, "n2']|//x[@y='", "a]b"} {
		w := begin()
		all := []Member{{1, "n1"}, {2, name}}
		w.c.Membership(w.c.now, all, true) // its controller is awaited
		w.settle()
		w.updates = nil
		w.c.writePending()
		state := etree.NewElement("node_state")
		state.CreateAttr("uname", name)
		state.CreateElement("lrm").CreateAttr("id", "new")
		held := xml.Copy(state)
		held.SelectElement("lrm").CreateAttr("id", "old")
		cib.Section(w.root, "status").AddChild(held)
		w.updates = nil
		w.c.writeHistory(state, func(req cib.Request) { w.updates = append(w.updates, req) })
		if len(w.updates) != 2 || w.updates[0].Op != cib.Replace {
			t.Errorf("%s: %+v", name, w.updates)
			continue
		}
		if found, err := xml.Select(w.root, w.updates[0].Section); err != nil || len(found) != 1 || found[0].Element != held.SelectElement("lrm") {
			t.Errorf("%s: %s leads to %v, %v", name, w.updates[0].Section, found, err)
		}
	}
}
