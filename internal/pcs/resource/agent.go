package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// FindAgent reads the agent of a resource that is to be created. fence says that only the type
// of a fence agent is meant; --force accepts an agent that is not there.
func FindAgent(s *session.Session, name string, fence bool) (*agents.Agent, error) {
	n, err := AgentName(s, name, fence)
	if err != nil {
		return nil, err
	}
	if !s.Legacy() {
		if n.Stonith() && !fence && s.Minor() >= 12 {
			return nil, s.Check(report.Errorf("This command does not accept stonith resource. Use 'pcs stonith create' command instead."))
		}
		if n.Stonith() && !fence && s.Minor() >= 11 {
			s.Deprecated("Ability of this command to accept fence agent is deprecated and will be removed in a future release. Use 'pcs stonith create' command instead.")
		}
		if (n.Standard == "nagios" || n.Standard == "upstart") && s.Minor() >= 11 {
			s.Deprecated("Value '" + n.Standard + "' of option standard is deprecated and might be removed in a future release, therefore it should not be used")
		}
	}
	a, err := s.Agent(n)
	if err == nil {
		return a, nil
	}
	item := s.AgentError(n, err)
	if !fence {
		item = s.AgentErrorOf(n.String(), n, err)
	}
	item = item.As(s.Opts.Force())
	if err := s.Check(item); err != nil {
		return nil, err
	}
	return s.VoidAgent(n), nil
}

// AgentName reads the name of an agent that a user typed, or finds the only agent of the type that it names.
func AgentName(s *session.Session, name string, fence bool) (agents.Name, error) {
	if fence {
		if strings.Contains(name, ":") {
			text := "Invalid stonith agent name '" + name + "'."
			if s.Legacy() {
				text += " List of agents can be obtained by using command 'pcs stonith list'. Do not use the 'stonith:' prefix. Agent name cannot contain the ':' character."
			} else {
				text += " Agent name cannot contain the ':' character, do not use the 'stonith:' prefix. List of agents can be obtained by using command 'pcs stonith list'."
			}
			return agents.Name{}, s.Check(report.Errorf("%s", text))
		}
		return agents.Name{Standard: "stonith", Type: name}, nil
	}
	if strings.Contains(name, ":") {
		n, err := agents.ParseName(name)
		if err != nil {
			return n, s.Check(BadName(s, name))
		}
		return n, nil
	}
	n, item := GuessAgent(s, name)
	if item != nil {
		return n, s.Check(*item)
	}
	return n, nil
}

// BadName tells that a name is none of an agent.
func BadName(s *session.Session, name string) report.Item {
	text := "Invalid resource agent name '" + name + "'. Use standard:provider:type when standard is 'ocf' or standard:type otherwise. List of standards and providers can be obtained by using commands 'pcs resource standards' and 'pcs resource providers'"
	if !s.Legacy() {
		text += "."
	}
	return report.Errorf("%s", text)
}

// GuessAgent finds the only agent of a type.
func GuessAgent(s *session.Session, kind string) (agents.Name, *report.Item) {
	var names []agents.Name
	for _, n := range agents.Guess(s.World.Agents, kind, !s.Legacy()) {
		if s.Legacy() {
			if _, err := s.Agent(n); err != nil {
				continue
			}
		}
		names = append(names, n)
	}
	var item report.Item
	switch len(names) {
	case 1:
		s.Out.Tell(report.Infof("Assumed agent name '%s' (deduced from '%s')", names[0], kind))
		return names[0], nil
	case 0:
		item = report.Errorf("Unable to find agent '%s', try specifying its full name", kind)
	default:
		var full []string
		for _, n := range names {
			full = append(full, n.String())
		}
		slices.Sort(full)
		list := report.QuoteAnd(full, " or ")
		if s.Legacy() {
			list = strings.Join(full, ", ")
		}
		item = report.Errorf("Multiple agents match '%s', please specify full name: %s", kind, list)
	}
	return agents.Name{}, &item
}

// validateInstance checks the parameters of a new resource.
func validateInstance(s *session.Session, a *agents.Agent, p argv.Pairs, resources *etree.Element, hideServer bool) []report.Item {
	if s.Legacy() {
		shown, open := p, a
		if hideServer {
			without := *a
			without.Params = slices.DeleteFunc(slices.Clone(a.Params), func(x agents.Param) bool { return x.Name == "server" })
			shown, open = p.Without("server"), &without
		}
		return append(validateParams09(s, open, shown, false), uniqueParams09(s, a, p, resources, "")...)
	}
	rules := check.Rules{Style: s.Style}
	sev := check.ByForce(s.Opts.Force())
	kind := kindOf(a)
	var items []report.Item
	for _, x := range p {
		if x.Value == "" {
			items = append(items, s.Style.EmptyOptionValue(x.Name, "", ""))
		}
	}
	if a.Exists {
		names := a.ParamNames()
		if hideServer {
			names = slices.DeleteFunc(names, func(n string) bool { return n == "server" })
			items = append(items, rules.NamesIn(p.Without("server"), names, kind, sev)...)
		} else {
			items = append(items, rules.NamesIn(p, names, kind, sev)...)
		}
		items = append(items, requiredParams(rules, a, p, nil, sev)...)
		items = append(items, deprecatedParams(a, p)...)
	}
	items = append(items, stonithAction(s, a, p)...)
	if a.Exists {
		items = append(items, uniqueParams(s, a, p, resources, "")...)
	}
	if selfChecks(s, a, items) {
		items = append(items, selfCheck(s, a.Name, p).items(s)...)
	}
	return items
}

func kindOf(a *agents.Agent) string {
	if a.Name.Stonith() {
		return "stonith"
	}
	return "resource"
}

func stonithAction(s *session.Session, a *agents.Agent, p argv.Pairs) []report.Item {
	if !a.Name.Stonith() || p.Value("action") == "" {
		return nil
	}
	return []report.Item{report.Forcible(s.Opts.Force(), "stonith option 'action' is deprecated and might be removed in a future release, therefore it should not be used, use 'pcmk_off_action', 'pcmk_reboot_action' instead")}
}

func deprecatedParams(a *agents.Agent, p argv.Pairs) []report.Item {
	var items []report.Item
	for _, x := range a.Params {
		if !x.Deprecated || !p.Has(x.Name) || a.Name.Stonith() && x.Name == "action" {
			continue
		}
		text := fmt.Sprintf("%s option '%s' is deprecated and might be removed in a future release, therefore it should not be used", kindOf(a), x.Name)
		if len(x.DeprecatedBy) > 0 {
			text += ", use " + report.QuoteSorted(x.DeprecatedBy) + " instead"
		}
		items = append(items, report.Warnf("%s", text))
	}
	return items
}

// requiredParams demands parameters; only, if not nil, limits it to those that are being changed.
func requiredParams(rules check.Rules, a *agents.Agent, p argv.Pairs, only []string, sev check.Severity) []report.Item {
	olds := map[string][]string{}
	for _, x := range a.Params {
		for _, n := range x.DeprecatedBy {
			olds[n] = append(olds[n], x.Name)
		}
	}
	closure := func(name string) []string {
		var all []string
		next := olds[name]
		for len(next) > 0 {
			var more []string
			for _, n := range next {
				if !slices.Contains(all, n) {
					all = append(all, n)
					more = append(more, olds[n]...)
				}
			}
			next = more
		}
		return all
	}
	var items []report.Item
	var plain []string
	for _, x := range a.Params {
		if !x.Required || x.Deprecated {
			continue
		}
		old := closure(x.Name)
		group := append([]string{x.Name}, old...)
		if len(only) > 0 && !slices.ContainsFunc(group, func(n string) bool { return slices.Contains(only, n) }) {
			continue
		}
		if len(old) > 0 {
			items = append(items, rules.RequiredSome(p, group, old, kindOf(a), sev)...)
		} else if !slices.Contains(plain, x.Name) {
			plain = append(plain, x.Name)
		}
	}
	return append(items, rules.RequiredAll(p, plain, kindOf(a), sev)...)
}

// sameAgent are the resources of the same agent.
func sameAgent(resources *etree.Element, n agents.Name) []*etree.Element {
	var out []*etree.Element
	for _, p := range doc.All(resources, "primitive") {
		if doc.Attr(p, "class") == n.Standard && doc.Attr(p, "type") == n.Type && (n.Provider == "" || doc.Attr(p, "provider") == n.Provider) {
			out = append(out, p)
		}
	}
	return out
}

func uniqueParams(s *session.Session, a *agents.Agent, p argv.Pairs, resources *etree.Element, except string) []report.Item {
	order, groups := a.UniqueGroups()
	if len(order) == 0 {
		return nil
	}
	same := sameAgent(resources, a.Name)
	var items []report.Item
	for _, g := range order {
		names := groups[g]
		given := false
		for _, n := range names {
			given = given || p.Value(n) != ""
		}
		if !given {
			continue
		}
		var conflicts []string
		for _, el := range same {
			equal := doc.ID(el) != except
			for _, n := range names {
				v, _ := doc.Value(el, "instance_attributes", n)
				equal = equal && v == p.Value(n)
			}
			if equal {
				conflicts = append(conflicts, doc.ID(el))
			}
		}
		if len(conflicts) == 0 {
			continue
		}
		if len(names) == 1 {
			items = append(items, report.Forcible(s.Opts.Force(), "Value '%s' of option '%s' is not unique across '%s' resources. Following resources are configured with the same value of the instance attribute: %s",
				p.Value(names[0]), names[0], a.Name, report.QuoteSorted(conflicts)))
			continue
		}
		sorted := slices.Sorted(slices.Values(names))
		var values []string
		for _, n := range sorted {
			values = append(values, p.Value(n))
		}
		items = append(items, report.Forcible(s.Opts.Force(), "Value %s of options %s (group '%s') is not unique across '%s' resources. Following resources are configured with the same values of the instance attributes: %s",
			report.Quote(values), report.Quote(sorted), g, a.Name, report.QuoteSorted(conflicts)))
	}
	return items
}

// validateParams09 checks parameters as 0.9 does.
func validateParams09(s *session.Session, a *agents.Agent, p argv.Pairs, update bool) []report.Item {
	var items []report.Item
	force := s.Opts.Force()
	if a.Exists {
		names := a.ParamNames()
		var bad, missing []string
		extra := []string{}
		if a.Name.Type == "fence_compute" || a.Name.Type == "fence_evacuate" {
			extra = []string{"project-domain", "project_domain", "user-domain", "user_domain", "compute-domain", "compute_domain"}
		}
		for _, x := range p {
			if !slices.Contains(names, x.Name) && !slices.Contains(extra, x.Name) {
				bad = append(bad, x.Name)
			}
		}
		for _, x := range a.Params {
			if x.Required && !p.Has(x.Name) {
				missing = append(missing, x.Name)
			}
		}
		if len(bad) > 0 {
			items = append(items, s.Style.InvalidOptions(bad, names, kindOf(a)).As(force))
		}
		if len(missing) > 0 && !update {
			items = append(items, s.Style.RequiredMissing(missing, kindOf(a)).As(force))
		}
	}
	if a.Name.Stonith() && p.Value("action") != "" {
		items = append(items, report.Forcible(force, "stonith option 'action' is deprecated and should not be used, use pcmk_off_action, pcmk_reboot_action instead"))
	}
	return items
}

// notUnique is the code of a value that another resource has.
const notUnique = "RESOURCE_INSTANCE_ATTR_VALUE_NOT_UNIQUE"

func uniqueParams09(s *session.Session, a *agents.Agent, p argv.Pairs, resources *etree.Element, except string) []report.Item {
	var items []report.Item
	name := a.Name.String()
	if a.Name.Stonith() {
		name = a.Name.Type
	}
	for _, x := range a.Params {
		v, given := p.Get(x.Name)
		if x.UniqueGroup == "" || !given {
			continue
		}
		var conflicts []string
		for _, el := range sameAgent(resources, a.Name) {
			if have, ok := doc.Value(el, "instance_attributes", x.Name); ok && have == v && doc.ID(el) != except {
				conflicts = append(conflicts, doc.ID(el))
			}
		}
		if len(conflicts) > 0 {
			items = append(items, report.Forcible(s.Opts.Force(), "Value '%s' of option '%s' is not unique across '%s' resources. Following resources are configured with the same value of the instance attribute: %s",
				v, x.Name, name, report.QuoteSorted(conflicts)).Coded(notUnique))
		}
	}
	return items
}
