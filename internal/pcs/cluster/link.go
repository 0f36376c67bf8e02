package cluster

import (
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosynccheck"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
)

// linkWords reads NODE=ADDRESS… [options OPTION=VALUE…].
func linkWords(args []string) (addrs, options argv.Pairs, err error) {
	g, err := argv.GroupByKeywords(args, []string{"options"}, "nodes")
	if err != nil {
		return nil, nil, err
	}
	if err := g.RepeatOnly(); err != nil {
		return nil, nil, err
	}
	if addrs, err = argv.KeyValues(g.Flat("nodes")); err != nil {
		return nil, nil, err
	}
	options, err = argv.KeyValues(g.Flat("options"))
	return addrs, options, err
}

// named tells of nodes without names.
func named(root *corosyncconf.Section) []report.Item {
	for _, n := range corosyncconf.Nodes(root) {
		if n.Name == "" {
			return []report.Item{corosynccheck.MissingNames(true)}
		}
	}
	return nil
}

// outsiders are the remote and guest nodes of the running cluster, and what is told where it does not run.
func outsiders(s *session.Session) ([]corosynccheck.Outsider, []report.Item) {
	var out []corosynccheck.Outsider
	if s.World.Cluster != nil {
		if root, err := s.CIB(); err == nil {
			names, addrs := resource.PacemakerNodes(root)
			for i := range names {
				out = append(out, corosynccheck.Outsider{Name: names[i], Addr: addrs[i]})
			}
			return out, nil
		}
	}
	return nil, []report.Item{report.Errorf("Unable to load CIB to get guest and remote nodes from it, those nodes cannot be considered in configuration validation").As(s.Opts.Force())}
}

// LinkAdd is `cluster link add`.
func LinkAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "--request-timeout", "--skip-offline"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	addrs, options, err := linkWords(args)
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	items := named(root)
	others, more := outsiders(s)
	items = append(items, more...)
	items = append(items, rules(s).AddLink(root, addrs, options, others)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	corosyncconf.AddLink(root, addrs, options)
	return s.PushConf(root, session.ConfPush{})
}

// LinkRemove is `cluster link remove`.
func LinkRemove(s *session.Session, args []string) error {
	if err := s.Opts.Only("--request-timeout", "--skip-offline"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if err := s.Check(rules(s).RemoveLinks(root, args)...); err != nil {
		return err
	}
	corosyncconf.RemoveLinks(root, args)
	return s.PushConf(root, session.ConfPush{})
}

// LinkUpdate is `cluster link update`.
func LinkUpdate(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "--request-timeout", "--skip-offline"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	addrs, options, err := linkWords(args[1:])
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	items := append(named(root), rules(s).UpdateLink(root, args[0], addrs, options)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	corosyncconf.UpdateLink(root, args[0], addrs, options)
	return s.PushConf(root, session.ConfPush{Stopped: true})
}
