// Package query is `pcs status query`: questions about one resource, answered for scripts by a
// word and an exit code.
package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// noCode is the exit code of the answer no.
const noCode = 2

// name is a resource as asked for: an id, and the number of an instance behind a colon.
type name struct{ id, instance string }

func (n name) String() string {
	if n.instance == "" {
		return n.id
	}
	return n.id + ":" + n.instance
}

// question is one kind of query; args are the words behind it.
type question func(s *session.Session, n name, args []string) error

var questions = map[string]question{
	"exists":             exists,
	"is-type":            isType,
	"get-type":           getType,
	"is-stonith":         isStonith,
	"get-members":        members,
	"get-nodes":          nodes,
	"is-state":           isState,
	"is-in-group":        inside((*cluster).group),
	"is-in-clone":        inside((*cluster).clone),
	"is-in-bundle":       inside((*cluster).bundle),
	"get-index-in-group": index,
}

// Resource is `status query resource ID QUESTION`.
func Resource(s *session.Session, args []string) error {
	if len(args) < 2 {
		return argv.Usage()
	}
	ask, ok := questions[args[1]]
	if !ok {
		return argv.Usage()
	}
	s.Command = append(slices.Clone(s.Command), "<resource-id>", args[1])
	if args[0] == "" {
		return argv.Usage()
	}
	n := name{id: args[0]}
	if at := strings.LastIndex(n.id, ":"); at >= 0 {
		n.id, n.instance = n.id[:at], n.id[at+1:]
	}
	return ask(s, n, args[2:])
}

// load reads the state of the resources.
func load(s *session.Session) (*cluster, error) {
	st, err := s.State()
	if err != nil {
		return nil, err
	}
	c, warnings, err := read(st.Model())
	s.Out.Tell(warnings...)
	return c, err
}

// answer tells yes or no.
func answer(s *session.Session, yes bool) error {
	if !s.Opts.Has("--quiet") {
		s.Out.Print(map[bool]string{true: "True", false: "False"}[yes])
	}
	if yes {
		return nil
	}
	return report.Exit(noCode)
}

func yesNoOptions(s *session.Session) error { return s.Opts.Only("--quiet", "-f") }

func exists(s *session.Session, n name, args []string) error {
	if len(args) > 0 {
		return argv.Usage()
	}
	if err := yesNoOptions(s); err != nil {
		return err
	}
	c, err := load(s)
	if err != nil {
		return err
	}
	return answer(s, c.one(n) != nil)
}

func (c *cluster) must(n name) (*resource, error) {
	if r := c.one(n); r != nil {
		return r, nil
	}
	return nil, argv.Usagef("Resource '%s' does not exist", n)
}

// only gives the resource when it is of one of the kinds.
func (c *cluster) only(n name, kinds ...kind) (*resource, error) {
	r, err := c.must(n)
	if err != nil || slices.Contains(kinds, r.kind) {
		return r, err
	}
	return nil, unexpected(n, r.kind, kinds...)
}

func unexpected(n name, have kind, want ...kind) error {
	words := make([]string, len(want))
	for i, k := range want {
		words[i] = string(k)
	}
	return argv.Usagef("Resource '%s' has unexpected type '%s'. This command works only for resources of type %s", n, have, report.QuoteSorted(words))
}

func isType(s *session.Session, n name, args []string) error {
	if err := yesNoOptions(s); err != nil {
		return err
	}
	g, err := argv.GroupByKeywords(args, []string{"unique", "promotable"}, "type")
	if err == nil {
		err = g.RepeatOnly()
	}
	if err != nil {
		return err
	}
	if len(g.Flat("type")) != 1 {
		return argv.Usage()
	}
	word := g.Flat("type")[0]
	want := kind(strings.ToLower(word))
	if !slices.Contains(kinds, want) {
		return argv.Usagef("%s", s.Style.InvalidOptionValue("resource type", word, kindWords()).Text)
	}
	for _, extra := range []struct {
		word string
		can  func(kind) bool
	}{{"unique", canBeUnique}, {"promotable", canBePromotable}} {
		if !g.Has(extra.word) {
			continue
		}
		if len(g.Flat(extra.word)) > 0 {
			return argv.Usage()
		}
		if !extra.can(want) {
			return argv.Usagef("type '%s' cannot be %s", want, extra.word)
		}
	}
	c, err := load(s)
	if err != nil {
		return err
	}
	r, err := c.must(n)
	if err != nil {
		return err
	}
	yes := r.kind == want
	if g.Has("unique") {
		yes = yes && r.is("unique")
	}
	if g.Has("promotable") {
		yes = yes && r.is("multi_state")
	}
	return answer(s, yes)
}

// what reads a resource for a question that is answered by words.
func what(s *session.Session, args []string) (*cluster, error) {
	if len(args) > 0 {
		return nil, argv.Usage()
	}
	if err := s.Opts.Only("-f"); err != nil {
		return nil, err
	}
	return load(s)
}

func getType(s *session.Session, n name, args []string) error {
	c, err := what(s, args)
	if err != nil {
		return err
	}
	r, err := c.must(n)
	if err != nil {
		return err
	}
	words := []string{string(r.kind)}
	if canBeUnique(r.kind) && r.is("unique") {
		words = append(words, "unique")
	}
	if canBePromotable(r.kind) && r.is("multi_state") {
		words = append(words, "promotable")
	}
	s.Out.Print(strings.Join(words, " "))
	return nil
}

func isStonith(s *session.Session, n name, args []string) error {
	if len(args) > 0 {
		return argv.Usage()
	}
	if err := yesNoOptions(s); err != nil {
		return err
	}
	c, err := load(s)
	if err != nil {
		return err
	}
	r, err := c.must(n)
	if err != nil {
		return err
	}
	return answer(s, r.kind == primitive && strings.HasPrefix(r.attrs["resource_agent"], "stonith:"))
}

func members(s *session.Session, n name, args []string) error {
	c, err := what(s, args)
	if err != nil {
		return err
	}
	r, err := c.only(n, group, clone, bundle)
	if err != nil {
		return err
	}
	var ids []string
	for _, m := range r.members {
		if r.kind == group || !m.orphaned() && !slices.Contains(ids, m.id) && !m.container {
			ids = append(ids, m.id)
		}
	}
	s.Out.Print(strings.Join(ids, "\n"))
	return nil
}

func nodes(s *session.Session, n name, args []string) error {
	c, err := what(s, args)
	if err != nil {
		return err
	}
	list := c.all(n)
	if n.instance == "" && len(list) == 0 {
		return argv.Usagef("Resource '%s' does not exist", n)
	}
	if n.instance != "" && len(list) == 0 {
		return argv.Usagef("Resource '%s' does not exist", n)
	}
	var names []string
	for _, r := range list {
		names = append(names, r.runsOn()...)
	}
	slices.Sort(names)
	s.Out.Print(strings.Join(names, "\n"))
	return nil
}

// group is the group that a primitive is in, "" for none.
func (c *cluster) group(n name) (string, error) {
	if _, err := c.only(n, primitive); err != nil {
		return "", err
	}
	return c.parentOf(n.id, group), nil
}

// clone is the clone that a primitive, or the group that it is in, is in.
func (c *cluster) clone(n name) (string, error) {
	if _, err := c.only(n, primitive, group); err != nil {
		return "", err
	}
	id := n.id
	if g := c.parentOf(id, group); g != "" {
		id = g
	}
	return c.parentOf(id, clone), nil
}

// bundle is the bundle that a primitive is in.
func (c *cluster) bundle(n name) (string, error) {
	if _, err := c.only(n, primitive); err != nil {
		return "", err
	}
	return c.parentOf(n.id, bundle), nil
}

// inside makes a question of a search for what a resource is in.
func inside(find func(*cluster, name) (string, error)) question {
	return func(s *session.Session, n name, args []string) error {
		if len(args) > 1 {
			return argv.Usage()
		}
		if err := yesNoOptions(s); err != nil {
			return err
		}
		c, err := load(s)
		if err != nil {
			return err
		}
		id, err := find(c, n)
		if err != nil {
			return err
		}
		err = answer(s, id != "" && (len(args) == 0 || args[0] == id))
		if id != "" && !s.Opts.Has("--quiet") {
			s.Out.Print(id)
		}
		return err
	}
}

func index(s *session.Session, n name, args []string) error {
	c, err := what(s, args)
	if err != nil {
		return err
	}
	if _, err := c.only(n, primitive); err != nil {
		return err
	}
	id := c.parentOf(n.id, group)
	if id == "" {
		return argv.Usagef("Resource '%s' is not in a group", n)
	}
	g := c.one(name{id: id})
	s.Out.Print(fmt.Sprint(slices.IndexFunc(g.members, func(m *resource) bool { return m.id == n.id })))
	return nil
}

func isState(s *session.Session, n name, args []string) error {
	g, err := argv.GroupByKeywords(args, []string{"on-node", "members", "instances"}, "state")
	if err == nil {
		err = g.RepeatOnly()
	}
	if err != nil {
		return err
	}
	t := &test{}
	words := g.Flat("state")
	if len(words) == 0 || len(words) > 2 {
		return argv.Usage()
	}
	if t.conditions = states[strings.ToLower(words[0])]; t.conditions == nil {
		return argv.Usagef("%s", s.Style.InvalidOptionValue("state", words[0], stateWords()).Text)
	}
	if len(words) == 2 {
		if strings.ToLower(words[0]) != "locked_to" {
			return argv.Usage()
		}
		t.conditions = []condition{is("locked_to", words[1])}
	}
	if g.Has("on-node") {
		if len(g.Flat("on-node")) != 1 {
			return argv.Usage()
		}
		t.node, t.onNode = g.Flat("on-node")[0], true
	}
	for _, q := range []struct {
		word string
		to   *quantifier
	}{{"members", &t.members}, {"instances", &t.instances}} {
		if !g.Has(q.word) {
			continue
		}
		if len(g.Flat(q.word)) != 1 {
			return argv.Usage()
		}
		word := g.Flat(q.word)[0]
		if *q.to = quantifiers[strings.ToLower(word)]; *q.to == nil {
			return argv.Usagef("%s", s.Style.InvalidOptionValue(q.word, word, []string{"all", "any", "none"}).Text)
		}
	}
	if err := yesNoOptions(s); err != nil {
		return err
	}
	c, err := load(s)
	if err != nil {
		return err
	}
	yes, err := c.check(n, t)
	if err != nil {
		return err
	}
	return answer(s, yes)
}

var (
	errMembers   = errors.New("'members' quantifier can be used only on group resources or group instances of cloned groups")
	errInstances = errors.New("'instances' quantifier can be used only on clone resources and their instances, or on bundle resources and their replicas")
	errClones    = errors.New("Queries on clone state when bundle resources are present in the cluster are unsupported") //nolint:staticcheck // pcs's words
)
