// Package status is `pcs status` and its kin: what the cluster and its daemons do now.
package status

import (
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
	"hacluster/internal/pcsd/client"
)

const notRunning = "cluster is not currently running on this node"

// Full09 is `status` of 0.9.
func Full09(s *session.Session, args []string) error {
	if len(args) > 0 {
		return argv.Usage()
	}
	if s.Opts.Has("--hide-inactive") && s.Opts.Full() {
		return report.Fatal("you cannot specify both --hide-inactive and --full")
	}
	words := []string{"--one-shot"}
	if !s.Opts.Has("--hide-inactive") {
		words = append(words, "--inactive")
	}
	if s.Opts.Full() {
		words = append(words, "--show-detail", "--show-node-attributes", "--failcounts")
	}
	r, err := s.Run("crm_mon", words...)
	if err != nil || r.Code != 0 {
		return report.Fatal(notRunning)
	}
	var warnings []string
	if t := strings.TrimSpace(r.Stderr); t != "" {
		warnings = strings.Split(t, "\n")
	}
	if s.Live() || s.Opts.Has("--corosync_conf") {
		s.Out.Print("Cluster name: " + s.ClusterName())
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	warnings = append(warnings, fencingWarnings(s, root)...)
	if s.Live() && namesDiffer(s) {
		warnings = append(warnings, "Corosync and pacemaker node names do not match (IPs used in setup?)")
	}
	switch {
	case len(warnings) == 0:
	case s.Since(9, 165):
		s.Out.Print("", "WARNINGS:")
		s.Out.Print(warnings...)
		s.Out.Print("")
	default:
		for _, w := range warnings {
			s.Out.Print("WARNING: " + strings.ToLower(w[:1]) + w[1:])
		}
	}
	s.Out.Print(r.Stdout)
	if s.Opts.Full() {
		t, err := s.Run("crm_ticket", "-L")
		switch {
		case err != nil || t.Code != 0:
			s.Out.Print("WARNING: Unable to get information about tickets", "")
		case t.Output() != "":
			s.Out.Print("Tickets:", strings.Join(show.Indent(strings.Split(t.Output(), "\n")), "\n"))
		}
	}
	if s.Live() {
		if s.Opts.Full() && s.HasConf() {
			s.Out.Print("PCSD Status:")
			Pcsd(s, s.ConfNodes())
			s.Out.Print("")
		}
		Daemons(s)
	}
	return nil
}

// fencingWarnings tell of fencing that will not work as it should.
func fencingWarnings(s *session.Session, root *etree.Element) []string {
	conf := doc.Configuration(root)
	enabled := true
	for _, nv := range doc.All(doc.Child(conf, "crm_config"), "nvpair") {
		if doc.Attr(nv, "name") == "stonith-enabled" && number.IsFalse(doc.Attr(nv, "value")) {
			enabled = false
		}
	}
	devices := false
	var action, cycle []string
	for _, p := range doc.All(conf, "primitive") {
		if doc.Attr(p, "class") != "stonith" {
			continue
		}
		devices = true
		for _, set := range doc.All(p, "instance_attributes") {
			for _, nv := range doc.All(set, "nvpair") {
				switch name, value := doc.Attr(nv, "name"), doc.Attr(nv, "value"); {
				case name == "action" && value != "":
					action = append(action, doc.ID(p))
				case name == "method" && value == "cycle" && (s.Legacy() || doc.Attr(p, "type") != "fence_sbd"):
					cycle = append(cycle, doc.ID(p))
				}
			}
		}
	}
	list := func(ids []string) string {
		if s.Legacy() {
			return strings.Join(slices.Sorted(slices.Values(ids)), ", ")
		}
		return report.QuoteSorted(ids)
	}
	var out []string
	if enabled && !devices && (!s.Live() || !s.World.Services.IsActive(s.Ctx, "sbd")) {
		out = append(out, "No stonith devices and stonith-enabled is not false")
	}
	if s.Legacy() && !s.Since(9, 165) {
		return out
	}
	if len(action) > 0 {
		out = append(out, "Following stonith devices have the 'action' option set, it is recommended to set 'pcmk_off_action', 'pcmk_reboot_action' instead: "+list(action))
	}
	if len(cycle) > 0 {
		out = append(out, "Following stonith devices have the 'method' option set to 'cycle' which is potentially dangerous, please consider using 'onoff': "+list(cycle))
	}
	return out
}

// namesDiffer tells whether Pacemaker calls a node other than corosync.conf does.
func namesDiffer(s *session.Session) bool {
	if s.World.Cluster == nil {
		return false
	}
	nodes, err := s.World.Cluster.Nodes(s.Ctx)
	if err != nil {
		return false
	}
	conf, err := s.NodeIDs()
	if err != nil {
		return false
	}
	for _, n := range nodes {
		if have, ok := conf[n.ID]; ok && n.State != "lost" && n.Name != "" && n.Name != have {
			return true
		}
	}
	return false
}

// Daemons tells which daemons run and which start with the host.
func Daemons(s *session.Session) {
	s.Out.Print("Daemon Status:")
	services := s.World.Services
	for _, d := range []struct {
		unit   string
		always bool
	}{{"corosync", true}, {"pacemaker", true}, {"pacemaker_remote", false}, {"pcsd", true}, {"sbd", false}} {
		running, enabled := services.IsActive(s.Ctx, d.unit), services.IsEnabled(s.Ctx, d.unit)
		if !d.always && !running && !enabled {
			continue
		}
		words := [2]string{"inactive", "disabled"}
		if running {
			words[0] = "active"
		}
		if enabled {
			words[1] = "enabled"
		}
		s.Out.Print("  " + d.unit + ": " + words[0] + "/" + words[1])
	}
}

// Pcsd tells which nodes' pcsd answers; bad is true when one does not.
func Pcsd(s *session.Session, nodes []string) (bad bool) {
	s.TellOfHosts()
	s.Remote().All(s.Ctx, nodes, client.Request{Path: "remote/check_auth", Timeout: s.RequestTimeout(0)}, func(r client.Response) {
		word := "Offline"
		switch r.Kind {
		case client.OK:
			word = "Online"
		case client.Unauthorized:
			word = "Unable to authenticate"
		}
		bad = bad || r.Kind != client.OK
		s.Out.Print("  " + r.Node + ": " + word)
	})
	return bad
}

// PcsdStatus is `status pcsd` and `cluster pcsd-status`.
func PcsdStatus(s *session.Session, args []string) error {
	if err := s.Only("--request-timeout"); err != nil {
		return err
	}
	nodes := args
	if len(nodes) == 0 {
		var err error
		if nodes, err = cluster.Nodes(s); err != nil {
			return err
		}
		if len(nodes) == 0 {
			return report.Fatal("no nodes found in corosync.conf")
		}
	}
	if Pcsd(s, nodes) {
		return report.Exit(2)
	}
	return nil
}

// Cluster is `status cluster` and `cluster status`.
func Cluster(s *session.Session, args []string) error {
	if s.Legacy() {
		return clusterPage(s)
	}
	return clusterNew(s, args)
}

// clusterPage prints the head of crm_mon's page, and which nodes' pcsd answer.
func clusterPage(s *session.Session) error {
	r, err := s.Run("crm_mon", "-1", "-r")
	if err != nil || r.Code != 0 {
		return report.Fatal(notRunning)
	}
	s.Out.Print("Cluster Status:")
	blank := false
	for line := range strings.Lines(r.Output()) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			if blank {
				break
			}
			blank = true
			continue
		}
		s.Out.Print(" " + line)
	}
	if s.Live() && s.HasConf() {
		s.Out.Print("", "PCSD Status:")
		Pcsd(s, s.ConfNodes())
	}
	return nil
}

// Corosync is `status corosync`: the members as corosync sees them.
func Corosync(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only(); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
	}
	r, err := s.Run("corosync-quorumtool", "-l")
	if err != nil || r.Code != 0 {
		return report.Fatal("corosync not running")
	}
	if s.Legacy() {
		s.Out.Raw(r.Output())
	} else {
		s.Out.Print(strings.TrimRight(r.Output(), "\n"))
	}
	return nil
}

// XML is `status xml`.
func XML(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only("-f"); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
		r, err := s.Run("crm_mon", "--one-shot", "--inactive", "--output-as", "xml")
		if err != nil || r.Code != 0 {
			return report.Fatal("running crm_mon, is pacemaker running?" + tail(r.Stdout+r.Stderr))
		}
		s.Out.Print(strings.TrimSpace(r.Stdout))
		return nil
	}
	r, err := s.Run("crm_mon", "-1", "-r", "-X")
	if err != nil || r.Code != 0 {
		return report.Fatal("running crm_mon, is pacemaker running?")
	}
	s.Out.Raw(r.Output())
	return nil
}

func tail(text string) string {
	if text = strings.TrimSpace(text); text != "" {
		return "\n" + text
	}
	return ""
}

// Nodes is `status nodes`.
func Nodes(s *session.Session, args []string) error {
	what := ""
	if len(args) == 1 {
		what = args[0]
	}
	if !s.Legacy() {
		allowed := []string{"-f"}
		switch what {
		case "config":
			allowed = append(allowed, "--corosync_conf")
		case "corosync", "both":
			allowed = nil
		}
		if err := s.Opts.Only(allowed...); err != nil {
			return err
		}
	}
	switch what {
	case "pacemaker-id":
		if s.World.Cluster == nil {
			return report.Fatal("unable to get list of pacemaker nodes")
		}
		nodes, err := s.World.Cluster.Nodes(s.Ctx)
		if err != nil {
			return report.Fatal("unable to get list of pacemaker nodes")
		}
		for _, n := range nodes {
			if n.State != "lost" {
				s.Out.Print(n.ID + " " + n.Name)
			}
		}
		return nil
	case "corosync-id":
		ids, err := s.NodeIDs()
		if err != nil {
			return report.Fatal("unable to get list of corosync nodes")
		}
		for _, id := range show.SortedKeys(ids) {
			s.Out.Print(id + " " + ids[id])
		}
		return nil
	case "config":
		return NodesConfig(s)
	case "corosync", "both":
		if err := corosyncNodes(s); err != nil {
			return err
		}
		if what == "corosync" {
			return nil
		}
	}
	st, err := s.State()
	if err != nil {
		return report.Fatal("error running crm_mon, is pacemaker running?")
	}
	if st.Refused {
		return report.Fatal("No nodes section found")
	}
	nodes := st.Nodes()
	list := func(title string, remote bool) {
		s.Out.Print(title)
		for _, k := range []struct {
			label string
			is    func(n session.StateNode) bool
		}{
			{"Online", func(n session.StateNode) bool { return n.Online && !n.Standby && !n.Maintenance }},
			{"Standby", func(n session.StateNode) bool { return n.Online && n.Standby && n.Resources == 0 }},
			{"Standby with resource(s) running", func(n session.StateNode) bool { return n.Online && n.Standby && n.Resources != 0 }},
			{"Maintenance", func(n session.StateNode) bool { return n.Online && !n.Standby && n.Maintenance }},
			{"Offline", func(n session.StateNode) bool { return !n.Online }},
		} {
			words := []string{" " + k.label + ":"}
			for _, n := range nodes {
				if (n.Type == "remote") == remote && k.is(n) {
					words = append(words, n.Name)
				}
			}
			s.Out.Print(strings.Join(words, " "))
		}
	}
	list("Pacemaker Nodes:", false)
	list("Pacemaker Remote Nodes:", true)
	return nil
}

// NodesConfig lists the nodes that corosync.conf and Pacemaker have.
func NodesConfig(s *session.Session) error {
	var conf []string
	if s.HasConf() {
		list, items, err := confNames(s)
		if err != nil {
			return err
		}
		s.Out.Tell(items...)
		conf = list
	}
	var names []string
	if s.Live() {
		if _, err := s.State(); err != nil {
			return err
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	known, err := s.KnownNodes(root)
	if err != nil {
		return err
	}
	for _, n := range known {
		if n.Type != "remote" {
			names = append(names, n.Name)
		}
	}
	sort.Strings(names)
	for _, l := range []struct {
		title string
		names []string
	}{{"Corosync Nodes:", conf}, {"Pacemaker Nodes:", names}} {
		s.Out.Print(l.title)
		if len(l.names) > 0 {
			s.Out.Print(" " + strings.Join(l.names, " "))
		}
	}
	return nil
}

// confNames are the names of corosync.conf's nodes. Of a file that cannot be parsed, these verbs do not say why.
func confNames(s *session.Session) ([]string, []report.Item, error) {
	if s.Legacy() {
		names, err := s.Members09()
		return names, nil, err
	}
	if _, err := s.PlainConf(); err != nil {
		return nil, nil, report.Fatal("Unable to parse corosync.conf: ")
	}
	return s.NodeNames()
}

func corosyncNodes(s *session.Session) error {
	names, items, err := confNames(s)
	if err != nil {
		return err
	}
	s.Out.Tell(items...)
	online := s.ActiveNodes()
	sort.Strings(online)
	var offline []string
	for _, n := range names {
		if !slices.Contains(online, n) {
			offline = append(offline, n)
		}
	}
	sort.Strings(offline)
	s.Out.Print("Corosync Nodes:")
	s.Out.Print(strings.Join(append([]string{" Online:"}, online...), " "))
	s.Out.Print(strings.Join(append([]string{" Offline:"}, offline...), " "))
	return nil
}
