// Package node is `pcs node`: attributes, utilization, standby and maintenance of nodes.
package node

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// AttributeLines09 are the permanent attributes of nodes, a line each node; "" filters nothing.
func AttributeLines09(root *etree.Element, node, name string) []string {
	values := map[string]map[string]string{}
	for _, n := range doc.All(doc.Section(root, "nodes"), "node") {
		uname := doc.Attr(n, "uname")
		if node != "" && uname != node {
			continue
		}
		sets := doc.All(n, "instance_attributes")
		if len(sets) == 0 {
			continue
		}
		for _, nv := range doc.All(sets[0], "nvpair") {
			if name != "" && doc.Attr(nv, "name") != name {
				continue
			}
			if values[uname] == nil {
				values[uname] = map[string]string{}
			}
			values[uname][doc.Attr(nv, "name")] = doc.Attr(nv, "value")
		}
	}
	var out []string
	for _, n := range show.SortedKeys(values) {
		parts := []string{" " + n + ":"}
		for _, a := range show.SortedKeys(values[n]) {
			parts = append(parts, a+"="+values[n][a])
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

// SetAttribute09 sets or, with an empty value, removes a permanent attribute as 0.9 does.
func SetAttribute09(s *session.Session, node, name, value string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	el, err := findNode(s, root, node)
	if err != nil && (value != "" || s.Opts.Force()) {
		return report.Fatalf("unable to set attribute %s\n%s", name, err)
	}
	if value == "" {
		set, nv := findPair(el, name)
		if nv == nil {
			if !s.Opts.Force() {
				s.Out.Error("attribute: '" + name + "' doesn't exist for node: '" + node + "'")
				return report.Exit(2)
			}
			return nil
		}
		set.RemoveChild(nv)
		return s.Push(root)
	}
	setAttribute(el, name, value)
	return s.Push(root)
}

func findPair(node *etree.Element, name string) (set, nv *etree.Element) {
	for _, set := range doc.Children(node, "instance_attributes") {
		for _, nv := range doc.Children(set, "nvpair") {
			if doc.Attr(nv, "name") == name {
				return set, nv
			}
		}
	}
	return nil, nil
}

// setAttribute sets a permanent attribute as crm_attribute does.
func setAttribute(node *etree.Element, name, value string) {
	if _, nv := findPair(node, name); nv != nil {
		doc.Set(nv, "value", value)
		return
	}
	set := doc.Child(node, "instance_attributes")
	if set == nil {
		set = doc.Append(node, "instance_attributes", "id", "nodes-"+doc.ID(node))
	}
	id := strings.NewReplacer(":", ".", "#", ".").Replace(doc.ID(set) + "-" + name)
	doc.Append(set, "nvpair", "id", id, "name", name, "value", value)
}

// findNode finds a node of the CIB by name; the error is crm_attribute's.
func findNode(s *session.Session, root *etree.Element, name string) (*etree.Element, error) {
	for _, n := range doc.Children(doc.Section(root, "nodes"), "node") {
		if strings.EqualFold(doc.Attr(n, "uname"), name) {
			return n, nil
		}
	}
	who := "crm_attribute: "
	if s.Legacy() {
		who = ""
	}
	return nil, report.Fatalf("%sCould not map name=%s to a UUID\n", who, name)
}
