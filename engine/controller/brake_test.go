package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// circle is a controller whose plans stop and start r, over and over, unless another is put before these.
type circle struct {
	*alone
	now      time.Time
	next     *transition.Graph
	answered int
}

func (c *circle) Plan(now time.Time, id int, sparing bool) (Plan, error) {
	g := c.next
	if g == nil {
		g = chain(rscOp("stop", "r_stop_0", 0), rscOp("start", "r_start_0", 0))
	}
	c.next, c.plans = nil, []*transition.Graph{g}
	return c.alone.Plan(now, id, sparing)
}

func newCircle() *circle {
	c := &circle{alone: begin(), now: time.Unix(1100, 0)}
	c.c.effects = c
	return c
}

// done has the executors tell that all steps went well.
func (c *circle) done() {
	for c.settle(); c.answered < len(c.executed); c.settle() {
		o := c.executed[c.answered]
		c.answered++
		c.c.Deliver(c.now, "n1", c.c.message("lrm_result", "", "transition-magic", "0:0;"+o.SelectAttrValue("transition-key", "")))
	}
}

// attribute is what an agent of r sets while it starts.
func (c *circle) attribute() {
	s := etree.NewElement("node_state")
	s.CreateAttr("uname", "n1")
	nv := s.CreateElement("transient_attributes").CreateElement("instance_attributes").CreateElement("nvpair")
	nv.CreateAttr("name", "score")
	c.c.CIBChanged(c.now, replica.Change{Op: cib.Modify, Section: "status", Data: s, Node: "n1", Client: ClientAttributes})
	c.settle()
}

// turn has the attribute set, and tells whether steps are begun at once; these end well.
func (c *circle) turn() bool {
	before := len(c.executed)
	c.attribute()
	begun := len(c.executed) > before
	c.done()
	return begun
}

// wait turns time on to the controller's next deadline, and tells what had passed by then.
func (c *circle) wait() time.Duration {
	before := c.now
	c.now = c.c.Deadline()
	c.c.Tick(c.now)
	c.done()
	return c.now.Sub(before)
}

// tight turns c until a plan waits.
func (c *circle) tight(t *testing.T) {
	t.Helper()
	for i := range turnsFree {
		if !c.turn() {
			t.Fatalf("plan %d waits", i+1)
		}
	}
	if c.turn() {
		t.Fatal("no plan waits")
	}
}

func TestCircleIsBraked(t *testing.T) {
	c := newCircle()
	c.tight(t)
	for i, want := range []time.Duration{1, 2, 4, 8, 8, 8} {
		if s := c.c.State(); s != PolicyEngine {
			t.Errorf("pause %d: the state is %s", i, s)
		}
		before := len(c.executed)
		if took := c.wait(); took != want*time.Second || len(c.executed) != before+2 {
			t.Errorf("pause %d took %v, %d steps after it; want %v", i, took, len(c.executed)-before, want*time.Second)
		}
		if c.turn() {
			t.Fatalf("after pause %d the next plan does not wait", i)
		}
		if c.turn() { // and what asks for it meanwhile shortens nothing
			t.Fatalf("after pause %d the next plan does not wait the second time", i)
		}
	}
	said := 0
	for _, l := range c.told {
		if strings.Contains(l, "waits for") {
			said++
		}
		if said == 1 && strings.Contains(l, "waits for") && !strings.HasSuffix(l, "waits for 1s: the cluster turns in a circle with r. The same steps (r_start_0 on n1, r_stop_0 on n1) were planned 6 times of late, and nothing has happened but: Transient attribute change: score of n1") {
			t.Errorf("told: %s", l)
		}
	}
	if said != 7 {
		t.Errorf("told %d times of 7 waits", said)
	}
}

// startFails has the executors tell that the start of r, the last step that was ordered, failed.
func (c *circle) startFails() {
	c.settle()
	o := c.executed[len(c.executed)-1]
	s := etree.NewElement("node_state")
	s.CreateAttr("uname", "n1")
	op := s.CreateElement("lrm").CreateElement("lrm_resources").CreateElement("lrm_resource").CreateElement("lrm_rsc_op")
	for _, a := range [][2]string{{"id", "r_last_failure_0"}, {"operation_key", "r_start_0"}, {"operation", "start"}, {"interval", "0"}, {"transition-magic", "0:1;" + o.SelectAttrValue("transition-key", "")}} {
		op.CreateAttr(a[0], a[1])
	}
	c.mute = true // the count is in the CIB already
	c.c.CIBChanged(c.now, replica.Change{Client: ClientExecutor, Node: "n1", Op: cib.Modify, Section: "status", Data: s})
	c.c.counts = nil
	c.c.advance()
	c.settle()
}

// A plan whose own steps fail, so that the same is planned again, waits after some times, from when it began last: what takes longer to fail waits for
// nothing, nor does a plan after another failure.
func TestFailingCircleIsBraked(t *testing.T) {
	begin := func() *circle {
		c := newCircle()
		c.c.uuid = "uuid"
		c.attribute()
		return c
	}
	// fails has the start fail some time after it began, and tells when the next one begins after that.
	fails := func(t *testing.T, c *circle, after time.Duration) time.Duration {
		t.Helper()
		c.settle()
		c.now = c.now.Add(after)
		c.c.now = c.now
		failed, before := c.now, len(c.executed)
		// the stop before it went well
		stop := c.executed[len(c.executed)-1]
		if strings.Contains(stop.SelectAttrValue("operation_key", ""), "stop") {
			c.c.Deliver(c.now, "n1", c.c.message("lrm_result", "", "transition-magic", "0:0;"+stop.SelectAttrValue("transition-key", "")))
			c.settle()
			before = len(c.executed)
		}
		c.startFails()
		for range 3 {
			if len(c.executed) > before {
				return c.now.Sub(failed)
			}
			c.now = c.c.Deadline()
			c.c.Tick(c.now)
			c.settle()
		}
		t.Fatalf("nothing is begun; state %s\n%s", c.c.State(), strings.Join(c.told, "\n"))
		return 0
	}
	for name, x := range map[string]struct {
		after time.Duration
		want  []time.Duration // pauses, in seconds
	}{
		"at once":           {0, []time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 8}},
		"after a while":     {3, []time.Duration{0, 0, 0, 0, 0, 0, 1, 5, 5}},
		"after a long time": {10, []time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			c := begin()
			var got []time.Duration
			for range x.want {
				got = append(got, fails(t, c, x.after*time.Second)/time.Second)
			}
			if !slices.Equal(got, x.want) {
				t.Errorf("waits %v s, want %v", got, x.want)
			}
		})
	}
	c := begin()
	for range 6 {
		fails(t, c, 0)
	}
	if told := strings.Join(c.told, "\n"); !strings.Contains(told, "and nothing has happened but: Event failed: r_start_0 on n1") {
		t.Errorf("told: %s", told)
	}
}

// signs are what the CIB is to say of circles, "-" to take it away.
func (c *circle) signs() []string {
	var out []string
	for _, u := range c.updates {
		switch {
		case u.Op == cib.Delete && strings.HasSuffix(u.Section, "/"+status.CircleTag):
			out = append(out, "- "+u.Section)
		case u.Data != nil && u.Data.SelectElement(status.CircleTag) != nil:
			el := u.Data.SelectElement(status.CircleTag)
			out = append(out, strings.Join([]string{u.Data.SelectAttrValue("uname", ""), el.SelectAttrValue("resources", ""), el.SelectAttrValue("steps", ""), el.SelectAttrValue("why", "")}, "; "))
		}
	}
	return out
}

// The CIB says of a circle that it turns, once, until something happens or it has not for a while.
func TestCircleIsSigned(t *testing.T) {
	const says, gone = "n1; r; r_start_0 on n1, r_stop_0 on n1; Transient attribute change: score of n1", "- /cib/status/node_state[@uname='n1']/" + status.CircleTag
	for name, x := range map[string]struct {
		then func(c *circle)
		want []string
	}{
		"it turns on": {func(c *circle) {
			for range 20 {
				c.wait()
				c.attribute()
			}
		}, []string{says}},
		"the configuration changes": {func(c *circle) {
			c.c.CIBChanged(c.now, replica.Change{Op: cib.Modify, Section: "resources", Config: true, Node: "n1", Client: "cibadmin"})
			c.settle()
		}, []string{says, gone}},
		"it ends": {func(c *circle) {
			for began := c.now; c.now.Sub(began) <= turnsKept; {
				c.wait()
			}
		}, []string{says, gone}},
		"it ends, and another begins": {func(c *circle) {
			for began := c.now; c.now.Sub(began) <= turnsKept; {
				c.wait()
			}
			for range turnsFree + 1 {
				c.turn()
			}
		}, []string{says, gone, says}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCircle()
			for range turnsFree + 1 {
				c.turn()
			}
			if x.then(c); !slices.Equal(c.signs(), x.want) {
				t.Errorf("the CIB is to say\n%s\nwant\n%s", strings.Join(c.signs(), "\n"), strings.Join(x.want, "\n"))
			}
		})
	}
}

// A DC that comes takes away what those before it said.
func TestFormerSigns(t *testing.T) {
	root := cib.New()
	st := cib.Section(root, "status")
	for _, n := range []string{"n1", "n2", "n'3"} {
		s := st.CreateElement("node_state")
		s.CreateAttr("uname", n)
		if n != "n1" {
			s.CreateElement(status.CircleTag)
		}
	}
	c := &circle{alone: beginOf(&alone{root: root, plans: []*transition.Graph{chain(), chain(), chain()}}), now: time.Unix(1100, 0)}
	want := []string{"- /cib/status/node_state[@uname='n2']/" + status.CircleTag, `- /cib/status/node_state[@uname="n'3"]/` + status.CircleTag}
	c.attribute()
	if got := c.signs(); !slices.Equal(got, want) {
		t.Errorf("taken away: %q, want %q", got, want)
	}
}

// What is no part of the circle does not wait.
func TestBrakeLetsThrough(t *testing.T) {
	fail := func(c *circle) {
		s := etree.NewElement("node_state")
		s.CreateAttr("uname", "n1")
		op := s.CreateElement("lrm").CreateElement("lrm_resources").CreateElement("lrm_resource").CreateElement("lrm_rsc_op")
		for _, a := range [][2]string{{"id", "x_last_failure_0"}, {"operation_key", "x_monitor_10000"}, {"operation", "monitor"}, {"interval", "10000"}, {"transition-magic", "0:7;1:2:0:" + c.c.uuid}} {
			op.CreateAttr(a[0], a[1])
		}
		c.mute = true // the count is in the CIB already
		c.c.CIBChanged(c.now, replica.Change{Client: ClientExecutor, Node: "n1", Op: cib.Modify, Section: "status", Data: s})
		c.c.counts = nil
		c.c.advance()
	}
	for name, happens := range map[string]func(c *circle){
		"a failure": fail,
		"a change of the configuration": func(c *circle) {
			c.c.CIBChanged(c.now, replica.Change{Op: cib.Modify, Section: "resources", Config: true, Node: "n1", Client: "cibadmin"})
		},
		"a lost node": func(c *circle) { c.c.Membership(c.now, []Member{{1, "n1"}}, false) },
		"another plan": func(c *circle) {
			c.next = chain(rscOp("stop", "x_stop_0", 0))
			c.attribute()
		},
		"a plan that fences": func(c *circle) {
			c.next = chain(rscOp("stop", "r_stop_0", 0), rscOp("start", "r_start_0", 0), &transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "stonith", Key: "stonith-n2-reboot", Node: "n2"}})
			c.attribute()
		},
		"a minute without": func(c *circle) {
			for range 5 {
				c.wait()
			}
			c.now = c.now.Add(turnsKept)
			c.tight(t)
			c.now = c.now.Add(turnsKept)
			c.attribute()
		},
		"the end of its time as DC": func(c *circle) {
			c.c.release("for a test")
			if !c.c.brake.until.IsZero() || len(c.c.brake.turns) > 0 {
				t.Errorf("%+v is kept", c.c.brake)
			}
			c.executed = append(c.executed, etree.NewElement("x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCircle()
			c.tight(t)
			before := len(c.executed)
			happens(c)
			c.settle()
			if len(c.executed)+len(c.fenced) == before {
				t.Errorf("nothing is begun; state %s, due %v", c.c.State(), c.c.Deadline().Sub(c.now))
			}
		})
	}
}
