package controller

import (
	"testing"

	"hacluster/cib"
)

func TestKnows(t *testing.T) {
	for _, c := range []struct {
		newest, declared string
		want             bool
	}{
		{"pacemaker-3.9", "pacemaker-3.9", true},
		{"pacemaker-3.9", "pacemaker-3.10", false},
		{"pacemaker-3.10", "pacemaker-3.9", true},
		{"pacemaker-4.0", "pacemaker-9.1", false}, // of software to come
		{"pacemaker-9.2", "pacemaker-9.1", true},
		{"pacemaker-9.1", "pacemaker-4.0", true},
		{"pacemaker-3.9", "none", true},
		{"", "pacemaker-4.0", true},
		{"pacemaker-3.9", "", true},
		{"pacemaker-3.9", "something", true}, // a CIB that nobody can check is nobody's reason
	} {
		if got := knows(c.newest, c.declared); got != c.want {
			t.Errorf("who knows %q: %q %v, want %v", c.newest, c.declared, got, c.want)
		}
	}
}

// Who cannot hold the CIB that counts is refused; a CIB that counts only by decree does not drive out those who run the cluster.
func TestChoose(t *testing.T) {
	node := func(name, knows, declared string, admin, epoch int64, vouched bool) *peer {
		return &peer{Member: Member{Name: name}, schema: knows, declared: declared, version: cib.Version{AdminEpoch: admin, Epoch: epoch}, vouched: vouched}
	}
	parting := func(p *peer) *peer { p.parting = true; return p }
	for name, c := range map[string]struct {
		nodes   []*peer // the first is the DC
		best    string
		refused []string
	}{
		"alike": {[]*peer{node("a", "pacemaker-4.0", "pacemaker-3.9", 0, 1, false), node("b", "pacemaker-3.9", "pacemaker-3.9", 0, 2, false)}, "b", nil},
		"old":   {[]*peer{node("a", "pacemaker-4.0", "pacemaker-4.0", 0, 5, true), node("b", "pacemaker-3.9", "pacemaker-3.9", 0, 9, false)}, "a", []string{"b"}},
		"an old DC": {
			[]*peer{node("a", "pacemaker-3.9", "pacemaker-3.9", 0, 1, false), node("b", "pacemaker-4.0", "pacemaker-4.0", 0, 2, false)}, "b", []string{"a"},
		},
		"old, and leaving": {
			[]*peer{node("a", "pacemaker-4.0", "pacemaker-4.0", 0, 5, true), parting(node("b", "pacemaker-3.9", "pacemaker-4.0", 0, 5, true))}, "a", nil,
		},
		"decree": {
			[]*peer{node("a", "pacemaker-3.9", "pacemaker-3.9", 0, 5, true), node("b", "pacemaker-4.0", "pacemaker-4.0", 1, 0, false)}, "b", []string{"b"},
		},
	} {
		best, refused := choose(c.nodes[0], c.nodes)
		names := []string{}
		for _, p := range refused {
			names = append(names, p.Name)
		}
		if best.Name != c.best || len(names) != len(c.refused) || len(names) > 0 && names[0] != c.refused[0] {
			t.Errorf("%s: the CIB of %s, refused %v; want %s, %v", name, best.Name, names, c.best, c.refused)
		}
	}
}
