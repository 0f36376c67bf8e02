package constraint

import (
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// kind09 is a kind of constraint as 0.9 shows it.
type kind09 struct {
	tag, heading, mark string
	plain              func(el *etree.Element, ids bool) string
}

var (
	orders      = kind09{"rsc_order", "Ordering Constraints:", "first", plainOrder}
	colocations = kind09{"rsc_colocation", "Colocation Constraints:", "rsc", plainColocation}
	tickets     = kind09{"rsc_ticket", "Ticket Constraints:", "rsc", plainTicket}
)

func (k kind09) lines(root *etree.Element, ids bool) []string {
	out := []string{k.heading}
	var sets []string
	for _, el := range doc.All(doc.Section(root, "constraints"), k.tag) {
		if doc.Has(el, k.mark) {
			out = append(out, "  "+k.plain(el, ids))
		} else {
			sets = append(sets, "    "+withSets(el, ids))
		}
	}
	if len(sets) > 0 {
		out = append(append(out, "  Resource Sets:"), sets...)
	}
	return out
}

// Show09 is `constraint KIND show` of 0.9.
func Show09(tag string) session.Verb {
	return func(s *session.Session, _ []string) error {
		root, err := s.CIB()
		if err != nil {
			return err
		}
		for _, k := range []kind09{orders, colocations, tickets} {
			if k.tag == tag {
				s.Out.Print(k.lines(root, s.Opts.Full())...)
			}
		}
		return nil
	}
}

func idMark(el *etree.Element) string { return "(id:" + doc.ID(el) + ")" }

func words(list ...string) string {
	var out []string
	for _, w := range list {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

func plainColocation(el *etree.Element, ids bool) string {
	out := []string{doc.Attr(el, "rsc"), "with", doc.Attr(el, "with-rsc"), "(score:" + doc.Attr(el, "score") + ")"}
	for _, a := range doc.SortedAttrs(el, "rsc", "with-rsc", "id", "score") {
		out = append(out, "("+a.Name+":"+a.Value+")")
	}
	if ids {
		out = append(out, idMark(el))
	}
	return strings.Join(out, " ")
}

func plainOrder(el *etree.Element, ids bool) string {
	score := "(score:" + doc.Attr(el, "score") + ")"
	switch kind := doc.Attr(el, "kind"); {
	case kind != "":
		score = "(kind:" + kind + ")"
	case doc.Attr(el, "score") == "":
		score = "(kind:Mandatory)"
	}
	symmetry, id := "", ""
	if doc.Has(el, "symmetrical") && !number.IsTrue(doc.Attr(el, "symmetrical")) {
		symmetry = "(non-symmetrical)"
	}
	if ids {
		id = idMark(el)
	}
	var more []string
	for _, a := range doc.Attrs(el, "first", "then", "first-action", "then-action", "id", "score", "kind", "symmetrical") {
		more = append(more, a.Name+"="+a.Value)
	}
	options := ""
	if len(more) > 0 {
		options = "(Options: " + strings.Join(more, " ") + ")"
	}
	return words(doc.Attr(el, "first-action"), doc.Attr(el, "first"), "then", doc.Attr(el, "then-action"), doc.Attr(el, "then"), score, symmetry, options, id)
}

func optionWords(el *etree.Element, without ...string) []string {
	var out []string
	for _, a := range doc.SortedAttrs(el, append(without, "id")...) {
		out = append(out, a.Name+"="+a.Value)
	}
	return out
}

func plainTicket(el *etree.Element, ids bool) string {
	out := []string{doc.Attr(el, "rsc")}
	if r := doc.Attr(el, "rsc-role"); r != "" {
		out = []string{r, doc.Attr(el, "rsc")}
	}
	out = append(out, optionWords(el, "rsc-role", "rsc")...)
	if ids {
		out = append(out, idMark(el))
	}
	return strings.Join(out, " ")
}

// withSets is a constraint of resource sets on one line.
func withSets(el *etree.Element, ids bool) string {
	var out []string
	for _, set := range doc.All(el, "resource_set") {
		out = append(out, "set")
		for _, r := range doc.All(set, "resource_ref") {
			out = append(out, doc.ID(r))
		}
		out = append(out, optionWords(set)...)
		if ids {
			out = append(out, idMark(set))
		}
	}
	if o := optionWords(el); len(o) > 0 {
		out = append(append(out, "setoptions"), o...)
	}
	if ids {
		out = append(out, idMark(el))
	}
	return strings.Join(out, " ")
}

// target is what a location constraint is about.
type target struct{ kind, value string }

func (t target) label() string {
	if t.kind == "regexp" {
		return "Resource pattern: " + t.value
	}
	return "Resource: " + t.value
}

func targetOf(el *etree.Element) target {
	if doc.Has(el, "rsc-pattern") {
		return target{"regexp", doc.Attr(el, "rsc-pattern")}
	}
	return target{"resource", doc.Attr(el, "rsc")}
}

func sortTargets(list []target) {
	sort.Slice(list, func(i, j int) bool {
		if list[i].kind != list[j].kind {
			return list[i].kind == "regexp"
		}
		return list[i].value < list[j].value
	})
}

// LocationShow09 is `constraint location show` of 0.9.
func LocationShow09(s *session.Session, args []string) error {
	root, err := currentCIB09(s)
	if err != nil {
		return err
	}
	lines, err := locationShow09(s, root, args)
	if err != nil {
		return err
	}
	s.Out.Print(lines...)
	return nil
}

func locationShow09(s *session.Session, root *etree.Element, args []string) ([]string, error) {
	byNode := len(args) > 0 && args[0] == "nodes"
	var only []target
	if len(args) > 1 {
		for _, a := range args[1:] {
			if byNode {
				only = append(only, target{"node", a})
				continue
			}
			kind, value, err := argv.TypedArg(a, []string{"resource", "regexp"}, "resource")
			if err != nil {
				return nil, err
			}
			only = append(only, target{kind, value})
		}
	}
	if _, err := constraints(root); err != nil {
		return nil, err
	}
	return locationLines09(root, s.Opts.Full() && !byNode, byNode, only), nil
}

func positive(el *etree.Element) bool {
	switch score := doc.Attr(el, "score"); score {
	case "", "INFINITY":
		return true
	case "-INFINITY":
		return false
	default:
		n, _ := strconv.Atoi(score)
		return n >= 0
	}
}

func scoreOf(el *etree.Element) string {
	if v := doc.Attr(el, "score"); v != "" {
		return v
	}
	return "0"
}

func extras(el *etree.Element) []string {
	var out []string
	if r := doc.Attr(el, "role"); r != "" {
		out = append(out, "(role: "+r+")")
	}
	if d := doc.Attr(el, "resource-discovery"); d != "" {
		out = append(out, "(resource-discovery="+d+")")
	}
	return out
}

func contains(list []target, t target) bool {
	for _, x := range list {
		if x == t {
			return true
		}
	}
	return false
}

func locationLines09(root *etree.Element, ids, byNode bool, only []target) []string {
	out := []string{"Location Constraints:"}
	all := doc.All(doc.Section(root, "constraints"), "rsc_location")
	rules := map[target][]*etree.Element{}
	var targets, ruled []target
	var nodes []string
	for _, el := range all {
		t := targetOf(el)
		if !contains(targets, t) {
			targets = append(targets, t)
		}
		for _, r := range doc.Children(el, "rule") {
			if !contains(ruled, t) {
				ruled = append(ruled, t)
			}
			rules[t] = append(rules[t], r)
		}
		n := doc.Attr(el, "node")
		seen := false
		for _, x := range nodes {
			seen = seen || x == n
		}
		if !seen {
			nodes = append(nodes, n)
		}
	}
	sortTargets(targets)
	sortTargets(ruled)
	sort.Strings(nodes)
	if byNode {
		for _, n := range nodes {
			if len(only) > 0 && !contains(only, target{"node", n}) {
				continue
			}
			out = append(out, "  Node: "+n)
			for _, allowed := range []bool{true, false} {
				label := "    Allowed to run:"
				if !allowed {
					label = "    Not allowed to run:"
				}
				for _, el := range all {
					if doc.Attr(el, "node") != n || positive(el) != allowed {
						continue
					}
					if label != "" {
						out = append(out, label)
						label = ""
					}
					parts := append([]string{"      " + targetOf(el).label() + " (" + doc.ID(el) + ")"}, extras(el)...)
					out = append(out, strings.Join(append(parts, "Score: "+scoreOf(el)), " "))
				}
			}
		}
		for _, t := range ruled {
			out = append(out, "  "+t.label())
			out = append(out, ruleLines09(rules[t], ids)...)
		}
		return out
	}
	for _, t := range targets {
		if len(only) > 0 && !contains(only, t) {
			continue
		}
		out = append(out, "  "+t.label())
		for _, allowed := range []bool{true, false} {
			label := "    Enabled on:"
			if !allowed {
				label = "    Disabled on:"
			}
			for _, el := range all {
				if targetOf(el) != t || positive(el) != allowed || doc.Attr(el, "node") == "" {
					continue
				}
				parts := append([]string{label, doc.Attr(el, "node"), "(score:" + scoreOf(el) + ")"}, extras(el)...)
				if ids {
					parts = append(parts, idMark(el))
				}
				out = append(out, strings.Join(parts, " "))
			}
		}
		out = append(out, ruleLines09(rules[t], ids)...)
	}
	return out
}

// ruleLines09 shows rules below the constraints that they belong to, those sorted by id.
func ruleLines09(rules []*etree.Element, ids bool) []string {
	byID := map[string][]*etree.Element{}
	var order []string
	for _, r := range rules {
		id := doc.ID(r.Parent())
		if byID[id] == nil {
			order = append(order, id)
		}
		byID[id] = append(byID[id], r)
	}
	sort.Strings(order)
	var out []string
	for _, id := range order {
		head := "    Constraint: " + id
		if d := doc.Attr(byID[id][0].Parent(), "resource-discovery"); d != "" {
			head += " (resource-discovery=" + d + ")"
		}
		out = append(out, head)
		for _, r := range byID[id] {
			for _, l := range rule.LegacyLines(r, ids) {
				out = append(out, "      "+l)
			}
		}
	}
	return out
}
