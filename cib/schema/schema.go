// Package schema knows the grammar of a CIB in each version that a document may
// declare with validate-with, from pacemaker-1.0 to pacemaker-4.0.
//
//	problems := schema.Validate(root, root.SelectAttrValue("validate-with", ""))
//	for _, p := range problems {
//		fmt.Println(doc.AttrPos(p.Element, p.Attr), p.Text)
//	}
//
// The verdict is that of RELAX NG with the schemas that Pacemaker 3.0.2 ships;
// the words are our own: what was found, what may stand there, what was meant.
//
// The grammar is one text, grammar.txt, in which each line says for which versions
// it goes. It is compiled once for each version into tables, by which a document is
// checked in one walk.
package schema

import (
	"fmt"
	"slices"
	"sync"

	"github.com/beevik/etree"
)

// Latest is the newest schema.
const Latest = "pacemaker-4.0"

// None is the name that switches validation off.
const None = "none"

var names = []string{
	"pacemaker-1.0", "pacemaker-1.2", "pacemaker-1.3",
	"pacemaker-2.0", "pacemaker-2.1", "pacemaker-2.2", "pacemaker-2.3", "pacemaker-2.4", "pacemaker-2.5",
	"pacemaker-2.6", "pacemaker-2.7", "pacemaker-2.8", "pacemaker-2.9", "pacemaker-2.10",
	"pacemaker-3.0", "pacemaker-3.1", "pacemaker-3.2", "pacemaker-3.3", "pacemaker-3.4", "pacemaker-3.5",
	"pacemaker-3.6", "pacemaker-3.7", "pacemaker-3.8", "pacemaker-3.9", "pacemaker-3.10",
	"pacemaker-4.0",
	None,
}

// Names are the names of all schemas, oldest first, None last.
func Names() []string { return slices.Clone(names) }

// Known tells whether there is a schema of that name; None is one.
func Known(name string) bool { return index(name) >= 0 }

// Compare is negative when schema a is older than b, positive when newer. None is
// newer than all others; an unknown name is older than all and like other unknown ones.
func Compare(a, b string) int { return index(a) - index(b) }

// Same tells that two schemas are of one language, so that what is valid by one is so by
// the other.
func Same(a, b string) bool {
	from, to := index(a), index(b)
	if from > to {
		from, to = to, from
	}
	if from < 0 || to == index(None) {
		return from == to
	}
	for v := from; v < to; v++ {
		if readSource().changed[v+1] {
			return false
		}
	}
	return true
}

func index(name string) int { return slices.Index(names, name) }

var grammars [25 + 1]struct {
	sync.Once
	*grammar
}

// grammarOf compiles the grammar of a version on first use.
func grammarOf(version int) *grammar {
	g := &grammars[version]
	g.Do(func() {
		compiled, err := compile(readSource(), version)
		if err != nil {
			panic("cib/schema: " + err.Error()) // the text is our own; a test compiles every version
		}
		g.grammar = compiled
	})
	return g.grammar
}

// Problem is one violation of a schema.
type Problem struct {
	Element *etree.Element // where it was found
	Attr    string         // the attribute's full name; empty when the element as such is meant
	Text    string         // what was found, what may stand there, what may have been meant
	Kind    Kind
	Value   string         // the attribute's value, of the kinds UnknownAttribute, BadValue, BadReference and Duplicate
	Other   *etree.Element // what it collides with, of the kind Duplicate
}

// Kind tells problems apart for programs.
type Kind int

// The kinds of problems.
const (
	UnknownSchema    Kind = iota // validate-with names no schema, or is missing
	UnknownElement               // an element that may not stand there
	MissingElement               // an element that has to be there is not
	UnknownAttribute             // an attribute that may not stand there
	MissingAttribute             // an attribute that has to be there is not
	BadValue                     // an attribute's value is not allowed
	BadReference                 // an attribute names an id that nothing has
	Duplicate                    // an id stands twice
	StrayText                    // text where none may be
	Namespace                    // an element or attribute of a namespace
)

func (k Kind) String() string {
	return [...]string{
		"unknown-schema", "unknown-element", "missing-element", "unknown-attribute", "missing-attribute",
		"bad-value", "bad-reference", "duplicate-id", "stray-text", "namespace",
	}[k]
}

// Validate tells what in the document violates the schema of that name; nil when it
// is valid. With None every document is; with an unknown name there is one Problem.
func Validate(root *etree.Element, name string) []Problem {
	version := index(name)
	switch {
	case version < 0 && name == "":
		return []Problem{{
			Element: root, Kind: UnknownSchema,
			Text: "validate-with is missing: it names the schema that the configuration follows, from pacemaker-1.0 to " + Latest,
		}}
	case version < 0:
		text := fmt.Sprintf("validate-with=%q names no schema; there are pacemaker-1.0 to %s", name, Latest)
		return []Problem{{Element: root, Attr: "validate-with", Kind: UnknownSchema, Value: name, Text: text + meant(name, names)}}
	case name == None:
		return nil
	}
	c := checker{g: grammarOf(version)}
	return c.run(root)
}

// Dangling tells whether Validate finds references to nothing.
func Dangling(root *etree.Element, name string) bool {
	return slices.ContainsFunc(Validate(root, name), func(p Problem) bool { return p.Kind == BadReference })
}

// Valid tells whether Validate would find nothing; it stops at the first problem.
func Valid(root *etree.Element, name string) bool {
	version := index(name)
	if version < 0 || name == None {
		return version >= 0
	}
	c := checker{g: grammarOf(version), quick: true}
	return len(c.run(root)) == 0
}
