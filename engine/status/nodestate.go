package status

import (
	"iter"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/number"
)

// readStatus reads the status section: first the states of nodes, then as many
// histories as what is known so far allows, until nothing new turns up.
func (c *Cluster) readStatus(section *etree.Element) {
	for e := range elements(section, "") {
		switch e.Tag {
		case "tickets":
			for t := range elements(e, "ticket_state") {
				c.readTicketState(t)
			}
		case "node_state":
			c.readNodeState(e)
		}
	}
	for c.readHistories(section, false) {
	}
	c.readHistories(section, c.Options.FencingEnabled)
	for i := len(c.stopNeeded) - 1; i >= 0; i-- {
		r := c.stopNeeded[i]
		if n := c.CurrentNode(r); n != nil {
			c.Trace.Because(Origin{Code: OriginFailure, Resource: r.ID})
			c.NewAction(r, "stop", 0, n, false)
		}
	}
	c.stopNeeded = nil
	for _, n := range c.Nodes {
		if !n.IsRemote {
			continue
		}
		if n.Shutdown && n.Conn != nil {
			n.Conn.NextRole = RoleStopped
		}
		if !n.Unpacked {
			c.remoteOnline(n)
		}
	}
}

// Ticket returns a ticket by id, or nil.
func (c *Cluster) Ticket(id string) *Ticket {
	for _, t := range c.Tickets {
		if t.ID == id {
			return t
		}
	}
	return nil
}

func (c *Cluster) newTicket(id string) *Ticket {
	if t := c.Ticket(id); t != nil {
		return t
	}
	t := &Ticket{ID: id, LastGranted: -1}
	c.Tickets = append(c.Tickets, t)
	return t
}

func (c *Cluster) readTicketState(e *etree.Element) {
	id := get(e, "id")
	if id == "" {
		return
	}
	t := c.newTicket(id)
	for _, a := range e.Attr {
		if a.Key != "id" {
			t.Attrs.Set(a.Key, a.Value)
		}
	}
	t.Granted = number.IsTrue(t.Attrs.Value("granted"))
	t.Standby = number.IsTrue(t.Attrs.Value("standby"))
	if s, ok := t.Attrs.Get("last-granted"); ok {
		t.LastGranted, _ = ParseInt(s)
	}
}

func (c *Cluster) readNodeState(e *etree.Element) {
	id, ok := attr(e, "id")
	if !ok {
		c.configErr("Ignoring invalid node_state entry without id")
		return
	}
	n := c.FindNodeBy(id, get(e, "uname"))
	if n == nil {
		return
	}
	if n.IsRemote {
		v, _ := ParseInt(get(e, "node_fenced"))
		n.Fenced = v > 0
		return
	}
	n.State = e
	c.nodeAttrs(first(e, "transient_attributes"), n, true)
	if number.IsTrue(n.Attrs.Value("standby")) {
		n.Standby = true
	}
	if number.IsTrue(n.Attrs.Value("maintenance")) {
		n.Maintenance = true
	}
	if d, ok := n.Attrs.Get("resource-discovery-enabled"); ok && !number.IsTrue(d) {
		c.configWarn("Ignoring resource-discovery-enabled attribute for %s because disabling resource discovery is not allowed for cluster nodes", n.ShownName())
	}
	n.Unclean = false
	n.Seen = true
	c.online(e, n)
	if !c.Quorate && n.Online && c.Options.QuorumPolicy == QuorumFence {
		c.FenceNode(n, "cluster does not have quorum", false, Origin{Code: OriginQuorum})
	}
}

func (n *Node) shutdownRequested() bool {
	s, ok := n.Attrs.Get("shutdown")
	return ok && s != "0"
}

// online works out whether a cluster node can run resources.
func (c *Cluster) online(e *etree.Element, n *Node) {
	n.Shutdown = false
	if n.shutdownRequested() {
		n.Shutdown = true
	} else if strings.EqualFold(get(e, "expected"), "member") {
		n.ExpectedUp = true
	}
	if c.Options.FencingEnabled {
		n.Online = c.onlineWithFencing(e, n)
	} else {
		n.Online = c.onlineWithoutFencing(e, n)
	}
	if !n.Online || n.Shutdown {
		n.Score = -Infinity
	}
}

// memberSince is when the node became a member: -1 not seen, 0 no member.
func (c *Cluster) memberSince(e *etree.Element) int64 {
	s, ok := attr(e, "in_ccm")
	if !ok {
		return -1
	}
	if v, ok := number.Bool(s); ok {
		if v {
			return c.Now.Unix()
		}
		return 0
	}
	t, ok := ParseInt(s)
	if !ok || t < 0 {
		return -1
	}
	return t
}

func onlineSince(e *etree.Element) int64 {
	s, ok := attr(e, "crmd")
	switch {
	case !ok || strings.EqualFold(s, "offline"):
		return 0
	case strings.EqualFold(s, "online"):
		return 1
	}
	t, ok := ParseInt(s)
	if !ok || t < 0 {
		return 0
	}
	return t
}

func (c *Cluster) onlineWithoutFencing(e *etree.Element, n *Node) bool {
	member, online := c.memberSince(e), onlineSince(e)
	switch {
	case member <= 0:
	case online > 0:
		return strings.EqualFold(get(e, "join"), "member")
	case n.ExpectedUp:
		c.FenceNode(n, "peer is unexpectedly down", false, Origin{Code: OriginNodeState})
	}
	return false
}

func (c *Cluster) onlineWithFencing(e *etree.Element, n *Node) bool {
	terminate := false
	if s, ok := n.Attrs.Get("terminate"); ok {
		if v, ok := number.Bool(s); ok {
			terminate = v
		} else if t, ok := ParseInt(s); ok {
			terminate = t > 0
		}
	}
	member, online := c.memberSince(e), onlineSince(e)
	join := get(e, "join")
	expected, hasExpected := attr(e, "expected")
	if n.Shutdown {
		return online > 0
	}
	if member < 0 {
		c.FenceNode(n, "peer has not been seen by the cluster", false, Origin{Code: OriginNodeState})
		return false
	}
	switch {
	case join == "banned":
		c.FenceNode(n, "peer failed Pacemaker membership criteria", false, Origin{Code: OriginNodeState})
	case terminate:
		if member <= 0 && online <= 0 && join == "down" {
			return false
		}
		c.FenceNode(n, "fencing was requested", false, Origin{Code: OriginRequested})
	case !hasExpected || expected == "down":
		switch {
		case c.pendingTooLong(member, online):
			c.FenceNode(n, "peer pending timed out on joining the process group", false, Origin{Code: OriginNodeState})
		case member > 0 || online > 0:
			n.Standby = true
			n.Pending = true
		}
	case member <= 0:
		c.FenceNode(n, "peer is no longer part of the cluster", true, Origin{Code: OriginNodeState})
	case online <= 0:
		c.FenceNode(n, "peer process is no longer available", false, Origin{Code: OriginNodeState})
	case join == "member":
	case join == "pending" || join == "down":
		n.Standby = true
		n.Pending = true
	default:
		c.FenceNode(n, "peer was in an unknown state", false, Origin{Code: OriginNodeState})
	}
	return member > 0
}

func (c *Cluster) pendingTooLong(member, online int64) bool {
	limit := c.Options.NodePendingTimeout
	if limit == 0 || member <= 0 || online > 0 {
		return false
	}
	end := member + seconds(limit)
	if c.Now.Unix() >= end {
		return true
	}
	c.Recheck(end)
	return false
}

// Recheck notes that at an epoch second the plan may change.
func (c *Cluster) Recheck(at int64) {
	t := time.Unix(at, 0).UTC()
	if at > c.Now.Unix() && (c.RecheckBy.IsZero() || t.Before(c.RecheckBy)) {
		c.RecheckBy = t
	}
}

// readHistories makes one pass over the histories that can be read now (all
// that are left if told so) and tells whether it read any.
func (c *Cluster) readHistories(section *etree.Element, all bool) bool {
	found := false
	for e := range elements(section, "node_state") {
		id, ok1 := attr(e, "id")
		name, ok2 := attr(e, "uname")
		if !ok1 || !ok2 {
			continue
		}
		n := c.FindNodeBy(id, name)
		if n == nil || n.Unpacked {
			continue
		}
		switch {
		case all:
		case n.IsGuest():
			if n.Conn.Role != RoleStarted || RoleOf(n.Conn.Launcher, true) != RoleStarted {
				continue
			}
		case n.IsRemote:
			if n.Conn == nil || (!c.Options.ShutdownLock && n.Conn.Role != RoleStarted) {
				continue
			}
		case !c.Options.FencingEnabled && !c.Options.ShutdownLock && !n.Online:
			continue
		}
		if n.IsRemote {
			c.remoteOnline(n)
			c.remoteAttrs(n, e)
		}
		n.Unpacked = true
		c.readHistory(n, e)
		found = true
	}
	return found
}

// remoteOnline works out whether a remote or guest node can run resources.
func (c *Cluster) remoteOnline(n *Node) {
	r := n.Conn
	if r == nil {
		n.Online = false
		return
	}
	l := r.Launcher
	var host *Node
	if l != nil && len(r.Active) == 1 {
		host = r.Active[0]
	}
	if r.Role == RoleStarted {
		n.Online = true
		if r.NextRole == RoleStopped {
			n.Shutdown = true
		}
	}
	switch {
	case l != nil && l.Has(Failed):
		n.Online = false
		n.ResetNeeded = true
	case r.Has(Failed):
		n.Online = false
	case r.Role == RoleStopped || (l != nil && l.Role == RoleStopped):
		n.Online = false
		n.ResetNeeded = false
	case host != nil && !host.Online && host.Unclean:
		n.Online = false
		n.ResetNeeded = true
	}
}

func (c *Cluster) remoteAttrs(n *Node, e *etree.Element) {
	n.State = e
	v, _ := ParseInt(get(e, "node_in_maintenance"))
	n.WasMaintenance = v > 0
	if !n.ResetNeeded {
		n.Unclean = false
		n.Seen = true
	}
	c.nodeAttrs(first(e, "transient_attributes"), n, true)
	if n.shutdownRequested() {
		n.Shutdown = true
	}
	if number.IsTrue(n.Attrs.Value("standby")) {
		n.Standby = true
	}
	if number.IsTrue(n.Attrs.Value("maintenance")) || (n.Conn != nil && !n.Conn.Has(Managed)) {
		n.Maintenance = true
	}
	if d, ok := n.Attrs.Get("resource-discovery-enabled"); ok && !number.IsTrue(d) {
		c.warnOnce("Support for the resource-discovery-enabled node attribute is deprecated and will be removed (and behave as 'true') in a future release.")
		if n.IsPlainRemote() && !c.Options.FencingEnabled {
			c.configWarn("Ignoring resource-discovery-enabled attribute on Pacemaker Remote node %s because fencing is disabled", n.ShownName())
		} else {
			n.DiscoveryOK = false
		}
	}
}

// lrmResources walks over the histories of a node_state.
func lrmResources(state *etree.Element) iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		lrm := first(state, "lrm")
		if lrm == nil {
			return
		}
		list := first(lrm, "lrm_resources")
		if list == nil {
			return
		}
		for e := range elements(list, "lrm_resource") {
			if !yield(e) {
				return
			}
		}
	}
}

// allResources walks over the histories in all sections of a node_state: one has one section,
// and what looks for a single resource or operation looks in all there are.
func allResources(state *etree.Element) iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		for list := range histories(state) {
			for e := range elements(list, "lrm_resource") {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// histories walks over the sections lrm_resources of a node_state.
func histories(state *etree.Element) iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		for lrm := range elements(state, "lrm") {
			for list := range elements(lrm, "lrm_resources") {
				if !yield(list) {
					return
				}
			}
		}
	}
}

// History walks over the resource histories of a node, in document order.
func (n *Node) History() iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		if n.State == nil {
			return
		}
		for e := range lrmResources(n.State) {
			if !yield(e) {
				return
			}
		}
	}
}

// HistoryIn walks over the resource histories of one node_state.
func HistoryIn(state *etree.Element) iter.Seq[*etree.Element] { return lrmResources(state) }

// HistoryOf walks over the resource histories of a node that has exactly one section of them.
func (c *Cluster) HistoryOf(n *Node) iter.Seq[*etree.Element] {
	var list *etree.Element
	count := 0
	for e := range elements(c.StatusXML, "node_state") {
		if get(e, "uname") == n.Name {
			for h := range histories(e) {
				list = h
				count++
			}
		}
	}
	return func(yield func(*etree.Element) bool) {
		if count != 1 {
			return
		}
		for e := range elements(list, "lrm_resource") {
			if !yield(e) {
				return
			}
		}
	}
}

// NeverProbed tells whether nothing may be looked for on the node: the inside
// of a bundle's container.
func (n *Node) NeverProbed() bool { return n.neverProbed }

// Role reads a role and warns of its old names.
func (c *Cluster) Role(s string) (Role, bool) { return c.role(s) }
