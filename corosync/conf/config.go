package conf

import (
	"fmt"
	"strconv"
	"time"

	"hacluster/corosync/cmap"
)

// MaxNodes and MaxLinks are what a cluster can have.
const (
	MaxNodes = 384
	MaxLinks = 8
)

// Config is what a file means.
type Config struct {
	// File is the file's name, for errors.
	File string
	// Root is the file as it stands.
	Root    *Section
	Totem   Totem
	Nodes   []Node
	Quorum  Quorum
	Logging Logging
	System  System
	// UIDs and GIDs are who may talk to the daemon beside root: names or numbers.
	UIDs, GIDs []string
	// Keys are the settings as the key map shows them, in the file's order.
	Keys []Key
}

// Key is one setting in the key map.
type Key struct {
	Name  string
	Value cmap.Value
}

// Totem is the section totem, with defaults filled in. Times are in milliseconds in the file.
type Totem struct {
	Version       int
	ClusterName   string
	ClusterUUID   string
	ConfigVersion uint64
	NodeID        uint32 // 0 where the nodelist tells
	Transport     string // udpu, udp, knet
	LinkMode      string // passive, active, rr
	IPVersion     string
	Cipher, Hash  string // "none" where off
	SecAuth       bool
	KeyFile       string
	NetMTU        int
	Links         []Link

	Token                time.Duration // as configured
	TokenCoefficient     time.Duration
	TokenWarning         int // percent
	TokenRetransmit      time.Duration
	Hold                 time.Duration
	Retransmits          int
	Join, SendJoin       time.Duration
	Consensus            time.Duration
	Merge, Downcheck     time.Duration
	FailRecv             int
	SeqnoUnchanged       int
	HeartbeatFailures    int
	MaxNetworkDelay      time.Duration
	WindowSize           int
	MaxMessages          int
	MissCount            int
	KnetPMTUdInterval    time.Duration
	KnetMTU              int
	CompressionModel     string
	CompressionThreshold int
	CompressionLevel     int
	BlockUnlistedIPs     bool
	// FastDetection allows timers of our own where all nodes are ours (fast_detection, not
	// known to the original); TimersSet tells that the file sets some of them itself.
	FastDetection, TimersSet bool
	CancelHoldOnRetrans      bool
}

// Link is one interface section of totem.
type Link struct {
	Number       int
	BindNetAddr  string
	McastAddr    string
	Broadcast    bool
	Port         int
	TTL          int
	Priority     int
	PingInterval time.Duration // 0 where the token decides
	PingTimeout  time.Duration
	Precision    int
	PongCount    int
	Transport    string
}

// Node is one node of the nodelist.
type Node struct {
	ID    uint32
	Name  string           // "" where the file has none
	Addrs [MaxLinks]string // ring0_addr …; "" where there is none
	Votes int
	Line  int
}

// Address is the node's address on the first link that has one.
func (n Node) Address() string {
	for _, a := range n.Addrs {
		if a != "" {
			return a
		}
	}
	return ""
}

// DisplayName is the name, or the first address where there is none.
func (n Node) DisplayName() string {
	if n.Name != "" {
		return n.Name
	}
	return n.Address()
}

// Quorum is the section quorum.
type Quorum struct {
	Provider              string
	ExpectedVotes         int // 0 where the nodelist decides
	Votes                 int // of this node, where there is no nodelist
	TwoNode               bool
	WaitForAll            bool
	WaitForAllSet         bool // the file says so itself
	LastManStanding       bool
	LastManStandingWindow time.Duration
	AutoTieBreaker        bool
	AutoTieBreakerNode    string // lowest, highest, or a list of node ids
	AllowDownscale        bool
	ExpectedVotesTracking bool
	Device                *Device
}

// Device is the section quorum.device.
type Device struct {
	Model       string
	Votes       int // -1 where the file has none
	Timeout     time.Duration
	SyncTimeout time.Duration
	MasterWins  bool
}

// Logging is the section logging, without its subsections.
type Logging struct {
	ToStderr, ToLogfile, ToSyslog, Debug bool

	Logfile, Facility, Priority, Timestamp string // Priority is of the file
	SyslogPriority                         string
}

// System is the section system.
type System struct {
	IPCType          string // native, shm, socket
	StateDir         string
	RealTime         bool   // scheduled before all other programs: sched_rr
	Priority         int    // a nice value where RealTime is false; may lie beyond what there is
	MoveToRootCgroup string // yes, no, auto: where RealTime is not allowed otherwise
}

// TokenEffective is the token timeout that the nodes use: the one configured,
// and the coefficient for each node more than two.
func (c *Config) TokenEffective() time.Duration {
	t := c.Totem.Token
	if n := len(c.Nodes); n > 2 {
		t += time.Duration(n-2) * c.Totem.TokenCoefficient
	}
	return t
}

// NodeByID finds a node; nil where there is none.
func (c *Config) NodeByID(id uint32) *Node {
	for i := range c.Nodes {
		if c.Nodes[i].ID == id {
			return &c.Nodes[i]
		}
	}
	return nil
}

// types lists the keys that are not strings, by their path in the file.
var types = map[string]cmap.Type{
	"pload.count": cmap.Uint32, "pload.size": cmap.Uint32,
	"quorum.expected_votes": cmap.Uint32, "quorum.votes": cmap.Uint32, "quorum.last_man_standing_window": cmap.Uint32,
	"quorum.leaving_timeout": cmap.Uint32, "quorum.two_node": cmap.Uint8, "quorum.expected_votes_tracking": cmap.Uint8,
	"quorum.allow_downscale": cmap.Uint8, "quorum.wait_for_all": cmap.Uint8, "quorum.auto_tie_breaker": cmap.Uint8,
	"quorum.last_man_standing": cmap.Uint8,
	"quorum.device.timeout":    cmap.Uint32, "quorum.device.sync_timeout": cmap.Uint32, "quorum.device.votes": cmap.Uint32,
	"quorum.device.master_wins": cmap.Uint8,
	"totem.version":             cmap.Uint32, "totem.nodeid": cmap.Uint32, "totem.threads": cmap.Uint32, "totem.token": cmap.Uint32,
	"totem.token_coefficient": cmap.Uint32, "totem.token_retransmit": cmap.Uint32, "totem.token_warning": cmap.Uint32,
	"totem.hold": cmap.Uint32, "totem.token_retransmits_before_loss_const": cmap.Uint32, "totem.join": cmap.Uint32,
	"totem.send_join": cmap.Uint32, "totem.consensus": cmap.Uint32, "totem.merge": cmap.Uint32, "totem.downcheck": cmap.Uint32,
	"totem.fail_recv_const": cmap.Uint32, "totem.seqno_unchanged_const": cmap.Uint32,
	"totem.heartbeat_failures_allowed": cmap.Uint32, "totem.max_network_delay": cmap.Uint32, "totem.window_size": cmap.Uint32,
	"totem.max_messages": cmap.Uint32, "totem.miss_count_const": cmap.Uint32, "totem.knet_pmtud_interval": cmap.Uint32,
	"totem.knet_mtu": cmap.Uint32, "totem.knet_compression_threshold": cmap.Uint32, "totem.netmtu": cmap.Uint32,
	"totem.knet_compression_level": cmap.Int32, "totem.config_version": cmap.Uint64,
	"totem.interface.linknumber": cmap.Uint8, "totem.interface.ringnumber": cmap.Uint8, "totem.interface.mcastport": cmap.Uint16,
	"totem.interface.ttl": cmap.Uint8, "totem.interface.knet_link_priority": cmap.Uint8,
	"totem.interface.knet_ping_interval": cmap.Uint32, "totem.interface.knet_ping_timeout": cmap.Uint32,
	"totem.interface.knet_ping_precision": cmap.Uint32, "totem.interface.knet_pong_count": cmap.Uint32,
	"nodelist.node.nodeid": cmap.Uint32, "nodelist.node.quorum_votes": cmap.Uint32,
	"resources.watchdog_timeout": cmap.Uint32,
}

// Read makes a Config of a file's text, with defaults for what it does not say.
// Errors are of type *Error. It does not judge whether the settings go together: Validate does.
func Read(name string, text []byte) (*Config, error) {
	root, err := Parse(name, text)
	if err != nil {
		return nil, err
	}
	return FromSection(name, root)
}

// FromSection is Read for a file that has been parsed.
func FromSection(name string, root *Section) (*Config, error) {
	c := &Config{File: name, Root: root}
	r := &reader{c: c, last: map[string]int{}}
	r.section(root, "", "")
	if r.err != nil {
		return nil, r.err
	}
	if err := c.fill(); err != nil {
		return nil, err
	}
	return c, nil
}

// reader walks the file and notes its settings as keys.
type reader struct {
	c     *Config
	err   error
	nodes int
	last  map[string]int // where in Keys a name is: the last setting of a name counts
}

func (r *reader) fail(line int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{File: r.c.File, Line: line, Text: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) put(line int, name string, v cmap.Value) {
	if !cmap.ValidName(name) {
		r.fail(line, "%q cannot be a key: 3 to 255 of letters, digits and . _ - / :", name)
		return
	}
	if i, ok := r.last[name]; ok {
		r.c.Keys[i].Value = v
		return
	}
	r.last[name] = len(r.c.Keys)
	r.c.Keys = append(r.c.Keys, Key{name, v})
}

// section reads s. path is its place in the file, key its place in the key map.
func (r *reader) section(s *Section, path, key string) {
	for _, a := range s.Attrs {
		p, k := join(path, a.Name), join(key, a.Name)
		v := cmap.Text(a.Value)
		if t, ok := types[p]; ok {
			var err error
			if v, err = cmap.Parse(t, a.Value); err != nil {
				r.fail(a.Line, "%s: %q is not a number of type %v", p, a.Value, t)
				continue
			}
		}
		switch p {
		case "uidgid.uid":
			r.c.UIDs = append(r.c.UIDs, a.Value)
			continue
		case "uidgid.gid":
			r.c.GIDs = append(r.c.GIDs, a.Value)
			continue
		case "totem.interface.linknumber", "totem.interface.ringnumber":
			continue // it is in the name of the keys
		}
		if path == "uidgid" {
			r.fail(a.Line, "%s: only uid and gid can stand here", p)
			continue
		}
		r.put(a.Line, k, v)
	}
	for _, sub := range s.Sections {
		p, k := join(path, sub.Name), join(key, sub.Name)
		switch p {
		case "nodelist.node":
			k += "." + strconv.Itoa(r.nodes)
			r.nodes++
		case "totem.interface":
			n := 0
			for _, name := range []string{"ringnumber", "linknumber"} {
				if a, ok := sub.Get(name); ok {
					var err error
					if n, err = strconv.Atoi(a.Value); err != nil || n < 0 || n >= MaxLinks {
						r.fail(a.Line, "%s.%s: %q is not a number from 0 to %d", p, name, a.Value, MaxLinks-1)
					}
				}
			}
			k += "." + strconv.Itoa(n)
		case "logging.logger_subsys", "logging.logging_daemon":
			if a, ok := sub.Get("subsys"); ok {
				k += "." + a.Value
			}
		}
		r.section(sub, p, k)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
