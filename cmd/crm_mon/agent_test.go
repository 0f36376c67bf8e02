package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
)

func history(t *testing.T, ops ...string) tui.Snapshot {
	t.Helper()
	doc := etree.NewDocument()
	text := `<cib><status><node_state id="1" uname="n1"><lrm><lrm_resources><lrm_resource id="vip">` + strings.Join(ops, "") + `</lrm_resource></lrm_resources></lrm></node_state></status></cib>`
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	return tui.Snapshot{Root: doc.Root()}
}

func op(id, task string, call, want, rc, execution int) string {
	return fmt.Sprintf(`<lrm_rsc_op id="%s" operation="%s" call-id="%d" rc-code="%d" op-status="%d" transition-key="3:7:%d:aa" transition-magic="%d:%d;3:7:%d:aa"/>`, id, task, call, rc, execution, want, execution, rc, want)
}

func TestAgentIsToldOfWhatWasDone(t *testing.T) {
	seen := &teller{fencings: true}
	if got := seen.news(history(t, op("a", "start", 1, 0, 0, 0))); len(got) != 0 {
		t.Errorf("what was there before is told: %v", got)
	}
	got := seen.news(history(t,
		op("a", "start", 1, 0, 0, 0),   // as before
		op("b", "monitor", 2, 7, 7, 0), // a probe that found what was expected
		op("c", "monitor", 3, 0, 7, 0), // failed
		op("d", "stop", 4, 0, 1, 2),    // timed out
		op("e", "start", 5, 0, 0, 0),
		op("f", "start", 6, 0, 193, -1), // under way
	))
	want := []happened{
		{"n1", "vip", "monitor", "Not running", 7, 0, 0},
		{"n1", "vip", "stop", "Timed out", 1, 0, 2},
		{"n1", "vip", "start", "OK", 0, 0, 0},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	s := history(t, op("a", "start", 1, 0, 0, 0))
	s.Fencing = []screen.Fencing{{ID: "7", Target: "n2", Action: "reboot", Client: "c", Origin: "n1", Delegate: "n1", State: "success", At: time.Unix(9, 0)}}
	got = seen.news(s)
	if len(got) != 1 || got[0].node != "n2" || got[0].task != "reboot" || got[0].desc != "Operation reboot of n2 by n1 for c@n1: OK (ref=7)" {
		t.Errorf("fencing: %+v", got)
	}
}

func TestAgentsEnvironment(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(dir, "agent")
	out := filepath.Join(dir, "out")
	if err := os.WriteFile(agent, []byte("#!/bin/sh\nenv | grep ^CRM_notify_ | sort > "+out+".new && mv "+out+".new "+out+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	seen := &teller{env: &program.Env{Stderr: os.Stderr}, agent: agent, recipient: "me"}
	seen.run(t.Context(), happened{"n1", "vip", "stop", "Timed out", 1, 0, 2})
	var data []byte
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && data == nil; time.Sleep(10 * time.Millisecond) {
		data, _ = os.ReadFile(out)
	}
	want := "CRM_notify_desc=Timed out\nCRM_notify_node=n1\nCRM_notify_rc=1\nCRM_notify_recipient=me\nCRM_notify_rsc=vip\nCRM_notify_status=2\nCRM_notify_target_rc=0\nCRM_notify_task=stop\n"
	if string(data) != want {
		t.Errorf("got\n%s\nwant\n%s", data, want)
	}
}

func TestFileIsReplacedAsAWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	o, err := newOutput(&program.Env{}, &request{to: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.write("old"); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := o.write("new page"); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 16)
	n, _ := reader.Read(data)
	now, _ := os.ReadFile(file)
	if string(data[:n]) != "old" || string(now) != "new page" {
		t.Errorf("who had it open reads %q, who opens it %q", data[:n], now)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
