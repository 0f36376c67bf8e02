package tool

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Arg is whether an option takes a value.
type Arg int

// What an option takes.
const (
	None     Arg = iota
	Required     // the next word, or after "="
	Optional     // the next word unless it begins with "-", or after "="
)

// Option is one option of a program.
type Option struct {
	Short byte   // 0 when it has no short form
	Long  string // "" when it has no long form
	Arg   Arg
	// Do takes the value ("" without one). An error with an empty text is told
	// as "Error parsing option".
	Do func(value string) error
	// Given is called with the option as it was typed ("-n", "--name") in place
	// of Do, for options whose complaints name it.
	Given func(option, value string) error
	// Bare is called in place of Do where the option has no value, not even an empty one.
	Bare func()

	// For the help page; an option without Help is not shown.
	Group, Value, Help string
}

// Options are those of a program. Glued lists the short options that may have
// their value glued to them ("-xFILE"), which is told as deprecated.
type Options struct {
	Glued string
	List  []Option
	// KeepEnd leaves the "--" that ends the options among the words before one that looks
	// like an option, as GLib does for programs that do not collect their words.
	KeepEnd bool
}

// ErrHelp is returned by Parse as soon as help is asked for.
var ErrHelp = errors.New("help is asked for")

// Flag sets targets when the option is given.
func Flag(targets ...*bool) func(string) error {
	return func(string) error {
		for _, t := range targets {
			*t = true
		}
		return nil
	}
}

// Text takes the option's value; given, which may be nil, tells that there was one.
func Text(target *string, given ...*bool) func(string) error {
	return func(v string) error {
		*target = v
		for _, g := range given {
			*g = true
		}
		return nil
	}
}

// given takes the option's value and tells an empty one from none.
func given(target **string) func(string) error {
	return func(v string) error { *target = &v; return nil }
}

// Count counts how often the option is given.
func Count(target *int) func(string) error {
	return func(string) error { *target++; return nil }
}

// Int takes a 32-bit integer as C's strtol reads it: decimal, octal (010) or hexadecimal (0x10).
func Int(target *int) func(option, value string) error {
	return func(option, value string) error {
		digits := strings.TrimLeft(value, " \t\n\v\f\r")
		n, err := strconv.ParseInt(digits, 0, 64)
		if strings.ContainsAny(digits, "_oO") || strings.HasPrefix(strings.ToLower(strings.TrimLeft(digits, "+-")), "0b") {
			err = strconv.ErrSyntax // Go's own notations
		}
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && (n > math.MaxInt32 || n < math.MinInt32):
			return fmt.Errorf("Integer value “%s” for %s out of range", value, option)
		case err != nil:
			return fmt.Errorf("Cannot parse integer value “%s” for %s", value, option)
		}
		*target = int(n)
		return nil
	}
}

// Split takes joined short options apart as Pacemaker's tools do before they
// read their options: -1rL becomes -1 -r -L. Notes are about glued values.
func (o *Options) Split(args []string) (words, notes []string) {
	raw := false // the word is the value of the option before it
	for i, a := range args {
		switch {
		case a == "--" && !raw:
			return append(words, args[i:]...), notes
		case raw || len(a) < 2 || a[0] != '-' || a[1] == '-' || a == "-INFINITY" || negative(a):
			words, raw = append(words, a), false
			continue
		}
		for j := 1; j < len(a); j++ {
			words = append(words, "-"+a[j:j+1])
			if strings.IndexByte(o.Glued, a[j]) < 0 {
				continue
			}
			if rest := a[j+1:]; rest != "" {
				notes = append(notes,
					fmt.Sprintf("Deprecated argument format '-%c%s' used.", a[j], rest),
					fmt.Sprintf("Please use '-%c %s' instead.  Support will be removed in a future release.", a[j], rest))
				words = append(words, rest)
			} else {
				raw = true
			}
			break
		}
	}
	return words, notes
}

// negative tells whether a word is a negative number.
func negative(a string) bool {
	return len(a) > 1 && a[1] >= '1' && a[1] <= '9' && strings.Trim(a[1:], "0123456789") == ""
}

// Parse reads the command line without the program's name. Rest are the words
// that are no options; notes stand on standard error whatever else happens.
func (o *Options) Parse(args []string) (rest, notes []string, err error) {
	words, notes := o.Split(args)
	for i := 0; i < len(words); i++ {
		a := words[i]
		if a == "--" {
			after := words[i+1:]
			if o.KeepEnd && slices.ContainsFunc(after, func(w string) bool { return strings.HasPrefix(w, "-") }) {
				after = words[i:]
			}
			return append(rest, after...), notes, nil
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		name, value, given := strings.Cut(a, "=")
		opt := o.find(name)
		if opt == nil && !given {
			opt = o.find(a)
		}
		if opt != nil {
			used, err := opt.take(name, value, given, words[i+1:])
			if err != nil {
				return rest, notes, err
			}
			i += used
			continue
		}
		if name == "--help" || strings.HasPrefix(name, "--help-") || name == "-h" || name == "-?" {
			return rest, notes, ErrHelp
		}
		used, err := o.cluster(a, words[i+1:])
		if err != nil {
			return rest, notes, err
		}
		i += used
	}
	return rest, notes, nil
}

// cluster reads a word of joined short options. Only the word behind an option that may
// have a value comes here whole; a value is the next word, and there is one at most.
func (o *Options) cluster(word string, next []string) (used int, err error) {
	for j := 1; j < len(word); j++ {
		name := word[:1] + word[j:j+1]
		opt := o.find(name)
		switch {
		case opt == nil || word[1] == '-':
			return used, fmt.Errorf("Unknown option %s", word)
		case used > 0 && opt.Arg != None:
			return used, fmt.Errorf("Error parsing option %s", name)
		}
		n, err := opt.take(name, "", false, next)
		if err != nil {
			return used, err
		}
		used = max(used, n)
	}
	return used, nil
}

// take hands the option its value: the one given with it, or the next word, which is used then.
func (opt *Option) take(name, value string, given bool, next []string) (used int, err error) {
	switch {
	case opt.Arg == None:
		value = ""
	case given:
	case opt.Arg == Required:
		if len(next) == 0 {
			return 0, fmt.Errorf("Missing argument for %s", name)
		}
		value, used = next[0], 1
	case len(next) > 0 && !strings.HasPrefix(next[0], "-"):
		value, used = next[0], 1
	}
	if opt.Bare != nil && used == 0 && (!given || opt.Arg == None) {
		opt.Bare()
		return 0, nil
	}
	do := opt.Given
	if do == nil {
		do = func(_, v string) error { return opt.Do(v) }
	}
	if err = do(name, value); err != nil && err.Error() == "" {
		err = fmt.Errorf("Error parsing option %s", name)
	}
	return used, err
}

func (o *Options) find(name string) *Option {
	for i := range o.List {
		opt := &o.List[i]
		if opt.Long != "" && name == "--"+opt.Long || opt.Short != 0 && name == "-"+string(rune(opt.Short)) {
			return opt
		}
	}
	return nil
}
