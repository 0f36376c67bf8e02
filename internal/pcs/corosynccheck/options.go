// Package corosynccheck holds the rules for corosync.conf: which options and values a cluster, its nodes,
// links and quorum device may have, in the words of pcs 0.10 and later.
package corosynccheck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
)

// Rules checks what users ask for.
type Rules struct {
	Style report.Style
	// Force is --force: what can be forced is a warning then.
	Force bool
	// Resolve tells whether a name has an address.
	Resolve func(name string) bool
}

// Unsuitable tells of names and values that a line of the file cannot hold. In 0.9 values are not looked at.
func Unsuitable(p argv.Pairs, kind string) []report.Item {
	var items []report.Item
	var bad []string
	for _, n := range p.Names() {
		if !corosyncconf.NameRE().MatchString(n) {
			bad = append(bad, n)
		}
	}
	if len(bad) > 0 {
		items = append(items, report.Errorf("invalid %s option%s %s, %s options may contain a-z A-Z 0-9 /_- characters only",
			kind, report.Plural(len(bad), "", "s:"), report.QuoteSorted(bad), kind))
	}
	for _, o := range p {
		items = append(items, UnsuitableValue(o.Name, o.Value)...)
	}
	return items
}

// UnsuitableValue tells of a value that a line of the file cannot hold.
func UnsuitableValue(label, value string) []report.Item {
	if strings.ContainsAny(value, "{}\n\r") {
		return []report.Item{report.Errorf(`%s cannot contain {}\n\r characters`, label)}
	}
	return nil
}

// rule looks at options.
type rule func(p argv.Pairs) []report.Item

// value makes a rule of a test; empty lets the empty value pass.
func (r Rules) value(v check.Value, empty bool) rule {
	v.Empty = empty
	return func(p argv.Pairs) []report.Item { return check.Rules{Style: r.Style}.Check(p, v) }
}

func (r Rules) values(empty bool, list ...check.Value) []rule {
	out := make([]rule, len(list))
	for i, v := range list {
		out[i] = r.value(v, empty)
	}
	return out
}

// options checks names, what can be written, and values.
func (r Rules) options(p argv.Pairs, allowed []string, kind, unsuitableKind string, rules []rule) []report.Item {
	items := check.Rules{Style: r.Style}.NamesIn(p, allowed, kind, check.Hard)
	items = append(items, Unsuitable(p, unsuitableKind)...)
	for _, f := range rules {
		items = append(items, f(p)...)
	}
	return items
}

func nonNegative(name string) check.Value {
	return check.Integer(name, 0, -1, "a non-negative integer")
}
func positive(name string) check.Value { return check.Integer(name, 1, 0, "a positive integer") }

func within(name string, least, most int64) check.Value {
	return check.Integer(name, least, most, fmt.Sprintf("%d..%d", least, most))
}

// enabledToo tells that an option needs another one.
func enabledToo(name, other, kind string) report.Item {
	return report.Errorf("If %s option '%s' is enabled, %s option '%s' must be enabled as well", kind, name, kind, other)
}

// Totem checks options of totem; update lets empty values drop options.
func (r Rules) Totem(p argv.Pairs, update bool) []report.Item {
	var list []check.Value
	for _, n := range corosyncconf.TotemNames {
		if n == "block_unlisted_ips" {
			list = append(list, check.In(n, "yes", "no"))
		} else {
			list = append(list, nonNegative(n))
		}
	}
	return r.options(p, corosyncconf.TotemNames, "totem", "totem", r.values(update, list...))
}

// Transport checks options of a transport. current are the cluster's options of encryption for an update, and
// without meaning for a new cluster.
func (r Rules) Transport(transport string, generic, compression, crypto argv.Pairs, update bool, current argv.Pairs) []report.Item {
	if corosyncconf.IsUDP(transport) {
		items := r.options(generic, corosyncconf.UDPNames, "udp/udpu transport", "udp/udpu transport",
			r.values(update, check.In("ip_version", corosyncconf.IPVersions...), positive("netmtu")))
		for _, o := range []struct {
			kind string
			p    argv.Pairs
		}{{"compression", compression}, {"crypto", crypto}} {
			if len(o.p) > 0 {
				items = append(items, report.Errorf("The udp/udpu transport does not support '%s' options, use 'knet' transport", o.kind))
			}
		}
		return items
	}
	items := r.options(generic, corosyncconf.KnetNames, "knet transport", "knet transport",
		r.values(update, check.In("ip_version", corosyncconf.IPVersions...), nonNegative("knet_pmtud_interval"), check.In("link_mode", "active", "passive", "rr")))
	items = append(items, r.options(compression, corosyncconf.CompressionNames, "compression", "compression",
		[]rule{
			r.value(nonNegative("level"), update),
			r.notEmpty("model", "a compression model e.g. zlib, lz4 or bzip2", update),
			r.value(nonNegative("threshold"), update),
		})...)
	items = append(items, r.options(crypto, corosyncconf.CryptoNames, "crypto", "crypto",
		r.values(update, check.In("cipher", "none", "aes256", "aes192", "aes128"), check.In("hash", "none", "md5", "sha1", "sha256", "sha384", "sha512"), check.In("model", "nss", "openssl")))...)
	after := func(name string) bool {
		v, ok := crypto.Get(name)
		if !ok && update {
			v = current.Value(name)
		}
		return v != "" && v != "none" || v == "" && ok && !update
	}
	if after("cipher") && !after("hash") {
		items = append(items, enabledToo("cipher", "hash", "crypto"))
	}
	return items
}

// notEmpty demands a value.
func (r Rules) notEmpty(name, words string, empty bool) rule {
	return func(p argv.Pairs) []report.Item {
		if v, ok := p.Get(name); ok && v == "" && !empty {
			return []report.Item{r.Style.EmptyOptionValue(name, v, words)}
		}
		return nil
	}
}

// Quorum checks options of quorum; current are those of the file for an update.
func (r Rules) Quorum(p argv.Pairs, device, update bool, current argv.Pairs) []report.Item {
	items := r.options(p, corosyncconf.QuorumNames, "quorum", "quorum", r.values(update,
		check.In("auto_tie_breaker", "0", "1"), check.In("last_man_standing", "0", "1"), positive("last_man_standing_window"), check.In("wait_for_all", "0", "1")))
	if device {
		var bad []string
		for _, n := range p.Names() {
			if slices.Contains(corosyncconf.NotWithDevice, n) {
				bad = append(bad, n)
			}
		}
		if len(bad) > 0 {
			items = append(items, report.Errorf("These options cannot be set when the cluster uses a quorum device: %s", report.QuoteSorted(bad)))
		}
	}
	or := func(name string, from argv.Pairs) string {
		if v, ok := p.Get(name); ok {
			return v
		}
		if v, ok := from.Get(name); ok {
			return v
		}
		return "0"
	}
	standing := or("last_man_standing", nil)
	if update {
		standing = or("last_man_standing", current)
	}
	if or("last_man_standing_window", nil) != "0" && standing == "0" {
		items = append(items, enabledToo("last_man_standing_window", "last_man_standing", "quorum"))
	}
	return items
}

// after is an option's value when an update was applied; the empty value drops it.
func after(p, current argv.Pairs, name string) (string, bool) {
	if v, ok := p.Get(name); ok {
		return v, v != ""
	}
	return current.Get(name)
}

func broadcastAddress() report.Item {
	return report.Errorf("If link option 'mcastaddr' is enabled, link option 'broadcast' must be disabled")
}

func (r Rules) udpLink(p argv.Pairs, update bool) []report.Item {
	return r.options(p, corosyncconf.UDPLinkNames, "link", "link", r.values(update,
		check.Test("bindnetaddr", check.IsIP, "an IP address"), check.In("broadcast", "0", "1"),
		check.Test("mcastaddr", check.IsIP, "an IP address"), check.Port("mcastport"), within("ttl", 0, 255)))
}

// knetLink checks a link's options; its number is not among them for an update.
func (r Rules) knetLink(p argv.Pairs, update bool) []report.Item {
	names := corosyncconf.KnetLinkNames
	rules := r.values(update, within("link_priority", 0, 255), check.Port("mcastport"), nonNegative("ping_interval"), nonNegative("ping_precision"),
		nonNegative("ping_timeout"), nonNegative("pong_count"), check.In("transport", "sctp", "udp"))
	rules = append(rules, func(p argv.Pairs) []report.Item {
		if r.Style.Minor >= 11 && p.Value("transport") == "sctp" {
			return []report.Item{report.Deprecatedf("Value 'sctp' of option transport is deprecated and might be removed in a future release, therefore it should not be used")}
		}
		return nil
	})
	if update {
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "linknumber" })
	} else {
		rules = append(rules, r.value(within("linknumber", 0, corosyncconf.MaxLinks-1), false))
	}
	return r.options(p, names, "link", "link", rules)
}

// pings tells of an interval without a timeout, and the other way round.
func (r Rules) pings(p argv.Pairs) []report.Item {
	rules := check.Rules{Style: r.Style}
	return append(rules.DependsOn(p, []string{"ping_interval"}, "ping_timeout", "link", "link"),
		rules.DependsOn(p, []string{"ping_timeout"}, "ping_interval", "link", "link")...)
}

func tooMany(given, most int) []report.Item {
	if given <= most {
		return nil
	}
	return []report.Item{report.Errorf("Cannot specify options for more links (%d) than how many is defined by number of addresses per node (%d)", given, most)}
}

// NewLinks checks the options of a new cluster's links; most is how many addresses a node has.
func (r Rules) NewLinks(transport string, links []argv.Pairs, most int) []report.Item {
	if len(links) == 0 {
		return nil
	}
	if corosyncconf.IsUDP(transport) {
		items := r.udpLink(links[0], false)
		if links[0].Value("broadcast") == "1" && links[0].Has("mcastaddr") {
			items = append(items, broadcastAddress())
		}
		return append(items, tooMany(len(links), most)...)
	}
	var items []report.Item
	var existing, seen, twice []string
	for i := range most {
		existing = append(existing, strconv.Itoa(i))
	}
	for _, l := range links {
		if n, ok := l.Get("linknumber"); ok {
			if slices.Contains(seen, n) && !slices.Contains(twice, n) {
				twice = append(twice, n)
			}
			seen = append(seen, n)
			if i, ok := argv.PythonInt(n); ok && check.IsInteger(n, 0, corosyncconf.MaxLinks-1) && int(i) >= most {
				items = append(items, noSuchLink(n, existing))
			}
		}
		items = append(items, r.knetLink(l, false)...)
		items = append(items, r.pings(l)...)
	}
	return append(append(items, twiceLinks(twice)...), tooMany(len(links), most)...)
}

func noSuchLink(number string, existing []string) report.Item {
	return report.Errorf("Cannot set options for non-existent link '%s', existing links: %s", number, report.QuoteSorted(existing))
}

var number = pattern.Late(`^\d+$`)

// twiceLinks tells of numbers that were given more than once, by their value.
func twiceLinks(numbers []string) []report.Item {
	if len(numbers) == 0 {
		return nil
	}
	sorted := slices.Clone(numbers)
	slices.SortFunc(sorted, func(a, b string) int {
		if number().MatchString(a) && number().MatchString(b) && len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return []report.Item{report.Errorf("Link numbers must be unique, duplicate link numbers: %s", report.Quote(sorted))}
}
