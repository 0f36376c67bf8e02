package cluster

import (
	"encoding/json"
	"net/url"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// NodeAddOutside is `cluster node add-outside`: a node of the cluster is asked to add a host.
func NodeAddOutside(s *session.Session, args []string) error {
	if err := s.Opts.Only(nodeAddOptions...); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usagef("Usage: pcs cluster node add-outside <cluster node> <node name> [addr=<node address>]... [watchdog=<watchdog path>] [device=<SBD device path>]... [--start [--wait[=<n>]]] [--enable] [--no-watchdog-validation]")
	}
	n, err := parseNode(args[1], args[2:], "device", "watchdog")
	if err != nil {
		return err
	}
	targets, items := s.Targets(args[:1], false, false)
	if err := s.Check(items...); err != nil {
		return err
	}
	node := map[string]any{"name": n.name}
	if n.addrs != nil {
		node["addrs"] = n.addrs
	}
	if n.devices != nil {
		node["devices"] = n.devices
	}
	if n.watchdog != "" {
		node["watchdog"] = n.watchdog
	}
	force := []string{}
	if s.Opts.Force() {
		force = append(force, "FORCE")
	}
	if s.Opts.Has("--skip-offline") {
		force = append(force, "SKIP_OFFLINE_NODES")
	}
	var wait any = false
	timeout := client.DefaultTimeout
	if value, given := s.Opts.Wait(); given {
		wait, timeout = value, timeout+defaultWait
		if value != nil {
			if n, ok := session.Seconds(*value); ok {
				timeout = client.DefaultTimeout + time.Duration(n)*time.Second
			}
		}
	}
	data, err := json.Marshal(map[string]any{
		"nodes": []any{node}, "wait": wait, "start": s.Opts.Has("--start"), "enable": s.Opts.Has("--enable"),
		"no_watchdog_validation": s.Opts.Has("--no-watchdog-validation"), "force_flags": force,
	})
	if err != nil {
		return err
	}
	r := s.Remote().Call(s.Ctx, targets[0], client.Request{Path: "remote/cluster_add_nodes", Form: url.Values{"data_json": {string(data)}}, Timeout: s.RequestTimeout(timeout)})
	if i, failed := s.ResponseItem(r); failed {
		return s.Check(i)
	}
	return outcome(s, r)
}

// outcome tells what a node reports of a command that it carried out.
func outcome(s *session.Session, r client.Response) error {
	var a struct {
		Status  string `json:"status"`
		Message string `json:"status_msg"`
		Reports []struct {
			Severity string `json:"severity"`
			Text     string `json:"report_text"`
		} `json:"report_list"`
	}
	if json.Unmarshal([]byte(r.Body), &a) != nil || a.Status == "" {
		return s.Check(report.Errorf("%s: Invalid format of response", r.Node))
	}
	for _, x := range a.Reports {
		i := report.Infof("%s", x.Text)
		switch x.Severity {
		case "ERROR":
			i.Severity = report.Error
		case "WARNING":
			i.Severity = report.Warning
		case "DEPRECATION":
			i.Severity = report.Deprecation
		case "DEBUG":
			continue
		}
		s.Out.Tell(i)
	}
	if a.Message != "" {
		s.Out.Tell(report.Errorf("%s: %s", r.Node, a.Message))
	}
	if a.Status != "success" && !s.Out.Failed() {
		s.Out.Tell(report.Errorf("%s: Unknown error", r.Node))
	}
	return s.Out.Check()
}
