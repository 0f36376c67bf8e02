package controller

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// group is controllers with one order of messages, which each of them takes in its own time.
type group struct {
	r     *rand.Rand
	now   time.Time
	names []string
	nodes map[string]*voter
	order []sent
}

type sent struct {
	from   string
	msg    *etree.Element
	fenced string // instead of a message: the node whose fencing succeeded
}

// voter is a controller; only what elections and joins need is real.
type voter struct {
	alone
	g    *group
	name string
	// unlevelled: it is of a release that knows neither levels nor since when nodes take part.
	unlevelled bool
	next       int // of the order
	log        []string
	// absent is what it knows of attributes of nodes that are not there; shared is to whom it told its attributes, each time.
	absent string
	shared [][]string
}

func (v *voter) Broadcast(msg *etree.Element) {
	if v.unlevelled {
		msg = unlevelled(msg)
	}
	v.g.order = append(v.g.order, sent{from: v.name, msg: msg})
}
func (v *voter) Absent() string                     { return v.absent }
func (v *voter) ShareAttributes(strangers []string) { v.shared = append(v.shared, strangers) }
func (v *voter) Logf(format string, a ...any)       { v.log = append(v.log, fmt.Sprintf(format, a...)) }

func (v *voter) Fence(FenceRequest, func(error)) {
	// It takes longer than the test.
}

func newGroup(t *testing.T, seed uint64, n int) *group {
	t.Helper()
	doc, err := xml.ParseString(`<cib><configuration><crm_config/><nodes/><resources><primitive id="F" class="stonith" type="fence_x"/></resources><constraints/></configuration><status/></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	g := &group{r: rand.New(rand.NewPCG(seed, 5)), now: time.Unix(1000, 0), nodes: map[string]*voter{}}
	var members []Member
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("n%d", i)
		g.names = append(g.names, name)
		members = append(members, Member{ID: uint32(i), Name: name})
		v := &voter{g: g, name: name}
		v.root = doc.Root
		v.c = New(Identity{Member: members[i-1], UUID: name}, DefaultTiming, v)
		g.nodes[name] = v
	}
	for _, v := range g.all() {
		v.c.Membership(g.now, members, true)
		v.c.Group(g.now, members)
		v.c.Start(g.now)
	}
	return g
}

func (g *group) all() []*voter {
	var out []*voter
	for _, n := range g.names {
		out = append(out, g.nodes[n])
	}
	return out
}

// run delivers until nothing is under way, one message to one node at a time, and fails where that does not end.
func (g *group) run(t *testing.T) {
	t.Helper()
	for range 20000 {
		if !g.step() {
			return
		}
	}
	t.Fatalf("it does not end\n%s", g.dump())
}

// step has one node go on, and tells whether there was one that could.
func (g *group) step() bool {
	var open []*voter
	for _, v := range g.all() {
		if v.next < len(g.order) || len(v.later) > 0 {
			open = append(open, v)
		}
	}
	if len(open) == 0 {
		return false
	}
	v := open[g.r.IntN(len(open))]
	if len(v.later) > 0 {
		v.settle()
		return true
	}
	m := g.order[v.next]
	v.next++
	if m.fenced != "" {
		v.c.Fenced(g.now, m.fenced, false)
	} else {
		msg := m.msg
		if v.unlevelled {
			msg = unlevelled(msg)
		}
		v.c.Deliver(g.now, m.from, msg)
	}
	return true
}

// unlevelled is a message as a release has it that knows no levels.
func unlevelled(msg *etree.Element) *etree.Element {
	msg = msg.Copy()
	for _, a := range []string{levelAttr, leastAttr, sinceAttr} {
		msg.RemoveAttr(a)
	}
	return msg
}

func (g *group) dump() string {
	var b strings.Builder
	for _, v := range g.all() {
		fmt.Fprintf(&b, "%s\n  %s\n", v.c.Describe(), strings.Join(v.log[max(0, len(v.log)-8):], "\n  "))
	}
	return b.String()
}

// pass lets time pass for all, in any order.
func (g *group) pass(d time.Duration) {
	g.now = g.now.Add(d)
	for _, i := range g.r.Perm(len(g.names)) {
		g.nodes[g.names[i]].c.Tick(g.now)
	}
}

// agreed requires one DC whom all but those kept out follow.
func (g *group) agreed(t *testing.T, want string, but ...string) {
	t.Helper()
	for _, v := range g.all() {
		if slices.Contains(but, v.name) {
			continue
		}
		if v.c.DC() != want || (v.c.State() != NotDC && v.c.State() != Idle) {
			t.Fatalf("not all follow %s\n%s", want, g.dump())
		}
	}
}

// TestElectionsEnd: however messages and votes fall, there is a DC at once, not when a time limit is over.
func TestElectionsEnd(t *testing.T) {
	for seed := uint64(1); seed <= 300; seed++ {
		g := newGroup(t, seed, 2+int(seed%6))
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		g.agreed(t, "n1")
	}
}

// TestElectionsBesideEarlierReleases: whichever nodes are of a release that goes by names alone, and however long the others take part, one wins, and at once.
func TestElectionsBesideEarlierReleases(t *testing.T) {
	for seed := uint64(1); seed <= 300; seed++ {
		g := newGroup(t, seed, 2+int(seed%6))
		for _, v := range g.all() {
			if v.unlevelled = g.r.IntN(3) == 0; v.unlevelled {
				v.c.levels = levels{FirstLevel, FirstLevel}
			} else {
				v.c.since = g.r.IntN(4)
			}
		}
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		dc := ""
		for _, v := range g.all() {
			if v.c.IsDC() {
				dc = v.name
			}
		}
		g.agreed(t, dc)
	}
}

// TestWhoLeavesGivesWay: of two that vote, the one that stays wins, whatever their names.
func TestWhoLeavesGivesWay(t *testing.T) {
	for seed := uint64(1); seed <= 100; seed++ {
		g := newGroup(t, seed, 3)
		g.nodes["n1"].c.shutdown = true
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		g.agreed(t, "n2")
	}
}

// TestSuspicionsAgree: some hold one to be suspect, others do not know; it is kept out of the election
// and the join of all, and takes part when it is acquitted.
func TestSuspicionsAgree(t *testing.T) {
	for seed := uint64(1); seed <= 300; seed++ {
		g := newGroup(t, seed, 5)
		suspect := g.names[seed%5]
		knows := 0
		for _, v := range g.all() {
			if v.name != suspect && (knows == 0 || g.r.IntN(2) == 0) {
				v.c.peer(suspect).suspect = true
				knows++
			}
			// Its fencing is under way as long as the test wants it.
			v.plans = nil
		}
		// Without quorum nobody is acquitted: the scheduler could not ask for fencing.
		for _, v := range g.all() {
			v.c.quorate = false
		}
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		dc := "n1"
		if suspect == dc {
			dc = "n2"
		}
		g.agreed(t, dc, suspect)
		if s := g.nodes[suspect].c; s.State() != Pending || s.IsDC() {
			t.Fatalf("seed %d: the suspect takes part\n%s", seed, g.dump())
		}
		for _, v := range g.all() {
			v.c.quorate = true
		}
		g.nodes[dc].c.abort("test") // a plan that fences nobody
		g.run(t)
		g.agreed(t, dc)
	}
}

// TestFencedAndBack: a node is back before the others hear that its fencing succeeded. It is told
// to keep still, and whatever was said of that and by itself meanwhile, it takes part once all have heard. If it was DC, who took part before
// comes first now.
func TestFencedAndBack(t *testing.T) {
	for seed := uint64(1); seed <= 1000; seed++ {
		g := newGroup(t, seed, 2+int(seed%3))
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		back, dc := g.names[len(g.names)-1], "n1"
		if seed%2 == 0 {
			back, dc = "n1", "n2"
		}
		var all, stay []Member
		for _, v := range g.all() {
			all = append(all, v.c.self)
			if v.name != back {
				stay = append(stay, v.c.self)
			}
		}
		old := g.nodes[back]
		for _, v := range g.all() {
			if v.name == back {
				continue
			}
			v.c.Group(g.now, stay)
			v.c.FencingBegan(back)
			v.c.Group(g.now, all)
			v.c.quorate = false // nobody is acquitted: the plan that fences it stands
		}
		v := &voter{g: g, name: back, next: len(g.order)}
		v.root = old.root
		v.c = New(Identity{Member: old.c.self, UUID: back}, DefaultTiming, v)
		g.nodes[back] = v
		v.c.Membership(g.now, all, true)
		v.c.Group(g.now, all)
		v.c.Start(g.now)
		for range g.r.IntN(40) {
			g.step()
		}
		g.order = append(g.order, sent{fenced: back})
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		g.agreed(t, dc)
		for _, v := range g.all() {
			if v.c.peer(back).suspect || v.c.accused() {
				t.Fatalf("seed %d: %s is suspect for ever\n%s", seed, back, g.dump())
			}
		}
	}
}

// TestSince: who is taken in has the number of those that came with it, one above those that were there, and keeps it while it runs.
func TestSince(t *testing.T) {
	g := newGroup(t, 1, 3)
	g.run(t)
	g.pass(DefaultTiming.FirstElection)
	g.run(t)
	numbers := func(want ...int) {
		t.Helper()
		var got []int
		for _, v := range g.all() {
			got = append(got, v.c.since)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the numbers are %v, not %v\n%s", got, want, g.dump())
		}
	}
	numbers(1, 1, 1)
	g.nodes["n2"].c.since = 0 // as if it were started anew
	g.nodes["n1"].c.offer()
	g.run(t)
	numbers(1, 2, 1)
	g.nodes["n1"].c.since = 0
	g.nodes["n1"].c.offer()
	g.run(t)
	numbers(3, 2, 1)
}

// TestBeats: the order of those who vote is one, whoever looks.
func TestBeats(t *testing.T) {
	type node struct {
		name  string
		since int
		level int
		dc    bool
	}
	order := []node{ // the first comes first
		{"z", 0, 1, false},
		{"y", 9, 2, true},
		{"x", 1, 2, false},
		{"b", 2, 2, false},
		{"c", 2, 2, false},
		{"a", 0, 2, false},
		{"d", 0, 2, false},
	}
	for i, self := range order {
		c := New(Identity{Member: Member{ID: 1, Name: self.name}, UUID: "1", Level: self.level}, DefaultTiming, &alone{})
		c.since = self.since
		if self.dc {
			c.dc = self.name
		}
		for j, other := range order {
			if i == j {
				continue
			}
			l := levels{other.level, 1}
			vote := c.message("vote", "", append(l.attrs(), "election-dc", strconv.FormatBool(other.dc), sinceAttr, strconv.Itoa(other.since))...)
			if got := c.beats(other.name, vote); got != (j < i) {
				t.Errorf("to %v, %v comes first: %v", self, other, got)
			}
		}
	}
}
