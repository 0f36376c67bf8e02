package rule

import (
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/show"
)

// Set is a set of name-value pairs, for display.
type Set struct {
	ID      string
	Options argv.Pairs
	Rule    *Expr
	Pairs   []NVPair
}

// NVPair is a pair of a set.
type NVPair struct{ ID, Name, Value string }

// ReadSet reads a set; pairs come sorted by their ids.
func ReadSet(el *etree.Element, eval Eval) Set {
	s := Set{ID: doc.ID(el), Options: Options(el)}
	if r := doc.Child(el, "rule"); r != nil {
		s.Rule = Read(r, eval)
	}
	for _, nv := range doc.Children(el, "nvpair") {
		s.Pairs = append(s.Pairs, NVPair{doc.ID(nv), doc.Attr(nv, "name"), doc.Attr(nv, "value")})
	}
	sort.SliceStable(s.Pairs, func(i, j int) bool { return s.Pairs[i].ID < s.Pairs[j].ID })
	return s
}

// ReadSets reads all sets of a kind.
func ReadSets(el *etree.Element, tag string, eval Eval) []Set {
	var out []Set
	for _, c := range doc.Children(el, tag) {
		out = append(out, ReadSet(c, eval))
	}
	return out
}

// NameValues are the set's pairs.
func (s Set) NameValues() argv.Pairs {
	out := make(argv.Pairs, len(s.Pairs))
	for i, p := range s.Pairs {
		out[i] = argv.Pair{Name: p.Name, Value: p.Value}
	}
	return out
}

// sorted are the pairs by name, then value.
func (s Set) sorted() []NVPair {
	out := append([]NVPair(nil), s.Pairs...)
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Name != out[j].Name {
			return out[i].Name < out[j].Name
		}
		return out[i].Value < out[j].Value
	})
	return out
}

// Lines show the set under a label, pair by pair, and its rule.
func (s Set) Lines(label string, ids bool) []string {
	head := label
	if s.Rule != nil {
		if l := s.Rule.Status.Label(); l != "" {
			head += " (" + l + ")"
		}
	}
	head += ":"
	if s.ID != "" {
		head += " " + s.ID
	}
	parts := append([]string{head}, show.NameValues(s.Options.Sorted())...)
	lines := []string{strings.Join(parts, " ")}
	for _, p := range s.sorted() {
		l := "  " + show.NameValue(p.Name, p.Value)
		if ids {
			l += " (id: " + p.ID + ")"
		}
		lines = append(lines, l)
	}
	if s.Rule != nil {
		lines = append(lines, show.Indent(s.Rule.Lines(ids))...)
	}
	return lines
}

// JSON is the set as an object.
func (s Set) JSON() show.Object {
	pairs := []any{}
	for _, p := range s.Pairs {
		pairs = append(pairs, show.Object{{Name: "id", Value: p.ID}, {Name: "name", Value: p.Name}, {Name: "value", Value: p.Value}})
	}
	var r any
	if s.Rule != nil {
		r = s.Rule.JSON()
	}
	return show.Object{{Name: "id", Value: s.ID}, {Name: "options", Value: PairsJSON(s.Options)}, {Name: "rule", Value: r}, {Name: "nvpairs", Value: pairs}}
}

// SetsJSON are sets as a list.
func SetsJSON(sets []Set) []any {
	out := []any{}
	for _, s := range sets {
		out = append(out, s.JSON())
	}
	return out
}
