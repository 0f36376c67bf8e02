// Package quorum is `pcs quorum`: the votes of a cluster's nodes and of its quorum device.
package quorum

import (
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/session"
)

func pairs(p argv.Pairs, indent string) []string {
	var out []string
	for _, o := range p.Sorted() {
		out = append(out, indent+o.Name+": "+o.Value)
	}
	return out
}

// Lines are the quorum options and the device. Before 0.11.6 the heading of the options stood there without any, too.
func Lines(s *session.Session, root *corosyncconf.Section) []string {
	var out []string
	if p := corosyncconf.QuorumOptions(root); len(p) > 0 || !s.Since(11, 6) {
		out = append([]string{"Options:"}, pairs(p, "  ")...)
	}
	d := corosyncconf.ReadDevice(root)
	if d == nil {
		return out
	}
	out = append(out, "Device:")
	out = append(out, pairs(d.Generic, "  ")...)
	out = append(out, "  Model: "+d.Model)
	out = append(out, pairs(d.Options, "    ")...)
	if len(d.Heuristics) > 0 {
		out = append(out, "  Heuristics:")
		out = append(out, pairs(d.Heuristics, "    ")...)
	}
	return out
}
