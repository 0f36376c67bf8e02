package node

import (
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/alert"
	"hacluster/engine/controller"
	"hacluster/engine/replica"
)

// quiet is a world in which nothing is done.
type quiet struct{ World }

func (quiet) Send([]byte)                 {}
func (quiet) Save(*etree.Element) error   { return nil }
func (quiet) SaveTerm(cib.Term) error     { return nil }
func (quiet) RunAlert(alert.Run)          {}
func (quiet) CIBChanged(replica.Change)   {}
func (quiet) FencingChanged()             {}
func (quiet) Later(func(time.Time))       {}
func (quiet) Logf(string, ...any)         {}
func (quiet) Installed(agent string) bool { return true }

// A node that corosync.conf does not have is called by its id, then as it calls itself, and after a reload as the file has it; the number of nodes,
// by which majorities are counted, is that of the file.
func TestConfigure(t *testing.T) {
	now := time.Unix(1000, 0)
	c := NewCore(CoreConfig{
		Self: controller.Member{ID: 1, Name: "a"}, Names: map[uint32]string{1: "a", 2: "b"}, CIB: cib.New(), Timing: controller.DefaultTiming, TwoNode: true,
	}, quiet{})
	is := func(when string, nodes int, twoNode bool, want ...string) {
		t.Helper()
		var got []string
		for _, m := range c.Members() {
			got = append(got, m.Name)
		}
		if len(got) != len(want) || (*replicaEffects)(c).Nodes() != nodes || c.twoNode != twoNode {
			t.Errorf("%s: %v, %d nodes, two_node %v", when, got, (*replicaEffects)(c).Nodes(), c.twoNode)
		}
		for i := range got {
			if i < len(want) && got[i] != want[i] {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
		if len(c.RingMembers()) > 0 && c.RingMembers()[len(got)-1].Name != want[len(got)-1] {
			t.Errorf("%s: the ring is %v", when, c.RingMembers())
		}
	}
	if c.Knows([]uint32{1, 7}) || !c.Knows([]uint32{2, 1}) {
		t.Error("who is known")
	}
	c.Ring(now, []uint32{1, 7}, true)
	c.GroupChange(now, []uint32{1, 7}, []uint32{7}, nil)
	is("before it has said anything", 2, true, "a", "node7")
	c.Message(now, 7, []byte(`<x t="attrd" task="confirm" src="late"/>`))
	is("when it has", 2, true, "a", "late")
	c.Configure(now, map[uint32]string{1: "a", 2: "b", 7: "c"}, false)
	is("after a reload", 3, false, "a", "c")
	c.Configure(now, map[uint32]string{1: "a", 7: "c"}, true)
	is("after another one", 2, true, "a", "c")
	c.Configure(now, map[uint32]string{7: "c"}, false)
	is("without this node", 2, false, "a", "c")
}
