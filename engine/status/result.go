package status

import (
	"strings"
	"time"

	"github.com/beevik/etree"
)

// history reads the entries of one resource on one node.
type history struct {
	c           *Cluster
	r           *Resource
	n           *Node
	onFail      OnFail
	lastFailure *etree.Element

	// the entry at hand
	e              *etree.Element
	id, task, key  string
	ms             uint32
	exec, exit     int
	expected, call int
	masked         bool
}

// origin is the entry at hand as the origin of what follows from it.
func (h *history) origin() Origin {
	return Origin{Code: OriginFailure, ID: h.id, Resource: h.r.ID}
}

// cause is the failure that the state of the resource follows from.
func (h *history) cause() Origin {
	o := Origin{Code: OriginFailure, Resource: h.r.ID}
	if h.lastFailure != nil {
		o.ID = get(h.lastFailure, "id")
	}
	return o
}

func historyKey(e *etree.Element) string {
	if k, ok := attr(e, "operation_key"); ok {
		return k
	}
	return get(e, "id")
}

func isProbe(e *etree.Element) bool {
	return get(e, "operation") == "monitor" && intAttr(e, "interval", 0) == 0
}

// MaskedProbe tells whether an entry is a failed probe that only says that
// the agent cannot run there.
func MaskedProbe(e *etree.Element) bool {
	if !isProbe(e) {
		return false
	}
	rc := intAttr(e, "rc-code", 0)
	return rc == exitNotInstalled || rc == exitInvalidParam || intAttr(e, "op-status", -2) == execNotInstalled
}

func (h *history) setActive() {
	if h.r.Top(false).Has(Promotable) {
		h.r.Role = RoleUnpromoted
	} else {
		h.r.Role = RoleStarted
	}
}

func (h *history) entry(e *etree.Element) {
	c, r, n := h.c, h.r, h.n
	h.e = e
	var ok bool
	if h.id, ok = attr(e, "id"); !ok {
		c.configErr("Ignoring resource history entry for %s on %s without ID", r.ID, n.ShownName())
		return
	}
	if h.task, ok = attr(e, "operation"); !ok {
		c.configErr("Ignoring resource history entry %s for %s on %s without operation", h.id, r.ID, n.ShownName())
		return
	}
	c.Trace.Because(h.origin())
	h.ms = uint32(max(intAttr(e, "interval", 0), 0))
	switch h.task {
	case "monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from", "asyncmon":
	default:
		return
	}
	text := get(e, "op-status")
	v, ok := ParseInt(text)
	if !ok || v < execPending || v > execNoSecrets || v == execCancelled {
		c.configErr("Ignoring resource history entry %s for %s on %s with invalid op-status '%s'", h.id, r.ID, n.ShownName(), text)
		return
	}
	h.exec = int(v)
	text = get(e, "rc-code")
	v, ok = ParseInt(text)
	if !ok || v < 0 || v > 255 {
		c.configErr("Ignoring resource history entry %s for %s on %s with invalid rc-code '%s'", h.id, r.ID, n.ShownName(), text)
		return
	}
	h.exit = int(v)
	h.expected = expectedResult(e)
	h.key = historyKey(e)
	h.call = int(int32Attr(e, "call-id", 0))
	h.masked = !r.Bundled() && MaskedProbe(e)

	expired := h.expired()
	before := h.exit
	h.remap(expired)
	if expired && h.ignoreExpired(before) {
		return
	}
	if h.masked {
		h.maskProbe()
		return
	}
	parent := r
	if !r.Has(Unique) {
		parent = r.Top(false)
	}
	switch h.exec {
	case execPending:
		h.pending()
		return
	case execDone:
		h.success(h.exit)
		return
	case execNotInstalled:
		f, role := h.failureHandling()
		if f == FailIgnore {
			h.onFail = FailBan
		}
		c.ScoreNode(parent, n, -Infinity, h.origin())
		h.failure(f, role)
		return
	case execNotConnected:
		if n.IsRemote && n.Conn != nil && n.Conn.Has(Managed) {
			n.Conn.Set(Failed | StopIfFailed)
		}
	}
	f, role := h.failureHandling()
	if f == FailIgnore || (f == FailRestartContainer && h.task == "stop") {
		h.success(h.expected)
		r.Set(FailureIgnored)
		h.pass()
		if f == FailRestartContainer && h.onFail <= FailRestart {
			h.onFail = f
		}
		return
	}
	h.failure(f, role)
	switch h.exec {
	case execErrorHard:
		c.ScoreNode(parent, n, -Infinity, h.origin())
	case execErrorFatal:
		c.FindWrong(Error, "Preventing %s from restarting anywhere because of fatal failure (%s)", parent.ID, h.outcome())
		c.ScoreAll(parent, -Infinity, h.origin())
	}
}

// outcome is how the operation ended: the code's text and the agent's reason.
func (h *history) outcome() string {
	text := ResultText(h.exit)
	if reason := get(h.e, "exit-reason"); reason != "" {
		text += ": " + reason
	}
	return text
}

// when is the time of the result.
func (h *history) when() string {
	at, ok := ParseInt(get(h.e, "last-rc-change"))
	if !ok {
		return "unknown_time"
	}
	return time.Unix(at, 0).Format("Jan _2 15:04:05 2006")
}

// record lists a failed operation for status screens.
func (h *history) record() {
	if !h.n.Online {
		return
	}
	for i := range h.c.Failures {
		f := &h.c.Failures[i]
		if f.Node == h.n && historyKey(f.XML) == h.key {
			return
		}
	}
	h.c.Failures = append(h.c.Failures, FailedOp{XML: h.e, Node: h.n, Resource: h.r})
}

// pass lists a failed operation that counts as none.
func (h *history) pass() {
	h.c.Passed = append(h.c.Passed, FailedOp{XML: h.e, Node: h.n, Resource: h.r})
	h.record()
}

func (h *history) failureHandling() (OnFail, Role) {
	op := h.r.FindOp(h.task, h.ms, true)
	meta := h.c.ActionMeta(h.r, h.n, h.task, h.ms, op)
	f := h.c.onFail(h.r, h.task, h.ms, meta)
	return f, roleAfterFailure(h.r, h.task, f)
}

// failure takes a failed operation into account.
func (h *history) failure(f OnFail, role Role) {
	c, r, n := h.c, h.r, h.n
	h.lastFailure = h.e
	probe := isProbe(h.e)
	if c.Options.Symmetric || h.exit != exitNotInstalled {
		h.record()
		task := h.task
		if probe {
			task = "probe"
		}
		c.FindWrong(Warning, "Unexpected result (%s) was recorded for %s of %s on %s at %s", h.outcome(), task, r.ID, n.ShownName(), h.when())
	}
	h.onFail = max(h.onFail, f)
	switch h.task {
	case "stop":
		c.ScoreNode(r, n, -Infinity, h.origin())
	case "migrate_to":
		h.migrateToFailed()
	case "migrate_from":
		h.migrateFromFailed()
	case "promote":
		r.Role = RolePromoted
	case "demote":
		switch {
		case f == FailBlock:
			r.Role = RolePromoted
			r.NextRole = RoleStopped
		case h.exit == exitNotRunning:
			r.Role = RoleStopped
		default:
			r.Role = RoleUnpromoted
		}
	}
	if probe && h.exit == exitNotInstalled {
		r.Role = RoleStopped
	} else if r.Role < RoleStarted {
		h.setActive()
	}
	if role != RoleStarted && r.NextRole < role {
		r.NextRole = role
	}
	if role == RoleStopped {
		ban := r
		if p := r.Top(false); r.Parent != nil && p.IsClone() && !p.Has(Unique) {
			ban = p
		}
		ban.banEverywhere(c, h.origin())
	}
}

// success takes an operation that ended well into account.
func (h *history) success(exit int) {
	r := h.r
	clear := false
	switch {
	case exit == exitNotInstalled || h.masked:
		r.Role = RoleStopped
	case exit == exitNotRunning:
		clear = true
	case h.task == "monitor":
		if h.lastFailure != nil && h.key == historyKey(h.lastFailure) {
			clear = true
		}
		if r.Role < RoleStarted {
			h.setActive()
		}
	case h.task == "start" || h.task == "migrate_from":
		r.Role = RoleStarted
		clear = true
	case h.task == "stop":
		r.Role = RoleStopped
		clear = true
	case h.task == "promote":
		r.Role = RolePromoted
		clear = true
	case h.task == "demote":
		clear = h.onFail == FailDemote
		r.Role = RoleUnpromoted
	case h.task == "migrate_to":
		h.migrateToDone()
	case r.Role < RoleStarted:
		h.setActive()
	}
	if !clear {
		return
	}
	switch h.onFail {
	case FailStop, FailBan, FailStandby, FailFence:
	case FailResetRemote:
		if r.ReconnectDelay == 0 {
			h.onFail = FailIgnore
			r.NextRole = RoleUnknown
		}
	default:
		h.onFail = FailIgnore
		r.NextRole = RoleUnknown
	}
}

// pending takes an operation under way into account.
func (h *history) pending() {
	c, r := h.c, h.r
	if f := h.lastFailure; f != nil && get(f, "operation") == h.task {
		if s, ok := attr(f, "interval"); ok {
			ms, ok := ParseInt(s)
			this, ok1 := ParseInt(get(h.e, "last-rc-change"))
			that, ok2 := ParseInt(get(f, "last-rc-change"))
			if ok && uint32(ms) == h.ms && ok1 && ok2 && that >= this {
				return
			}
		}
	}
	switch {
	case h.task == "start":
		r.Set(StartPending)
		h.setActive()
	case h.task == "promote":
		r.Role = RolePromoted
	case h.task == "migrate_to" && h.n.Unclean:
		if t := c.FindNode(get(h.e, "migrate_target")); t != nil {
			c.NewAction(r, "stop", 0, t, false)
		}
	}
	if r.PendingTask == "" && !(h.task == "monitor" && h.ms == 0) {
		r.PendingTask = h.task
		r.PendingNode = h.n
	}
}

func (h *history) maskProbe() {
	ban := h.r
	if !h.r.Has(Unique) {
		ban = h.r.Top(false)
	}
	h.success(h.expected)
	h.pass()
	h.c.ScoreNode(ban, h.n, -Infinity, h.origin())
}

// remap settles whether a result is a failure.
func (h *history) remap(expired bool) {
	r, n := h.r, h.n
	before := h.exit
	switch h.exit {
	case exitDegraded:
		h.exit = exitOK
	case exitDegradedPromoted:
		h.exit = exitPromoted
	}
	if h.exit != before && !expired && (!n.Shutdown || n.Online) {
		h.record()
	}
	if h.masked && (h.exec != execDone || h.exit != exitNotRunning) {
		h.exec, h.exit = execDone, exitNotRunning
	}
	switch h.exec {
	case execDone, execError:
	case execNoFenceDevice, execNoSecrets:
		h.exec = execErrorHard
		return
	default:
		return
	}
	probe := isProbe(h.e)
	switch {
	case h.expected < 0:
		h.exec = execError
		h.c.configWarn("Expected result not found for %s on %s (corrupt or obsolete CIB?)", h.key, n.ShownName())
	case h.exit == h.expected:
		h.exec = execDone
	default:
		h.exec = execError
	}
	switch h.exit {
	case exitOK:
		if probe && h.expected == exitNotRunning {
			h.exec = execDone
		}
	case exitNotRunning:
		if probe || h.expected == h.exit || !r.Has(Managed) {
			h.exec = execDone
			r.Role = RoleStopped
			h.onFail = FailIgnore
			r.NextRole = RoleUnknown
		}
	case exitPromoted:
		if probe && h.exit != h.expected {
			h.exec = execDone
		}
		if !expired || h.exit == h.expected {
			r.Role = RolePromoted
		}
	case exitFailedPromoted:
		if !expired {
			r.Role = RolePromoted
		}
		h.exec = execError
	case exitNotConfigured:
		h.exec = execErrorFatal
	case exitUnimplemented:
		if h.ms == 0 {
			if !expired {
				h.blockUnrecoverable()
			}
			h.exec = execErrorHard
		} else {
			h.exec = execNotSupported
		}
	case exitNotInstalled, exitInvalidParam, exitNoPrivilege:
		if !expired {
			h.blockUnrecoverable()
		}
		h.exec = execErrorHard
	default:
		if h.exec == execDone {
			h.exec = execError
		}
	}
}

func (h *history) blockUnrecoverable() {
	if h.task == "stop" && !h.c.CanFence(h.n) {
		h.c.FindWrong(Error, "No further recovery can be attempted for %s because %s on %s failed (%s) at %s", h.r.ID, h.task, h.n.ShownName(), h.outcome(), h.when())
		h.r.Clear(Managed)
		h.r.Set(Blocked)
	}
}

// expired tells whether the entry is older than its resource's
// failure-timeout; it also clears fail counts that are over.
func (h *history) expired() bool {
	c, r, n := h.c, h.r, h.n
	if h.exec == execNotInstalled {
		return false
	}
	last := strings.HasSuffix(h.id, "_last_failure_0")
	limit := seconds(r.FailureTimeout)
	expired := false
	unexpired := 0
	at, ok := attr(h.e, "last-rc-change")
	run, valid := ParseInt(at)
	if limit > 0 && ok && valid {
		now := c.Now.Unix()
		if now >= run+limit && !h.keepFailure() {
			expired = true
		}
		var lastFailure int64
		unexpired, lastFailure = c.FailCount(n, r, FailEffective, h.e)
		if over := lastFailure + limit + 1; unexpired != 0 && now < over {
			c.Recheck(over)
		}
	}
	clear := false
	if expired {
		if count, _ := c.FailCount(n, r, 0, h.e); count != 0 {
			if unexpired == 0 {
				clear = true
			} else {
				expired = false
			}
		} else if last && r.ReconnectDelay > 0 {
			clear = true
		}
	}
	if !expired && last && h.parametersChanged() {
		clear = true
	}
	if clear {
		a := c.ClearFailCount(r, n)
		if c.Options.FencingEnabled && r.ReconnectDelay > 0 {
			if t := c.FindNode(r.ID); t != nil {
				Order(c.NewFencing(t, "", true, "", false), a, FirstImpliesThen)
			}
		}
	}
	if expired && h.ms == 0 && h.task == "monitor" {
		switch h.exit {
		case exitOK, exitNotRunning, exitPromoted, exitDegraded, exitDegradedPromoted:
			expired = false
		}
	}
	return expired
}

// keepFailure: the failed monitor of a connection with a reconnect delay does
// not expire before its node was fenced.
func (h *history) keepFailure() bool {
	if h.r.ReconnectDelay == 0 || !h.c.Options.FencingEnabled || h.ms == 0 || h.task != "monitor" {
		return false
	}
	n := h.c.FindNode(h.r.ID)
	return n != nil && !n.Fenced
}

func (h *history) parametersChanged() bool {
	if h.task != "start" && h.task != "monitor" {
		return false
	}
	if h.c.HasMagicAddress(h.r) {
		h.c.DeferredChecks = append(h.c.DeferredChecks, DeferredCheck{h.e, h.r, h.n, true})
		return false
	}
	switch h.c.CompareDigest(h.r, h.e, h.n).Outcome {
	case DigestMatch, DigestUnknown:
		return false
	}
	return true
}

// ignoreExpired tells whether an expired entry is to be left out.
func (h *history) ignoreExpired(exit int) bool {
	switch {
	case h.masked && exit != h.expected:
		if h.r.Role <= RoleStopped {
			h.r.Role = RoleUnknown
		}
		return true
	case h.exit == h.expected:
		return false
	case h.ms == 0:
		return true
	case h.n.Online && !h.n.Unclean:
		if h.c.Expired == nil {
			h.c.Expired = map[*etree.Element]bool{}
		}
		h.c.Expired[h.e] = true
		return true
	}
	return false
}
