package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/iso8601"
	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition"
	"hacluster/engine/transition/dryrun"
	"hacluster/internal/client"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/simulate"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_simulate"] = crmSimulate }

// simulation is what the command line asks for.
type simulation struct {
	options
	env *program.Env
	now time.Time
	out simulate.Format
}

// options are the words of the command line.
type options struct {
	run, simulate, inPlace bool
	showAttrs, showFails   bool
	scores, utilization    bool
	profile                string
	repeat                 int
	changes                dryrun.Changes
	fail                   []string
	date                   string
	saveInput, saveOutput  string
	saveGraph, saveDot     string
	allActions             bool
	live                   bool
	file                   string
	pipe                   bool
	quiet                  bool
	verbose                int
	format, to             string
	newNodes               bool
}

func crmSimulate(ctx context.Context, env *program.Env) int {
	s := &simulation{env: env, now: time.Now()}
	for _, word := range env.Args[1:] {
		switch {
		case word == "--version" || word == "-$":
			fmt.Fprintf(env.Stdout, "Pacemaker 3.0.2\nWritten by Andrew Beekhof and the Pacemaker project contributors\n")
			return 0
		case word == "-?" || strings.HasPrefix(word, "--help"):
			_, _ = io.WriteString(env.Stdout, simulateHelp)
			return 0
		}
	}
	if err := s.parse(env.Args[1:]); err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		_, _ = io.WriteString(env.Stderr, simulateHelp)
		return exitUsage
	}
	w := env.Stdout
	if s.to != "" && s.to != "-" {
		f, err := os.Create(s.to)
		if err != nil {
			fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
			return exitCannotCreate
		}
		defer f.Close() //nolint:errcheck // what was written stands
		w = f
	}
	switch s.format {
	case "text":
		s.out = &simulate.Text{W: w, Err: env.Stderr, Quiet: s.quiet, Plain: s.quiet && s.scores, Attributes: s.showAttrs, FailCounts: s.showFails}
	case "xml":
		var parts screen.Sections
		if s.showAttrs {
			parts |= screen.Attributes
		}
		if s.showFails {
			parts |= screen.FailCounts | screen.Failures
		}
		s.out = &simulate.XML{W: w, Request: env.Request(), Quiet: s.quiet, Sections: parts}
	case "none":
		s.out = &simulate.Text{W: io.Discard, Err: io.Discard, Quiet: true}
	default:
		fmt.Fprintf(env.Stderr, "%s: invalid output format: %s\n", env.Name(), s.format)
		return exitUsage
	}
	if s.profile != "" {
		return s.profileAll()
	}
	root, err := s.load(ctx)
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		if errors.Is(err, os.ErrNotExist) {
			return exitNoInput
		}
		return exitConfig
	}
	code := s.perform(root)
	text := "OK"
	if code != 0 {
		text = "Error occurred"
		switch code {
		case exitIO:
			text = "I/O error occurred"
		case exitConfig:
			text = "Invalid configuration"
		}
	}
	s.out.Finish(code, text)
	return code
}

const (
	exitUsage             = 64
	exitNoInput           = 66
	exitCannotCreate      = 73
	exitConfig            = 78
	exitInvalidTransition = 1
	exitIO                = 74
)

// source is the file that a simulation reads (and, in place, writes); "" is
// the running cluster.
func (s *simulation) source() string {
	name := s.env.Getenv("CIB_shadow")
	switch {
	case s.file != "":
		return s.file
	case name != "":
		dir := s.env.Getenv("CIB_shadow_dir")
		if dir == "" {
			dir = "/var/lib/pacemaker/cib"
			if home := s.env.Getenv("HOME"); os.Geteuid() != 0 && home != "" {
				dir = filepath.Join(home, ".cib")
			}
		}
		return filepath.Join(dir, "shadow."+name)
	}
	return s.env.Getenv("CIB_file")
}

func (s *simulation) load(ctx context.Context) (*etree.Element, error) {
	var data []byte
	var err error
	switch {
	case s.pipe || s.file == "-":
		data, err = io.ReadAll(s.env.Stdin)
	case s.source() != "":
		data, err = os.ReadFile(s.source())
	default:
		live, err := client.DialCIB(ctx, s.env.Name())
		if err != nil {
			return nil, err
		}
		defer live.Close()
		return live.Query(ctx)
	}
	if err != nil {
		return nil, err
	}
	doc, err := xml.Parse(data)
	if err != nil {
		return nil, err
	}
	if v := doc.Root.SelectAttrValue("validate-with", ""); v == "none" {
		fmt.Fprintln(s.env.Stderr, tool.Unchecked)
	}
	if doc.Root.SelectElement("status") == nil {
		doc.Root.CreateElement("status")
	}
	return s.readable(doc.Root)
}

// readable raises a document to the schema that the scheduler reads.
func (s *simulation) readable(root *etree.Element) (*etree.Element, error) {
	res, err := upgrade.ForScheduler(root)
	tool.TellUpgrade(s.env.Stderr, res.Messages)
	if err != nil {
		return nil, err
	}
	if problems := schema.Validate(res.Root, res.Schema); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %s", cib.SchemaValidation, problems[0].Text)
	}
	return res.Root, nil
}

// effective is the time that counts, and the line that tells of it.
func (s *simulation) effective(root *etree.Element) (time.Time, string) {
	if s.date != "" {
		if t, err := iso8601.Parse(s.date, s.now); err == nil {
			return t.Time(), "Setting effective cluster time: " + s.date
		}
		return s.now, "Setting effective cluster time: " + s.date
	}
	in := scheduler.Input{CIB: root, Now: s.now, UseOriginalDate: true}
	t := in.EffectiveTime()
	if t == s.now {
		return t, ""
	}
	return t, "Using the original execution date of: " + t.UTC().Format("2006-01-02 15:04:05Z")
}

// read reads the model for the screen.
func (s *simulation) read(root *etree.Element) *status.Cluster {
	now, line := s.effective(root)
	if line != "" {
		s.out.Info("%s", line)
	}
	c := status.Read(status.Input{CIB: root, Now: now, NoConstraints: true, Simulation: true})
	for _, n := range c.Notices {
		s.out.Info("%s", n)
	}
	return c
}

func (s *simulation) perform(root *etree.Element) int {
	c := s.read(root)
	if !s.quiet {
		s.out.Warnings(c)
		s.out.Status("Current cluster status", c, true, true)
	}
	sim := &dryrun.Simulation{CIB: root, Now: s.now, Fail: s.fail, NewNodes: s.newNodes, Say: s.out.Event}
	if s.changes.Any() {
		s.out.Begin("Performing Requested Modifications")
		s.out.Changes(&s.changes)
		sim.Inject(&s.changes, c)
		s.out.End()
		c = s.read(root)
	}
	if s.saveInput != "" {
		if code := s.save(s.saveInput, xml.Format(root)); code != 0 {
			return code
		}
	}
	if !s.run && !s.simulate {
		return 0
	}
	now, line := s.effective(root)
	res, err := scheduler.Plan(scheduler.Input{
		CIB: root, Now: now, Simulation: true, Utilization: s.utilization, NoScores: !s.scores,
	})
	if err != nil {
		fmt.Fprintf(s.env.Stderr, "%s: %v\n", s.env.Name(), err)
		return exitConfig
	}
	s.out.Scores(res.Scores, res.Cluster.Notices[min(len(c.Notices), len(res.Cluster.Notices)):], s.scores, s.utilization)
	if s.saveGraph != "" {
		if code := s.save(s.saveGraph, res.Graph.XML()); code != 0 {
			return code
		}
	}
	if s.saveDot != "" {
		if code := s.save(s.saveDot, res.Dot(s.allActions, s.verbose > 0)); code != 0 {
			return code
		}
	}
	if !s.quiet {
		s.out.Summary(res.Summary)
	}
	if !s.simulate {
		return 0
	}
	code := 0
	sim.Known = func(id string) bool { return res.Cluster.Find(id) != nil }
	s.out.Begin("Executing Cluster Transition")
	if sim.Execute(res.Graph) != transition.Complete {
		s.out.Fault("Transition failed: terminated")
		s.out.Fault("An invalid transition was produced")
		code = exitInvalidTransition
	}
	s.out.End()
	if s.saveOutput != "" {
		if code := s.save(s.saveOutput, xml.Format(root)); code != 0 {
			return code
		}
	}
	if file := s.source(); s.inPlace && !s.pipe && file != "" && file != "-" {
		if code := s.save(file, xml.Format(root)); code != 0 {
			return code
		}
	}
	if s.quiet {
		return code
	}
	if line != "" {
		s.out.Info("%s", line)
	}
	after := status.Read(status.Input{CIB: root, Now: now, NoConstraints: true, Simulation: true})
	s.out.Status("Revised Cluster Status", after, false, true)
	return code
}

func (s *simulation) save(name string, data []byte) int {
	if name == "-" {
		_, _ = s.env.Stdout.Write(data)
		return 0
	}
	if err := os.WriteFile(name, data, 0o644); err != nil { //nolint:gosec // as other tools' output
		fmt.Fprintf(s.env.Stderr, "%s: %v\n", s.env.Name(), err)
		return exitIO
	}
	return 0
}

// parse reads the command line.
func (s *simulation) parse(args []string) error {
	s.format, s.repeat = "text", 1
	flags := s.flags()
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			return nil
		case len(word) > 2 && word[:2] == "--":
			name, value, glued := cut(word[2:])
			f := flags.long(name)
			if f == nil {
				return fmt.Errorf("unknown option --%s", name)
			}
			if f.value == nil {
				f.set()
				continue
			}
			if !glued {
				if len(args) == 0 {
					return fmt.Errorf("missing argument for --%s", name)
				}
				value, args = args[0], args[1:]
			}
			if err := f.value(value); err != nil {
				return err
			}
		case len(word) > 1 && word[0] == '-':
			for i := 1; i < len(word); i++ {
				f := flags.short(word[i])
				if f == nil {
					return fmt.Errorf("unknown option -%c", word[i])
				}
				if f.value == nil {
					f.set()
					continue
				}
				value := word[i+1:]
				if value == "" {
					if len(args) == 0 {
						return fmt.Errorf("missing argument for -%c", word[i])
					}
					value, args = args[0], args[1:]
				}
				if err := f.value(value); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func cut(word string) (name, value string, glued bool) {
	for i := range word {
		if word[i] == '=' {
			return word[:i], word[i+1:], true
		}
	}
	return word, "", false
}

type flag struct {
	letter byte
	name   string
	set    func()
	value  func(string) error
}

type flagList []flag

func (l flagList) long(name string) *flag {
	for i := range l {
		if l[i].name == name {
			return &l[i]
		}
	}
	return nil
}

func (l flagList) short(letter byte) *flag {
	for i := range l {
		if l[i].letter == letter && letter != 0 {
			return &l[i]
		}
	}
	return nil
}

func (s *simulation) flags() flagList {
	on := func(targets ...*bool) func() {
		return func() {
			for _, t := range targets {
				*t = true
			}
		}
	}
	text := func(target *string, implies ...*bool) func(string) error {
		return func(v string) error {
			*target = v
			on(implies...)()
			return nil
		}
	}
	list := func(target *[]string, implies ...*bool) func(string) error {
		return func(v string) error {
			*target = append(*target, v)
			on(implies...)()
			return nil
		}
	}
	ch := &s.changes
	optional := func(target **string) func(string) error {
		return func(v string) error { *target = &v; return nil }
	}
	return flagList{
		{'R', "run", on(&s.run), nil},
		{'S', "simulate", on(&s.run, &s.simulate), nil},
		{'X', "in-place", on(&s.run, &s.simulate, &s.inPlace), nil},
		{'A', "show-attrs", on(&s.showAttrs), nil},
		{'c', "show-failcounts", on(&s.showFails), nil},
		{'s', "show-scores", on(&s.run, &s.scores), nil},
		{'U', "show-utilization", on(&s.run, &s.utilization), nil},
		{'a', "all-actions", on(&s.run, &s.allActions), nil},
		{'L', "live-check", func() { s.live, s.file, s.pipe = true, "", false }, nil},
		{'p', "xml-pipe", on(&s.pipe), nil},
		{'Q', "quiet", on(&s.quiet), nil},
		{'V', "verbose", func() { s.verbose++ }, nil},
		{'P', "profile", nil, text(&s.profile)},
		{'N', "repeat", nil, func(v string) (err error) { s.repeat, err = strconv.Atoi(v); return err }},
		{'u', "node-up", nil, list(&ch.Up, &s.newNodes)},
		{'d', "node-down", nil, list(&ch.Down)},
		{'f', "node-fail", nil, list(&ch.Lost)},
		{'i', "op-inject", nil, list(&ch.Ops)},
		{'F', "op-fail", nil, list(&s.fail, &s.run, &s.simulate)},
		{'t', "set-datetime", nil, text(&s.date)},
		{'q', "quorum", nil, optional(&ch.Quorum)},
		{'w', "watchdog", nil, optional(&ch.Watchdog)},
		{'g', "ticket-grant", nil, list(&ch.Grant)},
		{'r', "ticket-revoke", nil, list(&ch.Revoke)},
		{'b', "ticket-standby", nil, list(&ch.Standby)},
		{'e', "ticket-activate", nil, list(&ch.Activate)},
		{'I', "save-input", nil, text(&s.saveInput)},
		{'O', "save-output", nil, text(&s.saveOutput)},
		{'G', "save-graph", nil, text(&s.saveGraph, &s.run)},
		{'D', "save-dotfile", nil, text(&s.saveDot, &s.run)},
		{'x', "xml-file", nil, text(&s.file)},
		{0, "output-as", nil, text(&s.format)},
		{0, "output-to", nil, text(&s.to)},
	}
}

// profileAll plans for every file of a folder, and tells how long it took.
func (s *simulation) profileAll() int {
	entries, err := os.ReadDir(s.profile)
	if err != nil {
		fmt.Fprintf(s.env.Stderr, "%s: %v\n", s.env.Name(), err)
		return exitNoInput
	}
	fmt.Fprintln(s.env.Stdout, "Profiling:")
	for _, e := range entries {
		if e.IsDir() || e.Name()[0] == '.' || !strings.HasSuffix(e.Name(), ".xml") {
			continue
		}
		file := filepath.Join(s.profile, e.Name())
		data, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintf(s.env.Stderr, "%s: %v\n", s.env.Name(), err)
			continue
		}
		doc, err := xml.Parse(data)
		if err != nil {
			continue
		}
		root, err := s.readable(doc.Root)
		if err != nil {
			fmt.Fprintf(s.env.Stderr, "%s: %s: %v\n", s.env.Name(), file, err)
			continue
		}
		begin := time.Now()
		for range s.repeat {
			now, _ := s.effective(root)
			if _, err := scheduler.Plan(scheduler.Input{CIB: root, Now: now, NoScores: true}); err != nil {
				break
			}
		}
		fmt.Fprintf(s.env.Stdout, "  * Testing %s ... %.2f secs\n", file, time.Since(begin).Seconds())
	}
	return 0
}

const simulateHelp = `Usage: crm_simulate [OPTION...]
Shows what the cluster would do about a configuration and its state.

  -x, --xml-file FILE       read the CIB from a file
  -p, --xml-pipe            read the CIB from standard input
  -L, --live-check          read the CIB of the cluster (or CIB_file, CIB_shadow)
  -R, --run                 work out what would be done
  -S, --simulate            carry it out on paper
  -X, --in-place            carry it out and store the result where it came from
  -s, --show-scores         show why resources are placed where they are
  -U, --show-utilization    show what nodes offer and resources need
  -A, --show-attrs          show node attributes
  -c, --show-failcounts     show fail counts
  -a, --all-actions         draw actions that are not needed, too
  -Q, --quiet               show only what was asked for

What happens before:
  -u, --node-up NODE        a node comes up
  -d, --node-down NODE      a node goes down
  -f, --node-fail NODE      a node fails
  -i, --op-inject SPEC      an operation had a result: RSC_TASK_INTERVAL@NODE=RC
  -q, --quorum VALUE        the cluster has, or loses, quorum
  -w, --watchdog VALUE      a watchdog is there, or not
  -g, -r, -b, -e TICKET     a ticket is granted, revoked, set to standby, activated
  -t, --set-datetime TIME   the time that counts
What happens meanwhile:
  -F, --op-fail SPEC        an operation fails: RSC_TASK_INTERVAL@NODE=RC

Files written:
  -I, --save-input FILE     the CIB after what happens before
  -O, --save-output FILE    the CIB after the simulation
  -G, --save-graph FILE     the steps, as the controller gets them
  -D, --save-dotfile FILE   the steps, as Graphviz draws them

  -P, --profile DIR         plan for every file of a folder, and take the time
  -N, --repeat N            plan that often for each
`
