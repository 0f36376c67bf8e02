package argv

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Parsed is a command line that was read.
type Parsed struct {
	Words   []string
	Options *Options
	// Generation is the one whose option list was used.
	Generation Generation
	// Foreign is what the asked generation says to an option that only another one has, nil when it has them all.
	Foreign error
	// Negative are words that look like options, negative numbers that stood without "--".
	Negative []string
	// Repeated is the first option that was given twice, nil if none; options behind it were not read.
	Repeated error
}

// OptionError is a wrong option, in getopt's words.
type OptionError struct{ Text string }

func (e *OptionError) Error() string { return e.Text }

// Parse reads args (without the program's name) with the option list of a generation and,
// if that does not know an option, of the other generations, newest first. With an error comes what was read before it.
func Parse(args []string, first Generation) (*Parsed, error) {
	p, err := parse(args, first)
	if err == nil {
		return p, nil
	}
	oe, ok := err.(*OptionError)
	if !ok || !strings.HasSuffix(oe.Text, "not recognized") {
		return p, err
	}
	for _, g := range Generations {
		if g == first {
			continue
		}
		if q, e := parse(args, g); e == nil {
			q.Foreign = err
			return q, nil
		}
	}
	return p, err
}

func parse(args []string, g Generation) (*Parsed, error) {
	spec := specs[g]
	p := &Parsed{Options: &Options{values: map[string]string{}, lists: map[string][]string{}}, Generation: g}
	if g == G09 {
		args = upgrade(args, spec)
	}
	var wait *string
	plain := make([]string, 0, len(args))
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "--wait="); ok && v != "" {
			v = strings.ReplaceAll(v, "--wait=", "")
			wait = &v
			a = "--wait"
		}
		plain = append(plain, a)
	}
	var found []pair
	var err error
	if g != G09 && slices.Contains(plain, "--") {
		found, p.Words, err = getopt(plain, spec)
		if err != nil {
			return p, err
		}
	} else {
		var rest []string
		for i, a := range plain {
			if isNegative(a, g) && !(i > 0 && spec.takesValue(plain[i-1])) {
				p.Negative = append(p.Negative, a)
				continue
			}
			rest = append(rest, a)
		}
		found, _, err = getopt(rest, spec)
		if err != nil {
			return p, err
		}
		for i, a := range plain {
			if i > 0 && spec.takesValue(plain[i-1]) {
				continue
			}
			if !strings.HasPrefix(a, "-") || a == "-" || isNegative(a, g) {
				p.Words = append(p.Words, a)
			}
		}
	}
	for _, f := range found {
		repeats := g == G09 && (f.name == "--watchdog" || f.name == "--device")
		if p.Options.Has(f.name) && !repeats {
			p.Repeated = errors.New(f.name + " can only be used once")
			break
		}
		p.Options.set(f.name, f.value)
	}
	if p.Options.Has("--wait") {
		p.Options.wait = wait
	}
	return p, nil
}

type pair struct{ name, value string }

// getopt is Python's gnu_getopt: options anywhere, "--" ends them.
func getopt(args []string, spec Spec) (found []pair, words []string, err error) {
	for len(args) > 0 {
		a := args[0]
		args = args[1:]
		switch {
		case a == "--":
			return found, append(words, args...), nil
		case strings.HasPrefix(a, "--"):
			name, value, hasValue := strings.Cut(a[2:], "=")
			full, needs, err := spec.match(name)
			if err != nil {
				return nil, nil, err
			}
			if needs && !hasValue {
				if len(args) == 0 {
					return nil, nil, &OptionError{"option --" + full + " requires argument"}
				}
				value, args = args[0], args[1:]
			} else if !needs && hasValue {
				return nil, nil, &OptionError{"option --" + full + " must not have an argument"}
			}
			found = append(found, pair{"--" + full, value})
		case len(a) > 1 && a[0] == '-':
			for rest := []rune(a[1:]); len(rest) > 0; {
				c := string(rest[0])
				rest = rest[1:]
				at := -1
				if c != ":" {
					at = strings.Index(spec.Short, c)
				}
				if at < 0 {
					return nil, nil, &OptionError{"option -" + c + " not recognized"}
				}
				value := ""
				if strings.HasPrefix(spec.Short[at+1:], ":") {
					value = string(rest)
					rest = nil
					if value == "" {
						if len(args) == 0 {
							return nil, nil, &OptionError{"option -" + c + " requires argument"}
						}
						value, args = args[0], args[1:]
					}
				}
				found = append(found, pair{"-" + c, value})
			}
		default:
			words = append(words, a)
		}
	}
	return found, words, nil
}

// match finds the option that name begins.
func (s Spec) match(name string) (full string, needs bool, err error) {
	var possible []string
	for _, l := range s.Long {
		if strings.HasPrefix(l, name) {
			possible = append(possible, l)
		}
	}
	switch {
	case len(possible) == 0:
		return "", false, &OptionError{"option --" + name + " not recognized"}
	case slices.Contains(possible, name):
		return name, false, nil
	case slices.Contains(possible, name+"="):
		return name, true, nil
	case len(possible) > 1:
		return "", false, &OptionError{"option --" + name + " not a unique prefix"}
	}
	full, needs = strings.CutSuffix(possible[0], "=")
	return full, needs, nil
}

// upgrade turns options that 0.9 kept from its past into words.
func upgrade(args []string, spec Spec) []string {
	var words, out []string
	for i, a := range args {
		if (i == 0 || !spec.takesValue(args[i-1])) && (!strings.HasPrefix(a, "-") || a == "-" || isNegative(a, G09)) {
			words = append(words, a)
		}
	}
	create := len(words) >= 2 && words[0] == "resource" && words[1] == "create"
	for _, a := range args {
		switch {
		case a == "--cloneopt" || a == "--clone":
			out = append(out, "clone")
		case strings.HasPrefix(a, "--cloneopt="):
			out = append(out, "clone", strings.TrimPrefix(a, "--cloneopt="))
		case a == "--master" && create:
			out = append(out, "master")
		default:
			out = append(out, a)
		}
	}
	return out
}

// isNegative tells whether a word with a dash is a number, as the generation sees it.
func isNegative(word string, g Generation) bool {
	if !strings.HasPrefix(word, "-") {
		return false
	}
	rest := word[1:]
	if strings.EqualFold(rest, "infinity") {
		return true
	}
	if g == G09 {
		if rest == "" {
			return false
		}
		for _, r := range rest {
			if r < '0' || r > '9' {
				return false
			}
		}
		return true
	}
	if _, ok := PythonInt(rest); ok {
		return true
	}
	return pythonFloat(word)
}

// PythonInt reads a whole number as Python's int() does: blanks around, a sign, single underscores between digits.
// A number beyond an int64 is clamped.
func PythonInt(text string) (int64, bool) {
	t := strings.TrimSpace(text)
	sign := ""
	if t != "" && (t[0] == '+' || t[0] == '-') {
		sign, t = t[:1], t[1:]
	}
	if t == "" || t[0] == '_' || t[len(t)-1] == '_' || strings.Contains(t, "__") {
		return 0, false
	}
	t = strings.ReplaceAll(t, "_", "")
	for _, r := range t {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(sign+t, 10, 64)
	if err != nil {
		if sign == "-" {
			return math.MinInt64, true
		}
		return math.MaxInt64, true
	}
	return n, true
}

func pythonFloat(text string) bool {
	t := strings.ToLower(strings.TrimSpace(text))
	if strings.ContainsAny(t, "xp") {
		return false
	}
	t = strings.ReplaceAll(t, "_", "")
	_, err := strconv.ParseFloat(t, 64)
	if err != nil {
		ne, ok := err.(*strconv.NumError)
		return ok && ne.Err == strconv.ErrRange
	}
	return true
}
