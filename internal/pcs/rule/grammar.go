package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"hacluster/internal/pcs/pattern"
)

// Tree is a rule as a user wrote it, for options of resources and operations:
//
//	date lt|gt DATE | date in_range [DATE] to DATE | date in_range DATE to duration PART=N...
//	date-spec PART=N... | defined|not_defined ATTR | ATTR eq|ne|... [TYPE] VALUE
//	resource [STANDARD]:[PROVIDER]:[TYPE] | op NAME [interval=TIME]
//
// joined by "and", "or" and parentheses. Op tells which: "and" and "or" have Parts.
type Tree struct {
	Kind Kind
	// Op is the operator: and, or, lt, gt, eq, ne, lte, gte, defined, not_defined.
	Op    string
	Parts []*Tree
	// Start and End are dates, Pairs the parts of a duration or date specification as typed.
	Start, End string
	Pairs      [][2]string
	// Name and Value are an attribute's or an operation's; Type is of an attribute, "" for none.
	Name, Value, Type            string
	Standard, Provider, Resource string
}

// Kind is the kind of an expression.
type Kind int

// The kinds of expressions.
const (
	Bool Kind = iota
	DateBeforeAfter
	DateRange
	DateSpec
	Attribute
	Operation
	ResourceKind
)

// SyntaxError says where a rule cannot be read.
type SyntaxError struct {
	Rule, Line  string
	LineNo, Col int
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("'%s' is not a valid rule expression, parse error near or after line %d column %d\n  %s\n  %s^",
		e.Rule, e.LineNo, e.Col, e.Line, strings.Repeat("-", e.Col-1))
}

func syntaxError(text string, at int) error {
	before := text[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	line := text[start:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	return &SyntaxError{Rule: text, Line: line, LineNo: strings.Count(before, "\n") + 1, Col: utf8.RuneCountInString(text[start:at]) + 1}
}

// ParseTree reads a rule. The empty rule is an "and" of nothing.
func ParseTree(text string) (*Tree, error) {
	if text == "" {
		return &Tree{Op: "and"}, nil
	}
	g := grammar{text}
	t, end, bad := g.boolean(0, 0)
	if t == nil {
		return nil, syntaxError(text, bad)
	}
	if end = g.skip(end); end != len(text) {
		return nil, syntaxError(text, end)
	}
	if t.Kind != Bool {
		t = &Tree{Op: "and", Parts: []*Tree{t}}
	}
	return t, nil
}

// maxDepth is how deep parentheses may be nested.
const maxDepth = 200

// grammar reads parts of a text. Each of its methods takes a place and gives what stands
// there, the place behind it, and how far it could read where nothing fits.
type grammar struct{ text string }

func (g grammar) skip(at int) int {
	for at < len(g.text) && strings.IndexByte(" \t\n\r", g.text[at]) >= 0 {
		at++
	}
	return at
}

func isWordByte(b byte) bool {
	return b == '_' || b == '$' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// keyword reads one of some words, whatever the case of letters.
func (g grammar) keyword(at int, words ...string) (string, int, bool) {
	at = g.skip(at)
	for _, w := range words {
		end := at + len(w)
		if end > len(g.text) || !strings.EqualFold(g.text[at:end], w) {
			continue
		}
		if end < len(g.text) && isWordByte(g.text[end]) || at > 0 && isWordByte(g.text[at-1]) {
			continue
		}
		return w, end, true
	}
	return "", at, false
}

func (g grammar) run(at int, stop string) (string, int, bool) {
	at = g.skip(at)
	end := at
	for end < len(g.text) && strings.IndexByte(stop, g.text[end]) < 0 {
		end++
	}
	return g.text[at:end], end, end > at
}

// word reads up to a blank or parenthesis.
func (g grammar) word(at int) (string, int, bool) {
	w, end, ok := g.run(at, " \t\n\r\f\v()")
	if !ok {
		return "", g.skip(at), false
	}
	return w, end, true
}

func (g grammar) pairs(at int) ([][2]string, int, bool) {
	var out [][2]string
	far := g.skip(at)
	for {
		name, end, ok := g.run(at, "= \t\n\r\f\v()")
		if !ok {
			break
		}
		if end >= len(g.text) || g.text[end] != '=' {
			far = max(far, end)
			break
		}
		value, end, ok := g.word(end + 1)
		if !ok {
			far = max(far, end)
			break
		}
		out = append(out, [2]string{name, value})
		at = end
	}
	if len(out) == 0 {
		return nil, far, false
	}
	return out, at, true
}

func (g grammar) beforeAfter(at int) (*Tree, int) {
	_, at, ok := g.keyword(at, "date")
	if !ok {
		return nil, at
	}
	op, at, ok := g.keyword(at, "gt", "lt")
	if !ok {
		return nil, at
	}
	date, at, ok := g.word(at)
	if !ok {
		return nil, at
	}
	return &Tree{Kind: DateBeforeAfter, Op: op, Start: date}, at
}

func (g grammar) dateRange(at int) (*Tree, int) {
	_, at, ok := g.keyword(at, "date")
	if !ok {
		return nil, at
	}
	_, at, ok = g.keyword(at, "in_range")
	if !ok {
		return nil, at
	}
	t := &Tree{Kind: DateRange}
	if date, end, ok := g.word(at); ok {
		if _, _, ok := g.keyword(end, "to"); ok {
			t.Start, at = date, end
		}
	}
	_, at, ok = g.keyword(at, "to")
	if !ok {
		return nil, at
	}
	date, end, ok := g.word(at)
	if !ok {
		return nil, end
	}
	if _, next, ok := g.keyword(at, "duration"); ok {
		if pairs, next, ok := g.pairs(next); ok {
			t.Pairs = pairs
			return t, next
		}
	}
	t.End = date
	return t, end
}

func (g grammar) dateSpec(at int) (*Tree, int) {
	_, at, ok := g.keyword(at, "date-spec")
	if !ok {
		return nil, at
	}
	pairs, at, ok := g.pairs(at)
	if !ok {
		return nil, at
	}
	return &Tree{Kind: DateSpec, Pairs: pairs}, at
}

func (g grammar) defined(at int) (*Tree, int) {
	op, at, ok := g.keyword(at, "defined", "not_defined")
	if !ok {
		return nil, at
	}
	name, at, ok := g.word(at)
	if !ok {
		return nil, at
	}
	return &Tree{Kind: Attribute, Op: op, Name: name}, at
}

func (g grammar) compare(at int) (*Tree, int) {
	name, at, ok := g.word(at)
	if !ok {
		return nil, at
	}
	op, at, ok := g.keyword(at, "eq", "ne", "gte", "gt", "lte", "lt")
	if !ok {
		return nil, at
	}
	kind, next, ok := g.keyword(at, "integer", "number", "string", "version")
	if ok {
		at = next
	}
	value, at, ok := g.word(at)
	if !ok {
		return nil, at
	}
	return &Tree{Kind: Attribute, Op: op, Name: name, Type: kind, Value: value}, at
}

var agentPattern = pattern.Late(`^([^\s:()]+)?:([^\s:()]+)?:([^\s:()]+)?`)

func (g grammar) resource(at int) (*Tree, int) {
	_, at, ok := g.keyword(at, "resource")
	if !ok {
		return nil, at
	}
	at = g.skip(at)
	m := agentPattern().FindStringSubmatch(g.text[at:])
	if m == nil {
		return nil, at
	}
	return &Tree{Kind: ResourceKind, Standard: m[1], Provider: m[2], Resource: m[3]}, at + len(m[0])
}

var timePattern = pattern.Late(`^\s*[0-9]+[A-Za-z]*`)

func (g grammar) operation(at int) (*Tree, int) {
	_, at, ok := g.keyword(at, "op")
	if !ok {
		return nil, at
	}
	name, at, ok := g.word(at)
	if !ok {
		return nil, at
	}
	t := &Tree{Kind: Operation, Name: name}
	if _, next, ok := g.keyword(at, "interval"); ok && next < len(g.text) && g.text[next] == '=' {
		if m := timePattern().FindString(g.text[next+1:]); m != "" {
			t.Value = strings.TrimSpace(m)
			at = next + 1 + len(m)
		}
	}
	return t, at
}

// simple reads the expression that reaches furthest.
func (g grammar) simple(at int) (best *Tree, end, bad int) {
	bad = -1
	for _, f := range []func(int) (*Tree, int){g.beforeAfter, g.dateRange, g.dateSpec, g.defined, g.compare, g.resource, g.operation} {
		t, to := f(at)
		switch {
		case t == nil:
			bad = max(bad, to)
		case best == nil || to > end:
			best, end = t, to
		}
	}
	return best, end, bad
}

func (g grammar) operand(at, depth int) (*Tree, int, int) {
	t, end, bad := g.simple(at)
	if t != nil {
		return t, end, bad
	}
	at = g.skip(at)
	if at >= len(g.text) || g.text[at] != '(' || depth >= maxDepth {
		return nil, at, max(at, bad)
	}
	t, end, inner := g.boolean(at+1, depth+1)
	if t == nil {
		return nil, at, max(bad, inner)
	}
	end = g.skip(end)
	if end >= len(g.text) || g.text[end] != ')' {
		return nil, at, max(bad, end)
	}
	return t, end + 1, bad
}

// boolean reads operands joined by words, all of one strength, from the left.
func (g grammar) boolean(at, depth int) (*Tree, int, int) {
	left, end, bad := g.operand(at, depth)
	if left == nil {
		return nil, at, bad
	}
	var group *Tree
	for {
		op, next, ok := g.keyword(end, "and", "or")
		if !ok {
			break
		}
		right, next, _ := g.operand(next, depth)
		if right == nil {
			break
		}
		if group == nil || group.Op != op {
			group = &Tree{Op: op, Parts: []*Tree{left}}
			left = group
		}
		group.Parts = append(group.Parts, right)
		end = next
	}
	return left, end, bad
}

// Any tells whether f holds for an expression of the rule.
func (t *Tree) Any(f func(*Tree) bool) bool {
	if f(t) {
		return true
	}
	for _, p := range t.Parts {
		if p.Any(f) {
			return true
		}
	}
	return false
}
