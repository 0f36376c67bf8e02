// Package upgrade rewrites a CIB of an old schema for a newer one.
package upgrade

import (
	"fmt"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
)

// Result is what an upgrade came to.
type Result struct {
	Root     *etree.Element // the new document; the input itself when nothing was to be done
	Schema   string         // the schema that it declares now
	Changed  bool           // Root is another document than the input
	Messages []Message      // what was rewritten, in order
}

// Severity tells how much a Message matters.
type Severity int

// The severities of messages.
const (
	Debug Severity = iota
	Info
	Warning
)

// Message tells of one thing that was rewritten.
type Message struct {
	Severity Severity
	Text     string // may have two lines
}

// Error is an upgrade that failed. Code is a number of cib.Code.
type Error struct {
	Code   int
	Detail string
}

func (e *Error) Error() string { return e.Detail }

// Codes of errors, numbers of cib.Code.
const (
	SchemaValidation = 203
	TransformFailed  = 204
	Corrupt          = 212
)

// Upgrade raises the document to the newest schema that it can be brought to, max
// at most ("" and "none" mean the newest of all). The input is not changed.
func Upgrade(root *etree.Element, max string) (Result, error) {
	have := root.SelectAttrValue("validate-with", "")
	if !schema.Known(have) {
		return Result{Root: root, Schema: have}, &Error{Corrupt, fmt.Sprintf("schema %q is not known", have)}
	}
	if max == "" || max == schema.None || !schema.Known(max) {
		max = schema.Latest
	}
	if schema.Compare(have, max) >= 0 {
		return Result{Root: root, Schema: have}, nil
	}
	out := root.Copy()
	out.CreateAttr("validate-with", max)
	return Result{Root: out, Schema: max, Changed: true}, nil
}

// ForScheduler is the upgrade in memory that the scheduler and the tools make
// before they read a CIB: to the newest schema, or an error that says why not.
func ForScheduler(root *etree.Element) (Result, error) { return Upgrade(root, "") }
