package ipc

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
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
}

func newSharedServer(name string, p *place, stream *net.UnixConn, size int, w *welcome) (serverLink, error) {
	l := &sharedServer{stream: stream, stop: make(chan struct{})}
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

func (l *sharedServer) next() (b []byte, err error) {
	for {
		for l.ready == 0 {
			if l.ready, err = l.stream.Read(l.bytes[:]); err != nil {
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

func (l *sharedServer) respond(b []byte) error { return put(l.responses, b, l.stop) }

func (l *sharedServer) event(b []byte) error {
	if err := put(l.eventRing, b, l.stop); err != nil {
		return err
	}
	_, err := l.stream.Write([]byte{'e'})
	return err
}

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
	requests, responses, eventRing *ring
	stop                           chan struct{}
	once                           sync.Once
	bytes                          [64]byte
	ready                          int
}

func newSharedClient(stream *net.UnixConn, w welcome) (clientLink, error) {
	l := &sharedClient{stream: stream, stop: make(chan struct{})}
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
			if l.ready, err = l.stream.Read(l.bytes[:]); err != nil {
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
