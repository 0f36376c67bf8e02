package ocf

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An agent without a first line is the shell's; what cannot be run ends as Pacemaker's executor has it end.
func TestProgramsThatAreNone(t *testing.T) {
	h := host(t, map[string]string{"ocf/resource.d/p/ok": "", "init.d/ok": ""})
	at := func(name string) string { return filepath.Join(h.Root, "resource.d/p", name) }
	for name, mode := range map[string]os.FileMode{"shell": 0o755, "data": 0o644, "lost": 0o755} {
		text := "echo \"$0 $1\"; exit 8\n"
		if name == "lost" {
			text = "#!/no/such/interpreter\n"
		}
		if err := os.WriteFile(at(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.InitDir+"/data", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	const none = "Child process was unable to execute file"
	for _, c := range []struct {
		agent  Agent
		code   int
		reason string
		out    string
	}{
		{Agent{OCF, "p", "shell"}, 8, "", at("shell") + " monitor"},
		{Agent{OCF, "p", "data"}, 4, none, ""},
		{Agent{OCF, "p", "lost"}, 5, none, ""},
		{Agent{OCF, "p", "folder"}, 4, none, ""},
		{Agent{LSB, "", "data"}, 1, "", ""},
	} {
		res := h.Run(context.Background(), Action{Agent: c.agent, Name: "monitor"})
		if res.Code != c.code || res.Status != Done || res.Reason != c.reason || strings.TrimSpace(res.Stdout) != c.out {
			t.Errorf("%s: %+v", c.agent, res)
		}
	}
}

// What an agent leaves behind in the background may hold its output open; the result does not wait for it, and has all that was written.
func TestOutputThatStaysOpen(t *testing.T) {
	h := host(t, map[string]string{
		"ocf/resource.d/p/holds":  `sleep 600 & echo "$!"; echo ocf-exit-reason:done >&2`,
		"ocf/resource.d/p/closes": `exec >&- 2>&-; exit 7`,
		"ocf/resource.d/p/writes": `head -c 3000000 /dev/zero | tr '\0' x; echo end; head -c 12000000 /dev/zero | tr '\0' y >&2; echo ocf-exit-reason:cut >&2`,
	})
	run := func(name string) Result {
		return h.Run(context.Background(), Action{Agent: Agent{OCF, "p", name}, Name: "start"})
	}
	res := run("holds")
	if res.Code != 0 || res.Reason != "done" || res.Duration > time.Minute {
		t.Errorf("one that holds it: %+v", res)
	}
	if err := killPID(strings.TrimSpace(res.Stdout)); err != nil {
		t.Errorf("what was left running: %v", err)
	}
	if res := run("closes"); res.Code != 7 || res.Status != Done {
		t.Errorf("one that closes it: %+v", res)
	}
	res = run("writes")
	if len(res.Stdout) != 3000004 || !strings.HasSuffix(res.Stdout, "xend\n") || len(res.Stderr) != keepOutput || res.Reason != "" {
		t.Errorf("much of it: %d and %d bytes, %q", len(res.Stdout), len(res.Stderr), res.Reason)
	}
}

// Agents make their files with a mask that is not this process's.
func TestUmask(t *testing.T) {
	h := host(t, map[string]string{"ocf/resource.d/p/mask": "umask"})
	own := syscall.Umask(0o077)
	defer syscall.Umask(own)
	for mask, want := range map[int]string{0o026: "0026", 0o002: "0002", 0: "0077"} {
		h.Umask = mask
		if res := h.Run(context.Background(), Action{Agent: Agent{OCF, "p", "mask"}, Name: "start"}); strings.TrimSpace(res.Stdout) != want {
			t.Errorf("with %#o: %+v", mask, res)
		}
	}
	if now := syscall.Umask(0o077); now != 0o077 {
		t.Errorf("this process's own is %#o now", now)
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{
		"":      "",
		"noise": "",
		"ocf-exit-reason:a\nocf-exit-reason:b \r\nmore": "b \r",
		"x ocf-exit-reason:a ocf-exit-reason:b":         "b",
		"ocf-exit-reason:a\nocf-exit-reason:\n":         "",
		"ocf-exit-reason:  a":                           "  a",
	} {
		if got := exitReason(in); got != want {
			t.Errorf("the reason in %q is %q", in, got)
		}
	}
	for ms, want := range map[int]string{0: "0s", 5: "5ms", 1500: "1.500s", 20000: "20s", 61000: "1m1s", 90061005: "1d1h1m1.005s", 3600000: "1h"} {
		if got := readable(time.Duration(ms) * time.Millisecond); got != want {
			t.Errorf("%d ms are %q, not %q", ms, got, want)
		}
	}
	for sig, want := range map[syscall.Signal]string{9: "Killed", 11: "Segmentation fault", 34: "Real-time signal 0", 64: "Real-time signal 30"} {
		if got := signalName(sig); got != want {
			t.Errorf("signal %d is %q", sig, got)
		}
	}
}

func killPID(text string) error {
	pid, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}
