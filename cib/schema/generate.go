package schema

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/beevik/etree"
)

// Random makes up a document that is valid by the schema of that name, for tests,
// fuzzing and benchmarks. size bounds the children that each element gets.
func Random(r *rand.Rand, name string, size int) *etree.Element {
	g := generator{r: r, g: grammarOf(index(name)), size: max(size, 1), name: name}
	root := g.element(g.g.root, 0)
	for _, use := range g.refs {
		if len(g.ids) == 0 {
			break // the element that asks for it goes below
		}
		use.SetValue(g.ids[r.IntN(len(g.ids))])
	}
	return root
}

type generator struct {
	r    *rand.Rand
	g    *grammar
	size int
	name string
	ids  []string
	refs []handle
}

// handle is an attribute that gets its value later.
type handle struct {
	el  *etree.Element
	key string
}

func (h handle) SetValue(v string) { h.el.CreateAttr(h.key, v) }

func (g *generator) element(d *definition, depth int) *etree.Element {
	el := etree.NewElement(d.tag)
	if d.open {
		return el
	}
	f := &d.forms[g.r.IntN(len(d.forms))]
	for tries := 0; tries < 4 && f.needs(d, d.tag) && depth > 8; tries++ {
		f = &d.forms[g.r.IntN(len(d.forms))]
	}
	order := g.r.Perm(len(d.attrs))
	for _, at := range order {
		t := f.types[at]
		if t == nil || f.required&(1<<at) == 0 && g.r.IntN(3) > 0 {
			continue
		}
		g.attribute(el, d.attrs[at], t)
	}
	for _, p := range f.parts {
		n := p.min
		most := p.max
		if most < 0 {
			most = max(g.size-depth/3, p.min)
		}
		if most > n {
			n += g.r.IntN(most - n + 1)
		}
		for range n {
			kid := d.kids[p.kids[g.r.IntN(len(p.kids))]]
			for tries := 0; kid.tag == d.tag && (depth > 7 || tries < 2); tries++ {
				kid = d.kids[p.kids[g.r.IntN(len(p.kids))]]
			}
			el.AddChild(g.element(kid, depth+1))
		}
	}
	if !d.ordered {
		shuffle(g.r, el)
	}
	return el
}

// needs tells whether the form requires a child of that tag.
func (f *form) needs(d *definition, tag string) bool {
	return slices.ContainsFunc(f.parts, func(p part) bool {
		return p.min > 0 && len(p.kids) == 1 && d.kids[p.kids[0]].tag == tag
	})
}

func shuffle(r *rand.Rand, el *etree.Element) {
	kids := el.ChildElements()
	r.Shuffle(len(kids), func(i, j int) { kids[i], kids[j] = kids[j], kids[i] })
	for _, k := range kids {
		el.RemoveChild(k)
	}
	for _, k := range kids {
		el.AddChild(k)
	}
}

func (g *generator) attribute(el *etree.Element, key string, t *valueType) {
	switch t.names {
	case identity:
		id := fmt.Sprintf("%s-%d", el.Tag, len(g.ids)+1)
		g.ids = append(g.ids, id)
		el.CreateAttr(key, id)
		return
	case reference:
		el.CreateAttr(key, "")
		g.refs = append(g.refs, handle{el, key})
		return
	}
	if t.name == "schema" {
		el.CreateAttr(key, g.name)
		return
	}
	for {
		if v := someValue(g.r); t.accepts(v) {
			el.CreateAttr(key, v)
			return
		}
		if len(t.words) > 0 {
			el.CreateAttr(key, t.words[g.r.IntN(len(t.words))])
			return
		}
	}
}

// vocabulary is every word of the grammars of all versions.
var vocabulary = sync.OnceValue(func() (v struct{ tags, attrs, words []string }) {
	add := func(list *[]string, words ...string) {
		for _, w := range words {
			if !slices.Contains(*list, w) {
				*list = append(*list, w)
			}
		}
	}
	for i := range index(None) {
		g := grammarOf(i)
		for _, d := range g.all {
			add(&v.tags, d.tag)
			add(&v.attrs, d.attrs...)
			for _, f := range d.forms {
				for _, t := range f.types {
					if t != nil {
						add(&v.words, t.words...)
						add(&v.words, t.not...)
					}
				}
			}
		}
	}
	slices.Sort(v.tags)
	slices.Sort(v.attrs)
	slices.Sort(v.words)
	return v
})

var oddValues = []string{
	"", " ", "x", "a b", "10s", "INFINITY", "-INFINITY", "+INFINITY", "infinity", " INFINITY ", "0", "1", "-1", "+5", "007", "-0", "9", "10", " 5 ",
	"5.0", "123456789012345678901234", "1234567890123456789012345", "0000000000000000000000000000000001", "true", "false", "yes", " true ", "TRUE",
	"1a", "_a.b-c", "a:b", "é", " stop ", "stop", "ocf", " ocf", "f1,f2", "f1, f2", "f1,", "80-90", "80", "#uname", "classic  openais", " remove-after-stop ",
	"2026-01-01 00:00:00Z", "P1D", "--5", "+", "quorum", "Promoted", "Any", "notify", "primitive-1", "nvpair-2", "promoted-max",
}

func someValue(r *rand.Rand) string {
	if words := vocabulary().words; r.IntN(3) == 0 {
		return words[r.IntN(len(words))]
	}
	return oddValues[r.IntN(len(oddValues))]
}

// Mutate breaks a document in a few random places, or changes it without breaking it.
func Mutate(r *rand.Rand, root *etree.Element, times int) {
	for range times {
		mutate(r, root)
	}
}

func mutate(r *rand.Rand, root *etree.Element) {
	all := root.FindElements("//*")
	all = append(all, root)
	el := all[r.IntN(len(all))]
	words := vocabulary()
	switch r.IntN(14) {
	case 0, 1:
		if len(el.Attr) > 0 {
			el.RemoveAttr(el.Attr[r.IntN(len(el.Attr))].Key)
		}
	case 2:
		el.CreateAttr(words.attrs[r.IntN(len(words.attrs))], someValue(r))
	case 3, 4, 5:
		if len(el.Attr) > 0 {
			el.Attr[r.IntN(len(el.Attr))].Value = someValue(r)
		}
	case 6:
		if el != root {
			el.Parent().RemoveChild(el)
		}
	case 7:
		if el != root { // the same once more, with the same ids or with others
			c := el.Copy()
			if r.IntN(3) > 0 {
				n := 0
				for _, d := range append(c.FindElements("//*"), c) {
					if d.SelectAttr("id") != nil {
						n++
						d.CreateAttr("id", fmt.Sprintf("copy-%d-%d", r.IntN(1<<30), n))
					}
				}
			}
			el.Parent().AddChild(c)
		}
	case 8:
		from := all[r.IntN(len(all))]
		if from != root && !within(el, from) {
			from.Parent().RemoveChild(from)
			el.AddChild(from)
		}
	case 9:
		if el != root {
			el.Tag = words.tags[r.IntN(len(words.tags))]
		}
	case 10:
		el.CreateElement(words.tags[r.IntN(len(words.tags))])
	case 11:
		shuffle(r, el)
	case 12:
		el.AddChild([]etree.Token{etree.NewComment(" c "), etree.NewText(" "), etree.NewText("t"), etree.NewCData(" ")}[r.IntN(4)])
	case 13:
		if len(el.Attr) > 0 { // another element's value: ids twice, references to something else
			a := &el.Attr[r.IntN(len(el.Attr))]
			from := all[r.IntN(len(all))]
			if len(from.Attr) > 0 {
				a.Value = from.Attr[r.IntN(len(from.Attr))].Value
			}
		}
	}
}

// within tells whether el is inner or inside it.
func within(el, inner *etree.Element) bool {
	for ; el != nil; el = el.Parent() {
		if el == inner {
			return true
		}
	}
	return false
}
