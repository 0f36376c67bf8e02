package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// circle is a controller whose plans stop and start r, over and over, unless another is put before these.
type circle struct {
	*alone
	now      time.Time
	next     *transition.Graph
	answered int
}

func (c *circle) Plan(now time.Time, id int) (Plan, error) {
	g := c.next
	if g == nil {
		g = chain(rscOp("stop", "r_stop_0", 0), rscOp("start", "r_start_0", 0))
	}
	c.next, c.plans = nil, []*transition.Graph{g}
	return c.alone.Plan(now, id)
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
	s.CreateElement("transient_attributes")
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
		if said == 1 && strings.Contains(l, "waits for") && !strings.HasSuffix(l, "waits for 1s: the cluster turns in a circle with r. The same steps (r_start_0 on n1, r_stop_0 on n1) were planned 6 times of late, and nothing has happened but: Transient attribute change") {
			t.Errorf("told: %s", l)
		}
	}
	if said != 7 {
		t.Errorf("told %d times of 7 waits", said)
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
