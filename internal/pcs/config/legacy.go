// Package config is `pcs config`: the whole configuration, its backups and checkpoints.
package config

import (
	"github.com/beevik/etree"

	"hacluster/internal/pcs/alert"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/quorum"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
	"hacluster/internal/pcs/status"
	"hacluster/internal/pcs/stonith"
)

// Show09 is `config` and `config show` of 0.9.
func Show09(s *session.Session, _ []string) error {
	s.Out.Print("Cluster Name: " + s.ClusterName())
	if err := status.NodesConfig(s); err != nil {
		return err
	}
	s.Out.Print("")
	root, err := s.CIB()
	if err != nil {
		return err
	}
	s.Out.Print(Lines09(s, root)...)
	if s.HasConf() && s.Live() && s.ConfLive() {
		if err := cluster.ShowUIDGID(s, true); err != nil {
			return err
		}
	}
	if s.HasConf() || !s.ConfLive() {
		s.Out.Print("", "Quorum:")
		conf, err := s.Conf()
		if err != nil {
			return err
		}
		s.Out.Print(show.Indent(quorum.Lines(s, conf))...)
	}
	return nil
}

// Lines09 is what the CIB holds.
func Lines09(s *session.Session, root *etree.Element) []string {
	var resources, devices []string
	for _, el := range doc.Children(doc.Section(root, "resources")) {
		lines := listing.Lines09(el)
		if doc.Attr(el, "class") == "stonith" {
			devices = append(devices, lines...)
		} else {
			resources = append(resources, lines...)
		}
	}
	out := append([]string{"Resources:"}, show.IndentBy(resources, 1)...)
	out = append(out, "", "Stonith Devices:")
	out = append(out, show.IndentBy(devices, 1)...)
	out = append(out, "Fencing Levels:")
	out = append(out, show.Indent(stonith.Lines(s, root))...)
	out = append(out, "")
	out = append(out, constraint.Lines09(root, true)...)
	out = append(out, "")
	out = append(out, alert.Lines09(root)...)
	out = append(out, "", "Resources Defaults:")
	out = append(out, show.IndentBy(resource.DefaultLines09(s, root, "rsc_defaults"), 1)...)
	out = append(out, "Operations Defaults:")
	out = append(out, show.IndentBy(resource.DefaultLines09(s, root, "op_defaults"), 1)...)
	out = append(out, "", "Cluster Properties:")
	values := map[string]string{}
	for _, nv := range doc.All(doc.Section(root, "crm_config"), "nvpair") {
		values[doc.Attr(nv, "name")] = doc.Attr(nv, "value")
	}
	for _, n := range show.SortedKeys(values) {
		out = append(out, " "+n+": "+values[n])
	}
	return out
}
