package attribute

import (
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// party is managers of several nodes with one order of messages.
type party struct {
	managers map[string]*Manager
	in       []string
	leaders  map[string]string
	queue    []*etree.Element
}

type guest struct {
	p    *party
	name string
}

func (g guest) Broadcast(msg *etree.Element) { g.p.queue = append(g.p.queue, msg) }
func (g guest) Write(cib.Request)            {}
func (g guest) Wrote(string, string, string) {}
func (g guest) NodeID(name string) string    { return name }
func (g guest) Members() []string            { return g.p.in }
func (g guest) Leader() string               { return g.p.leaders[g.name] }
func (g guest) Logf(string, ...any)          {}

func (p *party) join(name string) {
	p.managers[name] = New(name, guest{p, name})
	p.in = append(p.in, name)
	slices.Sort(p.in)
	for _, n := range p.in {
		p.managers[n].Group(p.in, []string{name})
	}
}

func (p *party) run() {
	for len(p.queue) > 0 {
		msg := p.queue[0]
		p.queue = p.queue[1:]
		for _, n := range p.in {
			p.managers[n].Deliver(time.Unix(0, 0), msg)
		}
	}
}

// TestNewcomerTakesOver: who comes knows what the others know, however updates fall between.
func TestNewcomerTakesOver(t *testing.T) {
	p := &party{managers: map[string]*Manager{}}
	set := func(at, host, name, value string) {
		p.managers[at].Set(Update{Name: name, Host: host, Value: &value})
	}
	p.join("n2")
	p.join("n3")
	p.run()
	set("n2", "n2", "fails", "value++")
	set("n3", "n3", "fails", "value++")
	set("n3", "n3", "gone", "soon")
	p.run()
	p.join("n1")                        // its name comes first, but it knows nothing
	set("n3", "n2", "fails", "value++") // after the order, before the answer
	p.managers["n3"].Set(Update{Name: "gone", Host: "n3"})
	set("n1", "n1", "fails", "value++")
	p.run()
	set("n1", "n2", "fails", "value++")
	p.run()
	for _, n := range p.in {
		for host, want := range map[string]string{"n1": "1", "n2": "3", "n3": "1"} {
			if v, _ := p.managers[n].Get(host, "fails"); v != want {
				t.Errorf("%s has fails=%s of %s, want %s", n, v, host, want)
			}
		}
		if v, ok := p.managers[n].Get("n3", "gone"); ok {
			t.Errorf("%s still has gone=%s", n, v)
		}
	}
}

// TestPartsComeTogetherOneByOne: a node that was alone hears of the members of the other part one after the other, and shares what it knows with each; it
// does not claim to know the values of those that it shared with before.
func TestPartsComeTogetherOneByOne(t *testing.T) {
	p := &party{managers: map[string]*Manager{}}
	for _, n := range []string{"n1", "n2", "n3"} {
		p.join(n)
		p.run()
	}
	for _, n := range p.in {
		for _, o := range p.in {
			if n != o {
				p.managers[n].Left(o)
			}
		}
		p.managers[n].Group([]string{n}, nil)
	}
	p.managers["n2"].Group([]string{"n2", "n3"}, []string{"n3"})
	p.managers["n3"].Group([]string{"n2", "n3"}, []string{"n2"})
	p.in = []string{"n2", "n3"}
	p.run()
	for _, n := range p.in {
		v := "of " + n
		p.managers[n].Set(Update{Name: "a", Host: n, Value: &v})
	}
	p.run()
	p.in = []string{"n1", "n2", "n3"}
	p.managers["n1"].Group([]string{"n1", "n2"}, []string{"n2"})
	p.run()
	p.managers["n1"].Group(p.in, []string{"n3"})
	p.run()
	for _, n := range p.in[1:] { // what these share comes last
		p.managers[n].Group(p.in, []string{"n1"})
	}
	p.run()
	for _, n := range p.in {
		for _, host := range p.in[1:] {
			if v, _ := p.managers[n].Get(host, "a"); v != "of "+host {
				t.Errorf("%s has %q of %s", n, v, host)
			}
		}
	}
}

// TestPartsComeTogether: each part knows its own nodes' values.
func TestPartsComeTogether(t *testing.T) {
	p := &party{managers: map[string]*Manager{}}
	for _, n := range []string{"n1", "n2", "n3"} {
		p.join(n)
		p.run()
	}
	for _, n := range p.in {
		v := "of " + n
		p.managers[n].Set(Update{Name: "a", Host: n, Value: &v})
	}
	p.run()
	p.managers["n1"].Left("n2")
	p.managers["n1"].Left("n3")
	p.managers["n2"].Left("n1")
	p.managers["n3"].Left("n1")
	p.managers["n1"].Group([]string{"n1"}, nil)
	p.managers["n2"].Group([]string{"n2", "n3"}, nil)
	p.managers["n3"].Group([]string{"n2", "n3"}, nil)
	p.managers["n1"].Group(p.in, []string{"n2", "n3"})
	p.managers["n2"].Group(p.in, []string{"n1"})
	p.managers["n3"].Group(p.in, []string{"n1"})
	p.run()
	for _, n := range p.in {
		for _, host := range p.in {
			if v, _ := p.managers[n].Get(host, "a"); v != "of "+host {
				t.Errorf("%s has %q of %s", n, v, host)
			}
		}
	}
}

// What a node ordered as the DC is done only where it leads, and by who takes over afterwards no more than by who shares; those who followed another
// DC know the same as all others once they follow the one that the others have.
func TestOrdersOfAnEarlierDC(t *testing.T) {
	p := &party{managers: map[string]*Manager{}, leaders: map[string]string{}}
	for _, n := range []string{"n1", "n2", "n3", "n4"} {
		p.join(n)
		p.run()
	}
	set := func(at, host, name string, value *string) {
		p.managers[at].AsDC(func() { p.managers[at].Set(Update{Name: name, Host: host, Value: value, Remote: host == "r"}) })
		p.run()
	}
	of := func(at string) string {
		out := ""
		p.managers[at].Each(func(name, host, value string) { out += name + "=" + value + "@" + host + " " })
		return out
	}
	one, two := "1", "2"
	for _, host := range []string{"n3", "n4", "r"} {
		set("n1", host, "a", &one)
	}
	// Two of them have another DC than the others.
	p.leaders = map[string]string{"n1": "n1", "n2": "n2", "n3": "n2", "n4": "n1"}
	set("n1", "n3", "late", &one)
	set("n1", "n4", "late", &one)
	set("n1", "r", "late", &one)
	set("n1", "n4", "a", nil)
	set("n2", "n3", "a", &two)
	set("n2", "r", "a", &two)
	for n, want := range map[string]string{
		"n1": "a=1@n3 a=1@r late=1@n3 late=1@n4 late=1@r ", "n4": "a=1@n3 a=1@r late=1@n3 late=1@n4 late=1@r ",
		"n2": "a=2@n3 a=1@n4 a=2@r ", "n3": "a=2@n3 a=1@n4 a=2@r ",
	} {
		if got := of(n); got != want {
			t.Errorf("apart, %s has %s, want %s", n, got, want)
		}
	}
	p.leaders = map[string]string{"n1": "n2", "n2": "n2", "n3": "n2", "n4": "n2"}
	p.managers["n2"].AsDC(func() { p.managers["n2"].Share([]string{"n1", "n4"}) })
	p.managers["n1"].AsDC(func() { p.managers["n1"].Set(Update{Name: "late", Host: "n3", Value: &two}) })
	p.managers["n2"].AsDC(func() { p.managers["n2"].Set(Update{Name: "b", Host: "n4", Value: &two}) })
	p.run()
	for _, n := range p.in {
		if got, want := of(n), "a=2@n3 a=2@r b=2@n4 late=1@n4 "; got != want {
			t.Errorf("together, %s has %s, want %s", n, got, want)
		}
		if n := len(p.managers[n].taking); n != 0 {
			t.Errorf("%d takeovers are still under way", n)
		}
	}
}

// TestLeftBeforeTheAnswer: of a node that left between the order to share and the answer, which still tells its values, nobody keeps any; nor of what it was
// before it came back.
func TestLeftBeforeTheAnswer(t *testing.T) {
	for _, back := range []bool{false, true} {
		p := &party{managers: map[string]*Manager{}}
		for _, n := range []string{"n1", "n2", "n3"} {
			p.join(n)
			p.run()
		}
		value := "soon"
		p.managers["n3"].Set(Update{Name: "shutdown", Host: "n3", Value: &value})
		p.run()
		p.managers["n1"].Share([]string{"n2"})
		order := p.queue[0]
		p.queue = p.queue[1:]
		for _, n := range p.in {
			p.managers[n].Deliver(time.Unix(0, 0), order)
		}
		answers := p.queue
		p.queue = nil
		p.in = []string{"n1", "n2"}
		for _, n := range p.in {
			p.managers[n].Left("n3")
			p.managers[n].Group(p.in, nil)
		}
		if back {
			p.join("n3")
		}
		p.queue = append(answers, p.queue...)
		p.run()
		for _, n := range p.in {
			if v, ok := p.managers[n].Get("n3", "shutdown"); ok {
				t.Errorf("n3 is back: %v: %s has shutdown=%s of it", back, n, v)
			}
		}
	}
}

// TestCountedOnce: what two DCs order of one failure counts once, also for who takes over what the others know in between, and after it was forgotten.
func TestCountedOnce(t *testing.T) {
	p := &party{managers: map[string]*Manager{}}
	fails := func(at, of string) {
		value := "value++"
		p.managers[at].Set(Update{Name: "fail-count-r#monitor_10000", Host: "n1", Value: &value, Of: of})
	}
	want := func(when, count string) {
		t.Helper()
		p.run()
		for _, n := range p.in {
			if v, _ := p.managers[n].Get("n1", "fail-count-r#monitor_10000"); v != count {
				t.Errorf("%s: %s has %q, want %q", when, n, v, count)
			}
		}
	}
	p.join("n1")
	p.join("n2")
	p.run()
	fails("n1", "first")
	fails("n2", "first")
	want("two count one", "1")
	p.join("n3")
	fails("n2", "first") // after the order to share, before the answer
	fails("n2", "second")
	want("one came meanwhile", "2")
	fails("n3", "second")
	fails("n3", "third")
	want("it counts", "3")
	p.managers["n1"].ClearFailures("r", "", 0, "")
	fails("n3", "third")
	want("it was forgotten", "")
	fails("n3", "fourth")
	want("another one", "1")
}

// TestLeftBeforeTheOrder: what a DC orders of a node that has left by then is not set: it would be taken for that node's when it is back. What it
// orders of remote nodes is, and that something is gone; so is what others order.
func TestLeftBeforeTheOrder(t *testing.T) {
	p := &party{managers: map[string]*Manager{}}
	p.join("n1")
	p.join("n2")
	p.run()
	value := "1"
	set := func(u Update) func() { return func() { p.managers["n1"].Set(u) } }
	p.managers["n1"].AsDC(set(Update{Name: "of a member", Host: "n2", Value: &value}))
	p.managers["n1"].AsDC(set(Update{Name: "of one who left", Host: "n3", Value: &value}))
	p.managers["n1"].AsDC(set(Update{Name: "of a remote one", Host: "n3", Value: &value, Remote: true}))
	p.managers["n1"].Set(Update{Name: "of anybody", Host: "n3", Value: &value})
	p.managers["n1"].AsDC(func() {
		p.managers["n1"].Set(Update{Name: "of one who left", Host: "n3", Value: &value}, Update{Name: "of both", Host: "n2", Value: &value}, Update{Name: "of anybody", Host: "n3"})
	})
	p.run()
	for _, n := range p.in {
		got := ""
		p.managers[n].Each(func(name, host, _ string) { got += name + " " + host + "; " })
		if want := "of a member n2; of a remote one n3; of both n2; "; got != want {
			t.Errorf("%s knows %s, not %s", n, got, want)
		}
	}
}
