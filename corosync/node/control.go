package node

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/conf"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	"hacluster/corosync/wire"
)

type shutdownReply int

const (
	replyUnknown shutdownReply = iota
	replyYes
	replyNo
)

// shutdownVote is a shutdown that somebody asked for and trackers may object to.
type shutdownVote struct {
	by       *session
	how      uint32
	deadline time.Time
}

// shutdownTimeout is how long trackers may take to answer.
const shutdownTimeout = 5 * time.Second

func (n *Node) serveCfg(c *session, m []byte) error {
	switch id := ipc.ID(m); id {
	case local.CfgRingStatus:
		n.answer(c, local.RingStatusAnswer(local.OK, n.ringStatus()))
	case local.CfgRingReenable:
		n.answer(c, local.Answer(local.CfgRingReenableAnswer, local.NotSupported))
	case local.CfgKillNode:
		k, err := local.ParseKillNode(m)
		if err != nil {
			return err
		}
		if !slices.Contains(n.members, k.Node) {
			n.answer(c, local.Answer(local.CfgKillNodeAnswer, local.NotExist))
			return nil
		}
		n.send(wire.KillNode(k).Marshal())
		n.answer(c, local.Answer(local.CfgKillNodeAnswer, local.OK))
	case local.CfgTryShutdown:
		how, err := local.NumberOf(m)
		if err != nil {
			return err
		}
		n.tryShutdown(c, how)
	case local.CfgReplyToShutdown:
		yes, err := local.NumberOf(m)
		if err != nil {
			return err
		}
		if n.shutdown.by == nil {
			n.answer(c, local.Answer(local.CfgReplyShutdownAnswer, local.Access))
			return nil
		}
		c.reply = replyNo
		if yes != 0 {
			c.reply = replyYes
		}
		n.answer(c, local.Answer(local.CfgReplyShutdownAnswer, local.OK))
		n.countReplies()
	case local.CfgNodeAddrs:
		node, err := local.NumberOf(m)
		if err != nil {
			return err
		}
		if node == 0 {
			node = n.me
		}
		a, ok := n.addrs[node]
		if !ok {
			n.answer(c, local.NodeAddrsAnswer(local.NotExist, nil))
			return nil
		}
		n.answer(c, local.NodeAddrsAnswer(local.OK, slices.DeleteFunc(slices.Clone(a), func(a netip.Addr) bool { return !a.IsValid() })))
	case local.CfgLocal:
		n.answer(c, local.NumberAnswer(local.CfgLocalAnswer, local.OK, n.me))
	case local.CfgReload:
		if n.reloader != 0 {
			n.answer(c, local.Answer(local.CfgReloadAnswer, local.TryAgain))
			return nil
		}
		n.reloader = c.id // answered when the message has come back
		n.send(wire.Reload())
	case local.CfgReopenLogs:
		n.do(&ReopenLogs{})
		n.answer(c, local.Answer(local.CfgReopenLogsAnswer, local.OK))
	case local.CfgNodeStatus:
		node, version, err := local.ParseNodeStatusRequest(m)
		if err != nil {
			return err
		}
		n.nodeStatus(c, node, version)
	case local.CfgTrackStart:
		s := local.OK
		if c.cfgTrack {
			s = local.Exist
		}
		c.cfgTrack = true
		n.answer(c, local.Answer(local.CfgTrackStartAnswer, s))
	case local.CfgTrackStop:
		c.cfgTrack = false
		n.answer(c, local.Answer(local.CfgTrackStopAnswer, local.OK))
		n.countReplies()
	default:
		return errors.New("unknown request")
	}
	return nil
}

// ringStatus is the state of this node's links: "OK", or for transports that know more a digit for
// each node: 3 connected, 1 not, n this one.
func (n *Node) ringStatus() []local.RingStatus {
	var list []local.RingStatus
	for i, a := range n.addrs[n.me] {
		if !a.IsValid() {
			continue
		}
		r := local.RingStatus{Name: a.String(), Status: "OK"}
		if n.cfg.Links != nil {
			r.Status = ""
			for _, o := range n.conf.Nodes {
				digit := "1"
				if _, links := n.cfg.Links(o.ID); links[i].Connected {
					digit = "3"
				}
				if o.ID == n.me {
					digit = "n"
				}
				r.Status += digit
			}
		}
		list = append(list, r)
	}
	return list
}

func (n *Node) nodeStatus(c *session, node, version uint32) {
	a, ok := n.addrs[node]
	switch {
	case ok && n.cfg.Links != nil && version == 1:
		s := local.NodeStatus{Node: node}
		s.Reachable, s.Links = n.cfg.Links(node)
		n.answer(c, s.Marshal(local.OK))
	case version != 1:
		n.answer(c, local.NodeStatus{}.Marshal(local.NotSupported))
	case !ok:
		n.answer(c, local.NodeStatus{Node: node}.Marshal(local.NotExist))
	default:
		member := slices.Contains(n.members, node)
		s := local.NodeStatus{Node: node, Reachable: member}
		mtu := n.conf.Totem.NetMTU
		if mtu == 0 {
			mtu = 1500
		}
		s.Links[0] = local.Link{Enabled: true, Connected: member, MTU: uint32(mtu - 2*wire.McastHeader), Source: a[0].String()}
		n.answer(c, s.Marshal(local.OK))
	}
}

func (n *Node) tryShutdown(c *session, how uint32) {
	switch {
	case how == local.ShutdownImmediate:
		n.send(wire.Shutdown())
		n.answer(c, local.Answer(local.CfgTryShutdownAnswer, local.OK))
		return
	case n.shutdown.by != nil:
		n.answer(c, local.Answer(local.CfgTryShutdownAnswer, local.Exist))
		return
	}
	n.shutdown = shutdownVote{by: c, how: how, deadline: n.now.Add(shutdownTimeout)}
	for _, o := range n.order {
		if o.cfgTrack && o != c {
			o.reply = replyUnknown
			n.tell(o, local.ShutdownEvent(how))
		}
	}
	n.countReplies()
}

// countReplies ends the vote on a shutdown when it is decided.
func (n *Node) countReplies() {
	v := &n.shutdown
	if v.by == nil {
		return
	}
	open, no := 0, 0
	for _, o := range n.order {
		if o.cfgTrack && o != v.by {
			switch o.reply {
			case replyUnknown:
				open++
			case replyNo:
				no++
			}
		}
	}
	switch {
	case no > 0 && v.how == local.ShutdownRequest:
		n.endVote(local.Busy)
	case open == 0:
		n.endVote(local.OK)
	}
}

func (n *Node) endVote(s local.Status) {
	by := n.shutdown.by
	n.shutdown = shutdownVote{}
	if n.clients[by.id] == by {
		n.answer(by, local.Answer(local.CfgTryShutdownAnswer, s))
	}
	if s == local.OK {
		n.send(wire.Shutdown())
	}
}

// shutdownTime ends a vote on a shutdown that takes too long.
func (n *Node) shutdownTime(now time.Time) {
	if v := &n.shutdown; v.by != nil && !now.Before(v.deadline) {
		if v.how == local.ShutdownRegardless {
			n.endVote(local.OK)
			return
		}
		n.endVote(local.Timeout)
	}
}

func (n *Node) cfgGone(c *session) {
	if n.reloader == c.id {
		n.reloader = 0
	}
	if n.shutdown.by == c {
		n.shutdown = shutdownVote{}
		return
	}
	n.countReplies()
}

// cfgMessage takes a message of cfg.
func (n *Node) cfgMessage(from uint32, function int, b []byte) error {
	switch function {
	case wire.CfgKillNode:
		k, err := wire.ParseKillNode(b)
		if err != nil {
			return err
		}
		if k.Node == n.me {
			n.log.Error("killed by another node", "node", from, "reason", k.Reason)
			n.do(&Exit{Reason: "killed by a node of the cluster: " + k.Reason})
		}
	case wire.CfgShutdown:
		n.log.Info("node was shut down by sysadmin", "node", from)
		if from == n.me {
			n.do(&Exit{Reason: "shut down", Orderly: true})
		}
	case wire.CfgReload:
		n.log.Info("config reload requested", "by", from)
		n.set("config.totemconfig_reload_in_progress", cmap.U8(1))
		n.reloadHere = from == n.me
		n.key = keyChange{}
		n.do(&ReadConf{})
	case wire.CfgCryptoReconfig:
		phase, err := wire.ParseCryptoReconfig(b)
		if err != nil {
			return err
		}
		switch {
		case phase == RekeyActivate:
			n.key.have = append(n.key.have, from)
			n.activateKey()
		case from == n.me:
			n.log.Info("the cluster's key changes", "phase", phase)
			n.do(&Rekey{Phase: phase})
		default: // it forgets the old key
			n.key.have = slices.Clone(n.members)
			n.activateKey()
		}
	}
	return nil
}

// keyChange is the change of the cluster's key that a reload has begun.
type keyChange struct {
	due  bool     // this node has the new one, and sends with the old one
	have []uint32 // who has told that it has the new one
}

// activateKey sends with the new key as soon as all members have it: one that misses the packet by which it learns of it could
// read neither that packet, sent again, nor any other. (The original does so when it has it itself, and tells of it in the same
// words.)
func (n *Node) activateKey() {
	if !n.key.due || slices.ContainsFunc(n.members, func(m uint32) bool { return !slices.Contains(n.key.have, m) }) {
		return
	}
	n.key.due = false
	n.log.Info("the cluster's key changes", "phase", RekeyActivate)
	n.do(&Rekey{Phase: RekeyActivate})
	n.send(wire.CryptoReconfig(RekeyCleanUp))
}

// kept are the sections of the file whose keys go when the file no longer has them.
var kept = []string{"logging.", "totem.", "nodelist.", "quorum.", "uidgid.config.", "nozzle."}

// Reload takes the configuration that was read again, and the nodes' addresses, or why it
// could not be. With newKey the transport has taken a new key in, which is now put to use
// step by step.
func (n *Node) Reload(now time.Time, c *conf.Config, addrs map[uint32][]netip.Addr, newKey bool, failed error) {
	n.now = now
	status := local.OK
	if failed != nil {
		n.log.Error("the configuration file cannot be read again: nothing changes", "error", failed)
		n.set("config.reload_error_message", cmap.Text(failed.Error()))
		status = local.Invalid
	} else {
		_ = n.cmap.Delete("config.reload_error_message")
		n.set("config.reload_in_progress", cmap.U8(1))
		n.apply(c, addrs)
		if newKey {
			n.key.due = true
			n.send(wire.CryptoReconfig(RekeyActivate))
		}
	}
	n.set("config.reload_status", cmap.I32(int32(status)))
	n.set("config.totemconfig_reload_in_progress", cmap.U8(0))
	n.set("config.reload_in_progress", cmap.U8(0))
	if n.reloadHere && n.reloader != 0 {
		n.do(&Respond{n.reloader, local.Answer(local.CfgReloadAnswer, status)})
		n.reloader = 0
	}
	if failed == nil && n.votes != nil {
		if err := n.votes.Configure(c); err != nil {
			n.log.Error("the quorum device cannot be used", "error", err)
		}
	}
	n.settle()
}

// apply makes a new configuration this node's.
func (n *Node) apply(c *conf.Config, addrs map[uint32][]netip.Addr) {
	have := map[string]bool{"nodelist.local_node_pos": true}
	for _, k := range c.Keys {
		have[k.Name] = true
	}
	for _, prefix := range kept {
		for _, key := range n.cmap.Keys(prefix) {
			// What cannot change at run time stays.
			if !have[key] && prefix != "uidgid.config." && (!n.cmap.Protected(key) || strings.HasPrefix(key, "nodelist.")) {
				_ = n.cmap.Delete(key)
			}
		}
	}
	n.conf = c
	n.addrs = addrs
	n.reloaded = true
	n.configKeys()
	n.judgeFast()
	n.ring.Configure(n.ringSettings())
}
