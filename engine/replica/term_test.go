package replica

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// quorate makes a group of names that has quorum, out of n configured nodes.
func quorate(n int, names ...string) *group {
	g := newGroup(names...)
	g.configured = n
	g.ring(names, true)
	return g
}

func (g *group) ring(names []string, quorate bool) {
	for _, n := range g.in {
		g.nodes[n].Quorum(names, quorate)
	}
}

// leave has nodes lost to the rest.
func (g *group) leave(names ...string) {
	g.in = slices.DeleteFunc(slices.Clone(g.in), func(n string) bool { return slices.Contains(names, n) })
	for _, n := range g.in {
		for _, gone := range names {
			g.nodes[n].Left(gone)
		}
	}
}

// ask has a client of a node set a value; the result tells whether it was answered, and how.
func (g *group) ask(node, name string) *string {
	answer := new(string)
	g.nodes[node].Request(Client{Name: "test", User: "root", Sure: true}, set(name), "", func(_ cib.Result, err error) {
		*answer = "yes"
		if err != nil {
			*answer = err.Error()
		}
	})
	g.run()
	return answer
}

func (g *group) terms() string {
	s := ""
	for _, n := range g.in {
		s += g.nodes[n].Term().String() + "; "
	}
	return s
}

// TestAnswerWaitsForTerm: with quorum, a client is answered when most nodes have its change in a term that holds.
func TestAnswerWaitsForTerm(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes int
		in    []string
		ring  []string // where it is not in
		broke []string // whose disks are full
		want  string
	}{
		{"all promise", 3, []string{"n1", "n2", "n3"}, nil, nil, "yes"},
		{"most promise", 3, []string{"n1", "n2", "n3"}, nil, []string{"n3"}, "yes"},
		{"the minority promises", 3, []string{"n1", "n2", "n3"}, nil, []string{"n2", "n3"}, ""},
		{"most of the group, not of the nodes", 5, []string{"n1", "n2", "n3"}, nil, []string{"n3"}, ""},
		{"few with quorum", 4, []string{"n1", "n2"}, nil, nil, "yes"},
		{"few with quorum, one does not promise", 4, []string{"n1", "n2"}, nil, []string{"n2"}, ""},
		{"alone with quorum", 2, []string{"n1"}, nil, nil, "yes"},
		// Corosync's quorum is that of others, too: no term can hold, and none is waited for.
		{"few of a ring", 4, []string{"n1", "n2"}, []string{"n1", "n2", "n3"}, nil, "yes"},
	} {
		g := quorate(c.nodes, c.in...)
		if c.ring != nil {
			g.ring(c.ring, true)
		}
		for _, n := range c.broke {
			g.full[n] = true
		}
		answer := g.ask("n1", "a")
		if *answer != "" && c.ring == nil {
			t.Errorf("%s: answered %s before there is a term", c.name, *answer)
		}
		g.nodes["n1"].Raise(g.in, 0, false)
		g.run()
		if *answer != c.want {
			t.Errorf("%s: answered %q, want %q", c.name, *answer, c.want)
		}
		if held := g.nodes["n1"].view.holds; held && c.ring != nil {
			t.Errorf("%s: a term holds", c.name)
		}
	}
	// In a term that holds, too, most must tell.
	for _, c := range []struct {
		deaf []string
		want string
	}{{[]string{"n3"}, "yes"}, {[]string{"n2", "n3"}, ""}} {
		g := quorate(3, "n1", "n2", "n3")
		g.nodes["n1"].Raise(g.in, 0, false)
		g.run()
		for _, n := range c.deaf {
			g.deaf[n] = true
		}
		if answer := g.ask("n1", "a"); *answer != c.want {
			t.Errorf("%v do not hear of it: answered %q, want %q", c.deaf, *answer, c.want)
		}
	}
}

// TestDiskThatTakesAgain: what a disk did not take, a document or the promise of a term, it is given again after a while, and who waits for
// it is answered.
func TestDiskThatTakesAgain(t *testing.T) {
	g := quorate(3, "n1", "n2", "n3")
	g.full["n2"], g.full["n3"] = true, true
	g.nodes["n1"].Raise(g.in, 0, false)
	g.run()
	later := func() {
		g.now = g.now.Add(saveAgainAfter)
		for _, n := range g.in {
			if d := g.nodes[n].Deadline(); !d.IsZero() && !d.After(g.now) {
				g.nodes[n].Tick(g.now)
			}
		}
		g.run()
	}
	if later(); g.nodes["n1"].view.holds {
		t.Fatal("a term holds that one of three has promised")
	}
	if g.full["n3"] = false; *g.ask("n1", "a") != "" {
		t.Fatal("answered without a term")
	}
	if later(); !g.nodes["n1"].view.holds {
		t.Fatal("a promise was not given when the disk took it")
	}
	g.full["n3"] = true
	answer := g.ask("n1", "b")
	if *answer != "" {
		t.Fatalf("answered %q with one disk of three", *answer)
	}
	g.full["n2"], g.full["n3"] = false, false
	if later(); *answer != "yes" {
		t.Errorf("answered %q", *answer)
	}
	for _, n := range g.in {
		if d := g.disks[n]; d.root == nil || cib.VersionOf(d.root) != cib.VersionOf(g.nodes["n1"].Root()) {
			t.Errorf("the disk of %s has not what is in memory", n)
		}
		if !g.nodes[n].saveAgainAt.IsZero() {
			t.Errorf("%s would write again", n)
		}
	}
}

// TestDiskFullInATerm: whose disk takes a change only later tells who waits for it, be it that it is tried again or that another change comes; what it was asked too
// long ago, or by one who has left since, or where it took another document over, it tells nobody.
func TestDiskFullInATerm(t *testing.T) {
	for _, by := range []string{"a while", "another change", "too long", "a takeover", "who asks has left"} {
		g := quorate(3, "n1", "n2", "n3")
		g.nodes["n1"].Raise(g.in, 0, false)
		g.run()
		g.full["n2"], g.full["n3"] = true, true
		answer := g.ask("n1", "a")
		if *answer != "" || !g.nodes["n1"].View().Holds {
			t.Fatalf("answered %q; of %+v", *answer, g.nodes["n1"].View())
		}
		want := "yes"
		again := func() {
			g.now = g.nodes["n3"].Deadline()
			g.nodes["n3"].Tick(g.now)
			g.run()
		}
		switch g.full["n3"] = false; by {
		case "a while":
			again()
		case "another change":
			if other := g.ask("n1", "b"); *other != "yes" {
				t.Errorf("another one is answered %q", *other)
			}
		case "too long":
			g.full["n3"] = true
			for range 3 {
				again()
			}
			g.full["n3"] = false
			again()
			want = ""
		case "a takeover":
			g.nodes["n1"].Sync("n2", nil)
			g.run()
			want = ""
		case "who asks has left":
			g.nodes["n3"].Left("n1")
			again()
			want = ""
		}
		if *answer != want {
			t.Errorf("after %s: answered %q", by, *answer)
		}
		if d := g.nodes["n3"]; len(d.unwritten)+len(d.owed) > 0 {
			t.Errorf("after %s: it would tell of %v and %v", by, d.unwritten, d.owed)
		}
	}
}

// TestDiskThatTakesADocument: who could not keep its promise of a term, and has a document of that term on its disk by now, has all the more: the term is
// not announced anew for it.
func TestDiskThatTakesADocument(t *testing.T) {
	g := quorate(3, "n1", "n2", "n3")
	g.full["n3"] = true
	g.nodes["n1"].Raise(g.in, 0, false)
	g.run()
	g.full["n3"] = false
	if answer := g.ask("n1", "a"); *answer != "yes" {
		t.Fatalf("answered %q", *answer)
	}
	was := g.nodes["n1"].View()
	g.nodes["n3"].Tick(g.nodes["n3"].Deadline())
	g.run()
	if is := g.nodes["n1"].View(); is.Term != was.Term || is.Promised != 3 || !is.Holds {
		t.Errorf("of term %d that %d had promised came %d, that %d have; it holds: %v", was.Term, was.Promised, is.Term, is.Promised, is.Holds)
	}
	if d := g.nodes["n3"]; !d.saveAgainAt.IsZero() || d.view.unkept {
		t.Error("it would promise again")
	}
}

// TestTermOfChanges follows what documents are of through the life of a group.
func TestTermOfChanges(t *testing.T) {
	g := quorate(3, "n1", "n2", "n3")
	want := func(when, terms string) {
		t.Helper()
		if got := g.terms(); got != terms {
			t.Errorf("%s: %s, want %s", when, got, terms)
		}
	}
	g.nodes["n1"].Raise(g.in, 0, false)
	g.nodes["n1"].Raise(g.in, 0, false) // is under way
	g.run()
	want("a term holds, nothing is changed", "0 1; 0 1; 0 1; ")
	g.ask("n2", "a")
	want("the first change", "1 1; 1 1; 1 1; ")
	g.leave("n3")
	held := g.ask("n2", "b")
	want("changed before there is a new term", "1 1 0.2; 1 1 0.2; ")
	if *held != "" {
		t.Error("answered without a term:", *held)
	}
	g.nodes["n1"].Raise(g.in, 0, false)
	g.run()
	want("the new term holds", "2 2; 2 2; ")
	if *held != "yes" {
		t.Error("not answered in the new term")
	}
	g.leave("n2")
	g.ring([]string{"n1"}, false)
	if a := g.ask("n1", "c"); *a != "yes" {
		t.Error("without quorum the answer is", *a)
	}
	g.ask("n1", "d")
	want("without quorum", "2 2 0.3; ")
	// The others come back, whoever promised more makes the DC go higher, and n2's document counts.
	g.in = []string{"n1", "n2", "n3"}
	g.nodes["n2"].Reset()
	g.nodes["n3"].Reset()
	g.nodes["n3"].term.Promised = 8
	g.ring(g.in, true)
	g.nodes["n1"].Sync("n2", func(error) {})
	g.run()
	want("n2's was taken over", "2 2; 2 2; 2 8; ")
	g.nodes["n1"].Raise(g.in, 0, true)
	g.run()
	want("adopted at once", "9 9; 9 9; 9 9; ")
	for _, n := range g.in {
		if g.disks[n].term != g.nodes[n].Term() || cib.Digest(g.disks[n].root) != cib.Digest(g.nodes[n].Root()) {
			t.Errorf("%s: the disk has %v", n, g.disks[n].term)
		}
	}
	if set := g.nodes["n1"].Root().FindElement("//nvpair[@id='s-c']"); set != nil {
		t.Error("a change without quorum is still there")
	}
	// A member that knows no terms: as it was before there were any.
	g.nodes["n1"].Raise(nil, 0, false)
	g.run()
	if a := g.ask("n3", "e"); *a != "yes" {
		t.Error("beside a node that knows no terms the answer is", *a)
	}
	for _, n := range g.in {
		g.nodes[n].Termless(true)
		g.nodes[n].Left("n4")
		g.nodes[n].view = view{}
	}
	if a := g.ask("n3", "f"); *a != "yes" {
		t.Error("under a DC that knows no terms the answer is", *a)
	}
}

// TestOneWhoCameBack: a node that stood still comes back to the others, whose fencing of it failed, suspects them, and
// announces a term to itself alone. Theirs holds on; who asks that node is told that a change will last only when the others have it in their term.
func TestOneWhoCameBack(t *testing.T) {
	g := quorate(3, "n1", "n2", "n3")
	g.nodes["n1"].Raise(g.in, 0, true)
	g.run()
	g.leave("n1")
	g.ring(g.in, true)
	g.nodes["n2"].Raise(g.in, 0, true)
	g.run()
	g.in = []string{"n1", "n2", "n3"}
	g.nodes["n1"].Left("n2")
	g.nodes["n1"].Left("n3")
	g.ring(g.in, true)
	g.nodes["n1"].Raise([]string{"n1"}, 0, false)
	g.run()
	if a := g.ask("n2", "a"); *a != "yes" {
		t.Errorf("the majority answers %q", *a)
	}
	if got, want := g.terms(), "1 2 0.1; 2 2; 2 2; "; got != want {
		t.Errorf("terms are %s, want %s", got, want)
	}
	if a := g.ask("n1", "b"); *a != "yes" {
		t.Errorf("the one who came back answers %q, though the majority has it in its term", *a)
	}
	g.deaf["n3"] = true
	a := g.ask("n1", "c")
	if *a != "" {
		t.Errorf("the one who came back answers %q", *a)
	}
	n1 := g.nodes["n1"]
	if n1.Tick(n1.Deadline()); *a == "" || *a == "yes" {
		t.Errorf("in the end the one who came back answers %q", *a)
	}
}

// TestSilentMembers: while a term holds, and most of those who have it do not tell that they have a change, it is answered after a while that it may not
// last: they may be killed with what they have not read.
func TestSilentMembers(t *testing.T) {
	for _, c := range []struct {
		deaf []string
		sure bool
	}{{[]string{"n3"}, true}, {[]string{"n2", "n3"}, false}} {
		g := quorate(3, "n1", "n2", "n3")
		g.nodes["n1"].Raise(g.in, 0, true)
		g.run()
		for _, n := range c.deaf {
			g.deaf[n] = true
		}
		var got error
		answered := false
		g.nodes["n1"].Request(Client{Name: "test", User: "root", Sure: true}, set("a"), "", func(_ cib.Result, err error) { answered, got = true, err })
		g.run()
		if n1 := g.nodes["n1"]; !answered {
			n1.Tick(n1.Deadline())
		}
		want := cib.Timeout
		if c.sure {
			want = cib.OK
		}
		if !answered || cib.CodeOf(got) != want {
			t.Errorf("with %v silent: answered %v, %v, want %v", c.deaf, answered, got, want)
		}
	}
}

// TestNothingToChange: that there was nothing to change is answered in a term that holds, too, for another document may
// take the place of this one; also when not all who promise were there to see it.
func TestNothingToChange(t *testing.T) {
	g := quorate(3, "n1", "n2")
	answer := "none"
	g.nodes["n1"].Request(Client{Name: "test", User: "root", Sure: true}, cib.Request{Op: cib.Delete, XPath: true, Section: "//nvpair[@id='s-a']"}, "", func(_ cib.Result, err error) {
		if answer = "yes"; err != nil {
			answer = err.Error()
		}
	})
	g.run()
	if answer != "none" {
		t.Errorf("answered %q without a term", answer)
	}
	g.nodes["n1"].Raise(g.in, 0, false)
	g.run()
	if answer != "yes" || g.terms() != "0 1; 0 1; " {
		t.Errorf("in a term: answered %q, terms %s", answer, g.terms())
	}
}

// TestChangeDuringTakeover: what is changed while a document is taken over is a fork until there is a term.
func TestChangeDuringTakeover(t *testing.T) {
	g := quorate(2, "n1", "n2")
	g.nodes["n2"].term = cib.Term{Number: 3, Promised: 3}
	g.nodes["n1"].Sync("n2", func(error) {})
	g.ask("n1", "a")
	if got, want := g.terms(), "3 0 0.1; 3 3 0.1; "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// One who is no longer DC announces a term in the middle of a takeover.
	g.nodes["n1"].Sync("n2", func(error) {})
	g.nodes["n2"].Raise(g.in, 0, false)
	g.queue[0]()
	g.queue[1]()
	if g.nodes["n1"].view.announced {
		t.Error("a term was announced to documents that differ")
	}
}

// TestCrashBetweenWrites cuts the power between any two writes: the disk never claims more than it has.
func TestCrashBetweenWrites(t *testing.T) {
	for _, c := range []struct {
		name  string
		term  cib.Term
		epoch int64
		from  cib.Term
		taken int64
		safe  []string // terms of the old document, then of the new one
	}{
		{"a fork is taken over", cib.Term{Number: 5}, 10, cib.Term{Number: 5, Forked: true, Base: cib.Version{Epoch: 10}}, 20, []string{"5 0", "5 0 0.10"}},
		{"a later term is taken over", cib.Term{Number: 5}, 30, cib.Term{Number: 6}, 8, []string{"5 0", "5 0 0.30", "6 0"}},
		{"the same term, further", cib.Term{Number: 5}, 10, cib.Term{Number: 5}, 11, []string{"5 0"}},
		{"no term", cib.Term{}, 10, cib.Term{Number: 1}, 11, []string{"0 0", "0 0 0.10", "1 0"}},
	} {
		for n := 0; ; n++ {
			g := newGroup("n1", "n2")
			cib.Version{Epoch: c.epoch}.Set(g.nodes["n1"].Root())
			cib.Version{Epoch: c.taken}.Set(g.nodes["n2"].Root())
			g.nodes["n1"].term, g.nodes["n1"].stored, g.nodes["n1"].written = c.term, c.term, cib.Version{Epoch: c.epoch}
			g.nodes["n2"].term = c.from
			*g.disks["n1"] = disk{root: xml.Copy(g.nodes["n1"].Root()), term: c.term, left: n, cut: true}
			g.nodes["n1"].Sync("n2", func(error) {})
			g.run()
			d := g.disks["n1"]
			got := d.term.String()
			isNew := cib.VersionOf(d.root).Epoch == c.taken
			ok := slices.Contains(c.safe, got)
			switch {
			case isNew && got == c.term.String() && c.term != c.from: // as if it were all of the old term
				ok = false
			case !isNew && got == c.from.String() && c.term != c.from && c.from.Number != c.term.Number:
				ok = false
			}
			if !ok {
				t.Errorf("%s: cut after %d writes: term %q beside the new document: %v", c.name, n, got, isNew)
			}
			if d.left > 0 {
				if !isNew || d.term.Of() != c.from {
					t.Errorf("%s: in the end: %v %v", c.name, isNew, d.term)
				}
				break
			}
			if n > 5 {
				t.Fatal("it writes on and on")
			}
		}
	}
}

// disk is what a replica of a test has written.
type disk struct {
	root *etree.Element
	term cib.Term
	cut  bool // power is lost after so many writes as are left
	left int
}

var errFull = errors.New("no space left on device")

func (d *disk) write(full bool, f func()) error {
	if full {
		return errFull
	}
	if d.cut {
		if d.left == 0 {
			return fmt.Errorf("there is no power")
		}
		d.left--
	}
	f()
	return nil
}

// TestChangeBeforeTheOthersCame: what a node changed while it was alone, and before it had a term, is not answered as made where others came that
// do not take it in: their document may take the place of its own.
func TestChangeBeforeTheOthersCame(t *testing.T) {
	for _, taken := range []bool{false, true} {
		g := newGroup("n1")
		g.nodes["n2"] = New("n2", cib.Empty("pacemaker-3.9", 1), cib.Term{}, member{g, "n2"})
		g.disks["n2"] = &disk{}
		g.configured = 2
		g.ring([]string{"n1"}, true)
		answer := g.ask("n1", "a")
		if *answer != "" {
			t.Fatalf("answered %q at once", *answer)
		}
		g.in = []string{"n1", "n2"}
		g.ring(g.in, true)
		if taken {
			g.nodes["n2"].Raise(g.in, 0, true)
			g.run()
		}
		g.nodes["n1"].Tick(g.now.Add(sureLimit))
		if ok := *answer == "yes"; ok != taken || *answer == "" {
			t.Errorf("taken in: %v: answered %q", taken, *answer)
		}
	}
}

// TestOneTermAnnouncedByTwo: two DCs in one group, each of which suspects the other, announce one term at once, to themselves and a third node. The
// third has joined one of them, and its promise is for that one alone.
func TestOneTermAnnouncedByTwo(t *testing.T) {
	for _, order := range [][]string{{"n2", "n3"}, {"n3", "n2"}} {
		g := quorate(3, "n1", "n2", "n3")
		g.dcs = map[string]string{"n1": "n3", "n2": "n2", "n3": "n3"}
		for _, dc := range order {
			g.nodes[dc].Raise([]string{"n1", dc}, 0, true)
		}
		g.run()
		if v := g.nodes["n2"].View(); v.Holds && v.Member {
			t.Errorf("in the order %v: term %d holds on n2, with %v", order, v.Term, v.Members)
		}
		if v := g.nodes["n1"].View(); v.By != "n3" || !v.Holds {
			t.Errorf("in the order %v: the third has term %d of %s; it holds: %v", order, v.Term, v.By, v.Holds)
		}
	}
}

// TestAnnouncedBeforeItCameBack: who left and came back while an announcement was under way is no member of that term, and does not promise it: its document is
// another. The one who announced it, too, knows that it is void.
func TestAnnouncedBeforeItCameBack(t *testing.T) {
	g := quorate(3, "n1", "n2", "n3")
	g.nodes["n1"].Raise(g.in, 0, false)
	g.leave("n3")
	g.in = []string{"n1", "n2", "n3"}
	g.nodes["n3"].Reset()
	g.strangers = map[string]bool{"n3": true} // it has not been taken in
	g.run()
	if v := g.nodes["n1"].View(); v.Term != 0 {
		t.Errorf("who announced it has term %d with %v", v.Term, v.Members)
	}
	if v := g.nodes["n3"].View(); v.Term != 0 || g.nodes["n3"].Term().Promised != 0 {
		t.Errorf("who came back has term %d, and promised %d", v.Term, g.nodes["n3"].Term().Promised)
	}
}

// TestTermOfAnotherDocument: a node that waits for the others' fencing and has a change made hears of a term that holds among those. Who was not there
// when the change was made, or takes over a document without it, does not have it in that term.
func TestTermOfAnotherDocument(t *testing.T) {
	for _, c := range []struct {
		name   string
		late   []string // who comes when the change is made
		back   string   // who left then, and came back
		source string   // whose document those of the term take over; "": none
		want   string
	}{
		{"all were there", nil, "", "", "yes"},
		{"one came later", []string{"n1"}, "", "", ""},
		{"one came later, and takes it over", []string{"n1"}, "", "n2", "yes"},
		{"one came later, and its document counts", []string{"n1"}, "", "n1", ""},
		{"one came later, and the other came back", []string{"n1"}, "n2", "n2", ""},
	} {
		g := quorate(3, "n1", "n2", "n3")
		g.dcs = map[string]string{"n1": "n1", "n2": "n1", "n3": "n3"}
		g.strangers = map[string]bool{"n3": true} // it follows no DC
		g.in = slices.DeleteFunc(slices.Clone(g.in), func(n string) bool { return slices.Contains(c.late, n) })
		answer := g.ask("n3", "a")
		g.in = []string{"n1", "n2", "n3"}
		if c.back != "" {
			g.nodes["n3"].Left(c.back)
		}
		if *answer != "" {
			t.Errorf("%s: answered %s before there is a term", c.name, *answer)
		}
		if c.source != "" {
			g.nodes["n1"].Sync(c.source, nil)
			g.run()
		}
		g.nodes["n1"].Raise([]string{"n1", "n2"}, 0, false)
		g.run()
		if held := g.nodes["n3"].view.holds; !held || *answer != c.want {
			t.Errorf("%s: the term holds: %v; answered %q, want %q", c.name, held, *answer, c.want)
		}
	}
}
