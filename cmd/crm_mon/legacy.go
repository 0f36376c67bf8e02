package main

import (
	"fmt"
	"strconv"
	"strings"

	"hacluster/internal/output/screen"
)

// settings are what the command line of Pacemaker 1.1 asks for.
type settings struct {
	screen.Options
	once bool
	file string
}

// parse reads the options. Short ones may be joined (-Afr1).
func parse(args []string) (settings, error) {
	s := settings{}
	s.FenceLevel = 1
	long := map[string]string{
		"one-shot": "1", "inactive": "r", "group-by-node": "n", "show-detail": "R", "brief": "b", "show-node-attributes": "A",
		"failcounts": "f", "operations": "o", "timing-details": "t", "tickets": "c", "neg-locations": "L", "hide-headers": "D", "quiet": "Q",
		"fence-history": "m", "xml-file": "x", "interval": "i", "as-xml": "X", "as-html": "h", "pending": "j", "disable-ncurses": "N",
	}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if name, ok := strings.CutPrefix(a, "--"); ok {
			name, value, has := strings.Cut(name, "=")
			letter, known := long[name]
			if !known {
				return s, usagef("Unknown option %s", a)
			}
			if letter == "x" && !has {
				if i++; i >= len(args) {
					return s, usagef("Missing argument for --%s", name)
				}
				value = args[i]
			}
			if err := s.set(letter, value); err != nil {
				return s, err
			}
			continue
		}
		if len(a) < 2 || a[0] != '-' {
			continue
		}
		for j := 1; j < len(a); j++ {
			letter, value := a[j:j+1], ""
			switch letter {
			case "x", "i":
				value = a[j+1:]
				if value == "" {
					if i++; i >= len(args) {
						return s, usagef("Missing argument for -%s", letter)
					}
					value = args[i]
				}
				j = len(a)
			case "m", "L":
				value = a[j+1:]
				j = len(a)
			}
			if err := s.set(letter, value); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func (s *settings) set(letter, value string) error {
	switch letter {
	case "1":
		s.once = true
	case "r":
		s.Inactive = true
	case "n":
		s.ByNode = true
	case "R":
		s.Detail = true
	case "b":
		s.Brief = true
	case "A":
		s.Attributes = true
	case "f":
		s.FailCounts = true
	case "o":
		s.Operations = true
	case "t":
		s.Timing, s.Operations = true, true
	case "c":
		s.Tickets = true
	case "L":
		s.Bans, s.BanPrefix = true, value
	case "D":
		s.NoSummary = true
	case "Q":
		s.NoTimes = true
	case "m":
		s.FenceLevel = 2
		if value != "" {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				n = 0
			}
			if n > 3 {
				return usagef("Fence history must be 0-3")
			}
			s.FenceLevel = n
		}
	case "x":
		s.file, s.once = value, true
	case "i", "j", "N":
	case "X", "h":
		return fmt.Errorf("not supported yet: output as XML or HTML")
	default:
		return usagef("Unknown option -%s", letter)
	}
	return nil
}

// usageError is a command line that is not understood.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }
