package node

import (
	"slices"

	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// syncing is the state of the sync that follows each change of the ring: the members tell each
// other which services they have; then, service by service, each tells what it has to tell, and
// a barrier makes sure that all have heard it before the service goes on.
type syncing struct {
	running  bool
	trans    []uint32
	members  []uint32
	ring     wire.RingID
	services []int
	building bool
	index    int
	heard    []uint32 // whose list or barrier has arrived
	sent     bool     // the barrier of the service at index
	telling  bool     // a service tells what it has to tell
}

// own are the services that take part.
var own = []int{wire.ServiceCmap, wire.ServiceCPG, wire.ServiceQuorum, wire.ServiceVotequorum}

// configuration takes a new configuration of the ring.
func (n *Node) configuration(c *totem.Configuration) {
	if c.Transitional {
		n.sync.trans = c.Members
		for _, id := range c.Left {
			n.memberLeft(id)
		}
		n.sync.running = true
		return
	}
	old := n.members
	n.members, n.ringID = c.Members, c.Ring
	for _, id := range c.Joined {
		n.memberJoined(id)
	}
	s := &n.sync
	s.members, s.ring = c.Members, c.Ring
	s.building, s.index, s.heard, s.sent = true, 0, nil, false
	s.services = slices.Clone(own)
	if n.votes == nil {
		s.services = s.services[:3]
	}
	n.fast.able = nil
	if n.wantsFast() {
		s.services = append(s.services, serviceFast)
	}
	if len(c.Joined) > 0 {
		n.setFast(false) // until they are known
	}
	n.versions.init(s.trans)
	n.cpg.SyncInit(s.trans, c.Members, c.Ring)
	n.quorumRing(old)
	if n.votes != nil {
		n.votes.SyncInit(n.now, c.Members, c.Ring)
	}
	n.sendSync(wire.Sync{Ring: c.Ring, Services: s.services})
}

func (n *Node) sendSync(m wire.Sync) {
	if err := n.ring.Send(n.now, totem.Sync, wire.GroupSync, m.Marshal()); err != nil {
		n.log.Error("a sync message cannot be sent", "error", err)
	}
}

// syncMessage takes a message of the sync.
func (n *Node) syncMessage(from uint32, b []byte) error {
	m, err := wire.ParseSync(b)
	if err != nil {
		return err
	}
	s := &n.sync
	if !s.running || m.Ring != s.ring || !slices.Contains(s.members, from) || s.building != (m.Services != nil) {
		return nil
	}
	if s.building {
		if slices.Contains(m.Services, serviceFast) {
			n.fast.able = append(n.fast.able, from)
		}
		for _, id := range m.Services {
			if !slices.Contains(s.services, id) {
				s.services = append(s.services, id) // nobody here has it: its barrier only
			}
		}
	}
	if !slices.Contains(s.heard, from) {
		s.heard = append(s.heard, from)
	}
	if len(s.heard) < len(s.members) {
		return nil
	}
	s.heard, s.sent = nil, false
	if s.building {
		s.building = false
		slices.Sort(s.services)
	} else {
		n.activate(s.services[s.index])
		s.index++
	}
	if s.index == len(s.services) {
		n.syncDone()
	}
	return nil
}

// syncWaits has the service whose turn it is tell what it has to tell, and tells whether it did.
func (n *Node) syncWaits() bool {
	s := &n.sync
	if !s.running || s.building || s.sent || s.index >= len(s.services) {
		return false
	}
	switch s.services[s.index] {
	case wire.ServiceCmap:
		n.versions.send(n)
	case wire.ServiceCPG:
		s.telling = true
		n.cpg.SyncProcess()
		s.telling = false
	case wire.ServiceVotequorum:
		if n.votes != nil && !n.votes.SyncProcess() {
			return false // it waits for the quorum device
		}
	}
	s.sent = true
	n.sendSync(wire.Sync{Ring: s.ring})
	return true
}

func (n *Node) activate(service int) {
	switch service {
	case wire.ServiceCmap:
		n.versions.activate(n)
	case wire.ServiceCPG:
		n.cpg.SyncActivate()
	case wire.ServiceQuorum:
		n.nodelistChanged()
	case wire.ServiceVotequorum:
		if n.votes != nil {
			n.votes.SyncActivate()
		}
	}
}

func (n *Node) syncDone() {
	n.sync.running = false
	n.ready = true
	n.ring.SyncDone(n.sync.ring)
	n.judgeFast()
	if n.votes == nil {
		n.quorumChanged()
	}
	n.activateKey() // who has left need not have it
	n.log.Info("Completed service synchronization, ready to provide service.")
}

// versions compares the versions of the nodes' configuration files.
type versions struct {
	first   bool // the first sync with others is through
	trans   []uint32
	highest uint64
}

func (v *versions) init(trans []uint32) { v.trans, v.highest = trans, 0 }

func (v *versions) send(n *Node) {
	own := n.conf.Totem.ConfigVersion
	n.sendSynced(wire.ConfigVersion{Present: own != 0, Version: own}.Marshal())
}

// activate ends a node whose file is older than another's when it comes to a ring.
func (v *versions) activate(n *Node) {
	if len(v.trans) == 0 || v.first {
		return
	}
	v.first = true
	if own := n.conf.Totem.ConfigVersion; own != 0 && v.highest > own {
		n.log.Error("another node has a newer configuration file: this node ends", "version", own, "newest", v.highest)
		n.do(&Exit{Reason: "another node's corosync.conf has a newer config_version"})
	}
}
