package session

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
)

// Seconds reads a time as pcs does: 10, 10s, 2m, 2min, 1h, 1hr.
func Seconds(text string) (int, bool) {
	if n, ok := argv.PythonInt(text); ok {
		return int(n), n >= 0
	}
	for _, u := range []struct {
		suffix string
		factor int
	}{{"s", 1}, {"sec", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"hr", 3600}} {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			if n, ok := digits(rest); ok {
				return n * u.factor, true
			}
		}
	}
	return 0, false
}

func digits(text string) (int, bool) {
	if text == "" {
		return 0, false
	}
	for _, r := range text {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// WaitPlan is what --wait asks for.
type WaitPlan struct {
	Given   bool
	Timeout time.Duration // 0: the default
	seconds int
}

// WaitSeconds is a plan to wait so long at most; 0 is as long as it takes.
func WaitSeconds(n int) WaitPlan {
	return WaitPlan{Given: true, seconds: n, Timeout: time.Duration(n) * time.Second}
}

// waitFades warns of --wait where 0.12 would have another command wait: with resources, and remote and guest nodes.
func (s *Session) waitFades() {
	if s.Minor() < 12 || len(s.Command) == 0 || !slices.Contains([]string{"resource", "stonith", "cluster"}, s.Command[0]) || slices.Contains(s.Command, "cib-push") {
		return
	}
	s.Deprecated("Using '--wait' is deprecated. Instead, use the 'pcs status wait' command to wait for the cluster to settle into stable state. Use the 'pcs status query resource' commands to verify that the resource is in the expected state after the wait.")
}

// PlanWait checks --wait before anything is done: it needs the running cluster and a time.
func (s *Session) PlanWait() (WaitPlan, error) {
	v, given := s.Opts.Wait()
	if !given {
		return WaitPlan{}, nil
	}
	s.waitFades()
	p := WaitPlan{Given: true}
	notLive := report.Items{report.Errorf("Cannot use '-f' together with '--wait'")}
	if !s.Live() && s.Legacy() {
		return p, notLive // 0.9 asks for this first
	}
	if v != nil {
		n, ok := Seconds(*v)
		if !ok {
			return p, report.Items{report.Errorf("'%s' is not a valid number of seconds to wait", *v)}
		}
		p.seconds, p.Timeout = n, time.Duration(n)*time.Second
	}
	if !s.Live() {
		return p, notLive
	}
	return p, nil
}

// PlanWait09 is PlanWait in the words of 0.9's older verbs.
func (s *Session) PlanWait09() (WaitPlan, error) {
	v, given := s.Opts.Wait()
	if !given {
		return WaitPlan{}, nil
	}
	if !s.Live() {
		return WaitPlan{}, report.Fatal("Cannot use '-f' together with '--wait'")
	}
	p := WaitPlan{Given: true}
	if v != nil {
		n, ok := Seconds(*v)
		if !ok {
			return p, report.Fatalf("%s is not a valid number of seconds to wait", *v)
		}
		p.seconds, p.Timeout = n, time.Duration(n)*time.Second
	}
	return p, nil
}

// Idle waits until the cluster has nothing left to do, when the plan says so.
func (s *Session) Idle(p WaitPlan) error {
	if !p.Given || !s.Live() {
		return nil
	}
	if s.Minor() >= 11 {
		text := "Waiting for the cluster to apply configuration changes"
		if p.seconds > 0 {
			text += " (timeout: " + strconv.Itoa(p.seconds) + " " + report.Plural(p.seconds, "second", "seconds") + ")"
		}
		s.Out.Info(text + "...")
	}
	err := live.ErrNotRunning
	if s.World.Cluster != nil {
		err = s.World.Cluster.Wait(s.Ctx, p.Timeout)
	}
	if errors.Is(err, live.ErrNotRunning) && s.Minor() >= 10 {
		return report.Items{report.Errorf("crm_resource: Could not connect to the CIB: Transport endpoint is not connected\nError performing operation: Not connected")}
	}
	if errors.Is(err, live.ErrTimeout) {
		return report.Items{report.Errorf("waiting timeout\n\n%s", strings.TrimSpace(err.Error()))}
	}
	if err != nil {
		return report.Items{report.Errorf("%s", err)}
	}
	return nil
}

// Expectation says what a resource should be after waiting: nil asks nothing.
type Expectation struct{ running bool }

// Expect asks that resources run, or do not.
func Expect(running bool) *Expectation { return &Expectation{running} }

// WaitFor waits as the plan says and tells where the resources run.
func (s *Session) WaitFor(plan WaitPlan, ids []string, e *Expectation) error {
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
func stateItem(st *State, id string, e *Expectation) report.Item {
	roles := st.RolesWithNodes(id, e == nil || e.running)
	item := report.Infof("%s", RolesText(id, roles))
	if e != nil && e.running != (len(roles) > 0) {
		item.Severity = report.Error
	}
	return item
}

// RolesText tells where a resource runs, by its roles.
func RolesText(id string, roles map[string][]string) string {
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
	slices.Sort(parts)
	return "resource '" + id + "' is " + strings.Join(parts, "; ")
}

// WaitFor09 waits and tells where the resource runs.
func (s *Session) WaitFor09(plan WaitPlan, id string) error {
	if !plan.Given {
		return nil
	}
	c, err := s.Cluster()
	if err != nil {
		return report.Fatal(err.Error())
	}
	err = c.Wait(s.Ctx, plan.Timeout)
	message := s.Running09(id)
	if err == nil {
		s.Out.Print(message)
		return nil
	}
	var lines []string
	if errors.Is(err, live.ErrTimeout) {
		lines = append(lines, "waiting timeout")
	}
	return report.Fatal(strings.TrimSpace(strings.Join(append(lines, message), "\n")))
}

// Running09 tells where a resource runs, as 0.9 does.
func (s *Session) Running09(id string) string {
	st, err := s.State()
	if err != nil {
		return fmt.Sprintf("Resource '%s' is not running on any node", id)
	}
	roles := st.RolesWithNodes(id, true)
	var parts []string
	for _, r := range []struct{ role, label string }{{"Started", "running"}, {"Promoted", "master"}, {"Unpromoted", "slave"}} {
		nodes := slices.Sorted(slices.Values(roles[r.role]))
		if len(nodes) > 0 {
			parts = append(parts, fmt.Sprintf("%s on node%s %s", r.label, report.Plural(len(nodes), "", "s"), strings.Join(nodes, ", ")))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("Resource '%s' is not running on any node", id)
	}
	return fmt.Sprintf("Resource '%s' is %s.", id, strings.Join(parts, "; "))
}
