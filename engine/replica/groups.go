package replica

import (
	"slices"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
)

// The groups of a user travel with a request, so that all nodes decide alike. A group whose name has a blank cannot stand among those of groupsAttr,
// whose readers split it at blanks. It has an attribute of its own, in a request of another name: nodes of releases that do not know the attribute
// do not know the name either, and change nothing, rather than something else than the others.
//
// Such a request is sent when all nodes are of a level that knows it. Whether they are may change until it is delivered: then nobody makes it, and
// its sender sends it again in the form that counts by then. As long as nodes join, it is not known what they understand, and it is kept. Where a
// node of an earlier release is there, such a group counts for nothing in changes, as it does in that release.

const (
	// groupsLevel is from which level of messages on nodes know spacedOp.
	groupsLevel = 2
	// spacedOp is a request with spacedAttr, the user's groups whose names have blanks; opAttr is what is to be done.
	spacedOp   = "hacluster_change"
	opAttr     = "hacluster-op"
	spacedAttr = "hacluster-spaced-groups"
)

// asking is a request of a user in groups whose names have blanks, until it is made.
type asking struct {
	msg    *etree.Element
	spaced string
	until  time.Time // it is given up where it could not be sent before; zero: it was sent
}

// ask sends a request, or keeps it until it is clear what the others understand. Groups without permissions, which most users of a directory are in, count
// for nothing and are not waited for.
func (r *Replica) ask(call string, msg *etree.Element, groups []string, now time.Time) {
	spaced := acl.SpacedText(groups)
	if spaced != "" {
		spaced = acl.SpacedText(acl.Named(r.Root(), groups))
	}
	if spaced == "" {
		r.effects.Broadcast(msg)
		return
	}
	r.asking[call] = &asking{msg: msg, spaced: spaced, until: now.Add(sureLimit)}
	r.askOn(call)
}

// askOn sends a request that was kept, if it can be sent.
func (r *Replica) askOn(call string) {
	a := r.asking[call]
	switch level := r.effects.Agreed(); {
	case level == 0:
		return
	case level < groupsLevel:
		delete(r.asking, call)
		r.effects.Broadcast(a.msg)
	default:
		a.until = time.Time{}
		out := a.msg.Copy()
		out.CreateAttr(opAttr, out.SelectAttrValue("cib_op", ""))
		out.CreateAttr("cib_op", spacedOp)
		out.CreateAttr(spacedAttr, a.spaced)
		r.effects.Broadcast(out)
	}
}

// Agree takes note that it may have become clear what all nodes of the group understand.
func (r *Replica) Agree() {
	for call, a := range sorted(r.asking) {
		if !a.until.IsZero() {
			r.askOn(call)
		}
	}
}

// spacedChange makes a change that was asked for with spacedOp, where all understand it.
func (r *Replica) spacedChange(from string, msg *etree.Element) {
	call := msg.SelectAttrValue("cib_callid", "")
	a := r.asking[call]
	if r.effects.Agreed() >= groupsLevel {
		if from == r.node {
			delete(r.asking, call)
		}
		r.apply(from, msg)
		return
	}
	if from == r.node && a != nil {
		a.until = r.now.Add(sureLimit)
		r.askOn(call)
	}
}

// unasked answers those whose request could not be sent for long.
func (r *Replica) unasked(now time.Time) {
	for call, a := range sorted(r.asking) {
		if a.until.IsZero() || a.until.After(now) {
			continue
		}
		delete(r.asking, call)
		if done := r.waiting[call]; done != nil {
			delete(r.waiting, call)
			done(cib.Result{Root: r.Root()}, &cib.Error{Code: cib.Timeout, Detail: "the nodes of the cluster have not told which messages they understand, so that nothing was changed"})
		}
	}
}

// opOf is what a request is to do.
func opOf(msg *etree.Element) cib.Op {
	op := msg.SelectAttrValue("cib_op", "")
	if op == spacedOp {
		op = msg.SelectAttrValue(opAttr, "")
	}
	return cib.Op(op)
}

// groupsOf are the groups of the user that a request is for.
func groupsOf(msg *etree.Element) []string {
	if msg.SelectAttrValue("cib_op", "") != spacedOp {
		return acl.ParseGroups(msg.SelectAttrValue(groupsAttr, ""))
	}
	return slices.Concat(acl.ParseGroups(msg.SelectAttrValue(groupsAttr, "")), acl.ParseSpaced(msg.SelectAttrValue(spacedAttr, "")))
}
