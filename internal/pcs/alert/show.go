package alert

import (
	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

var sets = []struct{ tag, label, word string }{{"instance_attributes", "Attributes", "options"}, {"meta_attributes", "Meta Attributes", "meta"}}

func setLines(el *etree.Element) []string {
	var out []string
	for _, x := range sets {
		if all := rule.ReadSets(el, x.tag, nil); len(all) > 0 && len(all[0].Pairs) > 0 {
			out = append(out, all[0].Lines(x.label, false)...)
		}
	}
	return out
}

func selectLines(alert *etree.Element) []string {
	sel := doc.Child(alert, "select")
	if sel == nil {
		return nil
	}
	out := []string{"Receives:"}
	for _, k := range []string{"nodes", "fencing", "resources"} {
		if doc.Child(sel, "select_"+k) != nil {
			out = append(out, "  "+k)
		}
	}
	if a := doc.Child(sel, "select_attributes"); a != nil {
		var names []string
		for _, x := range doc.All(sel, "attribute") {
			names = append(names, doc.Attr(x, "name"))
		}
		line := "  attributes"
		if len(names) > 0 {
			line += ": " + report.QuoteSorted(names)
		}
		out = append(out, line)
	}
	return out
}

func descriptionLines(el *etree.Element) []string {
	if d := doc.Attr(el, "description"); d != "" {
		return []string{"Description: " + d}
	}
	return nil
}

// Lines are the alerts as text.
func Lines(root *etree.Element) []string {
	var out []string
	for _, a := range doc.Children(doc.Section(root, "alerts"), "alert") {
		lines := append(descriptionLines(a), "Path: "+doc.Attr(a, "path"))
		recipients := doc.Children(a, "recipient")
		if len(recipients) > 0 {
			lines = append(lines, "Recipients:")
		}
		for _, r := range recipients {
			lines = append(lines, "  Recipient: "+doc.ID(r))
			inner := append(descriptionLines(r), "Value: "+doc.Attr(r, "value"))
			lines = append(lines, show.IndentBy(append(inner, setLines(r)...), 4)...)
		}
		lines = append(lines, selectLines(a)...)
		lines = append(lines, setLines(a)...)
		out = append(out, "Alert: "+doc.ID(a))
		out = append(out, show.Indent(lines)...)
	}
	return out
}

func commandTail(el *etree.Element) string {
	out := ""
	if d := doc.Attr(el, "description"); d != "" {
		out += " description=" + show.Shell(d)
	}
	for _, x := range sets {
		if all := rule.ReadSets(el, x.tag, nil); len(all) > 0 && len(all[0].Pairs) > 0 {
			out += " " + x.word + " " + show.ShellPairs(all[0].NameValues())
		}
	}
	return out
}

func commands(root *etree.Element) []string {
	var out []string
	for _, a := range doc.Children(doc.Section(root, "alerts"), "alert") {
		id := show.Shell(doc.ID(a))
		out = append(out, "pcs -- alert create path="+show.Shell(doc.Attr(a, "path"))+" id="+id+commandTail(a))
		for _, r := range doc.Children(a, "recipient") {
			out = append(out, "pcs -- alert recipient add "+id+" value="+show.Shell(doc.Attr(r, "value"))+" id="+show.Shell(doc.ID(r))+commandTail(r))
		}
	}
	return out
}

func setsJSON(el *etree.Element) show.Object {
	return show.Object{
		{Name: "meta_attributes", Value: rule.SetsJSON(rule.ReadSets(el, "meta_attributes", nil))},
		{Name: "instance_attributes", Value: rule.SetsJSON(rule.ReadSets(el, "instance_attributes", nil))},
	}
}

// JSON is the alerts as data.
func JSON(root *etree.Element) show.Object {
	list := []any{}
	for _, a := range doc.Children(doc.Section(root, "alerts"), "alert") {
		recipients := []any{}
		for _, r := range doc.Children(a, "recipient") {
			o := show.Object{{Name: "id", Value: doc.ID(r)}, {Name: "value", Value: doc.Attr(r, "value")}, {Name: "description", Value: show.Attr(r, "description")}}
			recipients = append(recipients, append(o, setsJSON(r)...))
		}
		var selects any
		if sel := doc.Child(a, "select"); sel != nil {
			attrs := []any{}
			for _, x := range doc.All(sel, "attribute") {
				attrs = append(attrs, show.Object{{Name: "id", Value: doc.ID(x)}, {Name: "name", Value: doc.Attr(x, "name")}})
			}
			has := func(k string) bool { return doc.Child(sel, "select_"+k) != nil }
			selects = show.Object{
				{Name: "nodes", Value: has("nodes")},
				{Name: "fencing", Value: has("fencing")},
				{Name: "resources", Value: has("resources")},
				{Name: "attributes", Value: has("attributes")},
				{Name: "attributes_select", Value: attrs},
			}
		}
		o := show.Object{
			{Name: "id", Value: doc.ID(a)},
			{Name: "path", Value: doc.Attr(a, "path")},
			{Name: "description", Value: show.Attr(a, "description")},
			{Name: "recipients", Value: recipients},
			{Name: "select", Value: selects},
		}
		list = append(list, append(o, setsJSON(a)...))
	}
	return show.Object{{Name: "alerts", Value: list}}
}

// Config is `alert config`.
func Config(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--output-format"); err != nil {
		return err
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	switch format {
	case "json":
		s.Out.Print(show.JSON(JSON(root), 2))
	case "cmd":
		if c := commands(root); len(c) > 0 {
			s.Out.Print(show.CommandList(c))
		}
	default:
		s.Out.Print(Lines(root)...)
	}
	return nil
}

// Show is `alert show` from 0.10 on.
func Show(s *session.Session, args []string) error {
	s.Deprecated("This command is deprecated and will be removed. Please use 'pcs alert config' instead.")
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	s.Out.Print(Lines(root)...)
	return nil
}

// AllJSON is `alert get_all_alerts`, for web front ends.
func AllJSON(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	pairs := func(el *etree.Element, tag string) []any {
		out := []any{}
		for _, nv := range doc.Children(doc.Child(el, tag), "nvpair") {
			out = append(out, show.Object{{Name: "id", Value: doc.ID(nv)}, {Name: "name", Value: doc.Attr(nv, "name")}, {Name: "value", Value: doc.Attr(nv, "value")}})
		}
		return out
	}
	both := func(el *etree.Element) show.Object {
		return show.Object{
			{Name: "description", Value: doc.Attr(el, "description")},
			{Name: "instance_attributes", Value: pairs(el, "instance_attributes")},
			{Name: "meta_attributes", Value: pairs(el, "meta_attributes")},
		}
	}
	list := []any{}
	for _, a := range doc.Children(doc.Section(root, "alerts"), "alert") {
		recipients := []any{}
		for _, r := range doc.Children(a, "recipient") {
			recipients = append(recipients, append(show.Object{{Name: "id", Value: doc.ID(r)}, {Name: "value", Value: doc.Attr(r, "value")}}, both(r)...))
		}
		o := append(show.Object{{Name: "id", Value: doc.ID(a)}, {Name: "path", Value: doc.Attr(a, "path")}}, both(a)...)
		list = append(list, append(o, show.Field{Name: "recipient_list", Value: recipients}))
	}
	s.Out.Print(show.JSON(list, 0))
	return nil
}
