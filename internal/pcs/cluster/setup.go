package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"slices"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosynccheck"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Setup is `cluster setup`: the form with --name is 0.9's.
func Setup(s *session.Session, args []string) error {
	if !s.Fixed && !s.Legacy() && (s.Opts.Has("--name") || s.Opts.Has("--local")) {
		s.SetVersion(dialect.Seed)
	}
	if s.Legacy() {
		return Setup09(s, args)
	}
	return setup(s, args)
}

// newCluster is what `cluster setup` is told.
type newCluster struct {
	name                         string
	nodes                        []nodeWords
	transport                    string
	generic, compression, crypto argv.Pairs
	links                        []argv.Pairs
	totem, quorum                argv.Pairs
	members                      []corosyncconf.NewNode
}

// nodeWords is a node with its options; addrs nil means that none were given.
type nodeWords struct {
	name     string
	addrs    []string
	watchdog string
	devices  []string
}

// parseNode reads the options of a node.
func parseNode(name string, options []string, more ...string) (nodeWords, error) {
	n := nodeWords{name: name}
	repeatable := []string{"addr"}
	if slices.Contains(more, "device") {
		repeatable = append(repeatable, "device")
	}
	pairs, lists, err := argv.RepeatableKeyValues(options, repeatable...)
	if err != nil {
		return n, err
	}
	var unknown []string
	for _, p := range pairs {
		if !slices.Contains(more, p.Name) {
			unknown = append(unknown, p.Name)
		}
	}
	if len(unknown) > 0 {
		return n, argv.Usagef("Unknown options %s for node '%s'", report.QuoteSorted(unknown), name)
	}
	n.addrs, n.devices, n.watchdog = lists["addr"], lists["device"], pairs.Value("watchdog")
	return n, nil
}

func (c *newCluster) parseTransport(words []string) error {
	if len(words) == 0 {
		return argv.Usagef("Transport type not defined")
	}
	c.transport = words[0]
	const generic = "__generic__"
	g, err := argv.GroupByKeywords(words[1:], []string{"compression", "crypto", "link"}, generic)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		word string
		into *argv.Pairs
	}{{"compression", &c.compression}, {"crypto", &c.crypto}, {generic, &c.generic}} {
		if *part.into, err = argv.KeyValues(g.Flat(part.word)); err != nil {
			return err
		}
	}
	for _, l := range g.All("link") {
		p, err := argv.KeyValues(l)
		if err != nil {
			return err
		}
		c.links = append(c.links, p)
	}
	return nil
}

func parseSetup(args []string) (*newCluster, error) {
	c := &newCluster{name: args[0], transport: corosyncconf.Transports[0]}
	const nodes = "__nodes__"
	g, err := argv.GroupByKeywords(args[1:], []string{"transport", "totem", "quorum"}, nodes)
	if err != nil {
		return nil, err
	}
	if err := g.RepeatOnly(); err != nil {
		return nil, err
	}
	names, options, err := argv.SplitByAnyKeyword(g.Flat(nodes), "node name")
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		w, err := parseNode(n, options[n])
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, w)
	}
	if g.Has("transport") {
		if err := c.parseTransport(g.Flat("transport")); err != nil {
			return nil, err
		}
	}
	if c.totem, err = argv.KeyValues(g.Flat("totem")); err != nil {
		return nil, err
	}
	c.quorum, err = argv.KeyValues(g.Flat("quorum"))
	return c, err
}

// rules are the rules for corosync.conf as this command applies them.
func rules(s *session.Session) corosynccheck.Rules {
	return corosynccheck.Rules{Style: s.Style, Force: s.Opts.Force(), Resolve: func(name string) bool { return resolves(s, name) }}
}

// defaults fills in what was not said: encryption, and addresses of nodes: those at which this host
// knows them, or their names where orName says so.
func (c *newCluster) defaults(s *session.Session, orName bool) {
	if c.transport == "knet" && len(c.crypto) == 0 {
		c.crypto = argv.Pairs{{Name: "cipher", Value: "aes256"}, {Name: "hash", Value: "sha256"}}
	}
	known := s.KnownHosts()
	for _, n := range c.nodes {
		m := corosyncconf.NewNode{Name: n.name, Addrs: n.addrs}
		if n.addrs == nil {
			addr := ""
			if h, ok := known.ByName[n.name]; ok {
				addr = h.Dest().Addr
			} else if orName {
				addr = n.name
			}
			if addr != "" {
				s.Out.Info("No addresses specified for host '" + n.name + "', using '" + addr + "'")
				m.Addrs = []string{addr}
			}
		}
		c.members = append(c.members, m)
	}
}

// check gives what speaks against the new cluster.
func (c *newCluster) check(s *session.Session) []report.Item {
	r := rules(s)
	version := "ipv6-4"
	if c.transport == "udp" {
		version = "ipv4"
	}
	if v := c.generic.Value("ip_version"); slices.Contains(corosyncconf.IPVersions, v) {
		version = v
	}
	items := r.Create(c.name, c.members, c.transport, version)
	most := 0
	for _, m := range c.members {
		most = max(most, len(m.Addrs))
	}
	if corosyncconf.IsTransport(c.transport) {
		items = append(items, r.Transport(c.transport, c.generic, c.compression, c.crypto, false, nil)...)
		items = append(items, r.NewLinks(c.transport, c.links, most)...)
	}
	items = append(items, r.Totem(c.totem, false)...)
	return append(items, r.Quorum(c.quorum, false, false, nil)...)
}

// conf is the corosync.conf of the new cluster.
func (c *newCluster) conf(withUUID bool) (*corosyncconf.Section, error) {
	root := corosyncconf.New(c.name, c.members, c.transport)
	corosyncconf.SetTotem(root, c.totem)
	corosyncconf.SetQuorum(root, c.quorum)
	corosyncconf.AddLinks(root, c.links)
	corosyncconf.SetTransport(root, c.generic, c.compression, c.crypto)
	if withUUID {
		id, err := newUUID()
		if err != nil {
			return nil, err
		}
		corosyncconf.SetTotem(root, argv.Pairs{{Name: "cluster_uuid", Value: id}})
	}
	return root, session.VerifyConf(root)
}

// newUUID is a random UUID (RFC 9562, version 4) without dashes.
func newUUID() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hex.EncodeToString(b[:]), nil
}

func setup(s *session.Session, args []string) error {
	live := []string{"--wait", "--start", "--enable", "--no-keys-sync"}
	if err := s.Opts.Only(append([]string{"--force", "--no-cluster-uuid", "--corosync_conf", "--overwrite"}, live...)...); err != nil {
		return err
	}
	local := !s.ConfLive()
	if local && slices.ContainsFunc(live, s.Opts.Has) {
		return argv.Usagef("Cannot specify any of %s when '--corosync_conf' is specified", report.QuoteSorted(live))
	}
	if !local && s.Opts.Has("--overwrite") {
		return argv.Usagef("Cannot specify '--overwrite' when '--corosync_conf' is not specified")
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	c, err := parseSetup(args)
	if err != nil {
		return err
	}
	if !local {
		return c.setupLive(s)
	}
	c.defaults(s, true)
	if err := s.Check(c.check(s)...); err != nil {
		return err
	}
	root, err := c.conf(!s.Opts.Has("--no-cluster-uuid"))
	if err != nil {
		return err
	}
	path := s.Paths.CorosyncConf
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !s.Opts.Has("--overwrite") {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, os.ErrExist) {
		return report.Fatalf("Corosync configuration file '%s' already exists, use --overwrite to overwrite existing file(s)", path)
	}
	if err == nil {
		_, err = f.WriteString(root.String())
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return report.Fatalf("Unable to write Corosync configuration '%s': %s: '%s'", path, session.Reason(err), path)
	}
	return nil
}
