package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Group is where the packets for all go with transport udp.
type Group struct {
	Addr netip.AddrPort // a multicast address, or 255.255.255.255
	TTL  int
}

// DefaultGroup is the multicast address of a cluster that configures none: made of
// its name and the number of the link.
func DefaultGroup(cluster string, link int, v6 bool) netip.Addr {
	var h uint16
	for i := 0; i < len(cluster); i++ {
		h = h<<1 + uint16(cluster[i])
	}
	h += uint16(link)
	if v6 {
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x15, 14: byte(h >> 8), 15: byte(h)})
	}
	return netip.AddrFrom4([4]byte{239, 192, byte(h >> 8), byte(h % 255)})
}

// Multicast is the sockets of a node with transport udp: one for what others send to
// it alone, one for what is sent to all, one to send from.
type Multicast struct {
	*Sockets
	out   *socket
	group netip.AddrPort
	// queued: something for all waits; failures: refused until the last Transmit; inARow: since one was let out.
	queued   bool
	failures uint64
	inARow   uint32
}

// outgoing is the number of the socket to send from.
const outgoing = 2

// OpenMulticast binds the sockets: own is this node's address with the port of the
// ring; packets leave from the port below it, as the original's do.
func OpenMulticast(ctx context.Context, own netip.AddrPort, g Group, log *slog.Logger) (*Multicast, error) {
	device, err := interfaceOf(own.Addr())
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, map[int]netip.AddrPort{0: own}, log)
	if err != nil {
		return nil, err
	}
	m := &Multicast{Sockets: s, group: g.Addr}
	if err := m.open(ctx, own, g, device); err != nil {
		s.Close()
		return nil, err
	}
	return m, nil
}

func (m *Multicast) open(ctx context.Context, own netip.AddrPort, g Group, device *net.Interface) error {
	v6, broadcast := own.Addr().Is6(), g.Addr.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if v6 != g.Addr.Addr().Is6() {
		return fmt.Errorf("the address %s for all nodes is of another family than this node's %s", g.Addr.Addr(), own.Addr())
	}
	if !broadcast && !g.Addr.Addr().IsMulticast() {
		return fmt.Errorf("mcastaddr %s is not a multicast address", g.Addr.Addr())
	}
	send := net.ListenConfig{Control: controlled(func(fd int) error {
		switch {
		case broadcast:
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
		case v6:
			return errors.Join(
				unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, g.TTL),
				unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0),
				unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, device.Index))
		}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, g.TTL),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0),
			unix.SetsockoptInet4Addr(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, own.Addr().As4()))
	})}
	pc, err := send.ListenPacket(ctx, "udp", netip.AddrPortFrom(own.Addr(), own.Port()-1).String())
	if err != nil {
		return fmt.Errorf("bind the socket for sending: %w", err)
	}
	if m.out, err = takeOver(pc.(*net.UDPConn)); err != nil {
		return fmt.Errorf("the socket for sending: %w", err)
	}
	all, err := bindExactly(g.Addr, device.Index, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		usual(fd)
		switch {
		case broadcast:
			return nil
		case v6:
			return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: g.Addr.Addr().As16(), Interface: uint32(device.Index)})
		}
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: g.Addr.Addr().As4(), Address: own.Addr().As4(), Ifindex: int32(device.Index)})
	})
	if err != nil {
		m.out.close()
		return fmt.Errorf("bind the socket for all nodes' packets: %w", err)
	}
	m.sockets[1], m.senders[outgoing] = all, &sender{fd: m.out.fd}
	return nil
}

// bindExactly binds a socket to a multicast or broadcast address itself: package net
// would take every address of the port in place of a multicast one.
func bindExactly(a netip.AddrPort, device int, set func(fd int) error) (*socket, error) {
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(a.Port()), Addr: [4]byte{}})
	if a.Addr().Is6() {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: uint32(device)}
	} else {
		to.(*unix.SockaddrInet4).Addr = a.Addr().As4()
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "udp "+a.String())
	defer f.Close() //nolint:errcheck // the connection has its own copy
	if err := set(fd); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, to); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	pc, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return takeOver(pc.(*net.UDPConn))
}

func controlled(set func(fd int) error) func(string, string, syscall.RawConn) error {
	return func(_, _ string, raw syscall.RawConn) error {
		var err error
		if cerr := raw.Control(func(fd uintptr) {
			usual(int(fd))
			err = set(int(fd))
		}); cerr != nil {
			return cerr
		}
		return err
	}
}

// interfaceOf is the interface that has an address.
func interfaceOf(a netip.Addr) (*net.Interface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, x := range addrs {
			if n, ok := x.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a.WithZone("") {
					return &i, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("no interface has the address %s", a)
}

// QueueAll has a datagram sent to all nodes.
func (m *Multicast) QueueAll(data []byte) {
	m.queued = true
	m.Queue(outgoing, m.group, data)
}

// Transmit is that of Sockets, and counts refusals of what goes to all.
func (m *Multicast) Transmit() {
	m.Sockets.Transmit()
	failures := m.Failures(outgoing, m.group)
	switch {
	case failures != m.failures:
		m.inARow += uint32(failures - m.failures)
	case m.queued:
		m.inARow = 0
	}
	m.failures, m.queued = failures, false
}

// FailedInARow is how many datagrams to all nodes this host has refused since it last let one out.
func (m *Multicast) FailedInARow() uint32 { return m.inARow }

// QueueTo has a datagram sent to one node.
func (m *Multicast) QueueTo(to netip.AddrPort, data []byte) { m.Queue(outgoing, to, data) }

// Close ends all sockets.
func (m *Multicast) Close() {
	m.Sockets.Close()
	m.out.close()
}
