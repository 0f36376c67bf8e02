package client

import (
	"context"
	"net/netip"

	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
)

// ShutdownEvent asks whether this process agrees to a shutdown: answer with Cfg.Agree.
type ShutdownEvent struct{ How uint32 }

// Cfg is a connection to the daemon's own control.
type Cfg struct{ *connection[ShutdownEvent] }

// DialCfg connects to cfg.
func DialCfg(ctx context.Context) (*Cfg, error) {
	n, err := dial(ctx, "cfg", func(m []byte) (ShutdownEvent, bool, error) {
		if ipc.ID(m) != local.CfgTestShutdownEvent {
			return ShutdownEvent{}, false, nil
		}
		how, err := local.AnsweredNumber(m)
		return ShutdownEvent{how}, true, err
	}, nil)
	if err != nil {
		return nil, err
	}
	return &Cfg{n}, nil
}

// LocalNode is this host's node id.
func (c *Cfg) LocalNode(ctx context.Context) (uint32, error) {
	b, err := c.call(ctx, local.Plain(local.CfgLocal))
	if err != nil {
		return 0, err
	}
	return local.AnsweredNumber(b)
}

// Rings is the state of this node's links.
func (c *Cfg) Rings(ctx context.Context) ([]local.RingStatus, error) {
	b, err := c.call(ctx, local.Plain(local.CfgRingStatus))
	if err != nil {
		return nil, err
	}
	return local.ParseRingStatus(b)
}

// NodeStatus is what the transport knows of a node.
func (c *Cfg) NodeStatus(ctx context.Context, node uint32) (local.NodeStatus, error) {
	b, err := c.call(ctx, local.NodeStatusRequest(node))
	if err != nil {
		return local.NodeStatus{}, err
	}
	return local.ParseNodeStatus(b)
}

// NodeAddrs is the addresses of a node.
func (c *Cfg) NodeAddrs(ctx context.Context, node uint32) ([]netip.Addr, error) {
	b, err := c.call(ctx, local.NodeAddrsRequest(node))
	if err != nil {
		return nil, err
	}
	return local.ParseNodeAddrs(b)
}

// Kill ends the daemon of a node.
func (c *Cfg) Kill(ctx context.Context, node uint32, reason string) error {
	_, err := c.call(ctx, local.KillNode{Node: node, Reason: reason}.Marshal())
	return err
}

// Shutdown asks this daemon to end, in one of the ways local.ShutdownRequest, …;
// local.Busy where somebody does not agree.
func (c *Cfg) Shutdown(ctx context.Context, how uint32) error {
	_, err := c.call(ctx, local.ShutdownRequestOf(how))
	return err
}

// Track asks for an event before a shutdown.
func (c *Cfg) Track(ctx context.Context) error {
	_, err := c.call(ctx, local.CfgTrackRequest())
	return err
}

// Agree answers a ShutdownEvent.
func (c *Cfg) Agree(ctx context.Context, yes bool) error {
	_, err := c.call(ctx, local.ReplyToShutdown(yes))
	return err
}

// Reload has all nodes read their corosync.conf again.
func (c *Cfg) Reload(ctx context.Context) error {
	_, err := c.call(ctx, local.Plain(local.CfgReload))
	return err
}

// ReopenLogs has this daemon open its log files again.
func (c *Cfg) ReopenLogs(ctx context.Context) error {
	_, err := c.call(ctx, local.Plain(local.CfgReopenLogs))
	return err
}
