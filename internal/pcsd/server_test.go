package pcsd

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/session"
)

// serve starts a server on loopback whose only user is hacluster with password "secret".
func serve(t *testing.T) (base string, dir string) {
	t.Helper()
	return serveConfig(t, Config{})
}

// serveWith starts a server whose programs are played, and logs hacluster in.
func serveWith(t *testing.T, p live.Programs) (base, dir, token string) {
	t.Helper()
	base, dir = serveConfig(t, Config{Programs: p})
	_, token = ask(t, base+"/remote/auth", "", url.Values{"username": {"hacluster"}, "password": {"secret"}})
	return base, dir, token
}

// serveConfig is serve with more of a configuration.
func serveConfig(t *testing.T, more Config) (base string, dir string) {
	t.Helper()
	dir = t.TempDir()
	c := Config{
		Getenv: func(k string) string {
			return map[string]string{"PCSD_PORT": "0", "PCSD_BIND_ADDR": "127.0.0.1"}[k]
		},
		Paths:    pathsIn(dir),
		Hostname: "test",
		CheckPassword: func(_ context.Context, user, password string) (bool, error) {
			return user == "hacluster" && password == "secret", nil
		},
		Groups: func(string) ([]string, error) { return []string{"haclient"}, nil },
	}
	c.Programs, c.Services, c.Log = more.Programs, more.Services, more.Log
	if more.CheckPassword != nil {
		c.CheckPassword = more.CheckPassword
	}
	if more.Groups != nil {
		c.Groups = more.Groups
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ls, err := s.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ls) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "https://" + ls[0].Addr().String(), dir
}

// insecure is a client that takes the certificate which the server made for itself.
func insecure() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} //nolint:gosec // see above
}

func pathsIn(dir string) session.Paths {
	return session.Paths{PcsdDir: dir, CorosyncConf: dir + "/corosync.conf", Dialect: dir + "/dialect", BoothDir: dir + "/booth", CIBDir: dir + "/cib", CorosyncKey: dir + "/authkey", PacemakerKey: dir + "/pacemaker-authkey"}
}

// ask sends a form, with a token if it is not "".
func ask(t *testing.T, url, token string, form url.Values) (int, string) {
	t.Helper()
	c := insecure()
	defer c.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.AddCookie(&http.Cookie{Name: "token", Value: token})
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, string(body)
}

func TestLogin(t *testing.T) {
	base, dir := serve(t)
	login := func(user, password string) string {
		_, body := ask(t, base+"/remote/auth", "", url.Values{"username": {user}, "password": {password}})
		return body
	}
	if got := login("hacluster", "wrong"); got != "" {
		t.Errorf("a wrong password gave %q", got)
	}
	if got := login("root", "secret"); got != "" {
		t.Errorf("an unknown user got %q", got)
	}
	token := login("hacluster", "secret")
	if len(token) < 20 {
		t.Fatalf("no token: %q", token)
	}
	for _, c := range []struct {
		what, path, token string
		code              int
	}{
		{"no token", "/remote/check_auth", "", 401},
		{"a wrong token", "/remote/check_auth", "nonsense", 401},
		{"the token", "/remote/check_auth", token, 200},
		{"no such call", "/remote/no_such_call", token, 404},
		{"no such page", "/../../etc/shadow", "", 404},
	} {
		if code, body := ask(t, base+c.path, c.token, nil); code != c.code {
			t.Errorf("%s: %d %q, want %d", c.what, code, body, c.code)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		fi, err := os.Stat(f)
		if err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", f, fi.Mode(), err)
		}
		if data, err := os.ReadFile(f); err != nil || strings.Contains(string(data), "secret") {
			t.Errorf("%s holds the password, or %v", f, err)
		}
	}
}

func TestHugeFormIsRefused(t *testing.T) {
	base, _ := serve(t)
	code, body := ask(t, base+"/remote/auth", "", url.Values{"username": {strings.Repeat("x", 8<<20)}})
	if code == 200 {
		t.Errorf("%d %.60q", code, body)
	}
	if code, body := ask(t, base+"/remote/auth", "", url.Values{"username": {"hacluster"}, "password": {"secret"}}); code != 200 || body == "" {
		t.Errorf("the server does not live on: %d %q", code, body)
	}
}
