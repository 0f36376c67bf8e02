package fencer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// work is what this node does with a device for an operation.
type work struct {
	void string // why it is not to be begun any more; "": it is
}

// void has what this node has not begun for an operation not be begun any more.
func (f *Fencer) void(operation, why string) {
	for _, w := range f.working[operation] {
		w.void = why
	}
}

// execute runs a device on another node's behalf.
func (f *Fencer) execute(from string, m *etree.Element) {
	get := func(name string) string { return m.SelectAttrValue(name, "") }
	op := &operation{Record: Record{ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: from, Client: get("st_clientname")}}
	answer := func(res AgentResult) {
		out := f.message("st_result", from, op)
		out.CreateAttr("st_device_id", get("st_device_id"))
		rc := "0"
		switch {
		case res.TimedOut:
			rc = rcTimedOut
		case res.Code != 0:
			rc = "-61"
		}
		out.CreateAttr("st_rc", rc)
		if res.Code != 0 {
			out.CreateAttr("st_reason", cmp.Or(res.Reason, "the agent returned "+strconv.Itoa(res.Code)))
		}
		f.effects.Broadcast(out)
	}
	d := f.device(get("st_device_id"))
	if d == nil {
		answer(AgentResult{Code: 1, Reason: "Requested device '" + get("st_device_id") + "' not found"})
		return
	}
	ms := func(name string) time.Duration {
		n, _ := strconv.ParseInt(get(name), 10, 64)
		return time.Duration(max(0, n)) * time.Millisecond
	}
	w := &work{}
	f.working[op.ID] = append(f.working[op.ID], w)
	end := func(res AgentResult) {
		f.working[op.ID] = slices.DeleteFunc(f.working[op.ID], func(o *work) bool { return o == w })
		if len(f.working[op.ID]) == 0 {
			delete(f.working, op.ID)
		}
		answer(res)
	}
	f.effects.Traits(d.Agent, func(t Traits) {
		action := t.own(op.Action)
		if action != op.Action {
			f.effects.Logf("Remapping '%s' action targeting %s using %s to '%s' because agent '%s' does not support %s", op.Action, op.Target, d.ID, action, d.Agent, op.Action)
		}
		timeout := d.timeout(action, ms("st_timeout"))
		delay := f.delay(d, op, timeout, ms("st_delay"), strings.HasPrefix(get("st_delay"), "-"))
		agentAction, _ := d.call(action, op.Target, "")
		params := func(plug string) []Param {
			_, p := d.call(action, op.Target, plug)
			return p
		}
		begin := func() {
			f.acquire(d, func() {
				forbidden := func() string { return cmp.Or(w.void, f.forbidden(op)) }
				f.attempt(d, action, agentAction, params, timeout, forbidden, func(res AgentResult) {
					f.outcome(d, op, res)
					f.release(d)
					end(res)
				})
			})
		}
		if delay > 0 && f.forbidden(op) == "" {
			f.delayed = append(f.delayed, delayed{f.now.Add(delay), begin})
			return
		}
		begin()
	})
}

// delay is how long an action waits: what was asked for, and what is configured for the device unless that is to be left out.
func (f *Fencer) delay(d *Device, op *operation, timeout, asked time.Duration, bare bool) time.Duration {
	if op.Action == "on" || bare {
		return asked
	}
	base, most := d.delays(op.Target)
	if base == 0 && most == 0 && asked == 0 {
		base = f.unequal(op)
	}
	delay := asked + base
	if extra := int64((most - base) / time.Second); extra > 0 {
		delay += time.Duration(f.random.Int64N(extra+1)) * time.Second
	}
	if delay > 0 {
		f.effects.Logf("Delaying '%s' action targeting %s using %s for %ds | timeout=%ds requested_delay=%ds base=%ds max=%ds",
			op.Action, op.Target, d.ID, delay/time.Second, timeout/time.Second, asked/time.Second, base/time.Second, max(base, most)/time.Second)
	}
	return delay
}

// outcome takes note of how a device fenced.
func (f *Fencer) outcome(d *Device, op *operation, res AgentResult) {
	word := "returned " + strconv.Itoa(res.Code)
	if res.Failed {
		word = "could not be executed"
	}
	f.tell(res.Code != 0, "Operation '%s' targeting %s using %s %s%s", op.Action, op.Target, d.ID, word, because(res.Reason))
	switch {
	case res.Code == 0:
		delete(f.failed, d.ID)
	case res.Reason != noQuorum && res.Reason != overruled && res.Reason != unawaited:
		f.failed[d.ID] = true
		delete(f.verified, d.ID)
	}
}

// forbidden gives the reason why a node may not be fenced any more for the one who asked; "": it may.
func (f *Fencer) forbidden(op *operation) string {
	switch {
	case !op.byCluster():
	case !f.effects.MayFence(op.Target):
		return noQuorum
	case f.effects.Overruled(op.Target, append(f.Askers(op.Target), op.askers()...)):
		return overruled
	}
	return ""
}

// askers are those who ask for an operation, also before this node has heard itself tell of it: a node whose own fencing was left to it is among them.
func (op *operation) askers() []string {
	if op.relayed != "" {
		return []string{op.Origin, op.Target}
	}
	return []string{op.Origin}
}

// Askers are the nodes that have a target fenced, in what is under way and not withdrawn; a node whose own fencing was left to another is among them.
func (f *Fencer) Askers(target string) []string {
	var out []string
	for _, p := range f.pending {
		if p.Target != target || p.withdrawn {
			continue
		}
		if out = append(out, p.Origin); p.relayed {
			out = append(out, p.Target)
		}
	}
	return out
}

// acquire calls do when the device has room for one more action (pcmk_action_limit).
func (f *Fencer) acquire(d *Device, do func()) {
	limit := d.limit()
	if limit > 0 && f.busy[d.ID] >= limit {
		f.queued[d.ID] = append(f.queued[d.ID], do)
		return
	}
	f.busy[d.ID]++
	do()
}

// release gives the room to who waits for it.
func (f *Fencer) release(d *Device) {
	f.busy[d.ID]--
	waiting := f.queued[d.ID]
	if len(waiting) == 0 {
		return
	}
	f.queued[d.ID] = waiting[1:]
	f.busy[d.ID]++
	waiting[0]()
}
