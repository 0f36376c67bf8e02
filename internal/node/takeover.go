package node

import (
	"strconv"
	"time"

	"hacluster/engine/executor"
)

// A connection to a remote node that moves live goes on elsewhere: the host's executor is the one that it was, what is known of it still
// counts, and nothing is looked anew there, as with Pacemaker. What recurs only the node repeated that was connected, so it is ordered
// again. With every other start, and where the executor is another one, it is looked anew what runs there.

// startedAttr of a remote node's state says since when the host's executor runs, in seconds since 1970 by the DC's clock: by that it is known again.
const startedAttr = "hacluster-started"

// sameStart is how far apart two nodes may say that one executor was started: it tells whole seconds, and what they know of the DC's clock is not exact.
const sameStart = clocksAgree + 2*time.Second

// connected: the connection that op asked for is made.
func (r *remoteNode) connected(op executor.Op) {
	r.began = 0
	if up := r.conn.Uptime(); up >= 0 {
		r.began = r.core.now.Add(op.Clock - up).Unix()
	}
	same := r.same()
	if op.Action == "migrate_from" {
		r.late = late{from: op.Param("CRM_meta_migrate_source"), counts: same}
	}
	if op.Action == "migrate_from" && same {
		r.takeOver()
		return
	}
	r.up(same)
}

// same tells whether the host's executor is the one that the CIB tells of.
func (r *remoteNode) same() bool {
	s := remoteState(r.core.Replica.Root(), r.name)
	if s == nil || r.began == 0 {
		return false
	}
	told, err := strconv.ParseInt(s.SelectAttrValue(startedAttr, ""), 10, 64)
	return err == nil && max(told-r.began, r.began-told) <= int64(sameStart/time.Second)
}

// takeOver goes on with what another node was connected to.
func (r *remoteNode) takeOver() {
	r.renew()
	r.adopting = true
	r.core.world.Logf("remote: the connection to node %s is taken over", r.name)
	r.core.Controller.RemoteState(r.name, true)
}

// here: all have heard that this node is connected. What the other one had told before that is in the CIB; what comes later of it, see toldLate.
func (r *remoteNode) here() {
	if !r.adopting || r.conn == nil {
		return
	}
	r.adopting = false
	s := remoteState(r.core.Replica.Root(), r.name)
	if s == nil {
		r.up(true)
		return
	}
	r.adopt(s, everything, true)
}

// heldBy: a node says that it is connected. When it is another one and that was announced, what it says of the node counts, and not what this
// one knows: the host may have been started anew meanwhile, and then it tells nobody that its connection was taken.
func (r *remoteNode) heldBy(node string) {
	r.holds = node == r.core.self.Name
	switch {
	case r.holds:
		r.here()
	case r.conn != nil && r.moving:
		r.moving, r.moved = false, true
	}
}

// up tells the cluster that the node is there. What was known of it is of an earlier time; it is looked anew what runs there. Its attributes
// go on with the executor, same: when only the node was lost that was connected. Whoever stops a connection forgets them.
func (r *remoteNode) up(same bool) {
	c := r.core
	r.renew()
	c.world.Logf("remote: node %s is there", r.name)
	if !same {
		c.Attributes.Forget(r.name)
	}
	c.Controller.Change(c.Controller.Forgotten(r.name))
	c.Controller.Change(stateOfRemote(r.name, append(r.state(), "node_fenced", "0")...))
	c.Controller.BeginAs(r.name, r.name, r.conn.StartState(), true)
	c.Controller.RemoteState(r.name, true)
}

// state are the attributes of the remote node's state in the CIB while it is connected.
func (r *remoteNode) state() []string {
	out := []string{"in_ccm", "true"}
	if r.began != 0 {
		out = append(out, startedAttr, strconv.FormatInt(r.began, 10))
	}
	return out
}
