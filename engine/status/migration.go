package status

import (
	"strings"

	"github.com/beevik/etree"
)

// findOp finds the one operation of a kind in a resource's history on a node;
// rc >= 0 asks for that result.
func (c *Cluster) findOp(id, task, node, peerAttr, peer string, rc int) *etree.Element {
	var found *etree.Element
	n := 0
	for state := range elements(c.StatusXML, "node_state") {
		if get(state, "uname") != node {
			continue
		}
		for e := range allResources(state) {
			if get(e, "id") != id {
				continue
			}
			for op := range elements(e, "lrm_rsc_op") {
				if get(op, "operation") == task && (peerAttr == "" || get(op, peerAttr) == peer) {
					found = op
					n++
				}
			}
		}
	}
	if n != 1 {
		return nil
	}
	if rc >= 0 && (intAttr(found, "rc-code", 1) != int64(rc) || intAttr(found, "op-status", execError) != execDone) {
		return nil
	}
	return found
}

// knownOn tells whether a node has any result of a resource.
func (c *Cluster) knownOn(id, node string) bool {
	for state := range elements(c.StatusXML, "node_state") {
		if get(state, "uname") != node {
			continue
		}
		for e := range allResources(state) {
			if get(e, "id") != id {
				continue
			}
			for op := range elements(e, "lrm_rsc_op") {
				if rc, ok := attr(op, "rc-code"); ok {
					if v, ok := ParseInt(rc); !ok || v != exitUnknown {
						return true
					}
				}
			}
		}
	}
	return false
}

// newerOperation tells whether a node has anything but monitors of a resource
// that is newer than an event.
func (c *Cluster) newerOperation(id, node string, event *etree.Element) bool {
	var history *etree.Element
	n := 0
	for state := range elements(c.StatusXML, "node_state") {
		if get(state, "uname") != node {
			continue
		}
		for e := range allResources(state) {
			if get(e, "id") == id {
				history = e
				n++
			}
		}
	}
	if n != 1 {
		return false
	}
	for op := range elements(history, "lrm_rsc_op") {
		if op == event {
			continue
		}
		switch get(op, "operation") {
		case "start", "stop", "migrate_to", "migrate_from":
			if c.Newer(op, event) > 0 {
				return true
			}
		}
	}
	return false
}

// newerState tells whether a node has newer news of a resource than the events
// of a migration.
func (c *Cluster) newerState(id, node string, to, from *etree.Element) bool {
	event := from
	if event == nil {
		event = to
	}
	if event != to && to != nil && strings.EqualFold(node, get(event, "migrate_source")) {
		event = to
	}
	if c.newerOperation(id, node, event) {
		return true
	}
	m := c.findOp(id, "monitor", node, "", "", exitNotRunning)
	return m != nil && c.Newer(m, event) > 0
}

// migrationNodes are the names of source and target; they must agree with the
// node of the entry.
func (h *history) migrationNodes(onSource bool) (source, target string, ok bool) {
	source, ok1 := attr(h.e, "migrate_source")
	target, ok2 := attr(h.e, "migrate_target")
	if !ok1 || !ok2 {
		h.c.configErr("Ignoring resource history entry %s without migrate_source and migrate_target", h.id)
		return "", "", false
	}
	if onSource && !strings.EqualFold(source, h.n.Name) {
		h.c.configErr("Ignoring resource history entry %s because migrate_source='%s' does not match %s", h.id, source, h.n.ShownName())
		return "", "", false
	}
	if !onSource && !strings.EqualFold(target, h.n.Name) {
		h.c.configErr("Ignoring resource history entry %s because migrate_target='%s' does not match %s", h.id, target, h.n.ShownName())
		return "", "", false
	}
	return source, target, true
}

func (h *history) migrateToDone() {
	c, r := h.c, h.r
	source, target, ok := h.migrationNodes(true)
	if !ok {
		return
	}
	newerOnSource := c.newerOperation(r.ID, source, h.e)
	rc, status := int64(exitOK), int64(execPending)
	from := c.findOp(r.ID, "migrate_from", target, "migrate_source", source, -1)
	if from != nil {
		if newerOnSource {
			return
		}
		rc = intAttr(from, "rc-code", rc)
		status = intAttr(from, "op-status", status)
	}
	newerOnTarget := c.newerState(r.ID, target, h.e, from)
	if newerOnSource && newerOnTarget {
		return
	}
	if rc == exitOK && status == execDone {
		r.Role = RoleStopped
		r.Dangling = append([]*Node{h.n}, r.Dangling...)
		return
	}
	r.Role = RoleStarted
	t := c.FindNode(target)
	onTarget := !newerOnTarget && t != nil && t.Online
	unknown := func() {
		r.Set(Failed | StopIfFailed)
		r.Clear(MigrationAllowed)
	}
	if status != execPending {
		if onTarget {
			c.addActive(r, t, true)
		} else {
			unknown()
		}
		return
	}
	if t != nil && t.Online && !c.knownOn(r.ID, target) {
		return
	}
	if onTarget {
		s := c.FindNode(source)
		c.addActive(r, t, false)
		if s != nil && s.Online {
			r.PartialTarget, r.PartialSource = t, s
		}
	} else if !newerOnSource {
		unknown()
	}
}

func (h *history) migrateToFailed() {
	c, r := h.c, h.r
	source, target, ok := h.migrationNodes(true)
	if !ok {
		return
	}
	r.Role = RoleStarted
	from := c.findOp(r.ID, "migrate_from", target, "migrate_source", source, exitOK)
	if c.knownOn(r.ID, target) && !c.newerState(r.ID, target, h.e, from) {
		if t := c.FindNode(target); t != nil && t.Online {
			c.addActive(r, t, false)
		}
	} else if !c.newerOperation(r.ID, source, h.e) {
		r.Dangling = append([]*Node{h.n}, r.Dangling...)
	}
}

func (h *history) migrateFromFailed() {
	c, r := h.c, h.r
	source, target, ok := h.migrationNodes(false)
	if !ok {
		return
	}
	r.Role = RoleStarted
	to := c.findOp(r.ID, "migrate_to", source, "migrate_target", target, exitOK)
	if c.knownOn(r.ID, source) && !c.newerState(r.ID, source, to, h.e) {
		if s := c.FindNode(source); s != nil && s.Online {
			c.addActive(r, s, true)
		}
	}
}
