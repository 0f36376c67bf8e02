package resource

import (
	"slices"
	"sort"
	"strings"

	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// expectation says what a resource should be after waiting: nil asks nothing.
type expectation struct{ running bool }

func expect(running bool) *expectation { return &expectation{running} }

// waitFor waits as the plan says and tells where the resources run.
func waitFor(s *session.Session, plan session.WaitPlan, ids []string, e *expectation) error {
	if !plan.Given {
		return nil
	}
	if err := s.Idle(plan); err != nil {
		return err
	}
	st, err := s.State()
	if err != nil {
		return err
	}
	var items []report.Item
	for _, id := range ids {
		items = append(items, stateItem(st, id, e))
	}
	return s.Check(items...)
}

// stateItem tells where a resource runs, as an error when that is not what is expected.
func stateItem(st *session.State, id string, e *expectation) report.Item {
	roles := st.RolesWithNodes(id, e == nil || e.running)
	item := report.Infof("%s", rolesText(id, roles))
	if e != nil && e.running != (len(roles) > 0) {
		item.Severity = report.Error
	}
	return item
}

func rolesText(id string, roles map[string][]string) string {
	if len(roles) == 0 {
		return "resource '" + id + "' is not running on any node"
	}
	var parts []string
	for role, nodes := range roles {
		label := strings.ToLower(role)
		if role == "Started" {
			label = "running"
		}
		parts = append(parts, label+" on "+report.Plural(len(nodes), "node", "nodes")+" "+report.QuoteSorted(slices.Clone(nodes)))
	}
	sort.Strings(parts)
	return "resource '" + id + "' is " + strings.Join(parts, "; ")
}
