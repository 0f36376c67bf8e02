package corosynccheck

import (
	"slices"
	"strconv"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
)

// digits tells whether a text is digits only, from least to most where most is not 0.
func digits(text string, least, most int) bool {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return false
	}
	if most == 0 {
		return true
	}
	n, err := strconv.Atoi(text)
	return err == nil && n >= least && n <= most
}

// Quorum09 checks options of quorum as 0.9 does: one after the other by name.
func (r Rules) Quorum09(p argv.Pairs, device bool) []report.Item {
	var items []report.Item
	var bad []string
	for _, o := range p.Sorted() {
		switch {
		case !slices.Contains(corosyncconf.QuorumNames, o.Name):
			items = append(items, r.Style.InvalidOptions([]string{o.Name}, corosyncconf.QuorumNames, "quorum"))
			continue
		case o.Value == "":
			continue
		case device && slices.Contains(corosyncconf.NotWithDevice, o.Name):
			bad = append(bad, o.Name)
		}
		if o.Name == "last_man_standing_window" {
			if !digits(o.Value, 0, 0) {
				items = append(items, r.Style.InvalidOptionValueText(o.Name, o.Value, "positive integer"))
			}
		} else if o.Value != "0" && o.Value != "1" {
			items = append(items, r.Style.InvalidOptionValue(o.Name, o.Value, []string{"0", "1"}))
		}
	}
	if len(bad) > 0 {
		items = append(items, report.Errorf("These options cannot be set when the cluster uses a quorum device: %s", strings.Join(bad, ", ")))
	}
	return items
}

// Device09 is Device as 0.9 has it.
func (r Rules) Device09(d corosyncconf.QuorumDevice, nodeIDs []string, update bool) []report.Item {
	sev := check.ByForce(r.Force)
	var items []report.Item
	can := func(i report.Item) { items = append(items, i.As(r.Force)) }
	if !update && d.Model != "net" {
		can(r.Style.InvalidOptionValue("model", d.Model, []string{"net"}))
	}
	if d.Model == "net" {
		items = append(items, r.netDevice09(d.Options, nodeIDs, update)...)
	}
	for _, o := range d.Generic.Sorted() {
		switch {
		case o.Name == "model":
			items = append(items, r.Style.InvalidOptions([]string{o.Name}, deviceNames, "quorum device"))
		case !slices.Contains(deviceNames, o.Name):
			can(r.Style.InvalidOptions([]string{o.Name}, deviceNames, "quorum device"))
		case o.Value != "" && !digits(o.Value, 0, 0):
			can(r.Style.InvalidOptionValueText(o.Name, o.Value, "positive integer"))
		}
	}
	integer := func(name string) check.Value { return check.Integer(name, 1, 0, "a positive integer").As(sev) }
	var bad []string
	var exec argv.Pairs
	for _, o := range d.Heuristics {
		switch rest, isExec := strings.CutPrefix(o.Name, "exec_"); {
		case !isExec:
		case corosyncconf.NameRE().MatchString(rest):
			exec = append(exec, o)
		default:
			bad = append(bad, o.Name)
		}
	}
	for _, v := range []check.Value{check.In("mode", "off", "on", "sync").As(sev), integer("interval"), integer("sync_timeout"), integer("timeout")} {
		items = append(items, r.value(v, update)(d.Heuristics)...)
	}
	if !update {
		for _, o := range exec {
			items = append(items, r.notEmpty(o.Name, "a command to be run", false)(exec)...)
		}
	}
	var strange []string
	for _, o := range d.Heuristics {
		if !strings.HasPrefix(o.Name, "exec_") && !slices.Contains(heuristicNames, o.Name) {
			strange = append(strange, o.Name)
		}
	}
	if len(strange) > 0 {
		can(r.Style.InvalidOptions(strange, heuristicNames, "heuristics", "exec_NAME"))
	}
	if len(bad) > 0 {
		items = append(items, report.Errorf("invalid heuristics option%s %s, exec_NAME may contain a-z A-Z 0-9 /_- characters only", report.Plural(len(bad), "", "s:"), report.QuoteSorted(bad)))
	}
	return items
}

func (r Rules) netDevice09(p argv.Pairs, nodeIDs []string, update bool) []report.Item {
	names := []string{"algorithm", "connect_timeout", "force_ip_version", "host", "port", "tie_breaker"}
	var items []report.Item
	can := func(i report.Item) { items = append(items, i.As(r.Force)) }
	var missing []string
	for _, n := range []string{"algorithm", "host"} {
		if !update && !p.Has(n) {
			missing = append(missing, n)
		}
	}
	oneOf := func(o argv.Pair, shown []string, more ...string) {
		if !slices.Contains(shown, o.Value) && !slices.Contains(more, o.Value) {
			can(r.Style.InvalidOptionValue(o.Name, o.Value, shown))
		}
	}
	for _, o := range p.Sorted() {
		if !slices.Contains(names, o.Name) {
			can(r.Style.InvalidOptions([]string{o.Name}, names, "quorum device model"))
			continue
		}
		if o.Value == "" {
			if o.Name != "algorithm" && o.Name != "host" {
				continue
			}
			missing = append(missing, o.Name)
		}
		switch o.Name {
		case "algorithm":
			oneOf(o, algorithms)
		case "connect_timeout":
			if !digits(o.Value, 1000, 120000) {
				can(r.Style.InvalidOptionValueText(o.Name, o.Value, "1000-120000"))
			}
		case "force_ip_version":
			oneOf(o, []string{"0", "4", "6"})
		case "port":
			if !digits(o.Value, 1, 65535) {
				can(r.Style.InvalidOptionValueText(o.Name, o.Value, "1-65535"))
			}
		case "tie_breaker":
			if !slices.Contains(nodeIDs, o.Value) && o.Value != "lowest" && o.Value != "highest" {
				can(r.Style.InvalidOptionValue(o.Name, o.Value, []string{"lowest", "highest", "valid node id"}))
			}
		}
	}
	if len(missing) > 0 {
		items = append(items, r.Style.RequiredMissing(missing, ""))
	}
	return items
}
