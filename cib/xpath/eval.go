package xpath

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// MaxSteps bounds an evaluation: nodes that are looked at, and bytes that are compared
// in the end. An expression that needs more gives an error.
const MaxSteps = 10_000_000

// tooMuch ends an evaluation from inside.
type tooMuch struct{}

// mismatch ends an evaluation that asks for the nodes of something that has none.
type mismatch struct{ what string }

// evaluation is one evaluation on one document.
type evaluation struct {
	root  *etree.Element
	order map[etree.Token]int
	left  int
}

func (ev *evaluation) spend(n int) {
	if ev.left -= n; ev.left < 0 {
		panic(tooMuch{})
	}
}

// context is where an expression is evaluated.
type context struct {
	node           Node
	none           bool // there is no node: relative paths select nothing
	position, size int
}

// Select gives the nodes that the expression selects in the document below root, in
// document order. The error is *Error: the expression gives no nodes, or takes too long.
func (e *Expr) Select(root *etree.Element) (nodes []Node, err error) {
	ev := &evaluation{root: root, left: MaxSteps}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case tooMuch:
			nodes, err = nil, &Error{e.text, 0, "the evaluation takes too long"}
		case mismatch:
			nodes, err = nil, &Error{e.text, 0, r.what}
		default:
			panic(r)
		}
	}()
	v, ok := ev.eval(e.root, context{none: true, position: 1, size: 1}).([]Node)
	if !ok {
		return nil, &Error{e.text, 0, "the expression selects no nodes"}
	}
	return ev.sort(v), nil
}

// eval gives a []Node, float64, string or bool.
func (ev *evaluation) eval(e expr, c context) any {
	ev.spend(1)
	switch e := e.(type) {
	case string, float64:
		return e
	case negate:
		return -ev.number(ev.eval(e.a, c))
	case binary:
		return ev.binary(e, c)
	case call:
		return functions[e.name].do(ev, e.args, c)
	case path:
		if c.none && !e.absolute {
			return []Node(nil)
		}
		start := c.node
		if e.absolute {
			start = Node{}
		}
		return ev.walk([]Node{start}, e.steps)
	case filter:
		v := ev.eval(e.base, c)
		nodes, ok := v.([]Node)
		if !ok {
			panic(mismatch{"a predicate or a path follows what has no nodes"})
		}
		nodes = ev.sort(slices.Clone(nodes))
		for _, p := range e.predicates {
			nodes = ev.keep(nodes, p)
		}
		return ev.walk(nodes, e.steps)
	}
	return nil
}

// keep keeps the nodes for which a predicate holds; their positions are those in the list.
func (ev *evaluation) keep(nodes []Node, predicate expr) []Node {
	if n, ok := predicate.(float64); ok {
		if i := int(n); float64(i) == n && i >= 1 && i <= len(nodes) {
			return nodes[i-1 : i]
		}
		return nil
	}
	var out []Node
	if name, want, ok := attributeIs(predicate); ok {
		ev.spend(len(nodes))
		for _, n := range nodes {
			if n.isElement() {
				if a := n.El.SelectAttr(name); a != nil && a.Value == want {
					out = append(out, n)
				}
			}
		}
		return out
	}
	for i, n := range nodes {
		v := ev.eval(predicate, context{node: n, position: i + 1, size: len(nodes)})
		holds := false
		if f, ok := v.(float64); ok {
			holds = f == float64(i+1)
		} else {
			holds = ev.boolean(v)
		}
		if holds {
			out = append(out, n)
		}
	}
	return out
}

// attributeIs recognises @name='value', which most predicates are.
func attributeIs(e expr) (name, value string, ok bool) {
	b, isBinary := e.(binary)
	if !isBinary || b.op != "=" {
		return "", "", false
	}
	p, isPath := b.a.(path)
	value, isText := b.b.(string)
	if !isPath || !isText || p.absolute || len(p.steps) != 1 {
		return "", "", false
	}
	s := p.steps[0]
	if s.axis != "attribute" || s.test.kind != "" || s.test.name == "*" || strings.Contains(s.test.name, ":") || s.predicates != nil {
		return "", "", false
	}
	return s.test.name, value, true
}

// walk takes steps from nodes.
func (ev *evaluation) walk(nodes []Node, steps []step) []Node {
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		// "//name" is one step down where positions do not matter.
		if i+1 < len(steps) && s.axis == "descendant-or-self" && s.test.kind == "node" && s.predicates == nil &&
			steps[i+1].axis == "child" && !slices.ContainsFunc(steps[i+1].predicates, positional) {
			i++
			s = steps[i]
			s.axis = "descendant"
		}
		var out []Node
		for _, n := range nodes {
			fit := ev.axis(n, s.axis, s.test)
			for _, p := range s.predicates {
				fit = ev.keep(fit, p)
			}
			out = append(out, fit...)
		}
		switch {
		case len(nodes) > 1 && s.axis != "attribute" && s.axis != "self":
			out = ev.sort(out)
		case strings.HasPrefix(s.axis, "preceding") || strings.HasPrefix(s.axis, "ancestor"):
			slices.Reverse(out)
		case s.axis == "following":
			out = ev.sort(out)
		}
		nodes = out
	}
	return nodes
}

// positional tells that a predicate may depend on a node's position.
func positional(e expr) bool {
	switch e := e.(type) {
	case float64, negate:
		return true
	case binary:
		switch e.op {
		case "+", "-", "*", "div", "mod":
			return true
		}
		return uses(e)
	case call:
		return functions[e.name].number || uses(e)
	case filter:
		return uses(e)
	}
	return false
}

// uses tells that position() or last() is asked for, not counting predicates inside.
func uses(e expr) bool {
	switch e := e.(type) {
	case negate:
		return uses(e.a)
	case binary:
		return uses(e.a) || uses(e.b)
	case call:
		return e.name == "position" || e.name == "last" || slices.ContainsFunc(e.args, uses)
	case filter:
		return uses(e.base)
	}
	return false
}

func (ev *evaluation) binary(e binary, c context) any {
	switch e.op {
	case "or":
		return ev.boolean(ev.eval(e.a, c)) || ev.boolean(ev.eval(e.b, c))
	case "and":
		return ev.boolean(ev.eval(e.a, c)) && ev.boolean(ev.eval(e.b, c))
	}
	a, b := ev.eval(e.a, c), ev.eval(e.b, c)
	switch e.op {
	case "|":
		x, ok := a.([]Node)
		y, also := b.([]Node)
		if !ok || !also {
			panic(mismatch{"'|' joins nodes only"})
		}
		return ev.sort(append(slices.Clone(x), y...))
	case "=", "!=", "<", "<=", ">", ">=":
		return ev.compare(e.op, a, b)
	}
	x, y := ev.number(a), ev.number(b)
	switch e.op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "div":
		return x / y
	}
	return math.Mod(x, y)
}

// compare compares as XPath 1.0 §3.4 says: a set of nodes compares if one of them does.
func (ev *evaluation) compare(op string, a, b any) bool {
	x, isA := a.([]Node)
	y, isB := b.([]Node)
	switch {
	case isA && isB:
		return ev.compareSets(op, x, y)
	case isA:
		return ev.compareSet(op, x, b, false)
	case isB:
		return ev.compareSet(op, y, a, true)
	}
	return ev.compareValues(op, a, b)
}

func (ev *evaluation) compareSet(op string, set []Node, v any, swapped bool) bool {
	if want, ok := v.(bool); ok {
		if swapped {
			return ev.compareValues(op, want, len(set) > 0)
		}
		return ev.compareValues(op, len(set) > 0, want)
	}
	for _, n := range set {
		ev.spend(1)
		var value any = ev.text(n)
		if _, ok := v.(float64); ok {
			value = toNumber(value.(string))
		}
		if swapped && ev.compareValues(op, v, value) || !swapped && ev.compareValues(op, value, v) {
			return true
		}
	}
	return false
}

func (ev *evaluation) compareSets(op string, x, y []Node) bool {
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	ev.spend(len(x) + len(y))
	if op == "=" || op == "!=" {
		texts := map[string]bool{}
		for _, n := range x {
			texts[ev.text(n)] = true
		}
		for _, n := range y {
			has := texts[ev.text(n)]
			if op == "=" && has || op == "!=" && (!has || len(texts) > 1) {
				return true
			}
		}
		return false
	}
	// Of an order only the extremes matter.
	lowX, highX := ev.range_(x)
	lowY, highY := ev.range_(y)
	switch op {
	case "<":
		return lowX < highY
	case "<=":
		return lowX <= highY
	case ">":
		return highX > lowY
	}
	return highX >= lowY
}

// range_ gives the least and the greatest number of a set; NaN when it has none.
func (ev *evaluation) range_(set []Node) (low, high float64) {
	low, high = math.NaN(), math.NaN()
	for _, n := range set {
		f := toNumber(ev.text(n))
		if math.IsNaN(f) {
			continue
		}
		if !(low <= f) {
			low = f
		}
		if !(high >= f) {
			high = f
		}
	}
	return low, high
}

func (ev *evaluation) compareValues(op string, a, b any) bool {
	if op == "=" || op == "!=" {
		equal := false
		_, boolA := a.(bool)
		_, boolB := b.(bool)
		_, numA := a.(float64)
		_, numB := b.(float64)
		switch {
		case boolA || boolB:
			equal = ev.boolean(a) == ev.boolean(b)
		case numA || numB:
			equal = ev.number(a) == ev.number(b)
		default:
			equal = ev.str(a) == ev.str(b)
		}
		return equal == (op == "=")
	}
	x, y := ev.number(a), ev.number(b)
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}

func (ev *evaluation) boolean(v any) bool {
	switch v := v.(type) {
	case []Node:
		return len(v) > 0
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	case bool:
		return v
	}
	return false
}

func (ev *evaluation) number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	return toNumber(ev.str(v))
}

func (ev *evaluation) str(v any) string {
	switch v := v.(type) {
	case []Node:
		if len(v) == 0 {
			return ""
		}
		return ev.text(v[0])
	case float64:
		return fromNumber(v)
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// toNumber reads a number as XPath writes it: a minus, digits, a point, blanks around.
func toNumber(s string) float64 {
	s = strings.Trim(s, " \t\r\n")
	digits := strings.TrimPrefix(s, "-")
	if strings.Trim(digits, "0123456789.") != "" || strings.Trim(digits, ".") == "" || strings.Count(digits, ".") > 1 {
		return math.NaN()
	}
	n, _ := strconv.ParseFloat(s, 64) // beyond the range it is infinite
	return n
}

func fromNumber(n float64) string {
	switch {
	case math.IsNaN(n):
		return "NaN"
	case math.IsInf(n, 1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	case n == 0:
		return "0"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
