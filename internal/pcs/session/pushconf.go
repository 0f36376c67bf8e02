package session

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcsd/client"
)

// ConfPush says what a change of corosync.conf needs.
type ConfPush struct {
	// Stopped refuses the change while corosync runs on a node.
	Stopped bool
	// Device has the quorum device's clients started again.
	Device bool
}

// VerifyConf refuses what a line of corosync.conf cannot hold.
func VerifyConf(root *corosyncconf.Section) error {
	sections, options, values := root.Verify("")
	if len(sections)+len(options)+len(values) == 0 {
		return nil
	}
	var parts []string
	if len(sections) > 0 {
		parts = append(parts, "invalid section name(s): "+report.QuoteSorted(sections))
	}
	if len(options) > 0 {
		parts = append(parts, "invalid option name(s): "+report.QuoteSorted(options))
	}
	if len(values) > 0 {
		var pairs []string
		for _, v := range values {
			pairs = append(pairs, "'"+v.Value+"' (option '"+v.Name+"')")
		}
		parts = append(parts, "invalid option value(s): "+strings.Join(pairs, ", "))
	}
	return report.Items{report.Errorf("Cannot save corosync.conf containing %s", strings.Join(parts, "; "))}
}

// PushConf stores a changed corosync.conf: in the file of --corosync_conf, or on all nodes of the cluster,
// whose corosync reads it then.
func (s *Session) PushConf(root *corosyncconf.Section, how ConfPush) error {
	if !s.Legacy() {
		if err := VerifyConf(root); err != nil {
			return err
		}
	}
	if !s.ConfLive() {
		return s.WriteConf(root)
	}
	targets, err := s.ConfTargets(root)
	if err != nil {
		return err
	}
	if how.Stopped {
		if err := s.CheckStopped(targets); err != nil {
			return err
		}
	}
	if err := s.DistributeConf(targets, root, s.OrSkip); err != nil {
		return err
	}
	if s.Legacy() {
		err = s.reloadHere()
	} else if !how.Stopped {
		err = s.ReloadConf(targets)
	}
	if err != nil || !how.Device {
		return err
	}
	s.Out.Info("Reloading qdevice configuration on nodes...")
	for _, action := range []struct{ verb, done string }{{"stop", "stopped"}, {"start", "started"}} {
		s.Out.Tell(s.DeviceClient(targets, action.verb, action.done)...)
	}
	return s.Out.Check()
}

// DeviceClient has the quorum device's clients on nodes do something.
func (s *Session) DeviceClient(targets []string, verb, done string) []report.Item {
	var items []report.Item
	for _, r := range s.All(targets, "remote/qdevice_client_"+verb, nil) {
		if i, failed := s.ResponseItem(r); failed {
			if r.Kind == client.Refused {
				i = report.Errorf("%s: Unable to %s corosync-qdevice: %s", r.Node, verb, strings.TrimSpace(r.Body))
			}
			items = append(items, s.OrSkip(i))
			continue
		}
		if missing, skipped := strings.CutSuffix(strings.TrimSpace(r.Body), ", skipping"); skipped {
			items = append(items, report.Infof("%s: not %s corosync-qdevice: %s", r.Node, map[string]string{"enable": "enabling", "start": "starting"}[verb], missing))
			continue
		}
		items = append(items, report.Infof("%s: corosync-qdevice %s", r.Node, done))
	}
	return items
}

// All calls all nodes at once; the answers are in the order of the nodes.
func (s *Session) All(nodes []string, path string, form url.Values) []client.Response {
	s.TellOfHosts()
	return s.Remote().All(s.Ctx, nodes, client.Request{Path: path, Form: form, Timeout: s.RequestTimeout(0)}, nil)
}

// RunningCorosync tells from a node's answer to status whether corosync runs there.
func RunningCorosync(body string) (running, ok bool) {
	var a struct {
		Node *struct {
			Corosync *bool `json:"corosync"`
		} `json:"node"`
	}
	if json.Unmarshal([]byte(body), &a) != nil || a.Node == nil || a.Node.Corosync == nil {
		return false, false
	}
	return *a.Node.Corosync, true
}

// FirstToNameStop is the release from which on the command that stops the cluster is named.
var FirstToNameStop = dialect.Version{0, 11, 7}

// CheckStopped refuses to go on while corosync runs on a node.
func (s *Session) CheckStopped(targets []string) error {
	running := s.CorosyncRuns(targets, s.OrSkip)
	if len(running) > 0 && !s.Legacy() {
		nodes := report.Plural(len(running), "node", "nodes")
		text := fmt.Sprintf("Corosync is running on %s %s. Requested change can only be made if the cluster is stopped. In order to proceed, stop the cluster.", nodes, report.QuoteSorted(running))
		if s.Version.AtLeast(FirstToNameStop) {
			text += fmt.Sprintf(` Run "pcs cluster stop %s" to stop the %s or "pcs cluster stop --all" to stop the whole cluster.`, strings.ReplaceAll(report.QuoteSorted(running), ", ", " "), nodes)
		}
		s.Out.Tell(report.Errorf("%s", text))
	}
	return s.Out.Check()
}

// CorosyncRuns gives the nodes on which corosync runs, and tells of each what it found; offline makes what it wants of
// the items about nodes that do not answer.
func (s *Session) CorosyncRuns(targets []string, offline func(report.Item) report.Item) (running []string) {
	words := struct{ start, stopped, running, unknown string }{
		"Checking that corosync is not running on nodes...", "Corosync is not running on node '%s'",
		"Corosync is running on node '%s'", "Unable to check if corosync is not running on node '%s'",
	}
	if s.Legacy() {
		words.start, words.stopped = "Checking corosync is not running on nodes...", "%s: corosync is not running"
		words.running, words.unknown = "%s: corosync is running", "%s: Unable to check if corosync is not running"
	}
	s.Out.Info(words.start)
	for _, r := range s.All(targets, "remote/status", url.Values{"version": {"2"}}) {
		i, failed := s.ResponseItem(r)
		runs, ok := RunningCorosync(r.Body)
		switch {
		case failed:
			s.Out.Tell(offline(i), offline(report.Errorf(words.unknown, r.Node)))
		case !ok:
			s.Out.Tell(offline(report.Errorf(words.unknown, r.Node)))
		case runs:
			running = append(running, r.Node)
			s.Out.Tell(report.Errorf(words.running, r.Node))
		default:
			s.Out.Info(strings.ReplaceAll(words.stopped, "%s", r.Node))
		}
	}
	return running
}

// DistributeConf sends corosync.conf to nodes, to this host last; offline makes of an error what a node that does not
// take it is worth.
func (s *Session) DistributeConf(targets []string, root *corosyncconf.Section, offline func(report.Item) report.Item) error {
	form := url.Values{"corosync_conf": {root.String()}}
	if d := s.RecordedDialect(); d != "" {
		form.Set("dialect", d)
	}
	s.Out.Info("Sending updated corosync.conf to nodes...")
	for _, r := range s.AllOwnLast(targets, "remote/set_corosync_conf", form) {
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(offline(i), offline(report.Errorf("%s: Unable to set corosync config", r.Node)))
			continue
		}
		s.Out.Info(r.Node + ": Succeeded")
	}
	return s.Out.Check()
}

// reloadHere has this host's corosync read its file, as 0.9 does.
func (s *Session) reloadHere() error {
	if !s.World.Services.IsActive(s.Ctx, "corosync") {
		return nil
	}
	r, err := s.Run("corosync-cfgtool", "-R")
	if err != nil {
		return report.Items{report.Errorf("Unable to reload corosync configuration: %s", err)}
	}
	if out := strings.TrimSpace(r.Output()); r.Code != 0 || strings.Contains(out, "invalid option") {
		return report.Items{report.Errorf("Unable to reload corosync configuration: %s", out)}
	}
	s.Out.Info("Corosync configuration reloaded")
	return nil
}

// ReloadConf has corosync read its file: the first node that can tells the others.
func (s *Session) ReloadConf(targets []string) error {
	failures := false
	for _, t := range targets {
		r := s.Remote().Call(s.Ctx, t, client.Request{Path: "remote/reload_corosync_conf", Form: url.Values{}, Timeout: s.RequestTimeout(0)})
		if i, failed := s.ResponseItem(r); failed {
			i.Severity = report.Warning
			s.Out.Tell(i)
			failures = true
			continue
		}
		var a struct{ Code, Message string }
		switch err := json.Unmarshal([]byte(r.Body), &a); {
		case err != nil || a.Code == "":
			s.Out.Tell(report.Warnf("%s: Invalid format of response", t))
			failures = true
		case a.Code == "reloaded":
			s.Out.Info(t + ": Corosync configuration reloaded")
			return nil
		case a.Code == "not_running":
			s.Out.Tell(report.Warnf("%s: Corosync is not running, therefore reload of the corosync configuration is not possible", t))
		default:
			s.Out.Tell(report.Warnf("%s: Unable to reload corosync configuration: %s", t, a.Message))
			failures = true
		}
	}
	if failures {
		return s.Out.Check(report.Errorf("Unable to perform operation on any available node/host, therefore it is not possible to continue"))
	}
	return nil
}
