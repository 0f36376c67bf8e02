package qdevice

import (
	"maps"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/qnet"
)

func TestSettings(t *testing.T) {
	good := map[string]string{
		"quorum.device.model": "net", "quorum.device.votes": "1", "quorum.device.net.host": "q", "totem.cluster_name": "lab",
		"nodelist.node.0.nodeid": "1", "nodelist.node.1.nodeid": "2", "runtime.votequorum.this_node_id": "2",
	}
	s, err := ReadSettings(good)
	if err != nil {
		t.Fatal(err)
	}
	if s.Device.Heartbeat != 8*time.Second || s.Device.Poll != 5*time.Second || s.Port != qnet.Port || s.Device.Node != 2 || len(s.Nodes) != 2 {
		t.Errorf("defaults: %+v", s)
	}
	for _, c := range []struct{ key, value, want string }{
		{"quorum.device.model", "disk", `quorum.device.model: "disk" is not a model`},
		{"quorum.device.net.host", "", "quorum.device.net.host is not set"},
		{"totem.cluster_name", "", "totem.cluster_name is not set"},
		{"quorum.device.net.algorithm", "best", `quorum.device.net.algorithm: "best" is not one of ffsplit, lms, 2nodelms`},
		{"quorum.device.net.tls", "maybe", `quorum.device.net.tls: "maybe" is not one of on, off, required`},
		{"quorum.device.net.tie_breaker", "7", `quorum.device.net.tie_breaker: "7" is not lowest, highest or the id of a node`},
		{"quorum.device.net.port", "0", `quorum.device.net.port: "0" is not a port`},
		{"quorum.device.votes", "2", "quorum.device.votes: algorithm ffsplit works only where it is 1"},
		{"nodelist.node.1.quorum_votes", "3", `nodelist.node.1.quorum_votes: "3" is not 1`},
		{"quorum.device.heuristics.exec_a", `ping "x`, `quorum.device.heuristics.exec_a: "ping \"x" is not a command`},
		{"quorum.device.heuristics.timeout", "5", `quorum.device.heuristics.timeout: "5" is not a time between 1000 and 120000 ms`},
	} {
		keys := maps.Clone(good)
		keys[c.key] = c.value
		if _, err := ReadSettings(keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %s", c.key, c.value, err, c.want)
		}
	}
}

// Of several mistakes the same one is told of, whenever it is asked.
func TestSameComplaint(t *testing.T) {
	keys := map[string]string{"quorum.device.model": "net", "quorum.device.votes": "1", "quorum.device.net.host": "q", "totem.cluster_name": "lab"}
	for _, i := range "01234567" {
		keys["nodelist.node."+string(i)+".nodeid"] = "x" + string(i)
	}
	for range 20 {
		if _, err := ReadSettings(keys); err == nil || !strings.HasPrefix(err.Error(), `nodelist.node.0.nodeid: "x0"`) {
			t.Fatalf("%v", err)
		}
	}
}

// Whatever stands in the map of keys is read, or refused with a word on what is wrong.
func FuzzSettings(f *testing.F) {
	f.Add("quorum.device.heuristics.exec_a", `ping -c 1 "10.0.0.1"`)
	f.Add("quorum.device.net.tie_breaker", "2")
	f.Add("nodelist.node.1.nodeid", "0x2")
	f.Add("quorum.device.timeout", "99999999999")
	f.Fuzz(func(t *testing.T, key, value string) {
		keys := map[string]string{
			"quorum.device.model": "net", "quorum.device.votes": "1", "quorum.device.net.host": "q", "totem.cluster_name": "lab",
			"nodelist.node.0.nodeid": "1", "nodelist.node.1.nodeid": "2", "runtime.votequorum.this_node_id": "2",
			"quorum.device.heuristics.mode": "on", key: value,
		}
		s, err := ReadSettings(keys)
		if err != nil {
			if err.Error() == "" {
				t.Error("it is refused without a word")
			}
			return
		}
		if s.Device.Heartbeat < time.Second || len(s.Nodes) == 0 || s.Port <= 0 || len(s.Checks) > maxChecks {
			t.Errorf("%+v", s)
		}
		for _, c := range s.Checks {
			if len(c.Argv) == 0 {
				t.Errorf("check %q has no command", c.Name)
			}
		}
	})
}
