package controller

import (
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// BeginAs has a node begin as its host wishes (PCMK_node_start_state): "standby" or "online", whatever it was before;
// "" and "default" leave it as it was. remote tells that it is a remote node.
func (c *Controller) BeginAs(node, id, state string, remote bool) {
	value, ok := map[string]string{"standby": "true", "online": "false"}[strings.ToLower(state)]
	switch {
	case ok:
	case state == "", strings.EqualFold(state, "default"):
		return
	default:
		c.effects.Logf("Unrecognized start state '%s', using 'default' (%s)", state, node)
		return
	}
	c.effects.Logf("Forcing node %s to join in %s state per configured environment", node, state)
	set, nvpair := "nodes-"+id, "nodes-"+id+"-standby"
	if nodes := cib.Section(c.effects.CIB(), "nodes"); nodes != nil {
		for _, n := range nodes.SelectElements("node") {
			if n.SelectAttrValue("id", "") != id {
				continue
			}
			if nv := n.FindElement("instance_attributes/nvpair[@name='standby']"); nv != nil {
				set, nvpair = nv.Parent().SelectAttrValue("id", set), nv.SelectAttrValue("id", nvpair)
			}
		}
	}
	all := etree.NewElement("nodes")
	n := all.CreateElement("node")
	n.CreateAttr("id", id)
	if remote {
		n.CreateAttr("type", "remote")
	}
	n.CreateAttr("uname", node)
	s := n.CreateElement("instance_attributes")
	s.CreateAttr("id", set)
	nv := s.CreateElement("nvpair")
	nv.CreateAttr("id", nvpair)
	nv.CreateAttr("name", "standby")
	nv.CreateAttr("value", value)
	c.Change(cib.Request{Op: cib.Modify, Section: "nodes", CanCreate: true, Data: all})
}

// beginAs does so with this node, when it joins for the first time.
func (c *Controller) beginAs() {
	state := c.startState
	c.startState = ""
	if !c.shutdown {
		c.BeginAs(c.self.Name, strconv.FormatUint(uint64(c.self.ID), 10), state, false)
	}
}
