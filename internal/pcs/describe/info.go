package describe

import (
	"strings"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// AgentInfo is `resource get_resource_agent_info`: an agent as data, for pcsd.
func AgentInfo(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) != 1 {
		return report.Fatal("One parameter expected")
	}
	return agentInfo(s, args[0], false)
}

// FenceAgentInfo is `stonith get_fence_agent_info`.
func FenceAgentInfo(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) != 1 {
		return report.Fatal("One parameter expected")
	}
	name, ok := strings.CutPrefix(args[0], "stonith:")
	if !ok {
		return report.Fatal("Invalid fence agent name")
	}
	return agentInfo(s, name, true)
}

func agentInfo(s *session.Session, name string, fence bool) error {
	n, err := resource.AgentName(s, name, fence)
	if err != nil {
		return err
	}
	a, err := s.Agent(n)
	if err != nil {
		return s.Check(s.AgentError(n, err))
	}
	s.Out.Print(show.JSON(agentJSON(s, a), 0))
	return nil
}

func agentJSON(s *session.Session, a *agents.Agent) show.Object {
	params := []any{}
	for _, p := range a.Params {
		params = append(params, show.ParamJSON(p))
	}
	actions, defaults := []any{}, []any{}
	for _, x := range a.Actions {
		level := x.Attr("depth")
		if level != nil && *level == "0" {
			level = nil
		}
		role := x.Attr("role")
		if role != nil {
			r := rule.PrimaryRole(*role)
			role = &r
		}
		actions = append(actions, show.Object{
			{Name: "name", Value: x.Name},
			{Name: "timeout", Value: x.Attr("timeout")},
			{Name: "interval", Value: x.Attr("interval")},
			{Name: "role", Value: role},
			{Name: "start-delay", Value: x.Attr("start-delay")},
			{Name: resource.CheckLevel, Value: level},
			{Name: "automatic", Value: x.Automatic},
			{Name: "on_target", Value: x.OnTarget},
		})
	}
	for _, o := range resource.DefaultOperations(s, a, false) {
		defaults = append(defaults, operationJSON(o))
	}
	return show.Object{
		{Name: "shortdesc", Value: a.Short},
		{Name: "longdesc", Value: a.Long},
		{Name: "parameters", Value: params},
		{Name: "actions", Value: actions},
		{Name: "name", Value: a.Name.String()},
		{Name: "standard", Value: a.Name.Standard},
		{Name: "provider", Value: show.Opt(a.Name.Provider)},
		{Name: "type", Value: a.Name.Type},
		{Name: "default_actions", Value: defaults},
	}
}

func operationJSON(o argv.Pairs) show.Object {
	out := show.Object{{Name: resource.CheckLevel, Value: show.Opt(o.Value(resource.CheckLevel))}, {Name: "automatic", Value: false}, {Name: "on_target", Value: false}}
	for _, n := range []string{"name", "interval", "timeout", "role", "start-delay"} {
		out = append(out, show.Field{Name: n, Value: show.Opt(o.Value(n))})
	}
	return out
}
