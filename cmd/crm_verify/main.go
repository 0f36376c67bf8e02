// Command crm_verify checks a cluster's configuration.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/internal/dialect"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/verify"
)

func main() { program.Main(run) }

// settings are what the command line asks for.
type settings struct {
	env        *program.Env
	out        *tool.Output
	file, text string
	save       string
	hasFile    bool
	hasText    bool
	pipe, live bool
	quiet      bool
	report     string // json or sarif
}

func run(ctx context.Context, env *program.Env) int {
	version, _, err := dialect.Current(env.Getenv, dialect.Path)
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		return int(tool.Error)
	}
	s := &settings{env: env}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "check a configuration for errors and other problems",
		Glued:   "xSX",
		Options: []tool.Option{
			{Short: 'L', Long: "live-check", Do: tool.Flag(&s.live), Group: "data", Help: "check the running cluster's configuration"},
			{Short: 'x', Long: "xml-file", Arg: tool.Required, Do: tool.Text(&s.file, &s.hasFile), Group: "data", Value: "FILE", Help: "check a file"},
			{Short: 'X', Long: "xml-text", Arg: tool.Required, Do: tool.Text(&s.text, &s.hasText), Group: "data", Value: "XML", Help: "check this text"},
			{Short: 'p', Long: "xml-pipe", Do: tool.Flag(&s.pipe), Group: "data", Help: "check what standard input brings"},
			{Short: 'S', Long: "save-xml", Arg: tool.Required, Do: tool.Text(&s.save), Group: "additional", Value: "FILE", Help: "write the configuration that was read to a file"},
			{Long: "report-as", Arg: tool.Required, Do: s.reportAs, Group: "output", Value: "FORMAT", Help: "json or sarif: every finding with file, line, column, rule and remedy"},
			{Short: 'q', Long: "quiet", Do: tool.Flag(&s.quiet), Group: "additional", Help: "no closing line"},
		},
	})
	if out == nil {
		return code
	}
	s.out = out
	if out.XML() {
		out.Verbose = 1
	}
	if s.quiet && out.Verbose > 0 && !out.XML() {
		out.Verbose--
	}
	if version.Legacy() {
		return s.legacy(ctx)
	}
	c, err := s.check(ctx)
	return out.Finish(c, err)
}

func (s *settings) reportAs(format string) error {
	if format != "json" && format != "sarif" {
		return fmt.Errorf("Unknown report format %s (there are json and sarif)", format)
	}
	s.report = format
	return nil
}

// errNoInput: nothing tells what to check.
var errNoInput = errors.New("No input specified")

// errUnread: the input cannot be read, or is no XML.
type errUnread struct{ error }

// check does the work, and gives the exit code and the last word.
func (s *settings) check(ctx context.Context) (tool.Exit, error) {
	src, err := s.load(ctx)
	var unread errUnread
	switch {
	case errors.Is(err, errNoInput):
		return tool.Error, err
	case errors.As(err, &unread):
		return s.unread(verify.Broken(src.Name, unread.error))
	case err != nil:
		s.out.Fault("Could not connect to the CIB: %s", tool.TextOf(err))
		return tool.ExitOf(err), fmt.Errorf("Verification failed: %s", tool.TextOf(err))
	}
	if s.save != "" {
		// As with Pacemaker, a copy that cannot be written is no reason to stop.
		if err := os.WriteFile(s.save, xml.Format(src.Root), 0o600); err != nil && s.out.Verbose > 1 {
			fmt.Fprintf(s.env.Stderr, "(save) \twarning: %s: %s\n", s.save, tool.Reason(err))
		}
	}
	r := verify.Check(src, time.Now())
	code := tool.OK
	if r.Doubtful() {
		code = tool.Config
	}
	s.tell(r, code)
	return code, nil
}

// unread tells of an input that is no XML: where, in a line of the log's form.
func (s *settings) unread(r *verify.Report) (tool.Exit, error) {
	if s.report != "" {
		s.tell(r, tool.Config)
		return tool.Config, nil
	}
	if f := r.Findings[0]; f.Pos.Line > 0 && s.out.Format == "text" {
		fmt.Fprintf(s.env.Stderr, "(syntax) \terror: %s:%d:%d: %s\n", r.Source, f.Pos.Line, f.Pos.Col, f.Text)
	}
	return tool.Config, errors.New("Verification failed: Unable to parse CIB XML")
}

// tell gives the report in the form that was asked for.
func (s *settings) tell(r *verify.Report, code tool.Exit) {
	switch s.report {
	case "json":
		s.out.Print("%s", r.JSON(int(code), code.String()))
		return
	case "sarif":
		s.out.Print("%s", r.SARIF())
		return
	}
	for _, n := range r.Notices {
		s.out.Info("%s", n)
	}
	lines := r.Text(s.out.Verbose, s.quiet)
	if s.out.XML() {
		lines = r.XMLText(s.quiet)
	}
	for _, l := range lines {
		if l.Bare {
			fmt.Fprintln(s.env.Stderr, l.Text)
		} else {
			s.out.Fault("%s", l.Text)
		}
	}
}

// source is the input that counts, however often others are given: that of --xml-file, else of --xml-text, else
// standard input. It is a text if it looks like XML, else a file's name; given is false for the cluster.
func (s *settings) source() (text string, given bool) {
	switch {
	case s.hasFile:
		return s.file, true
	case s.hasText:
		return s.text, true
	}
	return standard, s.pipe
}

// standard is the name of standard input.
const standard = "-"

func (s *settings) load(ctx context.Context) (src verify.Source, err error) {
	text, given := s.source()
	var data []byte
	switch {
	case given && strings.HasPrefix(strings.TrimLeft(text, " \t\n\v\f\r"), "<"):
		src.Name, data = "string", []byte(text)
	case given && text == standard:
		src.Name = "stdin"
		data, err = readAll(s.env.Stdin)
	case given:
		src.Name = text
		data, err = cib.ReadFile(text)
	case s.live:
		src.Name = cmp.Or(tool.Path(s.env), "cluster")
		src.Root, err = s.query(ctx)
		return src, err
	default:
		return src, errNoInput
	}
	if err != nil {
		return src, errUnread{errors.New(tool.Reason(err))}
	}
	doc, err := xml.Parse(data)
	if err != nil {
		return src, errUnread{err}
	}
	cib.DropText(doc.Root)
	src.Root, src.Doc = doc.Root, doc
	return src, nil
}

// query asks the cluster, or opens the file that stands for it.
func (s *settings) query(ctx context.Context) (*etree.Element, error) {
	c, err := tool.Open(ctx, s.env)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // nothing was changed
	return c.Root(ctx)
}
