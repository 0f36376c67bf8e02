// Package transport carries the ring's packets between nodes. It opens sockets
// and starts goroutines; what the packets mean is not its matter.
//
// UDPU is Corosync's "udpu": every packet is a UDP datagram to one node, also those
// that are for many. All go through one socket, bound to this node's address, which is also where
// packets arrive.
package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// UDPUConfig says what the transport connects.
type UDPUConfig struct {
	// Local is where this node's socket is bound.
	Local netip.AddrPort
	// Peers are the addresses of all nodes, by node id. All use the port of Local.
	Peers map[uint32]netip.Addr
	// BlockUnlisted drops what does not come from an address of Peers.
	BlockUnlisted bool
	Log           *slog.Logger
}

// UDPU is an open transport.
type UDPU struct {
	conn    *net.UDPConn
	port    uint16
	log     *slog.Logger
	packets chan []byte

	mu    sync.RWMutex
	peers map[uint32]netip.Addr
	known map[netip.Addr]bool // nil: everybody

	dropped  atomic.Uint64
	complain time.Time // of the last complaint about sending
}

const (
	maxDatagram = 65536
	// buffer is what the socket may hold for a node that is slow for a moment.
	buffer = 8 << 20
)

// OpenUDPU binds the socket. An error wraps EADDRINUSE or EADDRNOTAVAIL where that is the matter.
func OpenUDPU(ctx context.Context, cfg UDPUConfig) (*UDPU, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			// As good as the host lets it be: none of these is needed to work.
			for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
				if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[0], buffer) != nil {
					_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[1], buffer)
				}
			}
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PRIORITY, 6)
		})
	}}
	pc, err := lc.ListenPacket(ctx, "udp", cfg.Local.String())
	if err != nil {
		return nil, fmt.Errorf("bind the ring's socket: %w", err)
	}
	u := &UDPU{conn: pc.(*net.UDPConn), port: cfg.Local.Port(), log: cfg.Log, packets: make(chan []byte, 2048)}
	u.SetPeers(cfg.Peers, cfg.BlockUnlisted)
	go u.read()
	return u, nil
}

// SetPeers changes who the other nodes are.
func (u *UDPU) SetPeers(peers map[uint32]netip.Addr, blockUnlisted bool) {
	var known map[netip.Addr]bool
	if blockUnlisted {
		known = map[netip.Addr]bool{}
		for _, a := range peers {
			known[a.Unmap()] = true
		}
	}
	u.mu.Lock()
	u.peers, u.known = peers, known
	u.mu.Unlock()
}

func (u *UDPU) read() {
	defer close(u.packets)
	b := make([]byte, maxDatagram)
	for {
		n, from, err := u.conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP message about something that was sent
		}
		u.mu.RLock()
		known := u.known == nil || u.known[from.Addr().Unmap()]
		u.mu.RUnlock()
		if !known {
			if u.dropped.Add(1)%1000 == 1 {
				u.log.Warn("packets from an address that is not in the nodelist are dropped", "address", from.Addr())
			}
			continue
		}
		packet := make([]byte, n)
		copy(packet, b[:n])
		select {
		case u.packets <- packet:
		default:
			u.dropped.Add(1) // nobody takes them: the ring asks for what it misses
		}
	}
}

// Packets yields what arrives. It is closed after Close.
func (u *UDPU) Packets() <-chan []byte { return u.packets }

// Send sends a packet to a node. Like the network, it does not tell whether it arrives.
func (u *UDPU) Send(to uint32, packet []byte) {
	u.mu.RLock()
	a, ok := u.peers[to]
	u.mu.RUnlock()
	if !ok {
		return
	}
	if _, err := u.conn.WriteToUDPAddrPort(packet, netip.AddrPortFrom(a, u.port)); err != nil && !errors.Is(err, net.ErrClosed) {
		if now := time.Now(); now.Sub(u.complain) > 10*time.Second {
			u.complain = now
			u.log.Warn("packets cannot be sent", "to", a, "error", err)
		}
	}
}

// Flush throws away what has arrived and was not taken yet.
func (u *UDPU) Flush() {
	if raw, err := u.conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			var b [1]byte
			for range 1 << 16 {
				if _, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_DONTWAIT); err != nil {
					return
				}
			}
		})
	}
	for {
		select {
		case _, ok := <-u.packets:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// Close ends the transport.
func (u *UDPU) Close() { u.conn.Close() }
