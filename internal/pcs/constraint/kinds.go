package constraint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// colocations

func colocationHead(el *etree.Element) string {
	return before(roleOf(el, "rsc-role")) + "resource '" + doc.Attr(el, "rsc") + "' with " + before(roleOf(el, "with-rsc-role")) + "resource '" + doc.Attr(el, "with-rsc") + "'"
}

func colocationAttrs(el *etree.Element) argv.Pairs {
	var p argv.Pairs
	for _, n := range []string{"score", "influence"} {
		if v := doc.Attr(el, n); v != "" {
			p = append(p, argv.Pair{Name: n, Value: v})
		}
	}
	return p
}

func colocationBelow(el *etree.Element, eval rule.Eval, ids bool) []string {
	p := colocationAttrs(el)
	if v := doc.Attr(el, "node-attribute"); v != "" && doc.Child(el, "resource_set") == nil {
		p = append(p, argv.Pair{Name: "node-attribute", Value: v})
	}
	out := []string{strings.Join(show.NameValues(p), " ")}
	if rules := lifetime(el); len(rules) > 0 {
		out = append(append(out, "Lifetime:"), rulesLines(rules, eval, ids)...)
	}
	return out
}

// colocationPairs are the options for a command; false when there is none.
func colocationPairs(s *session.Session, el *etree.Element) (argv.Pairs, bool) {
	if len(lifetime(el)) > 0 {
		detected(s, el, "Lifetime configuration")
		return nil, false
	}
	p := append(argv.Pairs{{Name: "id", Value: doc.ID(el)}}, colocationAttrs(el)...)
	if p.Has("influence") {
		detected(s, el, "Option 'influence'")
		return nil, false
	}
	return p, true
}

func colocationCommands(s *session.Session, el *etree.Element, _ rule.Eval) [][]string {
	if doc.Has(el, "rsc-instance") || doc.Has(el, "with-rsc-instance") {
		detected(s, el, "Resource instance(s)")
		return nil
	}
	if doc.Has(el, "node-attribute") {
		detected(s, el, "Option 'node-attribute'")
		return nil
	}
	p, ok := colocationPairs(s, el)
	if !ok {
		return nil
	}
	line := "pcs -- constraint colocation add " + before(roleOf(el, "rsc-role")) + show.Shell(doc.Attr(el, "rsc")) +
		" with " + before(roleOf(el, "with-rsc-role")) + show.Shell(doc.Attr(el, "with-rsc"))
	if s.Minor() >= 12 {
		return [][]string{{line, "  " + show.ShellPairs(p)}}
	}
	if v := doc.Attr(el, "score"); v != "" {
		line += " " + v
	}
	return [][]string{{line, "  " + show.ShellPairs(p.Without("score"))}}
}

func colocationJSON(el *etree.Element, _ rule.Eval) show.Object {
	return show.Object{
		{Name: "resource_id", Value: doc.Attr(el, "rsc")},
		{Name: "with_resource_id", Value: doc.Attr(el, "with-rsc")},
		{Name: "node_attribute", Value: show.Attr(el, "node-attribute")},
		{Name: "resource_role", Value: optRole(el, "rsc-role")},
		{Name: "with_resource_role", Value: optRole(el, "with-rsc-role")},
		{Name: "resource_instance", Value: show.AttrInt(el, "rsc-instance")},
		{Name: "with_resource_instance", Value: show.AttrInt(el, "with-rsc-instance")},
	}
}

func colocationAttrJSON(el *etree.Element, eval rule.Eval) show.Object {
	return show.Object{
		{Name: "constraint_id", Value: doc.ID(el)},
		{Name: "score", Value: show.Attr(el, "score")},
		{Name: "influence", Value: show.Attr(el, "influence")},
		{Name: "lifetime", Value: rulesJSON(lifetime(el), eval)},
	}
}

// orders

func orderHead(el *etree.Element) string {
	return before(doc.Attr(el, "first-action")) + "resource '" + doc.Attr(el, "first") + "' then " + before(doc.Attr(el, "then-action")) + "resource '" + doc.Attr(el, "then") + "'"
}

func orderAttrs(el *etree.Element) argv.Pairs {
	var p argv.Pairs
	for _, n := range []string{"symmetrical", "require-all"} {
		if doc.Has(el, n) {
			p = append(p, argv.Pair{Name: n, Value: bool01(el, n)})
		}
	}
	for _, n := range []string{"score", "kind"} {
		if v := doc.Attr(el, n); v != "" {
			p = append(p, argv.Pair{Name: n, Value: v})
		}
	}
	return p
}

func orderCommands(s *session.Session, el *etree.Element, _ rule.Eval) [][]string {
	if doc.Has(el, "first-instance") || doc.Has(el, "then-instance") {
		detected(s, el, "Resource instance(s)")
		return nil
	}
	line := "pcs -- constraint order " + before(doc.Attr(el, "first-action")) + show.Shell(doc.Attr(el, "first")) +
		" then " + before(doc.Attr(el, "then-action")) + show.Shell(doc.Attr(el, "then"))
	return [][]string{{line, "  " + show.ShellPairs(append(argv.Pairs{{Name: "id", Value: doc.ID(el)}}, orderAttrs(el)...))}}
}

func orderJSON(el *etree.Element, _ rule.Eval) show.Object {
	return show.Object{
		{Name: "first_resource_id", Value: doc.Attr(el, "first")},
		{Name: "then_resource_id", Value: doc.Attr(el, "then")},
		{Name: "first_action", Value: show.Attr(el, "first-action")},
		{Name: "then_action", Value: show.Attr(el, "then-action")},
		{Name: "first_resource_instance", Value: show.AttrInt(el, "first-instance")},
		{Name: "then_resource_instance", Value: show.AttrInt(el, "then-instance")},
	}
}

func orderAttrJSON(el *etree.Element, _ rule.Eval) show.Object {
	return show.Object{
		{Name: "constraint_id", Value: doc.ID(el)},
		{Name: "symmetrical", Value: show.AttrBool(el, "symmetrical")},
		{Name: "require_all", Value: show.AttrBool(el, "require-all")},
		{Name: "score", Value: show.Attr(el, "score")},
		{Name: "kind", Value: show.Attr(el, "kind")},
	}
}

// tickets

func ticketHead(el *etree.Element) string {
	return before(roleOf(el, "rsc-role")) + "resource '" + doc.Attr(el, "rsc") + "' depends on ticket '" + doc.Attr(el, "ticket") + "'"
}

func ticketAttrs(el *etree.Element) argv.Pairs {
	if v := doc.Attr(el, "loss-policy"); v != "" {
		return argv.Pairs{{Name: "loss-policy", Value: v}}
	}
	return nil
}

func ticketCommands(_ *session.Session, el *etree.Element, _ rule.Eval) [][]string {
	line := "pcs -- constraint ticket add " + show.Shell(doc.Attr(el, "ticket")) + " " + before(roleOf(el, "rsc-role")) + show.Shell(doc.Attr(el, "rsc"))
	return [][]string{{line, "  " + show.ShellPairs(append(argv.Pairs{{Name: "id", Value: doc.ID(el)}}, ticketAttrs(el)...))}}
}

func ticketJSON(el *etree.Element, _ rule.Eval) show.Object {
	return show.Object{{Name: "resource_id", Value: doc.Attr(el, "rsc")}, {Name: "role", Value: optRole(el, "rsc-role")}}
}

func ticketAttrJSON(el *etree.Element, _ rule.Eval) show.Object {
	return show.Object{{Name: "constraint_id", Value: doc.ID(el)}, {Name: "ticket", Value: doc.Attr(el, "ticket")}, {Name: "loss_policy", Value: show.Attr(el, "loss-policy")}}
}

// locations

func absScore(score string) string { return strings.TrimPrefix(score, "-") }

func rscOf(el *etree.Element) (id string, pattern bool) {
	if id = doc.Attr(el, "rsc"); id != "" {
		return id, false
	}
	return doc.Attr(el, "rsc-pattern"), true
}

func patternWord(pattern bool) string {
	if pattern {
		return " pattern"
	}
	return ""
}

func locationHead(el *etree.Element) string {
	prefers := ""
	if len(doc.Children(el, "rule")) == 0 {
		score := doc.Attr(el, "score")
		if score == "" {
			score = "INFINITY"
		}
		word := "prefers"
		if strings.HasPrefix(score, "-") {
			word = "avoids"
		}
		node := doc.Attr(el, "node")
		if !doc.Has(el, "node") {
			node = "None"
		}
		prefers = " " + word + " node '" + node + "' with score " + absScore(score)
	}
	id, pattern := rscOf(el)
	return before(roleOf(el, "role")) + "resource" + patternWord(pattern) + " '" + id + "'" + prefers
}

func locationAttrs(el *etree.Element) argv.Pairs {
	if v := doc.Attr(el, "resource-discovery"); v != "" {
		return argv.Pairs{{Name: "resource-discovery", Value: v}}
	}
	return nil
}

func locationBelow(el *etree.Element, eval rule.Eval, ids bool) []string {
	out := pairsLine(locationAttrs(el))
	if rules := doc.Children(el, "rule"); len(rules) > 0 {
		out = append(append(out, "Rules:"), rulesLines(rules, eval, ids)...)
	}
	if rules := lifetime(el); len(rules) > 0 {
		out = append(append(out, "Lifetime:"), rulesLines(rules, eval, ids)...)
	}
	return out
}

func rulePairs(r *etree.Element) argv.Pairs {
	var p argv.Pairs
	o := rule.Options(r)
	if v := o.Value("role"); v != "" {
		p = append(p, argv.Pair{Name: "role", Value: v})
	}
	if v := o.Value("score"); v != "" {
		p = append(p, argv.Pair{Name: "score", Value: v})
	} else if v := o.Value("score-attribute"); v != "" {
		p = append(p, argv.Pair{Name: "score-attribute", Value: v})
	}
	return p
}

func ruleWords(r *etree.Element) string {
	text := rule.Text(r)
	words, err := show.SplitShell(text)
	if err != nil {
		return show.Shell(text)
	}
	return show.ShellWords(words)
}

func locationCommands(s *session.Session, el *etree.Element, _ rule.Eval) [][]string {
	if len(lifetime(el)) > 0 {
		detected(s, el, "Lifetime configuration")
		return nil
	}
	if doc.Attr(el, "role") != "" {
		detected(s, el, "Resource role")
		return nil
	}
	id, pattern := rscOf(el)
	target := show.Shell("resource%" + id)
	if pattern {
		target = show.Shell("regexp%" + id)
	}
	rules := doc.Children(el, "rule")
	if len(rules) == 0 {
		node := doc.Attr(el, "node")
		if !doc.Has(el, "node") {
			node = "None"
		}
		score := doc.Attr(el, "score")
		if !doc.Has(el, "score") {
			score = "None"
		}
		if s.Minor() >= 12 {
			score = show.Shell("score=" + cmp.Or(doc.Attr(el, "score"), "INFINITY"))
		}
		cmd := []string{"pcs -- constraint location add " + show.Shell(doc.ID(el)) + " " + target + " " + show.Shell(node) + " " + score}
		if p := locationAttrs(el); len(p) > 0 {
			cmd = append(cmd, "  "+show.ShellPairs(p))
		}
		return [][]string{cmd}
	}
	if s.Minor() >= 12 {
		return ruleCommands(s, el, target, rules)
	}
	first := argv.Pairs{{Name: "id", Value: doc.ID(rules[0])}, {Name: "constraint-id", Value: doc.ID(el)}}
	first = slices.Concat(first, locationAttrs(el), rulePairs(rules[0]))
	command := func(head string, p argv.Pairs, r *etree.Element) []string {
		return append([]string{head}, show.Indent([]string{show.ShellPairs(p), ruleWords(r)})...)
	}
	out := [][]string{command("pcs -- constraint location "+target+" rule", first, rules[0])}
	for _, r := range rules[1:] {
		p := append(argv.Pairs{{Name: "id", Value: doc.ID(r)}}, rulePairs(r)...)
		out = append(out, command("pcs -- constraint rule add "+show.Shell(doc.ID(el)), p, r))
	}
	return out
}

// ruleCommands are the commands for a location with rules since 0.12, which knows only one rule in each.
func ruleCommands(s *session.Session, el *etree.Element, target string, rules []*etree.Element) [][]string {
	if len(rules) > 1 {
		s.Out.Warn("Constraint '" + doc.ID(el) + "' contains more than one rule, which is no longer supported. Instead, each rule will be put in a separate constraint.")
	}
	var out [][]string
	for i, r := range rules {
		p := argv.Pairs{{Name: "id", Value: doc.ID(r)}}
		if i == 0 {
			p = append(p, argv.Pair{Name: "constraint-id", Value: doc.ID(el)})
		}
		p = slices.Concat(p, locationAttrs(el), rulePairs(r))
		out = append(out, []string{"pcs -- constraint location " + target + " rule", "  " + show.ShellPairs(p), "  " + show.Shell(rule.Text(r))})
	}
	return out
}

func locationJSON(el *etree.Element, _ rule.Eval) show.Object {
	return show.Object{{Name: "resource_id", Value: show.Attr(el, "rsc")}, {Name: "resource_pattern", Value: show.Attr(el, "rsc-pattern")}, {Name: "role", Value: optRole(el, "role")}}
}

func locationAttrJSON(el *etree.Element, eval rule.Eval) show.Object {
	return show.Object{
		{Name: "constraint_id", Value: doc.ID(el)},
		{Name: "score", Value: show.Attr(el, "score")},
		{Name: "node", Value: show.Attr(el, "node")},
		{Name: "rules", Value: rulesJSON(doc.Children(el, "rule"), eval)},
		{Name: "lifetime", Value: rulesJSON(lifetime(el), eval)},
		{Name: "resource_discovery", Value: show.Attr(el, "resource-discovery")},
	}
}
