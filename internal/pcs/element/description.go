// Package element is `pcs cib element`: what elements of all kinds have.
package element

import (
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// described are the kinds of elements that may have a description.
var described = []string{"acl_permission", "acl_role", "alert", "bundle", "clone", "group", "master", "node", "primitive", "recipient"}

// Description is `cib element description`: it shows or sets the description of an element; an empty one is removed.
func Description(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) != 1 && len(args) != 2 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found := doc.FindIDs(doc.Configuration(root), args[0])
	if len(found) == 0 {
		return s.Check(s.NotFound(root, args[0], nil, nil))
	}
	el := found[0]
	if !doc.Is(el, described...) {
		return s.Check(report.Errorf("'%s' is %s, descriptions are only supported for %s", args[0], doc.TypeList([]string{el.Tag}, true), doc.TypeList(described, false)))
	}
	if len(args) == 1 {
		if d := doc.Attr(el, "description"); d != "" {
			s.Out.Print(d)
		}
		return nil
	}
	doc.SetOrDrop(el, "description", args[1])
	return s.Push(root)
}
