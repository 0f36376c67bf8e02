package conf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// settings reads typed values of one section; the first error stays.
type settings struct {
	file string
	path string
	s    *Section
	err  *error
}

func (c settings) fail(a Attr, what string) {
	if *c.err == nil {
		*c.err = &Error{File: c.file, Line: a.Line, Text: fmt.Sprintf("%s.%s: %q is not %s", c.path, a.Name, a.Value, what)}
	}
}

func (c settings) text(name, otherwise string) string {
	if a, ok := c.s.Get(name); ok {
		return a.Value
	}
	return otherwise
}

func (c settings) number(name string, otherwise int) int {
	a, ok := c.s.Get(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(a.Value, 10, 64)
	if err != nil || n < 0 || n > 1<<32-1 {
		c.fail(a, "a number")
		return otherwise
	}
	return int(n)
}

func (c settings) ms(name string, otherwise time.Duration) time.Duration {
	return time.Duration(c.number(name, int(otherwise/time.Millisecond))) * time.Millisecond
}

func (c settings) flag(name string, otherwise bool) bool {
	a, ok := c.s.Get(name)
	if !ok {
		return otherwise
	}
	switch a.Value {
	case "yes", "on", "1":
		return true
	case "no", "off", "0":
		return false
	}
	c.fail(a, "yes or no")
	return otherwise
}

// nice reads a priority as setpriority(2) takes it.
func (c settings) nice(name string) int {
	a, ok := c.s.Get(name)
	switch {
	case !ok:
		return 0
	case a.Value == "max":
		return math.MinInt32
	case a.Value == "min":
		return math.MaxInt32
	}
	n, err := strconv.ParseInt(a.Value, 10, 32)
	if err != nil {
		c.fail(a, "max, min or a number")
	}
	return int(n)
}

func (c settings) oneOf(name, otherwise string, words ...string) string {
	a, ok := c.s.Get(name)
	if !ok {
		return otherwise
	}
	for _, w := range words {
		if a.Value == w {
			return w
		}
	}
	c.fail(a, "one of "+strings.Join(words, ", "))
	return otherwise
}

// merged is all sections called name as one, as the original takes them.
func merged(root *Section, name string) *Section {
	all := root.All(name)
	m := &Section{Name: name}
	for _, s := range all {
		if m.Line == 0 {
			m.Line = s.Line
		}
		m.Attrs = append(m.Attrs, s.Attrs...)
		m.Sections = append(m.Sections, s.Sections...)
	}
	return m
}

// fill sets the typed fields from Root.
func (c *Config) fill() error {
	var err error
	in := func(path string, s *Section) settings { return settings{c.File, path, s, &err} }
	c.fillTotem(in)
	c.fillNodes(in)
	c.fillQuorum(in)
	l := in("logging", merged(c.Root, "logging"))
	c.Logging = Logging{
		ToStderr: l.flag("to_stderr", true), ToLogfile: l.flag("to_logfile", false), ToSyslog: l.flag("to_syslog", true),
		Debug:   l.text("debug", "off") == "on" || l.text("debug", "off") == "trace",
		Logfile: l.text("logfile", ""), Facility: l.text("syslog_facility", "daemon"), Priority: l.text("logfile_priority", "info"),
		Timestamp: l.text("timestamp", "on"), SyslogPriority: l.text("syslog_priority", "info"),
	}
	y := in("system", merged(c.Root, "system"))
	c.System = System{
		IPCType: y.oneOf("qb_ipc_type", "native", "native", "shm", "socket"), StateDir: y.text("state_dir", ""),
		RealTime: y.oneOf("sched_rr", "yes", "yes", "no") == "yes", Priority: y.nice("priority"),
		MoveToRootCgroup: y.oneOf("move_to_root_cgroup", "auto", "yes", "no", "auto"),
	}
	return err
}

func (c *Config) fillTotem(in func(string, *Section) settings) {
	s := merged(c.Root, "totem")
	v := in("totem", s)
	t := Totem{
		Version: v.number("version", 0), ClusterName: v.text("cluster_name", ""), ClusterUUID: v.text("cluster_uuid", ""),
		ConfigVersion: uint64(v.number("config_version", 0)), NodeID: uint32(v.number("nodeid", 0)),
		Transport: v.oneOf("transport", "knet", "knet", "udpu", "udp"),
		LinkMode:  v.oneOf("link_mode", "passive", "passive", "active", "rr"),
		IPVersion: v.oneOf("ip_version", "ipv6-4", "ipv4", "ipv6", "ipv6-4", "ipv4-6"),
		SecAuth:   v.flag("secauth", false), KeyFile: v.text("keyfile", ""), NetMTU: v.number("netmtu", 0),
		Token: v.ms("token", 3*time.Second), TokenCoefficient: v.ms("token_coefficient", 650*time.Millisecond),
		TokenWarning: v.number("token_warning", 75), Retransmits: v.number("token_retransmits_before_loss_const", 4),
		Join: v.ms("join", 50*time.Millisecond), SendJoin: v.ms("send_join", 0),
		Merge: v.ms("merge", 200*time.Millisecond), Downcheck: v.ms("downcheck", time.Second),
		FailRecv: v.number("fail_recv_const", 2500), SeqnoUnchanged: v.number("seqno_unchanged_const", 30),
		HeartbeatFailures: v.number("heartbeat_failures_allowed", 0), MaxNetworkDelay: v.ms("max_network_delay", 50*time.Millisecond),
		WindowSize: v.number("window_size", 50), MaxMessages: v.number("max_messages", 17), MissCount: v.number("miss_count_const", 5),
		KnetPMTUdInterval: time.Duration(v.number("knet_pmtud_interval", 30)) * time.Second, KnetMTU: v.number("knet_mtu", 0),
		CompressionModel: v.text("knet_compression_model", "none"), CompressionThreshold: v.number("knet_compression_threshold", 0),
		BlockUnlistedIPs: v.flag("block_unlisted_ips", true), CancelHoldOnRetrans: v.flag("cancel_token_hold_on_retransmit", false),
	}
	t.FastDetection = v.flag("fast_detection", true)
	for _, timer := range []string{"token", "token_coefficient", "token_retransmit", "token_retransmits_before_loss_const", "hold", "consensus"} {
		if _, set := s.Get(timer); set {
			t.TimersSet = true
		}
	}
	if a, ok := s.Get("knet_compression_level"); ok {
		n, err := strconv.Atoi(a.Value)
		if err != nil {
			v.fail(a, "a number")
		}
		t.CompressionLevel = n
	}
	none := "none"
	secure := [2]string{none, none}
	if t.SecAuth {
		secure = [2]string{"aes256", "sha256"}
	}
	t.Cipher = v.oneOf("crypto_cipher", secure[0], "none", "aes256", "aes192", "aes128", "3des")
	t.Hash = v.oneOf("crypto_hash", secure[1], "none", "md5", "sha1", "sha256", "sha384", "sha512")
	for _, sub := range s.All("interface") {
		i := in("totem.interface", sub)
		t.Links = append(t.Links, Link{
			Number: i.number("linknumber", i.number("ringnumber", 0)), BindNetAddr: i.text("bindnetaddr", ""),
			McastAddr: i.text("mcastaddr", ""), Broadcast: i.flag("broadcast", false), Port: i.number("mcastport", 0),
			TTL: i.number("ttl", 1), Priority: i.number("knet_link_priority", 1), PingInterval: i.ms("knet_ping_interval", 0),
			PingTimeout: i.ms("knet_ping_timeout", 0), Precision: i.number("knet_ping_precision", 2048),
			PongCount: i.number("knet_pong_count", 2), Transport: i.text("knet_transport", "udp"),
		})
	}
	c.Totem = t
	// The rest depends on the number of nodes: fillNodes is next, timers after it.
	count := 0
	for _, l := range c.Root.All("nodelist") {
		count += len(l.All("node"))
	}
	token := t.Token
	if count > 2 {
		token += time.Duration(count-2) * t.TokenCoefficient
	}
	ms := time.Millisecond
	defRetransmit := time.Duration(float64(token/ms)/(float64(t.Retransmits)+0.2)) * ms
	c.Totem.TokenRetransmit = v.ms("token_retransmit", defRetransmit)
	defHold := time.Duration(float64(c.Totem.TokenRetransmit/ms)*0.8-10) * ms
	c.Totem.Hold = v.ms("hold", max(defHold, 0))
	c.Totem.Consensus = v.ms("consensus", time.Duration(float64(token/ms)*1.2)*ms)
}

func (c *Config) fillNodes(in func(string, *Section) settings) {
	for _, l := range c.Root.All("nodelist") {
		for _, s := range l.All("node") {
			v := in("nodelist.node", s)
			n := Node{ID: uint32(v.number("nodeid", 0)), Name: v.text("name", ""), Votes: v.number("quorum_votes", 1), Line: s.Line}
			for i := range n.Addrs {
				n.Addrs[i] = v.text(fmt.Sprintf("ring%d_addr", i), "")
			}
			c.Nodes = append(c.Nodes, n)
		}
	}
}

func (c *Config) fillQuorum(in func(string, *Section) settings) {
	s := merged(c.Root, "quorum")
	v := in("quorum", s)
	q := Quorum{
		Provider: v.text("provider", ""), ExpectedVotes: v.number("expected_votes", 0), Votes: v.number("votes", 1),
		TwoNode: v.flag("two_node", false), LastManStanding: v.flag("last_man_standing", false),
		LastManStandingWindow: v.ms("last_man_standing_window", 10*time.Second), AutoTieBreaker: v.flag("auto_tie_breaker", false),
		AutoTieBreakerNode: v.text("auto_tie_breaker_node", "lowest"), AllowDownscale: v.flag("allow_downscale", false),
	}
	_, q.WaitForAllSet = s.Get("wait_for_all")
	// Two nodes alone cannot tell who is gone: both wait for each other at the start.
	q.WaitForAll = v.flag("wait_for_all", q.TwoNode)
	q.ExpectedVotesTracking = v.flag("expected_votes_tracking", q.AllowDownscale)
	for _, d := range s.All("device") {
		w := in("quorum.device", d)
		q.Device = &Device{
			Model: w.text("model", ""), Votes: w.number("votes", -1), Timeout: w.ms("timeout", 10*time.Second),
			SyncTimeout: w.ms("sync_timeout", 30*time.Second), MasterWins: w.flag("master_wins", false),
		}
	}
	c.Quorum = q
}
