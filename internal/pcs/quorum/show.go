// Package quorum is `pcs quorum`: the votes of a cluster's nodes and of its quorum device.
package quorum

import (
	"sort"

	"hacluster/internal/pcs/corosyncconf"
)

// optionNames are the options of section quorum that pcs shows and sets.
var optionNames = []string{"auto_tie_breaker", "last_man_standing", "last_man_standing_window", "wait_for_all"}

// settings are quorum's options and its device's, as corosync.conf has them.
type settings struct {
	options                     map[string]string
	model                       string
	generic, modelOptions, heur map[string]string
	device                      bool
}

func read(root *corosyncconf.Section) settings {
	st := settings{options: map[string]string{}, generic: map[string]string{}, modelOptions: map[string]string{}, heur: map[string]string{}}
	for _, q := range root.All("quorum") {
		for _, name := range optionNames {
			if v, ok := q.Get(name); ok {
				st.options[name] = v
			}
		}
	}
	d := corosyncconf.Device(root)
	if d == nil || d.Value("model") == "" {
		return st
	}
	st.device, st.model = true, d.Value("model")
	for _, o := range d.Options {
		if o.Name != "model" {
			st.generic[o.Name] = o.Value
		}
	}
	for _, sub := range d.Sections {
		into := map[string]string(nil)
		switch sub.Name {
		case st.model:
			into = st.modelOptions
		case "heuristics":
			into = st.heur
		}
		if into == nil {
			continue
		}
		for _, o := range sub.Options {
			into[o.Name] = o.Value
		}
	}
	return st
}

func pairs(m map[string]string, indent string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	var out []string
	for _, n := range names {
		out = append(out, indent+n+": "+m[n])
	}
	return out
}

// Lines are the quorum options and the device.
func Lines(root *corosyncconf.Section) []string {
	st := read(root)
	out := append([]string{"Options:"}, pairs(st.options, "  ")...)
	if !st.device {
		return out
	}
	out = append(out, "Device:")
	out = append(out, pairs(st.generic, "  ")...)
	out = append(out, "  Model: "+st.model)
	out = append(out, pairs(st.modelOptions, "    ")...)
	if len(st.heur) > 0 {
		out = append(out, "  Heuristics:")
		out = append(out, pairs(st.heur, "    ")...)
	}
	return out
}
