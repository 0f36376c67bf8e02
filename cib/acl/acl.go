// Package acl decides what a user may see and change in a CIB.
//
// Permissions stand in the CIB itself: acl_target names a user, acl_group a group,
// both hold roles, a role's acl_permissions give or deny access to the elements that
// an XPath, an id or a type selects. What an element has no permission of its own
// for it has from the nearest element around it that has; what nothing permits is
// denied. root and hacluster may do all, and so may everybody as long as the
// property enable-acl is not true.
//
//	p := acl.For(root, acl.User{Name: "joe", Groups: groups}, now)
//	p.Filter(root)       // what joe may see
//	g := p.Guard(work)   // watches a change of work
//	g.Set(el, "score"); el.CreateAttr("score", "5")
//	g.Denied()           // true: the change must not be made
//
// A nil *Policy and a nil *Guard permit everything.
package acl

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/cib/rule"
	"hacluster/cib/xml"
)

// User is who asks.
type User struct {
	Name   string   // "" is the cluster itself
	Groups []string // names of the groups that the user is in
}

// GroupsText is groups as they travel with a request, blank separated, without those whose names have blanks: such a one would be taken for the groups
// that its words are the names of. See SpacedText.
func GroupsText(groups []string) string {
	var out []string
	for _, g := range groups {
		if !spaced(g) {
			out = append(out, g)
		}
	}
	return strings.Join(out, " ")
}

// ParseGroups reads what GroupsText wrote.
func ParseGroups(text string) []string { return strings.Fields(text) }

// SpacedText is the groups whose names have blanks, each as in the path of a URL.
func SpacedText(groups []string) string {
	var out []string
	for _, g := range groups {
		if spaced(g) {
			out = append(out, url.PathEscape(g))
		}
	}
	return strings.Join(out, " ")
}

// ParseSpaced reads what SpacedText wrote, and leaves out what it did not.
func ParseSpaced(text string) []string {
	var out []string
	for _, f := range strings.Fields(text) {
		if g, err := url.PathUnescape(f); err == nil && spaced(g) {
			out = append(out, g)
		}
	}
	return out
}

func spaced(group string) bool { return strings.ContainsFunc(group, unicode.IsSpace) }

// Privileged tells that permissions do not apply to the user.
func (u User) Privileged() bool {
	return u.Name == "" || u.Name == "root" || u.Name == "hacluster"
}

// Mode is a set of permissions that an element has of its own.
type Mode uint8

// The permissions. Deny outweighs the others; Write includes Read.
const (
	Read Mode = 1 << iota
	Write
	Deny
)

// permission gives mode to what the XPath selects.
type permission struct {
	mode  Mode
	xpath string
}

// Policy is what one user may do.
type Policy struct {
	user        string
	permissions []permission
}

// Enabled tells that the CIB has permissions switched on. now is the time that
// rules on properties are evaluated at.
func Enabled(root *etree.Element, now time.Time) bool {
	conf := root.SelectElement("configuration")
	if conf == nil {
		return false
	}
	config := conf.SelectElement("crm_config")
	if config == nil {
		return false
	}
	sets := config.SelectElements("cluster_property_set")
	slices.SortStableFunc(sets, func(a, b *etree.Element) int { return weight(b) - weight(a) })
	for _, set := range sets {
		if r := set.SelectElement("rule"); r != nil && rule.Evaluate(r, &rule.Input{Now: now}) != rule.Pass {
			continue
		}
		for _, nv := range set.SelectElements("nvpair") {
			if nv.SelectAttrValue("name", "") == "enable-acl" {
				return number.IsTrue(nv.SelectAttrValue("value", ""))
			}
		}
	}
	return false
}

// weight orders property sets: the set that tools write to first, then by score.
func weight(set *etree.Element) int {
	if set.SelectAttrValue("id", "") == "cib-bootstrap-options" {
		return 1 << 30
	}
	n, negative, digits := 0, false, set.SelectAttrValue("score", "")
	switch digits {
	case "INFINITY", "+INFINITY":
		return 1000000
	case "-INFINITY":
		return -1000000
	}
	if rest, ok := strings.CutPrefix(digits, "-"); ok {
		negative, digits = true, rest
	}
	for _, c := range strings.TrimPrefix(digits, "+") {
		if c < '0' || c > '9' {
			return 0
		}
		n = min(n*10+int(c-'0'), 1000000)
	}
	if negative {
		return -n
	}
	return n
}

// For gives the user's policy in this CIB; nil when the user may do all.
func For(root *etree.Element, user User, now time.Time) *Policy {
	if user.Privileged() || !Enabled(root, now) {
		return nil
	}
	return Permissions(root, user)
}

// nameOf is the name of a user or group that permissions are for.
func nameOf(el *etree.Element) string {
	return el.SelectAttrValue("name", el.SelectAttrValue("id", ""))
}

// Named are those of some groups that have permissions in a document.
func Named(root *etree.Element, groups []string) []string {
	acls := first(root, "acls")
	if acls == nil {
		return nil
	}
	var out []string
	for _, el := range acls.SelectElements("acl_group") {
		if name := nameOf(el); slices.Contains(groups, name) {
			out = append(out, name)
		}
	}
	return out
}

// Permissions is For as if permissions were switched on.
func Permissions(root *etree.Element, user User) *Policy {
	if user.Privileged() {
		return nil
	}
	p := &Policy{user: user.Name}
	acls := first(root, "acls")
	if acls == nil {
		return p
	}
	for _, el := range acls.ChildElements() {
		name := nameOf(el)
		switch {
		case name == "":
		case el.Tag == "acl_target" && name == user.Name, el.Tag == "acl_group" && slices.Contains(user.Groups, name):
			for _, c := range el.ChildElements() {
				switch c.Tag {
				case "role":
					p.role(root, c.SelectAttrValue("id", ""))
				case "acl_permission": // only where the schema is not checked
					p.add(c)
				}
			}
		}
	}
	return p
}

// first gives the first element of that name in the document.
func first(el *etree.Element, tag string) *etree.Element {
	if el.Tag == tag {
		return el
	}
	for _, c := range el.ChildElements() {
		if f := first(c, tag); f != nil {
			return f
		}
	}
	return nil
}

func (p *Policy) role(root *etree.Element, id string) {
	var find func(el *etree.Element) *etree.Element
	find = func(el *etree.Element) *etree.Element {
		if el.Tag == "acl_role" && el.SelectAttrValue("id", "") == id {
			return el
		}
		for _, c := range el.ChildElements() {
			if f := find(c); f != nil {
				return f
			}
		}
		return nil
	}
	if role := find(root); role != nil && id != "" {
		for _, c := range role.SelectElements("acl_permission") {
			p.add(c)
		}
	}
}

// add reads an acl_permission. One that names no kind, or nothing to permit, is no permission.
func (p *Policy) add(el *etree.Element) {
	mode, ok := map[string]Mode{"read": Read, "write": Write, "deny": Deny}[el.SelectAttrValue("kind", "")]
	if !ok {
		return
	}
	if x := el.SelectAttr("xpath"); x != nil {
		p.permissions = append(p.permissions, permission{mode, x.Value})
		return
	}
	tag, ref, attr := el.SelectAttr("object-type"), el.SelectAttr("reference"), el.SelectAttr("attribute")
	if tag == nil && ref == nil {
		return
	}
	expr := "//*"
	if tag != nil {
		expr = "//" + tag.Value
	}
	var conditions []string
	if ref != nil {
		conditions = append(conditions, "@id="+xml.QuoteXPath(ref.Value))
	}
	if attr != nil {
		conditions = append(conditions, "@"+attr.Value)
	}
	if conditions != nil {
		expr += "[" + strings.Join(conditions, " and ") + "]"
	}
	p.permissions = append(p.permissions, permission{mode, expr})
}

// Marks are the permissions that elements have of their own.
type Marks map[*etree.Element]Mode

// Marks evaluates the permissions on a document. A permission whose XPath selects an
// attribute, a comment or the document means the element that it belongs to; one
// that cannot be read means nothing.
func (p *Policy) Marks(root *etree.Element) Marks {
	marks := Marks{}
	p.mark(root, marks)
	return marks
}

func (p *Policy) mark(root *etree.Element, marks Marks) {
	for _, perm := range p.permissions {
		found, err := xml.Select(root, perm.xpath)
		if err != nil {
			continue
		}
		for _, m := range found {
			marks[m.Element] |= perm.mode
		}
	}
}

// May tells whether the element may be read or written: its own permission counts,
// else that of the nearest element around it.
func (m Marks) May(el *etree.Element, want Mode) bool {
	for ; el != nil; el = el.Parent() {
		switch own := m[el]; {
		case own&Deny != 0:
			return false
		case own&Write != 0, own&Read != 0 && want == Read:
			return true
		}
	}
	return false
}

// Filter gives a copy of the document with what the user may read, nil when that is
// nothing. Around it the elements stay, with no attribute but their id.
func (p *Policy) Filter(root *etree.Element) *etree.Element {
	if p == nil {
		return root
	}
	out := xml.Copy(root)
	marks := p.Marks(out)
	// What is denied goes first, also where it stands inside what may be read.
	var denied []*etree.Element
	for el, mode := range marks {
		if mode&Deny != 0 {
			denied = append(denied, el)
		}
	}
	for _, el := range denied {
		if !purge(el, marks) && el != out {
			if parent := el.Parent(); parent != nil {
				parent.RemoveChild(el)
			}
		}
	}
	if !purge(out, marks) {
		return nil
	}
	return out
}

// purge takes out of el what may not be read; false when nothing is left of it.
func purge(el *etree.Element, marks Marks) bool {
	if own := marks[el]; own&Deny == 0 && own&(Read|Write) != 0 {
		return true
	}
	el.Attr = slices.DeleteFunc(el.Attr, func(a etree.Attr) bool { return a.FullKey() != "id" })
	left := false
	for i := len(el.Child) - 1; i >= 0; i-- {
		if c, ok := el.Child[i].(*etree.Element); ok && purge(c, marks) {
			left = true
			continue
		}
		el.RemoveChildAt(i)
	}
	return left
}
