// Package running is the cluster that runs on this host as pcs asks for it, over
// the local services of its daemons, and this host's agents as pcs reads them.
package running

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/internal/client"
	"hacluster/internal/output/screen"
	"hacluster/internal/pcs/live"
)

// Cluster is the cluster that runs on this host. Its zero value is ready; each
// call connects anew.
type Cluster struct {
	// Pace is how long a change is followed at most: it returns as soon as the cluster
	// has carried out what comes of it. Scripts rely on the time that a command of the
	// original took ("move, then clear"): without it the next change would overtake
	// the one before. 0 does not wait.
	Pace time.Duration
	// User is for whom a process of root asks, "" for itself: permissions are that user's.
	User string
	// Elsewhere is where the CIB is, nil for this host's cluster. What is no work on the CIB is always done here.
	Elsewhere *client.Elsewhere
}

// dial connects to the CIB under the name of one of Pacemaker's tools.
func (c Cluster) dial(ctx context.Context, tool string) (*client.CIB, error) {
	if c.Elsewhere == nil {
		conn, err := client.DialCIB(ctx, tool)
		return conn, told(err)
	}
	conn, err := c.Elsewhere.DialCIB(ctx)
	if err != nil {
		var refused *cib.Error
		if errors.As(err, &refused) {
			return nil, wordsf("%s: Could not connect to the CIB API: %s", tool, refused)
		}
		return nil, err
	}
	return conn, nil
}

// Pace is what a command of the original leaves a cluster, in the tutorials' days.
const Pace = 3 * time.Second

// follow waits, within Pace, until the cluster has nothing left to do.
func (c Cluster) follow(ctx context.Context, err error) error {
	if err != nil || c.Pace <= 0 {
		return err
	}
	// How the waiting ends does not matter: the change is made.
	_ = c.Wait(ctx, c.Pace)
	return nil
}

var _ live.Cluster = Cluster{}

// who is the name under which changes are recorded: pcs makes them as cibadmin does.
const who = "cibadmin"

// words is an error in the words of one of Pacemaker's tools.
type words string

func (w words) Error() string { return string(w) }

func wordsf(format string, args ...any) error { return words(fmt.Sprintf(format, args...)) }

// told gives an error as pcs must see it.
func told(err error) error {
	if errors.Is(err, client.ErrNotRunning) {
		return live.ErrNotRunning
	}
	var refused *cib.Error
	if errors.As(err, &refused) {
		return wordsf("Call cib_apply failed (%d): %s", -int(refused.Code), refused.Code)
	}
	return err
}

func (c Cluster) do(ctx context.Context, req cib.Request) (*etree.Element, error) {
	return c.as(ctx, who, req)
}

// as makes a request under the name of one of Pacemaker's tools.
func (c Cluster) as(ctx context.Context, tool string, req cib.Request) (*etree.Element, error) {
	if req.User.Name == "" {
		req.User.Name = c.User
	}
	conn, err := c.dial(ctx, tool)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	el, err := conn.Do(ctx, req)
	return el, told(err)
}

func (c Cluster) query(ctx context.Context) (*etree.Element, error) {
	return c.do(ctx, cib.Request{Op: cib.Query})
}

// Query gives the whole CIB as text.
func (c Cluster) Query(ctx context.Context) ([]byte, error) {
	el, err := c.query(ctx)
	if err != nil {
		return nil, err
	}
	return xml.Format(el), nil
}

// Replace puts an element in place of the section of its name.
func (c Cluster) Replace(ctx context.Context, section []byte) error {
	doc, err := xml.Parse(section)
	if err != nil {
		return err
	}
	cib.DropText(doc.Root)
	name := doc.Root.Tag
	if name == "cib" {
		name = ""
	}
	_, err = c.do(ctx, cib.Request{Op: cib.Replace, Section: name, Data: doc.Root})
	return c.follow(ctx, err)
}

// Patch applies a patchset.
func (c Cluster) Patch(ctx context.Context, patchset []byte) error {
	doc, err := xml.Parse(patchset)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, cib.Request{Op: cib.Patch, Data: doc.Root})
	return c.follow(ctx, err)
}

// Upgrade raises the schema to the one that new clusters begin with.
func (c Cluster) Upgrade(ctx context.Context) error {
	_, err := c.do(ctx, cib.Request{Op: cib.Upgrade, MaxSchema: cib.NewSchema})
	return c.follow(ctx, err)
}

func (Cluster) controller(ctx context.Context, name string, f func(*client.Controller) error) error {
	c, err := client.DialController(ctx, name)
	if err != nil {
		return told(err)
	}
	defer c.Close()
	return told(f(c))
}

// LocalNode is this host's node name.
func (c Cluster) LocalNode(ctx context.Context) (name string, err error) {
	err = c.controller(ctx, "crm_node", func(x *client.Controller) error {
		n, err := x.Local(ctx)
		name = n.Name
		return err
	})
	return name, err
}

// Nodes lists the nodes that the cluster knows.
func (c Cluster) Nodes(ctx context.Context) (out []live.Node, err error) {
	err = c.controller(ctx, "crm_node", func(x *client.Controller) error {
		nodes, err := x.Nodes(ctx)
		for _, n := range nodes {
			state := "lost"
			if n.Member {
				state = "member"
			}
			out = append(out, live.Node{ID: n.ID, Name: n.Name, Type: "member", State: state})
		}
		return err
	})
	return out, err
}

// RemoveNode forgets a node, as crm_node does, whose changes of the status nobody takes for a mistake.
func (c Cluster) RemoveNode(ctx context.Context, name string) error {
	for _, s := range []struct{ section, tag string }{{"nodes", "node"}, {"status", "node_state"}} {
		el := etree.NewElement(s.tag)
		el.CreateAttr("uname", name)
		if _, err := c.as(ctx, "crm_node", cib.Request{Op: cib.Delete, Section: s.section, Data: el}); err != nil {
			return err
		}
	}
	return nil
}

// settleLimit is how long Wait waits where no time is given.
const settleLimit = time.Hour

// Wait returns when the cluster has nothing left to do.
func (c Cluster) Wait(ctx context.Context, timeout time.Duration) error {
	if timeout <= 0 {
		timeout = settleLimit
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	x, err := c.dial(ctx, who)
	if err != nil {
		return err
	}
	defer x.Close()
	if err := x.Watch(ctx); err != nil {
		return told(err)
	}
	for {
		root, err := x.Query(ctx)
		if err == nil {
			var plan *scheduler.Result
			plan, err = scheduler.Plan(scheduler.Input{CIB: root, Now: time.Now(), NoScores: true})
			if err == nil && len(plan.Graph.Synapses) == 0 {
				return nil
			}
		}
		if ctx.Err() != nil {
			return live.ErrTimeout
		}
		if err != nil {
			return told(err)
		}
		// Time alone may change the plan, too.
		step, stop := context.WithTimeout(ctx, 2*time.Second)
		err = x.Changed(step)
		stop()
		if ctx.Err() != nil {
			return live.ErrTimeout
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return told(err)
		}
	}
}

func (Cluster) fencer(ctx context.Context, f func(*client.Fencer) error) error {
	x, err := client.DialFencer(ctx, "stonith_admin")
	if err != nil {
		return told(err)
	}
	defer x.Close()
	return told(f(x))
}

// Fence has a node fenced.
func (c Cluster) Fence(ctx context.Context, node, action string) error {
	return c.fencer(ctx, func(x *client.Fencer) error {
		if err := x.Fence(ctx, node, action); err != nil {
			return fmt.Errorf("fencing (%s) of %s failed: %w", action, node, err)
		}
		return nil
	})
}

// Confirm declares a node as fenced by hand.
func (c Cluster) Confirm(ctx context.Context, node string) error {
	return c.fencer(ctx, func(x *client.Fencer) error { return x.Confirm(ctx, node) })
}

// FenceHistory lists fencing, newest first; former is as Pacemaker 1.1 tells it.
func (c Cluster) FenceHistory(ctx context.Context, node string, former bool) (lines []string, err error) {
	err = c.fencer(ctx, func(x *client.Fencer) error {
		h, err := x.History(ctx, all(node))
		if err != nil {
			return err
		}
		list := screen.HistoryOf(h)
		for i, f := range list {
			if former {
				lines = append(lines, formerFencing(f))
			} else {
				lines = append(lines, f.Text(list[:i], true))
			}
		}
		if former {
			return nil
		}
		found := "events"
		if len(list) == 1 {
			found = "event"
		}
		lines = append(lines, fmt.Sprintf("%d %s found", len(list), found))
		return nil
	})
	return lines, err
}

func all(node string) string {
	if node == "*" {
		return ""
	}
	return node
}

func formerFencing(f screen.Fencing) string {
	action := cmp.Or(map[string]string{"on": "turn on", "off": "turn off"}[f.Action], f.Action)
	when := f.At.Format("Mon Jan _2 15:04:05 2006") + "\n"
	switch f.State {
	case "failed":
		return fmt.Sprintf("%s failed to %s node %s on behalf of %s from %s at %s", cmp.Or(f.Delegate, "We"), action, f.Target, f.Client, f.Origin, when)
	case "success":
		return fmt.Sprintf("%s was able to %s node %s on behalf of %s from %s at %s", cmp.Or(f.Delegate, "This node"), action, f.Target, f.Client, f.Origin, when)
	}
	return fmt.Sprintf("%s at %s wishes to %s node %s - 1 0", f.Client, f.Origin, action, f.Target)
}

// FenceHistoryCleanup forgets fencing.
func (c Cluster) FenceHistoryCleanup(ctx context.Context, node string) ([]string, error) {
	shown := node
	if shown == "" {
		shown = "*"
	}
	err := c.fencer(ctx, func(x *client.Fencer) error { return x.Cleanup(ctx, all(node)) })
	return []string{"cleaning up fencing-history for node " + shown}, err
}

// FenceHistoryUpdate collects fencing from all nodes; ours share it as they join.
func (c Cluster) FenceHistoryUpdate(ctx context.Context) ([]string, error) {
	err := c.fencer(ctx, func(x *client.Fencer) error {
		_, err := x.History(ctx, "")
		return err
	})
	return []string{"gather fencing-history from all nodes"}, err
}
