package patch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// Option changes how Diff compares.
type Option int

const (
	// Versions keeps the versions of both documents in the patch, as the CIB manager sends it.
	Versions Option = iota
	// NoVersions takes the old version for the new document too and leaves the
	// versions out, so that the patch fits a CIB that has moved on.
	NoVersions
	// AttributeOrder makes another order of attributes a difference. Without it only values count.
	AttributeOrder
)

var counters = []string{"admin_epoch", "epoch", "num_updates"}

// Diff gives the patch that turns old into new, or nil when they do not differ.
func Diff(old, new *etree.Element, opts ...Option) *etree.Element {
	d := &differ{order: slices.Contains(opts, AttributeOrder)}
	if slices.Contains(opts, NoVersions) {
		c := bare(new)
		for _, name := range counters {
			if a := old.SelectAttr(name); a != nil {
				c.CreateAttr(name, a.Value)
			} else {
				c.RemoveAttr(name)
			}
		}
		d.rootAttrs, d.root = c.Attr, new
	}
	d.pair(old, new)
	if len(d.deletes) == 0 && len(d.changes) == 0 {
		return nil
	}
	diff := etree.NewElement("diff")
	diff.CreateAttr("format", "2")
	if !slices.Contains(opts, NoVersions) {
		v := diff.CreateElement("version")
		for _, side := range []struct {
			tag string
			el  *etree.Element
		}{{"source", old}, {"target", new}} {
			s := v.CreateElement(side.tag)
			for _, name := range counters {
				s.CreateAttr(name, side.el.SelectAttrValue(name, "1"))
			}
		}
	}
	for _, c := range d.deletes {
		diff.AddChild(c)
	}
	for _, c := range d.changes {
		diff.AddChild(c)
	}
	return diff
}

type differ struct {
	order     bool
	root      *etree.Element // the element whose attributes rootAttrs stand for
	rootAttrs []etree.Attr
	deletes   []*etree.Element
	changes   []*etree.Element
}

func (d *differ) attrs(el *etree.Element) []etree.Attr {
	if el == d.root {
		return d.rootAttrs
	}
	return el.Attr
}

func change(operation, path string) *etree.Element {
	c := etree.NewElement("change")
	c.CreateAttr("operation", operation)
	c.CreateAttr("path", path)
	return c
}

// pair compares two elements that stand for each other.
func (d *differ) pair(old, new *etree.Element) {
	d.attributes(old, new)
	olds, news := nodes(old), nodes(new)
	partner := make([]int, len(news)) // index in olds, -1 for created
	taken := make([]int, len(olds))   // index in news, -1 for deleted
	for i := range partner {
		partner[i] = -1
	}
	for i, o := range olds {
		taken[i] = -1
		for j, n := range news {
			if partner[j] < 0 && fits(o, n, i, j) {
				partner[j], taken[i] = i, j
				break
			}
		}
	}
	gone := 0
	for i, o := range olds {
		if taken[i] >= 0 {
			continue
		}
		c := change("delete", step(old, o))
		if _, isComment := o.(*etree.Comment); isComment {
			c.CreateAttr("position", strconv.Itoa(i-gone))
		}
		d.deletes = append(d.deletes, c)
		gone++
	}
	skipOld, skipNew := make([]bool, len(olds)), make([]bool, len(news))
	for i := range olds {
		skipOld[i] = taken[i] < 0
	}
	moved := make([]bool, len(news))
	for j := range news {
		if partner[j] < 0 {
			skipNew[j] = true
			continue
		}
		i := partner[j]
		po, pn := unskipped(skipOld, i), unskipped(skipNew, j)
		if po != pn {
			moved[j] = true
			if po > pn {
				skipOld[i] = true
			} else {
				skipNew[j] = true
			}
		}
	}
	for j, n := range news {
		if partner[j] < 0 {
			c := change("create", Path(new))
			c.CreateAttr("position", strconv.Itoa(j))
			switch n := n.(type) {
			case *etree.Element:
				c.AddChild(n.Copy())
			case *etree.Comment:
				c.AddChild(etree.NewComment(n.Data))
			}
			d.changes = append(d.changes, c)
			continue
		}
		if o, ok := olds[partner[j]].(*etree.Element); ok {
			d.pair(o, n.(*etree.Element))
		}
		if moved[j] {
			c := change("move", step(new, n))
			c.CreateAttr("position", strconv.Itoa(j))
			d.changes = append(d.changes, c)
		}
	}
}

func unskipped(skip []bool, upTo int) int {
	n := 0
	for _, s := range skip[:upTo] {
		if !s {
			n++
		}
	}
	return n
}

// nodes are the children that a comparison sees: elements and comments.
func nodes(el *etree.Element) []etree.Token {
	out := make([]etree.Token, 0, len(el.Child))
	for _, c := range el.Child {
		switch c.(type) {
		case *etree.Element, *etree.Comment:
			out = append(out, c)
		}
	}
	return out
}

func fits(o, n etree.Token, i, j int) bool {
	switch o := o.(type) {
	case *etree.Element:
		n, ok := n.(*etree.Element)
		if !ok || o.Tag != n.Tag {
			return false
		}
		a, b := o.SelectAttr("id"), n.SelectAttr("id")
		return (a == nil) == (b == nil) && (a == nil || a.Value == b.Value)
	case *etree.Comment:
		n, ok := n.(*etree.Comment)
		return ok && o.Data == n.Data && i == j
	}
	return false
}

func (d *differ) attributes(old, new *etree.Element) {
	oa, na := d.attrs(old), d.attrs(new)
	set := make([]bool, len(na))
	var unset []string
	skipOld, skipNew := make([]bool, len(oa)), make([]bool, len(na))
	for i := range oa {
		j := slices.IndexFunc(na, func(a etree.Attr) bool { return a.Key == oa[i].Key })
		switch {
		case j < 0:
			unset = append(unset, oa[i].Key)
		case na[j].Value != oa[i].Value:
			set[j] = true
		case d.order:
			po, pn := unskipped(skipOld, i), unskipped(skipNew, j)
			if po != pn {
				set[j] = true
				if po > pn {
					skipOld[i] = true
				} else {
					skipNew[j] = true
				}
			}
		}
	}
	list := etree.NewElement("change-list")
	for j := range na {
		if set[j] || !slices.ContainsFunc(oa, func(a etree.Attr) bool { return a.Key == na[j].Key }) {
			c := list.CreateElement("change-attr")
			c.CreateAttr("name", na[j].Key)
			c.CreateAttr("operation", "set")
			c.CreateAttr("value", na[j].Value)
		}
	}
	for _, name := range unset {
		c := list.CreateElement("change-attr")
		c.CreateAttr("name", name)
		c.CreateAttr("operation", "unset")
	}
	if len(list.Child) == 0 {
		return
	}
	c := change("modify", Path(new))
	c.AddChild(list)
	r := c.CreateElement("change-result").CreateElement(new.Tag)
	r.Attr = slices.Clone(na)
	d.changes = append(d.changes, c)
}

// Path is the element's place: /cib/configuration/resources/primitive[@id='A'].
func Path(el *etree.Element) string {
	var steps []string
	for ; el != nil && el.Tag != ""; el = el.Parent() {
		steps = append(steps, name(el))
	}
	slices.Reverse(steps)
	return "/" + strings.Join(steps, "/")
}

func name(el *etree.Element) string {
	if id := el.SelectAttr("id"); id != nil {
		return fmt.Sprintf("%s[@id='%s']", el.Tag, id.Value)
	}
	return el.Tag
}

func step(parent *etree.Element, t etree.Token) string {
	if el, ok := t.(*etree.Element); ok {
		return Path(parent) + "/" + name(el)
	}
	return Path(parent) + "/comment"
}

func bare(el *etree.Element) *etree.Element {
	b := etree.NewElement(el.Tag)
	b.Attr = slices.Clone(el.Attr)
	return b
}
