// Package transport is the sockets that carry the ring's packets between nodes.
// What the packets mean is not its matter: with "udpu" and "udp" a datagram is a packet of the
// ring, with "knet" it is one of package knet.
package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hacluster/corosync/poll"
)

// Datagram is what has arrived on a link.
type Datagram struct {
	Link int
	From netip.AddrPort
	Data []byte

	flushed uint64
}

// Sockets is one UDP socket for each link of this node.
type Sockets struct {
	sockets  map[int]*socket
	senders  map[int]*sender
	log      *slog.Logger
	flushed  atomic.Uint64                       // how often Flush was called
	allowed  atomic.Pointer[map[netip.Addr]bool] // nil: everybody
	refused  atomic.Uint64
	whole    bool              // datagrams are not cut into pieces
	tooBig   []int             // links whose interface has not let one out
	complain map[int]time.Time // of the last complaint about sending
	failures map[way]uint64    // datagrams that this host did not send
	take     func([]Datagram)  // of Start
}

// socket is one that is waited for by itself (package poll), not by package net.
type socket struct {
	fd       int
	local    netip.AddrPort
	arrivals *poll.Arrivals
}

// takeOver makes a socket of a connection, which is closed.
func takeOver(c *net.UDPConn) (*socket, error) {
	defer c.Close() //nolint:errcheck // the socket is another descriptor
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	local := c.LocalAddr().(*net.UDPAddr).AddrPort()
	s := &socket{local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port())}
	if cerr := raw.Control(func(fd uintptr) { s.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, errors.Join(cerr, err)
	}
	if s.arrivals, err = poll.NewArrivals(s.fd); err != nil {
		return nil, errors.Join(err, unix.Close(s.fd))
	}
	return s, nil
}

// close waits until nobody takes what has arrived.
func (s *socket) close() {
	_ = s.arrivals.Close()
	_ = unix.Close(s.fd)
}

// way is where datagrams go.
type way struct {
	link int
	to   netip.AddrPort
}

const (
	maxDatagram = 65536
	// buffer is what a socket may hold for a node that is slow for a moment, in bytes.
	buffer = 8 << 20
)

// Open binds a socket for each link. Nothing is received until Start. An error wraps EADDRINUSE or EADDRNOTAVAIL where that
// is the matter.
func Open(ctx context.Context, local map[int]netip.AddrPort, log *slog.Logger) (*Sockets, error) {
	s := &Sockets{sockets: map[int]*socket{}, senders: map[int]*sender{}, log: log, complain: map[int]time.Time{}, failures: map[way]uint64{}}
	for link, a := range local {
		if err := s.Add(ctx, link, a); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Add binds a socket for one more link, of which it receives at once where the others do. Errors are those of Open. Whoever
// adds and removes links does so between the other calls.
func (s *Sockets) Add(ctx context.Context, link int, local netip.AddrPort) error {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { usual(int(fd)) })
	}}
	pc, err := lc.ListenPacket(ctx, "udp", local.String())
	if err != nil {
		return fmt.Errorf("bind the socket of link %d: %w", link, err)
	}
	c, err := takeOver(pc.(*net.UDPConn))
	if err != nil {
		return fmt.Errorf("the socket of link %d: %w", link, err)
	}
	s.sockets[link], s.senders[link] = c, &sender{fd: c.fd}
	if s.whole {
		s.dontFragment(link, c)
	}
	if s.take != nil {
		go s.read(link, c, s.take)
	}
	return nil
}

// Remove closes the socket of a link, as soon as what has arrived there is taken.
func (s *Sockets) Remove(link int) {
	if c := s.sockets[link]; c != nil {
		go c.close() // it waits for who is taking, who may wait for the caller
	}
	delete(s.sockets, link)
	delete(s.senders, link)
}

// Start begins to receive. take is called with what has arrived, from a goroutine for each socket; the list and the datagrams are
// take's until it returns.
func (s *Sockets) Start(take func([]Datagram)) {
	s.take = take
	for link, c := range s.sockets {
		go s.read(link, c, take)
	}
}

// usual makes a socket as good as the host lets it be: nothing of this is needed to work.
func usual(fd int) {
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], buffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], buffer)
		}
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, 6)
	_ = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1)
}

// Allow drops from now on what does not come from one of these addresses; nil allows all.
func (s *Sockets) Allow(addrs map[netip.Addr]bool) {
	if addrs == nil {
		s.allowed.Store(nil)
		return
	}
	s.allowed.Store(&addrs)
}

// Stale tells whether Flush was called since a datagram arrived.
func (s *Sockets) Stale(d Datagram) bool { return d.flushed != s.flushed.Load() }

func (s *Sockets) read(link int, c *socket, take func([]Datagram)) {
	r := newReceiver()
	// It is called again whenever something has arrived, until the socket is closed.
	_ = c.arrivals.Read(func() bool {
		for {
			flushed := s.flushed.Load()
			batch, more := r.take(c.fd, link)
			kept := batch[:0]
			for _, d := range batch {
				if s.known(d.From.Addr()) {
					d.flushed = flushed
					kept = append(kept, d)
				}
			}
			if len(kept) > 0 {
				take(kept)
			}
			if !more {
				return false // what comes now is told of
			}
		}
	})
}

// known tells whether what comes from an address is taken.
func (s *Sockets) known(a netip.Addr) bool {
	allowed := s.allowed.Load()
	if allowed == nil || (*allowed)[a] {
		return true
	}
	if s.refused.Add(1)%1000 == 1 {
		s.log.Warn("datagrams from an address that is not in the nodelist are dropped", "address", a)
	}
	return false
}

// Queue has a datagram sent with the next Transmit, or before where many wait: who gets the first works on them while
// the last are made.
func (s *Sockets) Queue(link int, to netip.AddrPort, data []byte) {
	q := s.senders[link]
	if q == nil {
		return
	}
	q.parcels = append(q.parcels, parcel{link, to, data})
	if len(q.parcels) >= sendBatch {
		q.flush(s.refusedHere)
	}
}

// Transmit sends what was queued, those of each link in their order. Like the network, it does not tell what arrives. What this
// host itself says against a datagram is logged, but for a size that the interface does not let out: tooBig are
// the links where that was so since the last call. One goroutine at a time may queue and send.
func (s *Sockets) Transmit() (tooBig []int) {
	for _, q := range s.senders {
		if len(q.parcels) > 0 {
			q.flush(s.refusedHere)
		}
	}
	tooBig, s.tooBig = s.tooBig, nil
	return tooBig
}

// refusedHere notes what this host says against a datagram.
func (s *Sockets) refusedHere(p parcel, err error) {
	if s.whole && errors.Is(err, syscall.EMSGSIZE) {
		if !slices.Contains(s.tooBig, p.link) {
			s.tooBig = append(s.tooBig, p.link)
		}
		return
	}
	s.failures[way{p.link, p.to}]++
	if now := time.Now(); now.Sub(s.complain[p.link]) > 10*time.Second {
		s.complain[p.link] = now
		s.log.Warn("datagrams cannot be sent", "link", p.link, "to", p.to, "error", err)
	}
}

// Failures is how many datagrams to an address this host did not send on a link.
func (s *Sockets) Failures(link int, to netip.AddrPort) uint64 { return s.failures[way{link, to}] }

// DontFragment has datagrams travel whole or not at all.
func (s *Sockets) DontFragment() {
	s.whole = true
	for link, c := range s.sockets {
		s.dontFragment(link, c)
	}
}

func (s *Sockets) dontFragment(link int, c *socket) {
	level, name, value := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE
	if c.local.Addr().Is6() {
		level, name, value = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE
	}
	if err := unix.SetsockoptInt(c.fd, level, name, value); err != nil {
		s.log.Warn("datagrams of this link may be cut into pieces: its path MTU will not be found", "link", link, "error", err)
	}
}

// Flush throws away what has arrived and was not taken yet.
func (s *Sockets) Flush() {
	for _, c := range s.sockets {
		var b [1]byte
		for range 1 << 16 {
			if _, _, err := unix.Recvfrom(c.fd, b[:], unix.MSG_DONTWAIT); err != nil {
				break
			}
		}
	}
	s.flushed.Add(1)
}

// Close ends all sockets. Nobody may be in the other methods, but who is called with what has arrived: Close waits until that is over.
func (s *Sockets) Close() {
	for _, c := range s.sockets {
		c.close()
	}
}

// MTU is what a datagram from a local address may have, with the headers of IP and UDP; 1500 where that is not known.
func MTU(local netip.Addr) int {
	list, err := net.Interfaces()
	if err != nil {
		return 1500
	}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == local && i.MTU >= 576 {
					return i.MTU
				}
			}
		}
	}
	return 1500
}
