package sbd

import (
	"context"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/client"
)

// Cluster asks the cluster on this node how the node is.
type Cluster struct {
	Node  string
	Disks int
	// Query reads the CIB; nil asks the node's own daemon.
	Query func(ctx context.Context) (*etree.Element, error)

	quorate  bool // it has been
	shutdown bool // the node was told to leave
	clean    bool // nothing that the cluster manages runs here any more
}

// Health is how the node is now.
func (c *Cluster) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	query := c.Query
	if query == nil {
		query = ownCIB
	}
	root, err := query(ctx)
	if err != nil {
		if c.clean {
			// It was seen how it left.
			c.shutdown, c.clean, c.quorate = false, false, false
			return Left
		}
		return Unsure
	}
	return c.judge(status.Read(status.Input{CIB: root, Now: time.Now(), NoConstraints: true}))
}

func ownCIB(ctx context.Context) (*etree.Element, error) {
	c, err := client.DialCIB(ctx, "sbd")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Query(ctx)
}

func (c *Cluster) judge(cl *status.Cluster) Health {
	var me *status.Node
	dc := false
	for _, n := range cl.Nodes {
		dc = dc || n.IsDC
		if n.Name == c.Node {
			me = n
		}
	}
	if me == nil {
		return Unwell
	}
	if c.shutdown = c.shutdown || me.Shutdown; c.shutdown {
		c.clean = true
		for _, r := range me.Running {
			if r.Has(status.Managed) && !me.Maintenance {
				c.clean = false
			}
		}
	}
	switch {
	case !dc:
		return Unsure
	case !me.Online, me.Unclean:
		return Unwell
	case me.Pending:
		return Unsure
	case cl.Quorate:
		c.quorate = true
		return Well
	case c.Disks == 0 && !c.quorate:
		return Well // it has no quorum yet
	}
	// The others count on it that a node without quorum is not fed. That the
	// resources may go on (no-quorum-policy) does not matter: they may be started there.
	return Unwell
}
