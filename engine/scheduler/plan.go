package scheduler

import (
	"errors"
	"time"

	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// planner is one plan in the making.
type planner struct {
	in          Input
	c           *Cluster
	res         *Result
	useCapacity bool
	hostAttrs   bool // some node's attributes may be its host's
	tracked     []*Action
	settled     bool                 // orders have had their effects
	follows     []int                // by ID of an action: the last probe that it is known to follow
	inputs      []*transition.Action // by ID: how an action looks as an input of others
	attrs       []transition.Attr    // room for those of the action that is written
	metaNames   map[string]string    // status.MetaName of those written so far
	counts      func(*Action) bool   // which stops and demotions probes are ordered before
	merges      int                  // of scores, so far
	propagating bool                 // orders have their effects just now
	changes     int                  // of flags, while they have
	readings    map[reading]result
	notified    []bool
	drawn       map[*Resource]int // while instances are sorted: their colocation scores
}

// ErrFeatureSet is returned for a CIB that newer software wrote.
var ErrFeatureSet = errors.New("the CIB's feature set is greater than our own")

// EffectiveTime is the time that a plan of the input is made for.
func (in *Input) EffectiveTime() time.Time {
	if in.UseOriginalDate {
		if s := in.CIB.SelectAttr("execution-date"); s != nil {
			if n, ok := status.ParseInt(s.Value); ok && n != 0 {
				return time.Unix(n, 0).In(in.Now.Location())
			}
		}
	}
	return in.Now
}

// Plan decides what should run where and works out the steps to it.
func Plan(in Input) (*Result, error) {
	if in.CIB == nil {
		return nil, errors.New("no CIB to plan for")
	}
	c := status.Read(status.Input{CIB: in.CIB, Now: in.EffectiveTime(), Simulation: in.Simulation, Trace: in.Trace})
	return PlanFor(c, in)
}

// Check reads a configuration as a plan does: Messages of the outcome are its errors and
// warnings, in the order and words of crm_verify. A CIB without status is checked less,
// for no plan can be made for it.
func Check(in Input) *Cluster {
	c := status.Read(status.Input{CIB: in.CIB, Now: in.EffectiveTime(), Simulation: in.Simulation})
	if c.TooNew || in.CIB.SelectElement("status") == nil {
		return c
	}
	in.NoScores = true
	_, _ = PlanFor(c, in) // the one error, a CIB of newer software, is among the messages
	return c
}

// PlanFor plans for a model that was read from the input's CIB at its time.
// The model is used up: it holds the plan afterwards.
func PlanFor(c *Cluster, in Input) (*Result, error) {
	p := &planner{in: in, c: c, res: &Result{Cluster: c}, metaNames: map[string]string{}}
	if in.Trace != nil && c.Trace == nil {
		return nil, errors.New("the model was read without a trace")
	}
	if c.TooNew {
		p.res.Messages = c.Messages
		return p.res, ErrFeatureSet
	}
	p.hostAttrs = c.HaveRemote
	p.nodeCriteria()
	for _, r := range c.Resources {
		p.internalConstraints(r)
	}
	p.checkHistory()
	p.place()
	p.res.Told = len(c.Notices)
	p.deferredChecks()
	c.Trace.Because(status.Origin{Code: status.OriginProbe})
	if c.Options.StartupProbes {
		p.scheduleProbes()
	}
	c.Trace.Because(status.Origin{Code: status.OriginRemoved})
	if c.Options.StopRemoved {
		for _, r := range c.Resources {
			p.clearRemoved(r)
		}
	}
	for _, r := range c.Resources {
		p.createActions(r)
	}
	p.orderRemote()
	c.Trace.Because(status.Origin{Code: status.OriginNodeState, ID: "unclean"})
	p.fencingAndShutdowns()
	c.Trace.Because(status.Origin{Code: status.OriginOrdering})
	p.applyOrderings()
	p.summarize()
	p.notified = make([]bool, len(c.All))
	c.Trace.Because(status.Origin{Code: status.OriginNotify})
	p.createGraph()
	p.res.optional = func() { p.orderSureProbes(anyAction) }
	p.res.Actions = c.Actions
	p.res.Messages = c.Messages
	p.res.RecheckBy = c.RecheckBy
	return p.res, nil
}

func (p *planner) configErr(format string, args ...any) { p.c.ConfigErr(format, args...) }

// place assigns all resources to nodes.
func (p *planner) place() {
	p.prepareCapacity()
	if p.c.Options.Placement != "default" {
		p.sortResources()
	}
	p.showCapacities("Original")
	if p.c.HaveRemote {
		for i := 0; i < len(p.c.Resources); i++ {
			if r := p.c.Resources[i]; r.Has(status.RemoteConnection) {
				p.assign(r, r.PartialTarget, true)
			}
		}
	}
	for i := 0; i < len(p.c.Resources); i++ {
		if r := p.c.Resources[i]; !r.Has(status.RemoteConnection) {
			p.assign(r, nil, true)
		}
	}
	p.showCapacities("Remaining")
}

// clearRemoved clears the fail counts of a removed resource.
func (p *planner) clearRemoved(r *Resource) {
	if !r.Has(status.Removed) {
		return
	}
	for _, n := range p.c.Nodes {
		if !n.Online {
			continue
		}
		if count, _ := p.c.FailCount(n, r, status.FailEffective, nil); count == 0 {
			continue
		}
		a := p.c.ClearFailCount(r, n)
		p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: a, ThenRsc: r, ThenTask: "stop", Kinds: ordered})
	}
}
