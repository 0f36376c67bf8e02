package operate

import (
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/session"
)

// History09 is `resource history` of 0.9: what is recorded of resources' operations, those of one call id once.
func History09(s *session.Session, _ []string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	calls := map[string]map[string]*etree.Element{}
	var ids []string
	for _, r := range doc.All(doc.Child(root, "status"), "lrm_resource") {
		id := doc.ID(r)
		if calls[id] == nil {
			calls[id] = map[string]*etree.Element{}
			ids = append(ids, id)
		}
		for _, op := range doc.Children(r, "lrm_rsc_op") {
			calls[id][doc.Attr(op, "call-id")] = op
		}
	}
	sort.Strings(ids)
	for _, id := range ids {
		s.Out.Print("Resource: " + id)
		var order []string
		for c := range calls[id] {
			order = append(order, c)
		}
		slices.Sort(order)
		for _, c := range order {
			op := calls[id][c]
			when := ""
			if n, err := strconv.ParseInt(doc.Attr(op, "last-rc-change"), 10, 64); err == nil {
				when = time.Unix(n, 0).Format("Mon Jan _2 15:04:05 MST 2006")
			}
			switch {
			case doc.Attr(op, "rc-code") != "0":
				s.Out.Print("  Failed on " + when)
			case doc.Attr(op, "operation") == "stop":
				s.Out.Print("  Stopped on node xx on " + when)
			case doc.Attr(op, "operation") == "start":
				s.Out.Print("  Started on node xx " + when)
			}
		}
	}
	return nil
}
