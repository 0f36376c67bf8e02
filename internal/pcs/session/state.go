package session

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
)

// State is what the cluster does, as its CIB tells.
type State struct {
	cluster *status.Cluster
	// Refused tells that the file holds no CIB that its schema allows: crm_mon says so, shows an empty page and ends well.
	Refused bool
}

// StateNode is a node in a state.
type StateNode struct {
	ID, Name, Type                                    string
	Online, Standby, StandbyOnFail, Maintenance       bool
	Pending, Unclean, Shutdown, ExpectedUp, DC, Guest bool
	Resources                                         int
}

// State reads the state of the cluster that the verb works on.
func (s *Session) State() (*State, error) {
	data, err := s.readCIB()
	if err != nil {
		return nil, s.stateError("crm_mon: Connection to cluster failed: Connection refused")
	}
	root, err := parseCIB(data)
	if !s.Live() && (err != nil || root.Tag != "cib" || len(invalid(root)) > 0) {
		st := StateOf(etree.NewElement("cib"))
		st.Refused = true
		return st, nil
	}
	if err != nil {
		return nil, s.stateError("crm_mon: " + err.Error())
	}
	return StateOf(root), nil
}

// StateOf reads the state that a CIB holds.
func StateOf(root *etree.Element) *State {
	return &State{cluster: status.Read(status.Input{CIB: root, Now: time.Now()})}
}

func (s *Session) stateError(reason string) error {
	if s.Legacy() {
		return report.Items{report.Errorf("error running crm_mon, is pacemaker running?\n%s", reason)}
	}
	return report.Items{MonitorError(reason)}
}

// MonitorError is what to tell when crm_mon failed.
func MonitorError(reason string) report.Item {
	text := "error running crm_mon, is pacemaker running?"
	if reason != "" {
		text += "\n  " + strings.ReplaceAll(reason, "\n", "\n  ")
	}
	return report.Errorf("%s", text)
}

// Nodes are the nodes of the state.
func (st *State) Nodes() []StateNode {
	var out []StateNode
	for _, n := range st.cluster.Nodes {
		x := StateNode{
			ID: n.ID, Name: n.Name, Type: "member", Online: n.Online, Standby: n.Standby, StandbyOnFail: n.StandbyOnFail, Maintenance: n.Maintenance,
			Pending: n.Pending, Unclean: n.Unclean, Shutdown: n.Shutdown, ExpectedUp: n.ExpectedUp, DC: n.IsDC, Guest: n.IsGuest() || n.IsBundleNode(),
			Resources: len(n.Running),
		}
		if n.IsRemote {
			x.Type = "remote"
		}
		out = append(out, x)
	}
	return out
}

// Primitives counts the primitives that are configured, clones' instances one by one.
func (st *State) Primitives() int {
	n := 0
	var walk func(list []*status.Resource)
	walk = func(list []*status.Resource) {
		for _, r := range list {
			if r.Kind == status.Primitive {
				n++
			}
			walk(r.Children)
		}
	}
	walk(st.cluster.Resources)
	return n
}

// Model is the state as the engine reads it.
func (st *State) Model() *status.Cluster { return st.cluster }

func (st *State) find(id string) *status.Resource {
	var found *status.Resource
	var walk func(list []*status.Resource)
	walk = func(list []*status.Resource) {
		for _, r := range list {
			if found == nil && status.BaseName(r.ID) == id {
				found = r
			}
			walk(r.Children)
		}
	}
	walk(st.cluster.Resources)
	return found
}

// instances are the primitives that run for a resource: its instances, or what is inside it. Of a
// group it is the last member when it is to be running, the first when it is not.
func (st *State) instances(id string, expectRunning bool) []*status.Resource {
	var same []*status.Resource
	var walk func(list []*status.Resource)
	var inside func(r *status.Resource) []*status.Resource
	inside = func(r *status.Resource) []*status.Resource {
		switch {
		case r.Kind == status.Primitive:
			return []*status.Resource{r}
		case r.Kind == status.Group && len(r.Children) > 0:
			at := 0
			if expectRunning {
				at = len(r.Children) - 1
			}
			return inside(r.Children[at])
		}
		var out []*status.Resource
		for _, c := range r.Children {
			out = append(out, inside(c)...)
		}
		return out
	}
	walk = func(list []*status.Resource) {
		for _, r := range list {
			if status.BaseName(r.ID) == id {
				same = append(same, inside(r)...)
				continue
			}
			walk(r.Children)
		}
	}
	walk(st.cluster.Resources)
	return same
}

// Managed tells whether the cluster may act on a resource; found is false when it is not there.
func (st *State) Managed(id string) (managed, found bool) {
	r := st.find(id)
	if r == nil {
		return true, false
	}
	var all func(r *status.Resource) bool
	all = func(r *status.Resource) bool {
		if !r.Has(status.Managed) {
			return false
		}
		return !slices.ContainsFunc(r.Children, func(c *status.Resource) bool { return !all(c) })
	}
	for p := r.Parent; p != nil; p = p.Parent {
		if !p.Has(status.Managed) {
			return false, true
		}
	}
	return all(r), true
}

// RolesWithNodes are the nodes that a resource runs on, by role, those of failed instances left out.
func (st *State) RolesWithNodes(id string, expectRunning bool) map[string][]string {
	out := map[string][]string{}
	for _, r := range st.instances(id, expectRunning) {
		role := ""
		switch r.ShownRole() {
		case status.RoleStarted:
			role = "Started"
		case status.RolePromoted:
			role = "Promoted"
		case status.RoleUnpromoted:
			role = "Unpromoted"
		default:
			continue
		}
		if r.Has(status.Failed) {
			continue
		}
		for _, n := range r.Active {
			out[role] = append(out[role], n.Name)
		}
	}
	return out
}

// LocalNodeState is this host's node in the running cluster; nil while Pacemaker does not answer.
func (s *Session) LocalNodeState() (*StateNode, error) {
	if s.World.Cluster == nil {
		return nil, nil
	}
	name, err := s.World.Cluster.LocalNode(s.Ctx)
	if errors.Is(err, live.ErrNotRunning) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := s.State()
	if err != nil {
		return nil, nil //nolint:nilerr // it does not answer yet
	}
	for _, n := range st.Nodes() {
		if n.Name == name {
			return &n, nil
		}
	}
	return nil, report.Items{report.Errorf("Node '%s' does not appear to exist in configuration", name)}
}
