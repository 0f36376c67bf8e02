// Package rule is rules of the CIB: read for display, written from the expressions that users
// type, and whether they hold now.
package rule

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/show"
)

// Status says whether a rule holds now.
type Status string

// The statuses of a rule. Unknown is also that of a rule that is too complicated to tell.
const (
	NotYet   Status = "NOT_YET_IN_EFFECT"
	InEffect Status = "IN_EFFECT"
	Expired  Status = "EXPIRED"
	Unknown  Status = "UNKNOWN"
)

// Label is how a status is shown, "" for one that is not.
func (s Status) Label() string {
	switch s {
	case NotYet:
		return "not yet in effect"
	case Expired:
		return "expired"
	}
	return ""
}

// Eval tells a rule's status by its id; nil tells Unknown of all.
type Eval func(id string) Status

// Expr is a rule or an expression in one, for display.
type Expr struct {
	ID string
	// Type is RULE, EXPRESSION, DATE_EXPRESSION, OP_EXPRESSION or RSC_EXPRESSION.
	Type     string
	Status   Status
	Options  argv.Pairs
	DateSpec *Part
	Duration *Part
	Parts    []*Expr
	// Text is the expression as pcs writes it.
	Text string
}

// Part is a date specification or duration in an expression.
type Part struct {
	ID      string
	Options argv.Pairs
}

var exprTypes = map[string]string{
	"rule": "RULE", "expression": "EXPRESSION", "date_expression": "DATE_EXPRESSION",
	"op_expression": "OP_EXPRESSION", "rsc_expression": "RSC_EXPRESSION",
}

// Options are an element's attributes, its id left out and roles in their newer names.
func Options(el *etree.Element) argv.Pairs {
	var out argv.Pairs
	for _, a := range doc.Attrs(el, "id") {
		switch a.Name {
		case "role", "rsc-role", "with-rsc-role":
			a.Value = NewRole(a.Value)
		}
		out = append(out, argv.Pair{Name: a.Name, Value: a.Value})
	}
	return out
}

// NewRole is a role in its newer name, written with a capital.
func NewRole(role string) string {
	return PrimaryRole(report.Capitalize(role))
}

// PrimaryRole is a role in its newer name; other words stay as they are.
func PrimaryRole(role string) string {
	switch role {
	case "Master":
		return "Promoted"
	case "Slave":
		return "Unpromoted"
	}
	return role
}

// RoleFor is a role in the name that the CIB's schema knows.
func RoleFor(root *etree.Element, role string) string {
	if doc.NewRoles(root) {
		return PrimaryRole(role)
	}
	return OldRole(role)
}

// OldRole is a role in its older name.
func OldRole(role string) string {
	switch role {
	case "Promoted":
		return "Master"
	case "Unpromoted":
		return "Slave"
	}
	return role
}

// Read reads a rule for display.
func Read(el *etree.Element, eval Eval) *Expr {
	x := &Expr{ID: doc.ID(el), Type: exprTypes[el.Tag], Status: Unknown, Options: Options(el), Text: Text(el)}
	switch el.Tag {
	case "rule":
		if eval != nil {
			x.Status = eval(x.ID)
		}
		for _, c := range doc.Children(el) {
			if exprTypes[c.Tag] != "" {
				x.Parts = append(x.Parts, Read(c, eval))
			}
		}
	case "date_expression":
		if d := doc.Child(el, "date_spec"); d != nil {
			x.DateSpec = &Part{doc.ID(d), Options(d)}
		}
		if d := doc.Child(el, "duration"); d != nil {
			x.Duration = &Part{doc.ID(d), Options(d)}
		}
	}
	return x
}

var dateSeparators = pattern.Late(`\s*([TZ:.+-])\s*`)

func dateText(s string) string {
	s = dateSeparators().ReplaceAllString(s, "$1")
	if i := strings.IndexAny(s, " \t\n"); i >= 0 {
		s = s[:i] + "T" + strings.TrimLeft(s[i:], " \t\n")
	}
	return s
}

func attrsText(el *etree.Element) string {
	return strings.Join(show.NameValues(Options(el).Sorted()), " ")
}

// Text is a rule or an expression as pcs writes it.
func Text(el *etree.Element) string {
	switch el.Tag {
	case "rule":
		op := el.SelectAttrValue("boolean-op", "and")
		var parts []string
		for _, c := range doc.Children(el) {
			if exprTypes[c.Tag] == "" {
				continue
			}
			t := Text(c)
			if c.Tag == "rule" {
				t = "(" + t + ")"
			}
			parts = append(parts, t)
		}
		return strings.Join(parts, " "+op+" ")
	case "expression":
		if !doc.Has(el, "value") {
			return doc.Attr(el, "operation") + " " + doc.Attr(el, "attribute")
		}
		parts := []string{doc.Attr(el, "attribute"), doc.Attr(el, "operation")}
		if doc.Has(el, "type") {
			parts = append(parts, doc.Attr(el, "type"))
		}
		return strings.Join(append(parts, show.QuoteFor(doc.Attr(el, "value"), " ")), " ")
	case "date_expression":
		return dateExprText(el)
	case "op_expression":
		t := "op " + doc.Attr(el, "name")
		if doc.Has(el, "interval") {
			t += " interval=" + doc.Attr(el, "interval")
		}
		return t
	case "rsc_expression":
		return "resource " + doc.Attr(el, "class") + ":" + doc.Attr(el, "provider") + ":" + doc.Attr(el, "type")
	}
	return ""
}

func dateExprText(el *etree.Element) string {
	op := doc.Attr(el, "operation")
	var parts []string
	switch op {
	case "date_spec":
		parts = append(parts, "date-spec")
		if d := doc.Child(el, "date_spec"); d != nil {
			parts = append(parts, attrsText(d))
		}
	case "in_range":
		parts = append(parts, "date", "in_range")
		if doc.Has(el, "start") {
			parts = append(parts, dateText(doc.Attr(el, "start")))
		}
		parts = append(parts, "to")
		if doc.Has(el, "end") {
			parts = append(parts, dateText(doc.Attr(el, "end")))
		}
		if d := doc.Child(el, "duration"); d != nil {
			parts = append(parts, "duration", attrsText(d))
		}
	default:
		parts = append(parts, "date", op)
		if doc.Has(el, "start") {
			parts = append(parts, dateText(doc.Attr(el, "start")))
		}
		if doc.Has(el, "end") {
			parts = append(parts, dateText(doc.Attr(el, "end")))
		}
	}
	return strings.Join(parts, " ")
}

// Lines show a rule, each expression on a line.
func (x *Expr) Lines(ids bool) []string {
	id := func(s string) []string {
		if ids {
			return []string{"(id: " + s + ")"}
		}
		return nil
	}
	switch x.Type {
	case "RULE":
		head := "Rule:"
		if l := x.Status.Label(); l != "" {
			head = "Rule (" + l + "):"
		}
		parts := append([]string{head}, show.NameValues(x.Options.Sorted())...)
		lines := []string{strings.Join(append(parts, id(x.ID)...), " ")}
		for _, p := range x.Parts {
			lines = append(lines, show.Indent(p.Lines(ids))...)
		}
		return lines
	case "DATE_EXPRESSION":
		op := x.Options.Value("operation")
		if op == "date_spec" {
			line := "Date Spec:"
			if x.DateSpec != nil {
				parts := append([]string{line}, show.NameValues(x.DateSpec.Options.Sorted())...)
				line = strings.Join(append(parts, id(x.DateSpec.ID)...), " ")
			}
			return []string{strings.Join(append([]string{"Expression:"}, id(x.ID)...), " "), "  " + line}
		}
		if op == "in_range" && x.Duration != nil {
			head := []string{"Expression:", "date", "in_range"}
			if v, ok := x.Options.Get("start"); ok {
				head = append(head, v)
			}
			head = append(append(head, "to", "duration"), id(x.ID)...)
			parts := append([]string{"Duration:"}, show.NameValues(x.Duration.Options.Sorted())...)
			return []string{strings.Join(head, " "), "  " + strings.Join(append(parts, id(x.Duration.ID)...), " ")}
		}
	}
	return []string{strings.Join(append([]string{"Expression:", x.Text}, id(x.ID)...), " ")}
}

// JSON is the rule as an object.
func (x *Expr) JSON() show.Object {
	part := func(p *Part) any {
		if p == nil {
			return nil
		}
		return show.Object{{Name: "id", Value: p.ID}, {Name: "options", Value: PairsJSON(p.Options)}}
	}
	parts := []any{}
	for _, p := range x.Parts {
		parts = append(parts, p.JSON())
	}
	return show.Object{
		{Name: "id", Value: x.ID},
		{Name: "type", Value: x.Type},
		{Name: "in_effect", Value: string(x.Status)},
		{Name: "options", Value: PairsJSON(x.Options)},
		{Name: "date_spec", Value: part(x.DateSpec)},
		{Name: "duration", Value: part(x.Duration)},
		{Name: "expressions", Value: parts},
		{Name: "as_string", Value: x.Text},
	}
}

// PairsJSON is an object of names and values.
func PairsJSON(p argv.Pairs) show.Object {
	o := show.Object{}
	for _, x := range p {
		o = append(o, show.Field{Name: x.Name, Value: x.Value})
	}
	return o
}
