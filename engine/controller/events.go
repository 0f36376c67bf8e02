package controller

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/number"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// The names under which changes of the CIB are ordered; what a controller wrote
// itself tells it nothing new.
const (
	ClientController = "crmd"
	ClientExecutor   = "lrmd"
	ClientAttributes = "attrd"
)

// CIBChanged takes note of a change that was applied.
func (c *Controller) CIBChanged(now time.Time, ch replica.Change) {
	c.now = now
	c.judge(ch.Node)
	c.noteExpected(ch)
	c.noteFailures(ch)
	c.noteFormer(ch)
	if !c.IsDC() || c.exited {
		return
	}
	if c.state != Election && c.foreign(ch) {
		c.recall(ch)
		return
	}
	ours := ch.Client == ClientController && ch.Node == c.self.Name
	if !ours && c.settled() {
		// Two DCs of earlier releases would write that in turns without end.
		if c.overruled() && (ch.Client != ClientController || c.now.Sub(c.rootAt) >= reclaimEvery) {
			c.rootAt = c.now
			c.writeRoot()
		}
		if ch.Config && (c.configured("dc-version") == "" || len(c.missingNodes().Child) > 0 || len(c.usurpers()) > 0) {
			c.describe()
		}
	}
	switch {
	case ch.Synced:
		if c.state != FinalizeJoin {
			c.reclaim()
			c.abort("CIB taken over")
		}
	case ch.Config:
		c.writePending()
		if ch.Client != ClientController || ch.Node != c.self.Name {
			c.fenceTries = map[string]int{}
			c.abort("Configuration change")
		}
	case ch.Client == ClientController && ch.Node == c.self.Name:
	case ch.Client == ClientController && c.remoteTakenDown(ch):
	case ch.Client == ClientController:
		// What a remote node is like, or a history that its node wrote when it joined: no result of now.
		c.abort("Change by another controller")
	case ch.Op == cib.Delete:
		c.onDeletion(ch)
	case ch.Data == nil:
		c.abort("CIB change")
	default:
		c.onStatus(ch)
	}
}

func (c *Controller) onDeletion(ch replica.Change) {
	switch {
	case ch.Client == ClientExecutor && strings.Contains(ch.Section, "lrm_rsc_op"):
		// The end of a recurring operation.
	case strings.Contains(ch.Section, "transient_attributes"):
		c.uncount(ch)
		if !c.takenDown(nodeIn(ch.Section)) {
			c.again("Transient attribute change", "")
		}
	case c.takenDown(nodeIn(ch.Section)):
	case strings.Contains(ch.Section, "/lrm"):
		c.abort("Resource state removal")
	default:
		c.abort("Status removal")
	}
}

func (c *Controller) onStatus(ch replica.Change) {
	var walk func(el *etree.Element)
	node := ""
	known := false
	walk = func(el *etree.Element) {
		switch el.Tag {
		case "node_state":
			node = el.SelectAttrValue("uname", "")
		case "transient_attributes":
			known = true
			c.wroteAttributes(node, el)
			c.again("Transient attribute change", attributesNamed(el)+" of "+node)
			return
		case "lrm_rsc_op":
			known = true
			c.onResult(node, el)
			return
		case "ticket_state", "tickets":
			known = true
			c.abort("Ticket attribute change")
			return
		}
		for _, child := range el.ChildElements() {
			walk(child)
		}
		if el.Tag == "lrm_resource" && el.SelectAttrValue(lockAttr, "") == "0" {
			c.abort("Shutdown lock cleared") // what waited for the resource may be placed elsewhere now
		}
	}
	walk(ch.Data)
	if !known {
		c.abort("Status change")
	}
}

// magic takes a transition-magic apart. A service that is degraded counts as one that is well.
func magic(op *etree.Element) (status, code, action, trans, expected int, uuid string, ok bool) {
	head, key, found := strings.Cut(op.SelectAttrValue("transition-magic", ""), ";")
	st, rc, found2 := strings.Cut(head, ":")
	f := strings.SplitN(key, ":", 4)
	if !found || !found2 || len(f) != 4 {
		return 0, 0, 0, 0, 0, "", false
	}
	var err error
	num := func(s string) int {
		n, e := strconv.Atoi(s)
		if e != nil {
			err = e
		}
		return n
	}
	status, code, action, trans, expected, uuid = num(st), num(rc), num(f[0]), num(f[1]), num(f[2]), strings.TrimSpace(f[3])
	switch code {
	case codeDegraded:
		code = codeOK
	case codeDegradedPromoted:
		code = codePromoted
	}
	return status, code, action, trans, expected, uuid, err == nil
}

// The codes of agents that tell of a service that is well, and of one that may not be for long.
const (
	codeOK               = 0
	codePromoted         = 8
	codeDegraded         = 190
	codeDegradedPromoted = 191
)

// onResult takes a result from the history.
func (c *Controller) onResult(node string, op *etree.Element) {
	status, code, action, trans, expected, uuid, ok := magic(op)
	switch {
	case !ok:
		c.abort("Bad event")
		return
	case status == -1:
		return // it has only begun
	}
	failed := code != expected || status > 1
	// A failure is recorded twice; the entry of the operation itself is the one that counts.
	if failed && !strings.HasPrefix(op.SelectAttrValue("operation", ""), "migrate_") && !strings.HasSuffix(op.SelectAttrValue("id", ""), "_last_failure_0") {
		return
	}
	if uuid != c.uuid || trans < 0 {
		if failed {
			c.countFailure(node, op, trans >= 0, false)
		}
		c.abort("Foreign event")
		return
	}
	if c.run == nil || c.run.id != trans {
		detail := op.SelectAttrValue("operation_key", "") + " on " + node
		switch {
		case failed:
			c.countFailure(node, op, true, false)
			c.abort("Change in recurring result")
		case op.SelectAttrValue("interval", "0") != "0":
			// A recurring operation that does well again, or whose plan ended meanwhile.
			c.again("Change in recurring result", detail)
		default:
			c.again("Old event", detail)
		}
		return
	}
	i, found := c.run.byID[action]
	if !found {
		c.abort("Unknown event")
		return
	}
	if c.run.steps[i] != stepFired {
		if failed {
			c.countFailure(node, op, true, false)
			c.abort("Change in recurring result")
		}
		return
	}
	if failed && ignoresFailure(c.run.graph.Synapses[i].Action) {
		c.countFailure(node, op, true, true)
		failed = false
	}
	if failed {
		c.run.set(i, stepFailed)
		c.effects.Logf("Transition %d: %s on %s ended with code %d (status %d), not %d", trans, op.SelectAttrValue("operation_key", ""), node, code, status, expected)
		c.countFailure(node, op, true, false)
		if status == statusNoConnection && !c.quorate {
			c.planAt = c.now.Add(unconnectedAgain) // another plan made now may say the same
		}
		c.stepFails(node, op.SelectAttrValue("operation_key", ""), probes(c.run.graph.Synapses[i].Action))
		return
	}
	c.run.set(i, stepDone)
	c.advance()
}

// statusNoConnection is the status of what was to be done on a remote node to which there is no connection. Without quorum, and so without the fencing
// that a lost connection asks for, the scheduler, as Pacemaker's, orders the stop of what was there over and over: it is tried again after a while.
const (
	statusNoConnection = 8
	unconnectedAgain   = 2 * time.Second
)

// statusInvalid is the status of a start that the executor of a node which shuts down refuses. That it asked to was forgotten: another DC may have wanted
// it fenced. So this counts as asking, and where it must not, the next plan, which may say the same, waits a while.
const (
	statusInvalid = 9
	refusedAgain  = time.Second
)

// onAnswer takes what the executor of a node answers where no history tells.
func (c *Controller) onAnswer(from string, msg *etree.Element) {
	a := c.fired(msg)
	if a == nil {
		return
	}
	i := c.run.byID[a.ID]
	if status, code, _, _, expected, _, _ := magic(msg); (code != expected || status > 1) && !ignoresFailure(a) {
		c.run.set(i, stepFailed)
		c.effects.Logf("Transition %d: %s on %s ended with code %d (status %d), not %d", c.run.id, a.Key, a.Node, code, status, expected)
		if status == statusInvalid {
			c.planAt = c.now.Add(refusedAgain)
			c.onShutdownRequest(from)
		}
		c.abort("Event failed")
		return
	}
	c.run.set(i, stepDone)
	c.advance()
}

// ignoresFailure tells whether an action's failure is as good as its success (on-fail=ignore).
func ignoresFailure(a *transition.Action) bool {
	v, _ := a.Attr("CRM_meta_on_fail")
	return strings.EqualFold(v, "ignore")
}

// countFailure raises the fail count of a resource on a node. What no plan ordered counts whatever it is; of what one did, of this DC or of an
// earlier one, probes do not. Of a failure that is to be ignored only the time is kept, so that it can be seen.
func (c *Controller) countFailure(node string, op *etree.Element, planned, ignored bool) {
	operation := op.SelectAttrValue("operation", "")
	interval := op.SelectAttrValue("interval", "0")
	value := "value++"
	infinite := "INFINITY"
	switch {
	case interval != "0", operation == "promote", operation == "demote", operation == "asyncmon":
	case operation == "start":
		if c.startFailureIsFatal() {
			value = infinite
		}
	case operation == "stop":
		value = infinite
	default:
		if planned {
			return
		}
	}
	name := c.counter(op)
	when := strconv.FormatInt(c.now.Unix(), 10)
	if !ignored {
		c.awaitCount(node, "fail-count-"+name, value)
		c.effects.CountFailure(node, "fail-count-"+name, value, failureOf(op))
	}
	c.awaitCount(node, "last-failure-"+name, when)
	c.effects.SetAttribute(node, "last-failure-"+name, &when)
}

// failureOf tells one failure from all others: two DCs that hear of it both count it.
func failureOf(op *etree.Element) string {
	return op.SelectAttrValue("transition-magic", "") + "/" + op.SelectAttrValue("call-id", "") + "/" + op.SelectAttrValue("last-rc-change", "")
}

// counter is what the attributes are called that count the failures of an operation, without fail-count- and last-failure-.
func (c *Controller) counter(op *etree.Element) string {
	operation, interval := op.SelectAttrValue("operation", ""), op.SelectAttrValue("interval", "0")
	resource := strings.TrimSuffix(op.SelectAttrValue("operation_key", ""), "_"+operation+"_"+interval)
	if base, _, isClone := strings.Cut(resource, ":"); isClone && !c.globallyUnique(base) {
		resource = base
	}
	return resource + "#" + operation + "_" + interval
}

func (c *Controller) startFailureIsFatal() bool {
	switch strings.ToLower(c.option("start-failure-is-fatal", "true")) {
	case "false", "no", "off", "n", "0":
		return false
	}
	return true
}

// globallyUnique tells whether a resource is cloned with instances that differ.
func (c *Controller) globallyUnique(primitive string) bool {
	els := c.effects.CIB().FindElements("./configuration/resources//clone")
	for _, cl := range append(els, c.effects.CIB().FindElements("./configuration/resources//master")...) {
		for _, p := range cl.FindElements(".//primitive") {
			if p.SelectAttrValue("id", "") != primitive {
				continue
			}
			for _, m := range cl.SelectElements("meta_attributes") {
				for _, nv := range m.SelectElements("nvpair") {
					if nv.SelectAttrValue("name", "") == "globally-unique" {
						return number.IsTrue(nv.SelectAttrValue("value", ""))
					}
				}
			}
		}
	}
	return false
}
