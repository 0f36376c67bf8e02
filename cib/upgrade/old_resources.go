package upgrade

import (
	"slices"

	"github.com/beevik/etree"
)

// resource rewrites a primitive or a template.
func (o *old) resource(el *etree.Element) *etree.Element {
	out := shell(el)
	for i, t := range el.Child {
		c, ok := t.(*etree.Element)
		if !ok {
			copyTokens(out, []etree.Token{t})
			continue
		}
		var n *etree.Element
		switch c.Tag {
		case "operations":
			n = shell(c)
			for _, t := range c.Child {
				if op, ok := t.(*etree.Element); ok && op.Tag == "op" {
					n.AddChild(o.operation(el, op))
				} else {
					o.convertInto(n, []etree.Token{t})
				}
			}
		case "instance_attributes":
			n = o.parameters(c)
		case "meta_attributes":
			n = o.meta(el, c, el.Child[i+1:])
		default:
			n = o.convert(c)
		}
		if n != nil {
			out.AddChild(n)
		}
	}
	o.requirements(el, out)
	return out
}

// parameters rewrites the instance attributes of a resource; nil when none is left.
// A comment in front of a pair comes out twice, as with Pacemaker.
func (o *old) parameters(el *etree.Element) *etree.Element {
	out, left := shell(el), false
	for i, t := range el.Child {
		c, ok := t.(*etree.Element)
		if !ok || c.Tag != "nvpair" {
			o.convertInto(out, []etree.Token{t})
			continue
		}
		r := find(oldParameters, attr(c, "name"), attr(c, "value"))
		o.tell("Resource instance_attributes", attr(c, "id"), attr(c, "name"), r)
		if r != nil && r.with == "" {
			continue
		}
		left = true
		copyTokens(out, before(el.Child, i))
		if r != nil {
			out.AddChild(renamed(c, r))
		} else {
			out.AddChild(o.convert(c))
		}
	}
	if !left && !onlyComments(el) {
		return nil
	}
	return out
}

// meta rewrites the meta attributes of a resource; nil when none is left. following is
// what stands after the set.
func (o *old) meta(rsc, el *etree.Element, following []etree.Token) *etree.Element {
	out, left := shell(el), false
	ruled := hasKid(el, "rule")
	first := true // nothing stays or is replaced before it in the set
	for i, t := range el.Child {
		c, ok := t.(*etree.Element)
		if !ok || c.Tag != "nvpair" {
			o.convertInto(out, []etree.Token{t})
			continue
		}
		r := find(oldMeta, attr(c, "name"), attr(c, "value"))
		o.tell("Resource meta_attributes", attr(rsc, "id")+" (meta="+attr(el, "id")+")", attr(c, "name"), r)
		if r != nil && r.with == "" {
			continue
		}
		left = true
		switch {
		case r == nil:
			copyTokens(out, before(el.Child, i))
			out.AddChild(o.convert(c))
		case !ruled && first, ruled && !laterYields(following, r.with):
			copyTokens(out, before(el.Child, i))
			out.AddChild(renamed(c, r))
		}
		first = false
	}
	if !left && !onlyComments(el) {
		return nil
	}
	return out
}

// onlyComments tells of a set of a resource that is kept for its comments: it has one,
// not empty, and no rule.
func onlyComments(el *etree.Element) bool {
	if hasKid(el, "rule") {
		return false
	}
	for _, t := range el.Child {
		if c, ok := t.(*etree.Comment); ok {
			return c.Data != ""
		}
	}
	return false
}

// laterYields tells whether a later rule-less set of the resource gets the name from an
// old one.
func laterYields(following []etree.Token, name string) bool {
	for _, t := range following {
		s, ok := t.(*etree.Element)
		if !ok || s.Tag != "meta_attributes" || hasKid(s, "rule") {
			continue
		}
		for _, p := range kids(s, "nvpair") {
			if r := find(oldMeta, attr(p, "name"), attr(p, "value")); r != nil && r.with == name {
				return true
			}
		}
	}
	return false
}

// operation rewrites an operation. Parameters that are really properties of the
// operation move to its meta attributes.
func (o *old) operation(rsc, op *etree.Element) *etree.Element {
	out := shell(op)
	out.RemoveAttr("requires")
	where := func(s *etree.Element) string {
		return attr(op, "id") + " (rsc=" + attr(rsc, "id") + ", meta=" + attr(s, "id") + ")"
	}
	tell := func(s *etree.Element, area string, table map[string][]rename) {
		for _, p := range kids(s, "nvpair") {
			o.tell(area, where(s), attr(p, "name"), find(table, attr(p, "name"), attr(op, "name")))
		}
	}
	const parameterArea = "Resources-operation instance_attributes"
	var carried []etree.Token // from sets without a rule
	for _, s := range kids(op, "instance_attributes") {
		if !hasKid(s, "rule") {
			tell(s, parameterArea, oldOperationParameters)
			carried = append(carried, carriedOver(rsc, op, s)...)
		}
	}
	target := false // the meta attributes that take in what is carried over were met
	for _, t := range op.Child {
		c, ok := t.(*etree.Element)
		switch {
		case ok && c.Tag == "instance_attributes":
			if n := o.remaining(op, c, oldOperationParameters); n != nil {
				out.AddChild(n)
			}
		case ok && c.Tag == "meta_attributes":
			tell(c, "Resources-operation", oldOperation)
			n := o.remaining(op, c, oldOperation)
			if !target && !hasKid(c, "rule") {
				target = true
				if n == nil && len(carried) > 0 {
					n = shell(c)
				}
				if n != nil {
					copyTokens(n, carried)
				}
			}
			if n != nil {
				out.AddChild(n)
			}
		default:
			o.convertInto(out, []etree.Token{t})
		}
	}
	if !target && len(carried) > 0 {
		n := element("meta_attributes", "id", "_2TO3_"+attr(op, "id")+"-meta")
		copyTokens(n, carried)
		out.AddChild(n)
	}
	for _, s := range kids(op, "instance_attributes") {
		if !hasKid(s, "rule") {
			continue
		}
		tell(s, parameterArea, oldOperationParameters)
		if pairs := carriedOver(rsc, op, s); len(pairs) > 0 {
			n := o.companion(s)
			copyTokens(n, pairs)
			out.AddChild(n)
		}
	}
	return out
}

// companion is a new set of meta attributes for what leaves a set: with its attributes,
// its rule and comments, but none of its pairs.
func (o *old) companion(s *etree.Element) *etree.Element {
	n := shell(s)
	n.Tag = "meta_attributes"
	n.RemoveAttr("id")
	set(n, "id", "_2TO3_"+attr(s, "id"))
	for _, t := range s.Child {
		if c, ok := t.(*etree.Element); !ok || c.Tag != "nvpair" {
			o.convertInto(n, []etree.Token{t})
		}
	}
	return n
}

// remaining is a set of an operation without the names of the table; nil when no pair
// is left. Comments stay only in front of pairs that stay.
func (o *old) remaining(op, s *etree.Element, table map[string][]rename) *etree.Element {
	out, left := shell(s), false
	for i, t := range s.Child {
		c, ok := t.(*etree.Element)
		switch {
		case !ok:
			if _, comment := t.(*etree.Comment); !comment {
				copyTokens(out, []etree.Token{t})
			}
		case c.Tag != "nvpair":
			out.AddChild(o.convert(c))
		case find(table, attr(c, "name"), attr(op, "name")) == nil:
			left = true
			copyTokens(out, before(s.Child, i))
			out.AddChild(o.convert(c))
		}
	}
	if !left {
		return nil
	}
	return out
}

// carriedOver are the pairs of an operation's parameters that move to its meta
// attributes, with the comments in front of them.
func carriedOver(rsc, op, s *etree.Element) []etree.Token {
	var out []etree.Token
	for i, t := range s.Child {
		c, ok := t.(*etree.Element)
		if !ok || c.Tag != "nvpair" || !carries(rsc, op, s, attr(c, "name")) {
			continue
		}
		out = append(out, before(s.Child, i)...)
		out = append(out, shell(c))
	}
	return out
}

// carries tells whether a parameter of that name in set s moves, and no later set of
// the operation nor the resource has it.
func carries(rsc, op, s *etree.Element, name string) bool {
	r := find(oldOperationParameters, name, attr(op, "name"))
	if r == nil || r.where != "meta_attributes" || metaOf(rsc, name) {
		return false
	}
	after := false
	for _, o := range kids(op, "instance_attributes") {
		if after && !hasKid(o, "rule") && named(o, name) {
			return false
		}
		after = after || o == s
	}
	return true
}

// metaOf tells whether a rule-less set of the resource's meta attributes has the name.
func metaOf(rsc *etree.Element, name string) bool {
	return slices.ContainsFunc(kids(rsc, "meta_attributes"), func(s *etree.Element) bool { return !hasKid(s, "rule") && named(s, name) })
}

// requirements gives the resource what its operations required: what the last start or
// promote says, in an attribute, else in meta attributes, else in parameters.
func (o *old) requirements(rsc, out *etree.Element) {
	const name = "requires"
	var ops []*etree.Element
	for _, list := range kids(rsc, "operations") {
		ops = append(ops, kids(list, "op")...)
	}
	counts := func(op *etree.Element) bool {
		r := find(oldOperation, name, attr(op, "name"))
		return r != nil && r.where != ""
	}
	var by *etree.Element
	for _, op := range ops {
		if !has(op, name) {
			continue
		}
		o.tell("Resources-operation", attr(op, "id")+" (rsc="+attr(rsc, "id")+")", name, find(oldOperation, name, attr(op, "name")))
		if counts(op) {
			by = op
		}
	}
	if metaOf(rsc, name) {
		return
	}
	if by != nil {
		meta := element("meta_attributes", "id", "_2TO3_"+attr(rsc, "id")+"-meta")
		meta.AddChild(element("nvpair", "id", "_2TO3_"+attr(by, "id")+"-meta-requires", "name", name, "value", attr(by, name)))
		out.AddChild(meta)
		return
	}
	type source struct{ op, set *etree.Element }
	var sources []source
	for _, op := range ops {
		if !counts(op) {
			continue
		}
		for _, s := range op.ChildElements() {
			if (s.Tag == "meta_attributes" || s.Tag == "instance_attributes") && named(s, name) {
				sources = append(sources, source{op, s})
			}
		}
	}
	anyMeta := slices.ContainsFunc(sources, func(s source) bool { return s.set.Tag == "meta_attributes" && !hasKid(s.set, "rule") })
	for i, s := range sources {
		if s.set.Tag == "instance_attributes" && anyMeta ||
			slices.ContainsFunc(sources[i+1:], func(l source) bool { return l.set.Tag == s.set.Tag && !hasKid(l.set, "rule") }) {
			continue
		}
		n := o.companion(s.set)
		for _, p := range kids(s.set, "nvpair") {
			if attr(p, "name") == name {
				n.AddChild(shell(p))
			}
		}
		out.AddChild(n)
	}
}
