// Package tag is `pcs tag`: names for sets of resources.
package tag

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// refs are the ids that a tag names.
func refs(tag *etree.Element) []string {
	var out []string
	for _, r := range doc.Children(tag, "obj_ref") {
		out = append(out, doc.ID(r))
	}
	return out
}

// Lines are tags as pcs lists them.
func Lines(tags []*etree.Element) []string {
	var out []string
	for _, t := range tags {
		out = append(out, doc.ID(t))
		out = append(out, show.Indent(refs(t))...)
	}
	return out
}

// All are the tags of a CIB.
func All(root *etree.Element) []*etree.Element { return doc.Children(doc.Section(root, "tags"), "tag") }

func open(s *session.Session) (root, tags *etree.Element, err error) {
	if root, err = s.CIB(); err != nil {
		return nil, nil, err
	}
	tags, err = s.OptionalSection(root, "tags")
	return root, tags, err
}

// find gives the tags of ids, and tells of those that are none.
func find(s *session.Session, section *etree.Element, ids []string) (tags []*etree.Element, items []report.Item) {
	for _, id := range ids {
		t, bad := s.Find(section, id, []string{"tag"})
		if t == nil {
			items = append(items, bad...)
			continue
		}
		tags = append(tags, t)
	}
	return tags, items
}

// Config is `tag config`.
func Config(s *session.Session, args []string) error {
	options := []string{"-f"}
	if s.Minor() >= 11 {
		options = append(options, "--output-format")
	}
	if err := s.Opts.Only(options...); err != nil {
		return err
	}
	_, section, err := open(s)
	if err != nil {
		return err
	}
	tags := doc.Children(section, "tag")
	if len(args) > 0 {
		var items []report.Item
		tags, items = find(s, section, args)
		if err := s.Check(items...); err != nil {
			return err
		}
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	switch format {
	case "json":
		list := []any{}
		for _, t := range tags {
			list = append(list, show.Object{{Name: "id", Value: doc.ID(t)}, {Name: "idref_list", Value: refs(t)}})
		}
		s.Out.Print(show.JSON(show.Object{{Name: "tags", Value: list}}, 2))
	case "cmd":
		var commands []string
		for _, t := range tags {
			commands = append(commands, "pcs -- tag create "+show.ShellWords(append([]string{doc.ID(t)}, refs(t)...)))
		}
		s.Out.Print(show.CommandList(commands))
	default:
		if len(tags) == 0 && s.Minor() < 11 {
			s.Out.Print(" No tags defined")
		}
		s.Out.Print(Lines(tags)...)
	}
	return nil
}

// List is `tag list`, the old name of config.
func List(s *session.Session, args []string) error {
	if s.Minor() >= 12 {
		return argv.Replaced("0.12", "pcs tag config")
	}
	s.Deprecated("This command is deprecated and will be removed. Please use 'pcs tag config' instead.")
	return Config(s, args)
}

func duplicates(ids []string, action string) []report.Item {
	var twice []string
	for i, id := range ids {
		if slices.Contains(ids[:i], id) && !slices.Contains(twice, id) {
			twice = append(twice, id)
		}
	}
	if len(twice) == 0 {
		return nil
	}
	return []report.Item{report.Errorf("Ids to %s must be unique, duplicate ids: %s", action, report.QuoteSorted(twice))}
}

// resources tells of ids that are no resources.
func resources(s *session.Session, root *etree.Element, ids []string) ([]report.Item, error) {
	section, err := s.Resources(root)
	if err != nil {
		return nil, err
	}
	var items []report.Item
	for _, id := range ids {
		if el, bad := s.Find(section, id, session.ResourceTags); el == nil {
			items = append(items, bad...)
		}
	}
	return items, nil
}

// Create is `tag create`.
func Create(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	root, section, err := open(s)
	if err != nil {
		return err
	}
	id, members := args[0], args[1:]
	items := check.IDs(id, "")
	if len(doc.NewIDs(root).Book(id)) > 0 {
		items = append(items, s.Style.IDInUse(id))
	}
	if slices.Contains(members, id) {
		items = append(items, report.Errorf("Tag cannot contain itself"))
	}
	strangers, err := resources(s, root, members)
	if err != nil {
		return err
	}
	items = append(items, strangers...)
	items = append(items, duplicates(members, "add")...)
	if err := s.Check(items...); err != nil {
		return err
	}
	t := doc.Append(section, "tag", "id", id)
	for _, m := range members {
		doc.Append(t, "obj_ref", "id", m)
	}
	return s.Push(root)
}

// referring are the ids of constraints that name a tag.
func referring(root *etree.Element, tag string) []string {
	var out []string
	for _, c := range doc.Children(doc.Section(root, "constraints"), "rsc_colocation", "rsc_location", "rsc_order", "rsc_ticket") {
		names := []string{doc.Attr(c, "rsc")}
		switch c.Tag {
		case "rsc_colocation":
			names = append(names, doc.Attr(c, "with-rsc"))
		case "rsc_order":
			names = []string{doc.Attr(c, "first"), doc.Attr(c, "then")}
		}
		if len(doc.All(c, "resource_set")) > 0 {
			names = nil
			for _, set := range doc.Children(c, "resource_set") {
				for _, r := range doc.Children(set, "resource_ref") {
					names = append(names, doc.ID(r))
				}
			}
		}
		if slices.Contains(names, tag) {
			out = append(out, doc.ID(c))
		}
	}
	return out
}

// Remove is `tag remove` and `tag delete`.
func Remove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	root, section, err := open(s)
	if err != nil {
		return err
	}
	if _, err := s.Section(root, "constraints"); err != nil {
		return err
	}
	var items []report.Item
	for _, id := range args {
		if by := referring(root, id); len(by) > 0 {
			items = append(items, report.Errorf("Tag '%s' cannot be removed because it is referenced in %s %s",
				id, report.Plural(len(by), "constraint", "constraints"), report.QuoteSorted(by)))
		}
	}
	tags, bad := find(s, section, args)
	if err := s.Check(append(items, bad...)...); err != nil {
		return err
	}
	for _, t := range tags {
		doc.Remove(t)
	}
	return s.Push(root)
}

// change is what `tag update` was asked for.
type change struct {
	id          string
	add, remove []string
	// beside is the member that new ones go next to; has tells whether one was named.
	beside     string
	has, after bool
}

func parseUpdate(s *session.Session, args []string) (change, error) {
	c := change{id: args[0], after: true}
	g, err := argv.GroupByKeywords(args[1:], []string{"add", "remove"}, "")
	if err != nil {
		return c, err
	}
	if err := g.RepeatOnly(); err != nil {
		return c, err
	}
	if !g.Has("add") && !g.Has("remove") || g.Empty("add") || g.Empty("remove") {
		return c, &argv.UsageError{Both: true, Hint: "Specify at least one id for 'add' or 'remove' arguments."}
	}
	c.add, c.remove = g.Flat("add"), g.Flat("remove")
	switch after, before := s.Opts.Has("--after"), s.Opts.Has("--before"); {
	case after && before:
		return c, argv.Usagef("Cannot specify both --before and --after")
	case after:
		c.beside, c.has = s.Opts.Value("--after"), true
	case before:
		c.beside, c.has, c.after = s.Opts.Value("--before"), true, false
	}
	return c, nil
}

func member(t *etree.Element, id string) *etree.Element {
	for _, r := range doc.Children(t, "obj_ref") {
		if doc.ID(r) == id {
			return r
		}
	}
	return nil
}

// Update is `tag update`.
func Update(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--after", "--before"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	c, err := parseUpdate(s, args)
	if err != nil {
		return err
	}
	root, section, err := open(s)
	if err != nil {
		return err
	}
	t, items := s.Find(section, c.id, []string{"tag"})
	strangers, err := resources(s, root, show.Unique(c.add))
	if err != nil {
		return err
	}
	if err := s.Check(append(items, c.check(t, strangers)...)...); err != nil {
		return err
	}
	c.apply(t)
	return s.Push(root)
}

// check gives what speaks against a change; t is nil where there is no such tag.
func (c change) check(t *etree.Element, strangers []report.Item) []report.Item {
	var items []report.Item
	if len(c.add) == 0 && c.has {
		items = append(items, report.Errorf("Cannot specify adjacent id '%s' without ids to add", c.beside))
	}
	var common []string
	for _, id := range show.Unique(c.add) {
		if slices.Contains(c.remove, id) {
			common = append(common, id)
		}
	}
	if len(common) > 0 {
		items = append(items, report.Errorf("Ids cannot be added and removed at the same time: %s", report.QuoteSorted(common)))
	}
	items = append(items, duplicates(c.add, "add")...)
	items = append(items, strangers...)
	if t == nil {
		return items
	}
	var there, gone []string
	for _, id := range show.Unique(c.add) {
		if member(t, id) != nil {
			there = append(there, id)
		}
	}
	if len(there) > 0 && !c.has {
		items = append(items, report.Errorf("Cannot add reference %s already in the tag '%s': %s", report.Plural(len(there), "id", "ids"), c.id, report.QuoteSorted(there)))
	}
	if len(c.remove) > 0 {
		removal := duplicates(c.remove, "remove")
		for _, id := range show.Unique(c.remove) {
			if member(t, id) == nil {
				gone = append(gone, id)
			}
		}
		if len(gone) > 0 {
			removal = append(removal, report.Errorf("Tag '%s' does not contain %s: %s", c.id, report.Plural(len(gone), "id", "ids"), report.QuoteSorted(gone)))
		}
		if len(removal) == 0 && len(c.add) == 0 && len(doc.Children(t, "obj_ref")) == len(c.remove) {
			removal = append(removal, report.Errorf("There would be no references left in the tag '%s', please remove the whole tag using the 'pcs tag remove %s' command", c.id, c.id))
		}
		items = append(items, removal...)
	}
	if !c.has {
		return items
	}
	if member(t, c.beside) == nil {
		return append(items, report.Errorf("There is no reference id '%s' in the tag '%s', cannot put reference ids next to it in the tag", c.beside, c.id))
	}
	if slices.Contains(c.add, c.beside) {
		items = append(items, report.Errorf("Cannot put id '%s' next to itself.", c.beside))
	}
	if slices.Contains(c.remove, c.beside) {
		items = append(items, report.Errorf("Cannot remove id '%s' next to which ids are being added", c.beside))
	}
	return items
}

func (c change) apply(t *etree.Element) {
	at := member(t, c.beside)
	for _, id := range c.add {
		el := member(t, id)
		if el == nil {
			el = doc.New("obj_ref", "id", id)
		} else {
			doc.Remove(el)
		}
		switch {
		case !c.has:
			t.AddChild(el)
		case c.after:
			doc.InsertAfter(el, at)
			at = el
		default:
			doc.InsertBefore(t, el, at)
		}
	}
	for _, id := range c.remove {
		doc.Remove(member(t, id))
	}
}
