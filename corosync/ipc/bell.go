package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"hacluster/corosync/poll"
)

// bell is the stream on which each side tells the other of messages in shared memory, a byte for each. What counts is what the
// ring holds; of the bytes only that there are some: so they are taken many at a time, and seldom.
//
// Package net would have the kernel tell of room for more as well, with each byte that the other side takes: the
// wakes for nothing cost more than all the rest. So only what arrives is waited for (package poll).
type bell struct {
	conn *net.UnixConn // until start

	mu       sync.Mutex // for what follows, where it changes
	fd       int        // the stream; -1 before start and after release
	arrivals *poll.Arrivals
	closed   bool

	bytes [512]byte
	// taken is how many messages were taken of which the bytes were not, or, where it is below 0, the other way round.
	taken int
}

// start takes the stream over from package net; the greeting is over.
func (l *bell) start() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	raw, err := l.conn.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { l.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil {
		err = cerr
	}
	if err != nil {
		l.fd = -1
		return fmt.Errorf("a descriptor of the stream: %w", err)
	}
	if l.arrivals, err = poll.NewArrivals(l.fd); err != nil {
		return err
	}
	return l.conn.Close()
}

// interrupt makes wait return, and tells the other side that the connection is over.
func (l *bell) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	_ = l.conn.Close()
	if l.fd >= 0 {
		_ = unix.Shutdown(l.fd, unix.SHUT_RDWR)
	}
	if l.arrivals != nil {
		_ = l.arrivals.Close()
	}
}

// release lets go of the stream: nobody may be in the other methods.
func (l *bell) release() {
	l.interrupt()
	if l.fd >= 0 {
		_ = unix.Close(l.fd)
		l.fd = -1
	}
}

// read takes bytes that are there; false where there are none.
func (l *bell) read() (some bool, err error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(l.fd), uintptr(unsafe.Pointer(&l.bytes)), uintptr(len(l.bytes)), unix.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return false, nil
	case errno != 0:
		return false, errno
	case n == 0:
		return false, io.EOF
	}
	l.taken -= int(n)
	return true, nil
}

// wait waits until the other side rings. The call for it does not wait: the scheduler need not know of it.
func (l *bell) wait() (err error) {
	rerr := l.arrivals.Read(func() bool {
		some := false
		some, err = l.read()
		return some || err != nil
	})
	return errors.Join(rerr, err)
}

// keepUp takes bytes where many were not taken, so that the stream has room for more. Its end is seen by wait.
func (l *bell) keepUp() {
	if l.taken >= len(l.bytes)/4 {
		_, _ = l.read()
	}
}

// rings is a byte for each message.
var rings = bytes.Repeat([]byte{'e'}, 64)

// ring tells the other side of messages, as many as it can be told of now.
func (l *bell) ring(messages int) (told int) {
	for told < messages {
		n := min(messages-told, len(rings))
		wrote, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(l.fd), uintptr(unsafe.Pointer(&rings[0])), uintptr(n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno != 0 {
			return told
		}
		told += int(wrote)
	}
	return told
}

// insist tells the other side of messages, and waits until it can.
func (l *bell) insist(messages int) error {
	for messages > 0 {
		n := min(messages, len(rings))
		wrote, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(l.fd), uintptr(unsafe.Pointer(&rings[0])), uintptr(n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			messages -= int(wrote)
		case syscall.EAGAIN, syscall.EINTR:
			// The stream is full of what the other side was told: its end, too, ends this.
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLOUT}}, -1); err != nil && !errors.Is(err, syscall.EINTR) {
				return err
			}
		default:
			return errno
		}
	}
	return nil
}

// Requests are taken up to so many, and so many bytes, at a time.
const (
	manyRequests = 64
	manyBytes    = 256 << 10
)

// messages takes what is in a ring, and waits for something where there is nothing. Of a ring that is damaged it yields
// first what was before. take makes blocks for them.
func (l *bell) messages(r *ring, list [][]byte, take func(n int) []byte) (_ [][]byte, err error) {
	if list == nil {
		list = make([][]byte, 0, manyRequests)
	}
	clear(list)
	list = list[:0]
	for {
		err = guarded(func() (err error) {
			list, err = r.read(list, manyBytes, take)
			return err
		})
		l.taken += len(list)
		if err != nil || len(list) > 0 {
			l.keepUp()
			return list, err
		}
		if err = l.wait(); err != nil {
			return nil, err
		}
	}
}
