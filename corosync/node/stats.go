package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/local"
	"hacluster/corosync/totem"
)

// The map of statistics is made when somebody looks at it, and while somebody tracks its keys every statsEvery. Its keys
// are those of the original (exec/stats.c).

const (
	// statsEvery is how often trackers of single keys are told what has changed.
	statsEvery = 1500 * time.Millisecond
	// statsFresh is how long the map counts as made just now: who lists it asks for each key by itself.
	statsFresh = 50 * time.Millisecond
	// gathersInVain is after how many tries in a row to form a ring the network is told to be faulty.
	gathersInVain = 3
	// sendingsInVain is after how many refused sendings to all nodes in a row the same is told.
	sendingsInVain = 30
	// statsClear begins the only keys that can be set: each sets counters to 0.
	statsClear = "stats.clear."
)

// Counter is a key of the map of statistics, without its beginning "stats.".
type Counter struct {
	Key   string
	Value cmap.Value
}

// Clearing is what of Config.Counters is to be set to 0.
type Clearing int

// What there is.
const (
	ClearTransport Clearing = iota
	ClearMisses             // "schedmiss.": when the process stood still
	ClearDelivery           // what Config.Delivery tells
)

// Delivery is what was given to a local client: how many events wait for room, how many it was given since that began or
// ended, and how often there was no room.
type Delivery struct {
	Queued, Sent uint32
	Retries      uint64
}

// clientTraffic counts what a local client has asked for and was given. held is how often it had to wait, overload how often for
// room in the ring's queue, where the original refuses the request.
type clientTraffic struct {
	requests, responses, events, held, overload, invalid uint64
}

// tell sends a client an event.
func (n *Node) tell(c *session, m []byte) {
	c.traffic.events++
	n.do(&Tell{Client: c.id, Message: m})
}

// clearStats sets counters to 0; as with the original those of the ring go with the transport's.
func (n *Node) clearStats(which string) local.Status {
	n.statsAt = time.Time{}
	known := false
	for _, w := range []struct {
		name  string
		clear func()
	}{
		{"knet", n.clearTransport},
		{"totem", n.ring.ClearStats},
		{"ipc", n.clearTraffic},
		{"schedmiss", func() { n.clearCounters(ClearMisses) }},
		{"all", func() { n.clearTransport(); n.clearTraffic(); n.clearCounters(ClearMisses) }},
	} {
		if strings.HasPrefix(which, w.name) {
			w.clear()
			known = true
		}
	}
	if !known {
		return local.NotSupported
	}
	return local.OK
}

func (n *Node) clearTransport() {
	n.ring.ClearStats()
	n.clearCounters(ClearTransport)
}

func (n *Node) clearCounters(which Clearing) {
	if n.cfg.ClearCounters != nil {
		n.cfg.ClearCounters(which)
	}
}

func (n *Node) clearTraffic() {
	n.closed = 0
	for _, c := range n.order {
		c.traffic = clientTraffic{}
	}
	n.clearCounters(ClearDelivery)
}

// trackableStats tells whether changes of that kind can be tracked: of a prefix only the coming and going of keys.
func trackableStats(what cmap.Change) bool {
	return what&cmap.Prefix == 0 || what&(cmap.Added|cmap.Deleted) == cmap.Added|cmap.Deleted
}

// watchStats has the map made again and again.
func (n *Node) watchStats() {
	if n.statsDue.IsZero() {
		n.statsDue = n.now.Add(statsEvery)
	}
}

// statsTime tells trackers what has changed.
func (n *Node) statsTime(now time.Time) {
	if n.statsDue.IsZero() || now.Before(n.statsDue) {
		return
	}
	n.statsDue = time.Time{}
	if n.stats.Tracked() {
		n.fillStats()
		n.watchStats()
	}
}

// connectionsChanged tells trackers at once that a connection has come or gone.
func (n *Node) connectionsChanged() {
	n.statsAt = time.Time{}
	if n.stats.Tracked() {
		n.fillStats()
	}
}

// lookAtStats makes the map where it is not fresh.
func (n *Node) lookAtStats() {
	if n.statsAt.IsZero() || n.now.Sub(n.statsAt) >= statsFresh || n.now.Before(n.statsAt) {
		n.fillStats()
	}
}

// fillStats makes the map anew.
func (n *Node) fillStats() {
	n.statsAt = n.now
	failures := uint32(0)
	if n.cfg.SendFailures != nil {
		failures = n.cfg.SendFailures()
	}
	list := slices.Concat(ringCounters(n.ring.Stats(), n.now, failures), n.queueCounters(), n.clientCounters())
	if n.cfg.Counters != nil {
		list = append(list, n.cfg.Counters()...)
	}
	have := make(map[string]bool, len(list))
	for _, c := range list {
		key := "stats." + c.Key
		have[key] = true
		if err := n.stats.Set(key, c.Value); err != nil {
			n.log.Error("a key cannot be set", "key", key, "error", err)
		}
	}
	for _, key := range n.stats.Keys("stats.") {
		if !have[key] {
			_ = n.stats.Delete(key)
		}
	}
}

func ringCounters(s totem.Stats, now time.Time, failures uint32) (list []Counter) {
	for _, c := range []struct {
		name string
		v    uint64
	}{
		{"orf_token_tx", s.TokenTx},
		{"orf_token_rx", s.TokenRx},
		{"memb_merge_detect_tx", s.MergeDetectTx},
		{"memb_merge_detect_rx", s.MergeDetectRx},
		{"memb_join_tx", s.JoinTx},
		{"memb_join_rx", s.JoinRx},
		{"mcast_tx", s.McastTx},
		{"mcast_retx", s.McastRetx},
		{"mcast_rx", s.McastRx},
		{"memb_commit_token_tx", s.CommitTx},
		{"memb_commit_token_rx", s.CommitRx},
		{"token_hold_cancel_tx", s.HoldCancelTx},
		{"token_hold_cancel_rx", s.HoldCancelRx},
		{"operational_entered", s.OperationalEntered},
		{"operational_token_lost", s.OperationalTokenLost},
		{"gather_entered", s.GatherEntered},
		{"gather_token_lost", s.GatherTokenLost},
		{"commit_entered", s.CommitEntered},
		{"commit_token_lost", s.CommitTokenLost},
		{"recovery_entered", s.RecoveryEntered},
		{"recovery_token_lost", s.RecoveryTokenLost},
		{"consensus_timeouts", s.ConsensusTimeouts},
		{"rx_msg_dropped", s.RxDropped},
	} {
		list = append(list, Counter{"srp." + c.name, cmap.U64(c.v)})
	}
	since := time.Duration(0)
	if !s.TokenAt.IsZero() {
		since = max(0, now.Sub(s.TokenAt))
	}
	faulty := s.ContinuousGather > gathersInVain || failures > sendingsInVain
	return append(list,
		Counter{"srp.time_since_token_last_received", cmap.U64(uint64(since.Milliseconds()))},
		Counter{"srp.continuous_gather", cmap.U32(s.ContinuousGather)},
		Counter{"srp.continuous_sendmsg_failures", cmap.U32(failures)},
		Counter{"srp.firewall_enabled_or_nic_failure", cmap.U8(uint8(asNumber(faulty)))},
		Counter{"srp.mtt_rx_token", ms(s.TokenRotation)},
		Counter{"srp.avg_token_workload", ms(0)}, // it is passed on in the moment in which it was received
		Counter{"srp.avg_backlog_calc", cmap.U32(s.Backlog)},
	)
}

// queueCounters tell of messages that wait for the token, in packets.
func (n *Node) queueCounters() []Counter {
	waiting, room := n.ring.Pending(totem.Normal)
	return []Counter{{"pg.msg_queue_avail", cmap.U32(room)}, {"pg.msg_reserved", cmap.U32(waiting)}}
}

// serviceNumbers are those of the services in the keys of connections.
var serviceNumbers = map[Service]int{Cmap: 0, Cfg: 1, CPG: 2, Quorum: 3, Votequorum: 5}

func (n *Node) clientCounters() []Counter {
	list := []Counter{{"ipcs.global.active", cmap.U64(uint64(len(n.clients)))}, {"ipcs.global.closed", cmap.U64(n.closed)}}
	for _, c := range n.order {
		t := c.traffic
		held := asNumber(c.pending != nil)
		var d Delivery
		if n.cfg.Delivery != nil {
			d = n.cfg.Delivery(c.id)
		}
		for _, k := range []Counter{
			{"queueing", cmap.I32(int32(asNumber(d.Queued > 0)))},
			{"queued", cmap.U32(d.Queued)},
			{"sent", cmap.U32(d.Sent)},
			{"invalid_request", cmap.U64(t.invalid)},
			{"overload", cmap.U64(t.overload)},
			{"procname", cmap.Text(c.process.Name)},
			{"requests", cmap.U64(t.requests)},
			{"responses", cmap.U64(t.responses)},
			{"dispatched", cmap.U64(t.events)},
			{"send_retries", cmap.U64(d.Retries)},
			{"recv_retries", cmap.U64(0)}, // a request that was told of is there
			{"flow_control", cmap.U32(held)},
			{"flow_control_count", cmap.U64(t.held)},
		} {
			list = append(list, Counter{fmt.Sprintf("ipcs.service%d.%d.%#x.%s", serviceNumbers[c.service], c.process.PID, uint64(c.id), k.Key), k.Value})
		}
	}
	return list
}
