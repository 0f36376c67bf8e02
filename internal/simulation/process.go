package simulation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/corosync/client"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	corosync "hacluster/corosync/node"
	"hacluster/engine/alert"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
	"hacluster/internal/node"
)

// process is the role pacemaker of a host: a core with the loop that internal/node puts around it.
type process struct {
	h       *Host
	core    *node.Core
	uuid    string
	alive   bool
	paused  bool
	written time.Time // until then it waits for the disk
	early   int       // so many messages were on their way before it began to write
	pending bool      // a turn of the loop is under way
	calls   []func()
	alarm   alarm

	// Corosync's client.
	cpg, quorum corosync.Client
	outbox      [][]byte
	pieces      client.Assembly
	busy        bool // a request was not taken yet
	quorate     bool // as corosync told last

	exiting string
	plans   []time.Time     // when each transition was planned
	fences  map[string]bool // whom the last plan has fenced
}

// localLatency is how long a message between two processes of a host takes.
const localLatency = 30 * time.Microsecond

func (h *Host) startPacemaker() {
	if !h.On || h.pcmk != nil || h.ring == nil || !h.ring.node.Ready() || !h.wanted || h.Fenced {
		return
	}
	h.starts++
	p := &process{h: h, alive: true, uuid: fmt.Sprintf("%08d-0000-4000-8000-%012d", h.ID, h.starts)}
	p.alarm = alarm{clock: &h.c.clock, ring: p.tick}
	var w node.World = &world{p}
	if f := h.c.adapt.world; f != nil {
		w = f(h, w)
	}
	p.core = node.NewCore(node.CoreConfig{
		Self: controller.Member{ID: h.ID, Name: h.Name}, Names: h.ring.file.names, TwoNode: h.c.twoNode && h.ring.file.twoNode, CIB: h.disk.cib, Term: h.disk.term, UUID: p.uuid,
		Random: rand.New(rand.NewPCG(uint64(h.ID), h.c.random.Uint64())), Timing: controller.DefaultTiming, ClusterName: "sim", Schema: h.schema, Level: h.release.level, LeastLevel: h.release.least, Remotes: &remotes{p},
	}, w)
	h.pcmk = p
	h.c.logf("%s: pacemaker starts", h.Name)
	p.cpg, p.quorum = h.ring.connect(corosync.CPG), h.ring.connect(corosync.Quorum)
	h.ring.node.Request(h.c.Now, p.quorum, local.ModelRequest(1))
	h.ring.node.Request(h.c.Now, p.quorum, local.TrackRequest(local.TrackCurrent|local.TrackChanges))
	p.outbox = append(p.outbox, p.join())
	p.call(p.sample)
}

func (p *process) join() []byte {
	return local.Join{Group: node.GroupName, PID: uint32(p.h.starts)}.Marshal()
}

// running tells whether the process is there; also of none.
func (p *process) running() bool { return p != nil && p.alive }

func (p *process) kill() {
	if p.running() {
		p.h.c.check.ended(p)
		p.alive = false
	}
}

func (p *process) stopped() bool { return p.paused || p.h.paused || p.writing() }

// now is the time by this host's clock. Where clocks are set while the cluster runs it has a monotonic reading, as time.Now has.
func (p *process) now() time.Time {
	c := p.h.c
	t := c.Now.Add(p.h.skew)
	if c.setClocks {
		t = clockTime(t, c.Now.Sub(start))
	}
	return t
}

// call has the loop call f.
func (p *process) call(f func(now time.Time)) {
	p.calls = append(p.calls, func() { f(p.now()) })
	p.turn()
}

func (p *process) turn() {
	if !p.pending {
		p.pending = true
		p.h.c.at(localLatency, p.loop)
	}
}

// loop takes what has come.
func (p *process) loop() {
	p.pending = false
	for p.alive && !p.stopped() && p.exiting == "" && len(p.calls) > 0 {
		f := p.calls[0]
		p.calls = p.calls[1:]
		f()
	}
	p.after()
}

func (p *process) tick() {
	if !p.alive || p.stopped() || p.exiting != "" {
		return
	}
	if d := p.core.Deadline(); !d.IsZero() && !d.After(p.now()) {
		p.core.Tick(p.now())
	}
	p.after()
}

// after sends what the core has to send and sets its alarm.
func (p *process) after() {
	if !p.alive || p.stopped() {
		return
	}
	p.flush()
	if p.alive && p.h.ring != nil {
		p.h.ring.work()
	}
	if d := p.core.Deadline(); p.alive && !d.IsZero() {
		p.alarm.set(p.h.c.Now.Add(d.Sub(p.now())))
	}
}

func (p *process) flush() {
	if p.busy || len(p.outbox) == 0 || p.h.ring == nil || !p.alive || p.writing() && p.early == 0 {
		return
	}
	p.early = max(0, p.early-1)
	m := p.outbox[0]
	p.outbox = p.outbox[1:]
	p.busy = true
	p.h.ring.node.Request(p.h.c.Now, p.cpg, m)
}

// taken hears that corosync took a request.
func (p *process) taken() {
	p.busy = false
	if p.paused || p.h.paused {
		return
	}
	p.flush()
	if p.exiting != "" && !p.busy && len(p.outbox) == 0 {
		p.h.later(0, p.ended)
	}
}

// answered hears corosync's answer to a request.
func (p *process) answered(client corosync.Client, m []byte) {
	if client != p.cpg || ipc.ID(m) != local.CPGJoin || !errors.Is(local.StatusOf(m), local.TryAgain) {
		return
	}
	p.h.later(5*time.Millisecond, func() {
		if p.alive {
			p.outbox = append([][]byte{p.join()}, p.outbox...)
			p.turn()
		}
	})
}

// told hears what corosync tells of its own accord.
func (p *process) told(m []byte) {
	switch ipc.ID(m) {
	case local.CPGDeliverEvent, local.CPGPartialEvent:
		e, whole, err := p.pieces.Parse(m)
		p.must(err)
		if !whole {
			return
		}
		d := e.(*client.Deliver)
		p.call(func(now time.Time) {
			data := d.Data
			if f := p.h.c.adapt.message; f != nil {
				data = f(p.h, data)
			}
			p.h.c.check.untold(p, d.Node, d.Data)
			changes := p.h.c.check.delivered(p, d.Node, d.Data)
			p.core.Message(now, d.Node, data)
			changes()
			p.h.c.check.termHolds(p)
		})
	case local.CPGConfchgEvent:
		e, err := local.ParseConfchg(m)
		p.must(err)
		_, _, err = p.pieces.Parse(m) // who left sends no more pieces
		p.must(err)
		p.call(func(now time.Time) {
			p.h.c.check.group(p.h, e)
			if len(e.Left) > 0 {
				p.h.c.moment(MomentLeft, p.h)
			} else {
				p.h.c.moment(MomentCame, p.h)
			}
			p.mustKnow(now, node.MemberIDs(e.Members))
			p.core.GroupChange(now, node.MemberIDs(e.Members), node.MemberIDs(e.Joined), node.MemberIDs(e.Left))
			p.h.c.check.termEnds(p)
		})
	case local.QuorumNotifyV1Event, local.QuorumNotifyEvent:
		q, err := local.ParseQuorate(m)
		p.must(err)
		p.call(func(now time.Time) {
			if p.quorate != q.Quorate {
				p.h.c.moment(MomentQuorum, p.h)
			}
			p.quorate = q.Quorate
			quorate := q.Quorate
			if f := p.h.c.adapt.quorate; f != nil {
				quorate = f(p.h, quorate)
			}
			p.mustKnow(now, q.Members)
			p.core.Ring(now, q.Members, quorate)
			if f := p.h.c.check.quorum; f != nil {
				f(p.h)
			}
		})
	}
}

func (p *process) must(err error) {
	if err != nil {
		p.h.c.check.fail("protocol", "%s: a message of corosync cannot be read: %v", p.h.Name, err)
	}
}

// sample measures the machine as internal/node does.
func (p *process) sample(now time.Time) {
	p.core.Sample(now, controller.Sample{Cores: 2, Busy: -1})
	p.h.later(controller.SampleInterval, func() {
		if p.alive {
			p.call(p.sample)
		}
	})
}

// Pause stops the role pacemaker alone, or lets it go on.
func (p *process) pause(yes bool) {
	p.paused = yes
	if !yes && p.alive {
		p.busyAgain()
	}
}

// busyAgain goes on after a pause.
func (p *process) busyAgain() {
	p.turn()
	p.h.later(localLatency, p.tick)
}

// ended is the end of the process by its own will.
func (p *process) ended() {
	h := p.h
	if !p.alive || h.pcmk != p {
		return
	}
	h.c.logf("%s: pacemaker ends: %s", h.Name, p.exiting)
	h.Exits = append(h.Exits, p.exiting)
	h.pacemakerEnded()
	h.Fenced = p.exiting == "fenced"
	if !h.wanted {
		h.leaveRing()
	}
}

// world is what a core can do on its host.
type world struct{ p *process }

func (w *world) Send(data []byte) {
	if w.p.alive {
		w.p.h.c.sends(data)
		w.p.outbox = append(w.p.outbox, client.Requests(data)...)
	}
}

func (w *world) Plan(root *etree.Element, now time.Time) (controller.Plan, error) {
	r, err := node.Plan(root, now, w.Logf)
	if err != nil {
		return controller.Plan{}, err
	}
	w.p.h.c.moment(MomentPlan, w.p.h)
	if x := w.p.h.c.watched; x != nil {
		x.plans++
	}
	w.p.plans = append(w.p.plans, w.p.h.c.Now)
	w.p.fences = map[string]bool{}
	for _, s := range r.Graph.Synapses {
		if s.Action.Operation == "stonith" {
			w.p.fences[s.Action.Node] = true
		}
	}
	w.p.h.c.Plans++
	w.p.h.c.check.planning(w.p)
	w.p.h.c.check.underway(w.p, root)
	return controller.Plan{Graph: r.Graph, Recheck: r.RecheckBy}, nil
}

// RunAgent has an agent run; it runs on when the daemon that wanted it dies.
func (w *world) RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) (kill func()) {
	p := w.p
	if !p.alive {
		return func() {}
	}
	unwanted := false
	end := func() {
		unwanted = true
		p.call(func(now time.Time) { done(now, killed) })
	}
	p.onceWritten(func() {
		if !unwanted {
			end = p.h.runAgent(p, op, func(res executor.Result) {
				if p.alive {
					p.call(func(now time.Time) { done(now, res) })
				}
			})
		}
	})
	return func() { end() }
}

func (w *world) Traits(executor.Op) executor.Traits { return executor.Traits{} }

func (w *world) Later(f func(now time.Time)) { w.p.call(f) }

func (w *world) FenceTraits(_ string, done func(now time.Time, t fencer.Traits)) {
	w.p.call(func(now time.Time) {
		done(now, fencer.Traits{Known: true, List: true, Status: true, Reboot: true, On: true, Plug: "plug"})
	})
}

func (w *world) RunFence(_, action string, params func(plug string) []fencer.Param, timeout time.Duration, done func(now time.Time, res fencer.AgentResult)) {
	p := w.p
	if !p.alive {
		return
	}
	plug := ""
	for _, x := range params("plug") {
		if x.Name == "plug" {
			plug = x.Value
		}
	}
	p.onceWritten(func() {
		if plug != "" {
			p.h.c.check.fencing(p.h, action, plug)
		}
		p.h.runFence(action, plug, timeout, func(res fencer.AgentResult) {
			if p.alive {
				p.call(func(now time.Time) { done(now, res) })
			}
		})
	})
}

func (w *world) RunAlert(r alert.Run)        { w.p.h.Alerts = append(w.p.h.Alerts, r) }
func (w *world) Installed(string) bool       { return true }
func (w *world) CIBChanged(c replica.Change) { w.p.h.c.check.changed(w.p.h) }
func (w *world) FencingChanged()             {}
func (w *world) FencingEnded(fencer.Record)  {}

func (w *world) Panic(string) {
	h := w.p.h
	h.PowerOff()
	h.bootAfter(h.c.between(h.c.speed.boot))
}

func (w *world) Exit(reason string) {
	p := w.p
	if !p.alive || p.exiting != "" {
		return
	}
	p.exiting = reason
	// What was sent before must be out before the group is left.
	wait := 5 * time.Second
	if !p.busy && len(p.outbox) == 0 {
		wait = 0
	}
	p.h.later(wait, p.ended)
}

func (w *world) Logf(format string, args ...any) {
	if strings.Contains(format, "one of them is damaged") && w.p.h.c.check.every == 0 {
		w.p.h.c.check.fail(Unequal, w.p.h.Name+": "+format, args...)
	}
	if w.p.h.c.Verbose {
		w.p.h.c.logf(w.p.h.Name+": "+format, args...)
	}
}
