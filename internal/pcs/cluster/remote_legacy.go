package cluster

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
)

// replacedBy warns that a newer verb does more, or refuses to go on without --force.
func replacedBy(s *session.Session, verb string) error {
	text := "this command is deprecated, use 'pcs cluster node " + verb + "'"
	if !s.Opts.Force() {
		return report.Fatal(text + ", use --force to override")
	}
	s.Out.Warn(text)
	return nil
}

// RemoteNodeAdd09 is `cluster remote-node add` of 0.9: it makes a resource a guest node in the CIB only.
func RemoteNodeAdd09(s *session.Session, args []string) error {
	if len(args) < 2 {
		return argv.Usage()
	}
	if err := replacedBy(s, "add-guest"); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found := false
	for _, p := range doc.All(root, "primitive") {
		found = found || doc.ID(p) == args[1]
	}
	if !found {
		return report.Fatalf("unable to find resource '%s'", args[1])
	}
	return resource.UpdateGuest09(s, append([]string{args[1], "meta", "remote-node=" + args[0]}, args[2:]...))
}

// RemoteNodeRemove09 is `cluster remote-node remove` of 0.9.
func RemoteNodeRemove09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	if err := replacedBy(s, "remove-guest"); err != nil {
		return err
	}
	node := args[0]
	root, err := s.CIB()
	if err != nil {
		return err
	}
	var gone []*etree.Element
	for _, nv := range doc.All(root, "nvpair") {
		if doc.Attr(nv, "name") != "remote-node" || doc.Attr(nv, "value") != node {
			continue
		}
		for _, o := range doc.All(nv.Parent(), "nvpair") {
			if strings.HasPrefix(doc.Attr(o, "name"), "remote-") {
				gone = append(gone, o)
			}
		}
	}
	if len(gone) == 0 {
		return report.Fatalf("unable to remove: cannot find remote-node '%s'", node)
	}
	for _, nv := range gone {
		doc.Remove(nv)
	}
	for _, l := range doc.All(root, "rsc_location") {
		if doc.Attr(l, "node") == node {
			doc.Remove(l)
		}
	}
	if err := s.Push(root); err != nil {
		return err
	}
	if s.Live() && s.World.Cluster != nil {
		if err := s.World.Cluster.RemoveNode(s.Ctx, node); err != nil {
			return report.Fatalf("unable to remove: %s", err)
		}
	}
	return nil
}
