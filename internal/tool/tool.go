// Package tool is what Pacemaker's command-line tools share: how they read their
// options, where they find the configuration, how they answer as text and XML,
// and their exit codes.
//
//	o := tool.Options{Glued: "nv", List: []tool.Option{{Short: 'n', Long: "name", Arg: tool.Required, Do: tool.Text(&name)}}}
//	words, notes, err := o.Parse(env.Args[1:])
//	out, err := tool.NewOutput(env, as, to)
//	c, err := tool.Open(ctx, env)     // CIB_shadow, CIB_file or the cluster
//	c.Do(ctx, cib.Request{…}); c.Close()
//	return out.Finish(tool.OK, nil)
//
// [Start] does the first steps in the order that all tools have.
package tool

import (
	"errors"
	"fmt"
	"strings"

	"hacluster/internal/program"
)

// Program describes a tool to Start.
type Program struct {
	Summary string // one line for the help page
	Usage   string // the words after the name
	Glued   string
	Options []Option
	// Formats are the output formats; nil means text, xml, none.
	Formats []string
	// Page begins the output of the format html.
	Page func() Page
	// OutputCode ends a program whose output cannot begin with the code of the reason, instead of Error.
	OutputCode bool
	// BareOutputError tells of that without the program's name.
	BareOutputError bool
	// NoOutput leaves out --output-as and --output-to.
	NoOutput bool
	// Words tells what becomes of words that are no options.
	Words WordRule
	// Check looks at options and words before --version counts; what it complains
	// of ends the program with Usage.
	Check func(words []string) error
	// Outcome follows an error by the line "Error performing operation: …".
	Outcome bool
}

// Told is the error as the program tells it: with the line of its outcome, unless
// only the command line was wrong.
func (p *Program) Told(code Exit, err error) error {
	if !p.Outcome || code == OK || code == Usage {
		return err
	}
	outcome := "Error performing operation: " + code.String()
	if err == nil || err.Error() == "" {
		return errors.New(outcome)
	}
	return fmt.Errorf("%w\n%s", err, outcome)
}

// WordRule is what a program does with words that are no options.
type WordRule int

const (
	// KeepWords hands them to the program.
	KeepWords WordRule = iota
	// RefuseWords ends the program with a complaint and the help page.
	RefuseWords
)

// Start reads the command line and begins the output: options and the common
// ones (--output-as, --output-to, --quiet where the program has none of its own,
// --version, --help). When out is nil the program ends at once with code.
func Start(env *program.Env, p *Program) (out *Output, words []string, code int) {
	var as, to *string
	var version bool
	verbose := 0
	options := Options{Glued: p.Glued, KeepEnd: p.Words == RefuseWords, List: append([]Option(nil), p.Options...)}
	if !p.NoOutput {
		options.List = append(options.List,
			Option{Long: "output-as", Arg: Required, Do: given(&as), Group: "output", Value: "FORMAT", Help: "text, xml or none"},
			Option{Long: "output-to", Arg: Required, Do: given(&to), Group: "output", Value: "FILE", Help: "where the output goes; - is standard output"})
	}
	options.List = append(options.List,
		Option{Short: '$', Long: "version", Do: Flag(&version), Help: "the version, and nothing else"},
		Option{Short: 'V', Long: "verbose", Do: Count(&verbose), Help: "say more; may be repeated"})
	words, notes, err := options.Parse(env.Args[1:])
	for _, n := range notes {
		fmt.Fprintln(env.Stderr, n) //nolint:errcheck // nobody is left to tell
	}
	if errors.Is(err, ErrHelp) {
		fmt.Fprint(env.Stdout, p.help(env.Name(), &options)) //nolint:errcheck // as above
		return nil, nil, int(OK)
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err) //nolint:errcheck // as above
		return nil, nil, int(Usage)
	}
	out, err = NewOutput(env, as, to, p.Formats...)
	if err != nil {
		end := Error
		var fault *OutputError
		if p.OutputCode && errors.As(err, &fault) {
			end = Exit(fault.Code.Exit())
		}
		told := p.Told(end, err)
		if !p.BareOutputError {
			told = fmt.Errorf("%s: %w", env.Name(), told)
		}
		fmt.Fprintln(env.Stderr, told) //nolint:errcheck // as above
		return nil, nil, int(end)
	}
	if p.Page != nil && out.Format == "html" {
		out.page = p.Page()
	}
	if p.Check != nil {
		if err := p.Check(words); err != nil {
			return nil, nil, out.Finish(Usage, err)
		}
	}
	out.Verbose, out.Help = verbose, p.help(env.Name(), &options)
	if p.Words == RefuseWords && len(words) > 0 {
		return nil, nil, out.Finish(Usage, fmt.Errorf("non-option ARGV-elements: %s\n\n%s", strings.Join(words, " "), out.Help))
	}
	if version {
		out.Version()
		return nil, nil, out.Finish(OK, nil)
	}
	return out, words, 0
}

// help is the help page.
func (p *Program) help(name string, options *Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n\n%s - %s\n", strings.TrimRight(name+" [OPTION…] "+p.Usage, " "), name, p.Summary)
	groups := []string{}
	for _, o := range options.List {
		found := false
		for _, g := range groups {
			found = found || g == o.Group
		}
		if o.Help != "" && !found {
			groups = append(groups, o.Group)
		}
	}
	for _, g := range groups {
		title := g
		if title == "" {
			title = "general"
		}
		fmt.Fprintf(&b, "\n%s options:\n", strings.ToUpper(title[:1])+title[1:])
		for _, o := range options.List {
			if o.Help == "" || o.Group != g {
				continue
			}
			form := "    "
			if o.Short != 0 {
				form = fmt.Sprintf("-%c, ", o.Short)
			}
			if o.Long == "" {
				form = fmt.Sprintf("-%c", o.Short)
			} else {
				form += "--" + o.Long
			}
			switch o.Arg {
			case Required:
				form += "=" + o.Value
			case Optional:
				form += "[=" + o.Value + "]"
			}
			fmt.Fprintf(&b, "  %-34s %s\n", form, o.Help)
		}
	}
	return b.String()
}
