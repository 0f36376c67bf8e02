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
	var missing, other []string
	for _, id := range args {
		el := byID(id)
		if el == nil {
			missing = append(missing, id)
			continue
		}
		if doc.IsStonith(el) != fence {
			other = append(other, id)
		}
	}
	noun := "resource"
	if fence {
		noun = "stonith resource"
	}
	if len(missing) > 0 {
		return argv.Usagef("Unable to find %s: %s", report.Plural(len(missing), noun, noun+"s"), report.QuoteSorted(missing))
	}
	noun, use := "stonith resource", "pcs stonith remove"
	if fence {
		noun, use = "resource", "pcs resource remove"
	}
	switch {
	case len(other) == 0:
	case s.Minor() >= 12:
		return argv.Usagef("This command cannot remove %s: %s. Use '%s' instead.", report.Plural(len(other), noun, noun+"s"), report.QuoteSorted(other), use)
	case s.Minor() >= 11:
		s.Out.Tell(s.Mismatch(noun+"s", use))
	}
	return remove.Elements(s, args)
}
