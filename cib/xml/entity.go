package xml

import "strings"

// maxEntity bounds what an entity of the document's own may stand for, in bytes.
const maxEntity = MaxAttrValue

// entity is one that the document declares.
type entity struct {
	text  string
	known bool // size is worked out
	busy  bool // size is being worked out
	size  int  // bytes of what it stands for
	fault string
}

// entity reads a declaration: what stands behind "<!ENTITY".
func (p *parser) entity(decl string) {
	f := strings.TrimLeft(decl, " \t\r\n")
	i := strings.IndexAny(f, " \t\r\n")
	if i < 0 || f[0] == '%' {
		return
	}
	name, rest := f[:i], strings.TrimLeft(f[i:], " \t\r\n")
	if rest == "" {
		return
	}
	if p.entities == nil {
		p.entities = map[string]*entity{}
	}
	if _, ok := p.entities[name]; ok {
		return // the first declaration counts
	}
	e := &entity{}
	p.entities[name] = e
	if rest[0] != '"' && rest[0] != '\'' {
		e.known, e.fault = true, "is not part of this document" // external: never read
		return
	}
	if j := strings.IndexByte(rest[1:], rest[0]); j >= 0 {
		e.text = rest[1 : j+1]
	}
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
			if inner == "#60" || strings.EqualFold(inner, "#x3c") {
				e.fault = "holds '<'"
			}
			continue
		}
		switch inner {
		case "lt", "gt", "amp", "quot", "apos":
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
