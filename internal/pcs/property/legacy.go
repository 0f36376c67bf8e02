package property

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/node"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// Set09 is `property set` of 0.9.
func Set09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	defs, err := definitions(s)
	if err != nil {
		return err
	}
	forNode := s.Opts.Has("--node")
	failed := false
	var pairs argv.Pairs
	for _, a := range args {
		parts := strings.Split(a, "=")
		switch {
		case len(parts) != 2:
			s.Out.Error("invalid property format: '" + a + "'")
			failed = true
		case parts[0] == "":
			s.Out.Error("empty property name: '" + a + "'")
			failed = true
		case forNode || s.Opts.Force() || strings.TrimSpace(parts[1]) == "":
			pairs = pairs.With(parts[0], parts[1])
		default:
			i := slices.IndexFunc(defs, func(d definition) bool { return d.Name == parts[0] })
			if i < 0 || slices.Contains([]string{"dc-version", "cluster-infrastructure"}, parts[0]) {
				s.Out.Error("unknown cluster property: '" + parts[0] + "', (use --force to override)")
				failed = true
			} else if !valid09(defs[i], parts[1]) {
				s.Out.Error("invalid value of property: '" + a + "', (use --force to override)")
				failed = true
			} else {
				pairs = pairs.With(parts[0], parts[1])
			}
		}
	}
	if failed {
		return report.ErrSilent
	}
	if forNode {
		for _, p := range pairs {
			if err := node.SetAttribute09(s, s.Opts.Value("--node"), p.Name, p.Value); err != nil {
				return err
			}
		}
		return nil
	}
	return change09(s, pairs)
}

func valid09(d definition, value string) bool {
	switch strings.ToLower(d.Type) {
	case "enum", "select":
		return slices.Contains(d.Enum, value)
	case "boolean":
		return number.IsBool(value)
	case "integer":
		return check.IsScore(value)
	case "time":
		_, ok := session.Seconds(value)
		return ok
	}
	return true
}

// Unset09 is `property unset` of 0.9.
func Unset09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	if s.Opts.Has("--node") {
		for _, a := range args {
			if err := node.SetAttribute09(s, s.Opts.Value("--node"), a, ""); err != nil {
				return err
			}
		}
		return nil
	}
	var pairs argv.Pairs
	for _, a := range args {
		pairs = append(pairs, argv.Pair{Name: a})
	}
	return change09(s, pairs)
}

func change09(s *session.Session, pairs argv.Pairs) error {
	return s.Edit(func(root *etree.Element) error {
		config := doc.Section(root, "crm_config")
		if config == nil {
			return report.Fatal("unable to get crm_config, is pacemaker running?")
		}
		set := doc.Child(config, "cluster_property_set")
		if set == nil {
			set = doc.Append(config, "cluster_property_set", "id", doc.UniqueID(root, "cib-bootstrap-options"))
		}
		for _, p := range pairs {
			if p.Value == "" && !s.Opts.Force() && !doc.PairsOf(set).Has(p.Name) {
				return report.Fatalf("can't remove property: '%s' that doesn't exist", p.Name)
			}
			doc.UpdatePair09(set, p.Name, p.Value, "cib-bootstrap-options-")
		}
		return nil
	})
}

// List09 is `property list` and `property show` of 0.9.
func List09(s *session.Session, args []string) error {
	all, defaults := s.Opts.Has("--all"), s.Opts.Has("--defaults")
	if all && defaults {
		return report.Fatal("you cannot specify both --all and --defaults")
	}
	values := map[string]string{}
	if all || defaults {
		if len(args) != 0 {
			return report.Fatal("you cannot specify a property when using --all or --defaults")
		}
		defs, err := definitions(s)
		if err != nil {
			return err
		}
		for _, d := range defs {
			if d.Name == "dc-version" || d.Name == "cluster-infrastructure" {
				continue
			}
			values[d.Name] = ""
			if d.Default != nil {
				values[d.Name] = *d.Default
			}
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	filter := ""
	if len(args) > 0 {
		filter = args[0]
	}
	if !defaults {
		for _, nv := range doc.All(doc.Section(root, "crm_config"), "nvpair") {
			if filter == "" || doc.Attr(nv, "name") == filter {
				values[doc.Attr(nv, "name")] = doc.Attr(nv, "value")
			}
		}
	}
	s.Out.Print("Cluster Properties:")
	for _, name := range show.SortedKeys(values) {
		s.Out.Print(" " + name + ": " + values[name])
	}
	if lines := node.AttributeLines09(root, "", filter); len(lines) > 0 {
		s.Out.Print("Node Attributes:")
		s.Out.Print(lines...)
	}
	return nil
}
