package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/number"
	"hacluster/cib/xml"
	"hacluster/engine/transition"
)

// A node that was lost without a word while fencing is at hand is suspect: should it come back
// before it was fenced, it takes no part, for nobody knows what it did meanwhile. All must agree on
// who is suspect, or elections have no end: whoever hears a suspect node vote or announce itself
// says so to all, and a node that hears it of itself keeps still until it was fenced, or the DC
// acquits it, or those who wait for its fencing are gone.
//
// A join has all who take part in it judge alike (suspects.go). An acquittal counts for those who follow the DC that says so, and for nobody
// else: where there are two DCs, each of which suspects the other, the one must not be believed of whom the other waits for.
//
// A node that stood still, and was given up by the others meanwhile, has lost all of them when it comes back, and each
// side suspects the other. There the many are right: who is accused by most of the group, or by the DC that most of it follow (follow.go), none of
// whom accuse each other, keeps still and has nobody fenced. Two nodes have no majority: there the one that fences first wins.

// accuse tells all that a node is suspect.
func (c *Controller) accuse(name string) {
	c.effects.Broadcast(c.message("suspect", "", "uname", name))
}

// accused tells that others wait for this node's fencing.
func (c *Controller) accused() bool { return len(c.accusers) > 0 }

func (c *Controller) onSuspicion(from, name string) {
	p := c.peer(name)
	if from == c.self.Name && !p.suspect {
		// It was fenced, or acquitted, before the others heard this.
		c.effects.Broadcast(c.message("withdraw", "", "uname", name))
		return
	}
	c.blame(from, name)
	if name == c.self.Name {
		c.concede()
	}
	switch {
	case c.peer(from).suspect:
		return // that one has no say
	case name == c.self.Name:
		if !c.accused() {
			c.effects.Logf("Node %s waits for this node to be fenced: it takes no part until then", from)
		}
		c.accusers[from] = true
		c.keepStill()
		return
	}
	c.suspect(from, p)
}

// keepStill has this node take no part, for it is to be fenced.
func (c *Controller) keepStill() {
	if c.IsDC() {
		c.release("this node is to be fenced")
	}
	c.dc, c.joined = "", false
	c.electBy, c.electEnd, c.joinEnd = time.Time{}, time.Time{}, time.Time{}
	c.enter(Pending)
}

// blame keeps that a node waits for another's fencing.
func (c *Controller) blame(from, name string) {
	if c.blames[from] == nil {
		c.blames[from] = map[string]bool{}
	}
	c.blames[from][name] = true
}

// unblame forgets that anybody waits for a node's fencing.
func (c *Controller) unblame(name string) {
	for _, whom := range c.blames {
		delete(whom, name)
	}
}

// outvoted tells whether most of the group, none of whom accuse each other, accuse this node, or follow a DC that does.
func (c *Controller) outvoted() bool {
	if len(c.blames) == 0 {
		return false
	}
	members := 0
	var against []string
	for _, n := range c.names() {
		if c.peers[n].process {
			members++
			if n != c.self.Name && c.accuses(n, c.self.Name) {
				against = append(against, n)
			}
		}
	}
	agree := 0
	for _, a := range against {
		if !slices.ContainsFunc(against, func(b string) bool { return c.accuses(a, b) || c.accuses(b, a) }) {
			agree++
		}
	}
	return 2*agree > members
}

// concede has this node suspect none of those that accuse it where most do: it is this one that was lost.
func (c *Controller) concede() {
	if !c.outvoted() {
		return
	}
	still := c.accused()
	for _, n := range c.names() {
		if p := c.peers[n]; p.suspect && c.blames[n][c.self.Name] {
			c.effects.Logf("Node %s and most of the others wait for this node's fencing, so it waits for none of theirs", n)
			c.trust(p)
			c.accusers[n] = true
		}
	}
	if c.accused() && !still {
		c.keepStill()
	}
}

// overtaken has this node suspect nobody when a DC that it suspects has a document of a later term: that held among most of the nodes while this
// one stood still, and what was acknowledged in it this one does not know. The others may accuse nobody, for they had lost quorum with it, or
// have just come; it would have all of them fenced. Who suspects that DC on another's word has not lost it itself: the others went on without that one.
func (c *Controller) overtaken(dc string, msg *etree.Element) {
	if c.peer(dc).word != "" {
		return
	}
	theirs, err := cib.ParseTerm(msg.SelectAttrValue(termAttr, ""))
	if ours := c.effects.Term(); err != nil || theirs.Number <= ours.Number {
		return
	}
	c.effects.Logf("Node %s has the CIB of a later term, so this node waits for nobody's fencing", dc)
	if c.IsDC() {
		c.release("the others went on without this node")
	}
	for _, n := range c.names() {
		if p := c.peers[n]; p.suspect && p.process {
			c.trust(p)
			c.spared[n], p.cleared = true, p.joins
		}
	}
	c.dc, c.joined = "", false
	c.electBy, c.electEnd, c.joinEnd = time.Time{}, time.Time{}, time.Time{}
	c.enter(Pending)
	if !c.accused() {
		c.electBy = c.now.Add(c.timing.FirstElection)
		c.announce()
	}
}

// onWithdrawal takes note that a node no longer waits for another's fencing. Who waits for that on its word alone does so no more.
func (c *Controller) onWithdrawal(from, name string) {
	delete(c.blames[from], name)
	if name == c.self.Name {
		c.accuserLeft(from)
		return
	}
	p := c.peer(name)
	if p.suspect && p.word != from && from != c.dc {
		return // this node has its own reason, or another's
	}
	c.trust(p)
	if c.IsDC() && p.process && c.state != Election {
		c.offer()
	}
}

// trust ends the suspicion of a node, and says so to all where they have heard of it from this one. Those that
// are on their way are taken back when they arrive.
func (c *Controller) trust(p *peer) {
	p.suspect = false
	if c.blames[c.self.Name][p.Name] {
		delete(c.blames[c.self.Name], p.Name)
		c.effects.Broadcast(c.message("withdraw", "", "uname", p.Name))
	}
}

// suspect has a node take no part because another one says so.
func (c *Controller) suspect(from string, p *peer) {
	name := p.Name
	if p.suspect || !p.process || c.accused() {
		return
	}
	c.effects.Logf("Node %s takes no part before it was fenced, node %s says", name, from)
	p.suspect, p.word, p.phase = true, from, phaseNone
	switch {
	case name == c.dc:
		c.dc, c.joined = "", false
		c.startElection("the DC is to be fenced")
	case name == c.lostTo && c.dc == "" && c.state == Pending:
		c.startElection("the node that came first is to be fenced")
	case c.state == Election:
		c.countVotes()
	case c.IsDC():
		c.writeState(p, "suspect")
		c.abort("Node is to be fenced")
		c.joinProgress()
	}
}

// clear ends the suspicion of a node that was fenced. If it is back already, it may have heard of
// the suspicion, and is told; what it said before it hears that counts no more.
func (c *Controller) clear(p *peer) {
	if p.suspect && p.process {
		c.effects.Broadcast(c.message("withdraw", "", "uname", p.Name))
	}
	p.suspect, p.cleared = false, p.joins
}

// accusedAttr of a message tells that its sender keeps still until it was fenced.
const accusedAttr = "hacluster-accused"

// confesses takes note that a node is suspect to others, who were here before this one.
func (c *Controller) confesses(name string, msg *etree.Element) {
	p := c.peer(name)
	if msg.SelectAttrValue(accusedAttr, "") == "true" && name != c.self.Name && !p.pardoned() {
		c.suspect(c.self.Name, p)
	}
}

// accuserLeft takes note that a node left that may have waited for this node's fencing.
func (c *Controller) accuserLeft(name string) {
	if c.accusers[name] {
		delete(c.accusers, name)
		if !c.accused() {
			c.unaccused()
		}
	}
}

// acquit has nodes that wait for their fencing take part again where the scheduler sees no need
// of it: nobody else would ever fence them. Without quorum it could not ask for it. It tells whether there were any: a plan that
// takes them for cleanly down, while they are here, and may run what they ran, is not carried out, for a join with them follows.
func (c *Controller) acquit(g *transition.Graph) (acquitted bool) {
	if !c.quorate {
		return false
	}
	for _, n := range c.names() {
		p := c.peers[n]
		if !p.suspect || !p.process || slices.ContainsFunc(g.Synapses, func(s *transition.Synapse) bool {
			return s.Action.Operation == "stonith" && s.Action.Node == n
		}) {
			continue
		}
		c.sendAcquittal(n)
		acquitted = true
	}
	return acquitted
}

// disregard takes requests to shut down out of the CIB of nodes that wait for their fencing; it tells whether there were any,
// and the plan is to wait. To the scheduler, as to Pacemaker's, who asked to shut down is clean when it is offline. Such a node may have
// asked itself, as DC of a part without the others; it asks again when it takes part.
func (c *Controller) disregard() bool {
	st := cib.Section(c.effects.CIB(), "status")
	if st == nil {
		return false
	}
	found := false
	for _, s := range st.SelectElements("node_state") {
		name := s.SelectAttrValue("uname", "")
		if p := c.peers[name]; p == nil || !p.suspect || s.FindElement("transient_attributes//nvpair[@name='shutdown']") == nil {
			continue
		}
		found = true
		c.effects.Logf("Node %s is to be fenced: that it asked to shut down does not count", name)
		c.effects.SetAttribute(name, "shutdown", nil)
		c.update(cib.Request{Op: cib.Delete, XPath: true, Multiple: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/transient_attributes//nvpair[@name='shutdown']", xml.QuoteXPath(name))}, nil)
	}
	return found
}

// MayFence tells whether a node may be fenced on the cluster's behalf: without quorum only one of
// this partition, unless quorum does not matter; not by a node that most of the others want to have fenced.
func (c *Controller) MayFence(target string) bool {
	if c.outvoted() || c.spared[target] {
		return false
	}
	p := c.peers[target]
	return c.quorate || p != nil && p.ring || strings.EqualFold(c.option("no-quorum-policy", "stop"), "ignore") || c.remoteIsOurs(target)
}

// remoteIsOurs tells, without quorum, whether a node is a remote node that no other partition can be connected to, for all nodes are here, also those that corosync.conf
// has and the CIB does not know yet; or that those are to be fenced all the same. Among nodes that may not be connected to it the scheduler makes a difference; here each counts.
func (c *Controller) remoteIsOurs(target string) bool {
	r := cib.Section(c.effects.CIB(), "resources")
	if r == nil || !slices.ContainsFunc(r.FindElements(".//primitive"), func(p *etree.Element) bool {
		value := func(name string) string { return p.SelectAttrValue(name, "") }
		return value("id") == target && value("class") == "ocf" && value("provider") == "pacemaker" && value("type") == "remote"
	}) {
		return false
	}
	if number.IsTrue(c.option("fence-remote-without-quorum", "false")) {
		return true
	}
	away := func(name string) bool {
		p := c.peers[name]
		return p == nil || !p.ring
	}
	nodes := cib.Section(c.effects.CIB(), "nodes")
	return nodes != nil && !slices.ContainsFunc(nodes.SelectElements("node"), func(n *etree.Element) bool {
		return fullNode(n) && away(n.SelectAttrValue("uname", ""))
	}) && !slices.ContainsFunc(c.effects.Configured(), func(m Member) bool { return away(m.Name) })
}

// fencingAtHand tells whether lost nodes are to be fenced and there is a device for it.
func (c *Controller) fencingAtHand() bool {
	if number.IsFalse(c.option("fencing-enabled", "true")) {
		return false
	}
	r := cib.Section(c.effects.CIB(), "resources")
	return r != nil && slices.ContainsFunc(r.FindElements(".//primitive"), func(p *etree.Element) bool {
		return cib.Fences(r, p)
	})
}
