package node

import (
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/engine/controller"
)

// Ping asks the controller of a node, "" for this one, for its state; done hears "" when the
// node is no member of the group, or leaves it before it answers.
func (c *Core) Ping(node string, done func(state string)) {
	switch {
	case node == "" || node == c.self.Name:
		done(c.pingState())
		return
	case !slices.ContainsFunc(c.members, func(m controller.Member) bool { return m.Name == node }):
		done("")
		return
	}
	c.asked++
	ref := strconv.Itoa(c.asked)
	c.pings[ref] = ping{node, done}
	c.pingMessage("ping", node, ref, "")
}

// pingState is the controller's state for who asks; the log has it, too, as those who watch it go by that.
func (c *Core) pingState() string {
	state := string(c.Controller.State())
	c.world.Logf("controller: Current ping state: %s", state)
	return state
}

// ping is one that was not answered yet.
type ping struct {
	node string
	done func(state string)
}

func (c *Core) pingMessage(task, to, ref, state string) {
	m := etree.NewElement("message")
	for _, a := range [][2]string{{"t", controller.Type}, {"crm_task", task}, {"src", c.self.Name}, {"crm_host_to", to}, {"reference", ref}, {"crmd_state", state}} {
		m.CreateAttr(a[0], a[1])
	}
	c.send(m)
}

// pinged takes a message about pings; false when it is about something else.
func (c *Core) pinged(from string, msg *etree.Element) bool {
	task := msg.SelectAttrValue("crm_task", "")
	if task != "ping" && task != "pong" {
		return false
	}
	if msg.SelectAttrValue("crm_host_to", "") != c.self.Name {
		return true
	}
	ref := msg.SelectAttrValue("reference", "")
	if task == "ping" {
		c.pingMessage("pong", from, ref, c.pingState())
		return true
	}
	if p, ok := c.pings[ref]; ok && p.node == from {
		delete(c.pings, ref)
		p.done(msg.SelectAttrValue("crmd_state", ""))
	}
	return true
}

// unpinged ends the pings of a node that left.
func (c *Core) unpinged(node string) {
	for ref, p := range c.pings {
		if p.node == node {
			delete(c.pings, ref)
			p.done("")
		}
	}
}
