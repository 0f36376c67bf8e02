package query

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
)

// kind is what a resource is.
type kind string

const (
	primitive kind = "primitive"
	group     kind = "group"
	clone     kind = "clone"
	bundle    kind = "bundle"
)

var kinds = []kind{primitive, group, clone, bundle}

func kindWords() []string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return words
}

func canBeUnique(k kind) bool     { return k == clone || k == bundle }
func canBePromotable(k kind) bool { return k == clone }

// resource is a resource as the status page shows it, an instance each.
type resource struct {
	kind         kind
	id, instance string
	// attrs are what is told of its state; truth values are "true" and "false".
	attrs map[string]string
	// nodes are those that it runs on: for the inside of a bundle those of its container.
	nodes []string
	// members are a group's members, a clone's instances, or of each replica of a bundle
	// what is inside, the container where that is empty.
	members   []*resource
	container bool
}

func (r *resource) is(attr string) bool { return r.attrs[attr] == "true" }

// orphaned tells whether nothing of it is configured any more.
func (r *resource) orphaned() bool {
	if r.kind == group {
		return !slices.ContainsFunc(r.members, func(m *resource) bool { return !m.orphaned() })
	}
	return r.is("orphaned")
}

// runsOn are the nodes of it or of all that is in it.
func (r *resource) runsOn() []string {
	if r.kind == primitive {
		return r.nodes
	}
	var out []string
	for _, m := range r.members {
		if r.kind == clone && m.orphaned() {
			continue
		}
		for _, n := range m.runsOn() {
			if r.kind != group || !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// cluster is all resources by id, in the page's order.
type cluster struct {
	byID      map[string][]*resource
	parent    map[string]string
	hasBundle bool
}

func notThere(n name) error { return argv.Usagef("Resource '%s' does not exist", n) }

// one is the first instance with the name, nil without.
func (c *cluster) one(n name) *resource {
	for _, r := range c.byID[n.id] {
		if n.instance == "" || r.instance == n.instance {
			return r
		}
	}
	return nil
}

// all are the instances with the name.
func (c *cluster) all(n name) []*resource {
	if n.instance == "" {
		return c.byID[n.id]
	}
	if r := c.one(n); r != nil {
		return []*resource{r}
	}
	return nil
}

// parentOf is the id of what is around a resource, "" unless that is of the kind.
func (c *cluster) parentOf(id string, k kind) string {
	p := c.parent[id]
	if r := c.one(name{id: p}); p == "" || r == nil || r.kind != k {
		return ""
	}
	return p
}

// read takes the resources from the page that crm_mon makes of a cluster.
func read(model *status.Cluster) (*cluster, []report.Item, error) {
	page, err := doc.Parse([]byte(screen.XML(model, screen.Page{Sections: screen.Resources}, screen.Frame{})))
	if err != nil {
		return nil, nil, err
	}
	c := &cluster{byID: map[string][]*resource{}, parent: map[string]string{}}
	var warnings []report.Item
	for _, el := range doc.Children(doc.Child(page, "resources")) {
		switch el.Tag {
		case "resource":
			c.add(primitiveOf(el, false), "")
		case "group":
			c.add(groupOf(el, false), "")
		case "clone":
			r := &resource{kind: clone, id: doc.ID(el), attrs: attrsOf(el)}
			for _, in := range doc.Children(el) {
				m := primitiveOf(in, r.is("unique"))
				if in.Tag == "group" {
					m = groupOf(in, r.is("unique"))
				}
				r.members = append(r.members, m)
			}
			c.add(r, "")
		case "bundle":
			r, warning := bundleOf(el)
			if warning != nil {
				warnings = append(warnings, *warning)
				continue
			}
			c.hasBundle = true
			c.add(r, "")
		}
	}
	return c, warnings, nil
}

func (c *cluster) add(r *resource, parent string) {
	c.byID[r.id] = append(c.byID[r.id], r)
	if parent != "" {
		c.parent[r.id] = parent
	}
	for _, m := range r.members {
		if !m.container {
			c.add(m, r.id)
		}
	}
}

func attrsOf(el *etree.Element) map[string]string {
	out := map[string]string{}
	for _, a := range doc.Attrs(el) {
		out[a.Name] = a.Value
	}
	return out
}

func primitiveOf(el *etree.Element, cut bool) *resource {
	r := &resource{kind: primitive, id: doc.ID(el), attrs: attrsOf(el)}
	if cut {
		r.cut()
	}
	r.attrs["disabled"] = "false"
	if strings.EqualFold(r.attrs["target_role"], "stopped") {
		r.attrs["disabled"] = "true"
	}
	for _, n := range doc.Children(el, "node") {
		r.nodes = append(r.nodes, doc.Attr(n, "name"))
	}
	return r
}

// cut takes the number of an instance off an id.
func (r *resource) cut() {
	if at := strings.LastIndex(r.id, ":"); at >= 0 {
		r.id, r.instance = r.id[:at], r.id[at+1:]
	}
}

func groupOf(el *etree.Element, cut bool) *resource {
	r := &resource{kind: group, id: doc.ID(el), attrs: attrsOf(el)}
	r.cut()
	for _, m := range doc.Children(el, "resource") {
		r.members = append(r.members, primitiveOf(m, cut))
	}
	return r
}

// bundleOf reads a bundle. A bundle whose inside has the id of a resource that Pacemaker makes
// for it cannot be told apart: it is skipped with a warning.
func bundleOf(el *etree.Element) (*resource, *report.Item) {
	r := &resource{kind: bundle, id: doc.ID(el), attrs: attrsOf(el)}
	for _, replica := range doc.Children(el, "replica") {
		number := doc.ID(replica)
		var list []*resource
		var twice []string
		for _, p := range doc.Children(replica, "resource") {
			in := primitiveOf(p, r.is("unique"))
			if slices.ContainsFunc(list, func(o *resource) bool { return o.id == in.id }) && !slices.Contains(twice, in.id) {
				twice = append(twice, in.id)
			}
			list = append(list, in)
		}
		if len(twice) > 0 {
			w := report.Warnf("Skipping bundle '%s': %s %s %s the same id as some of the implicit bundle resources",
				r.id, report.Plural(len(twice), "resource", "resources"), report.QuoteSorted(twice), report.Plural(len(twice), "has", "have"))
			return nil, &w
		}
		take := func(fits func(id string) bool) *resource {
			i := slices.IndexFunc(list, func(p *resource) bool { return fits(p.id) })
			if i < 0 {
				return nil
			}
			p := list[i]
			list = slices.Delete(list, i, i+1)
			return p
		}
		container := take(func(id string) bool { return id == r.id+"-"+r.attrs["type"]+"-"+number })
		if container == nil {
			w := report.Warnf("Cannot load cluster status, xml does not describe valid cluster status: Replica '%s' of bundle '%s' is missing implicit container resource", number, r.id)
			return nil, &w
		}
		container.container = true
		remote := take(func(id string) bool { return id == r.id+"-"+number })
		if remote != nil && len(list) == 2 || remote == nil && len(list) == 1 {
			take(func(id string) bool { return strings.HasPrefix(id, r.id+"-ip-") })
		}
		member := container
		if remote != nil && len(list) == 1 {
			member = list[0]
			member.nodes = container.nodes
		}
		r.members = append(r.members, member)
	}
	return r, nil
}
