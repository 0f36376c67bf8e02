package pcs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/usage"
	"hacluster/internal/program"
)

// Run is the program pcs: it carries out the command line in env and returns the exit code.
func Run(ctx context.Context, env *program.Env, w session.World) int {
	recorded := w.Host.Dialect
	if recorded == "" {
		recorded = dialect.Path
	}
	version, fixed, err := dialect.Current(env.Getenv, recorded)
	if err != nil {
		fmt.Fprintln(env.Stderr, "Error: "+err.Error())
		return 1
	}
	parsed, err := argv.Parse(env.Args[1:], argv.Generation(version[1]))
	if err != nil {
		return badOption(env, version, parsed.Negative, err)
	}
	if fixed && parsed.Foreign != nil && spoken(parsed.Words, version[1]) {
		return badOption(env, version, parsed.Negative, parsed.Foreign)
	}
	if !fixed && int(parsed.Generation) != version[1] {
		version = generation(int(parsed.Generation))
	}
	s := session.New(ctx, env, w, version, parsed.Options)
	s.Fixed = fixed
	bareNegative(s.Out, parsed.Negative)
	words := parsed.Words
	for _, o := range parsed.Options.Names() {
		switch o {
		case "-h", "--help":
			if len(words) == 0 {
				s.Out.Raw(usage.Main(s.Minor()))
				return 0
			}
			words = append([]string{words[0], "help"}, words[1:]...)
		case "--version":
			tellVersion(s)
			return 0
		case "--fullhelp":
			for _, section := range usage.Sections(s.Minor()) {
				s.Out.Raw(usage.Show(s.Minor(), section, nil))
			}
			return 0
		case "--request-timeout":
			v := parsed.Options.Value(o)
			if n, ok := argv.PythonInt(v); !ok || n <= 0 {
				s.Out.Error("'" + v + "' is not a valid --request-timeout value, use a positive integer")
				return 1
			}
		}
	}
	if parsed.Repeated != nil {
		s.Out.Error(parsed.Repeated.Error())
		return 1
	}
	if code, done := s.AsRoot(words); done {
		return code
	}
	if looksForBooth(s, words) {
		err = s.BoothPair()
	}
	if err == nil {
		err = dispatch(s, words)
	}
	if err == nil {
		err = s.Settle()
	}
	return finish(s, words, err)
}

// looksForBooth tells whether a command has one look for booth's files, whether it uses them or not: all of them do from 0.10
// on, in 0.9 those that go to the library.
func looksForBooth(s *session.Session, words []string) bool {
	if !s.Legacy() || len(words) == 0 {
		return !s.Legacy()
	}
	verb := ""
	if len(words) > 1 {
		verb = words[1]
	}
	switch words[0] {
	case "resource", "stonith", "constraint", "acl", "status", "node", "quorum", "qdevice", "alert", "booth", "client":
		return true
	case "cluster":
		if verb == "node" && len(words) > 2 {
			return slices.Contains([]string{"add-remote", "add-guest", "remove-remote", "delete-remote", "remove-guest", "delete-guest", "clear", "add-outside"}, words[2])
		}
		return slices.Contains([]string{"standby", "unstandby", "verify", "remote-node"}, verb)
	case "config":
		return slices.Contains([]string{"", "show"}, verb) || verb == "checkpoint" && len(words) > 2 && slices.Contains([]string{"view", "diff"}, words[2])
	}
	return false
}

// spoken tells whether a generation has the noun of a command line. What another one speaks of takes that one's options.
func spoken(words []string, minor int) bool {
	if len(words) == 0 {
		return true
	}
	n, ok := nouns[words[0]]
	return !ok || n.in(minor)
}

// generation is the version that a command line speaks which is of a generation that nothing asked for.
func generation(minor int) dialect.Version {
	if minor == dialect.Seed[1] {
		return dialect.Seed
	}
	v, err := dialect.Parse("0." + strconv.Itoa(minor))
	if err != nil {
		return dialect.Default
	}
	return v
}

// bareNegative warns of negative numbers that stood without "--".
func bareNegative(c *report.Console, numbers []string) {
	if len(numbers) > 0 && c.Minor >= 10 {
		c.Deprecated("Using " + report.Quote(numbers) + " without '--' is deprecated, those parameters will be considered position independent options in future pcs versions")
	}
}

func badOption(env *program.Env, v dialect.Version, negative []string, err error) int {
	c := &report.Console{Stdout: env.Stdout, Stderr: env.Stderr, Minor: v[1]}
	bareNegative(c, negative)
	switch {
	case v[1] >= 11:
		c.Error(err.Error())
		fmt.Fprintln(env.Stderr, usage.Main(v[1]))
	case v[1] == 10:
		c.Print(usage.Main(v[1]), err.Error())
	default:
		c.Print(err.Error(), usage.Main(v[1]))
	}
	return 1
}

// finish tells what a command ended with and gives its exit code.
func finish(s *session.Session, words []string, err error) int {
	if err == nil {
		return 0
	}
	var ue *argv.UsageError
	var items report.Items
	var fatal report.Fatal
	var exit report.Exit
	var notYet report.NotYet
	switch {
	case errors.As(err, &ue):
		showUsage(s, words, ue)
		return 1
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &items):
		failed := false
		for _, i := range items {
			failed = failed || i.Severity == report.Error
		}
		s.Out.Tell(items...)
		if !failed {
			return 0
		}
		return 1
	case errors.As(err, &fatal):
		s.Out.Error(string(fatal))
		return 1
	case errors.Is(err, report.ErrSilent):
		return 1
	case errors.Is(err, report.ErrFailed):
		if !s.Out.Records {
			s.Out.Error(report.ErrFailed.Error())
		}
		return 1
	case errors.As(err, &notYet) && s.Out.Records:
		s.Out.Error(notYet.Error())
		return 69
	case errors.As(err, &notYet):
		fmt.Fprintln(s.Env.Stderr, "pcs: "+notYet.Error())
		return 69
	}
	s.Out.Error(err.Error())
	return 1
}

func showUsage(s *session.Session, words []string, ue *argv.UsageError) {
	if s.Out.Records {
		s.Out.Tell(report.Errorf("%s", cmp.Or(ue.Message, "invalid parameters of "+joinWords(s.Command))).Coded("COMMAND_INVALID_PAYLOAD"))
		return
	}
	if s.Minor() >= 10 && ue.Message != "" {
		s.Out.Error(ue.Message)
	}
	if s.Minor() >= 10 && ue.Hint != "" {
		fmt.Fprintln(s.Env.Stderr, "Hint: "+ue.Hint)
	}
	if ue.Message == "" || ue.Both {
		text := usage.Main(s.Minor())
		if len(words) > 0 && slices.Contains(usage.Sections(s.Minor()), words[0]) {
			sub := s.Command
			if len(sub) > 0 {
				sub = sub[1:]
			}
			text = usage.Show(s.Minor(), words[0], sub)
		}
		if s.Minor() >= 11 {
			fmt.Fprint(s.Env.Stderr, text)
		} else {
			s.Out.Raw(text)
		}
	}
	if s.Legacy() {
		if ue.Message != "" {
			s.Out.Error(ue.Message)
		}
		if ue.Hint != "" {
			fmt.Fprintln(s.Env.Stderr, "Hint: "+ue.Hint)
		}
	}
}

// dispatch finds the verb that the words name and runs it.
func dispatch(s *session.Session, words []string) error {
	if len(words) == 0 {
		return argv.Usage()
	}
	n, ok := nouns[words[0]]
	if words[0] == "help" {
		s.Out.Raw(usage.Main(s.Minor()))
		return nil
	}
	if !ok || !n.in(s.Minor()) {
		if !ok || s.Fixed && !n.known(s.Minor()) {
			return argv.Usage()
		}
	}
	return n.run(s, words[:1], words[1:])
}

// Node is a place in the tree of words: a verb, or more words.
type Node struct {
	// Run is the verb; with Sub, what runs when no word of Sub follows.
	Run session.Verb
	// Sub are the words that may follow.
	Sub map[string]*Node
	// Default is the word of Sub that stands for none.
	Default string
	// Gens are the generations that have the word: "9ABC" with a dash for those that have it not; "" is all.
	Gens string
	// Default09 is Default in 0.9.
	Default09 string
	// At are the words that usage texts have for this place, the words that led here if nil.
	At []string
	// Help are the generations, as in Gens, in which the word help shows the place's usage; a noun has it in all.
	Help string
}

func (n *Node) in(minor int) bool { return n.Gens == "" || among(n.Gens, minor) }

// helps tells whether the word help shows the usage of a place that so many words led to.
func (n *Node) helps(depth, minor int) bool {
	return depth == 1 || n.Help != "" && among(n.Help, minor)
}

func among(gens string, minor int) bool { return minor >= 9 && minor <= 12 && gens[minor-9] != '-' }

func (n *Node) known(int) bool { return true }

// run walks down the tree.
func (n *Node) run(s *session.Session, at, rest []string) error {
	if n.At != nil {
		at = n.At
	}
	s.Command = at
	n.speak(s)
	if n.Sub == nil {
		return n.call(s, rest)
	}
	word := n.Default
	if s.Legacy() && n.Default09 != "" {
		word = n.Default09
	}
	next := rest
	if len(rest) > 0 {
		word, next = rest[0], rest[1:]
	}
	if word == "help" && n.helps(len(at), s.Minor()) {
		if len(at) > 1 {
			next = nil
		}
		s.Out.Raw(usage.Show(s.Minor(), at[0], append(slices.Clone(at[1:]), next...)))
		return nil
	}
	if sub, ok := n.Sub[word]; ok && word != "" && (sub.in(s.Minor()) || !s.Fixed) {
		return sub.run(s, append(slices.Clone(at), word), next)
	}
	if n.Run != nil {
		return n.call(s, rest)
	}
	if _, elsewhere := n.Sub[word]; !elsewhere && word != "" && usage.Knows(append(slices.Clone(at), word)) {
		return report.NotYet("pcs " + joinWords(append(slices.Clone(at), word)))
	}
	return argv.Usage()
}

// call runs the verb. Whatever it is, 0.11 reads --master as --promoted first.
func (n *Node) call(s *session.Session, rest []string) error {
	if s.Minor() == 11 && s.Opts.Has("--master") {
		s.Deprecated("Option '--master' is deprecated and has been replaced by option '--promoted' ")
		s.Opts = s.Opts.Without("--master")
		s.Opts.Set("--promoted", "")
	}
	return n.Run(s, rest)
}

// speak changes the dialect where only other generations have the word and none was asked for.
func (n *Node) speak(s *session.Session) {
	if n.in(s.Minor()) || s.Fixed {
		return
	}
	for m := 12; m >= 9; m-- {
		if n.in(m) {
			s.SetVersion(generation(m))
			return
		}
	}
}

func joinWords(words []string) string {
	out := ""
	for i, w := range words {
		if i > 0 {
			out += " "
		}
		out += w
	}
	return out
}
