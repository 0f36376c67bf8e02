package cluster

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/booth"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/sbd"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// twoRings tells whether nodes need a second address.
func twoRings(root *corosyncconf.Section) bool {
	udpu, rrp := false, false
	for _, t := range root.All("totem") {
		for _, o := range t.Options {
			udpu = udpu || o.Name == "transport" && o.Value == "udpu"
			rrp = rrp || o.Name == "rrp_mode" && (o.Value == "active" || o.Value == "passive")
		}
	}
	return udpu && rrp
}

// reached09 refuses a node that has no address, that does not answer or that does not know this host; or is said with it.
func reached09(s *session.Session, node, or string) error {
	if node == "" {
		return report.Fatal("missing ring 0 address of the node")
	}
	code, text := s.Send(node, client.Request{Path: "remote/check_auth"})
	switch code {
	case session.SendOK:
		return nil
	case session.SendNoConnection:
		text = "pcsd is not running on " + node
	case session.SendUnauthorized:
		text = node + " is not yet authenticated  (try pcs cluster auth " + node + ")"
	}
	return report.Fatal(text + or)
}

// nodeAdd09 is `cluster node add` of 0.9: each node changes its own corosync.conf.
func nodeAdd09(s *session.Session, args []string) error {
	if len(args) != 1 {
		return argv.Usage()
	}
	addrs, err := addresses(args[0])
	if err != nil {
		return err
	}
	if err := reached09(s, addrs[0], ""); err != nil {
		return err
	}
	var limit time.Duration
	wait := false
	if s.Opts.Has("--start") {
		if limit, wait, err = waitLimit(s); err != nil {
			return err
		}
	}
	root, err := s.Conf09()
	if err != nil {
		return err
	}
	second := len(addrs) > 1 && addrs[1] != ""
	switch rings := twoRings(root); {
	case rings && !second:
		return report.Fatal("cluster is configured for RRP, you have to specify ring 1 address for the node")
	case second && !rings:
		return report.Fatal("cluster is not configured for RRP, you must not specify ring 1 address for the node")
	}
	node := addrs[0]
	again := s.Began(addOf(node))
	if why := availability(s, []string{node})[0]; why != "" && !again {
		return report.Fatalf("Unable to add '%s' to cluster: %s", node, why)
	}
	if err := s.Begin(addOf(node)); err != nil {
		return report.Fatalf("Unable to record the command: %s", err)
	}
	if d := corosyncconf.ReadDevice(root); d != nil && d.Model == "net" {
		if err := netdevice.Distribute(s, d.Options.Value("host"), corosyncconf.ClusterName(root), []string{node}, fleet.Way{}); err != nil {
			return err
		}
	}
	if err := equip09(s, root, node); err != nil {
		return err
	}
	conf, err := tellNodes09(s, "remote/add_node", url.Values{"new_nodename": {node}, "new_ring1addr": addrs[1:]}, "unable to add "+node, again)
	if err != nil {
		return err
	}
	if conf == "" {
		return report.Fatal("Unable to update any nodes")
	}
	_, _ = s.Run("corosync-cfgtool", "-R")
	if err := sendConfigs09(s, node); err != nil {
		return err
	}
	s.Out.Print("Setting up corosync...")
	if err := setConf(s, node, conf, s.RecordedDialect()); err != nil {
		return err
	}
	for _, do := range []string{"enable", "start"} {
		if !s.Opts.Has("--" + do) {
			continue
		}
		code, text := s.Send(node, client.Request{Path: "remote/cluster_" + do})
		if code != 0 {
			s.Out.Warn(do + " cluster - " + text)
		} else {
			s.Out.Info(node + ": " + strings.TrimSpace(text))
		}
	}
	if certSyncWanted(s) {
		if err := SyncCerts(s, []string{node}); err != nil {
			return err
		}
	}
	if wait {
		s.Out.Print("")
		if err := WaitStarted(s, []string{node}, limit); err != nil {
			return err
		}
	}
	return s.Finish()
}

// equip09 prepares a new node before it is told to the others.
func equip09(s *session.Session, root *corosyncconf.Section, node string) error {
	if err := fence09(s, root, node); err != nil {
		return err
	}
	if err := booth.SendAll(s, []string{node}); err != nil {
		return err
	}
	way := fleet.Way{Skip: true, Fail: true}
	key, err := os.ReadFile(s.Paths.CorosyncKey)
	switch {
	case err == nil:
		if err := fleet.PutFiles(s, []string{node}, map[string]fleet.File{"corosync authkey": fleet.Binary("corosync_authkey", key)}, way); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return report.Fatalf("Unable to read %s: %s", s.Paths.CorosyncKey, session.Reason(err))
	}
	to := []string{node}
	key, err = os.ReadFile(s.Paths.PacemakerKey)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = newKey()
		to = append(confLabels(root), node)
	}
	if err != nil {
		return report.Fatalf("Unable to read %s: %s", s.Paths.PacemakerKey, session.Reason(err))
	}
	way.What = keyFiles09
	return fleet.PutFiles(s, to, map[string]fleet.File{remoteKey: fleet.Binary(keyKind, key)}, way)
}

// fence09 has SBD on the new node as the cluster has it.
func fence09(s *session.Session, root *corosyncconf.Section, node string) error {
	watchdog := ""
	if list := s.Opts.List("--watchdog"); len(list) > 0 {
		watchdog = list[0]
	}
	joining, err := sbd.Join(s, node, watchdog, s.Opts.List("--device"))
	if err != nil {
		return err
	}
	if joining != nil {
		if err := stoppedForTieBreaker09(s, root, 1); err != nil {
			return err
		}
		s.Out.Info("Running SBD pre-enabling checks...")
		if err := joining.Check09(); err != nil {
			return err
		}
		joining.Ask(s, []string{node})
		if err := s.Out.Check(); err != nil {
			return err
		}
	}
	return fence(s, joining, []string{node})
}

// stoppedForTieBreaker09 refuses to go on while the cluster runs when SBD needs the quorum option auto_tie_breaker
// for another number of nodes.
func stoppedForTieBreaker09(s *session.Session, root *corosyncconf.Section, change int) error {
	if !s.NeedsTieBreaker(root, change) || corosyncconf.QuorumOptions(root).Value("auto_tie_breaker") == "1" {
		return nil
	}
	s.Out.Warn("auto_tie_breaker quorum option will be enabled to make SBD fencing effecive after this change. Cluster has to be offline to be able to make this change.")
	return s.CheckStopped(confLabels(root))
}

func confLabels(root *corosyncconf.Section) []string {
	var out []string
	for _, n := range corosyncconf.Nodes(root) {
		out = append(out, n.Label())
	}
	return out
}

// tellNodes09 has every node but the one that comes or leaves change its corosync.conf; conf is what the last one has now.
// again continues a command that was ended halfway: some nodes may have done so already.
func tellNodes09(s *session.Session, path string, form url.Values, failure string, again bool) (conf string, err error) {
	for _, n := range s.ConfNodes() {
		if n == form.Get("remove_nodename") || again && n == form.Get("new_nodename") {
			continue
		}
		code, text := s.Send(n, client.Request{Path: path, Form: form})
		var a []any
		switch {
		case code != 0 || json.Unmarshal([]byte(text), &a) != nil || len(a) < 2:
			s.Out.Error(failure + " on " + n + " - " + strings.TrimSpace(text))
			continue
		case a[0] != 0.0 && again && has09(s, n, form, &conf):
			s.Out.Print(n + ": Corosync updated")
			continue
		case a[0] != 0.0 && form.Has("remove_nodename"):
			why, _ := a[1].(string)
			s.Out.Error(n + ": Error executing command occured: " + why)
			continue
		case a[0] != 0.0:
			why, _ := a[1].(string)
			s.Out.Error(failure + " on " + n + " - " + strings.TrimSpace(why))
			continue
		}
		s.Out.Print(n + ": Corosync updated")
		conf, _ = a[1].(string)
		if conf == "" {
			conf = "\n"
		}
	}
	return conf, s.Ctx.Err()
}

// has09 tells whether a node's corosync.conf, which becomes conf, has the node that comes, and has not the one that leaves.
func has09(s *session.Session, node string, form url.Values, conf *string) bool {
	code, text := s.Send(node, client.Request{Path: "remote/get_corosync_conf"})
	root, err := corosyncconf.Parse(text)
	if code != 0 || err != nil {
		return false
	}
	at := func(name string) bool {
		return slices.ContainsFunc(corosyncconf.Nodes(root), func(n corosyncconf.Node) bool { return n.AddrOn(0) == name })
	}
	if form.Has("new_nodename") != at(form.Get("new_nodename")) || form.Has("remove_nodename") && at(form.Get("remove_nodename")) {
		return false
	}
	*conf = text
	return true
}

// sendConfigs09 gives a new node the tokens and settings of this host.
func sendConfigs09(s *session.Session, node string) error {
	failed := report.Fatal("Unable to set pcsd configs")
	hosts, err := s.Remote().Hosts()
	if err != nil {
		return failed
	}
	settings, err := s.Remote().Settings()
	if err != nil {
		return failed
	}
	known, tokens := string(hosts.Text()), string(hosts.TokensText())
	m := client.ConfigsMessage{Force: true, Configs: map[string]client.ConfigFile{
		client.ConfigHosts: {Type: "file", Text: &known}, client.ConfigTokens: {Type: "file", Text: &tokens},
	}}
	if settings != "" {
		m.Configs[client.ConfigSettings] = client.ConfigFile{Type: "file", Text: &settings}
	}
	for _, o := range s.Remote().SendConfigs(s.Ctx, []string{node}, m, s.RequestTimeout(0)) {
		switch o.Status {
		case "ok", "not_supported":
		case "notauthorized":
			return report.Fatalf("Unable to authenticate to %s, try running 'pcs cluster auth'", node)
		default:
			return failed
		}
	}
	return nil
}

// nodeRemove09 is `cluster node remove` of 0.9.
func nodeRemove09(s *session.Session, args []string) error {
	if len(args) != 1 {
		return argv.Usage()
	}
	addrs, err := addresses(args[0])
	if err != nil {
		return err
	}
	if !s.Opts.Force() {
		if err := reached09(s, addrs[0], ", use --force to override"); err != nil {
			return err
		}
	}
	node := addrs[0]
	began := "cluster node remove " + node
	again := s.Began(began)
	members, err := s.Members09()
	if err != nil {
		return err
	}
	if !slices.Contains(members, node) && !again {
		return report.Fatalf("node '%s' does not appear to exist in configuration", node)
	}
	if !s.Opts.Force() {
		const unknown = "Unable to determine whether removing the node will cause a loss of the quorum, use --force to override\n"
		code, text := s.Send(node, client.Request{Path: "remote/get_quorum_info"})
		if code != 0 {
			return report.Fatal(unknown + text)
		}
		q, ok := ParseQuorum(text)
		switch {
		case ok && q.Lost(func(v Vote) bool { return v.Name == node }):
			return report.Fatal("Removing the node will cause a loss of the quorum, use --force to override")
		case !ok && !Offline(text):
			return report.Fatal(unknown + text)
		}
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if err := stoppedForTieBreaker09(s, root, -1); err != nil {
		return err
	}
	if err := s.Begin(began); err != nil {
		return report.Fatalf("Unable to record the command: %s", err)
	}
	if err := destroyNodes(s, []string{node}, s.Opts.Force()); err != nil {
		return err
	}
	conf, err := tellNodes09(s, "remote/remove_node", url.Values{"remove_nodename": {node}, "pacemaker_remove": {"False"}}, "unable to remove "+node, again)
	if err != nil {
		return err
	}
	if conf == "" {
		return report.Fatal("Unable to update any nodes")
	}
	_, _ = s.Run("corosync-cfgtool", "-R")
	_, _ = s.Run("crm_node", "--force", "-R", node)
	return s.Finish()
}
