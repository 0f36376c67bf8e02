package simulation

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"hacluster/cib"
	"hacluster/internal/node"
)

// release is which release of the software a host has.
type release struct {
	level, least int // of messages between nodes, see controller.Level; 0: this release's
	// termless: it is one of before there were terms. What came since it neither sends nor understands.
	termless bool
}

// What a release that knows no terms does not send: whole messages, and attributes of those that it does send.
var (
	laterMessages   = regexp.MustCompile(`cib_op="hacluster_(term|promise|adopted|compare|fingerprint)"`)
	laterAttributes = regexp.MustCompile(` (hacluster-(term|dc|writes|suspects|leader|accused|level|least-level|absent|own|both|of|counted|since))="[^"]*"`)
)

// earlier is the world of a host: what leaves it and what comes to it is as its release has it.
type earlier struct {
	node.World
	h *Host
}

func (w earlier) Send(data []byte) {
	if w.h.release.termless {
		if laterMessages.Match(data) {
			return
		}
		data = laterAttributes.ReplaceAll(data, nil)
	}
	w.World.Send(data)
}

func (w earlier) SaveTerm(t cib.Term) error {
	if w.h.release.termless {
		return nil
	}
	return w.World.SaveTerm(t)
}

// releases has hosts be of their release.
func releases() adapters {
	return adapters{
		world: func(h *Host, w node.World) node.World { return earlier{w, h} },
		message: func(h *Host, data []byte) []byte {
			if !h.release.termless {
				return data
			}
			if laterMessages.Match(data) {
				return bytes.Replace(data, []byte(`t="cib"`), []byte(`t="unheard"`), 1)
			}
			return laterAttributes.ReplaceAll(data, nil)
		},
	}
}

// termless tells whether there is a node that knows no terms: what is acknowledged is as sure then as it was with its release.
func (d *drive) termless() bool {
	return slices.ContainsFunc(d.Hosts, func(h *Host) bool { return h.release.termless })
}

// upgrade has a host be of this release: the administrator stops the cluster there, as it is to be done, and starts it again when it has.
func (d *drive) upgrade(h *Host) {
	h.StopCluster()
	var next func()
	next = func() {
		if h.On && (h.ring != nil || h.pcmk != nil) {
			d.at(200*time.Millisecond, next)
			return
		}
		d.logf("%s: has this release", h.Name)
		h.release = release{}
		d.enlist(h)
	}
	next()
}

// Upgrades makes the scenario of a seed in which all nodes begin with a release that knows no terms, and are upgraded one after the other while whatever
// happens in those of Generate does.
func Upgrades(seed uint64) *Scenario {
	r := rand.New(rand.NewPCG(seed, 80))
	s := Generate(seed % firstWithDevice) // nothing but nodes and remote hosts
	s.Seed, s.Fencing, s.Old = seed, true, s.Nodes
	if s.Devices == "" {
		s.Devices = "one"
	}
	at := 500
	for _, i := range r.Perm(s.Nodes) {
		s.Steps = append(s.Steps, Step{At: at, Do: "upgrade", Host: i + 1})
		at += 1000 + r.IntN(8000)
	}
	s.Length = max(s.Length, at+1000)
	return s
}
