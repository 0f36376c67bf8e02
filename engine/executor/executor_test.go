package executor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
)

// fake notes what an executor wants done.
type fake struct {
	runs  map[uint64]Op
	order []uint64
	log   []string
}

func (f *fake) Run(run uint64, op Op) {
	f.runs[run] = op
	f.order = append(f.order, run)
	f.log = append(f.log, "run "+operationKey(op))
}

func (f *fake) Traits(Op) Traits { return Traits{} }

func (f *fake) Kill(run uint64) { f.log = append(f.log, "kill "+operationKey(f.runs[run])) }

func (f *fake) Record(node string, r *etree.Element) {
	for _, op := range r.SelectElements("lrm_rsc_op") {
		f.log = append(f.log, fmt.Sprintf("record %s %s:%s", op.SelectAttrValue("id", ""), op.SelectAttrValue("op-status", ""), op.SelectAttrValue("rc-code", "")))
	}
}

func (f *fake) Forget(_, resource, entry string) { f.log = append(f.log, "forget "+resource+" "+entry) }

func (f *fake) Recorded(Op, Result) {}
func (f *fake) Answer(op Op, res Result) {
	f.log = append(f.log, fmt.Sprintf("answer %s %d", op.Action, res.Code))
}
func (f *fake) Logf(string, ...any) {}

// take gives what was noted since the last time.
func (f *fake) take() string {
	s := strings.Join(f.log, ", ")
	f.log = nil
	return s
}

func TestHistory(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	op := func(action string, seconds int, expected int) Op {
		return Op{
			Resource: "R", Class: "ocf", Provider: "p", Type: "t", Action: action, Node: "n1", Interval: time.Duration(seconds) * time.Second,
			Key: fmt.Sprintf("1:2:%d:uuid", expected),
		}
	}
	finish := func(code int) {
		run := f.order[0]
		f.order = f.order[1:]
		e.Finished(now, run, Result{Code: code})
	}
	steps := []struct {
		do   func()
		want string
	}{
		{func() { e.Invoke(now, op("monitor", 0, 7)) }, "record R_last_0 -1:193, run R_monitor_0"},
		{func() { finish(7) }, "record R_last_0 0:7"},
		// One action a resource at a time; the rest waits.
		{func() { e.Invoke(now, op("start", 0, 0)); e.Invoke(now, op("monitor", 10, 0)) }, "record R_last_0 -1:193, run R_start_0, record R_monitor_10000 -1:193"},
		{func() { finish(0) }, "record R_last_0 0:0, run R_monitor_10000"},
		{func() { finish(0) }, "record R_monitor_10000 0:0"},
		// A recurring operation is told of again only when its result changes.
		{func() { now = now.Add(10 * time.Second); e.Tick(now) }, "run R_monitor_10000"},
		{func() { finish(0) }, ""},
		{func() { now = now.Add(10 * time.Second); e.Tick(now); finish(7) }, "run R_monitor_10000, record R_last_failure_0 0:7"},
		{func() { e.Invoke(now, Op{Resource: "R", Action: "clear_failcount", Node: "n1"}) }, "forget R R_last_failure_0"},
		// A stop ends what recurs; the last result stays.
		{func() { e.Invoke(now, op("stop", 0, 0)) }, "record R_last_0 -1:193, run R_stop_0"},
		{func() { finish(0) }, "record R_last_0 0:0"},
		{func() { now = now.Add(time.Hour); e.Tick(now) }, ""},
		{func() { e.Invoke(now, op("notify", 0, 0)) }, "run R_notify_0"},
		{func() { finish(1) }, "answer notify 0"},
		// A failure of what is done once is recorded twice.
		{func() { e.Invoke(now, op("start", 0, 0)); finish(1) }, "record R_last_0 -1:193, run R_start_0, record R_last_failure_0 0:1, record R_last_0 0:1"},
		// One of a migration once, under the name that its success has: recorded twice it would be news twice, and end two plans.
		{func() { e.Invoke(now, op("migrate_to", 0, 0)); finish(1) }, "record R_migrate_to_0 -1:193, run R_migrate_to_0, record R_migrate_to_0 0:1"},
		// What was not done after all is no failure, and not under way any more.
		{func() {
			e.Invoke(now, op("start", 0, 0))
			run := f.order[0]
			f.order = f.order[1:]
			e.Finished(now, run, Result{Code: 1, Status: statusCancelled})
		}, "record R_last_0 -1:193, run R_start_0, forget R R_last_0, answer start 1"},
		// What is ordered after a deletion, while something runs that was ordered before it, stays.
		{func() { e.Invoke(now, op("monitor", 10, 0)) }, "record R_monitor_10000 -1:193, run R_monitor_10000"},
		{func() { e.Invoke(now, op("delete", 0, 0)) }, "answer monitor 0, forget R R_monitor_10000, kill R_monitor_10000"},
		{func() { e.Invoke(now, op("start", 0, 0)); e.Invoke(now, op("monitor", 10, 0)) }, "record R_last_0 -1:193, record R_monitor_10000 -1:193"},
		{func() { finish(0) }, "forget R R_last_failure_0, forget R R_migrate_to_0, answer delete 0, run R_start_0"},
		{func() { finish(0) }, "record R_last_0 0:0, run R_monitor_10000"},
		{func() { finish(0) }, "record R_monitor_10000 0:0"},
		{func() { e.Invoke(now, op("stop", 0, 0)); finish(0) }, "record R_last_0 -1:193, run R_stop_0, record R_last_0 0:0"},
		{func() { now = now.Add(time.Hour); e.Tick(now) }, ""},
		{func() { e.Close(); e.Invoke(now, op("start", 0, 0)) }, "answer start 1"},
		{func() { e.Invoke(now, op("delete", 0, 0)) }, "forget R , answer delete 0"},
		// Who ordered what recurs hears that it ended when it did so before its first result, running or waiting.
		{func() { e.Invoke(now, op("monitor", 10, 0)); e.Invoke(now, op("monitor", 20, 8)) }, "record R_monitor_10000 -1:193, run R_monitor_10000, record R_monitor_20000 -1:193"},
		{func() { e.Invoke(now, op("delete", 0, 0)) }, "answer monitor 0, forget R R_monitor_10000, answer monitor 8, forget R R_monitor_20000, kill R_monitor_10000"},
		{func() { finish(0) }, "forget R , answer delete 0"},
	}
	for i, s := range steps {
		s.do()
		if got := f.take(); got != s.want {
			t.Errorf("step %d: %s\nwant    %s", i, got, s.want)
		}
	}
	if !e.Idle() || !e.Deadline().IsZero() {
		t.Errorf("idle %v, deadline %v", e.Idle(), e.Deadline())
	}
}

// What is under way is in a history that is told, also where it is not recorded.
func TestStateHasWhatIsUnderWay(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	quiet := []Param{{"CRM_meta_record_pending", "false"}}
	for _, op := range []Op{
		{Resource: "A", Action: "start", Key: "1:1:0:u", Params: quiet},
		{Resource: "A", Action: "monitor", Interval: time.Second, Key: "2:1:0:u", Params: quiet},
		{Resource: "B", Action: "migrate_from", Key: "3:1:0:u"},
		{Resource: "C", Action: "start", Key: "4:1:0:u", StartDelay: time.Minute},
		{Resource: "D", Action: "notify", Key: "5:1:0:u"},
	} {
		e.Invoke(now, op)
	}
	told := func() string {
		var out []string
		for _, op := range e.State("1").FindElements("lrm_resources/lrm_resource/lrm_rsc_op") {
			out = append(out, op.SelectAttrValue("id", "")+" "+op.SelectAttrValue("transition-magic", ""))
		}
		return strings.Join(out, ", ")
	}
	if got, want := told(), "A_last_0 -1:193;1:1:0:u, B_migrate_from_0 -1:193;3:1:0:u, C_last_0 -1:193;4:1:0:u"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	e.Finished(now, f.order[0], Result{})
	if got, want := told(), "A_last_0 0:0;1:1:0:u, B_migrate_from_0 -1:193;3:1:0:u, C_last_0 -1:193;4:1:0:u"; got != want {
		t.Errorf("after A has started: %s\nwant %s", got, want)
	}
}

// TestDigest holds digests against one that Pacemaker writes.
func TestDigest(t *testing.T) {
	all := func(string) bool { return true }
	if got := digest(Op{Params: []Param{{"CRM_meta_timeout", "20000"}, {"crm_feature_set", "3.16.1"}}}, all); got != "f2317cad3d54cec5d7d7aa7d0bf35cf8" {
		t.Errorf("of no parameters: %s", got)
	}
	a := digest(Op{Params: []Param{{"b", "2"}, {"a", "1"}}}, all)
	if b := digest(Op{Params: []Param{{"a", "1"}, {"b", "2"}, {"CRM_meta_x", "y"}}}, all); a != b {
		t.Error("the order of parameters or a meta attribute counts")
	}
	if b := digest(Op{Params: []Param{{"a", "1"}, {"b", "3"}}}, all); a == b {
		t.Error("a value does not count")
	}
}

// TestUndecided: a recurring check that cannot tell yet is repeated for as long as
// its timeout; one that is done once has had its time.
func TestUndecided(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	e.Invoke(now, Op{Resource: "R", Class: "systemd", Type: "t", Action: "monitor", Interval: 10 * time.Second, Timeout: 15 * time.Second, Key: "1:2:0:u"})
	for i, s := range []struct {
		code, status int
		want         string
	}{
		{193, statusPending, "record R_monitor_10000 -1:193, run R_monitor_10000, record R_monitor_10000 -1:193"},
		{193, statusPending, "run R_monitor_10000"},
		{193, statusPending, "run R_monitor_10000, record R_last_failure_0 2:1"},
		{0, statusDone, "run R_monitor_10000, record R_monitor_10000 0:0"},
		{193, statusPending, "run R_monitor_10000, record R_monitor_10000 -1:193"},
	} {
		e.Finished(now, uint64(i+1), Result{Code: s.code, Status: s.status})
		if got := f.take(); got != s.want {
			t.Errorf("step %d: %s\nwant    %s", i, got, s.want)
		}
		now = now.Add(10 * time.Second)
		e.Tick(now)
	}
	e.Invoke(now, Op{Resource: "S", Class: "systemd", Type: "t", Action: "monitor", Key: "1:2:7:u"})
	f.take()
	e.Finished(now, 7, Result{Code: 193, Status: statusPending})
	if got := f.take(); got != "record S_last_failure_0 2:1, record S_last_0 2:1" {
		t.Errorf("a probe: %s", got)
	}
}

// A connection that breaks makes its monitor fail at once, and that is the later result
// though both are of one second.
func TestFailRecurring(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	monitor := Op{Resource: "R", Action: "monitor", Node: "n1", Interval: time.Minute, Key: "1:2:0:uuid"}
	changed := func() string {
		for _, op := range e.State("1").FindElements("//lrm_rsc_op") {
			if op.SelectAttrValue("id", "") == "R_last_failure_0" {
				return op.SelectAttrValue("last-rc-change", "") + " " + op.SelectAttrValue("op-status", "") + " " + op.SelectAttrValue("exit-reason", "")
			}
		}
		return ""
	}
	e.Invoke(now, monitor)
	e.Finished(now, f.order[0], Result{})
	e.FailRecurring(now.Add(100*time.Millisecond), "R", "lost")
	if got := changed(); got != "1001 4 lost" {
		t.Errorf("the failure: %q", got)
	}
	f.take()
	e.Tick(now.Add(time.Hour))
	if got := f.take(); got != "" {
		t.Errorf("it goes on: %s", got)
	}
	// The monitor that saw that nobody answers has failed, with its own reason, and does not fail twice; others do.
	other := monitor
	other.Interval = 2 * time.Minute
	e.Invoke(now, monitor)
	e.Finished(now, f.order[1], Result{Code: 1, Status: statusTimedOut, Reason: "no answer"})
	e.Invoke(now, other)
	e.Finished(now, f.order[2], Result{})
	f.take()
	e.FailRecurring(now.Add(time.Second), "R", "lost")
	if got := f.take(); got != "record R_last_failure_0 4:1" || changed() != "1001 4 lost" {
		t.Errorf("of two monitors, one of which failed before: %s; %s", got, changed())
	}
	e.Tick(now.Add(time.Hour))
	if got := f.take(); got != "" {
		t.Errorf("they go on: %s", got)
	}
}

// What is seen to be gone in maintenance counts as stopped in good order, and is monitored no more.
func TestStopped(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	gone := Op{Resource: "R", Node: "n1"}
	e.Stopped(now, gone) // nobody knows of it
	e.Invoke(now, Op{Resource: "R", Class: "ocf", Provider: "p", Type: "t", Action: "monitor", Node: "n1", Interval: time.Minute, Key: "1:2:0:uuid"})
	e.Finished(now, f.order[0], Result{})
	f.take()
	e.Stopped(now, gone)
	if got := f.take(); got != "record R_last_0 0:0" {
		t.Errorf("recorded: %s", got)
	}
	op := e.State("1").FindElement("//lrm_rsc_op[@id='R_last_0']")
	if got := op.SelectAttrValue("operation_key", "") + " " + op.SelectAttrValue("transition-key", ""); got != "R_stop_0 -1:2:0:"+nobody {
		t.Errorf("the history has %s", got)
	}
	e.Tick(now.Add(time.Hour))
	if got := f.take(); got != "" {
		t.Errorf("it goes on: %s", got)
	}
}

// Of what is abandoned nobody hears the end; who ordered it is told, the history keeps that it began.
func TestAbandon(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	e.Invoke(now, Op{Resource: "R", Action: "start", Node: "n1", Key: "1:2:0:uuid"})
	e.Invoke(now, Op{Resource: "R", Action: "notify", Node: "n1", Key: "2:2:0:uuid"})
	f.take()
	e.Abandon("lost")
	if got := f.take(); got != "answer start 1, answer notify 1" {
		t.Errorf("abandoned: %s", got)
	}
	e.Finished(now, f.order[0], Result{})
	if got := f.take(); got != "" {
		t.Errorf("a late end: %s", got)
	}
}

// A resource is stopped with what it was started with, whatever is configured by then; what the cluster says of the stop is the stop's.
func TestStopsWithWhatItWasStartedWith(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	do := func(action string, code int, params ...Param) string {
		e.Invoke(now, Op{Resource: "R", Action: action, Key: "1:2:0:u", Params: params})
		run := f.order[len(f.order)-1]
		e.Finished(now, run, Result{Code: code})
		return fmt.Sprint(f.runs[run].Params)
	}
	timeout := func(ms string) Param { return Param{"CRM_meta_timeout", ms} }
	for _, c := range []struct {
		action string
		code   int
		params []Param
		want   string
	}{
		{"stop", 0, []Param{{"ip", "1"}, timeout("10")}, "[{ip 1} {CRM_meta_timeout 10}]"}, // nothing else is known
		{"start", 0, []Param{{"ip", "1"}, {"more", "x"}, timeout("20")}, "[{ip 1} {more x} {CRM_meta_timeout 20}]"},
		{"start", 1, []Param{{"ip", "2"}}, "[{ip 2}]"}, // failed
		{"promote", 0, []Param{{"ip", "3"}}, "[{ip 3}]"},
		{"stop", 0, []Param{{"ip", "4"}, timeout("30")}, "[{CRM_meta_timeout 30} {ip 1} {more x}]"},
		{"reload-agent", 0, []Param{{"ip", "5"}}, "[{ip 5}]"},
		{"stop", 0, []Param{{"ip", "6"}}, "[{ip 5}]"},
	} {
		if got := do(c.action, c.code, c.params...); got != c.want {
			t.Errorf("%s got %s, want %s", c.action, got, c.want)
		}
	}
}

// What changes a resource's state ends its checks, and kills one that is under way, so that nothing waits for an agent that hangs.
func TestChecksEndBeforeChanges(t *testing.T) {
	for _, action := range []string{"start", "stop", "promote", "demote", "migrate_to", "migrate_from", "reload-agent", "monitor", "notify"} {
		f := &fake{runs: map[uint64]Op{}}
		e := New(f)
		now := time.Unix(1000, 0)
		e.Invoke(now, Op{Resource: "R", Action: "monitor", Interval: time.Second, Key: "1:2:0:u"})
		f.take()
		e.Invoke(now, Op{Resource: "R", Action: action, Key: "2:2:0:u"})
		ends := action != "monitor" && action != "notify"
		if got := strings.Contains(f.take(), "kill R_monitor_1000"); got != ends {
			t.Errorf("%s: a check is killed: %v", action, got)
		}
		e.Finished(now, f.order[0], Result{Code: 1, Status: 1})
		if got := f.runs[f.order[1]].Action; got != action {
			t.Errorf("%s: then %s is run", action, got)
		}
	}
	// The connection to a remote node is watched until it is taken over.
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	remote := Op{Resource: "R", Class: "ocf", Provider: "pacemaker", Type: "remote", Action: "monitor", Interval: time.Second, Key: "1:2:0:u"}
	e.Invoke(time.Unix(1000, 0), remote)
	remote.Action, remote.Interval = "migrate_to", 0
	e.Invoke(time.Unix(1000, 0), remote)
	if got := f.take(); strings.Contains(got, "kill") {
		t.Errorf("a connection that moves: %s", got)
	}
}

// A connection to a remote node that is to be stopped is not waited for: the try under way is ended, and those that wait are not begun. Nothing stays
// of them, and what is under way of the stop does.
func TestStopEndsTriesToConnect(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	do := func(action, key string) {
		e.Invoke(now, Op{Resource: "R", Class: "ocf", Provider: "pacemaker", Type: "remote", Action: action, Key: key})
	}
	do("start", "1:1:0:a")
	do("start", "1:1:0:b")
	if got := f.take(); strings.Contains(got, "kill") {
		t.Fatalf("a start ends another: %s", got)
	}
	do("start", "1:1:0:c") // of several that wait the last counts
	if got, want := f.take(), "forget R R_last_0, answer start 1, record R_last_0 -1:193"; got != want {
		t.Fatalf("the third start: %s, want %s", got, want)
	}
	do("stop", "2:1:0:a")
	if got, want := f.take(), "forget R R_last_0, answer start 1, kill R_start_0, record R_last_0 -1:193"; got != want {
		t.Errorf("at the stop: %s, want %s", got, want)
	}
	do("stop", "2:1:0:a") // it is killed once
	if got := f.take(); strings.Contains(got, "kill") {
		t.Errorf("at the next stop: %s", got)
	}
	e.Finished(now, f.order[0], Result{Code: 1, Status: statusCancelled})
	if got, want := f.take(), "answer start 1, run R_stop_0"; got != want {
		t.Errorf("then: %s, want %s", got, want)
	}
	e.Finished(now, f.order[1], Result{})
	if got, want := f.take(), "record R_last_0 0:0, run R_stop_0"; got != want {
		t.Errorf("stopped: %s, want %s", got, want)
	}
}

// A plan does not wait for a check that begins much later.
func TestStartDelay(t *testing.T) {
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	now := time.Unix(1000, 0)
	e.Invoke(now, Op{Resource: "R", Action: "monitor", Interval: time.Second, StartDelay: 2 * time.Second, Key: "1:2:0:u"})
	e.Invoke(now, Op{Resource: "R", Action: "monitor", Interval: time.Minute, StartDelay: 10 * time.Minute, Key: "1:2:8:u"})
	if got, want := f.take(), "record R_monitor_1000 -1:193, record R_monitor_60000 -1:193, answer monitor 8"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	now = now.Add(2 * time.Second)
	e.Tick(now)
	if got, want := f.take(), "run R_monitor_1000"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	e.Invoke(now, Op{Resource: "R", Action: "stop", Key: "1:2:0:u"})
	if got := f.take(); !strings.Contains(got, "kill R_monitor_1000") || !strings.Contains(got, "forget R R_monitor_60000") {
		t.Errorf("at a stop: %s", got)
	}
}

// A deletion has its place among what is ordered: what came before it is done first and forgotten with the rest, what came after it is not forgotten.
func TestDeletionHasItsPlace(t *testing.T) {
	for _, del := range []string{"delete", "lrm_delete"} {
		f := &fake{runs: map[uint64]Op{}}
		e := New(f)
		now := time.Unix(1000, 0)
		order := func(action string, interval time.Duration, key string) {
			e.Invoke(now, Op{Resource: "R", Class: "ocf", Provider: "p", Type: "t", Action: action, Interval: interval, Node: "n1", Key: key})
		}
		end := func(n int) string {
			e.Finished(now, f.order[n], Result{})
			return f.take()
		}
		order("monitor", 0, "1:2:7:u")
		order("start", 0, "2:2:0:u")
		order(del, 0, "3:2:0:u")
		order("monitor", 10*time.Second, "1:3:0:u")
		if got := f.take(); strings.Contains(got, "answer") || strings.Contains(got, "forget") {
			t.Errorf("%s: while something runs: %s", del, got)
		}
		if got := end(0); !strings.HasSuffix(got, "run R_start_0") {
			t.Errorf("%s: what waited longest is not next: %s", del, got)
		}
		got := end(1)
		forgets, answers, runs := strings.Index(got, "forget R R_last_0"), strings.Index(got, "answer "+del+" 0"), strings.Index(got, "run R_monitor_10000")
		if forgets < 0 || answers < forgets || runs < answers || strings.Contains(got, "forget R R_monitor_10000") {
			t.Errorf("%s: once its turn has come: %s", del, got)
		}
		if got := end(2); !strings.Contains(got, "record R_monitor_10000 0:0") {
			t.Errorf("%s: what was ordered after it: %s", del, got)
		}
		var left []string
		for _, op := range e.State("1").FindElements("//lrm_rsc_op") {
			left = append(left, op.SelectAttrValue("id", ""))
		}
		if got := strings.Join(left, " "); got != "R_monitor_10000" {
			t.Errorf("%s: the history has %q", del, got)
		}
	}
}
