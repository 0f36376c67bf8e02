package constraint

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// kind is a kind of constraints as the dialects from 0.11 on show it.
type kind struct {
	tag, word, title string
	head             func(el *etree.Element) string
	attrs            func(el *etree.Element) argv.Pairs
	// below are the lines below the head: attributes, rules.
	below func(el *etree.Element, eval rule.Eval, ids bool) []string
	// commands make the constraint; none when they cannot.
	commands func(s *session.Session, el *etree.Element, eval rule.Eval) [][]string
	json     func(el *etree.Element, eval rule.Eval) show.Object
	attrJSON func(el *etree.Element, eval rule.Eval) show.Object
}

var (
	locationKind = &kind{
		tag: "rsc_location", word: "location", title: "Location", head: locationHead, attrs: locationAttrs,
		below: locationBelow, commands: locationCommands, json: locationJSON, attrJSON: locationAttrJSON,
	}
	colocationKind = &kind{
		tag: "rsc_colocation", word: "colocation", title: "Colocation", head: colocationHead, attrs: colocationAttrs,
		below: colocationBelow, commands: colocationCommands, json: colocationJSON, attrJSON: colocationAttrJSON,
	}
	orderKind = &kind{
		tag: "rsc_order", word: "order", title: "Order", head: orderHead, attrs: orderAttrs,
		below: pairsBelow(orderAttrs), commands: orderCommands, json: orderJSON, attrJSON: orderAttrJSON,
	}
	ticketKind = &kind{
		tag: "rsc_ticket", word: "ticket", title: "Ticket", head: ticketHead, attrs: ticketAttrs,
		below: pairsBelow(ticketAttrs), commands: ticketCommands, json: ticketJSON, attrJSON: ticketAttrJSON,
	}
	kinds = []*kind{locationKind, colocationKind, orderKind, ticketKind}
)

// Set is some constraints of a CIB, those with sets of resources apart from the plain ones.
type Set struct {
	eval        rule.Eval
	plain, sets map[*kind][]*etree.Element
	// sorted has the resources of a set stand in an order of their own, as since 0.12, not in the set's.
	sorted bool
}

// For reads as a generation of pcs shows it.
func (c *Set) For(minor int) *Set {
	c.sorted = minor >= 12
	return c
}

// Read reads the constraints of a CIB; now is for the rules in them, nil leaves those untold.
func Read(root *etree.Element, now *time.Time) *Set {
	c := &Set{plain: map[*kind][]*etree.Element{}, sets: map[*kind][]*etree.Element{}}
	if now != nil {
		c.eval = rule.EvalAt(root, *now)
	}
	for _, k := range kinds {
		for _, el := range doc.Children(doc.Section(root, "constraints"), k.tag) {
			if doc.Child(el, "resource_set") != nil {
				c.sets[k] = append(c.sets[k], el)
			} else {
				c.plain[k] = append(c.plain[k], el)
			}
		}
	}
	return c
}

func (c *Set) only(kinds ...*kind) *Set {
	out := &Set{eval: c.eval, sorted: c.sorted, plain: map[*kind][]*etree.Element{}, sets: map[*kind][]*etree.Element{}}
	for _, k := range kinds {
		out.plain[k], out.sets[k] = c.plain[k], c.sets[k]
	}
	return out
}

// withoutExpired drops locations all of whose rules are over.
func (c *Set) withoutExpired() *Set {
	over := func(el *etree.Element) bool {
		rules := doc.Children(el, "rule")
		for _, r := range rules {
			if c.eval == nil || c.eval(doc.ID(r)) != rule.Expired {
				return false
			}
		}
		return len(rules) > 0
	}
	out := c.only(kinds...)
	out.plain[locationKind] = slices.DeleteFunc(slices.Clone(out.plain[locationKind]), over)
	out.sets[locationKind] = slices.DeleteFunc(slices.Clone(out.sets[locationKind]), over)
	return out
}

func optRole(el *etree.Element, name string) any {
	if doc.Has(el, name) {
		return rule.NewRole(doc.Attr(el, name))
	}
	return nil
}

// before is a role or an action in front of a word.
func before(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}

func roleOf(el *etree.Element, name string) string { return rule.NewRole(doc.Attr(el, name)) }

func pairsLine(p argv.Pairs) []string {
	if len(p) == 0 {
		return nil
	}
	return []string{strings.Join(show.NameValues(p), " ")}
}

func pairsBelow(attrs func(*etree.Element) argv.Pairs) func(*etree.Element, rule.Eval, bool) []string {
	return func(el *etree.Element, _ rule.Eval, _ bool) []string { return pairsLine(attrs(el)) }
}

func rulesLines(rules []*etree.Element, eval rule.Eval, ids bool) []string {
	var out []string
	for _, r := range rules {
		out = append(out, show.Indent(rule.Read(r, eval).Lines(ids))...)
	}
	return out
}

func rulesJSON(rules []*etree.Element, eval rule.Eval) []any {
	out := []any{}
	for _, r := range rules {
		out = append(out, rule.Read(r, eval).JSON())
	}
	return out
}

func lifetime(el *etree.Element) []*etree.Element {
	var out []*etree.Element
	for _, l := range doc.Children(el, "lifetime") {
		out = append(out, doc.Children(l, "rule")...)
	}
	return out
}

func idNote(el *etree.Element, ids bool) string {
	if ids {
		return " (id: " + doc.ID(el) + ")"
	}
	return ""
}

func (k *kind) plainLines(el *etree.Element, eval rule.Eval, ids bool) []string {
	return append([]string{k.head(el) + idNote(el, ids)}, show.Indent(k.below(el, eval, ids))...)
}

func bool01(el *etree.Element, name string) string {
	return show.Bool01(number.IsTrue(doc.Attr(el, name)))
}

func setPairs(set *etree.Element) argv.Pairs {
	var p argv.Pairs
	for _, n := range []string{"sequential", "require-all"} {
		if doc.Has(set, n) {
			p = append(p, argv.Pair{Name: n, Value: bool01(set, n)})
		}
	}
	for _, n := range []string{"ordering", "action", "role", "score", "kind"} {
		v := doc.Attr(set, n)
		switch {
		case v == "":
			continue
		case n == "role":
			v = rule.NewRole(v)
		case n == "kind":
			v = report.Capitalize(v)
		}
		p = append(p, argv.Pair{Name: n, Value: v})
	}
	return p
}

func refs(set *etree.Element) []string {
	var out []string
	for _, r := range doc.Children(set, "resource_ref") {
		out = append(out, doc.ID(r))
	}
	return out
}

func (k *kind) setLines(el *etree.Element, eval rule.Eval, ids, sorted bool) []string {
	head := "Set Constraint:"
	if ids {
		head += " " + doc.ID(el)
	}
	below := k.below(el, eval, ids)
	if k == ticketKind {
		below = pairsLine(append(argv.Pairs{{Name: "ticket", Value: doc.Attr(el, "ticket")}}, ticketAttrs(el)...))
	}
	out := append([]string{head}, show.Indent(below)...)
	for _, set := range doc.Children(el, "resource_set") {
		line := "  Resource Set:"
		if ids {
			line += " " + doc.ID(set)
		}
		resources := refs(set)
		if sorted {
			slices.Sort(resources)
		}
		out = append(out, line, "    Resources: "+report.Quote(resources))
		out = append(out, show.IndentBy(pairsLine(setPairs(set)), 4)...)
	}
	return out
}

// Lines are the constraints as text.
func (c *Set) Lines(ids bool) []string {
	var out []string
	for _, k := range kinds {
		if len(c.plain[k]) > 0 {
			out = append(out, k.title+" Constraints:")
			for _, el := range c.plain[k] {
				out = append(out, show.Indent(k.plainLines(el, c.eval, ids))...)
			}
		}
		if len(c.sets[k]) > 0 {
			out = append(out, k.title+" Set Constraints:")
			for _, el := range c.sets[k] {
				out = append(out, show.Indent(k.setLines(el, c.eval, ids, c.sorted))...)
			}
		}
	}
	return out
}

// JSON is the constraints as data.
func (c *Set) JSON() show.Object {
	var out show.Object
	for _, k := range kinds {
		plain, sets := []any{}, []any{}
		for _, el := range c.plain[k] {
			plain = append(plain, append(k.json(el, c.eval), show.Field{Name: "attributes", Value: k.attrJSON(el, c.eval)}))
		}
		for _, el := range c.sets[k] {
			list := []any{}
			for _, set := range doc.Children(el, "resource_set") {
				list = append(list, setJSON(set))
			}
			sets = append(sets, show.Object{{Name: "resource_sets", Value: list}, {Name: "attributes", Value: k.attrJSON(el, c.eval)}})
		}
		out = append(out, show.Field{Name: k.word, Value: plain}, show.Field{Name: k.word + "_set", Value: sets})
	}
	return out
}

func setJSON(set *etree.Element) show.Object {
	ids := []any{}
	for _, r := range refs(set) {
		ids = append(ids, r)
	}
	return show.Object{
		{Name: "set_id", Value: doc.ID(set)},
		{Name: "sequential", Value: show.AttrBool(set, "sequential")},
		{Name: "require_all", Value: show.AttrBool(set, "require-all")},
		{Name: "ordering", Value: show.Attr(set, "ordering")},
		{Name: "action", Value: show.Attr(set, "action")},
		{Name: "role", Value: optRole(set, "role")},
		{Name: "score", Value: show.Attr(set, "score")},
		{Name: "kind", Value: show.Attr(set, "kind")},
		{Name: "resources_ids", Value: ids},
	}
}

// omitted warns of a constraint for which no command can be given.
func omitted(s *session.Session, what string) {
	s.Out.Warn(what + " Command for creating the constraint is omitted.")
}

func detected(s *session.Session, el *etree.Element, what string) {
	omitted(s, what+" detected in constraint '"+doc.ID(el)+"' but not supported by this command.")
}

// setCommand is the command that makes a constraint with sets, without its options; nil when there is none.
func (k *kind) setCommand(s *session.Session, el *etree.Element) []string {
	out := []string{"pcs -- constraint " + k.word}
	for _, set := range doc.Children(el, "resource_set") {
		p := setPairs(set)
		for _, x := range p {
			if !slices.Contains(setOptionNames(), x.Name) {
				omitted(s, "Option '"+x.Name+"' detected in resource set '"+doc.ID(set)+"' but not supported by this command.")
				return nil
			}
		}
		line := "  set " + show.ShellWords(refs(set))
		if len(p) > 0 {
			line += " " + show.ShellPairs(p)
		}
		out = append(out, line)
	}
	return out
}

// Commands are the commands that make the constraints.
func (c *Set) Commands(s *session.Session) [][]string {
	for _, el := range c.sets[locationKind] {
		omitted(s, "Location set constraint with id '"+doc.ID(el)+"' configured but it's not supported by this command.")
	}
	var out [][]string
	for _, k := range kinds {
		for _, el := range c.plain[k] {
			out = append(out, k.commands(s, el, c.eval)...)
		}
		if k == locationKind {
			continue
		}
		for _, el := range c.sets[k] {
			if cmd := k.setCommands(s, el); cmd != nil {
				out = append(out, cmd)
			}
		}
	}
	return out
}

func (k *kind) setCommands(s *session.Session, el *etree.Element) []string {
	out := k.setCommand(s, el)
	if out == nil {
		return nil
	}
	var p argv.Pairs
	switch k {
	case colocationKind:
		var ok bool
		if p, ok = colocationPairs(s, el); !ok {
			return nil
		}
	case orderKind:
		p = append(argv.Pairs{{Name: "id", Value: doc.ID(el)}}, orderAttrs(el)...)
		for _, x := range p {
			if x.Name != "symmetrical" && x.Name != "kind" && x.Name != "id" {
				detected(s, el, "Option '"+x.Name+"'")
				return nil
			}
		}
	case ticketKind:
		p = append(argv.Pairs{{Name: "id", Value: doc.ID(el)}}, ticketAttrs(el)...)
		p = append(p, argv.Pair{Name: "ticket", Value: doc.Attr(el, "ticket")})
	}
	if len(p) > 0 {
		out = append(out, "  setoptions "+show.ShellPairs(p))
	}
	return out
}

// print shows constraints in the format that was asked for.
func (c *Set) print(s *session.Session) error {
	if !s.Opts.Has("--all") {
		c = c.withoutExpired()
	}
	format, err := s.Opts.OutputFormat()
	if err != nil {
		return err
	}
	switch format {
	case "json":
		if s.Opts.Full() {
			return argv.Usagef("Option '--full' is not compatible with 'json' output format.")
		}
		s.Out.Print(show.JSON(c.JSON(), 2))
	case "cmd":
		var cmds []string
		for _, lines := range c.Commands(s) {
			cmds = append(cmds, show.CommandLines(lines))
		}
		s.Out.Print(show.CommandList(cmds))
	default:
		if lines := c.Lines(s.Opts.Full()); len(lines) > 0 {
			s.Out.Print(lines...)
		}
	}
	return nil
}

// Config is `constraint config`, and of a kind, `constraint KIND config`.
func Config(tags ...string) session.Verb {
	return func(s *session.Session, args []string) error {
		allowed := []string{"-f", "--output-format", "--full"}
		if len(tags) == 0 {
			allowed = append(allowed, "--all")
		}
		if err := s.Opts.Only(allowed...); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		now := time.Now()
		c := Read(root, &now).For(s.Minor())
		if len(tags) > 0 {
			var wanted []*kind
			for _, k := range kinds {
				if slices.Contains(tags, k.tag) {
					wanted = append(wanted, k)
				}
			}
			c = c.only(wanted...)
		}
		return c.print(s)
	}
}

// Show is `constraint show` and its like from 0.11 on: told to go away.
func Show(use string, verb session.Verb) session.Verb {
	return func(s *session.Session, args []string) error {
		s.Deprecated("This command is deprecated and will be removed. Please use '" + use + "' instead.")
		return verb(s, args)
	}
}
