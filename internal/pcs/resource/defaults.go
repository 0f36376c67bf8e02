package resource

import (
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// Defaults are the verbs below `resource defaults` and `resource op defaults`.
type Defaults struct {
	// Section is rsc_defaults or op_defaults, Command the words before the verb.
	Section, Command string
	// Rules says which expressions rules may hold.
	Rules rule.Context
}

// ResourceDefaults are those of resources, OperationDefaults of operations.
var (
	ResourceDefaults  = Defaults{"rsc_defaults", "resource defaults", rule.Context{Resources: true}}
	OperationDefaults = Defaults{"op_defaults", "resource op defaults", rule.Context{Resources: true, Operations: true, Attributes: true}}
)

func (d Defaults) overridden() report.Item {
	return report.Warnf("Defaults do not apply to resources which override them with their own defined values")
}

// Run is the verb without a word: name=value is the old form of update.
func (d Defaults) Run(s *session.Session, args []string) error {
	if len(args) == 0 || !strings.Contains(args[0], "=") {
		return argv.Usage()
	}
	s.Deprecated("This command is deprecated and will be removed. Please use 'pcs " + d.Command + " update' instead.")
	return d.Update(s, args)
}

// Create is `set create`.
func (d Defaults) Create(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	groups, err := argv.GroupByKeywords(args, []string{"meta", "rule"}, "options")
	if err != nil {
		return err
	}
	if err := groups.RepeatOnly(); err != nil {
		return err
	}
	pairs, err := argv.KeyValues(groups.Flat("meta"))
	if err != nil {
		return err
	}
	options, err := argv.KeyValues(groups.Flat("options"))
	if err != nil {
		return err
	}
	var tree *rule.Tree
	var syntax error
	rule.WarnOfWords(s, groups.Flat("rule"))
	text := strings.Join(groups.Flat("rule"), " ")
	if text != "" {
		tree, syntax = rule.ParseTree(text)
	}
	root, err := d.cibFor(s, tree)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	rules := check.Rules{Style: s.Style}
	items := rules.NamesIn(options, []string{"id", "score"}, "", check.ByForce(s.Opts.Force()))
	if id, ok := options.Get("id"); ok {
		bad := check.IDs(id, "id")
		if len(bad) == 0 && len(ids.Book(id)) > 0 {
			bad = []report.Item{s.Style.IDInUse(id)}
		}
		items = append(items, bad...)
	}
	if v, ok := options.Get("score"); ok && !check.IsScore(v) {
		items = append(items, report.Errorf("invalid score '%s', use integer or INFINITY or -INFINITY", v))
	}
	switch {
	case syntax != nil:
		items = append(items, report.Errorf("%s", syntax))
	case tree != nil:
		items = append(items, tree.Check(s.Style, d.Rules)...)
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	appendNewSet(doc.EnsureSection(root, d.Section), ids, pairs, options, tree, rule.Scored(s.Minor(), root))
	s.Out.Tell(d.overridden())
	return s.Push(root)
}

// cibFor reads the CIB, its schema raised to what a rule needs.
func (d Defaults) cibFor(s *session.Session, tree *rule.Tree) (*etree.Element, error) {
	if tree == nil {
		return s.LibCIB()
	}
	if s.Minor() >= 12 {
		return s.CIBAtLeast([3]int{3, 9, 0})
	}
	var need [3]int
	if tree.Any(func(t *rule.Tree) bool { return t.Kind == rule.ResourceKind || t.Kind == rule.Operation }) {
		need = [3]int{3, 4, 0}
	}
	if tree.Any(func(t *rule.Tree) bool { return t.Kind == rule.Attribute && t.Type == "integer" }) {
		need = [3]int{3, 5, 0}
	}
	return s.CIBAtLeast(need)
}

// appendNewSet makes a set of meta attributes at the end of a section.
func appendNewSet(section *etree.Element, ids *doc.IDs, pairs, options argv.Pairs, tree *rule.Tree, scored bool) {
	if options.Value("id") == "" {
		options = options.With("id", ids.Sub(section, "meta_attributes"))
	}
	set := doc.Append(section, "meta_attributes")
	for _, o := range options {
		doc.SetOrDrop(set, o.Name, o.Value)
	}
	if tree != nil {
		tree.Write(set, ids, "", scored)
	}
	setPairs(set, pairs, ids)
}

// setPairs changes pairs of a set.
func setPairs(set *etree.Element, pairs argv.Pairs, ids *doc.IDs) {
	for _, p := range pairs {
		doc.SetFirst(set, p.Name, p.Value, ids)
	}
}

// find finds sets by their ids.
func (d Defaults) find(s *session.Session, root *etree.Element, list []string) ([]*etree.Element, []report.Item) {
	section := doc.EnsureSection(root, d.Section)
	var out []*etree.Element
	var items []report.Item
	for _, id := range list {
		el, bad := s.Find(section, id, []string{"instance_attributes", "meta_attributes"}, "options set")
		if el == nil {
			items = append(items, bad...)
			continue
		}
		out = append(out, el)
	}
	return out, items
}

// Remove is `set remove` and `set delete`.
func (d Defaults) Remove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return nil
	}
	root, err := s.LibCIB()
	if err != nil {
		return err
	}
	sets, items := d.find(s, root, args)
	if err := s.Check(items...); err != nil {
		return err
	}
	for _, el := range sets {
		doc.Remove(el)
	}
	return s.Push(root)
}

// UpdateSet is `set update`.
func (d Defaults) UpdateSet(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	groups, err := argv.GroupByKeywords(args[1:], []string{"meta"}, "")
	if err != nil {
		return err
	}
	if err := groups.RepeatOnly(); err != nil {
		return err
	}
	pairs, err := argv.KeyValues(groups.Flat("meta"))
	if err != nil {
		return err
	}
	root, err := s.LibCIB()
	if err != nil {
		return err
	}
	sets, items := d.find(s, root, args[:1])
	if err := s.Check(items...); err != nil {
		return err
	}
	setPairs(sets[0], pairs, doc.NewIDs(root))
	s.Out.Tell(d.overridden())
	return s.Push(root)
}

// Update is `update`: it works where there is at most one set.
func (d Defaults) Update(s *session.Session, args []string) error {
	pairs, err := argv.KeyValues(args)
	if err != nil {
		return err
	}
	root, err := s.LibCIB()
	if err != nil || len(pairs) == 0 {
		return err
	}
	removing := true
	for _, p := range pairs {
		removing = removing && p.Value == ""
	}
	if removing && doc.Section(root, d.Section) == nil {
		s.Out.Tell(d.overridden())
		return nil
	}
	section := doc.EnsureSection(root, d.Section)
	sets := doc.Children(section, "meta_attributes")
	if len(sets) > 1 {
		return s.Check(report.Errorf("Several options sets exist, please use the 'pcs %s set update' command and specify an option set ID", d.Command))
	}
	s.Out.Tell(d.overridden())
	ids := doc.NewIDs(root)
	switch {
	case len(sets) == 1:
		setPairs(sets[0], pairs, ids)
	case removing:
		return nil
	default:
		appendNewSet(section, ids, pairs, nil, nil, false)
	}
	return s.Push(root)
}

// Config is `config`.
func (d Defaults) Config(s *session.Session, args []string) error {
	if len(args) > 0 {
		return argv.Usage()
	}
	if err := s.Opts.Only("-f", "--all", "--full", "--no-expire-check", "--output-format"); err != nil {
		return err
	}
	if err := s.Opts.Exclusive("--all", "--no-expire-check"); err != nil {
		return err
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	if s.Opts.Full() && format != "text" {
		return argv.Usagef("option '--full' is not compatible with '%s' output format.", format)
	}
	root, err := s.LibCIB()
	if err != nil {
		return err
	}
	eval := rule.Eval(nil)
	if !s.Opts.Has("--no-expire-check") {
		eval = rule.EvalAt(root, time.Now())
	}
	instance, meta := d.sets(root, "instance_attributes", eval, s.Opts.Has("--all")), d.sets(root, "meta_attributes", eval, s.Opts.Has("--all"))
	switch format {
	case "json":
		s.Out.Print(show.JSON(show.Object{{Name: "instance_attributes", Value: rule.SetsJSON(instance)}, {Name: "meta_attributes", Value: rule.SetsJSON(meta)}}, 0))
	case "cmd":
		var cmds []string
		for _, set := range meta {
			cmds = append(cmds, show.CommandLines(d.command(set)))
		}
		if len(cmds) > 0 {
			s.Out.Print(show.CommandList(cmds))
		}
	default:
		s.Out.Print(setLines(meta, s.Opts.Full())...)
	}
	return nil
}

func setLines(sets []rule.Set, ids bool) []string {
	var out []string
	for _, set := range sets {
		out = append(out, set.Lines("Meta Attrs", ids)...)
	}
	return out
}

// DefaultsLines are all defaults of a section with their ids, as `pcs config` shows them.
func DefaultsLines(root *etree.Element, section string) []string {
	return setLines(Defaults{Section: section}.sets(root, "meta_attributes", nil, true), true)
}

func (d Defaults) sets(root *etree.Element, tag string, eval rule.Eval, expired bool) []rule.Set {
	section := doc.Section(root, d.Section)
	if section == nil {
		return nil
	}
	var out []rule.Set
	for _, set := range rule.ReadSets(section, tag, eval) {
		if expired || set.Rule == nil || set.Rule.Status != rule.Expired {
			out = append(out, set)
		}
	}
	return out
}

func (d Defaults) command(set rule.Set) []string {
	out := []string{"pcs -- " + d.Command + " set create " + show.ShellPairs(set.Options.With("id", set.ID).Sorted())}
	if len(set.Pairs) > 0 {
		out = append(out, "  meta "+show.ShellPairs(set.NameValues()))
	}
	if set.Rule != nil {
		out = append(out, "  rule "+show.Shell(set.Rule.Text))
	}
	return out
}
