package remove

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

var notFencing = []string{"fence_heuristics_ping", "fence_kdump", "fence_sbd", "fence_watchdog"}

// fenceDevices are the enabled devices that can take a node out.
func fenceDevices(root *etree.Element) []string {
	var out []string
	for _, el := range doc.All(doc.Section(root, "resources"), "primitive") {
		if doc.Attr(el, "class") != "stonith" || slices.Contains(notFencing, doc.Attr(el, "type")) {
			continue
		}
		enabled := true
		for e := el; e != nil && doc.Is(e, resourceTags...); e = e.Parent() {
			if v, _ := doc.Value(e, "meta_attributes", "target-role"); strings.EqualFold(v, "stopped") {
				enabled = false
			}
		}
		if enabled {
			out = append(out, doc.ID(el))
		}
	}
	return out
}

// sbdActive asks all nodes whether SBD guards any of them. Those that do not answer are only warned of: a host that is
// down keeps nobody from removing a resource.
func sbdActive(s *session.Session) (bool, error) {
	if !s.Live() {
		return false, nil
	}
	names, items, err := s.NodeNames()
	if err != nil {
		return false, err
	}
	s.Out.Tell(items...)
	if len(names) == 0 {
		s.Out.Tell(report.Warnf("No nodes found in corosync.conf"))
		return false, nil
	}
	targets, items := s.Targets(names, true, true)
	s.Out.Tell(items...)
	return slices.ContainsFunc(fleet.SBDStatus(s, targets), func(x fleet.SBD) bool {
		return x.Enabled != nil && *x.Enabled && x.Running != nil && *x.Running
	}), nil
}

func noFencing(s *session.Session) []report.Item {
	return []report.Item{report.Forcible(s.Opts.Force(), "Requested action lefts the cluster with no enabled means to fence nodes, resulting in the cluster not being able to recover from certain failure conditions")}
}

// FencingLeft tells when no enabled device would be left to fence nodes, without those that go. Where none is left, the
// nodes are asked about SBD.
func FencingLeft(s *session.Session, root *etree.Element, without []string) ([]report.Item, error) {
	had := fenceDevices(root)
	left := slices.ContainsFunc(had, func(id string) bool { return !slices.Contains(without, id) })
	if len(without) == 0 || left {
		return nil, nil
	}
	active, err := sbdActive(s)
	if err != nil || active || len(had) == 0 {
		return nil, err
	}
	return noFencing(s), nil
}

// FencingLeftWithoutSBD is FencingLeft for SBD, which is to be disabled.
func FencingLeftWithoutSBD(s *session.Session, root *etree.Element) ([]report.Item, error) {
	if len(fenceDevices(root)) > 0 {
		return nil, nil
	}
	active, err := sbdActive(s)
	if err != nil || !active {
		return nil, err
	}
	return noFencing(s), nil
}
