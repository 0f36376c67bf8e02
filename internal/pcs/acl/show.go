package acl

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/session"
)

// Lines are the users, groups and roles as pcs lists them.
func Lines(root *etree.Element) []string {
	var out []string
	acls := doc.Section(root, "acls")
	for _, kind := range []struct{ tag, label string }{{"acl_target", "User"}, {"acl_group", "Group"}} {
		for _, el := range doc.Children(acls, kind.tag) {
			words := []string{"  Roles:"}
			for _, r := range doc.Children(el, "role") {
				if doc.ID(r) != "" {
					words = append(words, doc.ID(r))
				}
			}
			out = append(out, kind.label+": "+doc.ID(el), strings.Join(words, " "))
		}
	}
	for _, role := range doc.Children(acls, "acl_role") {
		out = append(out, "Role: "+doc.ID(role))
		if d := doc.Attr(role, "description"); d != "" {
			out = append(out, "  Description: "+d)
		}
		for _, p := range doc.Children(role, "acl_permission") {
			words := []string{"  Permission:", doc.Attr(p, "kind")}
			switch {
			case doc.Has(p, "xpath"):
				words = append(words, "xpath", doc.Attr(p, "xpath"))
			case doc.Has(p, "reference"):
				words = append(words, "id", doc.Attr(p, "reference"))
			}
			out = append(out, strings.Join(append(words, "("+doc.ID(p)+")"), " "))
		}
	}
	return out
}

// Enabled tells whether the CIB has ACLs turned on.
func Enabled(root *etree.Element) bool {
	value := ""
	for _, set := range doc.Children(doc.Section(root, "crm_config"), "cluster_property_set") {
		for _, nv := range doc.Children(set, "nvpair") {
			if doc.Attr(nv, "name") == "enable-acl" {
				value = doc.Attr(nv, "value")
			}
		}
	}
	return number.IsTrue(value)
}

// Config is `acl config`.
func Config(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) > 0 && !s.Legacy() {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if Enabled(root) {
		s.Out.Print("ACLs are enabled", "")
	} else {
		s.Out.Print("ACLs are disabled, run 'pcs acl enable' to enable", "")
	}
	if root, _, err = open(s); err != nil {
		return err
	}
	s.Out.Print(Lines(root)...)
	return nil
}

// Show is `acl show`, the old name of config.
func Show(s *session.Session, args []string) error {
	switch {
	case s.Minor() >= 12:
		return argv.Replaced("0.12", "pcs acl config")
	case s.Minor() >= 10:
		s.Deprecated("This command is deprecated and will be removed. Please use 'pcs acl config' instead.")
	}
	return Config(s, args)
}
