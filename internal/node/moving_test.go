package node

import "testing"

// A connection moves live after what is done over it where it is, but for what waits for the move; what goes another way does not matter.
func TestConnectionMovesAfterWhatIsDoneOverIt(t *testing.T) {
	g := graph([][]int{{}, {}, {1}, {2}, {}, {}},
		"demote M1 remote1", "migrate_to remote1 node1", "migrate_from remote1 node2", "stop P2 remote1", "start P3 remote1", "demote M1 remote2")
	for i, router := range []string{"node1", "", "", "node1", "node2", "node1"} {
		g.Synapses[i].Action.Router = router
	}
	beforeMoves(g)
	if got, want := waitsFor(g), "[[] [0] [1] [2] [] []]"; got != want {
		t.Errorf("they wait for %s, want %s", got, want)
	}
}
