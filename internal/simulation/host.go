package simulation

import (
	"math/rand/v2"
	"time"

	corosync "hacluster/corosync/node"
	"hacluster/corosync/totem"
	"hacluster/engine/alert"
)

// Host is one machine: what is on its disk, the roles corosync and pacemaker while they run, and
// the services that agents have started.
type Host struct {
	c    *Cluster
	ID   uint32
	Name string
	// On tells that it has power.
	On bool
	// Fenced tells that the role pacemaker ended because others told of this node's fencing.
	Fenced bool
	// Exits are why the role pacemaker ended by itself; Alerts the calls of alert agents.
	Exits  []string
	Alerts []alert.Run

	disk     disk
	file     confFile // its corosync.conf
	spare    bool     // it is no node of the cluster yet, or no more
	gone     bool     // it is removed from the cluster, or about to be
	ring     *ring
	pcmk     *process
	boots    int // counts power-ons
	starts   int // counts starts of a role
	wanted   bool
	schema   string // the newest that its pacemaker knows; "" is the newest there is
	release  release
	skew     time.Duration
	paused   bool // the whole host stands still
	held     []func()
	services map[string]*service
	lanes    map[string]*lane
	faults   map[string]*agentFault
	fence    fenceFault
	deviceOn bool   // corosync-qdevice is to run
	checks   string // what comes of the heuristics of the quorum device: "", Fail or Hang

	remote  bool    // it is one of Pacemaker Remote
	guest   bool    // and a resource starts it
	home    *Host   // where that runs
	serving bool    // its daemon runs
	conns   []*conn // to its daemon
	// servesSince is when its daemon was started last.
	servesSince time.Time
}

// restartDelay is how long the supervisor waits before it starts a role again.
const restartDelay = time.Second

// Up tells whether the role pacemaker runs.
func (h *Host) Up() bool { return h.pcmk.running() }

// later has something happen on this host: not while it stands still, not at all once it is off.
func (h *Host) later(d time.Duration, f func()) {
	boot := h.boots
	h.c.at(d, func() {
		switch {
		case !h.On || h.boots != boot:
		case h.paused:
			h.held = append(h.held, func() { h.later(0, f) })
		default:
			f()
		}
	})
}

// Boot gives a host power; the cluster starts with it.
func (h *Host) Boot() {
	if h.On || h.spare || h.gone {
		return
	}
	h.c.logf("%s: boots", h.Name)
	h.On, h.paused, h.held, h.Fenced = true, false, nil, false
	h.boots++
	h.wanted = true
	if h.remote {
		h.serve()
		return
	}
	h.startRing()
}

// PowerOff takes the power: all that runs and all that is not on disk is gone.
func (h *Host) PowerOff() {
	if !h.On {
		return
	}
	h.c.logf("%s: loses power", h.Name)
	h.On, h.paused, h.held = false, false, nil
	h.disk.interrupted(h.c)
	h.pcmk.kill()
	h.pcmk, h.ring, h.serving, h.conns = nil, nil, false, nil
	h.lanes = map[string]*lane{}
	for _, g := range h.guests() {
		g.machineEnds()
	}
	for _, s := range h.services {
		s.active, s.promoted = false, false
	}
	h.c.check.powerLost(h)
}

// Pause stops the whole host, or goes on.
func (h *Host) Pause(yes bool) {
	if !h.On || h.paused == yes {
		return
	}
	h.c.logf("%s: paused %v", h.Name, yes)
	h.paused = yes
	for _, g := range h.guests() {
		g.Pause(yes)
	}
	if yes {
		return
	}
	held := h.held
	h.held = nil
	for _, f := range held {
		f()
	}
	if h.ring != nil {
		h.ring.resume()
	}
	if p := h.pcmk; p != nil && p.alive && len(p.calls) > 0 {
		p.turn() // somebody asked it for something meanwhile
	}
}

// StartCluster starts both roles, as `pcs cluster start` does; StopCluster stops them in good order.
func (h *Host) StartCluster() {
	if h.spare || h.gone {
		return
	}
	h.wanted, h.Fenced = true, false
	if h.remote {
		h.serve()
	} else if h.On && h.ring == nil {
		h.startRing()
	} else if h.On {
		h.startPacemaker()
	}
}

// StopCluster asks the role pacemaker to leave; corosync ends after it.
func (h *Host) StopCluster() {
	h.wanted = false
	if p := h.pcmk; p.running() {
		h.c.logf("%s: the cluster is to stop", h.Name)
		p.call(func(now time.Time) { p.core.Shutdown(now) })
		return
	}
	h.leaveRing()
}

// KillPacemaker ends the role pacemaker without a word; the supervisor starts it again.
func (h *Host) KillPacemaker() {
	if h.remote {
		h.killRemote()
	}
	if !h.pcmk.running() {
		return
	}
	h.c.logf("%s: pacemaker is killed", h.Name)
	h.pacemakerEnded()
	h.later(restartDelay, h.startPacemaker)
}

// pacemakerEnded takes the role away: corosync sees its clients go.
func (h *Host) pacemakerEnded() {
	p := h.pcmk
	p.kill()
	h.disk.interrupted(h.c)
	h.pcmk = nil
	h.c.check.left(h)
	if r := h.ring; r != nil {
		r.disconnect(p)
	}
}

// KillCorosync ends the role corosync without a word, and pacemaker with it; both are started again.
func (h *Host) KillCorosync() {
	if h.ring == nil {
		return
	}
	h.c.logf("%s: corosync is killed", h.Name)
	h.ringEnded()
	h.later(restartDelay, h.startRing)
}

func (h *Host) ringEnded() {
	h.ring.device.gone()
	h.ring = nil
	if h.pcmk.running() {
		h.pcmk.kill()
		h.disk.interrupted(h.c)
		h.pcmk = nil
		h.c.check.left(h)
	}
}

func (h *Host) leaveRing() {
	if r := h.ring; r != nil {
		r.node.Leave(h.c.Now)
		r.work()
	}
}

// ring is the role corosync of a host.
type ring struct {
	h       *Host
	node    *corosync.Node
	paused  bool
	written time.Time // until then it waits for the disk
	inbox   [][]byte  // what came meanwhile
	alarm   alarm
	client  corosync.Client // the last one
	device  *qdev           // the role corosync-qdevice; nil: there is none
	// launched: the role pacemaker, which waits for this one, was started.
	launched bool
	file     *reading // of corosync.conf, as it was read last
}

// inboxLimit is how many packets a socket holds for a process that does not read.
const inboxLimit = 500

func (h *Host) startRing() {
	if !h.On || h.ring != nil || !h.wanted {
		return
	}
	h.starts++
	file := h.reading()
	n, err := corosync.New(corosync.Config{
		Conf: file.conf, Node: h.ID, Addresses: file.addrs, RingSeq: h.disk.ringSeq, Tracked: h.disk.tracked,
		Rand: rand.New(rand.NewPCG(uint64(h.ID), h.c.random.Uint64())),
	})
	if err != nil {
		panic(err) // the configuration is the simulation's own
	}
	r := &ring{h: h, node: n, file: file}
	r.alarm = alarm{clock: &h.c.clock, ring: r.wake}
	h.ring = r
	n.Start(h.c.Now)
	r.work()
}

func (r *ring) current() bool { return r.h.ring == r }

func (r *ring) stopped() bool { return r.paused || r.h.paused || r.writing() }

func (r *ring) wake() {
	if !r.current() || r.stopped() {
		return
	}
	if !r.node.Deadline().After(r.h.c.Now) {
		r.node.Advance(r.h.c.Now)
	}
	r.work()
}

// receive takes a packet.
func (h *Host) receive(packet []byte) {
	r := h.ring
	switch {
	case r == nil:
	case r.stopped():
		if len(r.inbox) < inboxLimit {
			r.inbox = append(r.inbox, packet)
		}
	default:
		_ = r.node.Receive(h.c.Now, packet) // what cannot be read is for corosync to complain about
		r.work()
	}
}

func (r *ring) resume() {
	if !r.current() || r.stopped() {
		return
	}
	inbox := r.inbox
	r.inbox = nil
	for _, b := range inbox {
		r.h.receive(b)
	}
	r.wake()
}

// work carries out what the node asks for.
func (r *ring) work() {
	h, c := r.h, r.h.c
	for r.current() {
		if r.writing() {
			return // what is to be done next waits
		}
		e := r.node.Next()
		if e == nil {
			break
		}
		switch e := e.(type) {
		case *totem.Unicast:
			c.net.send(h.ID, e.To, e.Packet)
		case *totem.Multicast:
			if e.To == nil {
				for _, o := range c.Hosts {
					if o.ID != h.ID {
						c.net.send(h.ID, o.ID, e.Packet)
					}
				}
			}
			for _, id := range e.To {
				if id != h.ID {
					c.net.send(h.ID, id, e.Packet)
				}
			}
		case *totem.StoreSeq:
			if !r.store(func(d *disk) { d.ringSeq = e.Seq }) {
				return
			}
		case *totem.Flush:
			r.inbox = nil
		case *corosync.StoreTracked:
			if !r.store(func(d *disk) { d.tracked = e.Votes }) {
				return
			}
		case *corosync.Respond:
			if d := r.device; d != nil && e.Client == d.votes {
				d.answered(e.Message)
			} else if p := h.pcmk; p.running() {
				p.answered(e.Client, e.Message)
			}
		case *corosync.Tell:
			if d := r.device; d != nil && e.Client == d.votes {
				d.told(e.Event())
			} else if p := h.pcmk; p.running() && (e.Client == p.cpg || e.Client == p.quorum) {
				p.told(e.Event())
			}
		case *corosync.Done:
			if p := h.pcmk; p.running() && e.Client == p.cpg {
				p.taken()
			}
		case *corosync.ReadConf:
			r.reread()
		case *corosync.Exit:
			c.logf("%s: corosync ends: %s", h.Name, e.Reason)
			if e.Orderly {
				r.node.Leave(c.Now)
				continue
			}
			h.ringEnded()
			h.later(restartDelay, h.startRing)
			return
		}
	}
	if !r.current() {
		return
	}
	if r.node.Left() {
		h.ringEnded()
		return
	}
	if r.node.Ready() && !r.launched {
		r.launched = true
		h.startDevice()
		h.startPacemaker()
	}
	r.alarm.set(r.node.Deadline())
}

// connect adds a local client.
func (r *ring) connect(s corosync.Service) corosync.Client {
	r.client++
	r.node.Connect(r.h.c.Now, r.client, s, corosync.Process{})
	return r.client
}

func (r *ring) disconnect(p *process) {
	r.node.Disconnect(r.h.c.Now, p.cpg)
	r.node.Disconnect(r.h.c.Now, p.quorum)
	r.work()
}

// members are those of the ring, as this host's corosync knows.
func (h *Host) members() []uint32 {
	if h.ring == nil {
		return nil
	}
	return h.ring.node.Members()
}
