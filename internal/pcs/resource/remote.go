package resource

import (
	"errors"
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// remoteAgent is the agent of connections to remote nodes.
var remoteAgent = agents.Name{Standard: "ocf", Provider: "pacemaker", Type: "remote"}

// Remote is a connection to a remote node that is to be made.
type Remote struct {
	p     *primitive
	agent *agents.Agent
}

// ParseRemote reads the options, operations and meta attributes of a connection.
func ParseRemote(s *session.Session, words []string) (*Remote, error) {
	p, err := parsePrimitive(s, words)
	return &Remote{p: p}, err
}

// NeedsDemote tells whether an operation needs a schema that knows on-fail=demote.
func (r *Remote) NeedsDemote() bool {
	return slices.ContainsFunc(r.p.operations, func(o argv.Pairs) bool { return o.Value("on-fail") == "demote" })
}

// Load reads the agent's description.
func (r *Remote) Load(s *session.Session) error {
	a, err := s.Agent(remoteAgent)
	if err != nil {
		return s.Check(s.AgentError(remoteAgent, err))
	}
	r.agent = a
	return nil
}

// Check tells what speaks against a node of that name at that address.
func (r *Remote) Check(s *session.Session, name, addr string, names, addrs []string) []report.Item {
	var items []report.Item
	if r.p.instance.Has("server") {
		allowed := slices.DeleteFunc(slices.Clone(r.agent.ParamNames()), func(n string) bool { return n == "server" })
		items = append(items, s.Style.InvalidOptions([]string{"server"}, allowed, "resource"))
	}
	used := slices.Contains(addrs, addr) || s.Legacy() && slices.Contains(names, addr)
	if used {
		items = append(items, s.Style.IDInUse(addr))
	}
	if (!used || addr != name) && slices.Contains(names, name) {
		items = append(items, s.Style.IDInUse(name))
	}
	return items
}

// Create makes the resource. before are items that are told together with what is found in doing so.
func (r *Remote) Create(s *session.Session, root *etree.Element, name, addr string, before []report.Item) error {
	resources, err := s.Resources(root)
	if err != nil {
		return err
	}
	if !s.Legacy() {
		if err := s.Check(before...); err != nil {
			return err
		}
	}
	r.p.id, r.p.hideServer = name, true
	if addr != name || !s.Legacy() {
		r.p.instance = r.p.instance.With("server", addr)
	}
	_, err = appendPrimitive(s, resources, r.p, r.agent, doc.NewIDs(root), false)
	var found report.Items
	switch {
	case errors.As(err, &found):
		// the same id may be in the way twice
		items := slices.Clone(before)
		for _, i := range found {
			if i.Code != notUnique && !slices.ContainsFunc(items, func(o report.Item) bool { return o.Text == i.Text }) {
				items = append(items, i)
			}
		}
		return s.Check(items...)
	case err != nil:
		return err
	case s.Legacy():
		return s.Check(before...)
	}
	return nil
}

// GuestOptions are the options of a guest node.
var GuestOptions = []string{"remote-addr", "remote-connect-timeout", "remote-port"}

// CheckGuest tells what speaks against making a resource a guest node.
func CheckGuest(s *session.Session, root *etree.Element, node string, options argv.Pairs, names, addrs []string) []report.Item {
	rules := check.Rules{Style: s.Style}
	items := rules.NamesIn(options, GuestOptions, "guest", check.Hard)
	port := check.Port("remote-port")
	if s.Legacy() {
		port.Words = "a port number (1-65535)"
	}
	items = append(items, rules.Check(options, check.Time("remote-connect-timeout"), port)...)
	if !s.Legacy() && node == "" {
		items = append(items, s.Style.EmptyOptionValue("node name", "", ""))
	}
	items = append(items, guestConflicts(s, root, names, addrs, node, options)...)
	if s.Legacy() && node == "" {
		items = append(items, s.Style.InvalidOptionValueText("node name", node, "no empty value"))
	}
	return items
}

// PacemakerNodes are names and addresses of the remote and guest nodes that the CIB makes.
func PacemakerNodes(root *etree.Element) (names, addrs []string) {
	for _, n := range pacemakerNodes(root) {
		names = append(names, n.name)
		addrs = append(addrs, n.addr)
	}
	return names, addrs
}

// WaitRunning waits as the plan says and tells where a resource runs, an error where it does not.
func WaitRunning(s *session.Session, plan session.WaitPlan, id string) error {
	return s.WaitFor(plan, []string{id}, session.Expect(true))
}

// Member is a resource of a group that another noun's verb makes.
type Member struct {
	ID, Agent string
	Instance  argv.Pairs
}

// CreateGroup makes a group of new resources, with the operations that their agents propose.
func CreateGroup(s *session.Session, root *etree.Element, id string, members []Member) error {
	resources, err := s.Resources(root)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	group := doc.Append(resources, "group", "id", id)
	for _, m := range members {
		a, err := FindAgent(s, m.Agent, false)
		if err != nil {
			return err
		}
		el, err := appendPrimitive(s, resources, &primitive{id: m.ID, agent: m.Agent, instance: m.Instance}, a, ids, false)
		if err != nil {
			return err
		}
		doc.Remove(el)
		group.AddChild(el)
	}
	return nil
}
