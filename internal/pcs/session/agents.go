package session

import (
	"errors"
	"strings"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/report"
	"hacluster/ocf"
)

type fencedCache struct {
	params []agents.Param
}

// fencedParams are the fencer's parameters, that every fence agent has.
func (s *Session) fencedParams() []agents.Param {
	if s.fenced == nil {
		s.fenced = &fencedCache{}
		data, err := s.World.Agents.Daemon("pacemaker-fenced")
		var a *agents.Agent
		if err == nil {
			a, err = agents.Parse(agents.Name{Standard: "__pcmk_internal", Type: "pacemaker-fenced"}, data)
		}
		switch {
		case err != nil:
			i := report.Warnf("Agent 'pacemaker-fenced' is not installed or does not provide valid metadata: %s", err)
			s.Out.Tell(i)
		case s.Legacy():
			s.fenced.params = agents.DaemonParams09(a)
		default:
			s.fenced.params = agents.DaemonParams(a)
		}
	}
	return s.fenced.params
}

// Agent reads an agent's meta-data, complete as the dialect sees it.
func (s *Session) Agent(n agents.Name) (*agents.Agent, error) {
	data, err := s.World.Agents.Metadata(n)
	if err != nil {
		return nil, err
	}
	a, err := agents.Parse(n, data)
	if err != nil {
		return nil, err
	}
	return s.complete(a), nil
}

// VoidAgent stands for an agent that is not there.
func (s *Session) VoidAgent(n agents.Name) *agents.Agent {
	if s.Legacy() {
		return agents.Void(n)
	}
	return s.complete(agents.Void(n))
}

func (s *Session) complete(a *agents.Agent) *agents.Agent {
	var fenced []agents.Param
	if a.Name.Stonith() {
		fenced = s.fencedParams()
	}
	if s.Legacy() {
		return a.Complete09(fenced)
	}
	return a.Complete(fenced)
}

// AgentError is what to tell of an agent that cannot be read. 0.9 calls a fence agent by its type.
func (s *Session) AgentError(n agents.Name, err error) report.Item {
	name := n.String()
	if s.Legacy() && n.Stonith() {
		name = n.Type
	}
	return s.AgentErrorOf(name, n, err)
}

// AgentErrorOf is AgentError with what the agent is called there.
func (s *Session) AgentErrorOf(name string, n agents.Name, err error) report.Item {
	var ve *agents.VersionError
	switch {
	case errors.As(err, &ve):
		return report.Errorf("Unable to process agent '%s' as it implements unsupported OCF version '%s', supported versions are: '1.0', '1.1'", n, ve.Version)
	case errors.Is(err, agents.ErrMissing) || errors.Is(err, ocf.ErrNotInstalled):
		text := agents.MissingText(n)
		if s.Legacy() {
			text = agents.MissingText09(n)
		}
		err = errors.New(text)
	}
	return report.Errorf("Agent '%s' is not installed or does not provide valid metadata: %s", name, strings.TrimSpace(err.Error()))
}
