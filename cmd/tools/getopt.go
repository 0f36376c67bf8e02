package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hacluster/internal/program"
)

// option is one option of a command line, as getopt of the C library finds it.
type option struct {
	letter byte // 0 for a long option without letter
	long   string
	value  string
}

// longOption is an option of several letters.
type longOption struct {
	name   string
	valued bool // it takes a value
	letter byte
}

// getopt splits the command line after the program's name. letters is as getopt's: a colon
// behind those with a value; longs maps long options to letters, "name:" to those with a value.
// Options may stand behind other words. An error is worded as the C library's.
func getopt(env *program.Env, letters string, longs map[string]byte) (opts []option, rest []string, err error) {
	var list []longOption
	for name, letter := range longs {
		plain, valued := strings.CutSuffix(name, ":")
		list = append(list, longOption{plain, valued, letter})
	}
	slices.SortFunc(list, func(a, b longOption) int { return strings.Compare(a.name, b.name) })
	opts, rest, faults := splitOptions(env.Name(), env.Args[1:], letters, list)
	if len(faults) > 0 {
		return nil, nil, errors.New(faults[0])
	}
	return opts, rest, nil
}

// splitOptions is getopt that goes on after a fault: faults are all of them, in the C library's words. Where there are no
// long options at all, two dashes are not special.
func splitOptions(name string, args []string, letters string, longs []longOption) (opts []option, rest, faults []string) {
	fault := func(format string, a ...any) { faults = append(faults, name+": "+fmt.Sprintf(format, a...)) }
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return opts, append(rest, args[i+1:]...), faults
		case strings.HasPrefix(a, "--") && len(longs) > 0:
			key, value, has := strings.Cut(a[2:], "=")
			o, problem := findLong(longs, key)
			switch {
			case problem != "":
				fault("%s", problem)
			case o == nil:
				fault("unrecognized option '--%s'", key)
			case has && !o.valued:
				fault("option '--%s' doesn't allow an argument", o.name)
			case o.valued && !has && i+1 == len(args):
				fault("option '--%s' requires an argument", o.name)
			default:
				if o.valued && !has {
					i++
					value = args[i]
				}
				opts = append(opts, option{o.letter, o.name, value})
			}
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				at := strings.IndexByte(letters, a[j])
				if at < 0 || a[j] == ':' {
					fault("invalid option -- '%c'", a[j])
					continue
				}
				if at+1 == len(letters) || letters[at+1] != ':' {
					opts = append(opts, option{letter: a[j]})
					continue
				}
				value := a[j+1:]
				if value == "" {
					if i++; i == len(args) {
						fault("option requires an argument -- '%c'", a[j])
						break
					}
					value = args[i]
				}
				opts = append(opts, option{a[j], "", value})
				break
			}
		default:
			rest = append(rest, a)
		}
	}
	return opts, rest, faults
}

// findLong finds a long option by its name or by what it alone begins with.
func findLong(longs []longOption, key string) (*longOption, string) {
	var found []*longOption
	for i := range longs {
		if longs[i].name == key {
			return &longs[i], ""
		}
		if strings.HasPrefix(longs[i].name, key) {
			found = append(found, &longs[i])
		}
	}
	switch len(found) {
	case 0:
		return nil, ""
	case 1:
		return found[0], ""
	}
	text := fmt.Sprintf("option '--%s' is ambiguous; possibilities:", key)
	for _, o := range found {
		text += " '--" + o.name + "'"
	}
	return nil, text
}
