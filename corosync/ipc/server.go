package ipc

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Peer is the process at the other end, as the kernel knows it.
type Peer struct {
	PID, UID, GID uint32
}

// Handler is what a service does. Its methods are called from the goroutine of
// the connection concerned: for one connection one at a time, in the order
// Connected, Message…, Closed.
type Handler interface {
	// Connected tells of a new connection, before its first message.
	Connected(*Conn)
	// Message is a whole request, header included. The block belongs to the handler.
	Message(*Conn, []byte)
	// Closed tells that the connection is over; nothing can be sent any more.
	Closed(*Conn)
}

// Config says what a server is.
type Config struct {
	// Name is the service's name, such as "cpg" or "cib_rw".
	Name string
	// Handler does the service. Required.
	Handler Handler
	// Accept decides who may connect: nil lets in, an error refuses. An error that
	// wraps a syscall.Errno is told to the client as that one, any other as EACCES.
	// A nil Accept lets in user 0 and group 0 only.
	Accept func(Peer) error
	// Kind is the way messages travel that is offered.
	Kind Kind
	// MaxMessage is the size in bytes that messages may have where the client asks
	// for less; 128 KiB where it is 0.
	MaxMessage int
	// MaxQueued bounds the bytes waiting for one slow client; past it the
	// connection ends. 64 MiB where it is 0.
	MaxQueued int
	// Dir is where the files of connections are made; /dev/shm where it is "".
	Dir string
	// Log gets what goes wrong with single connections; nil discards it.
	Log *slog.Logger
}

// Server listens for the clients of one service.
type Server struct {
	cfg      Config
	listener *net.UnixListener

	mu     sync.Mutex
	conns  map[*Conn]struct{}
	closed bool
	wg     sync.WaitGroup
}

// handshakeTime is how long a client may take for its greeting.
const handshakeTime = 10 * time.Second

// Listen starts a service. An error wraps syscall.EADDRINUSE where the name is taken.
func Listen(cfg Config) (*Server, error) {
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = 128 << 10
	}
	if cfg.MaxQueued == 0 {
		cfg.MaxQueued = 64 << 20
	}
	if cfg.Dir == "" {
		cfg.Dir = "/dev/shm"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Accept == nil {
		cfg.Accept = func(p Peer) error {
			if p.UID == 0 || p.GID == 0 {
				return nil
			}
			return syscall.EACCES
		}
	}
	if cfg.Handler == nil {
		return nil, errors.New("ipc: no handler")
	}
	name, err := abstract(cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("ipc: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", cfg.Name, unwrapNet(err))
	}
	s := &Server{cfg: cfg, listener: l, conns: map[*Conn]struct{}{}}
	s.wg.Add(1)
	go s.accept()
	return s, nil
}

// Close ends the service and all its connections, and waits until they are over.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	s.listener.Close()
	for _, c := range conns {
		c.Close()
	}
	s.wg.Wait()
}

func (s *Server) accept() {
	defer s.wg.Done()
	for {
		stream, err := s.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of descriptors or memory: it may pass.
			s.cfg.Log.Error("accept a client", "service", s.cfg.Name, "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			defer stream.Close()
			if err := s.serve(stream); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
				s.cfg.Log.Info("connection ended", "service", s.cfg.Name, "reason", err)
			}
		}()
	}
}

// serve is the life of one connection.
func (s *Server) serve(stream *net.UnixConn) error {
	peer, err := peerOf(stream)
	if err != nil {
		return err
	}
	b := make([]byte, helloSize)
	_ = stream.SetDeadline(time.Now().Add(handshakeTime))
	if _, err := io.ReadFull(stream, b); err != nil {
		return err
	}
	wanted, err := parseHello(b)
	if err != nil {
		return fmt.Errorf("process %d: %w", peer.PID, err)
	}
	if err := s.cfg.Accept(peer); err != nil {
		errno := syscall.EACCES
		errors.As(err, &errno)
		_, _ = stream.Write(welcome{errno: -int32(errno)}.marshal())
		return fmt.Errorf("process %d (user %d, group %d) refused: %w", peer.PID, peer.UID, peer.GID, err)
	}
	size := max(wanted, s.cfg.MaxMessage, minMessage)
	c := &Conn{server: s, peer: peer, done: make(chan struct{}), maxMessage: size}
	c.responses.wake, c.events.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	place, err := newPlace(s.cfg.Dir, peer)
	if err != nil {
		_, _ = stream.Write(welcome{errno: -int32(syscall.ENOMEM)}.marshal())
		return err
	}
	defer place.remove()
	w := welcome{kind: s.cfg.Kind, maxMessage: size}
	switch s.cfg.Kind {
	case Socket:
		c.link, err = newSocketServer(s.cfg.Name, place, stream, size, &w)
	case SharedMemory:
		c.link, err = newSharedServer(s.cfg.Name, place, stream, size, &w)
	default:
		err = fmt.Errorf("unknown kind of connection %v", s.cfg.Kind)
	}
	if err != nil {
		_, _ = stream.Write(welcome{errno: -int32(syscall.ENOMEM)}.marshal())
		return err
	}
	if !s.keep(c) {
		c.link.interrupt()
		c.link.release()
		return ErrClosed
	}
	defer s.forget(c)
	if _, err := stream.Write(w.marshal()); err != nil {
		c.link.interrupt()
		c.link.release()
		return err
	}
	_ = stream.SetDeadline(time.Time{})
	return c.run()
}

func (s *Server) keep(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// serverLink is one way in which a server's messages travel. next, respond and
// event block, each called from one goroutine; after interrupt they return
// ErrClosed or another error. release frees what they use: nobody may be in them.
// tryRespond, tryEvent and announce do not block, and are called by one at a time. The client does not learn of an event by
// tryEvent before announce has told it how many have come. canTry tells whether they are to be used, or respond and event.
type serverLink interface {
	next() ([]byte, error)
	respond([]byte) error
	event([]byte) error
	canTry() bool
	tryRespond([]byte) (bool, error)
	tryEvent([]byte) (bool, error)
	announce(events int) (told int)
	flowControl(on bool)
	interrupt()
	release()
}

// Conn is a client's connection as its server sees it. Its methods may be called from any goroutine.
type Conn struct {
	server     *Server
	peer       Peer
	link       serverLink
	maxMessage int

	responses, events queue
	closeOnce         sync.Once
	done              chan struct{}
	err               error

	mu       sync.Mutex
	value    any
	released bool
}

// Peer is the process that connected.
func (c *Conn) Peer() Peer { return c.peer }

// MaxMessage is the size in bytes that the messages of the connection may have.
func (c *Conn) MaxMessage() int { return c.maxMessage }

// SetValue keeps something of the handler's with the connection; Value returns it.
func (c *Conn) SetValue(v any) { c.mu.Lock(); c.value = v; c.mu.Unlock() }

// Value is what SetValue kept.
func (c *Conn) Value() any { c.mu.Lock(); defer c.mu.Unlock(); return c.value }

// Done is closed when the connection is over.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close ends the connection without waiting.
func (c *Conn) Close() { c.end(ErrClosed) }

// Respond queues the response to the request that was taken last.
func (c *Conn) Respond(b []byte) { c.put(&c.responses, b, c.tryRespond) }

// Event queues an event. Events arrive in the order in which they are queued.
func (c *Conn) Event(b []byte) {
	c.put(&c.events, b, c.tryEvent)
	c.Flush()
}

// EventLater is Event where more are to come: the client learns of them by Flush.
func (c *Conn) EventLater(b []byte) { c.put(&c.events, b, c.tryEvent) }

// Flush tells the client of the events by EventLater, and writes what has waited for room where there is some now. It tells
// whether there is more: then it is to be called again soon; it is written in time without that, too.
func (c *Conn) Flush() (more bool) {
	select {
	case <-c.done:
		return false
	default:
	}
	more, err := c.events.drain(c.tryEvent, c.tell)
	if err != nil {
		c.end(err)
		return false
	}
	return more
}

func (c *Conn) tryRespond(b []byte) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released || !c.link.canTry() {
		return false, nil
	}
	return c.link.tryRespond(b)
}

func (c *Conn) tryEvent(b []byte) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released || !c.link.canTry() {
		return false, nil
	}
	ok, err := c.link.tryEvent(b)
	if ok {
		c.events.untold++
	}
	return ok, err
}

// tell tells the client of events, as many as it can be told of now.
func (c *Conn) tell(events int) (told int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return 0
	}
	return c.link.announce(events)
}

// Queued is the number of events that the client has not been handed yet.
func (c *Conn) Queued() int { return c.events.len() }

// FlowControl tells the client's library to say "try again" (on) or to send (off).
func (c *Conn) FlowControl(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.released {
		c.link.flowControl(on)
	}
}

// put has a message written at once where nobody else is writing and there is room, and else leaves it to the
// writer: a wake of another goroutine takes longer than all the rest.
func (c *Conn) put(q *queue, b []byte, try func([]byte) (bool, error)) {
	if len(b) > c.maxMessage {
		c.end(fmt.Errorf("message of %d bytes for process %d, which takes %d", len(b), c.peer.PID, c.maxMessage))
		return
	}
	waiting, err := q.put(b, try)
	if err != nil {
		c.end(err)
	} else if waiting > c.server.cfg.MaxQueued {
		c.end(fmt.Errorf("process %d does not read: more than %d bytes wait", c.peer.PID, c.server.cfg.MaxQueued))
	}
}

func (c *Conn) end(err error) {
	c.closeOnce.Do(func() {
		c.err = err
		close(c.done)
		c.link.interrupt()
	})
}

func (c *Conn) run() error {
	var writers sync.WaitGroup
	for _, w := range []struct {
		q    *queue
		send func([]byte) error
		try  func([]byte) (bool, error)
		tell func(int) int
	}{{&c.responses, c.link.respond, c.tryRespond, nil}, {&c.events, c.link.event, c.tryEvent, c.tell}} {
		writers.Go(func() {
			var err error
			if c.link.canTry() {
				err = w.q.keepTrying(c.done, w.try, w.tell)
			} else {
				err = w.q.keepSending(c.done, w.send)
			}
			if err != nil {
				c.end(err)
			}
		})
	}
	c.server.cfg.Handler.Connected(c)
	for {
		b, err := c.link.next()
		if err == nil {
			err = checkMessage(b)
		}
		if err != nil {
			c.end(err)
			break
		}
		c.server.cfg.Handler.Message(c, b)
	}
	writers.Wait()
	c.link.interrupt() // returns only when an interrupt under way is through
	c.mu.Lock()
	c.released = true
	c.link.release()
	c.mu.Unlock()
	c.server.cfg.Handler.Closed(c)
	return c.err
}

// queue holds messages for a writer.
type queue struct {
	mu    sync.Mutex
	list  [][]byte
	bytes int
	// untold is how many events the client can read and does not know of.
	untold int
	wake   chan struct{}
}

// put writes b by try where nothing is before it, or adds it, and returns the bytes that wait now.
func (q *queue) put(b []byte, try func([]byte) (bool, error)) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		if ok, err := try(b); ok || err != nil {
			return 0, err
		}
	}
	q.list = append(q.list, b)
	q.bytes += len(b)
	q.rouse()
	return q.bytes, nil
}

// rouse wakes the writer.
func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) len() int { q.mu.Lock(); defer q.mu.Unlock(); return len(q.list) }

// pop takes the first message. The caller holds the lock.
func (q *queue) pop() {
	q.bytes -= len(q.list[0])
	q.list[0] = nil
	q.list = q.list[1:]
}

// drain writes what waits as far as there is room, and tells whether something is left.
func (q *queue) drain(try func([]byte) (bool, error), tell func(int) int) (more bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) > 0 {
		ok, err := try(q.list[0])
		if err != nil {
			return false, err
		}
		if !ok {
			break
		}
		q.pop()
	}
	if q.untold > 0 && tell != nil {
		if q.untold -= tell(q.untold); q.untold > 0 {
			q.rouse()
		}
	}
	return len(q.list) > 0 || q.untold > 0, nil
}

// keepTrying writes what waits, until done is closed. The reader makes room without telling anybody, so room is looked
// for again and again, less often with time.
func (q *queue) keepTrying(done <-chan struct{}, try func([]byte) (bool, error), tell func(int) int) error {
	for {
		select {
		case <-q.wake:
		case <-done:
			return nil
		}
		before := -1
		for pause := 50 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
			more, err := q.drain(try, tell)
			if err != nil {
				return err
			}
			if !more {
				break
			}
			now := q.len()
			if now < before { // it reads
				pause = 50 * time.Microsecond
			}
			before = now
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-done:
				t.Stop()
				return nil
			}
		}
	}
}

// keepSending writes what comes by a call that waits for room, until done is closed.
func (q *queue) keepSending(done <-chan struct{}, send func([]byte) error) error {
	for {
		select {
		case <-q.wake:
		case <-done:
			return nil
		}
		for {
			q.mu.Lock()
			if len(q.list) == 0 {
				q.mu.Unlock()
				break
			}
			b := q.list[0]
			q.pop()
			q.mu.Unlock()
			if err := send(b); err != nil {
				return err
			}
			select {
			case <-done:
				return nil
			default:
			}
		}
	}
}

func peerOf(stream *net.UnixConn) (Peer, error) {
	raw, err := stream.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); cerr != nil {
		return Peer{}, cerr
	}
	if err != nil {
		return Peer{}, fmt.Errorf("who is the client: %w", err)
	}
	return Peer{PID: uint32(cred.Pid), UID: cred.Uid, GID: cred.Gid}, nil
}

// unwrapNet takes the address out of an error of net: it is not printable.
func unwrapNet(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
