package xml

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// tree reads the root element and all inside it, without recursion.
func (p *parser) tree() *syntax {
	var stack []*etree.Element
	var starts []int
	if p.has("</") || p.has("<!") {
		return p.fail(p.pos, "a start tag was expected, not %q", clip(p.src[p.pos:]))
	}
	for {
		if p.pos >= len(p.src) {
			return p.fail(starts[len(starts)-1], "element %s has no end tag", stack[len(stack)-1].FullTag())
		}
		if p.src[p.pos] != '<' {
			if err := p.text(stack[len(stack)-1]); err != nil {
				return err
			}
			continue
		}
		switch {
		case p.has("</"):
			start := p.pos
			p.pos += 2
			name, ok := p.name()
			p.blank()
			if !ok || p.pos >= len(p.src) || p.src[p.pos] != '>' {
				return p.fail(start, "an end tag is malformed")
			}
			p.pos++
			open := stack[len(stack)-1]
			if full := open.FullTag(); full != name {
				return p.fail(start, "end tag %s closes element %s of line %d", name, full, p.doc.place(starts[len(starts)-1]).Line)
			}
			stack, starts = stack[:len(stack)-1], starts[:len(starts)-1]
			p.unbind(len(stack))
			if len(stack) == 0 {
				return nil
			}
		case p.has("<!--"):
			text, err := p.comment()
			if err != nil {
				return err
			}
			stack[len(stack)-1].AddChild(etree.NewComment(text))
		case p.has("<![CDATA["):
			start := p.pos
			end := strings.Index(p.src[start:], "]]>")
			if end < 0 {
				return p.fail(start, "a CDATA section does not end")
			}
			p.pos = start + end + 3
			text := newlines(p.src[start+9 : start+end])
			if i := badChar(text); i >= 0 {
				return p.fail(start+9+i, "a control character may not stand in a CDATA section")
			}
			stack[len(stack)-1].AddChild(etree.NewCData(text))
		case p.has("<?"):
			if err := p.instruction(); err != nil {
				return err
			}
		default:
			start := p.pos
			el, empty, err := p.start(len(stack) + 1)
			if err != nil {
				return err
			}
			if len(stack) == 0 {
				p.doc.Root = el
			} else {
				stack[len(stack)-1].AddChild(el)
			}
			p.doc.order = append(p.doc.order, el)
			p.doc.offsets = append(p.doc.offsets, int32(start))
			if !empty {
				if len(stack)+1 > MaxDepth {
					return p.fail(start, "more than %d elements inside each other", MaxDepth)
				}
				stack, starts = append(stack, el), append(starts, start)
				continue
			}
			p.unbind(len(stack))
			if len(stack) == 0 {
				return nil
			}
		}
	}
}

// start reads a start tag; depth is that of the element, the root's is 1.
func (p *parser) start(depth int) (el *etree.Element, empty bool, _ *syntax) {
	begin := p.pos
	p.pos++
	name, ok := p.name()
	if !ok {
		return nil, false, p.fail(begin, "a start tag has no name")
	}
	if len(p.slab) == 0 {
		p.slab = make([]etree.Element, between(4, (len(p.src)-p.pos)/64, 256))
	}
	el = &p.slab[0]
	p.slab = p.slab[1:]
	el.Space, el.Tag = split(name)
	prefixed := el.Space != ""
	if p.nodes++; p.nodes > p.maxNodes {
		return nil, false, p.fail(begin, "more than %d elements and attributes", p.maxNodes)
	}
	p.found = p.found[:0]
	var seen map[[2]string]bool
	for {
		before := p.pos
		p.blank()
		if p.pos >= len(p.src) {
			return nil, false, p.fail(begin, "the start tag of %s does not end", name)
		}
		switch p.src[p.pos] {
		case '>':
			p.pos++
			el.Attr = p.keep(p.found)
			return el, false, p.namespaces(el, begin, prefixed)
		case '/':
			if !p.has("/>") {
				return nil, false, p.fail(p.pos, "'/' may stand only before '>'")
			}
			p.pos += 2
			el.Attr = p.keep(p.found)
			return el, true, p.namespaces(el, begin, prefixed)
		}
		at := p.pos
		key, ok := p.name()
		if !ok {
			return nil, false, p.fail(at, "an attribute of %s has no proper name: %q", name, clip(p.src[at:]))
		}
		if before == at {
			return nil, false, p.fail(at, "a blank is missing before attribute %s", key)
		}
		p.blank()
		if p.pos >= len(p.src) || p.src[p.pos] != '=' {
			return nil, false, p.fail(at, "attribute %s of %s has no value", key, name)
		}
		p.pos++
		p.blank()
		value, ok, full, err := p.value(key)
		if err != nil {
			return nil, false, err
		}
		if p.nodes++; p.nodes > p.maxNodes {
			return nil, false, p.fail(at, "more than %d elements and attributes", p.maxNodes)
		}
		space, local := split(key)
		if twice(p.found, space, local, &seen) {
			return nil, false, p.fail(at, "attribute %s stands twice in %s", key, name)
		}
		if space == "xmlns" {
			p.bind(local, depth)
		} else if space != "" {
			prefixed = true
		}
		if ok {
			p.found = append(p.found, etree.Attr{Space: space, Key: local, Value: value})
		}
		if full != nil {
			p.doc.wholes = append(p.doc.wholes, whole{el, space, local, *full, len(p.found)})
		}
	}
}

// keep is the attributes that were found in a tag, in as much room as they need: most of a large CIB are attributes.
func (p *parser) keep(found []etree.Attr) []etree.Attr {
	n := len(found)
	if n == 0 {
		return nil
	}
	if len(p.attrs) < n {
		p.attrs = make([]etree.Attr, between(n, (len(p.src)-p.pos)/24, 512))
	}
	kept := p.attrs[:n:n]
	copy(kept, found)
	p.attrs = p.attrs[n:]
	return kept
}

// twice tells that an attribute is there already. Where there are many, seen holds
// what was seen.
func twice(have []etree.Attr, space, local string, seen *map[[2]string]bool) bool {
	if len(have) < 32 {
		for i := range have {
			if have[i].Key == local && have[i].Space == space {
				return true
			}
		}
		return false
	}
	if *seen == nil {
		*seen = make(map[[2]string]bool, 2*len(have))
		for _, a := range have {
			(*seen)[[2]string{a.Space, a.Key}] = true
		}
	}
	key := [2]string{space, local}
	if (*seen)[key] {
		return true
	}
	(*seen)[key] = true
	return false
}

// bind declares a prefix for the element at this depth.
func (p *parser) bind(name string, depth int) {
	if p.bound == nil {
		p.bound = map[string]int{}
	}
	p.bound[name]++
	p.prefixes = append(p.prefixes, prefix{name, depth})
}

// unbind forgets the prefixes of elements deeper than depth.
func (p *parser) unbind(depth int) {
	for n := len(p.prefixes); n > 0 && p.prefixes[n-1].depth > depth; n = len(p.prefixes) {
		p.bound[p.prefixes[n-1].name]--
		p.prefixes = p.prefixes[:n-1]
	}
}

func split(name string) (space, local string) {
	if i := strings.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// namespaces refuses prefixes that are bound to nothing.
func (p *parser) namespaces(el *etree.Element, begin int, prefixed bool) *syntax {
	if !prefixed {
		return nil
	}
	bound := func(space string) bool {
		return space == "" || space == "xml" || space == "xmlns" || p.bound[space] > 0
	}
	if !bound(el.Space) {
		return p.fail(begin, "the prefix %s of element %s is not declared", el.Space, el.FullTag())
	}
	for _, a := range el.Attr {
		if !bound(a.Space) {
			return p.fail(begin, "the prefix %s of attribute %s is not declared", a.Space, a.FullKey())
		}
	}
	return nil
}

// value reads a quoted attribute value and normalises it. Pacemaker reads a value only
// up to the first entity of the document's own; ok is false when nothing stands before that,
// and full is the whole value then, else nil.
func (p *parser) value(key string) (value string, ok bool, full *string, _ *syntax) {
	if p.pos >= len(p.src) || p.src[p.pos] != '"' && p.src[p.pos] != '\'' {
		return "", false, nil, p.fail(p.pos, "the value of attribute %s is not in quotes", key)
	}
	quote := p.src[p.pos]
	start := p.pos + 1
	end := strings.IndexByte(p.src[start:], quote)
	if end < 0 {
		return "", false, nil, p.fail(p.pos, "the value of attribute %s does not end", key)
	}
	if end > MaxAttrValue {
		return "", false, nil, p.fail(p.pos, "the value of attribute %s is longer than %d bytes", key, MaxAttrValue)
	}
	raw := p.src[start : start+end]
	p.pos = start + end + 1
	special := -1
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c == '<' {
			return "", false, nil, p.fail(start+i, "'<' may not stand in the value of attribute %s", key)
		} else if c == '&' || c < 0x20 || c == 0xEF {
			if special < 0 {
				special = i
			}
		}
	}
	if special < 0 {
		return raw, true, nil, nil
	}
	if i := badChar(raw); i >= 0 {
		return "", false, nil, p.fail(start+i, "a control character may not stand in the value of attribute %s", key)
	}
	cut := false
	var b strings.Builder
	b.Grow(len(raw))
	b.WriteString(raw[:special])
	for i := special; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			b.WriteByte(' ')
		case '\t', '\n':
			b.WriteByte(' ')
		case '&':
			text, n, internal, err := p.reference(raw[i:], start+i)
			if err != nil {
				return "", false, nil, err
			}
			if internal != nil {
				if !cut {
					value, cut = b.String(), true
				}
				p.expand(&b, internal)
				if p.expanded += internal.size; b.Len() > MaxAttrValue || p.expanded > MaxSize {
					return "", false, nil, p.fail(start+i, "the entities in attribute %s stand for too much text", key)
				}
			}
			b.WriteString(text)
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	all := b.String()
	if cut {
		return value, value != "", &all, nil
	}
	return all, true, nil, nil
}

// reference resolves the reference at the beginning of s (at offset in the document);
// n is its length. internal is an entity declared by the document itself.
func (p *parser) reference(s string, offset int) (text string, n int, internal *entity, _ *syntax) {
	end := strings.IndexByte(s, ';')
	if end < 2 {
		return "", 0, nil, p.fail(offset, "'&' begins no reference; write &amp;")
	}
	name := s[1:end]
	n = end + 1
	if text, ok := predefined[name]; ok {
		return text, n, nil, nil
	}
	if name[0] == '#' {
		text, ok := character(name)
		if !ok {
			return "", 0, nil, p.fail(offset, "&%s; is not a character that XML allows", name)
		}
		return text, n, nil, nil
	}
	if e := p.check(name, 0); e != nil {
		if e.fault != "" {
			return "", 0, nil, p.fail(offset, "entity %s %s", clip(name), e.fault)
		}
		return "", n, e, nil
	}
	return "", 0, nil, p.fail(offset, "entity %s is not defined", clip(name))
}

// predefined are the entities of XML itself.
var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// character resolves a reference to a character by its number, "#60" or "#x3c".
func character(name string) (string, bool) {
	if name[0] != '#' {
		return "", false
	}
	digits, base := name[1:], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	r := rune(v)
	if err != nil || v > utf8.MaxRune || r < 0x20 && r != '\t' && r != '\n' && r != '\r' ||
		r >= 0xD800 && r <= 0xDFFF || r == 0xFFFE || r == 0xFFFF {
		return "", false
	}
	return string(r), true
}

// text reads character data inside parent; blank text is dropped.
func (p *parser) text(parent *etree.Element) *syntax {
	start := p.pos
	end := strings.IndexByte(p.src[start:], '<')
	if end < 0 {
		end = len(p.src) - start
	}
	raw := p.src[start : start+end]
	p.pos = start + end
	if strings.Trim(raw, " \t\r\n") == "" {
		return nil
	}
	if i := badChar(raw); i >= 0 {
		return p.fail(start+i, "a control character may not stand in text")
	}
	if i := strings.Index(raw, "]]>"); i >= 0 {
		return p.fail(start+i, "\"]]>\" may not stand in text")
	}
	text := newlines(raw)
	if strings.IndexByte(text, '&') < 0 {
		parent.AddChild(etree.NewText(text))
		return nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '&' {
			b.WriteByte(text[i])
			continue
		}
		s, n, internal, err := p.reference(text[i:], start+i)
		if err != nil {
			return err
		}
		if internal != nil {
			return p.fail(start+i, "entities declared by the document may not stand in its content")
		}
		b.WriteString(s)
		i += n - 1
	}
	parent.AddChild(etree.NewText(b.String()))
	return nil
}
