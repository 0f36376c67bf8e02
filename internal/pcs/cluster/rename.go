package cluster

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// renaming tells what a node's new name changes in a CIB.
type renaming struct {
	from, to string
	items    []report.Item
}

func (r *renaming) tell(el *etree.Element, what, from, to string) {
	kind := doc.TypeName(el.Tag)
	r.items = append(r.items, report.Infof("%s '%s': %s updated from '%s' to '%s'", strings.ToUpper(kind[:1])+strings.ToLower(kind[1:]), doc.ID(el), what, from, to))
}

func (r *renaming) swap(word string) string {
	if word == r.from {
		return r.to
	}
	return word
}

// apply renames the node everywhere in a CIB.
func (r *renaming) apply(root *etree.Element) {
	for _, l := range doc.All(root, "rsc_location") {
		if doc.Attr(l, "node") == r.from {
			doc.Set(l, "node", r.to)
			r.tell(l, "node", r.from, r.to)
		}
	}
	for _, e := range doc.All(root, "expression") {
		if e.Parent().Tag == "rule" && doc.Attr(e, "attribute") == "#uname" && doc.Attr(e, "value") == r.from {
			doc.Set(e, "value", r.to)
			r.tell(e.Parent(), "#uname expression", r.from, r.to)
		}
	}
	for _, l := range doc.All(root, "fencing-level") {
		switch {
		case doc.Attr(l, "target") == r.from:
			doc.Set(l, "target", r.to)
			r.tell(l, "target", r.from, r.to)
		case doc.Attr(l, "target-attribute") == "#uname" && doc.Attr(l, "target-value") == r.from:
			doc.Set(l, "target-value", r.to)
			r.tell(l, "target-value for target-attribute=#uname", r.from, r.to)
		}
	}
	r.devices(root, "pcmk_host_list", ",", "")
	r.devices(root, "pcmk_host_map", ";", ":")
}

// devices renames the node in lists of fence devices. Behind inner, an entry holds what belongs to the node.
func (r *renaming) devices(root *etree.Element, option, separator, inner string) {
	for _, p := range doc.All(root, "primitive") {
		if doc.Attr(p, "class") != "stonith" {
			continue
		}
		for _, set := range doc.Children(p, "instance_attributes") {
			for _, nv := range doc.Children(set, "nvpair") {
				if doc.Attr(nv, "name") != option {
					continue
				}
				old := doc.Attr(nv, "value")
				entries := strings.Split(old, separator)
				for i, e := range entries {
					host, rest, found := e, "", false
					if inner != "" {
						host, rest, found = strings.Cut(e, inner)
					}
					if entries[i] = r.swap(host); found {
						entries[i] += inner + rest
					}
				}
				if now := strings.Join(entries, separator); now != old {
					doc.Set(nv, "value", now)
					r.tell(p, option, old, now)
				}
			}
		}
	}
}

// RenameCIB is `cluster node rename-cib`.
func RenameCIB(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	r := &renaming{from: args[0], to: args[1]}
	if r.from == r.to {
		return s.Check(sameName(r.from))
	}
	if s.Live() {
		root, err := s.Conf()
		if err != nil {
			return err
		}
		names, items := confNames(root)
		if !slices.Contains(names, r.to) {
			items = append(items, report.Errorf("Node '%s' is not known to corosync, the node name may be incorrect", r.to).As(s.Opts.Force()))
		}
		if slices.Contains(names, r.from) {
			items = append(items, report.Errorf("Node '%s' is still known to corosync, the node may not have been renamed in corosync.conf yet", r.from).As(s.Opts.Force()))
		}
		if err := s.Check(items...); err != nil {
			return err
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	r.apply(root)
	changed := len(r.items) > 0
	for _, l := range doc.All(root, "fencing-level") {
		if p := doc.Attr(l, "target-pattern"); doc.Has(l, "target-pattern") {
			r.items = append(r.items, report.Warnf("Fencing level '%s' uses target-pattern '%s', which may match the renamed node, check the pattern and adjust the configuration if necessary", doc.ID(l), p))
		}
	}
	if len(doc.Children(doc.Section(root, "acls"))) > 0 {
		r.items = append(r.items, report.Warnf("ACL rules exist in CIB and may contain references to node names, check the ACL configuration and adjust it if necessary"))
	}
	s.Out.Tell(r.items...)
	if changed {
		return s.Push(root)
	}
	s.Out.Info("No CIB configuration changes needed for node rename")
	return nil
}

func sameName(node string) report.Item {
	return report.Errorf("Unable to rename node '%s': new name is the same as the current name", node)
}

// confNames are the names of corosync.conf's nodes, with a warning about nodes without one.
func confNames(root *corosyncconf.Section) (names []string, items []report.Item) {
	unnamed := false
	for _, n := range corosyncconf.Nodes(root) {
		if n.Name == "" {
			unnamed = true
		} else {
			names = append(names, n.Name)
		}
	}
	if unnamed {
		items = append(items, report.Warnf("Some nodes are missing names in corosync.conf, those nodes were omitted. Edit corosync.conf and make sure all nodes have their name set."))
	}
	return names, items
}

// RenameCorosync is `cluster node rename-corosync`.
func RenameCorosync(s *session.Session, args []string) error {
	if err := s.Opts.Only("--skip-offline"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	from, to := args[0], args[1]
	if from == to {
		return s.Check(sameName(from))
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	names, items := confNames(root)
	if !slices.Contains(names, from) {
		items = append(items, report.Errorf("Node '%s' was not found in corosync.conf, unable to rename", from))
	}
	if slices.Contains(names, to) {
		items = append(items, report.Errorf("Node '%s' already exists in corosync.conf, unable to rename", to))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	left := corosyncconf.RenameNode(root, from, to)
	if len(left) > 0 {
		var parts []string
		for node, addrs := range left {
			parts = append(parts, node+": "+strings.Join(addrs, ", "))
		}
		slices.Sort(parts)
		s.Out.Warn("Node '" + from + "' has been renamed to '" + to + "', but the following addresses still reference the old name: " + strings.Join(parts, "; "))
	}
	return s.PushConf(root, session.ConfPush{Stopped: true})
}

// Rename is `cluster rename`: the cluster gets another name while it is stopped.
func Rename(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "--skip-offline"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	if err := s.Check(rules(s).ClusterName(args[0])...); err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	warnNamed(s)
	return renameLive(s, root, args[0])
}
