package cluster

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosynccheck"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// ConfigShow is `cluster config show`: corosync.conf in words, as the command that makes such a cluster, or as data.
func ConfigShow(s *session.Session, args []string) error {
	if err := s.Opts.Only("--corosync_conf", "--output-format"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	if err := s.RequireConf(); err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if bad := Incomplete(root); len(bad) > 0 {
		return report.Items(bad)
	}
	switch format {
	case "cmd":
		if corosyncconf.HasDevice(root) {
			s.Out.Warn("Quorum device configuration detected but not yet supported by this command.")
		}
		s.Out.Print(show.CommandLines(setupCommand(root)))
	case "json":
		s.Out.Print(show.JSON(confJSON(root), 0))
	default:
		s.Out.Print(ConfLines(root)...)
	}
	return nil
}

// Incomplete tells why corosync.conf's settings cannot be shown as data: nodes without names or ids, a transport
// that is not known.
func Incomplete(root *corosyncconf.Section) []report.Item {
	if t := corosyncconf.Transport(root); !corosyncconf.IsTransport(t) {
		return []report.Item{unsupportedTransport(t)}
	}
	for _, n := range corosyncconf.Nodes(root) {
		if n.Name == "" {
			return []report.Item{corosynccheck.MissingNames(true)}
		}
		if n.ID == "" {
			return []report.Item{report.Errorf("Some nodes are missing IDs in corosync.conf. Edit corosync.conf and make sure all nodes have their nodeid set.")}
		}
	}
	return nil
}

func unsupportedTransport(t string) report.Item {
	return report.Errorf("Transport '%s' currently configured in corosync.conf is unsupported. Supported transport types are: %s", t, report.QuoteSorted(corosyncconf.Transports))
}

func optionLines(label string, p argv.Pairs) []string {
	if len(p) == 0 {
		return nil
	}
	out := []string{label + ":"}
	for _, o := range p.Sorted() {
		out = append(out, "  "+o.Name+": "+o.Value)
	}
	return out
}

// ConfLines are corosync.conf's settings in words.
func ConfLines(root *corosyncconf.Section) []string {
	out := []string{"Cluster Name: " + corosyncconf.ClusterName(root)}
	if id := corosyncconf.ClusterUUID(root); id != "" {
		out = append(out, "Cluster UUID: "+id)
	}
	out = append(out, "Transport: "+corosyncconf.Transport(root), "Nodes:")
	nodes := corosyncconf.Nodes(root)
	sort.SliceStable(nodes, func(i, j int) bool { return nodes[i].Name < nodes[j].Name })
	for _, n := range nodes {
		out = append(out, "  "+n.Name+":")
		for _, a := range n.Addrs {
			out = append(out, fmt.Sprintf("    Link %d address: %s", a.Link, a.Addr))
		}
		out = append(out, "    nodeid: "+n.ID)
	}
	if links := corosyncconf.LinkOptions(root); len(links) > 0 {
		out = append(out, "Links:")
		for _, l := range links {
			out = append(out, show.Indent(optionLines("Link "+l.Number, l.Options))...)
		}
	}
	out = append(out, optionLines("Transport Options", corosyncconf.TransportOptions(root))...)
	out = append(out, optionLines("Compression Options", corosyncconf.CompressionOptions(root))...)
	out = append(out, optionLines("Crypto Options", corosyncconf.CryptoOptions(root))...)
	out = append(out, optionLines("Totem Options", corosyncconf.TotemOptions(root))...)
	out = append(out, optionLines("Quorum Options", corosyncconf.QuorumOptions(root))...)
	if d := corosyncconf.ReadDevice(root); d != nil {
		out = append(out, "Quorum Device: "+d.Model)
		out = append(out, show.Indent(optionLines("Options", d.Generic))...)
		out = append(out, show.Indent(optionLines("Model Options", d.Options))...)
		out = append(out, show.Indent(optionLines("Heuristics", d.Heuristics))...)
	}
	return out
}

// commandPart is a keyword with options, a line each.
func commandPart(keyword string, p argv.Pairs) []string {
	if len(p) == 0 {
		return nil
	}
	var out []string
	if keyword != "" {
		out = append(out, "  "+keyword)
	}
	for _, o := range p.Sorted() {
		out = append(out, "    "+o.Name+"="+o.Value)
	}
	return out
}

// setupCommand is the command that makes such a cluster, a line each.
func setupCommand(root *corosyncconf.Section) []string {
	out := []string{"pcs cluster setup " + corosyncconf.ClusterName(root)}
	nodes := corosyncconf.Nodes(root)
	sort.SliceStable(nodes, func(i, j int) bool { return nodes[i].ID < nodes[j].ID })
	for _, n := range nodes {
		words := []string{"  " + n.Name}
		for _, a := range n.Addrs {
			words = append(words, "addr="+a.Addr)
		}
		out = append(out, strings.Join(words, " "))
	}
	transport := append([]string{"transport", corosyncconf.Transport(root)}, commandPart("", corosyncconf.TransportOptions(root))...)
	for _, l := range corosyncconf.LinkOptions(root) {
		transport = append(transport, commandPart("link", l.Options)...)
	}
	transport = append(transport, commandPart("compression", corosyncconf.CompressionOptions(root))...)
	transport = append(transport, commandPart("crypto", corosyncconf.CryptoOptions(root))...)
	out = append(out, show.Indent(transport)...)
	out = append(out, commandPart("totem", corosyncconf.TotemOptions(root))...)
	out = append(out, commandPart("quorum", corosyncconf.QuorumOptions(root))...)
	if corosyncconf.ClusterUUID(root) == "" {
		out = append(out, "  --no-cluster-uuid")
	}
	return out
}

func pairsJSON(p argv.Pairs) show.Object {
	out := show.Object{}
	for _, o := range p {
		out = append(out, show.Field{Name: o.Name, Value: o.Value})
	}
	return out
}

// addressType is what an address is, by its look.
func addressType(addr string) string {
	a, err := netip.ParseAddr(addr)
	switch {
	case err != nil || a.Zone() != "":
		return "FQDN"
	case a.Is4():
		return "IPv4"
	}
	return "IPv6"
}

func confJSON(root *corosyncconf.Section) show.Object {
	nodes := []any{}
	for _, n := range corosyncconf.Nodes(root) {
		addrs := []any{}
		for _, a := range n.Addrs {
			addrs = append(addrs, show.Object{{Name: "addr", Value: a.Addr}, {Name: "link", Value: fmt.Sprint(a.Link)}, {Name: "type", Value: addressType(a.Addr)}})
		}
		nodes = append(nodes, show.Object{{Name: "name", Value: n.Name}, {Name: "nodeid", Value: n.ID}, {Name: "addrs", Value: addrs}})
	}
	links := show.Object{}
	for _, l := range corosyncconf.LinkOptions(root) {
		links = append(links, show.Field{Name: l.Number, Value: pairsJSON(l.Options)})
	}
	var device any
	if d := corosyncconf.ReadDevice(root); d != nil {
		device = show.Object{
			{Name: "model", Value: d.Model},
			{Name: "model_options", Value: pairsJSON(d.Options)},
			{Name: "generic_options", Value: pairsJSON(d.Generic)},
			{Name: "heuristics_options", Value: pairsJSON(d.Heuristics)},
		}
	}
	var id any
	if u, ok := corosyncconf.FindClusterUUID(root); ok {
		id = u
	}
	return show.Object{
		{Name: "cluster_name", Value: corosyncconf.ClusterName(root)},
		{Name: "cluster_uuid", Value: id},
		{Name: "transport", Value: strings.ToUpper(corosyncconf.Transport(root))},
		{Name: "totem_options", Value: pairsJSON(corosyncconf.TotemOptions(root))},
		{Name: "transport_options", Value: pairsJSON(corosyncconf.TransportOptions(root))},
		{Name: "compression_options", Value: pairsJSON(corosyncconf.CompressionOptions(root))},
		{Name: "crypto_options", Value: pairsJSON(corosyncconf.CryptoOptions(root))},
		{Name: "nodes", Value: nodes},
		{Name: "links_options", Value: links},
		{Name: "quorum_options", Value: pairsJSON(corosyncconf.QuorumOptions(root))},
		{Name: "quorum_device", Value: device},
	}
}

// ConfigUpdate is `cluster config update`.
func ConfigUpdate(s *session.Session, args []string) error {
	if err := s.Opts.Only("--corosync_conf"); err != nil {
		return err
	}
	words := []string{"transport", "compression", "crypto", "totem"}
	g, err := argv.GroupByKeywords(args, words, "")
	if err != nil {
		return err
	}
	options := map[string]argv.Pairs{}
	for _, w := range words {
		if options[w], err = argv.KeyValues(g.Flat(w)); err != nil {
			return err
		}
	}
	if err := s.RequireConf(); err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	r := rules(s)
	items := r.Totem(options["totem"], true)
	if t := corosyncconf.Transport(root); corosyncconf.IsTransport(t) {
		items = append(items, r.Transport(t, options["transport"], options["compression"], options["crypto"], true, corosyncconf.CryptoOptions(root))...)
	} else {
		items = append([]report.Item{unsupportedTransport(t)}, items...)
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	corosyncconf.SetTotem(root, options["totem"])
	stop := corosyncconf.SetTransport(root, options["transport"], options["compression"], options["crypto"])
	return s.PushConf(root, session.ConfPush{Stopped: stop})
}

// ConfigUUID is `cluster config uuid generate`.
func ConfigUUID(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "--corosync_conf"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	if err := s.RequireConf(); err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if corosyncconf.ClusterUUID(root) != "" {
		if err := s.Check(report.Errorf("Cluster UUID has already been set").As(s.Opts.Force())); err != nil {
			return err
		}
	}
	id, err := newUUID()
	if err != nil {
		return err
	}
	corosyncconf.SetTotem(root, argv.Pairs{{Name: "cluster_uuid", Value: id}})
	return s.PushConf(root, session.ConfPush{})
}
