package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
)

// All nodes hold one CIB, so all must know its schema: the group upgrades it no further than
// the oldest node knows, and a node that knows only older ones cannot join.

// schemaAttr of a join request is the newest schema that the node knows.
const schemaAttr = "hacluster-schema"

// noteSchema keeps what each node says in a join of the schemas that it knows. All nodes
// read these messages, whoever they are for, and in one order: so all come to the same
// MaxSchema at the same message. An offer begins anew, since a node that just came has not
// heard what was said before.
func (c *Controller) noteSchema(from string, msg *etree.Element) {
	switch msg.SelectAttrValue("crm_task", "") {
	case "join_offer":
		for _, p := range c.peers {
			p.schema = ""
		}
	case "join_request":
		c.peer(from).schema = msg.SelectAttrValue(schemaAttr, cib.NewSchema)
	}
}

// MaxSchema is the newest schema that every node of the group knows, and the name of the node
// that knows no newer one. Until all have said, it is the one that new clusters begin with,
// which all know; of is "" then.
func (c *Controller) MaxSchema() (name, of string) {
	for _, n := range c.names() {
		p := c.peers[n]
		switch {
		case !p.process:
		case p.schema == "":
			return cib.NewSchema, ""
		case name == "" || schema.Compare(p.schema, name) < 0:
			name, of = p.schema, n
		}
	}
	if name == "" {
		return cib.NewSchema, ""
	}
	return name, of
}

// declaredAttr of a join request is the schema of the node's CIB; reasonAttr of a refusal says why.
const (
	declaredAttr = "hacluster-declared"
	reasonAttr   = "hacluster-reason"
)

// Refused begins the reason to exit of a node that does not know the schema of the cluster's CIB: the DC refused it, or
// it left by itself. It is no use to start it again as it is.
const Refused = "this node cannot be a member of the cluster: "

// knows tells whether a node whose newest schema is newest can hold a CIB that declares another.
// Names that this node does not know count by their numbers; a node of which nothing is known counts as able.
func knows(newest, declared string) bool {
	if newest == "" || declared == "" || declared == schema.None || newest == declared {
		return true
	}
	if schema.Known(newest) && schema.Known(declared) {
		return schema.Compare(declared, newest) <= 0
	}
	a, ok := schemaNumbers(newest)
	b, okay := schemaNumbers(declared)
	return !ok || !okay || b[0] < a[0] || b[0] == a[0] && b[1] <= a[1]
}

// schemaNumbers reads "pacemaker-3.10" as 3 and 10.
func schemaNumbers(name string) (n [2]int, ok bool) {
	v, ok := strings.CutPrefix(name, "pacemaker-")
	major, minor, dot := strings.Cut(v, ".")
	var err, err2 error
	n[0], err = strconv.Atoi(major)
	n[1], err2 = strconv.Atoi(minor)
	return n, ok && dot && err == nil && err2 == nil
}

// choose finds the node whose CIB all are to take over, self's where none is better, and the nodes that must be
// refused. Those are the ones that do not know its schema: what it holds may stand nowhere else. One that holds it already
// and is about to leave is not: its services are to move first. But where it counts only
// for its admin_epoch, while nodes of a partition that had quorum do not know its schema, those go on and its node is refused.
func choose(self *peer, answered []*peer) (best *peer, refused []*peer) {
	best = self
	terms := !slices.ContainsFunc(answered, func(p *peer) bool { return !p.terms })
	for _, p := range answered {
		if p.better(best, terms) {
			best = p
		}
	}
	best = commonest(best, answered, terms)
	for _, p := range answered {
		if p != best && !knows(p.schema, best.declared) && !(p.parting && p.digest == best.digest) {
			refused = append(refused, p)
		}
	}
	if !best.vouched && slices.ContainsFunc(refused, func(p *peer) bool { return p.vouched && p.version.AdminEpoch < best.version.AdminEpoch }) {
		return best, []*peer{best}
	}
	return best, refused
}

// commonest is, of those whose CIB is worth as much as the best one's, one that has what most of them have: where one that should be
// equal is damaged, it is the one that differs.
func commonest(best *peer, answered []*peer, terms bool) *peer {
	have := map[string]int{}
	for _, p := range answered {
		if !p.better(best, terms) && !best.better(p, terms) {
			have[p.digest]++
		}
	}
	most := best
	for _, p := range answered {
		if have[p.digest] > have[most.digest] && !best.better(p, terms) {
			most = p
		}
	}
	return most
}

// refuse tells nodes that they cannot join, since they would have to hold the CIB of best, or it theirs. The join begins
// anew when they are gone.
func (c *Controller) refuse(best *peer, refused []*peer) {
	for _, p := range refused {
		reason := fmt.Sprintf("the cluster's CIB is of schema %s (that of node %s), and this node knows none newer than %s; it needs the software that the other nodes have",
			best.declared, best.Name, p.schema)
		if p == best {
			reason = fmt.Sprintf("its CIB is of schema %s, which not all nodes know that run the cluster", best.declared)
		}
		c.effects.Logf("Join %d: node %s is refused: %s", c.joinID, p.Name, reason)
		c.effects.Broadcast(c.message("join_ack_nack", p.Name, "join_id", strconv.Itoa(c.joinID), "join_ack_nack", "false", reasonAttr, reason))
	}
}

// noteRefusal keeps that a node will leave because it was refused, which all nodes hear: so
// nobody takes it for lost.
func (c *Controller) noteRefusal(msg *etree.Element) {
	if msg.SelectAttrValue("crm_task", "") == "join_ack_nack" && msg.SelectAttrValue("join_ack_nack", "") == "false" {
		p := c.peer(msg.SelectAttrValue("crm_host_to", ""))
		p.leaving, p.refused = true, true
	}
}

// judge looks whether this node knows the schema of the CIB as node from has made it. A node that does not cannot tell any
// more which changes are valid, nor plan: it takes its leave as if an administrator stopped it, so that its services move
// on before it goes. Nodes of ours do not let it come to that, see MaxSchema and choose; but a CIB comes from others, too.
func (c *Controller) judge(from string) {
	declared := c.effects.CIB().SelectAttrValue("validate-with", "")
	if c.outgrown != "" || c.exited || knows(c.schema, declared) {
		return
	}
	c.outgrown = fmt.Sprintf("its CIB has come to be of schema %s (through node %s), and this node knows none newer than %s; it needs the software that the other nodes have",
		declared, from, c.schema)
	c.effects.Logf("Leaving the cluster: %s%s", Refused, c.outgrown)
	switch {
	case c.state == Starting || len(c.active()) < 2:
		c.leave("nobody is there to take over")
	case c.IsDC():
		c.Shutdown(c.now)
		c.startElection("this DC does not know the schema of the CIB") // who shuts down does not win it
	default:
		c.Shutdown(c.now)
	}
}
