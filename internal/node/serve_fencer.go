package node

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/fencer"
)

// The options of a request (st_callopt), as crm/stonith-ng.h numbers them.
const (
	optManualAck = 1 << 3  // a person says that the target is down
	optNodeID    = 1 << 9  // the target is a node's number
	optSync      = 1 << 12 // the client waits for the answer itself
	optCleanup   = 1 << 19 // of the history: forget it
)

// Codes of answers.
const (
	fenceOK          = 0
	fencePermission  = -13  // EACCES
	fenceInvalid     = -22  // EINVAL
	fenceUnsupported = -95  // EOPNOTSUPP
	fenceFailed      = -201 // the agent or the fencing failed
)

// fencing is a request to the fencer, after its client is known.
type fencing struct {
	*request
	core   *Core
	op     string
	opts   uint64
	output string // of an agent
}

// fencer serves the fencer's protocol (service stonith-ng).
func (r *request) fencer() {
	f := &fencing{request: r, core: r.s.node.core, op: r.get("st_op")}
	if r.session.name == "" {
		r.session.name = fencer.ClientName(cmp.Or(r.get("st_clientname"), "unknown"), int(r.session.conn.Peer().PID))
	}
	switch f.op {
	case "register":
		el := etree.NewElement("reply")
		el.CreateAttr("st_op", "register")
		el.CreateAttr("st_clientid", r.session.id)
		r.answer(el, 0)
		return
	case "st_notify":
		f.subscribe()
		return
	}
	f.opts, _ = strconv.ParseUint(r.get("st_callopt"), 10, 32)
	if !f.has(optSync) {
		r.ack(ackOK)
	}
	switch f.op {
	case "st_fence_history":
		f.history()
	case "st_fence":
		f.fence()
	case "st_query":
		f.query()
	case "st_execute":
		f.execute()
	case "st_device_register", "st_device_remove", "st_level_add", "st_level_remove":
		code, reason := f.define()
		f.reply(code, reason)
	default:
		f.reply(fenceUnsupported, "not supported yet: "+f.op)
	}
}

func (f *fencing) has(option uint64) bool { return f.opts&option != 0 }

// subscribe notes which events the client wants to hear of.
func (f *fencing) subscribe() {
	se := f.watcher()
	f.s.mu.Lock()
	if t := f.get("st_notify_activate"); t != "" {
		se.fencing[t] = true
	}
	if t := f.get("st_notify_deactivate"); t != "" {
		delete(se.fencing, t)
	}
	f.s.mu.Unlock()
	f.ack(ackOK)
}

// reply answers the request, as an event where the client did not wait.
func (f *fencing) reply(rc int, reason string, data ...*etree.Element) {
	el := etree.NewElement("st-reply")
	status, code := fencer.Status(rc)
	for _, a := range [][2]string{
		{"st_origin", "reply"},
		{"t", "stonith-ng"},
		{"op-status", status},
		{"rc-code", code},
		{"exit-reason", reason},
		{"st_output", f.output},
		{"st_rc", strconv.Itoa(rc)},
		{"st_op", f.op},
		{"st_callid", f.get("st_callid")},
		{"st_clientid", f.session.id},
		{"st_clientname", f.session.name},
		{"st_callopt", f.get("st_callopt")},
	} {
		if a[1] != "" {
			el.CreateAttr(a[0], a[1])
		}
	}
	if len(data) > 0 {
		cd := el.CreateElement("st_calldata")
		for _, d := range data {
			cd.AddChild(d)
		}
	}
	if f.has(optSync) {
		f.answer(el, 0)
	} else {
		f.s.event(f.session, el)
	}
}

// target is the node that the request is about, by its name; "" for none.
func (f *fencing) target() string {
	for _, el := range append([]*etree.Element{f.frame.Body}, f.frame.Body.FindElements(".//*")...) {
		t := el.SelectAttrValue("st_target", "")
		if t == "" {
			continue
		}
		if f.has(optNodeID) {
			return cmp.Or(f.s.node.nameOf(t), t)
		}
		return t
	}
	return ""
}

// history tells what was fenced, or forgets it.
func (f *fencing) history() {
	t := f.target()
	if t == "*" {
		t = ""
	}
	if f.has(optCleanup) {
		f.core.Fencer.Cleanup(t)
		f.reply(fenceOK, "")
		return
	}
	h := etree.NewElement("st_history")
	for _, rec := range f.core.Fencer.History(t) {
		h.AddChild(rec.Element())
	}
	if len(h.Child) == 0 {
		f.reply(fenceOK, "")
		return
	}
	f.reply(fenceOK, "", h)
}

// fence has a node fenced, or takes a person's word for it.
func (f *fencing) fence() {
	t := f.target()
	wish := fencer.Request{Target: t, Action: "reboot", Client: f.session.name, Timeout: 120 * time.Second, Limit: f.limit}
	for _, el := range f.frame.Body.FindElements(".//*") {
		if a := el.SelectAttrValue("st_device_action", ""); a != "" {
			wish.Action = a
		}
		for name, to := range map[string]*time.Duration{"st_timeout": &wish.Timeout, "st_tolerance": &wish.Tolerance, "st_delay": &wish.Delay} {
			if s, err := strconv.Atoi(el.SelectAttrValue(name, "")); err == nil && (s > 0 || name == "st_delay") {
				*to = time.Duration(s) * time.Second
			}
		}
	}
	if !f.session.privileged {
		f.reply(fencePermission, "Permission denied")
		return
	}
	if f.has(optManualAck) {
		f.core.Fencer.Confirm(time.Now(), t, f.session.name)
		f.reply(fenceOK, "")
		return
	}
	f.core.Fencer.Fence(time.Now(), wish, func(err error) {
		var failed *fencer.Error
		switch {
		case errors.As(err, &failed):
			f.reply(-failed.Code, failed.Told())
		case err != nil:
			f.reply(fenceFailed, err.Error())
		default:
			f.reply(fenceOK, "")
		}
	})
}

// query lists the devices that can fence a node.
func (f *fencing) query() {
	t, action := f.target(), "off"
	if el := f.frame.Body.FindElement(".//*[@st_device_action]"); el != nil {
		action = el.SelectAttrValue("st_device_action", action)
	}
	f.core.Fencer.Query(time.Now(), t, action, func(devices []*fencer.Device) { f.reply(fenceOK, "", deviceList(t, devices)) })
}

// execute has a device asked for something that changes nothing.
func (f *fencing) execute() {
	wish := f.frame.Body.FindElement("./st_calldata/st_device_id")
	if wish == nil {
		f.reply(fenceInvalid, "Invalid argument")
		return
	}
	action, device := wish.SelectAttrValue("st_device_action", ""), wish.SelectAttrValue("st_device_id", wish.SelectAttrValue("id", ""))
	if !slices.Contains([]string{"list", "monitor", "status"}, action) {
		f.reply(fenceUnsupported, "a device cannot be told to "+action+" here")
		return
	}
	timeout := 120 * time.Second
	if s, err := strconv.Atoi(wish.SelectAttrValue("st_timeout", f.get("st_timeout"))); err == nil && s > 0 {
		timeout = time.Duration(s) * time.Second
	}
	refused := f.core.Fencer.Check(time.Now(), device, action, wish.SelectAttrValue("st_target", ""), timeout, func(res fencer.AgentResult) {
		f.output = res.Output
		switch {
		case res.TimedOut:
			f.reply(-fencer.TimedOut, res.Reason)
		case res.Code != 0:
			f.reply(fenceFailed, res.Reason)
		default:
			f.reply(fenceOK, "")
		}
	})
	if refused != "" {
		f.reply(-fencer.NoDevice, refused)
	}
}

// limit tells a client that does not wait for the answer how long fencing may take.
func (f *fencing) limit(limit time.Duration) {
	if f.has(optSync) {
		return
	}
	el := etree.NewElement("st-async-timeout-value")
	el.CreateAttr("t", "st-async-timeout-value")
	el.CreateAttr("st_callid", f.get("st_callid"))
	el.CreateAttr("st_timeout", strconv.FormatInt(int64(limit/time.Second), 10))
	f.s.event(f.session, el)
}

// define adds or takes away a device or level of this node's fencer, and gives
// the code and reason of the answer.
func (f *fencing) define() (code int, reason string) {
	own := f.core.Fencer
	if !f.session.privileged {
		return fencePermission, "Unprivileged users must manage devices via CIB"
	}
	el := f.frame.Body.FindElement("./st_calldata/*")
	if el == nil {
		return fenceInvalid, "Invalid argument"
	}
	changed := el.SelectAttrValue("id", "")
	defer func() { f.s.fencerConfigured(f.op, code, reason, changed) }()
	switch f.op {
	case "st_device_register":
		d := fencer.ParseDevice(el)
		if d.ID == "" || d.Agent == "" {
			return fenceInvalid, "Invalid argument"
		}
		own.Register(d)
	case "st_device_remove":
		own.Deregister(el.SelectAttrValue("id", ""))
	default:
		l, err := fencer.ParseLevel(el)
		if err != nil {
			return fenceInvalid, err.Error()
		}
		if f.op == "st_level_add" {
			own.RegisterLevel(l)
		} else {
			own.DeregisterLevel(l)
		}
	}
	return fenceOK, ""
}

// deviceList is the answer to a query for devices.
func deviceList(target string, devices []*fencer.Device) *etree.Element {
	list := etree.NewElement("st-reply")
	if target != "" {
		list.CreateAttr("st_target", target)
	}
	list.CreateAttr("st-available-devices", strconv.Itoa(len(devices)))
	for _, d := range devices {
		el := list.CreateElement("st_device_id")
		el.CreateAttr("id", d.ID)
		el.CreateAttr("namespace", "stonith-ng")
		el.CreateAttr("agent", d.Agent)
	}
	return list
}
