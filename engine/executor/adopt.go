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
			default:
				out.Pending = out.Pending || underWay(x)
				e.adopt(node, h, x)
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

// adopt takes one entry of a resource's history over.
func (e *Executor) adopt(node string, history, entry *etree.Element) {
	attr := func(name string) string { return history.SelectAttrValue(name, "") }
	r := e.resource(&Op{Resource: attr("id"), Class: attr("class"), Provider: attr("provider"), Type: attr("type"), Container: attr("container"), Node: node})
	r.lock, _ = strconv.ParseInt(attr(LockAttr), 10, 64)
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
