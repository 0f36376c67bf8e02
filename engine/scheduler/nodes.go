package scheduler

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"hacluster/engine/status"
)

const infinity = status.Infinity

type (
	table      = status.Table
	colocation = status.Colocation
	location   = status.Location
)

func add(a int32, b int) int32 { return int32(status.AddScores(int(a), b)) }

// at is the score of a node in a table.
func scoreAt(t table, n *Node) (int, bool) {
	e := t.At(n)
	if e == nil {
		return 0, false
	}
	return int(e.Score), true
}

// available tells whether an entry's node can run resources and is not banned.
func available(n *Node, score int) bool { return n.Available() && score >= 0 }

// anyAvailable tells whether a table leaves any node to run on.
func (p *planner) anyAvailable(t table) bool {
	for i := range t {
		if t[i].Known && t[i].Score >= 0 && p.c.ByIndex[i].Available() {
			return true
		}
	}
	return false
}

// guestReady tells whether a guest node's container has a node.
func guestReady(n *Node) bool {
	return !n.IsGuest() || n.Conn.Launcher.Assigned != nil
}

// ranked is a node with the score it is compared by.
type ranked struct {
	node  *Node
	score int // as in the table
}

// sortedNodes sorts the nodes of a table, best first. active is preferred
// among equals.
func (p *planner) sortedNodes(t table, active *Node) []ranked {
	list := make([]ranked, 0, len(t))
	for i := range t {
		if t[i].Known {
			list = append(list, ranked{p.c.ByIndex[i], int(t[i].Score)})
		}
	}
	p.sortRanked(list, active)
	return list
}

func (p *planner) sortRanked(list []ranked, active *Node) {
	sort.SliceStable(list, func(i, j int) bool { return p.compareNodes(list[i], list[j], active) < 0 })
}

func (p *planner) compareNodes(a, b ranked, active *Node) int {
	sa, sb := -infinity, -infinity
	if a.node.Available() {
		sa = a.score
	}
	if b.node.Available() {
		sb = b.score
	}
	if sa != sb {
		return sb - sa
	}
	switch p.c.Options.Placement {
	case "minimal": // the same nodes are filled first, whatever runs there now
		return strings.Compare(a.node.Name, b.node.Name)
	case "balanced":
		if d := compareCapacity(a.node, b.node); d != 0 {
			return d
		}
	}
	if d := a.node.Assigned - b.node.Assigned; d != 0 {
		return d
	}
	switch {
	case active == nil:
	case a.node == active && b.node != active:
		return -1
	case b.node == active && a.node != active:
		return 1
	}
	return strings.Compare(a.node.Name, b.node.Name)
}

// place is the one node that a resource and its parts are assigned to, with
// its score; nil if there is none or more than one.
func place(r *Resource) (n *Node, score int) {
	many := false
	var walk func(r *Resource)
	walk = func(r *Resource) {
		if len(r.Children) > 0 {
			for _, k := range r.Children {
				walk(k)
			}
			return
		}
		switch {
		case r.Assigned == nil:
		case n == nil:
			n, score = r.Assigned, r.AssignedScore
		case n != r.Assigned:
			many = true
		}
	}
	walk(r)
	if many {
		return nil, 0
	}
	return n, score
}

// placeNow is the one node that a resource and its parts are active on.
func placeNow(r *Resource) *Node {
	list := r.Places(status.Current)
	if len(list) == 1 {
		return list[0]
	}
	return nil
}

// parentEntry is the entry of a node in the table of an instance's parent.
func parentEntry(r *Resource, n *Node) *status.Entry {
	if r.Parent == nil {
		return r.Allowed.At(n)
	}
	return r.Parent.Allowed.At(n)
}

// someSet tells whether a flag is set anywhere in a resource.
func someSet(r *Resource, f status.ResourceFlags) bool {
	if r.Has(f) {
		return true
	}
	for _, k := range r.Children {
		if someSet(k, f) {
			return true
		}
	}
	return false
}

// utilization -------------------------------------------------------------------

// amounts reads quantities as Pacemaker 3 does: beyond an int is the nearest one, and what begins with no digit is
// the least of all (lib/pacemaker/pcmk_sched_utilization.c, utilization_value).
func amounts(v status.Values) []status.Amount {
	list := make([]status.Amount, 0, len(v))
	for _, p := range v {
		list = append(list, status.Amount{Name: p.Name, Value: status.IntAtLeast(p.Value, math.MinInt32), Text: p.Value})
	}
	return list
}

func amountOf(list []status.Amount, name string) int {
	for i := range list {
		if list[i].Name == name {
			return list[i].Value
		}
	}
	return 0
}

// addAmounts adds more to have, sign times; what have lacks is entered.
// Sums stay within an int of C.
func addAmounts(have []status.Amount, more []status.Amount, sign int) []status.Amount {
outer:
	for _, m := range more {
		for i := range have {
			if have[i].Name == m.Name {
				have[i] = amount(m.Name, have[i].Value+sign*m.Value)
				continue outer
			}
		}
		have = append(have, amount(m.Name, sign*m.Value))
	}
	return have
}

func amount(name string, value int) status.Amount {
	value = min(max(value, math.MinInt32), math.MaxInt32)
	return status.Amount{Name: name, Value: value, Text: strconv.Itoa(value)}
}

// compareCapacity prefers the node that has more left of more kinds.
func compareCapacity(a, b *Node) int {
	score := 0
	for _, x := range a.Capacity {
		y := amountOf(b.Capacity, x.Name)
		if x.Value > y {
			score--
		} else if x.Value < y {
			score++
		}
	}
	for _, y := range b.Capacity {
		found := false
		for _, x := range a.Capacity {
			if x.Name == y.Name {
				found = true
				break
			}
		}
		if !found {
			if 0 > y.Value {
				score--
			} else if 0 < y.Value {
				score++
			}
		}
	}
	return score
}
