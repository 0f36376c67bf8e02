package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagrams are sent and received many at a time: a token's visit makes dozens of them, and what a system call
// costs is a good part of what each takes. The calls do not wait, so the scheduler need not know of them: it would
// give the processor away in the middle of a long one.

const (
	// sendBatch and receiveBatch are how many go in one system call.
	sendBatch    = 64
	receiveBatch = 16
)

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// sockaddr is the kernel's address of either family.
type sockaddr [unix.SizeofSockaddrInet6]byte

func (s *sockaddr) set(a netip.AddrPort) (size uint32) {
	if a.Addr().Is4() {
		binary.NativeEndian.PutUint16(s[0:], unix.AF_INET)
		binary.BigEndian.PutUint16(s[2:], a.Port())
		ip := a.Addr().As4()
		copy(s[4:], ip[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(s[0:], unix.AF_INET6)
	binary.BigEndian.PutUint16(s[2:], a.Port())
	ip := a.Addr().As16()
	copy(s[8:], ip[:])
	binary.NativeEndian.PutUint32(s[24:], zone(a.Addr().Zone()))
	return unix.SizeofSockaddrInet6
}

// zone is the number of an interface.
func zone(name string) uint32 {
	if name == "" {
		return 0
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}

func (s *sockaddr) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	if binary.NativeEndian.Uint16(s[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
	}
	a := netip.AddrFrom16([16]byte(s[8:24])).Unmap()
	if id := binary.NativeEndian.Uint32(s[24:]); id != 0 && a.IsLinkLocalUnicast() {
		if i, err := net.InterfaceByIndex(int(id)); err == nil {
			a = a.WithZone(i.Name)
		}
	}
	return netip.AddrPortFrom(a, port)
}

// parcel is a datagram to be sent.
type parcel struct {
	link int
	to   netip.AddrPort
	data []byte
}

// sender sends the datagrams of one socket.
type sender struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	parcels []parcel
	headers [sendBatch]mmsghdr
	vectors [sendBatch]unix.Iovec
	names   [sendBatch]sockaddr
}

func newSender(c *net.UDPConn) (*sender, error) {
	raw, err := c.SyscallConn()
	return &sender{conn: c, raw: raw}, err
}

// flush sends what waits, in order; failed is told of what this host does not send.
func (s *sender) flush(failed func(p parcel, err error)) {
	rest := s.parcels
	for len(rest) > 0 {
		n := min(len(rest), sendBatch)
		for i, p := range rest[:n] {
			s.vectors[i] = unix.Iovec{Base: unsafe.SliceData(p.data)}
			s.vectors[i].SetLen(len(p.data))
			s.headers[i].hdr = unix.Msghdr{Name: &s.names[i][0], Namelen: s.names[i].set(p.to), Iov: &s.vectors[i]}
			s.headers[i].hdr.SetIovlen(1)
		}
		sent := 0
		var errno syscall.Errno
		err := s.raw.Control(func(fd uintptr) {
			for {
				var r uintptr
				r, _, errno = syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.headers)), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
				if errno != syscall.EINTR {
					sent = int(r)
					return
				}
			}
		})
		switch {
		case err != nil:
			rest = nil // closed
		case errno == 0:
			rest = rest[sent:]
		default: // of the first
			p := rest[0]
			rest = rest[1:]
			if errno != syscall.EAGAIN {
				failed(p, errno)
			} else if _, err := s.conn.WriteToUDPAddrPort(p.data, p.to); err != nil && !errors.Is(err, net.ErrClosed) {
				failed(p, err) // it has waited for room
			}
		}
	}
	runtime.KeepAlive(s.parcels)
	clear(s.parcels)
	s.parcels = s.parcels[:0]
}

// receiver takes what arrives at one socket.
type receiver struct {
	headers [receiveBatch]mmsghdr
	vectors [receiveBatch]unix.Iovec
	names   [receiveBatch]sockaddr
	buffers [receiveBatch][]byte
	batch   []Datagram
}

func newReceiver() *receiver {
	r := &receiver{}
	for i := range r.headers {
		r.buffers[i] = make([]byte, maxDatagram)
		r.vectors[i].Base = &r.buffers[i][0]
		r.vectors[i].SetLen(maxDatagram)
	}
	return r
}

// take yields what has arrived; nothing where nothing has.
func (r *receiver) take(fd uintptr, link int) []Datagram {
	for i := range r.headers {
		h := &r.headers[i].hdr
		*h = unix.Msghdr{Name: &r.names[i][0], Namelen: uint32(len(r.names[i])), Iov: &r.vectors[i]}
		h.SetIovlen(1)
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.headers)), receiveBatch, unix.MSG_DONTWAIT, 0, 0)
	r.batch = r.batch[:0]
	if errno != 0 {
		return nil
	}
	for i := range int(n) {
		r.batch = append(r.batch, Datagram{Link: link, From: r.names[i].get(), Data: append([]byte(nil), r.buffers[i][:r.headers[i].len]...)})
	}
	return r.batch
}
