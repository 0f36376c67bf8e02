package session

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"hacluster/internal/pcs/corosynccheck"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcsd/client"
)

// KnownHosts are the hosts that this one can talk to. From 0.10 on a file that cannot be read is told of, once.
func (s *Session) KnownHosts() *client.Hosts {
	s.hostsOnce.Do(func() { s.hosts = s.readHosts() })
	return s.hosts
}

func (s *Session) readHosts() *client.Hosts {
	none := &client.Hosts{ByName: map[string]client.Host{}}
	path := s.Remote().HostsPath()
	if !s.Legacy() {
		f, err := os.Open(path)
		if err != nil {
			s.Out.Warn("Unable to read the known-hosts file: " + Reason(err) + ": '" + path + "'")
			return none
		}
		f.Close()
	}
	h, err := s.Remote().Hosts()
	if err != nil {
		s.Out.Warn("Unable to parse the known-hosts file: " + strings.TrimPrefix(err.Error(), "known-hosts: ") + ": '" + path + "'")
		return none
	}
	return h
}

// UnknownHosts tells of hosts that this one cannot talk to. The original writes their names small.
func UnknownHosts(names []string) report.Item {
	one := report.Plural(len(names), "host", "hosts")
	text := fmt.Sprintf("%s %s not known to pcs, try to authenticate the %s using 'pcs host auth %s' command",
		report.QuoteSorted(names), report.Plural(len(names), "is", "are"), one, strings.Join(slices.Sorted(slices.Values(names)), " "))
	return report.Errorf("%s %s", strings.ToUpper(one[:1])+one[1:], strings.ToLower(text)).Coded("HOST_NOT_FOUND")
}

// Targets are the hosts of names that this one can talk to, and what is told of the others. skip leaves those
// out with a warning; canSkip offers that.
func (s *Session) Targets(names []string, skip, canSkip bool) (targets []string, items []report.Item) {
	known := s.KnownHosts()
	var unknown []string
	for _, n := range names {
		if _, ok := known.ByName[n]; ok || s.Legacy() {
			targets = append(targets, n)
		} else {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) > 0 {
		i := UnknownHosts(unknown)
		switch {
		case canSkip && skip:
			i.Severity = report.Warning
		case canSkip:
			i.Force = report.BySkipOffline
		}
		items = append(items, i)
	}
	if len(targets) == 0 && len(names) > 0 {
		items = append(items, report.Errorf("None of hosts is known to pcs."))
	}
	return targets, items
}

// ResponseItem words a failed answer as the newer commands do.
func (s *Session) ResponseItem(r client.Response) (item report.Item, failed bool) {
	hint := "pcs host auth " + r.Node
	connect := "check if pcsd is running there or try setting higher timeout with --request-timeout option"
	if s.Legacy() {
		hint = "pcs cluster auth"
		connect = "try setting higher timeout in --request-timeout option"
	}
	switch r.Kind {
	case client.OK:
		return report.Item{}, false
	case client.Refused:
		return report.Errorf("%s: %s", r.Node, strings.TrimRight(r.Body, "\n")), true
	case client.Unauthorized:
		return report.Errorf("Unable to authenticate to %s (HTTP error: %d), try running '%s'", r.Node, r.Code, hint), true
	case client.Denied:
		return report.Errorf("%s: Permission denied (HTTP error: %d)", r.Node, r.Code), true
	case client.NotSupported:
		return report.Errorf("%s: Unsupported command (HTTP error: %d), try upgrading pcsd", r.Node, r.Code), true
	case client.TimedOut:
		return report.Errorf("%s: Connection timeout, %s (%s)", r.Node, connect, r.Reason), true
	case client.NotConnected:
		return report.Errorf("Unable to connect to %s (%s)", r.Node, r.Reason), true
	}
	return report.Errorf("Error connecting to %s (HTTP error: %d)", r.Node, r.Code), true
}

// OrSkip gives an item the way out of --skip-offline, or makes it a warning when that was given. 0.9 says nothing of the way
// out where it tells of a host at once.
func (s *Session) OrSkip(i report.Item) report.Item {
	if s.Opts.Has("--skip-offline") {
		i.Severity, i.Force = report.Warning, report.NoForce
	} else if !s.Legacy() {
		i.Force = report.BySkipOffline
	}
	return i
}

// ConfTargets are the hosts of a corosync.conf's nodes; nodes without a name cannot be talked to and are refused.
func (s *Session) ConfTargets(root *corosyncconf.Section) ([]string, error) {
	return s.confTargets(root, s.Opts.Has("--skip-offline"), true)
}

// AllConfTargets is ConfTargets where no node can be left out. As with the original, --skip-offline is still offered where it was given.
func (s *Session) AllConfTargets(root *corosyncconf.Section) ([]string, error) {
	return s.confTargets(root, false, s.Opts.Has("--skip-offline"))
}

func (s *Session) confTargets(root *corosyncconf.Section, skip, canSkip bool) ([]string, error) {
	var names []string
	unnamed := false
	for _, n := range corosyncconf.Nodes(root) {
		switch {
		case n.Name != "":
			names = append(names, n.Name)
		case s.Legacy():
			names = append(names, n.Label())
		default:
			unnamed = true
		}
	}
	if unnamed {
		return nil, s.Check(corosynccheck.MissingNames(true))
	}
	targets, items := s.Targets(names, skip, canSkip)
	return targets, s.Check(items...)
}
