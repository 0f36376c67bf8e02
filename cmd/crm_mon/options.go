package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/tool"
)

// mode is how often the page is shown; of the options that choose one the last counts.
type mode int

const (
	unset    mode = iota
	oneShot       // -1, -x
	repeated      // -i
	daemon        // -d: as repeated, in the background
)

// request is what the command line of Pacemaker 3 asks for.
type request struct {
	screen.Page
	format string // console, text, html, xml, none
	// old is set by -X: what is shown is what XML shows, in whatever form is asked for after it.
	old   bool
	to    string // a file; "-" is standard output
	file  string
	mode  mode
	agent string // program that is told what is done in the cluster
	// recipient is whom it is to tell, by its own lights; watchFencing adds fencing.
	recipient    string
	watchFencing bool
	interval     time.Duration
	lines        bool // the screen as a conversation of lines
	readOnly     bool // the screen changes nothing
	mouse        bool // the screen takes the mouse
	title        string
	style        string
	cgi          bool
	help         bool
	legacy       *settings // the page is that of Pacemaker 1.1
	version      bool
	level        int      // of the fencing history
	notes        []string // deprecated forms, told before anything else
	// steps change the sections, first those that come with other options.
	inner, user []step
}

// toStdout tells that the page goes to standard output.
func (r *request) toStdout() bool { return r.to == "-" }

// step is a change of the sections; all and base belong to the format.
type step func(p *screen.Page, all, base screen.Sections) error

// Whether an option takes a value.
const flag, value, optional = tool.None, tool.Required, tool.Optional

type option struct {
	short string
	long  string
	takes tool.Arg
	do    func(r *request, v string) error
}

func include(list string) step {
	return func(p *screen.Page, all, base screen.Sections) error { return p.Include(list, all, base) }
}

func exclude(list string) step {
	return func(p *screen.Page, all, _ screen.Sections) error { return p.Exclude(list, all) }
}

func set(f func(r *request)) func(*request, string) error {
	return func(r *request, _ string) error { f(r); return nil }
}

func adds(list string) func(*request, string) error {
	return set(func(r *request) { r.user = append(r.user, include(list)) })
}

func text(at func(*request) *string) func(*request, string) error {
	return func(r *request, v string) error { *at(r) = v; return nil }
}

var options = []option{
	{"1", "one-shot", flag, set(func(r *request) { r.mode = oneShot })},
	{"n", "group-by-node", flag, set(func(r *request) { r.ByNode = true })},
	{"r", "inactive", flag, set(func(r *request) { r.Inactive = true })},
	{"f", "failcounts", flag, adds("failcounts")},
	{"o", "operations", flag, adds("failcounts,operations")},
	{"t", "timing-details", flag, func(r *request, _ string) error { r.Timing = true; return adds("operations")(r, "") }},
	{"c", "tickets", flag, adds("tickets")},
	{"A", "show-node-attributes", flag, adds("attributes")},
	{"L", "neg-locations", optional, func(r *request, v string) error { r.user = append(r.user, include("bans:"+v)); return nil }},
	{"D", "hide-headers", flag, set(func(r *request) { r.user = append(r.user, exclude("summary")) })},
	{"Q", "quiet", flag, set(func(r *request) { r.inner = append(r.inner, exclude("times")) })},
	{"R", "show-detail", flag, set(func(r *request) { r.Detail = true })},
	{"", "show-description", flag, set(func(r *request) { r.Description = true })},
	{"b", "brief", flag, set(func(r *request) { r.Brief = true })},
	{"m", "fence-history", optional, fenceLevel},
	{"I", "include", value, func(r *request, v string) error { r.user = append(r.user, include(v)); return nil }},
	{"U", "exclude", value, func(r *request, v string) error { r.user = append(r.user, exclude(v)); return nil }},
	{"", "node", value, func(r *request, v string) error { r.Node, r.NoNode = v, v == ""; return nil }},
	{"", "resource", value, func(r *request, v string) error { r.Resource, r.NoResource = v, v == ""; return nil }},
	{"i", "interval", value, func(r *request, v string) error {
		ms, ok := status.ParseInterval(v)
		if !ok || ms < 0 || strings.HasPrefix(v, "P") {
			return errors.New("Invalid value for -i: " + v)
		}
		r.interval = time.Duration(ms) * time.Millisecond
		if r.mode != daemon {
			r.mode = repeated
		}
		return nil
	}},
	{"d", "daemonize", flag, set(func(r *request) { r.mode = daemon })},
	{"E", "external-agent", value, text(func(r *request) *string { return &r.agent })},
	{"e", "external-recipient", value, text(func(r *request) *string { return &r.recipient })},
	{"W", "watch-fencing", flag, set(func(r *request) { r.watchFencing = true })},
	{"", "output-as", value, text(func(r *request) *string { return &r.format })},
	{"", "output-to", value, text(func(r *request) *string { return &r.to })},
	{"", "html-title", value, text(func(r *request) *string { return &r.title })},
	{"", "html-stylesheet", value, text(func(r *request) *string { return &r.style })},
	{"", "html-cgi", flag, set(func(r *request) { r.cgi = true })},
	{"x", "xml-file", value, func(r *request, v string) error { r.file, r.mode = v, oneShot; return nil }},
	{"X", "as-xml", flag, set(func(r *request) { r.format, r.old, r.Inactive, r.Timing = "xml", true, true, true })},
	{"j", "pending", flag, set(func(*request) {})},
	{"", "line-mode", flag, set(func(r *request) { r.lines = true })},
	{"", "read-only", flag, set(func(r *request) { r.readOnly = true })},
	{"", "mouse", flag, set(func(r *request) { r.mouse = true })},
	{"p", "pid-file", flag, set(func(*request) {})},
	{"V", "verbose", flag, set(func(*request) {})},
	{"$", "version", flag, set(func(r *request) { r.version = true })},
	{"h", "help", flag, set(func(r *request) { r.help = true })},
	{"?", "help-all", flag, set(func(r *request) { r.help = true })},
	{"", "help-output", flag, set(func(r *request) { r.help = true })},
	{"", "help-display", flag, set(func(r *request) { r.help = true })},
	{"", "help-additional", flag, set(func(r *request) { r.help = true })},
}

func fenceLevel(r *request, v string) error {
	r.level = 2
	if v != "" {
		n, err := strconv.Atoi(v)
		switch {
		case err != nil || n < 0:
			n = 0
		case n > 3:
			return usageError("Fence history must be 0-3")
		}
		r.level = n
	}
	level := r.level
	r.inner = append(r.inner, func(p *screen.Page, all, base screen.Sections) error {
		switch level {
		case 0:
			return p.Exclude("fencing", all)
		case 1:
			p.Sections = p.Sections&^screen.FencingAll | screen.FencingFailed | screen.FencingPending
			return nil
		}
		return p.Include("fencing", all, base)
	})
	return nil
}

// parseRequest reads the command line. Words that are no options are passed over.
func parseRequest(args []string) (*request, error) {
	r := &request{level: 1, interval: 5 * time.Second, format: "console", to: "-"}
	known := tool.Options{Glued: "eimpxEILU"}
	for _, o := range options {
		opt := tool.Option{Long: o.long, Arg: o.takes, Do: func(v string) error {
			err := o.do(r, v)
			if err == nil && r.help {
				return tool.ErrHelp
			}
			return err
		}}
		if o.short != "" {
			opt.Short = o.short[0]
		}
		known.List = append(known.List, opt)
	}
	_, notes, err := known.Parse(args)
	r.notes = notes
	if errors.Is(err, tool.ErrHelp) {
		r.help, err = true, nil
	}
	return r, err
}

// choose works the sections out.
func (r *request) choose() error {
	all, base := screen.AllText, screen.DefaultText
	if r.old || r.format == "xml" || r.format == "html" {
		all = screen.DefaultXML
	}
	if r.old || r.format == "xml" {
		base = screen.DefaultXML
	}
	r.Sections = base
	for _, s := range append(slices.Clone(r.inner), r.user...) {
		if err := s(&r.Page, all, base); err != nil {
			return err
		}
	}
	return nil
}
