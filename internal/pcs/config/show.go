package config

import (
	"errors"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/alert"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/property"
	"hacluster/internal/pcs/quorum"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
	"hacluster/internal/pcs/status"
	"hacluster/internal/pcs/stonith"
	"hacluster/internal/pcs/tag"
)

// Show is `config` and `config show` from 0.10 on.
func Show(s *session.Session, args []string) error {
	known := []string{"-f", "--corosync_conf"}
	if s.Minor() >= 12 {
		known = append(known, "--show-secrets")
	}
	if err := s.Opts.Only(known...); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	listing.RevealSecrets(s, root)
	// a remote node has no corosync.conf, and one with nodes without names does not count
	conf, err := s.PlainConf()
	var broken report.Items
	if errors.As(err, &broken) {
		s.Out.Tell(broken...)
	}
	if conf != nil && len(cluster.Incomplete(conf)) > 0 {
		conf = nil
	}
	name := ""
	if conf != nil {
		name = corosyncconf.ClusterName(conf)
	}
	if name == "" {
		name, _ = doc.Value(doc.Section(root, "crm_config"), "cluster_property_set", "cluster-name")
	}
	s.Out.Print("Cluster Name: " + name)
	if err := status.NodesConfig(s); err != nil {
		return err
	}
	if err := s.RequireGivenConf(); err != nil {
		return err
	}
	if lines := Lines(s, root); len(lines) > 0 {
		s.Out.Print("")
		s.Out.Print(lines...)
	}
	if s.HasConf() && s.Live() && s.ConfLive() {
		if err := cluster.ShowUIDGID(s, true); err != nil {
			return err
		}
	}
	if conf == nil {
		return nil
	}
	if lines := quorum.Lines(s, conf); len(lines) > 0 {
		s.Out.Print("", "Quorum:")
		s.Out.Print(show.Indent(lines)...)
	}
	return nil
}

// Lines is what the CIB holds, a section each.
func Lines(s *session.Session, root *etree.Element) []string {
	var out []string
	section := func(heading string, lines []string, indent int) {
		if len(lines) == 0 {
			return
		}
		if len(out) > 0 {
			out = append(out, "")
		}
		if heading != "" {
			out = append(out, heading)
		}
		out = append(out, show.IndentBy(lines, indent)...)
	}
	section("Resources:", listing.NewListing(s, root, false).Lines(), 2)
	section("Stonith Devices:", listing.NewListing(s, root, true).Lines(), 2)
	section("Fencing Levels:", stonith.Lines(s, root), 2)
	section("", constraint.Read(root, nil).For(s.Minor()).Lines(true), 0)
	section("Alerts:", alert.Lines(root), 2)
	section("Resources Defaults:", resource.DefaultsLines(root, "rsc_defaults"), 2)
	section("Operations Defaults:", resource.DefaultsLines(root, "op_defaults"), 2)
	section("", property.Lines(root), 0)
	section("Tags:", tag.Lines(tag.All(root)), 1)
	return out
}
