package executor

import (
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Adopt has an executor that knows of nothing go on with the history of a host that another node's executor kept: an element lrm, nil for
// none. What recurred there nobody repeats any more, so it leaves the history, and is to leave the CIB's, so that it is ordered again: recurring has
// the ids of these entries.
func (e *Executor) Adopt(node string, lrm *etree.Element) (recurring []string) {
	for _, h := range histories(lrm) {
		attr := func(name string) string { return h.SelectAttrValue(name, "") }
		r := e.resource(&Op{Resource: attr("id"), Class: attr("class"), Provider: attr("provider"), Type: attr("type"), Container: attr("container"), Node: node})
		r.lock, _ = strconv.ParseInt(attr(LockAttr), 10, 64)
		for _, entry := range h.SelectElements("lrm_rsc_op") {
			call, _ := strconv.Atoi(entry.SelectAttrValue("call-id", ""))
			e.calls = max(e.calls, call) // what is done next is later than all of these
			id := entry.SelectAttrValue("id", "")
			if entry.SelectAttrValue("interval", "0") != "0" && id == entry.SelectAttrValue("operation_key", "") {
				recurring = append(recurring, id)
				continue
			}
			r.history[id] = xml.Copy(entry)
		}
	}
	return recurring
}

// Pending tells whether something that is done once is under way by a history, an element lrm; nil is none.
func Pending(lrm *etree.Element) bool {
	for _, h := range histories(lrm) {
		for _, entry := range h.SelectElements("lrm_rsc_op") {
			if entry.SelectAttrValue("op-status", "") == strconv.Itoa(statusPending) && entry.SelectAttrValue("interval", "0") == "0" {
				return true
			}
		}
	}
	return false
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
