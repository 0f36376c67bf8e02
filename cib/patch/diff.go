package patch

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
	"hacluster/cib/xml"
)

// Option changes how Diff compares and Apply works.
type Option int

const (
	// Versions keeps the versions of both documents in the patch, as the CIB manager sends it.
	Versions Option = iota
	// NoVersions takes what the old document has of a version for the new one too and leaves
	// the versions out, so that the patch fits a CIB that has moved on.
	NoVersions
	// AttributeOrder makes another order of attributes a difference. Without it only values count.
	AttributeOrder
	// WithDigest adds the digest of the new document, which Apply checks its result with.
	WithDigest
	// KeepOrder is for Apply: attributes that were there keep their places, so that only values count.
	KeepOrder
)

var counters = []string{"admin_epoch", "epoch", "num_updates"}

// Diff gives the patch that turns old into new, or nil when they do not differ.
func Diff(old, new *etree.Element, opts ...Option) *etree.Element { return diff(nil, old, new, opts) }

// Diff gives the patch that turns the document as it was into the one below root, nil when they
// do not differ. It costs what changed, and looks no further.
func (j *Journal) Diff(root *etree.Element, opts ...Option) *etree.Element {
	if j.Empty() {
		return nil
	}
	if j.root != nil {
		return diff(j, j.root, root, opts)
	}
	return diff(j, root, root, opts)
}

func diff(j *Journal, old, new *etree.Element, opts []Option) *etree.Element {
	d := &differ{
		was:     j,
		order:   slices.Contains(opts, AttributeOrder),
		created: map[etree.Token]bool{}, moved: map[etree.Token]bool{}, modified: map[*etree.Element]*etree.Element{},
	}
	was := &etree.Element{Tag: new.Tag, Attr: j.attrs(old)}
	if slices.Contains(opts, NoVersions) {
		c := bare(new)
		for _, name := range counters {
			if a := was.SelectAttr(name); a != nil {
				c.CreateAttr(name, a.Value)
			}
		}
		d.rootAttrs, d.root = c.Attr, new
	}
	if old == new && j != nil {
		d.reach = j.reached()
	}
	d.compare(old, new)
	d.write(new)
	if len(d.deletes) == 0 && len(d.changes) == 0 {
		return nil
	}
	diff := etree.NewElement("diff")
	diff.CreateAttr("format", "2")
	if slices.Contains(opts, WithDigest) {
		diff.CreateAttr("digest", Digest(new))
	}
	if !slices.Contains(opts, NoVersions) {
		v := diff.CreateElement("version")
		for _, side := range []struct {
			tag string
			el  *etree.Element
		}{{"source", was}, {"target", new}} {
			s := v.CreateElement(side.tag)
			for _, name := range counters {
				// A counter that is gone in the new document still stands for what it was.
				s.CreateAttr(name, side.el.SelectAttrValue(name, was.SelectAttrValue(name, "1")))
			}
		}
	}
	for _, c := range d.deletes {
		diff.AddChild(c)
	}
	for _, c := range d.changes {
		diff.AddChild(c)
	}
	if before, now := name(was), name(new); new.SelectAttr("id") == nil && before != now { // it goes by the id that it had
		for _, c := range diff.SelectElements("change") {
			c.CreateAttr("path", "/"+before+strings.TrimPrefix(c.SelectAttrValue("path", ""), "/"+now))
		}
	}
	return diff
}

type differ struct {
	was       *Journal                // how the old document was, where both are one
	reach     map[*etree.Element]bool // where they may differ; nil: everywhere
	order     bool
	root      *etree.Element // the element whose attributes rootAttrs stand for
	rootAttrs []etree.Attr

	created, moved map[etree.Token]bool
	modified       map[*etree.Element]*etree.Element // the change element of a new one

	deletes []*etree.Element
	changes []*etree.Element
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

// compare notes how two elements that stand for each other differ.
func (d *differ) compare(old, new *etree.Element) {
	if old == new && d.reach != nil && !d.reach[new] {
		return
	}
	if d.reach != nil {
		d.reach[new] = true // it may stand in the other's place
	}
	d.attributes(old, new)
	olds, news := seen(d.was.children(old)), nodes(new)
	taken, partner := match(d.was, olds, news)
	gone := 0
	skipOld, skipNew := newCounter(len(olds)), newCounter(len(news))
	for i, o := range olds {
		if taken[i] >= 0 {
			if el, ok := o.(*etree.Element); ok {
				d.compare(el, news[taken[i]].(*etree.Element))
			}
			continue
		}
		c := change("delete", d.step(new, o))
		if _, isComment := o.(*etree.Comment); isComment {
			c.CreateAttr("position", strconv.Itoa(i-gone))
		}
		d.deletes = append(d.deletes, c)
		gone++
		skipOld.skip(i)
	}
	for j, n := range news {
		if partner[j] < 0 {
			d.created[n] = true
			skipNew.skip(j)
			continue
		}
		i := partner[j]
		if po, pn := skipOld.before(i), skipNew.before(j); po != pn {
			d.moved[n] = true
			if po > pn {
				skipOld.skip(i)
			} else {
				skipNew.skip(j)
			}
		}
	}
}

// write adds the changes of an element and of what is inside it, in the new document's order.
func (d *differ) write(new *etree.Element) {
	if d.reach != nil && !d.reach[new] {
		return
	}
	if c := d.modified[new]; c != nil {
		d.changes = append(d.changes, c)
	}
	for j, n := range nodes(new) {
		if d.created[n] {
			c := change("create", Path(new))
			c.CreateAttr("position", strconv.Itoa(j))
			c.AddChild(copyOf(n))
			d.changes = append(d.changes, c)
			continue
		}
		if el, ok := n.(*etree.Element); ok {
			d.write(el)
		}
		if d.moved[n] {
			c := change("move", d.step(new, n))
			c.CreateAttr("position", strconv.Itoa(j))
			d.changes = append(d.changes, c)
		}
	}
}

// counter counts, of a row of items, those before a place that are not skipped
// (a Fenwick tree of the skipped ones).
type counter []int

func newCounter(n int) counter { return make(counter, n+1) }

func (c counter) skip(i int) {
	for i++; i < len(c); i += i & -i {
		c[i]++
	}
}

func (c counter) before(i int) int {
	n := i
	for ; i > 0; i -= i & -i {
		n -= c[i]
	}
	return n
}

// nodes are the children that a comparison sees: elements and comments.
func nodes(el *etree.Element) []etree.Token { return seen(el.Child) }

func seen(child []etree.Token) []etree.Token {
	out := make([]etree.Token, 0, len(child))
	for _, c := range child {
		switch c.(type) {
		case *etree.Element, *etree.Comment:
			out = append(out, c)
		}
	}
	return out
}

// match finds which children stand for each other: an old element is the first new one
// of its name and id that is still free, a comment the one of its place and text.
// Both results give the index on the other side, -1 without a partner. The old elements are taken
// as was says.
func match(was *Journal, olds, news []etree.Token) (taken, partner []int) {
	type key struct {
		tag, id string
		hasID   bool
	}
	keyOf := func(el *etree.Element, attrs []etree.Attr) key {
		for i := range attrs {
			if attrs[i].Key == "id" {
				return key{el.Tag, attrs[i].Value, true}
			}
		}
		return key{tag: el.Tag}
	}
	taken, partner = make([]int, len(olds)), make([]int, len(news))
	if slices.Equal(olds, news) && !slices.ContainsFunc(olds, func(t etree.Token) bool {
		el, ok := t.(*etree.Element)
		return ok && was.renamed(el)
	}) {
		for i := range olds {
			taken[i], partner[i] = i, i
		}
		return taken, partner
	}
	free := map[key][]int{}
	for j, n := range news {
		partner[j] = -1
		if el, ok := n.(*etree.Element); ok {
			k := keyOf(el, el.Attr)
			free[k] = append(free[k], j)
		}
	}
	for i, o := range olds {
		taken[i] = -1
		switch o := o.(type) {
		case *etree.Element:
			k := keyOf(o, was.attrs(o))
			if left := free[k]; len(left) > 0 {
				taken[i], partner[left[0]], free[k] = left[0], i, left[1:]
			}
		case *etree.Comment:
			if i < len(news) {
				if n, ok := news[i].(*etree.Comment); ok && n.Data == o.Data {
					taken[i], partner[i] = i, i
				}
			}
		}
	}
	return taken, partner
}

// Pair is two elements that stand for each other in two documents.
type Pair struct{ Old, New *etree.Element }

// Children pairs the children of two elements as Diff does: those that stand for each
// other, those that only old has, and those that only new has (elements and comments).
func Children(old, new *etree.Element) (pairs []Pair, gone, fresh []etree.Token) {
	olds, news := nodes(old), nodes(new)
	taken, partner := match(nil, olds, news)
	for i, o := range olds {
		el, isElement := o.(*etree.Element)
		switch {
		case taken[i] < 0:
			gone = append(gone, o)
		case isElement:
			pairs = append(pairs, Pair{el, news[taken[i]].(*etree.Element)})
		}
	}
	for j, n := range news {
		if partner[j] < 0 {
			fresh = append(fresh, n)
		}
	}
	return pairs, gone, fresh
}

// Same tells that two elements have the same attributes in the same order, and the
// same elements and comments inside.
func Same(a, b *etree.Element) bool {
	return (*Journal)(nil).same(a, b)
}

func (d *differ) attributes(old, new *etree.Element) {
	oa, na := d.was.attrs(old), d.attrs(new)
	set := make([]bool, len(na))
	var unset []string
	skipOld, skipNew := newCounter(len(oa)), newCounter(len(na))
	for i := range oa {
		j := slices.IndexFunc(na, func(a etree.Attr) bool { return a.Key == oa[i].Key })
		switch {
		case j < 0:
			unset = append(unset, oa[i].Key)
		case na[j].Value != oa[i].Value:
			set[j] = true
		case d.order:
			if po, pn := skipOld.before(i), skipNew.before(j); po != pn {
				set[j] = true
				if po > pn {
					skipOld.skip(i)
				} else {
					skipNew.skip(j)
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
	d.modified[new] = c
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
		return el.Tag + idStep + xml.QuoteXPath(id.Value) + "]"
	}
	return el.Tag
}

// step is the path of a child, one that went by the id that it had.
func (d *differ) step(parent *etree.Element, t etree.Token) string {
	if el, ok := t.(*etree.Element); ok {
		return Path(parent) + "/" + name(&etree.Element{Tag: el.Tag, Attr: d.was.attrs(el)})
	}
	return Path(parent) + "/comment"
}

func bare(el *etree.Element) *etree.Element {
	b := etree.NewElement(el.Tag)
	b.Attr = slices.Clone(el.Attr)
	return b
}
