package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/option"
	"hacluster/engine/status"
)

// What the controller reads in the CIB, and what it writes there of its own.

// OptionOf gives a cluster property of a CIB at a time, under its present or its former name;
// where it has none the default of the table of options, and where that has none otherwise.
func OptionOf(root *etree.Element, now time.Time, name, otherwise string) string {
	names := []string{name}
	if o := option.Find(name); o != nil {
		names = []string{o.Name, o.Legacy}
		if o.Default != "" {
			otherwise = o.Default
		}
	}
	conf := cib.Section(root, "crm_config")
	if conf == nil {
		return otherwise
	}
	values := status.Block(root, conf, "cluster_property_set", now)
	for _, n := range names {
		if v, ok := values.Get(n); ok && n != "" {
			return v
		}
	}
	return otherwise
}

// option is OptionOf the cluster's CIB.
func (c *Controller) option(name, otherwise string) string {
	return OptionOf(c.effects.CIB(), c.now, name, otherwise)
}

// Option gives a cluster property as it holds.
func (c *Controller) Option(name string) string { return c.option(name, "") }

// limit gives a duration that is a cluster property, where the administrator set it,
// else what this controller was made with.
func (c *Controller) limit(name string, otherwise time.Duration) time.Duration {
	v := c.configured(name)
	if v == "" {
		return otherwise
	}
	ms, ok := status.ParseInterval(v)
	if !ok || ms < 0 {
		c.effects.Logf("Property %s: %q is not a duration, so it is %v", name, v, otherwise)
		return otherwise
	}
	return time.Duration(ms) * time.Millisecond
}

// configured gives a property that the CIB sets; "" where it does not.
func (c *Controller) configured(name string) string {
	conf := cib.Section(c.effects.CIB(), "crm_config")
	if conf == nil {
		return ""
	}
	return status.Block(c.effects.CIB(), conf, "cluster_property_set", c.now).Value(name)
}

// takesPart tells that a node is a full member by the CIB.
func (c *Controller) takesPart(name string) bool {
	if st := cib.Section(c.effects.CIB(), "status"); st != nil {
		for _, s := range st.SelectElements("node_state") {
			if s.SelectAttrValue("uname", "") == name && !remoteState(s) {
				return s.SelectAttrValue("join", "") == "member" && s.SelectAttrValue("expected", "") == "member"
			}
		}
	}
	return false
}

// fullNode tells whether a configured node is one with a controller: not one of Pacemaker Remote, nor one that is only pinged. "normal" is how CIBs of old say it.
func fullNode(n *etree.Element) bool {
	switch n.SelectAttrValue("type", "") {
	case "", "member", "normal":
		return true
	}
	return false
}

// remoteState tells whether a state is that of a remote node, which may have the name of a member that was removed.
func remoteState(s *etree.Element) bool { return s.SelectAttrValue("remote_node", "") == "true" }

// removed tells that a node is not here, and that the configuration does not know it any more.
func (c *Controller) removed(p *peer) bool {
	nodes := cib.Section(c.effects.CIB(), "nodes")
	return !p.process && !p.ring && nodes != nil && !slices.ContainsFunc(nodes.SelectElements("node"), func(n *etree.Element) bool {
		return n.SelectAttrValue("uname", "") == p.Name && n.SelectAttrValue("type", "member") != "remote"
	})
}

// nodeID is a node's id in the CIB.
func (c *Controller) nodeID(name string) string {
	if p := c.peers[name]; p != nil && p.ID != 0 {
		return strconv.FormatUint(uint64(p.ID), 10)
	}
	if nodes := cib.Section(c.effects.CIB(), "nodes"); nodes != nil {
		for _, n := range nodes.SelectElements("node") {
			if n.SelectAttrValue("uname", "") == name {
				return n.SelectAttrValue("id", "")
			}
		}
	}
	return ""
}

// Change orders a change of the CIB that is for this node to make, whoever is DC: no plan is made before it
// is applied, and it gives no cause for one.
func (c *Controller) Change(req cib.Request) { c.request(req, false, nil) }

// ChangeAsDC orders one that is for the DC to make.
func (c *Controller) ChangeAsDC(req cib.Request) { c.update(req, nil) }

// update orders a change of the CIB as the DC; from who is not, any more, it comes too late.
func (c *Controller) update(req cib.Request, done func(error)) {
	if !c.IsDC() {
		return
	}
	c.AsDC(func(leads bool) { c.request(req, leads, done) })
}

// request orders a change of the CIB and remembers that it is under way.
func (c *Controller) request(req cib.Request, asDC bool, done func(error)) {
	c.updates++
	c.effects.Update(req, asDC, func(err error) {
		c.updates--
		if err != nil {
			c.effects.Logf("CIB update failed: %s of %s: %v", strings.TrimPrefix(string(req.Op), "cib_"), req.Section, err)
			c.reclaim()
		}
		if done != nil {
			done(err)
		}
		c.advance()
	})
}

// unseen tells that nothing is known of a node but that it is not here, or that it came and was
// lost before a join with it was complete.
func (c *Controller) unseen(p *peer) bool {
	return !p.process && !p.leaving && (!p.ring || p.joins > 0) && c.expected(p.Name) == ""
}

// writeKnown writes what is known of a node's membership. Of one that is unseen the CIB tells nothing, not even that it was in the ring: what
// the CIB does not tell of is unclean to the scheduler, until it was fenced or came, but who is offline and not expected is clean.
// Nor does it tell of one that was removed.
func (c *Controller) writeKnown(p *peer, origin string) {
	switch {
	case c.removed(p):
	case !c.unseen(p):
		c.writeState(p, origin)
	case c.hasState(p.Name):
		c.update(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@id=%s]", xml.QuoteXPath(c.nodeID(p.Name)))}, nil)
	}
}

// inRing tells whether a node is in the ring, as the CIB says it: of one whose controller is awaited, since when, for node-pending-timeout. Others are told of
// as they were before Pacemaker 2.1.7, whose programs read it so.
func (c *Controller) inRing(p *peer) string {
	if p.since.IsZero() || c.limit("node-pending-timeout", 0) == 0 {
		return strconv.FormatBool(p.ring)
	}
	return strconv.FormatInt(p.since.Unix(), 10)
}

// writePending has the CIB say which nodes of the ring have a controller that is awaited: such a node is up, and not one that nobody has seen and
// that is to be fenced before anything starts. With node-pending-timeout it says since when, too, and the scheduler has the node fenced then.
func (c *Controller) writePending() {
	if !c.settled() {
		return // a join writes of all
	}
	for _, n := range c.names() {
		p := c.peers[n]
		if p.since.IsZero() || c.unseen(p) || c.removed(p) || c.nodeID(n) == "" {
			continue
		}
		if s := c.stateOf(n); s == nil || s.SelectAttrValue("in_ccm", "") != c.inRing(p) {
			c.writeState(p, "membership")
			c.abort("Node pending")
		}
	}
}

// writeState writes what is known of a node's membership to the CIB.
func (c *Controller) writeState(p *peer, origin string) {
	id := c.nodeID(p.Name)
	if id == "" {
		return
	}
	s := etree.NewElement("node_state")
	s.CreateAttr("id", id)
	s.CreateAttr("uname", p.Name)
	s.CreateAttr("in_ccm", c.inRing(p))
	crmd, join := "offline", "down"
	if p.process && !p.suspect {
		crmd = "online"
	}
	if p.phase == phaseConfirmed {
		join = "member"
	}
	s.CreateAttr("crmd", crmd)
	s.CreateAttr("join", join)
	switch {
	case p.leaving:
		s.CreateAttr("expected", "down")
	case p.phase == phaseConfirmed:
		s.CreateAttr("expected", "member")
	default:
		// It stays what it is, but is said: a node that takes no part yet, and holds another document, may have to go on with
		// what it was told of this one, and who is offline and not expected is cleanly down to the scheduler.
		if e := c.expected(p.Name); e != "" {
			s.CreateAttr("expected", e)
		}
	}
	s.CreateAttr(originAttr, strings.ReplaceAll(origin, " ", "_"))
	c.update(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: s}, nil)
}

// root is what the DC says on the CIB's root: the feature set, who is DC, and whether there is quorum.
func (c *Controller) root() *etree.Element {
	r := etree.NewElement("cib")
	r.CreateAttr("crm_feature_set", FeatureSet)
	r.CreateAttr("have-quorum", map[bool]string{true: "1", false: "0"}[c.quorate])
	r.CreateAttr("dc-uuid", c.nodeID(c.self.Name))
	return r
}

func (c *Controller) writeRoot() {
	c.update(cib.Request{Op: cib.Modify, Section: "cib", Data: c.root()}, nil)
}

// overruled tells that somebody replaced the CIB by one whose root says something else.
func (c *Controller) overruled() bool {
	there := c.effects.CIB()
	return slices.ContainsFunc(c.root().Attr, func(a etree.Attr) bool { return there.SelectAttrValue(a.Key, "") != a.Value })
}

// properties is a change that has cluster properties in the set that pcs knows too; false: they are there.
func (c *Controller) properties(pairs ...[2]string) (req cib.Request, needed bool) {
	const set = "cib-bootstrap-options"
	s := etree.NewElement("cluster_property_set")
	s.CreateAttr("id", set)
	for _, p := range pairs {
		if c.configured(p[0]) == p[1] {
			continue
		}
		nv := s.CreateElement("nvpair")
		nv.CreateAttr("id", set+"-"+p[0])
		nv.CreateAttr("name", p[0])
		nv.CreateAttr("value", p[1])
	}
	return cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: s}, len(s.Child) > 0
}

// Refreshed notes in the configuration that somebody had a node forget a resource: that has the cluster think anew.
func (c *Controller) Refreshed(at time.Time) {
	if req, ok := c.properties([2]string{"last-lrm-refresh", strconv.FormatInt(at.Unix(), 10)}); ok {
		c.Change(req)
	}
}
