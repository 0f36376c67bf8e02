package controller

import (
	"maps"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
)

// What a node should be the status says: a member, or down. To the scheduler, as to Pacemaker's, who is offline and not expected is cleanly down, and what
// runs there is started elsewhere. A person may delete that from the status, though, and whoever could write it again may be lost before it has: so each
// controller keeps what the cluster wrote.

// expectedDown tells that a node was about to leave in good order, by the CIB.
func (c *Controller) expectedDown(name string) bool { return c.saidExpected(name) == "down" }

// expected is what a node should be: member, down, or "" where nothing tells. Where the CIB does not, a member is who was written down as one and
// not as down since, and who others say that they have lost: they may know what this node, which has just come, does not.
func (c *Controller) expected(name string) string {
	if said := c.saidExpected(name); said != "" {
		return said
	}
	if p := c.peers[name]; c.expects[name] == "member" || p != nil && p.suspect && p.word != "" {
		return "member"
	}
	return ""
}

// saidExpected is what the CIB says that a node should be; "" where it says nothing.
func (c *Controller) saidExpected(name string) string {
	if st := cib.Section(c.effects.CIB(), "status"); st != nil {
		for _, s := range st.SelectElements("node_state") {
			if s.SelectAttrValue("uname", "") == name && !remoteState(s) {
				return s.SelectAttrValue("expected", "")
			}
		}
	}
	return ""
}

// noteExpected keeps what the cluster itself wrote of nodes: whether they are expected to be there. Who was a member stays one where a document
// that is taken over has nothing of it, for that may have been deleted; not so who was removed from the configuration.
func (c *Controller) noteExpected(ch replica.Change) {
	switch {
	case ch.Synced:
		maps.DeleteFunc(c.expects, func(_, what string) bool { return what != "member" })
		if st := cib.Section(c.effects.CIB(), "status"); st != nil {
			for _, s := range st.SelectElements("node_state") {
				c.expect(s)
			}
		}
	case ch.Client == ClientController && ch.Data != nil && ch.Data.Tag == "node_state":
		c.expect(ch.Data)
	}
	if ch.Synced || ch.Config {
		c.forgetRemoved()
	}
}

// forgetRemoved expects nothing of nodes that are not here, and not configured any more, whoever has lost them: should one be added under that name, it is another.
func (c *Controller) forgetRemoved() {
	maps.DeleteFunc(c.expects, func(name, _ string) bool {
		return c.peers[name] == nil && c.removed(&peer{Member: Member{Name: name}})
	})
	for name, p := range c.peers {
		if c.removed(p) {
			delete(c.expects, name)
			p.word = ""
		}
	}
}

func (c *Controller) expect(state *etree.Element) {
	if a := state.SelectAttr("expected"); a != nil {
		c.expects[state.SelectAttrValue("uname", "")] = a.Value
	}
}
