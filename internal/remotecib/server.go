// Package remotecib serves a node's CIB to programs on other hosts: cibadmin, crm_mon and others that CIB_server and CIB_port
// lead here ("Connecting from a Remote Machine" in Pacemaker Administration). The attributes remote-tls-port and
// remote-clear-port of the CIB say where; they are followed as they change.
//
// Each connection begins with a login (cib_command, op="authenticate"), in clear text or within TLS: certificates of the cluster's
// authority, or else a key that both ends have. Then it carries the messages of the CIB manager's local service, and the user's permissions hold.
package remotecib

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/remote/certs"
	"hacluster/internal/remote/wire"
	"hacluster/internal/tlspsk"
)

// DefaultKeys is where the keys of users are, a line NAME:KEY each, the key in hexadecimal.
const DefaultKeys = "/etc/pacemaker/cib-credentials"

// The limits of those who have not logged in.
const (
	loginSize = 16 << 10 // bytes of a message
	// strangers is how many may be there at once: the next one takes the place of who waits longest.
	strangers = 64
	// checks is how many passwords are checked at once.
	checks = 2
)

// limits are those of time.
type limits struct {
	login   time.Duration // for the handshake and the login
	refusal time.Duration // how long one takes, as PAM's does
}

// Cluster is what is served.
type Cluster interface {
	// Open begins a session of a user, who is told events and answers by tell. It may be called from any goroutine.
	Open(user string, tell func(*etree.Element)) Session
}

// Session is a user's connection.
type Session interface {
	ID() string
	// Handle takes a request; it is called by one goroutine at a time.
	Handle(*etree.Element)
	Close()
}

// Config is what a server is made of.
type Config struct {
	Cluster      Cluster
	Certificates certs.Files
	Keys         Keys
	// MayLogIn tells whether a user may, with that password: nil if so.
	MayLogIn func(ctx context.Context, user, password string) error
	Log      *slog.Logger

	limits limits
	listen func(port int) (net.Listener, error) // for tests
}

// Server listens where it is told to.
type Server struct {
	c      Config
	checks chan struct{}

	mu      sync.Mutex
	want    Ports
	doors   [2]*door // TLS, clear text
	waiting []*stranger
	wake    chan struct{}
	stop    context.CancelFunc
	done    chan struct{}
}

// Ports are where to listen; 0 is nowhere.
type Ports struct{ TLS, Clear int }

// PortsOf reads the ports from a CIB's root element. What is no port counts as none, as it does for Pacemaker.
func PortsOf(root *etree.Element) Ports {
	port := func(name string) int {
		n, err := strconv.ParseUint(strings.TrimSpace(root.SelectAttrValue(name, "")), 10, 16)
		if err != nil {
			return 0
		}
		return int(n)
	}
	return Ports{port("remote-tls-port"), port("remote-clear-port")}
}

// New makes a server that listens nowhere yet.
func New(c Config) *Server {
	if c.listen == nil {
		c.listen = func(port int) (net.Listener, error) { return net.Listen("tcp", ":"+strconv.Itoa(port)) }
	}
	if c.limits == (limits{}) {
		c.limits = limits{10 * time.Second, 2 * time.Second}
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{c: c, checks: make(chan struct{}, checks), wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go s.run(ctx)
	return s
}

// Listen says where to listen from now on; it does not wait. Connections to a port that is given up end.
func (s *Server) Listen(p Ports) {
	s.mu.Lock()
	same := s.want == p
	s.want = p
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends all connections.
func (s *Server) Close() {
	s.stop()
	<-s.done
}

// retry is how long a port that could not be had is left alone.
const retry = 5 * time.Second

func (s *Server) run(ctx context.Context) {
	defer close(s.done)
	defer func() {
		for i := range s.doors {
			s.turn(ctx, i, 0)
		}
	}()
	told := [2]string{}
	for {
		s.mu.Lock()
		want := s.want
		s.mu.Unlock()
		again := false
		for i, port := range []int{want.TLS, want.Clear} {
			err := s.turn(ctx, i, port)
			why := ""
			if err != nil {
				again, why = true, err.Error()
			}
			if why != told[i] && why != "" {
				s.c.Log.Error("the CIB is not served to other hosts", "port", port, "err", err)
			}
			told[i] = why
		}
		var timer <-chan time.Time
		if again {
			timer = time.After(retry)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer:
		}
	}
}

// door is a port that is listened at.
type door struct {
	s        *Server
	port     int
	tls      bool
	listener net.Listener
	ctx      context.Context
	stop     context.CancelFunc
	guests   sync.WaitGroup
}

// turn has door i at a port; 0 closes it.
func (s *Server) turn(ctx context.Context, i, port int) error {
	if d := s.doors[i]; d != nil {
		if d.port == port {
			return nil
		}
		d.stop()
		d.listener.Close()
		d.guests.Wait()
		s.doors[i] = nil
		s.c.Log.Info("the CIB is no longer served to other hosts", "port", d.port)
	}
	if port == 0 {
		return nil
	}
	d := &door{s: s, port: port, tls: i == 0}
	if d.tls {
		if err := s.secured(); err != nil {
			return err
		}
	}
	l, err := s.c.listen(port)
	if err != nil {
		return err
	}
	if d.tls {
		s.c.Log.Info("the CIB is served to other hosts with TLS", "port", port)
	} else {
		s.c.Log.Warn("the CIB is served to other hosts in clear text, passwords, too: remote-tls-port is safe", "port", port)
	}
	d.listener = l
	d.ctx, d.stop = context.WithCancel(ctx)
	s.doors[i] = d
	d.guests.Add(1)
	go d.accept()
	return nil
}

// ErrAnonymous tells that TLS is asked for with nothing that tells who is at the other end.
var ErrAnonymous = errors.New("not supported yet: TLS without certificates or a key, which leaves the password to whoever answers")

// secured tells whether a handshake can succeed, nil if so.
func (s *Server) secured() error {
	if s.c.Certificates.Set() {
		return s.c.Certificates.Check()
	}
	_, err := s.c.Keys.read()
	if errors.Is(err, errNoKeys) {
		return fmt.Errorf("%w: set PCMK_ca_file, PCMK_cert_file and PCMK_key_file, or write a line NAME:KEY into %s", ErrAnonymous, s.c.Keys.File)
	}
	return err
}

func (d *door) accept() {
	defer d.guests.Done()
	for {
		raw, err := d.listener.Accept()
		if err != nil {
			if d.ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				d.s.c.Log.Warn("a connection from another host was not taken", "port", d.port, "err", err)
				select {
				case <-time.After(100 * time.Millisecond): // too many open files, for one, do not pass at once
					continue
				case <-d.ctx.Done():
				}
			}
			return
		}
		ctx, stop := context.WithCancel(d.ctx)
		x := &stranger{stop}
		d.s.enter(x)
		d.guests.Add(1)
		go func() {
			defer d.guests.Done()
			defer stop()
			defer d.s.leave(x)
			d.serve(ctx, raw, x)
		}()
	}
}

// stranger is a connection without a login.
type stranger struct{ end func() }

// enter lets a connection wait for its login; the one that waits longest has to go where there are too many.
func (s *Server) enter(x *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= strangers {
		s.waiting[0].end()
		s.waiting = s.waiting[1:]
	}
	s.waiting = append(s.waiting, x)
}

func (s *Server) leave(x *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.waiting {
		if o == x {
			s.waiting = append(s.waiting[:i:i], s.waiting[i+1:]...)
			return
		}
	}
}

// serve is a connection from its beginning to its end, or to that of ctx.
func (d *door) serve(ctx context.Context, raw net.Conn, x *stranger) {
	defer raw.Close()
	from := raw.RemoteAddr().String()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	login, end := context.WithTimeout(ctx, d.s.c.limits.login)
	defer end()
	stream, user, err := d.login(login, raw)
	if err != nil {
		if d.ctx.Err() == nil {
			d.s.c.Log.Warn("a program on another host was not let in", "from", from, "port", d.port, "err", err)
		}
		if stream != nil {
			stream.Abort()
		}
		return
	}
	d.s.leave(x)
	defer stream.Abort()
	stream.Limit(wire.MaxCIB)
	_ = raw.SetReadDeadline(time.Time{})
	session := d.s.c.Cluster.Open(user, func(el *etree.Element) {
		if err := stream.Send(el); err != nil && !errors.Is(err, net.ErrClosed) {
			d.s.c.Log.Warn("a program on another host does not listen", "from", from, "user", user, "err", err)
		}
	})
	defer session.Close()
	d.s.c.Log.Info("a program on another host was let in", "from", from, "user", user, "client", session.ID())
	hello := etree.NewElement("cib_result")
	hello.CreateAttr("cib_op", "register")
	hello.CreateAttr("cib_clientid", session.ID())
	if stream.Send(hello) != nil {
		return
	}
	for {
		msg, err := stream.Receive()
		if err != nil {
			return // the end of the connection, or of its sense
		}
		if msg.Tag == "cib_command" {
			session.Handle(msg)
		}
	}
}

// login makes a connection a secure one, where the door is, and has a user log in.
func (d *door) login(ctx context.Context, raw net.Conn) (*wire.Stream, string, error) {
	if limit, ok := ctx.Deadline(); ok {
		_ = raw.SetReadDeadline(limit)
	}
	conn := raw
	if d.tls {
		var err error
		if conn, err = d.secure(ctx, raw); err != nil {
			return nil, "", err
		}
		if limit, ok := ctx.Deadline(); ok {
			_ = raw.SetReadDeadline(limit) // the handshake may have taken it back
		}
	}
	stream := wire.New(conn)
	stream.Limit(loginSize)
	msg, err := stream.Receive()
	if err != nil {
		return stream, "", errors.New("no login came") // what came instead may hold a password
	}
	user, password := msg.SelectAttr("user"), msg.SelectAttr("password")
	switch op := msg.SelectAttrValue("op", ""); {
	case msg.Tag != "cib_command":
		return stream, "", fmt.Errorf("a message %q came before the login", msg.Tag)
	case !strings.EqualFold(op, "authenticate"):
		return stream, "", fmt.Errorf("operation %q came before the login", op)
	case user == nil || password == nil:
		return stream, "", errors.New("the login names no user or has no password")
	}
	began := time.Now()
	select {
	case d.s.checks <- struct{}{}:
	case <-ctx.Done():
		return stream, "", ctx.Err()
	}
	err = d.s.c.MayLogIn(ctx, user.Value, password.Value)
	<-d.s.checks
	if err == nil {
		return stream, user.Value, ctx.Err()
	}
	select {
	case <-time.After(d.s.c.limits.refusal - time.Since(began)):
	case <-ctx.Done():
	}
	return stream, "", err
}

func (d *door) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	if d.s.c.Certificates.Set() {
		return d.s.c.Certificates.Server(ctx, raw)
	}
	keys, err := d.s.c.Keys.read()
	if err != nil {
		return nil, err
	}
	return tlspsk.Server(ctx, raw, func(identity string) ([]byte, error) {
		if k, ok := keys[identity]; ok {
			return k, nil
		}
		return nil, fmt.Errorf("%s has no key for %q", d.s.c.Keys.File, identity)
	})
}
