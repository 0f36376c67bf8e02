package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagrams are sent and received many at a time: a token's visit makes dozens of them, and what a system call
// costs is a good part of what each takes. The calls do not wait, so the scheduler need not know of them: it would
// give the processor away in the middle of a long one.
//
// Datagrams of one size for one host travel through the kernel as one, where it can do that (UDP_SEGMENT and UDP_GRO,
// Linux 4.18 and 5.0): it cuts them where they leave it, or where they reach a program that takes them one by
// one. On the wire nothing is different.

const (
	// sendBatch is how many datagrams go in one system call, receiveBatch how many trains of them come in one.
	sendBatch    = 64
	receiveBatch = 16
	// A train has at most so many datagrams, and so many bytes.
	trainLength = 64
	trainBytes  = 65000
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
	fd      int
	parcels []parcel
	// alone has every datagram travel by itself: the kernel does not do otherwise.
	alone bool
	// patience is until when this sending waits for room; zero while it has not.
	patience time.Time

	byHost   []parcel
	hosts    []netip.AddrPort
	headers  [sendBatch]mmsghdr
	trains   [sendBatch]int // how many datagrams
	vectors  [sendBatch]unix.Iovec
	names    [sendBatch]sockaddr
	controls [sendBatch]control
}

// control is the room for the size of a train's datagrams beside its bytes, aligned as the kernel wants it.
type control struct {
	header unix.Cmsghdr
	size   [8]byte
}

// sort puts what waits in the order of hosts; for each host the order stays.
func (s *sender) sort() []parcel {
	s.hosts = s.hosts[:0]
	for _, p := range s.parcels {
		if !slices.Contains(s.hosts, p.to) {
			s.hosts = append(s.hosts, p.to)
		}
	}
	if len(s.hosts) == 1 {
		return s.parcels
	}
	s.byHost = s.byHost[:0]
	for _, h := range s.hosts {
		for _, p := range s.parcels {
			if p.to == h {
				s.byHost = append(s.byHost, p)
			}
		}
	}
	return s.byHost
}

// train is how many of the first parcels travel together: for one host, of one size but for the last, which may be shorter.
func (s *sender) train(list []parcel) int {
	first := list[0]
	n, bytes := 1, len(first.data)
	for ; n < len(list) && n < trainLength; n++ {
		p := list[n]
		bytes += len(p.data)
		if s.alone || p.to != first.to || len(p.data) == 0 || len(p.data) > len(first.data) || bytes > trainBytes {
			break
		}
		if len(p.data) < len(first.data) {
			return n + 1
		}
	}
	return n
}

// load prepares a system call for the first parcels, of which so many travel alone, and tells how many trains there are.
func (s *sender) load(list []parcel, alone int) (count int) {
	for i := 0; i < len(list) && i < sendBatch; count++ {
		n := 1
		if i >= alone {
			n = s.train(list[i:min(len(list), sendBatch)])
		}
		h := &s.headers[count].hdr
		*h = unix.Msghdr{Name: &s.names[count][0], Namelen: s.names[count].set(list[i].to), Iov: &s.vectors[i]}
		h.SetIovlen(n)
		if n > 1 {
			c := &s.controls[count]
			c.header.Level, c.header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
			c.header.SetLen(unix.CmsgLen(2))
			binary.NativeEndian.PutUint16(c.size[:], uint16(len(list[i].data)))
			h.Control = (*byte)(unsafe.Pointer(c))
			h.SetControllen(unix.CmsgSpace(2))
		}
		s.trains[count] = n
		for _, p := range list[i : i+n] {
			s.vectors[i] = unix.Iovec{Base: unsafe.SliceData(p.data)}
			s.vectors[i].SetLen(len(p.data))
			i++
		}
	}
	return count
}

// flush sends what waits, in order for each host; failed is told of what this host does not send.
func (s *sender) flush(failed func(p parcel, err error)) {
	rest := s.sort()
	alone := 0 // of the rest, of a train that was not taken
	s.patience = time.Time{}
	for len(rest) > 0 {
		n := s.load(rest, alone)
		sent, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.headers)), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == syscall.EINTR:
		case errno == 0:
			for _, n := range s.trains[:sent] {
				rest, alone = rest[n:], max(0, alone-n)
			}
		case errno == syscall.EAGAIN && s.awaitRoom():
		case s.trains[0] > 1: // of the first
			alone = s.trains[0]
			s.alone = s.alone || errno == syscall.EINVAL || errno == syscall.EIO || errno == syscall.EOPNOTSUPP || errno == syscall.ENOPROTOOPT
		default:
			failed(rest[0], errno)
			rest, alone = rest[1:], max(0, alone-1)
		}
	}
	runtime.KeepAlive(s.parcels)
	clear(s.parcels)
	clear(s.byHost)
	s.parcels, s.byHost = s.parcels[:0], s.byHost[:0]
}

// roomTime is how long what is to be sent waits for room in the socket at most. What is lost is sent again.
const roomTime = 100 * time.Millisecond

// awaitRoom waits until the socket takes something; false where this sending has waited long enough.
func (s *sender) awaitRoom() bool {
	if s.patience.IsZero() {
		s.patience = time.Now().Add(roomTime)
	}
	left := time.Until(s.patience)
	if left <= 0 {
		return false
	}
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}, int(left.Milliseconds())+1)
	return err == nil || errors.Is(err, unix.EINTR)
}

// receiver takes what arrives at one socket.
type receiver struct {
	headers  [receiveBatch]mmsghdr
	vectors  [receiveBatch]unix.Iovec
	names    [receiveBatch]sockaddr
	controls [receiveBatch]control
	buffers  [receiveBatch][]byte
	batch    []Datagram
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

// take yields what has arrived, and whether there may be more; nothing where nothing has. It holds until the next call.
func (r *receiver) take(fd int, link int) (batch []Datagram, more bool) {
	for i := range r.headers {
		h := &r.headers[i].hdr
		*h = unix.Msghdr{Name: &r.names[i][0], Namelen: uint32(len(r.names[i])), Iov: &r.vectors[i]}
		h.SetIovlen(1)
		h.Control = (*byte)(unsafe.Pointer(&r.controls[i]))
		h.SetControllen(int(unsafe.Sizeof(r.controls[i])))
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.headers)), receiveBatch, unix.MSG_DONTWAIT, 0, 0)
	r.batch = r.batch[:0]
	if errno != 0 {
		return nil, ofNetwork(errno)
	}
	for i := range int(n) {
		from := r.names[i].get()
		data := r.buffers[i][:r.headers[i].len]
		size := r.datagramSize(i)
		for size > 0 && size < len(data) {
			r.batch = append(r.batch, Datagram{Link: link, From: from, Data: data[:size:size]})
			data = data[size:]
		}
		r.batch = append(r.batch, Datagram{Link: link, From: from, Data: data})
	}
	return r.batch, n == receiveBatch
}

// ofNetwork tells whether an error is one that the network has reported for what was sent: it is told once, and what has arrived is behind it.
func ofNetwork(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EMSGSIZE, syscall.EPROTO, syscall.ENOPROTOOPT,
		syscall.EOPNOTSUPP, syscall.ENONET, syscall.EACCES, syscall.ENETDOWN:
		return true
	}
	return false
}

// datagramSize is that of the datagrams in a train; 0 where it is one.
func (r *receiver) datagramSize(i int) int {
	c, h := &r.controls[i], &r.headers[i].hdr
	if int(h.Controllen) < unix.CmsgLen(4) || c.header.Level != unix.SOL_UDP || c.header.Type != unix.UDP_GRO {
		return 0
	}
	return int(binary.NativeEndian.Uint32(c.size[:]))
}
