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

// ManyHandler is a Handler that takes the requests that are there together.
type ManyHandler interface {
	Handler
	// Messages is Message for several, in their order. The list is the caller's again when it returns, the blocks are the handler's.
	Messages(*Conn, [][]byte)
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
	cfg       Config
	listeners []*net.UnixListener

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
	listeners, err := listenService(cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", cfg.Name, err)
	}
	s := &Server{cfg: cfg, listeners: listeners, conns: map[*Conn]struct{}{}}
	for _, l := range listeners {
		s.wg.Add(1)
		go s.accept(l)
	}
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
	for _, l := range s.listeners {
		l.Close()
	}
	for _, c := range conns {
		c.Close()
	}
	s.wg.Wait()
}

func (s *Server) accept(l *net.UnixListener) {
	defer s.wg.Done()
	turnedAway := false // and told of it: who comes too often is not to fill the log as well
	for {
		stream, err := l.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && !room(stream) {
			err = errNoRoom
			stream.Close()
		}
		if err != nil {
			if !turnedAway {
				s.cfg.Log.Error("accept a client", "service", s.cfg.Name, "error", err)
			}
			turnedAway = true
			time.Sleep(100 * time.Millisecond) // out of descriptors or memory: it may pass
			continue
		}
		turnedAway = false
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

var errNoRoom = errors.New("too many clients: what files this process may still open is for its own work")

// room tells whether a new client leaves files enough to this process for its own work (agents, disks, other nodes): clients, also
// those who may not connect in the end, must not take them all. The number of a file is the lowest that is free.
func room(stream *net.UnixConn) bool {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return true
	}
	raw, err := stream.SyscallConn()
	if err != nil {
		return false // it is over
	}
	free := true
	err = raw.Control(func(fd uintptr) { free = uint64(fd)+min(limit.Cur/4, maxSpare) < limit.Cur })
	return err == nil && free
}

// maxSpare is how many files at most are kept from clients.
const maxSpare = 256

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
	if err := c.link.start(); err != nil {
		c.link.interrupt()
		c.link.release()
		return err
	}
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
