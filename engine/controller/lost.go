package controller

import (
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// A step of whose end nothing was heard in time is lost: the DC writes into the history of its node that it failed. Who keeps that history takes it in
// (internal/node), so that it is forgotten, cleared, and written again in a join as everything else.

// originAttr of an entry, and of a node's state, tells who wrote it, as with Pacemaker; lostOrigin is that of a step that was lost.
const (
	originAttr = "crm-debug-origin"
	lostOrigin = "controld_record_action_event"
)

// late fails the actions that took too long.
func (r *run) late(c *Controller) {
	if r == nil {
		return
	}
	lost := r.overdue(c.now)
	for _, i := range lost {
		a := r.graph.Synapses[i].Action
		c.effects.Logf("Transition %d: action %s on %s was lost", r.id, a.Key, a.Node)
		r.set(i, stepFailed)
		c.recordLost(a)
	}
	if len(lost) > 0 {
		c.abort("Action lost")
	}
}

// recordLost writes that an action took too long in the place of the node that never told
// how it ended, so that the next plan knows of it.
func (c *Controller) recordLost(a *transition.Action) {
	if a.Kind != transition.ResourceOp || a.Resource == nil || a.Resource.Tag != "primitive" {
		return
	}
	switch a.Operation {
	case "cancel", "delete", "lrm_delete", "clear_failcount", "notify", "meta-data":
		return // leave no history
	}
	via := a.Router
	if via == "" {
		via = a.Node
	}
	reason := "Controller on " + via + " did not return result in time"
	if via == c.self.Name {
		reason = "Local executor did not return result in time"
	}
	interval := strconv.FormatInt(a.Interval(), 10)
	ids := []string{a.Resource.ID + "_last_failure_0"}
	if a.Interval() == 0 {
		ids = append(ids, a.Resource.ID+"_last_0")
	}
	state := etree.NewElement("node_state")
	state.CreateAttr("id", a.NodeID)
	state.CreateAttr("uname", a.Node)
	lrm := state.CreateElement("lrm")
	lrm.CreateAttr("id", a.NodeID)
	rsc := lrm.CreateElement("lrm_resources").CreateElement("lrm_resource")
	for _, x := range [][2]string{{"id", a.Resource.ID}, {"class", a.Resource.Class}, {"provider", a.Resource.Provider}, {"type", a.Resource.Type}} {
		if x[1] != "" {
			rsc.CreateAttr(x[0], x[1])
		}
	}
	var op *etree.Element
	for _, id := range ids {
		op = rsc.CreateElement("lrm_rsc_op")
		now := strconv.FormatInt(c.now.Unix(), 10)
		for _, x := range [][2]string{
			{"id", id},
			{"operation_key", a.Resource.ID + "_" + a.Operation + "_" + interval},
			{"operation", a.Operation},
			{originAttr, lostOrigin},
			{"crm_feature_set", FeatureSet},
			{"transition-key", c.key(a)},
			{"transition-magic", "2:1;" + c.key(a)},
			{"exit-reason", reason},
			{"on_node", a.Node},
			{"call-id", "-1"},
			{"rc-code", "1"},
			{"op-status", "2"},
			{"interval", interval},
			{"last-rc-change", now},
			{"exec-time", "0"},
			{"queue-time", "0"},
		} {
			op.CreateAttr(x[0], x[1])
		}
	}
	c.update(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: state}, nil)
	c.countFailure(a.Node, op, true, ignoresFailure(a))
}

// Lost lists the entries of a history, elements lrm_rsc_op, that a change has a DC write of steps that were lost. Each has its resource as its parent.
func Lost(ch replica.Change) []*etree.Element {
	if ch.Client != ClientController || ch.Op != cib.Modify || ch.Data == nil || ch.Data.Tag != "node_state" {
		return nil
	}
	return slices.DeleteFunc(ch.Data.FindElements("lrm/lrm_resources/lrm_resource/lrm_rsc_op"), func(op *etree.Element) bool {
		return op.SelectAttrValue(originAttr, "") != lostOrigin
	})
}
