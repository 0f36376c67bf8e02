package resource

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/tool"
)

// replyTimeout is how long a controller may take to answer.
const replyTimeout = time.Minute

// cleanup forgets failures, and the histories that hold them.
func (c *call) cleanup(ctx context.Context) error {
	f := &forgetting{call: c, operation: c.operation, interval: c.interval, failures: true}
	if c.rsc == nil {
		return f.all(ctx)
	}
	return f.resource(ctx)
}

// refresh forgets what is known of resources.
func (c *call) refresh(ctx context.Context) error {
	f := &forgetting{call: c}
	if c.rsc != nil {
		return f.resource(ctx)
	}
	node, where := c.everywhere()
	router := ""
	if c.at != nil && c.at.IsRemote {
		host := c.router(c.at)
		if host == nil {
			return failf(tool.NoSuch, "No cluster connection to Pacemaker Remote node %s detected", where)
		}
		router = host.Name
	}
	if c.controller == nil {
		c.out.Info("Dry run: skipping clean-up of %s due to CIB_file", where)
		return nil
	}
	if err := client.ClearFailures(ctx, "", "", "", node); err != nil {
		return failf(tool.Disconnect, "Unable to clean up all failures on %s: %s", where, err)
	}
	f.orders = append(f.orders, func(ctx context.Context) error { return c.controller.ProbeAgain(ctx, node, router) })
	return f.send(ctx)
}

// everywhere is the node that is meant, as messages name it and as people read it.
func (c *call) everywhere() (node, where string) {
	if c.at == nil {
		return "", "all nodes"
	}
	return c.at.Name, c.at.Name
}

// router is the member whose controller stands for a Pacemaker Remote node.
func (c *call) router(n *status.Node) *status.Node {
	if n.Conn == nil {
		return nil
	}
	return c.cluster.CurrentNode(n.Conn)
}

// fail tells the cluster that the resource failed on a node.
func (c *call) fail(ctx context.Context) error {
	if c.controller == nil {
		c.out.Fault("Dry run: skipping fail of %s on %s due to CIB_file", c.resource, c.at.Name)
		return nil
	}
	o, err := c.order(c.rsc, c.resource, c.at)
	if err != nil {
		return err
	}
	if o.CIBOnly {
		c.out.Fault("Node %s is not online", c.at.Name)
		return &fault{code: tool.Disconnect}
	}
	f := &forgetting{call: c}
	f.orders = append(f.orders, func(ctx context.Context) error { return c.controller.Fail(ctx, o) })
	return f.send(ctx)
}

// order is what a controller is told about a resource on a node.
func (c *call) order(r *status.Resource, name string, n *status.Node) (o client.ResourceOrder, err error) {
	get := func(attr string) string { return r.XML.SelectAttrValue(attr, "") }
	switch {
	case r.Kind != status.Primitive:
		c.out.Fault("We can only process primitive resources, not %s", name)
		return o, &fault{code: tool.Software}
	case r.XML.SelectAttr("class") == nil || r.XML.SelectAttr("type") == nil:
		c.out.Fault("Resource %s does not have a class and type", name)
		return o, &fault{code: tool.Software}
	}
	o = client.ResourceOrder{Node: n.Name, ID: r.ID, Class: get("class"), Provider: get("provider"), Type: get("type")}
	if r.HistoryID != "" {
		o.ID, o.LongID = r.HistoryID, r.ID
	}
	switch {
	case !n.Online:
		o.CIBOnly = true
	case n.IsRemote:
		host := c.router(n)
		if host == nil {
			c.out.Fault("No cluster connection to Pacemaker Remote node %s detected", n.Name)
			return o, &fault{code: tool.Disconnect}
		}
		o.Router = host.Name
	}
	return o, nil
}

// forgetting is a clean-up at work.
type forgetting struct {
	*call
	operation, interval string
	failures            bool // only what failed is forgotten
	// orders are sent to the controller, which answers each.
	orders []func(context.Context) error
}

// errSkipped ends a clean-up that the resource's configuration does not allow; it has been told.
var errSkipped = errors.New("skipped")

// resource forgets one resource, the whole that it is part of unless forced.
func (f *forgetting) resource(ctx context.Context) error {
	r := f.rsc
	if !f.force {
		r = r.Top(false)
	}
	if err := f.forget(ctx, r, f.at); err != nil {
		if errors.Is(err, errSkipped) {
			return nil
		}
		return err
	}
	if !f.quiet {
		f.tell(r, f.at, f.out.Result()) // why it may stay stopped
	}
	return f.send(ctx)
}

// forget forgets a resource on a node; nil stands for all nodes that it was looked for on.
func (f *forgetting) forget(ctx context.Context, r *status.Resource, n *status.Node) error {
	for _, k := range r.Children {
		if err := f.forget(ctx, k, n); err != nil {
			return err
		}
	}
	if len(r.Children) > 0 {
		return nil
	}
	if n == nil {
		for _, n := range f.nodesOf(r) {
			if n.Online {
				if err := f.forget(ctx, r, n); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if !n.DiscoveryOK {
		f.out.Fault("Unable to clean up %s because resource discovery disabled on %s", r.ID, n.Name)
		return errSkipped
	}
	if f.controller == nil {
		f.out.Fault("Dry run: skipping clean-up of %s on %s due to CIB_file", r.ID, n.Name)
		return nil
	}
	if err := client.ClearFailures(ctx, r.FailName(), f.operation, f.interval, n.Name); err != nil {
		return failf(tool.Disconnect, "Unable to clean up %s failures on %s: %s", r.ID, n.Name, err)
	}
	var err error
	if f.failures {
		err = f.forgetFailed(r, n)
	} else {
		err = f.forgetHistory(r, r.ID, n)
	}
	if err != nil {
		f.out.Fault("Cleaned %s failures on %s, but unable to clean history: %s", r.ID, n.Name, wordsOf(err))
		return err
	}
	f.out.Info("Cleaned up %s on %s", r.ID, n.Name)
	return nil
}

// nodesOf are the nodes where a resource may have left a history, in the order in
// which Pacemaker goes through them.
func (f *forgetting) nodesOf(r *status.Resource) []*status.Node {
	if len(r.Known) > 0 {
		return walk(r.Known)
	}
	if f.force {
		return f.cluster.Nodes
	}
	return walk(slices.DeleteFunc(slices.Clone(f.cluster.Nodes), func(n *status.Node) bool {
		e := r.Allowed.At(n)
		return e == nil || r.Has(status.ExclusiveProbes) && e.Score < 0
	}))
}

// walk is the order in which the values of GLib's table of these nodes come.
func walk(nodes []*status.Node) []*status.Node {
	keys := make([]string, len(nodes))
	for i, n := range nodes {
		keys[i] = n.ID
	}
	list := make([]*status.Node, 0, len(nodes))
	for _, i := range slices.Backward(status.HashOrder(keys)) {
		list = append(list, nodes[i])
	}
	return list
}

func (f *forgetting) forgetHistory(r *status.Resource, name string, n *status.Node) error {
	o, err := f.order(r, name, n)
	if err != nil {
		return err
	}
	f.orders = append(f.orders, func(ctx context.Context) error { return f.controller.Forget(ctx, o) })
	return nil
}

// forgetFailed forgets the histories on a node that hold failures: of one resource, nil for all.
func (f *forgetting) forgetFailed(r *status.Resource, n *status.Node) error {
	var done []*status.Resource
	ms, _ := status.ParseInterval(f.interval)
	for _, failed := range f.cluster.Failures {
		get := func(name string) string { return failed.XML.SelectAttrValue(name, "") }
		if failed.Node != n || failed.Resource == nil || r != nil && failed.Resource != r || slices.Contains(done, failed.Resource) {
			continue
		}
		if f.operation != "" {
			every, _ := status.ParseInt(get("interval"))
			if !strings.EqualFold(get("operation"), f.operation) || every != max(ms, 0) {
				continue
			}
		}
		done = append(done, failed.Resource)
		if err := f.forgetHistory(failed.Resource, failed.Resource.ID, n); err != nil {
			return err
		}
	}
	return nil
}

// all forgets all failures.
func (f *forgetting) all(ctx context.Context) error {
	node, where := f.everywhere()
	if f.controller == nil {
		f.out.Info("Dry run: skipping clean-up of %s due to CIB_file", where)
		return nil
	}
	if err := client.ClearFailures(ctx, "", f.operation, f.interval, node); err != nil {
		return failf(tool.Disconnect, "Unable to clean up all failures on %s: %s", where, err)
	}
	nodes := f.cluster.Nodes
	if f.at != nil {
		nodes = []*status.Node{f.at}
	}
	for _, n := range nodes {
		if err := f.forgetFailed(nil, n); err != nil {
			f.out.Fault("Cleaned all resource failures on %s, but unable to clean history: %s", where, wordsOf(err))
			return err
		}
	}
	f.out.Info("Cleaned up all resources on %s", where)
	return f.send(ctx)
}

// send sends the orders and waits for their answers.
func (f *forgetting) send(ctx context.Context) error {
	n := len(f.orders)
	if n == 0 {
		return nil
	}
	replies := "replies"
	if n == 1 {
		replies = "reply"
	}
	f.out.Info("Waiting for %d %s from the controller", n, replies)
	for i, order := range f.orders {
		limited, stop := context.WithTimeout(ctx, replyTimeout)
		err := order(limited)
		late := errors.Is(limited.Err(), context.DeadlineExceeded)
		stop()
		switch {
		case late:
			return failf(tool.Timeout, "Aborting because no messages received in %d seconds", int(replyTimeout.Seconds()))
		case err != nil:
			f.out.Fault("Error: bad reply from controller: %s", err)
			return &fault{code: tool.Error}
		case i == n-1:
			f.out.Info("... got reply (done)")
		default:
			f.out.Info("... got reply")
		}
	}
	return nil
}
