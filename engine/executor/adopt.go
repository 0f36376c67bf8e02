package executor

import (
	"maps"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Adopted is what is to be done about a history that two executors have written, one after the other.
type Adopted struct {
	// Again are elements lrm_resource with what this executor did itself and the CIB does not have (any more).
	Again []*etree.Element
	// Stale are the entries that are to leave the CIB: of what recurred, which nobody repeats any more, so that it is ordered again, and
	// of what does not count.
	Stale []Entry
	// Pending: something that is done once is under way by what the other one wrote, and nobody will tell this one how it ends.
	Pending bool
}

// Entry is an entry of a history, by its resource's id and its own.
type Entry struct{ Resource, ID string }

// Adopt has an executor go on with the history of a host that another node's executor kept, as it stands in the CIB, after the last change that this
// one asked for: lrm is an element of that name, nil for none. which tells the entries that it is about, by the ids of resource and entry; counts is
// false where what the other one wrote is of an earlier start of the host. What this executor did itself since is later than all of that, and stays.
func (e *Executor) Adopt(node string, lrm *etree.Element, which func(resource, entry string) bool, counts bool) Adopted {
	var out Adopted
	again := map[string]*etree.Element{}
	repeat := func(r *resource, entry string) {
		if again[r.id] == nil {
			again[r.id] = r.element()
			out.Again = append(out.Again, again[r.id])
		}
		again[r.id].AddChild(xml.Copy(r.history[entry]))
	}
	there := map[Entry]bool{}
	for _, h := range histories(lrm) {
		id := h.SelectAttrValue("id", "")
		for _, x := range h.SelectElements("lrm_rsc_op") {
			entry := x.SelectAttrValue("id", "")
			there[Entry{id, entry}] = true
			if !which(id, entry) {
				continue
			}
			call, _ := strconv.Atoi(x.SelectAttrValue("call-id", ""))
			e.calls = max(e.calls, call) // what is done next is later than all of these
			switch r := e.resources[id]; {
			case r != nil && r.did(entry):
				if !tells(x, r.history[entry]) {
					repeat(r, entry)
				}
			case !counts, repeats(x) && entry == x.SelectAttrValue("operation_key", ""):
				out.Stale = append(out.Stale, Entry{id, entry})
				if r != nil {
					delete(r.history, entry)
				}
			default:
				out.Pending = out.Pending || underWay(x)
				r := e.known(node, h)
				r.lock, _ = strconv.ParseInt(h.SelectAttrValue(LockAttr, ""), 10, 64)
				r.adopt(x)
			}
		}
	}
	for _, id := range e.ids() {
		r := e.resources[id]
		for _, entry := range slices.Sorted(maps.Keys(r.history)) {
			switch {
			case there[Entry{id, entry}] || !which(id, entry):
			case r.did(entry):
				repeat(r, entry)
			default:
				delete(r.history, entry)
			}
		}
	}
	return out
}

// Correct has an executor know entries of its history as they stand in the CIB, where the DC has changed them in its place, after the last change that this
// executor asked for: lrm is an element of that name, nil for none. What it did since is in the CIB by then, and so stays.
//
// What a DC writes of a step that was lost has no number of a call. It is given one here, which NumberLost writes.
func (e *Executor) Correct(node string, lrm *etree.Element, entries []Entry) {
	there := map[Entry]bool{} // an entry may have been changed several times
	lost := ""
	for _, h := range histories(lrm) {
		for _, x := range h.SelectElements("lrm_rsc_op") {
			at := Entry{h.SelectAttrValue("id", ""), x.SelectAttrValue("id", "")}
			if !slices.Contains(entries, at) {
				continue
			}
			there[at] = true
			r := e.resources[at.Resource]
			if r == nil {
				r = e.known(node, h)
			}
			r.adopt(x)
			if x.SelectAttrValue("call-id", "") == lostCall {
				if lost == "" {
					lost = strconv.Itoa(e.NextCall())
				}
				if r.lost == nil {
					r.lost = map[string]string{}
				}
				r.lost[at.ID] = lost
			}
		}
	}
	for _, entry := range entries {
		if r := e.resources[entry.Resource]; r != nil && !there[entry] {
			delete(r.history, entry.ID)
		}
	}
}

// lostCall stands in the place of the number of a call in what a DC writes of a step that was lost.
const lostCall = "-1"

// NumberLost has what DCs wrote of steps that were lost stand in the history with a number of a call, later than all that was done before: the history is about
// to be written again, for another DC leads. To the scheduler, as to Pacemaker's, what has none is later than whatever that one orders, so that it would have the
// resource recovered at each recheck.
func (e *Executor) NumberLost() {
	for _, r := range e.resources {
		for id, call := range r.lost {
			if x := r.history[id]; x != nil && x.SelectAttrValue("call-id", "") == lostCall {
				x.CreateAttr("call-id", call)
			}
		}
		r.lost = nil
	}
}

// known is the resource that a history of a node is of, which is known from now on.
func (e *Executor) known(node string, history *etree.Element) *resource {
	attr := func(name string) string { return history.SelectAttrValue(name, "") }
	return e.resource(&Op{Resource: attr("id"), Class: attr("class"), Provider: attr("provider"), Type: attr("type"), Container: attr("container"), Node: node})
}

// adopt takes one entry of the history over.
func (r *resource) adopt(entry *etree.Element) {
	id := entry.SelectAttrValue("id", "")
	r.history[id] = xml.Copy(entry)
	if r.adopted == nil {
		r.adopted = map[string]*etree.Element{}
	}
	r.adopted[id] = r.history[id]
}

// did tells whether an entry of the history is of what this executor did itself.
func (r *resource) did(entry string) bool {
	x := r.history[entry]
	return x != nil && x != r.adopted[entry]
}

// tells whether an entry of the CIB has all that one of a history has. It may have more, of what was in its place before.
func tells(x, own *etree.Element) bool {
	for _, a := range own.Attr {
		if x.SelectAttrValue(a.Key, "") != a.Value {
			return false
		}
	}
	return true
}

func repeats(entry *etree.Element) bool { return entry.SelectAttrValue("interval", "0") != "0" }

// underWay tells whether an entry is of something that is done once and has not ended.
func underWay(entry *etree.Element) bool {
	return entry.SelectAttrValue("op-status", "") == strconv.Itoa(statusPending) && !repeats(entry)
}

// histories are the resources of an element lrm.
func histories(lrm *etree.Element) []*etree.Element {
	if lrm == nil {
		return nil
	}
	if all := lrm.SelectElement("lrm_resources"); all != nil {
		return all.SelectElements("lrm_resource")
	}
	return nil
}
