package xml

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Limits of what is read; a document beyond them is refused.
const (
	MaxDepth     = 256              // elements inside each other
	MaxAttrValue = 10 * 1000 * 1000 // bytes of one attribute's value
	MaxSize      = 256 << 20        // bytes of a document
	MaxNodes     = 5 << 20          // elements and attributes, together
)

// Pos is a place in a document. Line and Col count from 1, Col in characters;
// the zero Pos is "not known" (an element that did not come from the document).
type Pos struct{ Line, Col int }

func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// Error is a document that is not well-formed, or beyond a limit.
type Error struct {
	Pos
	Msg string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Col, e.Msg) }

// Document is a tree with the places that its elements came from.
type Document struct {
	Root *etree.Element

	src     string
	order   []*etree.Element       // elements in the order of their start tags
	offsets []int32                // of their '<', same order
	index   map[*etree.Element]int // made on first use
	lines   []int                  // offsets of line starts, made on first use
	wholes  []whole
}

// Parse reads a document. The error is a *Error.
func Parse(data []byte) (*Document, error) { return parse(data, MaxNodes) }

func parse(data []byte, maxNodes int) (*Document, error) {
	if len(data) > MaxSize {
		return nil, &Error{Pos{1, 1}, fmt.Sprintf("the document is larger than %d bytes", MaxSize)}
	}
	src, fault := decode(data)
	if fault != nil {
		return nil, fault
	}
	p := &parser{src: src, names: make(map[string]string, between(8, len(src)/64, 64)), maxNodes: maxNodes}
	doc := &Document{src: src}
	p.doc = doc
	if err := p.document(); err != nil {
		return nil, &Error{doc.place(err.offset), err.msg}
	}
	return doc, nil
}

// ParseString is Parse of a string.
func ParseString(text string) (*Document, error) { return Parse([]byte(text)) }

// place turns an offset into line and column.
func (d *Document) place(offset int) Pos {
	if d.lines == nil {
		d.lines = append(d.lines, 0)
		for i := 0; i < len(d.src); i++ {
			if d.src[i] == '\n' {
				d.lines = append(d.lines, i+1)
			}
		}
	}
	offset = min(offset, len(d.src))
	line := sort.SearchInts(d.lines, offset+1)
	return Pos{line, utf8.RuneCountInString(d.src[d.lines[line-1]:offset]) + 1}
}

// Pos is where the element's start tag begins.
func (d *Document) Pos(el *etree.Element) Pos {
	if off, ok := d.offset(el); ok {
		return d.place(off)
	}
	return Pos{}
}

// AttrPos is where the attribute with this full name (as written, with its
// prefix) begins; the element's own place when it has no such attribute.
func (d *Document) AttrPos(el *etree.Element, name string) Pos {
	off, ok := d.offset(el)
	if !ok {
		return Pos{}
	}
	s := &parser{src: d.src, pos: off + 1}
	s.name()
	for {
		s.blank()
		start := s.pos
		n, ok := s.name()
		if !ok {
			return d.place(off)
		}
		if n == name {
			return d.place(start)
		}
		s.blank()
		s.pos++ // '='
		s.blank()
		if s.pos >= len(s.src) {
			return d.place(off)
		}
		quote := s.src[s.pos]
		end := strings.IndexByte(s.src[s.pos+1:], quote)
		if end < 0 {
			return d.place(off)
		}
		s.pos += end + 2
	}
}

func (d *Document) offset(el *etree.Element) (int, bool) {
	if d.index == nil {
		d.index = make(map[*etree.Element]int, len(d.order))
		for i, e := range d.order {
			d.index[e] = int(d.offsets[i])
		}
	}
	off, ok := d.index[el]
	return off, ok
}

type syntax struct {
	offset int
	msg    string
}

type parser struct {
	src      string
	pos      int
	doc      *Document
	names    map[string]string // interned
	prefixes []prefix          // bound at this depth, innermost last
	bound    map[string]int    // how often each of them is
	nodes    int
	maxNodes int
	entities map[string]*entity
	expanded int // bytes that entities stand for so far
	// What elements and attributes are taken from, a piece at a time.
	slab  []etree.Element
	attrs []etree.Attr
	found []etree.Attr // of the tag that is read
}

type prefix struct {
	name  string
	depth int
}

func (p *parser) fail(offset int, format string, args ...any) *syntax {
	return &syntax{offset, fmt.Sprintf(format, args...)}
}

func (p *parser) blank() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func isNameStart(r rune) bool {
	switch {
	case r < 0x80:
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == ':'
	case r == 0xD7 || r == 0xF7 || r == 0x37E || r < 0xC0:
		return false
	case r <= 0x1FFF || r == 0x200C || r == 0x200D, r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF,
		r >= 0x3001 && r <= 0xD7FF, r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD, r >= 0x10000 && r <= 0xEFFFF:
		return !(r >= 0x300 && r <= 0x36F)
	}
	return false
}

func isNameRune(r rune) bool {
	return isNameStart(r) || r >= '0' && r <= '9' || r == '-' || r == '.' || r == 0xB7 ||
		r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

// name reads a Name at the present place.
func (p *parser) name() (string, bool) {
	start := p.pos
	if n := plainName(p.src[start:]); n > 0 {
		p.pos += n
		return p.intern(p.src[start:p.pos]), true
	}
	for i, r := range p.src[start:] {
		if i == 0 && !isNameStart(r) {
			return "", false
		}
		if !isNameRune(r) {
			p.pos = start + i
			return p.intern(p.src[start:p.pos]), true
		}
	}
	if start == len(p.src) {
		return "", false
	}
	p.pos = len(p.src)
	return p.intern(p.src[start:]), true
}

// plainName is how long the name is that a text begins with, where it is of ASCII and ends in the text; else 0.
func plainName(s string) int {
	for i := 0; i < len(s); i++ {
		switch kind := nameBytes[s[i]]; {
		case kind == nameOther, i == 0 && kind == nameAfter:
			return 0
		case kind == nameEnd:
			return i
		}
	}
	return 0
}

// The kinds of bytes in names: those that a name may begin with, those that may only follow, those that end it, and those
// that are not of ASCII.
const (
	nameEnd = iota
	nameStart
	nameAfter
	nameOther
)

var nameBytes = func() (kinds [256]byte) {
	for c := range kinds {
		switch {
		case c >= 0x80:
			kinds[c] = nameOther
		case isNameStart(rune(c)):
			kinds[c] = nameStart
		case isNameRune(rune(c)):
			kinds[c] = nameAfter
		}
	}
	return kinds
}()

// between is n, but at least least and at most most.
func between(least, n, most int) int { return max(least, min(n, most)) }

func (p *parser) intern(s string) string {
	if p.names == nil {
		return s
	}
	if n, ok := p.names[s]; ok {
		return n
	}
	n := strings.Clone(s)
	p.names[n] = n
	return n
}

func (p *parser) document() *syntax {
	if err := p.declaration(); err != nil {
		return err
	}
	for {
		p.blank()
		switch {
		case p.pos >= len(p.src):
			if p.doc.Root == nil {
				return p.fail(p.pos, "the document is empty")
			}
			return nil
		case p.has("<!--"):
			if _, err := p.comment(); err != nil {
				return err
			}
		case p.has("<?"):
			if err := p.instruction(); err != nil {
				return err
			}
		case p.has("<!DOCTYPE") && p.doc.Root == nil:
			if err := p.doctype(); err != nil {
				return err
			}
		case p.src[p.pos] == '<' && p.doc.Root == nil:
			if err := p.tree(); err != nil {
				return err
			}
		case p.doc.Root != nil:
			return p.fail(p.pos, "extra content after the end of the document")
		default:
			return p.fail(p.pos, "a start tag was expected, not %q", clip(p.src[p.pos:]))
		}
	}
}

func clip(s string) string {
	if i := strings.IndexByte(s, '\n'); i > 0 {
		s = s[:i]
	}
	if len(s) > 20 {
		s = strings.ToValidUTF8(s[:20], "") + "…"
	}
	return s
}

func (p *parser) has(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *parser) declaration() *syntax {
	if !p.has("<?xml") || len(p.src) < 6 || !strings.ContainsRune(" \t\r\n", rune(p.src[5])) {
		return nil
	}
	end := strings.Index(p.src, "?>")
	if end < 0 {
		return p.fail(0, "the XML declaration does not end")
	}
	switch version := pseudoAttr(p.src[:end], "version"); version {
	case "1.0":
	case "":
		return p.fail(5, "the XML declaration names no version")
	default:
		return p.fail(5, "only XML version 1.0 is read")
	}
	p.pos = end + 2
	return nil
}

func (p *parser) comment() (string, *syntax) {
	start := p.pos
	body := p.src[start+4:]
	end := strings.Index(body, "--")
	if end < 0 {
		return "", p.fail(start, "a comment does not end")
	}
	if !strings.HasPrefix(body[end:], "-->") {
		return "", p.fail(start+4+end, "\"--\" may not stand inside a comment")
	}
	p.pos = start + 4 + end + 3
	text := newlines(body[:end])
	if i := badChar(text); i >= 0 {
		return "", p.fail(start+4+i, "a control character may not stand in a comment")
	}
	return text, nil
}

func (p *parser) instruction() *syntax {
	start := p.pos
	p.pos += 2
	name, ok := p.name()
	if !ok {
		return p.fail(p.pos, "a processing instruction has no name")
	}
	if strings.EqualFold(name, "xml") {
		return p.fail(start, "an XML declaration may stand only at the very beginning")
	}
	end := strings.Index(p.src[p.pos:], "?>")
	if end < 0 {
		return p.fail(start, "a processing instruction does not end")
	}
	p.pos += end + 2
	return nil
}

// doctype skips a document type; internal entities are remembered so that a
// document that uses them can be told from one that names unknown ones.
func (p *parser) doctype() *syntax {
	start, depth := p.pos, 0
	for i := p.pos; i < len(p.src); i++ {
		switch p.src[i] {
		case '"', '\'':
			j := strings.IndexByte(p.src[i+1:], p.src[i])
			if j < 0 {
				return p.fail(i, "a quoted text does not end")
			}
			i += j + 1
		case '[':
			depth++
		case ']':
			depth--
		case '<':
			if strings.HasPrefix(p.src[i:], "<!--") {
				j := strings.Index(p.src[i:], "-->")
				if j < 0 {
					return p.fail(i, "a comment does not end")
				}
				i += j + 2
				continue
			}
			if strings.HasPrefix(p.src[i:], "<!ENTITY") {
				if err := p.entity(i + 8); err != nil {
					return err
				}
			}
		case '>':
			if depth == 0 {
				p.pos = i + 1
				return nil
			}
		}
	}
	return p.fail(start, "the document type does not end")
}

// newlines turns the line ends of other systems into "\n", as XML asks.
func newlines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// badChar is the offset of a character that XML forbids, or -1.
func badChar(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
		if c == 0xEF && i+2 < len(s) && s[i+1] == 0xBF && (s[i+2] == 0xBE || s[i+2] == 0xBF) {
			return i
		}
	}
	return -1
}
