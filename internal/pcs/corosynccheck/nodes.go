package corosynccheck

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
)

// addressType is what an address is.
type addressType string

const (
	ipv4         addressType = "IPv4"
	ipv6         addressType = "IPv6"
	name         addressType = "FQDN"
	unresolvable addressType = "unresolvable"
)

// typeOf tells what an address is; resolve nil takes every name for one.
func typeOf(addr string, resolve func(string) bool) addressType {
	if a, err := netip.ParseAddr(addr); err == nil && a.Zone() == "" {
		if a.Is4() {
			return ipv4
		}
		return ipv6
	}
	if resolve != nil && !resolve(addr) {
		return unresolvable
	}
	return name
}

func (r Rules) analyzer() func(string) addressType {
	known := map[string]addressType{}
	return func(a string) addressType {
		if _, ok := known[a]; !ok {
			known[a] = typeOf(a, r.Resolve)
		}
		return known[a]
	}
}

func mixes(types []addressType) bool {
	return slices.Contains(types, ipv4) && slices.Contains(types, ipv6)
}

var gfs2Name = pattern.Late(`^[a-zA-Z0-9_-]{0,32}$`)

// ClusterName checks the name of a cluster.
func (r Rules) ClusterName(cluster string) []report.Item {
	var items []report.Item
	if cluster == "" {
		items = append(items, report.Errorf("cluster name cannot be empty"))
	}
	if r.Style.Minor >= 11 && !gfs2Name().MatchString(cluster) {
		items = append(items, report.Errorf("Chosen cluster name '%s' will prevent mounting GFS2 volumes in the cluster, use at most 32 of a-z A-Z 0-9 _- characters; "+
			"you may safely override this if you do not intend to use GFS2", cluster).As(r.Force))
	}
	if r.Style.Minor >= 12 && len(cluster) > 256 {
		items = append(items, report.Errorf("'%s' is not a valid cluster name value, use a string of at most 256 characters", cluster))
	}
	return append(items, UnsuitableValue("cluster name", cluster)...)
}

func nodeName(n corosyncconf.NewNode, index int) []report.Item {
	label := fmt.Sprintf("node %d name", index)
	if n.Name == "" {
		return []report.Item{report.Errorf("%s cannot be empty", label)}
	}
	return UnsuitableValue(label, n.Name)
}

// addressCount tells of a node with too few or too many addresses.
func addressCount(actual, least, most int, node string) report.Item {
	word := func(n int) string { return report.Plural(n, "address", "addresses") }
	of := ""
	if node != "" {
		of = fmt.Sprintf(" for node '%s'", node)
	}
	if least == most {
		return report.Errorf("%d %s must be specified for a node, %d %s specified%s", most, word(most), actual, word(actual), of)
	}
	return report.Errorf("At least %d and at most %d %s must be specified for a node, %d %s specified%s", least, most, word(most), actual, word(actual), of)
}

func wrongVersion(addr string, want addressType, link string) report.Item {
	where := "the link"
	if link != "" {
		where = "link '" + link + "'"
	}
	return report.Errorf("Address '%s' cannot be used in %s because the link uses %s addresses", addr, where, want)
}

func mixedLinks(links []string) report.Item {
	on := ""
	if len(links) > 0 {
		on = " on link(s): " + report.QuoteSorted(links)
	}
	return report.Errorf("Using both IPv4 and IPv6 on one link is not allowed; please, use either IPv4 or IPv6%s", on)
}

// tally counts names and addresses, and keeps what is told of all of them at the end.
type tally struct {
	seen               map[string]int
	order              []string
	empty, unreachable []string
}

func (t *tally) add(x string) {
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	if t.seen[x]++; t.seen[x] == 1 {
		t.order = append(t.order, x)
	}
}

func (t *tally) twice() []string {
	var out []string
	for _, x := range t.order {
		if t.seen[x] > 1 {
			out = append(out, x)
		}
	}
	return out
}

func note(list *[]string, x string) {
	if !slices.Contains(*list, x) {
		*list = append(*list, x)
	}
}

// addresses tells of empty addresses and of those that have no address.
func (r Rules) addresses(t *tally) []report.Item {
	var items []report.Item
	if len(t.empty) > 0 {
		items = append(items, report.Errorf("Empty address set for %s %s, an address cannot be empty", report.Plural(len(t.empty), "node", "nodes"), report.QuoteSorted(t.empty)))
	}
	if len(t.unreachable) > 0 {
		items = append(items, report.Errorf("Unable to resolve addresses: %s", report.QuoteSorted(t.unreachable)).As(r.Force))
	}
	return items
}

func namesTwice(names []string) []report.Item {
	if len(names) == 0 {
		return nil
	}
	return []report.Item{report.Errorf("Node names must be unique, duplicate names: %s", report.QuoteSorted(names))}
}

func addressesTwice(addrs []string) []report.Item {
	if len(addrs) == 0 {
		return nil
	}
	return []report.Item{report.Errorf("Node addresses must be unique, duplicate addresses: %s", report.QuoteSorted(addrs))}
}

func inUse(what, whats string, list []string) []report.Item {
	if len(list) == 0 {
		return nil
	}
	word := report.Plural(len(list), what, whats)
	return []report.Item{report.Errorf("Node %s %s %s already used by existing nodes; please, use other %s",
		word, report.QuoteSorted(list), report.Plural(len(list), "is", "are"), word)}
}

// address checks an address for a link of a version; link "" is one without a number.
func address(addr, link, version string, typ addressType, t *tally) []report.Item {
	var items []report.Item
	switch {
	case typ == unresolvable:
		note(&t.unreachable, addr)
	case typ == ipv4 && version == "ipv6":
		items = append(items, wrongVersion(addr, ipv6, link))
	case typ == ipv6 && version == "ipv4":
		items = append(items, wrongVersion(addr, ipv4, link))
	}
	return append(items, UnsuitableValue("node address", addr)...)
}

// Create checks a new cluster's name, nodes and transport. version is which addresses it is to use.
func (r Rules) Create(cluster string, nodes []corosyncconf.NewNode, transport, version string) []report.Item {
	items := r.ClusterName(cluster)
	if !corosyncconf.IsTransport(transport) {
		items = append(items, r.Style.InvalidOptionValue("transport", transport, corosyncconf.Transports))
	}
	items = append(items, UnsuitableValue("transport", transport)...)
	typ := r.analyzer()
	var names, addrs tally
	var perNode [][]addressType
	usable := true
	for i, n := range nodes {
		items = append(items, nodeName(n, i+1)...)
		if n.Name == "" {
			usable = false
		} else {
			names.add(n.Name)
		}
		if corosyncconf.IsTransport(transport) {
			most := corosyncconf.MaxLinks
			if corosyncconf.IsUDP(transport) {
				most = 1
			}
			if len(n.Addrs) < 1 || len(n.Addrs) > most {
				label := n.Name
				if label == "" {
					label = strconv.Itoa(i + 1)
				}
				items = append(items, addressCount(len(n.Addrs), 1, most, label))
			}
		}
		var types []addressType
		for link, a := range n.Addrs {
			if a == "" {
				if n.Name != "" {
					note(&addrs.empty, n.Name)
				}
				continue
			}
			addrs.add(a)
			types = append(types, typ(a))
			items = append(items, address(a, strconv.Itoa(link), version, typ(a), &addrs)...)
		}
		perNode = append(perNode, types)
	}
	items = append(items, r.addresses(&addrs)...)
	if len(nodes) == 0 {
		items = append(items, report.Errorf("No nodes have been specified"))
	}
	if twice := names.twice(); len(twice) > 0 {
		usable = false
		items = append(items, namesTwice(twice)...)
	}
	items = append(items, addressesTwice(addrs.twice())...)
	if usable && !corosyncconf.IsUDP(transport) {
		items = append(items, unequalCounts(nodes)...)
	}
	if links := mixedIn(perNode); len(links) > 0 {
		items = append(items, mixedLinks(links))
	}
	return items
}

// mixedIn are the positions at which nodes have addresses of both versions.
func mixedIn(perNode [][]addressType) []string {
	var out []string
	for link := range corosyncconf.MaxLinks {
		var types []addressType
		for _, n := range perNode {
			if link < len(n) {
				types = append(types, n[link])
			}
		}
		if mixes(types) {
			out = append(out, strconv.Itoa(link))
		}
	}
	return out
}

// unequalCounts tells of nodes with different numbers of addresses, the most common number first.
func unequalCounts(nodes []corosyncconf.NewNode) []report.Item {
	var counts []int
	by := map[int][]string{}
	for _, n := range nodes {
		c := len(n.Addrs)
		if len(by[c]) == 0 {
			counts = append(counts, c)
		}
		by[c] = append(by[c], n.Name)
	}
	if len(counts) < 2 {
		return nil
	}
	sort.SliceStable(counts, func(i, j int) bool { return len(by[counts[i]]) > len(by[counts[j]]) })
	parts := []string{"All nodes must have the same number of addresses"}
	for _, c := range counts {
		n := len(by[c])
		parts = append(parts, fmt.Sprintf("%s %s %s %d %s", report.Plural(n, "node", "nodes"), report.QuoteSorted(by[c]),
			report.Plural(n, "has", "have"), c, report.Plural(c, "address", "addresses")))
	}
	return []report.Item{report.Errorf("%s", strings.Join(parts, "; "))}
}

// Outsider is a node that Pacemaker has besides corosync's: remote or guest.
type Outsider struct{ Name, Addr string }

// existing are names and addresses that are in use, and the kind of addresses by link.
func existing(nodes []corosyncconf.Node, outsiders []Outsider, resolve func(string) bool) (names, addrs []string, types map[int]addressType) {
	types = map[int]addressType{}
	for _, n := range nodes {
		if n.Name != "" {
			names = append(names, n.Name)
		}
		for _, a := range n.Addrs {
			addrs = append(addrs, a.Addr)
			t := typeOf(a.Addr, nil)
			if _, ok := types[a.Link]; t != name || !ok {
				types[a.Link] = t
			}
		}
	}
	for _, o := range outsiders {
		names = append(names, o.Name)
		addrs = append(addrs, o.Addr)
	}
	return names, addrs, types
}

func common(a, b []string) []string {
	var out []string
	for _, x := range a {
		if slices.Contains(b, x) {
			note(&out, x)
		}
	}
	return out
}

// AddNodes checks nodes that are to join.
func (r Rules) AddNodes(nodes []corosyncconf.NewNode, members []corosyncconf.Node, outsiders []Outsider) []report.Item {
	usedNames, usedAddrs, byLink := existing(members, outsiders, r.Resolve)
	links := make([]int, 0, len(byLink))
	for l := range byLink {
		links = append(links, l)
	}
	sort.Ints(links)
	typ := r.analyzer()
	var items []report.Item
	var names, addrs tally
	var perNode [][]addressType
	var told []string
	for i, n := range nodes {
		items = append(items, nodeName(n, i+1)...)
		if n.Name != "" {
			names.add(n.Name)
		}
		if len(n.Addrs) != len(links) {
			items = append(items, addressCount(len(n.Addrs), len(links), len(links), n.Name))
		}
		var types []addressType
		for at, a := range n.Addrs {
			if a == "" {
				if n.Name != "" {
					note(&addrs.empty, n.Name)
				}
				continue
			}
			addrs.add(a)
			t := typ(a)
			types = append(types, t)
			if t == unresolvable {
				note(&addrs.unreachable, a)
			}
			if at < len(links) && (t == ipv4 || t == ipv6) {
				if want := byLink[links[at]]; want != name && want != t {
					note(&told, strconv.Itoa(links[at]))
					items = append(items, wrongVersion(a, want, strconv.Itoa(links[at])))
				}
			}
			items = append(items, UnsuitableValue("node address", a)...)
		}
		perNode = append(perNode, types)
	}
	items = append(items, r.addresses(&addrs)...)
	if len(nodes) == 0 {
		items = append(items, report.Errorf("No nodes have been specified"))
	}
	items = append(items, inUse("name", "names", common(names.order, usedNames))...)
	items = append(items, inUse("address", "addresses", common(addrs.order, usedAddrs))...)
	items = append(items, namesTwice(names.twice())...)
	items = append(items, addressesTwice(addrs.twice())...)
	var mixed []string
	for _, m := range mixedIn(perNode) {
		if at, _ := strconv.Atoi(m); at < len(links) && !slices.Contains(told, strconv.Itoa(links[at])) {
			mixed = append(mixed, strconv.Itoa(links[at]))
		}
	}
	if len(mixed) > 0 {
		items = append(items, mixedLinks(mixed))
	}
	return items
}

// NotFound tells of a node that is not there.
func NotFound(node string) report.Item {
	return report.Errorf("Node '%s' does not appear to exist in configuration", node)
}

// RemoveNodes checks nodes that are to leave; tieBreaker is the quorum device's, "" without.
func (r Rules) RemoveNodes(names []string, members []corosyncconf.Node, tieBreaker string) []report.Item {
	var items []report.Item
	var have []string
	for _, m := range members {
		have = append(have, m.Name)
	}
	for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if !slices.Contains(have, n) {
			items = append(items, NotFound(n))
		}
	}
	if !slices.ContainsFunc(have, func(h string) bool { return !slices.Contains(names, h) }) {
		items = append(items, report.Errorf("No nodes would be left in the cluster, if you intend to destroy the whole cluster, run 'pcs cluster destroy --all' instead"))
	}
	if tieBreaker != "" && tieBreaker != "lowest" && tieBreaker != "highest" {
		for _, m := range members {
			if slices.Contains(names, m.Name) && m.ID == tieBreaker {
				items = append(items, report.Errorf("Node '%s' with id '%s' is used as a tie breaker for a qdevice and therefore cannot be removed, run 'pcs quorum device update model tie_breaker=<node id>' to change it", m.Name, m.ID))
			}
		}
	}
	return items
}

// nonUnique tells of addresses that others have, or that were given twice.
func nonUnique(used []string, fresh argv.Pairs) []report.Item {
	var t tally
	for _, p := range fresh {
		t.add(p.Value)
	}
	items := inUse("address", "addresses", common(t.order, used))
	return append(items, addressesTwice(slices.DeleteFunc(t.twice(), func(a string) bool { return a == "" }))...)
}

// unknownNodes tells of nodes that are not there, by name.
func unknownNodes(addrs argv.Pairs, known []string) []report.Item {
	var items []report.Item
	for _, n := range slices.Sorted(slices.Values(addrs.Names())) {
		if !slices.Contains(known, n) {
			items = append(items, NotFound(n))
		}
	}
	return items
}

// linkAddresses checks the addresses of a link that is new or changed.
func (r Rules) linkAddresses(addrs argv.Pairs, link, version string) (items []report.Item, types []addressType) {
	typ := r.analyzer()
	var t tally
	for _, p := range addrs {
		if p.Value == "" {
			note(&t.empty, p.Name)
			continue
		}
		types = append(types, typ(p.Value))
		items = append(items, address(p.Value, link, version, typ(p.Value), &t)...)
	}
	return append(items, r.addresses(&t)...), types
}

// AddLink checks a link that is to be added to a cluster.
func (r Rules) AddLink(root *corosyncconf.Section, addrs, options argv.Pairs, outsiders []Outsider) []report.Item {
	transport := corosyncconf.Transport(root)
	if transport != "knet" {
		return []report.Item{report.Errorf("Cluster is using %s transport which does not support adding links", transport)}
	}
	links := corosyncconf.LinkNames(root)
	if len(links)+1 > corosyncconf.MaxLinks {
		return []report.Item{report.Errorf("Cannot add 1 link, there would be %d links defined which is more than allowed number of %d links", len(links)+1, corosyncconf.MaxLinks)}
	}
	members := corosyncconf.Nodes(root)
	var known []string
	for _, m := range members {
		if m.Name != "" {
			known = append(known, m.Name)
		}
	}
	_, used, _ := existing(members, outsiders, nil)
	var items []report.Item
	for _, n := range slices.Compact(slices.Sorted(slices.Values(known))) {
		if !addrs.Has(n) {
			items = append(items, addressCount(0, 1, 1, n))
		}
	}
	items = append(items, unknownNodes(addrs, known)...)
	more, types := r.linkAddresses(addrs, "", corosyncconf.IPVersion(root))
	items = append(items, more...)
	if mixes(types) {
		items = append(items, mixedLinks(nil))
	}
	items = append(items, nonUnique(used, addrs)...)
	items = append(items, r.knetLink(options, false)...)
	items = append(items, r.pings(options)...)
	if n, ok := options.Get("linknumber"); ok && slices.Contains(links, n) {
		items = append(items, report.Errorf("Cannot add link '%s', it already exists", n))
	}
	return items
}

// RemoveLinks checks links that are to be taken out.
func (r Rules) RemoveLinks(root *corosyncconf.Section, numbers []string) []report.Item {
	transport := corosyncconf.Transport(root)
	if transport != "knet" {
		return []report.Item{report.Errorf("Cluster is using %s transport which does not support removing links", transport)}
	}
	links := corosyncconf.LinkNames(root)
	var t tally
	for _, n := range numbers {
		t.add(n)
	}
	items := twiceLinks(t.twice())
	there := common(t.order, links)
	if left := len(links) - len(there); left < 1 {
		n := len(there)
		items = append(items, report.Errorf("Cannot remove %d %s, there would be %d links defined which is less than allowed number of 1 link", n, report.Plural(n, "link", "links"), left))
	}
	gone := slices.DeleteFunc(slices.Clone(t.order), func(n string) bool { return slices.Contains(links, n) })
	if len(gone) > 0 {
		items = append(items, report.Errorf("Cannot remove non-existent %s %s, existing links: %s", report.Plural(len(gone), "link", "links"), report.QuoteSorted(gone), report.QuoteSorted(links)))
	}
	return items
}

// UpdateLink checks changes of a link.
func (r Rules) UpdateLink(root *corosyncconf.Section, link string, addrs, options argv.Pairs) []report.Item {
	links := corosyncconf.LinkNames(root)
	if !slices.Contains(links, link) {
		return []report.Item{noSuchLink(link, links)}
	}
	var current argv.Pairs
	for _, l := range corosyncconf.LinkOptions(root) {
		if l.Number == link {
			current = l.Options
		}
	}
	var items []report.Item
	switch transport := corosyncconf.Transport(root); {
	case len(options) == 0:
	case corosyncconf.IsUDP(transport):
		items = append(items, r.udpLink(options, true)...)
		broadcast, _ := after(options, current, "broadcast")
		if _, ok := after(options, current, "mcastaddr"); ok && broadcast == "1" {
			items = append(items, broadcastAddress())
		}
	case transport == "knet":
		items = append(items, r.knetLink(options, true)...)
		var then argv.Pairs
		for _, n := range []string{"ping_interval", "ping_timeout"} {
			if v, ok := after(options, current, n); ok {
				then = then.With(n, v)
			}
		}
		items = append(items, r.pings(then)...)
	}
	typ := r.analyzer()
	var known, unchanged []string
	var types []addressType
	at, _ := strconv.Atoi(link)
	unnamed := false
	for _, m := range corosyncconf.Nodes(root) {
		if m.Name == "" {
			unnamed = true
		} else {
			known = append(known, m.Name)
		}
		fresh, changed := addrs.Get(m.Name)
		changed = changed && m.Name != ""
		if changed {
			types = append(types, typ(fresh))
		} else if a := m.AddrOn(at); a != "" {
			types = append(types, typ(a))
		}
		for _, a := range m.Addrs {
			if !changed || a.Link != at {
				unchanged = append(unchanged, a.Addr)
			}
		}
	}
	if unnamed {
		items = append(items, MissingNames(true))
	}
	items = append(items, unknownNodes(addrs, known)...)
	more, _ := r.linkAddresses(addrs, link, corosyncconf.IPVersion(root))
	items = append(items, more...)
	if mixes(types) {
		items = append(items, mixedLinks(nil))
	}
	return append(items, nonUnique(unchanged, addrs)...)
}

// MissingNames tells of nodes without names.
func MissingNames(fatal bool) report.Item {
	what := "those nodes were omitted"
	if fatal {
		what = "unable to continue"
	}
	i := report.Errorf("Some nodes are missing names in corosync.conf, %s. Edit corosync.conf and make sure all nodes have their name set.", what)
	if !fatal {
		i.Severity = report.Warning
	}
	return i
}
