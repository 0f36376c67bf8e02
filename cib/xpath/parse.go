package xpath

import (
	"fmt"
	"strings"
)

// maxDepth is how deep the parts of an expression may be nested.
const maxDepth = 100

// Expr is a compiled expression. It may be used by several goroutines.
type Expr struct {
	text string
	root expr
}

// Compile reads an expression. The error is *Error.
func Compile(text string) (*Expr, error) {
	list, err := tokens(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, list: list}
	root := p.expr(0)
	if p.err == nil && p.peek().kind != end {
		p.fail("nothing is expected after the expression")
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Expr{text, root}, nil
}

// expr is a part of an expression.
type expr interface{}

type (
	binary struct {
		op   string
		a, b expr
	}
	negate struct{ a expr }
	call   struct {
		name string
		args []expr
	}
	// filter is an expression with predicates, and a path from what it selects.
	filter struct {
		base       expr
		predicates []expr
		steps      []step
	}
	path struct {
		absolute bool
		steps    []step
	}
)

// step is one step of a path.
type step struct {
	axis       string
	test       test
	predicates []expr
}

// test is what a node must be.
type test struct {
	kind string // "" for a name, node, text, comment, processing-instruction
	name string // "*" is any
}

type parser struct {
	text  string
	list  []token
	i     int
	depth int
	err   *Error
}

func (p *parser) fail(format string, args ...any) expr {
	if p.err == nil {
		p.err = &Error{p.text, p.peek().at, fmt.Sprintf(format, args...)}
	}
	p.i = len(p.list) - 1 // nothing more is read
	return nil
}

func (p *parser) peek() token { return p.list[p.i] }

func (p *parser) is(op string) bool {
	t := p.peek()
	return t.kind == operator && t.text == op
}

func (p *parser) take(op string) bool {
	if p.is(op) {
		p.i++
		return true
	}
	return false
}

// levels are the binary operators, those that bind least first.
var levels = [][]string{{"or"}, {"and"}, {"=", "!="}, {"<", "<=", ">", ">="}, {"+", "-"}, {"*", "div", "mod"}}

func (p *parser) expr(level int) expr {
	if level == 0 {
		if p.depth++; p.depth > maxDepth {
			return p.fail("parts are nested more than %d deep", maxDepth)
		}
		defer func() { p.depth-- }()
	}
	if level == len(levels) {
		return p.unary()
	}
	a := p.expr(level + 1)
	for {
		op := ""
		for _, o := range levels[level] {
			if p.is(o) {
				op = o
			}
		}
		if op == "" {
			return a
		}
		p.i++
		a = binary{op, a, p.expr(level + 1)}
	}
}

func (p *parser) unary() expr {
	minus := 0
	for p.take("-") {
		minus++
	}
	a := p.union()
	switch {
	case minus == 0:
		return a
	case minus%2 == 0:
		return negate{negate{a}}
	}
	return negate{a}
}

func (p *parser) union() expr {
	a := p.path()
	for p.take("|") {
		a = binary{"|", a, p.path()}
	}
	return a
}

// path reads a location path, or an expression that a path may follow.
func (p *parser) path() expr {
	t := p.peek()
	var base expr
	switch {
	case t.kind == literal:
		p.i++
		base = t.text
	case t.kind == number:
		p.i++
		base = t.num
	case t.kind == variable:
		return p.fail("there are no variables")
	case p.take("("):
		base = p.expr(0)
		if !p.take(")") {
			return p.fail("a bracket is not closed")
		}
	case t.kind == name && p.isCall():
		base = p.call()
	default:
		return p.location()
	}
	f := filter{base: base, predicates: p.predicates()}
	if p.is("/") || p.is("//") {
		f.steps = p.steps(nil)
	}
	if f.predicates == nil && f.steps == nil {
		return base
	}
	return f
}

// isCall tells that a function is called here: the tests of nodes look alike.
func (p *parser) isCall() bool {
	if next := p.list[p.i+1]; next.kind != operator || next.text != "(" {
		return false
	}
	switch p.peek().text {
	case "node", "text", "comment", "processing-instruction":
		return false
	}
	return true
}

func (p *parser) call() expr {
	c := call{name: p.peek().text}
	f, known := functions[c.name]
	if !known {
		return p.fail("there is no function %s", c.name)
	}
	p.i += 2
	for !p.take(")") {
		if len(c.args) > 0 && !p.take(",") {
			return p.fail("',' or ')' is expected")
		}
		c.args = append(c.args, p.expr(0))
		if p.err != nil {
			return nil
		}
	}
	if len(c.args) < f.least || f.most >= 0 && len(c.args) > f.most {
		return p.fail("%s does not take %d arguments", c.name, len(c.args))
	}
	return c
}

// location reads a path that begins at the document or at the context.
func (p *parser) location() expr {
	l := path{}
	if p.is("/") || p.is("//") {
		l.absolute = true
		if p.is("/") && !p.beginsStep(p.list[p.i+1]) {
			p.i++
			return l
		}
		l.steps = p.steps(nil)
		return l
	}
	l.steps = p.steps([]step{p.step()})
	return l
}

// beginsStep tells that a step, or more of the slashes, begins with the token.
func (p *parser) beginsStep(t token) bool {
	if t.kind == name {
		return true
	}
	return t.kind == operator && (t.text == "." || t.text == ".." || t.text == "@" || t.text == "/" || t.text == "//")
}

// steps reads the steps that follow, each after a slash or two.
func (p *parser) steps(have []step) []step {
	for p.err == nil {
		switch {
		case p.take("//"):
			have = append(have, step{axis: "descendant-or-self", test: test{kind: "node"}})
			p.take("/") // libxml2 reads "///" as "//"
		case p.take("/"):
		default:
			return have
		}
		have = append(have, p.step())
	}
	return have
}

func (p *parser) step() step {
	switch {
	case p.take("."):
		return step{axis: "self", test: test{kind: "node"}}
	case p.take(".."):
		return step{axis: "parent", test: test{kind: "node"}}
	}
	s := step{axis: "child"}
	if p.take("@") {
		s.axis = "attribute"
	} else if t := p.peek(); t.kind == name {
		if next := p.list[p.i+1]; next.kind == operator && next.text == "::" {
			if !axes[t.text] {
				p.fail("there is no axis %s", t.text)
				return s
			}
			s.axis = t.text
			p.i += 2
		}
	}
	t := p.peek()
	if t.kind != name {
		p.fail("the name of a node is expected")
		return s
	}
	p.i++
	switch prefix, _, has := strings.Cut(t.text, ":"); {
	case has && prefix != "xml":
		p.i--
		p.fail("the prefix %s is not declared", prefix)
	case p.take("("):
		s.test.kind = t.text
		if t.text == "processing-instruction" && p.peek().kind == literal {
			p.i++
		}
		if !p.take(")") {
			p.fail("')' is expected")
		}
		switch t.text {
		case "node", "text", "comment", "processing-instruction":
		default:
			p.fail("a path has no step %s()", t.text)
		}
	default:
		s.test.name = t.text
	}
	s.predicates = p.predicates()
	return s
}

func (p *parser) predicates() []expr {
	var out []expr
	for p.take("[") {
		out = append(out, p.expr(0))
		if !p.take("]") {
			p.fail("']' is expected")
			return nil
		}
	}
	return out
}

var axes = map[string]bool{
	"ancestor": true, "ancestor-or-self": true, "attribute": true, "child": true, "descendant": true, "descendant-or-self": true,
	"following": true, "following-sibling": true, "namespace": true, "parent": true, "preceding": true, "preceding-sibling": true, "self": true,
}
