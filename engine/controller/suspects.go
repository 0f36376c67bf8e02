package controller

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Who takes part in a join is of one mind with the DC about who is suspect. The DC's offer names whom it suspects, of those that are not there,
// too: a node that has just come did not see them go, and would follow one of them when it comes back. A request to
// join names whom its sender suspects: the DC may have come later than that was said, or the sender heard too late, while it followed nobody,
// that the DC has acquitted that node.

const (
	// suspectsAttr of an offer and of a request names whom the sender suspects; followersAttr of an acquittal names for whom
	// the DC says so. One of an earlier version names nobody, and speaks for all.
	suspectsAttr  = "hacluster-suspects"
	followersAttr = "hacluster-followers"
)

// suspects names whom this node suspects.
func (c *Controller) suspects() string {
	return strings.Join(slices.DeleteFunc(c.names(), func(n string) bool { return !c.peers[n].suspect }), " ")
}

// named are the nodes that an attribute of a message names, but for this one and the sender.
func (c *Controller) named(from string, msg *etree.Element, attr string) []*peer {
	var out []*peer
	for _, n := range strings.Fields(msg.SelectAttrValue(attr, "")) {
		if n != from && n != c.self.Name {
			out = append(out, c.peer(n))
		}
	}
	return out
}

// offered takes over whom the DC suspects.
func (c *Controller) offered(dc string, msg *etree.Element) {
	if dc == c.self.Name || c.accused() {
		return
	}
	for _, p := range c.named(dc, msg, suspectsAttr) {
		switch {
		case !p.process:
			c.suspectAbsent(dc, p)
		case !p.pardoned(): // else the DC has not heard yet
			c.suspect(dc, p)
		}
	}
}

// requested takes over whom a node suspects that joins, or tells it once more who was acquitted.
func (c *Controller) requested(from string, msg *etree.Element) {
	for _, p := range c.named(from, msg, suspectsAttr) {
		switch {
		case p.suspect:
		case !p.process:
			c.suspectAbsent(from, p)
		case p.pardoned():
			c.sendAcquittal(p.Name)
		default:
			c.suspect(from, p)
		}
	}
}

// pardoned tells that a suspicion of a node's coming has ended here, so that nobody is right to hold one.
func (p *peer) pardoned() bool { return p.joins > 0 && p.cleared == p.joins }

// suspectAbsent has a node that is not there take no part when it comes back, because another one says so.
func (c *Controller) suspectAbsent(from string, p *peer) {
	if p.suspect || p.leaving || p.pardoned() || c.expectedDown(p.Name) {
		return
	}
	c.effects.Logf("Should node %s come back, it takes no part before it was fenced, node %s says", p.Name, from)
	p.suspect, p.word = true, from
}

// sendAcquittal tells that a node needs no fencing, as far as it is for this DC to say.
func (c *Controller) sendAcquittal(name string) {
	followers := []string{c.self.Name}
	for _, p := range c.taking() {
		if p.Name != c.self.Name {
			followers = append(followers, p.Name)
		}
	}
	c.effects.Broadcast(c.message("acquit", "", "uname", name, followersAttr, strings.Join(followers, " ")))
}

// onAcquit takes note that a DC, and those who follow it, do not wait for a node's fencing any more.
func (c *Controller) onAcquit(from string, msg *etree.Element) {
	name := msg.SelectAttrValue("uname", "")
	p := c.peer(name)
	follow := []string{from}
	if a := msg.SelectAttr(followersAttr); a != nil {
		follow = append(follow, strings.Fields(a.Value)...)
	} else if c.accusers[from] || from == c.dc {
		follow = c.names()
	}
	for _, f := range follow {
		delete(c.blames[f], name)
	}
	switch {
	case name == c.self.Name:
		c.acquitted(from, follow)
	case from == c.dc && p.suspect:
		c.effects.Logf("Node %s needs no fencing, it may take part", name)
		c.trust(p)
		p.cleared = p.joins
		if c.IsDC() && p.process && c.state != Election {
			c.offer()
		}
	case from == c.self.Name && c.run == nil:
		c.abort("Node needs no fencing") // the plan that said so is not carried out, see acquit
	}
}

// acquitted takes note that these wait for this node's fencing no more.
func (c *Controller) acquitted(dc string, by []string) {
	was := c.accused()
	for _, n := range by {
		delete(c.accusers, n)
	}
	switch {
	case c.accused() || !was:
	case c.peer(dc).suspect:
		c.unaccused()
	default:
		// It is this node that was lost: whom the others suspect the DC's offer tells, which is to come, unless the DC is lost before.
		if c.dc == "" {
			c.electBy = c.now.Add(c.timing.FirstElection)
		}
		for _, n := range c.names() {
			if p := c.peers[n]; p.process {
				c.trust(p)
			}
		}
	}
}

// unaccused has this node take part again.
func (c *Controller) unaccused() {
	c.dc, c.joined = "", false
	c.startElection("nobody waits for this node's fencing any more")
}
