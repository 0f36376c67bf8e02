package controller

import (
	"testing"

	"hacluster/cib"
	"hacluster/engine/transition"
)

func TestNodeInSection(t *testing.T) {
	for section, want := range map[string]string{
		"/cib/status/node_state[@uname='far']/transient_attributes":                    "far",
		"/cib/status/node_state[@id='1']/transient_attributes//nvpair[@id='x']":        "1",
		"/cib/status/node_state[@uname='far']/lrm/lrm_resources/lrm_resource[@id='x']": "far",
		"//node_state[@uname='a']|//node_state[@uname='b']":                            "",
		"/cib/status/node_state[@crmd='offline']":                                      "",
		`/cib/status/node_state[@uname="o'n"]/lrm`:                                     "o'n",
		`/cib/status/node_state[@uname=concat('a',"'",'"b')]/lrm`:                      `a'"b`,
		`/cib/status/node_state[@uname='a' or @uname='b']/lrm`:                         "",
		`/cib/status/node_state[@uname=other]/lrm`:                                     "",
		"status": "",
		"/cib/configuration/resources/primitive[@id=\"x\"]/meta_attributes/nvpair[@name='node_state[@id=1]']": "",
	} {
		if got := nodeIn(section); got != want {
			t.Errorf("%s: %q, want %q", section, got, want)
		}
	}
}

// A node is taken down by what was begun, of the plan under way or else of the last one.
func TestTakenDown(t *testing.T) {
	stop := &transition.Synapse{Action: &transition.Action{ID: 1, Kind: transition.ResourceOp, Operation: "stop", Node: "a", Downed: []string{"far"}}}
	r := newRun(1, &transition.Graph{Synapses: []*transition.Synapse{stop}}, "")
	for _, x := range []struct {
		step step
		want bool
	}{{stepWaiting, false}, {stepFired, true}, {stepFailed, false}, {stepDone, true}} {
		r.steps[0] = x.step
		c := beginOf(&alone{root: cib.New()}).c
		if c.run, c.past = r, nil; c.takenDown("far") != x.want || c.takenDown("near") || c.takenDown("") {
			t.Errorf("step %v of the plan: %v, want %v", x.step, c.takenDown("far"), x.want)
		}
		if c.run, c.past = nil, r; c.takenDown("far") != x.want {
			t.Errorf("step %v of the last plan: %v, want %v", x.step, c.takenDown("far"), x.want)
		}
		if c.run, c.past = newRun(2, &transition.Graph{}, ""), r; c.takenDown("far") {
			t.Errorf("step %v: a plan before the one under way counts", x.step)
		}
	}
}
