package upgrade

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// splitLocations makes one constraint of each rule of a location constraint.
func (m *modern) splitLocations() {
	split := map[string]string{} // what an ACL refers to a split constraint by
	var found []*etree.Element
	walk(m.root, func(el *etree.Element) {
		if el.Tag == "rsc_location" && len(kids(el, "rule")) > 1 {
			found = append(found, el)
		}
	})
	counts := map[string]int{}
	for _, el := range found {
		for i := range kids(el, "rule") {
			id := attr(el, "id")
			if split[id] != "" {
				split[id] += " or "
			}
			counts[id]++
			split[id] += fmt.Sprintf("@id = '%s%s-%d'", modernPrefix, id, max(i+1, counts[id]))
		}
	}
	walk(m.root, func(el *etree.Element) {
		if el.Tag != "acl_permission" || !has(el, "reference") {
			return
		}
		if ids := split[attr(el, "reference")]; ids != "" {
			replaceAttr(el, "reference", "xpath", "//*["+ids+"]")
			m.changed[el] = true
		}
	})
	for _, el := range found {
		m.split(el)
	}
}

func (m *modern) split(el *etree.Element) {
	parent, at := el.Parent(), el.Index()
	rules, sets, lifetimes := kids(el, "rule"), kids(el, "resource_set"), kids(el, "lifetime")
	parent.RemoveChildAt(at)
	for i, rule := range rules {
		n := shell(el)
		set(n, "id", fmt.Sprintf("%s%s-%d", modernPrefix, attr(el, "id"), i+1))
		add := func(parts []*etree.Element) {
			for _, p := range parts {
				if i == 0 {
					n.AddChild(p)
				} else {
					n.AddChild(p.Copy()) // a copy is not original
				}
			}
		}
		add(sets)
		n.AddChild(rule)
		add(lifetimes)
		parent.InsertChildAt(at+i, n)
	}
}

// lifetimes turns what a lifetime says into a rule of location constraints, and drops
// it from colocations and orderings.
func (m *modern) lifetimes() {
	rules := map[string][]*etree.Element{}
	walk(m.root, func(el *etree.Element) {
		if el.Tag == "rule" && has(el, "id") {
			rules[attr(el, "id")] = append(rules[attr(el, "id")], el)
		}
	})
	orphans := map[*etree.Element][]*etree.Element{} // by the element constraints
	walk(m.root, func(el *etree.Element) {
		if el.Tag != "constraints" {
			return
		}
		for _, c := range el.ChildElements() {
			if c.Tag != "rsc_colocation" && c.Tag != "rsc_order" {
				continue
			}
			for _, l := range kids(c, "lifetime") {
				for _, r := range kids(l, "rule") {
					if m.original[r] && liveElsewhere(rules[attr(r, "id")]) {
						orphans[el] = append(orphans[el], r)
					}
				}
			}
		}
	})
	m.dropLifetimes(m.root)
	for constraints, list := range orphans {
		id := modernPrefix + "coloc-order-lifetime-rules"
		loc := element("rsc_location", "id", id, "rsc-pattern", "a^")
		rule := element("rule", "id", id+"-rule", "score", "-INFINITY")
		for _, r := range list {
			rule.AddChild(r)
		}
		loc.AddChild(rule)
		constraints.AddChild(loc)
	}
}

// liveElsewhere tells whether a rule, given all places where it stands, is used outside
// of the lifetimes that vanish.
func liveElsewhere(places []*etree.Element) bool {
	vanishing := map[*etree.Element]bool{}
	for _, p := range places {
		for a := p.Parent(); a != nil; a = a.Parent() {
			if a.Tag == "lifetime" && a.Parent() != nil && (a.Parent().Tag == "rsc_colocation" || a.Parent().Tag == "rsc_order") {
				vanishing[a] = true
			}
		}
	}
	return len(vanishing) != len(places)
}

func (m *modern) dropLifetimes(el *etree.Element) {
	lifetimes := kids(el, "lifetime")
	switch {
	case len(lifetimes) == 0:
	case el.Tag == "rsc_location":
		m.mergeLifetime(el, lifetimes)
	case el.Tag == "rsc_colocation" || el.Tag == "rsc_order":
		for _, l := range lifetimes {
			m.warn("Dropping lifetime element from constraint %s because lifetime elements are no longer supported. Any rules contained there will no longer apply to the constraint", attr(el, "id"))
			el.RemoveChild(l)
		}
	}
	for _, c := range el.ChildElements() {
		m.dropLifetimes(c)
	}
}

// mergeLifetime joins the constraint's condition and its lifetime in one rule.
func (m *modern) mergeLifetime(el *etree.Element, lifetimes []*etree.Element) {
	id := modernPrefix + attr(el, "id")
	both := element("rule", "id", id+"-lifetime-and-rule", "boolean-op", "and")
	sets, rules := kids(el, "resource_set"), kids(el, "rule")
	score, node := el.SelectAttr("score"), attr(el, "node")
	if len(rules) == 0 {
		where := element("rule", "id", id+"-node-score-rule")
		if score != nil {
			set(where, "score", score.Value)
		}
		where.AddChild(element("expression", "id", id+"-node-score-rule-expr", "attribute", "#uname", "operation", "eq", "value", node))
		rules = []*etree.Element{where}
	}
	el.RemoveAttr("node")
	el.RemoveAttr("score")
	for _, r := range rules {
		both.AddChild(r)
	}
	for _, l := range lifetimes {
		into, inner := both, kids(l, "rule")
		if len(inner) == 0 { // what its rules refer to are no rules
			both.AddChild(l)
		}
		if len(inner) > 1 {
			into = element("rule", "id", id+"-lifetime-or-rule", "boolean-op", "or")
			both.AddChild(into)
		}
		for _, r := range inner {
			into.AddChild(r)
		}
	}
	var all []etree.Token
	for _, s := range sets {
		all = append(all, s)
	}
	setChildren(el, append(all, both))
}

// removals drops resources that 4.0 does not support, and what would be left of others.
func (m *modern) removals() {
	r := m.unsupported()
	m.remove(m.root, r)
}

// removed is what goes: elements, and the ids of resources among them.
type removed struct {
	elements map[*etree.Element]bool
	ids      map[string]bool
	class    map[*etree.Element]string // the class for which a primitive goes
}

func unsupportedClass(class string) bool {
	return strings.EqualFold(class, "nagios") || strings.EqualFold(class, "upstart")
}

func (m *modern) unsupported() removed {
	r := removed{map[*etree.Element]bool{}, map[string]bool{}, map[*etree.Element]string{}}
	templates := map[string][]*etree.Element{}
	walk(m.root, func(el *etree.Element) {
		if el.Tag == "template" {
			templates[attr(el, "id")] = append(templates[attr(el, "id")], el)
			r.elements[el] = unsupportedClass(attr(el, "class"))
		}
	})
	drop := func(el *etree.Element) {
		r.elements[el] = true
		if has(el, "id") {
			r.ids[attr(el, "id")] = true
		}
	}
	walk(m.root, func(el *etree.Element) {
		if el.Tag != "primitive" {
			return
		}
		goes := unsupportedClass(attr(el, "class"))
		r.class[el] = attr(el, "class")
		if has(el, "template") {
			of := templates[attr(el, "template")]
			all := true
			for _, t := range of {
				all = all && r.elements[t]
			}
			goes = goes || all
			if !has(el, "class") && len(of) > 0 {
				r.class[el] = attr(of[0], "class")
			}
		}
		if goes {
			drop(el)
		}
	})
	walk(m.root, func(el *etree.Element) {
		switch el.Tag {
		case "group":
			all := true
			for _, p := range kids(el, "primitive") {
				all = all && r.elements[p]
			}
			if all {
				drop(el)
			}
		case "clone":
			all := true
			walk(el, func(p *etree.Element) { all = all && (p.Tag != "primitive" || r.elements[p]) })
			if all {
				drop(el)
			}
		case "bundle":
			if hasKid(el, "rkt") {
				drop(el)
			}
		}
	})
	walk(m.root, func(el *etree.Element) {
		if el.Tag == "resource_ref" && has(el, "id") && r.ids[attr(el, "id")] {
			r.elements[el] = true
		}
	})
	walk(m.root, func(el *etree.Element) {
		if el.Tag == "resource_set" {
			all := true
			for _, ref := range kids(el, "resource_ref") {
				all = all && r.elements[ref]
			}
			r.elements[el] = all
		}
	})
	walk(m.root, func(el *etree.Element) {
		names := constraintTargets[el.Tag]
		if names == nil {
			return
		}
		goes := false
		for _, n := range names {
			goes = goes || has(el, n) && r.ids[attr(el, n)]
		}
		sets := kids(el, "resource_set")
		all := len(sets) > 0
		for _, s := range sets {
			all = all && r.elements[s]
		}
		r.elements[el] = goes || all
	})
	return r
}

// constraintTargets are the attributes by which constraints name resources.
var constraintTargets = map[string][]string{
	"rsc_location":   {"rsc"},
	"rsc_ticket":     {"rsc"},
	"rsc_colocation": {"rsc", "with-rsc"},
	"rsc_order":      {"first", "then"},
}

func (m *modern) remove(el *etree.Element, r removed) {
	var drop []*etree.Element
	for _, c := range el.ChildElements() {
		if !r.elements[c] && !m.obsoletePair(c) {
			m.remove(c, r)
			continue
		}
		drop = append(drop, c)
		id := attr(c, "id")
		switch c.Tag {
		case "template":
			m.warn("Dropping template %s because %s resources are no longer supported", id, attr(c, "class"))
		case "primitive":
			m.warn("Dropping resource %s because %s resources are no longer supported", id, r.class[c])
		case "bundle":
			m.warn("Dropping bundle resource %s because rkt containers are no longer supported", id)
		case "group", "clone":
			m.info("Dropping %s %s because it would become empty", c.Tag, id)
		}
	}
	for _, c := range drop {
		el.RemoveChild(c)
	}
}

// obsoletePair tells whether a pair is a meta attribute that 4.0 has no more, and says so.
func (m *modern) obsoletePair(pair *etree.Element) bool {
	meta := pair.Parent()
	if pair.Tag != "nvpair" || meta == nil || meta.Tag != "meta_attributes" || meta.Parent() == nil {
		return false
	}
	name, hint := attr(pair, "name"), ""
	switch meta.Parent().Tag {
	case "template", "primitive", "group", "clone", "bundle", "rsc_defaults":
		if name == "restart-type" {
			hint = `Consider setting the "kind" attribute for relevant constraints`
		}
	case "op", "op_defaults":
		if name == "can_fail" || name == "role_after_failure" {
			hint = `Consider setting the "on-fail" operation attribute instead`
		}
	}
	if hint == "" {
		return false
	}
	m.warn("Dropping %s meta-attribute from %s because it is no longer supported. %s", name, attr(meta, "id"), hint)
	return true
}
