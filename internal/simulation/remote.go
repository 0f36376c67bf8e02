package simulation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hacluster/engine/executor"
	"hacluster/internal/node"
)

// A remote host runs services, but no cluster: no ring, no CIB. Its daemon, Pacemaker Remote,
// does what the node that is connected to it asks for. What it runs runs on without.

// RemoteName is what remote hosts are called, with a number.
const RemoteName = "remote"

// addRemotes adds n remote hosts, which are off.
func (c *Cluster) addRemotes(n int) {
	for i := 1; i <= n; i++ {
		c.addRemote(fmt.Sprintf("%s%d", RemoteName, i))
	}
	c.net = newNetwork(c, len(c.Hosts)+len(c.Remotes))
}

func (c *Cluster) addRemote(name string) *Host {
	h := &Host{
		c: c, ID: uint32(len(c.Hosts) + len(c.Remotes) + 1), Name: name, remote: true,
		services: map[string]*service{}, lanes: map[string]*lane{}, faults: map[string]*agentFault{}, wanted: true,
	}
	c.Remotes = append(c.Remotes, h)
	c.net = newNetwork(c, len(c.Hosts)+len(c.Remotes))
	return h
}

// all are the hosts of the cluster and the remote ones, in the order of their ids.
func (c *Cluster) all() []*Host { return append(slices.Clone(c.Hosts), c.Remotes...) }

// serve starts the daemon of a remote host.
func (h *Host) serve() {
	if h.On && !h.serving {
		h.c.logf("%s: the daemon starts", h.Name)
		h.serving = true
		h.servesSince = h.c.Now
		h.starts++
	}
}

// killRemote ends the daemon of a remote host; the supervisor starts it again.
func (h *Host) killRemote() {
	if !h.serving {
		return
	}
	h.c.logf("%s: the daemon is killed", h.Name)
	h.serving = false
	conns := h.conns
	h.conns = nil
	for _, x := range conns {
		x.deliver(x.lost) // the kernel closes what it had open
	}
	h.later(restartDelay, h.serve)
}

// reach tells whether packets go both ways between two hosts.
func (w *network) reach(a, b uint32) bool { return !w.cut[a][b] && !w.cut[b][a] }

// trip is how long a packet takes between two hosts.
func (w *network) trip(a, b uint32) time.Duration {
	return latency + time.Duration(w.c.random.Int64N(int64(3*latency))) + w.slow[a] + w.slow[b]
}

// The times of connections: between two tries to connect, and until what was not received is sent again.
const (
	connectAgain = time.Second
	resendAfter  = 200 * time.Millisecond
)

// remotes makes a process's connections to remote hosts.
type remotes struct{ p *process }

var errUnreached = errors.New("the remote node cannot be reached")

func (r *remotes) Connect(req node.RemoteRequest, done func(now time.Time, c node.RemoteConn, err error)) (cancel func()) {
	p := r.p
	over := false
	c := p.h.c
	end := c.Now.Add(req.Timeout)
	o := c.Host(req.Node)
	var try func()
	try = func() {
		switch {
		case !p.alive || over:
		case o != nil && o.serving && !o.paused && c.net.reach(p.h.ID, o.ID):
			over = true
			c.moment(MomentConnected, p.h)
			x := &conn{p: p, o: o, req: req, boot: o.boots, up: c.Now.Sub(o.servesSince).Truncate(time.Second), open: true}
			others := o.conns
			o.conns = []*conn{x}
			for _, other := range others {
				other.deliver(func() { other.tell(other.req.Taken) })
			}
			x.deliver(func() { x.p.call(func(now time.Time) { done(now, x, nil) }) })
		case c.Now.Add(connectAgain).After(end):
			p.call(func(now time.Time) { done(now, nil, errUnreached) })
		default:
			p.h.later(connectAgain, try)
		}
	}
	p.h.later(p.unwritten()+latency, try)
	return func() {
		if !over && p.alive {
			over = true
			p.h.later(latency, func() { p.call(func(now time.Time) { done(now, nil, node.ErrUnwanted) }) })
		}
	}
}

// conn is a connection to a remote host.
type conn struct {
	p    *process
	o    *Host
	req  node.RemoteRequest
	boot int           // of the remote host, when it was made
	up   time.Duration // of its daemon then
	open bool
}

// tell has the node hear of something that happened to the connection.
func (x *conn) tell(f func(now time.Time)) {
	if x.open && x.p.alive {
		x.p.call(f)
	}
}

// lost ends the connection.
func (x *conn) lost() {
	x.tell(x.req.Lost)
	x.open = false
}

// deliver brings something to the node, sooner or later, as TCP does.
func (x *conn) deliver(f func()) {
	net := &x.o.c.net
	x.o.c.at(net.trip(x.o.ID, x.p.h.ID), func() {
		switch {
		case !x.open || !x.p.alive:
		case !net.reach(x.p.h.ID, x.o.ID):
			x.o.c.at(resendAfter, func() { x.deliver(f) })
		default:
			f()
		}
	})
}

// carry brings something to the remote host; one that has lost power since, or whose daemon is gone, knows of no such connection.
func (x *conn) carry(f func()) {
	net := &x.o.c.net
	x.o.c.at(x.p.unwritten()+net.trip(x.p.h.ID, x.o.ID), func() {
		switch {
		case !x.open || !x.p.alive:
		case !x.o.On || x.o.paused || !net.reach(x.p.h.ID, x.o.ID):
			x.o.c.at(resendAfter, func() { x.carry(f) })
		case x.o.boots != x.boot || !slices.Contains(x.o.conns, x):
			x.lost()
		default:
			f()
		}
	})
}

func (x *conn) Run(op executor.Op, done func(now time.Time, res executor.Result)) (kill func()) {
	end := func() {}
	x.carry(func() {
		end = x.o.runAgent(x.p, op, func(res executor.Result) {
			if x.o.boots == x.boot && slices.Contains(x.o.conns, x) {
				x.deliver(func() { x.tell(func(now time.Time) { done(now, res) }) })
			}
		})
	})
	return func() { x.carry(func() { end() }) }
}

func (x *conn) Poke(done func(now time.Time)) {
	x.carry(func() { x.deliver(func() { x.tell(done) }) })
}

func (x *conn) Forget(string)       {}
func (x *conn) AnswerShutdown(bool) {}
func (x *conn) StartState() string  { return "" }

func (x *conn) Uptime() time.Duration { return x.up }

func (x *conn) Close() {
	x.open = false
	x.o.conns = slices.DeleteFunc(x.o.conns, func(y *conn) bool { return y == x })
}
