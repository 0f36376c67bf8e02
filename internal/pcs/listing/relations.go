package listing

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// The kinds of relations between resources, in the order in which they are shown.
const (
	relInner = iota
	relOuter
	relOrder
	relSet
	relResource // no relation: a resource itself
)

// entity is a resource or a relation between resources.
type entity struct {
	kind int
	// id names it among all entities, label for users.
	id, label string
	el        *etree.Element
	members   []string
}

// opposite is the id of the relation seen from its other end: inner for outer and outer for inner.
func (e *entity) opposite() string {
	switch e.kind {
	case relInner:
		return "outer:" + e.label
	case relOuter:
		return "inner:" + e.label
	}
	return ""
}

// relationNode is a place in the tree of relations.
type relationNode struct {
	*entity
	parent  *relationNode
	members []*relationNode
	// leaf tells that what is below stands elsewhere in the tree.
	leaf bool
}

func (n *relationNode) above(id string) bool {
	for p := n.parent; p != nil; p = p.parent {
		if p.id == id {
			return true
		}
	}
	return false
}

// Relations is `resource relations`: what a resource is in, what is in it, and what it is ordered with.
func Relations(s *session.Session, args []string) error {
	if err := s.Only("-f", "--full"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	el, err := session.ResourceByID(root, args[0])
	if err != nil && s.Legacy() {
		return report.Items{s.NotFound(root, args[0], session.ResourceTags, session.ResourceTags)}
	}
	if err != nil {
		return err
	}
	if doc.IsStonith(el) && s.Minor() >= 11 {
		i := s.Mismatch("stonith resource", "")
		if i.Severity == report.Error {
			return s.Check(i)
		}
		s.Out.Tell(i)
	}
	tree := relationTree(entities(root, doc.ID(el)), doc.ID(el))
	s.Out.Print(tree.lines(s.Opts.Full(), s.Legacy(), "", "")...)
	return nil
}

// entities are the resource, all that it is related to, and the relations.
func entities(root *etree.Element, id string) map[string]*entity {
	all := map[string]*entity{}
	queue := []string{id}
	for len(queue) > 0 {
		id, queue = queue[0], queue[1:]
		el := doc.ByID(doc.Section(root, "resources"), id, session.ResourceTags...)
		if all[id] != nil || el == nil {
			continue
		}
		r := &entity{kind: relResource, id: id, label: id, el: el}
		all[id] = r
		for _, rel := range relationsOf(root, el) {
			if slices.Contains(r.members, rel.id) {
				continue
			}
			r.members = append(r.members, rel.id)
			all[rel.id] = rel
			queue = append(queue, rel.members...)
		}
	}
	return all
}

// relationsOf are the relations of a resource.
func relationsOf(root, el *etree.Element) []*entity {
	id := doc.ID(el)
	var plain, sets []*entity
	for _, c := range doc.All(doc.Section(root, "constraints"), "rsc_order") {
		if len(doc.All(c, "resource_set")) == 0 {
			if doc.Attr(c, "first") == id || doc.Attr(c, "then") == id {
				plain = append(plain, &entity{relOrder, doc.ID(c), doc.ID(c), c, []string{doc.Attr(c, "first"), doc.Attr(c, "then")}})
			}
			continue
		}
		var members []string
		for _, set := range doc.Children(c, "resource_set") {
			for _, ref := range doc.Children(set, "resource_ref") {
				members = append(members, doc.ID(ref))
			}
		}
		if slices.Contains(members, id) {
			slices.Sort(members)
			sets = append(sets, &entity{relSet, doc.ID(c), doc.ID(c), c, slices.Compact(members)})
		}
	}
	out := append(plain, sets...)
	if doc.Is(el, "group", "bundle", "clone", "master") {
		in := doc.Children(el, "primitive")
		if doc.Is(el, "clone", "master") {
			in = doc.Children(el, "group", "primitive")
		}
		var members []string
		for _, m := range in {
			members = append(members, doc.ID(m))
		}
		out = append(out, &entity{relInner, "inner:" + id, id, el, members})
	}
	if p := el.Parent(); doc.Is(p, "group", "bundle", "clone", "master") {
		out = append(out, &entity{relOuter, "outer:" + doc.ID(p), doc.ID(p), p, []string{doc.ID(p)}})
	}
	return out
}

// relationTree unfolds relations from a resource, near ones first. What was unfolded once stays a leaf elsewhere.
func relationTree(all map[string]*entity, id string) *relationNode {
	root := &relationNode{entity: all[id]}
	done := map[string]bool{}
	for queue := []*relationNode{root}; len(queue) > 0; {
		n := queue[0]
		queue = queue[1:]
		if done[n.id] {
			n.leaf = true
			continue
		}
		done[n.id] = true
		for _, m := range n.entity.members {
			e := all[m]
			if e == nil || n.above(m) || e.opposite() != "" && n.above(e.opposite()) && len(e.members) <= 1 {
				continue
			}
			n.members = append(n.members, &relationNode{entity: e, parent: n})
		}
		queue = append(queue, n.members...)
	}
	return root
}

func (n *relationNode) title(full, legacy bool) string {
	if n.kind == relResource {
		if !full {
			return n.id
		}
		kind := n.el.Tag
		switch kind {
		case "master":
			if !legacy {
				kind = "clone"
			}
		case "primitive":
			kind = agents.NameOf(n.el).String()
		}
		return n.id + " (resource: " + kind + ")"
	}
	text := [...]string{"inner resource(s)", "outer resource", "order", "order set"}[n.kind]
	if full {
		text += " (" + n.label + ")"
	}
	return text
}

// some are attributes of these names, by name.
func some(el *etree.Element, names ...string) string {
	var out []string
	for _, a := range doc.SortedAttrs(el) {
		if slices.Contains(names, a.Name) {
			out = append(out, a.Name+"="+a.Value)
		}
	}
	return strings.Join(out, " ")
}

func (n *relationNode) detail() []string {
	var out []string
	options := ""
	switch n.kind {
	case relInner:
		if len(n.entity.members) > 1 {
			return []string{"members: " + strings.Join(n.entity.members, " ")}
		}
		return nil
	case relOrder:
		first := n.el.SelectAttrValue("first-action", "start")
		out = append(out, first+" "+doc.Attr(n.el, "first")+" then "+n.el.SelectAttrValue("then-action", first)+" "+doc.Attr(n.el, "then"))
	case relSet:
	default:
		return nil
	}
	if options = some(n.el, "symmetrical", "kind", "require-all", "score"); options != "" {
		out = append(out, options)
	}
	for _, set := range doc.Children(n.el, "resource_set") {
		line := "   set"
		for _, ref := range doc.Children(set, "resource_ref") {
			line += " " + doc.ID(ref)
		}
		if o := some(set, "sequential", "require-all", "ordering", "action", "role", "kind", "score"); o != "" {
			line += " (" + o + ")"
		}
		out = append(out, line)
	}
	return out
}

func (n *relationNode) lines(full, legacy bool, prefix, indent string) []string {
	title := prefix + n.title(full, legacy)
	if n.leaf {
		return []string{title + " [displayed elsewhere]"}
	}
	members := slices.Clone(n.members)
	slices.SortStableFunc(members, func(a, b *relationNode) int {
		if a.kind != b.kind {
			return a.kind - b.kind
		}
		return strings.Compare(a.id, b.id)
	})
	out := []string{title}
	bar := "|  "
	if len(members) == 0 {
		bar = "   "
	}
	for _, d := range n.detail() {
		out = append(out, indent+bar+d)
	}
	for i, m := range members {
		branch, bar := "|- ", "|  "
		if i == len(members)-1 {
			branch, bar = "`- ", "   "
		}
		out = append(out, m.lines(full, legacy, indent+branch, indent+bar)...)
	}
	return out
}
