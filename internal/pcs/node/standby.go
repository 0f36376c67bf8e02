package node

import (
	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

const nodesAndAll = "Cannot specify both --all and a list of nodes."

// Standby is `node standby`, Unstandby, Maintenance and Unmaintenance their like.
func Standby(s *session.Session, args []string) error { return mode(s, args, "standby", "on") }

// Unstandby is `node unstandby`.
func Unstandby(s *session.Session, args []string) error { return mode(s, args, "standby", "") }

// Maintenance is `node maintenance`.
func Maintenance(s *session.Session, args []string) error { return mode(s, args, "maintenance", "on") }

// Unmaintenance is `node unmaintenance`.
func Unmaintenance(s *session.Session, args []string) error { return mode(s, args, "maintenance", "") }

func mode(s *session.Session, args []string, name, value string) error {
	if err := s.Only("-f", "--all", "--wait"); err != nil {
		return err
	}
	if len(args) > 0 && s.Opts.Has("--all") {
		return argv.Usagef("%s", nodesAndAll)
	}
	local := len(args) == 0 && !s.Opts.Has("--all")
	if local && !s.Live() {
		if s.Legacy() {
			return report.Items{report.Errorf("Node(s) must be specified if -f is used")}
		}
		return report.Items{report.Errorf("Node(s) must be specified if -f is used")}
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	known, err := s.KnownNodes(root)
	if err != nil {
		return err
	}
	switch {
	case local:
		if s.World.Cluster == nil {
			return report.Fatal("cluster is not currently running on this node")
		}
		n, err := s.World.Cluster.LocalNode(s.Ctx)
		if err != nil {
			return report.Items{report.Errorf("unable to get local node name from pacemaker: %s", err)}
		}
		args = []string{n}
	case s.Opts.Has("--all"):
		for _, n := range known {
			args = append(args, n.Name)
		}
	default:
		var items report.Items
		for _, a := range args {
			if findKnown(known, a) == nil {
				items = append(items, report.Errorf("Node '%s' does not appear to exist in configuration", a))
			}
		}
		if len(items) > 0 {
			return items
		}
	}
	for _, a := range args {
		if value == "" && s.Legacy() && elementOf(root, a) == nil {
			continue // later generations make the node's element even to take something from it
		}
		if err := setInstanceAttr(root, known, a, name, value); err != nil {
			return err
		}
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.Idle(plan)
}

func findKnown(known []session.StateNode, name string) *session.StateNode {
	for i := range known {
		if known[i].Name == name {
			return &known[i]
		}
	}
	return nil
}

// elementOf is the node's element in the CIB, nil without.
func elementOf(root *etree.Element, name string) *etree.Element {
	for _, n := range doc.Children(doc.Section(root, "nodes"), "node") {
		if doc.Attr(n, "uname") == name {
			return n
		}
	}
	return nil
}

func setInstanceAttr(root *etree.Element, known []session.StateNode, node, name, value string) error {
	el := elementOf(root, node)
	if el == nil {
		k := findKnown(known, node)
		if k == nil {
			return report.Items{report.Errorf("Node '%s' does not appear to exist in configuration", node)}
		}
		el = doc.Append(doc.EnsureSection(root, "nodes"), "node", "id", k.ID, "uname", k.Name)
		if k.Type != "" {
			el.CreateAttr("type", k.Type)
		}
	}
	set := doc.Child(el, "instance_attributes")
	if set == nil {
		if value == "" {
			return nil
		}
		set = doc.Append(el, "instance_attributes", "id", doc.UniqueID(root, "nodes-"+doc.ID(el)))
	}
	doc.SetPair(set, name, value, doc.NewIDs(root))
	return nil
}
