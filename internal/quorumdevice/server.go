package quorumdevice

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"hacluster/corosync/qnet"
	"hacluster/corosync/qnetd"
)

// ServerOptions is how qnetd is set up. The zero value is that of the original.
type ServerOptions struct {
	Network      string // tcp4 or tcp6; "" is both
	Address      string // to listen at; "" is all
	Port         int    // 0 is Port, negative lets the system choose
	TLS          qnet.TLS
	CertRequired bool
	MaxClients   int // 0: no limit
	Certs        string
	Socket       string
	Log          *slog.Logger
	Ready        func(addr net.Addr)
}

// server is the shell around a qnetd.Server: one loop owns the core.
type server struct {
	o       ServerOptions
	core    *qnetd.Server
	tls     *tls.Config
	calls   chan func(now time.Time)
	over    chan struct{}
	clients map[qnetd.ID]*peer
	last    qnetd.ID
	stop    context.CancelFunc
}

// peer is one connection. Its reader reads; its writer writes, and turns the
// connection to TLS where the queue says so.
type peer struct {
	id      qnetd.ID
	conn    net.Conn
	out     chan item
	secured chan net.Conn // from the writer to the reader; nil when TLS failed
	tls     bool          // TLS was begun; the loop's
	closed  bool          // the loop's
}

// item is what a writer has to do: bytes to write, or TLS to begin.
type item struct {
	data []byte
	tls  *tls.Config
}

// outbox is how many answers wait for a client before it is given up.
const outbox = 64

// RunServer is qnetd's life; it ends when ctx does or corosync-qnetd-tool says so.
func RunServer(ctx context.Context, o ServerOptions) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Certs == "" {
		o.Certs = ServerCerts
	}
	if o.Socket == "" {
		o.Socket = ServerSocket
	}
	switch {
	case o.Port == 0:
		o.Port = Port
	case o.Port < 0:
		o.Port = 0
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &server{o: o, calls: make(chan func(time.Time)), over: make(chan struct{}), clients: map[qnetd.ID]*peer{}, stop: stop}
	if o.TLS != qnet.TLSUnsupported {
		var err error
		if s.tls, err = ServerTLS(o.Certs, o.CertRequired); err != nil {
			return fmt.Errorf("TLS: %w", err)
		}
	}
	s.core = qnetd.New(qnetd.Config{TLS: o.TLS, CertRequired: o.CertRequired && o.TLS != qnet.TLSUnsupported, KeepActive: true}, s)
	l, err := net.Listen(cmp.Or(o.Network, "tcp"), net.JoinHostPort(o.Address, strconv.Itoa(o.Port)))
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // it ends here
	c, err := openControl(o.Socket, o.Log, s.command)
	if err != nil {
		return err
	}
	defer c.close()
	defer close(s.over)
	go s.accept(l)
	o.Log.Info("qnetd listens", "address", l.Addr().String(), "tls", tlsText(o.TLS))
	if o.Ready != nil {
		o.Ready(l.Addr())
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if next := s.core.Tick(time.Now()); next.IsZero() {
			timer.Reset(time.Hour)
		} else {
			timer.Reset(max(0, time.Until(next)))
		}
		select {
		case f := <-s.calls:
			f(time.Now())
		case <-timer.C:
		case <-ctx.Done():
			for _, p := range s.clients {
				s.end(p)
			}
			return nil
		}
	}
}

// call runs f in the loop; false when the server is over.
func (s *server) call(f func(now time.Time)) bool {
	select {
	case s.calls <- f:
		return true
	case <-s.over:
		return false
	}
}

func (s *server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.o.Log.Warn("accept", "err", err)
			select {
			case <-time.After(100 * time.Millisecond): // out of files, say: nobody tells when there are some
				continue
			case <-s.over:
				return
			}
		}
		p := &peer{conn: conn, out: make(chan item, outbox), secured: make(chan net.Conn, 1)}
		if !s.call(func(now time.Time) { s.admit(now, p) }) {
			_ = conn.Close()
			return
		}
	}
}

func (s *server) admit(now time.Time, p *peer) {
	if s.o.MaxClients > 0 && len(s.clients) >= s.o.MaxClients {
		s.o.Log.Error("too many clients, a new one is refused", "limit", s.o.MaxClients, "address", p.conn.RemoteAddr().String())
		_ = p.conn.Close()
		return
	}
	s.last++
	p.id = s.last
	s.clients[p.id] = p
	s.core.Connect(now, p.id, p.conn.RemoteAddr().String())
	go s.read(p, p.conn)
	go s.write(p)
}

// write does what the queue says until it is closed.
func (s *server) write(p *peer) {
	conn := p.conn
	defer conn.Close() //nolint:errcheck // it is over
	for i := range p.out {
		_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if i.tls == nil {
			if _, err := conn.Write(i.data); err != nil {
				return // the reader tells
			}
			continue
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		c := tls.Server(conn, i.tls)
		if err := c.Handshake(); err != nil {
			s.o.Log.Warn("TLS", "address", conn.RemoteAddr().String(), "err", err)
			p.secured <- nil
			return
		}
		_ = conn.SetReadDeadline(time.Time{})
		var names []string
		if certs := c.ConnectionState().PeerCertificates; len(certs) > 0 {
			names = append([]string{certs[0].Subject.CommonName}, certs[0].DNSNames...)
		}
		s.call(func(time.Time) { s.core.Secured(p.id, names) })
		conn = c
		p.secured <- c
	}
}

func (s *server) read(p *peer, conn net.Conn) {
	defer s.call(func(time.Time) {
		if !p.closed {
			s.core.Disconnect(p.id)
			s.end(p)
		}
	})
	for {
		m, err := qnet.Read(conn, qnet.DefaultSize)
		var bad *qnet.Malformed
		var long *qnet.TooLong
		switch {
		case errors.As(err, &bad):
			if !s.call(func(time.Time) { s.core.Malformed(p.id, bad.Message) }) {
				return
			}
			continue
		case errors.As(err, &long):
			s.o.Log.Warn("a client is dropped", "address", conn.RemoteAddr().String(), "err", err)
			return
		case err != nil:
			return
		}
		begun := make(chan bool, 1)
		if !s.call(func(now time.Time) {
			p.tls = false
			s.core.Receive(now, p.id, m)
			begun <- p.tls
		}) {
			return
		}
		if !<-begun {
			continue
		}
		if conn = <-p.secured; conn == nil {
			return
		}
	}
}

// end closes a connection after what is queued.
func (s *server) end(p *peer) {
	if p.closed {
		return
	}
	p.closed = true
	delete(s.clients, p.id)
	close(p.out)
	_ = p.conn.SetReadDeadline(time.Now())
}

// Send queues a message.
func (s *server) Send(to qnetd.ID, m *qnet.Message) { s.queue(to, item{data: m.Marshal()}) }

// StartTLS queues the beginning of TLS.
func (s *server) StartTLS(on qnetd.ID) {
	s.clients[on].tls = true
	s.queue(on, item{tls: s.tls})
}

// queue gives a client's writer something to do; a client that does not read is given up.
func (s *server) queue(to qnetd.ID, i item) {
	p := s.clients[to]
	if p == nil {
		return
	}
	select {
	case p.out <- i:
	default:
		s.o.Log.Warn("a client does not read", "address", p.conn.RemoteAddr().String())
		_ = p.conn.Close() // its reader ends, and tells the core
	}
}

// Close ends a connection.
func (s *server) Close(id qnetd.ID, reason string) {
	if p := s.clients[id]; p != nil {
		s.o.Log.Info("a client is dropped", "address", p.conn.RemoteAddr().String(), "reason", reason)
		s.end(p)
	}
}

// Logf logs.
func (s *server) Logf(format string, args ...any) { s.o.Log.Info(fmt.Sprintf(format, args...)) }

func (s *server) command(c command) (text string, err error) {
	done := make(chan struct{})
	ok := s.call(func(time.Time) {
		defer close(done)
		switch c.verb {
		case "status":
			text = s.status(c.verbose)
		case "list":
			text = s.list(c.verbose, c.cluster)
		case "shutdown":
			s.stop()
		default:
			err = fmt.Errorf("Unknown command '%s'", c.verb)
		}
	})
	if !ok {
		return "", errors.New("qnetd ends")
	}
	<-done
	return text, err
}

func (s *server) status(verbose bool) string {
	var b strings.Builder
	address := "*"
	if s.o.Address != "" {
		address = s.o.Address
	}
	fmt.Fprintf(&b, "QNetd address:\t\t\t%s:%d\n", address, s.o.Port)
	required := ""
	if s.o.TLS != qnet.TLSUnsupported && s.o.CertRequired {
		required = " (client certificate required)"
	}
	fmt.Fprintf(&b, "TLS:\t\t\t\t%s%s\n", tlsText(s.o.TLS), required)
	fmt.Fprintf(&b, "Connected clients:\t\t%d\n", s.core.Connections())
	fmt.Fprintf(&b, "Connected clusters:\t\t%d\n", len(s.core.Clusters()))
	if !verbose {
		return b.String()
	}
	if s.o.MaxClients != 0 {
		fmt.Fprintf(&b, "Maximum allowed clients:\t%d\n", s.o.MaxClients)
	}
	fmt.Fprintf(&b, "Maximum send/receive size:\t%d/%d bytes\n", qnet.DefaultSize, qnet.DefaultSize)
	return b.String()
}

func numbers(list []uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(words, ", ")
}

func yes(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

func (s *server) list(verbose bool, only string) string {
	var b strings.Builder
	for _, c := range s.core.Clusters() {
		if only != "" && only != c.Name {
			continue
		}
		fmt.Fprintf(&b, "Cluster \"%s\":\n", c.Name)
		keep := ""
		if c.Algorithm == qnet.FFSplit {
			keep = " (KAP Tie-breaker)"
			for _, n := range c.Nodes {
				if !n.KeepActive {
					keep = ""
				}
			}
		}
		fmt.Fprintf(&b, "    Algorithm:\t\t%s%s\n    Tie-breaker:\t%s\n", c.Algorithm, keep, c.Tie)
		for _, n := range c.Nodes {
			fmt.Fprintf(&b, "    Node ID %d:\n        Client address:\t\t%s\n", n.ID, mapped(n.Addr))
			if verbose {
				fmt.Fprintf(&b, "        HB interval:\t\t%dms\n", n.Heartbeat.Milliseconds())
			}
			if n.HasVersion {
				fmt.Fprintf(&b, "        Configuration version:\t%d\n", n.Version)
			}
			if len(n.Config) > 0 {
				fmt.Fprintf(&b, "        Configured node list:\t%s\n", numbers(n.Config))
			}
			if verbose {
				fmt.Fprintf(&b, "        Ring ID:\t\t%s\n", n.Ring)
			}
			if len(n.Members) > 0 {
				fmt.Fprintf(&b, "        Membership node list:\t%s\n", numbers(n.Members))
			}
			if n.Heuristics != 0 || verbose {
				fmt.Fprintf(&b, "        Heuristics:\t\t%s", n.Heuristics)
				if verbose {
					fmt.Fprintf(&b, " (membership: %s, regular: %s)", n.Heuristics, n.Regular)
				}
				b.WriteByte('\n')
			}
			if verbose {
				fmt.Fprintf(&b, "        TLS active:\t\t%s", yes(n.TLS))
				if n.CertOK {
					b.WriteString(" (client certificate verified)")
				}
				b.WriteByte('\n')
			}
			if n.Vote != 0 {
				fmt.Fprintf(&b, "        Vote:\t\t\t%s", n.Vote)
				if n.RealVote != 0 {
					fmt.Fprintf(&b, " (%s)", n.RealVote)
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

// mapped is an address as the original's dual-stack socket shows it.
func mapped(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip.To4() != nil && !strings.Contains(host, ":") {
		return "::ffff:" + host + ":" + port
	}
	return addr
}
