package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/iso8601"
	"hacluster/cib/rule"
	"hacluster/cib/xml"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_rule"] = crmRule }

func crmRule(ctx context.Context, env *program.Env) int {
	var check, given, dated bool
	var date, input string
	var ids []string
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "tell whether rules are in effect", Usage: "--check --rule=ID", Glued: "drX",
		Options: []tool.Option{
			{Short: 'c', Long: "check", Do: tool.Flag(&check), Group: "command", Help: "tell whether a rule is in effect"},
			{Short: 'd', Long: "date", Arg: tool.Required, Do: tool.Text(&date, &dated), Group: "rule", Value: "DATE", Help: "at that time instead of now"},
			{Short: 'r', Long: "rule", Arg: tool.Required, Do: func(v string) error { ids = append(ids, v); return nil }, Group: "rule", Value: "ID", Help: "the rule; may be given several times"},
			{Short: 'X', Long: "xml-text", Arg: tool.Required, Do: tool.Text(&input, &given), Group: "data", Value: "XML", Help: "a CIB in place of the cluster's; - reads standard input"},
		},
	})
	if out == nil {
		return code
	}
	switch {
	case !check:
		return out.Finish(tool.Usage, errors.New("No mode operation given"))
	case len(ids) == 0:
		return out.Finish(tool.Usage, errors.New("--check requires use of --rule="))
	}
	now := tool.Now(env)
	if dated {
		at, err := iso8601.Parse(date, now)
		if err != nil {
			return out.Finish(tool.DataErr, fmt.Errorf("Invalid date specified: '%s'", date))
		}
		now = at.Time()
	}
	root, code, err := ruleInput(ctx, env, out, given, input)
	if root == nil {
		return out.Finish(tool.Exit(code), err)
	}
	exit := tool.OK
	for _, id := range ids {
		v := ruleVerdict(root, id, now)
		out.Element("rule-check", "rule-id", id, "rc", fmt.Sprint(int(v.exit)))
		if v.fault != "" {
			out.Fault("Could not determine whether rule %s is in effect: %s", id, v.fault)
		} else {
			out.Info("Rule %s %s", id, v.text)
		}
		if !v.plain {
			exit = v.exit
		}
	}
	return out.Finish(exit, nil)
}

// ruleInput is the CIB that holds the rules; nil with the exit code and the
// program's last word when there is none.
func ruleInput(ctx context.Context, env *program.Env, out *tool.Output, given bool, input string) (*etree.Element, int, error) {
	if !given {
		c, err := tool.Open(ctx, env)
		if err == nil {
			defer c.Close() //nolint:errcheck // nothing is written
			var root *etree.Element
			if root, err = c.Root(ctx); err == nil {
				return root, 0, nil
			}
		}
		out.Fault("Could not connect to the CIB: %s", cib.CodeOf(err))
		return nil, cib.CodeOf(err).Exit(), nil
	}
	text, what := []byte(input), "input string: "+input
	if input == "-" {
		what = "input from STDIN"
		var err error
		if text, err = io.ReadAll(env.Stdin); err != nil {
			return nil, int(tool.DataErr), fmt.Errorf("Couldn't parse %s", what)
		}
	}
	doc, err := xml.Parse(text)
	if err != nil {
		return nil, int(tool.DataErr), fmt.Errorf("Couldn't parse %s", what)
	}
	return doc.Root, 0, nil
}

// verdict is what crm_rule tells about one rule.
type verdict struct {
	exit  tool.Exit
	text  string // what follows "Rule ID "
	fault string // or why nothing can be told
	plain bool   // the rule has no say in the exit code
}

// ruleVerdict tells about the rule of that id at a time. Only a rule with one date
// in it can be told of, and of a date_spec only one with years: all else depends
// on more than the time, or comes and goes.
func ruleVerdict(root *etree.Element, id string, now time.Time) verdict {
	fault := func(exit tool.Exit, text string) verdict { return verdict{exit: exit, fault: text} }
	rules := descendants(root, "rule", func(e *etree.Element) bool { return e.SelectAttrValue("id", "") == id && e.SelectAttr("id") != nil })
	switch {
	case len(rules) == 0:
		return fault(tool.NoSuch, "Rule not found")
	case len(rules) > 1:
		return fault(tool.Multiple, "Found more than one rule with matching ID")
	}
	dates := descendants(rules[0], "date_expression", func(*etree.Element) bool { return true })
	switch {
	case len(dates) == 0:
		return fault(tool.Unimplemented, "Rule does not have a date expression")
	case len(dates) > 1:
		return fault(tool.Unimplemented, "Rule has more than one date expression")
	}
	date := dates[0]
	op := date.SelectAttrValue("operation", "")
	if op == "" && date.SelectAttr("operation") == nil || op == "date_spec" && !hasYears(date) {
		return fault(tool.Unimplemented, "Rule must either not use date_spec, or use date_spec with years=")
	}
	switch rule.Date(date, &rule.Input{Now: now}) {
	case rule.Pass:
		if strings.EqualFold(op, "date_spec") {
			return verdict{text: "satisfies conditions", plain: true}
		}
		return verdict{text: "is still in effect"}
	case rule.BeforeRange:
		return verdict{exit: tool.NotYetInEffect, text: "has not yet taken effect"}
	case rule.AfterRange:
		return verdict{exit: tool.Expired, text: "is expired"}
	}
	return fault(tool.Config, "Error parsing rule")
}

func hasYears(date *etree.Element) bool {
	for _, spec := range date.SelectElements("date_spec") {
		if spec.SelectAttr("years") != nil {
			return true
		}
	}
	return false
}

// descendants are the elements of that name below root, root included, in
// document order.
func descendants(root *etree.Element, tag string, want func(*etree.Element) bool) []*etree.Element {
	var found []*etree.Element
	var walk func(*etree.Element)
	walk = func(e *etree.Element) {
		if e.Tag == tag && want(e) {
			found = append(found, e)
		}
		for _, c := range e.ChildElements() {
			walk(c)
		}
	}
	walk(root)
	return found
}
