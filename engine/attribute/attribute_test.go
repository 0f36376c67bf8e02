package attribute

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// loop is a group of one: what is sent is delivered, what is written is applied.
type loop struct {
	t    *testing.T
	m    *Manager
	now  time.Time
	root *etree.Element
	told []string
}

func (l *loop) Broadcast(msg *etree.Element)  { l.m.Deliver(l.now, msg) }
func (l *loop) NodeID(name string) string     { return map[string]string{"n1": "1", "n2": "2"}[name] }
func (l *loop) Wrote(host, name, text string) { l.told = append(l.told, host+" "+name+"="+text) }
func (l *loop) Members() []string             { return []string{"n1", "n2"} }
func (l *loop) Leader() string                { return "" }
func (l *loop) Logf(string, ...any)           {}
func (l *loop) Write(req cib.Request) {
	res, err := cib.Apply(l.root, req)
	if err != nil {
		l.t.Errorf("%+v: %v", req, err)
	}
	l.root = res.Root
}

func (l *loop) status() string { return string(xml.Compact(l.root.SelectElement("status"))) }

func TestAttributes(t *testing.T) {
	l := &loop{t: t, now: time.Unix(0, 0), root: cib.New()}
	l.m = New("n1", l)
	set := func(host, name, value string) { l.m.Set(Update{Name: name, Host: host, Value: &value}) }
	set("", "colour", "red")
	set("n1", "fail-count-R#start_0", "value++")
	set("n1", "fail-count-R#start_0", "value++")
	set("n2", "fail-count-R#monitor_10000", "value+=INFINITY")
	if s := l.status(); s != "<status/>" {
		t.Fatalf("who does not write wrote %s", s)
	}
	l.m.SetWriter(l.now, true)
	for _, want := range []string{
		`<nvpair id="status-1-colour" name="colour" value="red"/>`, `id="status-1-fail-count-R.start_0" name="fail-count-R#start_0" value="2"`,
		`name="fail-count-R#monitor_10000" value="1000000"`,
	} {
		if !strings.Contains(l.status(), want) {
			t.Errorf("%s lacks %s", l.status(), want)
		}
	}
	// A dampened value is written when its time has come.
	v := "blue"
	l.m.Set(Update{Task: SetBoth, Name: "colour", Value: &v, Dampen: 5 * time.Second, HasDampen: true})
	if strings.Contains(l.status(), "blue") || !l.m.Deadline().Equal(l.now.Add(5*time.Second)) {
		t.Errorf("dampened: %s, due %v", l.status(), l.m.Deadline())
	}
	l.now = l.now.Add(5 * time.Second)
	l.m.Tick(l.now)
	if !strings.Contains(l.status(), "blue") {
		t.Errorf("after its time: %s", l.status())
	}
	l.m.Set(Update{Task: SetBoth, Name: "colour", Value: &v, HasDampen: true})
	l.m.ClearFailures("R", "start", 0, "")
	if s := l.status(); strings.Contains(s, "start_0") || !strings.Contains(s, "monitor_10000") {
		t.Errorf("one operation cleared: %s", s)
	}
	l.m.ClearFailures("R", "", 0, "n2")
	if s := l.status(); strings.Contains(s, "fail-count") {
		t.Errorf("all of a resource cleared: %s", s)
	}
	l.m.Set(Update{Name: "colour"})
	if _, ok := l.m.Get("n1", "colour"); ok || strings.Contains(l.status(), "colour") {
		t.Errorf("removed: %s", l.status())
	}
	set("n2", "x", "1")
	l.m.Left("n2")
	if strings.Contains(l.status(), `name="x"`) || len(l.m.Hosts("x")) != 0 {
		t.Errorf("after its node left: %s", l.status())
	}
}

// TestDelay: all nodes' values of an attribute are written together, when none
// changed for a while; a plain update leaves the delay alone.
func TestDelay(t *testing.T) {
	l := &loop{t: t, now: time.Unix(0, 0), root: cib.New()}
	l.m = New("n1", l)
	l.m.SetWriter(l.now, true)
	set := func(u Update, value string) {
		u.Name, u.Value = "pingd", &value
		l.m.Set(u)
	}
	set(Update{Host: "n1", Dampen: 5 * time.Second, HasDampen: true}, "100")
	l.now = l.now.Add(4 * time.Second)
	set(Update{Host: "n2", Dampen: time.Second, HasDampen: true}, "200")
	l.now = l.now.Add(2 * time.Second)
	l.m.Tick(l.now)
	if s := l.status(); s != "<status/>" {
		t.Errorf("too early: %s", s)
	}
	l.now = l.now.Add(3 * time.Second)
	l.m.Tick(l.now)
	if s := l.status(); !strings.Contains(s, `value="100"`) || !strings.Contains(s, `value="200"`) {
		t.Errorf("not both: %s", s)
	}
	l.m.Set(Update{Task: SetDelay, Name: "pingd", HasDampen: true})
	l.m.Set(Update{Task: SetDelay, Name: "nothing", Dampen: time.Second, HasDampen: true})
	set(Update{Host: "n1"}, "0")
	if s := l.status(); !strings.Contains(s, `value="0"`) || l.m.Known("nothing") {
		t.Errorf("without delay: %s", s)
	}
	l.m.Refresh()
	l.m.Set(Update{Name: "pingd", Host: "n1"})
	if told := strings.Join(l.told, ", "); told != "n1 pingd=100, n2 pingd=200, n1 pingd=0, n1 pingd=" {
		t.Errorf("told of %s", told)
	}
}

func TestPlaces(t *testing.T) {
	l := &loop{t: t, now: time.Unix(0, 0), root: cib.New()}
	l.m = New("n1", l)
	l.m.SetWriter(l.now, true)
	v := "1"
	l.m.Set(
		Update{Name: "a", Value: &v, Set: "mine"}, Update{Name: "b", Value: &v, Private: true},
		Update{Name: "c", Value: &v, Host: "rem", Remote: true}, Update{Name: "d", Value: &v, Kind: "utilization"},
	)
	s := l.status()
	for _, want := range []string{
		`<instance_attributes id="mine"><nvpair id="mine-a" name="a" value="1"/>`,
		`<node_state id="rem" uname="rem" remote_node="true"><transient_attributes id="rem">`,
		`<utilization id="status-1-utilization"><nvpair id="status-1-utilization-d"`,
	} {
		if !strings.Contains(s, want) {
			t.Errorf("%s lacks %s", s, want)
		}
	}
	if v, ok := l.m.Get("n1", "b"); !ok || v != "1" || strings.Contains(s, `name="b"`) {
		t.Errorf("private: %q, %s", v, s)
	}
	l.m.Set(Update{Name: "^[ad]$", Pattern: true})
	if s := l.status(); strings.Contains(s, "<nvpair id=\"mine-a\"") || strings.Contains(s, `name="d"`) || !strings.Contains(s, `name="c"`) {
		t.Errorf("by pattern: %s", s)
	}
	if !l.m.Known("a") || len(l.m.Hosts("a")) != 0 {
		t.Error("a removed attribute is known, without values")
	}
}

func TestWait(t *testing.T) {
	l := &loop{t: t, now: time.Unix(0, 0), root: cib.New()}
	l.m = New("n1", l)
	v, here, everywhere := "1", 0, 0
	l.m.SetAndWait(Here, func() { here++ }, Update{Name: "a", Value: &v})
	l.m.SetAndWait(Everywhere, func() { everywhere++ }, Update{Name: "a", Value: &v})
	l.m.SetAndWait(Everywhere, func() { everywhere++ }, Update{Name: "a", Value: &v})
	if here != 1 || everywhere != 0 {
		t.Errorf("before the other node answered: %d, %d", here, everywhere)
	}
	confirm := etree.NewElement("x")
	for _, a := range [][2]string{{"task", "confirm"}, {"src", "n2"}, {"attr_sync_id", "n1.2"}} {
		confirm.CreateAttr(a[0], a[1])
	}
	l.m.Deliver(l.now, confirm)
	if everywhere != 1 {
		t.Errorf("after it answered: %d", everywhere)
	}
	l.m.Left("n2")
	if everywhere != 2 {
		t.Errorf("after it left: %d", everywhere)
	}
}

// Whoever may forget a node's attributes names it, and has no more forgotten by that.
func TestForgetsNoMore(t *testing.T) {
	l := &loop{t: t, now: time.Unix(0, 0), root: cib.New()}
	l.m = New("n1", l)
	l.m.SetWriter(l.now, true)
	v := "1"
	const odd = "x']|/cib/configuration/*|/x[@y='"
	l.m.Set(Update{Name: "a", Value: &v}, Update{Name: "b", Value: &v, Host: odd, Remote: true})
	before := len(cib.Section(l.root, "configuration").ChildElements())
	l.m.Forget(odd)
	if after := len(cib.Section(l.root, "configuration").ChildElements()); after != before || before == 0 {
		t.Errorf("the configuration has %d sections of %d", after, before)
	}
	if s := l.status(); !strings.Contains(s, `name="a"`) || strings.Contains(s, `name="b"`) {
		t.Errorf("left is %s", s)
	}
}
