package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"hacluster/corosync/local"
)

// The quorum device in corosync.conf: what stands there, that it is added, changed and removed while the cluster runs, as pcs does it, and what must be
// true of votes in the end.

// deviceText is the section of a quorum device with these options, as pcs writes it: algorithm, timeout and sync_timeout (ms), tie_breaker,
// keep_active_partition_tie_breaker, and heuristics (its mode) with interval (s).
func deviceText(options map[string]string) string {
	if options == nil {
		return ""
	}
	get := func(name, without string) string { return cmp.Or(options[name], without) }
	var b strings.Builder
	algorithm := get("algorithm", "ffsplit")
	// Times are shorter than the defaults, so that a scenario sees them pass.
	fmt.Fprintf(&b, "device {\nmodel: net\ntimeout: %s\nsync_timeout: %s\n", get("timeout", "4000"), get("sync_timeout", "12000"))
	if algorithm == "ffsplit" {
		b.WriteString("votes: 1\n") // with lms it has one less than there are nodes
	}
	fmt.Fprintf(&b, "net {\nhost: qnetd\ntls: off\nalgorithm: %s\n", algorithm)
	for _, k := range []string{"tie_breaker", "keep_active_partition_tie_breaker"} {
		if v := options[k]; v != "" {
			fmt.Fprintf(&b, "%s: %s\n", k, v)
		}
	}
	b.WriteString("}\n")
	if mode := options["heuristics"]; mode != "" {
		fmt.Fprintf(&b, "heuristics {\nmode: %s\ninterval: %s000\nexec_reach: /bin/reach\n}\n", mode, get("interval", "5"))
	}
	b.WriteString("}\n")
	return b.String()
}

// withDevice is the file with another one of the quorum device's options; "": without it.
func (f confFile) withDevice(option, value string) confFile {
	f.device = maps.Clone(f.device)
	if f.device == nil {
		f.device = map[string]string{}
	}
	f.device[option] = value
	if value == "" {
		delete(f.device, option)
	}
	return f
}

// commandTime is how far apart the steps of one pcs command are.
const commandTime = 200 * time.Millisecond

// equip is `pcs quorum device add`, or `update`: the file is brought to all hosts but some, and read, and corosync-qdevice is started there; where it
// runs already, it is stopped before.
func (d *drive) equip(f confFile, add bool, but []uint32) {
	if add == (d.file.device != nil) {
		return
	}
	before := d.file.text(d.Cluster)
	if d.edit(f, but...); d.file.text(d.Cluster) == before {
		return // it was refused, or nothing changes
	}
	d.at(commandTime, func() {
		for _, h := range d.nodes() {
			if slices.Contains(but, h.ID) {
				continue
			}
			if add {
				h.deviceOn = true
			}
			h.restartDevice()
		}
	})
}

// restartDevice ends corosync-qdevice, and starts it where it is to run.
func (h *Host) restartDevice() {
	if r := h.ring; r != nil && r.device != nil {
		r.device.end(h.startDevice)
		return
	}
	h.startDevice()
}

// unequip is `pcs quorum device remove`: corosync-qdevice is stopped on all hosts but some, and then the file is brought there, and read.
func (d *drive) unequip(but []uint32) {
	if d.file.device == nil {
		return
	}
	for _, h := range d.nodes() {
		if !slices.Contains(but, h.ID) {
			h.deviceOn = false
			h.restartDevice()
		}
	}
	d.at(commandTime, func() {
		f := d.file
		f.device = nil
		d.edit(f, but...)
	})
}

// devices is the administrator who has corosync-qdevice run where it is to, and nowhere else.
func (d *drive) devices() {
	for _, h := range d.nodes() {
		h.deviceOn = d.file.device != nil
		if r := h.ring; !h.deviceOn || r == nil || r.device == nil {
			h.restartDevice()
		}
	}
}

// votesCounted tells where votes are not what corosync.conf says of the quorum device; "" where they are: all nodes count the same, the device votes for
// all who see each other, where there is one, and has no votes where there is none. How many votes are needed may be
// more where somebody came who expected more and had not read what the others had: it sinks only with what is expected, as with Corosync.
func (d *drive) votesCounted() string {
	if d.s.Seed < firstWithChangingDevice {
		return ""
	}
	// Other options of quorum take effect when corosync is started next.
	tuned := slices.ContainsFunc(d.s.Steps, func(s Step) bool { return s.Do == "tune" && !strings.HasPrefix(s.Arg, "token") })
	var first local.VoteInfo
	for i, h := range d.nodes() {
		if h.ring == nil {
			return h.Name + " has no corosync"
		}
		v, ok := h.ring.node.Votes()
		if !ok {
			return h.Name + " counts no votes"
		}
		if i == 0 {
			first = v
		}
		switch {
		case v.DeviceVotes != first.DeviceVotes, !tuned && v.Expected != first.Expected:
			return fmt.Sprintf("%s expects %d votes, and gives the device %d, and another one %d, %d", h.Name, v.Expected, v.DeviceVotes, first.Expected, first.DeviceVotes)
		case d.file.device == nil && (v.DeviceVotes != 0 || v.Flags&(local.VQDeviceRegistered|local.VQDeviceCastVote) != 0):
			return fmt.Sprintf("%s has a quorum device with %d votes (%#x), where none is configured", h.Name, v.DeviceVotes, v.Flags)
		case d.file.device != nil && v.Flags&local.VQDeviceCastVote == 0:
			return h.Name + " does not have the vote of the quorum device"
		}
	}
	return ""
}

// Divided: with a quorum device, no two parts of the cluster have quorum for longer than it takes to hand the vote over.
const Divided = "quorum in two parts"

// handover is how long that is at most: the one that has the vote no more is told so first, and tells its corosync.
const handover = 2 * time.Second

// quorumOnce holds that, once a host has come to have quorum.
func (d *drive) quorumOnce(h *Host) {
	if d.arbiter == nil || d.s.Seed < firstWithChangingDevice || !quorate(h) {
		return
	}
	for _, o := range d.nodes() {
		if !d.divided(h, o) {
			continue
		}
		d.at(handover, func() {
			if d.divided(h, o) {
				d.check.fail(Divided, "%s and %s have quorum, and have not seen each other for %v", h.Name, o.Name, handover)
			}
		})
	}
}

// divided tells whether two hosts have quorum that do not see each other, and may not.
func (d *drive) divided(h, o *Host) bool {
	return h != o && quorate(h) && quorate(o) && !slices.Contains(h.members(), o.ID) && !slices.Contains(o.members(), h.ID) && !d.mayBoth(h, o)
}

// quorate tells whether a host's corosync runs, and has quorum: while it takes a new ring in, which may wait for the device, nobody can do anything with it.
func quorate(h *Host) bool {
	if h.ring == nil || h.ring.stopped() || h.ring.node.Syncing() {
		return false
	}
	v, ok := h.ring.node.Votes()
	return ok && v.Flags&local.VQQuorate != 0
}

// firstWithChangingDevice is the first seed whose quorum device may have heuristics, and change while the cluster runs.
const firstWithChangingDevice = 7_400_000

// changingDevice gives half of the scenarios a quorum device, from the start on or later, with heuristics in every second, faults of its, and changes of it.
func (s *Scenario) changingDevice(r *rand.Rand) {
	if r.IntN(2) == 0 || strings.Contains(s.Quorum, "auto_tie_breaker") || strings.Contains(s.Quorum, "last_man_standing") {
		return
	}
	at := func() int {
		if len(s.Steps) > 0 && r.IntN(2) == 0 { // with what happens to others
			return min(s.Length, max(0, s.Steps[r.IntN(len(s.Steps))].At+r.IntN(2000)-1000))
		}
		return r.IntN(s.Length)
	}
	algorithm := []string{"ffsplit", "ffsplit", "lms"}[r.IntN(3)]
	options := ""
	if r.IntN(2) == 0 {
		options = fmt.Sprintf("heuristics=%s interval=%d", []string{"on", "on", "sync"}[r.IntN(3)], 1+r.IntN(5))
	}
	step := func(do, arg string) {
		s.Steps = append(s.Steps, Step{At: at(), Do: do, Host: 1, Arg: strings.TrimSpace(arg + " " + s.left(r))})
	}
	if r.IntN(3) == 0 {
		step("add-device", strings.TrimSpace("algorithm="+algorithm+" "+options))
	} else {
		s.Device, s.DeviceOptions = algorithm, options
	}
	if r.IntN(4) == 0 {
		step("remove-device", "")
		if r.IntN(2) == 0 {
			step("add-device", "algorithm="+algorithm)
		}
	}
	for range r.IntN(3) {
		step("tune-device", []string{
			"timeout=2000", "timeout=8000", "sync_timeout=5000", "tie_breaker=highest", "tie_breaker=", "keep_active_partition_tie_breaker=off",
			"heuristics=on", "heuristics=sync", "heuristics=off", "interval=1", "algorithm=lms", "algorithm=ffsplit",
		}[r.IntN(12)])
	}
	for range r.IntN(4) {
		f := Step{At: at(), Host: 1 + r.IntN(s.Nodes), For: 200 + r.IntN(20000), Do: []string{"qnetd", "cut-qnetd", "cut-qnetd"}[r.IntN(3)]}
		if options != "" && r.IntN(2) == 0 {
			f.Do, f.Arg = "heuristics", []string{Fail, Fail, Hang}[r.IntN(3)]
		}
		s.Steps = append(s.Steps, f)
	}
}
