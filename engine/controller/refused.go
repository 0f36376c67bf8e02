package controller

import (
	"github.com/beevik/etree"

	"hacluster/engine/transition"
)

// A node does the steps of a plan for the DC alone that it follows. One that has given that role up, or has been acquitted, follows nobody until the next offer
// reaches it, and one that has met two DCs follows the last one that made it an offer. So no steps are ordered of who has not confirmed the last join, nor
// over its connections to remote nodes, and who does not do what it is told to says so: else the plan would wait until the step's time is over,
// and write into the history that it failed.

// refusedTask is the message of a node that does not do a step; its transition-magic is of the step. Nodes of releases that do not know it leave it
// aside, and wait as they always did.
const refusedTask = "lrm_refused"

// obeys tells whether this node does what it is told to: steps of a plan are for the DC to order that it takes part under. One that stood still
// may have given orders before it heard that the others have another DC; they come when it is back. A person's
// orders come from any node.
func (c *Controller) obeys(from string, order *etree.Element) bool {
	operation := order.SelectAttrValue("operation", "")
	if from == c.dc || operation == "delete" || operation == "asyncmon" {
		return true
	}
	c.effects.Logf("Order %s of node %s, which is not the DC, is not carried out", order.SelectAttrValue("operation_key", operation), from)
	return false
}

// refuseOrder tells who has ordered a step that it is not done.
func (c *Controller) refuseOrder(to string, order *etree.Element) {
	c.effects.Broadcast(c.message(refusedTask, to, "transition-magic", "1:193;"+order.SelectAttrValue("transition-key", "")))
}

// onRefused takes note that a step is not done, and will not be. What is planned next waits for the join that is about to have all follow one DC, or
// else a while, for it may be refused again.
func (c *Controller) onRefused(from string, msg *etree.Element) {
	if !c.IsDC() {
		return
	}
	a := c.fired(msg)
	if a == nil {
		return
	}
	c.effects.Logf("Transition %d: %s on %s is not done, node %s does not follow this one", c.run.id, a.Key, a.Node, from)
	c.run.set(c.run.byID[a.ID], stepFailed)
	if c.settled() {
		c.planAt = c.now.Add(refusedAgain)
	}
	c.abort("Order refused")
}

// fired is the step under way that a transition-magic is of; nil: there is none.
func (c *Controller) fired(el *etree.Element) *transition.Action {
	_, _, action, trans, _, uuid, ok := magic(el)
	if !ok || uuid != c.uuid || c.run == nil || c.run.id != trans {
		return nil
	}
	i, found := c.run.byID[action]
	if !found || c.run.steps[i] != stepFired {
		return nil
	}
	return c.run.graph.Synapses[i].Action
}

// unready is why no steps are ordered of a node; "" where it is to do them.
func (c *Controller) unready(name string) string {
	switch p := c.peers[name]; {
	case p == nil || !p.process:
		return "is not there"
	case p.phase != phaseConfirmed:
		return "takes no part yet"
	}
	return ""
}
