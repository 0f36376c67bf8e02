// Package fleet is what pcs does on several hosts at once through their pcsd: who answers, what runs
// there, files put and removed, services switched, clusters destroyed.
package fleet

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// Way says which failures can be passed.
type Way struct {
	// Skip lets --skip-offline pass a host that does not answer.
	Skip bool
	// Fail lets --force pass a part that a host could not do.
	Fail bool
	// Pass makes what may be passed a warning, whatever the options say.
	Pass bool
	// What is how 0.9 calls all parts together, "" where it names them.
	What string
}

func (w Way) offline(s *session.Session, i report.Item) report.Item {
	if w.Skip && w.Pass {
		i.Severity = report.Warning
		return i
	}
	if w.Skip {
		return s.OrSkip(i)
	}
	return i
}

func (w Way) failed(s *session.Session, i report.Item) report.Item {
	if w.Fail {
		i = i.As(w.Pass || s.Opts.Force())
	}
	if s.Legacy() {
		i.Force = report.NoForce // as in session.OrSkip
	}
	return i
}

// each calls a path on all hosts; f gets the bodies of those that did it, and the others are told of.
func each(s *session.Session, targets []string, path string, form url.Values, way Way, f func(node, body string)) {
	for _, r := range s.All(targets, path, form) {
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(way.offline(s, i))
			continue
		}
		f(r.Node, r.Body)
	}
}

func garbled(node string) report.Item { return report.Errorf("%s: Invalid format of response", node) }

// Online are the hosts that answer; the others are left out with a warning when --skip-offline was given, and
// errors otherwise.
func Online(s *session.Session, targets []string) []string {
	var out []string
	for _, r := range s.All(targets, "remote/check_auth", url.Values{"check_auth_only": {"1"}}) {
		i, failed := s.ResponseItem(r)
		switch {
		case !failed:
			out = append(out, r.Node)
		case r.Kind != client.NotConnected && r.Kind != client.TimedOut:
			s.Out.Tell(i)
		case s.Opts.Has("--skip-offline"):
			s.Out.Tell(report.Warnf("Omitting node '%s'", r.Node))
		default:
			s.Out.Tell(s.OrSkip(i))
		}
	}
	return out
}

// Service is the state of a service on a host.
type Service struct {
	Installed, Enabled, Running bool
	Version                     string
}

// Host is what a host tells of itself.
type Host struct {
	Node     string
	Services map[string]Service
	// InCluster tells that files of a cluster lie there.
	InCluster bool
}

// Hosts asks hosts for their services and whether they are in a cluster.
func Hosts(s *session.Session, targets []string) []Host {
	var out []Host
	each(s, targets, "remote/check_host", nil, Way{}, func(node, body string) {
		var a struct {
			Services map[string]struct {
				Installed, Enabled, Running *bool
				Version                     any
			}
			InCluster *bool `json:"cluster_configuration_exists"`
		}
		if json.Unmarshal([]byte(body), &a) != nil || a.InCluster == nil {
			s.Out.Tell(garbled(node))
			return
		}
		h := Host{Node: node, Services: map[string]Service{}, InCluster: *a.InCluster}
		for name, v := range a.Services {
			if v.Installed == nil || v.Running == nil {
				s.Out.Tell(garbled(node))
				return
			}
			version, _ := v.Version.(string)
			h.Services[name] = Service{*v.Installed, v.Enabled != nil && *v.Enabled, *v.Running, version}
		}
		out = append(out, h)
	})
	return out
}

// Unfit tells of services that a host has not installed, and of signs that it is in a cluster. The latter can be
// forced where force says so.
func (h Host) Unfit(needed, stopped []string, forcible, force bool) (items []report.Item, inCluster bool) {
	var missing, running []string
	for _, n := range needed {
		if !h.Services[n].Installed {
			missing = append(missing, n)
		}
	}
	for _, n := range stopped {
		if h.Services[n].Running {
			running = append(running, n)
		}
	}
	as := func(i report.Item) report.Item {
		inCluster = true
		if forcible {
			return i.As(force)
		}
		return i
	}
	if len(missing) > 0 {
		items = append(items, report.Errorf("%s: Required cluster services not installed: %s", h.Node, report.QuoteSorted(missing)))
	}
	if n := len(running); n > 0 {
		word := report.Plural(n, "service", "services")
		items = append(items, as(report.Errorf("%s: The host seems to be in a cluster already as the following %s %s found to be running: %s. If the host is not part of a cluster, stop the %s and retry",
			h.Node, word, report.Plural(n, "is", "are"), report.QuoteSorted(running), word)))
	}
	if h.InCluster {
		items = append(items, as(report.Errorf("%s: The host seems to be in a cluster already as cluster configuration files have been found on the host. If the host is not part of a cluster, run 'pcs cluster destroy' on host '%s' to remove those configuration files", h.Node, h.Node)))
	}
	return items, inCluster
}

// Versions tells of services whose versions differ between hosts, the most common version first.
func Versions(hosts []Host, services ...string) []report.Item {
	var items []report.Item
	for _, name := range services {
		by := map[string][]string{}
		var versions []string
		for _, h := range hosts {
			v := h.Services[name].Version
			if by[v] == nil {
				versions = append(versions, v)
			}
			by[v] = append(by[v], h.Node)
		}
		if len(versions) < 2 {
			continue
		}
		slices.SortStableFunc(versions, func(a, b string) int { return len(by[b]) - len(by[a]) })
		parts := []string{"Hosts do not have the same version of '" + name + "'"}
		for _, v := range versions {
			n := len(by[v])
			parts = append(parts, report.Plural(n, "host", "hosts")+" "+report.QuoteSorted(by[v])+" "+report.Plural(n, "has", "have")+" version "+v)
		}
		items = append(items, report.Errorf("%s", strings.Join(parts, "; ")))
	}
	return items
}

// File is a file for other hosts: what kind it is, what is in it.
type File struct {
	Type string `json:"type"`
	// Name is the file's own name, for kinds of which there are many.
	Name    string `json:"name,omitempty"`
	Data    string `json:"data"`
	Rewrite bool   `json:"rewrite_existing,omitempty"`
}

// Binary makes a file of bytes.
func Binary(kind string, data []byte) File {
	return File{Type: kind, Data: base64.StdEncoding.EncodeToString(data), Rewrite: true}
}

// shown is how users call a key of a file.
func shown(s *session.Session, key string) string {
	if key == "pacemaker_remote authkey" && !s.Legacy() {
		return "pacemaker authkey"
	}
	return key
}

// action is something that hosts are asked to do in parts.
type action struct {
	path, result  string
	form          url.Values // goes with the parts
	start         func(parts, targets string) string
	good          []string
	reasons       map[string]string
	success, fail func(node, part, reason string) string
}

func run[T any](s *session.Session, targets []string, a action, parts map[string]T, way Way) error {
	keys := slices.Sorted(maps.Keys(parts))
	var names []string
	for _, k := range keys {
		names = append(names, shown(s, k))
	}
	data, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	all := report.QuoteSorted(names)
	if s.Legacy() && way.What != "" {
		all = way.What
	}
	s.Out.Info(a.start(all, report.QuoteSorted(targets)))
	form := url.Values{"data_json": {string(data)}}
	maps.Copy(form, a.form)
	each(s, targets, a.path, form, way, func(node, body string) {
		var answer map[string]map[string]struct{ Code, Message string }
		if json.Unmarshal([]byte(body), &answer) != nil || len(answer[a.result]) != len(keys) {
			s.Out.Tell(garbled(node))
			return
		}
		for _, k := range keys {
			r := answer[a.result][k]
			if slices.Contains(a.good, r.Code) {
				s.Out.Info(a.success(node, shown(s, k), ""))
				continue
			}
			reason := r.Message
			if text, ok := a.reasons[r.Code]; ok {
				reason = text
			}
			s.Out.Tell(way.failed(s, report.Errorf("%s", a.fail(node, shown(s, k), reason))))
		}
	})
	return s.Out.Check()
}

// PutFiles puts files on hosts; the keys are what users call them.
func PutFiles(s *session.Session, targets []string, files map[string]File, way Way) error {
	return putFiles(s, targets, files, nil, way)
}

// PutConf makes hosts nodes of a new cluster. Where a dialect other than the usual one was asked for, it is the cluster's.
func PutConf(s *session.Session, targets []string, conf string) error {
	var form url.Values
	if s.Fixed && s.Version != dialect.Default {
		form = url.Values{"dialect": {s.Version.String()}}
	}
	return putFiles(s, targets, map[string]File{"corosync.conf": {Type: "corosync_conf", Data: conf}}, form, Way{})
}

func putFiles(s *session.Session, targets []string, files map[string]File, form url.Values, way Way) error {
	return run(s, targets, action{
		path: "remote/put_file", form: form, result: "files", good: []string{"written", "rewritten", "same_content"},
		start:   func(parts, on string) string { return "Sending " + parts + " to " + on },
		reasons: map[string]string{"conflict": "File already exists"},
		success: func(n, p, _ string) string { return n + ": successful distribution of the file '" + p + "'" },
		fail:    func(n, p, r string) string { return n + ": unable to distribute file '" + p + "': " + r },
	}, files, way)
}

// RemoveFiles removes files from hosts, by their kinds.
func RemoveFiles(s *session.Session, targets []string, kinds map[string]string, way Way) error {
	type file struct {
		Type string `json:"type"`
	}
	files := map[string]file{}
	for k, v := range kinds {
		files[k] = file{v}
	}
	return run(s, targets, action{
		path: "remote/remove_file", result: "files", good: []string{"deleted", "not_found"},
		start:   func(parts, on string) string { return "Requesting remove " + parts + " from " + on },
		success: func(n, p, _ string) string { return n + ": successful removal of the file '" + p + "'" },
		fail:    func(n, p, r string) string { return n + ": unable to remove file '" + p + "': " + r },
	}, files, way)
}

// Switch has hosts do things with a service: start, stop, enable, disable.
func Switch(s *session.Session, targets []string, service string, commands []string, way Way) error {
	type part struct {
		Type    string `json:"type"`
		Service string `json:"service"`
		Command string `json:"command"`
	}
	parts := map[string]part{}
	for _, c := range commands {
		parts[service+" "+c] = part{"service_command", service, c}
	}
	return run(s, targets, action{
		path: "remote/manage_services", result: "actions", good: []string{"success"},
		start:   func(parts, on string) string { return "Requesting " + parts + " on " + on },
		reasons: map[string]string{"fail": "Operation failed."},
		success: func(n, p, _ string) string { return n + ": successful run of '" + p + "'" },
		fail:    func(n, p, r string) string { return n + ": service command failed: " + p + ": " + r },
	}, parts, way)
}

// Destroy destroys the clusters that hosts are in.
func Destroy(s *session.Session, targets []string) error {
	s.Out.Info("Destroying cluster on hosts: " + report.QuoteSorted(targets) + "...")
	each(s, targets, "remote/cluster_destroy", url.Values{}, Way{}, func(node, _ string) {
		s.Out.Info(node + ": Successfully destroyed cluster")
	})
	return s.Out.Check()
}

// DestroyReachable is Destroy that only warns of hosts that do not.
func DestroyReachable(s *session.Session, targets []string) {
	s.Out.Info("Destroying cluster on hosts: " + report.QuoteSorted(targets) + "...")
	var left []string
	for _, r := range s.All(targets, "remote/cluster_destroy", url.Values{}) {
		if i, failed := s.ResponseItem(r); failed {
			i.Severity = report.Warning
			s.Out.Tell(i)
			left = append(left, r.Node)
			continue
		}
		s.Out.Info(r.Node + ": Successfully destroyed cluster")
	}
	if len(left) > 0 {
		s.Out.Tell(Unreached(left))
	}
}

// Unreached warns of nodes that left the cluster and do not know.
func Unreached(nodes []string) report.Item {
	what := report.Plural(len(nodes), "node", "nodes")
	return report.Warnf("Removed %s %s could not be reached and subsequently deconfigured. Run 'pcs cluster destroy' on the unreachable %s.", what, report.QuoteSorted(nodes), what)
}

// Simple calls a path on all hosts and tells done of each that did it.
func Simple(s *session.Session, targets []string, path string, form url.Values, done string) error {
	return Do(s, targets, path, form, done, Way{})
}

// Do is Simple with a say in which failures can be passed.
func Do(s *session.Session, targets []string, path string, form url.Values, done string, way Way) error {
	each(s, targets, path, form, way, func(node, _ string) {
		if done != "" {
			s.Out.Info(node + ": " + done)
		}
	})
	return s.Out.Check()
}
