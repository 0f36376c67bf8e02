package ipc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// The control file of a connection of kind Socket: for requests, responses and
// events, in this order, a count of messages under way and a flow control word.
const (
	controlSize     = 24
	controlRequest  = 0
	controlResponse = 8
	controlEvent    = 16
	controlFlow     = 4
)

// count changes one of the counts of the control file.
func count(control *mapping, which int, by int32) {
	_ = guarded(func() error { atomic.AddUint32(control.word(which), uint32(by)); return nil })
}

// datagrams is a socket of which each datagram is one message.
type datagrams struct {
	conn *net.UnixConn
	raw  syscall.RawConn
}

// bindDatagrams makes a socket that is known by the abstract name own.
func bindDatagrams(own string, maxMessage int) (*datagrams, error) {
	address, err := abstract(own)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", own, unwrapNet(err))
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	d := &datagrams{conn: conn, raw: raw}
	// The kernel refuses datagrams that are bigger than the buffer. Root may pass the host's limit.
	_ = raw.Control(func(fd uintptr) {
		for _, o := range [][2]int{{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}} {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[0], maxMessage+1024) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[1], maxMessage+1024)
			}
		}
	})
	return d, nil
}

// connect names the only socket that datagrams are taken from and sent to.
func (d *datagrams) connect(other string) error {
	address, err := abstract(other)
	if err != nil {
		return err
	}
	cerr := d.raw.Control(func(fd uintptr) { err = syscall.Connect(int(fd), &syscall.SockaddrUnix{Name: address}) })
	if cerr != nil {
		return cerr
	}
	if err != nil {
		return fmt.Errorf("connect to %s: %w", other, err)
	}
	return nil
}

func closeDatagrams(list ...*datagrams) {
	for _, d := range list {
		if d != nil {
			d.conn.Close()
		}
	}
}

// receive waits for the next datagram. from is its sender's name.
func (d *datagrams) receive() (b []byte, from string, err error) {
	rerr := d.raw.Read(func(fd uintptr) bool {
		var n int
		n, _, err = unix.Recvfrom(int(fd), nil, unix.MSG_PEEK|unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		if err == nil {
			var sa unix.Sockaddr
			b = make([]byte, n)
			n, sa, err = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
			b = b[:max(n, 0)]
			if u, ok := sa.(*unix.SockaddrUnix); ok {
				from = u.Name
			}
		}
		return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	if rerr != nil {
		return nil, "", ErrClosed
	}
	if err != nil {
		return nil, "", err
	}
	return b, plain(from), nil
}

// send waits until the other side takes b.
func (d *datagrams) send(b []byte) error {
	var err error
	werr := d.raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
		return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	if werr != nil {
		return ErrClosed
	}
	return err
}

type socketServer struct {
	stream          *net.UnixConn
	base            string
	requests        *datagrams
	events          *datagrams
	control         *mapping
	connected       chan struct{} // closed when the client's sockets stand
	stop            chan struct{}
	once            sync.Once
	monitor         sync.WaitGroup
	connectedBefore bool
}

func newSocketServer(name string, p *place, stream *net.UnixConn, size int, w *welcome) (serverLink, error) {
	l := &socketServer{stream: stream, base: p.path("qb-" + name), connected: make(chan struct{}), stop: make(chan struct{})}
	w.request, w.response = p.path("qb-control-"+name), l.base
	var err error
	if l.control, err = p.file("qb-control-"+name, controlSize); err == nil {
		if l.requests, err = bindDatagrams(l.base+"-request", size); err == nil {
			l.events, err = bindDatagrams(l.base+"-event-tx", size)
		}
	}
	if err != nil {
		closeDatagrams(l.requests, l.events)
		l.control.unmap()
		return nil, err
	}
	// Nothing arrives on the stream: it ends when the client does.
	l.monitor.Go(func() {
		var b [1]byte
		for {
			if _, err := stream.Read(b[:]); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					continue // the deadline of the handshake, which is lifted
				}
				l.interrupt()
				return
			}
		}
	})
	return l, nil
}

func (l *socketServer) next() ([][]byte, error) {
	for {
		b, from, err := l.requests.receive()
		if err != nil {
			return nil, err
		}
		if !l.connectedBefore {
			if from != l.base+"-response" {
				continue // not our client: anybody can send to an abstract name
			}
			if err := l.requests.connect(l.base + "-response"); err != nil {
				return nil, err
			}
			if err := l.events.connect(l.base + "-event"); err != nil {
				return nil, err
			}
			l.connectedBefore = true
			close(l.connected)
		}
		count(l.control, controlRequest, -1)
		return [][]byte{b}, nil
	}
}

func (l *socketServer) respond(b []byte) error {
	if err := l.requests.send(b); err != nil {
		return err
	}
	count(l.control, controlResponse, 1)
	return nil
}

func (l *socketServer) event(b []byte) error {
	select {
	case <-l.connected:
	case <-l.stop:
		return ErrClosed
	}
	if err := l.events.send(b); err != nil {
		return err
	}
	count(l.control, controlEvent, 1)
	return nil
}

func (l *socketServer) flowControl(on bool) {
	var v uint32
	if on {
		v = 1
	}
	_ = guarded(func() error { atomic.StoreUint32(l.control.word(controlRequest+controlFlow), v); return nil })
}

func (l *socketServer) interrupt() {
	l.once.Do(func() {
		close(l.stop)
		l.stream.Close()
		closeDatagrams(l.requests, l.events)
	})
}

func (l *socketServer) release() {
	l.monitor.Wait()
	l.control.unmap()
}

type socketClient struct {
	stream    *net.UnixConn
	responses *datagrams // requests leave through it, too
	events    *datagrams
	control   *mapping
	once      sync.Once
	monitor   sync.WaitGroup
}

func newSocketClient(stream *net.UnixConn, w welcome) (clientLink, error) {
	if !filepath.IsAbs(w.request) || w.response == "" {
		return nil, errors.New("the server names no sockets")
	}
	l := &socketClient{stream: stream}
	var err error
	if l.control, err = openMapping(w.request, controlSize); err == nil {
		if l.responses, err = bindDatagrams(w.response+"-response", w.maxMessage); err == nil {
			if err = l.responses.connect(w.response + "-request"); err == nil {
				if l.events, err = bindDatagrams(w.response+"-event", w.maxMessage); err == nil {
					err = l.events.connect(w.response + "-event-tx")
				}
			}
		}
	}
	if err != nil {
		closeDatagrams(l.responses, l.events)
		l.control.unmap()
		return nil, err
	}
	return l, nil
}

// start watches the stream: it ends when the server does.
func (l *socketClient) start(onEnd func()) {
	l.monitor.Go(func() {
		var b [1]byte
		for {
			if _, err := l.stream.Read(b[:]); err != nil {
				onEnd()
				return
			}
		}
	})
}

func (l *socketClient) busy() (on bool) {
	_ = guarded(func() error { on = atomic.LoadUint32(l.control.word(controlRequest+controlFlow)) != 0; return nil })
	return on
}

func (l *socketClient) send(requests int, part func(i int) (head, body []byte)) (sent int, err error) {
	for ; sent < requests; sent++ {
		if l.busy() {
			return sent, ErrTryAgain
		}
		head, body := part(sent)
		if head == nil {
			return sent, ErrNoRequest
		}
		if len(body) > 0 {
			head = slices.Concat(head, body)
		}
		count(l.control, controlRequest, 1)
		if err := l.responses.send(head); err != nil {
			count(l.control, controlRequest, -1)
			return sent, err
		}
	}
	return sent, nil
}

func (l *socketClient) response() ([]byte, error) {
	b, _, err := l.responses.receive()
	if err == nil {
		count(l.control, controlResponse, -1)
	}
	return b, err
}

func (l *socketClient) event() ([][]byte, error) {
	b, _, err := l.events.receive()
	if err != nil {
		return nil, err
	}
	count(l.control, controlEvent, -1)
	return [][]byte{b}, nil
}

func (l *socketClient) interrupt() {
	l.once.Do(func() {
		l.stream.Close()
		closeDatagrams(l.responses, l.events)
	})
}

func (l *socketClient) release() {
	l.monitor.Wait()
	l.control.unmap()
}

// A datagram is sent by the writer: whether it would have to wait is not known before.
func (l *socketServer) start() error                      { return nil }
func (l *socketServer) canTry() bool                      { return false }
func (l *socketServer) tryRespond([]message) (int, error) { return 0, nil }
func (l *socketServer) tryEvent([]message) (int, error)   { return 0, nil }
func (l *socketServer) announce(events int) (told int)    { return events }
