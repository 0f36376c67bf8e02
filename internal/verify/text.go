package verify

import (
	"fmt"
	"strings"
)

// Line is a line of a report. A bare one goes to standard error whatever the form of the
// output, others belong to the result.
type Line struct {
	Text string
	Bare bool
}

// Text gives the lines of crm_verify: verbose counts the -V, quiet leaves the closing
// line out. From the third -V on places and remedies are told as well.
func (r *Report) Text(verbose int, quiet bool) []Line { return r.lines(verbose, quiet, nil) }

// XMLText gives the lines for the XML form of the report, which tells all that -V does. What
// violates the schema is told in libxml2's words there, where they are known.
func (r *Report) XMLText(quiet bool) []Line { return r.lines(1, quiet, r.structure) }

func (r *Report) lines(verbose int, quiet bool, structure []string) []Line {
	var lines []Line
	instead := structure != nil
	advised := map[string]bool{}
	say := func(f Finding, text string) { lines = append(lines, Line{text, f.Bare()}) }
	for _, f := range r.Findings {
		switch {
		case f.Rule == "not-a-cib":
			lines = append(lines, Line{Text: f.Text})
			if verbose == 0 && !quiet {
				return append(lines, Line{Text: "Configuration " + hint})
			}
			return append(lines, Line{Text: "Configuration "})
		case f.Rule == "syntax":
			// The tool's frame has the words.
		case f.schema && instead:
			for _, t := range structure {
				say(f, t)
			}
			structure = nil
		case f.told != nil:
			for range f.times {
				for _, t := range f.told {
					say(f, t)
				}
			}
		case f.verbose && verbose > 0:
			say(f, f.Severity.String()+": "+f.Text)
		case f.verbose:
		case f.Severity == Error && !f.bare && f.Rule != "upgrade":
			say(f, r.At(f)+": error: "+f.Text)
		default:
			say(f, f.Text)
		}
		if verbose >= 3 && (f.told != nil || f.verbose || f.Help != "") {
			advice := "(" + logName(f) + ") \tnotice: " + r.At(f) + ": " + f.advice()
			if !advised[advice] { // what is wrong for many at once is said once
				lines = append(lines, Line{advice, true})
			}
			advised[advice] = true
		}
	}
	if r.Invalid() && verbose > 0 {
		lines = append(lines, Line{Text: "error: CIB did not pass schema validation"})
	}
	if closing := r.closing(verbose); closing != "" && !quiet {
		lines = append(lines, Line{Text: closing})
	}
	return lines
}

// Bare tells whether the finding is told beside the result.
func (f *Finding) Bare() bool { return f.bare }

// logName is what stands for the place in the program in a line of the log's form.
func logName(f Finding) string { return strings.ReplaceAll(f.Rule, "-", "_") }

// advice is what is meant, and what to do.
func (f *Finding) advice() string {
	var parts []string
	if f.Element != "" {
		tag := "<" + f.Element
		if f.ID != "" {
			tag += fmt.Sprintf(" id=%q", f.ID)
		}
		parts = append(parts, tag+">")
	}
	if f.told != nil {
		parts = append(parts, f.Text)
	}
	if f.Help != "" {
		parts = append(parts, f.Help)
	}
	return strings.Join(parts, ": ")
}

// At is the place of a finding as FILE:LINE:COLUMN.
func (r *Report) At(f Finding) string {
	if f.Pos.Line == 0 {
		return r.Source
	}
	return fmt.Sprintf("%s:%d:%d", r.Source, f.Pos.Line, f.Pos.Col)
}

const hint = " (-V may provide more detail)"

func (r *Report) closing(verbose int) string {
	text := ""
	switch {
	case r.Invalid():
		text = "Configuration invalid"
	case r.Doubtful():
		text = "Configuration may need attention"
	default:
		return ""
	}
	if verbose == 0 {
		text += hint
	}
	return text
}
