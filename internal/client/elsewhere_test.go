package client

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/internal/remote/wire"
	"hacluster/internal/tlspsk"
)

const secret = "c496618a37acb82672d968de46fb6865eca340409ae5b2620e7d2320c6059a7f"

// host is a CIB manager on another host: it lets alice in, says 1 to operations but "cib_erase", and tells of a change for each.
func host(t *testing.T, key []byte) (getenv func(string) string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	watchers := make(chan *wire.Stream, 1)
	serve := func(raw net.Conn) {
		if key != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			c, err := tlspsk.Server(ctx, raw, func(string) ([]byte, error) { return key, nil })
			if err != nil {
				raw.Close()
				return
			}
			raw = c
		}
		s := wire.New(raw)
		defer s.Abort()
		login, err := s.Receive()
		if err != nil || login.Tag != "cib_command" || login.SelectAttrValue("op", "") != "authenticate" || login.SelectAttrValue("user", "") != "alice" || login.SelectAttrValue("password", "") != "p<w" {
			return
		}
		_ = s.Send(element("cib_result", "cib_op", "register", "cib_clientid", "7"))
		for {
			m, err := s.Receive()
			if err != nil {
				return
			}
			switch op := m.SelectAttrValue("cib_op", ""); op {
			case "cib_notify":
				watchers <- s
			case "cib_erase":
				return
			default:
				rc := "0"
				if op == "cib_delete" {
					rc = "-13"
				}
				_ = s.Send(element("cib-reply", "t", "cib", "cib_callid", "0", "cib_rc", "-1")) // one that comes late
				el := element("cib-reply", "t", "cib", "cib_callid", m.SelectAttrValue("cib_callid", ""), "cib_rc", rc)
				el.CreateElement("cib_calldata").CreateElement("cib")
				_ = s.Send(el)
				select {
				case w := <-watchers:
					n := element("notify", "t", "cib_notify", "subt", "cib_diff_notify")
					n.CreateElement("cib_update_result").CreateElement("diff")
					_ = w.Send(n)
					watchers <- w
				default:
				}
			}
		}
	}
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go serve(raw)
		}
	}()
	at, port, _ := net.SplitHostPort(l.Addr().String())
	return func(name string) string {
		return map[string]string{"CIB_server": at, "CIB_port": port, "CIB_user": "alice", "CIB_passwd": "p<w", "CIB_encrypted": strconv.FormatBool(key != nil)}[name]
	}
}

// with sets a variable.
func with(getenv func(string) string, name, value string) func(string) string {
	return func(n string) string {
		if n == name {
			return value
		}
		return getenv(n)
	}
}

func TestElsewhere(t *testing.T) {
	if _, ok := ElsewhereFrom(func(string) string { return "" }); ok {
		t.Error("without CIB_port the cluster is elsewhere")
	}
	e, ok := ElsewhereFrom(with(func(string) string { return "" }, "CIB_port", "x"))
	if !ok || e.Port != 0 || e.Server != "localhost" || e.User != "hacluster" || !e.Encrypted {
		t.Errorf("with CIB_port alone: %+v", e)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	getenv := host(t, nil)
	e, _ = ElsewhereFrom(getenv)
	e.Password, e.Ask = "", func() (string, error) { return "p<w", nil }
	c, err := e.DialCIB(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if root, err := c.Query(ctx); err != nil || root.Tag != "cib" {
		t.Fatalf("%v, %v", root, err)
	}
	var told *cib.Error
	if _, err := c.Do(ctx, cib.Request{Op: cib.Delete}); !errors.As(err, &told) || told.Code != cib.Access {
		t.Errorf("what is not permitted: %v", err)
	}
	if err := c.Watch(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		// The watcher is known to the host when it has told of a change.
		next := make(chan error, 1)
		go func() {
			d, err := c.Next(ctx)
			if err == nil && d == nil {
				err = errors.New("no patchset")
			}
			next <- err
		}()
		for waits := true; waits; {
			if _, err := c.Query(ctx); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-next:
				if waits = false; err != nil {
					t.Fatal(err)
				}
			default:
			}
		}
	}
	if _, err := c.Do(ctx, cib.Request{Op: cib.Erase}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("when the connection ends: %v", err)
	}
}

func TestElsewhereRefused(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	key, _ := hex.DecodeString(secret)
	clear, safe := host(t, nil), host(t, key)
	file := func(text string, mode os.FileMode) string {
		f := t.TempDir() + "/key"
		if err := os.WriteFile(f, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return f
	}
	good := with(safe, "CIB_key_file", file(secret+"\n", 0o600))
	for _, c := range []struct {
		name   string
		getenv func(string) string
		code   cib.Code
		why    string
	}{
		{"a key", good, cib.OK, ""},
		{"a wrong password", with(clear, "CIB_passwd", "x"), cib.Protocol, "does not let user alice in: it ended the connection"},
		{"a wrong password and a key", with(good, "CIB_passwd", "x"), cib.Protocol, "does not let user alice in"},
		{"another user", with(clear, "CIB_user", "bob"), cib.Protocol, "does not let user bob in"},
		{"no port", with(clear, "CIB_port", "70000"), cib.NotConnected, ""},
		{"nothing that tells who is there", safe, cib.NotSupported, "set CIB_ca_file, CIB_cert_file and CIB_key_file"},
		{"no key", with(safe, "CIB_key_file", "/nowhere"), cib.Access, "there are no keys"},
		{"a key for all to read", with(safe, "CIB_key_file", file(secret, 0o644)), cib.Access, "can be used by others"},
		{"what is no key", with(safe, "CIB_key_file", file("key", 0o600)), cib.Access, "no key in hexadecimal"},
		{"another key", with(safe, "CIB_key_file", file("00ff", 0o600)), cib.Protocol, "TLS handshake"},
		{"no certificates where they are to be", with(with(good, "CIB_ca_file", "/nowhere"), "CIB_cert_file", "/nowhere"), cib.NoData, "/nowhere"},
		{"no TLS where it is to be", with(good, "CIB_encrypted", "no"), cib.Protocol, "does not let"},
	} {
		e, _ := ElsewhereFrom(c.getenv)
		conn, err := e.DialCIB(ctx)
		if cib.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
