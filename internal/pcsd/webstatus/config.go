package webstatus

import (
	"cmp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
)

// Pair is a name with a value, an nvpair.
type Pair struct {
	ID    any `json:"id"` // text or null, as are name and value
	Name  any `json:"name"`
	Value any `json:"value"`
}

// Level is a step of a node's fencing: its index, and the devices with commas.
type Level struct {
	Level   any `json:"level"`
	Devices any `json:"devices"`
}

// Role is a role of the permissions; a permission is "read xpath /cib (id)".
type Role struct {
	Description string   `json:"description"`
	Permissions []string `json:"permissions"`
}

// ACLs are the permissions; the names of users and groups lead to the ids of their roles.
type ACLs struct {
	Role   map[string]Role     `json:"role"`
	Group  map[string][]string `json:"group"`
	User   map[string][]string `json:"user"`
	Target map[string][]string `json:"target"` // the same as User
}

// Config is what is told of the configuration.
type Config struct {
	Groups      []string
	Constraints map[string][]map[string]any
	Settings    map[string]any
	ACLs        any // *ACLs, or an empty object where there is no CIB
	FenceLevels map[string][]Level
	NodeAttrs   map[string][]Pair
	Utilization map[string][]Pair
}

// Configuration reads a CIB; nil is one that cannot be read.
func Configuration(cib *etree.Element) Config {
	c := Config{
		Groups: []string{}, Constraints: map[string][]map[string]any{}, Settings: map[string]any{}, ACLs: struct{}{},
		FenceLevels: map[string][]Level{}, NodeAttrs: map[string][]Pair{}, Utilization: map[string][]Pair{},
	}
	if cib == nil {
		return c
	}
	for _, g := range within(doc.Section(cib, "resources"), "group") {
		c.Groups = append(c.Groups, doc.ID(g))
	}
	c.Constraints = constraints(doc.Section(cib, "constraints"))
	for _, nv := range within(doc.Section(cib, "crm_config"), "nvpair") {
		c.Settings[doc.Attr(nv, "name")] = attr(nv, "value")
	}
	c.ACLs = acls(doc.Section(cib, "acls"))
	for _, l := range doc.Children(doc.Section(cib, "fencing-topology"), "fencing-level") {
		if doc.Has(l, "target") {
			target := doc.Attr(l, "target")
			c.FenceLevels[target] = append(c.FenceLevels[target], Level{attr(l, "index"), attr(l, "devices")})
		}
	}
	for _, levels := range c.FenceLevels {
		slices.SortStableFunc(levels, func(a, b Level) int { return cmp.Compare(integer(a.Level), integer(b.Level)) })
	}
	for _, n := range doc.Children(doc.Section(cib, "nodes"), "node") {
		name := doc.Attr(n, "uname")
		if p := pairs(n, "instance_attributes"); len(p) > 0 {
			c.NodeAttrs[name] = append(c.NodeAttrs[name], p...)
		}
		if p := pairs(n, "utilization"); len(p) > 0 {
			c.Utilization[name] = append(c.Utilization[name], p...)
		}
	}
	for _, p := range c.NodeAttrs {
		slices.SortStableFunc(p, func(a, b Pair) int { return strings.Compare(text(a.Name), text(b.Name)) })
	}
	return c
}

func acls(section *etree.Element) *ACLs {
	users := map[string][]string{}
	a := &ACLs{Role: map[string]Role{}, Group: map[string][]string{}, User: users, Target: users}
	roles := func(el *etree.Element) []string {
		out := []string{}
		for _, r := range el.SelectElements("role") {
			out = append(out, doc.ID(r))
		}
		return out
	}
	for _, el := range doc.Children(section) {
		switch el.Tag {
		case "acl_role":
			r := Role{Description: doc.Attr(el, "description"), Permissions: []string{}}
			for _, p := range el.SelectElements("acl_permission") {
				what := ""
				switch {
				case doc.Has(p, "xpath"):
					what = "xpath " + doc.Attr(p, "xpath")
				case doc.Has(p, "reference"):
					what = "id " + doc.Attr(p, "reference")
				default:
					continue
				}
				r.Permissions = append(r.Permissions, doc.Attr(p, "kind")+" "+what+" ("+doc.ID(p)+")")
			}
			a.Role[doc.ID(el)] = r
		case "acl_target":
			users[doc.ID(el)] = roles(el)
		case "acl_group":
			a.Group[doc.ID(el)] = roles(el)
		}
	}
	return a
}

// attr is an attribute's value, or nil.
func attr(el *etree.Element, name string) any {
	if !doc.Has(el, name) {
		return nil
	}
	return doc.Attr(el, name)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// integer is the number that a text begins with, else 0.
func integer(v any) int64 {
	s := strings.TrimLeft(text(v), " \t\n\v\f\r")
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	var n int64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > (1<<63-10)/10 {
			break
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

// within are the elements of a tag at any depth, in the order of the document.
func within(el *etree.Element, tag string) []*etree.Element {
	if el == nil {
		return nil
	}
	return doc.All(el, tag)
}

// pairs are the nvpairs of all of an element's sets of one kind.
func pairs(el *etree.Element, tag string) []Pair {
	var out []Pair
	for _, set := range doc.Children(el, tag) {
		for _, nv := range doc.Children(set, "nvpair") {
			out = append(out, Pair{attr(nv, "id"), attr(nv, "name"), attr(nv, "value")})
		}
	}
	return out
}

// unique are pairs of which each name counts once: the last one, in its place.
func unique(all []Pair) []Pair {
	out := []Pair{}
	for _, p := range all {
		out = append(slices.DeleteFunc(out, func(q Pair) bool { return q.Name == p.Name }), p)
	}
	return out
}

// find gives the value of a pair.
func find(all []Pair, name string) (string, bool) {
	for _, p := range all {
		if p.Name == name {
			return text(p.Value), true
		}
	}
	return "", false
}
