package node

import (
	"context"
	"strings"
	"sync"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/internal/lrmd"
	"hacluster/ocf"
)

// agents runs agents and remembers what their meta-data says.
type agents struct {
	host *ocf.Host
	mu   sync.Mutex
	seen map[ocf.Agent]description
}

type description struct {
	traits executor.Traits
	fence  fencer.Traits // of a fence agent
}

func newAgents(h *ocf.Host) *agents { return &agents{host: h, seen: map[ocf.Agent]description{}} }

// describe asks an agent about itself, once.
func (a *agents) describe(agent ocf.Agent) description {
	a.mu.Lock()
	d, ok := a.seen[agent]
	a.mu.Unlock()
	if ok {
		return d
	}
	d = description{fence: fencer.Traits{Plug: "port"}}
	data, err := a.host.Metadata(context.Background(), agent)
	if err != nil {
		return d
	}
	doc, err := xml.Parse(data)
	if err != nil {
		return d
	}
	d.traits.Known = true
	if agent.Class == ocf.Stonith {
		d.fence = fencer.ParseTraits(string(data))
	}
	version := ""
	if v := doc.Root.SelectElement("version"); v != nil {
		version = strings.TrimSpace(v.Text())
	}
	if ps := doc.Root.SelectElement("parameters"); ps != nil {
		for _, p := range ps.SelectElements("parameter") {
			name := p.SelectAttrValue("name", "")
			d.traits.Parameters = append(d.traits.Parameters, name)
			if p.SelectAttrValue("private", "") == "1" {
				d.traits.Private = append(d.traits.Private, name)
			}
			if p.SelectAttrValue("unique", "") == "1" {
				d.traits.Unique = append(d.traits.Unique, name)
			}
			if p.SelectAttrValue("reloadable", "") == "1" {
				d.traits.Reloadable = append(d.traits.Reloadable, name)
			}
		}
	}
	if len(d.traits.Private) == 0 {
		d.traits.Private = []string{"password", "passwd", "user"}
	}
	if as := doc.Root.SelectElement("actions"); as != nil {
		for _, x := range as.SelectElements("action") {
			switch x.SelectAttrValue("name", "") {
			case "reload-agent":
				d.traits.ReloadAgent = version >= "1.1"
			case "reload":
				d.traits.Reload = true
			}
		}
	}
	a.mu.Lock()
	a.seen[agent] = d
	a.mu.Unlock()
	return d
}

// traits are what an operation's agent says of itself that matters for the history.
func (a *agents) traits(op executor.Op) executor.Traits {
	if op.Class != ocf.OCF {
		return executor.Traits{}
	}
	return a.describe(ocf.Agent{Class: op.Class, Provider: op.Provider, Type: op.Type}).traits
}

// actionName is what an agent calls an action: of the two kinds of reload a scheduler may
// order one, and an agent have the other.
func actionName(action string, t executor.Traits) string {
	if action != "reload" && action != "reload-agent" || !t.Known {
		return action
	}
	if t.Reload && !t.ReloadAgent {
		return "reload"
	}
	return "reload-agent"
}

func (w *world) RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) {
	go func() {
		action := lrmd.Action(op)
		traits := w.agents.traits(op)
		action.Name = actionName(op.Action, traits)
		r := lrmd.Result(w.agents.host.Run(context.Background(), action))
		r.Traits = traits
		(*Node)(w).post(func() { done(time.Now(), r) })
	}()
}

func (w *world) RunFence(agent, action string, params func(plug string) []fencer.Param, timeout time.Duration, done func(now time.Time, res fencer.AgentResult)) {
	go func() {
		a := ocf.Agent{Class: ocf.Stonith, Type: agent}
		act := ocf.Action{Agent: a, Name: action, Timeout: timeout}
		for _, p := range params(w.agents.describe(a).fence.Plug) {
			if p.Name == fencer.OwnerParam {
				act.Resource = p.Value
			}
			act.Params = append(act.Params, ocf.Param{Name: p.Name, Value: p.Value})
		}
		res := w.agents.host.Run(context.Background(), act)
		r := fencer.AgentResult{Code: res.Code, Reason: res.Reason, Output: res.Stdout, Failed: res.Status != ocf.Done, TimedOut: res.Status == ocf.TimedOut}
		if r.Failed && r.Code == 0 {
			r.Code = 1
		}
		if r.Code != 0 && r.Reason == "" {
			r.Reason = strings.TrimSpace(res.Stderr)
		}
		(*Node)(w).post(func() { done(time.Now(), r) })
	}()
}

func (w *world) FenceTraits(agent string, done func(now time.Time, t fencer.Traits)) {
	go func() {
		t := w.agents.describe(ocf.Agent{Class: ocf.Stonith, Type: agent}).fence
		(*Node)(w).post(func() { done(time.Now(), t) })
	}()
}

func (w *world) Installed(agent string) bool {
	return w.agents.host.Installed(ocf.Agent{Class: ocf.Stonith, Type: agent})
}
