package schema

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// grammarText holds the grammar of all versions; its head describes the notation.
//
//go:embed grammar.txt
var grammarText string

// node is a line of the grammar with the deeper lines below it.
type node struct {
	text     string
	line     int
	from, to int // versions that it goes for, as indices of names
	kids     []*node
}

// source is the grammar as read: its definitions, macros and types by name.
type source struct {
	defines, macros, types map[string]*node
	tags                   map[string]string   // of defines
	params                 map[string][]string // of macros
	changed                map[int]bool        // versions whose language is not that of the one before
}

var readSource = sync.OnceValue(func() *source {
	s, err := parseSource(grammarText)
	if err != nil {
		panic("cib/schema: " + err.Error()) // the text is our own; a test reads it
	}
	return s
})

func parseSource(text string) (*source, error) {
	s := &source{
		defines: map[string]*node{}, macros: map[string]*node{}, types: map[string]*node{},
		tags: map[string]string{}, params: map[string][]string{}, changed: map[int]bool{},
	}
	stack := []*node{}
	for i, raw := range strings.Split(text, "\n") {
		body := strings.TrimLeft(raw, "\t")
		if body == "" || strings.HasPrefix(body, "#") {
			continue
		}
		depth := len(raw) - len(body)
		n := &node{text: body, line: i + 1, to: len(names) - 1}
		if err := n.guard(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.line, err)
		}
		s.changed[n.from], s.changed[n.to+1] = true, true
		if depth > len(stack) {
			return nil, fmt.Errorf("line %d is indented too deep", n.line)
		}
		stack = append(stack[:depth], n)
		if depth > 0 {
			stack[depth-1].kids = append(stack[depth-1].kids, n)
			continue
		}
		if err := s.open(n); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.line, err)
		}
	}
	return s, nil
}

// open files a line of depth 0: define, macro or type.
func (s *source) open(n *node) error {
	words := strings.Fields(n.text)
	if len(words) < 2 {
		return fmt.Errorf("%q names nothing", n.text)
	}
	name := words[1]
	var into map[string]*node
	switch words[0] {
	case "define":
		into, s.tags[name] = s.defines, name
		if len(words) == 3 {
			s.tags[name] = strings.Trim(words[2], "<>")
		}
	case "macro":
		into, s.params[name] = s.macros, words[2:]
	case "type":
		into = s.types
	default:
		return fmt.Errorf("%q is neither define, macro nor type", words[0])
	}
	if into[name] != nil {
		return fmt.Errorf("%s %s stands twice", words[0], name)
	}
	into[name] = n
	return nil
}

// guard takes the versions off the beginning of the line.
func (n *node) guard() error {
	if !strings.HasPrefix(n.text, "[") {
		return nil
	}
	body, rest, ok := strings.Cut(n.text[1:], "]")
	from, to, ok2 := strings.Cut(body, "-")
	if !ok || !ok2 {
		return fmt.Errorf("%q is no range of versions", n.text)
	}
	for _, end := range []struct {
		name string
		to   *int
	}{{from, &n.from}, {to, &n.to}} {
		if end.name == "" {
			continue
		}
		if *end.to = index("pacemaker-" + end.name); *end.to < 0 {
			return fmt.Errorf("there is no version %q", end.name)
		}
	}
	n.text = strings.TrimSpace(rest)
	return nil
}

// definition is one kind of element in one version.
type definition struct {
	tag      string
	open     bool // anything may be below
	ordered  bool
	forms    []form
	attrs    []string       // names of the attributes of all forms
	attrAt   map[string]int // their indices
	kids     []*definition  // the children of all forms
	kidAt    map[string]int // their indices by tag
	required uint64         // attributes that every form asks for
}

// form is one of the shapes that an element may have. An element is valid when it
// has one of its definition's forms.
type form struct {
	types    []*valueType // by attribute index; nil: not allowed
	required uint64       // bits by attribute index
	parts    []part
	partOf   []int // by child index; -1: not allowed
}

// part is one line of children.
type part struct {
	kids     []int
	min, max int // max -1: any number
}

// grammar is the whole language of one version.
type grammar struct {
	version int
	root    *definition
	all     map[string]*definition // by name; definitions inside others by PARENT/TAG
}

// draft is a form in the making.
type draft struct {
	attrs []draftAttr
	parts []draftPart
}

type draftAttr struct {
	name     string
	required bool
	typ      *valueType
}

type draftPart struct {
	kids     []*definition
	min, max int
}

// compiler turns the source into the grammar of one version.
type compiler struct {
	src   *source
	g     *grammar
	types map[string]*valueType
}

// compile gives the grammar of a version, an index of names.
func compile(src *source, version int) (g *grammar, err error) {
	c := &compiler{src, &grammar{version: version, all: map[string]*definition{}}, map[string]*valueType{}}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(grammarError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	c.g.root = c.define("cib")
	return c.g, nil
}

// grammarError is a fault of the grammar's text.
type grammarError string

func (e grammarError) Error() string { return string(e) }

func (n *node) bad(format string, args ...any) {
	panic(grammarError(fmt.Sprintf("line %d: ", n.line) + fmt.Sprintf(format, args...)))
}

func (c *compiler) define(name string) *definition {
	if d := c.g.all[name]; d != nil {
		return d
	}
	n := c.src.defines[name]
	if n == nil {
		panic(grammarError("there is no definition " + strconv.Quote(name)))
	}
	return c.build(name, c.src.tags[name], n.kids, nil)
}

func (c *compiler) build(name, tag string, lines []*node, args map[string]string) *definition {
	d := &definition{tag: tag, attrAt: map[string]int{}, kidAt: map[string]int{}}
	c.g.all[name] = d
	drafts := c.expand(d, name, lines, args, []draft{{}})
	for _, dr := range drafts {
		for _, a := range dr.attrs {
			if _, ok := d.attrAt[a.name]; !ok {
				d.attrAt[a.name] = len(d.attrs)
				d.attrs = append(d.attrs, a.name)
			}
		}
		for _, p := range dr.parts {
			for _, k := range p.kids {
				if at, ok := d.kidAt[k.tag]; !ok {
					d.kidAt[k.tag] = len(d.kids)
					d.kids = append(d.kids, k)
				} else if d.kids[at] != k {
					panic(grammarError(name + " has two kinds of child " + k.tag))
				}
			}
		}
	}
	if len(d.attrs) > 64 {
		panic(grammarError(name + " has more than 64 attributes"))
	}
	d.required = ^uint64(0)
	for _, dr := range drafts {
		f := form{types: make([]*valueType, len(d.attrs)), partOf: make([]int, len(d.kids))}
		for i := range f.partOf {
			f.partOf[i] = -1
		}
		for _, a := range dr.attrs {
			at := d.attrAt[a.name]
			f.types[at] = a.typ
			if a.required {
				f.required |= 1 << at
			}
		}
		for i, p := range dr.parts {
			q := part{min: p.min, max: p.max}
			for _, k := range p.kids {
				f.partOf[d.kidAt[k.tag]] = i
				q.kids = append(q.kids, d.kidAt[k.tag])
			}
			f.parts = append(f.parts, q)
		}
		d.required &= f.required
		d.forms = append(d.forms, f)
	}
	return d
}

// expand adds lines to each of the drafts; alternatives multiply them.
func (c *compiler) expand(d *definition, name string, lines []*node, args map[string]string, drafts []draft) []draft {
	for i := 0; i < len(lines); i++ {
		n := lines[i]
		here := c.g.version >= n.from && c.g.version <= n.to
		text := substitute(n.text, args)
		if text == "either" {
			branches := []*node{n}
			for i+1 < len(lines) && lines[i+1].text == "or" {
				i++
				branches = append(branches, lines[i])
			}
			if here {
				drafts = c.branch(d, name, branches, args, drafts)
			}
			continue
		}
		if !here {
			continue
		}
		first, rest, _ := strings.Cut(text, " ")
		switch {
		case text == "":
			drafts = c.expand(d, name, n.kids, args, drafts)
		case text == "in order":
			d.ordered = true
		case text == "anything":
			d.open = true
		case text == "never":
			drafts = nil
		case first == "use":
			words := strings.Fields(rest)
			m := c.src.macros[words[0]]
			if m == nil || len(c.src.params[words[0]]) != len(words)-1 {
				n.bad("no macro fits %q", text)
			}
			inner := map[string]string{}
			for j, p := range c.src.params[words[0]] {
				inner[p] = words[j+1]
			}
			drafts = c.expand(d, name, m.kids, inner, drafts)
		case text[0] == '@' && strings.HasSuffix(first, "!"), text[0] == '@' && strings.HasSuffix(first, "?"):
			a := draftAttr{first[1 : len(first)-1], first[len(first)-1] == '!', c.valueType(n, rest)}
			for j := range drafts {
				drafts[j].attrs = append(drafts[j].attrs[:len(drafts[j].attrs):len(drafts[j].attrs)], a)
			}
		default:
			p := c.part(n, name, text, args)
			for j := range drafts {
				drafts[j].parts = append(drafts[j].parts[:len(drafts[j].parts):len(drafts[j].parts)], p)
			}
		}
	}
	return drafts
}

func (c *compiler) branch(d *definition, name string, branches []*node, args map[string]string, drafts []draft) []draft {
	var all []draft
	for _, b := range branches {
		if c.g.version < b.from || c.g.version > b.to {
			continue
		}
		copies := make([]draft, len(drafts))
		copy(copies, drafts)
		all = append(all, c.expand(d, name, b.kids, args, copies)...)
	}
	return all
}

// part reads a line of children.
func (c *compiler) part(n *node, name, text string, args map[string]string) draftPart {
	list, inline := strings.CutSuffix(text, " :")
	p := draftPart{min: 1, max: 1}
	switch list[len(list)-1] {
	case '*':
		p.min, p.max = 0, -1
	case '+':
		p.max = -1
	case '?':
		p.min = 0
	}
	list = strings.TrimRight(list, "*+?")
	if inline {
		p.kids = []*definition{c.build(name+"/"+list, list, n.kids, args)}
		return p
	}
	for _, k := range strings.Split(list, "|") {
		if c.src.defines[k] == nil {
			n.bad("there is no definition %q", k)
		}
		p.kids = append(p.kids, c.define(k))
	}
	return p
}

func substitute(text string, args map[string]string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	for p, v := range args {
		text = strings.ReplaceAll(text, "$"+p, v)
	}
	return text
}
