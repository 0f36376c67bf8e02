package rule

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
)

// Scored tells whether a dialect's generation writes scores of rules into a CIB where they mean nothing: 0.12 does so only for
// schemas that want them.
func Scored(minor int, root *etree.Element) bool {
	v, ok := doc.SchemaVersion(root)
	return minor < 12 || ok && !doc.AtLeast(v, [3]int{3, 9, 0})
}

// Write puts the rule at the end of el; its id is one of el's where id is "". scored is Scored: the rule has the score INFINITY then, and those in it 0.
func (t *Tree) Write(el *etree.Element, ids *doc.IDs, id string, scored bool) *etree.Element {
	w := writer{ids: ids, integers: true, scored: scored}
	if v, ok := doc.SchemaVersion(doc.Root(el)); ok {
		w.integers = doc.AtLeast(v, [3]int{3, 5, 0})
	}
	if id == "" {
		id = ids.Sub(el, "rule")
	}
	w.top = id
	r := w.part(el, t)
	if scored {
		doc.Set(r, "score", "INFINITY")
	}
	return r
}

type writer struct {
	ids *doc.IDs
	// integers tells whether the schema knows the type.
	integers bool
	// top is the id of the rule itself, scored whether rules have scores.
	top    string
	scored bool
}

func (w writer) part(parent *etree.Element, t *Tree) *etree.Element {
	expr := func(tag string) *etree.Element { return doc.Append(parent, tag, "id", w.ids.Sub(parent, "expr")) }
	switch t.Kind {
	case DateBeforeAfter:
		e := expr("date_expression")
		doc.Set(e, "operation", t.Op)
		name := "end"
		if t.Op == "gt" {
			name = "start"
		}
		doc.Set(e, name, t.Start)
		return e
	case DateRange:
		e := expr("date_expression")
		doc.Set(e, "operation", "in_range")
		doc.SetOrDrop(e, "start", t.Start)
		if t.Pairs != nil {
			w.pairs(e, "duration", "duration", t.Pairs)
		} else {
			doc.SetOrDrop(e, "end", t.End)
		}
		return e
	case DateSpec:
		e := expr("date_expression")
		doc.Set(e, "operation", "date_spec")
		w.pairs(e, "date_spec", "datespec", t.Pairs)
		return e
	case Attribute:
		e := expr("expression")
		doc.Set(e, "attribute", t.Name)
		doc.Set(e, "operation", t.Op)
		doc.SetOrDrop(e, "value", t.Value)
		kind := t.Type
		if kind == "integer" && !w.integers {
			kind = "number"
		}
		doc.SetOrDrop(e, "type", kind)
		return e
	case Operation:
		e := doc.Append(parent, "op_expression", "id", w.ids.Sub(parent, "op-"+t.Name), "name", t.Name)
		doc.SetOrDrop(e, "interval", t.Value)
		return e
	case ResourceKind:
		var parts []string
		for _, p := range []string{t.Standard, t.Provider, t.Resource} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		e := doc.Append(parent, "rsc_expression", "id", w.ids.Sub(parent, "rsc-"+strings.Join(parts, "-")))
		doc.SetOrDrop(e, "class", t.Standard)
		doc.SetOrDrop(e, "provider", t.Provider)
		doc.SetOrDrop(e, "type", t.Resource)
		return e
	}
	id := w.top
	if parent.Tag == "rule" {
		id = w.ids.Sub(parent, "rule")
	}
	e := doc.Append(parent, "rule", "id", id, "boolean-op", t.Op)
	if parent.Tag == "rule" && w.scored {
		doc.Set(e, "score", "0")
	}
	for _, p := range t.Parts {
		w.part(e, p)
	}
	return e
}

// pairs writes the parts of a duration or date specification, the last of a name.
func (w writer) pairs(e *etree.Element, tag, suffix string, pairs [][2]string) {
	d := doc.Append(e, tag)
	for _, p := range pairs {
		doc.Set(d, p[0], p[1])
	}
	doc.Set(d, "id", w.ids.Sub(e, suffix))
}
