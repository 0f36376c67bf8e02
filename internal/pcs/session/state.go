package session

import (
	"errors"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
)

// State is what crm_mon says of the cluster that the verb works on.
type State struct{ Root *etree.Element }

// StateNode is a node in a state.
type StateNode struct {
	ID, Name, Type                                    string
	Online, Standby, StandbyOnFail, Maintenance       bool
	Pending, Unclean, Shutdown, ExpectedUp, DC, Guest bool
	Resources                                         int
}

// State asks crm_mon.
func (s *Session) State() (*State, error) {
	r, err := s.monitorXML()
	if err != nil {
		return nil, s.stateError(err.Error())
	}
	if r.Code != 0 {
		return nil, s.stateError(strings.TrimSpace(messageOf(r.Stdout, r.Stderr)))
	}
	root, err := doc.Parse([]byte(r.Stdout))
	if err != nil {
		return nil, report.Items{report.Errorf("cannot load cluster status, xml does not conform to the schema")}
	}
	return &State{root}, nil
}

// messageOf is what a program said that failed and answers in XML.
func messageOf(stdout, stderr string) string {
	root, err := doc.Parse([]byte(stdout))
	if err != nil {
		return strings.TrimSpace(strings.TrimSpace(stderr) + "\n" + strings.TrimSpace(stdout))
	}
	st := doc.Child(root, "status")
	if st == nil {
		return strings.TrimSpace(stderr)
	}
	lines := []string{doc.Attr(st, "message")}
	for _, e := range doc.All(st, "error") {
		lines = append(lines, strings.TrimSpace(e.Text()))
	}
	return strings.Join(lines, "\n")
}

func (s *Session) stateError(reason string) error {
	if reason != "" {
		reason = "\n" + reason
	}
	if s.Legacy() {
		return report.Items{report.Errorf("error running crm_mon, is pacemaker running?%s", reason)}
	}
	return report.Items{report.Errorf("error running crm_mon, is pacemaker running?%s", strings.ReplaceAll(reason, "\n", "\n  "))}
}

// Nodes are the nodes of the state.
func (st *State) Nodes() []StateNode {
	var out []StateNode
	is := func(el *etree.Element, name string) bool { return doc.Attr(el, name) == "true" }
	for _, n := range doc.Children(doc.Child(st.Root, "nodes"), "node") {
		count, _ := strconv.Atoi(doc.Attr(n, "resources_running"))
		out = append(out, StateNode{
			ID: doc.ID(n), Name: doc.Attr(n, "name"), Type: doc.Attr(n, "type"), Online: is(n, "online"), Standby: is(n, "standby"),
			StandbyOnFail: is(n, "standby_onfail"), Maintenance: is(n, "maintenance"), Pending: is(n, "pending"), Unclean: is(n, "unclean"),
			Shutdown: is(n, "shutdown"), ExpectedUp: is(n, "expected_up"), DC: is(n, "is_dc"), Resources: count,
		})
	}
	return out
}

// sameID tells whether an element is the resource, or an instance ID:N of it.
func sameID(el *etree.Element, id string) bool {
	have := doc.ID(el)
	if have == id {
		return true
	}
	rest, ok := strings.CutPrefix(have, id+":")
	return ok && rest != ""
}

// primitives finds what runs for a resource: its instances, or those inside it.
func (st *State) primitives(id string) []*etree.Element {
	var out []*etree.Element
	section := doc.Child(st.Root, "resources")
	for _, r := range doc.All(section, "resource") {
		if sameID(r, id) {
			out = append(out, r)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, g := range doc.All(section, "group") {
		if sameID(g, id) {
			out = append(out, doc.Children(g, "resource")...)
		}
	}
	return out
}

// Managed tells whether the cluster may act on a resource; found is false when it is not there.
func (st *State) Managed(id string) (managed, found bool) {
	unmanaged := func(el *etree.Element) bool { return el != nil && doc.Attr(el, "managed") == "false" }
	if list := st.primitives(id); len(list) > 0 {
		for _, r := range list {
			if unmanaged(r) || unmanaged(doc.Ancestor(r, "clone", "bundle")) {
				return false, true
			}
		}
		return true, true
	}
	for _, p := range doc.All(doc.Child(st.Root, "resources"), "clone", "bundle") {
		if doc.ID(p) != id {
			continue
		}
		found = true
		if unmanaged(p) {
			return false, true
		}
		for _, r := range doc.All(p, "resource") {
			if unmanaged(r) {
				return false, true
			}
		}
	}
	return true, found
}

// RolesWithNodes are the nodes that a resource runs on, by role, those of failed instances left out.
func (st *State) RolesWithNodes(id string, expectRunning bool) map[string][]string {
	list := st.primitives(id)
	section := doc.Child(st.Root, "resources")
	if len(list) == 0 {
		for _, p := range doc.All(section, "clone", "bundle") {
			if doc.ID(p) == id {
				list = append(list, doc.All(p, "resource")...)
			}
		}
	}
	groups := map[*etree.Element][]*etree.Element{}
	var order []*etree.Element
	var kept []*etree.Element
	for _, r := range list {
		if g := r.Parent(); doc.Is(g, "group") && !sameID(r, id) {
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], r)
			continue
		}
		kept = append(kept, r)
	}
	for _, g := range order {
		members := groups[g]
		if expectRunning {
			kept = append(kept, members[len(members)-1])
		} else {
			kept = append(kept, members[0])
		}
	}
	out := map[string][]string{}
	for _, r := range kept {
		role := doc.Attr(r, "role")
		switch role {
		case "Master":
			role = "Promoted"
		case "Slave":
			role = "Unpromoted"
		}
		if doc.Attr(r, "failed") == "true" || role != "Started" && role != "Promoted" && role != "Unpromoted" {
			continue
		}
		for _, n := range doc.Children(r, "node") {
			out[role] = append(out[role], doc.Attr(n, "name"))
		}
	}
	return out
}

var errNoMonitor = errors.New("crm_mon cannot be run")

func (s *Session) monitorXML() (res resultText, err error) {
	var env []string
	if file, ok := s.File(); ok {
		env = append(env, "CIB_file="+file)
	}
	env = append(env, "PCS_COMPAT=0.11")
	r, err := s.World.Programs.Run(s.Ctx, env, "", "crm_mon", "--one-shot", "--inactive", "--output-as", "xml")
	if err != nil {
		return resultText{}, errors.Join(errNoMonitor, err)
	}
	return resultText{r.Stdout, r.Stderr, r.Code}, nil
}

type resultText struct {
	Stdout, Stderr string
	Code           int
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
		return nil, err
	}
	for _, n := range st.Nodes() {
		if n.Name == name {
			return &n, nil
		}
	}
	return nil, report.Items{report.Errorf("Node '%s' does not appear to exist in configuration", name)}
}
