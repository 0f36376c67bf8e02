package resource

import (
	"context"
	"errors"
	"time"

	"hacluster/engine/controller"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/tool"
)

// waitDefault is how long --wait waits unless told otherwise.
const waitDefault = time.Hour

// errUnchanging is that what is waited for cannot come: a file does not change.
var errUnchanging = errors.New("a file does not change")

// watch waits for changes of the CIB.
type watch struct{ cib *client.CIB }

// watch begins to wait for changes; a file has none.
func (c *call) watch(ctx context.Context) (*watch, error) {
	if !c.cib.Live() {
		return &watch{}, nil
	}
	w, err := tool.DialCIB(ctx, c.env)
	if err != nil {
		return nil, failf(tool.Disconnect, "Could not connect to the CIB: %s", err)
	}
	if err := w.Watch(ctx); err != nil {
		w.Close()
		return nil, failf(tool.Disconnect, "Could not connect to the CIB: %s", err)
	}
	return &watch{w}, nil
}

// changed waits until the CIB changed, as long as ctx lasts.
func (w *watch) changed(ctx context.Context) error {
	if w.cib == nil {
		return errUnchanging
	}
	return w.cib.ChangedAll(ctx)
}

func (w *watch) close() {
	if w.cib != nil {
		w.cib.Close()
	}
}

// wait waits until the cluster has nothing to do.
func (c *call) wait(ctx context.Context) error {
	limit := c.timeout
	if limit == 0 {
		limit = waitDefault
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	w, err := c.watch(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	warned := false
	for {
		pending, version, err := c.pending(ctx)
		if err != nil {
			return err
		}
		if !warned && version != controller.Version {
			warned = true
			c.out.Info("warning: wait option may not work properly in mixed-version cluster")
		}
		if pending == nil {
			return nil
		}
		if err := w.changed(ctx); err != nil {
			if !errors.Is(err, errUnchanging) && !errors.Is(err, context.DeadlineExceeded) {
				return failf(tool.Disconnect, "Lost connection to the CIB: %s", err)
			}
			c.out.Info("Pending actions:")
			for _, a := range pending {
				where := ""
				if a.Node != nil {
					where = "\ton " + a.Node.Name
				}
				c.out.Info("\tAction %d: %s%s", a.ID, a.KeyText(), where)
			}
			return &fault{code: tool.Timeout}
		}
	}
}

// pending are the actions that the cluster still has to take, nil when it is at rest, with the version of the node that decides. A cluster
// in which none decides yet is not at rest, though nothing is known of that is to be done.
func (c *call) pending(ctx context.Context) (list []*status.Action, version string, err error) {
	if err := c.read(ctx, true); err != nil {
		return nil, "", err
	}
	res, err := scheduler.Plan(scheduler.Input{CIB: c.cluster.CIB, Now: time.Now(), NoScores: true})
	if err != nil {
		return nil, "", failf(tool.Config, "%s", err)
	}
	list = nil
	for _, a := range res.Actions {
		if !a.Has(status.Optional) && !a.Has(status.Pseudo) && a.Has(status.Runnable) && a.Task != "notify" {
			list = append(list, a)
		}
	}
	if list == nil && (res.Cluster.AnyPending() || c.cib.Live() && c.cluster.CIB.SelectAttr("dc-uuid") == nil) {
		list = []*status.Action{}
	}
	return list, res.Cluster.Options.Values.Value("dc-version"), nil
}
