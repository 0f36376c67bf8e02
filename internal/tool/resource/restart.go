package resource

import (
	"context"
	"errors"
	"slices"
	"time"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition/dryrun"
	"hacluster/internal/tool"
)

// running are the ids of the resources that run on a node (nil: anywhere), groups by their members.
func running(list []*status.Resource, n *status.Node) (ids []string) {
	for _, r := range list {
		switch {
		case r.Kind == status.Group:
			ids = append(ids, running(r.Children, n)...)
		case runsOn(r, n):
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// without are the ids of one list that another does not hold.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(other, id) })
}

// restarting is a restart at work.
type restarting struct {
	*call
	r    *status.Resource
	id   string // of the constraint that keeps it off, or of the resource
	host string // "" for wherever it runs
	ban  bool   // an instance is stopped by a ban, the rest by its target role
	role string // target role before, "" for none
	w    *watch
}

// restart stops a resource and starts it again.
func (c *call) restart(ctx context.Context) error {
	s, err := c.restarting()
	if err != nil {
		return err
	}
	if s.w, err = c.watch(ctx); err != nil {
		return err
	}
	defer s.w.close()
	return s.perform(ctx)
}

// restarting finds out what is to be restarted, and how.
func (c *call) restarting() (*restarting, error) {
	r, whole := c.rsc, c.rsc.Top(false)
	name := r.HistoryID
	if name == "" {
		name = r.ID
	}
	if r.Bundled() {
		r = whole.Parent
	}
	if whole.IsClone() && !runsOn(r, c.at) {
		// any instance that runs there will do
		base := status.BaseName(r.ID)
		if whole.Has(status.Unique) {
			base = r.ID
		}
		r = nil
		for _, k := range leaves(whole.Children) {
			if (k.ID == base || status.BaseName(k.ID) == base) && runsOn(k, c.at) {
				r = k
				break
			}
		}
	}
	switch {
	case (r == nil || !runsOn(r, c.at)) && c.at != nil:
		c.out.Fault("%s is not running on %s and so cannot be restarted", name, c.at.Name)
		return nil, &fault{code: tool.NoSuch}
	case r == nil || !runsOn(r, nil):
		c.out.Fault("%s is not running anywhere and so cannot be restarted", name)
		return nil, &fault{code: tool.NoSuch}
	case !r.Has(status.Managed):
		c.out.Fault("Unmanaged resources cannot be restarted.")
		return nil, &fault{code: tool.Unsatisfied}
	}
	s := &restarting{call: c, r: r, id: status.BaseName(r.ID)}
	if whole.IsClone() && whole.Has(status.Unique) {
		s.id = r.ID
	}
	if c.at != nil {
		s.host = c.at.Name
		switch {
		case r.IsClone() || r.Kind == status.Bundle:
			s.ban = true
		case whole.IsClone():
			s.ban, s.id = true, whole.ID
		}
	}
	return s, nil
}

func (s *restarting) perform(ctx context.Context) error {
	// the constraints tell what goes along
	if err := s.read(ctx, false); err != nil {
		return err
	}
	before := running(s.cluster.Resources, s.node())
	if err := s.stop(ctx); err != nil {
		return err
	}
	target, err := s.expected(ctx)
	if err != nil {
		s.out.Fault("Could not determine which resources would be stopped")
		return errors.Join(err, s.undo(ctx))
	}
	left := without(before, target)
	s.out.Info("Waiting for %d resources to stop:", len(left))
	s.bullets(left)
	left, err = s.until(ctx, left, func() []string { return without(running(s.cluster.Resources, s.node()), target) })
	if err != nil {
		s.out.Fault("Could not complete shutdown of %s, %d resources remaining", s.r.ID, len(left))
		s.bullets(left)
		_ = s.undo(ctx) // what failed has been told
		return err
	}
	if err := s.undo(ctx); err != nil {
		s.out.Fault("Could not unset target-role for %s: %s", s.r.ID, wordsOf(err))
		return err
	}
	left = without(before, running(s.cluster.Resources, s.node()))
	s.out.Info("Waiting for %d resources to start again:", len(left))
	s.bullets(left)
	// what depends on it may start elsewhere
	left, err = s.until(ctx, left, func() []string { return without(before, running(s.cluster.Resources, nil)) })
	if err != nil {
		s.out.Fault("Could not complete restart of %s, %d resources remaining", s.r.ID, len(left))
		s.bullets(left)
	}
	return err
}

// node is the node that is meant, in the model as it was read last.
func (s *restarting) node() *status.Node {
	if s.host == "" {
		return nil
	}
	return s.cluster.FindNode(s.host)
}

func (s *restarting) bullets(ids []string) {
	for _, id := range ids {
		s.out.Info(" * %s", id)
	}
}

// roleCall is a call that sets or deletes the target role of what is restarted.
func (s *restarting) roleCall() *call {
	o := *s.options
	o.set, o.parameter, o.resource, o.recursive = "meta_attributes", "target-role", s.r.ID, false
	o.setID, o.pair = "", ""
	c := *s.call
	c.options, c.rsc = &o, s.r
	return &c
}

// wordsOf is an error in words, also where its exit code says all.
func wordsOf(err error) string {
	var f *fault
	if errors.As(err, &f) && f.text == "" {
		return f.code.String()
	}
	return err.Error()
}

// stop tells the cluster to stop it.
func (s *restarting) stop(ctx context.Context) error {
	if s.ban {
		c := *s.call
		o := *s.options
		o.resource = s.id
		c.options = &o
		c.out.Quiet = true // and so it stays: what is restarted by a ban is waited for without a word
		err := c.banFrom(ctx, s.node(), s.promoted)
		if err != nil {
			s.out.Fault("Could not set target-role for %s: %s", s.r.ID, wordsOf(err))
		}
		return err
	}
	if e, err := s.look(ctx, place{element: s.id, name: "target-role"}); err == nil && e != nil {
		s.role = e.SelectAttrValue("value", "")
	}
	c := s.roleCall()
	c.value = "stopped"
	if err := c.setParameter(ctx); err != nil {
		s.out.Fault("Could not set target-role for %s: %s", s.r.ID, wordsOf(err))
		return err
	}
	return nil
}

// undo takes back what stop did.
func (s *restarting) undo(ctx context.Context) error {
	switch {
	case s.ban:
		c := *s.call
		o := *s.options
		o.resource = s.id
		c.options = &o
		return c.take(ctx, s.host, true)
	case s.role != "":
		c := s.roleCall()
		c.value = s.role
		return c.setParameter(ctx)
	}
	return s.roleCall().deleteParameter(ctx)
}

// expected is what will run when the cluster has done what it is told.
func (s *restarting) expected(ctx context.Context) ([]string, error) {
	if err := s.read(ctx, false); err != nil {
		return nil, err
	}
	root := s.cluster.CIB.Copy()
	now := time.Now()
	res, err := scheduler.Plan(scheduler.Input{CIB: root, Now: now, NoScores: true})
	if err != nil {
		return nil, failf(tool.Config, "%s", err)
	}
	sim := &dryrun.Simulation{CIB: root, Now: now, Known: func(id string) bool { return res.Cluster.Find(id) != nil }}
	sim.Execute(res.Graph)
	after := status.Read(status.Input{CIB: root, Now: now, NoConstraints: true})
	var n *status.Node
	if s.host != "" {
		n = after.FindNode(s.host)
	}
	return running(after.Resources, n), nil
}

// until waits until nothing is left of what left gives. Without --timeout each step
// may take as long as the slowest stop, as long as there are steps.
func (s *restarting) until(ctx context.Context, now []string, left func() []string) ([]string, error) {
	var deadline time.Time
	if s.timeout > 0 {
		deadline = time.Now().Add(s.timeout)
	}
	for len(now) > 0 {
		limit := deadline
		if limit.IsZero() {
			limit = time.Now().Add(s.slowest(now) + 5*time.Second)
		}
		stepped, stop := context.WithDeadline(ctx, limit)
		var err error
		before := len(now)
		for err == nil && len(now) > 0 && (len(now) == before || !deadline.IsZero()) {
			if err = s.w.changed(stepped); err == nil {
				if err = s.read(ctx, true); err == nil {
					now = left()
				}
			}
		}
		stop()
		switch {
		case err == nil || len(now) == 0:
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errUnchanging):
			return now, &fault{code: tool.Timeout}
		case errors.As(err, new(*fault)):
			return now, err
		default:
			return now, failf(tool.Disconnect, "Lost connection to the CIB: %s", err)
		}
	}
	return nil, nil
}

// slowest is the longest timeout of stops among these resources.
func (s *restarting) slowest(ids []string) (longest time.Duration) {
	for _, id := range ids {
		r := s.cluster.Find(id)
		if r == nil {
			continue
		}
		for _, k := range leaves([]*status.Resource{r}) {
			meta := s.cluster.ActionMeta(k, nil, "stop", 0, k.FindOp("stop", 0, true))
			if ms, ok := status.ParseInt(meta.Value("timeout")); ok {
				longest = max(longest, time.Duration(ms)*time.Millisecond)
			}
		}
	}
	return longest
}
