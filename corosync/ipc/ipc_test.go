package ipc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// blockID is a request that echo does not answer.
const blockID = 1 << 20

// echo answers every request with its own bytes, and sends as many events before as the request's first data byte says.
type echo struct {
	closed chan *Conn
	block  chan struct{}
}

func (e *echo) Connected(*Conn) {}

func (e *echo) Message(c *Conn, b []byte) {
	if ID(b) == blockID {
		<-e.block
		return
	}
	events := 0
	if len(b) > RequestHeader {
		events = int(b[RequestHeader])
	}
	for i := range events {
		m := Response(1000+int32(i), 0, ResponseHeader+8)
		binary.NativeEndian.PutUint64(m[ResponseHeader:], uint64(i))
		c.Event(m)
	}
	r := Response(ID(b), 1, ResponseHeader+len(b)-RequestHeader)
	copy(r[ResponseHeader:], b[RequestHeader:])
	c.Respond(r)
}

func (e *echo) Closed(c *Conn) { e.closed <- c }

func serve(t *testing.T, kind Kind, change func(*Config)) (string, *echo, *Server) {
	t.Helper()
	h := &echo{closed: make(chan *Conn, 100), block: make(chan struct{})}
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), rand.Uint64())
	cfg := Config{Name: name, Handler: h, Kind: kind, MaxMessage: 1 << 20, Accept: func(Peer) error { return nil }}
	if change != nil {
		change(&cfg)
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return name, h, s
}

func dial(t *testing.T, name string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func kinds(t *testing.T, f func(*testing.T, Kind)) {
	for _, k := range []Kind{Socket, SharedMemory} {
		t.Run(k.String(), func(t *testing.T) { f(t, k) })
	}
}

func TestCallsAndEvents(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		name, _, _ := serve(t, k, nil)
		c := dial(t, name)
		rng := rand.New(rand.NewPCG(1, 2))
		events, all := 0, make(chan struct{})
		go func() {
			for i := range 2000 {
				size := rng.IntN(3000)
				if i%500 == 7 {
					size = 1<<20 - 1000
				}
				if k == Socket && os.Geteuid() != 0 {
					size = min(size, 100000)
				}
				req := Request(int32(i), RequestHeader+1+size)
				req[RequestHeader] = byte(i % 3)
				for j := RequestHeader + 1; j < len(req); j += 97 {
					req[j] = byte(j + i)
				}
				got, err := c.Call(context.Background(), req)
				if err != nil {
					t.Errorf("call %d: %v", i, err)
					break
				}
				if ID(got) != int32(i) || ErrorOf(got) != 1 || !bytes.Equal(got[ResponseHeader:], req[RequestHeader:]) {
					t.Errorf("call %d of %d bytes: wrong response", i, size)
					break
				}
			}
			select {
			case <-all:
			case <-time.After(5 * time.Second):
			}
			c.Close()
		}()
		for e := range c.Events() {
			// Call i%3 == 1 sends one event, i%3 == 2 two: 0, 0 1, 0, 0 1, …
			want := uint64(0)
			if events%3 == 2 {
				want = 1
			}
			if got := binary.NativeEndian.Uint64(e[ResponseHeader:]); got != want || ID(e) != int32(1000+want) {
				t.Fatalf("event %d holds %d (id %d), not %d", events, got, ID(e), want)
			}
			if events++; events == 1999 {
				close(all)
			}
		}
		if events != 1999 {
			t.Errorf("%d events of 1999", events)
		}
	})
}

func TestServerSeesTheEnd(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		name, h, _ := serve(t, k, nil)
		c := dial(t, name)
		if _, err := c.Call(t.Context(), Request(1, RequestHeader)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		select {
		case <-h.closed:
		case <-time.After(5 * time.Second):
			t.Fatal("the server does not notice that its client has gone")
		}
	})
}

func TestClientSeesTheEnd(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		name, h, s := serve(t, k, nil)
		c := dial(t, name)
		result := make(chan error, 1)
		go func() {
			_, err := c.Call(context.Background(), Request(blockID, RequestHeader))
			result <- err
		}()
		select { // until the call is in the handler
		case h.block <- struct{}{}:
		case <-time.After(5 * time.Second):
			t.Fatal("the request does not arrive")
		}
		s.Close()
		select {
		case err := <-result:
			if !errors.Is(err, ErrClosed) {
				t.Errorf("the call ends with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the call hangs after the server's end")
		}
		if _, open := <-c.Events(); open {
			t.Error("an event from nowhere")
		}
		if c.Err() == nil {
			t.Error("no error after the end")
		}
	})
}

func TestRefusal(t *testing.T) {
	name, _, _ := serve(t, Socket, func(c *Config) { c.Accept = func(Peer) error { return syscall.EAGAIN } })
	if _, err := Dial(t.Context(), name, 1000); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("refused with EAGAIN, the client sees %v", err)
	}
	if _, err := Dial(t.Context(), name+"x", 1000); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody serves, the client sees %v", err)
	}
}

func TestFlowControl(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		conns := make(chan *Conn, 1)
		name, _, _ := serve(t, k, func(c *Config) { c.Handler = &catcher{Handler: c.Handler, got: conns} })
		c := dial(t, name)
		if _, err := c.Call(t.Context(), Request(1, RequestHeader)); err != nil {
			t.Fatal(err)
		}
		server := <-conns
		server.FlowControl(true)
		if _, err := c.Call(t.Context(), Request(1, RequestHeader)); !errors.Is(err, ErrTryAgain) {
			t.Errorf("with flow control a call is %v", err)
		}
		server.FlowControl(false)
		if _, err := c.Call(t.Context(), Request(1, RequestHeader)); err != nil {
			t.Errorf("after flow control: %v", err)
		}
	})
}

// TestSendMany holds that many requests arrive whole and in order, more than there is room for, too, and that sending stops where the server
// asks for that and where a request is wrong.
func TestSendMany(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		conns := make(chan *Conn, 1)
		h := &collector{got: make(chan []byte, 10000)}
		name, _, _ := serve(t, k, func(c *Config) { c.Handler = &catcher{Handler: h, got: conns} })
		c := dial(t, name)
		server := <-conns
		size := func(i int) int { return 8 + i*i%3000 }
		var head [RequestHeader]byte
		var body [4000]byte
		part := func(i int) (_, _ []byte) {
			binary.NativeEndian.PutUint32(head[8:], uint32(RequestHeader+size(i)))
			binary.NativeEndian.PutUint64(body[:], uint64(i))
			return head[:], body[:size(i)]
		}
		const count = 2000
		if sent, err := c.SendMany(count, part); sent != count || err != nil {
			t.Fatalf("%d were sent: %v", sent, err)
		}
		for i := range count {
			if b := <-h.got; len(b) != RequestHeader+size(i) || binary.NativeEndian.Uint64(b[RequestHeader:]) != uint64(i) {
				t.Fatalf("in the place of number %d come %d bytes", i, len(b))
			}
		}
		server.FlowControl(true)
		if sent, err := c.SendMany(3, part); sent != 0 || !errors.Is(err, ErrTryAgain) {
			t.Errorf("with flow control %d were sent: %v", sent, err)
		}
		server.FlowControl(false)
		for what, wrong := range map[string]func() (head, body []byte){
			"no request": func() (head, body []byte) { return nil, nil },
			"too short":  func() (_, _ []byte) { return head[:8], nil },
			"other size": func() (_, _ []byte) { h, b := part(5); return h, b[1:] },
			"too long":   func() (_, _ []byte) { b := Request(1, 2<<20); return b[:RequestHeader], b[RequestHeader:] },
		} {
			sent, err := c.SendMany(4, func(i int) (_, _ []byte) {
				if i == 2 {
					return wrong()
				}
				return part(i)
			})
			if sent != 2 || err == nil || (what == "no request") != errors.Is(err, ErrNoRequest) {
				t.Errorf("%s: %d were sent: %v", what, sent, err)
			}
			<-h.got
			<-h.got
		}
	})
}

// collector keeps requests.
type collector struct{ got chan []byte }

func (h *collector) Connected(*Conn)           {}
func (h *collector) Message(_ *Conn, b []byte) { h.got <- b }
func (h *collector) Closed(*Conn)              {}

type catcher struct {
	Handler
	got chan *Conn
}

func (c *catcher) Connected(n *Conn) { c.got <- n; c.Handler.Connected(n) }

// TestHostileClients holds that bytes which are no libqb, and files that were cut, end one connection only.
func TestHostileClients(t *testing.T) {
	kinds(t, func(t *testing.T, k Kind) {
		name, h, _ := serve(t, k, nil)
		address, err := abstract(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, greeting := range [][]byte{[]byte("GET / HTTP/1.0\r\n\r\n......"), Request(5, helloSize), bytes.Repeat([]byte{0xff}, helloSize), nil} {
			conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: address, Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write(greeting)
			conn.Close()
		}
		c := dial(t, name)
		if _, err := c.Call(t.Context(), Request(1, RequestHeader)); err != nil {
			t.Fatal(err)
		}
		if k == SharedMemory {
			for _, damage := range []func(r *ring){
				func(r *ring) { binary.NativeEndian.PutUint32(r.head.b[ringRead:], 1<<31) },
				func(r *ring) {
					path, _, _ := bytes.Cut(r.head.b[ringDataPath:ringReferences], []byte{0})
					_ = os.Truncate(string(path), 0)
				},
			} {
				l := c.link.(*sharedClient)
				c.sendMu.Lock() // the link is not released meanwhile
				damage(l.requests)
				l.requests.post(1)
				l.bell.ring(1)
				c.sendMu.Unlock()
				<-h.closed
				c = dial(t, name)
			}
		} else {
			l := c.link.(*socketClient)
			if err := l.responses.send([]byte("short")); err != nil {
				t.Fatal(err)
			}
			<-h.closed
		}
		good := dial(t, name)
		if _, err := good.Call(t.Context(), Request(1, RequestHeader)); err != nil {
			t.Fatalf("the server suffers from another client: %v", err)
		}
	})
}

func FuzzGreetings(f *testing.F) {
	f.Add(hello(1000))
	f.Add(welcome{maxMessage: 1 << 20, request: "/a", response: "/b", event: "/c"}.marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseHello(b)
		if w, err := parseWelcome(b); err == nil && w.errno == 0 && w.maxMessage > maxMessageLimit {
			t.Fatal("limit passed")
		}
		_ = checkMessage(b)
	})
}

// tellers keeps its connections.
type tellers struct{ conns chan *Conn }

func (h *tellers) Connected(c *Conn)     { h.conns <- c }
func (h *tellers) Message(*Conn, []byte) {}
func (h *tellers) Closed(*Conn)          {}

// TestStats holds what is told of events that a client does not read, and after it has read them.
func TestStats(t *testing.T) {
	h := &tellers{make(chan *Conn, 1)}
	name, _, _ := serve(t, SharedMemory, func(c *Config) { c.Handler = h })
	client := dial(t, name)
	c := <-h.conns
	for range 3 {
		c.Event(Response(1, 0, 100))
	}
	if s := c.Stats(); s.Queued != 0 || s.Sent != 3 || s.Retries != 0 {
		t.Errorf("with room: %+v", s)
	}
	const events = 200
	for range events { // more than the client's library takes
		c.Event(Response(2, 0, 100_000))
	}
	if s := c.Stats(); s.Queued == 0 || s.Queued >= events || s.Retries == 0 {
		t.Errorf("without room: %+v", s)
	}
	for range 3 + events {
		<-client.Events()
	}
	if s := c.Stats(); s.Queued != 0 || s.Sent != 0 {
		t.Errorf("after all was read: %+v", s)
	}
	c.Event(Response(1, 0, 100))
	if s := c.Stats(); s.Sent != 1 {
		t.Errorf("after that: %+v", s)
	}
	c.ClearStats()
	if s := c.Stats(); s != (Stats{}) {
		t.Errorf("cleared: %+v", s)
	}
}
