package constraint

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

const skipNodes = "Validation for node existence in the cluster will be skipped"

var discoveries = []string{"always", "exclusive", "never"}

// Location is `constraint location RESOURCE …` from 0.10 on.
func Location(s *session.Session, args []string) error {
	if len(args) < 3 {
		return argv.Usage()
	}
	if args[1] == "rule" {
		return locationRule(s, args)
	}
	return locationPrefer(s, args)
}

// existingNodes are the names that a node may have; skipped tells that this is not looked at.
func existingNodes(s *session.Session) (names []string, skipped bool, err error) {
	if !s.Live() || s.Opts.Force() {
		s.Out.Warn(skipNodes)
		return nil, true, nil
	}
	root, err := s.CIB()
	if err != nil {
		return nil, false, err
	}
	return append(s.ConfNodes(), RemoteNames(root)...), false, nil
}

func nodeItem(names []string, node string) []report.Item {
	if slices.Contains(names, node) {
		return nil
	}
	return []report.Item{report.Forcible(false, "Node '%s' does not appear to exist in configuration", node)}
}

func checkScore(score string) error {
	if !check.IsScore(score) {
		return report.Fatalf("invalid score '%s', use integer or INFINITY or -INFINITY", score)
	}
	return nil
}

func locationPrefer(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "-f"); err != nil {
		return err
	}
	_, value, err := argv.TypedArg(args[0], targetKinds, "resource")
	if err != nil {
		return err
	}
	prefers := args[1] == "prefers"
	if !prefers && args[1] != "avoids" {
		return argv.Usage()
	}
	names, skipped, err := existingNodes(s)
	if err != nil {
		return err
	}
	var items report.Items
	var todo [][]string
	for _, w := range args[2:] {
		node, score, given := strings.Cut(w, "=")
		if !skipped {
			items = append(items, nodeItem(names, node)...)
		}
		switch {
		case given:
			if err := checkScore(score); err != nil {
				return err
			}
			if !prefers {
				if rest, ok := strings.CutPrefix(score, "-"); ok {
					score = rest
				} else {
					score = "-" + score
				}
			}
		case prefers:
			score = "INFINITY"
		default:
			score = "-INFINITY"
		}
		id := doc.SanitizeID("location-"+value+"-"+node+"-"+score, "")
		if s.Minor() >= 12 {
			score = "score=" + score
		}
		todo = append(todo, []string{id, args[0], node, score})
	}
	if len(items) > 0 {
		return items
	}
	for _, t := range todo {
		if err := locationAdd(s, t, true); err != nil {
			return err
		}
	}
	return nil
}

// LocationAdd is `constraint location add`.
func LocationAdd(s *session.Session, args []string) error { return locationAdd(s, args, false) }

func locationAdd(s *session.Session, args []string, checked bool) error {
	if err := s.Opts.Only("--force", "-f"); err != nil {
		return err
	}
	if len(args) < 4 {
		return argv.Usage()
	}
	id, node, score, rest := args[0], args[2], args[3], args[4:]
	switch {
	case s.Minor() < 12:
	case strings.Contains(score, "="):
		score, rest = "INFINITY", args[3:]
	default:
		bareScore(s)
	}
	kind, value, err := argv.TypedArg(args[1], targetKinds, "resource")
	if err != nil {
		return err
	}
	var options argv.Pairs
	for _, a := range rest {
		n, v, ok := strings.Cut(a, "=")
		if !ok && s.Minor() < 12 {
			return argv.Usagef("bad option '%s'", a)
		}
		if s.Minor() >= 12 {
			p, err := argv.SplitOption(a, false)
			if err != nil {
				return err
			}
			if n, v = p.Name, p.Value; n == "score" {
				score = v
				continue
			}
		}
		if n == "resource-discovery" {
			if err := checkDiscovery(s, v); err != nil {
				return err
			}
		} else if !s.Opts.Force() {
			return report.Fatalf("bad option '%s', use --force to override", n)
		}
		options = append(options, argv.Pair{Name: n, Value: v})
	}
	if !checked {
		names, skipped, err := existingNodes(s)
		if err != nil {
			return err
		}
		if !skipped {
			if items := nodeItem(names, node); len(items) > 0 {
				return report.Items(items)
			}
		}
		if err := checkScore(score); err != nil {
			return err
		}
	}
	if bad := doc.CheckID(id, "constraint id"); len(bad) > 0 {
		return report.Fatal(bad[0])
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	attr := "rsc-pattern"
	if kind == "resource" {
		attr = "rsc"
		if err := checkResource(s, root, value); err != nil {
			return err
		}
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	for _, el := range doc.All(section, "rsc_location") {
		if doc.ID(el) == id || doc.Attr(el, "node") == node && doc.Attr(el, attr) == value {
			doc.Remove(el)
		}
	}
	el := doc.Append(section, "rsc_location", "id", id, attr, value, "node", node, "score", score)
	for _, o := range options {
		doc.Set(el, o.Name, o.Value)
	}
	return s.Push(root)
}

func checkDiscovery(s *session.Session, value string) error {
	if s.Opts.Force() || slices.Contains(discoveries, value) {
		return nil
	}
	return report.Fatalf("invalid resource-discovery value '%s', allowed values are: %s, use --force to override", value, report.QuoteSorted(discoveries))
}

// checkResource checks a resource that a constraint is to name.
func checkResource(s *session.Session, root *etree.Element, id string) error {
	resources := doc.Section(root, "resources")
	find := func(tags ...string) *etree.Element {
		for _, e := range doc.All(resources, tags...) {
			if doc.ID(e) == id {
				return e
			}
		}
		return nil
	}
	if find("clone", "master", "bundle") != nil {
		return nil
	}
	el := find("primitive", "group")
	if el == nil {
		return report.Fatalf("Resource '%s' does not exist", id)
	}
	parent := doc.Ancestor(el, "clone", "master")
	if parent == nil && el.Tag == "primitive" {
		parent = doc.Ancestor(el, "bundle")
	}
	if parent == nil || s.Opts.Force() {
		return nil
	}
	name := "clone"
	if parent.Tag == "bundle" {
		name = "bundle"
	}
	return report.Fatalf("%s is a %s resource, you should use the %s id: %s when adding constraints. Use --force to override.", id, name, name, doc.ID(parent))
}

func locationRule(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	if s.Minor() >= 12 {
		return libraryRule(s, args)
	}
	kind, value, err := argv.TypedArg(args[0], targetKinds, "resource")
	if err != nil {
		return err
	}
	options, rest := rule.ParseOptions(args[2:], "constraint-id", "resource-discovery")
	rule.WarnOfWords(s, rest)
	root, err := cibForRule(s, rest)
	if err != nil {
		return err
	}
	attr := "rsc-pattern"
	if kind == "resource" {
		attr = "rsc"
		if err := checkResource(s, root, value); err != nil {
			return err
		}
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	el := doc.New("rsc_location")
	if d := options.Value("resource-discovery"); d != "" {
		if err := checkDiscovery(s, d); err != nil {
			return err
		}
		doc.Set(el, "resource-discovery", d)
	}
	options = options.Without("resource-discovery")
	section.AddChild(el)
	if id := options.Value("constraint-id"); id != "" {
		if err := newID09(root, id, "constraint id"); err != nil {
			return err
		}
		doc.Set(el, "id", id)
	} else {
		doc.Set(el, "id", doc.UniqueID(root, doc.SanitizeID("location-"+value, "")))
	}
	options = options.Without("constraint-id")
	doc.Set(el, attr, value)
	if err := rule.AddLegacy(s, el, options, rest); err != nil {
		return err
	}
	if err := refuseSameRules(s, section, el); err != nil {
		return err
	}
	return s.Push(root)
}

// cibForRule opens the CIB, raised to the schema that a rule needs.
func cibForRule(s *session.Session, words []string) (*etree.Element, error) {
	if rule.NeedsIntegers(s, words) {
		return s.OldCIBAtLeast([3]int{3, 5, 0})
	}
	return s.CIB()
}

// RuleAdd is `constraint rule add`.
func RuleAdd(s *session.Session, args []string) error {
	s.Deprecated("The possibility of defining multiple rules in a single location constraint is deprecated and will be removed.")
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	options, rest := rule.ParseOptions(args[1:])
	root, err := cibForRule(s, rest)
	if err != nil {
		return err
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	for _, el := range doc.All(section, "rsc_location") {
		if doc.ID(el) != args[0] {
			continue
		}
		if err := rule.AddLegacy(s, el, options, rest); err != nil {
			return err
		}
		if err := refuseSameRules(s, root, el); err != nil {
			return err
		}
		return s.Push(root)
	}
	return report.Fatal("Unable to find constraint: " + args[0])
}

func ruleIDs(root *etree.Element) map[string]bool {
	out := map[string]bool{}
	for _, el := range doc.Children(doc.Section(root, "constraints"), "rsc_location") {
		for _, r := range doc.Children(el, "rule") {
			out[doc.ID(r)] = true
		}
	}
	return out
}

func constraintIDs(root *etree.Element, tags ...string) map[string]bool {
	out := map[string]bool{}
	for _, el := range doc.Children(doc.Section(root, "constraints"), tags...) {
		out[doc.ID(el)] = true
	}
	return out
}

var allTags = []string{"rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"}

// removing makes a verb that removes constraints or rules by their ids.
func removing(deprecated, what string, known func(root *etree.Element) map[string]bool) session.Verb {
	return func(s *session.Session, args []string) error {
		if deprecated != "" {
			s.Deprecated(deprecated)
		}
		if err := s.Opts.Only("-f"); err != nil {
			return err
		}
		if len(args) == 0 {
			return argv.Usage()
		}
		if err := argv.EnsureUnique(args); err != nil {
			return err
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		ids := known(root)
		var missing []string
		for _, a := range args {
			if !ids[a] {
				missing = append(missing, a)
			}
		}
		if len(missing) > 0 {
			return argv.Usagef("Unable to find %s: %s", what, report.QuoteSorted(missing))
		}
		return remove.Elements(s, args)
	}
}

// Removing constraints from 0.11 on.
var (
	Remove = removing("", "constraints or constraint rules", func(root *etree.Element) map[string]bool {
		ids := constraintIDs(root, allTags...)
		for id := range ruleIDs(root) {
			ids[id] = true
		}
		return ids
	})
	LocationRemove = removing("This command is deprecated and will be removed. Please use 'pcs constraint delete' or 'pcs constraint remove' instead.",
		"location constraints", func(root *etree.Element) map[string]bool { return constraintIDs(root, "rsc_location") })
	RuleRemove = removing("The possibility of defining multiple rules in a single location constraint is deprecated and will be removed.",
		"constraint rules", ruleIDs)
)

// LocationConfig is `constraint location config [resources|nodes …]`.
func LocationConfig(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--output-format", "--full", "--all"); err != nil {
		return err
	}
	what := ""
	var filter []string
	if len(args) > 0 {
		what, filter = args[0], args[1:]
		if what != "resources" && what != "nodes" {
			return argv.Usagef("Unknown keyword '%s'. Allowed keywords: 'nodes', 'resources'", what)
		}
		format, err := s.Opts.OutputFormat()
		if err != nil {
			return err
		}
		if format != "text" {
			return argv.Usagef("Output formats other than 'text' are not supported together with grouping and filtering by nodes or resources")
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	now := time.Now()
	c := Read(root, &now).only(locationKind)
	if what == "" {
		return c.print(s)
	}
	if !s.Opts.Has("--all") {
		c = c.withoutExpired()
	}
	list := c.plain[locationKind]
	var lines []string
	if what == "resources" {
		if len(filter) > 0 {
			var ids, patterns []string
			for _, f := range filter {
				kind, value, err := argv.TypedArg(f, targetKinds, "resource")
				if err != nil {
					return err
				}
				if kind == "resource" {
					ids = append(ids, value)
				} else {
					patterns = append(patterns, value)
				}
			}
			list = slices.DeleteFunc(slices.Clone(list), func(el *etree.Element) bool {
				return !(doc.Has(el, "rsc") && slices.Contains(ids, doc.Attr(el, "rsc")) || doc.Has(el, "rsc-pattern") && slices.Contains(patterns, doc.Attr(el, "rsc-pattern")))
			})
		}
		lines = groupedByResource(list, c.eval, s.Opts.Full())
	} else {
		if len(filter) > 0 {
			list = slices.DeleteFunc(slices.Clone(list), func(el *etree.Element) bool { return !slices.Contains(filter, doc.Attr(el, "node")) })
		}
		lines = groupedByNode(s, list, s.Opts.Full())
	}
	if len(lines) > 0 {
		s.Out.Print("Location Constraints:")
		s.Out.Print(show.Indent(lines)...)
	}
	return nil
}

// group is some locations under a heading.
type group struct {
	key  string
	list []*etree.Element
}

func groupBy(list []*etree.Element, key func(*etree.Element) string) []*group {
	var out []*group
	for _, el := range list {
		k := key(el)
		i := slices.IndexFunc(out, func(g *group) bool { return g.key == k })
		if i < 0 {
			i = len(out)
			out = append(out, &group{key: k})
		}
		out[i].list = append(out[i].list, el)
	}
	return out
}

func negative(el *etree.Element) bool { return strings.HasPrefix(doc.Attr(el, "score"), "-") }

func scoreText(el *etree.Element) string {
	if v := doc.Attr(el, "score"); v != "" {
		return absScore(v)
	}
	return "0"
}

// byScore lists locations under two headings: those that want, those that do not.
func byScore(list []*etree.Element, wants, avoids string, line func(*etree.Element) string) []string {
	var out []string
	for _, h := range []struct {
		title string
		no    bool
	}{{wants, false}, {avoids, true}} {
		var lines []string
		for _, el := range list {
			if negative(el) == h.no {
				lines = append(lines, "  "+line(el))
			}
		}
		if len(lines) > 0 {
			out = append(append(out, h.title+":"), lines...)
		}
	}
	return out
}

func hasRules(el *etree.Element) bool { return len(doc.Children(el, "rule")) > 0 }

func groupedByResource(list []*etree.Element, eval rule.Eval, ids bool) []string {
	var out []string
	for _, pattern := range []bool{false, true} {
		title := "Resource: "
		if pattern {
			title = "Resource pattern: "
		}
		of := slices.DeleteFunc(slices.Clone(list), func(el *etree.Element) bool { return (doc.Attr(el, "rsc-pattern") != "") != pattern })
		for _, g := range groupBy(of, func(el *etree.Element) string { id, _ := rscOf(el); return id }) {
			out = append(out, title+g.key)
			plain := slices.DeleteFunc(slices.Clone(g.list), hasRules)
			lines := byScore(plain, "Prefers", "Avoids", func(el *etree.Element) string {
				return "node '" + doc.Attr(el, "node") + "' with score " + scoreText(el) + idNote(el, ids)
			})
			for _, el := range g.list {
				if !hasRules(el) {
					continue
				}
				head := "Constraint:"
				if ids {
					head += " " + doc.ID(el)
				}
				lines = append(lines, head, "  Rules:")
				lines = append(lines, show.Indent(rulesLines(doc.Children(el, "rule"), eval, ids))...)
			}
			out = append(out, show.Indent(lines)...)
		}
	}
	return out
}

func groupedByNode(s *session.Session, list []*etree.Element, ids bool) []string {
	if slices.ContainsFunc(list, hasRules) {
		s.Out.Warn("Constraints with rules are not displayed.")
	}
	list = slices.DeleteFunc(slices.Clone(list), func(el *etree.Element) bool { return hasRules(el) || doc.Attr(el, "node") == "" })
	var out []string
	for _, g := range groupBy(list, func(el *etree.Element) string { return doc.Attr(el, "node") }) {
		out = append(out, "Node: "+g.key)
		out = append(out, show.Indent(byScore(g.list, "Preferred by", "Avoided by", func(el *etree.Element) string {
			id, pattern := rscOf(el)
			return "resource" + patternWord(pattern) + " '" + id + "' with score " + scoreText(el) + idNote(el, ids)
		}))...)
	}
	return out
}
