package session

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
)

// ResourceTags are the elements that are resources.
var ResourceTags = []string{"bundle", "clone", "group", "master", "primitive"}

// Find finds an element by id among those of certain names below context. What is told when
// there is none depends on what else has the id. types are what to call it, the names if empty.
func (s *Session) Find(context *etree.Element, id string, tags []string, types ...string) (*etree.Element, []report.Item) {
	for _, t := range tags {
		for _, e := range doc.All(context, t) {
			if doc.ID(e) == id {
				return e, nil
			}
		}
	}
	if len(types) == 0 {
		types = tags
	}
	return nil, []report.Item{s.NotFound(context, id, tags, types)}
}

// NotFound tells why Find found nothing.
func (s *Session) NotFound(context *etree.Element, id string, tags, types []string) report.Item {
	list, name := doc.TypeList, doc.TypeName
	if s.Legacy() {
		list, name = doc.TypeList09, doc.TypeName09
	}
	if found := doc.FindIDs(context, id); len(found) > 0 {
		if slices.Contains(tags, found[0].Tag) {
			where := "'" + name(context.Tag) + "'"
			if cid := doc.ID(context); cid != "" {
				where = name(context.Tag) + " '" + cid + "'"
			}
			return report.Errorf("%s '%s' exists but does not belong to %s", name(found[0].Tag), id, where).Coded("OBJECT_WITH_ID_IN_UNEXPECTED_CONTEXT")
		}
		return report.Errorf("'%s' is not %s", id, list(types, true)).Coded("ID_BELONGS_TO_UNEXPECTED_TYPE")
	}
	desc := list(types, false)
	if desc != "" {
		desc += " "
	}
	if cid := doc.ID(context); cid != "" {
		return report.Errorf("there is no %s'%s' in the %s '%s'", desc, id, context.Tag, cid).Coded(IDNotFound)
	}
	return report.Errorf("%s'%s' does not exist", desc, id).Coded(IDNotFound)
}

// IDNotFound is the code of what Find tells where nothing has the id.
const IDNotFound = "ID_NOT_FOUND"

// Check tells items. In 0.9 errors end the command as they are; later they are told at once and
// counted, and an error of before ends it, too.
func (s *Session) Check(items ...report.Item) error {
	if !s.Legacy() {
		return s.Out.Check(items...)
	}
	var errs report.Items
	for _, i := range items {
		if i.Severity == report.Error {
			errs = append(errs, i)
		} else {
			s.Out.Tell(i)
		}
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}

// Resources is the section of resources; a CIB without it is refused.
func (s *Session) Resources(root *etree.Element) (*etree.Element, error) {
	return s.Section(root, "resources")
}

// Section is a section that every CIB must have.
func (s *Session) Section(root *etree.Element, name string) (*etree.Element, error) {
	if r := doc.Section(root, name); r != nil {
		return r, nil
	}
	return nil, report.Items{report.Errorf("Unable to get 'configuration/%s' section of cib", name)}
}

// OptionalSection is a section that a CIB may have, made where it is missing.
func (s *Session) OptionalSection(root *etree.Element, name string) (*etree.Element, error) {
	if doc.Configuration(root) == nil {
		return nil, report.Items{report.Errorf("Unable to get 'configuration' section of cib")}
	}
	return doc.EnsureSection(root, name), nil
}

// ExpandTags are the resources that ids name, those that a tag names in place of the tag. Ids of
// nothing are left out.
func (s *Session) ExpandTags(root *etree.Element, ids []string) []*etree.Element {
	var out []*etree.Element
	resources := doc.Section(root, "resources")
	byID := func(id string) *etree.Element {
		for _, el := range doc.All(resources, ResourceTags...) {
			if doc.ID(el) == id {
				return el
			}
		}
		return nil
	}
	for _, id := range ids {
		if el := byID(id); el != nil {
			out = append(out, el)
			continue
		}
		for _, t := range doc.Children(doc.Section(root, "tags"), "tag") {
			if doc.ID(t) != id {
				continue
			}
			for _, ref := range doc.Children(t, "obj_ref") {
				if el := byID(doc.ID(ref)); el != nil {
					out = append(out, el)
				}
			}
		}
	}
	return out
}
