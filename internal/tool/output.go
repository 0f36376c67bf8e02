package tool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/internal/program"
	"hacluster/internal/tool/result"
)

// Version is the release of Pacemaker whose programs these stand for.
const Version = "3.0.2"

// APIVersion is the version of the XML that the programs write.
const APIVersion = "2.42"

// Output is where a program's results go: as text, as XML, or nowhere.
//
// A program says each thing once per form: text through Info and Print, XML
// through Element. Faults go to standard error as they come, or into the XML.
type Output struct {
	Format string // text, xml, html, none
	Quiet  bool   // silences Info
	// Verbose is how often --verbose was given.
	Verbose int
	// Help is the program's help page.
	Help string

	name   string
	w      io.Writer
	stderr io.Writer
	log    io.Writer
	close  func() error
	root   *etree.Element
	page   Page
	faults []string
}

// Page is what a program fills where its output is HTML.
type Page interface {
	// Version adds what --version tells.
	Version()
	// Page gives all of it, with what went wrong.
	Page(faults []string) string
}

// OutputError tells why the output cannot begin: the program does not have the format, or the file cannot be written.
type OutputError struct {
	Format *string // as given; nil without --output-as
	Code   result.Code
}

func (e *OutputError) Error() string {
	format := "(null)"
	if e.Format != nil {
		format = *e.Format
	}
	return fmt.Sprintf("Error creating output format %s: %s", format, e.Code)
}

// NewOutput begins the output: as is the format (nil is text), to the file (nil and "-"
// are standard output). Formats are those that the program has; text, xml and none
// when not given. What goes wrong is an *OutputError.
func NewOutput(env *program.Env, as, to *string, formats ...string) (*Output, error) {
	if len(formats) == 0 {
		formats = []string{"text", "xml", "none"}
	}
	format := "text"
	if as != nil {
		format = *as
	}
	if !slices.Contains(formats, format) {
		return nil, &OutputError{as, result.UnknownFormat}
	}
	o := &Output{Format: format, name: env.Name(), w: env.Stdout, stderr: env.Stderr, log: env.Stderr, close: func() error { return nil }}
	if to != nil && *to != "-" {
		f, err := os.Create(*to)
		if err != nil {
			var number syscall.Errno
			errors.As(err, &number)
			return nil, &OutputError{as, result.Code(number)}
		}
		o.w, o.close = f, f.Close
	}
	if format == "none" {
		o.w, o.stderr = io.Discard, io.Discard
	}
	if o.XML() {
		o.root = etree.NewElement("pacemaker-result")
		o.root.CreateAttr("api-version", APIVersion)
		o.root.CreateAttr("request", env.Request())
	}
	return o, nil
}

// XML tells that the output is XML.
func (o *Output) XML() bool { return o.Format == "xml" }

// Print writes text, which XML and HTML leave out.
func (o *Output) Print(format string, args ...any) {
	if !o.XML() && o.page == nil {
		fmt.Fprintf(o.w, format, args...) //nolint:errcheck // a closed stream ends the program elsewhere
	}
}

// Write writes text, which XML and HTML leave out, for programs that have a page to show.
func (o *Output) Write(p []byte) (int, error) {
	if o.XML() || o.page != nil {
		return len(p), nil
	}
	return o.w.Write(p)
}

// Info writes a line of text, which Quiet and XML leave out.
func (o *Output) Info(format string, args ...any) {
	if !o.Quiet {
		o.Print(format+"\n", args...)
	}
}

// Fault tells that something went wrong: a line on standard error, or in the XML.
func (o *Output) Fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if o.XML() || o.page != nil {
		o.faults = append(o.faults, text)
		return
	}
	fmt.Fprintln(o.stderr, text) //nolint:errcheck // as above
}

// Log tells on standard error, whatever the form, what Pacemaker's programs only log there.
func (o *Output) Log(text string) {
	fmt.Fprintln(o.log, text) //nolint:errcheck // as above
}

// Element gives a new element below the result: attributes are names and
// values, those whose name ends in "?" are left out without a value. In other
// formats it goes nowhere.
func (o *Output) Element(tag string, attrs ...string) *etree.Element {
	if !o.XML() {
		return Add(etree.NewElement("nowhere"), tag, attrs...)
	}
	return Add(o.root, tag, attrs...)
}

// Result is the element that all others are below; in other formats it goes nowhere.
func (o *Output) Result() *etree.Element {
	if !o.XML() {
		return etree.NewElement("nowhere")
	}
	return o.root
}

// CData adds an element whose text is XML or other text, as a CDATA section.
func (o *Output) CData(tag, text string) { o.Element(tag).CreateCData(text) }

// Add adds an element with attributes given as Element's.
func Add(parent *etree.Element, tag string, attrs ...string) *etree.Element {
	e := parent.CreateElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		name, optional := strings.CutSuffix(attrs[i], "?")
		if optional && attrs[i+1] == "" {
			continue
		}
		e.CreateAttr(name, attrs[i+1])
	}
	return e
}

// Finish ends the output and gives the exit code. A non-nil err is told as the
// program's last word, with the program's name before it.
func (o *Output) Finish(code Exit, err error) int {
	if err != nil && err.Error() != "" {
		o.Fault("%s: %s", o.name, err)
	}
	if o.XML() {
		status := Add(o.root, "status", "code", fmt.Sprint(int(code)), "message", code.String())
		if len(o.faults) > 0 {
			list := status.CreateElement("errors")
			for _, f := range o.faults {
				list.CreateElement("error").SetText(f)
			}
		}
		_, _ = o.w.Write(xml.Pretty(o.root))
	}
	if o.page != nil {
		_, _ = io.WriteString(o.w, o.page.Page(o.faults))
	}
	if err := o.close(); err != nil {
		fmt.Fprintf(o.stderr, "%s: %s\n", o.name, Reason(err)) //nolint:errcheck // as above
		return int(IOErr)
	}
	return int(code)
}

// Version answers --version.
func (o *Output) Version() {
	if o.page != nil {
		o.page.Version()
	}
	o.Print("Pacemaker " + Version + "\nWritten by Andrew Beekhof and the Pacemaker project contributors\n")
	o.Element("version", "program", "Pacemaker", "version", Version,
		"author", "Andrew Beekhof and the Pacemaker project contributors", "build", "", "features", "")
}
