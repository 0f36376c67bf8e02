package upgrade

import (
	"fmt"

	"github.com/beevik/etree"
)

// unfold replaces each element with id-ref by a copy of what has that id.
func (m *modern) unfold() error {
	byID := map[string][]*etree.Element{}
	walk(m.root, func(el *etree.Element) {
		if has(el, "id") {
			byID[attr(el, "id")] = append(byID[attr(el, "id")], el)
		}
	})
	u := unfolder{byID: byID, original: map[*etree.Element]bool{}}
	out, err := u.copy(m.root, true)
	if err != nil {
		return err
	}
	children := append([]etree.Token(nil), out.Child...)
	setChildren(out, nil)
	setChildren(m.root, children)
	u.original[m.root] = true
	m.original = u.original
	return nil
}

// unfolder copies a document with the references in it resolved.
type unfolder struct {
	byID     map[string][]*etree.Element
	original map[*etree.Element]bool
	open     []*etree.Element // what is being copied for a reference, outermost first
	size     int
}

// maxUnfolded bounds what references to references may blow a document up to.
const maxUnfolded = 5_000_000

func (u *unfolder) copy(el *etree.Element, original bool) (*etree.Element, error) {
	if u.size++; u.size > maxUnfolded {
		return nil, fmt.Errorf("unfolded references would make more than %d elements", maxUnfolded)
	}
	c := shell(el)
	if original {
		u.original[c] = true
	}
	for _, t := range el.Child {
		k, ok := t.(*etree.Element)
		if !ok {
			copyTokens(c, []etree.Token{t})
			continue
		}
		if !has(k, "id-ref") {
			n, err := u.copy(k, original)
			if err != nil {
				return nil, err
			}
			c.AddChild(n)
			continue
		}
		if err := u.resolve(c, k); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// resolve adds to parent what the referrer stands for.
func (u *unfolder) resolve(parent, referrer *etree.Element) error {
	targets := u.byID[attr(referrer, "id-ref")]
	if referrer.Tag == "nvpair" && has(referrer, "name") {
		// The pair under another name: the copy gets an id of its own and stays.
		pair := element("nvpair")
		for _, t := range targets {
			for _, a := range t.Attr {
				set(pair, a.Key, a.Value)
			}
		}
		id := ""
		if len(targets) > 0 {
			id = attr(targets[0], "id")
		}
		set(pair, "id", modernPrefix+id+"-"+attr(referrer, "name"))
		set(pair, "name", attr(referrer, "name"))
		copyTokens(pair, referrer.Child)
		parent.AddChild(pair)
		return nil
	}
	for _, t := range targets {
		for _, o := range u.open {
			if o == t {
				return fmt.Errorf("the reference to %q leads back to itself", attr(t, "id"))
			}
		}
		if has(t, "id-ref") {
			if err := u.both(parent, t); err != nil {
				return err
			}
			continue
		}
		u.open = append(u.open, t)
		c, err := u.copy(t, false)
		u.open = u.open[:len(u.open)-1]
		if err != nil {
			return err
		}
		parent.AddChild(c)
	}
	return nil
}

// both follows an element that has id and id-ref: what it refers to stands for it.
func (u *unfolder) both(parent, t *etree.Element) error {
	u.open = append(u.open, t)
	defer func() { u.open = u.open[:len(u.open)-1] }()
	return u.resolve(parent, t)
}

// fold makes references again of what is a copy, where the element with that id stands
// before it or is one of the input's own, and settles what ACLs refer to.
func (m *modern) fold() {
	first := map[string]bool{}
	own := map[string]bool{}
	any := map[string]bool{}
	byXPath, changed := false, false
	walk(m.root, func(el *etree.Element) {
		if has(el, "id") {
			any[attr(el, "id")] = true
			if m.original[el] {
				own[attr(el, "id")] = true
			}
		}
		changed = changed || m.changed[el]
		byXPath = byXPath || el.Tag == "acl_permission" && has(el, "xpath")
	})
	if byXPath && changed {
		m.warn(`CIB syntax changes may invalidate ACLs that use "xpath". It is strongly recommended to run "cibadmin --upgrade" and then examine the updated CIB carefully to ensure ACLs still match the desired intent.`)
	}
	var visit func(el *etree.Element, emit bool)
	visit = func(el *etree.Element, emit bool) {
		id, fold := attr(el, "id"), false
		if has(el, "id") {
			fold = emit && !m.original[el] && (own[id] || first[id])
			first[id] = true
		}
		if emit && !fold && el.Tag == "acl_permission" && has(el, "reference") && !any[attr(el, "reference")] {
			replaceAttr(el, "reference", "xpath", "/*[false()]")
		}
		for _, c := range el.ChildElements() {
			visit(c, emit && !fold)
		}
		if fold {
			setChildren(el, nil)
			el.Attr = nil
			set(el, "id-ref", id)
		}
	}
	visit(m.root, true)
}
