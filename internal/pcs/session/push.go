package session

import (
	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
)

// SetFile makes the verb work on a CIB in a file.
func (s *Session) SetFile(path string) { s.Opts.Set("-f", path) }

// ReplaceCIB puts a CIB, or a section of it, in place of what is there. scope "" is everything.
// Errors of the CIB's rules can be told by cib.CodeOf.
func (s *Session) ReplaceCIB(section *etree.Element, scope string) error {
	return s.apply(cib.Request{Op: cib.Replace, Section: scope, Data: section}, false, func() error {
		return s.World.Cluster.Replace(s.Ctx, doc.Format(section))
	})
}

// PatchCIB applies a patchset.
func (s *Session) PatchCIB(diff *etree.Element) error {
	return s.apply(cib.Request{Op: cib.Patch, Data: diff}, false, func() error {
		return s.World.Cluster.Patch(s.Ctx, doc.Format(diff))
	})
}

// ForgetNode makes a CIB in a file forget a node.
func (s *Session) ForgetNode(node string) error {
	err := s.apply(cib.Request{Op: cib.Delete, Section: "/cib/configuration/nodes/node[@uname=" + xml.QuoteXPath(node) + "]", XPath: true, Multiple: true}, false, nil)
	if cib.CodeOf(err) == cib.NotFound {
		return nil
	}
	return err
}

// apply carries a request out; with hold a file gets the result when the command has succeeded.
func (s *Session) apply(r cib.Request, hold bool, onCluster func() error) error {
	if s.Live() {
		if s.World.Cluster == nil {
			return live.ErrNotRunning
		}
		return onCluster()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	res, err := cib.Apply(root, r)
	if err != nil {
		return err
	}
	file, _ := s.File()
	text := append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), doc.Format(res.Root)...)
	if hold {
		s.cib = cibState{text: text, held: true}
		return nil
	}
	return s.writeCIB(file, text)
}

// UpgradeCIB raises the schema as far as every version of Pacemaker follows that pcs
// works with; the error's code is SchemaUnchanged where it is there already.
func (s *Session) UpgradeCIB() error { return s.raise(false) }

func (s *Session) raise(hold bool) error {
	if !s.Live() {
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if have := doc.Attr(doc.Root(root), "validate-with"); schema.Compare(have, cib.NewSchema) >= 0 {
			return &cib.Error{Code: cib.SchemaUnchanged, Detail: have}
		}
	}
	return s.apply(cib.Request{Op: cib.Upgrade, MaxSchema: cib.NewSchema}, hold, func() error { return s.World.Cluster.Upgrade(s.Ctx) })
}
