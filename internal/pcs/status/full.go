package status

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// invalidConfiguration is crm_verify's exit code for a CIB with faults.
const invalidConfiguration = 78

// Full is `status`: the cluster's page, what is wrong with its configuration, and the daemons of this host.
func Full(s *session.Session, args []string) error {
	if err := s.Opts.Only("--hide-inactive", "--full", "-f", "--corosync_conf", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	if s.Live() != s.ConfLive() {
		given, missing := "-f", "--corosync_conf"
		if s.Live() {
			given, missing = missing, given
		}
		return report.Items{report.Errorf("When '%s' is specified, '%s' must be specified as well", given, missing)}
	}
	full := s.Opts.Full()
	words := []string{"--one-shot"}
	if !s.Opts.Has("--hide-inactive") {
		words = append(words, "--inactive")
	}
	if full {
		words = append(words, "--show-detail", "--show-node-attributes", "--failcounts", "--fence-history=3")
	}
	page, err := s.Run("crm_mon", words...)
	if err != nil {
		return err
	}
	if page.Code != 0 {
		return report.Items{session.MonitorError(strings.TrimSpace(page.Stderr + page.Stdout))}
	}
	var names []string
	hasConf := !s.Live() || s.HasConf()
	if hasConf {
		if _, err := s.Conf(); err != nil {
			return err
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if full && s.Live() && hasConf {
		list, items, err := s.NodeNames()
		if err != nil {
			return err
		}
		s.Out.Tell(items...)
		names = list
	}
	var warnings []string
	for line := range strings.Lines(strings.TrimSpace(page.Stderr)) {
		if full || !strings.HasPrefix(line, "DEBUG: ") {
			warnings = append(warnings, strings.TrimRight(line, "\n"))
		}
	}
	warnings = append(warnings, fencingWarnings(s, root)...)
	warnings = append(warnings, moveWarnings(root)...)
	warnings = append(warnings, faults(s)...)
	name := s.ClusterName()
	if !hasConf {
		name, _ = doc.Value(doc.Section(root, "crm_config"), "cluster_property_set", "cluster-name")
	}
	s.Out.Print("Cluster name: " + name)
	if len(warnings) > 0 {
		s.Out.Print("", "WARNINGS:")
		s.Out.Print(warnings...)
		s.Out.Print("")
	}
	s.Out.Print(strings.TrimSpace(page.Stdout))
	if full {
		tickets(s)
	}
	if !s.Live() {
		return nil
	}
	if full && hasConf {
		s.Out.Print("", "PCSD Status:")
		s.Out.Print(reachability(s, names)...)
	}
	s.Out.Print("")
	Daemons(s)
	return nil
}

func tickets(s *session.Session) {
	s.Out.Print("", "Tickets:")
	t, err := s.Run("crm_ticket", "--details")
	if err != nil || t.Code != 0 {
		s.Out.Print("  WARNING: Unable to get information about tickets")
		for line := range strings.Lines(strings.TrimSpace(t.Stderr)) {
			s.Out.Print("    " + strings.TrimRight(line, "\n"))
		}
		return
	}
	for line := range strings.Lines(strings.TrimSpace(t.Stdout)) {
		s.Out.Print("  " + strings.TrimRight(line, "\n"))
	}
}

// moveWarnings tell of resources that a constraint of `resource move` or `ban` still holds.
func moveWarnings(root *etree.Element) []string {
	now := time.Now()
	eval := rule.EvalAt(root, now)
	var ids []string
	for _, c := range doc.Children(doc.Section(root, "constraints"), "rsc_location") {
		id := doc.Attr(c, "rsc")
		if id == "" || !strings.HasPrefix(doc.ID(c), "cli-") || slices.Contains(ids, id) {
			continue
		}
		rules := doc.Children(c, "rule")
		if len(rules) > 0 && !slices.ContainsFunc(rules, func(r *etree.Element) bool { return eval(doc.ID(r)) != rule.Expired }) {
			continue
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	return []string{
		"Following resources have been moved and their move constraints are still in place: " + report.QuoteSorted(ids),
		"Run 'pcs constraint location' or 'pcs resource clear <resource id>' to view or remove the constraints, respectively",
	}
}

// faults are what crm_verify finds wrong.
func faults(s *session.Session) []string {
	words := []string{"--output-as", "xml"}
	if file, ok := s.File(); ok {
		words = append(words, "--xml-file", file)
	} else {
		words = append(words, "--live-check")
	}
	r, err := s.Run("crm_verify", words...)
	if err != nil || r.Code != invalidConfiguration {
		return nil
	}
	result, err := doc.Parse([]byte(r.Stdout))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range doc.All(result, "error") {
		out = append(out, e.Text())
	}
	return out
}

// reachability tells which nodes' pcsd answers, by name.
func reachability(s *session.Session, nodes []string) []string {
	words := map[string]string{}
	s.TellOfHosts()
	s.Remote().All(s.Ctx, nodes, client.Request{Path: "remote/check_auth", Timeout: s.RequestTimeout(0)}, func(r client.Response) {
		switch r.Kind {
		case client.OK:
			words[r.Node] = "Online"
		case client.Unauthorized:
		default:
			words[r.Node] = "Offline"
		}
	})
	sorted := slices.Clone(nodes)
	sort.Strings(sorted)
	var out []string
	for _, n := range sorted {
		word, ok := words[n]
		if !ok {
			word = "Unable to authenticate"
		}
		out = append(out, "  "+n+": "+word)
	}
	return out
}

// Wait is `status wait`: it returns when the cluster has nothing left to do.
func Wait(s *session.Session, args []string) error {
	if err := s.Opts.Only(); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	plan := session.WaitPlan{Given: true}
	if len(args) == 1 {
		n, ok := session.Seconds(args[0])
		if !ok {
			return report.Items{report.Errorf("'%s' is not a valid number of seconds to wait", args[0])}
		}
		plan = session.WaitSeconds(n)
	}
	return s.Idle(plan)
}
