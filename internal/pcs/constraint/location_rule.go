package constraint

import (
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// ruleSchema is the schema of the rules that 0.12 writes.
var ruleSchema = [3]int{3, 9, 0}

// libraryRule is `constraint location RESOURCE rule` of 0.12: the rule is read as those of defaults are, and all that is wrong is told.
func libraryRule(s *session.Session, args []string) error {
	kind, value, err := argv.TypedArg(args[0], targetKinds, "resource")
	if err != nil {
		return err
	}
	options, rest := rule.ParseOptions(args[2:], "constraint-id", "resource-discovery")
	rule.WarnOfWords(s, rest)
	text := strings.Join(rest, " ")
	var forConstraint, forRule argv.Pairs
	for _, o := range options {
		switch o.Name {
		case "constraint-id":
			forConstraint = forConstraint.With("id", o.Value)
		case "resource-discovery":
			forConstraint = forConstraint.With(o.Name, o.Value)
		case "role":
			forRule = forRule.With(o.Name, report.Capitalize(o.Value))
		default:
			forRule = forRule.With(o.Name, o.Value)
		}
	}
	root, err := s.CIBAtLeast(ruleSchema)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	rules := check.Rules{Style: s.Style}
	var items []report.Item
	if kind == "resource" {
		items = setResource(s, root, value)
	}
	items = append(items, newID(s, ids, forConstraint, "constraint id")...)
	items = append(items, rules.Check(forConstraint, check.In("resource-discovery", discoveries...).As(check.ByForce(s.Opts.Force())))...)
	items = append(items, rules.Exclusive(forRule, []string{"score", "score-attribute"}, "rule")...)
	items = append(items, newID(s, ids, forRule, "rule id")...)
	if v, ok := forRule.Get("score"); ok && !check.IsScore(v) {
		items = append(items, report.Errorf("invalid score '%s', use integer or INFINITY or -INFINITY", v))
	}
	if v, ok := forRule.Get("role"); ok && v != "Promoted" && v != "Unpromoted" {
		items = append(items, rules.Check(argv.Pairs{{Name: "role", Value: options.Value("role")}}, check.In("role", "Promoted", "Unpromoted"))...)
	}
	var tree *rule.Tree
	if strings.TrimSpace(text) == "" {
		items = append(items, report.Errorf("No rule expression was specified"))
	} else if tree, err = rule.ParseTree(text); err != nil {
		items = append(items, report.Errorf("%s", err))
	} else {
		items = append(items, tree.Check(s.Style, rule.Context{Attributes: true})...)
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	attr := "rsc"
	if kind == "regexp" {
		attr = "rsc-pattern"
	}
	id := forConstraint.Value("id")
	if id == "" {
		id = doc.UniqueID(root, doc.SanitizeID("location-"+value, ""))
	}
	el := doc.Append(doc.EnsureSection(root, "constraints"), "rsc_location", "id", id, attr, value)
	doc.SetOrDrop(el, "resource-discovery", forConstraint.Value("resource-discovery"))
	r := tree.Write(el, ids, forRule.Value("id"), false)
	if forRule.Value("score") == "" && forRule.Value("score-attribute") == "" {
		doc.Set(r, "score", "INFINITY")
	}
	for _, o := range forRule {
		if o.Value != "" && o.Name != "id" {
			v := o.Value
			if o.Name == "role" {
				v = rule.RoleFor(root, v)
			}
			doc.Set(r, o.Name, v)
		}
	}
	own := ruleKey(r)
	same := func(o *etree.Element) bool {
		return doc.Attr(o, "rsc") == doc.Attr(el, "rsc") && doc.Attr(o, "rsc-pattern") == doc.Attr(el, "rsc-pattern") &&
			slices.ContainsFunc(doc.Children(o, "rule"), func(r *etree.Element) bool { return ruleKey(r) == own })
	}
	if err := refuseDuplicates(s, root, locationKind, el, same); err != nil {
		return err
	}
	return s.Push(root)
}

// newID checks an id that options give.
func newID(s *session.Session, ids *doc.IDs, options argv.Pairs, what string) []report.Item {
	id, ok := options.Get("id")
	if !ok {
		return nil
	}
	bad := check.IDs(id, what)
	if len(bad) == 0 && len(ids.Book(id)) > 0 {
		bad = []report.Item{s.Style.IDInUse(id)}
	}
	return bad
}

// ruleKey is what a rule says, whatever the order of its parts and their ids.
func ruleKey(el *etree.Element) string {
	var parts []string
	for _, c := range el.ChildElements() {
		parts = append(parts, ruleKey(c))
	}
	sort.Strings(parts)
	switch {
	case el.Tag == "rule":
		return "(" + strings.Join(parts, " "+el.SelectAttrValue("boolean-op", "and")+" ") + ")"
	case el.Tag == "expression" && doc.Has(el, "value"):
		return doc.Attr(el, "attribute") + " " + doc.Attr(el, "operation") + " " + el.SelectAttrValue("type", "string") + " " + doc.Attr(el, "value")
	}
	for _, a := range el.Attr {
		if a.Key != "id" && el.Tag != "expression" || a.Key == "attribute" || a.Key == "operation" {
			parts = append(parts, a.Key+"="+a.Value)
		}
	}
	sort.Strings(parts)
	return el.Tag + " " + strings.Join(parts, " ")
}
