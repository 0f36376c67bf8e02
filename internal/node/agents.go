package node

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"hacluster/cib/number"
	"hacluster/cib/xml"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/engine/status"
	"hacluster/internal/lrmd"
	"hacluster/ocf"
)

// agents runs agents and remembers what their meta-data says.
type agents struct {
	host *ocf.Host
	mu   sync.Mutex
	seen map[ocf.Agent]description
	// asked are agents whose meta-data is on its way: who asks meanwhile gets the same.
	asked map[ocf.Agent]*asked
}

// asked is one run of an agent for its meta-data.
type asked struct {
	ended chan struct{}
	told  description // when it has ended
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
	other := a.asked[agent]
	if ok || other != nil {
		a.mu.Unlock()
		if ok {
			return d
		}
		<-other.ended
		return other.told
	}
	own := &asked{ended: make(chan struct{})}
	if a.asked == nil {
		a.asked = map[ocf.Agent]*asked{}
	}
	a.asked[agent] = own
	a.mu.Unlock()
	own.told = a.ask(agent)
	a.mu.Lock()
	delete(a.asked, agent)
	a.mu.Unlock()
	close(own.ended)
	return own.told
}

// ask runs an agent for its meta-data; what it tells is remembered.
func (a *agents) ask(agent ocf.Agent) description {
	d := description{fence: fencer.Traits{Plug: "port"}}
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
	since11 := false
	if v := doc.Root.SelectElement("version"); v != nil && agent.Class == ocf.OCF {
		since11 = status.CompareVersions(strings.TrimSpace(v.Text()), "1.1") >= 0
	}
	if ps := doc.Root.SelectElement("parameters"); ps != nil {
		for _, p := range ps.SelectElements("parameter") {
			name := p.SelectAttrValue("name", "")
			d.traits.Parameters = append(d.traits.Parameters, name)
			is := func(attr string) bool { return number.IsTrue(p.SelectAttrValue(attr, "")) }
			if is("private") {
				d.traits.Private = append(d.traits.Private, name)
			}
			if is("unique") {
				d.traits.Unique = append(d.traits.Unique, name)
			}
			if is("reloadable") {
				d.traits.Reloadable = append(d.traits.Reloadable, name)
			}
		}
	}
	if len(d.traits.Private) == 0 {
		// An agent that marks none: those that have a secret's name.
		for _, name := range d.traits.Parameters {
			if name == "password" || name == "passwd" || name == "user" {
				d.traits.Private = append(d.traits.Private, name)
			}
		}
	}
	// Histories list them from the last to the first.
	for _, list := range [][]string{d.traits.Parameters, d.traits.Private, d.traits.Unique, d.traits.Reloadable} {
		slices.Reverse(list)
	}
	if as := doc.Root.SelectElement("actions"); as != nil {
		for _, x := range as.SelectElements("action") {
			switch x.SelectAttrValue("name", "") {
			case "reload-agent":
				d.traits.ReloadAgent = since11
			case "reload":
				// Of an agent since OCF 1.1 it is the service that reads its own configuration again.
				d.traits.Reload = !since11
			}
		}
	}
	a.mu.Lock()
	a.seen[agent] = d
	a.mu.Unlock()
	return d
}

// Traits are what an operation's agent said of itself, if it was asked.
func (w *world) Traits(op executor.Op) executor.Traits {
	a := w.agents
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[ocf.Agent{Class: op.Class, Provider: op.Provider, Type: op.Type}].traits
}

// traits are what an operation's agent says of itself that matters for the history.
func (a *agents) traits(op executor.Op) executor.Traits {
	if op.Class != ocf.OCF && op.Class != ocf.Stonith || op.Action == "stop" {
		return executor.Traits{}
	}
	agent := ocf.Agent{Class: op.Class, Provider: op.Provider, Type: op.Type}
	if op.Action == "start" {
		// The agent may have been updated; what an older one said of itself counts no more.
		a.mu.Lock()
		delete(a.seen, agent)
		a.mu.Unlock()
	}
	return a.describe(agent).traits
}

// actionName is what an agent calls an action: of the two kinds of reload a scheduler may
// order one, and an agent have the other.
func actionName(action string, t executor.Traits) string {
	switch {
	case action != "reload" && action != "reload-agent":
		return action
	case t.Reload:
		return "reload"
	}
	return "reload-agent"
}

func (w *world) RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) (kill func()) {
	ctx, kill := context.WithCancel(context.Background())
	go func() {
		defer kill()
		action := lrmd.Action(op)
		traits := w.agents.traits(op)
		action.Name = actionName(op.Action, traits)
		r := lrmd.Result(w.agents.host.Run(ctx, action))
		r.Traits = traits
		(*Node)(w).post(func() { done(time.Now(), r) })
	}()
	return kill
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
			r.Reason = complaint(res.Stderr)
		}
		w.logErrors(agent, res.Stderr)
		r.Reason, r.Output = xml.Text(r.Reason), xml.Text(r.Output)
		(*Node)(w).post(func() { done(time.Now(), r) })
	}()
}

// logErrors tells what a fence agent wrote to its error output, also where it did as it was told.
func (w *world) logErrors(agent, stderr string) {
	const most = 50
	n := 0
	for l := range strings.Lines(stderr) {
		if l = strings.TrimSpace(xml.Text(l)); l == "" {
			continue
		}
		if n++; n <= most {
			w.Logf("fencer: %s stderr: [ %v ]", agent, errors.New(l))
		}
	}
	if n > most {
		w.Logf("fencer: %s stderr: %v", agent, fmt.Errorf("%d more lines", n-most))
	}
}

// logged is a line as the fence agents of ClusterLabs log it.
var logged = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ERROR: (.*)$`)

// complaint is what a fence agent's error output says of its failure: the errors it logged, where it logs, and not the warnings
// that its language or libraries write beside them; or else all of it.
func complaint(stderr string) string {
	var errs []string
	for _, m := range logged.FindAllStringSubmatch(stderr, -1) {
		if text := strings.Join(strings.Fields(m[1]), " "); text != "" {
			errs = append(errs, text)
		}
	}
	if len(errs) > 0 {
		return strings.Join(errs, "; ")
	}
	return strings.TrimSpace(stderr)
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
