package screen

import (
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// HistoryOf reads the fencer's history (st_history, nil for none), which is in no order: first what is under way, then the newest first.
func HistoryOf(history *etree.Element) []Fencing {
	if history == nil {
		return nil
	}
	var pending, over []Fencing
	for _, e := range history.SelectElements("st_execute") {
		if f := fencingOf(e); f.State == "pending" {
			pending = append(pending, f)
		} else {
			over = append(over, f)
		}
	}
	slices.SortStableFunc(over, func(a, b Fencing) int { return b.At.Compare(a.At) })
	return append(pending, over...)
}

// fencingOf reads an entry of the fencer's history (st_execute).
func fencingOf(e *etree.Element) Fencing {
	get := func(name string) string { return e.SelectAttrValue(name, "") }
	sec, _ := strconv.ParseInt(get("st_date"), 10, 64)
	nsec, _ := strconv.ParseInt(get("st_date_nsec"), 10, 64)
	state := map[string]string{"2": "success", "4": "failed"}[get("st_state")]
	if state == "" {
		state = "pending"
	}
	return Fencing{
		ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: get("st_origin"), Delegate: get("st_delegate"), Client: get("st_clientname"),
		State: state, Reason: get("exit-reason"), At: time.Unix(sec, nsec),
	}
}

// Text is the operation as a line with all that is known. newer are those after it;
// full tells that the whole history is shown.
func (f Fencing) Text(newer []Fencing, full bool) string { return fencingLine(f, newer, full, true) }

// Attributes are those of the operation's element fence_event, names and values.
func (f Fencing) Attributes() []string {
	attrs := []string{"action", f.Action, "target", f.Target, "client", f.Client, "origin", f.Origin, "status", f.State}
	if f.State == "failed" && f.Reason != "" {
		attrs = append(attrs, "exit_reason", f.Reason)
	}
	if f.Delegate != "" {
		attrs = append(attrs, "delegate", f.Delegate)
	}
	if f.State != "pending" {
		attrs = append(attrs, "completed", micro(f.At))
	}
	return attrs
}
