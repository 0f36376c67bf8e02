package xml

import (
	"strings"

	"github.com/beevik/etree"
)

// maxEntity bounds what an entity of the document's own may stand for, in bytes.
const maxEntity = MaxAttrValue

// entity is one that the document declares.
type entity struct {
	text  string // what it stands for; references to entities are still to be resolved
	known bool   // size is worked out
	busy  bool   // size is being worked out
	size  int    // bytes of what it stands for
	fault string
}

// whole is the full value of an attribute that holds entities of the document's own. The tree
// has what stands before the first of them, as Pacemaker reads it.
type whole struct {
	el         *etree.Element
	space, key string
	value      string
	before     int // the attributes in the tree that stand before it
}

// Expand puts the full values of attributes into the tree that hold entities of the document's
// own: a schema judges these. restore puts back what the tree had.
func (d *Document) Expand() (restore func()) {
	type old struct {
		whole
		there bool
	}
	var olds []old
	var last *etree.Element
	put := 0 // attributes put into the last element
	for _, w := range d.wholes {
		if w.el != last {
			last, put = w.el, 0
		}
		name := w.key
		if w.space != "" {
			name = w.space + ":" + w.key
		}
		a := w.el.SelectAttr(name)
		if a == nil {
			olds = append(olds, old{whole: w})
			w.el.CreateAttr(name, w.value)
			n := len(w.el.Attr) - 1
			added := w.el.Attr[n]
			copy(w.el.Attr[w.before+put+1:], w.el.Attr[w.before+put:n])
			w.el.Attr[w.before+put] = added
			put++
			continue
		}
		w.value, a.Value = a.Value, w.value
		olds = append(olds, old{w, true})
	}
	return func() {
		for _, o := range olds {
			name := o.key
			if o.space != "" {
				name = o.space + ":" + o.key
			}
			if o.there {
				o.el.SelectAttr(name).Value = o.value
			} else {
				o.el.RemoveAttr(name)
			}
		}
	}
}

// entity reads the declaration of an entity; decl is the offset of what stands behind "<!ENTITY".
func (p *parser) entity(decl int) *syntax {
	f := strings.TrimLeft(p.src[decl:], " \t\r\n")
	i := strings.IndexAny(f, " \t\r\n")
	if i < 0 || f[0] == '%' {
		return nil
	}
	name, rest := f[:i], strings.TrimLeft(f[i:], " \t\r\n")
	if rest == "" {
		return nil
	}
	e := &entity{}
	if rest[0] != '"' && rest[0] != '\'' {
		e.known, e.fault = true, "is not part of this document" // external: never read
	} else if j := strings.IndexByte(rest[1:], rest[0]); j >= 0 {
		var err *syntax
		if e.text, err = p.declared(rest[1:j+1], len(p.src)-len(rest)+1); err != nil {
			return err
		}
	}
	if p.entities == nil {
		p.entities = map[string]*entity{}
	}
	if _, ok := p.entities[name]; !ok { // the first declaration counts
		p.entities[name] = e
	}
	return nil
}

// declared is the text of a declaration, at an offset in the document: characters given by
// their number are resolved, entities stay.
func (p *parser) declared(text string, offset int) (string, *syntax) {
	if !strings.ContainsAny(text, "&%") {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '%':
			return "", p.fail(offset+i, "'%%' may not stand in an entity")
		case text[i] != '&':
			b.WriteByte(text[i])
			continue
		}
		end := strings.IndexByte(text[i:], ';')
		if end < 2 || strings.ContainsAny(text[i+1:i+end], " \t\r\n&<") {
			return "", p.fail(offset+i, "'&' begins no reference; write &amp;")
		}
		if text[i+1] != '#' {
			b.WriteString(text[i : i+end+1])
		} else {
			s, ok := character(text[i+1 : i+end])
			if !ok {
				return "", p.fail(offset+i, "&%s; is not a character that XML allows", clip(text[i+1:i+end]))
			}
			b.WriteString(s)
		}
		i += end
	}
	return b.String(), nil
}

// check works out what an entity stands for, and whether it may stand in an attribute's value.
func (p *parser) check(name string, depth int) *entity {
	e := p.entities[name]
	if e == nil {
		return nil
	}
	switch {
	case e.known:
		return e
	case e.busy || depth > 40:
		return &entity{known: true, fault: "stands for itself"}
	}
	e.busy = true
	e.size = len(e.text)
	for rest := e.text; ; {
		i := strings.IndexAny(rest, "&<")
		if i < 0 {
			break
		}
		if rest[i] == '<' {
			e.fault = "holds '<'"
			break
		}
		end := strings.IndexByte(rest[i:], ';')
		if end < 2 {
			e.fault = "holds '&'"
			break
		}
		inner := rest[i+1 : i+end]
		rest = rest[i+end+1:]
		if inner[0] == '#' {
			if _, ok := character(inner); !ok {
				e.fault = "holds &" + clip(inner) + ";, which is no character"
				break
			}
			continue
		}
		if predefined[inner] != "" {
			continue
		}
		sub := p.check(inner, depth+1)
		if sub == nil {
			e.fault = "stands for entity " + clip(inner) + ", which is not defined"
			break
		}
		if sub.fault != "" {
			e.fault = sub.fault
			break
		}
		if e.size += sub.size; e.size > maxEntity {
			e.fault = "stands for too much text"
			break
		}
	}
	e.known, e.busy = true, false
	return e
}

// expand writes what an entity stands for that check found good, as it is in an attribute's value.
func (p *parser) expand(b *strings.Builder, e *entity) {
	for i := 0; i < len(e.text); i++ {
		switch c := e.text[i]; c {
		case '\t', '\n', '\r':
			b.WriteByte(' ')
		case '&':
			end := strings.IndexByte(e.text[i:], ';')
			inner := e.text[i+1 : i+end]
			i += end
			if s, ok := character(inner); ok {
				b.WriteString(s)
			} else if s := predefined[inner]; s != "" {
				b.WriteString(s)
			} else {
				p.expand(b, p.entities[inner])
			}
		default:
			b.WriteByte(c)
		}
	}
}
