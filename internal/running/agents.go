package running

import (
	"context"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/live"
	"hacluster/ocf"
)

// Agents are this host's agents, for pcs.
type Agents struct{ Host *ocf.Host }

var _ agents.Source = Agents{}

// Standards lists the standards that exist.
func (a Agents) Standards() []string { return a.Host.Standards() }

// Providers lists the providers of OCF agents.
func (a Agents) Providers() []string {
	p, err := a.Host.Providers()
	if err != nil {
		return nil
	}
	return p
}

// List lists agents.
func (a Agents) List(standard, provider string) []string {
	l, err := a.Host.Agents(standard, provider)
	if err != nil {
		return nil
	}
	return l
}

// Metadata is an agent's description of itself.
func (a Agents) Metadata(n agents.Name) ([]byte, error) {
	return a.Host.Metadata(context.Background(), ocf.Agent{Class: n.Standard, Provider: n.Provider, Type: n.Type})
}

// Daemon is the description of a daemon's options.
func (a Agents) Daemon(name string) ([]byte, error) { return agents.Builtin(name) }

// RunAgent runs an action of an agent on this host.
func (a Agents) RunAgent(ctx context.Context, x live.AgentAction) live.AgentResult {
	act := ocf.Action{Agent: ocf.Agent{Class: x.Class, Provider: x.Provider, Type: x.Type}, Resource: x.Resource, Name: x.Action, Timeout: x.Timeout}
	for _, p := range x.Params {
		act.Params = append(act.Params, ocf.Param{Name: p[0], Value: p[1]})
	}
	r := a.Host.Run(ctx, act)
	return live.AgentResult{Code: r.Code, Reason: r.Reason, Stdout: r.Stdout, Stderr: r.Stderr}
}
