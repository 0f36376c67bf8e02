package remotecib

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/remote/wire"
	"hacluster/internal/tlspsk"
)

// echo is a cluster that answers each request with the request and the user.
type echo struct {
	mu     sync.Mutex
	closed int
}

type echoSession struct {
	c    *echo
	user string
	tell func(*etree.Element)
}

func (e *echo) Open(user string, tell func(*etree.Element)) Session {
	return &echoSession{e, user, tell}
}
func (s *echoSession) ID() string { return "id-of-" + s.user }
func (s *echoSession) Handle(el *etree.Element) {
	el = el.Copy()
	el.CreateAttr("for", s.user)
	s.tell(el)
}

func (s *echoSession) Close() {
	s.c.mu.Lock()
	s.c.closed++
	s.c.mu.Unlock()
}

// bench is a server under test; address tells where a port of it is listened at.
type bench struct {
	*Server
	cluster   *echo
	mu        sync.Mutex
	addresses map[int]string
	log       strings.Builder
	changed   chan struct{}
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func serve(t *testing.T, c Config) *bench {
	t.Helper()
	b := &bench{cluster: &echo{}, addresses: map[int]string{}, changed: make(chan struct{}, 10)}
	c.Cluster, c.Log = b.cluster, slog.New(slog.NewTextHandler(b, nil))
	if c.MayLogIn == nil {
		c.MayLogIn = func(_ context.Context, user, password string) error {
			if user == "alice" && password == "secret" {
				return nil
			}
			return errors.New("no")
		}
	}
	c.listen = func(port int) (net.Listener, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			b.mu.Lock()
			b.addresses[port] = l.Addr().String()
			b.mu.Unlock()
			b.changed <- struct{}{}
		}
		return l, err
	}
	b.Server = New(c)
	t.Cleanup(b.Close)
	return b
}

// at waits for a port, and connects to it.
func (b *bench) at(t *testing.T, port int) net.Conn {
	t.Helper()
	for {
		b.mu.Lock()
		a := b.addresses[port]
		b.mu.Unlock()
		if a != "" {
			c, err := net.Dial("tcp", a)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		}
		select {
		case <-b.changed:
		case <-time.After(time.Minute):
			t.Fatalf("port %d is not listened at; %s", port, b.told())
		}
	}
}

func (b *bench) told() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func message(tag string, attrs ...string) *etree.Element {
	el := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
	return el
}

// logIn logs alice in, and makes one request, which claims to be root's.
func logIn(t *testing.T, c net.Conn) *wire.Stream {
	t.Helper()
	s := wire.New(c)
	t.Cleanup(s.Abort)
	if err := s.Send(message("cib_command", "op", "authenticate", "user", "alice", "password", "secret", "hidden", "password")); err != nil {
		t.Fatal(err)
	}
	hello, err := s.Receive()
	if err != nil || hello.Tag != "cib_result" || hello.SelectAttrValue("cib_op", "") != "register" || hello.SelectAttrValue("cib_clientid", "") != "id-of-alice" {
		t.Fatalf("the answer to the login is %v, %v", hello, err)
	}
	// What is no command is passed over.
	for _, tag := range []string{"other", "cib_command"} {
		if err := s.Send(message(tag, "cib_op", "cib_query")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Receive()
	if err != nil || got.Tag != "cib_command" || got.SelectAttrValue("for", "") != "alice" {
		t.Fatalf("the answer is %v, %v", got, err)
	}
	return s
}

// ended waits until the server has ended a connection.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection is still there")
	}
}

func TestLogin(t *testing.T) {
	b := serve(t, Config{limits: limits{time.Minute, time.Millisecond}})
	b.Listen(Ports{Clear: 1})
	for _, c := range []struct {
		name string
		msg  *etree.Element
		why  string
	}{
		{"a wrong password", message("cib_command", "op", "authenticate", "user", "alice", "password", "guess"), "err=no"},
		{"another user", message("cib_command", "op", "authenticate", "user", "bob", "password", "secret"), "err=no"},
		{"no password", message("cib_command", "op", "authenticate", "user", "alice"), "names no user or has no password"},
		{"no user", message("cib_command", "op", "authenticate", "password", "secret"), "names no user or has no password"},
		{"a request", message("cib_command", "cib_op", "cib_erase"), "came before the login"},
		{"something else", message("lrmd_command", "op", "authenticate", "user", "alice", "password", "secret"), "came before the login"},
		{"too much", message("cib_command", "op", "authenticate", "user", "alice", "password", strings.Repeat("x", loginSize)), "no login came"},
	} {
		conn := b.at(t, 1)
		s := wire.New(conn)
		if err := s.Send(c.msg); err != nil {
			t.Fatal(err)
		}
		ended(t, conn)
		s.Abort()
		if told := b.told(); !strings.Contains(told, c.why) {
			t.Errorf("%s: the log is %s", c.name, told)
		}
	}
	raw := b.at(t, 1)
	_, _ = raw.Write([]byte("GET / HTTP/1.0\r\nHost: a-host-with-a-long-name\r\n\r\n"))
	ended(t, raw)
	if told := b.told(); strings.Contains(told, "secret") || strings.Contains(told, "guess") {
		t.Errorf("the log holds a password: %s", told)
	}
	logIn(t, b.at(t, 1))
}

// Who does not log in has to go when the time is up, or when others want to.
func TestStrangers(t *testing.T) {
	b := serve(t, Config{limits: limits{300 * time.Millisecond, time.Millisecond}})
	b.Listen(Ports{Clear: 1})
	ended(t, b.at(t, 1))
	slow := b.at(t, 1)
	_, _ = slow.Write([]byte{0xbd, 0xdb})
	ended(t, slow)

	b = serve(t, Config{limits: limits{time.Hour, time.Millisecond}})
	b.Listen(Ports{Clear: 1})
	friend := logIn(t, b.at(t, 1)) // is no stranger, and stays
	first := b.at(t, 1)
	for range strangers {
		b.at(t, 1)
	}
	ended(t, first)
	logIn(t, b.at(t, 1))
	if err := friend.Send(message("cib_command")); err != nil {
		t.Fatal(err)
	}
	if _, err := friend.Receive(); err != nil {
		t.Fatal(err)
	}
}

// Ports are followed; connections to one that is given up end, those to another stay.
func TestPorts(t *testing.T) {
	for in, want := range map[string]int{"": 0, "0": 0, "1234": 1234, "65535": 65535, "65536": 0, "-1": 0, "x": 0} {
		if got := PortsOf(message("cib", "remote-clear-port", in, "remote-tls-port", "7")); got != (Ports{7, want}) {
			t.Errorf("%q: %v", in, got)
		}
	}
	b := serve(t, Config{})
	b.Listen(Ports{Clear: 1})
	raw := b.at(t, 1)
	logIn(t, raw)
	b.Listen(Ports{Clear: 2})
	ended(t, raw)
	raw = b.at(t, 2)
	logIn(t, raw)
	b.Close()
	ended(t, raw)
	b.cluster.mu.Lock()
	defer b.cluster.mu.Unlock()
	if b.cluster.closed != 2 {
		t.Errorf("%d sessions have ended", b.cluster.closed)
	}
}

// Within TLS there has to be a key, in a file that nobody else can read; without one nothing is listened at.
func TestTLS(t *testing.T) {
	file := t.TempDir() + "/cib-credentials"
	keys := Keys{file, []uint32{uint32(os.Getuid())}}
	s := &Server{c: Config{Keys: keys}}
	if err := s.secured(); !errors.Is(err, ErrAnonymous) || !strings.Contains(err.Error(), "PCMK_ca_file") || !strings.Contains(err.Error(), file) {
		t.Errorf("with nothing: %v", err)
	}
	const key = "c496618a37acb82672d968de46fb6865eca340409ae5b2620e7d2320c6059a7f"
	for _, c := range []struct {
		text string
		mode os.FileMode
		why  string
	}{
		{"alice:" + key + "\n", 0o640, "can be used by others"},
		{"alice\n", 0o600, "line 1 is not NAME:KEY"},
		{"bob:00\nalice:xyz\n", 0o600, "line 2 is not NAME:KEY"},
		{"# nothing\n", 0o600, "not supported yet"},
	} {
		_ = os.Remove(file)
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := s.secured(); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	if _, err := (Keys{file, nil}).read(); err == nil || !strings.Contains(err.Error(), "may not own it") {
		t.Errorf("a file of somebody else's: %v", err)
	}
	if err := os.WriteFile(file, []byte("# psktool's\n\nalice:"+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := serve(t, Config{Keys: keys})
	b.Listen(Ports{TLS: 1})
	secret, _ := hex.DecodeString(key)
	for _, c := range []struct {
		name string
		key  []byte
		ok   bool
	}{{"alice", secret, true}, {"alice", []byte("another"), false}, {"bob", secret, false}} {
		conn, err := tlspsk.Client(context.Background(), b.at(t, 1), c.name, c.key)
		if (err == nil) != c.ok {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err == nil {
			logIn(t, conn)
		}
	}
	// In clear text nobody comes in here.
	raw := b.at(t, 1)
	plain := wire.New(raw)
	_ = plain.Send(message("cib_command", "op", "authenticate", "user", "alice", "password", "secret"))
	ended(t, raw)
	plain.Abort()
}
