package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/fencer"
	"hacluster/engine/transition"
	"hacluster/internal/node"
)

// Outcome is what came of a scenario.
type Outcome struct {
	// Broken is the first invariant that was broken; nil: all held.
	Broken *Violation
	// Recovered is how long after the last fault all services were back that run in the end.
	Recovered time.Duration
	// Settled is how long after the last fault the cluster had settled.
	Settled  time.Duration
	Events   int // of the simulation
	Acks     int // changes of the CIB that were acknowledged to users
	Fencings int // hosts that lost power by fence agents
	Needless int // times that an agent was run to fence a node that nobody had reason to fence
	Log      []string
	Traffic  int            // messages that were sent while it was watched, once it had settled
	CIB      *etree.Element // at the end, of the first host that takes part; nil: none does
}

// noticeLimit is how long it takes at most until a connection that is gone is seen to be, where anybody watches it: a monitor's interval, and its timeout where
// nobody answers, each 30 s for guests.
const noticeLimit = 65 * time.Second

// unnoticed tells whether a node takes itself for connected to a remote host that knows nothing of it.
func (d *drive) unnoticed() bool {
	for _, h := range d.Remotes {
		for _, o := range d.nodes() {
			if o.pcmk.core.RemoteConnected(h.Name) && !slices.ContainsFunc(h.conns, func(x *conn) bool { return x.p == o.pcmk }) {
				return true
			}
		}
	}
	return false
}

// endsAfter is when users end what they have begun, after all was repaired.
const endsAfter = 30 * time.Second

// settleLimit is how long a cluster may take to settle.
const settleLimit = 15 * time.Minute

// drive is a scenario under way.
type drive struct {
	*Cluster
	s     *Scenario
	marks []*mark
	ends  []func() // what a user ends when all is repaired
	since time.Time
	err   error // of a step that waited for its moment

	recovery time.Duration // see Outcome.Recovered
	removing int           // nodes are about to be removed

	old       *etree.Element // the CIB as it was when the scenario began
	restoring int            // people who restore it and were told nothing yet
}

// mark is a value that a user has put into the CIB.
type mark struct {
	name             string
	acked, taken     bool // it was acknowledged by a partition with quorum; so was that it was taken away
	deleting, forced bool // its removal was ordered; an administrator did what may cost it, or not all nodes knew terms
}

// Play lets a scenario happen.
func Play(s *Scenario, verbose bool) (*Outcome, error) {
	if s.Old > 0 {
		return play(s, verbose, releases())
	}
	return play(s, verbose, adapters{})
}

func play(s *Scenario, verbose bool, a adapters) (*Outcome, error) {
	c, err := newCluster(s.Seed, s.Nodes, s.Fast, s.Device)
	if err != nil {
		return nil, err
	}
	c.twoNode = s.TwoNode
	c.addLate(s.Late)
	for _, x := range strings.Fields(s.Quorum) {
		option, value, _ := strings.Cut(x, "=")
		c.file = c.file.with(option, value)
	}
	for _, x := range strings.Fields(s.DeviceOptions) {
		option, value, _ := strings.Cut(x, "=")
		c.file = c.file.withDevice(option, value)
	}
	if _, err := c.read(c.file); err != nil {
		return nil, err
	}
	for i, h := range c.Hosts {
		h.file = c.file
		if i < s.Old {
			h.release = release{level: controller.FirstLevel, termless: true}
		}
	}
	c.addRemotes(s.Remotes)
	c.addGuests(s.Guests)
	if s.Device != "" || slices.ContainsFunc(s.Steps, addsDevice) {
		c.addArbiter()
		c.arbiter.power(true)
	}
	c.Verbose, c.adapt = verbose, a
	c.setClocks = slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Do == "clock" })
	if s.Agent > 0 {
		c.speed.agent = ms(s.Agent)
	}
	doc, err := s.document()
	if err != nil {
		return nil, err
	}
	d := &drive{Cluster: c, s: s}
	c.check.marks, c.check.quorum = func() []*mark { return d.marks }, d.quorumTwice
	c.check.upgraded = s.Old > 0
	c.check.loose = s.Late > 0 || s.Quorum != "" || slices.ContainsFunc(s.Steps, changesConf)
	for _, h := range c.all() {
		if h.spare {
			continue
		}
		if h.disk.cib = doc; !h.guest {
			h.Boot()
		}
	}
	// It begins when the cluster is up.
	for range 600 {
		if d.settled() == "" || c.Broken() != nil {
			break
		}
		c.Run(500 * time.Millisecond)
	}
	if why := d.settled(); why != "" {
		c.check.fail(Unsettled, "at the first start: %s", why)
	}
	begin := c.Now
	d.since = begin
	if p := c.Hosts[0].pcmk; p.running() && slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Do == "restore" }) {
		d.old = xml.Copy(p.core.Replica.Root())
	}
	steps := slices.Clone(s.Steps)
	slices.SortStableFunc(steps, func(x, y Step) int { return cmp.Compare(x.At, y.At) })
	for _, st := range steps {
		d.Run(begin.Add(ms(st.At)).Sub(c.Now))
		if c.Broken() != nil {
			break
		}
		c.logf("STEP %+v", st)
		if err := d.begin(st); err != nil {
			return nil, fmt.Errorf("step %+v: %w", st, err)
		}
	}
	d.Run(begin.Add(ms(s.Length)).Sub(c.Now))
	c.watch.waiting = nil
	if d.err != nil {
		return nil, d.err
	}
	out := &Outcome{}
	if c.Broken() == nil {
		out.Settled = d.settle()
	}
	out.Broken, out.Events, out.Log = c.Broken(), c.count, c.Log
	out.Traffic, out.Recovered = c.traffic, d.recovery
	for _, n := range c.Fences {
		out.Fencings += n
	}
	out.Needless = c.check.needlessly
	for _, h := range c.Hosts {
		if h.pcmk.running() && out.CIB == nil {
			out.CIB = h.pcmk.core.Replica.Root()
		}
	}
	for _, m := range d.marks {
		if m.acked {
			out.Acks++
		}
	}
	return out, nil
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// until has something happen when a fault is over, at the latest at the scenario's end.
func (d *drive) until(s Step, f func()) {
	d.at(ms(min(s.For, d.s.Length-s.At)), f)
}

// do lets a step happen.
func (d *drive) do(s Step) error {
	var h *Host
	if all := d.all(); s.Host > 0 && s.Host <= len(all) {
		h = all[s.Host-1]
	}
	number := func() int {
		n, _ := strconv.Atoi(s.Arg)
		return n
	}
	if h == nil && s.Do != "fence" && s.Do != "loss" && s.Do != "late" && s.Do != "double" {
		return fmt.Errorf("there is no host %d", s.Host)
	}
	if h != nil && h.spare && s.Do != "add-node" {
		return nil
	}
	switch s.Do {
	case "tune", "add-node", "remove-node", "add-device", "tune-device", "remove-device":
		return d.conf(h, s)
	case "heuristics":
		h.checks = s.Arg
		d.until(s, func() { h.checks = "" })
	case "upgrade":
		d.upgrade(h)
	case "qnetd":
		d.arbiter.power(false)
		d.until(s, func() { d.arbiter.power(true) })
	case "cut-qnetd":
		to := int(d.arbiter.id)
		d.net.cut[h.ID][to] = true
		d.until(s, func() { d.net.cut[h.ID][to] = false })
	case "kill-pacemaker":
		h.KillPacemaker()
	case "kill-corosync":
		h.KillCorosync()
	case "power":
		if h.guest {
			if h.home != nil {
				h.home.die(h.resource())
			}
			return nil
		}
		h.PowerOff()
		h.bootAfter(ms(s.For))
	case "pause":
		d.pause(h, s)
	case "part":
		side := []uint32{h.ID}
		for _, f := range strings.Fields(s.Arg) {
			n, _ := strconv.Atoi(f)
			side = append(side, uint32(n))
		}
		d.net.part(side, true)
		d.until(s, func() { d.net.part(side, false) })
	case "cut":
		to := number()
		if to < 1 || to > len(d.all()) || to == int(h.ID) {
			return nil
		}
		d.net.cut[h.ID][to] = true
		d.until(s, func() { d.net.cut[h.ID][to] = false })
	case "loss":
		d.net.loss = float64(number()) / 100
		d.until(s, func() { d.net.loss = 0 })
	case "late":
		d.net.late = float64(number()) / 100
		d.until(s, func() { d.net.late = 0 })
	case "double":
		d.net.double = float64(number()) / 100
		d.until(s, func() { d.net.double = 0 })
	case "slow":
		d.net.slow[h.ID] = ms(number())
		d.until(s, func() { d.net.slow[h.ID] = 0 })
	case "skew":
		// A running process measures time by its monotonic clock: the next start sees it.
		boot := h.boots
		h.PowerOff()
		h.skew = time.Duration(number()) * time.Second
		d.at(ms(min(s.For, 2000)), func() {
			if h.boots == boot {
				h.Boot()
			}
		})
	case "agent":
		f := strings.Fields(s.Arg)
		if len(f) != 3 {
			return fmt.Errorf("an agent's fault is RESOURCE ACTION MODE, not %q", s.Arg)
		}
		fault := &agentFault{f[2]}
		key := f[0] + " " + f[1]
		h.faults[key] = fault
		d.until(s, func() {
			if h.faults[key] == fault {
				delete(h.faults, key)
			}
		})
	case "fence":
		for _, o := range d.Hosts {
			if h == nil || o == h {
				o.fence.mode = s.Arg
				d.until(s, func() { o.fence.mode = "" })
			}
		}
	case "die":
		h.die(s.Arg)
	case "tear":
		h.disk.tear = true
		d.until(s, func() { h.disk.tear = false })
	default:
		if is, err := d.trouble(h, s); is {
			return err
		}
		return d.user(h, s)
	}
	return nil
}

func (d *drive) pause(h *Host, s Step) {
	switch s.Arg {
	case "":
		h.Pause(true)
		d.until(s, func() { h.Pause(false) })
	case "pacemaker":
		if p := h.pcmk; p.running() {
			p.pause(true)
			d.until(s, func() { p.pause(false) })
		}
	case "corosync":
		if r := h.ring; r != nil {
			r.paused = true
			d.until(s, func() {
				r.paused = false
				r.resume()
			})
		}
	}
}

// repair ends all faults and has all hosts take part again.
func (d *drive) repair() {
	d.logf("REPAIR")
	for _, end := range d.ends {
		end()
	}
	d.net.heal()
	d.arbiter.power(true)
	if d.s.Late > 0 || d.s.Quorum != "" || slices.ContainsFunc(d.s.Steps, changesConf) {
		d.at(time.Second, func() {
			d.edit(d.file) // all have the same one
			d.at(time.Second, d.devices)
		})
	}
	for _, h := range d.all() {
		h.faults, h.fence.mode, h.checks = map[string]*agentFault{}, "", ""
		h.disk.full, h.disk.crammed, h.disk.tear, h.disk.slow = false, false, false, 0
		h.Pause(false)
		if p := h.pcmk; p.running() && p.paused {
			p.pause(false)
		}
		if r := h.ring; r != nil && r.paused {
			r.paused = false
			r.resume()
		}
		d.enlist(h)
	}
}

// enlist is the administrator who has a host take part again whenever it is down for good.
func (d *drive) enlist(h *Host) {
	switch {
	case h.guest, h.spare, h.gone:
	case !h.On && h.boots > 0:
		h.Boot()
	case h.remote:
	case h.On && (h.ring == nil || h.pcmk == nil):
		h.StartCluster()
	}
}

// attend is the administrator who looks after hosts that do not take part, or have not read corosync.conf as it is.
func (d *drive) attend() {
	unread := false
	for _, h := range d.all() {
		d.enlist(h)
		if h.ring != nil && !h.spare && h.ring.file != h.reading() {
			unread = true
			h.KillCorosync() // it missed the reload, and without it there may be no ring to tell of another one
		}
	}
	if !unread && d.votesCounted() != "" {
		d.reload() // what a host that had missed it told the others they may still go by
	}
}

// settle waits until the cluster has settled, and holds what must be true then.
func (d *drive) settle() time.Duration {
	d.repair()
	begin := d.Now
	quiet := 0
	why := ""
	services := recovery{map[string]time.Time{}}
	for d.Now.Sub(begin) < settleLimit && d.Broken() == nil {
		d.Run(500 * time.Millisecond)
		services.look(d)
		if int(d.Now.Sub(begin)/time.Second)%20 == 19 {
			d.attend()
		}
		if why = d.settled(); why != "" {
			quiet = 0
			continue
		}
		if took := d.Now.Sub(begin); len(d.ends) > 0 && took < endsAfter+2*time.Second || took < noticeLimit && d.unnoticed() {
			continue // a user does something still; a connection is gone, and nobody knows
		}
		if quiet++; quiet == 3 {
			took := d.Now.Sub(begin)
			d.recovery = services.took(begin)
			d.recovered(d.recovery)
			if d.remembered(); d.Broken() == nil {
				d.afterwards()
			}
			return took
		}
	}
	d.check.fail(Unsettled, "%v after the last fault: %s", settleLimit, why)
	return settleLimit
}

// settled tells what is missing until the cluster has settled; "" when it has.
func (d *drive) settled() string {
	dc := ""
	if d.removing > 0 {
		return "a node is about to be removed"
	}
	for _, h := range d.nodes() {
		p := h.pcmk
		if !p.running() {
			return h.Name + " takes no part"
		}
		if p.writing() || h.ring != nil && h.ring.writing() {
			return h.Name + " waits for its disk" // the others may be about to lose it
		}
		if len(p.core.Members()) != len(d.nodes()) {
			return fmt.Sprintf("%s sees %d in the group", h.Name, len(p.core.Members()))
		}
		switch p.core.Controller.State() {
		case controller.Idle:
			if dc != "" {
				return dc + " and " + h.Name + " are DC"
			}
			dc = h.Name
		case controller.NotDC:
		default:
			return h.Name + " is in " + string(p.core.Controller.State())
		}
		if p.busy || len(p.outbox) > 0 {
			return h.Name + " is busy"
		}
		for _, r := range p.core.Fencer.History("") {
			if r.State <= fencer.Executing {
				return h.Name + " has " + r.Target + " fenced"
			}
		}
	}
	if dc == "" {
		return "there is no DC"
	}
	if why := d.votesCounted(); why != "" {
		return why
	}
	for _, h := range d.all() {
		for _, id := range slices.Sorted(maps.Keys(h.lanes)) {
			if slices.ContainsFunc(h.lanes[id].running, func(t *turn) bool { return t.changes }) {
				return h.Name + " does something with " + id // as an earlier DC had it: no plan of this one has it
			}
		}
	}
	p := d.Host(dc).pcmk
	root := p.core.Replica.Root()
	for _, h := range d.nodes() {
		if h.pcmk.core.Controller.DC() != dc {
			return h.Name + " has another DC"
		}
		if !same(root, h.pcmk.core.Replica.Root()) {
			return h.Name + " has another CIB"
		}
	}
	plan, err := node.Plan(root, p.now(), func(string, ...any) {})
	if err != nil {
		return "no plan: " + err.Error()
	}
	g := plan.Graph
	blocked := blocked(g)
	for _, s := range g.Synapses {
		// What is blocked leaves steps behind that do nothing, or cannot be done, in Pacemaker's plans too.
		if s.Action.Kind != transition.Pseudo && !blocked[s.Action.ID] {
			return "left to be done: " + s.Action.Key
		}
	}
	if d.faulty.After(d.Now) {
		return "an agent is about to fail"
	}
	return d.truth()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// blocked are the actions of a plan that wait for one that is not in it.
func blocked(g *transition.Graph) map[int]bool {
	in, out := map[int]bool{}, map[int]bool{}
	for _, s := range g.Synapses {
		in[s.Action.ID] = true
	}
	for n := -1; n != len(out); {
		n = len(out)
		for _, s := range g.Synapses {
			if slices.ContainsFunc(s.Inputs, func(a *transition.Action) bool { return !in[a.ID] || out[a.ID] }) {
				out[s.Action.ID] = true
			}
		}
	}
	return out
}

// truth tells where the CIB says that a resource runs and it does not, or the other way round.
func (d *drive) truth() string {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	for _, h := range d.all() {
		connected := func(o *Host) bool { return o.pcmk.core.RemoteConnected(h.Name) }
		if h.spare {
			continue
		}
		if h.remote && !slices.ContainsFunc(d.nodes(), connected) {
			continue // what the CIB has of it is of an earlier time
		}
		for _, r := range root.FindElements("./status/node_state/lrm/lrm_resources/lrm_resource") {
			if state := r.Parent().Parent().Parent(); state.SelectAttrValue("uname", "") != h.Name {
				continue
			}
			id := r.SelectAttrValue("id", "")
			if r.SelectAttrValue("class", "") == "stonith" || d.check.lies[id] {
				continue
			}
			// The newest operation that tells anything.
			last, call, failed, started := "", -1, -1, false
			for _, op := range r.SelectElements("lrm_rsc_op") {
				n, _ := strconv.Atoi(op.SelectAttrValue("call-id", "-1"))
				if op.SelectAttrValue("op-status", "") != "0" {
					failed = max(failed, n)
				}
				if n < call || op.SelectAttrValue("op-status", "") != "0" {
					continue
				}
				started = op.SelectAttrValue("operation", "") == "start"
				switch op.SelectAttrValue("operation", "") + op.SelectAttrValue("rc-code", "") {
				case "start0", "monitor0", "monitor8", "promote0", "demote0", "migrate_from0":
					last, call = "runs", n
				case "stop0", "monitor7", "migrate_to0":
					last, call = "is stopped", n
				default:
					last, call = "", n
				}
			}
			if failed > call {
				last = "" // what was done last did not say what came of it
			}
			s := h.services[id]
			active := s != nil && s.active
			if r.SelectAttrValue("type", "") == "remote" {
				if started || failed >= call {
					// It was seen to be gone, or nobody watches it, so its loss is not known. That is left so only where its stop is
					// blocked: else something would be left to be done.
					continue
				}
				active = h.pcmk.core.RemoteConnected(id)
			}
			if last == "runs" && !active || last == "is stopped" && active {
				return fmt.Sprintf("%s %s on %s, so the CIB says, but that is not true", id, last, h.Name)
			}
		}
	}
	return ""
}

// remembered holds that no acknowledged change is lost.
func (d *drive) remembered() {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	for _, m := range d.marks {
		there := property(root, m.name) != ""
		switch {
		case m.forced:
		case m.acked && !m.deleting && !there:
			d.check.fail(Forgotten, "%s was set, and is gone", m.name)
		case m.taken && there:
			d.check.fail(Forgotten, "%s was taken away, and is back", m.name)
		}
	}
}
