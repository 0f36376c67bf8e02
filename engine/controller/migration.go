package controller

import (
	"fmt"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// That a resource was migrated away stands in a node's history beside the last operation there. To the scheduler, as to Pacemaker's, a stop
// after it tells that it is over, but a probe does not, and one that finds nothing takes the place of that stop. Where the resource has been
// started again on the target since, it seemed to be migrated to there without end, and was restarted at each recheck.

// forgetMigrations takes migrations out of the CIB that are over, as the histories of both nodes say; it tells whether there were
// any, and the plan is to wait.
func (c *Controller) forgetMigrations() bool {
	st := cib.Section(c.effects.CIB(), "status")
	if st == nil {
		return false
	}
	found := false
	for _, state := range st.SelectElements("node_state") {
		for _, h := range histories(state) {
			for _, op := range h.SelectElements("lrm_rsc_op") {
				if !migratedAway(op) || !probedSince(h, op) || !changedSince(st, h, op) {
					continue
				}
				found = true
				c.update(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/lrm/lrm_resources/lrm_resource[@id=%s]/lrm_rsc_op[@id=%s]",
					xml.QuoteXPath(state.SelectAttrValue("uname", "")), xml.QuoteXPath(h.SelectAttrValue("id", "")), xml.QuoteXPath(op.SelectAttrValue("id", "")))}, nil)
			}
		}
	}
	return found
}

// histories are a node's histories of resources.
func histories(state *etree.Element) []*etree.Element {
	if lrm := state.SelectElement("lrm"); lrm != nil {
		if all := lrm.SelectElement("lrm_resources"); all != nil {
			return all.SelectElements("lrm_resource")
		}
	}
	return nil
}

func migratedAway(op *etree.Element) bool {
	return op.SelectAttrValue("operation", "") == "migrate_to" && op.SelectAttrValue("op-status", "") == "0" && op.SelectAttrValue("rc-code", "") == "0"
}

// probedSince tells whether a probe on the same node has found after an operation that the resource does not run there.
func probedSince(history, op *etree.Element) bool {
	for _, o := range history.SelectElements("lrm_rsc_op") {
		if o.SelectAttrValue("operation", "") == "monitor" && o.SelectAttrValue("interval", "0") == "0" && o.SelectAttrValue("op-status", "") == "0" &&
			o.SelectAttrValue("rc-code", "") == "7" && whole(o, "call-id") > whole(op, "call-id") {
			return true
		}
	}
	return false
}

// changedSince tells whether something else was done with the resource of a history on the target of its migration, later.
func changedSince(status, history, migration *etree.Element) bool {
	for _, state := range status.SelectElements("node_state") {
		if state.SelectAttrValue("uname", "") != migration.SelectAttrValue("migrate_target", "") {
			continue
		}
		for _, h := range histories(state) {
			if h.SelectAttrValue("id", "") != history.SelectAttrValue("id", "") {
				continue
			}
			for _, o := range h.SelectElements("lrm_rsc_op") {
				if o.SelectAttrValue("operation", "") != "migrate_from" && o.SelectAttrValue("op-status", "") != "-1" && whole(o, "last-rc-change") > whole(migration, "last-rc-change") {
					return true
				}
			}
		}
	}
	return false
}

// whole is an attribute's value as a number, 0 where it is none.
func whole(el *etree.Element, name string) int64 {
	n, _ := strconv.ParseInt(el.SelectAttrValue(name, ""), 10, 64)
	return n
}
