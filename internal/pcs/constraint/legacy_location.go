package constraint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

var targetKinds = []string{"resource", "regexp"}

// Location09 is `constraint location` with words that are none of its verbs, in 0.9.
func Location09(s *session.Session, args []string) error {
	switch {
	case len(args) == 0:
		return LocationShow09(s, nil)
	case len(args) >= 3 && args[1] == "rule":
		return locationRule09(s, args)
	case len(args) >= 3:
		return locationPrefer09(s, args)
	}
	return argv.Usage()
}

func locationPrefer09(s *session.Session, args []string) error {
	_, value, err := argv.TypedArg(args[0], targetKinds, "resource")
	if err != nil {
		return err
	}
	prefer := args[1] == "prefers"
	if !prefer && args[1] != "avoids" {
		return argv.Usage()
	}
	for _, a := range args[2:] {
		node, score, given := strings.Cut(a, "=")
		switch {
		case !given && prefer:
			score = "INFINITY"
		case !given:
			score = "-INFINITY"
		default:
			if !check.IsScore(score) {
				return report.Fatalf("invalid score '%s', use integer or INFINITY or -INFINITY", score)
			}
			if !prefer {
				if score[0] == '-' {
					score = score[1:]
				} else {
					score = "-" + score
				}
			}
		}
		id := doc.SanitizeID(fmt.Sprintf("location-%s-%s-%s", value, node, score), "")
		if err := LocationAdd09(s, []string{id, args[0], node, score}); err != nil {
			return err
		}
	}
	return nil
}

// LocationAdd09 is `constraint location add` of 0.9.
func LocationAdd09(s *session.Session, args []string) error {
	if len(args) < 4 {
		return argv.Usage()
	}
	id, node, score := args[0], args[2], args[3]
	kind, value, err := argv.TypedArg(args[1], targetKinds, "resource")
	if err != nil {
		return err
	}
	var options argv.Pairs
	for _, a := range args[4:] {
		name, v, ok := strings.Cut(a, "=")
		if !ok {
			s.Out.Print("Error: bad option '" + a + "'")
			return argv.Usage()
		}
		if name != "resource-discovery" && !s.Opts.Force() {
			return report.Fatalf("bad option '%s', use --force to override", name)
		}
		options = append(options, argv.Pair{Name: name, Value: v})
	}
	if bad := doc.CheckID(id, "constraint id"); len(bad) > 0 {
		return report.Fatal(bad[0])
	}
	if !check.IsScore(score) {
		return report.Fatalf("invalid score '%s', use integer or INFINITY or -INFINITY", score)
	}
	root, err := cibFor09(s, options.Has("resource-discovery"), kind == "regexp")
	if err != nil {
		return err
	}
	if kind == "resource" {
		if value, err = resourceID09(s, root, value); err != nil {
			return err
		}
	}
	if s.Since(9, 167) {
		if !s.Live() {
			s.Out.Warn("Validation for node existence in the cluster will be skipped")
		} else if !nodeKnown(s, root, node) {
			s.Out.Warn(fmt.Sprintf("Node '%s' does not seem to be in the cluster. If you are about to add node '%s' to the cluster, you can safely ignore this warning.", node, node))
		}
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	attr := map[string]string{"resource": "rsc", "regexp": "rsc-pattern"}[kind]
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

// cibFor09 reads the CIB, raised to a schema that knows what the constraint needs.
func cibFor09(s *session.Session, discovery, regexp bool) (*etree.Element, error) {
	var need [3]int
	if discovery {
		need = [3]int{2, 2, 0}
	}
	if regexp {
		need = [3]int{2, 6, 0}
	}
	return s.OldCIBAtLeast(need)
}

func nodeKnown(s *session.Session, root *etree.Element, node string) bool {
	conf, err := s.Conf()
	if err == nil {
		for _, n := range corosyncconf.Nodes(conf) {
			if n.Name == node || slices.ContainsFunc(n.Addrs, func(a corosyncconf.Addr) bool { return a.Addr == node }) {
				return true
			}
		}
	}
	return slices.Contains(RemoteNames(root), node)
}

// RemoteNames are the names and addresses of remote and guest nodes that the CIB makes.
func RemoteNames(root *etree.Element) []string {
	var out []string
	for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
		if doc.Attr(p, "class") == "ocf" && doc.Attr(p, "provider") == "pacemaker" && doc.Attr(p, "type") == "remote" {
			out = append(out, doc.ID(p))
			if v, ok := doc.Value(p, "instance_attributes", "server"); ok {
				out = append(out, v)
			}
		}
		for _, n := range []string{"remote-node", "remote-addr"} {
			if v, ok := doc.Value(p, "meta_attributes", n); ok {
				out = append(out, v)
			}
		}
	}
	return out
}

// LocationRemove09 is `constraint location remove` of 0.9.
func LocationRemove09(s *session.Session, args []string) error {
	if len(args) != 1 {
		return argv.Usage()
	}
	root, err := currentCIB09(s)
	if err != nil {
		return err
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	found := false
	for _, el := range doc.All(section, "rsc_location") {
		if doc.ID(el) == args[0] {
			doc.Remove(el)
			found = true
		}
	}
	if !found {
		return report.Fatal("resource location id: " + args[0] + " not found.")
	}
	return s.Push(root)
}

func locationRule09(s *session.Session, args []string) error {
	kind, value, err := argv.TypedArg(args[0], targetKinds, "resource")
	if err != nil {
		return err
	}
	options, rest := rule.ParseOptions(args[2:], "constraint-id", "resource-discovery")
	root, err := cibFor09(s, options.Value("resource-discovery") != "", kind == "regexp")
	if err != nil {
		return err
	}
	if kind == "resource" {
		if value, err = resourceID09(s, root, value); err != nil {
			return err
		}
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	el := doc.Append(section, "rsc_location")
	if d := options.Value("resource-discovery"); d != "" {
		doc.Set(el, "resource-discovery", d)
		options = options.Without("resource-discovery")
	}
	if id := options.Value("constraint-id"); id != "" {
		if err := newID09(root, id, "constraint id"); err != nil {
			return err
		}
		doc.Set(el, "id", id)
		options = options.Without("constraint-id")
	} else {
		doc.Set(el, "id", doc.UniqueID(root, doc.SanitizeID("location-"+value, "")))
	}
	doc.Set(el, map[string]string{"resource": "rsc", "regexp": "rsc-pattern"}[kind], value)
	if err := rule.AddLegacy(s, el, options, rest); err != nil {
		return err
	}
	if err := refuseSameRules(s, section, el); err != nil {
		return err
	}
	return s.Push(root)
}

func refuseSameRules(s *session.Session, section, el *etree.Element) error {
	if s.Opts.Force() {
		return nil
	}
	key := func(e *etree.Element) string {
		t := targetOf(e)
		k := []string{t.kind, t.value}
		for _, r := range doc.All(e, "rule") {
			k = append(k, rule.LegacyText(r))
		}
		return strings.Join(k, "\x00")
	}
	var lines []string
	for _, o := range doc.All(section, "rsc_location") {
		if o == el || len(doc.All(o, "rule")) == 0 || key(o) != key(el) {
			continue
		}
		lines = append(lines, "  Constraint: "+doc.ID(o))
		for _, r := range doc.Children(o, "rule") {
			for _, l := range legacyRuleLines(s, r) {
				lines = append(lines, "    "+l)
			}
		}
	}
	if len(lines) > 0 {
		return report.Fatal("duplicate constraint already exists, use --force to override\n" + strings.Join(lines, "\n"))
	}
	return nil
}

// RuleAdd09 is `constraint rule add` of 0.9.
func RuleAdd09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
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
		options, rest := rule.ParseOptions(args[1:])
		if err := rule.AddLegacy(s, el, options, rest); err != nil {
			return err
		}
		if err := refuseSameRules(s, section, el); err != nil {
			return err
		}
		return s.Push(root)
	}
	return report.Fatal("Unable to find constraint: " + args[0])
}

// RuleRemove09 is `constraint rule remove` of 0.9.
func RuleRemove09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	for _, el := range doc.All(doc.Section(root, "constraints"), "rsc_location") {
		for _, r := range doc.Children(el) {
			if doc.ID(r) != args[0] {
				continue
			}
			if len(doc.Children(el)) > 1 {
				s.Out.Print("Removing Rule: " + doc.ID(r))
				doc.Remove(r)
			} else {
				s.Out.Print("Removing Constraint: " + doc.ID(el))
				doc.Remove(el)
			}
			return s.Push(root)
		}
	}
	return report.Fatal("unable to find rule with id: " + args[0])
}

// legacyRuleLines show a rule with ids as the dialect does.
func legacyRuleLines(s *session.Session, r *etree.Element) []string {
	lines := rule.LegacyLines(r, true)
	if !s.Legacy() {
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], "  (id:", " (id:")
		}
	}
	return lines
}
