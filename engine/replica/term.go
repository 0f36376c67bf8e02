package replica

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// A group with quorum must know that what it acknowledges is not lost to another document with a
// higher version, whoever is restarted meanwhile. So it has a term, as Raft's leaders have:
//
//   - The DC announces a term to the members of each group with quorum, higher than any that they
//     have promised. Each that hears of it keeps the promise on its disk and tells all. When most of
//     all configured nodes have (or, where Corosync says that fewer have quorum, all of these), the term holds.
//   - While it holds, documents that are changed are of that term. They were equal when it was announced,
//     and all members apply one order of changes: who has the higher version has all that others of the term have.
//   - A change in any other group, also one that has lost a member and has no new term yet, makes the document a fork: of
//     the same term, but trusted only up to its version before. When a term comes to hold, the forks in its group are of it.
//   - Clients who want to be sure are answered when most have the change in a document of a term that held.
//
// Two terms of which each held have a node in common that promised the lower one first. So the
// higher one's members know what was acknowledged in the lower. Documents compare by term, then by
// the version up to which they are trusted (cib.Term).
//
// A term is written down only with the first change in it: a cluster that is stopped node by node and
// whose CIB is edited on one of them is as it always was, the higher version wins.

// view is the group that a term was announced to.
type view struct {
	announced bool
	by        string // who announced it
	term      uint64 // 0: there are members that know no terms
	members   []string
	promised  map[string]bool
	holds     bool
	adopt     bool // the members' documents are of several terms: take this one at once
	unkept    bool // this node's disk did not take its promise
}

// announcement is one that this node has sent, and that was not delivered yet. It is void when a member left meanwhile,
// for that may be back by then, with another document.
type announcement struct {
	members []string
	void    bool
}

// withdraw makes announcements void.
func (r *Replica) withdraw(which func(a announcement) bool) {
	for i := range r.raised {
		r.raised[i].void = r.raised[i].void || which(r.raised[i])
	}
}

// announced takes the first of this node's announcements out, and tells whether it holds.
func (r *Replica) announced() bool {
	if len(r.raised) == 0 {
		return false // of before this node fell out of the group
	}
	a := r.raised[0]
	r.raised = r.raised[1:]
	return !a.void
}

// The messages of terms.
const (
	termOp    = "hacluster_term"
	promiseOp = "hacluster_promise"
	adoptedOp = "hacluster_adopted"

	termAttr    = "term"
	toAttr      = "to"
	byAttr      = "by" // whose announcement a promise answers: others may have announced the same term
	refusedAttr = "refused"
	membersAttr = "members"
	adoptAttr   = "adopt"
)

// Term is what this node's document is of.
func (r *Replica) Term() cib.Term { return r.term }

// Quorum takes who is in the ring and whether these have quorum.
func (r *Replica) Quorum(members []string, quorate bool) {
	r.ring, r.quorate = slices.Sorted(slices.Values(members)), quorate
	r.settle()
	r.judgeAll()
}

// Termless takes note whether the DC knows no terms.
func (r *Replica) Termless(yes bool) { r.termless = yes }

// Raise announces a term to members, all of which have one document now; one that is higher than above.
// adopt: it is to be written down at once. Without members it tells that there are nodes that know no terms.
func (r *Replica) Raise(members []string, above uint64, adopt bool) {
	members = slices.Sorted(slices.Values(members))
	n := len(r.raised)
	same := n > 0 && !r.raised[n-1].void && slices.Equal(r.raised[n-1].members, members) || r.view.announced && slices.Equal(r.view.members, members)
	if same && !adopt {
		return
	}
	r.raised = append(r.raised, announcement{members: members})
	term := uint64(0)
	if len(members) > 0 {
		term = max(above, r.term.Promised, r.term.Number, r.view.term) + 1
	}
	r.effects.Broadcast(r.message(termOp, termAttr, strconv.FormatUint(term, 10), membersAttr, strings.Join(members, " "), adoptAttr, strconv.FormatBool(adopt)))
}

// message makes a message of this package that only nodes of ours know.
func (r *Replica) message(op string, attrs ...string) *etree.Element {
	m := etree.NewElement("cib_command")
	for _, a := range [][2]string{{"t", Type}, {"cib_op", op}, {"src", r.node}} {
		m.CreateAttr(a[0], a[1])
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		m.CreateAttr(attrs[i], attrs[i+1])
	}
	return m
}

func termOf(msg *etree.Element) (uint64, bool) {
	n, err := strconv.ParseUint(msg.SelectAttrValue(termAttr, ""), 10, 63)
	return n, err == nil
}

// onTerm takes an announcement.
func (r *Replica) onTerm(from string, msg *etree.Element) {
	n, ok := termOf(msg)
	if !ok {
		return
	}
	if from == r.node && !r.announced() {
		return
	}
	if r.sync != nil {
		return // of one who is no longer DC: the documents are not one now
	}
	here := r.effects.Members()
	v := view{announced: true, by: from, term: n, promised: map[string]bool{}, adopt: msg.SelectAttrValue(adoptAttr, "") == "true"}
	for _, m := range strings.Fields(msg.SelectAttrValue(membersAttr, "")) {
		if slices.Contains(here, m) {
			v.members = append(v.members, m)
		}
	}
	if n > 0 && r.view.holds && !r.possible(v.members) {
		return // of one who came back and suspects those whose term holds
	}
	if slices.Contains(v.members, r.node) && !r.effects.Shares(from) {
		return // it was sent before this node left and came back: its document is another
	}
	r.view = v
	r.compareSoon()
	if n > 0 && slices.Contains(r.view.members, r.node) {
		r.promise(n, from)
	}
	r.judgeAll()
}

// promise agrees to a term that a node announced, once this is on disk, or tells which one it agreed to before.
func (r *Replica) promise(n uint64, by string) {
	told := r.message(promiseOp, toAttr, strconv.FormatUint(n, 10), byAttr, by)
	if r.view.unkept && r.stored.Number == n { // a document of that term is on the disk by now, which is more than the promise
		r.view.unkept = false
		r.effects.Broadcast(told)
		return
	}
	if had := max(r.term.Promised, r.term.Number); had >= n {
		told.CreateAttr(refusedAttr, strconv.FormatUint(had, 10))
		r.effects.Broadcast(told)
		return
	}
	t := r.stored
	t.Promised = n
	if err := r.effects.SaveTerm(t); err != nil {
		r.effects.Logf("could not save the promise of term %d: %v", n, err)
		r.view.unkept, r.saveAgainAt = true, r.now.Add(saveAgainAfter)
		return
	}
	r.view.unkept = false
	r.stored, r.term.Promised = t, n
	r.effects.Broadcast(told)
}

// onPromise takes what a member answers to an announcement.
func (r *Replica) onPromise(from string, msg *etree.Element) {
	v := &r.view
	if msg.SelectAttrValue(toAttr, "") != strconv.FormatUint(v.term, 10) || v.term == 0 || !slices.Contains(v.members, from) || msg.SelectAttrValue(byAttr, v.by) != v.by {
		return
	}
	if had, err := strconv.ParseUint(msg.SelectAttrValue(refusedAttr, ""), 10, 63); err == nil {
		if v.by == r.node && v.announced {
			v.announced = false // one answer to a refusal is enough
			r.Raise(v.members, had, v.adopt)
		}
		return
	}
	v.promised[from] = true
	r.settle()
	r.judgeAll()
}

// settle has a term hold when enough have promised it.
func (r *Replica) settle() {
	v := &r.view
	if v.holds || v.term == 0 || len(v.promised) == 0 {
		return
	}
	if n := len(v.promised); 2*n <= r.effects.Nodes() && (n < len(v.members) || !r.quorate || !slices.Equal(r.ring, v.members)) {
		return
	}
	v.holds = true
	for _, h := range r.held {
		h.terms = append(h.terms, v.term)
	}
	r.effects.Logf("term %d holds among %s", v.term, strings.Join(v.members, ", "))
	if !r.inTerm() {
		return
	}
	r.owed = nil
	if v.adopt || r.term.Forked {
		r.adopt()
		r.save()
	}
	if r.saveErr == nil {
		r.tellAdopted()
	}
}

// inTerm tells that changes of this node's document are those of a term.
func (r *Replica) inTerm() bool { return r.view.holds && slices.Contains(r.view.members, r.node) }

// adopt makes the document one of the present term.
func (r *Replica) adopt() {
	r.term = cib.Term{Number: r.view.term, Promised: r.term.Promised}
}

// kept notes that the document of version old was changed, in a way that is kept on disk.
func (r *Replica) kept(old cib.Version) {
	if r.unsaved = true; r.inTerm() {
		r.adopt()
		return
	}
	r.term.Fork(old)
}

// possible tells whether a term may hold among these.
func (r *Replica) possible(members []string) bool {
	return 2*len(members) > r.effects.Nodes() || r.quorate && slices.Equal(r.ring, members)
}

// mayHold tells whether the group may have a term, now or when those of it that wait for each other's fencing agree: then
// what is acknowledged must be of one. With two nodes there is no majority to wait for.
func (r *Replica) mayHold() bool {
	members := r.view.members
	if !r.view.announced || r.effects.Nodes() > 2 {
		members = slices.Sorted(slices.Values(r.effects.Members()))
	}
	return r.quorate && !r.termless && (!r.view.announced || r.view.term > 0) && r.possible(members)
}

// disputed tells that the group may have a term, but not by those who agree here: another part of it may fence
// these, and its document take the place of theirs.
func (r *Replica) disputed() bool {
	return r.rival() || r.mayHold() && r.view.announced && !r.view.holds && !r.possible(r.view.members)
}

// rival tells that of two nodes that are both here each waits for the other's fencing: what this one changed while it was
// alone may be lost with it.
func (r *Replica) rival() bool {
	return r.effects.Nodes() == 2 && len(r.effects.Members()) == 2 && r.view.announced && r.view.term > 0 && len(r.view.members) == 1
}

// enough is how many members must have a change in a term that holds.
func (r *Replica) enough() int {
	if n := r.effects.Nodes(); 2*len(r.view.members) > n {
		return n/2 + 1
	}
	return len(r.view.members)
}

// onAdopted takes note that a node has its document, with all changes so far, on disk as one of the term, or one that
// was not changed since it was of the term before, and that all in the group have. The document of a term of which this node is none may be another:
// there are the changes in it that the node made, or took over.
func (r *Replica) onAdopted(from string, msg *etree.Element) {
	n, ok := termOf(msg)
	ours := r.view.term == n && r.inTerm()
	for _, h := range r.held {
		if ok && slices.Contains(h.terms, n) && (ours || h.here[from]) {
			h.told(from, true)
		}
	}
	r.judgeAll()
}

// saveAgainAfter is how long after a disk took nothing it is written to again: within sureLimit, for those who wait.
const saveAgainAfter = 5 * time.Second

// save brings the disk to the present document and its term, so that a crash between two writes leaves a term
// that promises nothing of the document beside it which that does not have.
func (r *Replica) save() {
	r.saveErr, r.saveAgainAt = r.write(), time.Time{}
	switch {
	case r.saveErr != nil:
		r.effects.Logf("could not save the CIB: %v", r.saveErr)
		r.saveAgainAt = r.now.Add(saveAgainAfter)
		return
	case r.view.unkept:
		r.saveAgainAt = r.now
	}
	r.nowWritten()
}

// saveAgain brings to the disk what it did not take before, so that neither a change nor a new term has to come for it, and tells those
// who wait for it.
func (r *Replica) saveAgain() {
	r.saveAgainAt = r.now.Add(saveAgainAfter)
	if r.sync != nil {
		return
	}
	if r.saveErr != nil {
		if r.saveErr = r.write(); r.saveErr != nil {
			return
		}
		r.effects.Logf("the CIB is on disk again, at version %s", r.written)
		if r.inTerm() {
			r.tellAdopted()
		}
		r.nowWritten()
	}
	r.saveAgainAt = time.Time{}
	if r.view.unkept && slices.Contains(r.view.members, r.node) {
		r.promise(r.view.term, r.view.by)
	}
}

// tellAdopted tells that the document, with all changes so far, is on disk as one of the present term.
func (r *Replica) tellAdopted() {
	r.effects.Broadcast(r.message(adoptedOp, termAttr, strconv.FormatUint(r.view.term, 10)))
}

func (r *Replica) write() error {
	put := func(t cib.Term) error {
		if t == r.stored {
			return nil
		}
		err := r.effects.SaveTerm(t)
		if err == nil {
			r.stored = t
		}
		return err
	}
	if r.unsaved {
		if r.stored.Of() != r.term.Of() {
			// What comes now is of another term, or a fork.
			t := r.stored
			t.Fork(r.written)
			if err := put(t); err != nil {
				return err
			}
		}
		if err := r.effects.Save(r.Root()); err != nil {
			return err
		}
		r.unsaved, r.written = false, cib.VersionOf(r.Root())
	}
	return put(r.term)
}

func (r *Replica) judgeAll() {
	if !r.mayHold() {
		for _, o := range r.owed {
			r.confirm(o.to, o.call, false)
		}
		r.owed = nil
	}
	for call, h := range sorted(r.held) {
		r.judge(call, h)
	}
}

// leftView takes a node out of the group that has a term: it must have another.
func (r *Replica) leftView(node string) {
	if slices.Contains(r.view.members, node) {
		r.view = view{}
	}
	r.withdraw(func(a announcement) bool { return slices.Contains(a.members, node) })
}

// names lists nodes in order.
func names(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// View is the term that a node was announced last.
type View struct {
	Term     uint64
	By       string // who announced it
	Members  []string
	Promised int // how many have promised it, as this node knows
	Holds    bool
	Member   bool // this node is one of those that it was announced to
	Termless bool // there are nodes that know no terms
}

// someTermless tells that the group has nodes that know no terms, as far as was told.
func (r *Replica) someTermless() bool { return r.termless || r.view.announced && r.view.term == 0 }

// View tells it.
func (r *Replica) View() View {
	return View{Term: r.view.term, By: r.view.by, Members: r.view.members, Promised: len(r.view.promised), Holds: r.view.holds, Member: slices.Contains(r.view.members, r.node), Termless: r.someTermless()}
}
