package fencer

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// History lists fencing of a node ("" for all), the newest first.
func (f *Fencer) History(target string) []Record {
	var out []Record
	for _, r := range slices.Backward(f.history) {
		if target == "" || r.Target == target {
			out = append(out, *r)
		}
	}
	return out
}

// Cleanup orders all nodes to forget the history of a node ("" for all).
func (f *Fencer) Cleanup(target string) {
	m := etree.NewElement("stonith_command")
	for _, a := range [][2]string{{"t", Type}, {"st_op", "st_fence_history"}, {"st_task", "cleanup"}, {"src", f.self}, {"st_target", target}} {
		if a[1] != "" {
			m.CreateAttr(a[0], a[1])
		}
	}
	f.effects.Broadcast(m)
}

// Share tells all nodes what this node remembers; who remembers more tells that.
func (f *Fencer) Share() { f.share("", nil) }

// answerAttr of what a node tells of its history is whom it answers by that.
const answerAttr = "st_answer_to"

// share tells what this node remembers, but for some records, by their ids.
func (f *Fencer) share(answers string, but map[string]bool) {
	m := etree.NewElement("stonith_command")
	for _, a := range [][2]string{{"t", Type}, {"st_op", "st_fence_history"}, {"st_task", "sync"}, {"src", f.self}, {answerAttr, answers}} {
		if a[1] != "" {
			m.CreateAttr(a[0], a[1])
		}
	}
	for _, r := range f.history {
		if r.State > Executing && !but[r.ID] {
			m.AddChild(r.Element())
		}
	}
	if answers == "" || len(m.ChildElements()) > 0 {
		f.effects.Broadcast(m)
	}
}

// Execution is how the record's operation ended, as Pacemaker numbers executions and exits; it is over.
func (r *Record) Execution() (status, exit string) {
	if r.State == Failed && r.Code == 0 {
		return "4", "1" // of a fencer that does not say why
	}
	return Status(r.Code)
}

// Told is the reason as it is told beside how the operation ended.
func (r *Record) Told() string { return (&Error{Code: r.Code, Reason: r.Reason}).Told() }

// outcome is that in words.
func (r *Record) outcome() string {
	execution, exit := r.Execution()
	code, _ := strconv.Atoi(execution)
	how := status.ExecText(code)
	if told := r.Told(); r.State == Failed && told != "" {
		how += ": " + told
	}
	word := map[string]string{"0": "OK", "2": "Invalid parameter", "3": "Unimplemented", "4": "Insufficient privileges"}[exit]
	return cmp.Or(word, "Error occurred") + " (" + how + ")"
}

// failure is what is told of as an error.
type failure string

func (e failure) Error() string { return string(e) }

// LogLevel is that of errors.
func (failure) LogLevel() slog.Level { return slog.LevelError }

// tell logs a notice, or an error where something failed.
func (f *Fencer) tell(failed bool, format string, args ...any) {
	if failed {
		f.effects.Logf("%v", failure(fmt.Sprintf(format, args...)))
		return
	}
	f.effects.Logf(format, args...)
}

// Element is the record as tools read it.
func (r *Record) Element() *etree.Element {
	e := etree.NewElement("st_execute")
	execution, exit, rc := "", "", ""
	if r.State > Executing {
		execution, exit = r.Execution()
		rc = strconv.Itoa(-r.Code)
	}
	for _, a := range [][2]string{
		{"st_remote_op", r.ID},
		{"st_target", r.Target},
		{"st_device_action", r.Action},
		{"st_origin", r.Origin},
		{"st_delegate", r.Delegate},
		{"st_clientname", r.Client},
		{"st_date", strconv.FormatInt(r.At.Unix(), 10)},
		{"st_date_nsec", strconv.Itoa(r.At.Nanosecond())},
		{"st_state", strconv.Itoa(int(r.State))},
		{"op-status", execution},
		{"rc-code", exit},
		{"st_rc", rc},
		{"exit-reason", r.Told()},
	} {
		if a[1] != "" {
			e.CreateAttr(a[0], a[1])
		}
	}
	return e
}

func (f *Fencer) takeHistory(from string, m *etree.Element) {
	told := map[string]bool{}
	for _, e := range m.SelectElements("st_execute") {
		get := func(name string) string { return e.SelectAttrValue(name, "") }
		st, _ := strconv.Atoi(get("st_state"))
		t, _ := strconv.ParseInt(get("st_date"), 10, 64)
		ns, _ := strconv.ParseInt(get("st_date_nsec"), 10, 64)
		rc, _ := strconv.Atoi(get("st_rc"))
		r := Record{
			Code: max(rc, -rc), ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: get("st_origin"), Delegate: get("st_delegate"),
			Client: get("st_clientname"), State: State(st), Reason: get("exit-reason"), At: time.Unix(t, ns),
		}
		if r.certainty() == 1 && slices.ContainsFunc(f.pending, func(p *pending) bool { return p.ID == r.ID }) {
			continue // it failed to who lost the node that leads it, and is under way here
		}
		i := slices.IndexFunc(f.history, func(h *Record) bool { return h.ID == r.ID })
		if i < 0 || r.surer(f.history[i]) {
			f.remember(r)
		}
		told[r.ID] = i < 0 || !f.history[i].surer(&r)
	}
	slices.SortStableFunc(f.history, func(a, b *Record) int { return a.At.Compare(b.At) })
	if from != f.self && m.SelectAttr(answerAttr) == nil {
		f.share(from, told)
	}
}

// surer tells whether more is known by r than by another record of the same fencing. Nodes that lose the one that led it
// each note when: the first counts for all.
func (r *Record) surer(other *Record) bool {
	if a, b := r.certainty(), other.certainty(); a != b || a == 0 {
		return a > b
	}
	return r.At.Before(other.At)
}

// certainty tells how much is known of how fencing ended. To who lost the node that led it, it failed, whatever others know.
func (r *Record) certainty() int {
	switch {
	case r.State == Done:
		return 3
	case r.State > Executing && r.Delegate != "":
		return 2
	case r.State > Executing:
		return 1
	}
	return 0
}

// remember enters a record, or what is new about one.
func (f *Fencer) remember(r Record) {
	defer f.effects.Changed()
	for _, h := range f.history {
		if h.ID == r.ID {
			*h = r
			return
		}
	}
	f.history = append(f.history, &r)
	if len(f.history) > keepHistory {
		f.history = slices.Clone(f.history[len(f.history)-trimHistory:])
	}
}

func (f *Fencer) forget(target string) {
	f.history = slices.DeleteFunc(f.history, func(r *Record) bool {
		return r.State > Executing && (target == "" || r.Target == target)
	})
	f.effects.Changed()
}
