package tlspsk

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func keyOf(id string) ([]byte, error) {
	if id != "lrmd" {
		return nil, errors.New("no such identity")
	}
	return testKey, nil
}

// pair connects two ends over TCP.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		done <- c
	}()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server = <-done
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// both does the two ends' handshakes.
func both(t *testing.T, identity string, key []byte) (client, server *Conn, cerr, serr error) {
	t.Helper()
	a, b := pair(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { server, serr = Server(ctx, b, keyOf) })
	client, cerr = Client(ctx, a, identity, key)
	if cerr == nil {
		// A server that refuses says so after the client's handshake, if at all.
		wg.Wait()
		return client, server, cerr, serr
	}
	a.Close()
	wg.Wait()
	return client, server, cerr, serr
}

func TestTalk(t *testing.T) {
	client, server, cerr, serr := both(t, "lrmd", testKey)
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	if server.Identity != "lrmd" {
		t.Errorf("identity %q", server.Identity)
	}
	data := bytes.Repeat([]byte("all work and no play "), 10000)
	echo := make(chan error, 1)
	go func() {
		got := make([]byte, len(data))
		_, err := io.ReadFull(server, got)
		if err == nil {
			_, err = server.Write(got)
		}
		// A change of keys in the middle, as after very much data.
		if err == nil {
			err = server.updateKey()
		}
		if err == nil {
			_, err = server.Write([]byte("after"))
		}
		echo <- errors.Join(err, server.Close())
	}()
	if _, err := client.Write(data); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(client)
	if err != nil || !bytes.Equal(got, append(data, "after"...)) {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	if err := <-echo; err != nil {
		t.Error(err)
	}
}

func TestWrongKey(t *testing.T) {
	if _, _, cerr, serr := both(t, "lrmd", []byte("another")); !errors.Is(cerr, ErrKey) || !errors.Is(serr, ErrKey) {
		t.Errorf("client: %v\nserver: %v", cerr, serr)
	}
	if _, _, cerr, serr := both(t, "somebody", testKey); !errors.Is(cerr, ErrIdentity) || !errors.Is(serr, ErrIdentity) {
		t.Errorf("client: %v\nserver: %v", cerr, serr)
	}
}

// TestChanged holds that no change on the way goes unnoticed, in the handshake and after.
func TestChanged(t *testing.T) {
	for _, at := range []int{20, 200, 260, 330, 420, 500} {
		a, b := pair(t)
		c, d := pair(t)
		relay := func(from, to net.Conn) {
			buf := make([]byte, 1)
			for i := 0; ; i++ {
				if _, err := io.ReadFull(from, buf); err != nil {
					to.Close()
					return
				}
				if i == at {
					buf[0] ^= 0x10
				}
				if _, err := to.Write(buf); err != nil {
					return
				}
			}
		}
		go relay(b, c)
		go relay(c, b)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		result := make(chan error, 1)
		go func() {
			s, err := Server(ctx, d, keyOf)
			if err == nil {
				_, err = io.ReadAll(s)
			}
			d.Close()
			result <- err
		}()
		conn, err := Client(ctx, a, "lrmd", testKey)
		if err == nil {
			_, err = conn.Write(bytes.Repeat([]byte("x"), 1000))
			_ = conn.Conn.Close()
		} else {
			a.Close()
		}
		if serr := <-result; err == nil && serr == nil {
			t.Errorf("nobody noticed that byte %d was changed", at)
		}
		cancel()
	}
}

// TestGnuTLS talks to GnuTLS, which original nodes use, with the priorities that Pacemaker sets.
func TestGnuTLS(t *testing.T) {
	const priority = "NORMAL:+DHE-PSK:+PSK"
	for _, tool := range []string{"gnutls-serv", "gnutls-cli"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	hexKey := hex.EncodeToString(testKey)
	t.Run("client of ours", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		l.Close()
		file := t.TempDir() + "/psk"
		if err := exec.Command("sh", "-c", "echo lrmd:"+hexKey+" >"+file).Run(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		serve := exec.CommandContext(ctx, "gnutls-serv", "--echo", "--port", port, "--pskpasswd", file, "--priority", priority)
		if err := serve.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { cancel(); _ = serve.Wait() }()
		var raw net.Conn
		for raw == nil {
			raw, err = net.Dial("tcp", "127.0.0.1:"+port)
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		c, err := Client(ctx, raw, "lrmd", testKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("hello\n")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 6)
		if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "hello\n" {
			t.Fatalf("%q %v", buf, err)
		}
		c.Close()
	})
	t.Run("server of ours", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		served := make(chan error, 1)
		go func() {
			raw, err := l.Accept()
			if err != nil {
				served <- err
				return
			}
			s, err := Server(ctx, raw, keyOf)
			if err == nil {
				_, err = s.Write([]byte("from the server\n"))
				s.Close()
			}
			served <- err
		}()
		cli := exec.CommandContext(ctx, "gnutls-cli", "--port", fmt.Sprint(l.Addr().(*net.TCPAddr).Port),
			"--pskusername", "lrmd", "--pskkey", hexKey, "--priority", priority, "127.0.0.1")
		in, _ := cli.StdinPipe()
		out, _ := cli.CombinedOutput()
		in.Close()
		if err := <-served; err != nil || !strings.Contains(string(out), "from the server") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

// A hostile end must get an error and nothing else.
func FuzzHello(f *testing.F) {
	h := clientHello{identity: "lrmd", share: make([]byte, 32)}
	f.Add(h.marshal(newSchedule(testKey)))
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, data []byte) {
		if len(data) < 4 {
			return
		}
		_, _ = parseClientHello(data)
		_, _ = parseServerHello(data, nil)
	})
}
