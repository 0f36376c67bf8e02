package ipc

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"hacluster/corosync/slab"
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
			err = fmt.Errorf("%w, or its file system is full: fault at %#x", errRing, fault.Addr())
		}
	}()
	return f()
}

type sharedServer struct {
	requests, responses, eventRing *ring
	stop                           chan struct{}
	once                           sync.Once
	bell                           bell
	list                           [][]byte // of next
	slab                           slab.Slab
}

func newSharedServer(name string, p *place, stream *net.UnixConn, size int, w *welcome) (serverLink, error) {
	l := &sharedServer{stop: make(chan struct{}), bell: bell{conn: stream, fd: -1}}
	for _, r := range []struct {
		ring *(*ring)
		kind string
		path *string
	}{{&l.requests, "request", &w.request}, {&l.responses, "response", &w.response}, {&l.eventRing, "event", &w.event}} {
		base := "qb-" + r.kind + "-" + name
		var err error
		if *r.ring, err = newRing(p, base, size); err != nil {
			l.unmap() // the stream is left, to tell the client
			return nil, err
		}
		*r.path = p.path(base)
	}
	return l, nil
}

func (l *sharedServer) next() (list [][]byte, err error) {
	l.list, err = l.bell.messages(l.requests, l.list, l.slab.Take)
	return l.list, err
}

func (l *sharedServer) respond([]byte) error { return errors.ErrUnsupported }
func (l *sharedServer) event([]byte) error   { return errors.ErrUnsupported }

func (l *sharedServer) tryRespond(list []message) (wrote int, err error) {
	err = guarded(func() (err error) { wrote, err = l.responses.write(list); return err })
	return wrote, err
}

func (l *sharedServer) tryEvent(list []message) (wrote int, err error) {
	err = guarded(func() (err error) { wrote, err = l.eventRing.write(list); return err })
	return wrote, err
}

func (l *sharedServer) announce(events int) (told int) { return l.bell.ring(events) }

func (l *sharedServer) canTry() bool { return true }

func (l *sharedServer) start() error { return l.bell.start() }

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
		l.bell.interrupt()
	})
}

func (l *sharedServer) release() {
	l.unmap()
	l.bell.release()
}

func (l *sharedServer) unmap() {
	for _, r := range []*ring{l.requests, l.responses, l.eventRing} {
		r.unmap()
	}
}

type sharedClient struct {
	bell                           bell
	requests, responses, eventRing *ring
	stop                           chan struct{}
	once                           sync.Once
	list                           [][]byte // of events
	slab                           slab.Slab
}

func newSharedClient(stream *net.UnixConn, w welcome) (clientLink, error) {
	l := &sharedClient{stop: make(chan struct{}), bell: bell{conn: stream, fd: -1}}
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
	if err := l.bell.start(); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func (l *sharedClient) start(func()) {}

// Requests are told of together, up to so many, and so many bytes. Not more: a server of libqb that sees a request waits until it is
// told of it.
const (
	togetherRequests = 32
	togetherBytes    = 64 << 10
)

func (l *sharedClient) send(count int, part func(i int) (head, body []byte)) (sent int, err error) {
	const soon = 50 * time.Microsecond
	for pause := soon; sent < count; {
		wrote, err := l.write(count-sent, func(i int) (head, body []byte) { return part(sent + i) })
		if sent += wrote; wrote > 0 {
			if rerr := l.bell.insist(wrote); rerr != nil {
				return sent, rerr
			}
			pause = soon
		}
		if err != nil {
			return sent, err
		}
		if wrote > 0 {
			continue
		}
		// The server makes room without telling anybody, so it is looked for again and again, less often with time.
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-l.stop:
			t.Stop()
			return sent, ErrClosed
		}
		pause = min(2*pause, 20*time.Millisecond)
	}
	return sent, nil
}

// write writes the first of some requests, as many as there is room for and are told of together.
func (l *sharedClient) write(count int, part func(i int) (head, body []byte)) (wrote int, err error) {
	err = guarded(func() error {
		o, err := l.requests.begin()
		if err != nil {
			return err
		}
		for bytes := 0; o.wrote < min(count, togetherRequests) && bytes < togetherBytes; {
			if atomic.LoadUint32(l.requests.head.word(ringFlow)) != 0 {
				err = ErrTryAgain
				break
			}
			head, body := part(o.wrote)
			if head == nil {
				err = ErrNoRequest
				break
			}
			if !o.add(message{head, body}) {
				break
			}
			bytes += len(head) + len(body)
		}
		o.done()
		wrote = o.wrote
		return err
	})
	return wrote, err
}

// alone makes a block by itself.
func alone(n int) []byte { return make([]byte, n) }

func (l *sharedClient) response() (b []byte, err error) {
	err = guarded(func() (err error) {
		if !l.responses.await(l.stop) {
			return ErrClosed
		}
		var room [1][]byte
		list, err := l.responses.read(room[:0], 1, alone)
		if len(list) > 0 {
			b = list[0]
		}
		return err
	})
	return b, err
}

// event also watches the stream: it ends when the server does.
func (l *sharedClient) event() ([][]byte, error) {
	var err error
	if l.list, err = l.bell.messages(l.eventRing, l.list, l.slab.Take); err != nil && len(l.list) == 0 {
		return nil, ErrClosed
	}
	return l.list, err
}

func (l *sharedClient) interrupt() {
	l.once.Do(func() {
		close(l.stop)
		l.bell.interrupt()
		_ = guarded(func() error { l.responses.wake(); return nil })
	})
}

func (l *sharedClient) release() {
	for _, r := range []*ring{l.requests, l.responses, l.eventRing} {
		r.unmap()
	}
	l.bell.release()
}
