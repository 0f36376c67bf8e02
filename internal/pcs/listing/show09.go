package listing

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// Show09 is `resource show` of 0.9; ShowStonith09 is `stonith show` without the levels.
func Show09(s *session.Session, args []string) error { return show09(s, args, false) }

// ShowStonith09 shows fence devices.
func ShowStonith09(s *session.Session, args []string) error { return show09(s, args, true) }

func show09(s *session.Session, args []string, fence bool) error {
	exclusive := []string{"--full", "--groups", "--hide-inactive"}
	given := 0
	for _, o := range exclusive {
		if s.Opts.Has(o) {
			given++
		}
	}
	if given > 1 || len(args) > 0 && given > 0 {
		return report.Fatal("you can specify only one of resource id, --full, --groups, --hide-inactive")
	}
	if s.Opts.Has("--groups") {
		return GroupList09(s, args)
	}
	if len(args) == 0 && !s.Opts.Full() {
		return state09(s, fence)
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	resources := doc.Section(root, "resources")
	if s.Opts.Full() {
		for _, el := range doc.Children(resources) {
			if isFence(el) == fence {
				s.Out.Print(show.IndentBy(Lines09(el), 1)...)
			}
		}
		return nil
	}
	for _, id := range args {
		found := false
		for _, el := range doc.All(resources) {
			if !doc.Has(el, "id") || doc.ID(el) != id {
				continue
			}
			if isFence(el) == fence {
				if lines := Lines09(el); len(lines) > 0 {
					s.Out.Print(show.IndentBy(lines, 1)...)
					found = true
				}
			}
			break
		}
		if !found {
			return report.Fatalf("unable to find resource '%s'", id)
		}
	}
	return nil
}

func isFence(el *etree.Element) bool { return doc.Attr(el, "class") == "stonith" }

// state09 takes the lines about resources out of crm_mon's text.
func state09(s *session.Session, fence bool) error {
	args := []string{"--one-shot"}
	if !s.Opts.Has("--hide-inactive") {
		args = append(args, "--inactive")
	}
	r, err := s.Run("crm_mon", args...)
	if err != nil || r.Code != 0 {
		return report.Fatalf("unable to get cluster status from crm_mon\n%s", strings.TrimRight(r.Stdout+r.Stderr, "\n"))
	}
	none := "NO resources configured"
	if fence {
		none = "NO stonith devices configured"
	}
	heading, inside, any := false, false, false
	for _, line := range strings.Split(r.Stdout, "\n") {
		switch {
		case line == "No active resources":
			s.Out.Print(line)
			return nil
		case line == "No resources":
			s.Out.Print(none)
			return nil
		case line == "Full list of resources:" || line == "Active resources:":
			heading = true
		case line == "" && heading:
			heading, inside = false, true
		case line == "" && inside:
			if !any {
				s.Out.Print(none)
			}
			return nil
		case line != "" && inside && strings.Contains(line, "stonith:") == fence:
			any = true
			s.Out.Print(line)
		}
	}
	return nil
}

var kinds09 = map[string]string{"clone": "Clone", "group": "Group", "master": "Master", "primitive": "Resource", "bundle": "Bundle"}

// attrs09 are an element's attributes by name on one line.
func attrs09(el *etree.Element, before, after string) string {
	var parts []string
	for _, a := range doc.SortedAttrs(el, "id") {
		v := a.Value
		if strings.Contains(v, " ") {
			v = `"` + v + `"`
		}
		parts = append(parts, a.Name+"="+v)
	}
	if len(parts) == 0 {
		return ""
	}
	return before + strings.TrimRight(strings.Join(parts, " "), " ") + after
}

// Lines09 are the configuration of a resource as 0.9 shows it; none for what is no resource.
func Lines09(el *etree.Element) []string {
	kind, ok := kinds09[el.Tag]
	if !ok {
		return nil
	}
	out := []string{kind + ": " + doc.ID(el) + attrs09(el, " (", ")")}
	var inner []string
	if el.Tag == "bundle" {
		for _, c := range doc.Children(el, "docker") {
			inner = append(inner, "Docker"+attrs09(c, ": ", ""))
		}
		for _, n := range doc.Children(el, "network") {
			if t := attrs09(n, "", ""); t != "" {
				inner = append(inner, "Network: "+t)
			}
		}
		inner = append(inner, maps09("Port Mapping:", el, "network", "port-mapping")...)
		inner = append(inner, maps09("Storage Mapping:", el, "storage", "storage-mapping")...)
		inner = append(inner, pairs09(el, "meta_attributes", "Meta Attrs: ")...)
	} else {
		inner = append(inner, pairs09(el, "instance_attributes", "Attributes: ")...)
		inner = append(inner, pairs09(el, "meta_attributes", "Meta Attrs: ")...)
		inner = append(inner, operations09(el)...)
	}
	out = append(out, show.IndentBy(inner, 1)...)
	for _, c := range doc.Children(el) {
		out = append(out, show.IndentBy(Lines09(c), 1)...)
	}
	return out
}

func maps09(label string, el *etree.Element, section, tag string) []string {
	var lines []string
	for _, x := range doc.Children(el, section) {
		for _, m := range doc.Children(x, tag) {
			lines = append(lines, " "+attrs09(m, "", " ")+"("+doc.ID(m)+")")
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{label}, lines...)
}

// pairWords09 are the pairs of all sets of a kind by name.
func pairWords09(sets []*etree.Element) []string {
	var all argv.Pairs
	for _, set := range sets {
		all = append(all, doc.PairsOf(set)...)
	}
	var out []string
	for _, p := range doc.SortedNames(all) {
		v := p.Value
		if strings.Contains(v, " ") {
			v = `"` + v + `"`
		}
		out = append(out, p.Name+"="+v)
	}
	return out
}

func pairs09(el *etree.Element, tag, label string) []string {
	if w := pairWords09(doc.Children(el, tag)); len(w) > 0 {
		return []string{label + strings.Join(w, " ")}
	}
	return nil
}

func operations09(el *etree.Element) []string {
	var out []string
	for _, list := range doc.Children(el, "operations") {
		for _, op := range doc.Children(list, "op") {
			parts := []string{doc.Attr(op, "name")}
			for _, a := range doc.SortedAttrs(op, "id", "name") {
				parts = append(parts, a.Name+"="+a.Value)
			}
			parts = append(parts, pairWords09(doc.Children(op))...)
			label := "Operations: "
			if len(out) > 0 {
				label = "            "
			}
			out = append(out, label+strings.Join(append(parts, "("+doc.ID(op)+")"), " "))
		}
	}
	return out
}

// OperationText09 is an operation on one line in complaints.
func OperationText09(op *etree.Element) string {
	parts := []string{doc.Attr(op, "name")}
	for _, a := range doc.SortedAttrs(op, "id", "name") {
		parts = append(parts, a.Name+"="+a.Value)
	}
	for _, nv := range doc.All(op, "nvpair") {
		parts = append(parts, doc.Attr(nv, "name")+"="+doc.Attr(nv, "value"))
	}
	return strings.Join(append(parts, "("+doc.ID(op)+")"), " ")
}

// GroupList09 is `resource group list`.
func GroupList09(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only("-f"); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
	}
	root, err := s.CIB()
	if err != nil {
		return nil //nolint:nilerr // a CIB that cannot be had has no groups: the original asks with an XPath and does not look why nothing came
	}
	for _, g := range doc.All(root, "group") {
		line := []string{doc.ID(g) + ":"}
		for _, p := range doc.All(g, "primitive") {
			line = append(line, doc.ID(p))
		}
		s.Out.Print(strings.Join(line, " "))
	}
	return nil
}
