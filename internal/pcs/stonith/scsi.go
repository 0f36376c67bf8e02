package stonith

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/patch"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// restartless are the agents whose devices can be changed while they are in use.
var restartless = []string{"fence_mpath", "fence_scsi"}

// UpdateScsiDevices is `stonith update-scsi-devices`: other devices for a fence agent of SCSI
// reservations, without a restart of all that depends on it.
func UpdateScsiDevices(s *session.Session, args []string) error {
	if err := s.Opts.Only("--request-timeout", "--skip-offline"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	g, err := argv.GroupByKeywords(args[1:], []string{"set", "add", "remove", "delete"}, "")
	if err == nil {
		err = g.RepeatOnly()
	}
	if err != nil {
		return err
	}
	changing := g.Has("add") || g.Has("remove") || g.Has("delete")
	if g.Has("set") && (changing || g.Empty("set")) || g.Empty("add") || g.Empty("remove") || g.Empty("delete") {
		return &argv.UsageError{Both: true, Hint: "You must specify either list of set devices or at least one device for add or delete/remove devices"}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	el, items := scsiDevice(s, root, args[0])
	if err := s.Check(items...); err != nil {
		return err
	}
	text, _ := doc.Value(el, "instance_attributes", "devices")
	current := strings.Split(text, ",")
	updated := g.Flat("set")
	if !g.Has("set") {
		add, gone := g.Flat("add"), append(slices.Clone(g.Flat("delete")), g.Flat("remove")...)
		a := check.AddRemove{Container: "stonith resource", ID: args[0], Item: "device", Items: "devices", Add: add, Remove: gone, Current: current}
		if err := s.Check(a.Check()...); err != nil {
			return err
		}
		updated = slices.DeleteFunc(append(slices.Clone(current), add...), func(d string) bool { return slices.Contains(gone, d) })
	}
	before := root.Copy()
	if err := replaceDevices(s, root, el, updated); err != nil {
		return err
	}
	// Nodes get at the new devices before the cluster takes them for theirs.
	if err := unfence(s, el, sortedSet(current), sortedSet(updated)); err != nil {
		return err
	}
	diff := patch.Diff(before, root, patch.NoVersions)
	if diff == nil {
		return nil
	}
	if err := s.PatchCIB(diff); err != nil {
		return report.Fatalf("Unable to update cib\n%s", err)
	}
	return nil
}

// unfence has all nodes on which corosync runs get at the devices that they did not have.
func unfence(s *session.Session, el *etree.Element, current, updated []string) error {
	if !slices.ContainsFunc(updated, func(d string) bool { return !slices.Contains(current, d) }) {
		return nil
	}
	names, items, err := s.NodeNames()
	if err != nil {
		return err
	}
	s.Out.Tell(items...)
	targets, items := s.Targets(names, false, false)
	if err := s.Check(items...); err != nil {
		return err
	}
	online := fleet.RunningCorosync(s, targets)
	if err := s.Out.Check(); err != nil {
		return err
	}
	type body struct {
		Node    string   `json:"node,omitempty"`
		Key     string   `json:"key,omitempty"`
		Current []string `json:"original_devices"`
		Updated []string `json:"updated_devices"`
	}
	path, keys := "api/v1/scsi-unfence-node/v2", map[string]string(nil)
	if doc.Attr(el, "type") == "fence_mpath" {
		path = "api/v1/scsi-unfence-node-mpath/v1"
		if keys, items = mpathKeys(el, online); len(items) > 0 {
			return s.Check(items...)
		}
	}
	fleet.Command(s, online, path, func(node string) any {
		b := body{Node: node, Current: current, Updated: updated}
		if keys != nil {
			b.Node, b.Key = "", keys[node]
		}
		return b
	})
	return s.Out.Check()
}

// scsiDevice finds a fence device whose devices can be changed so.
func scsiDevice(s *session.Session, root *etree.Element, id string) (*etree.Element, []report.Item) {
	el, items := s.Find(root, id, []string{"primitive"})
	if el == nil {
		return nil, items
	}
	if kind := doc.Attr(el, "type"); doc.Attr(el, "class") != "stonith" || doc.Attr(el, "provider") != "" || !slices.Contains(restartless, kind) {
		return el, []report.Item{report.Errorf("Resource '%s' is not a stonith resource or its type '%s' is not supported for devices update. Supported types: %s", id, kind, report.QuoteSorted(restartless))}
	}
	if v, _ := doc.Value(el, "instance_attributes", "devices"); v == "" {
		return el, []report.Item{report.Errorf("Unable to perform restartless update of scsi devices: no devices option configured for stonith device '%s'", id)}
	}
	return el, nil
}
