// Package verify checks a configuration as crm_verify does: against its schema, by
// raising it to the newest one, and by letting the scheduler read it. What is found is
// told in Pacemaker's words, and beside them with the place and what to do about it.
//
//	r := verify.Check(verify.Source{Name: "cib.xml", Doc: doc}, time.Now())
//	for _, l := range r.Text(1) { … }   // the lines of crm_verify -V
//	r.JSON(), r.SARIF()                 // for programs: file, line, column, rule, remedy
package verify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// Source is a document to check: Doc tells where its elements stand, and may be nil for
// one that was not read from text.
type Source struct {
	Name string // a file, "string", "stdin" or "cluster"
	Root *etree.Element
	Doc  *xml.Document
}

// Severity tells how much a finding weighs.
type Severity int

// The severities. Notes do not make a configuration invalid.
const (
	Note Severity = iota
	Warning
	Error
)

func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// Finding is one thing that was found.
type Finding struct {
	Severity Severity
	Rule     string // what kind of finding: a schema.Kind, "configuration", "upgrade", "syntax", "not-a-cib"
	Text     string
	Help     string // what to do about it, where Text does not say so
	Pos      xml.Pos
	Element  string // the name of the element that is meant, and its id
	ID       string
	Attr     string

	told    []string // Pacemaker's words for a violation of the schema, where they are a contract
	times   int      // how often it says them
	verbose bool     // said with -V only
	bare    bool     // said on standard error whatever the form of the output
	schema  bool     // a violation of the schema
}

// Report is the outcome of a check.
type Report struct {
	Source   string
	Schema   string // what the document declares
	Findings []Finding
	Notices  []string // what else the scheduler had to say, about the cluster's state

	structure []string // libxml2's words for the violations of the schema together, where they are known
}

// Invalid tells that there are errors, Doubtful that there are warnings or errors.
func (r *Report) Invalid() bool  { return r.worst() == Error }
func (r *Report) Doubtful() bool { return r.worst() >= Warning }

func (r *Report) worst() Severity {
	worst := Note
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Broken is the report on a text that is no XML.
func Broken(name string, err error) *Report {
	f := Finding{Severity: Error, Rule: "syntax", Text: err.Error()}
	var syntax *xml.Error
	if errors.As(err, &syntax) {
		f.Text, f.Pos = syntax.Msg, syntax.Pos
	}
	return &Report{Source: name, Findings: []Finding{f}}
}

// The words on schemas.
const (
	textNone       = "Support for validate-with='none' is deprecated and will be removed in a future release without the possibility of upgrades (manually edit to use a supported schema)"
	textCannot     = "Cannot validate CIB with %s validate-with (manually edit to use a known schema)"
	textNotUsable  = "The cluster will NOT be able to use this configuration.\nPlease manually update the configuration to conform to the %s syntax."
	textNotACIB    = "Input is not a CIB (outermost element is %s not cib)"
	helpNone       = "set validate-with to a schema, " + schema.Latest + " say, and check again: without one, mistakes are found only when they have an effect"
	helpNotUsable  = "an older Pacemaker may have taken it: correct what the schema complains of, or raise the configuration step by step with \"cibadmin --upgrade\" where it is valid"
	helpNotACIB    = "check a whole configuration, as \"cibadmin --query\" prints it"
	helpUnknownRNG = "name the schema that the configuration was written for, as validate-with=\"pacemaker-3.9\""
)

// Check checks a document. now is the time at which rules are looked at.
func Check(src Source, now time.Time) *Report {
	root := src.Root
	if root == nil {
		root = src.Doc.Root
	}
	c := &check{src: src, root: root, Report: Report{Source: src.Name, Schema: root.SelectAttrValue("validate-with", "")}}
	switch {
	case root.Tag != "cib":
		c.add(Finding{Severity: Error, Rule: "not-a-cib", Text: fmt.Sprintf(textNotACIB, root.Tag), Help: helpNotACIB}, root, "")
	case c.schema():
		if upgraded := c.upgrade(); upgraded != nil {
			cluster := scheduler.Check(scheduler.Input{CIB: upgraded, Now: now})
			for _, m := range cluster.Messages {
				c.message(m)
			}
			c.Notices = cluster.Notices
		}
	}
	return &c.Report
}

// check is a check under way.
type check struct {
	Report
	src  Source
	root *etree.Element
	ids  map[string]*etree.Element
}

func (c *check) add(f Finding, el *etree.Element, attr string) {
	if el != nil {
		f.Element, f.ID, f.Attr = el.Tag, el.SelectAttrValue("id", ""), attr
		if c.src.Doc != nil {
			f.Pos = c.src.Doc.Pos(el)
			if attr != "" {
				f.Pos = c.src.Doc.AttrPos(el, attr)
			}
		}
	}
	c.Findings = append(c.Findings, f)
}

// schema holds the document against the schema that it declares; false: no use to go on.
func (c *check) schema() bool {
	name := c.Report.Schema
	switch {
	case name == schema.None:
		for range 2 {
			c.add(Finding{Severity: Warning, Rule: "no-schema", Text: textNone, Help: helpNone, verbose: true}, c.root, "validate-with")
		}
		c.add(Finding{Severity: Warning, Rule: "no-schema", Text: tool.Unchecked, Help: helpNone, bare: true}, c.root, "validate-with")
		return true
	case !schema.Known(name):
		how := "unknown"
		if c.root.SelectAttr("validate-with") == nil {
			how = "missing"
		}
		c.add(Finding{Severity: Error, Rule: schema.UnknownSchema.String(), Text: fmt.Sprintf(textCannot, how), Help: helpUnknownRNG, verbose: true}, c.root, "validate-with")
		return false
	}
	if c.src.Doc != nil {
		defer c.src.Doc.Expand()()
	}
	problems := schema.Validate(c.root, name)
	contract := slices.IndexFunc(problems, func(p schema.Problem) bool { return !c.hasWords(p) }) < 0
	if !contract {
		c.structure = structure(c.root, name, problems)
	}
	root := false
	for _, p := range problems {
		f := Finding{Severity: Error, Rule: p.Kind.String(), Text: p.Text, schema: true}
		if contract {
			f.told, f.times = words(p), repeats(p)
			if p.Element == c.root { // the attributes of the root are told of together
				if f.times = 0; !root {
					f.told, f.times, root = c.rootWords(problems), 1, true
				}
			}
		}
		if p.Other != nil && c.src.Doc != nil {
			if at := c.src.Doc.Pos(p.Other); at.Line > 0 {
				f.Text += fmt.Sprintf(" (the first is in line %d)", at.Line)
			}
		}
		c.add(f, p.Element, p.Attr)
	}
	return len(problems) == 0
}

// upgrade raises the document as the scheduler does before it reads it; nil: it cannot.
func (c *check) upgrade() *etree.Element {
	res, err := upgrade.ForSchedulerValid(c.root)
	for _, m := range res.Messages {
		c.add(Finding{Severity: Note, Rule: "upgrade", Text: m.Text, bare: true, Help: "the file itself is unchanged; \"cibadmin --upgrade\" makes it so"}, nil, "")
		c.place(&c.Findings[len(c.Findings)-1])
	}
	if err != nil {
		c.add(Finding{Severity: Error, Rule: "upgrade", Text: err.Error(), Help: helpNotUsable, bare: true}, c.root, "validate-with")
		c.add(Finding{Severity: Error, Rule: "upgrade", Text: fmt.Sprintf(textNotUsable, schema.Latest), Help: helpNotUsable}, c.root, "validate-with")
		return nil
	}
	return res.Root
}

// message takes in what the scheduler found.
func (c *check) message(m status.Message) {
	f := Finding{Severity: Warning, Rule: "configuration", Text: m.Text, Help: remedy(m.Text), verbose: true}
	if m.Severity == status.Error {
		f.Severity = Error
	}
	c.Findings = append(c.Findings, f)
	c.place(&c.Findings[len(c.Findings)-1])
}

// Forget drops the findings that the function tells.
func (r *Report) Forget(which func(Finding) bool) {
	r.Findings = slices.DeleteFunc(r.Findings, which)
}
