package doc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// references are elements whose id names another element.
var references = []string{"acl_target", "role", "obj_ref", "resource_ref"}

// FindIDs are the elements of the configuration with an id; references and <status> are left
// out. A primitive that makes a guest node of that name counts too: Pacemaker makes a
// resource of that name for it.
func FindIDs(el *etree.Element, id string) []*etree.Element {
	root := Root(el)
	var out []*etree.Element
	collect := func(e *etree.Element) {
		for _, c := range All(e) {
			if !slices.Contains(references, c.Tag) && Has(c, "id") && ID(c) == id || makesGuest(c, id) {
				out = append(out, c)
			}
		}
	}
	if root.Tag != "cib" {
		collect(root)
		return out
	}
	for _, section := range root.ChildElements() {
		if section.Tag != "status" {
			collect(section)
		}
	}
	return out
}

func makesGuest(el *etree.Element, name string) bool {
	if el.Tag != "primitive" {
		return false
	}
	v, ok := Value(el, "meta_attributes", "remote-node")
	return ok && v == name
}

// IDExists tells whether an id is taken.
func IDExists(el *etree.Element, id string) bool { return len(FindIDs(el, id)) > 0 }

// UniqueID is the proposed id, with -1, -2, … behind it when it is taken.
func UniqueID(el *etree.Element, proposed string) string {
	for id, n := proposed, 1; ; n++ {
		if !IDExists(el, id) {
			return id
		}
		id = fmt.Sprintf("%s-%d", proposed, n)
	}
}

// IDs hands out ids that are free in a tree and not handed out before.
type IDs struct {
	root   *etree.Element
	booked map[string]bool
}

// NewIDs makes a source of ids for the tree that el stands in.
func NewIDs(el *etree.Element) *IDs { return &IDs{root: Root(el), booked: map[string]bool{}} }

// Allocate is the proposed id made unique, booked.
func (s *IDs) Allocate(proposed string) string {
	for id, n := proposed, 1; ; n++ {
		if s.Free(id) {
			s.booked[id] = true
			return id
		}
		id = fmt.Sprintf("%s-%d", proposed, n)
	}
}

// Free tells whether nobody has the id.
func (s *IDs) Free(id string) bool { return !s.booked[id] && !IDExists(s.root, id) }

// Book takes ids; it names those that are taken already.
func (s *IDs) Book(ids ...string) (taken []string) {
	for _, id := range ids {
		if slices.Contains(taken, id) {
			continue
		}
		if !s.Free(id) {
			taken = append(taken, id)
			continue
		}
		s.booked[id] = true
	}
	return taken
}

// Sub is an id for something inside an element: ID-suffix.
func (s *IDs) Sub(el *etree.Element, suffix string) string {
	base := el.Tag
	if Has(el, "id") {
		base = ID(el)
	}
	return s.Allocate(SanitizeID(base+"-"+suffix, ""))
}

func idFirst(r rune) bool {
	return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
}

func idRest(r rune) bool { return idFirst(r) || r == '.' || r == '-' || (r >= '0' && r <= '9') }

// SanitizeID drops characters that an id cannot have, or replaces them (never the first).
func SanitizeID(text, replacement string) string {
	var b strings.Builder
	for i, r := range []rune(text) {
		switch {
		case i == 0:
			if idFirst(r) {
				b.WriteRune(r)
			}
		case idRest(r):
			b.WriteRune(r)
		default:
			b.WriteString(replacement)
		}
	}
	return b.String()
}

// CheckID gives the complaints about an id's form, in pcs's words. description says what it is the id of.
func CheckID(id, description string) []string {
	if description == "" {
		description = "id"
	}
	if id == "" {
		return []string{description + " cannot be empty"}
	}
	var out []string
	for i, r := range []rune(id) {
		if i == 0 && !idFirst(r) {
			out = append(out, fmt.Sprintf("invalid %s '%s', '%c' is not a valid first character for a %s", description, id, r, description))
		} else if i > 0 && !idRest(r) {
			out = append(out, fmt.Sprintf("invalid %s '%s', '%c' is not a valid character for a %s", description, id, r, description))
		}
	}
	return out
}

// typeNames are how users call kinds of elements.
var typeNames = map[string]string{
	"acl_group": "ACL group", "acl_permission": "ACL permission", "acl_role": "ACL role", "acl_target": "ACL user",
	"fencing-level": "fencing level", "master": "clone", "primitive": "resource", "resource_set": "resource set",
	"rsc_colocation": "colocation constraint", "rsc_location": "location constraint", "rsc_order": "order constraint",
	"rsc_ticket": "ticket constraint",
}

// TypeName is how users call a kind of element.
func TypeName(tag string) string {
	if n, ok := typeNames[tag]; ok {
		return n
	}
	return tag
}

// TypeList joins kinds of elements as bundle/clone/group/resource, with an article if asked for.
func TypeList(tags []string, article bool) string {
	if len(tags) == 0 {
		return ""
	}
	var names []string
	for _, t := range tags {
		names = append(names, TypeName(t))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	text := strings.Join(names, "/")
	if !article {
		return text
	}
	if strings.HasPrefix(names[0], "ACL") || names[0] == "options set" {
		return "an " + text
	}
	return "a " + text
}

// TypeList09 is TypeList as 0.9 has it: fewer translations, nothing joined.
func TypeList09(tags []string, article bool) string {
	if len(tags) == 0 {
		return ""
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t
		if strings.HasPrefix(t, "acl_") || t == "primitive" {
			names[i] = typeNames[t]
		}
	}
	slices.Sort(names)
	text := strings.Join(names, "/")
	if !article {
		return text
	}
	if strings.HasPrefix(names[0], "ACL") {
		return "an " + text
	}
	return "a " + text
}

// TypeName09 is TypeName as 0.9 has it.
func TypeName09(tag string) string {
	if strings.HasPrefix(tag, "acl_") || tag == "primitive" {
		return TypeName(tag)
	}
	return tag
}
