package node

import (
	"github.com/beevik/etree"

	"hacluster/engine/controller"
)

// Forget has all nodes forget one that is gone for good: it is known again when it is
// back in the ring.
func (c *Core) Forget(node string) {
	m := etree.NewElement("message")
	for _, a := range [][2]string{{"t", controller.Type}, {"crm_task", "rm_node_cache"}, {"src", c.self.Name}, {"uname", node}} {
		m.CreateAttr(a[0], a[1])
	}
	c.send(m)
}

// forgets takes a message about a node that is to be forgotten; false when it is
// about something else. A member of the ring is not forgotten.
func (c *Core) forgets(msg *etree.Element) bool {
	if msg.SelectAttrValue("crm_task", "") != "rm_node_cache" {
		return false
	}
	node := msg.SelectAttrValue("uname", "")
	for _, m := range c.ring {
		if m.Name == node {
			return true
		}
	}
	c.forgotten[node] = true
	return true
}
