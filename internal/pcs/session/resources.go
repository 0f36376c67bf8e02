package session

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
)

// PlaceableTags are the elements that verbs of resources look for, in the order in which they name them.
var PlaceableTags = []string{"clone", "master", "group", "primitive", "bundle"}

// Expand finds resources by their ids or those of tags, each once and in the document's order.
func (s *Session) Expand(root *etree.Element, ids []string) ([]*etree.Element, []report.Item) {
	tags := append(slices.Clone(PlaceableTags), "tag")
	var items []report.Item
	var found []*etree.Element
	for _, id := range ids {
		el, bad := s.Find(root, id, tags)
		if el == nil {
			items = append(items, bad...)
			continue
		}
		found = append(found, el)
	}
	var want []*etree.Element
	for _, el := range found {
		if el.Tag != "tag" {
			want = append(want, el)
			continue
		}
		for _, ref := range doc.Children(el, "obj_ref") {
			if r := doc.ByID(doc.Section(root, "resources"), doc.ID(ref), ResourceTags...); r != nil {
				want = append(want, r)
			}
		}
	}
	return InOrder(root, want), items
}

// InOrder are elements in the document's order, each once.
func InOrder(root *etree.Element, list []*etree.Element) []*etree.Element {
	var out []*etree.Element
	for _, el := range doc.All(root) {
		if slices.Contains(list, el) {
			out = append(out, el)
		}
	}
	return out
}

// Mismatch tells that a command will not take resources of the other noun any more; since 0.12 it takes none.
func (s *Session) Mismatch(what, use string) report.Item {
	instead := ""
	if use != "" {
		instead = " Please use '" + use + "' instead."
	}
	if s.Minor() >= 12 {
		return report.Errorf("This command does not accept %s.%s", what, instead)
	}
	return report.Deprecatedf("Ability of this command to accept %s is deprecated and will be removed in a future release.%s", what, instead)
}

// TellKind warns where a verb of resources is given fence devices, or the other way round.
func (s *Session) TellKind(ids []string, fence bool, use string) error {
	if s.Minor() < 11 {
		return nil
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	list, _ := s.Expand(root, ids)
	what := "stonith resources"
	if fence {
		what = "resources"
	}
	if slices.ContainsFunc(list, func(el *etree.Element) bool { return doc.IsStonith(el) != fence }) {
		i := s.Mismatch(what, use)
		if i.Severity == report.Error {
			return report.Fatal(i.Text)
		}
		s.Out.Tell(i)
	}
	return nil
}

// ResourceByID finds a resource of any kind, or tells why not.
func ResourceByID(root *etree.Element, id string) (*etree.Element, error) {
	found := doc.FindIDs(root, id)
	switch {
	case len(found) == 0:
		return nil, report.Items{report.Errorf("resource '%s' does not exist", id)}
	case !doc.Is(found[0], ResourceTags...):
		return nil, report.Items{report.Errorf("'%s' is not a resource", id)}
	}
	return found[0], nil
}
