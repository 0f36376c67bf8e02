// Package upgrade brings a CIB of an old schema to a newer one.
//
//	res, err := upgrade.Upgrade(root, "")        // as cibadmin --upgrade does
//	res, err := upgrade.ForScheduler(root)       // as the scheduler and its tools do in memory
//	res.Root, res.Schema, res.Messages
//
// Most schemas only allow more than the one before, so that nothing but
// validate-with changes. Three do not: 2.0 has other ACLs (acl.go), 3.0 dropped old
// names (old*.go), 4.0 dropped what had been deprecated (modern*.go). A document is
// rewritten there only if it is not valid in the next schema as it stands.
//
// The functions are pure: the input is never changed.
package upgrade

import (
	"errors"
	"fmt"
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
)

// Result is what an upgrade came to.
type Result struct {
	Root      *etree.Element // the new document; the input itself when nothing was to be done
	Schema    string         // the schema that it declares now
	Changed   bool           // Root is another document than the input
	Rewritten bool           // more than validate-with is different
	Messages  []Message      // what was rewritten, in order
}

// Severity tells how much a Message matters.
type Severity int

// The severities of messages.
const (
	Debug Severity = iota
	Info
	Warning
)

// Message tells of one thing that was rewritten. Text is a line as Pacemaker's tools
// print it, with "INFO: " and the like in front.
type Message struct {
	Severity Severity
	Text     string
}

// Error is an upgrade that failed.
type Error struct {
	Code   int    // a number of cib.Code
	Detail string // what and why
}

func (e *Error) Error() string { return e.Detail }

// Codes of errors, numbers of cib.Code.
const (
	SchemaValidation = 203
	TransformFailed  = 204
	Corrupt          = 212
)

// rewrite is a transformation that leaves a schema behind. It may change root, and
// says when it cannot be done.
type rewrite func(root *etree.Element, say func(Message)) error

// rewrites are the transformations, by the schema that they leave.
var rewrites = map[string]rewrite{
	"pacemaker-1.3":  rewriteACLs,
	"pacemaker-2.10": rewriteOld,
	"pacemaker-3.10": rewriteModern,
}

// Upgrade raises the document to the newest schema that it can be brought to, max
// at most ("", "none" and unknown names mean the newest of all). A document that is
// not valid as declared is taken up by the first schema that it is valid with. When
// the document cannot be brought beyond its schema the error says why, and Result
// holds the input and the messages.
func Upgrade(root *etree.Element, max string) (Result, error) { return raise(root, max, how{}) }

// how an upgrade is done.
type how struct {
	valid bool // the document is known to be valid as declared
	own   bool // nobody else holds the document
	share bool // the result, which is only read, may have parts of the document
	part  bool // of a valid document this is the part that somebody may read
}

// copy copies a document for a rewrite, which may change any part of it. Where the document is
// ours, the copy takes the status over; the other result gives it back.
func (h how) copy(doc *etree.Element) (draft *etree.Element, undo func()) {
	at := -1
	if h.own {
		for i, t := range doc.Child {
			if e, ok := t.(*etree.Element); ok && e.Tag == "status" {
				at = i
				break
			}
		}
	}
	if at < 0 {
		return doc.Copy(), func() {}
	}
	status := doc.RemoveChildAt(at)
	draft = doc.Copy()
	draft.InsertChildAt(at, status)
	return draft, func() { doc.InsertChildAt(at, status) }
}

// sharing is a root of its own over the parts of a document. These stay the document's, and say so
// when they are asked for their parent: neither they nor their order may change.
func sharing(doc *etree.Element) *etree.Element {
	return &etree.Element{Space: doc.Space, Tag: doc.Tag, Attr: slices.Clone(doc.Attr), Child: slices.Clone(doc.Child)}
}

// raise is Upgrade, done in one way or another.
func raise(root *etree.Element, max string, h how) (Result, error) {
	have := root.SelectAttrValue("validate-with", "")
	res := Result{Root: root, Schema: have}
	if !schema.Known(have) {
		return res, &Error{Corrupt, fmt.Sprintf("validate-with=%q names no schema, so it is not known what to upgrade from", have)}
	}
	if max == "" || max == schema.None || !schema.Known(max) {
		max = schema.Latest
	}
	if schema.Compare(have, max) >= 0 {
		return res, nil
	}
	doc, best, rewritten := root, "", false
	var failure error
	names := schema.Names()
	names = names[schema.Compare(have, names[0]) : schema.Compare(max, names[0])+1]
	known := h.valid || h.part // doc is valid by the schema at hand, or not to be held against it
	// A reference to nothing that one schema found in a document is held against it by all
	// that follow, also by those to which the attribute is mere text.
	dangling := false
	for i, name := range names {
		if !known && (dangling || !schema.Valid(doc, name)) {
			dangling = dangling || schema.Dangling(doc, name)
			if best != "" {
				break
			}
			failure = &Error{SchemaValidation, fmt.Sprintf("the configuration is not valid by %s", name)}
			continue
		}
		best, failure = name, nil
		if name == max {
			break
		}
		next := names[i+1]
		step := rewrites[name]
		// What is valid in one schema is so in the next, but where a generation ends.
		if known = step == nil || schema.Valid(doc, next); known {
			continue
		}
		draft, undo := h.copy(doc)
		dropText(draft)
		err := step(draft, func(m Message) { res.Messages = append(res.Messages, m) })
		if h.part && err != nil { // what cannot be rewritten is read as it is
			known = true
			continue
		}
		if err == nil {
			draft.CreateAttr("validate-with", next)
			if !h.part && !schema.Valid(draft, next) {
				err = fmt.Errorf("rewritten for %s it would not be valid: %s", next, schema.Validate(draft, next)[0].Text)
			}
		}
		if err != nil {
			undo()
			failure = &Error{TransformFailed, err.Error()}
			continue
		}
		doc, rewritten, known, dangling = draft, true, true, false
	}
	if failure != nil && schema.Compare(best, have) <= 0 {
		return res, failure
	}
	if best == "" || best == have {
		return res, nil
	}
	switch {
	case rewritten || h.own:
	case h.share:
		doc = sharing(root)
	default:
		doc = root.Copy()
	}
	doc.CreateAttr("validate-with", best)
	res.Root, res.Schema, res.Changed, res.Rewritten = doc, best, true, rewritten
	return res, nil
}

// Acceptable is the oldest schema that the scheduler reads.
const Acceptable = "pacemaker-4.0"

// ForScheduler is the upgrade in memory that the scheduler and the tools make before
// they read a CIB. The error tells, in Pacemaker's words, why it cannot be read;
// Result then holds the document as far as it went.
func ForScheduler(root *etree.Element) (Result, error) { return forScheduler(root, how{}) }

// TakeForScheduler is ForScheduler for a document that nobody else holds: it is used up,
// which saves the copy of its status.
func TakeForScheduler(root *etree.Element) (Result, error) {
	return forScheduler(root, how{own: true})
}

// ForSchedulerValid is ForScheduler for a document that is known to be valid by the
// schema that it declares.
func ForSchedulerValid(root *etree.Element) (Result, error) {
	return forScheduler(root, how{valid: true})
}

// ForReading is ForScheduler for who only reads the result, of a document that a CIB manager gave:
// where the upgrade rewrites nothing, all in it is the document's own, and changes with it. The manager
// has held it against its schema, and took out what the user may not read; that references lead there,
// or that attributes are missing, is not held against it.
func ForReading(root *etree.Element) (Result, error) {
	return forScheduler(root, how{share: true, part: true})
}

func forScheduler(root *etree.Element, h how) (Result, error) {
	have := root.SelectAttrValue("validate-with", "")
	if schema.Known(have) && schema.Compare(have, Acceptable) >= 0 {
		return Result{Root: root, Schema: have}, nil
	}
	res, err := raise(root, "", h)
	if err == nil && schema.Compare(res.Schema, Acceptable) >= 0 {
		return res, nil
	}
	code, why := SchemaValidation, fmt.Sprintf("it would not upgrade past %s", res.Schema)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			code = e.Code
		}
		why = fmt.Sprintf("it does not validate with any schema from %s to the latest", have)
	}
	return res, &Error{code, fmt.Sprintf("Cannot upgrade configuration (claiming %s schema) to at least %s because %s", have, Acceptable, why)}
}

// dropText removes text at every level; CDATA sections stay.
func dropText(el *etree.Element) {
	for i := len(el.Child) - 1; i >= 0; i-- {
		switch c := el.Child[i].(type) {
		case *etree.Element:
			dropText(c)
		case *etree.CharData:
			if !c.IsCData() {
				el.RemoveChildAt(i)
			}
		}
	}
}
