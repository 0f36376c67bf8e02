package controller

import (
	"fmt"
	"strconv"

	"github.com/beevik/etree"
)

// What nodes tell each other changes from one release to the next, and a cluster is upgraded node by node, while it runs. So releases have a level: which
// messages they understand, and which they can do without. The feature set is no use for that: it is Pacemaker's, is held at what Pacemaker's tools
// of old take, and says what a CIB means.
//
//   - Each node tells its level, and the least that it can work at, in votes and when it joins. A group works at the level that all its nodes have:
//     nobody sends what is of a higher one, see Agreed.
//   - Of several nodes that vote the one with the lower level decides, as it is with feature sets: all understand what it asks for.
//   - A node that cannot work with those that are there is refused, and leaves: which has to be said before it takes part in an election, for who
//     understands least would win that.
//
// New attributes of messages that others may leave aside without harm need no new level, nor do questions to one node, whose asker is answered when
// it does not.

// The levels of this release: what it understands, and what it needs others to. Nodes that tell none are of the first. The second has changes of the CIB
// for users in groups whose names have blanks (engine/replica/groups.go).
const (
	FirstLevel = 1
	Level      = 2
	LeastLevel = 1
)

const (
	// levelAttr of a vote, an offer and a join request is its sender's level, leastAttr the least it can work at.
	levelAttr = "hacluster-level"
	leastAttr = "hacluster-least-level"
)

// levels are those of a node.
type levels struct{ own, least int }

// told reads what a message tells of its sender.
func told(msg *etree.Element) levels {
	read := func(name string) int {
		if n, err := strconv.Atoi(msg.SelectAttrValue(name, "")); err == nil && n > FirstLevel {
			return n
		}
		return FirstLevel
	}
	l := levels{read(levelAttr), read(leastAttr)}
	l.least = min(l.least, l.own)
	return l
}

// fits tells whether nodes of these levels can work together.
func (l levels) fits(other levels) bool { return l.least <= other.own && other.least <= l.own }

// attrs are the attributes of a message that tell a node's levels.
func (l levels) attrs() []string {
	return []string{levelAttr, strconv.Itoa(l.own), leastAttr, strconv.Itoa(l.least)}
}

// noteLevel keeps what nodes tell in a join, as noteSchema does: all come to the same at the same message.
func (c *Controller) noteLevel(from string, msg *etree.Element) {
	switch msg.SelectAttrValue("crm_task", "") {
	case "join_offer":
		for _, p := range c.peers {
			p.levels = levels{}
		}
	case "join_request":
		c.peer(from).levels = told(msg)
	}
}

// Agreed is the level that every node of the group understands, the same on all at the same message; 0 until all have said.
func (c *Controller) Agreed() int {
	agreed := 0
	for _, n := range c.names() {
		p := c.peers[n]
		switch {
		case !p.process:
		case p.levels.own == 0:
			return 0
		case agreed == 0 || p.levels.own < agreed:
			agreed = p.levels.own
		}
	}
	return agreed
}

// misfit tells whether a vote or a request is of a node that cannot work with those that are there. Where there is a cluster already, its DC refuses that
// node, and the others leave it aside.
func (c *Controller) misfit(from string, msg *etree.Element) bool {
	theirs := told(msg)
	if from == c.self.Name || c.levels.fits(theirs) {
		return false
	}
	if !c.IsDC() {
		return c.joined
	}
	if c.state == Election {
		return false // two parts have met that cannot work together: who wins refuses the others
	}
	c.refuseLevel(from, theirs)
	return true
}

func (c *Controller) refuseLevel(name string, theirs levels) {
	reason := fmt.Sprintf("the cluster's nodes work at level %d of the messages between them, and at none below %d, this node at %d, and at none below %d; it needs the software that the other nodes have, or one in between",
		c.levels.own, c.levels.least, theirs.own, theirs.least)
	c.effects.Logf("Node %s is refused: %s", name, reason)
	c.effects.Broadcast(c.message("join_ack_nack", name, "join_id", strconv.Itoa(c.joinID), "join_ack_nack", "false", reasonAttr, reason))
}
