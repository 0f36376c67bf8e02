package status

import (
	"fmt"
	"strconv"
	"strings"
)

// IsGuest tells whether the node lives inside a resource: a guest node or the
// inside of a bundle's container.
func (n *Node) IsGuest() bool {
	return n != nil && n.IsRemote && n.Conn != nil && n.Conn.Launcher != nil
}

// IsPlainRemote tells whether the node is a remote node that is no guest.
func (n *Node) IsPlainRemote() bool {
	return n != nil && n.IsRemote && (n.Conn == nil || n.Conn.Launcher == nil)
}

// IsBundleNode tells whether the node is the inside of a bundle's container.
func (n *Node) IsBundleNode() bool {
	return n.IsGuest() && n.Conn.Has(NestingAllowed)
}

// Available tells whether resources may be placed on the node.
func (n *Node) Available() bool {
	return n != nil && n.Online && !n.Shutdown && !n.Unclean && !n.Standby && !n.Maintenance
}

// CanFence tells whether the node can be fenced.
func (c *Cluster) CanFence(n *Node) bool { return c.canFence(n, 0) }

func (c *Cluster) canFence(n *Node, depth int) bool {
	if n.IsGuest() {
		for _, h := range n.Conn.Launcher.Active {
			// a container that claims to be active inside itself says nothing
			if !h.Online && depth <= len(c.Nodes) && !c.canFence(h, depth+1) {
				return false
			}
		}
		return true
	}
	switch {
	case !c.Options.FencingEnabled, !c.Options.HaveFencing:
		return false
	case c.Quorate, c.Options.QuorumPolicy == QuorumIgnore:
		return true
	case n == nil:
		return false
	case n.Online:
		if n.IsRemote && !c.Options.FenceRemoteWithoutQ {
			if n.Conn == nil {
				return true
			}
			for _, o := range c.ByIndex {
				if n.Conn.Allowed.At(o) != nil && !o.Online {
					return false
				}
			}
		}
		return true
	}
	return false
}

// FenceNode marks a node to be fenced, for a reason.
func (c *Cluster) FenceNode(n *Node, reason string, priorityDelay bool, from Origin) {
	if c.Trace != nil {
		defer c.Trace.Because(c.Trace.cause)
		c.Trace.Because(from)
	}
	switch {
	case n.IsGuest():
		l := n.Conn.Launcher
		if !l.Has(Failed) {
			if l.Has(Managed) {
				n.ResetNeeded = true
				c.FindWrong(Warning, "Guest node %s will be fenced (by recovering its guest resource %s): %s", n.ShownName(), l.ID, reason)
				l.Set(Failed | StopIfFailed)
			}
		}
	case n.IsDanglingGuest():
		n.Conn.Set(Failed | StopIfFailed)
	case n.IsRemote:
		if n.Conn != nil && !n.Conn.Has(Managed) {
			// an unmanaged connection is not reset
		} else if !n.ResetNeeded {
			n.ResetNeeded = true
			c.FindWrong(Warning, "Remote node %s %s: %s", n.ShownName(), c.fate(n), reason)
		}
		n.Unclean = true
		c.NewFencing(n, "", true, reason, false)
	case n.Unclean:
	default:
		c.FindWrong(Warning, "Cluster node %s %s: %s", n.ShownName(), c.fate(n), reason)
		n.Unclean = true
		c.NewFencing(n, "", true, reason, priorityDelay)
	}
}

// fate is what comes of a node that ought to be fenced.
func (c *Cluster) fate(n *Node) string {
	if c.CanFence(n) {
		return "will be fenced"
	}
	return "is unclean"
}

// IsDanglingGuest tells whether the node was a guest whose connection is no
// longer configured.
func (n *Node) IsDanglingGuest() bool {
	return n.IsRemote && n.Conn != nil && n.Conn.Launcher == nil && n.Conn.Has(RemovedLaunched)
}

// global finds an action without resource by its key.
func (c *Cluster) global(key string) *Action {
	for _, a := range c.Actions {
		if a.Resource == nil && a.Key == key {
			return a
		}
	}
	return nil
}

// NewFencing gets or creates the fencing of a node; kind "" is the cluster's
// default. It is required if asked for and possible.
func (c *Cluster) NewFencing(n *Node, kind string, optional bool, reason string, priorityDelay bool) *Action {
	if kind == "" {
		kind = c.Options.FencingAction
	}
	key := "stonith-" + n.Name + "-" + kind
	a := c.global(key)
	if a == nil {
		a = c.NewGlobal(key, "stonith", n, true)
		a.Meta.Set("on_node", n.Name)
		a.Meta.Set("on_node_uuid", n.ID)
		a.Meta.Set("stonith_action", kind)
		c.Trace.Note(a, ActionOptional, c.Trace.Cause())
		if c.Options.Unfencing {
			var all, secure strings.Builder
			for _, d := range c.unfencingDevices() {
				agent := d.Meta.Value("type")
				dig := c.FencingDigest(d, agent, n)
				if dig.Outcome == DigestMismatch {
					optional = false
					c.Notices = append(c.Notices, fmt.Sprintf("notice: Unfencing node %s because the definition of %s changed", n.ShownName(), d.ID))
				}
				all.WriteString(d.ID + ":" + agent + ":" + dig.All + ",")
				secure.WriteString(d.ID + ":" + agent + ":" + dig.Secure + ",")
			}
			a.Meta.Set("digests-all", all.String())
			a.Meta.Set("digests-secure", secure.String())
		}
	}
	if c.Options.PriorityFencingDelay > 0 && (priorityDelay || a.Meta.Has("priority-fencing-delay")) {
		a.Meta.Set("priority-fencing-delay", strconv.FormatInt(c.priorityDelay(n), 10))
	}
	if !optional && c.CanFence(n) {
		if c.Trace != nil && a.Has(Optional) {
			c.Trace.Note(a, ActionRequired, c.Trace.cause)
		}
		a.Clear(Optional)
		a.SetReason(reason, false)
	} else if reason != "" && a.Reason == "" {
		a.Reason = reason
	}
	return a
}

// ShownName is the node's name, with its host if it is a guest.
func (n *Node) ShownName() string { return n.Name }

// priorityDelay is the delay (seconds) before a node that carries the most
// important resources is fenced by a minority.
func (c *Cluster) priorityDelay(n *Node) int64 {
	if c.Options.PriorityFencingDelay == 0 || n.IsRemote || n.Online {
		return 0
	}
	members, online, top, low := 0, 0, 0, 0
	for _, o := range c.Nodes {
		if o.IsRemote {
			continue
		}
		members++
		if o.Online {
			online++
		}
		if members == 1 || o.Priority > top {
			top = o.Priority
		}
		if members == 1 || o.Priority < low {
			low = o.Priority
		}
	}
	if online > members/2 || low == top || n.Priority < top {
		return 0
	}
	return seconds(c.Options.PriorityFencingDelay)
}

// unfencingDevices finds the fence devices that unfence, newest found first.
func (c *Cluster) unfencingDevices() []*Resource {
	var list []*Resource
	var walk func(rs []*Resource)
	walk = func(rs []*Resource) {
		for _, r := range rs {
			switch {
			case r.Kind != Primitive:
				walk(r.Children)
			case !r.Has(FenceDevice):
			case r.Has(NeedsUnfencing) || strings.EqualFold(r.Meta.Value("provides"), "unfencing"):
				list = append([]*Resource{r}, list...)
			}
		}
	}
	walk(c.Resources)
	return list
}
