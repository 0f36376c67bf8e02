package resource

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

var (
	containerOptions = []string{"image", "masters", "network", "options", "promoted-max", "replicas", "replicas-per-host", "run-command"}
	networkOptions   = []string{"control-port", "host-interface", "host-netmask", "ip-range-start"}
	portOptions      = []string{"id", "internal-port", "port", "range"}
	storageOptions   = []string{"id", "options", "source-dir", "source-dir-root", "target-dir"}
)

// bundleRules check a bundle's settings; ids that are given are booked.
type bundleRules struct {
	s   *session.Session
	ids *doc.IDs
}

// supportedContainer is a bundle's container, nil for one that the dialect does not know.
func supportedContainer(s *session.Session, b *etree.Element) *etree.Element {
	if c := doc.Container(b); c != nil && slices.Contains(listing.ContainerTypes(s), c.Tag) {
		return c
	}
	return nil
}

func unsupported(s *session.Session, id string) report.Item {
	return report.Errorf("%s", listing.UnsupportedContainer(id, listing.ContainerTypes(s), true))
}

func (v bundleRules) rules() check.Rules { return check.Rules{Style: v.s.Style} }

func (v bundleRules) force() check.Severity { return check.ByForce(v.s.Opts.Force()) }

// named adds the complaint about names that are not known: first, in 0.9 last.
func (v bundleRules) named(p argv.Pairs, allowed []string, kind string, items []report.Item) []report.Item {
	names := v.rules().NamesIn(p, allowed, kind, v.force())
	if v.s.Legacy() {
		return append(items, names...)
	}
	return append(names, items...)
}

// id checks and books an id.
func (v bundleRules) id(id, what string) []report.Item {
	if bad := check.IDs(id, what); len(bad) > 0 {
		if v.s.Legacy() {
			return bad[:1]
		}
		return bad
	}
	if len(v.ids.Book(id)) > 0 {
		return []report.Item{v.s.Style.IDInUse(id)}
	}
	return nil
}

func (v bundleRules) name(id string) []report.Item { return v.id(id, "bundle name") }

// deprecated tells that something is not to be used any more; 0.9 and 0.10 did not.
func (v bundleRules) deprecated(text string) []report.Item {
	if v.s.Minor() < 11 {
		return nil
	}
	return []report.Item{report.Deprecatedf("%s is deprecated and might be removed in a future release, therefore it should not be used", text)}
}

// container checks the container of a new bundle.
func (v bundleRules) container(kind string, p argv.Pairs) []report.Item {
	if !slices.Contains(listing.ContainerTypes(v.s), kind) {
		return []report.Item{v.s.Style.InvalidOptionValue("container type", kind, listing.ContainerTypes(v.s))}
	}
	var items []report.Item
	if kind == "rkt" {
		items = v.deprecated("Value 'rkt' of option container type")
	}
	return append(items, v.containerOptions(p)...)
}

func (v bundleRules) allowedContainer(p argv.Pairs, removing bool) []string {
	allowed := slices.Clone(containerOptions)
	switch {
	case v.s.Legacy():
		allowed = slices.DeleteFunc(allowed, func(n string) bool { return n == "promoted-max" })
	case v.s.Minor() >= 12:
		allowed = slices.DeleteFunc(allowed, func(n string) bool { return n == "masters" })
	}
	if removing {
		allowed = append(allowed, emptied(p)...)
	}
	return allowed
}

// emptied are the options that are being removed: those may be unknown.
func emptied(p argv.Pairs) []string {
	var out []string
	for _, x := range p {
		if x.Value == "" {
			out = append(out, x.Name)
		}
	}
	return out
}

func (v bundleRules) image(p argv.Pairs) []report.Item {
	if image, ok := p.Get("image"); ok && image == "" {
		return []report.Item{v.s.Style.EmptyOptionValue("image", "", "image name")}
	}
	return nil
}

// counts are the numbers among a container's options.
func (v bundleRules) counts(empty bool) []check.Value {
	const natural, positive = "a non-negative integer", "a positive integer"
	var list []check.Value
	if v.s.Minor() < 12 {
		list = append(list, check.Integer("masters", 0, -1, natural))
	}
	if !v.s.Legacy() {
		list = append(list, check.Integer("promoted-max", 0, -1, natural))
	}
	list = append(list, check.Integer("replicas", 1, 0, positive), check.Integer("replicas-per-host", 1, 0, positive))
	for i := range list {
		list[i].Empty = empty
	}
	return list
}

var bothMasters = []string{"masters", "promoted-max"}

func (v bundleRules) containerOptions(p argv.Pairs) []report.Item {
	r := v.rules()
	items := r.RequiredAll(p, []string{"image"}, "container", check.Hard)
	items = append(items, v.image(p)...)
	counts := v.counts(false)
	if v.s.Legacy() {
		return v.named(p, v.allowedContainer(p, false), "container", append(items, r.Check(p, counts...)...))
	}
	if v.s.Minor() >= 12 {
		return v.named(p, v.allowedContainer(p, false), "container", append(items, r.Check(p, counts...)...))
	}
	items = append(items, r.Check(p, counts[:2]...)...)
	items = append(items, r.Exclusive(p, bothMasters, "container")...)
	items = append(items, r.Check(p, counts[2:]...)...)
	items = v.named(p, v.allowedContainer(p, false), "container", items)
	if p.Has("masters") {
		items = append(items, v.mastersDeprecated()...)
	}
	return items
}

func (v bundleRules) mastersDeprecated() []report.Item {
	items := v.deprecated("container option 'masters'")
	for i := range items {
		items[i].Text += ", use 'promoted-max' instead"
	}
	return items
}

func (v bundleRules) containerUpdate(b *etree.Element, p argv.Pairs) []report.Item {
	if len(p) == 0 {
		return nil
	}
	c := supportedContainer(v.s, b)
	if c == nil {
		return []report.Item{unsupported(v.s, doc.ID(b))}
	}
	r := v.rules()
	items := append(v.image(p), r.Check(p, v.counts(true)...)...)
	if v.s.Legacy() {
		return v.named(p, v.allowedContainer(p, true), "container", items)
	}
	if v.s.Minor() >= 12 {
		items = v.named(p, v.allowedContainer(p, true), "container", items)
		if removed := p.Has("masters") && p.Value("masters") == ""; p.Value("promoted-max") != "" && doc.Attr(c, "masters") != "" && !removed {
			items = append(items, report.Errorf("Cannot set container option 'promoted-max' because container option 'masters' is already set"))
		}
		return items
	}
	if p.Value("masters") != "" && p.Value("promoted-max") != "" {
		items = append(items, r.Exclusive(p, bothMasters, "container")...)
	}
	items = v.named(p, v.allowedContainer(p, true), "container", items)
	if p.Value("masters") != "" {
		items = append(items, v.mastersDeprecated()...)
	}
	for i, set := range bothMasters {
		other := bothMasters[1-i]
		removed := p.Has(other) && p.Value(other) == ""
		if p.Value(set) != "" && doc.Attr(c, other) != "" && !removed {
			items = append(items, report.Errorf("Cannot set container option '%s' because container option '%s' is already set", set, other))
		}
	}
	return items
}

// dots are the words between the ends of a range.
func (v bundleRules) dots() string {
	if v.s.Legacy() {
		return "-"
	}
	return ".."
}

func (v bundleRules) port(name string) check.Value {
	p := check.Port(name)
	p.Words = "a port number (1" + v.dots() + "65535)"
	return p
}

func (v bundleRules) networkValues(empty bool) []check.Value {
	list := []check.Value{v.port("control-port"), check.Integer("host-netmask", 1, 32, "a number of bits of the mask (1"+v.dots()+"32)").As(v.force())}
	for i := range list {
		list[i].Empty = empty
	}
	return list
}

func (v bundleRules) network(p argv.Pairs) []report.Item {
	return v.named(p, networkOptions, "network", v.rules().Check(p, v.networkValues(false)...))
}

func (v bundleRules) networkUpdate(b *etree.Element, p argv.Pairs) []report.Item {
	network := doc.Child(b, "network")
	if network == nil {
		return v.network(p)
	}
	var items []report.Item
	if inner := doc.Child(b, "primitive"); inner != nil && !reachable(network, p) {
		items = append(items, report.Forcible(v.s.Opts.Force(), "Resource '%s' will not be accessible by the cluster inside bundle '%s', at least one of bundle options 'control-port' or 'ip-range-start' has to be specified", doc.ID(inner), doc.ID(b)))
	}
	return append(items, v.named(p, append(slices.Clone(networkOptions), emptied(p)...), "network", v.rules().Check(p, v.networkValues(true)...))...)
}

// reachable tells whether the inside of a bundle can be reached after a change that takes away
// what makes it so.
func reachable(network *etree.Element, p argv.Pairs) bool {
	had, has := false, false
	for _, n := range []string{"control-port", "ip-range-start"} {
		now := doc.Attr(network, n)
		had = had || now != ""
		if v, ok := p.Get(n); ok {
			now = v
		}
		has = has || now != ""
	}
	return has || !had
}

var portRange = pattern.Late(`^[0-9]+-[0-9]+$`)

// isPortRange tells whether a text is FIRST-LAST, two port numbers.
func isPortRange(text string) bool {
	first, last, _ := strings.Cut(text, "-")
	return portRange().MatchString(text) && check.IsInteger(first, 1, 65535) && check.IsInteger(last, 1, 65535)
}

func (v bundleRules) ports(list []argv.Pairs) []report.Item {
	const kind = "port-map"
	r := v.rules()
	var items []report.Item
	for _, p := range list {
		var bad []report.Item
		if id, ok := p.Get("id"); ok {
			bad = v.id(id, "port-map id")
		}
		bad = append(bad, r.DependsOn(p, []string{"internal-port"}, "port", kind, kind)...)
		bad = append(bad, r.RequiredSome(p, []string{"port", "range"}, nil, kind, check.Hard)...)
		bad = append(bad, r.Exclusive(p, []string{"port", "range"}, kind)...)
		bad = append(bad, r.Check(p, v.port("port"), v.port("internal-port"), check.Test("range", isPortRange, "port-port").As(v.force()))...)
		items = append(items, v.named(p, portOptions, kind, bad)...)
	}
	return items
}

func (v bundleRules) storage(list []argv.Pairs) []report.Item {
	const kind = "storage-map"
	r := v.rules()
	sources := []string{"source-dir", "source-dir-root"}
	var items []report.Item
	for _, p := range list {
		var bad []report.Item
		if id, ok := p.Get("id"); ok {
			bad = v.id(id, "storage-map id")
		}
		bad = append(bad, r.RequiredSome(p, sources, nil, kind, check.Hard)...)
		bad = append(bad, r.Exclusive(p, sources, kind)...)
		bad = append(bad, r.RequiredAll(p, []string{"target-dir"}, kind, check.Hard)...)
		items = append(items, v.named(p, storageOptions, kind, bad)...)
	}
	return items
}

// mapsExist checks ids of mappings that are to be removed.
func (v bundleRules) mapsExist(b *etree.Element, tag, label string, ids []string) []report.Item {
	var items []report.Item
	for _, id := range ids {
		_, bad := v.s.Find(b, id, []string{tag}, label)
		items = append(items, bad...)
	}
	return items
}
