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

// choose gives the node that is to run a device: another than the target where there is one.
func (f *Fencer) choose(op *operation, device, action string) (attempt, bool) {
	best := ""
	for _, o := range op.offers {
		if device != o.device {
			continue
		}
		switch {
		case o.node == f.self && o.node != op.Target:
			return attempt{o.node, device, action}, true
		case best == "" || best == op.Target:
			best = o.node
		}
	}
	return attempt{best, device, action}, best != ""
}

// nextLevel lays out what is to be tried next.
func (f *Fencer) nextLevel(op *operation) {
	op.steps, op.all = nil, false
	if len(op.levels) == 0 {
		if op.level > 0 {
			f.fail(op)
			return
		}
		op.level++
		if op.Action == "on" {
			op.steps = f.requiredSteps(op)
			op.all = len(op.steps) > 0
		}
		for _, d := range f.devices() {
			if op.all {
				break
			}
			if a, ok := f.choose(op, d.ID, op.Action); ok {
				op.steps = append(op.steps, a)
			}
		}
	}
	for len(op.levels) > 0 && len(op.steps) == 0 {
		if op.level >= len(op.levels) {
			f.fail(op)
			return
		}
		l := &op.levels[op.level]
		op.level++
		op.all = true
		op.steps = f.stepsOf(op, l)
		if op.Action == "on" && len(op.steps) > 0 {
			for _, a := range f.requiredSteps(op) {
				if !slices.ContainsFunc(op.steps, func(b attempt) bool { return b.device == a.device }) {
					op.steps = append(op.steps, a)
				}
			}
		}
	}
	if len(op.steps) == 0 {
		if op.last == "" {
			op.last = noDevice
		}
		if len(op.levels) > 0 || !f.await(op) {
			f.fail(op)
		}
		return
	}
	f.step(op)
}

// stepsOf gives what is to be done at a level; nothing where a device is not to be had.
//
// A node that several devices feed is not rebooted by rebooting one of them after the
// other: all are switched off first, then all on again.
func (f *Fencer) stepsOf(op *operation, l *Level) []attempt {
	action := op.Action
	remap := action == "reboot" && len(l.Devices) > 1
	if remap {
		action = "off"
	}
	var steps, on []attempt
	for _, id := range l.Devices {
		a, ok := f.choose(op, id, action)
		if !ok {
			op.last = fmt.Sprintf("device %s of level %d is not to be had", id, l.Index)
			return nil
		}
		steps = append(steps, a)
		if d := f.device(id); remap && (d == nil || d.param("pcmk_reboot_action") != "off") {
			a.action = "on"
			on = append(on, a)
		}
	}
	return append(steps, on...)
}
