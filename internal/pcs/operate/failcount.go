package operate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// failure is how often an operation failed on a node.
type failure struct {
	node, resource, operation, interval string
	count                               failCount
}

// failCount is a number of failures that may be endless.
type failCount struct {
	n       int
	endless bool
}

func (c failCount) String() string {
	if c.endless {
		return "INFINITY"
	}
	return strconv.Itoa(c.n)
}

// failures reads the fail counts of the cluster's nodes.
func failures(s *session.Session) ([]failure, error) {
	root, err := s.CIB()
	if err != nil {
		return nil, err
	}
	var out []failure
	for _, n := range session.StateOf(root).Model().Nodes {
		for _, a := range n.Attrs {
			name, ok := strings.CutPrefix(a.Name, "fail-count-")
			if last, isLast := strings.CutPrefix(a.Name, "last-failure-"); !ok && isLast && !n.Attrs.Has("fail-count-"+last) {
				name, ok, a.Value = last, true, "0"
			}
			if !ok {
				continue
			}
			f := failure{node: n.Name}
			id, op, _ := strings.Cut(name, "#")
			f.resource, _, _ = strings.Cut(id, ":")
			if at := strings.LastIndex(op, "_"); at >= 0 {
				f.operation, f.interval = op[:at], op[at+1:]
			}
			switch count, err := strconv.Atoi(strings.TrimSpace(a.Value)); {
			case strings.EqualFold(a.Value, "INFINITY"):
				f.count.endless = true
			case err != nil: // there are failures, nobody knows how many
				f.count.n = 1
			default:
				f.count.n = count
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// failFilter says which failures are meant; nil means all, and the empty word none, for nothing is called so.
type failFilter struct{ resource, node, operation, interval *string }

func plain(word *string) string {
	if word == nil {
		return ""
	}
	return *word
}

func other(want *string, have string) bool { return want != nil && *want != have }

func (f failFilter) heading(empty bool) string {
	text := "Failcounts"
	if empty {
		text = "No failcounts"
	}
	if plain(f.operation) != "" {
		text += " for operation '" + plain(f.operation) + "'"
		if plain(f.interval) != "" {
			text += " with interval '" + plain(f.interval) + "'"
		}
	}
	if plain(f.resource) != "" {
		if plain(f.operation) != "" {
			text += " of"
		} else {
			text += " for"
		}
		text += " resource '" + plain(f.resource) + "'"
	}
	if plain(f.node) != "" {
		text += " on node '" + plain(f.node) + "'"
	}
	return text
}

// FailcountShow is `resource failcount show` and `stonith failcount show` since 0.10.
func FailcountShow(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--full"); err != nil {
		return err
	}
	var f failFilter
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		f.resource, args = &args[0], args[1:]
	}
	if err := argv.AllowedKeys(args, "node", "operation", "interval"); err != nil {
		return err
	}
	p, err := argv.KeyValues(args)
	if err != nil {
		return err
	}
	given := func(name string) *string {
		if v := p.Value(name); p.Has(name) {
			return &v
		}
		return nil
	}
	f.node, f.operation, f.interval = given("node"), given("operation"), given("interval")
	return showFailures(s, f, p.Has("interval") && !p.Has("operation"))
}

// Failcount09 is `resource failcount show|reset` of 0.9, where words count by their places.
func Failcount09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	word := func(i int) *string {
		if i < len(args) {
			return &args[i]
		}
		return nil
	}
	f := failFilter{word(1), word(2), word(3), word(4)}
	switch args[0] {
	case "show":
		return showFailures(s, f, false)
	case "reset":
		return forget(s, live.CleanupRequest{Resource: plain(f.resource), Node: plain(f.node), Operation: plain(f.operation), Interval: plain(f.interval)})
	}
	return argv.Usage()
}

func showFailures(s *session.Session, f failFilter, lonely bool) error {
	var items report.Items
	if lonely {
		items = append(items, report.Errorf("If option 'interval' is specified, option 'operation' must be specified as well"))
	}
	var milliseconds *string
	if f.interval != nil {
		n, ok := session.Seconds(*f.interval)
		if !ok {
			items = append(items, check.Rules{Style: s.Style}.Check(argv.Pairs{{Name: "interval", Value: *f.interval}}, check.Time("interval"))...)
		}
		ms := strconv.Itoa(n * 1000)
		milliseconds = &ms
	}
	if len(items) > 0 {
		return items
	}
	all, err := failures(s)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(x failure) bool {
		return other(f.node, x.node) || other(f.resource, x.resource) || other(f.operation, x.operation) || other(milliseconds, x.interval)
	})
	if len(all) == 0 {
		s.Out.Print(f.heading(true))
		return nil
	}
	each(all, func(x failure) string { return x.resource }, func(resource string, list []failure) {
		h := f
		h.resource = &resource
		s.Out.Print(h.heading(false))
		each(list, func(x failure) string { return x.node }, func(node string, list []failure) {
			if !s.Opts.Full() {
				s.Out.Print("  " + node + ": " + sum(list).String())
				return
			}
			s.Out.Print("  " + node + ":")
			each(list, func(x failure) string { return x.operation }, func(operation string, list []failure) {
				each(list, func(x failure) string { return x.interval }, func(interval string, list []failure) {
					s.Out.Print(fmt.Sprintf("    %s %sms: %s", operation, interval, sum(list)))
				})
			})
		})
	})
	return nil
}

func sum(list []failure) failCount {
	var c failCount
	for _, x := range list {
		c.n += x.count.n
		c.endless = c.endless || x.count.endless
	}
	return c
}

// each calls do with the failures of each key, by key.
func each(list []failure, key func(failure) string, do func(string, []failure)) {
	groups := map[string][]failure{}
	var keys []string
	for _, x := range list {
		k := key(x)
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], x)
	}
	slices.Sort(keys)
	for _, k := range keys {
		do(k, groups[k])
	}
}
