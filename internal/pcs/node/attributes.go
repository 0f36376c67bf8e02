package node

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// kind is a kind of a node's values.
type kind struct {
	word, tag, label string
	options          []string
	warn             bool
}

var (
	attributes  = kind{word: "attribute", tag: "instance_attributes", label: "Attributes", options: []string{"-f", "--force", "--name", "--output-format"}}
	utilization = kind{word: "utilization", tag: "utilization", label: "Utilization", options: []string{"-f", "--name", "--output-format"}, warn: true}
)

// Attribute is `node attribute`.
func Attribute(s *session.Session, args []string) error {
	if s.Legacy() {
		return attribute09(s, args)
	}
	if len(args) < 2 || s.Opts.Has("--name") || s.Opts.Has("--output-format") {
		return attributes.show(s, args)
	}
	if err := s.Opts.Only(attributes.options...); err != nil {
		return err
	}
	pairs, err := argv.KeyValues(args[1:])
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if err := SetAttribute09(s, args[0], p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// Utilization is `node utilization`.
func Utilization(s *session.Session, args []string) error {
	if s.Legacy() {
		return utilization09(s, args)
	}
	if len(args) < 2 || s.Opts.Has("--name") || s.Opts.Has("--output-format") {
		return utilization.show(s, args)
	}
	if err := s.Opts.Only("-f", "--name", "--output-format"); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	s.WarnOfUtilization(root)
	return setUtilization(s, args[0], args[1:])
}

func (k kind) show(s *session.Session, args []string) error {
	if err := s.Opts.Only(k.options...); err != nil {
		return err
	}
	if len(args) > 1 || s.Opts.Has("--force") {
		return argv.Usage()
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	if format != "text" && (len(args) > 0 || s.Opts.Has("--name")) {
		return argv.Usagef("filtering is not supported with --output-format=cmd|json")
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	nodes := doc.Children(doc.Section(root, "nodes"), "node")
	switch format {
	case "json":
		s.Out.Print(show.JSON(nodesJSON(nodes), 0))
		return nil
	case "cmd":
		var out []string
		for _, n := range nodes {
			if sets := rule.ReadSets(n, k.tag, nil); len(sets) > 0 && len(sets[0].Pairs) > 0 {
				out = append(out, "pcs -- node "+k.word+" "+show.Shell(doc.Attr(n, "uname"))+" "+show.ShellPairs(sets[0].NameValues()))
			}
		}
		if len(out) > 0 {
			s.Out.Print(show.CommandList(out))
		}
		return nil
	}
	if len(args) > 0 {
		nodes = slices.DeleteFunc(nodes, func(n *etree.Element) bool { return doc.Attr(n, "uname") != args[0] })
		if len(nodes) == 0 {
			return argv.Usagef("Unable to find a node: %s", args[0])
		}
	}
	if k.warn {
		s.WarnOfUtilization(root)
	}
	var out []string
	for _, n := range nodes {
		sets := rule.ReadSets(n, k.tag, nil)
		if len(sets) == 0 {
			continue
		}
		set := sets[0]
		if s.Opts.Has("--name") {
			set.Pairs = slices.DeleteFunc(set.Pairs, func(p rule.NVPair) bool { return p.Name != s.Opts.Value("--name") })
		}
		if len(set.Pairs) == 0 {
			continue
		}
		out = append(out, "Node: "+doc.Attr(n, "uname"))
		if d := doc.Attr(n, "description"); d != "" {
			out = append(out, "  Description: "+d)
		}
		out = append(out, show.Indent(set.Lines(k.label, false))...)
	}
	s.Out.Print(out...)
	return nil
}

func nodesJSON(nodes []*etree.Element) show.Object {
	opt := func(n *etree.Element, name string) any {
		if doc.Has(n, name) {
			return doc.Attr(n, name)
		}
		return nil
	}
	list := []any{}
	for _, n := range nodes {
		list = append(list, show.Object{
			{Name: "id", Value: doc.ID(n)},
			{Name: "uname", Value: doc.Attr(n, "uname")},
			{Name: "description", Value: opt(n, "description")},
			{Name: "score", Value: opt(n, "score")},
			{Name: "type", Value: opt(n, "type")},
			{Name: "instance_attributes", Value: rule.SetsJSON(rule.ReadSets(n, "instance_attributes", nil))},
			{Name: "utilization", Value: rule.SetsJSON(rule.ReadSets(n, "utilization", nil))},
		})
	}
	return show.Object{{Name: "nodes", Value: list}}
}

func attribute09(s *session.Session, args []string) error {
	if s.Opts.Value("--name") != "" && len(args) > 1 {
		return argv.Usage()
	}
	if len(args) > 1 {
		pairs, err := argv.KeyValues09(args[1:])
		if err != nil {
			return err
		}
		for _, p := range pairs {
			if err := SetAttribute09(s, args[0], p.Name, p.Value); err != nil {
				return err
			}
		}
		return nil
	}
	root, err := s.CIB()
	if err != nil {
		return report.Fatal("unable to get crm_config, is pacemaker running?")
	}
	node := ""
	if len(args) > 0 {
		node = args[0]
	}
	s.Out.Print("Node Attributes:")
	if name := s.Opts.Value("--name"); name != "" || !s.Opts.Has("--name") { // no attribute has an empty name
		s.Out.Print(AttributeLines09(root, node, name)...)
	}
	return nil
}

func utilization09(s *session.Session, args []string) error {
	if s.Opts.Value("--name") != "" && len(args) > 1 {
		return argv.Usage()
	}
	if len(args) > 1 {
		return setUtilization(s, args[0], args[1:])
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	nodes := doc.All(root, "node")
	filter := ""
	if len(args) > 0 {
		filter = args[0]
		known, err := s.KnownNodes(root)
		if err != nil {
			return err
		}
		if findKnown(known, filter) == nil {
			return report.Fatalf("Unable to find a node: %s", filter)
		}
	}
	values := map[string]string{}
	if s.Opts.Has("--name") && s.Opts.Value("--name") == "" {
		nodes = nil // no attribute has an empty name
	}
	for _, n := range nodes {
		name := doc.Attr(n, "uname")
		if filter != "" && name != filter {
			continue
		}
		if t := resource.UtilizationText09(n, s.Opts.Value("--name")); t != "" {
			values[name] = t
		}
	}
	s.Out.Print("Node Utilization:")
	for _, n := range show.SortedKeys(values) {
		s.Out.Print(" " + n + ": " + values[n])
	}
	return nil
}

func setUtilization(s *session.Session, node string, args []string) error {
	pairs, err := s.KeyValues(args)
	if err != nil || len(pairs) == 0 {
		return err
	}
	removing := !slices.ContainsFunc(pairs, func(p argv.Pair) bool { return p.Value != "" })
	root, err := s.CIB()
	if err != nil {
		return err
	}
	el := elementOf(root, node)
	if el == nil {
		if !s.Live() {
			return report.Fatalf("Unable to find a node: %s", node)
		}
		known, err := s.KnownNodes(root)
		if err != nil {
			return err
		}
		k := findKnown(known, node)
		if k == nil || k.Type != "remote" {
			return report.Fatalf("Unable to find a node: %s", node)
		}
		if removing {
			return nil
		}
		el = doc.Append(doc.EnsureSection(root, "nodes"), "node", "id", k.ID, "type", k.Type, "uname", k.Name)
	}
	if err := resource.SetUtilization09(el, pairs, "nodes-"); err != nil {
		return err
	}
	return s.Push(root)
}
