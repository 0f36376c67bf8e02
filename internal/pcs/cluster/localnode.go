package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"hacluster/cib/xml"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/diskcib"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// AddNode09 adds a node with one or two addresses to a corosync.conf of 0.9. settle is told of the file before two_node
// is set as the nodes ask for; nil does nothing.
func AddNode09(root *corosyncconf.Section, addrs []string, settle func(root *corosyncconf.Section)) error {
	if slices.ContainsFunc(corosyncconf.Members09(root), func(m string) bool { return slices.Contains(addrs, m) }) {
		return errors.New("node already exists in corosync.conf")
	}
	lists := root.All("nodelist")
	if len(lists) == 0 {
		return errors.New("unable to find nodelist in corosync.conf")
	}
	id := freeID09(lists)
	n := lists[0].Add(&corosyncconf.Section{Name: "node"})
	for i, a := range addrs {
		if a != "" || i == 0 {
			n.Put(fmt.Sprintf("ring%d_addr", i), a)
		}
	}
	n.Put("nodeid", strconv.Itoa(id))
	if settle != nil {
		settle(root)
	}
	corosyncconf.UpdateTwoNode(root)
	return nil
}

// freeID09 is the highest id below the highest in use that no node has, else the one above it.
func freeID09(lists []*corosyncconf.Section) int {
	highest := 0
	used := map[int]bool{}
	for _, l := range lists {
		for _, n := range l.All("node") {
			for _, o := range n.Options {
				if i, err := strconv.Atoi(o.Value); o.Name == "nodeid" && err == nil {
					used[i] = true
					highest = max(highest, i)
				}
			}
		}
	}
	for id := highest; id > 0; id-- {
		if !used[id] {
			return id
		}
	}
	return highest + 1
}

// RemoveNode09 removes the nodes whose first address is one of addrs; false when there was none. settle is AddNode09's.
func RemoveNode09(root *corosyncconf.Section, addrs []string, settle func(root *corosyncconf.Section)) bool {
	removed := false
	for _, l := range root.All("nodelist") {
		for _, n := range l.All("node") {
			at := slices.IndexFunc(n.Options, func(o corosyncconf.Option) bool { return o.Name == "ring0_addr" })
			if at < 0 {
				continue
			}
			if a := n.Options[at].Value; a == addrs[0] || a != "" && slices.Contains(addrs, a) {
				l.Remove(n)
				removed = true
			}
		}
	}
	if removed {
		if settle != nil {
			settle(root)
		}
		corosyncconf.UpdateTwoNode(root)
	}
	return removed
}

// LocalNode09 is `cluster localnode add` and `remove` of 0.9: this host's corosync.conf alone, and for remove the CIB
// where nobody else has it.
func LocalNode09(s *session.Session, args []string) error {
	if len(args) != 2 || !slices.Contains([]string{"add", "remove", "delete"}, args[0]) {
		return argv.Usage()
	}
	addrs, err := addresses(args[1])
	if err != nil {
		return err
	}
	root, err := s.Conf09()
	if err != nil {
		return err
	}
	settle := func(root *corosyncconf.Section) { session.KeepFencing(s.Ctx, s.World.Services, s.Paths, root) }
	if args[0] == "add" {
		if err := AddNode09(root, addrs, settle); err != nil {
			return report.Fatal(err.Error())
		}
		if s.ConfLive() && slices.ContainsFunc(s.ActiveNodes(), func(m string) bool { return slices.Contains(addrs, m) }) {
			return report.Fatal("Node already exists in running corosync")
		}
		if err := s.WriteConf(root); err != nil {
			return err
		}
		s.Out.Print(args[1] + ": successfully added!")
		return nil
	}
	removed := RemoveNode09(root, addrs, settle)
	if removed {
		if err := s.WriteConf(root); err != nil {
			return err
		}
	}
	switch {
	case !s.Live():
		err = s.ForgetNode(args[1])
	case !s.World.Services.IsActive(s.Ctx, "pacemaker"):
		err = ForgetOnDisk(s.Paths.CIBDir, args[1])
	}
	if err != nil {
		s.Out.Error(fmt.Sprintf("unable to remove %s from the CIB: %s", args[1], err))
	}
	if !removed {
		return report.Fatalf("unable to remove %s", args[1])
	}
	s.Out.Print(args[1] + ": successfully removed!")
	return nil
}

// ForgetOnDisk makes the CIB on this host's disk forget a node. A host without a CIB knows none.
func ForgetOnDisk(dir, node string) error {
	_, err := diskcib.Delete(dir, "/cib/configuration/nodes/node[@uname="+xml.QuoteXPath(node)+"]")
	if errors.Is(err, diskcib.ErrMissing) {
		return nil
	}
	return err
}
