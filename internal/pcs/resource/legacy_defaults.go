package resource

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/session"
)

// Defaults09 is `resource defaults` or `resource op defaults` of 0.9.
func Defaults09(section string) session.Verb {
	return func(s *session.Session, args []string) error {
		pairs, err := argv.KeyValues09(args)
		if err != nil {
			return err
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			s.Out.Print(DefaultLines09(s, root, section)...)
			return nil
		}
		if s.Since(9, 159) {
			s.Out.Warn("Defaults do not apply to resources which override them with their own defined values")
		}
		removing := true
		for _, p := range pairs {
			removing = removing && p.Value == ""
		}
		if removing && doc.Section(root, section) == nil {
			return nil
		}
		doc.ArrangeFirstSet(doc.EnsureSection(root, section), "meta_attributes", pairs, doc.NewIDs(root), section+"-options")
		return s.Push(root)
	}
}

// DefaultLines09 are defaults as 0.9 shows them: name=value, before 0.9.167 name: value.
func DefaultLines09(s *session.Session, root *etree.Element, section string) []string {
	var all argv.Pairs
	for _, nv := range doc.All(doc.Section(root, section), "nvpair") {
		all = append(all, argv.Pair{Name: doc.Attr(nv, "name"), Value: doc.Attr(nv, "value")})
	}
	if len(all) == 0 {
		return []string{"No defaults set"}
	}
	var out []string
	for _, p := range doc.SortedNames(all) {
		v := p.Value
		if !s.Since(9, 167) {
			out = append(out, p.Name+": "+v)
			continue
		}
		if strings.Contains(v, " ") {
			v = `"` + v + `"`
		}
		out = append(out, p.Name+"="+v)
	}
	return out
}
