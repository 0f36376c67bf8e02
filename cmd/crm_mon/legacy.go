package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
)

// settings are what the command line of Pacemaker 1.1 asks for.
type settings struct {
	screen.Options
	once bool
	file string
	// form is how the page is written: text, xml, html or simple; to is the file that HTML goes to.
	form, to  string
	cgi       bool
	daemon    bool
	version   bool
	help      bool
	interval  time.Duration
	agent     string
	recipient string
	fencings  bool
	surplus   []string
}

// parse reads the options. Short ones may be joined (-Afr1).
func parse(args []string) (settings, error) {
	s := settings{form: "text", interval: 5 * time.Second}
	s.FenceLevel = 1
	long := map[string]string{
		"one-shot": "1", "inactive": "r", "group-by-node": "n", "show-detail": "R", "brief": "b", "show-node-attributes": "A",
		"failcounts": "f", "operations": "o", "timing-details": "t", "tickets": "c", "neg-locations": "L", "hide-headers": "D", "quiet": "Q",
		"fence-history": "m", "xml-file": "x", "interval": "i", "as-xml": "X", "as-html": "h", "pending": "j", "disable-ncurses": "N",
		"web-cgi": "w", "simple-status": "s", "daemonize": "d", "pid-file": "p", "external-agent": "E", "external-recipient": "e",
		"watch-fencing": "W", "version": "$", "help": "?", "verbose": "V",
	}
	const taking = "xihpEe"
	for i := 0; i < len(args); i++ {
		a := args[i]
		if name, ok := strings.CutPrefix(a, "--"); ok {
			name, value, has := strings.Cut(name, "=")
			letter, known := long[name]
			if !known {
				return s, usagef("Unknown option %s", a)
			}
			if strings.Contains(taking, letter) && !has {
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
			s.surplus = append(s.surplus, a)
			continue
		}
		for j := 1; j < len(a); j++ {
			letter, value := a[j:j+1], ""
			switch letter {
			case "x", "i", "h", "p", "E", "e":
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
	case "i":
		ms, ok := status.ParseInterval(value)
		if !ok || ms <= 0 {
			return usagef("Invalid value for -i: %s", value)
		}
		s.interval = time.Duration(ms) * time.Millisecond
	case "X":
		return s.as("xml")
	case "h":
		s.to = value
		return s.as("html")
	case "w":
		s.cgi = true
		return s.as("html")
	case "s":
		return s.as("simple")
	case "d":
		s.daemon = true
	case "E":
		s.agent = value
	case "e":
		s.recipient = value
	case "W":
		s.fencings = true
	case "$":
		s.version = true
	case "?":
		s.help = true
	case "j", "N", "p", "V":
	default:
		return usagef("Unknown option -%s", letter)
	}
	return nil
}

// as chooses the form of the page; there is one.
func (s *settings) as(form string) error {
	if s.form != "text" && s.form != form {
		return usagef("only one of --as-html, --as-xml, --web-cgi and --simple-status can be given")
	}
	s.form = form
	if form != "html" || s.cgi {
		s.once = true
	}
	return nil
}

// usageError is a command line that is not understood.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// runLegacy shows the page of Pacemaker 1.1.
func runLegacy(ctx context.Context, env *program.Env) int {
	s, err := parse(env.Args[1:])
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return exitUsage
	}
	switch {
	case s.help:
		fmt.Fprint(env.Stdout, help)
		return 0
	case s.version:
		fmt.Fprint(env.Stdout, "Pacemaker 1.1.23\nWritten by Andrew Beekhof\n")
		return 0
	}
	if len(s.surplus) > 0 {
		fmt.Fprintf(env.Stdout, "non-option ARGV-elements: %s \n", strings.Join(s.surplus, " "))
	}
	src := source{env: env, file: s.file}
	// The page of a file or of a running program is written by what writes the newer ones.
	r := &request{format: "text", to: cmp.Or(s.to, "-"), interval: s.interval, agent: s.agent, recipient: s.recipient, watchFencing: s.fencings, legacy: &s}
	out, err := newOutput(env, r)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return exitError
	}
	switch {
	case s.daemon && s.to == "" && s.agent == "":
		fmt.Fprintln(env.Stderr, "crm_mon: --daemonize requires at least one of --as-html and --external-agent")
		return exitUsage
	case s.daemon && !src.isFile() && !inBackground(env):
		return detach(env)
	case !src.isFile() && !s.once && (s.daemon || s.to != ""):
		return out.keep(ctx)
	case !src.isFile() && !s.once && onTerminal(env.Stdout):
		return watch(ctx, env, watching{page: &legacyScreen{s}, interval: s.interval, tell: newTeller(r, env)})
	}
	now, err := src.read(ctx, s.FenceLevel > 0)
	if err != nil {
		return s.unusable(env, src, err)
	}
	if s.form == "text" && !src.isFile() {
		out.warn(now)
	}
	page, code := s.page(now)
	return out.done(code, out.write(page))
}

func (s *settings) unusable(env *program.Env, src source, err error) int {
	switch {
	case s.form == "simple":
		why := err.Error()
		if errors.Is(err, client.ErrNotRunning) {
			why = client.ErrNotRunning.Error()
		}
		fmt.Fprintln(env.Stdout, "CLUSTER CRIT: Connection to cluster failed: "+why)
		return 2
	case !src.isFile():
		fmt.Fprint(env.Stdout, "\nError: cluster is not available on this node\n")
		return exitLegacyDown
	}
	fmt.Fprintf(env.Stdout, "\nConnection to cluster failed: %v\n", err)
	return exitConfig
}

// page writes a state in the form that was asked for; code is the program's exit code.
func (s *settings) page(now tui.Snapshot) (page string, code int) {
	o := s.Options
	o.Fencing = now.Fencing
	c := status.Read(status.Input{CIB: now.Root, Now: now.At})
	switch s.form {
	case "xml":
		return screen.LegacyXML(c, o), 0
	case "simple":
		line, code := screen.LegacyLine(c)
		return line + "\n", code
	case "html":
		p := screen.Page{Sections: screen.DefaultText, Inactive: o.Inactive, ByNode: o.ByNode, Detail: o.Detail, Brief: o.Brief, Timing: o.Timing, Live: now.LocalNode != "", Fencing: now.Fencing, FencingErr: now.FencingErr}
		for _, x := range []struct {
			on   bool
			part screen.Sections
		}{{o.Attributes, screen.Attributes}, {o.FailCounts, screen.FailCounts}, {o.Operations, screen.Operations}, {o.Tickets, screen.Tickets}, {o.Bans, screen.Bans}} {
			if x.on {
				p.Sections |= x.part
			}
		}
		h := screen.Head{Title: "Cluster status", CGI: s.cgi}
		if s.to != "" {
			h.Refresh = int(s.interval / time.Second)
		}
		return screen.HTML(c, p, h, nil), 0
	}
	return screen.Legacy(c, o), 0
}
