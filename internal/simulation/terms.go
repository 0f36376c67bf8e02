package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"hacluster/cib"
)

// Terms makes the scenario of a seed by a third mix: it aims at terms, and at what is acknowledged in them. Users change values all the time, on any
// host, and one group with quorum follows the other: leaders sleep and wake with an old term, takeovers come close together, parts overlap, disks are full
// or lose power while a promise is written, all lose power at once. Fencing is off in most, or fails, so that whoever slept comes back to those
// who went on.
func Terms(seed uint64) *Scenario {
	r := rand.New(rand.NewPCG(seed, 79))
	s := &Scenario{Seed: seed, Nodes: []int{2, 3, 3, 3, 4, 5, 5}[r.IntN(7)], Fencing: r.IntN(3) == 0, Fast: r.IntN(2) == 0, Agent: 300, Resources: []string{"P1"}}
	s.Length = 9000 + r.IntN(16000)
	a := aim{r, s, 500 + r.IntN(2000)}
	if s.Fencing {
		s.Devices = "one"
		if r.IntN(3) > 0 {
			s.Steps = append(s.Steps, Step{Do: "fence", Arg: []string{Fail, Slow}[r.IntN(2)], For: s.Length})
		}
	}
	for range 2 + r.IntN(4) {
		s.Steps = append(s.Steps, a.turnover()...)
	}
	for range 5 + r.IntN(10) {
		st := Step{At: r.IntN(s.Length), Do: "set", Host: a.host()}
		switch {
		case r.IntN(6) == 0:
			st.Do = "unset"
		case r.IntN(2) == 0:
			st.At, st.On, st.Nth = a.at(), []string{MomentTerm, MomentDC, MomentFinalize, MomentLeft, MomentCame, MomentQuorum, MomentAcked, MomentElection}[r.IntN(8)], r.IntN(4)
			st.Who, st.Delay = []string{WhoHere, WhoDC, WhoOther}[r.IntN(3)], []int{0, r.IntN(3000), r.IntN(40000)}[r.IntN(3)]
		}
		s.Steps = append(s.Steps, st)
	}
	if seed >= firstTermsWithTrouble {
		a.slowly(rand.New(rand.NewPCG(seed, 83)))
	}
	return s
}

// turnover makes something after which another group has a term, or should.
func (a *aim) turnover() []Step {
	r := a.r
	at := a.from + r.IntN(max(1, a.s.Length-a.from-3000))
	moment := func(kinds ...string) Step {
		return Step{At: at, On: kinds[r.IntN(len(kinds))], Nth: r.IntN(3), Delay: []int{0, r.IntN(500), r.IntN(5000), r.IntN(100000)}[r.IntN(4)]}
	}
	asleep := []string{"", "pacemaker", "corosync"}
	switch r.IntN(9) {
	case 0, 1: // a leader sleeps, and wakes with an old term
		st := moment(MomentTerm, MomentAsked, MomentAcked, MomentFinalize, MomentDC, MomentSave)
		st.Do, st.Arg, st.Who, st.For = "pause", asleep[r.IntN(3)], WhoDC, 700+r.IntN(6000)
		return []Step{st, {At: at, Do: "set", Host: a.host()}, {At: at + 300, Do: "set", Host: a.host()}}
	case 2: // two takeovers close together
		first := Step{At: at, Do: []string{"kill-pacemaker", "power", "part"}[r.IntN(3)], Host: a.host(), For: 300 + r.IntN(4000)}
		second := moment(MomentElection, MomentJoin, MomentFinalize, MomentDC, MomentTerm)
		second.Do, second.Who, second.For = []string{"kill-pacemaker", "power", "pause"}[r.IntN(3)], WhoDC, 300+r.IntN(4000)
		return []Step{first, second, {At: at + 50, Do: "set", Host: a.host()}}
	case 3: // a promise is lost, or kept, while power is
		st := moment(MomentFinalize, MomentDC, MomentLeft, MomentCame)
		st.Do, st.Who, st.For = "tear", []string{WhoHere, WhoDC, WhoOther}[r.IntN(3)], 3000
		return []Step{st, {At: at, Do: []string{"kill-pacemaker", "power"}[r.IntN(2)], Host: a.host(), For: 300 + r.IntN(1500)}}
	case 4: // all lose power
		st := moment(MomentTerm, MomentAcked, MomentAsked, MomentSave)
		out := []Step{{At: at, Do: "set", Host: a.host()}}
		for i := range a.s.Nodes {
			one := st
			one.Do, one.Host, one.For = "power", i+1, 300+r.IntN(4000)
			out = append(out, one)
		}
		return out
	case 5, 6: // one group with quorum after the other, which overlap
		var out []Step
		for range 2 + r.IntN(3) {
			side := []string{}
			for i := range a.s.Nodes {
				if r.IntN(2) == 0 {
					side = append(side, fmt.Sprint(i+1))
				}
			}
			long := 500 + r.IntN(3000)
			out = append(out, Step{At: min(at, a.s.Length-1), Do: "part", Host: a.host(), Arg: strings.Join(side, " "), For: long}, Step{At: min(at+long/2, a.s.Length-1), Do: "set", Host: a.host()})
			at += long + r.IntN(2)*r.IntN(1500)
		}
		return out
	case 7: // what cannot be kept cannot be promised
		st := moment(MomentTerm, MomentFinalize, MomentLeft, MomentAsked)
		st.Do, st.Who, st.For = "full", []string{WhoHere, WhoDC, WhoOther}[r.IntN(3)], 500+r.IntN(6000)
		return []Step{st, {At: at, Do: "power", Host: a.host(), For: 300 + r.IntN(3000)}}
	}
	// One hears nobody, or nobody hears it.
	st := moment(MomentTerm, MomentAsked, MomentFinalize)
	st.Do, st.Arg, st.Who, st.For = "cut", fmt.Sprint(a.host()), []string{WhoHere, WhoDC}[r.IntN(2)], 500+r.IntN(5000)
	return []Step{st, {At: at, Do: "set", Host: a.host()}}
}

// Termed: one who promised a term promises no lower one, two groups do not have one term, a term ends when a member leaves, and whoever has a term has
// what was acknowledged before.
const Termed = "terms"

// promised holds that what a node writes down promises no less than what was on its disk.
func (k *checker) promised(h *Host, t cib.Term) {
	if had := h.disk.term.Promised; t.Promised < had {
		k.fail(Termed, "%s promised term %d, and now %d", h.Name, had, t.Promised)
	}
}

// holder is whom a term of most nodes holds with.
type holder struct {
	by    string
	start int // of the one who announced it, once it holds there; others may hear of it when that one has been started again
}

// termHolds holds what a term means where one has come to hold on a host.
func (k *checker) termHolds(p *process) {
	v := p.core.Replica.View()
	if v.Term == k.seen[p.h.ID].Term && v.Holds == k.seen[p.h.ID].Holds {
		return
	}
	if k.seen[p.h.ID] = v; !v.Holds || 2*v.Promised <= len(k.c.file.nodes) || !v.Member || k.loose {
		return
	}
	now := holder{by: v.By}
	if v.By == p.h.Name {
		now.start = p.h.starts
	}
	if was, ok := k.holders[v.Term]; ok {
		if was.start == 0 && was.by == now.by {
			was.start = now.start
			k.holders[v.Term] = was
		}
		if was.by != now.by || now.start > 0 && was.start != now.start {
			k.fail(Termed, "term %d of %s holds on %s, and one of %s did before", v.Term, now.by, p.h.Name, was.by)
		}
		return
	}
	newest := true
	for n := range k.holders {
		newest = newest && n < v.Term
	}
	if k.holders[v.Term] = now; !newest || k.marks == nil {
		return // what was acknowledged since, it need not have
	}
	for _, m := range k.marks() {
		switch there := property(p.core.Replica.Root(), m.name) != ""; {
		case m.forced:
		case m.acked && !m.deleting && !there:
			k.fail(Termed, "term %d holds on %s, which does not have %s, that was acknowledged", v.Term, p.h.Name, m.name)
		case m.taken && there:
			k.fail(Termed, "term %d holds on %s, which has %s, that was taken away", v.Term, p.h.Name, m.name)
		}
	}
}

// termEnds holds that no term holds on with one who has left the group.
func (k *checker) termEnds(p *process) {
	v := p.core.Replica.View()
	if !v.Holds {
		return
	}
	for _, m := range v.Members {
		if o := k.c.Host(m); o != nil && !slices.Contains(k.in[p.h.ID], o.ID) {
			k.fail(Termed, "term %d holds on %s with %s, which has left", v.Term, p.h.Name, m)
		}
	}
}
