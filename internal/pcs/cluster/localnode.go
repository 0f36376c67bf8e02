package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// AddNode09 adds a node with one or two addresses to a corosync.conf of 0.9.
func AddNode09(root *corosyncconf.Section, addrs []string) error {
	highest := 0
	for _, n := range corosyncconf.Nodes(root) {
		if slices.Contains(addrs, n.AddrOn(0)) {
			return errors.New("node already exists in corosync.conf")
		}
	}
	used := map[int]bool{}
	for _, l := range root.All("nodelist") {
		for _, n := range l.All("node") {
			if i, err := strconv.Atoi(n.Value("nodeid")); err == nil {
				used[i] = true
				highest = max(highest, i)
			}
		}
	}
	lists := root.All("nodelist")
	if len(lists) == 0 {
		return errors.New("unable to find nodelist in corosync.conf")
	}
	id := 1
	for used[id] {
		id++
	}
	n := lists[0].Add(&corosyncconf.Section{Name: "node"})
	for i, a := range addrs {
		n.Put(fmt.Sprintf("ring%d_addr", i), a)
	}
	n.Put("nodeid", strconv.Itoa(id))
	corosyncconf.UpdateTwoNode(root)
	return nil
}

// RemoveNode09 removes the nodes whose first address is one of addrs; false when there was none.
func RemoveNode09(root *corosyncconf.Section, addrs []string) bool {
	removed := false
	for _, l := range root.All("nodelist") {
		for _, n := range l.All("node") {
			if a, ok := n.Get("ring0_addr"); ok && slices.Contains(addrs, a) {
				l.Remove(n)
				removed = true
			}
		}
	}
	if removed {
		corosyncconf.UpdateTwoNode(root)
	}
	return removed
}

// LocalNode09 is `cluster localnode add` and `remove` of 0.9: this host's corosync.conf alone.
func LocalNode09(s *session.Session, args []string) error {
	if len(args) != 2 {
		return argv.Usage()
	}
	addrs, err := addresses(args[1])
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	switch args[0] {
	case "add":
		if err := AddNode09(root, addrs); err != nil {
			return report.Fatal(err.Error())
		}
		if err := s.WriteConf(root); err != nil {
			return err
		}
		s.Out.Print(args[1] + ": successfully added!")
		return nil
	case "remove", "delete":
		if !RemoveNode09(root, addrs) {
			return report.Fatalf("unable to remove %s", args[1])
		}
		if err := s.WriteConf(root); err != nil {
			return err
		}
		s.Out.Print(args[1] + ": successfully removed!")
		return nil
	}
	return argv.Usage()
}
