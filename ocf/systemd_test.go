package ocf

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"hacluster/ocf/systemd"
)

const (
	sdName    = "org.freedesktop.systemd1"
	sdPath    = "/org/freedesktop/systemd1"
	sdManager = sdName + ".Manager"
)

// bus starts a bus of the test's own and gives its address.
func bus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("dbus-daemon is not installed")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, []byte(`<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir=`+dir+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config-file="+conf, "--nofork", "--print-address=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon: %v", err)
	}
	return strings.TrimSpace(line)
}

// fakeSystemd is a manager of units that behave as their names say.
type fakeSystemd struct {
	conn *dbus.Conn
	mu   sync.Mutex
	log  []string
	jobs int
	// state is the ActiveState of units; reads counts how often it was asked for.
	state map[string]string
	reads chan string
}

func escape(unit string) dbus.ObjectPath {
	return dbus.ObjectPath(sdPath + "/unit/" + strings.NewReplacer(".", "_2e", "-", "_2d", "@", "_40").Replace(unit))
}

func newFakeSystemd(t *testing.T, address string) *fakeSystemd {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &fakeSystemd{conn: conn, state: map[string]string{}, reads: make(chan string, 100)}
	note := func(format string, args ...any) { f.log = append(f.log, fmt.Sprintf(format, args...)) }
	job := func(verb string) func(unit, mode string) (dbus.ObjectPath, *dbus.Error) {
		return func(unit, mode string) (dbus.ObjectPath, *dbus.Error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			note("%s %s %s", verb, unit, mode)
			switch {
			case strings.HasPrefix(unit, "missing"):
				return "", dbus.NewError(sdName+".NoSuchUnit", []any{"Unit " + unit + " not found."})
			case strings.HasPrefix(unit, "masked"):
				return "", dbus.NewError(sdName+".UnitMasked", []any{"Unit " + unit + " is masked."})
			}
			f.jobs++
			path := dbus.ObjectPath(fmt.Sprintf("%s/job/%d", sdPath, f.jobs))
			result := "done"
			switch {
			case strings.HasPrefix(unit, "hangs"):
				return path, nil
			case strings.HasPrefix(unit, "breaks"):
				result = "failed"
			case strings.HasPrefix(unit, "slow"):
				result = "timeout"
			}
			if result == "done" {
				f.state[unit] = map[string]string{"StartUnit": "active", "StopUnit": "inactive", "RestartUnit": "active"}[verb]
			}
			// Another's job ends first; and ours before its name is known to the caller.
			_ = conn.Emit(sdPath, sdManager+".JobRemoved", uint32(999), dbus.ObjectPath(sdPath+"/job/999"), unit, "failed")
			_ = conn.Emit(sdPath, sdManager+".JobRemoved", uint32(f.jobs), path, unit, result)
			return path, nil
		}
	}
	err = conn.ExportMethodTable(map[string]any{
		"Subscribe": func() *dbus.Error { return nil },
		"Reload": func() *dbus.Error {
			f.mu.Lock()
			defer f.mu.Unlock()
			note("Reload")
			return nil
		},
		"LoadUnit": func(unit string) (dbus.ObjectPath, *dbus.Error) {
			if strings.ContainsAny(unit, " /") || strings.HasSuffix(unit, "@.service") {
				return "", dbus.NewError("org.freedesktop.DBus.Error.InvalidArgs", []any{"Unit name " + unit + " is not valid."})
			}
			f.export(unit)
			return escape(unit), nil
		},
		"ListUnitFiles": func() ([]struct{ A, B string }, *dbus.Error) {
			return []struct{ A, B string }{
				{"/lib/systemd/system/ssh.service", "enabled"},
				{"/lib/systemd/system/dbus.socket", "static"},
				{"/lib/systemd/system/Apache.service", "disabled"},
				{"/lib/systemd/system/multi-user.target", "static"},
				{"/lib/systemd/system/getty@.service", "enabled"},
				{"/lib/systemd/system/-.mount", "generated"},
			}, nil
		},
		"StartUnit": job("StartUnit"), "StopUnit": job("StopUnit"), "RestartUnit": job("RestartUnit"),
	}, sdPath, sdManager)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(sdName, 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// export serves the properties of a unit.
func (f *fakeSystemd) export(unit string) {
	_ = f.conn.ExportMethodTable(map[string]any{
		"Get": func(_, name string) (dbus.Variant, *dbus.Error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			switch name {
			case "ActiveState":
				state := f.state[unit]
				if state == "" {
					state = "inactive"
				}
				f.reads <- unit
				return dbus.MakeVariant(state), nil
			case "LoadState":
				switch {
				case strings.HasPrefix(unit, "missing"):
					return dbus.MakeVariant("not-found"), nil
				case strings.HasPrefix(unit, "masked"):
					return dbus.MakeVariant("masked"), nil
				}
				return dbus.MakeVariant("loaded"), nil
			case "Job":
				return dbus.MakeVariant(struct {
					ID   uint32
					Path dbus.ObjectPath
				}{0, "/"}), nil
			case "Description":
				return dbus.MakeVariant("The <" + unit + "> & co"), nil
			}
			return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
		},
	}, escape(unit), "org.freedesktop.DBus.Properties")
}

// become changes a unit's state as systemd tells of it.
func (f *fakeSystemd) become(unit, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state[unit] = state
	_ = f.conn.Emit(escape(unit), "org.freedesktop.DBus.Properties.PropertiesChanged", sdName+".Unit",
		map[string]dbus.Variant{"ActiveState": dbus.MakeVariant(state)}, []string{})
}

func (f *fakeSystemd) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := strings.Join(f.log, ", ")
	f.log = nil
	return s
}

// systemdHost is a host with a fake systemd.
func systemdHost(t *testing.T) (*Host, *fakeSystemd, string) {
	address := bus(t)
	f := newFakeSystemd(t, address)
	h := host(t, map[string]string{"init.d/both": "exit 0", "init.d/only": "exit 0"})
	h.Systemd = systemd.New()
	h.Systemd.Dir = t.TempDir()
	h.Systemd.Dial = func() (*dbus.Conn, error) {
		return dbus.Connect(address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	}
	t.Cleanup(h.Systemd.Close)
	return h, f, h.Systemd.Dir
}

func TestSystemdActions(t *testing.T) {
	h, f, dir := systemdHost(t)
	ctx := context.Background()
	type want struct {
		code   int
		status Status
		reason string
		calls  string
	}
	for _, c := range []struct {
		unit, action string
		want         want
	}{
		{"web", "monitor", want{7, Done, "inactive", ""}},
		{"web", "start", want{0, Done, "", "Reload, StartUnit web.service replace"}},
		{"web", "monitor", want{0, Done, "", ""}},
		{"web.service", "status", want{0, Done, "", ""}},
		{"web", "restart", want{0, Done, "", "RestartUnit web.service replace"}},
		{"web", "stop", want{0, Done, "", "Reload, StopUnit web.service replace"}},
		{"web", "stop", want{0, Done, "", "StopUnit web.service replace"}},
		{"dev.mount", "start", want{0, Done, "", "Reload, StartUnit dev.mount replace"}},
		{"tmpl@.service", "start", want{0, Done, "", "Reload, StartUnit tmpl@pacemaker.service replace"}},
		{"tmpl@", "start", want{5, NotInstalled, "systemd unit tmpl@ not found", ""}},
		{"tmpl@", "stop", want{0, Done, "", ""}},
		{"breaks", "start", want{1, Failed, "systemd start job for breaks.service failed with result 'failed'", "Reload, StartUnit breaks.service replace"}},
		{"slow", "stop", want{1, TimedOut, "systemd stop job for slow.service timed out", "StopUnit slow.service replace"}},
		{"hangs", "start", want{1, TimedOut, "start action for systemd unit hangs did not complete in time", "Reload, StartUnit hangs.service replace"}},
		{"missing", "start", want{5, NotInstalled, "systemd unit missing not found", "Reload, StartUnit missing.service replace"}},
		{"missing", "stop", want{0, Done, "", "Reload, StopUnit missing.service replace"}},
		{"missing", "monitor", want{7, Done, "inactive", ""}},
		{"masked", "start", want{1, Failed, "Unable to invoke systemd DBus method", "Reload, StartUnit masked.service replace"}},
		{"a b", "monitor", want{5, NotInstalled, "systemd unit a b not found", ""}},
		{"web", "promote", want{3, Failed, "Action promote not implemented for systemd resources", ""}},
	} {
		timeout := time.Minute
		if c.unit == "hangs" {
			timeout = 200 * time.Millisecond
		}
		res := h.Run(ctx, Action{Agent: Agent{Class: Systemd, Type: c.unit}, Name: c.action, Timeout: timeout})
		if got := (want{res.Code, res.Status, res.Reason, f.take()}); got != c.want {
			t.Errorf("%s of %s:\n got %+v\nwant %+v (%s)", c.action, c.unit, got, c.want, res.Stderr)
		}
		if len(f.reads) > 50 {
			for len(f.reads) > 0 {
				<-f.reads
			}
		}
	}
	for file, text := range map[string]string{
		"dev.mount.d/50-pacemaker.conf":     "[Unit]\nDescription=Cluster Controlled dev.mount\nBefore=pacemaker.service pacemaker_remote.service\n",
		"hangs.service.d/50-pacemaker.conf": "[Unit]\nDescription=Cluster Controlled hangs.service\nBefore=pacemaker.service pacemaker_remote.service\n\n[Service]\nRestart=no\n",
	} {
		if data, err := os.ReadFile(filepath.Join(dir, file)); string(data) != text {
			t.Errorf("%s: %q %v", file, data, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "web.service.d/50-pacemaker.conf")); err == nil {
		t.Error("the drop-in file of a stopped unit is left")
	}
}

// TestSystemdSettling: a probe of a unit on its way up waits for where it gets to, as systemd tells it.
func TestSystemdSettling(t *testing.T) {
	h, f, _ := systemdHost(t)
	agent := Agent{Class: Systemd, Type: "web"}
	f.become("web.service", "activating")
	if res := h.Run(context.Background(), Action{Agent: agent, Name: "monitor", Recurring: true}); res.Status != Pending || res.Code != CodeUnknown {
		t.Errorf("a recurring check: %+v", res)
	}
	<-f.reads
	if res := h.Run(context.Background(), Action{Agent: agent, Name: "monitor", Timeout: 100 * time.Millisecond}); res.Status != Pending {
		t.Errorf("a probe whose time is over: %+v", res)
	}
	for len(f.reads) > 0 {
		<-f.reads
	}
	done := make(chan Result)
	go func() {
		done <- h.Run(context.Background(), Action{Agent: agent, Name: "monitor", Timeout: time.Minute})
	}()
	<-f.reads // asked once, and again after it has asked to be told
	<-f.reads
	f.become("web.service", "deactivating")
	f.become("web.service", "failed")
	if res := <-done; res.Code != CodeNotRunning || res.Reason != "failed" || res.Status != Done {
		t.Errorf("a probe: %+v", res)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.become("web.service", "activating")
	go func() { done <- h.Run(ctx, Action{Agent: agent, Name: "monitor"}) }()
	cancel()
	if res := <-done; res.Status != Cancelled {
		t.Errorf("cancelled: %+v", res)
	}
}

// TestSystemdReconnects: the bus's end is noticed, and a new bus is found.
func TestSystemdReconnects(t *testing.T) {
	h, f, _ := systemdHost(t)
	agent := Agent{Class: Systemd, Type: "web"}
	run := func() Result {
		return h.Run(context.Background(), Action{Agent: agent, Name: "monitor", Timeout: 10 * time.Second})
	}
	if res := run(); res.Code != CodeNotRunning {
		t.Fatalf("%+v", res)
	}
	h.Systemd.Close()
	f.become("web.service", "active")
	if res := run(); res.Code != CodeOK {
		t.Errorf("after the connection broke: %+v", res)
	}
	h.Systemd.Dial = func() (*dbus.Conn, error) { return dbus.Connect("unix:path=/nonexistent/bus") }
	h.Systemd.Close()
	if res := run(); res.Code != CodeError || res.Status != Failed || res.Reason != "No DBus connection" {
		t.Errorf("without a bus: %+v", res)
	}
}

// TestSystemdJobWithoutBus: the bus is away for a while when a job is under way; how that ended is seen in the unit.
func TestSystemdJobWithoutBus(t *testing.T) {
	h, f, _ := systemdHost(t)
	var away atomic.Int32
	dial := h.Systemd.Dial
	h.Systemd.Dial = func() (*dbus.Conn, error) {
		if away.Add(-1) >= 0 {
			return dbus.Connect("unix:path=/nonexistent/bus")
		}
		return dial()
	}
	for state, want := range map[string]int{"active": CodeOK, "failed": CodeError} {
		done := make(chan Result)
		go func() {
			done <- h.Run(context.Background(), Action{Agent: Agent{Class: Systemd, Type: "hangs"}, Name: "start", Timeout: time.Minute})
		}()
		for !strings.Contains(f.take(), "StartUnit") {
			time.Sleep(time.Millisecond)
		}
		// The answer to this comes after the one that names the job.
		h.Run(context.Background(), Action{Agent: Agent{Class: Systemd, Type: "web"}, Name: "monitor"})
		f.become("hangs.service", state)
		away.Store(2)
		h.Systemd.Close()
		if res := <-done; res.Code != want || away.Load() >= 0 {
			t.Errorf("a unit that is %s then: %+v", state, res)
		}
	}
}

func TestSystemdLists(t *testing.T) {
	h, _, _ := systemdHost(t)
	if got, err := h.Agents(Systemd, ""); strings.Join(got, " ") != "-.mount Apache dbus.socket getty@ ssh" || err != nil {
		t.Errorf("%v %v", got, err)
	}
	if got, err := h.Agents(Service, ""); strings.Join(got, " ") != "-.mount Apache both dbus.socket getty@ only ssh" || err != nil {
		t.Errorf("%v %v", got, err)
	}
	if got := strings.Join(h.Standards(), " "); got != "lsb service systemd" {
		t.Errorf("standards %s", got)
	}
	for _, c := range []struct {
		agent string
		class string
		there bool
	}{{"both", LSB, true}, {"only", LSB, true}, {"web", Systemd, true}, {"missing", LSB, false}, {"masked", Systemd, true}, {"getty@", Systemd, true}} {
		a := Agent{Class: Service, Type: c.agent}
		if class, there := h.ClassOf(a), h.Installed(a); class != c.class || there != c.there {
			t.Errorf("service:%s is %s, installed %v", c.agent, class, there)
		}
	}
	m, err := h.Metadata(context.Background(), Agent{Class: Service, Type: "web"})
	for _, part := range []string{
		`<resource-agent name="web" version="0.1">`, "    The &lt;web.service&gt; &amp; co\n", `<shortdesc lang="en">systemd unit file for web</shortdesc>`,
		`    <action name="monitor" timeout="100s" interval="60s" />`, `  <special tag="systemd"/>`,
	} {
		if err != nil || !strings.Contains(string(m), part) {
			t.Errorf("no %q in %s, %v", part, m, err)
		}
	}
}

// TestRealSystemd asks the systemd of this machine, where one runs.
func TestRealSystemd(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		t.Skip("this machine's first process is not systemd")
	}
	m := systemd.New()
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if units, err := m.Units(ctx); err != nil || len(units) == 0 {
		t.Errorf("%d units, %v", len(units), err)
	}
	if state, err := m.State(ctx, "dbus"); err != nil || state == "" {
		t.Errorf("dbus is %q, %v", state, err)
	}
	if there, err := m.Exists(ctx, "no-such-unit-of-ours"); err != nil || there {
		t.Errorf("a unit that is not there: %v %v", there, err)
	}
}
