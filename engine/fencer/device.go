package fencer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Param is a parameter of a fence device.
type Param struct{ Name, Value string }

// Device is a fence device as the configuration has it.
type Device struct {
	ID, Agent string
	Params    []Param
	Disabled  bool // target-role is Stopped
	Unfences  bool // it must switch a node on that joins (provides=unfencing)
	// Scores are the location scores of nodes; one below 0 may not use it. A node without a
	// score has Otherwise.
	Scores    map[string]int
	Otherwise int
}

func (d *Device) param(name string) string {
	for _, p := range d.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// usable tells whether a node may use the device.
func (d *Device) usable(node string) bool {
	score, ok := d.Scores[node]
	if !ok {
		score = d.Otherwise
	}
	return !d.Disabled && score >= 0
}

// check is how it is found out which targets a device can fence.
func (d *Device) check() string {
	if c := d.param("pcmk_host_check"); c != "" {
		return c
	}
	if d.param("pcmk_host_list") != "" || d.param("pcmk_host_map") != "" {
		return "static-list"
	}
	return ""
}

// aliases reads pcmk_host_map: what the device calls each target.
func (d *Device) aliases() map[string]string {
	out := map[string]string{}
	for _, w := range strings.FieldsFunc(d.param("pcmk_host_map"), func(r rune) bool { return r == ' ' || r == ';' || r == '\t' }) {
		if i := strings.IndexAny(w, ":="); i > 0 && i+1 < len(w) {
			out[w[:i]] = w[i+1:]
		}
	}
	return out
}

// static tells whether a static list names the target.
func (d *Device) static(target string) bool {
	return slices.ContainsFunc(ParseTargets(d.param("pcmk_host_list")), func(w string) bool { return strings.EqualFold(w, target) }) || d.alias(target) != ""
}

// alias is what the device calls a target, "" where the map does not say.
func (d *Device) alias(target string) string {
	for name, alias := range d.aliases() {
		if strings.EqualFold(name, target) {
			return alias
		}
	}
	return ""
}

// call gives what the agent is run with for an action on a target ("" for none).
// plug is the parameter that names the target, from the agent's meta-data.
func (d *Device) call(action, target, plug string) (agentAction string, params []Param) {
	agentAction = action
	if a := d.param("pcmk_" + action + "_action"); a != "" {
		agentAction = a
	}
	if target != "" {
		params = append(params, Param{"nodename", target})
		name := d.param("pcmk_host_argument")
		if name == "" {
			name = plug
		}
		alias := cmp.Or(d.alias(target), target)
		if v := d.param(name); name != "none" && (v == "" || v == "dynamic") {
			params = append(params, Param{name, alias})
		}
	}
	for _, p := range d.Params {
		if strings.HasPrefix(p.Name, "pcmk_") || p.Name == "action" || p.Value == "dynamic" {
			continue
		}
		params = append(params, p)
	}
	return agentAction, d.named(params)
}

// OwnerParam is a parameter that tells whose the others are; no agent gets it.
const OwnerParam = "CRM_meta_device"

// Own gives all parameters of a device.
func (d *Device) Own() []Param { return d.named(slices.Clone(d.Params)) }

// named adds the device's name where some of the values are secret: they are kept under it.
func (d *Device) named(params []Param) []Param {
	if slices.ContainsFunc(params, func(p Param) bool { return p.Value == "lrm://" }) {
		params = append(params, Param{OwnerParam, d.ID})
	}
	return params
}

func (d *Device) timeout(action string, otherwise time.Duration) time.Duration {
	if t, ok := duration(d.param("pcmk_" + action + "_timeout")); ok && t > 0 {
		return t
	}
	return otherwise
}

func (d *Device) retries(action string) int {
	if n, err := strconv.Atoi(d.param("pcmk_" + action + "_retries")); err == nil {
		return max(n, 1)
	}
	return 2
}

// delays gives the base and the most of the delay before this target is fenced.
func (d *Device) delays(target string) (base, most time.Duration) {
	text := d.param("pcmk_delay_base")
	if strings.ContainsAny(text, ":=") {
		found := ""
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' || r == '\t' }) {
			if i := strings.IndexAny(w, ":="); i > 0 && w[:i] == target {
				found = w[i+1:]
			}
		}
		text = found
	}
	base, _ = duration(text)
	most, _ = duration(d.param("pcmk_delay_max"))
	if most > 0 {
		return min(base, most), most
	}
	return base, base
}

// duration reads "30", "30s", "2m", "500ms".
func duration(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return 0, false
	}
	unit, ok := map[string]time.Duration{
		"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
		"m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
	}[strings.TrimSpace(s[i:])]
	return time.Duration(n) * unit, ok
}
