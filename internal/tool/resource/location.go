package resource

import (
	"context"
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/status"
	"hacluster/internal/placement"
	"hacluster/internal/tool"
)

// wish is what the command line wishes for a node, with the time it ends.
func (c *call) wish(node string, promoted bool) (placement.Wish, error) {
	w := placement.Wish{Resource: c.resource, Node: node, Role: placement.Started}
	if promoted {
		w.Role = placement.Promoted
	}
	if c.lifetime == nil {
		return w, nil
	}
	var err error
	if w.End, err = placement.End(c.now, *c.lifetime); err != nil {
		c.out.Fault("Invalid duration specified: %s\n"+
			"Please refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations", *c.lifetime)
		return w, &fault{code: tool.Usage}
	}
	return w, nil
}

// grant makes a wish come true; a schema that does not know the promoted role knows
// it by its old name.
func (c *call) grant(ctx context.Context, w placement.Wish, prefer bool) error {
	try := func() error {
		if c.lifetime != nil {
			c.out.Info("Migration will take effect until: %s", w.End)
		}
		req := w.Prefer()
		if !prefer {
			c.warnOfBan(w)
			req = w.Ban()
		}
		_, err := c.cib.Do(ctx, req)
		return err
	}
	err := try()
	if err != nil && w.Role == placement.Promoted {
		w.Role = placement.Master
		if try() == nil {
			return nil
		}
	}
	if cib.CodeOf(err) == cib.Invalid {
		return &fault{code: tool.Usage}
	}
	return refused(err)
}

func (c *call) warnOfBan(w placement.Wish) {
	doing := "running"
	if w.Role != placement.Started {
		doing = "being promoted"
	}
	c.out.Info("WARNING: Creating rsc_location constraint '%s' with a score of -INFINITY for resource %s on %s.\n"+
		"\tThis will prevent %s from %s on %s until the constraint is removed using the clear option or by editing the CIB with an appropriate tool.\n"+
		"\tThis will be the case even if %s is the last node in the cluster",
		placement.BanID(w.Resource, w.Node), w.Resource, w.Node, w.Resource, doing, w.Node, w.Node)
}

// banFrom keeps the resource off a node.
func (c *call) banFrom(ctx context.Context, n *status.Node, promoted bool) error {
	w, err := c.wish(n.Name, promoted)
	if err != nil {
		return err
	}
	return c.grant(ctx, w, false)
}

// active is the node where a resource is active, and on how many it is.
func active(r *status.Resource) (*status.Node, int) {
	n, all, clean := r.ActiveNode()
	if r.Has(status.NeedsFencing) {
		return n, all
	}
	return n, clean
}

// promotedAt is where the last promoted instance runs, and how many are promoted.
func promotedAt(r *status.Resource) (last *status.Resource, count int) {
	for _, k := range r.Children {
		if status.RoleOf(k, true) == status.RolePromoted {
			last = k
			count++
		}
	}
	return last, count
}

// ban keeps the resource off a node: the one named, or the one it runs on.
func (c *call) ban(ctx context.Context) error {
	if c.at != nil {
		return c.banFrom(ctx, c.at, c.promoted)
	}
	n, count := active(c.rsc)
	if count == 1 {
		return c.banFrom(ctx, n, c.promoted)
	}
	if !c.rsc.Has(status.Promotable) {
		return failf(tool.Usage, "Resource '%s' not moved: active in %d locations.\nTo prevent '%s' from running on a specific location, specify a node.",
			c.resource, count, c.resource)
	}
	k, promoted := promotedAt(c.rsc)
	if promoted == 1 {
		if n := c.cluster.CurrentNode(k); n != nil {
			return c.banFrom(ctx, n, c.promoted)
		}
	}
	return failf(tool.Usage, "Resource '%s' not moved: active in %d locations (promoted in %d).\nTo prevent '%s' from running on a specific location, specify a node."+
		"To prevent '%s' from being promoted at a specific location, specify a node and the --promoted option.",
		c.resource, count, promoted, c.resource, c.resource)
}

// move wishes the resource onto a node; without one, off the node it runs on.
func (c *call) move(ctx context.Context) error {
	if c.at == nil {
		return c.ban(ctx)
	}
	r, promoted := c.rsc, c.promoted
	if promoted && !r.Has(status.Promotable) {
		c.out.Info("Ignoring --promoted option: %s is not promotable", c.resource)
		promoted = false
	}
	word := "active"
	if c.promoted {
		word = "promoted"
	}
	current, count := active(r)
	if r.Has(status.Promotable) {
		k, n := promotedAt(r)
		if promoted || n != 0 {
			current, count = nil, n
		}
		if k != nil {
			r, current = k, c.cluster.CurrentNode(k)
		}
	}
	if count > 1 {
		if !r.IsClone() {
			return &fault{code: tool.Multiple}
		}
		current = nil
	}
	if current == c.at && !c.force {
		return &fault{code: tool.Exists}
	}
	for _, n := range c.cluster.Nodes {
		_ = c.take(ctx, n.Name, false) // what cannot be taken back is outweighed
	}
	_ = c.take(ctx, c.at.Name, true)
	w, err := c.wish(c.at.Name, promoted)
	if err == nil {
		err = c.grant(ctx, w, true)
	}
	switch {
	case !c.force || current == c.at:
	case current != nil:
		_ = c.banFrom(ctx, current, promoted) // the wish counts, not its aid
	case count > 1:
		c.out.Info("Resource '%s' is currently %s in %d locations. One may now move to %s", c.resource, word, count, c.at.Name)
		c.out.Info("To prevent '%s' from being %s at a specific location, specify a node", c.resource, word)
	}
	return err
}

// take takes back what is wished for a node.
func (c *call) take(ctx context.Context, node string, bans bool) error {
	for _, req := range placement.Clear(c.resource, node, bans, c.force) {
		if _, err := c.cib.Do(ctx, req); err != nil && cib.CodeOf(err) != cib.NotFound {
			return refused(err)
		}
	}
	return nil
}

// wishes are the ids of all location constraints, sorted.
func wishes(root *etree.Element) []string {
	var ids []string
	for _, l := range root.FindElements("./configuration/constraints/rsc_location") {
		ids = append(ids, l.SelectAttrValue("id", ""))
	}
	slices.Sort(ids)
	return ids
}

// clear takes back what was wished. As in Pacemaker 3.0.2 the constraints of the CIB in its latest schema are held
// against those that are stored afterwards: of one that an upgrade makes several of, these are told of, too.
func (c *call) clear(ctx context.Context) error {
	before := wishes(c.cluster.CIB)
	if err := c.clearAll(ctx); err != nil {
		return err
	}
	if c.quiet {
		return nil
	}
	root, err := c.cib.Root(ctx)
	if err != nil {
		return failf(tool.Exit(cib.CodeOf(err).Exit()), "Could not get modified CIB: %s", cib.CodeOf(err))
	}
	after := wishes(root)
	if err := c.read(ctx, true); err != nil {
		return err
	}
	c.notices()
	for _, id := range before {
		if !slices.Contains(after, id) {
			c.out.Info("Removing constraint: %s", id)
		}
	}
	return nil
}

func (c *call) clearAll(ctx context.Context) error {
	switch {
	case c.expired:
		x := placement.Expired{Resource: c.resource, Promoted: c.promoted}
		if c.at != nil {
			x.Node = c.at.Name
		}
		for _, id := range x.Of(c.cluster.CIB, c.now) {
			if _, err := c.cib.Do(ctx, placement.Drop(id)); err != nil {
				return refused(err)
			}
		}
	case c.at != nil:
		return c.take(ctx, c.at.Name, true)
	default:
		for _, n := range c.cluster.Nodes {
			if err := c.take(ctx, n.Name, true); err != nil {
				return err
			}
		}
	}
	return nil
}
