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
}

func (l *loop) Broadcast(msg *etree.Element)   { l.m.Deliver(l.now, msg) }
func (l *loop) NodeID(name string) string      { return map[string]string{"n1": "1", "n2": "2"}[name] }
func (l *loop) Logf(string, ...any)            {}
func (l *loop) Wrote(host, name, value string) {}
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
		`name="fail-count-R#monitor_10000" value="INFINITY"`,
	} {
		if !strings.Contains(l.status(), want) {
			t.Errorf("%s lacks %s", l.status(), want)
		}
	}
	// A dampened value is written when its time has come.
	v := "blue"
	l.m.Set(Update{Name: "colour", Value: &v, Dampen: 5 * time.Second, HasDampen: true})
	if strings.Contains(l.status(), "blue") || !l.m.Deadline().Equal(l.now.Add(5*time.Second)) {
		t.Errorf("dampened: %s, due %v", l.status(), l.m.Deadline())
	}
	l.now = l.now.Add(5 * time.Second)
	l.m.Tick(l.now)
	if !strings.Contains(l.status(), "blue") {
		t.Errorf("after its time: %s", l.status())
	}
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
