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

// began waits until the note of an agent that runs is there, and gives it.
func began(t *testing.T, file string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(text), "\n") {
			return string(text)
		}
	}
	t.Fatal("the agent does not begin")
	return ""
}

// Who comes next waits for the end of what another process has begun with a resource, and ends what takes too long.
func TestAgentsOutliveTheirDaemon(t *testing.T) {
	dir := t.TempDir()
	h := host(t, map[string]string{"ocf/resource.d/p/slow": `case $1 in
start) read line <` + dir + `/go; touch ` + dir + `/up;;
monitor) test -e ` + dir + `/up || exit 7;;
promote) sleep 600;;
esac`})
	h.RunDir = dir + "/run/agents"
	if err := syscall.Mkfifo(dir+"/go", 0o600); err != nil {
		t.Fatal(err)
	}
	next := *h
	run := func(h *Host, name string) Result {
		return h.Run(context.Background(), Action{Agent: Agent{OCF, "p", "slow"}, Resource: "vm/1", Name: name, Timeout: 10 * time.Minute})
	}
	note := filepath.Join(h.RunDir, "vm%2F1")
	first, second := make(chan Result, 1), make(chan Result, 1)
	go func() { first <- run(h, "start") }()
	began(t, note)
	go func() { second <- run(&next, "monitor") }()
	select {
	case r := <-second:
		t.Fatalf("the probe does not wait: %+v", r)
	case <-time.After(100 * time.Millisecond):
	}
	if err := os.WriteFile(dir+"/go", []byte("on\n"), 0); err != nil {
		t.Fatal(err)
	}
	if r := <-second; r.Code != CodeOK {
		t.Errorf("the probe after the start: %+v", r)
	}
	if r := <-first; r.Code != CodeOK {
		t.Errorf("start: %+v", r)
	}

	go func() { first <- run(h, "promote") }()
	f := strings.Fields(began(t, note))
	if err := os.WriteFile(note, []byte(f[0]+" "+f[1]+" 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(&next, "monitor"); r.Code != CodeOK {
		t.Errorf("after a promotion that took too long: %+v", r)
	}
	if r := <-first; r.Status != Failed || !strings.Contains(r.Reason, "interrupted") {
		t.Errorf("what took too long: %+v", r)
	}

	// Another process has the number of one that is gone; or the note is damaged.
	for _, text := range []string{strconv.Itoa(os.Getpid()) + " 1 0\n", "x", "1 2 3\n", "-1 0 0\n", ""} {
		if err := os.WriteFile(note, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := run(&next, "monitor"); r.Code != CodeOK {
			t.Errorf("%q: %+v", text, r)
		}
	}
	if _, err := os.Stat(note); err == nil {
		t.Error("a note is left")
	}
}
