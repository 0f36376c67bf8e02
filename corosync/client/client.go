// Package client is the local clients of Corosync's services: cpg, quorum,
// votequorum, cmap and cfg, of our daemon or of the original.
//
// Each service has a Dial function and a connection type whose methods ask and
// answer, and may be called from any goroutine. What the daemon tells of its own
// accord comes on the channel that Events returns; it is closed when the
// connection is over, and Err then says why. While a program does not receive
// from Events, the daemon keeps its events for it, up to a limit.
//
// # Groups of processes
//
//	g, err := client.DialCPG(ctx)
//	err = g.Join(ctx, "crmd\x00")
//	err = g.Mcast(ctx, data)         // to all members, in the same order everywhere
//	for e := range g.Events() {
//		switch e := e.(type) {
//		case *client.Deliver:      // a message: e.Group, e.Node, e.PID, e.Data
//		case *client.Confchg:      // who is in the group now: e.Members, e.Joined, e.Left with reasons
//		case *client.TotemConfchg: // with JoinWithRing: who is in the ring, e.Ring, e.Members
//		}
//	}
//
// A join is complete with the Confchg whose Joined names the own process. A
// message comes back to its sender, too.
//
// # Quorum
//
//	q, err := client.DialQuorum(ctx)
//	err = q.Track(ctx)
//	for e := range q.Events() { … } // *Quorate (e.Quorate, e.Ring, e.Members), *Nodelist
//
// # Keys
//
//	m, err := client.DialCmap(ctx)
//	v, err := m.Get(ctx, "totem.cluster_name")
//	err = m.Track(ctx, "nodelist.", cmap.Added|cmap.Modified|cmap.Deleted|cmap.Prefix)
//
// Errors that the service answers with are of type local.Status:
// errors.Is(err, local.NotExist). While a daemon starts, Dial fails with EAGAIN.
package client

import (
	"context"
	"errors"
	"syscall"
	"time"

	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
)

// MessageSize is what the original's libraries ask for: the size of the greatest request in bytes.
const MessageSize = 1 << 20

// connection is what the clients of all services have.
type connection[E any] struct {
	c      *ipc.Client
	events chan E
}

// dial connects to a service; parse makes an event of a message, false to skip it. take is given the events; where it is nil, the
// channel has them.
func dial[E any](ctx context.Context, service string, parse func([]byte) (E, bool, error), take func([]E)) (*connection[E], error) {
	n := &connection[E]{events: make(chan E, 64)}
	bad := false
	var list []E
	c, err := ipc.DialTo(ctx, service, MessageSize, func(c *ipc.Client, messages [][]byte) {
		if messages == nil {
			close(n.events)
			return
		}
		for _, m := range messages {
			e, ok, err := parse(m)
			if bad = bad || err != nil; bad {
				c.Close()
				break
			}
			if ok {
				list = append(list, e)
			}
		}
		if take == nil {
			n.give(c, list)
		} else if len(list) > 0 {
			take(list)
		}
		clear(list)
		list = list[:0]
	})
	if err != nil {
		return nil, err
	}
	n.c = c
	return n, nil
}

// give puts events into the channel.
func (n *connection[E]) give(c *ipc.Client, list []E) {
	for _, e := range list {
		select {
		case n.events <- e:
			continue
		default:
		}
		select {
		case n.events <- e:
		case <-c.Done():
			return
		}
	}
}

// Events yields what the daemon tells, in order; closed when the connection is over.
func (n *connection[E]) Events() <-chan E { return n.events }

// Done is closed when the connection is over.
func (n *connection[E]) Done() <-chan struct{} { return n.c.Done() }

// Err is why the connection is over; nil while it stands.
func (n *connection[E]) Err() error { return n.c.Err() }

// Close ends the connection.
func (n *connection[E]) Close() { n.c.Close() }

// Server is the daemon's process: real Pacemaker asks who it talks to.
func (n *connection[E]) Server() ipc.Peer { return n.c.Server() }

// call asks, checks the outcome, and returns the response. A daemon that asks to be
// spared, or says "try again", is asked again until ctx is over.
func (n *connection[E]) call(ctx context.Context, request []byte) ([]byte, error) {
	pause := 5 * time.Millisecond
	for {
		b, err := n.c.Call(ctx, request)
		if err == nil {
			err = local.StatusOf(b)
		}
		if !errors.Is(err, ipc.ErrTryAgain) && !errors.Is(err, local.TryAgain) {
			return b, err
		}
		if err := wait(ctx, n.c.Done(), &pause); err != nil {
			return nil, err
		}
	}
}

// send sends requests that have no response, as ipc.Client's SendMany does, trying again as call does.
func (n *connection[E]) send(ctx context.Context, count int, part func(i int) (head, body []byte)) error {
	pause := time.Millisecond
	for from := 0; ; {
		sent, err := n.c.SendMany(count-from, func(i int) (head, body []byte) { return part(from + i) })
		if sent > 0 {
			pause = time.Millisecond
		}
		if from += sent; !errors.Is(err, ipc.ErrTryAgain) && !errors.Is(err, syscall.EAGAIN) {
			return err
		}
		if err := wait(ctx, n.c.Done(), &pause); err != nil {
			return err
		}
	}
}

// wait waits before another try: nobody tells when a service takes requests again.
func wait(ctx context.Context, over <-chan struct{}, pause *time.Duration) error {
	t := time.NewTimer(*pause)
	defer t.Stop()
	*pause = min(2**pause, 250*time.Millisecond)
	select {
	case <-t.C:
		return nil
	case <-over:
		return ipc.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
