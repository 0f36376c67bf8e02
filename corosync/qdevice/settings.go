package qdevice

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/corosync/qnet"
)

// Settings are what corosync.conf says of the device.
type Settings struct {
	Device Config
	// Nodes are the configured nodes, in their order; Version is totem.config_version, where there is one.
	Nodes      []uint32
	Version    uint64
	HasVersion bool

	Timeout, SyncTimeout, ConnectTimeout time.Duration

	Host    string
	Port    int
	Network string // tcp, tcp4, tcp6

	Mode                        string // of heuristics: off, sync, on
	Checks                      []Check
	CheckTimeout, CheckSyncTime time.Duration
	MasterWins                  bool
}

// Check is one command of the heuristics.
type Check struct {
	Name string
	Argv []string
}

// Fixed tells whether a device that was made with these settings works as others have it: what decides how it works is fixed for its life, while
// nodes are added and removed.
func (s *Settings) Fixed(o *Settings) bool {
	was := *s
	was.Nodes, was.Version, was.HasVersion = o.Nodes, o.Version, o.HasVersion
	return reflect.DeepEqual(was, *o)
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

// ErrNoDevice: there is no quorum device in corosync.conf.
var ErrNoDevice = errors.New("quorum.device.model is not set: corosync.conf has no quorum device")

// ReadSettings reads the settings out of the keys of Corosync's map, with their values as corosync.conf would have them: those under quorum, totem and nodelist, and
// runtime.votequorum.this_node_id. An error names the key; ErrNoDevice where none is configured.
func ReadSettings(keys map[string]string) (*Settings, error) {
	r := &reader{keys: keys}
	s := &Settings{}
	m, there := keys["quorum.device.model"]
	if !there {
		return nil, ErrNoDevice
	}
	if m != "net" {
		return nil, fmt.Errorf("quorum.device.model: %q is not a model that there is: net", m)
	}
	d := &s.Device
	d.Cluster = keys["totem.cluster_name"]
	if d.Cluster == "" {
		return nil, errors.New("totem.cluster_name is not set: the quorum device's server tells clusters apart by it")
	}
	if s.Host = keys["quorum.device.net.host"]; s.Host == "" {
		return nil, errors.New("quorum.device.net.host is not set")
	}
	const minute = time.Minute
	s.Timeout = r.ms("quorum.device.timeout", 10*time.Second, time.Millisecond, 24*time.Hour)
	s.SyncTimeout = r.ms("quorum.device.sync_timeout", 30*time.Second, time.Millisecond, 24*time.Hour)
	d.Heartbeat = min(max(s.Timeout*8/10, time.Second), 2*minute)
	d.Poll = s.Timeout / 2
	s.ConnectTimeout = r.ms("quorum.device.net.connect_timeout", d.Heartbeat, time.Second, 2*minute)
	s.Port = qnet.Port
	if p := keys["quorum.device.net.port"]; p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			r.bad("quorum.device.net.port", "a port")
		}
		s.Port = int(n)
	}
	s.Network = map[string]string{"0": "tcp", "4": "tcp4", "6": "tcp6"}[r.choice("quorum.device.net.force_ip_version", "0", "0", "4", "6")]
	d.TLS = map[string]TLS{"on": TLSOn, "off": TLSOff, "required": TLSRequired}[r.choice("quorum.device.net.tls", "on", "on", "off", "required")]
	d.Algorithm = map[string]qnet.Algorithm{"ffsplit": qnet.FFSplit, "lms": qnet.LMS, "2nodelms": qnet.TwoNodeLMS}[r.choice("quorum.device.net.algorithm", "ffsplit", "ffsplit", "lms", "2nodelms")]
	d.KeepActive = r.choice("quorum.device.net.keep_active_partition_tie_breaker", "on", "on", "off") == "on"
	d.WaitForAll = keys["quorum.wait_for_all"] == "1" || keys["quorum.wait_for_all"] == "yes"
	s.MasterWins = d.Algorithm == qnet.LMS
	s.fillNodes(r)
	s.fillTie(r)
	s.fillHeuristics(r)
	if d.Algorithm == qnet.FFSplit && keys["quorum.device.votes"] != "1" {
		return nil, errors.New("quorum.device.votes: algorithm ffsplit works only where it is 1")
	}
	return s, r.err
}

func (s *Settings) fillNodes(r *reader) {
	positions := map[int]uint32{}
	for _, key := range slices.Sorted(maps.Keys(r.keys)) { // so that of several mistakes the same is told of
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
		if s.Device.Algorithm == qnet.FFSplit && votes != "" && votes != "1" {
			r.bad("nodelist.node."+parts[2]+".quorum_votes", "1, without which algorithm ffsplit does not work")
		}
	}
	for _, at := range slices.Sorted(maps.Keys(positions)) {
		s.Nodes = append(s.Nodes, positions[at])
	}
	if v, err := strconv.ParseUint(r.keys["totem.config_version"], 10, 64); err == nil && v > 0 {
		s.Version, s.HasVersion = v, true
	}
	if id, err := strconv.ParseUint(r.keys["runtime.votequorum.this_node_id"], 10, 32); err == nil {
		s.Device.Node = uint32(id)
	}
	if len(s.Nodes) == 0 && r.err == nil {
		r.err = errors.New("nodelist: there is none, and the quorum device cannot do without")
	}
}

func (s *Settings) fillTie(r *reader) {
	const key = "quorum.device.net.tie_breaker"
	switch v := cmp.Or(r.keys[key], "lowest"); v {
	case "lowest":
		s.Device.Tie = qnet.TieBreaker{Mode: qnet.Lowest}
	case "highest":
		s.Device.Tie = qnet.TieBreaker{Mode: qnet.Highest}
	default:
		id, err := strconv.ParseUint(v, 10, 32)
		if err != nil || !slices.Contains(s.Nodes, uint32(id)) {
			r.bad(key, "lowest, highest or the id of a node")
			return
		}
		s.Device.Tie = qnet.TieBreaker{Mode: qnet.ByNode, Node: uint32(id)}
	}
}

func (s *Settings) fillHeuristics(r *reader) {
	const base = "quorum.device.heuristics."
	s.Mode = r.choice(base+"mode", "off", "off", "sync", "on")
	s.CheckTimeout = r.ms(base+"timeout", s.Timeout/2, time.Second, 2*time.Minute)
	s.CheckSyncTime = r.ms(base+"sync_timeout", s.SyncTimeout/2, time.Second, 2*time.Minute)
	every := r.ms(base+"interval", 3*s.Timeout, time.Second, time.Hour)
	for _, key := range slices.Sorted(maps.Keys(r.keys)) {
		name, ok := strings.CutPrefix(key, base+"exec_")
		if !ok {
			continue
		}
		argv, err := Words(r.keys[key])
		if err != nil || len(argv) == 0 {
			r.bad(key, "a command")
			continue
		}
		s.Checks = append(s.Checks, Check{name, argv})
	}
	if len(s.Checks) > maxChecks && r.err == nil {
		r.err = fmt.Errorf("%sexec_*: %d commands, where %d may be", base, len(s.Checks), maxChecks)
	}
	s.Device.Heuristics = s.Mode != "off" && len(s.Checks) > 0
	if s.Mode == "on" {
		s.Device.Every = every
	}
}

// Words splits a line into words as a shell would: blanks part them, double
// quotes and backslashes keep what stands in them together.
func Words(s string) (words []string, err error) {
	var b strings.Builder
	in, quoted := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			if i++; i == len(s) {
				return nil, errors.New("a backslash at the end")
			}
			b.WriteByte(s[i])
			in = true
		case c == '"':
			quoted, in = !quoted, true
		case (c == ' ' || c == '\t') && !quoted:
			if in {
				words = append(words, b.String())
				b.Reset()
			}
			in = false
		default:
			b.WriteByte(c)
			in = true
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}
