package node

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hacluster/engine/alert"
	"hacluster/ocf"
)

// Who is told, is told in order; an agent that hangs keeps the next event from nobody, nor does the end of the node.
func TestAlertsAreCalled(t *testing.T) {
	dir := t.TempDir()
	agent, told := filepath.Join(dir, "agent"), filepath.Join(dir, "told")
	script := "#!/bin/sh\necho \"$WHAT $INHERITED $(umask)\" >> " + told + "\n[ \"$WHAT\" != hangs ] || exec sleep 30\n"
	if err := os.WriteFile(agent, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	host := &ocf.Host{Env: []string{"INHERITED=too", "PATH=" + os.Getenv("PATH")}, Umask: 0o026}
	w := (*world)(&Node{log: slog.New(slog.DiscardHandler), agents: newAgents(host), callers: newCallers()})
	call := func(what string) {
		w.RunAlert(alert.Run{Alert: "a", Recipient: "r", Path: agent, Env: []string{"WHAT=" + what}, Timeout: 5 * time.Minute})
	}
	await := func(want string) {
		t.Helper()
		for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(told)
			if string(text) == want {
				return
			}
			if time.Since(begin) > time.Minute {
				t.Fatalf("told %q, want %q", text, want)
			}
		}
	}
	line := func(what string) string { return what + " too 0026\n" }
	call("one")
	call("two")
	call("hangs")
	call("three")
	call("four")
	first := line("one") + line("two") + line("hangs") + line("three") + line("four")
	await(first)
	// What waits when the node ends is called, though nothing has time to end; the order of what is called at once nobody knows.
	for range 5 {
		call("hangs")
	}
	w.callers.end()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(told)
		if strings.Count(string(text), line("hangs")) == 6 {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("in the end: %q", text)
		}
	}
}
