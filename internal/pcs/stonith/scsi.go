package stonith

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
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
	if !g.Has("set") {
		current, _ := doc.Value(el, "instance_attributes", "devices")
		a := check.AddRemove{
			Container: "stonith resource", ID: args[0], Item: "device", Items: "devices",
			Add: g.Flat("add"), Remove: append(slices.Clone(g.Flat("delete")), g.Flat("remove")...), Current: strings.Split(current, ","),
		}
		if err := s.Check(a.Check()...); err != nil {
			return err
		}
	}
	return report.NotYet("devices changed without a restart (stonith update-scsi-devices)")
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
