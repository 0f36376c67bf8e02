package resource

import (
	"context"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// hindrance is what keeps a resource from running, or from running fully.
type hindrance struct {
	stopped, unpromoted, unmanaged, unhealthy bool
	lock                                      *status.Node
}

// hindrances looks for what keeps a resource from running, on a node or at all.
func (c *call) hindrances(r *status.Resource, n *status.Node) (h hindrance) {
	if text, ok := r.Meta.Get("target-role"); ok {
		switch role, _ := status.ParseRole(text); role {
		case status.RoleStopped:
			h.stopped = true
		case status.RoleUnpromoted:
			h.unpromoted = r.Top(false).Has(status.Promotable)
		}
	}
	if text, ok := r.Meta.Get("is-managed"); ok {
		h.unmanaged = !number.IsTrue(text)
	}
	h.lock = r.LockNode
	if n != nil {
		h.unhealthy = c.unhealthy(n)
		return h
	}
	allowed := slices.DeleteFunc(slices.Clone(c.cluster.ByIndex), func(n *status.Node) bool { return r.Allowed.At(n) == nil })
	h.unhealthy = len(allowed) > 0 && !slices.ContainsFunc(allowed, func(n *status.Node) bool { return !c.unhealthy(n) })
	return h
}

// unhealthy tells whether a node's health keeps resources off it.
func (c *call) unhealthy(n *status.Node) bool {
	switch c.cluster.Options.HealthStrategy {
	case "migrate-on-red":
		return c.cluster.Health(n) < 0
	case "only-green":
		return c.cluster.Health(n) <= 0
	}
	return false
}

// tell tells of hindrances, as lines and in an element check.
func (c *call) tell(r *status.Resource, n *status.Node, to *etree.Element) {
	h := c.hindrances(r, n)
	id := r.Top(false).ID
	e := tool.Add(to, "check", "id", id)
	say := func(is bool, attr, value, format string, args ...any) {
		if !is {
			return
		}
		e.CreateAttr(attr, value)
		c.out.Print(format+"\n", args...)
	}
	say(h.stopped, "remain_stopped", "true", "Configuration specifies '%s' should remain stopped", id)
	say(h.unpromoted, "promotable", "false", "Configuration specifies '%s' should not be promoted", id)
	say(h.unmanaged, "unmanaged", "true", "Configuration prevents cluster from stopping or starting unmanaged '%s'", id)
	if h.lock != nil {
		say(true, "locked-to", h.lock.Name, "'%s' is locked to node %s due to shutdown", id, h.lock.Name)
	}
	say(h.unhealthy, "unhealthy", "true", "'%s' cannot run on unhealthy nodes due to node-health-strategy='%s'", id, c.cluster.Options.Values.Value("node-health-strategy"))
}

// why tells what runs, and what keeps the rest from it.
func (c *call) why(context.Context) error {
	reason := c.out.Element("reason")
	running := func(r *status.Resource) bool { return len(r.Places(status.Current)) > 0 }
	not := map[bool]string{true: "", false: "not "}
	switch {
	case c.rsc != nil && c.at != nil:
		here := runsOn(c.rsc, c.at)
		if here {
			reason.CreateAttr("running_on", c.at.Name)
		}
		c.out.Print("Resource %s is %srunning on host %s\n", c.rsc.ID, not[here], c.at.Name)
		c.tell(c.rsc, c.at, reason)
	case c.rsc != nil:
		reason.CreateAttr("running", strconv.FormatBool(running(c.rsc)))
		c.out.Print("Resource %s is %srunning\n", c.rsc.ID, not[running(c.rsc)])
		c.tell(c.rsc, nil, reason)
	case c.at != nil:
		list := tool.Add(reason, "resources")
		for _, r := range c.at.Running {
			c.out.Print("Resource %s is running on host %s\n", r.ID, c.at.Name)
			c.tell(r, c.at, tool.Add(list, "resource", "id", r.ID, "running", "true", "host", c.at.Name))
		}
	default:
		list := tool.Add(reason, "resources")
		for _, r := range c.cluster.Resources {
			c.out.Print("Resource %s is %srunning\n", r.ID, not[running(r)])
			c.tell(r, nil, tool.Add(list, "resource", "id", r.ID, "running", strconv.FormatBool(running(r))))
		}
	}
	return nil
}

// runsOn tells whether a resource, or a part of it, is active on a node; nil asks for any node.
func runsOn(r *status.Resource, n *status.Node) bool {
	places := r.Places(status.Current)
	if n == nil {
		return len(places) > 0
	}
	return status.HasNode(places, n)
}
