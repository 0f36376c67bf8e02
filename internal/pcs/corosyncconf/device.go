package corosyncconf

import (
	"slices"

	"hacluster/internal/pcs/argv"
)

// QuorumDevice is the quorum device as the file has it.
type QuorumDevice struct {
	Model string
	// Options are the model's, Generic those of any device.
	Options, Generic, Heuristics argv.Pairs
}

// ReadDevice reads the quorum device; nil without.
func ReadDevice(root *Section) *QuorumDevice {
	var d *QuorumDevice
	devices := deviceSections(root)
	for _, s := range devices {
		if m, ok := s.Get("model"); ok {
			d = &QuorumDevice{Model: m}
		}
	}
	if d == nil {
		return nil
	}
	take := func(into *argv.Pairs, s *Section) {
		for _, o := range s.Options {
			*into = into.With(o.Name, o.Value)
		}
	}
	for _, s := range devices {
		take(&d.Generic, s)
		for _, c := range s.Sections {
			switch c.Name {
			case "heuristics":
				take(&d.Heuristics, c)
			case d.Model:
				take(&d.Options, c)
			}
		}
	}
	d.Generic = d.Generic.Without("model")
	return d
}

func deviceSections(root *Section) []*Section {
	var out []*Section
	for _, q := range root.All("quorum") {
		out = append(out, q.All("device")...)
	}
	return out
}

// Idle tells whether heuristics are on without anything to run.
func (d *QuorumDevice) Idle() bool {
	if d == nil {
		return false
	}
	for _, o := range d.Heuristics {
		if len(o.Name) > 5 && o.Name[:5] == "exec_" && NameRE().MatchString(o.Name[5:]) && o.Value != "" {
			return false
		}
	}
	mode := d.Heuristics.Value("mode")
	return mode == "on" || mode == "sync"
}

// AddDevice puts a quorum device in; stop tells that options had to go that the cluster must not run for.
func AddDevice(root *Section, d QuorumDevice) (stop bool) {
	quorums := root.Ensure("quorum")
	drop := argv.Pairs{{Name: "allow_downscale"}, {Name: "two_node"}}
	for _, n := range NotWithDevice {
		drop = append(drop, argv.Pair{Name: n})
	}
	for _, q := range quorums {
		for _, s := range q.All("device") {
			q.Remove(s)
		}
		for _, o := range q.Options {
			if slices.Contains(NotWithDevice, o.Name) && o.Value != "" && o.Value != "0" {
				stop = true
			}
		}
	}
	SetIn(quorums, drop)
	for _, list := range root.All("nodelist") {
		for _, n := range list.All("node") {
			n.Drop("quorum_votes")
		}
	}
	device := quorums[len(quorums)-1].Add(&Section{Name: "device"})
	SetIn([]*Section{device}, d.Generic)
	device.Set("model", d.Model)
	SetIn([]*Section{device.Add(&Section{Name: d.Model})}, d.Options)
	SetIn([]*Section{device.Add(&Section{Name: "heuristics"})}, d.Heuristics)
	deviceVotes(root)
	UpdateTwoNode(root)
	root.DropEmpty()
	return stop
}

// UpdateDevice changes options of the quorum device, which is there.
func UpdateDevice(root *Section, change QuorumDevice) {
	devices := deviceSections(root)
	last := devices[len(devices)-1]
	model := ReadDevice(root).Model
	inner := func(name string) []*Section {
		var out []*Section
		for _, d := range devices {
			out = append(out, d.All(name)...)
		}
		if len(out) == 0 {
			out = []*Section{last.Add(&Section{Name: name})}
		}
		return out
	}
	models, heuristics := inner(model), inner("heuristics")
	SetIn(devices, change.Generic)
	SetIn(models, change.Options)
	SetIn(heuristics, change.Heuristics)
	deviceVotes(root)
	UpdateTwoNode(root)
	root.DropEmpty()
}

// RemoveHeuristics takes the quorum device's heuristics out.
func RemoveHeuristics(root *Section) {
	for _, d := range deviceSections(root) {
		for _, h := range d.All("heuristics") {
			d.Remove(h)
		}
	}
	root.DropEmpty()
}

// RemoveDevice takes the quorum device out.
func RemoveDevice(root *Section) {
	for _, d := range deviceSections(root) {
		d.parent.Remove(d)
	}
	UpdateTwoNode(root)
	root.DropEmpty()
}

// deviceVotes gives the device the one vote that the algorithm ffsplit needs, and takes it from others.
func deviceVotes(root *Section) {
	d := ReadDevice(root)
	if d == nil || d.Model != "net" {
		return
	}
	votes := ""
	if d.Options.Value("algorithm") == "ffsplit" {
		votes = "1"
	}
	SetIn(deviceSections(root), argv.Pairs{{Name: "votes", Value: votes}})
}
