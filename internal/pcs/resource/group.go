package resource

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

func idOf(el *etree.Element) string { return doc.ID(el) }

func isWrapper(el *etree.Element) bool { return doc.Is(el, "group", "bundle", "clone", "master") }

// parentResource is the resource around one, nil without.
func parentResource(el *etree.Element) *etree.Element {
	if p := el.Parent(); isWrapper(p) {
		return p
	}
	return nil
}

func article(tag string) string { return doc.TypeList([]string{tag}, true) }

// validateMoveToGroup checks that resources can be put into a group, beside another one if next is not nil.
// fence tells whether fence devices may be in groups.
func validateMoveToGroup(group *etree.Element, list []*etree.Element, next *etree.Element, fence bool) []report.Item {
	var items []report.Item
	var ids []string
	for _, el := range list {
		id := idOf(el)
		ids = append(ids, id)
		switch {
		case !doc.Is(el, session.ResourceTags...):
			items = append(items, report.Errorf("'%s' is not a resource", id))
		case isWrapper(el):
			items = append(items, report.Errorf("'%s' is %s resource, %s resources cannot be put into a group", id, article(el.Tag), doc.TypeName(el.Tag)))
		case doc.IsStonith(el) && !fence:
			items = append(items, report.Errorf("'%s' is a stonith resource, stonith resources cannot be put into a group", id))
		default:
			if p := parentResource(el); p != nil && p.Tag != "group" {
				items = append(items, report.Errorf("'%s' cannot be put into a group because its parent '%s' is %s resource", id, idOf(p), article(p.Tag)))
			}
		}
	}
	if group.Tag != "group" {
		return append(items, report.Errorf("'%s' is not a group", idOf(group)))
	}
	var current []string
	for _, c := range doc.Children(group, "primitive") {
		current = append(current, idOf(c))
	}
	adjacent := ""
	if next != nil {
		adjacent = idOf(next)
	}
	return append(items, check.AddRemove{Container: "group", ID: idOf(group), Item: "resource", Items: "resources", Add: ids, Current: current, Adjacent: adjacent, CanEmpty: true}.Check()...)
}

// moveToGroup moves resources into a group; a group that becomes empty goes, its clone with it.
func moveToGroup(group *etree.Element, list []*etree.Element, next *etree.Element, after bool) {
	for _, el := range list {
		old := el.Parent()
		doc.Remove(el)
		switch {
		case next != nil && after:
			doc.InsertAfter(el, next)
			next = el
		case next != nil:
			doc.InsertBefore(next.Parent(), el, next)
		default:
			group.AddChild(el)
		}
		dropEmptyGroup(old)
	}
}

func dropEmptyGroup(group *etree.Element) {
	if !doc.Is(group, "group") || len(doc.Children(group, "primitive")) > 0 {
		return
	}
	if p := group.Parent(); doc.Is(p, "clone", "master") {
		doc.Remove(p)
	} else {
		doc.Remove(group)
	}
}

// placeInGroup09 puts a new resource into a group as 0.9 does.
func placeInGroup09(s *session.Session, resources, el *etree.Element, id, adjacent string, after bool) error {
	if bad := check.IDs(id, "group name"); len(bad) > 0 {
		return report.Items(bad[:1])
	}
	group, items := s.Find(resources, id, []string{"group"})
	if group == nil {
		if items[0].Code != "ID_NOT_FOUND" {
			return report.Items(items)
		}
		group = doc.Append(resources, "group", "id", id)
	}
	if idOf(el) == adjacent {
		return report.Items{report.Errorf("Cannot put resource '%s' next to itself", adjacent)}
	}
	var next *etree.Element
	if adjacent != "" {
		i := slices.IndexFunc(doc.Children(group, "primitive"), func(e *etree.Element) bool { return idOf(e) == adjacent })
		if i < 0 {
			_, items := s.Find(group, adjacent, []string{"primitive"})
			return report.Items(items)
		}
		next = doc.Children(group, "primitive")[i]
	}
	moveToGroup(group, []*etree.Element{el}, next, after)
	return nil
}
