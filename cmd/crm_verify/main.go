// Command crm_verify checks a cluster's configuration.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/dialect"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func main() { program.Main(run) }

// Exit codes of the program.
const (
	exitOK      = 0
	exitError   = 1
	exitUsage   = 64
	exitInvalid = 78
	exitNoInput = 105
)

type settings struct {
	file, text, save string
	hasText          bool
	pipe, live       bool
	asXML            bool
	verbose          int
	quiet            bool
}

func run(ctx context.Context, env *program.Env) int {
	version, _, err := dialect.Current(env.Getenv, dialect.Path)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_verify: %v\n", err)
		return exitError
	}
	s, err := parse(env.Args[1:])
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_verify: %v\n", err)
		return exitUsage
	}
	legacy := version.Legacy()
	fail := func(old, text string, code int) int {
		if legacy {
			fmt.Fprintln(env.Stderr, old)
		} else {
			fmt.Fprintln(env.Stderr, "crm_verify: "+text)
		}
		return code
	}
	root, err := s.load(ctx, env)
	var notXML *xml.Error
	switch {
	case errors.Is(err, errNoInput):
		return fail("No configuration source specified.  Use --help for usage information.", "No input specified", exitError)
	case errors.As(err, &notXML):
		fmt.Fprintf(env.Stderr, "%s:%d:%d: %s\n", s.source(), notXML.Line, notXML.Col, notXML.Msg)
		return fail("Couldn't parse input file: "+s.source(), "Verification failed: Unable to parse CIB XML", exitInvalid)
	case s.live && s.file == "" && !s.hasText && !s.pipe && err != nil:
		code := exitNoInput
		if errors.Is(err, client.ErrNotRunning) {
			code = 102
		}
		fmt.Fprintf(env.Stderr, "Could not connect to the CIB: Transport endpoint is not connected\n")
		return fail("Live CIB query failed: "+"Transport endpoint is not connected", "Verification failed: "+client.ErrNotRunning.Error(), code)
	case err != nil:
		return fail("Couldn't parse input file: "+s.source(), "Verification failed: "+err.Error(), exitInvalid)
	}
	if s.save != "" {
		if err := os.WriteFile(s.save, xml.Format(root), 0o600); err != nil {
			return fail(err.Error(), err.Error(), exitError)
		}
	}
	if root.Tag != "cib" {
		if legacy {
			fmt.Fprintln(env.Stderr, "This tool can only check complete configurations (i.e. those starting with <cib>).")
			return exitInvalid
		}
		fmt.Fprintf(env.Stderr, "Input is not a CIB (outermost element is %s not cib)\n", root.Tag)
		fmt.Fprintln(env.Stderr, "crm_verify: Configuration ")
		return exitInvalid
	}
	messages := scheduler.Check(scheduler.Input{CIB: root, Now: time.Now(), NoScores: true})
	if legacy {
		messages = slices.DeleteFunc(messages, newer)
	}
	none := root.SelectAttrValue("validate-with", "") == "none" && !legacy
	if none {
		fmt.Fprintln(env.Stderr, tool.Unchecked)
		const text = "Support for validate-with='none' is deprecated and will be removed in a future release without the possibility of upgrades (manually edit to use a supported schema)"
		warning := status.Message{Severity: status.Warning, Text: text}
		messages = append([]status.Message{warning, warning}, messages...)
	}
	if s.asXML && s.verbose == 0 {
		s.verbose = 1
	}
	lines, faults := s.lines(messages, legacy)
	if len(messages) > 0 && !s.quiet {
		lines = append(lines, closing(legacy, faults, s.verbose > 0)...)
	}
	code := exitOK
	if len(messages) > 0 {
		code = exitInvalid
	}
	if s.asXML {
		fmt.Fprint(env.Stdout, resultXML(env.Args, code, lines))
		return code
	}
	for _, l := range lines {
		fmt.Fprintln(env.Stderr, l)
	}
	return code
}

// lines are what is told of messages; faults tells that there are errors among them.
func (s *settings) lines(messages []status.Message, legacy bool) (lines []string, faults bool) {
	for _, m := range messages {
		word := "warning"
		if m.Severity == status.Error {
			word, faults = "error", true
		}
		if s.verbose == 0 {
			continue
		}
		if legacy {
			for _, l := range legacyLines(m.Text) {
				lines = append(lines, fmt.Sprintf("%8s: %s", word, l))
			}
			continue
		}
		lines = append(lines, word+": "+m.Text)
	}
	if faults && s.verbose > 0 && !legacy {
		lines = append(lines, "error: CIB did not pass schema validation")
	}
	return lines, faults
}

// resultXML is the outcome as Pacemaker's tools write it in XML.
func resultXML(args []string, code int, lines []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`<>|&;()*?") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	el := etree.NewElement("pacemaker-result")
	el.CreateAttr("api-version", "2.38")
	el.CreateAttr("request", strings.Join(words, " "))
	st := el.CreateElement("status")
	st.CreateAttr("code", fmt.Sprint(code))
	st.CreateAttr("message", map[int]string{exitOK: "OK", exitInvalid: "Invalid configuration"}[code])
	if len(lines) > 0 {
		errs := st.CreateElement("errors")
		for _, l := range lines {
			errs.CreateElement("error").SetText(l)
		}
	}
	return string(xml.FormatText(el))
}

// closing sums up.
func closing(legacy, invalid, verbose bool) []string {
	var lines []string
	switch {
	case legacy && invalid:
		lines = []string{"Errors found during check: config not valid", "  -V may provide more details"}
	case legacy:
		lines = []string{"Warnings found during check: config may not be valid", "  Use -V for more details"}
	default:
		text := "Configuration may need attention"
		if invalid {
			text = "Configuration invalid"
		}
		if !verbose {
			text += " (-V may provide more detail)"
		}
		return []string{text}
	}
	if verbose {
		lines = lines[:1]
	}
	return lines
}

// newer tells a warning that Pacemaker 1.1 could not give: about what was to be
// dropped only later.
func newer(m status.Message) bool {
	return m.Severity == status.Warning && strings.HasPrefix(m.Text, "Support for ")
}

// legacyLines gives a message in the words of Pacemaker 1.1, where they differ.
func legacyLines(text string) []string {
	if strings.HasPrefix(text, "Resource start-up disabled since no fencing resources have been defined") {
		return []string{
			"unpack_resources:\tResource start-up disabled since no STONITH resources have been defined",
			"unpack_resources:\tEither configure some or disable STONITH with the stonith-enabled option",
			"unpack_resources:\tNOTE: Clusters with shared data need STONITH to ensure data integrity",
		}
	}
	return []string{text}
}

var errNoInput = errors.New("no input")

func (s *settings) source() string {
	switch {
	case s.file != "":
		return s.file
	case s.hasText:
		return "string"
	}
	return "stdin"
}

// load reads the input: a file, else a text, else standard input, else the running cluster.
func (s *settings) load(ctx context.Context, env *program.Env) (*etree.Element, error) {
	var data []byte
	switch {
	case s.file != "" && strings.HasPrefix(strings.TrimLeft(s.file, " \t\n"), "<"):
		data = []byte(s.file)
	case s.file != "":
		d, err := os.ReadFile(s.file)
		if err != nil {
			return nil, err
		}
		data = d
	case s.hasText:
		data = []byte(s.text)
	case s.pipe:
		d, err := io.ReadAll(env.Stdin)
		if err != nil {
			return nil, err
		}
		data = d
	case s.live:
		if f := env.Getenv("CIB_file"); f != "" {
			doc, err := cib.Load(f)
			if err != nil {
				return nil, err
			}
			return doc.Root, nil
		}
		c, err := client.DialCIB(ctx, "crm_verify")
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return c.Query(ctx)
	default:
		return nil, errNoInput
	}
	doc, err := xml.Parse(data)
	if err != nil {
		return nil, err
	}
	cib.DropText(doc.Root)
	return doc.Root, nil
}

// usageError is a command line that is not understood.
type usageError string

func (e usageError) Error() string { return string(e) }

func parse(args []string) (settings, error) {
	var s settings
	for i := 0; i < len(args); i++ {
		a := args[i]
		name, value, has := a, "", false
		if strings.HasPrefix(a, "--") {
			name, value, has = strings.Cut(a, "=")
		} else if strings.HasPrefix(a, "-") && len(a) > 2 {
			// Letters may be joined; one that takes a value takes the rest.
			if strings.ContainsRune("xXS", rune(a[1])) {
				name, value, has = a[:2], a[2:], true
			} else {
				args[i] = "-" + a[2:]
				name = a[:2]
				i--
			}
		}
		next := func() error {
			if has {
				return nil
			}
			if i++; i >= len(args) {
				return usageError("Missing argument for " + name)
			}
			value = args[i]
			return nil
		}
		switch name {
		case "-x", "--xml-file":
			if err := next(); err != nil {
				return s, err
			}
			s.file = value
		case "-X", "--xml-text":
			if err := next(); err != nil {
				return s, err
			}
			s.text, s.hasText = value, true
		case "-S", "--save-xml":
			if err := next(); err != nil {
				return s, err
			}
			s.save = value
		case "-p", "--xml-pipe":
			s.pipe = true
		case "-L", "--live-check":
			s.live = true
		case "-V", "--verbose":
			s.verbose++
		case "-q", "--quiet":
			s.quiet = true
		case "--output-as":
			if err := next(); err != nil {
				return s, err
			}
			switch value {
			case "xml":
				s.asXML = true
			case "text":
			default:
				return s, usageError("not supported yet: --output-as=" + value)
			}
		case "--output-to":
			return s, usageError("not supported yet: " + name)
		default:
			if strings.HasPrefix(a, "-") {
				return s, usageError("Unknown option " + a)
			}
		}
	}
	if s.quiet && s.verbose > 0 {
		s.verbose--
	}
	return s, nil
}
