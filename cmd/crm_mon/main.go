// Command crm_mon shows the state of a cluster.
package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/dialect"
	"hacluster/internal/output/screen"
	"hacluster/internal/program"
)

func main() { program.Main(run) }

// settings are what the command line asks for.
type settings struct {
	screen.Options
	once bool
	file string
}

func run(ctx context.Context, env *program.Env) int {
	s, err := parse(env.Args[1:])
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return 64
	}
	version, _, err := dialect.Current(env.Getenv, dialect.Path)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return 1
	}
	if !version.Legacy() {
		return program.NotYet(env, "the screens of Pacemaker 2 and later")
	}
	if s.file == "" {
		s.file = env.Getenv("CIB_file")
	}
	if !s.once && s.file == "" {
		return program.NotYet(env, "the screen that refreshes itself; -1 shows it once")
	}
	root, err := load(ctx, &s)
	if err != nil {
		if s.file == "" {
			fmt.Fprint(env.Stdout, "\nError: cluster is not available on this node\n")
			return 107
		}
		fmt.Fprintf(env.Stdout, "\nConnection to cluster failed: %v\n", err)
		return 78
	}
	c := status.Read(status.Input{CIB: root, Now: time.Now()})
	fmt.Fprint(env.Stdout, screen.Legacy(c, s.Options))
	return 0
}

// load reads the CIB, from a file or the running cluster with the history of its fencing.
func load(ctx context.Context, s *settings) (*etree.Element, error) {
	if s.file != "" {
		s.FenceLevel = 0
		doc, err := cib.Load(s.file)
		if err != nil {
			return nil, err
		}
		return doc.Root, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := client.DialCIB(ctx, "crm_mon")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	root, err := c.Query(ctx)
	if err != nil || s.FenceLevel == 0 {
		return root, err
	}
	f, err := client.DialFencer(ctx, "crm_mon")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := f.History(ctx, "")
	if err != nil {
		return nil, err
	}
	if h != nil {
		for _, e := range h.SelectElements("st_execute") {
			s.Fencing = append(s.Fencing, fencing(e))
		}
	}
	return root, nil
}

func fencing(e *etree.Element) screen.Fencing {
	get := func(name string) string { return e.SelectAttrValue(name, "") }
	sec, _ := strconv.ParseInt(get("st_date"), 10, 64)
	state := map[string]string{"2": "success", "4": "failed"}[get("st_state")]
	if state == "" {
		state = "pending"
	}
	return screen.Fencing{
		Target: get("st_target"), Action: get("st_device_action"), Origin: get("st_origin"), Delegate: get("st_delegate"), Client: get("st_clientname"),
		State: state, Reason: get("exit-reason"), At: time.Unix(sec, 0),
	}
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
