package simulation

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	corosync "hacluster/corosync/node"
	"hacluster/corosync/qdevice"
	"hacluster/corosync/qnet"
	"hacluster/corosync/qnetd"
)

// A quorum device: one host outside of the cluster with the role corosync-qnetd, and on each node the role corosync-qdevice, as long as
// corosync runs there. Both are the code that clusterd runs; connections between them behave as TCP's do.

// arbiter is the host with corosync-qnetd.
type arbiter struct {
	c     *Cluster
	id    uint32 // of the host, for the network
	on    bool
	boots int
	core  *qnetd.Server
	links map[qnetd.ID]*qlink
	last  qnetd.ID
	alarm alarm
}

// addArbiter adds a host with corosync-qnetd, which is off; its number follows those of all others.
func (c *Cluster) addArbiter() {
	n := len(c.Hosts) + len(c.Remotes) + 1
	c.arbiter = &arbiter{c: c, id: uint32(n)}
	c.arbiter.alarm = alarm{clock: &c.clock, ring: c.arbiter.work}
	c.net = newNetwork(c, n)
}

// power has the host lose power, or boots it.
func (a *arbiter) power(on bool) {
	if a == nil || a.on == on {
		return
	}
	a.c.logf("qnetd: power %v", on)
	a.on, a.links, a.core = on, map[qnetd.ID]*qlink{}, nil
	if on {
		a.boots++
		a.core = qnetd.New(qnetd.Config{TLS: qnet.TLSUnsupported}, a)
		a.work()
	}
}

// work does what is due.
func (a *arbiter) work() {
	if a.on {
		a.alarm.set(a.core.Tick(a.c.Now))
	}
}

// Send, StartTLS, Close and Logf are what the server needs done.
func (a *arbiter) Send(to qnetd.ID, m *qnet.Message) {
	if l := a.links[to]; l != nil {
		data := m.Marshal()
		l.down.send(func() { l.d.receive(l, data) })
	}
}

// StartTLS is never asked for: the server has none.
func (a *arbiter) StartTLS(qnetd.ID) {}

// Close ends a connection.
func (a *arbiter) Close(id qnetd.ID, reason string) {
	a.Logf("connection %d is closed: %s", id, reason)
	if l := a.links[id]; l != nil {
		delete(a.links, id)
		l.down.send(func() { l.d.broken(l) })
	}
}

// Logf writes a line.
func (a *arbiter) Logf(format string, args ...any) { a.c.logf("qnetd: "+format, args...) }

// qlink is a connection.
type qlink struct {
	d        *qdev
	id       qnetd.ID
	boot     int // of the server's host, when it was made
	over     bool
	up, down pipe
}

// pipe is one direction of a connection: what is sent comes in its order, later where it cannot be brought at once.
type pipe struct {
	c        *Cluster
	from, to uint32
	stopped  func() bool // the one who is to take it stands still
	queue    []func()
	busy     bool
}

func (p *pipe) send(f func()) {
	p.queue = append(p.queue, f)
	if !p.busy {
		p.busy = true
		p.c.at(p.c.net.trip(p.from, p.to), p.bring)
	}
}

func (p *pipe) bring() {
	if p.stopped() || !p.c.net.reach(p.from, p.to) {
		p.c.at(resendAfter, p.bring)
		return
	}
	f := p.queue[0]
	p.queue = p.queue[1:]
	if p.busy = len(p.queue) > 0; p.busy {
		p.c.at(p.c.net.trip(p.from, p.to), p.bring)
	}
	f()
}

// qdev is the role corosync-qdevice of a host.
type qdev struct {
	h     *Host
	r     *ring
	set   *qdevice.Settings
	core  *qdevice.Device
	votes corosync.Client
	asks  [][]byte // requests to votequorum; the first one is under way
	begun bool     // votequorum has told of a ring
	ended bool
	voted bool // that the device votes for this node, as was told last

	link    *qlink
	dialing bool
	retryAt time.Time
	alarm   alarm
}

// startDevice starts the role where it is to run, corosync is there, and has read that there is a quorum device; else it is tried again when that is so.
func (h *Host) startDevice() {
	r := h.ring
	if !h.deviceOn || r == nil || r.device != nil || !r.launched {
		return
	}
	set, err := r.settings()
	if err != nil {
		h.c.logf("%s: qdevice: %v", h.Name, err)
		return
	}
	d := &qdev{h: h, r: r, set: set}
	d.alarm = alarm{clock: &h.c.clock, ring: func() { h.later(0, d.work) }}
	d.core = qdevice.New(set.Device, d)
	d.core.Configure(set.Nodes, set.Version, set.HasVersion)
	r.device = d
	d.votes = r.connect(corosync.Votequorum)
	d.ask(local.DeviceRequest(local.VQDevRegister, deviceName))
	if set.MasterWins {
		d.ask(local.DeviceMasterWins{Name: deviceName, Allow: true}.Marshal())
	}
	d.ask(local.VoteTrack{Flags: local.TrackCurrent | local.TrackChanges}.Marshal())
}

// deviceName is how the role registers with votequorum.
const deviceName = "Qdevice"

// settings are what corosync has read of the quorum device.
func (r *ring) settings() (*qdevice.Settings, error) {
	keys := map[string]string{"runtime.votequorum.this_node_id": fmt.Sprint(r.h.ID)}
	for _, k := range r.file.conf.Keys {
		if s, ok := k.Value.Text(); ok {
			keys[k.Name] = s
		} else if u, ok := k.Value.Uint(); ok {
			keys[k.Name] = fmt.Sprint(u)
		}
	}
	return qdevice.ReadSettings(keys)
}

// reread takes a changed corosync.conf over: what cannot change has the role end, and the supervisor start it again.
func (d *qdev) reread() {
	set, err := d.r.settings()
	if err != nil {
		d.Logf("the new configuration is not used: %v", err)
		return
	}
	d.core.Configure(set.Nodes, set.Version, set.HasVersion)
	if d.set.Fixed(set) {
		d.set = set
		return
	}
	d.Logf("ends, for its settings have changed")
	d.end(func() { d.h.later(restartDelay, d.h.startDevice) })
}

// end has the role end in good order: the server sees its connection close, and votequorum, once corosync goes on, that it is used no more.
func (d *qdev) end(then func()) {
	if d.ended {
		return
	}
	d.gone()
	d.ended = true
	var leave func()
	leave = func() {
		switch r := d.r; {
		case d.h.ring != r:
		case r.stopped():
			d.h.later(resendAfter, leave)
			return
		default:
			r.node.Request(d.h.c.Now, d.votes, local.DeviceRequest(local.VQDevUnregister, deviceName))
			r.node.Disconnect(d.h.c.Now, d.votes)
			r.device = nil
			r.work()
		}
		if then != nil {
			then()
		}
	}
	d.h.later(localLatency, leave)
}

func (d *qdev) current() bool { return d.h.ring == d.r && d.r.device == d && !d.ended }

// later has the role do something, unless it has ended by then.
func (d *qdev) later(f func()) {
	d.h.later(localLatency, func() {
		if d.current() {
			f()
			d.work()
		}
	})
}

// ask sends votequorum a request, one after the other.
func (d *qdev) ask(m []byte) {
	if d.asks = append(d.asks, m); len(d.asks) == 1 {
		d.h.later(localLatency, d.request)
	}
}

func (d *qdev) request() {
	switch {
	case !d.current() || len(d.asks) == 0:
	case d.r.stopped():
		d.h.later(resendAfter, d.request)
	default:
		d.r.node.Request(d.h.c.Now, d.votes, d.asks[0])
		d.r.work()
	}
}

// answered hears what came of a request. Where votequorum does not let the role register, that ends, and is tried again.
func (d *qdev) answered(m []byte) {
	if !d.current() || len(d.asks) == 0 {
		return
	}
	asked := ipc.ID(d.asks[0])
	switch status := local.StatusOf(m); {
	case asked == local.VQDevRegister && errors.Is(status, local.TryAgain):
		d.h.later(connectAgain, d.request)
		return
	case asked == local.VQDevRegister && status != nil:
		d.Logf("votequorum refuses it: %v", status)
		d.end(func() { d.h.later(restartDelay, d.h.startDevice) })
		return
	}
	if d.asks = d.asks[1:]; len(d.asks) > 0 {
		d.h.later(localLatency, d.request)
	}
}

// told hears what votequorum tells.
func (d *qdev) told(m []byte) {
	d.later(func() {
		switch ipc.ID(m) {
		case local.VQNodelistEvent:
			e, err := local.ParseVoteNodelist(m)
			d.must(err)
			d.core.Nodelist(d.h.c.Now, qnet.Ring{Node: e.Ring.Rep, Seq: e.Ring.Seq}, e.Nodes)
			d.begun = true
		case local.VQQuorumEvent:
			e, err := local.ParseVoteQuorum(m)
			d.must(err)
			var nodes []qnet.Node
			for _, n := range e.Nodes {
				if n.Node != local.DeviceNode {
					nodes = append(nodes, qnet.Node{ID: n.Node, State: qnet.NodeState(n.State)})
				}
			}
			d.core.Quorum(e.Quorate, nodes)
		}
	})
}

func (d *qdev) must(err error) {
	if err != nil {
		d.h.c.check.fail("protocol", "%s: the quorum device: %v", d.h.Name, err)
	}
}

// work does what is due, and connects to the server.
func (d *qdev) work() {
	if !d.current() || d.h.paused {
		return
	}
	now := d.h.c.Now
	next := d.core.Tick(now)
	if d.begun && d.link == nil && !d.dialing {
		if !now.Before(d.retryAt) {
			d.dial()
		} else if next.IsZero() || d.retryAt.Before(next) {
			next = d.retryAt
		}
	}
	d.alarm.set(next)
}

// dial connects, or finds after a while that it cannot.
func (d *qdev) dial() {
	d.dialing = true
	c, a := d.h.c, d.h.c.arbiter
	if !a.on || !c.net.reach(d.h.ID, a.id) {
		d.h.later(connectAgain, func() {
			if d.current() {
				d.dialing = false
				d.retry()
				d.core.Disconnected(c.Now)
				d.work()
			}
		})
		return
	}
	a.last++
	l := &qlink{d: d, id: a.last, boot: a.boots}
	l.up = pipe{c: c, from: d.h.ID, to: a.id, stopped: func() bool { return !a.on }}
	l.down = pipe{c: c, from: a.id, to: d.h.ID, stopped: func() bool { return d.h.paused }}
	a.links[l.id] = l
	a.core.Connect(c.Now, l.id, d.h.Name)
	a.work()
	l.down.send(func() {
		if !d.current() || l.over {
			return
		}
		d.dialing, d.link = false, l
		d.core.Connected(c.Now)
		d.work()
	})
}

func (d *qdev) retry() { d.retryAt = d.h.c.Now.Add(d.set.Device.Heartbeat / 8) }

// carry brings something to the server; one whose host has lost power since knows of no such connection.
func (l *qlink) carry(f func(a *arbiter)) {
	l.up.send(func() {
		a := l.d.h.c.arbiter
		if a.boots != l.boot || a.links[l.id] != l {
			l.down.send(func() { l.d.broken(l) })
			return
		}
		f(a)
		a.work()
	})
}

// receive takes a message of the server.
func (d *qdev) receive(l *qlink, data []byte) {
	if !d.current() || d.link != l || l.over {
		return
	}
	m, err := qnet.Read(bytes.NewReader(data), 16<<20)
	d.must(err)
	d.core.Receive(d.h.c.Now, m)
	d.work()
}

// broken hears that a connection is over.
func (d *qdev) broken(l *qlink) {
	if !d.current() || l.over {
		return
	}
	d.drop(l)
	d.core.Disconnected(d.h.c.Now)
	d.work()
}

func (d *qdev) drop(l *qlink) {
	l.over = true
	if d.link == l {
		d.link = nil
	}
	d.retry()
	l.carry(func(a *arbiter) {
		delete(a.links, l.id)
		a.core.Disconnect(l.id)
	})
}

// gone has the server see that the role has ended, for the kernel closes what it had open.
func (d *qdev) gone() {
	if d != nil && d.link != nil {
		d.drop(d.link)
	}
}

// Send, StartTLS, Close, Poll, RunHeuristics and Logf are what the device needs done.
func (d *qdev) Send(m *qnet.Message) {
	if l := d.link; l != nil {
		data := m.Marshal()
		l.carry(func(a *arbiter) {
			msg, err := qnet.Read(bytes.NewReader(data), qnet.DefaultSize)
			d.must(err)
			a.core.Receive(a.c.Now, l.id, msg)
		})
	}
}

// StartTLS is never asked for: the device wants none.
func (d *qdev) StartTLS() {}

// Close ends the connection; the device is told after what it is about.
func (d *qdev) Close(reason string, final bool) {
	d.Logf("the connection is given up: %s (for good: %v)", reason, final)
	if d.link != nil {
		d.drop(d.link)
	}
	d.later(func() { d.core.Disconnected(d.h.c.Now) })
}

// Poll tells votequorum the device's vote.
func (d *qdev) Poll(r qnet.Ring, cast bool) {
	if f := d.h.c.adapt.cast; f != nil {
		cast = f(d.h, cast)
	}
	if cast != d.voted {
		d.voted = cast
		d.h.c.moment(MomentVote, d.h)
	}
	d.ask(local.DevicePoll{Name: deviceName, Cast: cast, Ring: local.RingID{Rep: r.Node, Seq: r.Seq}}.Marshal())
}

// RunHeuristics has the checks run: what comes of them is what the host's are like when they end. Those that hang are killed when their time is over.
func (d *qdev) RunHeuristics(run uint64, sync bool) {
	took, hang := d.h.c.between(d.h.c.speed.agent), d.h.checks == Hang
	if hang {
		if took = d.set.CheckTimeout; sync {
			took = d.set.CheckSyncTime
		}
	}
	d.h.later(took, func() {
		d.later(func() { d.core.Heuristics(d.h.c.Now, run, !hang && d.h.checks == "") })
	})
}

// Logf writes a line.
func (d *qdev) Logf(format string, args ...any) { d.h.c.logf(d.h.Name+": qdevice: "+format, args...) }
