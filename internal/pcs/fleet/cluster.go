package fleet

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// Candidates asks hosts whether they can become nodes of a cluster and tells of what speaks against it. Their
// services' versions are compared where sameVersions says so; force takes them though they are in a cluster.
func Candidates(s *session.Session, targets []string, sameVersions, force bool) {
	hosts := Hosts(s, targets)
	taken := false
	for _, h := range hosts {
		items, inCluster := h.Unfit([]string{"pacemaker", "corosync"}, []string{"pacemaker", "corosync", "pacemaker_remote"}, true, force)
		s.Out.Tell(items...)
		taken = taken || inCluster
	}
	if sameVersions {
		s.Out.Tell(Versions(hosts, "pacemaker", "corosync", "pcsd")...)
	}
	if taken && !force {
		s.Out.Tell(report.Errorf("Some nodes are already in a cluster. Enforcing this will destroy existing cluster on those nodes. You should remove the nodes from their clusters instead to keep the clusters working properly").As(false))
	}
}

// Introduce gives hosts what this one knows of others: where they are and its tokens for them.
func Introduce(s *session.Session, targets, names []string) error {
	type dest struct {
		Addr string `json:"addr"`
		Port int    `json:"port"`
	}
	type host struct {
		Dests []dest `json:"dest_list"`
		Token string `json:"token"`
	}
	var message struct {
		Add    map[string]host `json:"known_hosts_add"`
		Remove map[string]host `json:"known_hosts_remove"`
	}
	message.Add, message.Remove = map[string]host{}, map[string]host{}
	known := s.KnownHosts()
	for _, n := range names {
		h, ok := known.ByName[n]
		if !ok {
			continue
		}
		x := host{Dests: []dest{}, Token: h.Token}
		for _, d := range h.Dests {
			x.Dests = append(x.Dests, dest{d.Addr, d.Port})
		}
		message.Add[n] = x
	}
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return Simple(s, targets, "remote/known_hosts_change", url.Values{"data_json": {string(data)}}, "")
}

// Certificate gives hosts a certificate and its key for their pcsd.
func Certificate(s *session.Session, targets []string, cert, key []byte) error {
	s.Out.Info("Synchronizing pcsd SSL certificates on node(s) " + report.QuoteSorted(targets) + "...")
	return Simple(s, targets, "remote/set_certs", url.Values{"ssl_cert": {string(cert)}, "ssl_key": {string(key)}}, "Success")
}

// Enable has the cluster start with hosts.
func Enable(s *session.Session, targets []string) error {
	s.Out.Info("Enabling cluster on hosts: " + report.QuoteSorted(targets) + "...")
	return Simple(s, targets, "remote/cluster_enable", nil, "Cluster enabled")
}

// Start starts the cluster on hosts. Every eight of them may take a minute.
func Start(s *session.Session, targets []string) error {
	s.Out.Info("Starting cluster on hosts: " + report.QuoteSorted(targets) + "...")
	limit := time.Duration((len(targets)+7)/8) * client.DefaultTimeout
	for _, r := range s.Remote().All(s.Ctx, targets, client.Request{Path: "remote/cluster_start", Timeout: s.RequestTimeout(limit)}, nil) {
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(i)
		}
	}
	return s.Out.Check()
}

// pollEvery is how often hosts are asked whether they take part; pcsd has no call that waits for it.
const pollEvery = 2 * time.Second

// WaitStarted waits until Pacemaker on hosts takes part in the cluster.
func WaitStarted(s *session.Session, targets []string, limit time.Duration) error {
	s.Out.Info("Waiting for node(s) to start: " + report.QuoteSorted(targets) + "...")
	end := time.Now().Add(limit)
	failed := false
	for left := targets; len(left) > 0; {
		if time.Now().After(end) {
			s.Out.Tell(report.Errorf("Node(s) startup timed out"))
			failed = true
			break
		}
		if !s.Sleep(pollEvery) {
			return s.Ctx.Err()
		}
		var next []string
		for _, r := range s.All(left, "remote/pacemaker_node_status", nil) {
			i, bad := s.ResponseItem(r)
			var a struct{ Online, Pending *bool }
			switch {
			case bad && (r.Kind == client.NotConnected || r.Kind == client.TimedOut):
				i.Severity = report.Warning
				s.Out.Tell(i)
				next = append(next, r.Node)
			case bad:
				s.Out.Tell(i)
				failed = true
			case json.Unmarshal([]byte(r.Body), &a) != nil:
				s.Out.Tell(garbled(r.Node))
				failed = true
			case a.Pending == nil || *a.Pending || a.Online == nil || !*a.Online:
				next = append(next, r.Node)
			default:
				s.Out.Info(r.Node + ": Cluster started")
			}
		}
		left = next
	}
	if failed {
		return s.Out.Check(report.Errorf("Unable to verify all nodes have started"))
	}
	return s.Out.Check()
}

// Forget has hosts' Pacemaker forget nodes: the first that can tells the others, and those on whose disk alone the
// configuration lies change it there.
func Forget(s *session.Session, targets, nodes []string) error {
	data, err := json.Marshal(map[string][]string{"node_list": nodes})
	if err != nil {
		return err
	}
	each(s, targets, "remote/remove_nodes_from_cib", url.Values{"data_json": {string(data)}}, Way{}, func(node, body string) {
		var a struct{ Code, Message string }
		switch {
		case json.Unmarshal([]byte(body), &a) != nil || a.Code == "":
			s.Out.Tell(garbled(node))
		case a.Code != "success":
			text := node + ": Unable to remove node(s) " + report.QuoteSorted(nodes) + " from pacemaker"
			if a.Message != "" {
				text += ": " + a.Message
			}
			s.Out.Tell(report.Errorf("%s", text))
		}
	})
	return s.Out.Check()
}

// Without are the names of all that are not in some.
func Without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(some, n) })
}
