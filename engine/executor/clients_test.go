package executor

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// watcher notes what clients would be told among what the executor wants done.
type watcher struct{ *fake }

func (w watcher) Registered(r string)   { w.log = append(w.log, "known "+r) }
func (w watcher) Unregistered(r string) { w.log = append(w.log, "unknown "+r) }
func (w watcher) Ended(e Ended) {
	s := fmt.Sprintf("ended %d %s %d:%d", e.Call, operationKey(e.Op), e.Status, e.Code)
	if e.Same {
		s += " same"
	}
	if e.Deleted {
		s += " deleted"
	}
	w.log = append(w.log, s)
}

func TestClients(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	e.Watch(watcher{f})
	now := time.Unix(1000, 0)
	agent := Op{Resource: "R", Class: "ocf", Provider: "p", Type: "t", Node: "n1"}
	register := func(typ string) {
		op := agent
		op.Type = typ
		e.Register(op, true)
	}
	order := func(action string, interval, delay int, by Asker) {
		op := Op{Resource: "R", Action: action, Node: "n1", Interval: time.Duration(interval) * time.Second, StartDelay: time.Duration(delay) * time.Second, By: by}
		if err := e.Order(now, e.NextCall(), op); err != nil {
			t.Error(err)
		}
	}
	cancel := func(action string, interval int, want error) {
		if err := e.Cancel(now, "R", action, time.Duration(interval)*time.Second); !errors.Is(err, want) {
			t.Errorf("cancel %s %d: %v, want %v", action, interval, err, want)
		}
	}
	finish := func(code int) {
		run := f.order[0]
		f.order = f.order[1:]
		e.Finished(now, run, Result{Code: code})
	}
	tick := func(seconds int) { now = now.Add(time.Duration(seconds) * time.Second); e.Tick(now) }
	c, alone := Asker{ID: "c", Always: true}, Asker{ID: "a", Alone: true, Always: true}
	steps := []struct {
		do   func()
		want string
	}{
		{func() {
			if err := e.Order(now, 1, Op{Resource: "R", Action: "start"}); !errors.Is(err, ErrNoResource) {
				t.Error(err)
			}
			cancel("start", 0, ErrNoResource)
			if e.Unregister(now, "R") {
				t.Error("what is not known runs")
			}
		}, ""},
		{func() { register("t") }, ""},
		// Without a key it is in the history as what no plan ordered.
		{func() { order("start", 0, 0, c) }, "run R_start_0"},
		{func() { finish(0) }, "record R_last_0 0:0, ended 1 R_start_0 0:0"},
		// What one client alone hears of leaves no history.
		{func() { order("monitor", 0, 0, alone); finish(7) }, "run R_monitor_0, ended 2 R_monitor_0 0:7"},
		// A recurring one is told of each time, recorded when it changes.
		{func() { order("monitor", 10, 0, c); finish(0) }, "run R_monitor_10000, record R_monitor_10000 0:0, ended 3 R_monitor_10000 0:0"},
		{func() { tick(10); finish(0) }, "run R_monitor_10000, ended 3 R_monitor_10000 0:0 same"},
		{func() { tick(10); finish(7) }, "run R_monitor_10000, record R_last_failure_0 0:7, ended 3 R_monitor_10000 0:7"},
		// The same again is told of under its number, and done at once.
		{func() { order("monitor", 10, 0, c); finish(7) }, "run R_monitor_10000, record R_last_failure_0 0:7, ended 4 R_monitor_10000 0:7"},
		{func() { cancel("monitor", 20, ErrNoOperation); cancel("stop", 10, ErrNoOperation) }, ""},
		{func() { cancel("monitor", 10, nil) }, "ended 4 R_monitor_10000 1:7, forget R R_monitor_10000"},
		{func() { tick(10); cancel("monitor", 10, ErrNoOperation) }, ""},
		// What has not begun is cancelled, what runs is killed.
		{func() { order("start", 0, 30, c); cancel("start", 0, nil) }, "ended 5 R_start_0 1:0"},
		{func() { tick(30); order("monitor", 10, 0, c); cancel("monitor", 10, nil) }, "run R_monitor_10000, kill R_monitor_10000"},
		{func() { finish(0) }, "ended 6 R_monitor_10000 1:0"},
		// A stop ends what recurs.
		{func() { order("monitor", 10, 0, c); finish(0) }, "run R_monitor_10000, record R_monitor_10000 0:0, ended 7 R_monitor_10000 0:0"},
		{func() { order("stop", 0, 0, c); finish(0) }, "ended 7 R_monitor_10000 1:0, run R_stop_0, record R_last_0 0:0, ended 8 R_stop_0 0:0"},
		// With the connection goes what recurs for it.
		{
			func() { order("monitor", 10, 0, alone); finish(0); order("monitor", 20, 0, c); finish(0) },
			"run R_monitor_10000, ended 9 R_monitor_10000 0:0, run R_monitor_20000, record R_monitor_20000 0:0, ended 10 R_monitor_20000 0:0",
		},
		{func() { e.Left(now, "a") }, "ended 9 R_monitor_10000 1:0, forget R R_monitor_10000"},
		// With a resource goes all that was to be done for it, and its history.
		{func() { order("start", 0, 0, c); order("stop", 0, 0, c) }, "run R_start_0, ended 10 R_monitor_20000 1:0"},
		{func() {
			if !e.Unregister(now, "R") {
				t.Error("what runs does not run")
			}
		}, "ended 12 R_stop_0 1:0 deleted"},
		{func() { finish(0) }, "ended 11 R_start_0 0:0 deleted, forget R "},
		// The cluster's own orders are seen, and obeyed: an answer where there is no history.
		{func() {
			op := agent
			op.Action, op.Key = "start", "1:2:0:uuid"
			e.Invoke(now, op)
		}, "known R, record R_last_0 -1:193, run R_start_0"},
		{func() { e.Unregister(now, "R"); finish(0) }, "answer start 0, ended 13 R_start_0 0:0 deleted, forget R "},
		{func() {
			op := agent
			op.Action, op.Key, op.StartDelay = "start", "1:2:0:uuid", time.Second
			e.Invoke(now, op)
			cancel("start", 0, nil)
		}, "known R, record R_last_0 -1:193, answer start 1, ended 14 R_start_0 1:0, forget R R_last_0"},
		{func() { e.Invoke(now, Op{Resource: "R", Action: "delete", Node: "n1"}) }, "forget R , unknown R, answer delete 0"},
	}
	for i, s := range steps {
		s.do()
		if got := f.take(); got != s.want {
			t.Errorf("step %d: %s\nwant    %s", i, got, s.want)
		}
	}
	if _, _, _, known := e.Known("R"); known || !e.Idle() {
		t.Error("something is left")
	}
}
