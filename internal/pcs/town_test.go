package pcs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hacluster/internal/pcs"
	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd"
	"hacluster/internal/pcsd/client"
	"hacluster/internal/program"
)

// town is a few hosts that run pcsd, each with files of its own and services that only have states. pcs is typed on
// the first of them.
type town struct {
	t     *testing.T
	hosts []*house

	mu sync.Mutex
	// calls are the requests that came to all hosts, "node1 remote/check_auth" each.
	calls []string
	// on is told of every call before it is answered, and says whether it is; after is told of every one that was.
	on    func(n int, call string) bool
	after func(n int, call string)
	ctx   context.Context
	// waited are the times that silent hosts were given.
	waited []time.Duration
	// home is the home of who types.
	home string
	// conns are the connections to all hosts on which a request is under way, or may be on its way.
	conns map[net.Conn]http.ConnState
}

// house is one host.
type house struct {
	name  string
	paths session.Paths
	at    client.Dest
	token string
	town  *town
	web   *httptest.Server
	// ordinary has users of pcs be no root.
	ordinary bool
	// cluster is what runs on it, nil for none.
	cluster live.Cluster
	agents  agents.Source
	// answers are what crm_resource --validate says, one call after the other.
	answers []live.Result
	// hung has the host take requests and never answer.
	hung bool
	// off has nobody listen there, for calls of pcs.
	off bool
	// silent is hung for calls of pcs, which then need not be waited for.
	silent bool
	// garbled has the host answer with what is no answer.
	garbled bool
	// script answers for programs: the first whose key the command line begins with.
	script map[string]live.Result

	mu              sync.Mutex
	active, enabled map[string]bool
	ran             []string
}

func (h *house) set(m map[string]bool, unit string, on bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	m[unit] = on
	return nil
}

func (h *house) is(m map[string]bool, unit string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return m[unit]
}

func (h *house) Start(_ context.Context, u string) error      { return h.set(h.active, u, true) }
func (h *house) Stop(_ context.Context, u string) error       { return h.set(h.active, u, false) }
func (h *house) Enable(_ context.Context, u string) error     { return h.set(h.enabled, u, true) }
func (h *house) Disable(_ context.Context, u string) error    { return h.set(h.enabled, u, false) }
func (h *house) Kill(context.Context, []string) error         { return nil }
func (h *house) IsActive(_ context.Context, u string) bool    { return h.is(h.active, u) }
func (h *house) IsEnabled(_ context.Context, u string) bool   { return h.is(h.enabled, u) }
func (h *house) IsInstalled(_ context.Context, _ string) bool { return true }

// Run answers for the host's programs; pcs is itself.
func (h *house) Run(ctx context.Context, env []string, stdin, name string, args ...string) (live.Result, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	h.mu.Lock()
	h.ran = append(h.ran, line)
	h.mu.Unlock()
	// The longest beginning is meant.
	for _, k := range slices.SortedFunc(maps.Keys(h.script), func(a, b string) int { return len(b) - len(a) }) {
		if strings.HasPrefix(line, k) {
			return h.script[k], nil
		}
	}
	if strings.HasPrefix(line, "crm_resource --validate") && len(h.answers) > 0 {
		r := h.answers[0]
		h.answers = h.answers[1:]
		return r, nil
	}
	switch name {
	case "pcs":
		var out, errs bytes.Buffer
		vars := map[string]string{"PATH": os.Getenv("PATH")}
		for _, e := range env {
			k, v, _ := strings.Cut(e, "=")
			vars[k] = v
		}
		code := pcs.Run(ctx, &program.Env{
			Args: append([]string{"pcs"}, args...), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
			Getenv: func(k string) string { return vars[k] },
		}, h.world())
		return live.Result{Stdout: out.String(), Stderr: errs.String(), Code: code}, nil
	case "pacemakerd":
		return live.Result{Stdout: "Pacemaker 3.0.2\n"}, nil
	case "corosync":
		return live.Result{Stdout: "Corosync Cluster Engine, version '3.1.7'\n"}, nil
	case "corosync-quorumtool":
		return live.Result{Code: 1, Stderr: "Cannot initialize CMAP service\n"}, nil
	}
	return live.Result{}, nil
}

func (h *house) world() session.World {
	return session.World{Programs: h, Services: h, Host: h.paths, Cluster: h.cluster, Agents: h.agents, Wire: h.town.wire}
}

// wire is what lies between pcs and the hosts.
func (w *town) wire(next http.RoundTripper) http.RoundTripper { return wire{w, next} }

type wire struct {
	town *town
	next http.RoundTripper
}

// RoundTrip has nobody listen at a host that is off, and the time of a request to a silent one be over at once.
func (x wire) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, h := range x.town.hosts {
		if !h.silent && !h.off || r.URL.Port() != fmt.Sprint(h.at.Port) {
			continue
		}
		if h.off {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		end, limited := r.Context().Deadline()
		if t := httptrace.ContextClientTrace(r.Context()); t != nil {
			t.GotConn(httptrace.GotConnInfo{})
		}
		x.town.mu.Lock()
		defer x.town.mu.Unlock()
		x.town.calls = append(x.town.calls, h.name+" "+strings.Trim(r.URL.Path, "/"))
		if limited {
			x.town.waited = append(x.town.waited, time.Until(end))
		} else {
			x.town.t.Errorf("%s has no limit", r.URL.Path)
		}
		return nil, context.DeadlineExceeded
	}
	return x.next.RoundTrip(r)
}

// seat is the world of who sits at the host.
func (h *house) seat() session.World {
	w := h.world()
	w.Ordinary = h.ordinary
	return w
}

func (h *house) read(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(data)
}

func (h *house) conf() string { return h.read(h.paths.CorosyncConf) }

// newTown makes hosts node1, node2 …, all of which know each other.
func newTown(t *testing.T, n int) *town {
	t.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("node%d", i+1))
	}
	return newTownOf(t, names...)
}

// newTownOf is newTown with other names.
func newTownOf(t *testing.T, names ...string) *town {
	t.Helper()
	w := &town{t: t, ctx: context.Background()}
	for _, n := range names {
		w.build(n)
	}
	w.introduce()
	return w
}

// pair is one certificate for all hosts of all towns: to make one takes a second.
var pair = sync.OnceValues(func() (cert, key []byte) {
	cert, key, err := client.MakeCert("town", time.Now())
	if err != nil {
		panic(err)
	}
	return cert, key
})

func (w *town) build(name string) {
	w.t.Helper()
	dir := w.t.TempDir()
	for _, d := range []string{"corosync/uidgid.d", "pacemaker", "cib", "pcsd", "booth", "default", "hacluster"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			w.t.Fatal(err)
		}
	}
	h := &house{
		name: name, town: w, active: map[string]bool{"pcsd": true}, enabled: map[string]bool{"pcsd": true}, script: map[string]live.Result{},
		paths: session.Paths{
			Dialect: dir + "/hacluster/dialect", CorosyncConf: dir + "/corosync/corosync.conf", CorosyncKey: dir + "/corosync/authkey", UIDGIDDir: dir + "/corosync/uidgid.d/",
			PacemakerKey: dir + "/pacemaker/authkey", CIBDir: dir + "/cib", PcsdDir: dir + "/pcsd", BoothDir: dir + "/booth", SBDConfig: dir + "/default/sbd",
		},
	}
	cert, key := pair()
	for f, data := range map[string][]byte{"pcsd.crt": cert, "pcsd.key": key} {
		if err := os.WriteFile(filepath.Join(h.paths.PcsdDir, f), data, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	s, err := pcsd.New(pcsd.Config{
		Paths: h.paths, Services: h, Programs: h, Hostname: name,
		CheckPassword: func(_ context.Context, user, password string) (bool, error) {
			return user == "hacluster" && password == "secret", nil
		},
		Groups: func(string) ([]string, error) { return []string{"haclient"}, nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		call := name + " " + strings.Trim(r.URL.Path, "/")
		w.mu.Lock()
		w.calls = append(w.calls, call)
		n, on, after := len(w.calls), w.on, w.after
		w.mu.Unlock()
		if on != nil && !on(n, call) {
			panic(http.ErrAbortHandler)
		}
		if h.hung {
			_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // to return would be an answer, where the server's own patience ends first
		}
		if h.garbled {
			_, _ = io.WriteString(rw, "garbled")
			return
		}
		s.ServeHTTP(rw, r)
		if after != nil {
			after(n, call)
		}
	}))
	web.Config.ConnState = func(c net.Conn, state http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch state {
		case http.StateNew, http.StateActive:
			if w.conns == nil {
				w.conns = map[net.Conn]http.ConnState{}
			}
			w.conns[c] = state
		default:
			delete(w.conns, c)
		}
	}
	web.StartTLS()
	h.web = web
	w.t.Cleanup(web.Close)
	h.script["pcs cluster node clear"], h.script["pcs node pacemaker-status"] = live.Result{}, live.Result{Stdout: "{}"}
	h.at = client.Dest{Addr: "127.0.0.1", Port: web.Listener.Addr().(*net.TCPAddr).Port}
	h.token = "token-of-" + name
	users := `[{"creation_date": "2026-01-02 03:04:05 +0100", "token": "` + h.token + `", "username": "hacluster"}]`
	if err := os.WriteFile(h.paths.PcsdDir+"/pcs_users.conf", []byte(users), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.hosts = append(w.hosts, h)
}

// introduce has the first host know all.
func (w *town) introduce() {
	known := &client.Hosts{ByName: map[string]client.Host{}}
	for _, h := range w.hosts {
		known.ByName[h.name] = client.Host{Name: h.name, Dests: []client.Dest{h.at}, Token: h.token}
	}
	if err := client.SaveHosts(w.hosts[0].paths.PcsdDir+"/known-hosts", known); err != nil {
		w.t.Fatal(err)
	}
}

// pcs types a command on the first host.
func (w *town) pcs(words string) (out string, code int) {
	w.t.Helper()
	return w.typed("0.11", words)
}

func (w *town) typed(version, words string) (out string, code int) {
	w.t.Helper()
	w.mu.Lock()
	w.calls = nil
	w.mu.Unlock()
	var b bytes.Buffer
	code = pcs.Run(w.ctx, &program.Env{
		Args: append([]string{"pcs"}, strings.Fields(words)...), Stdin: strings.NewReader(""), Stdout: &b, Stderr: &b,
		Getenv: func(k string) string {
			return map[string]string{"PCS_COMPAT": version, "PATH": os.Getenv("PATH"), "HOME": w.home}[k]
		},
	}, w.hosts[0].seat())
	return b.String(), code
}

// must is pcs that has to succeed.
func (w *town) must(words string) string {
	w.t.Helper()
	out, code := w.pcs(words)
	if code != 0 {
		w.t.Fatalf("pcs %s: exit code %d\n%s", words, code, out)
	}
	return out
}

const threeNodes = "node1 addr=10.0.0.1 node2 addr=10.0.0.2 node3 addr=10.0.0.3"

// has checks that an output has all lines, in their order.
func has(t *testing.T, out string, lines ...string) {
	t.Helper()
	rest := out
	for _, l := range lines {
		_, after, ok := strings.Cut(rest, l+"\n")
		if !ok {
			t.Errorf("%q is not in the output, or not in its place:\n%s", l, out)
			return
		}
		rest = after
	}
}

// TestNodeAddWithSBD adds nodes to clusters that are fenced by SBD, with and without block devices.
func TestNodeAddWithSBD(t *testing.T) {
	join := func(t *testing.T, settings string) *town {
		w := newTown(t, 4)
		w.must("cluster setup c " + threeNodes)
		first := w.hosts[0]
		first.enabled["sbd"] = true
		if err := os.WriteFile(first.paths.SBDConfig, []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, h := range w.hosts {
			h.script["sbd query-watchdog"] = live.Result{Stdout: "\nDiscovered 1 watchdog devices:\n\n[1] /dev/watchdog\nIdentity: Good\nDriver: good\n"}
		}
		return w
	}
	const plain = "SBD_DELAY_START=no\nSBD_OPTS=\"-n node1\"\nSBD_WATCHDOG_DEV=/dev/watchdog\nSBD_WATCHDOG_TIMEOUT=7\n"
	t.Run("watchdog", func(t *testing.T) {
		w := join(t, plain)
		out, code := w.pcs("cluster node add node4 addr=10.0.0.4 --force")
		if code != 0 {
			t.Fatalf("exit code %d\n%s", code, out)
		}
		has(t, out, "No watchdog has been specified for node 'node4'. Using default watchdog '/dev/watchdog'",
			"Warning: SBD fencing is enabled in the cluster. To keep it effective, auto_tie_breaker quorum option will be enabled.",
			"Running SBD pre-enabling checks...", "node4: SBD pre-enabling checks done", "Distributing SBD config...", "node4: SBD config saved", "Enabling sbd...", "node4: sbd enabled")
		h := w.hosts[3]
		want := "# This file has been generated by pcs.\nSBD_DELAY_START=no\nSBD_OPTS=\"-n node4\"\nSBD_WATCHDOG_DEV=/dev/watchdog\nSBD_WATCHDOG_TIMEOUT=7\n"
		if got := h.read(h.paths.SBDConfig); got != want || !h.enabled["sbd"] {
			t.Errorf("enabled: %v, settings:\n%s", h.enabled["sbd"], got)
		}
		if !strings.Contains(h.conf(), "auto_tie_breaker: 1") {
			t.Errorf("no tie breaker:\n%s", h.conf())
		}
	})
	t.Run("devices", func(t *testing.T) {
		w := join(t, plain+"SBD_DEVICE=\"/dev/sda;/dev/sdb\"\n")
		out, code := w.pcs("cluster node add node4 addr=10.0.0.4 watchdog=/dev/watchdog --force")
		if code != 1 || !strings.Contains(out, "Error: Cluster uses SBD with shared storage so SBD devices must be specified for all nodes, no device specified for node 'node4'\n") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		out, code = w.pcs("cluster node add node4 addr=10.0.0.4 device=/no/such device=x --force")
		if code != 1 || !strings.Contains(out, "Error: Device path 'x' on node 'node4' is not absolute\n") || !strings.Contains(out, "Error: node4: device '/no/such' not found\n") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("no devices", func(t *testing.T) {
		w := join(t, plain)
		out, code := w.pcs("cluster node add node4 addr=10.0.0.4 device=/dev/null --force")
		if code != 1 || !strings.Contains(out, "Error: Cluster is not configured to use SBD with shared storage, cannot specify SBD devices for node 'node4'\n") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
}
