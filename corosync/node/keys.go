package node

import (
	"fmt"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/wire"
)

// set sets a key of the daemon's own; the names are known to be good.
func (n *Node) set(key string, v cmap.Value) {
	if err := n.cmap.Set(key, v); err != nil {
		n.log.Error("a key cannot be set", "key", key, "error", err)
	}
}

func ms(d time.Duration) cmap.Value { return cmap.U32(uint32(d.Milliseconds())) }

func number(v int) cmap.Value { return cmap.U32(uint32(v)) }

func asNumber(on bool) uint32 {
	if on {
		return 1
	}
	return 0
}

// Keys whose change, by whoever, has something written: the flight data, and into the log what the node knows.
const (
	keyFlight = "runtime.blackbox.dump_flight_data"
	keyState  = "runtime.blackbox.dump_state"
)

// logState tells what the node knows.
func (n *Node) logState() {
	n.log.Info("state asked for", "ring", n.ringID, "members", n.members, "ready", n.Ready(), "clients", len(n.clients))
}

// fillMap sets the keys that do not change, or not often.
func (n *Node) fillMap() {
	m := &n.cmap
	for i, name := range []string{"cmap", "cfg", "cpg", "quorum", "pload", "votequorum", "mon", "wd"} {
		if name == "votequorum" && n.votes == nil {
			continue
		}
		n.set(fmt.Sprintf("internal_configuration.service.%d.name", i), cmap.Text("corosync_"+name))
		n.set(fmt.Sprintf("internal_configuration.service.%d.ver", i), cmap.U32(0))
		n.set("runtime.services."+name+".service_id", cmap.U16(uint16(i)))
	}
	for _, r := range []string{"resources.system.load_15min.", "resources.system.memory_used."} {
		n.set(r+"last_updated", cmap.U64(0))
		n.set(r+"poll_period", cmap.U64(3000))
		n.set(r+"state", cmap.Text("stopped"))
	}
	n.set("resources.system.load_15min.current", cmap.F64(0))
	n.set("resources.system.memory_used.current", cmap.I32(0))
	n.set("resources.watchdog_timeout", cmap.U32(6))
	n.set(keyFlight, cmap.Text("no"))
	n.set(keyState, cmap.Text("no"))
	n.set("runtime.force_gather", cmap.Text("no"))
	for _, id := range n.cfg.UIDs {
		n.set(fmt.Sprintf("uidgid.config.uid.%d", id), cmap.U8(1))
	}
	for _, id := range n.cfg.GIDs {
		n.set(fmt.Sprintf("uidgid.config.gid.%d", id), cmap.U8(1))
	}
	n.configKeys()
	n.refresh()
	m.Protect("internal_configuration.", "runtime.services.", "runtime.config.", "runtime.totem.", "uidgid.config.", "system.",
		"nodelist.", "totem.crypto_cipher", "totem.crypto_hash", "totem.crypto_model", "totem.keyfile", "totem.key", "totem.secauth",
		"totem.ip_version", "totem.ip_dscp", "totem.transport", "totem.cluster_name", "totem.netmtu", "totem.threads", "totem.version",
		"totem.nodeid", "totem.clear_node_high_bit", "config.reload_in_progress", "config.totemconfig_reload_in_progress",
		"quorum.allow_downscale", "quorum.wait_for_all", "quorum.last_man_standing", "quorum.last_man_standing_window",
		"quorum.expected_votes_tracking", "quorum.auto_tie_breaker", "quorum.auto_tie_breaker_node")
	if n.votes != nil {
		if _, err := m.Track("quorum.cancel_wait_for_all", cmap.Added|cmap.Modified, func(e cmap.Event) {
			if u, ok := e.New.Uint(); ok && u >= 1 {
				n.votes.CancelWait()
			}
		}); err != nil {
			n.log.Error("a key cannot be tracked", "error", err)
		}
	}
}

// configKeys sets the keys that come from the configuration file.
func (n *Node) configKeys() {
	c := n.conf
	for _, k := range c.Keys {
		n.set(k.Name, k.Value)
	}
	for i, o := range c.Nodes {
		if o.ID == n.me {
			n.set("nodelist.local_node_pos", number(i))
			for l, a := range o.Addrs {
				if a != "" && !n.reloaded { // the original has forgotten it then
					n.set(fmt.Sprintf("totem.interface.%d.bindnetaddr", l), cmap.Text(a))
				}
			}
		}
	}
	t := c.Totem
	r := "runtime.config.totem."
	n.set(r+"block_unlisted_ips", cmap.U32(asNumber(t.BlockUnlistedIPs)))
	n.set(r+"cancel_token_hold_on_retransmit", cmap.U32(asNumber(t.CancelHoldOnRetrans)))
	n.set(r+"downcheck", ms(t.Downcheck))
	n.set(r+"fail_recv_const", number(t.FailRecv))
	n.set(r+"heartbeat_failures_allowed", number(t.HeartbeatFailures))
	n.set(r+"interface.0.knet_ping_interval", ms(c.TokenEffective()/4))
	n.set(r+"interface.0.knet_ping_timeout", ms(c.TokenEffective()/2))
	n.set(r+"join", ms(t.Join))
	n.set(r+"knet_compression_level", cmap.I32(int32(t.CompressionLevel)))
	n.set(r+"knet_compression_model", cmap.Text(t.CompressionModel))
	n.set(r+"knet_compression_threshold", number(t.CompressionThreshold))
	n.set(r+"knet_mtu", number(t.KnetMTU))
	n.set(r+"knet_pmtud_interval", cmap.U32(uint32(t.KnetPMTUdInterval/time.Second)))
	n.set(r+"max_messages", number(t.MaxMessages))
	n.set(r+"max_network_delay", ms(t.MaxNetworkDelay))
	n.set(r+"merge", ms(t.Merge))
	n.set(r+"miss_count_const", number(t.MissCount))
	n.set(r+"send_join", ms(t.SendJoin))
	n.set(r+"seqno_unchanged_const", number(t.SeqnoUnchanged))
	n.set(r+"token_retransmits_before_loss_const", number(t.Retransmits))
	n.set(r+"token_warning", number(t.TokenWarning))
	n.timerKeys()
	n.set(r+"window_size", number(t.WindowSize))
}

// functions is how many functions each service shows counters of.
var functions = []struct {
	name    string
	service int
	count   int
}{
	{"cfg", wire.ServiceCfg, 5},
	{"cmap", wire.ServiceCmap, 1},
	{"cpg", wire.ServiceCPG, 7},
	{"pload", wire.ServicePload, 2},
	{"votequorum", wire.ServiceVotequorum, 4},
}

// refresh sets the keys that change on their own, before somebody looks.
func (n *Node) refresh() {
	for _, f := range functions {
		if f.service == wire.ServiceVotequorum && n.votes == nil {
			continue
		}
		for i := range f.count {
			c := counts{}
			if t := n.traffic[f.service<<16|i]; t != nil {
				c = *t
			}
			n.set(fmt.Sprintf("runtime.services.%s.%d.rx", f.name, i), cmap.U64(c.rx))
			n.set(fmt.Sprintf("runtime.services.%s.%d.tx", f.name, i), cmap.U64(c.tx))
		}
	}
	if n.votes != nil {
		s := n.votes.Status()
		r := "runtime.votequorum."
		n.set(r+"this_node_id", cmap.U32(n.me))
		n.set(r+"ev_barrier", cmap.U32(s.Barrier))
		if s.Lowest != 0 {
			n.set(r+"lowest_node_id", cmap.U32(s.Lowest))
			n.set(r+"highest_node_id", cmap.U32(s.Highest))
		}
		n.set(r+"two_node", cmap.U8(uint8(asNumber(s.TwoNode))))
		if s.WaitKnown {
			n.set(r+"wait_for_all_status", cmap.U8(uint8(asNumber(s.WaitForAll))))
		}
		if s.TieBreaker != 0 || n.conf.Quorum.AutoTieBreaker || n.reloaded {
			n.set(r+"atb_type", number(s.TieBreaker))
		}
		if s.Tracking {
			n.set(r+"ev_tracking_barrier", cmap.U32(s.TrackBarrier))
		}
	}
}

// Allowed tells whether a user or group may connect.
func (n *Node) Allowed(uid, gid uint32) bool {
	if uid == 0 || gid == 0 {
		return true
	}
	for _, place := range []string{"uidgid.", "uidgid.config."} {
		if n.cmap.Uint(fmt.Sprintf("%suid.%d", place, uid)) == 1 || n.cmap.Uint(fmt.Sprintf("%sgid.%d", place, gid)) == 1 {
			return true
		}
	}
	return false
}

func memberKey(id uint32, name string) string { return fmt.Sprintf("runtime.members.%d.%s", id, name) }

func (n *Node) memberJoined(id uint32) {
	if _, err := n.cmap.Get(memberKey(id, "ip")); err == nil {
		_ = n.cmap.Adjust(memberKey(id, "join_count"), 1)
	} else {
		ip := ""
		for i, a := range n.addrs[id] {
			if a.IsValid() {
				ip += fmt.Sprintf("r(%d) ip(%s) ", i, a)
			}
		}
		n.set(memberKey(id, "ip"), cmap.Text(ip))
		n.set(memberKey(id, "join_count"), cmap.U32(1))
	}
	n.set(memberKey(id, "status"), cmap.Text("joined"))
}

func (n *Node) memberLeft(id uint32) { n.set(memberKey(id, "status"), cmap.Text("left")) }

// cmapMessage takes the version of a node's configuration file.
func (n *Node) cmapMessage(from uint32, b []byte) error {
	m, err := wire.ParseConfigVersion(b)
	if err != nil {
		return err
	}
	n.set(memberKey(from, "config_version"), cmap.U64(m.Version))
	n.versions.highest = max(n.versions.highest, m.Version)
	return nil
}
