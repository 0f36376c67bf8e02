// Package report is how pcs tells things: errors, warnings, progress. The words stand
// beside the rules that raise them; streams, headings and the closing line
// of a failed command are the dialect's and stand here.
//
//	        results   progress   Warning   Deprecation Warning   Error
//	0.9     stdout    stdout     stdout    -                     stderr
//	0.10    stdout    stdout     stdout    stderr                stderr
//	0.11+   stdout    stderr     stderr    stderr                stderr
package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Severity says how bad an item is.
type Severity int

// Severities. An Error may carry a Force that would pass it.
const (
	Error Severity = iota
	Warning
	Deprecation
	Info
	Debug
)

// Force names the option that passes an error.
type Force int

// What passes an error.
const (
	NoForce Force = iota
	ByForce
	BySkipOffline
)

// Item is one thing to tell.
type Item struct {
	Severity Severity
	Text     string
	Force    Force
	// Node is the host that it is about, "" for none; shown before the text.
	Node string
	// Code names the kind of item where a caller tells kinds apart.
	Code string
	// ForceAt is where in Text the hint about forcing stands; 0 is its end.
	ForceAt int
	// ForceHint is the hint about forcing in other words than the usual ones.
	ForceHint string
}

// Errorf makes an error that nothing passes.
func Errorf(format string, args ...any) Item { return Item{Text: fmt.Sprintf(format, args...)} }

// Warnf makes a warning.
func Warnf(format string, args ...any) Item {
	return Item{Severity: Warning, Text: fmt.Sprintf(format, args...)}
}

// Infof makes an item of progress.
func Infof(format string, args ...any) Item {
	return Item{Severity: Info, Text: fmt.Sprintf(format, args...)}
}

// Deprecatedf makes a note that a form goes away.
func Deprecatedf(format string, args ...any) Item {
	return Item{Severity: Deprecation, Text: fmt.Sprintf(format, args...)}
}

// Forcible makes an error that --force turns into a warning, or that warning when it was given.
func Forcible(forced bool, format string, args ...any) Item {
	if forced {
		return Warnf(format, args...)
	}
	return Item{Text: fmt.Sprintf(format, args...), Force: ByForce}
}

// As gives the item as a forcible one.
func (i Item) As(forced bool) Item {
	if forced {
		i.Severity, i.Force = Warning, NoForce
	} else {
		i.Severity, i.Force = Error, ByForce
	}
	return i
}

// On gives the item with a host before it.
func (i Item) On(node string) Item { i.Node = node; return i }

// Coded gives the item with a code.
func (i Item) Coded(code string) Item { i.Code = code; return i }

// FullText is the text with the hint about forcing and the host.
func (i Item) FullText() string {
	text := i.Text
	hint := ""
	if i.Severity == Error {
		switch i.Force {
		case ByForce:
			hint = ", use --force to override"
			if i.ForceHint != "" {
				hint = i.ForceHint
			}
		case BySkipOffline:
			hint = ", use --skip-offline to override"
		}
	}
	if i.ForceAt > 0 && i.ForceAt <= len(text) {
		text = text[:i.ForceAt] + hint + text[i.ForceAt:]
	} else {
		text += hint
	}
	if i.Node != "" {
		text = i.Node + ": " + text
	}
	return text
}

// HasErrors tells whether an error is among the items.
func HasErrors(items []Item) bool {
	for _, i := range items {
		if i.Severity == Error {
			return true
		}
	}
	return false
}

// Console tells items to a user.
type Console struct {
	Stdout, Stderr io.Writer
	// Minor is the dialect's generation: 9, 10, 11, 12.
	Minor int
	// DebugOn shows items of severity Debug.
	DebugOn bool
	// Records writes what is told to Stderr as records, for programs.
	Records bool

	failed bool
}

// Print writes results, each followed by a newline.
func (c *Console) Print(lines ...string) {
	for _, l := range lines {
		fmt.Fprintln(c.Stdout, l)
	}
}

// Printf writes results as they are.
func (c *Console) Printf(format string, args ...any) { fmt.Fprintf(c.Stdout, format, args...) }

// Raw writes a text as it is to stdout.
func (c *Console) Raw(text string) { io.WriteString(c.Stdout, text) } //nolint:errcheck // nothing could be told about it

func (c *Console) progress() io.Writer {
	if c.Minor >= 11 {
		return c.Stderr
	}
	return c.Stdout
}

// Info tells progress.
func (c *Console) Info(text string) {
	if !c.record(Item{Severity: Info, Text: text}) {
		fmt.Fprintln(c.progress(), text)
	}
}

// Warn tells a warning.
func (c *Console) Warn(text string) {
	if !c.record(Item{Severity: Warning, Text: text}) {
		fmt.Fprintln(c.progress(), "Warning: "+text)
	}
}

// Deprecated tells that a form goes away; 0.9 never did.
func (c *Console) Deprecated(text string) {
	switch {
	case c.record(Item{Severity: Deprecation, Text: text}):
	case c.Minor >= 11:
		fmt.Fprintln(c.Stderr, "Deprecation Warning: "+text)
	case c.Minor == 10:
		fmt.Fprintln(c.Stderr, "Warning: "+text)
	}
}

// Error tells an error; the command goes on.
func (c *Console) Error(text string) {
	if !c.record(Item{Text: text}) {
		fmt.Fprintln(c.Stderr, "Error: "+text)
	}
}

// Tell shows items and remembers whether one was an error.
func (c *Console) Tell(items ...Item) {
	for _, i := range items {
		c.failed = c.failed || i.Severity == Error
		if (i.Severity != Debug || c.DebugOn) && c.record(i) {
			continue
		}
		switch i.Severity {
		case Error:
			c.Error(i.FullText())
		case Warning:
			c.Warn(i.FullText())
		case Deprecation:
			c.Deprecated(i.FullText())
		case Info:
			c.Info(i.FullText())
		case Debug:
			if c.DebugOn {
				c.Info(i.FullText())
			}
		}
	}
}

// Check shows items and gives ErrFailed when an error was told, now or before.
func (c *Console) Check(items ...Item) error {
	c.Tell(items...)
	if c.failed {
		return ErrFailed
	}
	return nil
}

// Failed tells whether an error was told.
func (c *Console) Failed() bool { return c.failed }

// ErrFailed ends a command whose errors have been told; a closing line says so.
var ErrFailed = errors.New("Errors have occurred, therefore pcs is unable to continue")

// ErrSilent ends a command with exit code 1 and without a word more.
var ErrSilent = errors.New("failed")

// Items is an error that is told as it ends the command, without a closing line.
type Items []Item

func (e Items) Error() string {
	texts := make([]string, len(e))
	for i, x := range e {
		texts[i] = x.FullText()
	}
	return strings.Join(texts, "; ")
}

// Fatal is an error in one text, told as it ends the command.
type Fatal string

func (e Fatal) Error() string { return string(e) }

// Fatalf makes a Fatal.
func Fatalf(format string, args ...any) error { return Fatal(fmt.Sprintf(format, args...)) }

// Exit ends a command with a code and without a word more.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// NotYet is a part that is not built.
type NotYet string

func (e NotYet) Error() string { return "not supported yet: " + string(e) }
