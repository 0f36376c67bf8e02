package resource

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// Meta is `resource meta` since 0.10, MetaStonith the same of fence devices.
func Meta(s *session.Session, args []string) error {
	return meta(s, args, false, "pcs stonith meta")
}

// MetaStonith is `stonith meta`.
func MetaStonith(s *session.Session, args []string) error {
	return meta(s, args, true, "pcs resource meta")
}

func meta(s *session.Session, args []string, fence bool, use string) error {
	if err := s.Opts.Only("-f", "--force", "--wait"); err != nil {
		return err
	}
	if err := s.Opts.Exclusive("-f", "--wait"); err != nil {
		return err
	}
	plan := session.WaitPlan{}
	if v, given := s.Opts.Wait(); given {
		plan = session.WaitPlan{Given: true}
		if v != nil {
			n, ok := session.Seconds(*v)
			if !ok {
				return argv.Usagef("'%s' is not a valid interval value", *v)
			}
			plan = session.WaitSeconds(n)
		}
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	id := args[0]
	if err := s.TellKind(args[:1], fence, use); err != nil {
		return err
	}
	pairs, err := argv.KeyValues(args[1:])
	if err != nil {
		return err
	}
	if err := setMetas(s, id, pairs); err != nil {
		return err
	}
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
	text := session.RolesText(id, st.RolesWithNodes(id, true))
	s.Out.Print("R" + text[1:])
	return nil
}

// setMetas changes meta attributes of any resource.
func setMetas(s *session.Session, id string, pairs argv.Pairs) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	el, err := session.ResourceByID(root, id)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	if el.Tag == "master" {
		masterToClone(el, ids)
	}
	names, addrs, items, err := ExistingNodes(s, root)
	if err != nil {
		return err
	}
	current := doc.FirstSet(el, "meta_attributes")
	if !doc.IsStonith(el) {
		items = append(items, guestUpdate(s, root, names, addrs, pairs, current)...)
	}
	s.Out.Tell(items...)
	if doc.Is(el, "clone", "master") {
		if err := cloneMetaConflicts(s, el, pairs); err != nil {
			return err
		}
	}
	if s.Out.Failed() {
		return report.ErrFailed
	}
	set := doc.Child(el, "meta_attributes")
	if set == nil && slices.ContainsFunc(pairs, func(p argv.Pair) bool { return p.Value != "" }) {
		set = doc.Append(el, "meta_attributes", "id", ids.Sub(el, "meta_attributes"))
	}
	if set != nil {
		for _, p := range pairs {
			setNewPair(set, p, ids)
		}
	}
	if err := s.Push(root); err != nil {
		return err
	}
	if before, ok := current.Get("remote-node"); ok && s.Opts.Force() && pairs.Has("remote-node") && pairs.Value("remote-node") != before {
		forgetNode(s, before)
	}
	return nil
}

// idLength is how much of a name goes into the id that is made of it.
const idLength = 20

// setNewPair is doc.SetPair with an id that is not made longer than needed.
func setNewPair(set *etree.Element, p argv.Pair, ids *doc.IDs) {
	for _, nv := range doc.Children(set, "nvpair") {
		if doc.Attr(nv, "name") == p.Name {
			doc.SetPair(set, p.Name, p.Value, ids)
			return
		}
	}
	if p.Value != "" {
		doc.Append(set, "nvpair", "id", ids.Sub(set, string([]rune(p.Name)[:min(idLength, len([]rune(p.Name)))])), "name", p.Name, "value", p.Value)
	}
}

// masterToClone makes a master a promotable clone, its operations' roles those of promotable clones.
func masterToClone(master *etree.Element, ids *doc.IDs) {
	master.Tag = "clone"
	set := doc.Child(master, "meta_attributes")
	if set == nil {
		set = doc.Append(master, "meta_attributes", "id", ids.Sub(master, "meta_attributes"))
	}
	doc.SetPair(set, "promotable", "true", ids)
	for _, p := range doc.All(master, "primitive") {
		for _, op := range monitors(p) {
			if doc.Has(op, "role") {
				doc.Set(op, "role", rule.PrimaryRole(doc.Attr(op, "role")))
			}
		}
	}
}

// cloneMetaConflicts checks a clone's new meta attributes against the agents in it.
func cloneMetaConflicts(s *session.Session, clone *etree.Element, pairs argv.Pairs) error {
	child := doc.Cloned(clone)
	if child == nil {
		return nil
	}
	var group *etree.Element
	if child.Tag == "group" {
		group = child
	}
	missing := map[agents.Name]bool{}
	for _, p := range primitivesOf(clone) {
		n := agents.NameOf(p)
		if missing[n] {
			continue
		}
		if !n.OCF() {
			for _, attr := range []string{"globally-unique", "promotable"} {
				if number.IsTrue(pairs.Value(attr)) {
					s.Out.Tell(incompatible(attr, p, group))
				}
			}
			continue
		}
		a, err := s.Agent(n)
		if err != nil {
			missing[n] = true
			if err := s.Check(s.AgentError(n, err).As(s.Opts.Force())); err != nil {
				return err
			}
			continue
		}
		if a.Version == "1.1" && number.IsTrue(pairs.Value("promotable")) && !a.Promotable() {
			s.Out.Tell(incompatible("promotable", p, group).As(s.Opts.Force()))
		}
	}
	return nil
}

// guestUpdate checks changes of the attributes that connect a guest node. A guest node needs more
// than attributes, so that making, changing and removing one has verbs of its own.
func guestUpdate(s *session.Session, root *etree.Element, names, addrs []string, pairs, current argv.Pairs) []report.Item {
	items := check.Rules{Style: s.Style}.Check(pairs, check.Time("remote-connect-timeout").OrEmpty(), check.Port("remote-port").OrEmpty())
	items = append(items, guestConflicts(s, root, names, addrs, pairs.Value("remote-node"), pairs)...)
	forced := s.Opts.Force()
	if pairs.Has("remote-node") && !current.Has("remote-node") {
		return append(items, report.Forcible(forced, "this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest'"))
	}
	readd := report.Forcible(forced, "Changing connection parameters of an existing guest node is not sufficient for connecting to a different guest node, "+
		"remove the existing guest node with 'pcs cluster node remove-guest' and add a new one with 'pcs cluster node add-guest'")
	changed, emptied := false, false
	for _, n := range []string{"remote-node", "remote-addr"} {
		if pairs.Has(n) && current.Has(n) {
			changed = changed || pairs.Value(n) != current.Value(n)
			emptied = emptied || pairs.Value(n) == ""
		}
	}
	switch {
	case changed && emptied:
		items = append(items, report.Forcible(forced, "this command is not sufficient for removing a guest node, use 'pcs cluster node remove-guest'"))
	case changed && current.Has("remote-node"):
		items = append(items, readd)
	}
	if !current.Has("remote-addr") && current.Value("remote-node") != "" && pairs.Value("remote-addr") != "" {
		items = append(items, readd)
	}
	return items
}

// Utilization is `resource utilization` since 0.10.
func Utilization(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	s.WarnOfUtilization(root)
	if len(args) > 0 {
		if err := s.TellKind(args[:1], false, ""); err != nil {
			return err
		}
	}
	return Utilization09(s, args)
}
