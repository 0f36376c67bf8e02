package cluster

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// setup09 is what `cluster setup --name` was told.
type setup09 struct {
	name      string
	nodes     [][]string // addresses of each node, one or two
	transport []corosyncconf.Option
	rings     [][]corosyncconf.Option // interfaces of transport udp
	totem     []corosyncconf.Option
	quorum    []corosyncconf.Option
	encrypted bool
}

func (c *setup09) names() []string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n[0])
	}
	return out
}

// addresses splits NODE or NODE,ALTADDR.
func addresses(word string) ([]string, error) {
	f := strings.Split(word, ",")
	if len(f) > 2 {
		return nil, report.Fatalf("You cannot specify more than two addresses for a node: %s", word)
	}
	return f, nil
}

// Setup09 is `cluster setup --name` of 0.9.
func Setup09(s *session.Session, args []string) error {
	if !s.Opts.Has("--name") {
		return report.Fatal("A cluster name (--name <name>) is required to setup a cluster")
	}
	if e := s.Opts.Value("--encryption"); s.Opts.Has("--encryption") && e != "0" && e != "1" {
		return report.Items{s.Style.InvalidOptionValue("--encryption", e, []string{"0", "1"})}
	}
	if len(args) < 1 {
		return argv.Usage()
	}
	c := &setup09{name: s.Opts.Value("--name"), encrypted: s.Opts.Value("--encryption") == "1"}
	var limit time.Duration
	wait := false
	if s.Opts.Has("--start") {
		var err error
		if limit, wait, err = waitLimit(s); err != nil {
			return err
		}
	}
	two := false
	for _, w := range args {
		a, err := addresses(w)
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, a)
		two = two || len(a) == 2
	}
	if two {
		for _, n := range c.nodes {
			if len(n) < 2 || n[1] == "" {
				return report.Fatal("if one node is configured for RRP, all nodes must be configured for RRP")
			}
		}
	}
	unresolvable := false
	for _, n := range c.nodes {
		for _, a := range n {
			if !resolves(s, a) {
				s.Out.Warn("Unable to resolve hostname: " + a)
				unresolvable = true
			}
		}
	}
	force := s.Opts.Has("--force")
	if unresolvable && !force {
		return report.Fatal("Unable to resolve all hostnames, use --force to override")
	}
	items := c.options(s, force)
	if two && !hasOption(c.transport, "rrp_mode") {
		c.transport = slices.Insert(c.transport, 1, corosyncconf.Option{Name: "rrp_mode", Value: "passive"})
	}
	s.Out.Tell(items...)
	if report.HasErrors(items) {
		return report.ErrSilent
	}
	conf := c.conf()
	if s.Opts.Has("--local") {
		return c.setupLocal(s, conf, wait, limit)
	}
	return c.setupNodes(s, conf, wait, limit)
}

func hasOption(list []corosyncconf.Option, name string) bool {
	return slices.ContainsFunc(list, func(o corosyncconf.Option) bool { return o.Name == name })
}

// options reads the options of totem, rings and quorum.
func (c *setup09) options(s *session.Session, force bool) []report.Item {
	var items []report.Item
	opts := s.Opts
	invalid := func(name, value string, allowed ...string) report.Item {
		return s.Style.InvalidOptionValue(name, value, allowed)
	}
	take := func(into *[]corosyncconf.Option, names ...string) {
		for _, n := range names {
			if opts.Has("--" + n) {
				*into = append(*into, corosyncconf.Option{Name: n, Value: opts.Value("--" + n)})
			}
		}
	}
	transport := "udpu"
	if opts.Has("--transport") {
		transport = opts.Value("--transport")
		if transport != "udp" && transport != "udpu" {
			items = append(items, invalid("transport", transport, "udp", "udpu").As(force))
		}
	}
	c.transport = append(c.transport, corosyncconf.Option{Name: "transport", Value: transport})
	if transport == "udpu" && (opts.Has("--addr0") || opts.Has("--addr1")) {
		items = append(items, report.Errorf("--addr0 and --addr1 can only be used with --transport=udp"))
	}
	if opts.Has("--rrpmode") || opts.Has("--addr0") {
		mode := "passive"
		if opts.Has("--rrpmode") {
			mode = opts.Value("--rrpmode")
		}
		if mode != "passive" && mode != "active" {
			items = append(items, invalid("RRP mode", mode, "passive", "active").As(force))
		}
		if mode == "active" {
			items = append(items, report.Errorf("using a RRP mode of 'active' is not supported or tested").As(force))
		}
		c.transport = append(c.transport, corosyncconf.Option{Name: "rrp_mode", Value: mode})
	}
	take(&c.totem, "token", "token_coefficient", "join", "consensus", "miss_count_const", "fail_recv_const", "netmtu")
	if transport == "udp" && opts.Has("--addr0") {
		rings := 1
		if opts.Has("--addr1") {
			rings = 2
		}
		for i := range rings {
			n := fmt.Sprint(i)
			ring := []corosyncconf.Option{{Name: "ringnumber", Value: n}, {Name: "bindnetaddr", Value: opts.Value("--addr" + n)}}
			if opts.Has("--broadcast" + n) {
				ring = append(ring, corosyncconf.Option{Name: "broadcast", Value: "yes"})
			} else {
				or := func(name, otherwise string) {
					if opts.Has("--" + name + n) {
						otherwise = opts.Value("--" + name + n)
					}
					if otherwise != "" {
						ring = append(ring, corosyncconf.Option{Name: strings.Replace(name, "mcast", "mcastaddr", 1), Value: otherwise})
					}
				}
				or("mcast", fmt.Sprintf("239.255.%d.1", i+1))
				port := "5405"
				if opts.Has("--mcastport" + n) {
					port = opts.Value("--mcastport" + n)
				}
				ring = append(ring, corosyncconf.Option{Name: "mcastport", Value: port})
				or("ttl", "")
			}
			c.rings = append(c.rings, ring)
		}
	}
	if opts.Has("--ipv6") {
		c.transport = append(c.transport, corosyncconf.Option{Name: "ip_version", Value: "ipv6"})
	}
	take(&c.quorum, "wait_for_all", "auto_tie_breaker", "last_man_standing", "last_man_standing_window")
	for _, n := range []string{"--wait_for_all", "--auto_tie_breaker", "--last_man_standing"} {
		if v := opts.Value(n); opts.Has(n) && v != "0" && v != "1" {
			items = append(items, invalid(n, v, "0", "1"))
		}
	}
	return items
}

// conf is the corosync.conf of the new cluster.
func (c *setup09) conf() *corosyncconf.Section {
	root := &corosyncconf.Section{}
	add := func(to *corosyncconf.Section, name string) *corosyncconf.Section {
		return to.Add(&corosyncconf.Section{Name: name})
	}
	totem, list, quorum, logging := add(root, "totem"), add(root, "nodelist"), add(root, "quorum"), add(root, "logging")
	totem.Put("version", "2").Put("cluster_name", c.name)
	if !c.encrypted {
		totem.Put("secauth", "off")
	}
	for _, o := range slices.Concat(c.transport, c.totem) {
		totem.Put(o.Name, o.Value)
	}
	for _, ring := range c.rings {
		i := add(totem, "interface")
		for _, o := range ring {
			i.Put(o.Name, o.Value)
		}
	}
	for i, n := range c.nodes {
		node := add(list, "node")
		for ring, a := range n {
			node.Put(fmt.Sprintf("ring%d_addr", ring), a)
		}
		node.Put("nodeid", fmt.Sprint(i+1))
	}
	quorum.Put("provider", "corosync_votequorum")
	tieBreaker := false
	for _, o := range c.quorum {
		quorum.Put(o.Name, o.Value)
		tieBreaker = tieBreaker || o.Name == "auto_tie_breaker" && o.Value == "1"
	}
	if len(c.nodes) == 2 && !tieBreaker {
		quorum.Put("two_node", "1")
	}
	logging.Put("to_logfile", "yes").Put("logfile", "/var/log/cluster/corosync.log").Put("to_syslog", "yes")
	return root
}

func (c *setup09) setupLocal(s *session.Session, conf *corosyncconf.Section, wait bool, limit time.Duration) error {
	exists := func(path string) error {
		if _, err := os.Stat(path); err == nil && !s.Opts.Has("--force") {
			return report.Fatalf("%s already exists, use --force to overwrite", path)
		}
		return nil
	}
	if err := exists(s.Paths.CorosyncConf); err != nil {
		return err
	}
	if s.ConfLive() {
		if err := exists(s.CIBFile()); err != nil {
			return err
		}
		if err := DestroyLocal(s); err != nil {
			return err
		}
	}
	if err := s.WriteConf(conf); err != nil {
		return err
	}
	if s.ConfLive() {
		if err := dialect.Record(s.Paths.Dialect, s.Version); err != nil {
			return report.Fatalf("unable to record the dialect: %s", err)
		}
	}
	if s.Opts.Has("--start") {
		if err := startLocal(s); err != nil {
			return err
		}
	}
	if s.Opts.Has("--enable") {
		if err := enable(s, nil, true); err != nil {
			return err
		}
	}
	if wait {
		return WaitStarted(s, nil, limit)
	}
	return nil
}

// availability asks all nodes at once whether they can be taken into a new cluster.
func availability(s *session.Session, nodes []string) []string {
	answers := s.Remote().All(s.Ctx, nodes, client.Request{Path: "remote/node_available", Timeout: s.RequestTimeout(0)}, nil)
	out := make([]string, len(nodes))
	for i, a := range answers {
		out[i] = available(a)
	}
	return out
}

// available reads a node's answer; "" is yes, else why not.
func available(r client.Response) string {
	switch r.Kind {
	case client.OK:
	case client.Unauthorized:
		return "unable to authenticate to node"
	case client.NotConnected, client.TimedOut:
		return "error checking node availability: " + r.Reason
	default:
		return fmt.Sprintf("error checking node availability: HTTP error: %d", r.Code)
	}
	var a struct {
		Available *bool `json:"node_available"`
		Remote    bool  `json:"pacemaker_remote"`
		Running   bool  `json:"pacemaker_running"`
	}
	switch {
	case json.Unmarshal([]byte(r.Body), &a) != nil || a.Available == nil:
		return "response parsing error"
	case *a.Available:
		return ""
	case a.Remote:
		return "node is running pacemaker_remote"
	}
	return "node is already in a cluster"
}

func (c *setup09) setupNodes(s *session.Session, conf *corosyncconf.Section, wait bool, limit time.Duration) error {
	nodes := c.names()
	if !s.Opts.Has("--force") {
		free := true
		for i, why := range availability(s, nodes) {
			if why != "" {
				s.Out.Error(nodes[i] + ": " + why)
				free = false
			}
		}
		if !free {
			return report.Fatal("nodes availability check failed, use --force to override. WARNING: This will destroy existing cluster on the nodes. You should remove the nodes from their clusters instead to keep the clusters working properly.")
		}
	}
	s.Out.Print("Destroying cluster on nodes: " + strings.Join(nodes, ", ") + "...")
	if err := destroyNodes(s, nodes, false); err != nil {
		return err
	}
	s.Out.Print("")
	if err := c.sendKeys(s, nodes); err != nil {
		return err
	}
	s.Out.Print("Sending cluster config files to the nodes...")
	c.sendConfigs(s, nodes)
	text := conf.String()
	for _, n := range nodes {
		if err := setConf(s, n, text, s.Version.String()); err != nil {
			return err
		}
	}
	if s.Opts.Has("--start") {
		s.Out.Print("", "Starting cluster on nodes: "+strings.Join(nodes, ", ")+"...")
		if err := startNodes(s, nodes); err != nil {
			return err
		}
	}
	if s.Opts.Has("--enable") {
		if err := enable(s, nodes, true); err != nil {
			return err
		}
	}
	if certSyncWanted(s) {
		s.Out.Print("")
		if err := SyncCerts(s, nodes); err != nil {
			return err
		}
	}
	if wait {
		s.Out.Print("")
		return WaitStarted(s, nodes, limit)
	}
	return nil
}

// keyFile is an item of put_file.
type keyFile struct {
	Type    string `json:"type"`
	Data    string `json:"data"`
	Rewrite bool   `json:"rewrite_existing"`
}

// sendKeys gives the nodes new secrets: Pacemaker Remote's, and corosync's when traffic is to be encrypted.
// Older releases did so without a word, or not at all.
func (c *setup09) sendKeys(s *session.Session, nodes []string) error {
	random := make([]byte, 128)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	pacemaker := hex.EncodeToString(random[:32])
	files := map[string]keyFile{"pacemaker_remote authkey": {"pcmk_remote_authkey", base64.StdEncoding.EncodeToString([]byte(pacemaker)), true}}
	if c.encrypted {
		files["corosync authkey"] = keyFile{"corosync_authkey", base64.StdEncoding.EncodeToString(random), true}
	}
	return PutFiles(s, nodes, files, s.Since(9, 160))
}

// PutFiles puts files on nodes and tells what became of each.
func PutFiles(s *session.Session, nodes []string, files map[string]keyFile, tell bool) error {
	var ids, quotedIDs, quotedNodes []string
	for id := range files {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		quotedIDs = append(quotedIDs, "'"+id+"'")
	}
	for _, n := range nodes {
		quotedNodes = append(quotedNodes, "'"+n+"'")
	}
	if tell {
		s.Out.Info("Sending " + strings.Join(quotedIDs, ", ") + " to " + strings.Join(quotedNodes, ", "))
	}
	data, err := json.Marshal(files)
	if err != nil {
		return err
	}
	var items report.Items
	s.Remote().All(s.Ctx, nodes, client.Request{Path: "remote/put_file", Form: url.Values{"data_json": {string(data)}}, Timeout: s.RequestTimeout(0)}, func(r client.Response) {
		if i, failed := s.ResponseItem(r); failed {
			items = append(items, i)
			return
		}
		var a struct {
			Files map[string]struct{ Code, Message string }
		}
		if json.Unmarshal([]byte(r.Body), &a) != nil || len(a.Files) != len(ids) {
			items = append(items, report.Errorf("%s: Invalid format of response", r.Node))
			return
		}
		for _, id := range ids {
			switch f := a.Files[id]; f.Code {
			case "written", "rewritten", "same_content":
				if tell {
					s.Out.Info(r.Node + ": successful distribution of the file '" + id + "'")
				}
			default:
				why := f.Message
				if f.Code == "conflict" {
					why = "File already exists"
				}
				items = append(items, report.Errorf("%s: unable to distribute file '%s': %s", r.Node, id, why))
			}
		}
	})
	if len(items) > 0 {
		return items
	}
	return nil
}

// sendConfigs gives the nodes the tokens of this host and settings without permissions; failures are warnings.
func (c *setup09) sendConfigs(s *session.Session, nodes []string) {
	sendLocal(s, "", nodes, func() (string, error) {
		return `{
  "format_version": 2,
  "data_version": 1,
  "clusters": [

  ],
  "permissions": {
    "local_cluster": [

    ]
  }
}`, nil
	})
}

// SendLocalConfigs gives hosts the tokens and settings of this one, whatever theirs are; failures are warnings.
func SendLocalConfigs(s *session.Session, hosts []string) {
	sendLocal(s, s.ClusterName(), hosts, s.Remote().Settings)
}

func sendLocal(s *session.Session, ofCluster string, nodes []string, settings func() (string, error)) {
	hosts, err := s.Remote().Hosts()
	var text string
	if err == nil {
		text, err = settings()
	}
	if err != nil {
		s.Out.Warn("Unable to set pcsd configs")
		return
	}
	known := string(hosts.Text())
	m := client.ConfigsMessage{Force: true, ClusterName: ofCluster, Configs: map[string]client.ConfigFile{client.ConfigHosts: {Type: "file", Text: &known}}}
	if text != "" {
		m.Configs[client.ConfigSettings] = client.ConfigFile{Type: "file", Text: &text}
	}
	if s.Legacy() {
		tokens := string(hosts.TokensText())
		m.Configs[client.ConfigTokens] = client.ConfigFile{Type: "file", Text: &tokens}
	}
	for _, o := range s.Remote().SendConfigs(s.Ctx, nodes, m, s.RequestTimeout(0)) {
		if o.Status == "notauthorized" {
			again := "pcs host auth " + o.Node
			if s.Legacy() {
				again = "pcs cluster auth"
			}
			s.Out.Warn("Unable to authenticate to " + o.Node + ", try running '" + again + "'")
		}
		if o.Status != "ok" && o.Status != "not_supported" {
			s.Out.Warn("Unable to set pcsd configs on " + o.Node)
		}
	}
}

// certSyncWanted reads PCSD_SSL_CERT_SYNC_ENABLED of pcsd's settings; 0.9 syncs unless told not to.
func certSyncWanted(s *session.Session) bool {
	for _, f := range []string{"/etc/sysconfig/pcsd", "/etc/default/pcsd"} {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "PCSD_SSL_CERT_SYNC_ENABLED="); ok {
				return strings.EqualFold(strings.Trim(v, `"'`), "true")
			}
		}
	}
	return s.Legacy()
}

// SyncCerts gives all nodes this host's certificate and has their pcsd take it.
func SyncCerts(s *session.Session, nodes []string) error {
	s.Out.Info("Synchronizing pcsd certificates on nodes " + strings.Join(nodes, ", ") + "...")
	cert, err := os.ReadFile(filepath.Join(s.Paths.PcsdDir, "pcsd.crt"))
	var key []byte
	if err == nil {
		key, err = os.ReadFile(filepath.Join(s.Paths.PcsdDir, "pcsd.key"))
	}
	if err != nil {
		s.Out.Error("Unable to sync pcsd certificates")
		return nil
	}
	form := url.Values{"ssl_cert": {string(cert)}, "ssl_key": {string(key)}}
	var restart []string
	failed := false
	for _, r := range s.Remote().All(s.Ctx, nodes, client.Request{Path: "remote/set_certs", Form: form, Timeout: s.RequestTimeout(0)}, nil) {
		if r.Kind == client.OK {
			s.Out.Info(r.Node + ": Success")
			restart = append(restart, r.Node)
			continue
		}
		failed = true
		why := "HTTP error: " + fmt.Sprint(r.Code)
		switch r.Kind {
		case client.Refused:
			why = strings.TrimSpace(r.Body)
		case client.Unauthorized:
			why = "Unable to authenticate"
		case client.Denied:
			why = "Permission denied"
		case client.NotConnected, client.TimedOut:
			why = "Unable to connect"
		}
		s.Out.Info(r.Node + ": " + why)
	}
	if failed && len(restart) == 0 {
		return nil
	}
	s.Out.Info("Restarting pcsd on the nodes in order to reload the certificates...")
	restartPcsd(s, restart)
	return nil
}

func restartPcsd(s *session.Session, nodes []string) {
	ask := func(n string) (string, bool) {
		r := s.Remote().Call(s.Ctx, n, client.Request{Path: "remote/pcsd_instance_signature", Timeout: 10 * time.Second})
		return r.Body, r.Kind == client.OK
	}
	before := map[string]string{}
	for _, n := range nodes {
		before[n], _ = ask(n)
	}
	var waiting []string
	for _, r := range s.Remote().All(s.Ctx, nodes, client.Request{Path: "remote/pcsd_restart", Timeout: s.RequestTimeout(0)}, nil) {
		if r.Kind == client.OK {
			waiting = append(waiting, r.Node)
			continue
		}
		_, text := s.OldAnswer(r)
		s.Out.Info(r.Node + ": " + text)
	}
	if s.Opts.Has("--async") {
		s.Out.Info("Not waiting for restart of pcsd on all nodes.")
		return
	}
	deadline := 5 * time.Minute
	for pause := 200 * time.Millisecond; len(waiting) > 0 && deadline > 0 && s.Sleep(pause); deadline -= pause {
		var still []string
		for _, n := range waiting {
			if sign, ok := ask(n); ok && sign != before[n] {
				s.Out.Info(n + ": Success")
			} else {
				still = append(still, n)
			}
		}
		waiting = still
		pause = min(2*pause, 3*time.Second)
	}
	for _, n := range waiting {
		s.Out.Error(n + ": Not restarted")
	}
}
