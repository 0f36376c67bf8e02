// Package stonith is what `pcs stonith` has besides devices: fencing levels, fencing by hand, its history.
package stonith

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

const topology = "fencing-topology"

// target is what a fencing level is for: a node, a pattern of names, or an attribute with a value.
type target struct{ kind, value, attrValue string }

const (
	kindNode   = "node"
	kindRegexp = "regexp"
	kindAttrib = "attrib"
)

func (t target) given() bool { return t.kind != "" }

func (t target) String() string {
	if t.kind == kindAttrib {
		return t.value + "=" + t.attrValue
	}
	return t.value
}

func (t target) fits(el *etree.Element) bool {
	switch t.kind {
	case kindNode:
		return doc.Attr(el, "target") == t.value && doc.Has(el, "target")
	case kindRegexp:
		return doc.Attr(el, "target-pattern") == t.value && doc.Has(el, "target-pattern")
	case kindAttrib:
		return doc.Attr(el, "target-attribute") == t.value && doc.Attr(el, "target-value") == t.attrValue && doc.Has(el, "target-attribute")
	}
	return true
}

func parseTarget(word string) (target, error) {
	kind, value, err := argv.TypedArg(word, []string{kindAttrib, kindNode, kindRegexp}, kindNode)
	if err != nil {
		return target{}, err
	}
	if kind == kindAttrib {
		p, err := argv.SplitOption(value, true)
		if err != nil {
			return target{}, err
		}
		return target{kind, p.Name, p.Value}, nil
	}
	return target{kind, value, ""}, nil
}

func targetOf(el *etree.Element) target {
	switch {
	case doc.Has(el, "target"):
		return target{kindNode, doc.Attr(el, "target"), ""}
	case doc.Has(el, "target-pattern"):
		return target{kindRegexp, doc.Attr(el, "target-pattern"), ""}
	case doc.Has(el, "target-attribute"):
		return target{kindAttrib, doc.Attr(el, "target-attribute"), doc.Attr(el, "target-value")}
	}
	return target{}
}

func splitDevices(s *session.Session, words []string) []string {
	if !s.Legacy() && s.Minor() >= 11 && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, ",") }) {
		s.Deprecated("Delimiting stonith devices with ',' is deprecated and will be removed. Please use a space to delimit stonith devices.")
	}
	return strings.Split(strings.Join(words, ","), ",")
}

func levels(root *etree.Element) []*etree.Element {
	return doc.Children(doc.Section(root, topology), "fencing-level")
}

func find(root *etree.Element, level string, t target, devices []string) []*etree.Element {
	var out []*etree.Element
	for _, el := range levels(root) {
		if level != "" && doc.Attr(el, "index") != level || len(devices) > 0 && doc.Attr(el, "devices") != strings.Join(devices, ",") || !t.fits(el) {
			continue
		}
		out = append(out, el)
	}
	return out
}

// LevelAdd is `stonith level add`.
func LevelAdd(s *session.Session, args []string) error {
	if err := s.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) < 3 {
		return argv.Usage()
	}
	var id *string
	words := args[2:]
	if !s.Legacy() {
		var pairs, rest []string
		for _, w := range words {
			if strings.Contains(w, "=") {
				pairs = append(pairs, w)
			} else {
				rest = append(rest, w)
			}
		}
		if err := argv.AllowedKeys(pairs, "id"); err != nil {
			return err
		}
		p, err := argv.KeyValues(pairs)
		if err != nil {
			return err
		}
		if v, ok := p.Get("id"); ok {
			id = &v
		}
		words = rest
	}
	level := args[0]
	t, err := parseTarget(args[1])
	if err != nil {
		return err
	}
	devices := splitDevices(s, words)
	if len(words) == 0 && !s.Legacy() {
		devices = []string{""}
	}
	var root *etree.Element
	if s.Legacy() {
		need := [3]int{}
		switch t.kind {
		case kindRegexp:
			need = [3]int{2, 3, 0}
		case kindAttrib:
			need = [3]int{2, 4, 0}
		}
		root, err = s.CIBAtLeast(need)
	} else {
		root, err = s.CIB()
	}
	if err != nil {
		return err
	}
	if !s.Legacy() {
		WarnNotStonith(s, root, devices, "")
	}
	force := s.Opts.Has("--force")
	ids := doc.NewIDs(root)
	var items []report.Item
	if id != nil {
		items = append(items, bookID(s, ids, *id)...)
		items = append(items, check.IDs(*id, "fencing level id")...)
	}
	number := level
	if s.Legacy() {
		n, ok := argv.PythonInt(level)
		if !ok || n <= 0 {
			items = append(items, s.Style.InvalidOptionValueText("level", level, "a positive integer"))
		}
		number = strconv.FormatInt(n, 10)
	} else if !check.IsInteger(level, 1, 9) {
		items = append(items, s.Style.InvalidOptionValueText("level", level, "1..9"))
	}
	known, err := s.KnownNodes(root)
	if err != nil {
		return err
	}
	items = append(items, checkTarget(known, t, true, force)...)
	items = append(items, checkDevices(s, root, devices, true, force)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	if len(find(root, level, t, devices)) > 0 {
		list := report.QuoteSorted(devices)
		if s.Legacy() {
			list = "'" + strings.Join(devices, ",") + "'"
		}
		return s.Check(report.Errorf("Fencing level for '%s' at level '%s' with device(s) %s already exists", t, level, list))
	}
	el := doc.Append(doc.EnsureSection(root, topology), "fencing-level", "index", number, "devices", strings.Join(devices, ","))
	newID := ""
	if id != nil {
		newID = *id
	} else {
		newID = ids.Allocate(doc.SanitizeID("fl-"+t.value+"-"+number, ""))
	}
	if !s.Legacy() {
		el.CreateAttr("id", newID)
	}
	switch t.kind {
	case kindNode:
		el.CreateAttr("target", t.value)
	case kindRegexp:
		el.CreateAttr("target-pattern", t.value)
	case kindAttrib:
		el.CreateAttr("target-attribute", t.value)
		el.CreateAttr("target-value", t.attrValue)
	}
	if s.Legacy() {
		el.CreateAttr("id", newID)
	}
	return s.Push(root)
}

func bookID(s *session.Session, ids *doc.IDs, id string) []report.Item {
	if len(ids.Book(id)) > 0 {
		return []report.Item{s.Style.IDInUse(id)}
	}
	return nil
}

func checkTarget(known []session.StateNode, t target, forcible, force bool) []report.Item {
	if t.kind != kindNode || slices.ContainsFunc(known, func(n session.StateNode) bool { return n.Name == t.value }) {
		return nil
	}
	i := report.Errorf("Node '%s' does not appear to exist in configuration", t.value)
	if forcible {
		i = i.As(force)
	}
	return []report.Item{i}
}

func checkDevices(s *session.Session, root *etree.Element, devices []string, forcible, force bool) []report.Item {
	var items []report.Item
	var missing []string
	for _, d := range devices {
		if bad := check.IDs(d, "device id"); len(bad) > 0 {
			items = append(items, bad...)
			continue
		}
		found := false
		for _, el := range doc.FindIDs(root, d) {
			found = found || doc.IsStonith(el) &&
				(!s.Legacy() || el.Parent().Tag == "resources") // 0.9 does not look into groups and clones
		}
		if !found {
			missing = append(missing, d)
		}
	}
	if len(missing) > 0 {
		list := report.QuoteSorted(missing)
		if s.Legacy() {
			list = report.Quote(missing)
		}
		i := report.Errorf("Stonith resource(s) %s do not exist", list)
		if forcible {
			i = i.As(force)
		}
		items = append(items, i)
	}
	return items
}

// WarnNotStonith tells that a fencing command was given resources that are none; use is the command to use.
func WarnNotStonith(s *session.Session, root *etree.Element, ids []string, use string) {
	if s.Minor() < 11 {
		return
	}
	for _, el := range s.ExpandTags(root, ids) {
		if doc.IsStonith(el) {
			continue
		}
		text := "Ability of this command to accept resources is deprecated and will be removed in a future release."
		if use != "" {
			text += " Please use '" + use + "' instead."
		}
		s.Deprecated(text)
		return
	}
}

// remove removes levels; those that are not there are an error unless missingOK.
func remove(s *session.Session, root *etree.Element, level string, t target, devices []string, missingOK, checkIDs bool) []report.Item {
	var items []report.Item
	if checkIDs && !s.Legacy() {
		for _, d := range devices {
			items = append(items, check.IDs(d, "stonith id")...)
		}
	}
	found := find(root, level, t, devices)
	if len(found) == 0 {
		if missingOK {
			return items
		}
		text := "Fencing level "
		if t.given() && t.String() != "" {
			text += "for '" + t.String() + "' "
		}
		if level != "" {
			text += "at level '" + level + "' "
		}
		if len(devices) > 0 {
			list := report.QuoteSorted(devices)
			if s.Legacy() {
				list = "'" + strings.Join(devices, ",") + "'"
			}
			text += "with device(s) " + list + " "
		}
		items = append(items, report.Errorf("%sdoes not exist", text).Coded("missing"))
	}
	if report.HasErrors(items) {
		return items
	}
	for _, el := range found {
		doc.Remove(el)
	}
	return items
}

// parseGroups reads [target T] [stonith D...].
func parseGroups(args []string) (t target, devices []string, err error) {
	g, err := argv.GroupByKeywords(args, []string{"target", "stonith"}, "")
	if err != nil {
		return t, nil, err
	}
	noTarget, noDevices := false, false
	if g.Has("target") {
		words := g.Flat("target")
		switch {
		case len(words) > 1:
			return t, nil, argv.Usagef("At most one target can be specified")
		case len(words) == 1:
			if t, err = parseTarget(words[0]); err != nil {
				return t, nil, err
			}
		default:
			noTarget = true
		}
	}
	if g.Has("stonith") {
		if devices = g.Flat("stonith"); len(devices) == 0 {
			noDevices = true
		}
	}
	switch {
	case noTarget && noDevices:
		return t, nil, argv.Usagef("Missing value after 'target' and 'stonith'")
	case noTarget:
		return t, nil, argv.Usagef("Missing value after 'target'")
	case noDevices:
		return t, nil, argv.Usagef("Missing value after 'stonith'")
	}
	return t, devices, nil
}

// LevelClear is `stonith level clear`.
func LevelClear(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only("-f"); err != nil {
			return err
		}
	} else if len(args) > 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	doc.EnsureSection(root, topology)
	if len(args) == 0 {
		for _, el := range levels(root) {
			doc.Remove(el)
		}
		return s.Push(root)
	}
	if !s.Legacy() && (len(args) > 1 || args[0] == "target" || args[0] == "stonith") {
		t, devices, err := parseGroups(args)
		if err != nil {
			return err
		}
		if devices != nil && t.given() {
			return argv.Usagef("Only one of 'target' and 'stonith' can be used")
		}
		if err := s.Check(remove(s, root, "", t, devices, false, true)...); err != nil {
			return err
		}
		return s.Push(root)
	}
	if s.Minor() >= 11 {
		s.Deprecated("Syntax 'pcs stonith level clear [<target> | <stonith id(s)>] is deprecated and will be removed. Please use 'pcs stonith level clear [target <target>] | [stonith <stonith id>...]'.")
	}
	t, err := parseTarget(args[0])
	if err != nil {
		return err
	}
	items := remove(s, root, "", t, nil, true, true)
	if t.kind == kindNode {
		// The word may mean a target or devices: two changes, of which the first stands alone if need be.
		if !report.HasErrors(items) {
			if err := s.Push(root); err != nil {
				return err
			}
			if root, err = s.CIB(); err != nil {
				return err
			}
			doc.EnsureSection(root, topology)
		}
		items = append(items, remove(s, root, "", target{}, strings.Split(args[0], ","), true, true)...)
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	return s.Push(root)
}

// LevelRemove is `stonith level remove` and `delete`.
func LevelRemove(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	var t target
	var devices []string
	var err error
	level := args[0]
	mayBeDevice := true
	if !s.Legacy() && len(args) > 1 && (args[1] == "target" || args[1] == "stonith") {
		if t, devices, err = parseGroups(args[1:]); err != nil {
			return err
		}
		mayBeDevice = false
	} else {
		if len(args) > 1 {
			if s.Minor() >= 11 {
				s.Deprecated("Syntax 'pcs stonith level delete | remove <level> [<target>] [<stonith id>...]' is deprecated and will be removed. Please use 'pcs stonith level delete | remove <level> [target <target>] [stonith <stonith id>...]'.")
				if !strings.Contains(args[1], "%") && strings.Contains(args[1], ",") {
					s.Deprecated("Delimiting stonith devices with ',' is deprecated and will be removed. Please use a space to delimit stonith devices.")
				}
			}
			if t, err = parseTarget(args[1]); err != nil {
				return err
			}
		}
		if len(args) > 2 {
			devices = splitDevices(s, args[2:])
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	items := remove(s, root, level, t, devices, false, !mayBeDevice)
	missing := slices.ContainsFunc(items, func(i report.Item) bool { return i.Code == "missing" })
	if report.HasErrors(items) && mayBeDevice && t.kind == kindNode && missing {
		second := remove(s, root, level, target{}, append([]string{t.value}, devices...), false, false)
		if !report.HasErrors(second) {
			items = second
		} else {
			items = append(items, second...)
		}
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	return s.Push(root)
}

// LevelVerify is `stonith level verify`.
func LevelVerify(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	return VerifyWith(s, nil)
}

// VerifyWith checks that the levels name devices and nodes that exist, and tells that with other items.
func VerifyWith(s *session.Session, items []report.Item) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	known, err := s.KnownNodes(root)
	if err != nil {
		return err
	}
	devices, nodes := map[string]bool{}, map[string]bool{}
	for _, el := range levels(root) {
		for _, d := range strings.Split(doc.Attr(el, "devices"), ",") {
			devices[d] = true
		}
		if doc.Has(el, "target") {
			nodes[doc.Attr(el, "target")] = true
		}
	}
	if len(devices) > 0 {
		items = append(items, checkDevices(s, root, show.SortedKeys(devices), false, false)...)
	}
	for _, n := range show.SortedKeys(nodes) {
		items = append(items, checkTarget(known, target{kindNode, n, ""}, false, false)...)
	}
	return s.Check(items...)
}

// Lines are the levels as text.
func Lines(s *session.Session, root *etree.Element) []string {
	if s.Legacy() {
		return lines09(root)
	}
	return linesText(root)
}

func lines09(root *etree.Element) []string {
	var out []string
	for _, kind := range []string{kindNode, kindRegexp, kindAttrib} {
		byTarget := map[target][]*etree.Element{}
		var targets []target
		for _, el := range levels(root) {
			t := targetOf(el)
			if t.kind != kind {
				continue
			}
			if byTarget[t] == nil {
				targets = append(targets, t)
			}
			byTarget[t] = append(byTarget[t], el)
		}
		sort.Slice(targets, func(i, j int) bool {
			if targets[i].value != targets[j].value {
				return targets[i].value < targets[j].value
			}
			return targets[i].attrValue < targets[j].attrValue
		})
		for _, t := range targets {
			out = append(out, "Target: "+t.String())
			els := byTarget[t]
			sort.SliceStable(els, func(i, j int) bool { return doc.Attr(els[i], "index") < doc.Attr(els[j], "index") })
			for _, el := range els {
				out = append(out, "  Level "+doc.Attr(el, "index")+" - "+doc.Attr(el, "devices"))
			}
		}
	}
	return out
}

func index(el *etree.Element) int { n, _ := strconv.Atoi(doc.Attr(el, "index")); return n }

func devicesOf(el *etree.Element) []string {
	out := strings.Split(doc.Attr(el, "devices"), ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

func ofKind(root *etree.Element, attr string) []*etree.Element {
	var out []*etree.Element
	for _, el := range levels(root) {
		if doc.Has(el, attr) {
			out = append(out, el)
		}
	}
	return out
}

var kinds = []struct{ kind, attr, label string }{
	{kindNode, "target", "node"}, {kindRegexp, "target-pattern", "regexp"}, {kindAttrib, "target-attribute", "attribute"},
}

func linesText(root *etree.Element) []string {
	var out []string
	for _, k := range kinds {
		els := ofKind(root, k.attr)
		text := func(el *etree.Element) string {
			if k.kind == kindAttrib {
				return doc.Attr(el, k.attr) + "=" + doc.Attr(el, "target-value")
			}
			return doc.Attr(el, k.attr)
		}
		sort.SliceStable(els, func(i, j int) bool {
			a, b := els[i], els[j]
			if k.kind == kindAttrib {
				if x, y := doc.Attr(a, "target-value"), doc.Attr(b, "target-value"); x != y {
					return x < y
				}
			}
			if x, y := doc.Attr(a, k.attr), doc.Attr(b, k.attr); x != y {
				return x < y
			}
			return index(a) < index(b)
		})
		last := ""
		for _, el := range els {
			if t := text(el); t != last {
				out = append(out, "Target ("+k.label+"): "+t)
				last = t
			}
			out = append(out, "  Level "+strconv.Itoa(index(el))+": "+strings.Join(devicesOf(el), " "))
		}
	}
	return out
}

// Commands are the levels as the commands that would make them.
func Commands(root *etree.Element) []string {
	var out []string
	for _, k := range kinds {
		for _, el := range ofKind(root, k.attr) {
			t := doc.Attr(el, k.attr)
			switch k.kind {
			case kindRegexp:
				t = "regexp%" + t
			case kindAttrib:
				t = "attrib%" + t + "=" + doc.Attr(el, "target-value")
			}
			out = append(out, "pcs stonith level add --force -- "+strconv.Itoa(index(el))+" "+t+" "+strings.Join(devicesOf(el), " ")+" id="+doc.ID(el))
		}
	}
	return out
}

// JSON is the levels as data.
func JSON(root *etree.Element) show.Object {
	list := func(attr string, fields func(el *etree.Element) show.Object) []any {
		out := []any{}
		for _, el := range ofKind(root, attr) {
			devices := []any{}
			for _, d := range devicesOf(el) {
				devices = append(devices, d)
			}
			o := append(show.Object{{Name: "id", Value: doc.ID(el)}}, fields(el)...)
			out = append(out, append(o, show.Field{Name: "index", Value: index(el)}, show.Field{Name: "devices", Value: devices}))
		}
		return out
	}
	one := func(key, attr string) func(el *etree.Element) show.Object {
		return func(el *etree.Element) show.Object { return show.Object{{Name: key, Value: doc.Attr(el, attr)}} }
	}
	return show.Object{
		{Name: "target_node", Value: list("target", one("target", "target"))},
		{Name: "target_regex", Value: list("target-pattern", one("target_pattern", "target-pattern"))},
		{Name: "target_attribute", Value: list("target-attribute", func(el *etree.Element) show.Object {
			return append(one("target_attribute", "target-attribute")(el), one("target_value", "target-value")(el)...)
		})},
	}
}

// LevelConfig is `stonith level config`, and `stonith level` alone.
func LevelConfig(s *session.Session, args []string) error {
	format := ""
	if !s.Legacy() {
		if err := s.Opts.Only("-f", "--output-format"); err != nil {
			return err
		}
		var err error
		if format, err = s.Opts.OutputFormat(); err != nil {
			return err
		}
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
		s.Out.Print(show.JSON(JSON(root), 0))
	case "cmd":
		if c := Commands(root); len(c) > 0 {
			s.Out.Print(show.CommandList(c))
		}
	default:
		s.Out.Print(Lines(s, root)...)
	}
	return nil
}
