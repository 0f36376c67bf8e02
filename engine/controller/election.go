package controller

import (
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// An election finds the node that decides. Everybody votes; who sees a vote of a
// better node gives way to it. Better is who stays, then who understands less (so that all
// understand what it writes; of feature sets, then of levels), then who is DC already, then who was taken in earlier, then whose name sorts first. It
// has to be one order, whoever looks.

// startElection votes for this node.
func (c *Controller) startElection(why string) {
	if c.exited {
		return
	}
	if c.accused() {
		c.enter(Pending)
		return
	}
	c.effects.Logf("Election: %s", why)
	c.electBy = time.Time{}
	c.joinEnd = time.Time{}
	c.electionID++
	c.votes = map[string]bool{}
	c.voters = nil
	for _, p := range c.active() {
		c.voters = append(c.voters, p.Name)
	}
	c.enter(Election)
	c.electEnd = c.now.Add(c.limit("election-timeout", c.timing.Election))
	c.effects.Broadcast(c.message("vote", "", append(c.levels.attrs(), "election-owner", strconv.FormatUint(uint64(c.self.ID), 10),
		"election-id", strconv.Itoa(c.electionID), "election-dc", strconv.FormatBool(c.IsDC()), leavingAttr, strconv.FormatBool(c.shutdown), sinceAttr, strconv.Itoa(c.since))...))
}

// leavingAttr of a vote and of a join request tells that the node is about to leave.
const leavingAttr = "hacluster-leaving"

func (c *Controller) onVote(from string, msg *etree.Element) {
	id := msg.SelectAttrValue("election-id", "")
	if from == c.self.Name {
		if c.state == Election && id == strconv.Itoa(c.electionID) {
			c.votes[from] = true
			c.countVotes()
		}
		return
	}
	c.noteRelease(from, msg)
	if c.peer(from).suspect {
		c.accuse(from)
		return
	}
	if c.accused() {
		c.giveWay(from, msg) // whoever it is: this node is no rival
		return
	}
	if c.misfit(from, msg) {
		return
	}
	if !c.beats(from, msg) {
		if c.gaveWay() {
			return // and so will that one
		}
		// Ours is better. It sees our vote unless it came to the group after it, or voted anew after
		// it gave way: then it does not hear that we won.
		if c.state != Election || !slices.Contains(c.voters, from) || c.votes[from] {
			c.startElection("node " + from + " votes and we come first")
		}
		return
	}
	if c.IsDC() {
		c.release("node " + from + " comes first in the election")
	}
	c.dc, c.joined = "", false
	c.lostTo, c.lostAt = from, c.now
	c.electEnd = time.Time{}
	c.enter(Pending)
	// Should the winner be lost before it says so, we try again.
	c.electBy = c.now.Add(c.limit("election-timeout", c.timing.Election))
	c.giveWay(from, msg)
}

// giveWay answers a vote.
func (c *Controller) giveWay(to string, vote *etree.Element) {
	c.effects.Broadcast(c.message("no-vote", to, "election-owner", vote.SelectAttrValue("election-owner", ""),
		"election-id", vote.SelectAttrValue("election-id", ""), accusedAttr, strconv.FormatBool(c.accused())))
}

// lossHolds is how long a node that gave way to another lets that one deal with further votes.
const lossHolds = 2 * time.Second

// gaveWay tells that this node has just given way to one that is there and comes before all that
// this node comes before.
func (c *Controller) gaveWay() bool {
	p := c.peers[c.lostTo]
	return c.state == Pending && c.dc == "" && p != nil && p.process && !p.suspect && c.now.Sub(c.lostAt) < lossHolds
}

// beats tells whether the sender of a vote comes before this node.
func (c *Controller) beats(from string, msg *etree.Element) bool {
	if theirs := msg.SelectAttrValue(leavingAttr, "") == "true"; theirs != c.shutdown {
		return c.shutdown
	}
	if d := compareFeatures(msg.SelectAttrValue("crm_feature_set", ""), FeatureSet); d != 0 {
		return d < 0
	}
	if theirs := told(msg).own; theirs != c.levels.own && !c.unlevelled() {
		return theirs < c.levels.own
	}
	if theirs := msg.SelectAttrValue("election-dc", "") == "true"; theirs != c.IsDC() {
		return theirs
	}
	if theirs := sinceOf(msg); theirs != c.since && !c.unlevelled() {
		return c.since == 0 || theirs != 0 && theirs < c.since
	}
	return from < c.self.Name
}

// noteRelease takes note that a voter is of a release that tells no level. Such nodes compare neither levels nor for how long nodes take part, so that with
// them nobody may, or there were some of whom each comes before the next, and the last before the first. Who has voted before it was known votes anew.
func (c *Controller) noteRelease(from string, vote *etree.Element) {
	p := c.peer(from)
	known := p.unlevelled
	p.unlevelled = vote.SelectAttr(levelAttr) == nil
	if p.unlevelled && !known && (c.state == Election || c.state == Pending && c.dc == "") {
		c.startElection("node " + from + " is of a release that goes by names alone")
	}
}

// unlevelled tells whether there is a node of such a release.
func (c *Controller) unlevelled() bool {
	for _, p := range c.peers {
		if p.process && p.unlevelled {
			return true
		}
	}
	return false
}

// sinceAttr of a vote, a join request and the answer to that tells since when a node takes part: Pacemaker's nodes compare for how long their processes
// have run, which no two measure alike. Here a DC gives all that it takes in for the first time since they were started one number above those
// of the others. It stays as it is until the node is started anew; 0 is none.
const sinceAttr = "hacluster-since"

// sinceOf is what a message tells of that.
func sinceOf(msg *etree.Element) int {
	n, err := strconv.Atoi(msg.SelectAttrValue(sinceAttr, ""))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// nextSince is the number of those who are taken in for the first time.
func (c *Controller) nextSince() int {
	last := 0
	for _, p := range c.active() {
		last = max(last, p.taken)
	}
	return last + 1
}

func (c *Controller) onNoVote(from string, msg *etree.Element) {
	c.confesses(from, msg)
	if c.state != Election || msg.SelectAttrValue("election-id", "") != strconv.Itoa(c.electionID) {
		return
	}
	c.votes[from] = true
	c.countVotes()
}

func (c *Controller) countVotes() {
	if len(c.votes) == 0 {
		return
	}
	for _, p := range c.active() {
		if !c.votes[p.Name] {
			return
		}
	}
	c.win()
}

func (c *Controller) win() {
	c.electEnd = time.Time{}
	was := c.IsDC()
	c.dc = c.self.Name
	c.effects.Logf("Election %d: this node is DC", c.electionID)
	if !was {
		c.joined, c.toFence = false, nil // under itself
		c.effects.BecameDC(true)
	}
	for _, n := range c.names() {
		c.peers[n].phase = phaseNone
	}
	c.run, c.past = nil, nil
	c.offer()
}

// release gives the role of DC up.
func (c *Controller) release(why string) {
	c.effects.Logf("No longer DC: %s", why)
	c.dc, c.run, c.planDue, c.shared, c.counts, c.owed, c.brake = "", nil, false, false, nil, nil, brake{}
	c.joinEnd, c.recheckAt, c.planAt, c.reclaimAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	c.effects.BecameDC(false)
}

// compareFeatures orders feature sets "3.19.7" by their numbers.
func compareFeatures(a, b string) int {
	for a != "" || b != "" {
		var x, y int
		x, a = leading(a)
		y, b = leading(b)
		if x != y {
			return x - y
		}
	}
	return 0
}

func leading(s string) (n int, rest string) {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			return n, s[i+1:]
		}
		if s[i] >= '0' && s[i] <= '9' && n < 1<<20 {
			n = n*10 + int(s[i]-'0')
		}
	}
	return n, ""
}
