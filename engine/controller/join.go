package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// A join brings the nodes of the group together under a DC: it offers, they
// answer with the version of their CIB, all take over the best one, each
// confirms with the history of what it ran, and the DC plans from that.

// offer begins a join of all nodes anew.
func (c *Controller) offer() {
	c.joinID++
	c.run.abort("Node join")
	c.planDue, c.shared, c.brake.until = false, false, time.Time{}
	for _, p := range c.active() {
		p.phase = phaseWelcomed
	}
	c.enter(Integration)
	c.joinEnd = c.now.Add(c.limit("join-integration-timeout", c.timing.Integration))
	c.effects.Broadcast(c.message("join_offer", "", append(c.levels.attrs(), "join_id", strconv.Itoa(c.joinID), termAttr, c.effects.Term().String(), writesAttr, "true", suspectsAttr, c.suspects())...))
}

// Differ takes note that the CIBs of the group's nodes are not equal: a join has all take over one.
func (c *Controller) Differ(now time.Time) {
	c.now = now
	switch c.state {
	case PolicyEngine, TransitionEngine, Idle:
		c.effects.Logf("The CIBs of the nodes differ: all take over one")
		c.offer()
	}
}

func (c *Controller) onOffer(from string, msg *etree.Element) {
	switch {
	case c.peer(from).suspect:
		c.overtaken(from, msg)
		return
	case from == c.self.Name && !c.IsDC():
		return // it was made before this node gave the role up
	case c.IsDC() && from != c.self.Name:
		c.startElection("node " + from + " is DC too")
		return
	case c.state == Election && from != c.self.Name:
		return // our own vote decides
	}
	if c.dc != from {
		c.effects.Logf("The DC is %s", from)
		c.joined = false
	}
	c.dc = from
	c.electBy, c.electEnd = time.Time{}, time.Time{}
	if from != c.self.Name && (c.state != NotDC || !c.joined) {
		c.enter(Pending) // it takes part again once this DC has taken it in, and that takes in nobody whom it suspects
	}
	c.offered(from, msg)
	c.effects.Termless(msg.SelectAttr(termAttr) == nil)
	c.writes = msg.SelectAttrValue(writesAttr, "") == "true"
	root := c.effects.CIB()
	v := cib.VersionOf(root)
	c.effects.Broadcast(c.message("join_request", from, append(c.levels.attrs(), "join_id", msg.SelectAttrValue("join_id", ""),
		"admin_epoch", strconv.FormatInt(v.AdminEpoch, 10), "epoch", strconv.FormatInt(v.Epoch, 10), "num_updates", strconv.FormatInt(v.NumUpdates, 10),
		"digest", cib.DiskDigest(root), vouchedAttr, strconv.FormatBool(c.vouched), accusedAttr, strconv.FormatBool(c.accused()), schemaAttr, c.schema, termAttr, c.effects.Term().String(),
		declaredAttr, root.SelectAttrValue("validate-with", ""), leavingAttr, strconv.FormatBool(c.shutdown), suspectsAttr, c.suspects(), leaderAttr, c.effects.Follow(from), absentAttr, c.effects.Absent(), sinceAttr, strconv.Itoa(c.since))...))
	c.askForShutdown()
}

// termAttr of an offer and a request is what the sender's CIB is of, and what it promised. writesAttr of an offer tells that
// nodes are to write their histories themselves before they confirm; of a confirmation, that its sender has.
//
// leaderAttr of a request is the DC whose changes the sender makes as such, see replica.Leader. absentAttr is a fingerprint of what it knows of attributes of
// nodes that are not in the group, of which nobody else tells; all reckon it at the same place in the order of messages, that of the offer.
const (
	absentAttr = "hacluster-absent"
	leaderAttr = "hacluster-leader"
	termAttr   = "hacluster-term"
	writesAttr = "hacluster-writes"
)

// current tells whether a message belongs to the join under way.
func (c *Controller) current(msg *etree.Element) bool {
	return c.IsDC() && msg.SelectAttrValue("join_id", "") == strconv.Itoa(c.joinID)
}

func (c *Controller) onRequest(from string, msg *etree.Element) {
	p := c.peer(from)
	c.confesses(from, msg)
	if !c.current(msg) || p.phase != phaseWelcomed || c.state != Integration {
		if c.IsDC() && c.settled() && p.process && !p.suspect && p.phase < phaseIntegrated {
			c.offer() // it took too long to answer the last one
		}
		return
	}
	if c.misfit(from, msg) {
		return // it leaves, and the join goes on without it
	}
	if d := compareFeatures(msg.SelectAttrValue("crm_feature_set", ""), FeatureSet); d < 0 {
		c.effects.Logf("Node %s understands only feature set %s", from, msg.SelectAttrValue("crm_feature_set", ""))
	}
	p.phase = phaseIntegrated
	p.version, p.vouched = cib.VersionOf(msg), msg.SelectAttrValue(vouchedAttr, "") == "true"
	p.digest, p.declared = msg.SelectAttrValue("digest", ""), msg.SelectAttrValue(declaredAttr, "")
	p.led = msg.SelectAttrValue(leaderAttr, c.self.Name) == c.self.Name
	p.absent = msg.SelectAttr(absentAttr)
	p.parting, p.taken = msg.SelectAttrValue(leavingAttr, "") == "true", sinceOf(msg)
	term, err := cib.ParseTerm(msg.SelectAttrValue(termAttr, ""))
	p.term, p.terms = term, err == nil
	c.requested(from, msg)
	c.joinProgress()
}

// joinProgress goes on when all nodes that are still there have answered.
func (c *Controller) joinProgress() {
	all := func(of []*peer, want phase) bool {
		return !slices.ContainsFunc(of, func(p *peer) bool { return p.phase < want })
	}
	switch {
	case c.state == Integration && all(c.active(), phaseIntegrated):
		c.finalize()
	case c.state == FinalizeJoin && all(c.taking(), phaseConfirmed) && !c.settling: // without those that did not answer
		c.complete()
	}
}

// vouchedAttr tells in a join whether a node's CIB is that of a partition with quorum.
const vouchedAttr = "hacluster-vouched"

// better tells whether this node's CIB is to be preferred. What a partition with quorum has
// acknowledged must not be lost to changes made in one without, however many those were: so the term counts
// before the version, where all know terms. Of equal ones that counts which had quorum ever since. An
// admin_epoch is raised to override everything.
func (p *peer) better(than *peer, terms bool) bool {
	if a, b := p.version.AdminEpoch, than.version.AdminEpoch; a != b {
		return a > b
	}
	if terms {
		if d := p.term.Compare(p.version, than.term, than.version); d != 0 {
			return d > 0
		}
	}
	if p.vouched != than.vouched {
		return p.vouched
	}
	return p.version.Compare(than.version) > 0
}

// taking lists those that take part in the join under way, or in what came of it.
func (c *Controller) taking() []*peer {
	return slices.DeleteFunc(c.active(), func(p *peer) bool { return p.phase < phaseIntegrated })
}

// raise has the members, which have one CIB, agree to a term, if they have quorum.
func (c *Controller) raise() {
	if !c.shared || !c.quorate {
		return
	}
	var names []string
	above := uint64(0)
	for _, p := range c.taking() {
		if !p.terms {
			c.effects.Raise(nil, 0, false)
			return
		}
		names = append(names, p.Name)
		above = max(above, p.term.Number, p.term.Promised)
	}
	c.effects.Raise(names, above, c.adopt || c.lossy)
	c.adopt, c.lossy = false, false
}

func (c *Controller) finalize() {
	c.enter(FinalizeJoin)
	c.joinEnd = c.now.Add(c.limit("join-finalization-timeout", c.timing.Finalization))
	taking := c.taking()
	best, refused := choose(c.peer(c.self.Name), taking)
	if len(refused) > 0 {
		c.refuse(best, refused)
		return
	}
	same := !slices.ContainsFunc(taking, func(p *peer) bool { return p.digest != best.digest || !p.led })
	c.adopt = best.term.Forked || slices.ContainsFunc(taking, func(p *peer) bool { return p.term.Of() != best.term.Of() })
	// Who has another document may have had another leader, which has left meanwhile; so may who knows other attributes.
	var strangers []string
	for _, p := range taking {
		if own := c.peer(c.self.Name); p != own && (!p.led || p.digest != own.digest || p.knowsOther(own)) {
			strangers = append(strangers, p.Name)
		}
	}
	if same {
		c.effects.ShareAttributes(strangers)
		c.acknowledge()
		return
	}
	// Who takes no part takes the document over, too, and follows this DC by that.
	for _, name := range c.names() {
		if p := c.peers[name]; p.process && name != c.self.Name && !slices.Contains(taking, p) {
			strangers = append(strangers, name)
		}
	}
	join := c.joinID
	c.settling = true
	c.effects.Sync(best.Name, func(err error) {
		c.settling = false
		if !c.IsDC() || c.joinID != join || c.state != FinalizeJoin {
			return
		}
		if err != nil {
			c.effects.Logf("Join %d: sync of the CIB failed: %v", join, err)
			c.offer()
			return
		}
		c.acknowledge()
	})
	c.effects.ShareAttributes(strangers)
}

// knowsOther tells that a node knows other attributes of nodes that are not in the group than the DC, as far as both say. A DC that knows none may have
// come a moment ago, and is about to hear of them.
func (p *peer) knowsOther(dc *peer) bool {
	return p.absent != nil && dc.absent != nil && dc.absent.Value != "" && p.absent.Value != dc.absent.Value
}

func (c *Controller) acknowledge() {
	c.shared = true
	c.pay() // before the nodes write their histories
	next := c.nextSince()
	for _, p := range c.active() {
		if p.phase == phaseIntegrated {
			p.phase = phaseFinalized
			c.effects.Broadcast(c.message("join_ack_nack", p.Name, "join_id", strconv.Itoa(c.joinID), "join_ack_nack", "true", sinceAttr, strconv.Itoa(cmp.Or(p.taken, next))))
		}
	}
	c.raise() // they know by now that they are taken in
	c.describe()
}

// describe writes what a configuration has to say of the cluster that runs by it.
func (c *Controller) describe() {
	watchdog := c.HaveWatchdog != nil && c.HaveWatchdog()
	set := [][2]string{{"have-watchdog", strconv.FormatBool(watchdog)}, {"dc-version", Version}, {"cluster-infrastructure", "corosync"}}
	if c.cluster != "" && c.configured("cluster-name") == "" {
		set = append(set, [2]string{"cluster-name", c.cluster})
	}
	if req, ok := c.properties(set...); ok {
		c.update(req, nil)
	}
	c.list() // first, so that the configuration has the nodes in the order of their ids
	c.writeNodes()
}

// Version is what a DC writes as dc-version.
var Version = "3.0.2-hacluster"

// writeNodes sees to it that the configuration knows every member, and none under an id that is not its own.
func (c *Controller) writeNodes() {
	for _, n := range c.usurpers() {
		id, name := n.SelectAttrValue("id", ""), n.SelectAttrValue("uname", "")
		c.effects.Logf("Node %s is configured with the id %s, and has %s: what has the other id is removed", name, id, c.nodeID(name))
		for _, x := range [][2]string{{"nodes", "node"}, {"status", "node_state"}} {
			gone := etree.NewElement(x[1])
			gone.CreateAttr("id", id)
			gone.CreateAttr("uname", name)
			c.update(cib.Request{Op: cib.Delete, Section: x[0], Data: gone}, nil)
		}
	}
	if add := c.missingNodes(); len(add.Child) > 0 {
		c.update(cib.Request{Op: cib.Modify, Section: "nodes", CanCreate: true, Data: add}, nil)
	}
}

// missingNodes are the members that the configuration does not know: an element nodes.
func (c *Controller) missingNodes() *etree.Element {
	have := map[string]bool{}
	if nodes := cib.Section(c.effects.CIB(), "nodes"); nodes != nil {
		for _, n := range nodes.SelectElements("node") {
			have[n.SelectAttrValue("id", "")+" "+n.SelectAttrValue("uname", "")] = true
		}
	}
	add := etree.NewElement("nodes")
	for _, p := range c.active() {
		id := strconv.FormatUint(uint64(p.ID), 10)
		if p.ID == 0 || have[id+" "+p.Name] {
			continue
		}
		n := add.CreateElement("node")
		n.CreateAttr("id", id)
		n.CreateAttr("uname", p.Name)
	}
	return add
}

// list has the configuration know the nodes that corosync.conf lists, though they may never have come: nobody knows what they do. As with Pacemaker each node
// does so once, when it comes: one that is removed later is not added again because a host's corosync.conf still has it.
func (c *Controller) list() {
	if c.listed {
		return
	}
	c.listed = true
	known := map[string]bool{}
	if nodes := cib.Section(c.effects.CIB(), "nodes"); nodes != nil {
		for _, n := range nodes.SelectElements("node") {
			known["id "+n.SelectAttrValue("id", "")], known["name "+n.SelectAttrValue("uname", "")] = true, true
		}
	}
	add := etree.NewElement("nodes")
	for _, m := range c.effects.Configured() {
		id := strconv.FormatUint(uint64(m.ID), 10)
		if m.ID == 0 || m.Name == "" || known["id "+id] || known["name "+m.Name] || c.effects.IsRemote(m.Name) {
			continue
		}
		n := add.CreateElement("node")
		n.CreateAttr("id", id)
		n.CreateAttr("uname", m.Name)
	}
	if len(add.Child) > 0 {
		c.effects.Update(cib.Request{Op: cib.Modify, Section: "nodes", CanCreate: true, Data: add}, false, nil)
	}
}

func (c *Controller) onAck(from string, msg *etree.Element) {
	refused := msg.SelectAttrValue("join_ack_nack", "") != "true"
	if from != c.dc && !(refused && !c.joined && c.dc == "") { // who is refused in an election follows nobody
		return
	}
	if refused {
		c.leave(Refused + msg.SelectAttrValue(reasonAttr, "the DC does not say why"))
		return
	}
	c.joined, c.vouched, c.since = true, c.quorate, cmp.Or(c.since, sinceOf(msg))
	clear(c.spared)
	if !c.IsDC() {
		c.enter(NotDC)
	}
	c.list()
	c.beginAs()
	features := FeatureSet
	c.effects.SetAttribute(c.self.Name, "#feature-set", &features)
	m := c.message("join_confirm", from, "join_id", msg.SelectAttrValue("join_id", ""))
	c.effects.NumberLost()
	histories := c.effects.Histories()
	if c.writes {
		for _, state := range histories {
			c.writeHistory(state, c.Change)
		}
		m.CreateAttr(writesAttr, "true")
	} else {
		m.CreateElement("crm_xml").AddChild(xml.Copy(histories[0].SelectElement("lrm")))
	}
	c.effects.Broadcast(m)
	c.forgetFormer()
	c.countMissed()
	c.tellCapacity()
	// What the DC wrote of that before this node followed it came to nothing here, and all take over what this one knows of itself.
	c.askForShutdown()
}

func (c *Controller) onConfirm(from string, msg *etree.Element) {
	p := c.peer(from)
	if !c.current(msg) || p.phase != phaseFinalized || c.state != FinalizeJoin {
		return
	}
	p.phase = phaseConfirmed
	if msg.SelectAttrValue(writesAttr, "") != "true" {
		state := etree.NewElement("node_state")
		state.CreateAttr("id", c.nodeID(from))
		state.CreateAttr("uname", from)
		if lrm := msg.FindElement("crm_xml/lrm"); lrm != nil {
			state.AddChild(xml.Copy(lrm))
		}
		c.writeHistory(state, func(req cib.Request) { c.update(req, nil) })
	}
	c.joinProgress()
}

// writeHistory has the CIB hold a node's history in the place of what it holds of it. A node of ours does that itself: it alone
// knows what ended meanwhile, and has that written after it. Of a remote node only the one that is connected to it
// knows, and the CIB that all took over may be of a part of the cluster that had lost that one.
// It goes from one to the other at once where there is one: to a rival DC a node without a history would run nothing.
// What is locked to the node stays so.
func (c *Controller) writeHistory(state *etree.Element, write func(cib.Request)) {
	c.keepLocks(state)
	name := state.SelectAttrValue("uname", "")
	req := cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/lrm", xml.QuoteXPath(name))}
	if lrm, held := state.SelectElement("lrm"), c.stateOf(name); lrm != nil && held != nil && held.SelectElement("lrm") != nil {
		req.Op, req.Data = cib.Replace, xml.Copy(lrm)
	}
	write(req)
	write(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: state})
}

// complete ends a join: what is known of every node is written, then planned from.
func (c *Controller) complete() {
	c.joinEnd = time.Time{}
	c.effects.Logf("Join %d: complete", c.joinID)
	for _, n := range c.names() {
		c.writeKnown(c.peers[n], "join complete")
		if c.unseen(c.peers[n]) || c.removed(c.peers[n]) {
			continue
		}
		if p := c.peers[n]; !p.process || p.fresh {
			c.forgetAttributes(n)
			p.fresh = false
		}
	}
	// Nodes that only the CIB knows, or did, are not there.
	if nodes := cib.Section(c.effects.CIB(), "nodes"); nodes != nil {
		for _, n := range nodes.SelectElements("node") {
			name := n.SelectAttrValue("uname", "")
			if c.peers[name] != nil || n.SelectAttrValue("type", "member") == "remote" || !c.hasState(name) && c.expected(name) == "" {
				continue
			}
			c.writeState(c.peer(name), "join complete")
			c.forgetAttributes(name)
		}
	}
	// What was written of others before this DC led may have come to nothing, and all may have taken over a document without it.
	c.effects.RewriteAttributes("")
	c.effects.ShareFencing()
	c.writeRoot()
	c.lookBack()
	c.enter(PolicyEngine)
	c.planDue, c.brake.happened = true, true
	c.advance()
}

// forgetAttributes clears the transient attributes of a node that is not there:
// they live only as long as it does.
func (c *Controller) forgetAttributes(name string) {
	c.update(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/transient_attributes", xml.QuoteXPath(name))}, nil)
}

// stateOf is a node's state as the CIB has it, the first of that name; nil: it has none.
func (c *Controller) stateOf(name string) *etree.Element {
	st := cib.Section(c.effects.CIB(), "status")
	if st == nil {
		return nil
	}
	for _, s := range st.SelectElements("node_state") {
		if s.SelectAttrValue("uname", "") == name {
			return s
		}
	}
	return nil
}

// hasState tells whether the CIB tells of a node's membership.
func (c *Controller) hasState(name string) bool {
	st := cib.Section(c.effects.CIB(), "status")
	return st != nil && slices.ContainsFunc(st.SelectElements("node_state"), func(s *etree.Element) bool {
		return s.SelectAttrValue("uname", "") == name && s.SelectAttr("in_ccm") != nil && !remoteState(s)
	})
}
