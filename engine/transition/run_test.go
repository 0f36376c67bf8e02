package transition_test

import (
	"fmt"
	"strings"
	"testing"

	"hacluster/engine/transition"
)

func TestParseKey(t *testing.T) {
	for key, want := range map[string]string{
		"web_start_0":                      "web start 0",
		"my_web:1_monitor_10000":           "my_web:1 monitor 10000",
		"vm_1_migrate_from_0":              "vm_1 migrate_from 0",
		"db_pre_notify_start_0":            "db pre_notify_start 0",
		"db_confirmed-post_notify_start_0": "db confirmed-post_notify_start 0",
	} {
		rsc, task, ms, ok := transition.ParseKey(key)
		if got := fmt.Sprintf("%s %s %d", rsc, task, ms); !ok || got != want {
			t.Errorf("%s: %s, %v", key, got, ok)
		}
	}
	for _, key := range []string{"", "x", "web", "web_start", "_start_0", "web_start_x"} {
		if rsc, task, ms, ok := transition.ParseKey(key); ok {
			t.Errorf("%q was taken for %s, %s, %d", key, rsc, task, ms)
		}
	}
}

// graph makes a graph of actions: "3:1,2" is action 3 after 1 and 2; "*" marks
// a priority that goes on after failures.
func graph(specs ...string) *transition.Graph {
	g := &transition.Graph{}
	for i, spec := range specs {
		s := &transition.Synapse{ID: i, Action: &transition.Action{Operation: "start"}}
		if strings.HasPrefix(spec, "*") {
			s.Priority = 1000000
			spec = spec[1:]
		}
		id, inputs, _ := strings.Cut(spec, ":")
		_, _ = fmt.Sscan(id, &s.Action.ID)
		for _, in := range strings.Split(inputs, ",") {
			if in != "" {
				a := &transition.Action{}
				_, _ = fmt.Sscan(in, &a.ID)
				s.Inputs = append(s.Inputs, a)
			}
		}
		g.Synapses = append(g.Synapses, s)
	}
	return g
}

func TestRun(t *testing.T) {
	cases := []struct {
		name string
		g    *transition.Graph
		fail int
		want string
		end  transition.End
	}{
		{"in order of the file, pass by pass", graph("3:1,2", "1", "2:1"), 0, "1 2 3", transition.Complete},
		{"a failure stops what follows", graph("1", "2", "3:1"), 1, "1", transition.Complete},
		{"but not what must go on", graph("1", "*2:1", "3"), 1, "1 2", transition.Complete},
		{"a circle", graph("1:2", "2:1", "3"), 0, "3", transition.Terminated},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var done []string
			end := c.g.Run(func(a *transition.Action) transition.Outcome {
				done = append(done, fmt.Sprint(a.ID))
				if a.ID == c.fail {
					return transition.Failed
				}
				return transition.Done
			})
			if got := strings.Join(done, " "); got != c.want || end != c.end {
				t.Errorf("%s, end %v", got, end)
			}
		})
	}
}
