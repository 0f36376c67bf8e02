package rule

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/iso8601"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// ParseOptions takes the options before a rule's expression: id=, role=, score=,
// score-attribute= and what else is named.
func ParseOptions(words []string, extra ...string) (argv.Pairs, []string) {
	names := append([]string{"id", "role", "score", "score-attribute"}, extra...)
	var out argv.Pairs
	for len(words) > 0 {
		name, value, ok := strings.Cut(words[0], "=")
		if !ok || !slices.Contains(names, name) {
			break
		}
		out = out.With(name, value)
		words = words[1:]
	}
	return out, words
}

// IsDate tells whether a text is a date of ISO 8601, or "now", which the program iso8601 takes for one, too.
func IsDate(_ *session.Session, text string) bool {
	if strings.EqualFold(text, "now") {
		return true
	}
	_, err := iso8601.Parse(text, time.Now())
	return err == nil
}

func newParser(s *session.Session) *parser {
	p := &parser{isDate: func(d string) bool { return IsDate(s, d) }, newer: !s.Legacy()}
	if p.newer {
		p.deprecated = func(option, kind string) {
			s.Deprecated(kind + " option '" + option + "' is deprecated and might be removed in a future release, therefore it should not be used")
		}
	}
	return p
}

// NeedsIntegers tells whether a rule compares whole numbers, for which a newer schema is needed.
func NeedsIntegers(s *session.Session, words []string) bool {
	t, err := newParser(s).parse(words)
	return err == nil && hasInteger(t)
}

func hasInteger(t *tree) bool {
	if slices.Contains(booleans, t.id) {
		return slices.ContainsFunc(t.kids, hasInteger)
	}
	return slices.Contains(comparisons, t.id) && len(t.kids) > 1 && t.kids[1].id == "integer"
}

// AddLegacy adds a rule to a location constraint.
func AddLegacy(s *session.Session, constraint *etree.Element, options argv.Pairs, words []string) error {
	score, attribute := options.Value("score"), options.Value("score-attribute")
	if score != "" && attribute != "" {
		return report.Fatal("can not specify both score and score-attribute")
	}
	if score != "" && !check.IsScore(score) {
		if !s.Legacy() {
			return report.Fatalf("invalid score'%s'", score)
		}
		s.Out.Warn("invalid score '" + score + "', setting score-attribute=pingd instead")
		options = options.Without("score").With("score-attribute", "pingd")
	}
	if role := options.Value("role"); role != "" {
		if s.Legacy() && role != "master" && role != "slave" {
			return report.Fatalf("invalid role '%s', use 'master' or 'slave'", role)
		}
		if !s.Legacy() {
			r, err := roleFor(s, constraint, role)
			if err != nil {
				return err
			}
			options = options.With("role", r)
		}
	}
	if id := options.Value("id"); id != "" {
		if bad := doc.CheckID(id, "rule id"); len(bad) > 0 {
			return report.Fatal(bad[0])
		}
		if doc.IDExists(constraint, id) {
			return report.Fatalf("id '%s' is already in use, please specify another one", id)
		}
	}
	if len(words) == 0 {
		return report.Fatal("no rule expression was specified")
	}
	text := strings.Join(words, " ")
	t, err := newParser(s).parse(words)
	if errors.Is(err, errShape) {
		return report.Fatalf("'%s' is not a valid rule expression", text)
	}
	if err != nil {
		return report.Fatalf("'%s' is not a valid rule expression: %s", text, err)
	}
	b := &builder{}
	if !s.Legacy() {
		b.s = s
		v, ok := doc.SchemaVersion(doc.Root(constraint))
		b.oldIntegers = ok && !doc.AtLeast(v, [3]int{3, 5, 0})
	} else {
		b.oldIntegers = true
	}
	el, err := b.rule(constraint, t, options.Value("id"))
	if err != nil {
		return report.Fatalf("'%s' is not a valid rule expression: %s", text, err)
	}
	if options.Value("score") == "" && options.Value("score-attribute") == "" {
		options = options.With("score", "INFINITY")
	}
	for _, o := range options {
		if o.Name != "id" {
			doc.Set(el, o.Name, o.Value)
		}
	}
	for _, inner := range doc.All(el, "rule") {
		doc.Set(inner, "score", "0")
	}
	constraint.RemoveAttr("score")
	constraint.RemoveAttr("node")
	return nil
}

// roleFor checks a role and gives it in the name that the schema has.
func roleFor(s *session.Session, constraint *etree.Element, role string) (string, error) {
	name := report.Capitalize(role)
	WarnOldRole(s, role)
	if !slices.Contains([]string{"Promoted", "Master", "Unpromoted", "Slave"}, name) {
		return "", report.Fatalf("invalid role '%s', use 'Master', 'Promoted', 'Slave' or 'Unpromoted'", role)
	}
	return RoleFor(doc.Root(constraint), name), nil
}

// WarnOfWords tells, since 0.12, that a rule is to be one word of the command line.
func WarnOfWords(s *session.Session, words []string) {
	if s.Minor() >= 12 && len(words) > 1 {
		s.Deprecated("Specifying a rule as multiple arguments is deprecated and might be removed in a future release, specify the rule as a single string instead")
	}
}

// WarnOldRole tells that a role's name goes away.
func WarnOldRole(s *session.Session, role string) {
	if role == "" {
		return
	}
	name := report.Capitalize(role)
	if newer := NewRole(name); newer != name {
		s.Deprecated("Role value '" + role + "' is deprecated and should not be used, use '" + newer + "' instead")
	}
}

func addUnique(parent *etree.Element, tag, id string) *etree.Element {
	el := doc.Append(parent, tag)
	doc.Set(el, "id", doc.UniqueID(parent, id))
	return el
}

// builder writes a parsed rule as elements; with a session it checks dates as 0.11 does.
type builder struct {
	s           *session.Session
	spaceTold   bool
	oldIntegers bool
}

func (b *builder) rule(parent *etree.Element, t *tree, id string) (*etree.Element, error) {
	if id == "" {
		id = doc.ID(parent) + "-rule"
	}
	el := addUnique(parent, "rule", id)
	return el, b.part(el, t)
}

func (b *builder) date(text string) error {
	if b.s == nil {
		return nil
	}
	if !IsDate(b.s, text) {
		return fmt.Errorf("'%s' is not an ISO 8601 date", text)
	}
	if strings.Contains(text, " ") && !b.spaceTold {
		b.spaceTold = true
		b.s.Deprecated("Using spaces in date values is deprecated and will be removed. Use 'T' as a delimiter between date and time.")
	}
	return nil
}

func (b *builder) part(el *etree.Element, t *tree) error {
	expr := doc.ID(el) + "-expr"
	switch {
	case slices.Contains(booleans, t.id):
		doc.Set(el, "boolean-op", t.id)
		for _, k := range t.kids {
			if slices.Contains(booleans, k.id) && k.id != t.id {
				if _, err := b.rule(el, k, doc.ID(el)+"-rule"); err != nil {
					return err
				}
			} else if err := b.part(el, k); err != nil {
				return err
			}
		}
	case slices.Contains([]string{"gt", "lt", "in_range"}, t.id) && t.kids[0].value == "date" && t.kids[1].id == literal:
		d := addUnique(el, "date_expression", expr)
		if err := b.date(t.kids[1].value); err != nil {
			return err
		}
		doc.Set(d, "operation", t.id)
		switch t.id {
		case "gt":
			doc.Set(d, "start", t.kids[1].value)
		case "lt":
			doc.Set(d, "end", t.kids[1].value)
		default:
			doc.Set(d, "start", t.kids[1].value)
			if t.kids[2].id == "duration" {
				setParts(addUnique(d, "duration", doc.ID(d)+"-duration"), t.kids[2].parts)
			} else {
				if err := b.date(t.kids[2].value); err != nil {
					return err
				}
				doc.Set(d, "end", t.kids[2].value)
			}
		}
	case t.id == "date-spec":
		d := addUnique(el, "date_expression", expr)
		doc.Set(d, "operation", "date_spec")
		setParts(addUnique(d, "date_spec", doc.ID(d)+"-datespec"), t.parts)
	default:
		e := addUnique(el, "expression", expr)
		doc.Set(e, "operation", t.id)
		doc.Set(e, "attribute", t.kids[0].value)
		if !slices.Contains(prefixes, t.id) {
			value := t.kids[1]
			if isType(value.id) {
				kind := value.id
				if kind == "integer" && b.oldIntegers {
					kind = "number"
				}
				doc.Set(e, "type", kind)
				value = value.kids[0]
			}
			doc.Set(e, "value", value.value)
		}
	}
	return nil
}

func setParts(el *etree.Element, parts []dateValue) {
	for _, p := range parts {
		doc.Set(el, p.name, p.value)
	}
}

// attrWords are an element's attributes as 0.9 shows them, its id in parentheses if asked for.
func attrWords(el *etree.Element, ids bool) []string {
	var out []string
	for _, a := range doc.SortedAttrs(el, "id") {
		out = append(out, a.Name+"="+a.Value)
	}
	if ids {
		out = append(out, " (id:"+doc.ID(el)+")")
	}
	return out
}

// LegacyLines show a rule as 0.9 does.
func LegacyLines(el *etree.Element, ids bool) []string {
	id := func(e *etree.Element, words []string) string {
		if ids {
			words = append(words, " (id:"+doc.ID(e)+")")
		}
		return strings.Join(words, " ")
	}
	out := []string{"Rule: " + strings.Join(attrWords(el, ids), " ")}
	for _, c := range doc.Children(el) {
		var lines []string
		switch c.Tag {
		case "rule":
			lines = LegacyLines(c, ids)
		case "expression":
			words := []string{doc.Attr(c, "operation"), doc.Attr(c, "attribute")}
			if doc.Has(c, "value") {
				words = []string{doc.Attr(c, "attribute"), doc.Attr(c, "operation")}
				if doc.Has(c, "type") {
					words = append(words, doc.Attr(c, "type"))
				}
				words = append(words, doc.Attr(c, "value"))
			}
			lines = []string{"Expression: " + id(c, words)}
		case "date_expression":
			lines = legacyDate(c, ids, id)
		}
		for _, l := range lines {
			out = append(out, "  "+l)
		}
	}
	return out
}

func legacyDate(c *etree.Element, ids bool, id func(*etree.Element, []string) string) []string {
	op := doc.Attr(c, "operation")
	switch op {
	case "date_spec":
		spec := ""
		if d := doc.Child(c, "date_spec"); d != nil {
			spec = strings.Join(attrWords(d, ids), " ")
		}
		return []string{id(c, []string{"Expression:"}), "  Date Spec: " + spec}
	case "in_range":
		words := []string{"date", "in_range"}
		if doc.Has(c, "start") {
			words = append(words, doc.Attr(c, "start"), "to")
		}
		if doc.Has(c, "end") {
			words = append(words, doc.Attr(c, "end"))
		}
		d := doc.Child(c, "duration")
		if d != nil {
			words = append(words, "duration")
		}
		lines := []string{"Expression: " + id(c, words)}
		if d != nil {
			lines = append(lines, "  Duration: "+strings.Join(attrWords(d, ids), " "))
		}
		return lines
	}
	words := []string{"date", op}
	for _, a := range []string{"start", "end"} {
		if doc.Has(c, a) {
			words = append(words, doc.Attr(c, a))
		}
	}
	return []string{"Expression: " + id(c, words)}
}

// LegacyText is a rule on one line as 0.9 compares rules: parts sorted, missing types filled in.
func LegacyText(el *etree.Element) string {
	op := el.SelectAttrValue("boolean-op", "or")
	var parts []string
	for _, c := range doc.Children(el) {
		switch c.Tag {
		case "rule":
			parts = append(parts, "("+LegacyText(c)+")")
		case "expression":
			if !doc.Has(c, "value") {
				parts = append(parts, doc.Attr(c, "operation")+" "+doc.Attr(c, "attribute"))
				continue
			}
			value := doc.Attr(c, "value")
			if strings.Contains(value, " ") {
				value = `"` + value + `"`
			}
			parts = append(parts, fmt.Sprintf("%s %s %s %s", doc.Attr(c, "attribute"), doc.Attr(c, "operation"), c.SelectAttrValue("type", "string"), value))
		case "date_expression":
			parts = append(parts, legacyDateText(c))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, " "+op+" ")
}

func legacyDateText(c *etree.Element) string {
	op := doc.Attr(c, "operation")
	if op == "date_spec" {
		words := []string{"date-spec"}
		if d := doc.Child(c, "date_spec"); d != nil {
			words = append(words, attrWords(d, false)...)
		}
		return strings.Join(words, " ")
	}
	words := []string{"date", op}
	if doc.Has(c, "start") {
		words = append(words, doc.Attr(c, "start"))
		if op == "in_range" {
			words = append(words, "to")
		}
	}
	if doc.Has(c, "end") {
		words = append(words, doc.Attr(c, "end"))
	}
	if d := doc.Child(c, "duration"); d != nil && op == "in_range" {
		words = append(append(words, "duration"), attrWords(d, false)...)
	}
	return strings.Join(words, " ")
}
