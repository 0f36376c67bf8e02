package xpath

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// function is one of the core library (XPath 1.0 §4).
type function struct {
	least, most int  // arguments; most is negative when there may be any number
	number      bool // it gives a number
	do          func(ev *evaluation, args []expr, c context) any
}

// functions is filled by init: the functions evaluate expressions, which call functions.
var functions map[string]function

func init() {
	text := func(f func(s []string) any) func(*evaluation, []expr, context) any {
		return func(ev *evaluation, args []expr, c context) any {
			s := make([]string, len(args))
			for i, a := range args {
				s[i] = ev.str(ev.eval(a, c))
				ev.spend(len(s[i]))
			}
			return f(s)
		}
	}
	numeric := func(f func(float64) float64) func(*evaluation, []expr, context) any {
		return func(ev *evaluation, args []expr, c context) any { return f(ev.number(ev.eval(args[0], c))) }
	}
	named := func(f func(Node) string) func(*evaluation, []expr, context) any {
		return func(ev *evaluation, args []expr, c context) any {
			if n, ok := ev.first(args, c); ok {
				return f(n)
			}
			return ""
		}
	}
	functions = map[string]function{
		"last":     {0, 0, true, func(_ *evaluation, _ []expr, c context) any { return float64(c.size) }},
		"position": {0, 0, true, func(_ *evaluation, _ []expr, c context) any { return float64(c.position) }},
		"count": {1, 1, true, func(ev *evaluation, args []expr, c context) any {
			return float64(len(ev.nodes(args[0], c)))
		}},
		"sum": {1, 1, true, func(ev *evaluation, args []expr, c context) any {
			sum := 0.0
			for _, n := range ev.nodes(args[0], c) {
				sum += toNumber(ev.text(n))
			}
			return sum
		}},
		"id":            {1, 1, false, (*evaluation).id},
		"local-name":    {0, 1, false, named(func(n Node) string { _, local := split(n.name()); return local })},
		"name":          {0, 1, false, named(Node.name)},
		"namespace-uri": {0, 1, false, named(func(Node) string { return "" })},

		"string": {0, 1, false, func(ev *evaluation, args []expr, c context) any { return ev.own(args, c) }},
		"concat": {2, -1, false, text(func(s []string) any { return strings.Join(s, "") })},
		"starts-with": {2, 2, false, text(func(s []string) any {
			return strings.HasPrefix(s[0], s[1])
		})},
		"contains": {2, 2, false, text(func(s []string) any { return strings.Contains(s[0], s[1]) })},
		"substring-before": {2, 2, false, text(func(s []string) any {
			if before, _, found := strings.Cut(s[0], s[1]); found {
				return before
			}
			return ""
		})},
		"substring-after": {2, 2, false, text(func(s []string) any {
			_, after, _ := strings.Cut(s[0], s[1])
			return after
		})},
		"substring": {2, 3, false, func(ev *evaluation, args []expr, c context) any {
			s, from, length := ev.str(ev.eval(args[0], c)), ev.number(ev.eval(args[1], c)), math.Inf(1)
			if len(args) > 2 {
				length = round(ev.number(ev.eval(args[2], c)))
			}
			ev.spend(len(s))
			return substring(s, round(from), length)
		}},
		"string-length": {0, 1, true, func(ev *evaluation, args []expr, c context) any {
			return float64(utf8.RuneCountInString(ev.own(args, c)))
		}},
		"normalize-space": {0, 1, false, func(ev *evaluation, args []expr, c context) any {
			return strings.Join(strings.FieldsFunc(ev.own(args, c), func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), " ")
		}},
		"translate": {3, 3, false, text(func(s []string) any { return translate(s[0], s[1], s[2]) })},

		"boolean": {1, 1, false, func(ev *evaluation, args []expr, c context) any { return ev.boolean(ev.eval(args[0], c)) }},
		"not":     {1, 1, false, func(ev *evaluation, args []expr, c context) any { return !ev.boolean(ev.eval(args[0], c)) }},
		"true":    {0, 0, false, func(*evaluation, []expr, context) any { return true }},
		"false":   {0, 0, false, func(*evaluation, []expr, context) any { return false }},
		"lang":    {1, 1, false, (*evaluation).lang},

		"number": {0, 1, true, func(ev *evaluation, args []expr, c context) any {
			if len(args) == 0 {
				return toNumber(ev.own(nil, c))
			}
			return ev.number(ev.eval(args[0], c))
		}},
		"floor":   {1, 1, true, numeric(math.Floor)},
		"ceiling": {1, 1, true, numeric(math.Ceil)},
		"round":   {1, 1, true, numeric(round)},
	}
}

func split(name string) (prefix, local string) {
	if p, l, ok := strings.Cut(name, ":"); ok {
		return p, l
	}
	return "", name
}

// nodes evaluates an argument that must be nodes.
func (ev *evaluation) nodes(e expr, c context) []Node {
	n, ok := ev.eval(e, c).([]Node)
	if !ok {
		panic(mismatch{"a function's argument has no nodes"})
	}
	return n
}

// first is the first node of the argument, else the context's.
func (ev *evaluation) first(args []expr, c context) (Node, bool) {
	if len(args) == 0 {
		return c.node, !c.none
	}
	n := ev.nodes(args[0], c)
	if len(n) == 0 {
		return Node{}, false
	}
	return n[0], true
}

// own is the text of the argument, else of the context's node.
func (ev *evaluation) own(args []expr, c context) string {
	if len(args) > 0 {
		return ev.str(ev.eval(args[0], c))
	}
	if c.none {
		return ""
	}
	return ev.text(c.node)
}

// noID are elements of a CIB whose attribute id is no id, but a name or a reference.
var noID = []string{"node", "acl_target", "obj_ref", "resource_ref", "role", "role_ref"}

// id finds elements of the configuration by their ids, separated by blanks.
func (ev *evaluation) id(args []expr, c context) any {
	var ids []string
	switch v := ev.eval(args[0], c).(type) {
	case []Node:
		for _, n := range v {
			ids = append(ids, strings.Fields(ev.text(n))...)
		}
	default:
		ids = strings.Fields(ev.str(v))
	}
	var out []Node
	var walk func(el *etree.Element)
	walk = func(el *etree.Element) {
		ev.spend(1)
		if a := el.SelectAttr("id"); a != nil && slices.Contains(ids, a.Value) && !slices.Contains(noID, el.Tag) {
			out = append(out, Node{El: el})
		}
		for _, sub := range el.ChildElements() {
			if el != ev.root || sub.Tag != "status" {
				walk(sub)
			}
		}
	}
	walk(ev.root)
	return out
}

// lang holds the nearest xml:lang against a language.
func (ev *evaluation) lang(args []expr, c context) any {
	want := strings.ToLower(ev.str(ev.eval(args[0], c)))
	if c.none {
		return false
	}
	for n, ok := c.node, true; ok; n, ok = ev.parent(n) {
		if n.El == nil {
			break
		}
		if a := n.El.SelectAttr("xml:lang"); a != nil {
			have := strings.ToLower(a.Value)
			return have == want || strings.HasPrefix(have, want+"-")
		}
	}
	return false
}

// round rounds to the nearest whole number, up from halves.
func round(n float64) float64 {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return n
	}
	return math.Floor(n + 0.5)
}

// substring gives the characters from a place (from 1) on, so many of them.
func substring(s string, from, length float64) string {
	var b strings.Builder
	at := 0.0
	for _, r := range s {
		if at++; at >= from && at < from+length {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// translate puts characters in place of others, or drops those that have no other.
func translate(s, from, to string) string {
	others := []rune(to)
	table := map[rune]rune{}
	for i, r := range []rune(from) {
		if _, ok := table[r]; ok {
			continue
		}
		if i < len(others) {
			table[r] = others[i]
		} else {
			table[r] = -1
		}
	}
	return strings.Map(func(r rune) rune {
		if t, ok := table[r]; ok {
			return t
		}
		return r
	}, s)
}
