package status

import (
	"math"
	"strings"

	"github.com/beevik/etree"
)

// Exit statuses of agents that matter here.
const (
	exitOK               = 0
	exitInvalidParam     = 2
	exitUnimplemented    = 3
	exitNoPrivilege      = 4
	exitNotInstalled     = 5
	exitNotConfigured    = 6
	exitNotRunning       = 7
	exitPromoted         = 8
	exitFailedPromoted   = 9
	exitDegraded         = 190
	exitDegradedPromoted = 191
	exitUnknown          = 193
)

// Execution statuses of operations.
const (
	execPending       = -1
	execDone          = 0
	execCancelled     = 1
	execNotSupported  = 3
	execError         = 4
	execErrorHard     = 5
	execErrorFatal    = 6
	execNotInstalled  = 7
	execNotConnected  = 8
	execNoFenceDevice = 10
	execNoSecrets     = 11
)

// readHistory reads what a node recorded of its operations.
func (c *Cluster) readHistory(n *Node, state *etree.Element) {
	launched := false
	for e := range lrmResources(state) {
		if r := c.readResourceHistory(n, e); r != nil && r.Has(RemovedLaunched) {
			launched = true
		}
	}
	if !launched {
		return
	}
	for e := range lrmResources(state) {
		launcher, ok1 := attr(e, "container")
		id, ok2 := attr(e, "id")
		if !ok1 || !ok2 {
			continue
		}
		l := c.Find(launcher)
		if l == nil {
			continue
		}
		r := c.Find(id)
		if r == nil || r.Launcher != nil || !r.Has(RemovedLaunched) {
			continue
		}
		r.Launcher = l
		l.Launched = append(l.Launched, r)
	}
}

// Newer compares two history entries: negative if a is older than b.
func (c *Cluster) Newer(a, b *etree.Element) int {
	nodeA, hasA := attr(a, "on_node")
	nodeB, hasB := attr(b, "on_node")
	same := hasA == hasB && strings.EqualFold(nodeA, nodeB)
	if same && get(a, "id") == get(b, "id") {
		c.configErr("Duplicate lrm_rsc_op entries named %s", get(a, "id"))
		return 0
	}
	callA, callB := int32Attr(a, "call-id", -1), int32Attr(b, "call-id", -1)
	switch {
	case callA == -1 && callB == -1:
		return 0
	case same && callA >= 0 && callA < callB:
		return -1
	case same && callB >= 0 && callA > callB:
		return 1
	case callA >= 0 && callB >= 0 && (!same || callA == callB):
		atA, atB := intAttr(a, "last-rc-change", -1), intAttr(b, "last-rc-change", -1)
		switch {
		case atA >= 0 && atA < atB:
			return -1
		case atB >= 0 && atA > atB:
			return 1
		}
		return 0
	}
	uuidA, idA, okA := transitionOf(get(a, "transition-magic"))
	uuidB, idB, okB := transitionOf(get(b, "transition-magic"))
	if !okA || !okB {
		return 0
	}
	if !strings.EqualFold(uuidA, uuidB) || idA == idB {
		if callB == -1 {
			return -1
		}
		if callA == -1 {
			return 1
		}
		return 0
	}
	switch {
	case (idA >= 0 && idA < idB) || idB == -1:
		return -1
	case (idB >= 0 && idA > idB) || idA == -1:
		return 1
	}
	return 0
}

func intAttr(e *etree.Element, name string, absent int64) int64 {
	s, ok := attr(e, name)
	if !ok {
		return absent
	}
	n, ok := ParseInt(s)
	if !ok {
		return absent
	}
	return n
}

// int32Attr is intAttr of a number that has no more than 32 bits; another gives the fallback.
func int32Attr(e *etree.Element, name string, fallback int64) int64 {
	if n := intAttr(e, name, fallback); n >= math.MinInt32 && n <= math.MaxInt32 {
		return n
	}
	return fallback
}

// transitionOf reads a transition-magic, STATUS:RC;ACTION:TRANSITION:RC:UUID.
func transitionOf(magic string) (uuid string, transition int64, ok bool) {
	_, key, found := strings.Cut(magic, ";")
	if !found {
		return "", 0, false
	}
	_, transition, _, uuid, ok = TransitionKey(key)
	return uuid, transition, ok
}

// TransitionKey reads ACTION:TRANSITION:RC:UUID.
func TransitionKey(key string) (action, transition int64, rc int, uuid string, ok bool) {
	p := strings.SplitN(key, ":", 4)
	if len(p) != 4 {
		return 0, 0, -1, "", false
	}
	action, ok1 := ParseInt(p[0])
	transition, ok2 := ParseInt(p[1])
	n, ok3 := ParseInt(p[2])
	if !ok1 || !ok2 || !ok3 {
		return 0, 0, -1, "", false
	}
	return action, transition, int(n), p[3], true
}

// expectedResult is the exit status that an entry's operation should have had,
// -1 if not recorded.
func expectedResult(e *etree.Element) int {
	key, ok := attr(e, "transition-key")
	if !ok {
		return -1
	}
	_, _, rc, _, ok := TransitionKey(key)
	if !ok {
		return -1
	}
	return rc
}

// SortHistory returns the entries of a resource history, oldest first.
func (c *Cluster) SortHistory(e *etree.Element) []*etree.Element {
	var list []*etree.Element
	for op := range elements(e, "lrm_rsc_op") {
		list = append(list, op)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	MergeSort(list, c.Newer)
	return list
}

func (c *Cluster) readResourceHistory(n *Node, e *etree.Element) *Resource {
	id, ok := attr(e, "id")
	if !ok {
		c.configErr("Ignoring invalid lrm_resource entry: No id")
		return nil
	}
	empty := first(e, "lrm_rsc_op") == nil
	if empty && !c.Options.ShutdownLock {
		return nil
	}
	r := c.historyResource(n, id)
	if r == nil {
		if empty {
			return nil
		}
		if r = c.removedResource(id, e); r == nil {
			return nil
		}
	}
	if c.Options.ShutdownLock {
		c.readLock(e, r, n)
	}
	saved := r.Role
	r.Role = RoleUnknown
	list := c.SortHistory(e)
	h := history{c: c, r: r, n: n}
	for _, op := range list {
		h.entry(op)
	}
	start, stop := ActiveWindow(list)
	c.recurring(n, r, list, start, stop)
	c.applyState(r, n, h.onFail, h.cause())
	if role, ok := c.targetRole(r); ok && (r.NextRole == RoleUnknown || role < r.NextRole) {
		r.NextRole = role
	}
	if saved > r.Role {
		r.Role = saved
	}
	return r
}

func (c *Cluster) readLock(e *etree.Element, r *Resource, n *Node) {
	at := intAttr(e, "shutdown-lock", 0)
	if at == 0 {
		return
	}
	if limit := c.Options.ShutdownLockLimit; limit > 0 && c.Now.Unix() > at+seconds(limit) {
		c.Trace.Because(Origin{Code: OriginLock, ID: n.Name})
		c.NewAction(r, "lrm_delete", 0, n, false)
		return
	}
	r.LockNode, r.LockTime = n, at
}

// historyResource finds the resource that a history on a node belongs to; nil
// if there is none.
func (c *Cluster) historyResource(n *Node, id string) *Resource {
	var parent *Resource
	r := c.Find(id)
	if r == nil {
		zero := c.Find(BaseName(id) + ":0")
		if zero != nil && !zero.Has(Unique) {
			r = zero
			parent = zero.Top(false)
		}
	} else if r.Kind != Primitive {
		return nil
	} else {
		parent = r.Top(false)
	}
	if parent.IsClone() && !parent.Has(Unique) {
		if parent.Parent != nil { // inside a bundle
			r = nil
			for _, p := range parent.Parent.Bundle.Parts {
				if p.Node == n {
					r = p.Child
				}
			}
		} else {
			r = c.anonymousInstance(n, parent, BaseName(id))
		}
	}
	if r != nil && id != r.ID && id != r.HistoryID {
		r.HistoryID = id
		c.register(r, id)
	}
	return r
}

// member finds the resource of a base name in an instance.
func member(r *Resource, id string) *Resource {
	if r.Top(false).IsClone() && (r.ID == id || r.XMLID() == id) {
		return r
	}
	for _, k := range r.Children {
		if m := member(k, id); m != nil {
			return m
		}
	}
	return nil
}

// anonymousInstance finds the instance of an anonymous clone that a history on
// a node speaks of.
func (c *Cluster) anonymousInstance(n *Node, clone *Resource, id string) *Resource {
	var r, inactive *Resource
	surplus := false
	for _, k := range clone.Children {
		places := k.Places(Current | PendingW)
		if len(places) > 0 {
			if places[0] == n {
				if r = member(k, id); r != nil {
					if len(r.Active) > 0 {
						surplus = true
						r = nil
					}
				}
			}
			if r != nil {
				break
			}
			continue
		}
		if !surplus && inactive == nil && !k.Has(Blocked) {
			inactive = member(k, id)
			if inactive != nil && inactive.PendingNode != nil && inactive.PendingNode != n {
				inactive = nil
			}
		}
	}
	if r == nil && !surplus && inactive != nil {
		r = inactive
	}
	if r != nil && !r.Has(NeedsFencing) && (!n.Online || n.Unclean) && !n.IsGuest() && clone.Clone.Max != len(c.Nodes) {
		r = nil
	}
	if r == nil {
		if k := c.newInstance(clone); k != nil {
			r = member(k, id)
		}
	}
	return r
}

// removedResource makes a resource of a history without configuration.
func (c *Cluster) removedResource(id string, e *etree.Element) *Resource {
	x := etree.NewElement("primitive")
	x.Attr = append(x.Attr, e.Attr...)
	for i := range x.Attr {
		if x.Attr[i].Key == "id" {
			x.Attr[i].Value = id
		}
	}
	r := c.newResource(x, nil, -1)
	if r == nil {
		return nil
	}
	if isRemoteXML(x) {
		n := c.FindNode(id)
		if n == nil {
			n = c.newNode(id, id, "remote", true, 0)
		}
		c.linkNode(r)
		n.Shutdown = true
	}
	if _, ok := attr(e, "container"); ok {
		r.Set(RemovedLaunched)
	}
	r.Set(Removed)
	c.attach(r)
	if !c.Options.StopRemoved {
		r.Clear(Managed)
	} else {
		c.ScoreAll(r, -Infinity, Origin{Code: OriginRemoved})
	}
	return r
}

// ActiveWindow finds the indexes of the last start and the last successful
// stop in a sorted history; -1 where there is none.
func ActiveWindow(list []*etree.Element) (start, stop int) {
	start, stop = -1, -1
	monitor, role := -1, -1
	for i, e := range list {
		task := strings.ToLower(get(e, "operation"))
		switch {
		case task == "stop" && get(e, "op-status") == "0":
			stop = i
		case task == "start" || task == "migrate_from":
			start = i
		case monitor <= stop && task == "monitor":
			if rc := get(e, "rc-code"); rc == "0" || rc == "8" {
				monitor = i
			}
		case task == "promote" || task == "demote":
			role = i
		}
	}
	if start == -1 {
		if role != -1 {
			start = role
		} else if monitor != -1 {
			start = monitor
		}
	}
	return start, stop
}

// recurring enters the recurring operations that are current as optional
// actions.
func (c *Cluster) recurring(n *Node, r *Resource, list []*etree.Element, start, stop int) {
	if !n.Online {
		return
	}
	c.Trace.Because(Origin{Code: OriginMonitor, Resource: r.ID})
	for i, e := range list {
		if (start < stop && i <= stop) || i < start {
			continue
		}
		ms := uint32(max(intAttr(e, "interval", 0), 0))
		if ms == 0 || get(e, "op-status") == "-1" {
			continue
		}
		c.NewAction(r, get(e, "operation"), ms, n, true)
	}
}

// applyState draws the consequences of a history: where the resource is
// active, and what its failures lead to.
func (c *Cluster) applyState(r *Resource, n *Node, onFail OnFail, because Origin) {
	c.Trace.Because(because)
	active := r.Role > RoleStopped
	if r.Role != RoleUnknown {
		r.noteKnown(n)
	}
	if active && !n.Online && !n.Maintenance && r.Has(Managed) {
		c.fenceHolder(r, n)
	}
	failed := onFail != FailIgnore
	if n.Unclean {
		onFail = FailIgnore
	}
	c.takeOnFail(r, n, onFail, because)
	if r.Has(Failed | RemoteConnection) {
		if t := c.FindNode(r.ID); t != nil && t.Unclean {
			t.Seen = true
		}
	}
	switch {
	case active:
		c.addActive(r, n, failed)
		switch onFail {
		case FailIgnore:
		case FailDemote, FailBlock:
			r.Set(Failed)
		default:
			r.Set(Failed | StopIfFailed)
		}
	case strings.Contains(r.HistoryID, ":"):
		r.HistoryID = ""
	default:
		for _, a := range r.FindActions("stop", 0, n) {
			a.Set(Optional)
		}
	}
	if r.Role == RoleStopped && len(r.Active) > 0 && r.PartialTarget != nil && r.PartialSource == n {
		r.Role = RoleStarted
	}
}

// noteKnown notes that the state of a resource on a node is known, also for what it is part of up to where instances differ.
func (r *Resource) noteKnown(n *Node) {
	for p := r; p != nil; p = p.Parent {
		if !HasNode(p.Known, n) {
			p.Known = append(p.Known, n)
		}
		if p.Has(Unique) {
			break
		}
	}
}

// fenceHolder has a node fenced that is lost while a resource is thought to be active there.
func (c *Cluster) fenceHolder(r *Resource, n *Node) {
	reason := r.ID + " is thought to be active there"
	switch {
	case n.IsGuest():
		r.Set(Failed | StopIfFailed)
	case !c.Options.FencingEnabled:
		return
	case n.IsPlainRemote() && n.Conn != nil && !n.Conn.Has(Failed):
		n.Seen = false
		reason = r.ID + " is active there (fencing will be revoked if remote connection can be re-established elsewhere)"
	}
	c.FenceNode(n, reason, false, Origin{Code: OriginNodeState, ID: "lost", Resource: r.ID})
}

// takeOnFail does what on-fail says of a failure on a node.
func (c *Cluster) takeOnFail(r *Resource, n *Node, onFail OnFail, because Origin) {
	active := r.Role > RoleStopped
	stop := func(r *Resource) { c.NewAction(r, "stop", 0, n, false) }
	switch onFail {
	case FailDemote:
		r.Set(Failed)
		c.NewAction(r, "demote", 0, n, false)
	case FailFence:
		c.FenceNode(n, r.ID+" failed there", false, because)
	case FailStandby:
		n.Standby, n.StandbyOnFail = true, true
	case FailBlock:
		r.Clear(Managed)
		r.Set(Blocked)
	case FailBan:
		c.ScoreNode(r, n, -Infinity, because)
	case FailStop:
		r.NextRole = RoleStopped
	case FailRestart:
		if active {
			r.Set(Failed | StopIfFailed)
			stop(r)
		}
	case FailRestartContainer:
		r.Set(Failed | StopIfFailed)
		switch {
		case r.Launcher != nil && r.Bundled():
			c.stopNeeded = append(c.stopNeeded, r.Launcher)
		case r.Launcher != nil:
			stop(r.Launcher)
		case active:
			stop(r)
		}
	case FailResetRemote:
		r.Set(Failed | StopIfFailed)
		if c.Options.FencingEnabled && r.Has(RemoteConnection) {
			if t := c.FindNode(r.ID); t.IsPlainRemote() && !t.Fenced {
				c.FenceNode(t, "remote connection is unrecoverable", false, because)
			}
		}
		if active {
			stop(r)
		}
		if r.ReconnectDelay > 0 {
			r.NextRole = RoleStopped
		}
	}
}
