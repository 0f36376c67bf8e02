package corosynccheck

import (
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
)

// Options that pcs knows for a quorum device.
var (
	netNames       = []string{"algorithm", "host", "connect_timeout", "force_ip_version", "keep_active_partition_tie_breaker", "port", "tie_breaker", "tls"}
	deviceNames    = []string{"sync_timeout", "timeout"}
	heuristicNames = []string{"interval", "mode", "sync_timeout", "timeout"}
	algorithms     = []string{"ffsplit", "lms"}
)

// Device checks a quorum device that is to be added, or with update what is to change of it.
func (r Rules) Device(d corosyncconf.QuorumDevice, nodeIDs []string, update bool) []report.Item {
	var items []report.Item
	sev := check.ByForce(r.Force)
	rules := check.Rules{Style: r.Style}
	switch {
	case d.Model == "net":
		items = r.netDevice(d.Options, nodeIDs, update)
	case !update:
		items = rules.Check(argv.Pairs{{Name: "model", Value: d.Model}}, check.In("model", "net").As(sev))
		items = append(items, UnsuitableValue("model", d.Model)...)
	}
	items = append(items, Unsuitable(d.Options, "quorum device model")...)
	items = append(items, rules.NamesIn(d.Generic, deviceNames, "quorum device", sev, "model")...)
	items = append(items, Unsuitable(d.Generic, "quorum device")...)
	for _, v := range []check.Value{positive("sync_timeout"), positive("timeout")} {
		items = append(items, r.value(v.As(sev), update)(d.Generic)...)
	}
	return append(items, r.heuristics(d.Heuristics, update)...)
}

func (r Rules) netDevice(p argv.Pairs, nodeIDs []string, update bool) []report.Item {
	sev := check.ByForce(r.Force)
	rules := check.Rules{Style: r.Style}
	var items []report.Item
	if !update {
		items = rules.RequiredAll(p, []string{"algorithm", "host"}, "quorum device model", check.Hard)
	}
	names := netNames
	if r.Style.Minor < 11 {
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "keep_active_partition_tie_breaker" })
	}
	items = append(items, rules.NamesIn(p, names, "quorum device model", sev)...)
	if v, ok := p.Get("algorithm"); ok && v == "" {
		items = append(items, r.Style.EmptyOptionValue("algorithm", v, r.Style.List(algorithms)))
	} else {
		items = append(items, rules.Check(p, check.In("algorithm", algorithms...).As(sev))...)
	}
	items = append(items, r.notEmpty("host", "a qdevice host address", false)(p)...)
	for _, v := range []check.Value{
		within("connect_timeout", 1000, 120000), check.In("force_ip_version", "0", "4", "6"), check.Port("port"),
		check.In("tie_breaker", append([]string{"lowest", "highest"}, slices.Sorted(slices.Values(nodeIDs))...)...), check.In("tls", "on", "off", "required"),
		check.In("keep_active_partition_tie_breaker", "on", "off"),
	} {
		if slices.Contains(names, v.Name) {
			items = append(items, r.value(v.As(sev), update)(p)...)
		}
	}
	return items
}

// heuristics checks what the device runs to tell whether a node is well.
func (r Rules) heuristics(p argv.Pairs, update bool) []report.Item {
	sev := check.ByForce(r.Force)
	var plain, exec argv.Pairs
	for _, o := range p {
		if strings.HasPrefix(o.Name, "exec_") {
			exec = append(exec, o)
		} else {
			plain = append(plain, o)
		}
	}
	items := Unsuitable(p, "heuristics")
	var bad []string
	for _, n := range plain.Names() {
		if !slices.Contains(heuristicNames, n) {
			bad = append(bad, n)
		}
	}
	if len(bad) > 0 {
		items = append(items, r.Style.InvalidOptions(bad, heuristicNames, "heuristics", "exec_NAME").As(r.Force))
	}
	for _, v := range []check.Value{check.In("mode", "off", "on", "sync"), positive("interval"), positive("sync_timeout"), positive("timeout")} {
		items = append(items, r.value(v.As(sev), update)(plain)...)
	}
	if !update {
		for _, o := range exec {
			items = append(items, r.notEmpty(o.Name, "a command to be run", false)(exec)...)
		}
	}
	return items
}
