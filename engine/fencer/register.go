package fencer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// Devices and levels come from the configuration; a person may add others to one node's
// fencer for as long as it runs.

// devices are those of the configuration, and those that were registered here.
func (f *Fencer) devices() []*Device {
	all := f.configured()
	for _, d := range f.ownDevices {
		if !slices.ContainsFunc(all, func(o *Device) bool { return o.ID == d.ID }) {
			all = append(all, d)
		}
	}
	return all
}

func (f *Fencer) device(id string) *Device {
	for _, d := range f.devices() {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// registered tells whether a person registered a device here.
func (f *Fencer) registered(id string) bool {
	return slices.ContainsFunc(f.ownDevices, func(d *Device) bool { return d.ID == id })
}

// Register adds a device to this node's fencer, in place of one of that name.
func (f *Fencer) Register(d Device) {
	f.Deregister(d.ID)
	f.ownDevices = append(f.ownDevices, &d)
	f.effects.Logf("Added '%s' to device list", d.ID)
	f.needs(&d)
}

// needs tells what is special about switching a node on with a device.
func (f *Fencer) needs(d *Device) {
	f.effects.Traits(d.Agent, func(t Traits) {
		if t.Automatic || d.Unfences {
			f.effects.Logf("Fencing device '%s' requires unfencing", d.ID)
		}
		if len(t.OnTarget) > 0 {
			f.effects.Logf("Fencing device '%s' requires actions (%s) to be executed on target", d.ID, strings.Join(t.OnTarget, " "))
		}
	})
}

// Deregister forgets a device that was registered; one of the configuration stays.
func (f *Fencer) Deregister(id string) {
	f.unlearn(id)
	f.ownDevices = slices.DeleteFunc(f.ownDevices, func(d *Device) bool { return d.ID == id })
}

// unlearn forgets what is known of a device that is another now.
func (f *Fencer) unlearn(id string) {
	delete(f.lists, id)
	delete(f.unlisted, id)
	delete(f.failed, id)
	delete(f.verified, id)
}

// RegisterLevel adds a level to this node's fencer, or devices to one that there is.
func (f *Fencer) RegisterLevel(l Level) {
	for i := range f.ownLevels {
		if o := &f.ownLevels[i]; o.Index == l.Index && o.key() == l.key() {
			o.Devices = append(slices.Clone(o.Devices), l.Devices...)
			return
		}
	}
	f.ownLevels = append(f.ownLevels, l)
}

// DeregisterLevel forgets a level that was registered.
func (f *Fencer) DeregisterLevel(l Level) {
	f.ownLevels = slices.DeleteFunc(f.ownLevels, func(o Level) bool { return o.Index == l.Index && o.key() == l.key() })
}

// ParseDevice reads an element st_device_id of a registration.
func ParseDevice(el *etree.Element) Device {
	d := Device{ID: el.SelectAttrValue("id", ""), Agent: el.SelectAttrValue("agent", "")}
	if at := el.SelectElement("attributes"); at != nil {
		for _, a := range at.Attr {
			d.Params = append(d.Params, Param{a.Key, a.Value})
		}
	}
	return d
}

// unequalDelay is how long the one of two nodes waits that is to lose.
const unequalDelay = 2 * time.Second

// unequal is the delay that nobody configured: where each of two nodes stands for the whole
// cluster when they lose sight of each other, and each can fence the other, the node with the
// lower id goes first, so that not both go down. Any delay that is configured for one of them,
// even at an agent, says that an administrator has seen to it.
func (f *Fencer) unequal(op *operation) time.Duration {
	if !op.byCluster() || op.Action == "on" || !f.effects.Duel(op.Target) {
		return 0
	}
	id := func(name string) int {
		nodes := cib.Section(f.effects.CIB(), "nodes")
		if nodes == nil {
			return 0
		}
		for _, n := range nodes.SelectElements("node") {
			if n.SelectAttrValue("uname", "") == name {
				i, _ := strconv.Atoi(n.SelectAttrValue("id", ""))
				return i
			}
		}
		return 0
	}
	mine, other := id(f.self), id(op.Target)
	if mine == 0 || other == 0 || mine < other {
		return 0
	}
	back := false // the target can fence this node
	for _, d := range f.devices() {
		if d.delayed() {
			return 0
		}
		if d.usable(op.Target) && (d.check() != "static-list" || d.static(f.self)) {
			back = true
		}
	}
	if !back {
		return 0
	}
	f.effects.Logf("Fencing of %s waits %s: it might be about to fence this node, and one of the two must be first (pcmk_delay_base says otherwise)", op.Target, unequalDelay)
	return unequalDelay
}

// delayed tells whether a delay is configured for a device, at it or at its agent.
func (d *Device) delayed() bool {
	return slices.ContainsFunc(d.Params, func(p Param) bool {
		return p.Name == "pcmk_delay_base" || p.Name == "pcmk_delay_max" || p.Name == "delay"
	})
}

// limit is how many actions a device bears at once; 0: no limit.
func (d *Device) limit() int {
	n, err := strconv.Atoi(strings.TrimSpace(d.param("pcmk_action_limit")))
	switch {
	case err != nil || n == 0:
		return 1
	case n < 0:
		return 0
	}
	return n
}
