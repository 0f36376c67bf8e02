package corosyncconf

import (
	"strings"
	"testing"

	"hacluster/internal/pcs/argv"
)

func pairs(words ...string) argv.Pairs {
	var p argv.Pairs
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		p = append(p, argv.Pair{Name: name, Value: value})
	}
	return p
}

func cluster(n int) *Section {
	var nodes []NewNode
	for _, name := range []string{"a", "b", "c", "d"}[:n] {
		nodes = append(nodes, NewNode{name, []string{"10.0.0." + name, "10.0.1." + name}})
	}
	return New("test", nodes, "knet")
}

func section(root *Section, name string) string { return strings.TrimSpace(root.Last(name).String()) }

func TestTwoNodeFollowsNodes(t *testing.T) {
	root := cluster(2)
	two := func() string { return root.Last("quorum").Value("two_node") }
	if two() != "1" {
		t.Fatal("two nodes without two_node")
	}
	AddNodes(root, []NewNode{{"x", []string{"10.0.0.9", "10.0.1.9"}}})
	if two() != "" {
		t.Error("three nodes with two_node")
	}
	if x := Nodes(root)[2]; x.Name != "x" || x.ID != "3" {
		t.Errorf("%+v", x)
	}
	RemoveNodes(root, []string{"a"})
	if two() != "1" {
		t.Error("two nodes again")
	}
	AddNodes(root, []NewNode{{"y", []string{"10.0.0.8", "10.0.1.8"}}})
	if y := Nodes(root)[2]; y.ID != "1" {
		t.Errorf("the smallest free id: %+v", y)
	}
	RemoveNodes(root, []string{"y"})
	SetQuorum(root, pairs("auto_tie_breaker=1"))
	if two() != "" {
		t.Error("auto_tie_breaker with two_node")
	}
	SetQuorum(root, pairs("auto_tie_breaker="))
	if two() != "1" {
		t.Error("without auto_tie_breaker")
	}
}

func TestDevice(t *testing.T) {
	root := cluster(2)
	SetQuorum(root, pairs("wait_for_all=1"))
	AddDevice(root, QuorumDevice{Model: "net", Options: pairs("host=q", "algorithm=ffsplit"), Heuristics: pairs("mode=on", "exec_ping=/bin/true")})
	d := ReadDevice(root)
	if d == nil || d.Model != "net" || d.Options.Value("host") != "q" || d.Heuristics.Value("mode") != "on" || d.Idle() {
		t.Fatalf("%+v", d)
	}
	if q := root.Last("quorum"); q.Value("two_node") != "" || q.Last("device").Value("votes") != "1" {
		t.Errorf("two_node %q, votes %q", q.Value("two_node"), q.Last("device").Value("votes"))
	}
	UpdateDevice(root, QuorumDevice{Options: pairs("algorithm=lms"), Heuristics: pairs("exec_ping=")})
	if d = ReadDevice(root); d.Options.Value("algorithm") != "lms" || !d.Idle() {
		t.Errorf("%+v", d)
	}
	if v := root.Last("quorum").Last("device").Value("votes"); v != "" {
		t.Errorf("lms has votes by its size, not %q", v)
	}
	RemoveHeuristics(root)
	if d = ReadDevice(root); len(d.Heuristics) > 0 {
		t.Errorf("%+v", d)
	}
	RemoveDevice(root)
	if ReadDevice(root) != nil || root.Last("quorum").Value("two_node") != "1" {
		t.Error(section(root, "quorum"))
	}
}

func TestLinks(t *testing.T) {
	root := cluster(2)
	AddLink(root, pairs("a=10.0.2.1", "b=10.0.2.2"), pairs("link_priority=7"))
	if got := strings.Join(LinkNames(root), " "); got != "0 1 2" {
		t.Fatalf("links %s", got)
	}
	if got, want := section(root, "totem"), "linknumber: 2"; !strings.Contains(got, want) || !strings.Contains(got, "knet_link_priority: 7") {
		t.Errorf("%s", got)
	}
	RemoveLinks(root, []string{"2", "0"})
	if got := strings.Join(LinkNames(root), " "); got != "1" || strings.Contains(section(root, "totem"), "interface") {
		t.Errorf("links %s in\n%s", got, root)
	}
	UpdateLink(root, "1", pairs("b=10.9.9.9"), nil)
	if a := Nodes(root)[1].AddrOn(1); a != "10.9.9.9" {
		t.Errorf("%s", a)
	}
}
