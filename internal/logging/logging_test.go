package logging

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/conf"
)

// place is a host with a log socket and files of the test's own.
func place(t *testing.T, env map[string]string) (h Host, syslog func() string, stderr func() string) {
	t.Helper()
	dir := t.TempDir()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	f, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	h = Host{Getenv: func(n string) string { return env[n] }, Node: "n1", PID: 26, Stderr: f, Syslog: l.LocalAddr().String(), UID: -1, GID: -1}
	syslog = func() string {
		var all []string
		buf := make([]byte, 4096)
		for {
			_ = l.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			n, err := l.Read(buf)
			if err != nil {
				return strings.Join(all, "\n")
			}
			all = append(all, string(buf[:n]))
		}
	}
	return h, syslog, func() string { return read(t, f.Name()) }
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

// stamp makes the time of a line the same always.
var stamp = regexp.MustCompile(`(?m)\b[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d(\.\d{3})?`)

func steady(s string) string {
	return stamp.ReplaceAllStringFunc(s, func(x string) string {
		if strings.Contains(x, ".") {
			return "TIME.ms"
		}
		return "TIME"
	})
}

func TestPacemaker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pacemaker.log")
	h, syslog, stderr := place(t, map[string]string{"PCMK_logfile": path, "PCMK_debug": "pacemaker-fenced,x"})
	targets, err := h.Pacemaker("pacemakerd")
	if err != nil {
		t.Fatal(err)
	}
	log := New(targets...).Logger()
	log.Info("node starts", "name", "n1", "cib", "0.1.2")
	log.Debug("not wanted")
	log.With(Daemon, "pacemaker-fenced").Debug("wanted")
	log.With(Daemon, "pacemaker-controld").Log(t.Context(), Notice, "State transition S_IDLE -> S_POLICY_ENGINE", "call", 7)
	log.Error("could not\nsave", "err", errors.New("disk\x1b[31m is full"), "to", "a b")
	want := `TIME.ms n1 pacemakerd          [26] (TestPacemaker) 	info: node starts | name=n1 cib=0.1.2
TIME.ms n1 pacemaker-fenced    [26] (TestPacemaker) 	debug: wanted
TIME.ms n1 pacemaker-controld  [26] (TestPacemaker) 	notice: State transition S_IDLE -> S_POLICY_ENGINE | call=7
TIME.ms n1 pacemakerd          [26] (TestPacemaker) 	error: could not save: disk [31m is full | to="a b"
`
	if got := steady(read(t, path)); got != want {
		t.Errorf("file:\n%s\nwant\n%s", got, want)
	}
	want = `<29>TIME pacemaker-controld[26]:  notice: State transition S_IDLE -> S_POLICY_ENGINE
<27>TIME pacemakerd[26]:  error: could not save: disk [31m is full`
	if got := steady(syslog()); got != want {
		t.Errorf("syslog:\n%s\nwant\n%s", got, want)
	}
	if got := stderr(); got != "" {
		t.Errorf("standard error: %s", got)
	}
}

func TestPacemakerSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "such", "folder", "log")
	h, syslog, stderr := place(t, map[string]string{"HA_logfile": path, "PCMK_logfacility": "local3", "PCMK_logpriority": "warning", "PCMK_logfile_mode": "9"})
	targets, err := h.Pacemaker("pacemakerd")
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), `PCMK_logfile_mode: "9"`) {
		t.Errorf("faults: %v", err)
	}
	log := New(targets...).Logger()
	log.Log(t.Context(), Notice, "a notice")
	log.Warn("a warning")
	if got := steady(syslog()); got != "<156>TIME pacemakerd[26]:  warning: a warning" {
		t.Errorf("syslog: %s", got)
	}
	// What cannot go into a file is not lost.
	if got := stderr(); !strings.Contains(got, "notice: a notice\n") {
		t.Errorf("standard error: %s", got)
	}
	h, syslog, _ = place(t, map[string]string{"PCMK_logfile": "none", "PCMK_logfacility": "none"})
	targets, err = h.Pacemaker("pacemakerd")
	New(targets...).Logger().Error("x")
	if got := syslog(); err != nil || got != "" {
		t.Errorf("with facility none: %q, %v", got, err)
	}
	h, _, _ = place(t, map[string]string{"PCMK_logfile": "none", "PCMK_logfacility": "nope", "PCMK_logpriority": "high"})
	if _, err = h.Pacemaker("x"); err == nil || !strings.Contains(err.Error(), `"nope"`) || !strings.Contains(err.Error(), `"high"`) {
		t.Errorf("faults: %v", err)
	}
}

func TestCorosync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster", "corosync.log")
	h, syslog, stderr := place(t, nil)
	c := conf.Logging{ToLogfile: true, ToSyslog: true, Logfile: path, Facility: "daemon", Priority: "info", SyslogPriority: "warning", Timestamp: "on"}
	targets, err := h.Corosync("corosync", c)
	if err != nil {
		t.Fatal(err)
	}
	l := New(targets...)
	log := l.Logger()
	log.Info("starting", "node", 1)
	log.Warn("datagrams cannot be sent", "error", errors.New("no route"))
	log.Warn("services hang", Daemon, "SERV") // a part of the daemon's
	log.Debug("no")
	c.Timestamp, c.Debug, c.ToSyslog, c.ToStderr = "hires", true, false, true
	targets, err = h.Corosync("corosync", c)
	l.Set(targets...)
	log.Debug("yes")
	want := `TIME [26] n1 corosync notice  [MAIN  ] starting (node=1)
TIME [26] n1 corosync warning [MAIN  ] datagrams cannot be sent: no route
TIME [26] n1 corosync warning [SERV  ] services hang
TIME.ms [26] n1 corosync debug   [MAIN  ] yes
`
	if got := steady(read(t, path)); got != want || err != nil {
		t.Errorf("file, %v:\n%s\nwant\n%s", err, got, want)
	}
	if got := steady(syslog()); got != "<28>TIME corosync[26]: [MAIN  ] datagrams cannot be sent: no route\n<28>TIME corosync[26]: [SERV  ] services hang" {
		t.Errorf("syslog: %s", got)
	}
	if got := steady(stderr()); got != "TIME.ms [26] n1 corosync debug   [MAIN  ] yes\n" {
		t.Errorf("standard error: %s", got)
	}
	for l, want := range map[Line]string{{Source: "hacluster/corosync/knet/x"}: "KNET", {Source: "hacluster/internal/x", Daemon: "SERV"}: "SERV"} {
		if s := Subsystem(l); s != want {
			t.Errorf("subsystem %s of %v", s, l)
		}
	}
	// A log whose level is notice has the daemon's notices and not the links' infos.
	c = conf.Logging{ToLogfile: true, Logfile: path + "2", Priority: "notice", Facility: "daemon", Timestamp: "off"}
	targets, _ = h.Corosync("corosync", c)
	New(targets...).Logger().Info("told")
	targets[0].Write(Line{Level: slog.LevelInfo, Source: "hacluster/corosync/knet", Text: "link"})
	if got := read(t, path+"2"); got != "[26] n1 corosync notice  [MAIN  ] told\n" {
		t.Errorf("priority notice: %s", got)
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string]string{
		"hacluster/internal/node.(*Node).loop":       "hacluster/internal/node loop",
		"hacluster/internal/node.Run.func1.2":        "hacluster/internal/node Run",
		"hacluster/corosync/quorum.(*V).count.func3": "hacluster/corosync/quorum count",
		"main.main":            "main main",
		"hacluster/x.function": "hacluster/x function",
		"":                     " ",
		"hacluster/internal/node.(*world).Later.gowrap1": "hacluster/internal/node Later",
	} {
		if s, n := split(in); s+" "+n != want {
			t.Errorf("%s: %s %s", in, s, n)
		}
	}
}

func TestSettings(t *testing.T) {
	got := ParseSettings("# c\n; c\nA=1\n export B=\"x \\\"y\\\" $z\" # c\nC='a b'c\nD=\nE = 1\n2 words=1\nF=a\\ b c\nG=\"open\nH='open\n")
	want := map[string]string{"A": "1", "B": `x "y" $z`, "C": "a bc", "D": "", "F": "a b", "G": "open\n", "H": "open"}
	want["G"] = "open"
	if len(got) != len(want) {
		t.Errorf("%q", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, not %q", k, got[k], v)
		}
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("A=file\nB=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	get := Settings(func(n string) string { return map[string]string{"A": "env"}[n] }, path+"-none", path)
	if get("A") != "env" || get("B") != "file" || get("C") != "" {
		t.Errorf("%q %q %q", get("A"), get("B"), get("C"))
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("A='\nB=\"\\")
	f.Fuzz(func(t *testing.T, s string) { ParseSettings(s) })
}
