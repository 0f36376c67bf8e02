package controller

import (
	"maps"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
)

// What a person, or a program that is none of the cluster's, writes into the status section may be anything: a copy of
// yesterday's, or nothing at all. No plan may be made from it, for services would be started that run elsewhere. So
// the DC begins a join, in which every node writes again what it runs, and what the cluster knows of nodes and
// attributes is written again, too. So it is with Pacemaker (controld_cib.c, attrd_cib.c), which looks at the section of
// nodes as well: here nodes that are missing there are written without a join. It trusts crm_node also where that has a node forgotten which is here, and
// then starts elsewhere what runs there: not so here.

// careful are the clients that change the status only by what holds: the cluster's daemons, under their names of
// all times, and tools that go through them or write what they order.
var careful = []string{
	ClientAttributes, "pacemaker-attrd", "cib", "pacemaker-based", ClientController, "pacemaker-controld", ClientExecutor, "pacemaker-execd",
	"stonith-ng", "stonithd", "pacemaker-fenced", "pengine", "pacemaker-schedulerd", "pacemakerd",
	"attrd_updater", "crm_attribute", forgets, "crm_resource", "crm_ticket",
}

// forgets is a careful client that takes away what the status has of a node that is gone for good, and may be told so of one that is here.
const forgets = "crm_node"

// foreign tells that a change put something into the status that the nodes may know better, or took away what it had of one that is here.
func (c *Controller) foreign(ch replica.Change) bool {
	if ch.Synced || ch.Doc == nil || slices.Contains(careful, ch.Client) && (ch.Client != forgets || !c.forgotten()) {
		return false
	}
	patch := ch.Doc.Diff()
	if patch == nil {
		return false
	}
	for _, p := range patch.SelectElements("change") {
		path := p.SelectAttrValue("path", "")
		if path == "/cib/status" || strings.HasPrefix(path, "/cib/status/") {
			return true
		}
		if path == "/cib" && p.SelectAttrValue("operation", "") == "create" && p.SelectElement("status") != nil {
			return true
		}
	}
	return false
}

// forgotten tells whether the status has nothing of a node that takes part.
func (c *Controller) forgotten() bool {
	return slices.ContainsFunc(c.active(), func(p *peer) bool { return !c.hasState(p.Name) })
}

// recall has everything written again that the status should say.
func (c *Controller) recall(ch replica.Change) {
	c.effects.Logf("The status was changed by %s on %s: a join has all nodes write what they run", ch.Client, ch.Node)
	c.fenceTries = map[string]int{}
	c.effects.RewriteAttributes("")
	for _, name := range slices.Sorted(maps.Keys(c.expects)) {
		id := c.nodeID(name)
		if id == "" || !c.hasState(name) || c.saidExpected(name) == c.expects[name] {
			continue
		}
		s := etree.NewElement("node_state")
		s.CreateAttr("id", id)
		s.CreateAttr("uname", name)
		s.CreateAttr("expected", c.expects[name])
		c.update(cib.Request{Op: cib.Modify, Section: "status", Data: s}, nil)
	}
	c.offer()
}

// usurpers are the nodes of the configuration that have the name of a member and not its id: they were configured by
// somebody who did not know that.
func (c *Controller) usurpers() []*etree.Element {
	nodes := cib.Section(c.effects.CIB(), "nodes")
	if nodes == nil {
		return nil
	}
	var out []*etree.Element
	for _, n := range nodes.SelectElements("node") {
		p := c.peers[n.SelectAttrValue("uname", "")]
		if id := n.SelectAttrValue("id", ""); p != nil && p.process && p.ID != 0 && id != "" && id != c.nodeID(p.Name) {
			out = append(out, n)
		}
	}
	return out
}
