package simulation

import (
	"time"

	"hacluster/engine/controller"
	"hacluster/engine/executor"
)

// Moments that matter: a step may wait for one, so that faults strike while something is half done.
const (
	MomentElection  = "election"    // a node votes
	MomentJoin      = "join"        // a DC collects joins
	MomentFinalize  = "finalize"    // it has them finished
	MomentPending   = "pending"     // a node follows nobody, and waits for a DC
	MomentDC        = "dc"          // a DC has all joined, and plans
	MomentPlan      = "plan"        // a DC plans
	MomentTerm      = "term"        // a node keeps a promise, or what its document is of
	MomentSave      = "save"        // a node keeps a CIB
	MomentStart     = "start"       // an agent begins to start something
	MomentStarted   = "started"     // it has ended
	MomentStop      = "stop"        // an agent begins to stop something
	MomentStopped   = "stopped"     // it has ended
	MomentProbe     = "probe"       // an agent begins to look
	MomentProbed    = "probed"      // it has ended
	MomentPromote   = "promote"     // an agent begins to promote, or to demote
	MomentMigrate   = "migrate"     // the first half of a migration begins
	MomentHalf      = "half"        // it has ended
	MomentRest      = "rest"        // the second half begins
	MomentFencing   = "fencing"     // a fence agent begins
	MomentFenced    = "fenced"      // power is off
	MomentAgentEnd  = "fence-ended" // the fence agent has ended
	MomentAsked     = "asked"       // a user has asked for a change
	MomentAcked     = "acked"       // a user was told that a change is made
	MomentCame      = "came"        // somebody came into the group, as a host sees it
	MomentLeft      = "left"        // somebody left it
	MomentQuorum    = "quorum"      // a host has quorum, or has it no more
	MomentConnected = "connected"   // a remote host takes a connection
)

// Moments of a quorum device.
const (
	MomentVote   = "vote"   // it takes its vote to a node, or away
	MomentReread = "reread" // a node reads corosync.conf again
)

// Moments lists those of the cluster.
var Moments = []string{
	MomentElection, MomentJoin, MomentFinalize, MomentPending, MomentDC, MomentPlan, MomentTerm, MomentSave, MomentStart, MomentStarted, MomentStop, MomentStopped,
	MomentProbe, MomentProbed, MomentPromote, MomentMigrate, MomentHalf, MomentRest, MomentFencing, MomentFenced, MomentAgentEnd, MomentAsked, MomentAcked,
	MomentCame, MomentLeft, MomentQuorum, MomentConnected,
}

// Whom a step that waits for a moment is about.
const (
	WhoHere  = "here"  // the host that the moment is of
	WhoDC    = "dc"    // the one that is DC to it
	WhoOther = "other" // a node that is none of these, or the last one
)

// stateMoments are the moments at which a controller enters a state.
var stateMoments = map[controller.State]string{
	controller.Election: MomentElection, controller.Integration: MomentJoin, controller.FinalizeJoin: MomentFinalize,
	controller.Pending: MomentPending, controller.PolicyEngine: MomentDC,
}

// watch is who waits for moments.
type watch struct {
	waiting []*waiter
	states  map[uint32]controller.State // of the hosts, as they were seen last
}

// waiter is a step that waits.
type waiter struct {
	kind  string
	after int // that many moments pass
	what  func(h *Host)
}

// await has what called at a moment of a kind, once nth have come; what must not do anything by itself, but order it.
func (c *Cluster) await(kind string, nth int, what func(h *Host)) {
	c.watch.waiting = append(c.watch.waiting, &waiter{kind, max(0, nth-1), what})
	c.watch.states = map[uint32]controller.State{}
	for _, h := range c.Hosts {
		if h.pcmk.running() {
			c.watch.states[h.ID] = h.pcmk.core.Controller.State()
		}
	}
}

// moment tells that one has come.
func (c *Cluster) moment(kind string, h *Host) {
	for i := 0; i < len(c.watch.waiting); i++ {
		w := c.watch.waiting[i]
		switch {
		case w.kind != kind:
		case w.after > 0:
			w.after--
		default:
			c.watch.waiting = append(c.watch.waiting[:i:i], c.watch.waiting[i+1:]...)
			i--
			c.logf("MOMENT %s of %s", kind, h.Name)
			w.what(h)
		}
	}
}

// look finds the moments at which controllers entered a state.
func (c *Cluster) look() {
	if len(c.watch.waiting) == 0 {
		return
	}
	for _, h := range c.Hosts {
		if !h.pcmk.running() {
			continue
		}
		is := h.pcmk.core.Controller.State()
		if is != c.watch.states[h.ID] {
			c.watch.states[h.ID] = is
			if kind := stateMoments[is]; kind != "" {
				c.moment(kind, h)
			}
		}
	}
}

// whom finds the host that a step is about which waited for a moment.
func (d *drive) whom(s Step, h *Host) int {
	dc := h
	if h.pcmk.running() {
		if o := d.Host(h.pcmk.core.Controller.DC()); o != nil {
			dc = o
		}
	} else {
		for _, o := range d.Hosts {
			if o.pcmk.running() && o.pcmk.core.Controller.IsDC() {
				dc = o
			}
		}
	}
	switch s.Who {
	case WhoHere:
		return int(h.ID)
	case WhoDC:
		return int(dc.ID)
	case WhoOther:
		for _, o := range d.Hosts {
			if o != h && o != dc && !o.spare {
				return int(o.ID)
			}
		}
		return len(d.Hosts)
	}
	return s.Host
}

// begin lets a step happen, or waits for its moment.
func (d *drive) begin(s Step) error {
	if s.On == "" {
		return d.do(s)
	}
	d.await(s.On, s.Nth, func(h *Host) {
		s := s
		s.On, s.Host = "", d.whom(s, h)
		d.at(time.Duration(s.Delay)*time.Microsecond, func() {
			if s.At = int(d.Now.Sub(d.since) / time.Millisecond); s.At >= d.s.Length || d.err != nil {
				return // all is repaired by then
			}
			d.logf("STEP %+v", s)
			d.err = d.do(s)
		})
	})
	return nil
}

// agentMoment is the moment at which an agent begins or has ended; "": none that anybody waits for.
func agentMoment(op executor.Op, ended bool) string {
	switch {
	case op.Action == "start" && ended:
		return MomentStarted
	case op.Action == "start":
		return MomentStart
	case op.Action == "stop" && ended:
		return MomentStopped
	case op.Action == "stop":
		return MomentStop
	case op.Action == "monitor" && op.Interval == 0 && ended:
		return MomentProbed
	case op.Action == "monitor" && op.Interval == 0:
		return MomentProbe
	case (op.Action == "promote" || op.Action == "demote") && !ended:
		return MomentPromote
	case op.Action == "migrate_to" && ended:
		return MomentHalf
	case op.Action == "migrate_to":
		return MomentMigrate
	case op.Action == "migrate_from" && !ended:
		return MomentRest
	}
	return ""
}
