package pcsd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"hacluster/internal/account"
	"hacluster/internal/dialect"
	"hacluster/internal/pcs/session"
)

// Server is pcsd.
type Server struct {
	conf    Config
	users   *users
	logins  *limiter
	tasks   *tasks
	configs sync.Mutex // one change of synchronised files at a time

	mu        sync.Mutex
	cert      *tls.Certificate
	signature string
}

// New makes a server: it reads or makes the certificate. An existing pair that does not
// match is an error.
func New(c Config) (*Server, error) {
	c.Paths = session.DefaultPaths(c.Paths, c.env)
	if c.Programs == nil {
		c.Programs = session.HostPrograms()
	}
	if c.Services == nil {
		c.Services = session.Systemctl{Programs: c.Programs}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.CheckPassword == nil {
		c.CheckPassword = account.Passwords{Now: c.Now}.Check
	}
	if c.Groups == nil {
		c.Groups = account.Groups
	}
	if c.Version == "" {
		c.Version = Version
	}
	if c.Hostname == "" {
		c.Hostname, _ = os.Hostname()
	}
	s := &Server{conf: c, users: &users{path: c.Paths.PcsdDir + "/pcs_users.conf"}, logins: newLimiter(c.Now), tasks: &tasks{now: c.Now, all: map[string]*task{}}}
	if err := s.loadCert(); err != nil {
		return nil, err
	}
	return s, nil
}

// Version is the release of pcsd whose ways the server has.
var Version = dialect.Default.Release()

func newSignature() string {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return ""
	}
	return hex.EncodeToString(b)
}

// restart takes the certificate from disk anew and is another instance from then on.
func (s *Server) restart() error { return s.loadCert() }

func (s *Server) loadCert() error {
	cert, err := loadOrMake(s.conf.Paths.PcsdDir, s.conf.Hostname, s.conf.Now())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cert, s.signature = cert, newSignature()
	return nil
}

func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.cert, nil
		},
	}
}

// Listen opens the addresses that the settings name.
func (s *Server) Listen(ctx context.Context) ([]net.Listener, error) {
	addrs, err := s.conf.addresses()
	if err != nil {
		return nil, err
	}
	var out []net.Listener
	for _, a := range addrs {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", a)
		if err != nil {
			for _, o := range out {
				o.Close()
			}
			return nil, fmt.Errorf("unable to bind to %s: %w", a, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// Serve answers on listeners until ctx ends; requests in progress are finished then.
func (s *Server) Serve(ctx context.Context, listeners []net.Listener) error {
	srv := s.web(ctx)
	srv.TLSConfig = s.tlsConfig()
	local := s.web(ctx)
	local.ConnContext = withPeer
	errs := make(chan error, len(listeners)+1)
	if s.conf.Socket != "" {
		l, err := s.listenLocal(ctx)
		if err != nil {
			return err
		}
		go func() { errs <- local.Serve(l) }()
	}
	for _, l := range listeners {
		go func() { errs <- srv.ServeTLS(l, "", "") }()
	}
	go s.syncLoop(ctx)
	select {
	case err := <-errs:
		srv.Close()
		local.Close()
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, x := range []*http.Server{srv, local} {
		if err := x.Shutdown(limit); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}

// web is a server of requests that sets bounds to clients.
func (s *Server) web(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 15 * time.Second,
		ReadTimeout:       2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
		ErrorLog:          log.New(logWriter{s.conf.Log}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// Run listens and serves; ready is called when clients can connect.
func (s *Server) Run(ctx context.Context, ready func()) error {
	l, err := s.Listen(ctx)
	if err != nil {
		return err
	}
	if ready != nil {
		ready()
	}
	return s.Serve(ctx, l)
}

type logWriter struct{ log *slog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Debug("http", "text", string(p))
	return len(p), nil
}
