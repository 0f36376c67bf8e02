package replica

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

// group is replicas with one order of messages; deaf ones take none of them.
type group struct {
	in    []string
	nodes map[string]*Replica
	queue []func()
	deaf  map[string]bool
	// strangers are those that follow no DC.
	strangers map[string]bool
	// dcs are the DCs that nodes have joined, where that matters.
	dcs   map[string]string
	full  map[string]bool // disks
	disks map[string]*disk
	// configured is how many nodes are.
	configured int
	now        time.Time
	// levels are the agreed ones that nodes know of, where that matters.
	levels map[string]int
	// old is one of a release of the first level, see before.
	old string
	// taken are the takeovers that nodes told of.
	taken map[string]Change
}

type member struct {
	g    *group
	name string
}

func (m member) Broadcast(msg *etree.Element) {
	m.g.queue = append(m.g.queue, func() {
		for _, n := range m.g.in {
			if n == m.g.old {
				m.g.before(n, msg)
			} else if !m.g.deaf[n] {
				m.g.nodes[n].Deliver(m.g.now, m.name, msg)
			}
		}
	})
}

func (m member) Save(root *etree.Element) error {
	d := m.g.disks[m.name]
	return d.write(m.g.full[m.name], func() { d.root = xml.Copy(root) })
}

func (m member) SaveTerm(t cib.Term) error {
	d := m.g.disks[m.name]
	return d.write(m.g.full[m.name], func() { d.term = t })
}
func (m member) Nodes() int        { return m.g.configured }
func (m member) Members() []string { return m.g.in }
func (m member) MaxSchema() string { return schema.Latest }
func (m member) Agreed() int {
	if m.g.levels == nil {
		return groupsLevel
	}
	return m.g.levels[m.name]
}

func (m member) Shares(dc string) bool {
	return !m.g.strangers[m.name] && (m.g.dcs == nil || m.g.dcs[m.name] == dc)
}
func (m member) Follows(string) bool { return !m.g.strangers[m.name] }
func (m member) Differ()             {}
func (m member) Logf(string, ...any) {}

func (m member) Changed(c Change) {
	if c.Synced {
		m.g.taken[m.name] = c
	}
}

func newGroup(names ...string) *group {
	g := &group{in: names, nodes: map[string]*Replica{}, deaf: map[string]bool{}, full: map[string]bool{}, disks: map[string]*disk{}, configured: len(names), now: time.Unix(1000, 0), taken: map[string]Change{}}
	for _, n := range names {
		g.disks[n] = &disk{}
		g.nodes[n] = New(n, cib.Empty("pacemaker-3.9", 1), cib.Term{}, member{g, n})
	}
	return g
}

func (g *group) run() {
	for len(g.queue) > 0 {
		f := g.queue[0]
		g.queue = g.queue[1:]
		f()
	}
}

// set is a change of the configuration.
func set(name string) cib.Request {
	s := etree.NewElement("cluster_property_set")
	s.CreateAttr("id", "s")
	nv := s.CreateElement("nvpair")
	for _, a := range [][2]string{{"id", "s-" + name}, {"name", name}, {"value", "1"}} {
		nv.CreateAttr(a[0], a[1])
	}
	return cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: s}
}

// TestSure: a client is answered when most of the group have its change, when nobody is left
// to tell, or after a while; what is not sure is answered at once.
func TestSure(t *testing.T) {
	for _, c := range []struct {
		name string
		sure bool
		deaf []string
		then func(g *group)
		want []bool // answered at once, after then
	}{
		{"all tell", true, nil, nil, []bool{true, true}},
		{"most tell", true, []string{"n3"}, nil, []bool{true, true}},
		{"nobody asks to be sure", false, []string{"n2", "n3"}, nil, []bool{true, true}},
		{"they leave", true, []string{"n2", "n3"}, func(g *group) { g.nodes["n1"].Left("n2"); g.nodes["n1"].Left("n3") }, []bool{false, true}},
		{"one leaves", true, []string{"n2", "n3"}, func(g *group) { g.nodes["n1"].Left("n2") }, []bool{false, false}},
		{"too late", true, []string{"n2", "n3"}, func(g *group) { g.nodes["n1"].Tick(g.nodes["n1"].Deadline()) }, []bool{false, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup("n1", "n2", "n3")
			for _, n := range c.deaf {
				g.deaf[n] = true
			}
			answers := 0
			g.nodes["n1"].Request(Client{Name: "test", User: "root", Sure: c.sure}, set("a"), "", func(_ cib.Result, err error) {
				answers++
				if err != nil {
					t.Error(err)
				}
			})
			g.run()
			got := []bool{answers == 1}
			if c.then != nil {
				c.then(g)
			}
			if got = append(got, answers == 1); !slices.Equal(got, c.want) {
				t.Errorf("answered %v, want %v", got, c.want)
			}
		})
	}
	g := newGroup("n1", "n2")
	g.deaf["n2"] = true
	var got error
	g.nodes["n1"].Request(Client{Name: "test", User: "root", Sure: true}, set("a"), "", func(_ cib.Result, err error) { got = err })
	g.run()
	g.nodes["n1"].Reset()
	if e := new(cib.Error); !errors.As(got, &e) || e.Code != cib.NotConnected || !g.nodes["n1"].Deadline().IsZero() {
		t.Errorf("who fell out of the group answers %v", got)
	}
}

// TestAnswerOfTheDocumentThatCounts: a request that is delivered during a takeover is answered by
// what comes of it in the document that is taken over.
func TestAnswerOfTheDocumentThatCounts(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave bool
		ok    bool
	}{{"taken over", false, false}, {"source lost", true, true}} {
		g := newGroup("n1", "n2")
		// n2's document has what is about to be created.
		if _, err := g.nodes["n2"].doc.Apply(set("a")); err != nil {
			t.Fatal(err)
		}
		create := cib.Request{Op: cib.Create, Section: "crm_config", Data: set("a").Data}
		answers := 0
		var got error
		g.nodes["n1"].Sync("n2", func(error) {})
		g.nodes["n1"].Request(Client{Name: "test", User: "root"}, create, "", func(_ cib.Result, err error) { answers++; got = err })
		g.queue[0]() // the order; n2's document is under way behind the request
		if c.leave {
			g.queue[1]()
			g.nodes["n1"].Left("n2")
		} else {
			g.queue = g.queue[1:]
			g.run()
		}
		if answers != 1 || (got == nil) != c.ok {
			t.Errorf("%s: %d answers, %v", c.name, answers, got)
		}
	}
}

// What a node orders as the DC is not made where another one leads; what it orders otherwise, and what the original's programs do, who
// do not tell, is. All who share a document have the same.
func TestChangesOfAnEarlierDC(t *testing.T) {
	for _, x := range []struct {
		name   string
		dc     bool
		before func(g *group)
		made   bool
	}{
		{"of a DC before anybody leads", true, func(*group) {}, true},
		{"of the DC whose offer all accepted", true, func(g *group) { g.follow("n1") }, true},
		{"of one while another leads", true, func(g *group) { g.follow("n2") }, false},
		{"of one whose offer was accepted while another leads", true, func(g *group) { g.follow("n2"); g.follow("n1") }, false},
		{"of one after its takeover", true, func(g *group) { g.follow("n2"); g.nodes["n1"].Sync("n3", nil); g.run() }, true},
		{"of one after the takeover of another", true, func(g *group) { g.follow("n1"); g.nodes["n2"].Sync("n3", nil); g.run() }, false},
		{"of one when who led has left", true, func(g *group) { g.follow("n3"); g.leave("n3") }, true},
		{"of a node for itself", false, func(g *group) { g.follow("n2") }, true},
	} {
		g := newGroup("n1", "n2", "n3")
		x.before(g)
		was := cib.VersionOf(g.nodes["n2"].Root())
		var answers []error
		g.nodes["n1"].Request(Client{Name: "crmd", DC: x.dc}, set("a"), "", func(_ cib.Result, err error) { answers = append(answers, err) })
		g.run()
		for _, n := range g.in {
			if made := cib.VersionOf(g.nodes[n].Root()) != was; made != x.made {
				t.Errorf("%s: made on %s: %v", x.name, n, made)
			}
		}
		if len(answers) != 1 || x.made != (answers[0] == nil) {
			t.Errorf("%s: answered %v", x.name, answers)
		}
	}
}

// One that comes while a takeover is under way is not made in the document that comes of it either.
func TestChangeOfAnEarlierDCDuringATakeover(t *testing.T) {
	g := newGroup("n1", "n2", "n3")
	g.follow("n1")
	was := cib.VersionOf(g.nodes["n3"].Root())
	g.nodes["n2"].Sync("n3", nil)
	g.nodes["n1"].Request(Client{Name: "crmd", DC: true}, set("a"), "", nil)
	g.run()
	for _, n := range g.in {
		if is := cib.VersionOf(g.nodes[n].Root()); is != was {
			t.Errorf("%s has %s, and had %s", n, is, was)
		}
	}
}

// A takeover is for the DC to order: who follows another one, or none, keeps what it has, and sends that where others are to have it. Who ordered
// it hears that it was not carried out.
func TestTakeoverOfAnEarlierDC(t *testing.T) {
	for _, strangers := range [][]string{{"n1", "n2", "n3"}, {"n1", "n2"}, {"n3"}} {
		g := newGroup("n1", "n2", "n3")
		g.nodes["n1"].Request(Client{Name: "crmd"}, set("a"), "", nil)
		g.deaf = map[string]bool{"n2": true, "n3": true}
		g.run()
		g.deaf, g.strangers = nil, map[string]bool{}
		for _, n := range strangers {
			g.strangers[n] = true
		}
		was := cib.VersionOf(g.nodes["n2"].Root())
		var answers []error
		g.nodes["n1"].Sync("n1", func(err error) { answers = append(answers, err) })
		g.run()
		for _, n := range []string{"n2", "n3"} {
			if taken := cib.VersionOf(g.nodes[n].Root()) != was; taken == g.strangers[n] || g.nodes[n].sync != nil {
				t.Errorf("of %v, %s took it over: %v", strangers, n, taken)
			}
		}
		if len(answers) != 1 || (answers[0] == nil) == g.strangers["n1"] {
			t.Errorf("of %v: answered %v", strangers, answers)
		}
	}
}

// Whose CIB is to be taken over may have left when the order comes: nobody waits for it.
func TestTakeoverOfOneWhoLeft(t *testing.T) {
	g := newGroup("n1", "n2", "n3")
	var answers []error
	g.nodes["n1"].Sync("n3", func(err error) { answers = append(answers, err) })
	g.leave("n3")
	g.run()
	for _, n := range g.in {
		if g.nodes[n].sync != nil {
			t.Errorf("%s waits for a CIB that nobody sends", n)
		}
	}
	if len(answers) != 1 || answers[0] == nil {
		t.Errorf("answered %v", answers)
	}
}

// follow has all accept a DC's offer.
func (g *group) follow(dc string) {
	for _, n := range g.in {
		g.nodes[n].Follow(dc)
	}
}

// TestTakeoverTellsOfTheDocumentBefore: whoever takes a document over hears of the one that it had, as it was.
func TestTakeoverTellsOfTheDocumentBefore(t *testing.T) {
	g := newGroup("n1", "n2")
	g.deaf["n2"] = true
	g.nodes["n1"].Request(Client{Name: "cibadmin"}, set("a"), "", nil)
	g.run()
	g.deaf["n2"] = false
	before := cib.DiskDigest(g.nodes["n2"].Root())
	g.nodes["n1"].Sync("n1", nil)
	g.run()
	if c, ok := g.taken["n2"]; !ok || cib.DiskDigest(c.Was) != before || cib.DiskDigest(c.Data) == before {
		t.Errorf("n2 heard of %v", c)
	}
	if c, ok := g.taken["n1"]; ok {
		t.Errorf("n1, whose document it was, heard of %v", c)
	}
}
