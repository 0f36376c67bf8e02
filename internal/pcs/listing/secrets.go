package listing

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// secretMark is a parameter's value whose real one lies on the nodes, where cibsecret keeps it.
const secretMark = "lrm://"

// RevealSecrets puts the values of secrets where --show-secrets asks for them; the CIB is only to be shown then.
func RevealSecrets(s *session.Session, root *etree.Element) {
	if !s.Opts.Has("--show-secrets") {
		return
	}
	for _, el := range doc.All(doc.Section(root, "resources"), "primitive", "group", "clone", "bundle") {
		for _, nv := range doc.Children(doc.Child(el, "instance_attributes"), "nvpair") {
			if doc.Attr(nv, "value") != secretMark {
				continue
			}
			id, name := doc.ID(el), doc.Attr(nv, "name")
			r, err := s.Run("cibsecret", "get", id, name)
			if err != nil || r.Code != 0 {
				s.Out.Tell(report.Warnf("Unable to get secret '%s' for resource '%s'", name, id))
				continue
			}
			doc.Set(nv, "value", strings.TrimRight(r.Stdout, "\n"))
		}
	}
}

// secretsAsText refuses secrets in formats that are kept or fed to programs.
func secretsAsText(s *session.Session, format string) error {
	if s.Opts.Has("--show-secrets") && format != "text" {
		return argv.Usagef("using '--show-secrets' is supported only with --output-format=text")
	}
	return nil
}
