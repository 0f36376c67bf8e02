package fencer

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// All nodes see every operation begin and end, in one order. So they know what is under way elsewhere, of two who want the same the later one takes
// over the end of the first, and a node that is to be fenced leaves that to another, which lives to tell the rest.

// pending is an operation that was seen to begin.
type pending struct {
	Record
	follows string // the operation whose end is this one's, too
	relayed bool   // it is the target that asks, through the origin
	// withdrawn: its origin does not ask for it any more.
	withdrawn bool
}

// relayLimit is how long a node that is asked to fence another on the latter's behalf has to begin.
const relayLimit = 10 * time.Second

// began takes note that an operation began, here or elsewhere.
func (f *Fencer) began(from string, m *etree.Element) {
	get := func(name string) string { return m.SelectAttrValue(name, "") }
	p := &pending{Record: Record{
		ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: from, Client: get("st_clientname"), State: Querying, At: f.now,
	}}
	p.relayed = get("st_remote_op_relay") != ""
	f.pending = slices.DeleteFunc(f.pending, func(o *pending) bool { return o.ID == p.ID })
	if i := slices.IndexFunc(f.pending, func(o *pending) bool { return o.covers(p) && f.present(o.Origin) }); i >= 0 {
		p.follows = f.pending[i].ID
	}
	f.pending = append(f.pending, p)
	if from != f.self {
		f.remember(p.Record)
	}
	if op := f.find(p.ID); op != nil && p.follows != "" {
		f.effects.Logf("Merging fencing action '%s' targeting %s originating from client %s with what is under way", op.Action, op.Target, op.Client)
		f.follow(op, p.follows)
	}
	if op := f.find(get("st_remote_op_relay")); op != nil && op.relayTo == from {
		op.relayTo = ""
		f.follow(op, p.ID)
	}
}

// beginsAt takes note of how often an operation's target had come when it began. One that takes over the end of another is for who that was for.
func (f *Fencer) beginsAt(id string, joins int) {
	if i := slices.IndexFunc(f.pending, func(p *pending) bool { return p.ID == id }); i >= 0 {
		if n, seen := f.begun[f.pending[i].follows]; seen {
			joins = n
		}
	}
	f.begun[id] = joins
}

// covers tells whether the end of one operation is good for another that began later. A node that fences itself may not live to tell.
func (p *pending) covers(later *pending) bool {
	return p.follows == "" && p.Target == later.Target && p.Origin != p.Target &&
		(p.Action == later.Action || p.Action == "off" && later.Action == "reboot" && later.byCluster())
}

// follow has an operation take over another's end.
func (f *Fencer) follow(op *operation, id string) {
	op.State, op.follows = Duplicate, id
	op.deadline = f.now.Add(op.timeout*12/10 + max(op.delay, 0) + time.Minute)
}

// ended takes note of an operation's end, which all nodes are told.
func (f *Fencer) ended(r Record) {
	f.pending = slices.DeleteFunc(f.pending, func(p *pending) bool { return p.ID == r.ID })
	f.remember(r)
	f.void(r.ID, unawaited)
	op := f.find(r.ID)
	joins, seen := f.begun[r.ID]
	begun := seen || r.Delegate == byHand
	delete(f.begun, r.ID)
	if seen && r.State == Done && r.Action != "on" {
		f.effects.Meant(r.Target, joins)
	}
	f.tell(r.State == Failed && r.Origin == f.self, "Operation '%s' targeting %s by %s for %s@%s: %s", r.Action, r.Target, cmp.Or(r.Delegate, "unknown node"), r.Client, r.Origin, r.outcome())
	if r.State == Done && r.Action != "on" && op == nil && (begun || r.Target != f.self) {
		f.effects.Fenced(r.Target, false)
	}
	if op != nil {
		f.close(op, r)
	}
	f.effects.Completed(r)
	for _, op := range slices.Clone(f.ops) {
		switch {
		case op.follows != r.ID || op.State != Duplicate:
		case op.handed:
			op.Record.Delegate = r.Delegate
			f.close(op, Record{ID: op.ID, Target: op.Target, Action: op.Action, State: r.State, Reason: r.Reason, Code: r.Code})
		case r.State == Failed && (r.Action != op.Action || r.Reason == overruled):
			f.restart(op)
		default:
			op.Delegate, op.code = r.Delegate, r.Code
			f.finish(op, r.State, r.Reason)
		}
	}
}

// restart has an operation that followed another go its own way.
func (f *Fencer) restart(op *operation) {
	op.level, op.steps, op.all, op.at = 0, nil, false, ""
	f.query(op)
}

// orphaned ends what a node that left had begun: nobody will tell how it ends. What this node has not begun of it, it does not: whoever else wants that
// asks for it.
func (f *Fencer) orphaned(node string) {
	var gone []string
	f.pending = slices.DeleteFunc(f.pending, func(p *pending) bool {
		if p.Origin != node {
			return false
		}
		gone = append(gone, p.ID)
		r := p.Record
		r.State, r.At, r.Reason = Failed, f.now, "Originator "+node+" left"
		f.remember(r)
		delete(f.begun, p.ID)
		f.void(p.ID, unawaited)
		return true
	})
	for _, op := range slices.Clone(f.ops) {
		switch {
		case op.relayTo == node, op.handed && slices.Contains(gone, op.follows):
			if !f.relay(op) {
				f.restart(op)
			}
		case op.State == Duplicate && slices.Contains(gone, op.follows):
			f.restart(op)
		}
	}
}

// relay leaves the fencing of this node to another. false: there is none, or it is no such operation.
func (f *Fencer) relay(op *operation) bool {
	if op.Target != f.self || op.Action == "on" || op.relayed != "" {
		return false
	}
	i := slices.IndexFunc(f.effects.Members(), func(n string) bool { return n != f.self && !slices.Contains(op.asked, n) })
	if i < 0 {
		f.effects.Logf("Will handle own fencing because no peer can")
		op.handed, op.relayTo = false, ""
		return false
	}
	to := f.effects.Members()[i]
	f.effects.Logf("Forwarding self-fencing request to %s", to)
	op.handed, op.relayTo, op.asked = true, to, append(op.asked, to)
	op.State, op.follows, op.deadline = Querying, "", f.now.Add(relayLimit)
	m := f.message("st_relay", to, op)
	m.CreateAttr("st_timeout", strconv.FormatInt(op.timeout.Milliseconds(), 10))
	m.CreateAttr("st_delay", strconv.FormatInt(op.delay.Milliseconds(), 10))
	f.effects.Broadcast(m)
	return true
}

// relayed begins fencing that a node asks for that is itself to be fenced.
func (f *Fencer) relayed(from string, m *etree.Element) {
	get := func(name string) string { return m.SelectAttrValue(name, "") }
	if get("st_target") != from || from == f.self {
		return
	}
	f.effects.Logf("Received forwarded fencing request from peer %s to fence (%s) peer %s", from, get("st_device_action"), from)
	ms := func(name string) time.Duration {
		n, _ := strconv.ParseInt(get(name), 10, 64)
		return time.Duration(n) * time.Millisecond
	}
	op := f.operation(Request{Target: from, Action: get("st_device_action"), Client: get("st_clientname"), Timeout: ms("st_timeout"), Delay: ms("st_delay")})
	op.relayed = get("st_remote_op")
	f.query(op)
}
