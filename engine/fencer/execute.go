package fencer

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// execute runs a device on another node's behalf.
func (f *Fencer) execute(from string, m *etree.Element) {
	get := func(name string) string { return m.SelectAttrValue(name, "") }
	op := &operation{Record: Record{ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: from, Client: get("st_clientname")}}
	answer := func(ok bool, reason string) {
		out := f.message("st_result", from, op)
		out.CreateAttr("st_device_id", get("st_device_id"))
		rc := "0"
		if !ok {
			rc = "-61"
		}
		out.CreateAttr("st_rc", rc)
		if reason != "" {
			out.CreateAttr("st_reason", reason)
		}
		f.effects.Broadcast(out)
	}
	d := f.device(get("st_device_id"))
	if d == nil {
		answer(false, "there is no device "+get("st_device_id"))
		return
	}
	ms := func(name string) time.Duration {
		n, _ := strconv.ParseInt(get(name), 10, 64)
		return time.Duration(max(0, n)) * time.Millisecond
	}
	timeout := d.timeout(op.Action, ms("st_timeout"))
	delay := ms("st_delay")
	if op.Action != "on" && !strings.HasPrefix(get("st_delay"), "-") {
		base, most := d.delays(op.Target)
		if base == 0 && most == 0 && delay == 0 {
			base = f.unequal(op)
		}
		delay += base
		if extra := int64((most - base) / time.Second); extra > 0 {
			delay += time.Duration(f.random.Int64N(extra+1)) * time.Second
		}
	}
	action, _ := d.call(op.Action, op.Target, "")
	params := func(plug string) []Param {
		_, p := d.call(op.Action, op.Target, plug)
		return p
	}
	begin := func() {
		f.acquire(d, func() {
			f.attempt(d, op.Action, action, params, timeout, func() bool { return f.forbidden(op) }, func(res AgentResult) {
				answer(res.Code == 0, res.Reason)
				f.release(d)
			})
		})
	}
	if delay > 0 && !f.forbidden(op) {
		f.delayed = append(f.delayed, delayed{f.now.Add(delay), begin})
		return
	}
	begin()
}

// forbidden tells that a node may not be fenced any more for the one who asked.
func (f *Fencer) forbidden(op *operation) bool {
	return op.byCluster() && !f.effects.MayFence(op.Target)
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
