package property

import (
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

const defaultSet = "cib-bootstrap-options"

// Set is `property set`.
func Set(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	pairs, err := argv.KeyValues(args)
	if err != nil {
		return err
	}
	return change(s, pairs)
}

// Unset is `property unset`.
func Unset(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	if !s.Opts.Force() {
		if err := argv.EnsureUnique(args); err != nil {
			return err
		}
	}
	var pairs argv.Pairs
	for _, a := range args {
		pairs = pairs.With(a, "")
	}
	return change(s, pairs)
}

func change(s *session.Session, pairs argv.Pairs) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	config, err := s.Section(root, "crm_config")
	if err != nil {
		return err
	}
	set, err := setOf(config, ids)
	if err != nil {
		return err
	}
	defs, err := definitions(s)
	if err != nil {
		return err
	}
	if err := s.Out.Check(validate(s, set, dedup(defs), pairs)...); err != nil {
		return err
	}
	for _, p := range pairs {
		doc.SetFirst(set, p.Name, p.Value, ids)
	}
	return s.Push(root)
}

// setOf is the set that holds the cluster's properties; it is made where there is none.
func setOf(config *etree.Element, ids *doc.IDs) (*etree.Element, error) {
	if set := doc.Child(config, "cluster_property_set"); set != nil {
		return set, nil
	}
	if len(ids.Book(defaultSet)) > 0 {
		return nil, report.Items{report.Errorf("Cannot create default cluster_property_set element, ID '%s' already exists. Find elements with the ID and remove them from cluster configuration.", defaultSet)}
	}
	return doc.Append(config, "cluster_property_set", "id", defaultSet), nil
}

// Write sets a property in a CIB, or removes it where value is "", without judging it.
func Write(root *etree.Element, name, value string) error {
	config := doc.Section(root, "crm_config")
	if config == nil {
		return report.Items{report.Errorf("Unable to get 'crm_config' section of cib")}
	}
	if value == "" && doc.Child(config, "cluster_property_set") == nil {
		return nil
	}
	ids := doc.NewIDs(root)
	set, err := setOf(config, ids)
	if err == nil {
		doc.SetFirst(set, name, value, ids)
	}
	return err
}

// Toggle sets a property that is true or false to the other value and back, so that the cluster looks at it anew.
func Toggle(s *session.Session, name string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	old := ""
	for _, set := range doc.Children(doc.Section(root, "crm_config"), "cluster_property_set") {
		for _, p := range doc.PairsOf(set) {
			if p.Name == name {
				old = p.Value
			}
		}
	}
	other := "false"
	if number.IsFalse(old) {
		other = "true"
	}
	for _, value := range []string{other, old} {
		if err := change(s, argv.Pairs{{Name: name, Value: value}}); err != nil {
			return err
		}
	}
	return nil
}

func validate(s *session.Session, set *etree.Element, defs []definition, pairs argv.Pairs) []report.Item {
	sev := check.ByForce(s.Opts.Force())
	rules := check.Rules{Style: s.Style}
	have := doc.PairsOf(set)
	var items []report.Item
	var missing []string
	var toSet argv.Pairs
	for _, p := range pairs {
		if p.Value != "" {
			toSet = append(toSet, p)
		} else if !have.Has(p.Name) {
			missing = append(missing, p.Name)
		}
	}
	if len(missing) > 0 {
		n := len(missing)
		items = append(items, report.Forcible(s.Opts.Force(), "Cannot remove %s %s, %s %s not present in property set '%s'",
			report.Plural(n, "property", "properties"), report.QuoteSorted(missing), report.Plural(n, "it", "they"), report.Plural(n, "is", "are"), doc.ID(set)))
	}
	var possible []string
	for _, d := range defs {
		if !slices.Contains(readonly, d.Name) {
			possible = append(possible, d.Name)
		}
	}
	var named argv.Pairs
	for _, p := range pairs {
		if p.Value == "" && !slices.Contains(readonly, p.Name) && !slices.Contains(possible, p.Name) {
			continue
		}
		named = append(named, p)
	}
	items = append(items, rules.NamesIn(named, possible, "cluster property", sev, readonly...)...)
	for _, p := range toSet {
		i := slices.IndexFunc(defs, func(d definition) bool { return d.Name == p.Name })
		if i < 0 || slices.Contains(readonly, p.Name) {
			continue
		}
		if v, ok := valueRule(s, defs[i].Param); ok {
			if p.Name != "stonith-watchdog-timeout" {
				v = v.As(sev)
			}
			items = append(items, rules.Check(toSet, v)...)
		}
	}
	if v, ok := pairs.Get("stonith-watchdog-timeout"); ok && (v != "" || have.Has("stonith-watchdog-timeout")) {
		items = append(items, watchdog(s.SBD(), v, s.Opts.Force())...)
	}
	return items
}

// watchdog checks a value of stonith-watchdog-timeout, "" to remove it, against this host's SBD.
func watchdog(sbd session.SBD, value string, force bool) []report.Item {
	seconds := 0
	if value != "" {
		n, ok := session.Seconds(value)
		if !ok {
			return nil
		}
		seconds = n
	}
	const only, never = "stonith-watchdog-timeout can only be unset or set to 0 while SBD is ", "stonith-watchdog-timeout cannot be unset or set to 0 while SBD is "
	switch off := seconds == 0; {
	case !sbd.Enabled && off, sbd.Enabled && len(sbd.Devices) > 0 && off:
		return nil
	case !sbd.Enabled:
		return []report.Item{report.Errorf(only + "disabled")}
	case len(sbd.Devices) > 0:
		return []report.Item{report.Forcible(force, only+"enabled with devices")}
	case off:
		return []report.Item{report.Forcible(force, never+"enabled without devices")}
	case seconds <= sbd.Watchdog:
		return []report.Item{report.Forcible(force, "The stonith-watchdog-timeout must be greater than SBD watchdog timeout '%d', entered '%s'", sbd.Watchdog, value)}
	}
	return nil
}

func valueRule(s *session.Session, p agents.Param) (check.Value, bool) {
	switch p.Type {
	case "boolean":
		return check.Boolean(p.Name), true
	case "integer":
		return check.Score(p.Name), true
	case "percentage":
		return check.Test(p.Name, func(v string) bool {
			n, ok := strings.CutSuffix(v, "%")
			return ok && check.IsInteger(n, 0, -1)
		}, "a non-negative integer followed by '%' (e.g. 0%, 50%, 200%, ...)"), true
	case "select":
		return check.In(p.Name, p.Enum...), true
	case "time":
		if p.Name == "stonith-watchdog-timeout" {
			return check.Time(p.Name), true
		}
		return check.Test(p.Name, func(v string) bool {
			if strings.HasPrefix(v, "P") {
				return IsDuration(s, v)
			}
			return check.IsTime(v)
		}, "time interval (e.g. 1, 2s, 3m, 4h, PT1H2M3S, ...)"), true
	}
	return check.Value{}, false
}

// IsDuration tells whether a text is a duration of ISO 8601.
func IsDuration(s *session.Session, text string) bool {
	r, err := s.Run("iso8601", "--duration", text)
	return err == nil && r.Code == 0
}

// ListDeprecated is `property list` and `show` since 0.10.
func ListDeprecated(s *session.Session, args []string) error {
	s.Deprecated("This command is deprecated and will be removed. Please use 'pcs property config' instead.")
	return Config(s, args)
}

// Config is `property config`.
func Config(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--all", "--defaults", "--output-format"); err != nil {
		return err
	}
	exclusive := []string{"--all", "--defaults", "--output-format"}
	for _, o := range exclusive {
		if len(args) > 0 && s.Opts.Has(o) {
			return argv.Usagef("cannot specify properties when using %s", report.QuoteSorted(exclusive))
		}
	}
	if err := s.Opts.Exclusive(exclusive...); err != nil {
		return err
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	var sets []rule.Set
	if !s.Opts.Has("--defaults") {
		root, err := s.CIB()
		if err != nil {
			return err
		}
		sets = rule.ReadSets(doc.Section(root, "crm_config"), "cluster_property_set", nil)
	}
	var defs []definition
	if len(args) > 0 || format == "cmd" || s.Opts.Has("--all") || s.Opts.Has("--defaults") {
		if defs, err = definitions(s); err != nil {
			return err
		}
		defs = dedup(defs)
	}
	switch {
	case len(args) > 0 || s.Opts.Has("--all"):
		s.Out.Print(withDefaults(sets, defs, args)...)
	case s.Opts.Has("--defaults"):
		s.Deprecated("Option --defaults is deprecated and will be removed. Please use command 'pcs property defaults' instead.")
		s.Out.Print(defaultLines(defs)...)
	case format == "cmd":
		if len(sets) == 0 {
			return nil
		}
		lines := []string{"pcs property set --force --"}
		for _, p := range sets[0].Pairs {
			if !slices.Contains(readonly, p.Name) {
				lines = append(lines, "  "+show.ShellPair(p.Name, p.Value))
			}
		}
		if len(lines) > 1 {
			s.Out.Print(show.CommandLines(lines))
		}
	case format == "json":
		s.Out.Print(show.JSON(show.Object{{Name: "nvsets", Value: rule.SetsJSON(sets[:min(1, len(sets))])}}, 0))
	case len(sets) > 0:
		s.Out.Print(sets[0].Lines("Cluster Properties", false)...)
	}
	return nil
}

// Lines are the properties that are set, as they are listed.
func Lines(root *etree.Element) []string {
	sets := rule.ReadSets(doc.Section(root, "crm_config"), "cluster_property_set", nil)
	if len(sets) == 0 {
		return nil
	}
	return sets[0].Lines("Cluster Properties", false)
}

func withDefaults(sets []rule.Set, defs []definition, only []string) []string {
	head := "Cluster Properties:"
	var pairs argv.Pairs
	if len(sets) > 0 {
		head += " " + sets[0].ID
		pairs = sets[0].NameValues()
	}
	var lines []string
	wanted := func(n string) bool { return len(only) == 0 || slices.Contains(only, n) }
	type entry struct{ name, value, mark string }
	var entries []entry
	for _, p := range pairs {
		if wanted(p.Name) {
			entries = append(entries, entry{p.Name, p.Value, ""})
		}
	}
	for _, d := range defs {
		if wanted(d.Name) && d.Default != nil && !pairs.Has(d.Name) {
			entries = append(entries, entry{d.Name, *d.Default, " (default)"})
		}
	}
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].name < entries[j].name })
	for _, e := range entries {
		lines = append(lines, "  "+show.NameValue(e.name, e.value)+e.mark)
	}
	return append([]string{head}, lines...)
}

func defaultLines(defs []definition) []string {
	var pairs argv.Pairs
	for _, d := range defs {
		if d.Default != nil {
			pairs = pairs.With(d.Name, *d.Default)
		}
	}
	return show.NameValues(pairs.Sorted())
}

// pick filters definitions by names, or leaves out those for advanced use.
func pick(defs []definition, names []string, advanced bool) []definition {
	var out []definition
	for _, d := range defs {
		if len(names) > 0 && slices.Contains(names, d.Name) || len(names) == 0 && (advanced || !d.Advanced) {
			out = append(out, d)
		}
	}
	return out
}

func unknown(names []string, has func(string) bool) []string {
	var out []string
	for _, n := range names {
		if !has(n) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// Defaults is `property defaults`.
func Defaults(s *session.Session, args []string) error {
	if err := s.Opts.Only("--full"); err != nil {
		return err
	}
	if len(args) > 0 && s.Opts.Full() {
		return argv.Usagef("cannot specify properties when using '--full'")
	}
	defs, err := definitions(s)
	if err != nil {
		return err
	}
	picked := slices.DeleteFunc(dedup(pick(defs, args, s.Opts.Full())), func(d definition) bool { return d.Default == nil })
	extra := unknown(args, func(n string) bool {
		return slices.ContainsFunc(picked, func(d definition) bool { return d.Name == n })
	})
	if len(extra) > 0 {
		return argv.Usagef("No default value for %s: %s", report.Plural(len(extra), "property", "properties"), report.QuoteSorted(extra))
	}
	s.Out.Print(defaultLines(picked)...)
	return nil
}

// Describe is `property describe`.
func Describe(s *session.Session, args []string) error {
	if err := s.Opts.Only("--full", "--output-format"); err != nil {
		return err
	}
	if len(args) > 0 && s.Opts.Full() {
		return argv.Usagef("cannot specify properties when using '--full'")
	}
	format, err := s.Opts.OutputFormat("json", "text")
	if err != nil {
		return err
	}
	if format == "json" && (len(args) > 0 || s.Opts.Full()) {
		return argv.Usagef("property filtering is not supported with --output-format=json")
	}
	defs, err := definitions(s)
	if err != nil {
		return err
	}
	if format == "json" {
		list := []any{}
		for _, d := range defs {
			list = append(list, show.ParamJSON(d.Param))
		}
		s.Out.Print(show.JSON(show.Object{{Name: "properties_metadata", Value: list}, {Name: "readonly_properties", Value: readonly}}, 0))
		return nil
	}
	picked := dedup(pick(defs, args, s.Opts.Full()))
	extra := unknown(args, func(n string) bool {
		return slices.ContainsFunc(picked, func(d definition) bool { return d.Name == n })
	})
	if len(extra) > 0 {
		return argv.Usagef("No description for %s: %s", report.Plural(len(extra), "property", "properties"), report.QuoteSorted(extra))
	}
	sort.SliceStable(picked, func(i, j int) bool { return picked[i].Name < picked[j].Name })
	for _, d := range picked {
		s.Out.Print(show.ParamLines(d.Param)...)
	}
	return nil
}

// readable are the names that the web page showed for the common options.
var readable = map[string]string{
	"batch-limit": "Batch Limit", "no-quorum-policy": "No Quorum Policy", "symmetric-cluster": "Symmetric",
	"stonith-enabled": "Stonith Enabled", "stonith-action": "Stonith Action", "cluster-delay": "Cluster Delay",
	"stop-orphan-resources": "Stop Orphan Resources", "stop-orphan-actions": "Stop Orphan Actions",
	"start-failure-is-fatal": "Start Failure is Fatal", "pe-error-series-max": "PE Error Storage",
	"pe-warn-series-max": "PE Warning Storage", "pe-input-series-max": "PE Input Storage", "enable-acl": "Enable ACLs",
}

// Definition is `property get_cluster_properties_definition`, for programs.
func Definition(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only(); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
	}
	defs, err := definitions(s)
	if err != nil {
		return err
	}
	o := show.Object{}
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	for _, d := range dedup(defs) {
		if d.Name == "dc-version" || d.Name == "cluster-infrastructure" {
			continue
		}
		name, basic := readable[d.Name]
		if !basic {
			name = d.Name
		}
		f := show.Object{
			{Name: "name", Value: d.Name},
			{Name: "shortdesc", Value: text(d.Short)},
			{Name: "longdesc", Value: text(d.Long)},
			{Name: "type", Value: d.Type},
			{Name: "default", Value: text(d.Default)},
			{Name: "advanced", Value: !basic || d.Advanced},
			{Name: "readable_name", Value: name},
			{Name: "source", Value: d.daemon},
		}
		if d.Enum != nil {
			f[3].Value = "enum"
			f = append(f, show.Field{Name: "enum", Value: d.Enum})
		}
		o = append(o, show.Field{Name: d.Name, Value: f})
	}
	s.Out.Print(show.JSON(o, 0))
	return nil
}
