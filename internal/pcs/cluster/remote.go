package cluster

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// authkey is what users call Pacemaker's key, and remoteKey what pcsd does.
const (
	authkey   = "pacemaker authkey"
	remoteKey = "pacemaker_remote authkey"
	keyKind   = "pcmk_remote_authkey"
	// What 0.9 says of the parts all together.
	keyFiles09 = "remote node configuration files"
	stop09     = "stop of service pacemaker_remote"
	files09    = "remote node files"
)

const notLive = "the command does not run on a live cluster (e.g. -f was used)"

// consistent refuses a file for only one of CIB and corosync.conf, as 0.9 does.
func consistent(s *session.Session) error {
	if !s.Legacy() {
		return s.RequireGivenConf()
	}
	if s.Live() == s.ConfLive() {
		return nil
	}
	what := "--corosync_conf"
	if !s.Live() {
		what = "-f"
	}
	return report.Items{report.Errorf("This command does not support '%s'", what)}
}

// skipped tells what is left to do by hand on nodes.
func skipped(s *session.Session, nodes []string, add bool) {
	on := report.QuoteSorted(nodes)
	if s.Legacy() {
		const why = " was skipped because command does not run on live cluster (e.g. -f was used). You will have to "
		if add {
			s.Out.Info("the distribution of '" + authkey + "' to " + on + why + "do it manually.")
		}
		commands := []string{"stop", "disable"}
		if add {
			commands = []string{"start", "enable"}
		}
		for _, c := range commands {
			s.Out.Info("running 'pacemaker_remote " + c + "' on " + on + why + "run it manually.")
		}
		if !add {
			s.Out.Info("'" + authkey + "' remove from " + on + why + "do it manually.")
		}
		return
	}
	if add {
		skippedBecause(s, nodes, notLive)
		return
	}
	s.Out.Info("Running action(s) 'pacemaker_remote disable', 'pacemaker_remote stop' on " + on + " was skipped because " + notLive + ". Please, run the action(s) manually.")
	s.Out.Info("Removing '" + authkey + "' from " + on + " was skipped because " + notLive + ". Please, remove the file(s) manually.")
}

func skippedBecause(s *session.Session, nodes []string, why string) {
	on := report.QuoteSorted(nodes)
	s.Out.Info("Distribution of '" + authkey + "' to " + on + " was skipped because " + why + ". Please, distribute the file(s) manually.")
	s.Out.Info("Running action(s) 'pacemaker_remote enable', 'pacemaker_remote start' on " + on + " was skipped because " + why + ". Please, run the action(s) manually.")
}

// existingNodes are names and addresses in use. Without a running cluster those of corosync.conf are not looked at.
func existingNodes(s *session.Session, root *etree.Element) (names, addrs []string, err error) {
	if !s.Legacy() && !s.Live() {
		s.Out.Info("Unable to check if there is a conflict with nodes set in corosync because " + notLive)
		names, addrs = resource.PacemakerNodes(root)
		return names, addrs, nil
	}
	names, addrs, items, err := resource.ExistingNodes(s, root)
	s.Out.Tell(items...)
	return names, addrs, err
}

// join is a node that is to become remote or guest.
type join struct {
	existing, targets []string
	known             bool
}

// prepare finds the hosts to talk to, and the address of the new node where none was given.
func (j *join) prepare(s *session.Session, node, addr string, hasAddr bool) string {
	if s.Legacy() {
		j.targets, j.known = j.existing, true
		return addr
	}
	if s.Live() {
		var items, more []report.Item
		skip := s.Opts.Has("--skip-offline")
		j.targets, items = s.Targets(j.existing, skip, true)
		var fresh []string
		fresh, more = s.Targets([]string{node}, skip, true)
		more = slices.DeleteFunc(more, func(i report.Item) bool { return strings.HasPrefix(i.Text, "None of hosts") })
		s.Out.Tell(append(items, more...)...)
		j.known = len(fresh) > 0
	}
	if hasAddr {
		return addr
	}
	addr = node
	if h, ok := s.KnownHosts().ByName[node]; ok {
		addr = h.Dest().Addr
	}
	s.Out.Info("No addresses specified for host '" + node + "', using '" + addr + "'")
	return addr
}

// equip gives the new node Pacemaker's key and starts pacemaker_remote there.
func (j *join) equip(s *session.Session, host string) error {
	if !s.Live() {
		skipped(s, []string{host}, true)
		return nil
	}
	way := fleet.Way{Skip: true, Fail: true, What: keyFiles09}
	online := []string{host}
	if s.Legacy() {
		if err := precheck09(s, host); err != nil {
			return err
		}
	} else {
		online = nil
		if j.known {
			online = fleet.Online(s, []string{host})
			if len(online) == 0 && !s.Opts.Has("--skip-offline") {
				return s.Out.Check()
			}
		}
		if len(online) == 0 {
			skippedBecause(s, []string{host}, "pcs is unable to connect to the node(s)")
		}
		for _, h := range fleet.Hosts(s, online) {
			items, _ := h.Unfit([]string{"pacemaker_remote"}, []string{"pacemaker_remote", "pacemaker", "corosync"}, false, false)
			s.Out.Tell(items...)
		}
		if err := s.Out.Check(); err != nil {
			return err
		}
	}
	key, err := os.ReadFile(s.Paths.PacemakerKey)
	targets := online
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if key, err = newKey(); err != nil {
			return err
		}
		targets = append(slices.Clone(j.targets), online...)
	case err != nil:
		return s.Check(report.Errorf("Unable to read Pacemaker authkey '%s': %s: '%s'", s.Paths.PacemakerKey, session.Reason(err), s.Paths.PacemakerKey))
	}
	if len(targets) > 0 {
		if err := fleet.PutFiles(s, targets, map[string]fleet.File{remoteKey: fleet.Binary(keyKind, key)}, way); err != nil {
			return err
		}
	}
	if len(online) == 0 {
		return nil
	}
	return fleet.Switch(s, online, "pacemaker_remote", []string{"start", "enable"}, fleet.Way{Skip: s.Legacy(), Fail: true, What: "start of service pacemaker_remote"})
}

// precheck09 refuses a host that cannot become a remote node. One that does not answer can be passed by.
func precheck09(s *session.Session, host string) error {
	r := s.Remote().Call(s.Ctx, host, client.Request{Path: "remote/node_available", Timeout: s.RequestTimeout(0)})
	if i, failed := s.ResponseItem(r); failed {
		if s.Opts.Has("--skip-offline") {
			i.Severity = report.Warning
			s.Out.Tell(i)
			return nil
		}
		i.Force = report.BySkipOffline
		return report.Items{i}
	}
	var a struct {
		Available *bool `json:"node_available"`
		Remote    bool  `json:"pacemaker_remote"`
		Running   bool  `json:"pacemaker_running"`
	}
	switch {
	case json.Unmarshal([]byte(r.Body), &a) != nil || a.Available == nil:
		return report.Items{report.Errorf("%s: Invalid format of response", host)}
	case *a.Available:
	case a.Running:
		return report.Items{report.Errorf("cannot add the node '%s' because it is running service 'pacemaker' (is not the node already in a cluster?)", host)}
	case !a.Remote:
		return report.Items{report.Errorf("cannot add the node '%s' because it is in a cluster", host)}
	}
	return nil
}

// called is a way in which all parts are called what.
func called(way fleet.Way, what string) fleet.Way {
	way.What = what
	return way
}

// newKey is a secret for Pacemaker or corosync.
func newKey() ([]byte, error) {
	key := make([]byte, 256)
	_, err := rand.Read(key)
	return key, err
}

// split takes a word that is no option off the front.
func split(args []string) (word string, given bool, rest []string) {
	if len(args) == 0 || strings.Contains(args[0], "=") || args[0] == "op" || args[0] == "meta" {
		return "", false, args
	}
	return args[0], true, args[1:]
}

// AddRemote is `cluster node add-remote`. In 0.9 the address comes first, later the name.
func AddRemote(s *session.Session, args []string) error {
	if err := s.Only("--wait", "--force", "--skip-offline", "--request-timeout", "--corosync_conf", "-f", "--no-default-ops"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	name := args[0]
	addr, given, rest := split(args[1:])
	if s.Legacy() {
		if !given {
			addr = name
		}
		name, addr, given = addr, name, true
	}
	r, err := resource.ParseRemote(s, rest)
	if err != nil {
		return err
	}
	if err := consistent(s); err != nil {
		return err
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	var need [3]int
	if r.NeedsDemote() && !s.Legacy() {
		need = [3]int{3, 4, 0}
	}
	root, err := s.CIBAtLeast(need)
	if err != nil {
		return err
	}
	names, addrs, err := existingNodes(s, root)
	if err != nil {
		return err
	}
	if err := r.Load(s); err != nil {
		return err
	}
	j := &join{existing: names}
	addr = j.prepare(s, name, addr, given)
	if err := r.Create(s, root, name, addr, r.Check(s, name, addr, names, addrs)); err != nil {
		return err
	}
	host := name
	if s.Legacy() {
		host = addr
	}
	if err := j.equip(s, host); err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return resource.WaitRunning(s, plan, name)
}

// AddGuest is `cluster node add-guest`.
func AddGuest(s *session.Session, args []string) error {
	if err := s.Only("--wait", "--force", "--skip-offline", "--request-timeout", "--corosync_conf", "-f"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	node, id := args[0], args[1]
	options, err := s.KeyValues(args[2:])
	if err != nil {
		return err
	}
	if err := consistent(s); err != nil {
		return err
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	names, addrs, err := existingNodes(s, root)
	if err != nil {
		return err
	}
	j := &join{existing: names}
	addr, given := options.Get("remote-addr")
	if addr = j.prepare(s, node, addr, given); !s.Legacy() {
		options = options.With("remote-addr", addr)
	}
	items := resource.CheckGuest(s, root, node, options, names, addrs)
	resources, err := s.Resources(root)
	if err != nil {
		return err
	}
	el, bad := s.Find(resources, id, []string{"primitive"})
	switch {
	case el == nil:
		items = append(items, bad...)
	case isGuest(el):
		items = append(items, report.Errorf("the resource '%s' is already a guest node", id))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	meta := argv.Pairs{{Name: "remote-node", Value: node}}
	for _, n := range resource.GuestOptions {
		if v := options.Value(n); v != "" {
			meta = meta.With(n, v)
		}
	}
	doc.ArrangeFirstSet(el, "meta_attributes", meta, doc.NewIDs(root), "")
	host := node
	if s.Legacy() && given {
		host = addr
	}
	if err := j.equip(s, host); err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return resource.WaitRunning(s, plan, id)
}

func isGuest(el *etree.Element) bool {
	_, ok := doc.Value(el, "meta_attributes", "remote-node")
	return ok
}

// remotes are the connections to a remote node by its name or address.
func remotes(resources *etree.Element, node string) []*etree.Element {
	var out []*etree.Element
	for _, p := range doc.All(resources, "primitive") {
		if remove.RemoteName(p) == "" {
			continue
		}
		if doc.ID(p) == node || hasPair(p, "instance_attributes", []string{"server"}, node) {
			out = append(out, p)
		}
	}
	return out
}

// guests are the resources of a guest node by its name, its address or their id.
func guests(resources *etree.Element, node string) []*etree.Element {
	var out []*etree.Element
	for _, p := range doc.All(resources, "primitive") {
		for _, set := range doc.Children(p, "meta_attributes") {
			if name := doc.PairsOf(set).Value("remote-node"); name == "" {
				continue
			}
			if doc.ID(p) == node || pairIn(set, []string{"remote-addr", "remote-node"}, node) {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

func hasPair(el *etree.Element, tag string, names []string, value string) bool {
	return slices.ContainsFunc(doc.Children(el, tag), func(set *etree.Element) bool { return pairIn(set, names, value) })
}

func pairIn(set *etree.Element, names []string, value string) bool {
	return slices.ContainsFunc(doc.PairsOf(set), func(p argv.Pair) bool { return slices.Contains(names, p.Name) && p.Value == value })
}

// findNode finds what is to be removed; several resources of a node need --force.
func findNode(s *session.Session, root *etree.Element, kind, node string, find func(*etree.Element, string) []*etree.Element) ([]*etree.Element, error) {
	resources, err := s.Resources(root)
	if err != nil {
		return nil, err
	}
	found := find(resources, node)
	if len(found) == 0 {
		return nil, report.Items{report.Errorf("%s node '%s' does not appear to exist in configuration", kind, node)}
	}
	if len(found) > 1 {
		var ids []string
		for _, el := range found {
			ids = append(ids, doc.ID(el))
		}
		format := "more than one resource for '%s' found: %s"
		if s.Legacy() {
			format = "multiple resource for '%s' found: %s"
		}
		if err := s.Check(report.Errorf(format, node, report.QuoteSorted(ids)).As(s.Opts.Force())); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// strip stops pacemaker_remote on hosts and takes Pacemaker's key from them.
func strip(s *session.Session, hosts []string) error {
	if !s.Live() {
		skipped(s, hosts, false)
		return nil
	}
	targets, items := s.Targets(hosts, s.Opts.Has("--skip-offline"), true)
	if err := s.Check(items...); err != nil {
		return err
	}
	way := fleet.Way{Skip: true, Fail: true}
	if err := fleet.Switch(s, targets, "pacemaker_remote", []string{"stop", "disable"}, called(way, stop09)); err != nil {
		return err
	}
	return fleet.RemoveFiles(s, targets, map[string]string{remoteKey: keyKind}, called(way, files09))
}

// hostsOf are what the nodes of resources are called by: their names, in 0.9 their addresses.
func hostsOf(s *session.Session, found []*etree.Element, name func(*etree.Element) string, tag, option string) []string {
	var out []string
	for _, el := range found {
		h := name(el)
		if s.Legacy() {
			if v, ok := doc.Value(el, tag, option); ok {
				h = v
			}
		}
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}

// forget takes nodes out of Pacemaker's memory.
func forget(s *session.Session, nodes []string) error {
	if !s.Live() || s.World.Cluster == nil {
		return nil
	}
	for _, n := range nodes {
		if err := s.World.Cluster.RemoveNode(s.Ctx, n); err != nil {
			return report.Items{removeFailed(s, n, err)}
		}
	}
	return nil
}

func removeFailed(s *session.Session, node string, err error) report.Item {
	if s.Legacy() {
		return report.Errorf("unable to remove node '%s' from pacemaker: %s", node, err)
	}
	return report.Errorf("Unable to remove node(s) '%s' from pacemaker: %s", node, err)
}

// RemoveRemote is `cluster node remove-remote`.
func RemoveRemote(s *session.Session, args []string) error {
	known := []string{"--force", "--skip-offline", "--request-timeout", "--corosync_conf", "-f"}
	if s.Minor() >= 12 {
		known = append(known, "--no-stop", "--future")
	}
	if err := s.Only(known...); err != nil {
		return err
	}
	if err := s.Opts.Exclusive("-f", "--no-stop"); err != nil {
		return err
	}
	if len(args) == 0 || len(args) > 1 && !s.Legacy() {
		return argv.Usage()
	}
	if err := consistent(s); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found, err := findNode(s, root, "remote", args[0], remotes)
	if err != nil {
		return err
	}
	hosts := hostsOf(s, found, doc.ID, "instance_attributes", "server")
	var ids []string
	for _, el := range found {
		ids = append(ids, doc.ID(el))
	}
	if s.Legacy() {
		if err := strip(s, hosts); err != nil {
			return err
		}
		for _, id := range ids {
			if err := resource.DeleteForNode09(s, id); err != nil {
				return err
			}
		}
		return nil
	}
	s.Out.Info("Removing " + report.Plural(len(ids), "resource", "resources") + ": " + report.QuoteSorted(ids))
	if err := remove.With(s, root, ids, func() error { return strip(s, hosts) }); err != nil {
		return err
	}
	return forget(s, hosts)
}

// RemoveGuest is `cluster node remove-guest`.
func RemoveGuest(s *session.Session, args []string) error {
	if err := s.Only("--wait", "--force", "--skip-offline", "--request-timeout", "--corosync_conf", "-f"); err != nil {
		return err
	}
	if len(args) == 0 || len(args) > 1 && !s.Legacy() {
		return argv.Usage()
	}
	if err := consistent(s); err != nil {
		return err
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found, err := findNode(s, root, "guest", args[0], guests)
	if err != nil {
		return err
	}
	if err := strip(s, hostsOf(s, found, remove.GuestName, "meta_attributes", "remote-addr")); err != nil {
		return err
	}
	var names []string
	for _, el := range found {
		names = append(names, remove.GuestName(el))
		for _, set := range doc.Children(el, "meta_attributes") {
			for _, nv := range doc.Children(set, "nvpair") {
				if n := doc.Attr(nv, "name"); n == "remote-node" || slices.Contains(resource.GuestOptions, n) {
					doc.Remove(nv)
				}
			}
		}
	}
	if err := s.Push(root); err != nil {
		return err
	}
	if err := s.Idle(plan); err != nil {
		return err
	}
	return forget(s, names)
}

// NodeClear is `cluster node clear`: what is left of a node that was removed goes.
func NodeClear(s *session.Session, args []string) error {
	if err := s.Only("--force"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	if s.Legacy() {
		var given []string
		if !s.ConfLive() {
			given = append(given, "--corosync_conf")
		}
		if !s.Live() {
			given = append(given, "-f")
		}
		if len(given) > 0 {
			return report.Items{report.Errorf("This command does not support %s", report.Quote(given))}
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	names, addrs, items, err := resource.ExistingNodes(s, root)
	if err != nil {
		return err
	}
	node := args[0]
	if slices.Contains(names, node) || s.Legacy() && slices.Contains(addrs, node) {
		items = append(items, report.Errorf("node '%s' seems to be still in the cluster; this command should be used only with nodes that have been removed from the cluster", node).As(s.Opts.Force()))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	return forget(s, []string{node})
}
