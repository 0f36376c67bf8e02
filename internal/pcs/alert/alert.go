// Package alert is `pcs alert`: programs that the cluster starts when something happens.
package alert

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// settings are what create and update were told.
type settings struct {
	main, options, meta argv.Pairs
}

func parse(s *session.Session, args []string, allowed ...string) (settings, error) {
	var st settings
	g, err := argv.GroupByKeywords(args, []string{"options", "meta"}, "main")
	if err != nil {
		return st, err
	}
	if s.Legacy() {
		if st.main, err = argv.KeyValues09(g.Flat("main")); err != nil {
			return st, err
		}
		for _, p := range st.main {
			if !contains(allowed, p.Name) {
				return st, argv.Usagef("Unexpected parameter '%s=%s'", p.Name, p.Value)
			}
		}
	} else {
		if err := argv.AllowedKeys(g.Flat("main"), allowed...); err != nil {
			return st, err
		}
		if st.main, err = argv.KeyValues(g.Flat("main")); err != nil {
			return st, err
		}
	}
	if st.options, err = s.KeyValues(g.Flat("options")); err != nil {
		return st, err
	}
	st.meta, err = s.KeyValues(g.Flat("meta"))
	return st, err
}

func contains(list []string, x string) bool {
	for _, l := range list {
		if l == x {
			return true
		}
	}
	return false
}

func open(s *session.Session) (*etree.Element, error) {
	if s.Legacy() {
		return s.CIBAtLeast([3]int{2, 5, 0})
	}
	return s.CIB()
}

func (st settings) apply(el *etree.Element, ids *doc.IDs) {
	doc.ArrangeFirstSet(el, "instance_attributes", st.options, ids, "")
	doc.ArrangeFirstSet(el, "meta_attributes", st.meta, ids, "")
}

func setOptional(el *etree.Element, st settings, name string) {
	if v, ok := st.main.Get(name); ok {
		doc.SetOrDrop(el, name, v)
	}
}

func missing(s *session.Session, name string) report.Item {
	return s.Style.RequiredMissing([]string{name}, "")
}

// Create is `alert create`.
func Create(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	st, err := parse(s, args, "id", "description", "path")
	if err != nil {
		return err
	}
	path := st.main.Value("path")
	if path == "" && s.Legacy() {
		return s.Check(missing(s, "path"))
	}
	root, err := open(s)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	var items []report.Item
	if path == "" {
		items = append(items, missing(s, "path"))
	}
	id := st.main.Value("id")
	if id != "" {
		items = append(items, check.IDs(id, "alert-id")...)
		if len(ids.Book(id)) > 0 && (!s.Legacy() || len(items) == 0) {
			items = append(items, s.Style.IDInUse(id))
		}
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	if id == "" {
		id = ids.Allocate("alert")
	}
	el := doc.Append(doc.EnsureSection(root, "alerts"), "alert", "id", id, "path", path)
	if d := st.main.Value("description"); d != "" {
		doc.Set(el, "description", d)
	}
	st.apply(el, ids)
	return s.Push(root)
}

func find(s *session.Session, root *etree.Element, tag, id string) (*etree.Element, []report.Item) {
	return s.Find(doc.EnsureSection(root, "alerts"), id, []string{tag})
}

// Update is `alert update`.
func Update(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	st, err := parse(s, args[1:], "description", "path")
	if err != nil {
		return err
	}
	root, err := open(s)
	if err != nil {
		return err
	}
	el, items := find(s, root, "alert", args[0])
	if el == nil {
		return report.Items(items)
	}
	if p := st.main.Value("path"); p != "" {
		doc.Set(el, "path", p)
	}
	setOptional(el, st, "description")
	st.apply(el, doc.NewIDs(root))
	return s.Push(root)
}

// Remove is `alert remove` and `delete`.
func Remove(s *session.Session, args []string) error { return remove(s, args, "alert") }

// RecipientRemove is `alert recipient remove` and `delete`.
func RecipientRemove(s *session.Session, args []string) error { return remove(s, args, "recipient") }

func remove(s *session.Session, args []string, tag string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	root, err := open(s)
	if err != nil {
		return err
	}
	var items []report.Item
	for _, a := range args {
		el, bad := find(s, root, tag, a)
		if el == nil {
			items = append(items, bad...)
			continue
		}
		doc.Remove(el)
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	return s.Push(root)
}

// same tells of another recipient of the alert with the value.
func same(s *session.Session, alert *etree.Element, value, id string) []report.Item {
	for _, r := range doc.Children(alert, "recipient") {
		if doc.Attr(r, "value") == value && doc.ID(r) != id {
			return []report.Item{report.Errorf("Recipient '%s' in alert '%s' already exists", value, doc.ID(alert)).As(s.Opts.Force())}
		}
	}
	return nil
}

// RecipientAdd is `alert recipient add`.
func RecipientAdd(s *session.Session, args []string) error {
	if err := s.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	st, err := parse(s, args[1:], "description", "id", "value")
	if err != nil {
		return err
	}
	value := st.main.Value("value")
	if value == "" && s.Legacy() {
		return s.Check(missing(s, "value"))
	}
	root, err := open(s)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	id, haveID := st.main.Get("id")
	if s.Legacy() && haveID && len(ids.Book(id)) > 0 {
		return s.Check(s.Style.IDInUse(id))
	}
	alert, bad := find(s, root, "alert", args[0])
	if alert == nil {
		return report.Items(bad)
	}
	var items []report.Item
	if value == "" {
		items = append(items, missing(s, "value"))
	} else {
		items = append(items, same(s, alert, value, id)...)
	}
	if !s.Legacy() && id != "" {
		items = append(items, check.IDs(id, "recipient-id")...)
		if len(ids.Book(id)) > 0 {
			items = append(items, s.Style.IDInUse(id))
		}
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	if id == "" {
		id = ids.Sub(alert, "recipient")
	}
	el := doc.Append(alert, "recipient", "id", id, "value", value)
	if d := st.main.Value("description"); d != "" {
		doc.Set(el, "description", d)
	}
	st.apply(el, ids)
	return s.Push(root)
}

// RecipientUpdate is `alert recipient update`.
func RecipientUpdate(s *session.Session, args []string) error {
	if err := s.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	st, err := parse(s, args[1:], "description", "value")
	if err != nil {
		return err
	}
	value, haveValue := st.main.Get("value")
	invalid := report.Errorf("Recipient value '%s' is not valid.", value)
	if haveValue && value == "" && s.Legacy() {
		return s.Check(invalid)
	}
	root, err := open(s)
	if err != nil {
		return err
	}
	el, bad := find(s, root, "recipient", args[0])
	if el == nil {
		return report.Items(bad)
	}
	var items []report.Item
	if haveValue {
		if value == "" {
			items = append(items, invalid)
		} else {
			items = append(items, same(s, el.Parent(), value, doc.ID(el))...)
		}
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	if haveValue {
		doc.Set(el, "value", value)
	}
	setOptional(el, st, "description")
	st.apply(el, doc.NewIDs(root))
	return s.Push(root)
}

// Lines09 are the alerts as 0.9 shows them.
func Lines09(root *etree.Element) []string {
	out := []string{"Alerts:"}
	describe := func(el *etree.Element, blank string) (lines []string) {
		if d := doc.Attr(el, "description"); d != "" {
			lines = append(lines, blank+"Description: "+d)
		}
		for _, set := range []struct{ tag, label string }{{"instance_attributes", "Options"}, {"meta_attributes", "Meta options"}} {
			var words []string
			for _, p := range doc.FirstSet(el, set.tag) {
				words = append(words, p.Name+"="+p.Value)
			}
			if len(words) > 0 {
				lines = append(lines, blank+set.label+": "+strings.Join(words, " "))
			}
		}
		return lines
	}
	all := doc.Children(doc.Section(root, "alerts"), "alert")
	for _, a := range all {
		out = append(out, " Alert: "+doc.ID(a)+" (path="+doc.Attr(a, "path")+")")
		out = append(out, describe(a, "  ")...)
		recipients := doc.Children(a, "recipient")
		if len(recipients) > 0 {
			out = append(out, "  Recipients:")
		}
		for _, r := range recipients {
			out = append(out, "   Recipient: "+doc.ID(r)+" (value="+doc.Attr(r, "value")+")")
			out = append(out, describe(r, "    ")...)
		}
	}
	if len(all) == 0 {
		out = append(out, " No alerts defined")
	}
	return out
}

// Config09 is `alert config` and `alert show` of 0.9.
func Config09(s *session.Session, args []string) error {
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	s.Out.Print(Lines09(root)...)
	return nil
}
