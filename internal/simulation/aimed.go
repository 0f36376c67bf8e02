package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Aimed makes the scenario of a seed by another mix than Generate: whatever happens does so within some seconds, and most faults wait for a moment
// that matters, and strike at once, or within milliseconds of it. Pauses, cuts and fencing that fails are frequent, for there nobody knows what the others do.
func Aimed(seed uint64) *Scenario {
	r := rand.New(rand.NewPCG(seed, 78))
	s := &Scenario{Seed: seed, Nodes: 2 + r.IntN(4), Fencing: r.IntN(5) != 0, Fast: r.IntN(3) == 0, Agent: []int{300, 1000, 4000}[r.IntN(3)]}
	if s.Fencing {
		s.Devices = []string{"one", "each", "levels"}[r.IntN(3)]
	}
	s.Policy = []string{"", "", "ignore", "freeze"}[r.IntN(4)]
	if r.IntN(5) == 0 {
		s.Device = []string{"ffsplit", "lms"}[r.IntN(2)]
	}
	s.Guests, s.Remotes = r.IntN(3)/2, r.IntN(3)/2
	kinds := "PPLLGCM"
	for i := range 1 + r.IntN(3) {
		s.Resources = append(s.Resources, fmt.Sprintf("%c%d", kinds[r.IntN(len(kinds))], i+1))
	}
	s.Constraints = r.IntN(4) == 0
	s.Length = 8000 + r.IntN(25000)
	a := aim{r, s, r.IntN(s.Length / 2)}
	if s.Fencing && r.IntN(2) == 0 {
		s.Steps = append(s.Steps, Step{At: a.at(), Do: "fence", Arg: []string{Fail, Slow}[r.IntN(2)], For: 3000 + r.IntN(20000)})
	}
	if r.IntN(4) == 0 {
		s.Steps = append(s.Steps, Step{At: max(0, a.at()-4000), Do: "maintenance", Host: a.host(), For: 5000 + r.IntN(10000)})
	}
	for range 1 + r.IntN(3) {
		s.Steps = append(s.Steps, a.cause()...)
	}
	for range 1 + r.IntN(4) {
		s.Steps = append(s.Steps, a.strike()...)
	}
	if seed >= firstAimedAtDevice {
		a.atDevice(rand.New(rand.NewPCG(seed, 80)))
	}
	if seed >= firstAimedWithTrouble {
		a.atTrouble(rand.New(rand.NewPCG(seed, 82)))
	}
	if seed >= firstAimedAtHistories && seed < firstAimedWithTrouble {
		a.atHistories(rand.New(rand.NewPCG(seed, 81)))
	}
	return s
}

// firstAimedAtDevice is the first seed of this mix whose quorum device may have heuristics, and change.
const firstAimedAtDevice = 8_400_000

// atDevice has every second scenario have a quorum device that changes, and faults when it votes, and when it is changed.
func (a *aim) atDevice(r *rand.Rand) {
	s := a.s
	if s.changingDevice(r); s.Device == "" && !slices.ContainsFunc(s.Steps, addsDevice) {
		return
	}
	for range 1 + r.IntN(3) {
		st := Step{At: a.from, Host: 1 + r.IntN(s.Nodes), For: 200 + r.IntN(6000), Nth: r.IntN(5)}
		st.On = []string{MomentVote, MomentVote, MomentReread, MomentQuorum}[r.IntN(4)]
		st.Delay = []int{0, r.IntN(300), r.IntN(3000), r.IntN(500000)}[r.IntN(4)]
		st.Who = []string{WhoHere, WhoHere, WhoDC, WhoOther}[r.IntN(4)]
		switch r.IntN(9) {
		case 0, 1:
			st.Do, st.Arg = "pause", []string{"", "pacemaker", "corosync"}[r.IntN(3)]
		case 2, 3:
			st.Do = "part"
			if r.IntN(2) == 0 {
				st.Arg = fmt.Sprint(1 + r.IntN(s.Nodes))
			}
		case 4:
			st.Do = "cut-qnetd"
		case 5:
			st.Do = "qnetd"
		case 6:
			st.Do = "kill-corosync"
		case 7:
			st.Do = "power"
		case 8:
			st.Do, st.Arg = "heuristics", []string{Fail, Hang}[r.IntN(2)]
		}
		s.Steps = append(s.Steps, st)
	}
}

// firstAimedAtHistories is the first seed of this mix, up to those with trouble, in which steps are lost, and persons have histories forgotten just then.
const firstAimedAtHistories = 8_500_000

// atHistories has persons forget, or make failures up, while a history is written or told anew, and every second scenario have a daemon stand still for so long that
// the DC writes into the history that its steps were lost.
func (a *aim) atHistories(r *rand.Rand) {
	s := a.s
	at := func(moments ...string) Step {
		return Step{
			At: max(0, a.from-1000), Host: 1 + r.IntN(s.Nodes), On: moments[r.IntN(len(moments))], Nth: r.IntN(5),
			Delay: []int{0, r.IntN(1000), r.IntN(50000), r.IntN(500000)}[r.IntN(4)], Who: []string{WhoHere, WhoDC, WhoOther, ""}[r.IntN(4)],
		}
	}
	changes := []string{MomentStart, MomentStarted, MomentStop, MomentStopped, MomentProbe, MomentProbed, MomentPromote, MomentHalf, MomentRest}
	forgets := func(st Step) {
		st.Do, st.Arg = []string{"refresh", "refresh", "cleanup", "fail", "delete"}[r.IntN(5)], s.anyPrimitive(r)
		if st.Do == "delete" && (!slices.Contains(s.Resources, st.Arg) || s.Remotes+s.Guests > 0) {
			// What is left of a group is none that constraints can be held against, and when a connection is made anew, only what is configured is looked for.
			st.Do = "refresh"
		}
		s.Steps = append(s.Steps, st)
	}
	for range 1 + r.IntN(4) {
		forgets(at(append(changes, MomentJoin, MomentFinalize, MomentPending, MomentDC, MomentPlan, MomentConnected, MomentCame, MomentLeft)...))
	}
	if r.IntN(2) == 0 {
		st := at(changes...)
		st.Do, st.Arg, st.For = "pause", "pacemaker", 40000+r.IntN(90000)
		s.Steps = append(s.Steps, st)
		forgets(Step{At: a.from + 78000 + r.IntN(20000), Host: 1 + r.IntN(s.Nodes)})
		s.Length += 140000
	}
}

// aim makes the steps of one scenario, about one moment of it.
type aim struct {
	r    *rand.Rand
	s    *Scenario
	from int
}

func (a *aim) at() int   { return min(a.s.Length-1, a.from+a.r.IntN(7000)) }
func (a *aim) host() int { return 1 + a.r.IntN(a.s.Nodes) }

// cause makes something of which moments come.
func (a *aim) cause() []Step {
	r, s := a.r, a.s
	some := s.Resources[r.IntN(len(s.Resources))]
	st := Step{At: a.at(), Host: a.host()}
	switch r.IntN(10) {
	case 0, 1:
		st.Do, st.Arg = "move", fmt.Sprintf("%s node%d", some, a.host())
	case 2:
		st.Do = "kill-pacemaker"
	case 3:
		st.Do, st.For = "power", 300+r.IntN(4000)
	case 4:
		st.Do, st.For = "part", 700+r.IntN(5000)
		st.Arg = fmt.Sprint(a.host())
	case 5:
		st.Do = "stop-cluster"
	case 6:
		st.Do, st.Arg = "standby", fmt.Sprintf("node%d", a.host())
		return []Step{st, {At: min(s.Length-1, st.At+1000+r.IntN(6000)), Host: a.host(), Do: "unstandby", Arg: st.Arg}}
	case 7:
		st.Do, st.Arg = "shoot", fmt.Sprintf("node%d", a.host())
	case 8:
		st.Do = "set"
		return []Step{st, {At: a.at(), Do: "set", Host: a.host()}, {At: a.at(), Do: "unset", Host: a.host()}}
	case 9:
		switch {
		case s.Guests > 0:
			return []Step{
				{At: max(0, st.At-6000), Do: "move", Host: st.Host, Arg: some + " guest1"},
				{At: a.at(), Do: "power", Host: s.Nodes + s.Remotes + 1},
			}
		case s.Remotes > 0:
			return []Step{
				{At: max(0, st.At-6000), Do: "move", Host: st.Host, Arg: some + " remote1"},
				{At: a.at(), Do: "move", Host: st.Host, Arg: fmt.Sprintf("remote1 node%d", a.host())},
			}
		}
		st.Do, st.Arg = "refresh", s.anyPrimitive(r)
	}
	return []Step{st}
}

// strike makes a fault; mostly one that waits for its moment. What comes back does so soon: before the others know, or are done with it.
func (a *aim) strike() []Step {
	r, s := a.r, a.s
	st := Step{At: max(0, a.from-1000), Host: a.host(), For: 200 + r.IntN(6000)}
	if r.IntN(5) == 0 {
		st.At = a.at()
	} else {
		st.On, st.Nth = Moments[r.IntN(len(Moments))], r.IntN(4)
		st.Delay = []int{0, r.IntN(1000), r.IntN(5000), r.IntN(50000), r.IntN(500000)}[r.IntN(5)]
		st.Who = []string{WhoHere, WhoHere, WhoDC, WhoDC, WhoOther, ""}[r.IntN(6)]
	}
	switch r.IntN(12) {
	case 0, 1:
		st.Do = "pause"
	case 2:
		st.Do, st.Arg = "pause", []string{"pacemaker", "corosync"}[r.IntN(2)]
	case 3, 4:
		st.Do = "part"
		if r.IntN(3) == 0 {
			st.Arg = fmt.Sprint(a.host())
		}
	case 5:
		st.Do, st.Arg = "cut", fmt.Sprint(a.host())
	case 6:
		st.Do = "kill-pacemaker"
	case 7:
		st.Do = "kill-corosync"
	case 8:
		st.Do = "power"
	case 9:
		st.Do = []string{"tear", "full"}[r.IntN(2)]
	case 10:
		p := s.anyPrimitive(r)
		actions := []string{"start", "stop", "monitor"}
		if p[0] == 'L' {
			actions = append(actions, "migrate_to", "migrate_from")
		}
		st.Do, st.Arg = "agent", p+" "+actions[r.IntN(len(actions))]+" "+[]string{Hang, Fail}[r.IntN(2)]
		st.For += 10000
	case 11:
		st.Do, st.Arg = "set", ""
		other := st
		if other.Who = WhoOther; other.On != "" {
			return []Step{st, other}
		}
	}
	return []Step{st}
}
