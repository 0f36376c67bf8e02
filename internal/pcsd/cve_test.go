package pcsd

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hacluster/internal/pcs/live"
)

// Every public weakness of pcsd, and of the libraries by which it speaks HTTP, is a test by its number.

// someRights are the permissions of carol, who may only look, and bob, who may write.
const someRights = `{"format_version":2,"data_version":1,"clusters":[],"permissions":{"local_cluster":[{"type":"user","name":"bob","allow":["read","write"]},{"type":"user","name":"carol","allow":["read"]}]}}`

// crowd is a server with the users hacluster, bob and carol, whose tokens come back by name.
func crowd(t *testing.T, m live.Programs, log io.Writer) (base, dir string, tokens map[string]string) {
	t.Helper()
	c := Config{Programs: m}
	if log != nil {
		c.Log = NewLogger(log, true)
	}
	return crowdWith(t, c)
}

// crowdWith is crowd with more of a configuration.
func crowdWith(t *testing.T, more Config) (base, dir string, tokens map[string]string) {
	t.Helper()
	c := Config{
		Programs: more.Programs, Services: more.Services, Log: more.Log,
		CheckPassword: func(_ context.Context, user, password string) (bool, error) {
			return password == "secret of "+user, nil
		},
		Groups: func(user string) ([]string, error) {
			if user == "mallory" {
				return []string{"users"}, nil
			}
			return []string{"haclient"}, nil
		},
	}
	base, dir = serveConfig(t, c)
	if err := os.WriteFile(dir+"/pcs_settings.conf", []byte(someRights), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens = map[string]string{}
	for _, u := range []string{"hacluster", "bob", "carol"} {
		_, tokens[u] = ask(t, base+"/remote/auth", "", url.Values{"username": {u}, "password": {"secret of " + u}})
		if tokens[u] == "" {
			t.Fatalf("%s cannot log in", u)
		}
	}
	return base, dir, tokens
}

// CVE-2015-1848, CVE-2015-3983: cookies without Secure and HttpOnly. There are no sessions: no answer sets a cookie.
func TestCVE_2015_1848_2015_3983(t *testing.T) {
	base, _ := serve(t)
	for _, path := range []string{"/", "/login", "/ui/", "/manage", "/remote/auth", "/remote/check_auth"} {
		resp := get(t, base+path, nil)
		if c := resp.Header.Values("Set-Cookie"); len(c) > 0 {
			t.Errorf("%s sets %v", path, c)
		}
	}
}

func get(t *testing.T, url string, header http.Header) *http.Response {
	t.Helper()
	c := insecure()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(data))
	c.CloseIdleConnections()
	return resp
}

// CVE-2015-5189: requests of two users at once, one carried out as the other.
func TestCVE_2015_5189(t *testing.T) {
	base, _, tokens := crowd(t, &echoing{}, nil)
	var wg sync.WaitGroup
	for range 20 {
		for _, u := range []string{"hacluster", "bob"} {
			wg.Go(func() {
				_, got := ask(t, base+"/run_pcs", tokens[u], url.Values{"command": {`["cluster","start","x"]`}, "options": {"[]"}})
				if !strings.Contains(got, "CIB_user="+u+" ") {
					t.Errorf("%s acts as another: %s", u, got)
				}
			})
		}
	}
	wg.Wait()
}

// echoing answers with the environment that a program was given.
type echoing struct{}

func (*echoing) Run(_ context.Context, env []string, _, _ string, args ...string) (live.Result, error) {
	return live.Result{Stdout: strings.Join(env, " ") + " " + strings.Join(args, " ")}, nil
}

// hostile are texts that would do something in a shell, in XML, in XPath, in a path, or to an option parser.
var hostile = []string{"$(touch /tmp/pwned)", "`id`", "a;b", "a|b", "a&b", "a\nb", `"'`, "--force", "-f/etc/shadow", "../../etc/shadow", "<script>alert(1)</script>", "' or '1'='1", "a b", "*", "\x7f"}

// CVE-2015-5190: command injection by characters that a shell reads. What comes in any field goes to programs as one
// word each, behind the end of options, or nowhere.
func TestCVE_2015_5190(t *testing.T) {
	rec := &words{}
	base, _, tokens := crowd(t, rec, nil)
	for _, h := range hostile {
		data, err := json.Marshal([]string{h})
		if err != nil {
			t.Fatal(err)
		}
		q := string(data[1 : len(data)-1])
		calls := []func(){
			func() {
				ask(t, base+"/run_pcs", tokens["hacluster"], url.Values{"command": {`["cluster","start",` + q + `]`}, "options": {"[]"}})
			},
			func() {
				say(t, http.MethodPost, base+"/api/v1/acl-remove-target/v1", tokens["hacluster"], "", `{"target_id":`+q+`}`)
			},
			func() {
				say(t, http.MethodPost, base+"/api/v1/resource-create/v1", tokens["hacluster"], "", `{"resource_id":`+q+`,"resource_agent_name":`+q+`,"operation_list":[],"meta_attributes":{"a":`+q+`},"instance_attributes":{"b":`+q+`}}`)
			},
			func() {
				ask(t, base+"/remote/remove_nodes_from_cib", tokens["hacluster"], url.Values{"data_json": {`{"node_list":[` + q + `]}`}})
			},
			func() {
				ask(t, base+"/remote/cluster_start", tokens["hacluster"], url.Values{"name": {h}, "component": {h}})
			},
			func() {
				say(t, http.MethodPost, base+"/api/v1/scsi-unfence-node/v2", tokens["hacluster"], "", `{"node":`+q+`,"original_devices":[],"updated_devices":[`+q+`]}`)
			},
		}
		for i, call := range calls {
			rec.reset()
			call()
			for _, line := range rec.all() {
				end := slices.Index(line, "--")
				for at, w := range line {
					switch {
					case w == "sh" || w == "bash":
						t.Errorf("call %d with %q runs a shell: %q", i, h, line)
					case line[0] == "pcs" && strings.Contains(w, h) && (end < 0 || at < end):
						t.Errorf("call %d with %q: an option of pcs in %q", i, h, line)
					case line[0] == "fence_scsi" && w == h && strings.HasPrefix(h, "-") && line[at-1] != "--devices":
						t.Errorf("call %d with %q: an option of the agent in %q", i, h, line)
					}
				}
			}
		}
	}
	if _, err := os.Stat("/tmp/pwned"); err == nil {
		t.Error("a shell was run")
	}
}

// words remembers what programs were run with.
type words struct {
	mu   sync.Mutex
	list [][]string
}

func (w *words) reset() { w.mu.Lock(); w.list = nil; w.mu.Unlock() }
func (w *words) all() [][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

func (w *words) Run(_ context.Context, _ []string, _, name string, args ...string) (live.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, append([]string{name}, args...))
	return live.Result{}, nil
}

// CVE-2016-0720: requests that another site has a browser send. A browser has nothing to send that would be accepted:
// there is no log-in by cookie of the server's making, and a token is not kept by browsers.
func TestCVE_2016_0720(t *testing.T) {
	base, dir, _ := crowd(t, &words{}, nil)
	for _, path := range []string{"/remote/cluster_destroy", "/remote/set_corosync_conf", "/run_pcs", "/api/v1/cluster-setup/v1", "/manage/newcluster"} {
		for _, h := range []http.Header{
			{"Origin": {"https://evil.example"}, "Cookie": {"pcsd.sid=0123456789abcdef; rack.session=x"}},
			{"Origin": {"https://evil.example"}, "X-Requested-With": {"XMLHttpRequest"}, "Cookie": {"CIB_user=hacluster; CIB_user_groups=aGFjbGllbnQ="}},
			{"Authorization": {"Basic aGFjbHVzdGVyOnNlY3JldA=="}},
		} {
			if code := get(t, base+path, h).StatusCode; code != 401 && code != 404 {
				t.Errorf("%s with %v: %d", path, h, code)
			}
		}
	}
	if _, err := os.Stat(dir + "/corosync.conf"); err == nil {
		t.Error("a file was written")
	}
}

// CVE-2016-0721: a session that the attacker has chosen, and cookies that are good after logging out. Each log-in gives a
// token of the server's making, and pcsd deauth ends it at once.
func TestCVE_2016_0721(t *testing.T) {
	base, dir, tokens := crowd(t, &words{}, nil)
	const chosen = "00000000-0000-4000-8000-000000000000"
	_, fresh := ask(t, base+"/remote/auth", chosen, url.Values{"username": {"bob"}, "password": {"secret of bob"}, "token": {chosen}})
	if fresh == chosen || fresh == tokens["bob"] || len(fresh) != 36 {
		t.Errorf("the token is %s", fresh)
	}
	for _, forged := range []string{chosen, strings.ToUpper(fresh), fresh[:35], fresh + "0", "", "null", "*", `" or ""="`} {
		if code, _ := ask(t, base+"/remote/check_auth", forged, nil); code != 401 {
			t.Errorf("%q is taken: %d", forged, code)
		}
	}
	if err := os.WriteFile(dir+"/pcs_users.conf", []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []string{fresh, tokens["hacluster"]} {
		if code, _ := ask(t, base+"/remote/check_auth", stale, nil); code != 401 {
			t.Errorf("a token that was withdrawn is taken: %d", code)
		}
	}
}

// CVE-2017-2661: names that are markup. No answer that a browser would show has them, and none lets a script run.
func TestCVE_2017_2661(t *testing.T) {
	base, _, _ := crowd(t, &words{}, nil)
	const script = "<script>alert(1)</script>"
	for _, path := range []string{"/" + url.PathEscape(script), "/ui/" + url.PathEscape(script), "/remote/" + url.PathEscape(script), "/remote/auth?username=" + url.QueryEscape(script)} {
		resp := get(t, base+path, nil)
		body, _ := io.ReadAll(resp.Body)
		if strings.Contains(string(body), "<script") {
			t.Errorf("%s: %s", path, body)
		}
		if resp.Header.Get("Content-Security-Policy") != "frame-ancestors 'self'; default-src 'self'" || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}

// CVE-2018-1079: put_file to a path of the caller's choice. Names are names in one folder, and kinds are a list.
func TestCVE_2018_1079(t *testing.T) {
	base, dir, tokens := crowd(t, &words{}, nil)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	for _, name := range []string{"../outside", "../../outside", "/etc/outside", "a/../../outside", "..", ".", "", "a\x00b", "sub/a"} {
		for _, kind := range []string{"booth_config", "booth_authfile", "corosync_conf\x00", "/etc/passwd"} {
			data, err := json.Marshal(map[string]any{"f": map[string]any{"type": kind, "name": name, "data": base64.StdEncoding.EncodeToString([]byte("x")), "rewrite_existing": true}})
			if err != nil {
				t.Fatal(err)
			}
			if code, body := ask(t, base+"/remote/put_file", tokens["bob"], url.Values{"data_json": {string(data)}}); code == 200 && strings.Contains(body, `"written"`) {
				t.Errorf("%s %q: %s", kind, name, body)
			}
		}
		for _, call := range []string{"/remote/booth_get_config", "/remote/booth_set_config", "/remote/booth_save_files"} {
			data, err := json.Marshal(map[string]any{"config": map[string]string{"name": name, "data": "x"}})
			if err != nil {
				t.Fatal(err)
			}
			if code, body := ask(t, base+call, tokens["bob"], url.Values{"name": {name}, "data_json": {string(data)}}); name != "" && code == 200 {
				t.Errorf("%s %q: %s", call, name, body)
			}
		}
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a file was written outside")
	}
	// Who may only look writes nothing at all.
	if code, _ := ask(t, base+"/remote/put_file", tokens["carol"], url.Values{"data_json": {`{"f":{"type":"corosync_authkey","data":"eA=="}}`}}); code != 403 {
		t.Errorf("carol may write: %d", code)
	}
}

// CVE-2018-1086: --debug in a short form, or among the words, shows what only root may see. It does not reach pcs.
func TestCVE_2018_1086(t *testing.T) {
	rec := &words{}
	base, _, tokens := crowd(t, rec, nil)
	for _, form := range []url.Values{
		{"command": {`["status"]`}, "options": {`["--debug"]`}},
		{"command": {`["status"]`}, "options": {`["--debu","--deb","--de","--d","--debug=1"]`}},
		{"command": {`["status","--debug"]`}},
		{"command": {`["--deb","status"]`}},
	} {
		rec.reset()
		ask(t, base+"/run_pcs", tokens["bob"], form)
		if len(rec.all()) != 1 {
			t.Errorf("%v: ran %v", form, rec.all())
		}
		for _, line := range rec.all() {
			for _, w := range line {
				if strings.HasPrefix(w, "--d") {
					t.Errorf("%v: %q", form, line)
				}
			}
		}
	}
	// As a word behind the end of options it is no option.
	rec.reset()
	ask(t, base+"/run_pcs", tokens["bob"], url.Values{"command": {`["cluster","start","--debug"]`}, "options": {"[]"}})
	if got := fmt.Sprint(rec.all()); got != "[[pcs -- cluster start --debug]]" {
		t.Errorf("ran %s", got)
	}
}

// CVE-2022-1049: accounts and passwords that have expired; internal/account has the test of those.
func TestCVE_2022_1049(t *testing.T) {
	// Who has left the administrators is out, whatever token they hold, and never gets one.
	base, dir, _ := crowd(t, &words{}, nil)
	if _, token := ask(t, base+"/remote/auth", "", url.Values{"username": {"mallory"}, "password": {"secret of mallory"}}); token != "" {
		t.Error("mallory has a token")
	}
	held := `[{"creation_date": "x", "token": "held", "username": "mallory"}]`
	if err := os.WriteFile(dir+"/pcs_users.conf", []byte(held), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask(t, base+"/remote/check_auth", "held", nil); code != 401 {
		t.Errorf("mallory's token is taken: %d", code)
	}
}

// CVE-2022-2735: a local socket that anybody can use. It is root's and the administrators', from its first moment, and
// who asks is told by the kernel.
func TestCVE_2022_2735(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/pcsd.socket"
	s, err := New(Config{
		Paths: pathsIn(dir), Hostname: "test", Socket: path, Programs: &words{}, Log: slog.New(slog.DiscardHandler),
		Groups: func(user string) ([]string, error) { return map[string][]string{"hacluster": {"haclient"}}[user], nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something older"), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	defer c.CloseIdleConnections()
	var resp *http.Response
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if resp, err = c.Get("http://x/remote/check_auth"); err == nil {
			break
		}
		if time.Since(begin) > 5*time.Second {
			t.Fatal(err)
		}
	}
	resp.Body.Close()
	if want := map[bool]int{true: 200, false: 401}[os.Geteuid() == 0]; resp.StatusCode != want {
		t.Errorf("%d, want %d", resp.StatusCode, want)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	// A token that is sent decides: a wrong one is not made good by who sends it.
	req, err := http.NewRequest(http.MethodGet, "http://x/remote/check_auth", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "token=wrong")
	if resp, err = c.Do(req); err != nil || resp.StatusCode != 401 {
		t.Errorf("%v, %v", resp, err)
	}
}

// CVE-2023-28370: a redirect to where the caller wants. There are no redirects.
func TestCVE_2023_28370(t *testing.T) {
	base, _ := serve(t)
	for _, path := range []string{"//evil.example/%2e%2e", "/\\evil.example", "/ui//evil.example/", "/remote/../../x"} {
		resp := get(t, base+path, nil)
		if loc := resp.Header.Get("Location"); loc != "" || resp.StatusCode/100 == 3 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, loc)
		}
	}
}

// CVE-2024-52804, CVE-2025-46727, CVE-2025-47287, CVE-2025-61770: cookies, fields and multipart bodies that cost the server
// its time or memory. There are bounds to all, and the server lives on.
func TestCVE_2024_52804_2025_46727_2025_47287_2025_61770(t *testing.T) {
	base, _, tokens := crowd(t, &words{}, nil)
	begin := time.Now()
	get(t, base+"/remote/check_auth", http.Header{"Cookie": {"token=\"" + strings.Repeat("\\", 40000)}})
	many := url.Values{}
	for i := range 5000 {
		many.Set(fmt.Sprint("p", i), "x")
	}
	if code, _ := ask(t, base+"/remote/check_auth", tokens["bob"], many); code != 400 {
		t.Errorf("many fields: %d", code)
	}
	if code, _ := ask(t, base+"/remote/check_auth", tokens["bob"], url.Values{"a": {strings.Repeat("x", 5<<20)}}); code != 413 && code != 0 {
		t.Errorf("a big body: %d", code)
	}
	if code, _ := say(t, http.MethodPost, base+"/remote/check_auth", tokens["bob"], "multipart/form-data; boundary=x", strings.Repeat("--x\r\n\r\n", 1000)); code != 400 {
		t.Errorf("multipart: %d", code)
	}
	if code, _ := say(t, http.MethodPost, base+"/api/v2/task/run", tokens["bob"], "application/json", strings.Repeat(`{"a":`, 100000)); code != 400 {
		t.Errorf("nested JSON: %d", code)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if code, _ := ask(t, base+"/remote/check_auth", tokens["bob"], nil); code != 200 {
		t.Errorf("the server does not live on: %d", code)
	}
}

// CVE-2024-21510: X-Forwarded-Host was believed, and links and redirects led there. No header names the host, and no answer has it.
func TestCVE_2024_21510(t *testing.T) {
	base, _, tokens := crowd(t, &words{}, nil)
	for _, path := range []string{"/", "/ui/", "/manage", "/remote/check_auth", "/remote/nosuch", "/nosuch"} {
		resp := get(t, base+path, http.Header{"X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"}, "X-Forwarded-Proto": {"http"}, "Cookie": {"token=" + tokens["bob"]}})
		body, _ := io.ReadAll(resp.Body)
		if resp.Header.Get("Location") != "" || strings.Contains(fmt.Sprint(resp.Header, string(body)), "evil.example") {
			t.Errorf("%s: %v %s", path, resp.Header, body)
		}
	}
}

// CVE-2024-25126, CVE-2024-26141, CVE-2024-26146, CVE-2025-61921: headers whose reading costs more than their length: of
// kinds of content, ranges, what is accepted, and what is to match. They are bounded, and most of them nobody reads.
func TestCVE_2024_25126_2024_26141_2024_26146_2025_61921(t *testing.T) {
	base, _, tokens := crowd(t, &words{}, nil)
	begin := time.Now()
	for name, value := range map[string]string{
		"Content-Type":  "text/html" + strings.Repeat(" ", 60000) + ";x",
		"Range":         "bytes=" + strings.Repeat("0-,", 20000) + "0-",
		"Accept":        strings.Repeat("a;q=0.1,", 7000) + strings.Repeat(" ", 4000),
		"Forwarded":     strings.Repeat(`for="`, 12000),
		"If-Match":      strings.Repeat(`"a" `, 15000),
		"If-None-Match": strings.Repeat(",", 60000),
	} {
		resp := get(t, base+"/remote/check_auth", http.Header{name: {value}, "Cookie": {"token=" + tokens["bob"]}})
		body, _ := io.ReadAll(resp.Body)
		if len(body) > 10000 || resp.StatusCode >= 500 || resp.StatusCode == http.StatusPartialContent {
			t.Errorf("%s: %d, %d bytes", name, resp.StatusCode, len(body))
		}
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// CVE-2025-27610: a path that leaves the folder of files that are served. No files are served.
func TestCVE_2025_27610(t *testing.T) {
	base, _, tokens := crowd(t, &words{}, nil)
	for _, path := range []string{"/ui/../../../../etc/passwd", "/ui/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/ui/static/....//etc/passwd", "/remote/../../etc/passwd"} {
		resp := get(t, base+path, http.Header{"Cookie": {"token=" + tokens["hacluster"]}})
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode == http.StatusOK || strings.Contains(string(body), "root:") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// CVE-2025-61771, CVE-2025-61772, CVE-2025-61919: fields and parts without end that are kept in memory. A body has a bound
// before it is read, told or not.
func TestCVE_2025_61771_2025_61772_2025_61919(t *testing.T) {
	base, _, tokens := crowd(t, &words{}, nil)
	for kind, path := range map[string]string{"application/x-www-form-urlencoded": "/remote/check_auth", "multipart/form-data; boundary=x": "/remote/check_auth", "application/json": "/api/v2/task/run"} {
		body := strings.Repeat("x", 8<<20)
		if strings.HasPrefix(kind, "multipart") {
			body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n" + body
		}
		if code, _ := say(t, http.MethodPost, base+path, tokens["bob"], kind, body); code == http.StatusOK {
			t.Errorf("%q: a body of 8 MiB is taken", kind)
		}
	}
	if code, _ := ask(t, base+"/remote/check_auth", tokens["bob"], nil); code != http.StatusOK {
		t.Errorf("the server does not live on: %d", code)
	}
}

// TestSlowRequests has clients that send a byte now and then; others are answered meanwhile, and nothing secret is logged.
func TestSlowRequests(t *testing.T) {
	var log syncBuffer
	base, _, tokens := crowd(t, &words{}, &log)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte{0x16}); err != nil { // a handshake that goes no further
			t.Fatal(err)
		}
	}
	if code, _ := ask(t, base+"/remote/check_auth", tokens["bob"], nil); code != 200 {
		t.Errorf("others are kept waiting: %d", code)
	}
	ask(t, base+"/remote/put_file", tokens["bob"], url.Values{"data_json": {`{"f":{"type":"booth_authfile","name":"../x","data":"c2VjcmV0IGtleQ=="}}`}})
	ask(t, base+"/remote/auth", "", url.Values{"username": {"eve\nINFO -- : forged"}, "password": {"secret of nobody"}})
	text := log.String()
	for _, secret := range append([]string{"secret of", "c2VjcmV0IGtleQ"}, tokens["bob"], tokens["hacluster"]) {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	if strings.Contains(text, "\nINFO -- : forged") {
		t.Error("a name makes a line of its own")
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

// TestPermissionsHold asks for every call as a user without the right that it takes.
func TestPermissionsHold(t *testing.T) {
	rec := &words{}
	base, _, tokens := crowdWith(t, Config{Programs: rec, Services: &site{}})
	for name, e := range endpoints {
		who := map[string]string{"write": "carol", "full": "bob", "grant": "bob"}[e.need]
		if who == "" {
			continue
		}
		rec.reset()
		if code, body := ask(t, base+"/remote/"+name, tokens[who], nil); code != 403 || body != "Permission denied" {
			t.Errorf("%s as %s: %d %s", name, who, code, body)
		}
		if len(rec.all()) > 0 {
			t.Errorf("%s as %s runs %v", name, who, rec.all())
		}
	}
	for _, c := range []struct {
		as, path, body string
	}{
		{"bob", "cluster-setup/v1", `{"cluster_name":"c","nodes":[]}`},
		{"carol", "resource-disable/v1", `{"resource_or_tag_ids":["a"]}`},
		{"bob", "acl-remove-role/v1", `{"role_id":"r"}`},
	} {
		rec.reset()
		if _, got := say(t, http.MethodPost, base+"/api/v1/"+c.path, tokens[c.as], "", c.body); got != `{"notauthorized": "true"}` || len(rec.all()) > 0 {
			t.Errorf("%s as %s: %s", c.path, c.as, got)
		}
	}
	// Only hacluster may act for another.
	task := `{"command_name":"acl.remove_role","params":{"role_id":"r"},"options":{"effective_username":"hacluster"}}`
	if _, got := say(t, http.MethodPost, base+"/api/v2/task/run", tokens["bob"], "application/json", task); !strings.Contains(got, `"code":"NOT_AUTHORIZED"`) {
		t.Errorf("bob acts for hacluster: %s", got)
	}
	if code, got := say(t, http.MethodPost, base+"/remote/cluster_destroy", tokens["bob"], "application/x-www-form-urlencoded", "", "CIB_user=hacluster"); code != 403 {
		t.Errorf("bob calls himself hacluster: %d %s", code, got)
	}
	// Nor gives anybody rights that they do not have.
	if code, _ := ask(t, base+"/remote/set_permissions", tokens["bob"], url.Values{"json_data": {`{"permissions":{"0":{"name":"bob","type":"user","allow":{"full":"1"}}}}`}}); code != 403 {
		t.Errorf("bob gives himself everything: %d", code)
	}
	if code, body := ask(t, base+"/remote/set_permissions", tokens["hacluster"], url.Values{"json_data": {`{"permissions":{"0":{"name":"carol","type":"user","allow":{"grant":"1"}}}}`}}); code != 200 || body != "Permissions saved" {
		t.Errorf("%d %s", code, body)
	}
	if code, body := ask(t, base+"/remote/set_permissions", tokens["carol"], url.Values{"json_data": {`{"permissions":{"0":{"name":"carol","type":"user","allow":{"full":"1"}}}}`}}); code != 403 || !strings.HasPrefix(body, "Permission denied\nOnly hacluster and users with Full permission") {
		t.Errorf("%d %s", code, body)
	}
}
