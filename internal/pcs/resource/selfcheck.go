package resource

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// verdict is what an agent says of its own parameters.
type verdict struct {
	valid bool
	// said is what it wrote to its standard error.
	said string
	// unread is why its answer could not be had.
	unread string
}

// selfChecks tells whether an agent is to be asked, which has the action for it, when nothing else is wrong.
func selfChecks(s *session.Session, a *agents.Agent, items []report.Item) bool {
	return s.Opts.Has("--agent-validation") && (a.Name.OCF() || a.Name.Stonith()) && a.Exists && slices.Contains(actionNames(a), "validate-all") && !report.HasErrors(items)
}

// selfCheck has an agent on this host look at parameters.
func selfCheck(s *session.Session, n agents.Name, params argv.Pairs) verdict {
	name, within := "crm_resource", "resource-agent-action"
	args := []string{"--validate", "--output-as", "xml"}
	switch {
	case n.Stonith():
		name, within = "stonith_admin", "validate"
		args = append(args, "--agent", n.Type)
	case n.Provider != "":
		args = append(args, "--class", n.Standard, "--agent", n.Type, "--provider", n.Provider)
	default:
		args = append(args, "--class", n.Standard, "--agent", n.Type)
	}
	for _, p := range params.Sorted() {
		args = append(args, "--option", p.Name+"="+p.Value)
	}
	r, err := s.Run(name, args...)
	if err != nil {
		return verdict{unread: err.Error()}
	}
	root, err := doc.Parse([]byte(r.Stdout))
	if err != nil {
		return verdict{unread: err.Error()}
	}
	var said []string
	for _, el := range root.FindElements("*/command/output") {
		if el.Parent().Parent().Tag != within || el.SelectAttrValue("source", "") != "stderr" {
			continue
		}
		for line := range strings.Lines(allText(el)) {
			if line = strings.TrimSpace(line); line != "" {
				said = append(said, line)
			}
		}
	}
	return verdict{valid: r.Code == 0, said: strings.Join(said, "\n")}
}

// allText is the text of an element, CDATA among it.
func allText(el *etree.Element) string {
	var b strings.Builder
	for _, c := range el.Child {
		if t, ok := c.(*etree.CharData); ok {
			b.WriteString(t.Data)
		}
	}
	return b.String()
}

func (v verdict) quoted() string {
	return strings.Join(show.IndentBy(strings.Split(v.said, "\n"), 2), "\n")
}

// items are what is told of a verdict on new parameters.
func (v verdict) items(s *session.Session) []report.Item {
	switch {
	case v.unread != "":
		return []report.Item{report.Forcible(s.Opts.Force(), "Invalid validation data from agent: %s", v.unread)}
	case v.valid && v.said == "":
		return nil
	case v.valid:
		return []report.Item{report.Warnf("Validation result from agent:\n%s", v.quoted())}
	}
	i := report.Forcible(s.Opts.Force(), "Validation result from agent:\n%s", v.quoted())
	i.ForceAt, i.ForceHint = len("Validation result from agent"), " (use --force to override)"
	return []report.Item{i}
}

// selfCheckUpdate has an agent look at changed parameters, where it has nothing against those from before.
func selfCheckUpdate(s *session.Session, n agents.Name, before, after argv.Pairs) []report.Item {
	switch v := selfCheck(s, n, before); {
	case v.unread != "":
		return []report.Item{report.Warnf("Invalid validation data from agent: %s", v.unread)}
	case !v.valid:
		return []report.Item{report.Warnf("The resource was misconfigured before the update, therefore agent self-validation will not be run for the updated configuration. Validation output of the original configuration:\n%s", v.quoted())}
	}
	return selfCheck(s, n, after).items(s)
}
