package executor

import (
	"crypto/md5" //nolint:gosec // the digest that histories carry
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// entryID is the id of the entry that an operation's result is kept under.
func entryID(op Op, good bool) string {
	switch {
	case !good && op.Action != "migrate_to" && op.Action != "migrate_from":
		return op.Resource + "_last_failure_0"
	case op.Action == "migrate_to", op.Action == "migrate_from":
		return op.Resource + "_" + op.Action + "_0"
	case op.Interval > 0:
		return operationKey(op)
	}
	return op.Resource + "_last_0"
}

// keyless stands in the keys of operations that a client ordered without one.
const keyless = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

func operationKey(op Op) string {
	return fmt.Sprintf("%s_%s_%d", op.Resource, op.Action, op.Interval.Milliseconds())
}

// record writes an operation's result into the history and the CIB.
func (e *Executor) record(now time.Time, r *resource, j *job, res Result) {
	pending := res.Status == statusPending
	good := !failed(j.op, res)
	entries := []string{entryID(j.op, good)}
	kept := res
	if good || strings.HasPrefix(j.op.Action, "migrate_") {
		kept.Reason = "" // logs have it
	}
	if last := entryID(j.op, true); !good && j.op.Interval == 0 && j.op.Action != "asyncmon" && last != entries[0] {
		entries = append(entries, last)
	}
	el := r.element()
	if !pending {
		r.relock(el, j.op, res)
	}
	for i, id := range entries {
		entry := e.entry(now, j, kept, id, i == len(entries)-1)
		r.history[id] = entry
		el.AddChild(xml.Copy(entry))
	}
	e.effects.Record(j.op.Node, el)
	if !pending {
		e.effects.Recorded(j.op, res)
	}
}

// LockAttr of a resource's history says since when it is locked to the node, where shutdown-lock has it wait for the node that ran it until it
// was shut down.
const LockAttr = "shutdown-lock"

// relock writes with the result of an operation of a locked resource that it still is, after a stop, and where it was found not to run, or that it
// is not any more.
func (r *resource) relock(history *etree.Element, op Op, res Result) {
	if op.Lock == 0 {
		return
	}
	r.lock = 0
	if op.Action == "stop" && res.Code == 0 || op.Action == "monitor" && res.Code == 7 {
		r.lock = op.Lock
	}
	history.CreateAttr(LockAttr, strconv.FormatInt(r.lock, 10))
}

func (e *Executor) entry(now time.Time, j *job, res Result, id string, last bool) *etree.Element {
	op := j.op
	if op.Key == "" {
		op.Key = fmt.Sprintf("%d:-1:0:%s", j.call, keyless)
	}
	if op.Action == "reload" || op.Action == "reload-agent" {
		// As a start with the new parameters where the agent ended by itself, or else as a check.
		op.Action = "start"
		if res.Status != statusDone {
			op.Action = "monitor"
		}
	}
	x := etree.NewElement("lrm_rsc_op")
	set := func(name, value string) { x.CreateAttr(name, value) }
	set("id", id)
	set("operation_key", operationKey(op))
	set("operation", op.Action)
	set("crm-debug-origin", "controld_update_resource_history")
	set("crm_feature_set", op.FeatureSet)
	set("transition-key", op.Key)
	set("transition-magic", fmt.Sprintf("%d:%d;%s", res.Status, res.Code, op.Key))
	set("exit-reason", res.Reason)
	set("on_node", op.Node)
	call := j.call
	if res.Status == statusPending {
		call = -1
	}
	set("call-id", strconv.Itoa(call))
	set("rc-code", strconv.Itoa(res.Code))
	set("op-status", strconv.Itoa(res.Status))
	set("interval", strconv.FormatInt(op.Interval.Milliseconds(), 10))
	changed := j.started
	if changed.IsZero() || op.Interval > 0 {
		changed = now
		if !j.changed.IsZero() {
			changed = j.changed
		}
	}
	set("last-rc-change", strconv.FormatInt(changed.Add(op.Clock).Unix(), 10))
	set("exec-time", strconv.FormatInt(res.Duration.Milliseconds(), 10))
	queue := time.Duration(0)
	if !j.started.IsZero() {
		queue = max(0, j.started.Sub(j.queued))
	}
	set("queue-time", strconv.FormatInt(queue.Milliseconds(), 10))
	if op.Action == "migrate_to" || op.Action == "migrate_from" {
		set("migrate_source", op.Param("CRM_meta_migrate_source"))
		set("migrate_target", op.Param("CRM_meta_migrate_target"))
	}
	set("op-digest", digest(op, func(string) bool { return true }))
	if !last || !res.Traits.Known || op.Action == "stop" {
		return x
	}
	t := res.Traits
	if op.Interval == 0 && (t.ReloadAgent || t.Reload) {
		// All that the agent knows counts, set or not, and an empty list, too: that the list is there says
		// that the agent can reload.
		restart := t.Unique
		if t.ReloadAgent {
			restart = nil
			for _, n := range t.Parameters {
				if !slices.Contains(t.Reloadable, n) {
					restart = append(restart, n)
				}
			}
		}
		x.CreateAttr("op-force-restart", wordList(restart))
		set("op-restart-digest", digest(op, func(n string) bool { return slices.Contains(restart, n) }))
	}
	if len(t.Private) > 0 {
		set("op-secure-params", wordList(t.Private))
		set("op-secure-digest", digest(op, func(n string) bool { return !slices.Contains(t.Private, n) }))
	}
	return x
}

// wordList is a list of names as Pacemaker records it: readers look for a name with a space on both sides.
func wordList(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "  " + strings.Join(names, " ") + "  "
}

// failed tells whether a result is another than its operation expects.
func failed(op Op, res Result) bool {
	switch res.Status {
	case statusPending, statusCancelled:
		return false
	case statusDone, statusHard, statusFatal, statusNotInstalled:
		return res.Code != op.Expected()
	}
	return true
}

// meta tells what the cluster says of an operation from what the agent is configured with.
func meta(name string) bool { return strings.HasPrefix(name, "CRM_meta_") }

// instance tells an agent's own parameter from what the cluster adds.
func instance(name string) bool {
	return !meta(name) && name != "crm_feature_set" && name != "id" && name != "on_node"
}

// digest is the MD5 of the operation's parameters, sorted, as schedulers compare it.
func digest(op Op, keep func(string) bool) string {
	params := slices.Clone(op.Params)
	slices.SortStableFunc(params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	el := etree.NewElement("parameters")
	for _, p := range params {
		if instance(p.Name) && keep(p.Name) || p.Name == "CRM_meta_timeout" && op.Interval > 0 {
			el.CreateAttr(p.Name, p.Value)
		}
	}
	h := md5.Sum([]byte(" " + string(xml.Compact(el)) + "\n")) //nolint:gosec // see the import
	return hex.EncodeToString(h[:])
}
