// Package describe lists and describes agents: `resource list`, `describe`, `standards`, `providers`,
// `agents` and those of fence agents, in all generations.
package describe

import (
	"sort"
	"strings"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// Standards is `resource standards`.
func Standards(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	list := standards(s)
	if len(list) == 0 {
		return report.Fatal("No standards found")
	}
	s.Out.Print(list...)
	return nil
}

// standards lists standards; 0.9 leaves stonith out.
func standards(s *session.Session) []string {
	var out []string
	for _, x := range agents.Sorted(s.World.Agents.Standards()) {
		if x != "stonith" || !s.Legacy() {
			out = append(out, x)
		}
	}
	return out
}

// Providers is `resource providers`.
func Providers(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	list := agents.Sorted(s.World.Agents.Providers())
	if len(list) == 0 {
		return report.Fatal("No OCF providers found")
	}
	s.Out.Print(list...)
	return nil
}

// Agents is `resource agents`.
func Agents(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	var list []string
	if len(args) == 1 {
		std, provider, _ := strings.Cut(args[0], ":")
		if std == "ocf" && provider == "" {
			list = append(list, ocfTypes(s)...)
		} else {
			list = s.World.Agents.List(std, provider)
		}
	} else {
		for _, std := range standards(s) {
			if std == "ocf" {
				list = append(list, ocfTypes(s)...)
			} else {
				list = append(list, s.World.Agents.List(std, "")...)
			}
		}
	}
	list = agents.Sorted(list)
	if len(list) == 0 {
		suffix := ""
		if len(args) > 0 {
			suffix = " for " + args[0]
		}
		return report.Fatal("No agents found" + suffix)
	}
	s.Out.Print(list...)
	return nil
}

func ocfTypes(s *session.Session) []string {
	var out []string
	for _, p := range agents.Sorted(s.World.Agents.Providers()) {
		out = append(out, s.World.Agents.List("ocf", p)...)
	}
	return out
}

// List is `resource list`, ListStonith `stonith list`.
func List(s *session.Session, args []string) error { return list(s, args, false) }

// ListStonith lists fence agents.
func ListStonith(s *session.Session, args []string) error { return list(s, args, true) }

func list(s *session.Session, args []string, fence bool) error {
	if err := s.Only("--nodesc"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	kind, installed := "resource", "resource"
	if fence {
		kind, installed = "stonith", "fence"
	}
	var names []agents.Name
	for _, p := range agents.Pairs(s.World.Agents) {
		if fence != (p.Standard == "stonith") {
			continue
		}
		for _, t := range agents.Sorted(s.World.Agents.List(p.Standard, p.Provider)) {
			names = append(names, agents.Name{Standard: p.Standard, Provider: p.Provider, Type: t})
		}
	}
	label := func(n agents.Name) string {
		if fence {
			return n.Type
		}
		return n.String()
	}
	sort.SliceStable(names, func(i, j int) bool { return strings.ToLower(label(names[i])) < strings.ToLower(label(names[j])) })
	found := false
	for _, n := range names {
		if len(args) > 0 && !strings.Contains(strings.ToLower(label(n)), strings.ToLower(args[0])) {
			continue
		}
		short := ""
		if !s.Opts.Has("--nodesc") {
			a, err := s.Agent(n)
			if err != nil {
				continue
			}
			if a.Short != nil {
				short = strings.ReplaceAll(*a.Short, "\n", " ")
			}
		}
		found = true
		if short == "" {
			s.Out.Print(label(n))
			continue
		}
		s.Out.Print(label(n) + " - " + describe09(len(label(n))+3, short))
	}
	if found {
		return nil
	}
	if len(args) > 0 {
		return report.Fatal("No " + kind + " agents matching the filter.")
	}
	return report.Fatal("No " + kind + " agents available. Do you have " + installed + " agents installed?")
}

// width is how wide texts are where they do not go to a terminal.
const width = 80

// describe09 wraps a text behind a heading of the given length.
func describe09(indent int, text string) string {
	room := width - indent
	if room < 1 {
		room = width
	}
	return strings.Join(show.Wrap(text, room, ""), "\n"+strings.Repeat(" ", indent))
}

// Describe is `resource describe`, DescribeStonith `stonith describe`.
func Describe(s *session.Session, args []string) error { return describe(s, args, false) }

// DescribeStonith describes a fence agent.
func DescribeStonith(s *session.Session, args []string) error { return describe(s, args, true) }

func describe(s *session.Session, args []string, fence bool) error {
	if err := s.Only("--full"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	if s.Legacy() {
		return describeOld(s, args[0], fence)
	}
	n, err := describeName(s, args[0], fence)
	if err != nil {
		return err
	}
	if !fence && n.Stonith() && s.Minor() >= 11 {
		i := s.Mismatch("stonith / fence agents", "pcs stonith describe")
		if i.Severity == report.Error {
			return report.Fatal(i.Text)
		}
		s.Out.Tell(i)
	}
	a, err := s.Agent(n)
	if err != nil {
		return s.Check(s.AgentError(n, err))
	}
	s.Out.Print(describeLines(s, a, s.Opts.Full())...)
	return nil
}

// describeName finds the agent to describe; a name without standard is looked for.
func describeName(s *session.Session, name string, fence bool) (agents.Name, error) {
	if fence {
		return agents.Name{Standard: "stonith", Type: name}, nil
	}
	if strings.Contains(name, ":") {
		n, err := agents.ParseName(name)
		if err != nil {
			return n, s.Check(resource.BadName(s, name))
		}
		return n, nil
	}
	n, item := resource.GuessAgent(s, name)
	if item != nil {
		return n, argv.Usagef("%s", item.Text)
	}
	return n, nil
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func describeLines(s *session.Session, a *agents.Agent, full bool) []string {
	name := a.Name.String()
	if a.Name.Stonith() {
		name = a.Name.Type
	}
	out := []string{name}
	if t := text(a.Short); t != "" {
		out[0] = name + " - " + strings.ReplaceAll(t, "\n", " ")
	}
	if t := text(a.Long); t != "" {
		out = append(append(out, ""), strings.Split(strings.TrimRight(t, "\n"), "\n")...)
	}
	var params []string
	for _, p := range a.Params {
		if full || !p.Advanced && !p.Deprecated {
			params = append(params, show.ParamLines(p)...)
		}
	}
	if len(params) > 0 {
		head := "Resource options:"
		if a.Name.Stonith() {
			head = "Stonith options:"
		}
		out = append(append(out, "", head), show.Indent(params)...)
	}
	var ops []string
	defaults, items := resource.UniqueIntervals(resource.DefaultOperations(s, a, false))
	s.Out.Tell(items...)
	for _, o := range defaults {
		ops = append(ops, o.Value("name")+":")
		if line := operationWords(o); line != "" {
			ops = append(ops, "  "+line)
		}
	}
	if len(ops) > 0 {
		out = append(append(out, "", "Default operations:"), show.Indent(ops)...)
	}
	return out
}

// operationWords are the options of an operation in the order in which they are shown.
func operationWords(o argv.Pairs) string {
	pairs := argv.Pairs{{Name: "interval", Value: o.Value("interval")}}
	if v := o.Value("start-delay"); v != "" {
		pairs = append(pairs, argv.Pair{Name: "start-delay", Value: v})
	} else if v := o.Value("interval-origin"); v != "" {
		pairs = append(pairs, argv.Pair{Name: "interval-origin", Value: v})
	}
	for _, n := range []string{"timeout", "enabled", "record-pending", "role", "on-fail", resource.CheckLevel} {
		if v := o.Value(n); v != "" {
			pairs = append(pairs, argv.Pair{Name: n, Value: v})
		}
	}
	return strings.Join(show.NameValues(pairs), " ")
}

func describeOld(s *session.Session, name string, fence bool) error {
	n, err := resource.AgentName(s, name, fence)
	if err != nil {
		return err
	}
	a, err := s.Agent(n)
	if err != nil {
		if fence {
			return report.Items{s.AgentError(n, err)}
		}
		return report.Items{s.AgentErrorOf(n.String(), n, err)}
	}
	label := n.String()
	if fence {
		label = n.Type
	}
	out := []string{label}
	if t := text(a.Short); t != "" {
		out[0] = label + " - " + describe09(len(label)+3, t)
	}
	if t := text(a.Long); t != "" {
		out = append(out, "", t)
	}
	var params []string
	for _, p := range a.Params {
		if p.Advanced && !s.Opts.Full() {
			continue
		}
		title := p.Name
		if p.Required {
			title += " (required)"
		}
		if p.UniqueGroup != "" {
			title += " (unique)"
		}
		desc := strings.ReplaceAll(text(p.Long), "\n", " ")
		if desc == "" {
			desc = strings.ReplaceAll(text(p.Short), "\n", " ")
		}
		if desc == "" {
			desc = "No description available"
		}
		if p.Warning != "" {
			desc += " WARNING: " + p.Warning
		}
		params = append(params, "  "+title+": "+describe09(len(title)+4, desc))
	}
	if len(params) > 0 {
		head := "Resource options:"
		if fence {
			head = "Stonith options:"
		}
		out = append(append(out, "", head), params...)
	}
	if len(a.Actions) > 0 {
		var ops []string
		for _, o := range resource.DefaultOperations(s, a, false) {
			parts := []string{"  " + o.Value("name") + ":"}
			for _, p := range o.Without("name").Sorted() {
				parts = append(parts, p.Name+"="+p.Value)
			}
			ops = append(ops, strings.Join(parts, " "))
		}
		if len(ops) > 0 {
			out = append(append(out, "", "Default operations:"), ops...)
		}
	}
	s.Out.Print(out...)
	return nil
}
