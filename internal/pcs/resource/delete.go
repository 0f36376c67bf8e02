package resource

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Delete is `resource delete` since 0.10: resources and all that would refer to nothing.
func Delete(s *session.Session, args []string) error { return deleteAll(s, args, false) }

// DeleteStonith is `stonith delete`.
func DeleteStonith(s *session.Session, args []string) error { return deleteAll(s, args, true) }

func deleteAll(s *session.Session, args []string, fence bool) error {
	options := []string{"-f", "--force"}
	if s.Minor() >= 12 {
		options = append(options, "--no-stop", "--future")
	}
	if err := s.Opts.Only(options...); err != nil {
		return err
	}
	if err := s.Opts.Exclusive("-f", "--no-stop"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	if err := argv.EnsureUnique(args); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	all := doc.All(doc.Section(root, "resources"), session.ResourceTags...)
	byID := func(id string) *etree.Element {
		i := slices.IndexFunc(all, func(el *etree.Element) bool { return doc.ID(el) == id })
		if i < 0 {
			return nil
		}
		return all[i]
	}
	var missing []string
	other := false
	for _, id := range args {
		el := byID(id)
		if el == nil {
			missing = append(missing, id)
			continue
		}
		other = other || doc.IsStonith(el) != fence
	}
	noun := "resource"
	if fence {
		noun = "stonith resource"
	}
	if len(missing) > 0 {
		return argv.Usagef("Unable to find %s: %s", report.Plural(len(missing), noun, noun+"s"), report.QuoteSorted(missing))
	}
	if other && s.Minor() >= 11 {
		if fence {
			s.Out.Tell(session.Mismatch("resources", "pcs resource remove"))
		} else {
			s.Out.Tell(session.Mismatch("stonith resources", "pcs stonith remove"))
		}
	}
	return remove.Elements(s, args)
}
