package quorumdevice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/corosync/client"
	"hacluster/corosync/qdevice"
	"hacluster/corosync/qnet"
)

// settings are what corosync.conf says of the device, as the daemon's map of keys has it.
type settings struct {
	device qdevice.Config
	// nodes are the configured nodes, in their order.
	nodes      []uint32
	version    uint64
	hasVersion bool

	timeout, syncTimeout, connectTimeout time.Duration

	host    string
	port    int
	network string // tcp, tcp4, tcp6

	mode                        string // of heuristics: off, sync, on
	checks                      []check
	checkTimeout, checkSyncTime time.Duration
	masterWins                  bool
}

// check is one command of the heuristics.
type check struct {
	name string
	argv []string
}

// readSettings reads the map of keys.
func readSettings(ctx context.Context, c *client.Cmap) (*settings, error) {
	keys := map[string]string{}
	for _, prefix := range []string{"quorum.", "totem.cluster_name", "totem.config_version", "nodelist.", "runtime.votequorum.this_node_id"} {
		for e, err := range c.All(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			keys[e.Key] = text(e)
		}
	}
	return settingsOf(keys)
}

// text is a value as a configuration file would have it.
func text(e client.Entry) string {
	if s, ok := e.Value.Text(); ok {
		return s
	}
	if u, ok := e.Value.Uint(); ok {
		return strconv.FormatUint(u, 10)
	}
	return ""
}

// reader reads keys and keeps the first complaint.
type reader struct {
	keys map[string]string
	err  error
}

func (r *reader) bad(key, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %q is not %s", key, r.keys[key], want)
	}
}

func (r *reader) ms(key string, without time.Duration, least, most time.Duration) time.Duration {
	s, ok := r.keys[key]
	if !ok || s == "" {
		return without
	}
	n, err := strconv.ParseUint(s, 10, 32)
	d := time.Duration(n) * time.Millisecond
	if err != nil || d < least || d > most {
		r.bad(key, fmt.Sprintf("a time between %d and %d ms", least.Milliseconds(), most.Milliseconds()))
		return without
	}
	return d
}

func (r *reader) choice(key, without string, list ...string) string {
	s, ok := r.keys[key]
	if !ok || s == "" {
		return without
	}
	if !slices.Contains(list, s) {
		r.bad(key, "one of "+strings.Join(list, ", "))
		return without
	}
	return s
}

// maxChecks is how many commands heuristics may have.
const maxChecks = 32

var errNoDevice = errors.New("quorum.device.model is not set: corosync.conf has no quorum device")

func settingsOf(keys map[string]string) (*settings, error) {
	r := &reader{keys: keys}
	s := &settings{}
	m, there := keys["quorum.device.model"]
	if !there {
		return nil, errNoDevice
	}
	if m != "net" {
		return nil, fmt.Errorf("quorum.device.model: %q is not a model that there is: net", m)
	}
	d := &s.device
	d.Cluster = keys["totem.cluster_name"]
	if d.Cluster == "" {
		return nil, errors.New("totem.cluster_name is not set: the quorum device's server tells clusters apart by it")
	}
	if s.host = keys["quorum.device.net.host"]; s.host == "" {
		return nil, errors.New("quorum.device.net.host is not set")
	}
	const minute = time.Minute
	s.timeout = r.ms("quorum.device.timeout", 10*time.Second, time.Millisecond, 24*time.Hour)
	s.syncTimeout = r.ms("quorum.device.sync_timeout", 30*time.Second, time.Millisecond, 24*time.Hour)
	d.Heartbeat = min(max(s.timeout*8/10, time.Second), 2*minute)
	d.Poll = s.timeout / 2
	s.connectTimeout = r.ms("quorum.device.net.connect_timeout", d.Heartbeat, time.Second, 2*minute)
	s.port = Port
	if p := keys["quorum.device.net.port"]; p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			r.bad("quorum.device.net.port", "a port")
		}
		s.port = int(n)
	}
	s.network = map[string]string{"0": "tcp", "4": "tcp4", "6": "tcp6"}[r.choice("quorum.device.net.force_ip_version", "0", "0", "4", "6")]
	d.TLS = map[string]qdevice.TLS{"on": qdevice.TLSOn, "off": qdevice.TLSOff, "required": qdevice.TLSRequired}[r.choice("quorum.device.net.tls", "on", "on", "off", "required")]
	d.Algorithm = map[string]qnet.Algorithm{"ffsplit": qnet.FFSplit, "lms": qnet.LMS, "2nodelms": qnet.TwoNodeLMS}[r.choice("quorum.device.net.algorithm", "ffsplit", "ffsplit", "lms", "2nodelms")]
	d.KeepActive = r.choice("quorum.device.net.keep_active_partition_tie_breaker", "on", "on", "off") == "on"
	d.WaitForAll = keys["quorum.wait_for_all"] == "1" || keys["quorum.wait_for_all"] == "yes"
	s.masterWins = d.Algorithm == qnet.LMS
	s.fillNodes(r)
	s.fillTie(r)
	s.fillHeuristics(r)
	if d.Algorithm == qnet.FFSplit && keys["quorum.device.votes"] != "1" {
		return nil, errors.New("quorum.device.votes: algorithm ffsplit works only where it is 1")
	}
	return s, r.err
}

func (s *settings) fillNodes(r *reader) {
	positions := map[int]uint32{}
	for key := range r.keys {
		parts := strings.Split(key, ".")
		if len(parts) != 4 || parts[0] != "nodelist" || parts[1] != "node" || parts[3] != "nodeid" {
			continue
		}
		at, err := strconv.Atoi(parts[2])
		id, err2 := strconv.ParseUint(r.keys[key], 10, 32)
		if err != nil || err2 != nil {
			r.bad(key, "a node id")
			continue
		}
		positions[at] = uint32(id)
		votes := r.keys["nodelist.node."+parts[2]+".quorum_votes"]
		if s.device.Algorithm == qnet.FFSplit && votes != "" && votes != "1" {
			r.bad("nodelist.node."+parts[2]+".quorum_votes", "1, without which algorithm ffsplit does not work")
		}
	}
	for _, at := range slices.Sorted(maps.Keys(positions)) {
		s.nodes = append(s.nodes, positions[at])
	}
	if v, err := strconv.ParseUint(r.keys["totem.config_version"], 10, 64); err == nil && v > 0 {
		s.version, s.hasVersion = v, true
	}
	if id, err := strconv.ParseUint(r.keys["runtime.votequorum.this_node_id"], 10, 32); err == nil {
		s.device.Node = uint32(id)
	}
	if len(s.nodes) == 0 && r.err == nil {
		r.err = errors.New("nodelist: there is none, and the quorum device cannot do without")
	}
}

func (s *settings) fillTie(r *reader) {
	const key = "quorum.device.net.tie_breaker"
	switch v := cmp.Or(r.keys[key], "lowest"); v {
	case "lowest":
		s.device.Tie = qnet.TieBreaker{Mode: qnet.Lowest}
	case "highest":
		s.device.Tie = qnet.TieBreaker{Mode: qnet.Highest}
	default:
		id, err := strconv.ParseUint(v, 10, 32)
		if err != nil || !slices.Contains(s.nodes, uint32(id)) {
			r.bad(key, "lowest, highest or the id of a node")
			return
		}
		s.device.Tie = qnet.TieBreaker{Mode: qnet.ByNode, Node: uint32(id)}
	}
}

func (s *settings) fillHeuristics(r *reader) {
	const base = "quorum.device.heuristics."
	s.mode = r.choice(base+"mode", "off", "off", "sync", "on")
	s.checkTimeout = r.ms(base+"timeout", s.timeout/2, time.Second, 2*time.Minute)
	s.checkSyncTime = r.ms(base+"sync_timeout", s.syncTimeout/2, time.Second, 2*time.Minute)
	every := r.ms(base+"interval", 3*s.timeout, time.Second, time.Hour)
	for _, key := range slices.Sorted(maps.Keys(r.keys)) {
		name, ok := strings.CutPrefix(key, base+"exec_")
		if !ok {
			continue
		}
		argv, err := splitWords(r.keys[key])
		if err != nil || len(argv) == 0 {
			r.bad(key, "a command")
			continue
		}
		s.checks = append(s.checks, check{name, argv})
	}
	if len(s.checks) > maxChecks && r.err == nil {
		r.err = fmt.Errorf("%sexec_*: %d commands, where %d may be", base, len(s.checks), maxChecks)
	}
	s.device.Heuristics = s.mode != "off" && len(s.checks) > 0
	if s.mode == "on" {
		s.device.Every = every
	}
}
