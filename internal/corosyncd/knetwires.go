package corosyncd

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"hacluster/corosync/conf"
	"hacluster/corosync/knet"
	"hacluster/corosync/local"
	"hacluster/corosync/node"
	"hacluster/corosync/transport"
	"hacluster/corosync/wire"
)

// knetWires sends packets over kronosnet.
type knetWires struct {
	s       *transport.Sockets
	me      uint32
	own     map[int]netip.AddrPort
	net     *knet.Net
	log     *slog.Logger
	links   map[int]knet.Link
	peers   map[uint16]map[int]netip.AddrPort
	arrived [][]byte
	loop    knet.Traffic // what this node has sent to all, itself among them
}

func (k *knetWires) settings(c *conf.Config, a addresses) (map[int]knet.Link, map[uint16]map[int]netip.AddrPort) {
	links, peers := map[int]knet.Link{}, map[uint16]map[int]netip.AddrPort{}
	for i := range k.own {
		set := conf.Link{PongCount: 2, Priority: 1}
		for _, l := range c.Totem.Links {
			if l.Number == i {
				set = l
			}
		}
		if set.PingTimeout == 0 {
			set.PingTimeout = c.TokenEffective() / time.Duration(max(set.PongCount, 1))
		}
		if set.PingInterval == 0 {
			set.PingInterval = c.TokenEffective() / time.Duration(2*max(set.PongCount, 1))
		}
		links[i] = knet.Link{
			PingInterval: set.PingInterval, PingTimeout: set.PingTimeout, PongCount: max(set.PongCount, 1),
			Priority: set.Priority, MTU: c.Totem.KnetMTU,
		}
		for _, n := range c.Nodes {
			if addr := a[n.ID][i]; addr.IsValid() {
				if peers[uint16(n.ID)] == nil {
					peers[uint16(n.ID)] = map[int]netip.AddrPort{}
				}
				peers[uint16(n.ID)][i] = netip.AddrPortFrom(addr, port(c, i))
			}
		}
	}
	known := map[netip.Addr]bool{}
	for _, list := range a {
		for _, addr := range list {
			if addr.IsValid() {
				known[addr] = true
			}
		}
	}
	k.s.Allow(known)
	return links, peers
}

// configure takes a configuration that was read again: links may have come, gone, or have another address.
func (k *knetWires) configure(now time.Time, c *conf.Config, a addresses) {
	own := ownAddrs(c, k.me, a)
	for i, before := range k.own {
		if own[i] != before {
			k.s.Remove(i)
			delete(k.own, i)
		}
	}
	for i, addr := range own {
		if k.own[i] == addr {
			continue
		}
		if err := k.s.Add(context.Background(), i, addr); err != nil {
			k.log.Error("a link that is new in the configuration cannot be used", "link", i, "error", err)
			continue
		}
		k.own[i] = addr
	}
	k.links, k.peers = k.settings(c, a)
	k.net.Configure(now, k.links, k.peers)
	k.carryOut()
}

// carryOut does what the transport asks for, and keeps what has arrived.
func (k *knetWires) carryOut() {
	for e := k.net.Next(); e != nil; e = k.net.Next() {
		switch e := e.(type) {
		case *knet.Transmit:
			k.s.Queue(e.Link, e.To, e.Datagram)
		case *knet.Deliver:
			k.arrived = append(k.arrived, e.Packet)
		}
	}
}

func (k *knetWires) unicast(_ time.Time, to uint32, packet []byte) {
	k.net.Send(uint16(to), wire.Addressed(packet, to))
	k.carryOut()
}

func (k *knetWires) multicast(_ time.Time, _ []uint32, packet []byte) {
	// Everybody that is reachable gets it, as with the original.
	k.net.Send(0, packet)
	k.loop.TxPackets, k.loop.TxBytes = k.loop.TxPackets+1, k.loop.TxBytes+uint64(len(packet))
	k.carryOut()
}

func (k *knetWires) doubt(now time.Time) {
	k.net.Doubt(now)
	k.carryOut()
}

func (k *knetWires) transmit() {
	for tooBig := k.s.Transmit(); len(tooBig) > 0; tooBig = k.s.Transmit() {
		for _, link := range tooBig {
			k.net.TooBig(time.Now(), link, transport.MTU(k.own[link].Addr()))
		}
		k.carryOut()
	}
	k.net.Sent()
}

func (k *knetWires) start(take func([]transport.Datagram)) { k.s.Start(take) }

func (k *knetWires) receive(now time.Time, d transport.Datagram) ([][]byte, error) {
	if k.s.Stale(d) {
		return nil, nil
	}
	err := k.net.Receive(now, d.Link, d.From, d.Data)
	if err != nil {
		err = fmt.Errorf("%v on link %d: %w", d.From, d.Link, err)
	}
	k.carryOut()
	p := k.arrived
	k.arrived = k.arrived[:0]
	return p, err
}

func (k *knetWires) newKey(c *conf.Config) (bool, error) {
	key, err := readKey(c)
	if err != nil {
		return false, err
	}
	return k.net.NewKey(c.Totem.Cipher, c.Totem.Hash, key)
}

func (k *knetWires) rekey(now time.Time, phase uint32) {
	switch phase {
	case node.RekeyActivate:
		k.net.Activate()
	case node.RekeyCleanUp:
		k.net.CleanUp(now)
	}
}

func (k *knetWires) deadline() time.Time { return k.net.Deadline() }

func (k *knetWires) advance(now time.Time) {
	if d := k.net.Deadline(); !d.IsZero() && !d.After(now) {
		k.net.Advance(now)
		k.carryOut()
	}
}

func (k *knetWires) flush() { k.s.Flush() }
func (k *knetWires) close() { k.s.Close() }

func (k *knetWires) sendFailures() uint32 { return 0 }

func (k *knetWires) state(node uint32) (bool, [8]local.Link) {
	var links [8]local.Link
	if node == k.me {
		// Its link to itself.
		links[0] = local.Link{Enabled: true, Connected: true, MTU: 65535, Source: k.own[0].Addr().String(), Destination: k.own[0].Addr().String()}
		return true, links
	}
	for i, own := range k.own {
		to, ok := k.peers[uint16(node)][i]
		if !ok {
			continue
		}
		links[i] = local.Link{
			Enabled: true, Connected: k.net.Up(uint16(node), i), Source: own.Addr().String(), Destination: to.Addr().String(),
		}
		if links[i].Connected {
			links[i].MTU = uint32(k.net.DataMTU(uint16(node), i))
		}
	}
	return k.net.Reachable(uint16(node)), links
}
