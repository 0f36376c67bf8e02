package corosyncd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"hacluster/corosync/conf"
	"hacluster/corosync/knet"
	"hacluster/corosync/local"
	"hacluster/corosync/node"
	"hacluster/corosync/slab"
	"hacluster/corosync/transport"
)

// addresses are those of the nodes: by node id, by number of the link; not valid where there is none.
type addresses map[uint32][]netip.Addr

// wires is how the ring's packets travel. Who calls it holds the daemon's lock, but for start's take.
type wires interface {
	// unicast sends to one other node, multicast to some, or to all where to is nil.
	unicast(now time.Time, to uint32, packet []byte)
	multicast(now time.Time, to []uint32, packet []byte)
	// doubt tells that what was sent may not have arrived (totem.Doubt).
	doubt(now time.Time)
	// transmit sends what unicast, multicast and the transport itself have to send.
	transmit()
	// start has take called with what arrives; receive makes packets of the ring, in blocks of their own, of a datagram.
	start(take func([]transport.Datagram))
	receive(now time.Time, d transport.Datagram) (packets [][]byte, err error)
	// deadline is when advance wants to be called; zero for never.
	deadline() time.Time
	advance(now time.Time)
	flush()
	configure(now time.Time, c *conf.Config, a addresses)
	// newKey takes a configuration's key in beside the present one, where it is another;
	// rekey goes a step on (node.Rekey).
	newKey(c *conf.Config) (changed bool, err error)
	rekey(now time.Time, phase uint32)
	// state is what is known of the links to a node.
	state(node uint32) (reachable bool, links [8]local.Link)
	// counters are the transport's; clear sets them to 0.
	counters() []node.Counter
	clear()
	// sendFailures is how many sendings to all nodes in a row this host has refused, where it can tell.
	sendFailures() uint32
	close()
}

// port is the port of a link.
func port(c *conf.Config, link int) uint16 {
	for _, l := range c.Totem.Links {
		if l.Number == link && l.Port != 0 {
			return uint16(l.Port)
		}
	}
	return uint16(5405 + link)
}

// ownAddrs is where this node's links are bound.
func ownAddrs(c *conf.Config, me uint32, a addresses) map[int]netip.AddrPort {
	own := map[int]netip.AddrPort{}
	for i, addr := range a[me] {
		if addr.IsValid() && (c.Totem.Transport == "knet" || i == 0) {
			own[i] = netip.AddrPortFrom(addr, port(c, i))
		}
	}
	return own
}

// openWires opens what the configuration asks for.
func openWires(ctx context.Context, c *conf.Config, me uint32, a addresses, log *slog.Logger) (wires, error) {
	own := ownAddrs(c, me, a)
	key, err := readKey(c)
	if err != nil {
		return nil, err
	}
	if c.Totem.Transport == "udp" {
		return openUDP(ctx, c, me, a, log)
	}
	s, err := transport.Open(ctx, own, log)
	if err != nil {
		return nil, err
	}
	if c.Totem.Transport != "knet" {
		u := &udpu{s: s}
		u.configure(time.Time{}, c, a)
		u.me = me
		return u, nil
	}
	s.DontFragment()
	k := &knetWires{s: s, me: me, own: own, log: log}
	k.links, k.peers = k.settings(c, a)
	k.net, err = knet.New(knet.Config{
		Host: uint16(me), Cipher: c.Totem.Cipher, Hash: c.Totem.Hash, Key: key, Mode: c.Totem.LinkMode, Links: k.links, Peers: k.peers,
		Compression:   knet.Compression{Model: c.Totem.CompressionModel, Threshold: c.Totem.CompressionThreshold, Level: c.Totem.CompressionLevel},
		PMTUdInterval: c.Totem.KnetPMTUdInterval, Rand: rand.Reader, Clock: time.Now, Log: log.With("service", "knet"),
	})
	if err != nil {
		s.Close()
		return nil, &conf.Error{File: c.File, Text: err.Error()}
	}
	k.net.Start(time.Now())
	k.carryOut()
	return k, nil
}

// readKey reads the cluster's key; nil where none is used.
func readKey(c *conf.Config) ([]byte, error) {
	if c.Totem.Hash == "none" {
		return nil, nil
	}
	path := c.Totem.KeyFile
	if path == "" {
		path = filepath.Join(filepath.Dir(c.File), "authkey")
	}
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && c.Totem.KeyFile == "" {
		// A configuration that lies elsewhere need not have the key beside it.
		path = "/etc/corosync/authkey"
		key, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the cluster's key is missing: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster's key: %w", err)
	}
	if len(key) < knet.MinKey || len(key) > knet.MaxKey {
		return nil, fmt.Errorf("the cluster's key in %s has %d bytes; %d to %d are possible", path, len(key), knet.MinKey, knet.MaxKey)
	}
	return key, nil
}

// udpu sends every packet as a datagram to one node.
type udpu struct {
	s     *transport.Sockets
	me    uint32
	peers map[uint32]netip.AddrPort
	order []uint32
	// arrived is what receive yields.
	arrived [1][]byte
	slab    slab.Slab // of what was received
}

func (u *udpu) configure(_ time.Time, c *conf.Config, a addresses) {
	u.peers, u.order = map[uint32]netip.AddrPort{}, nil
	known := map[netip.Addr]bool{}
	for _, n := range c.Nodes {
		addr := a[n.ID][0]
		u.peers[n.ID] = netip.AddrPortFrom(addr, port(c, 0))
		u.order = append(u.order, n.ID)
		known[addr] = true
	}
	if !c.Totem.BlockUnlistedIPs {
		known = nil
	}
	u.s.Allow(known)
}

func (u *udpu) unicast(_ time.Time, to uint32, packet []byte) {
	if a, ok := u.peers[to]; ok {
		u.s.Queue(0, a, packet)
	}
}

func (u *udpu) multicast(now time.Time, to []uint32, packet []byte) {
	if to == nil {
		to = u.order
	}
	for _, id := range to {
		if id != u.me {
			u.unicast(now, id, packet)
		}
	}
}

func (u *udpu) doubt(time.Time) {} // there is one link

func (u *udpu) transmit() { u.s.Transmit() }

func (u *udpu) start(take func([]transport.Datagram)) { u.s.Start(take) }

func (u *udpu) receive(_ time.Time, d transport.Datagram) ([][]byte, error) {
	if u.s.Stale(d) {
		return nil, nil
	}
	u.arrived[0] = u.slab.Take(len(d.Data))
	copy(u.arrived[0], d.Data)
	return u.arrived[:], nil
}

func (u *udpu) newKey(*conf.Config) (bool, error) { return false, nil }
func (u *udpu) rekey(time.Time, uint32)           {}

func (u *udpu) deadline() time.Time { return time.Time{} }
func (u *udpu) advance(time.Time)   {}
func (u *udpu) flush()              { u.s.Flush() }
func (u *udpu) close()              { u.s.Close() }

func (u *udpu) counters() []node.Counter { return nil }
func (u *udpu) clear()                   {}
func (u *udpu) sendFailures() uint32     { return 0 }

// state is not known of datagrams: the ring's members count as connected.
func (u *udpu) state(uint32) (bool, [8]local.Link) { return false, [8]local.Link{} }

// udp sends packets for all to a multicast address, others to one node.
type udp struct {
	udpu
	m *transport.Multicast
}

func openUDP(ctx context.Context, c *conf.Config, me uint32, a addresses, log *slog.Logger) (wires, error) {
	own := a[me][0]
	g := transport.Group{Addr: netip.AddrPortFrom(transport.DefaultGroup(c.Totem.ClusterName, 0, own.Is6()), port(c, 0)), TTL: 1}
	for _, l := range c.Totem.Links {
		if l.Number != 0 {
			continue
		}
		g.TTL = l.TTL
		switch {
		case l.Broadcast:
			g.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), port(c, 0))
		case l.McastAddr != "":
			addr, err := netip.ParseAddr(l.McastAddr)
			if err != nil {
				return nil, &conf.Error{File: c.File, Text: fmt.Sprintf("mcastaddr %q is not an address", l.McastAddr)}
			}
			g.Addr = netip.AddrPortFrom(addr, port(c, 0))
		}
	}
	m, err := transport.OpenMulticast(ctx, netip.AddrPortFrom(own, port(c, 0)), g, log)
	if err != nil {
		return nil, err
	}
	u := &udp{udpu{s: m.Sockets, me: me}, m}
	u.configure(time.Time{}, c, a)
	return u, nil
}

func (u *udp) configure(now time.Time, c *conf.Config, a addresses) {
	u.udpu.configure(now, c, a)
	u.s.Allow(nil) // whoever knows the address may speak, as with the original
}

func (u *udp) unicast(_ time.Time, to uint32, packet []byte) {
	if a, ok := u.peers[to]; ok {
		u.m.QueueTo(a, packet)
	}
}

func (u *udp) multicast(_ time.Time, _ []uint32, packet []byte) { u.m.QueueAll(packet) }

func (u *udp) transmit() { u.m.Transmit() }

func (u *udp) sendFailures() uint32 { return u.m.FailedInARow() }

func (u *udp) close() { u.m.Close() }
