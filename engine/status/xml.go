package status

import (
	"iter"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/rule"
	"hacluster/cib/xml"
)

// attr returns an attribute of an element and whether it is there.
func attr(e *etree.Element, name string) (string, bool) {
	for i := range e.Attr {
		if e.Attr[i].Key == name && e.Attr[i].Space == "" {
			return e.Attr[i].Value, true
		}
	}
	return "", false
}

// get returns an attribute of an element, or "".
func get(e *etree.Element, name string) string {
	s, _ := attr(e, name)
	return s
}

// elements walks over the child elements, only those of the given tag unless
// that is empty.
func elements(e *etree.Element, tag string) iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		if e == nil {
			return
		}
		for _, t := range e.Child {
			if c, ok := t.(*etree.Element); ok && (tag == "" || c.Tag == tag) && !yield(c) {
				return
			}
		}
	}
}

// first returns the first child element of the given tag (any if empty), or nil.
func first(e *etree.Element, tag string) *etree.Element {
	for c := range elements(e, tag) {
		return c
	}
	return nil
}

// single holds the sections that count only if the document has exactly one.
type single struct {
	opDefaults, rscDefaults, options, nodes, topology, tags, status *etree.Element
	expressions                                                     int // over node attributes, in operations
}

// singles finds the sections of a document, wherever they are.
func singles(root *etree.Element) single {
	var s single
	var twice [7]bool
	put := func(at **etree.Element, i int, e *etree.Element) {
		if *at != nil {
			twice[i] = true
		}
		*at = e
	}
	var walk func(e *etree.Element, op bool)
	walk = func(e *etree.Element, op bool) {
		for _, t := range e.Child {
			k, ok := t.(*etree.Element)
			if !ok {
				continue
			}
			below := op
			switch k.Tag {
			case "op":
				below = true
			case "op_defaults":
				below = true
				put(&s.opDefaults, 0, k)
			case "rsc_defaults":
				put(&s.rscDefaults, 1, k)
			case "crm_config":
				put(&s.options, 2, k)
			case "nodes":
				put(&s.nodes, 3, k)
			case "fencing-topology":
				put(&s.topology, 4, k)
			case "tags":
				put(&s.tags, 5, k)
			case "status":
				put(&s.status, 6, k)
			case "expression":
				if op {
					s.expressions++
				}
			}
			walk(k, below)
		}
	}
	walk(root, false)
	for i, at := range []**etree.Element{&s.opDefaults, &s.rscDefaults, &s.options, &s.nodes, &s.topology, &s.tags, &s.status} {
		if twice[i] {
			*at = nil
		}
	}
	return s
}

type idKey struct{ tag, id string }

// deref returns the element that the attribute id-ref of e names (the only one
// of its tag with that id), e itself without id-ref, nil if there is no such.
func (c *Cluster) deref(e *etree.Element) *etree.Element {
	ref, ok := attr(e, "id-ref")
	if !ok {
		return e
	}
	if c.ids == nil {
		c.ids = map[idKey]*etree.Element{}
		var walk func(e *etree.Element)
		walk = func(e *etree.Element) {
			if id, ok := attr(e, "id"); ok {
				k := idKey{e.Tag, id}
				if _, dup := c.ids[k]; dup {
					c.ids[k] = nil
				} else {
					c.ids[k] = e
				}
			}
			for k := range elements(e, "") {
				walk(k)
			}
		}
		walk(c.CIB)
	}
	return c.found(c.ids[idKey{e.Tag, ref}], e.Tag, ref)
}

func (c *Cluster) found(e *etree.Element, tag, ref string) *etree.Element {
	if e == nil {
		c.configErr("Ignoring invalid %s configuration: id-ref '%s' does not reference a valid object \a xpath=//%s[@id=%s]", tag, ref, tag, xml.QuoteXPath(ref))
	}
	return e
}

// derefIn is deref for the blocks of the element r. Every resource is a copy of its own to Pacemaker 3.0: what blocks in it
// refer to is found in that copy only (single pairs in the whole CIB).
func (c *Cluster) derefIn(r, e *etree.Element) *etree.Element {
	ref, ok := attr(e, "id-ref")
	if !ok {
		return e
	}
	scope := r
	for scope != nil && !isResource(scope) {
		scope = scope.Parent()
	}
	if scope == nil {
		return c.deref(e)
	}
	var match *etree.Element
	n := 0
	var walk func(x *etree.Element)
	walk = func(x *etree.Element) {
		if x.Tag == e.Tag && get(x, "id") == ref {
			match = x
			n++
		}
		for k := range elements(x, "") {
			walk(k)
		}
	}
	walk(scope)
	if n != 1 {
		match = nil
	}
	return c.found(match, e.Tag, ref)
}

func isResource(e *etree.Element) bool {
	switch e.Tag {
	case "primitive", "group", "clone", "master", "bundle":
		return true
	}
	return false
}

// input is the beginning of every rule's input.
func (c *Cluster) input() rule.Input {
	return rule.Input{
		Now:   c.Now,
		Deref: c.deref,
		Next:  &c.RecheckBy,
		Error: func(s string) { c.configErr("%s", s) },
		Warn:  func(s string) { c.configWarn("%s", s) },
		IntervalMS: func(s string) (uint32, bool) {
			ms, ok := ParseInterval(s)
			if !ok || ms < 0 {
				return 0, false
			}
			return interval(s), true
		},
	}
}

// blocks evaluates the name/value blocks of one kind below e into values;
// names that have a value already keep it.
func (c *Cluster) blocks(e *etree.Element, kind, firstID string, in *rule.Input, values *Values) {
	if e == nil {
		return
	}
	var list []*etree.Element
	for b := range elements(e, kind) {
		if _, ok := attr(b, "id-ref"); ok {
			b = c.derefIn(e, b)
		}
		if b != nil {
			list = append(list, b)
		}
	}
	switch len(list) {
	case 0:
		return
	case 1:
	default:
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
		MergeSort(list, func(a, b *etree.Element) int {
			if firstID != "" {
				if get(a, "id") == firstID {
					return -1
				}
				if get(b, "id") == firstID {
					return 1
				}
			}
			return c.blockScore(b) - c.blockScore(a)
		})
	}
	for _, b := range list {
		if r := first(b, "rule"); r != nil && rule.Evaluate(r, in) != rule.Pass {
			continue
		}
		if a := first(b, ""); a != nil && a.Tag == "attributes" {
			b = a
		}
		for p := range elements(b, "nvpair") {
			c.pair(p, values)
		}
	}
}

func (c *Cluster) blockScore(b *etree.Element) int {
	s, ok := attr(b, "score")
	if !ok {
		return 0
	}
	n, ok := c.score(s)
	if !ok {
		c.configWarn("Using 0 as %s score because '%s' is not a valid score: Bad input value provided", get(b, "id"), s)
	}
	return n
}

func (c *Cluster) pair(p *etree.Element, values *Values) {
	if _, ok := attr(p, "id-ref"); ok {
		if p = c.deref(p); p == nil {
			return
		}
	}
	name, ok1 := attr(p, "name")
	value, ok2 := attr(p, "value")
	if !ok1 || !ok2 {
		return
	}
	if strings.EqualFold(value, "#default") {
		c.configWarn("Support for setting meta-attributes (such as %s) to the explicit value '#default' is deprecated and will be removed in a future release", name)
		values.Remove(name)
		return
	}
	values.Add(name, value)
}

// Block evaluates the name/value blocks of one kind below an element that is no
// resource: rules may look at the time only.
func Block(root, e *etree.Element, kind string, now time.Time) Values {
	c := &Cluster{CIB: root, Now: now}
	in := c.input()
	var v Values
	c.blocks(e, kind, "", &in, &v)
	return v
}
