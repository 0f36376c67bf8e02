package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded calls f and turns a fault in shared memory into an error: the other
// process owns the files too, and may have cut them short.
func guarded(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			fault, ok := r.(interface{ Addr() uintptr })
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%w: fault at %#x", errRing, fault.Addr())
		}
	}()
	return f()
}

// put writes b to r, waiting for room. The reader makes room without telling
// anybody, so room is looked for again and again, less often with time.
func put(r *ring, b []byte, stop <-chan struct{}) error {
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		var ok bool
		if err := guarded(func() (err error) { ok, err = r.write(b); return err }); err != nil || ok {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-stop:
			t.Stop()
			return ErrClosed
		}
	}
}

type sharedServer struct {
	stream                         *net.UnixConn
	requests, responses, eventRing *ring
	stop                           chan struct{}
	once                           sync.Once
	bytes                          [64]byte
	ready                          int // requests that the client has told of, not taken yet
	raw                            syscall.RawConn
}

func newSharedServer(name string, p *place, stream *net.UnixConn, size int, w *welcome) (serverLink, error) {
	raw, err := stream.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &sharedServer{stream: stream, stop: make(chan struct{}), raw: raw}
	for _, r := range []struct {
		ring *(*ring)
		kind string
		path *string
	}{{&l.requests, "request", &w.request}, {&l.responses, "response", &w.response}, {&l.eventRing, "event", &w.event}} {
		base := "qb-" + r.kind + "-" + name
		var err error
		if *r.ring, err = newRing(p, base, size); err != nil {
			l.release()
			return nil, err
		}
		*r.path = p.path(base)
	}
	return l, nil
}

// rung waits until the other side has sent bytes, each of which tells of a message, and yields how many. The
// call for them does not wait: the scheduler need not know of it.
func rung(raw syscall.RawConn, b []byte) (n int, err error) {
	rerr := raw.Read(func(fd uintptr) bool {
		r, _, errno := syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch {
		case errno == syscall.EAGAIN || errno == syscall.EINTR:
			return false
		case errno != 0:
			err = errno
		case r == 0:
			err = io.EOF
		}
		n = int(r)
		return true
	})
	return n, errors.Join(rerr, err)
}

func (l *sharedServer) next() (b []byte, err error) {
	for {
		for l.ready == 0 {
			if l.ready, err = rung(l.raw, l.bytes[:]); err != nil {
				return nil, err
			}
		}
		l.ready--
		taken := false
		err = guarded(func() (err error) {
			if taken = l.requests.tryTake(); taken {
				b, err = l.requests.read()
			}
			return err
		})
		if err != nil || taken {
			return b, err
		}
	}
}

func (l *sharedServer) respond([]byte) error { return errors.ErrUnsupported }
func (l *sharedServer) event([]byte) error   { return errors.ErrUnsupported }

func (l *sharedServer) tryRespond(b []byte) (ok bool, err error) {
	err = guarded(func() (err error) { ok, err = l.responses.write(b); return err })
	return ok, err
}

func (l *sharedServer) tryEvent(b []byte) (ok bool, err error) {
	err = guarded(func() (err error) { ok, err = l.eventRing.write(b); return err })
	return ok, err
}

func (l *sharedServer) announce(events int) (told int) {
	for told < events {
		n := min(events-told, len(announcement))
		wrote := 0
		_ = l.raw.Write(func(fd uintptr) bool {
			r, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&announcement[0])), uintptr(n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
			if errno == 0 {
				wrote = int(r)
			}
			return true
		})
		if wrote <= 0 {
			break
		}
		told += wrote
	}
	return told
}

// announcement is a byte for each event.
var announcement = bytes.Repeat([]byte{'e'}, 64)

func (l *sharedServer) canTry() bool { return true }

func (l *sharedServer) flowControl(on bool) {
	var v uint32
	if on {
		v = 1
	}
	_ = guarded(func() error { atomic.StoreUint32(l.requests.head.word(ringFlow), v); return nil })
}

func (l *sharedServer) interrupt() {
	l.once.Do(func() {
		close(l.stop)
		l.stream.Close()
	})
}

func (l *sharedServer) release() {
	for _, r := range []*ring{l.requests, l.responses, l.eventRing} {
		r.unmap()
	}
}

type sharedClient struct {
	stream                         *net.UnixConn
	raw                            syscall.RawConn
	requests, responses, eventRing *ring
	stop                           chan struct{}
	once                           sync.Once
	bytes                          [64]byte
	ready                          int
}

func newSharedClient(stream *net.UnixConn, w welcome) (clientLink, error) {
	raw, err := stream.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &sharedClient{stream: stream, stop: make(chan struct{}), raw: raw}
	for _, r := range []struct {
		ring *(*ring)
		path string
	}{{&l.requests, w.request}, {&l.responses, w.response}, {&l.eventRing, w.event}} {
		var err error
		if *r.ring, err = openRing(r.path); err != nil {
			l.release()
			return nil, err
		}
	}
	return l, nil
}

func (l *sharedClient) start(func()) {}

func (l *sharedClient) busy() (on bool) {
	_ = guarded(func() error { on = atomic.LoadUint32(l.requests.head.word(ringFlow)) != 0; return nil })
	return on
}

func (l *sharedClient) send(b []byte) error {
	if err := put(l.requests, b, l.stop); err != nil {
		return err
	}
	_, err := l.stream.Write([]byte{'r'})
	return err
}

func (l *sharedClient) response() (b []byte, err error) {
	err = guarded(func() (err error) {
		if !l.responses.take(l.stop) {
			return ErrClosed
		}
		b, err = l.responses.read()
		return err
	})
	return b, err
}

// event also watches the stream: it ends when the server does.
func (l *sharedClient) event() (b []byte, err error) {
	for {
		for l.ready == 0 {
			if l.ready, err = rung(l.raw, l.bytes[:]); err != nil {
				return nil, ErrClosed
			}
		}
		l.ready--
		taken := false
		err = guarded(func() (err error) {
			if taken = l.eventRing.tryTake(); taken {
				b, err = l.eventRing.read()
			}
			return err
		})
		if err != nil || taken {
			return b, err
		}
	}
}

func (l *sharedClient) interrupt() {
	l.once.Do(func() {
		close(l.stop)
		l.stream.Close()
		_ = guarded(func() error { l.responses.wake(); return nil })
	})
}

func (l *sharedClient) release() {
	for _, r := range []*ring{l.requests, l.responses, l.eventRing} {
		r.unmap()
	}
}
