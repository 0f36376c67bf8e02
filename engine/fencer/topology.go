package fencer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// Level is one level of a fencing topology: devices that fence a target together. One of
// Target, Pattern and Attribute (with Value) says whom.
type Level struct {
	Index                             int
	Target, Pattern, Attribute, Value string
	Devices                           []string
}

// key is what levels of the same targets have in common.
func (l *Level) key() string {
	switch {
	case l.Target != "":
		return l.Target
	case l.Pattern != "":
		return "@" + l.Pattern
	}
	return l.Attribute + "=" + l.Value
}

// MaxLevel is the highest index of a level.
const MaxLevel = 9

// ParseLevel reads an element fencing-level.
func ParseLevel(el *etree.Element) (Level, error) {
	get := func(name string) string { return el.SelectAttrValue(name, "") }
	l := Level{Target: get("target"), Pattern: get("target-pattern"), Attribute: get("target-attribute"), Value: get("target-value")}
	n, err := strconv.Atoi(get("index"))
	if err != nil || n < 1 || n > MaxLevel {
		return l, fmt.Errorf("Invalid level number '%s' for topology level (must be between 1 and %d)", get("index"), MaxLevel)
	}
	l.Index = n
	for _, d := range strings.Split(get("devices"), ",") {
		if d = strings.TrimSpace(d); d != "" {
			l.Devices = append(l.Devices, d)
		}
	}
	if l.key() == "=" {
		return l, fmt.Errorf("No target for topology level %d", n)
	}
	return l, nil
}

// levels gives the levels for a target, in order: those that name it, else those of the
// first pattern or attribute that fits it; none when there are none.
func (f *Fencer) levels(target string) []Level {
	var all []Level
	if ft := cib.Section(f.effects.CIB(), "fencing-topology"); ft != nil {
		for _, el := range ft.SelectElements("fencing-level") {
			if l, err := ParseLevel(el); err == nil {
				all = append(all, l)
			} else {
				f.effects.Logf("%v", err)
			}
		}
	}
	all = append(all, f.ownLevels...)
	i := slices.IndexFunc(all, func(l Level) bool { return l.Target == target })
	if i < 0 {
		i = slices.IndexFunc(all, func(l Level) bool { return l.Target == "" && f.fits(&l, target) })
	}
	if i < 0 {
		return nil
	}
	key := all[i].key()
	out := slices.DeleteFunc(all, func(l Level) bool { return l.key() != key })
	slices.SortStableFunc(out, func(a, b Level) int { return a.Index - b.Index })
	return out
}

// fits tells whether a level is for a target by its pattern or attribute.
func (f *Fencer) fits(l *Level, target string) bool {
	if l.Pattern != "" {
		re, err := regexp.CompilePOSIX(l.Pattern)
		if err != nil {
			f.effects.Logf("Pattern '%s' of topology level %d is none: %v", l.Pattern, l.Index, err)
			return false
		}
		return re.MatchString(target)
	}
	nodes := cib.Section(f.effects.CIB(), "nodes")
	if nodes == nil {
		return false
	}
	for _, n := range nodes.SelectElements("node") {
		if n.SelectAttrValue("uname", "") != target {
			continue
		}
		for _, nv := range n.FindElements("./instance_attributes/nvpair") {
			if nv.SelectAttrValue("name", "") == l.Attribute {
				return nv.SelectAttrValue("value", "") == l.Value
			}
		}
	}
	return false
}

// nextLevel lays out what is to be done at the next level. false: there is none.
func (f *Fencer) nextLevel(op *operation) bool {
	f.unmap(op)
	for op.level < len(op.levels) {
		l := &op.levels[op.level]
		op.level++
		if op.steps = f.stepsOf(op, l); len(op.steps) == 0 {
			continue
		}
		op.all = true
		if op.Action == "on" {
			for _, s := range f.requiredSteps(op) {
				if !op.satisfied[s.device] && !slices.Contains(op.steps, s) {
					op.steps = append(op.steps, s)
				}
			}
		}
		return true
	}
	return false
}

// unmap has an operation be a reboot again after a level that was one in two parts.
func (f *Fencer) unmap(op *operation) {
	if op.remapped {
		f.effects.Logf("Undoing remap of reboot targeting %s for %s", op.Target, op.Client)
		op.remapped = false
	}
}

// remaps tells whether an action is done in two parts at a level: a node that several devices feed is not rebooted by rebooting one of them after the
// other; all are switched off first, then all on again.
func (l *Level) remaps(action string) bool { return action == "reboot" && len(l.Devices) > 1 }

// requiredSteps are what every device that must switch a node on has to do.
func (f *Fencer) requiredSteps(op *operation) []step {
	var steps []step
	for _, d := range f.devices() {
		if slices.ContainsFunc(op.offers, func(o *offer) bool { return o.device == d.ID && o.required }) {
			steps = append(steps, step{d.ID, "on"})
		}
	}
	return steps
}

// stepsOf gives what is to be done at a level; nothing where a device is not to be had. What is switched on when the node joins is not switched on before.
func (f *Fencer) stepsOf(op *operation, l *Level) []step {
	action := op.Action
	if l.remaps(action) {
		f.effects.Logf("Remapping multiple-device reboot targeting %s to 'off'", op.Target)
		action, op.remapped = "off", true
	}
	var steps, on []step
	for _, id := range l.Devices {
		if f.choose(op, id, action) == nil && id != watchdogDevice {
			op.last = fmt.Sprintf("device %s of level %d is not to be had", id, l.Index)
			return nil
		}
		steps = append(steps, step{id, action})
		d := f.device(id)
		says := func(what func(on terms) bool) bool {
			return slices.ContainsFunc(op.offers, func(o *offer) bool { return o.device == id && what(o.actions["on"]) })
		}
		later := says(func(on terms) bool { return on.required })
		switch {
		case !l.remaps(op.Action) || later:
		case d != nil && d.param("pcmk_reboot_action") == "off":
			f.effects.Logf("Not turning %s back on using %s because the device is configured to stay off (pcmk_reboot_action='off')", op.Target, id)
		case says(func(on terms) bool { return on.missing }):
			f.effects.Logf("Not turning %s back on using %s because the agent doesn't support 'on'", op.Target, id)
		default:
			on = append(on, step{id, "on"})
		}
	}
	return append(steps, on...)
}
