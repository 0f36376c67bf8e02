package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
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
	"hacluster/internal/output/origin"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/simulate"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_simulate"] = crmSimulate }

// simulation is one run of crm_simulate.
type simulation struct {
	env *program.Env
	now time.Time
	out *tool.Output
	to  simulate.Format

	run, simulate, inPlace bool
	parts                  screen.Sections
	scores, utilization    bool
	profile                string
	repeat                 int
	changes                dryrun.Changes
	fail                   []string
	date                   string
	saveInput, saveOutput  string
	saveGraph, saveDot     string
	allActions             bool
	live                   bool   // the cluster, or what the environment names
	limited                bool   // permissions limit what the user may see and change in it
	file                   string // "-" is standard input
	quiet                  bool
	newNodes               bool
	explain                []string // the resources of --explain
}

// standard is the word for standard input and output.
const standard = "-"

func crmSimulate(ctx context.Context, env *program.Env) int {
	debug.SetGCPercent(50) // a large cluster's document is most of the memory: a little time for half of the rest
	s := &simulation{env: env, now: tool.Now(env), file: standard, repeat: 1}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "show what the cluster would do about a configuration and its state", Usage: "",
		Glued: "bdefgiqrtuwxDFGINOP", OutputCode: true, BareOutputError: true, Options: s.options(),
	})
	if out == nil {
		return code
	}
	s.out = out
	switch out.Format {
	case "xml":
		s.quiet = false // programs are told everything
		s.to = &simulate.XML{Root: out.Result(), Tell: s.tell, Sections: s.parts}
	case "none":
		s.to = &simulate.Text{W: io.Discard, Quiet: true}
	default:
		s.to = &simulate.Text{W: out, Tell: s.tell, Quiet: s.quiet, Plain: s.quiet && s.scores, Sections: s.parts}
	}
	if s.profile != "" {
		exit, err := s.profileAll()
		return out.Finish(exit, err)
	}
	root, err := s.load(ctx)
	if err == nil {
		err = s.perform(ctx, root)
	}
	var end *ended
	switch {
	case errors.As(err, &end):
		return out.Finish(end.code, end.err)
	case err != nil:
		return out.Finish(tool.Error, err)
	}
	return out.Finish(tool.OK, nil)
}

// ended is why a simulation ends: its exit code, and what is said; nil where all is said.
type ended struct {
	code tool.Exit
	err  error
}

func (e *ended) Error() string { return fmt.Sprint(e.err) }

func endWith(code tool.Exit, format string, args ...any) error {
	return &ended{code, fmt.Errorf(format, args...)}
}

func (s *simulation) tell(fault string) { s.out.Fault("%s", fault) }

func (s *simulation) options() []tool.Option {
	list := func(target *[]string, implies ...*bool) func(string) error {
		return func(v string) error {
			*target = append(*target, v)
			return tool.Flag(implies...)(v)
		}
	}
	part := func(p screen.Sections) func(string) error {
		return func(string) error { s.parts |= p; return nil }
	}
	given := func(target **string) func(string) error {
		return func(v string) error { *target = &v; return nil }
	}
	from := func(file string, live bool) func(string) error {
		return func(v string) error {
			if s.file, s.live = file, live; v != "" {
				s.file = v
			}
			return nil
		}
	}
	ch := &s.changes
	const before, written, source = "events before", "files written", "source"
	return []tool.Option{
		{Short: 'R', Long: "run", Do: tool.Flag(&s.run), Help: "work out what would be done"},
		{Short: 'S', Long: "simulate", Do: tool.Flag(&s.run, &s.simulate), Help: "carry it out on paper, and show the state afterwards"},
		{Short: 'X', Long: "in-place", Do: tool.Flag(&s.run, &s.simulate, &s.inPlace), Help: "the same, and store the result where the input came from"},
		{Short: 'A', Long: "show-attrs", Do: part(screen.Attributes), Help: "show node attributes"},
		{Short: 'c', Long: "show-failcounts", Do: part(screen.FailCounts | screen.Failures), Help: "show fail counts and failed operations"},
		{Short: 's', Long: "show-scores", Do: tool.Flag(&s.run, &s.scores), Help: "show what placement looked at"},
		{Short: 'U', Long: "show-utilization", Do: tool.Flag(&s.run, &s.utilization), Help: "show what nodes offer and resources need"},
		{Long: "explain", Arg: tool.Required, Do: list(&s.explain, &s.run), Value: "RESOURCE", Help: "say where each score of a resource on each node comes from, and why it is acted on; may be repeated"},
		{Short: 'P', Long: "profile", Arg: tool.Required, Do: tool.Text(&s.profile), Value: "DIR", Help: "plan for every file (*.xml) of a folder, and take the time"},
		{Short: 'N', Long: "repeat", Arg: tool.Required, Given: tool.Int(&s.repeat), Value: "N", Help: "with --profile: plan that often for each"},
		{Short: 'j', Long: "pending", Do: func(string) error { return nil }},
		{Short: 'Q', Long: "quiet", Do: tool.Flag(&s.quiet), Help: "show only what is asked for"},
		{Short: 'u', Long: "node-up", Arg: tool.Required, Do: list(&ch.Up, &s.newNodes), Group: before, Value: "NODE", Help: "a node comes up; a new one is added"},
		{Short: 'd', Long: "node-down", Arg: tool.Required, Do: list(&ch.Down), Group: before, Value: "NODE", Help: "a node goes down"},
		{Short: 'f', Long: "node-fail", Arg: tool.Required, Do: list(&ch.Lost), Group: before, Value: "NODE", Help: "a node fails"},
		{Short: 'i', Long: "op-inject", Arg: tool.Required, Do: list(&ch.Ops), Group: before, Value: "SPEC", Help: "an operation had a result: RESOURCE_TASK_INTERVAL@NODE=CODE, the interval in milliseconds"},
		{Short: 'F', Long: "op-fail", Arg: tool.Required, Do: list(&s.fail, &s.run, &s.simulate), Group: before, Value: "SPEC", Help: "an operation that is simulated fails, given likewise"},
		{Short: 't', Long: "set-datetime", Arg: tool.Required, Do: tool.Text(&s.date), Group: before, Value: "TIME", Help: "the time that counts, as ISO 8601 has it"},
		{Short: 'q', Long: "quorum", Arg: tool.Required, Do: given(&ch.Quorum), Group: before, Value: "BOOLEAN", Help: "there is quorum, or there is none"},
		{Short: 'w', Long: "watchdog", Arg: tool.Required, Do: given(&ch.Watchdog), Group: before, Value: "BOOLEAN", Help: "a watchdog is there, or not"},
		{Short: 'g', Long: "ticket-grant", Arg: tool.Required, Do: list(&ch.Grant), Group: before, Value: "TICKET", Help: "a ticket is granted"},
		{Short: 'r', Long: "ticket-revoke", Arg: tool.Required, Do: list(&ch.Revoke), Group: before, Value: "TICKET", Help: "a ticket is revoked"},
		{Short: 'b', Long: "ticket-standby", Arg: tool.Required, Do: list(&ch.Standby), Group: before, Value: "TICKET", Help: "a ticket is put on standby"},
		{Short: 'e', Long: "ticket-activate", Arg: tool.Required, Do: list(&ch.Activate), Group: before, Value: "TICKET", Help: "that ends"},
		{Short: 'I', Long: "save-input", Arg: tool.Required, Do: tool.Text(&s.saveInput), Group: written, Value: "FILE", Help: "the CIB after the events; - is standard output"},
		{Short: 'O', Long: "save-output", Arg: tool.Required, Do: tool.Text(&s.saveOutput), Group: written, Value: "FILE", Help: "the CIB at the end"},
		{Short: 'G', Long: "save-graph", Arg: tool.Required, Do: tool.Text(&s.saveGraph, &s.run), Group: written, Value: "FILE", Help: "the steps, as the controller gets them"},
		{Short: 'D', Long: "save-dotfile", Arg: tool.Required, Do: tool.Text(&s.saveDot, &s.run), Group: written, Value: "FILE", Help: "the steps, as Graphviz draws them"},
		{Short: 'a', Long: "all-actions", Do: tool.Flag(&s.allActions), Group: written, Help: "in there, also the actions that are not needed"},
		{Short: 'L', Long: "live-check", Do: from("", true), Group: source, Help: "the CIB of the cluster, or what CIB_shadow or CIB_file names"},
		{Short: 'x', Long: "xml-file", Arg: tool.Required, Do: from("", false), Group: source, Value: "FILE", Help: "a file"},
		{Short: 'p', Long: "xml-pipe", Do: from(standard, false), Group: source, Help: "standard input, as without any of these"},
	}
}

// load reads the CIB and raises it to the schema that the scheduler reads.
func (s *simulation) load(ctx context.Context) (root *etree.Element, err error) {
	if s.live {
		if root, err = s.query(ctx); err != nil {
			return nil, err
		}
	} else if root, err = tool.ReadXML(s.env, s.file); err != nil {
		return nil, endWith(tool.DataErr, "Could not read input XML: Bad input value provided (%w)", err)
	}
	return s.readable(root)
}

// query reads the CIB that the environment names as it is.
func (s *simulation) query(ctx context.Context) (*etree.Element, error) {
	c, err := tool.Open(ctx, s.env)
	if err != nil {
		s.out.Fault("Could not connect to the CIB: %s", tool.TextOf(err))
		return nil, &ended{code: tool.ExitOf(err)}
	}
	s.limited = c.Limited()
	root, err := c.Root(ctx)
	if e := c.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, endWith(tool.ExitOf(err), "Could not query the CIB: %s", tool.TextOf(err))
	}
	return root, nil
}

func (s *simulation) readable(root *etree.Element) (*etree.Element, error) {
	if v := root.SelectAttrValue("validate-with", ""); v == "none" {
		s.out.Log(tool.Unchecked)
	}
	if root.SelectElement("status") == nil {
		root.CreateElement("status")
	}
	res, err := upgrade.TakeForScheduler(root)
	for _, m := range res.Messages {
		if m.Severity > upgrade.Debug {
			s.out.Log(m.Text)
		}
	}
	if err != nil {
		// Of a schema that it does not know the original says nothing.
		if schema.Known(res.Schema) || s.out.Verbose > 0 {
			s.out.Log(err.Error())
		}
		return nil, &ended{code: tool.Config}
	}
	if problems := schema.Validate(res.Root, res.Schema); len(problems) > 0 {
		return nil, endWith(tool.Config, "%s: %s", cib.SchemaValidation, problems[0].Text)
	}
	return res.Root, nil
}

// effective is the time that counts, and the line that tells of it.
func (s *simulation) effective(root *etree.Element) (time.Time, string) {
	if s.date != "" {
		line := "Setting effective cluster time: " + s.date
		if t, err := iso8601.Parse(s.date, s.now); err == nil {
			return t.Time(), line
		}
		return s.now, line
	}
	in := scheduler.Input{CIB: root, Now: s.now, UseOriginalDate: true}
	t := in.EffectiveTime()
	if t.Equal(s.now) {
		return t, ""
	}
	return t, "Using the original execution date of: " + t.UTC().Format("2006-01-02 15:04:05Z")
}

// read reads the model for the screen.
func (s *simulation) read(root *etree.Element) *status.Cluster {
	now, line := s.effective(root)
	if line != "" {
		s.to.Info("%s", line)
	}
	c := status.Read(status.Input{CIB: root, Now: now, NoConstraints: true, Simulation: !s.live})
	for _, n := range c.Notices {
		s.to.Info("%s", n)
	}
	return c
}

func (s *simulation) perform(ctx context.Context, root *etree.Element) error {
	keep, err := s.keeper()
	if err != nil {
		return err
	}
	if err := keep(root); err != nil {
		return err
	}
	if s.env.Getenv("CIB_shadow") != "" {
		// As Pacemaker's, a simulation under CIB_shadow is one of the shadow copy, in its own schema,
		// and is stored there; the source, if that is another, was checked and is saved as it came.
		if root, err = s.query(ctx); err != nil {
			return err
		}
		root = root.Copy()
		store := cib.WriteFile
		if s.limited {
			store = func(string, *etree.Element) error { return syscall.EACCES }
		}
		keep = s.writer(tool.Path(s.env), store, string(xml.Format(root)))
	}
	c := s.read(root)
	if !s.quiet {
		s.to.Warnings(c)
		s.to.Status("Current cluster status", c, true)
	}
	sim := &dryrun.Simulation{CIB: root, Now: s.now, Fail: s.fail, NewNodes: s.newNodes, Say: s.to.Event}
	if s.changes.Any() {
		s.to.Begin("Performing Requested Modifications")
		s.to.Changes(&s.changes)
		if err := sim.Inject(&s.changes, c); err != nil {
			return impossible(err)
		}
		s.to.End()
		c = s.read(root)
	}
	if s.saveInput != "" {
		if err := s.save(s.saveInput, marked(root, c)); err != nil {
			return endWith(tool.NoSuch, "Could not create '%s': %s", s.saveInput, tool.Reason(err))
		}
	}
	if s.run {
		if err := s.plan(root, sim, c); err != nil {
			return errors.Join(err, keep(root))
		}
	}
	return keep(root)
}

// marked is the document with the failed operations marked as Pacemaker marks them while it
// reads: by their node and resource, those that count as none by their node even if they are not listed, and
// recurring ones that expired by a digest that no parameters have. The connections to guest nodes are among the resources.
func marked(root *etree.Element, c *status.Cluster) []byte {
	if resources := root.FindElement("configuration/resources"); resources != nil {
		for _, e := range c.Implicit {
			e = xml.Copy(e)
			resources.AddChild(e)
			defer resources.RemoveChild(e)
		}
	}
	for e := range c.Expired {
		before := slices.Clone(e.Attr)
		defer func() { e.Attr = before }()
		e.CreateAttr("op-restart-digest", "calculated-failure-timeout")
	}
	for i, list := range [][]status.FailedOp{c.Passed, c.Failures} {
		for _, f := range list {
			before := slices.Clone(f.XML.Attr)
			defer func() { f.XML.Attr = before }()
			f.XML.CreateAttr("uname", f.Node.Name)
			if i == 1 {
				f.XML.CreateAttr("rsc-id", f.Resource.ID)
			}
		}
	}
	return xml.Format(root)
}

// impossible is how a simulation ends that something stands in the way of.
func impossible(err error) error {
	code := tool.DataErr
	switch {
	case errors.Is(err, dryrun.ErrDuplicate):
		code = tool.Software
	case errors.Is(err, dryrun.ErrUnknownNode):
		code = tool.NoSuch
	}
	return &ended{code, err}
}

// plan works out what would be done, and carries it out where that is asked for; c is the
// model that was shown.
func (s *simulation) plan(root *etree.Element, sim *dryrun.Simulation, c *status.Cluster) error {
	now, line := s.effective(root)
	var trace *scheduler.Trace
	if len(s.explain) > 0 {
		trace = &scheduler.Trace{}
	}
	res, err := scheduler.Plan(scheduler.Input{
		CIB: root, Now: now, Simulation: !s.live, Utilization: s.utilization, NoScores: !s.scores && trace == nil, Trace: trace,
	})
	if err != nil {
		return &ended{tool.Config, err}
	}
	notices := res.Cluster.Notices
	known := min(len(c.Notices), res.Told) // these were told with the state
	s.to.Scores(res.Scores, notices[known:res.Told], notices[res.Told:], s.scores, s.utilization)
	for _, f := range []struct {
		name string
		data func() []byte
	}{
		{s.saveGraph, res.Graph.XML},
		{s.saveDot, func() []byte { return res.Dot(s.allActions, s.out.Verbose > 0) }},
	} {
		if f.name == "" {
			continue
		}
		if err := s.save(f.name, f.data()); err != nil {
			return endWith(tool.IOErr, "Could not create '%s': %s", f.name, tool.Reason(err))
		}
	}
	if !s.quiet {
		s.to.Summary(res.Summary)
	}
	for _, id := range s.explain {
		r := res.Cluster.Find(id)
		if r == nil {
			return endWith(tool.NoSuch, "--explain %s: there is no such resource", id)
		}
		s.to.Explain(simulate.Explain(res, trace, r), origin.Goes(res.Cluster))
	}
	if !s.simulate {
		return nil
	}
	// The names of resources are the same in the model that was shown; that of the plan, which is large, is needed no more.
	sim.Known = func(id string) bool { return c.Find(id) != nil }
	s.to.Begin("Executing Cluster Transition")
	end := sim.Execute(res.Graph)
	if sim.Err != nil {
		return impossible(sim.Err)
	}
	var failed error
	if end != transition.Complete {
		s.to.Fault("Transition failed: terminated")
		s.to.Fault("An invalid transition was produced")
		failed = &ended{code: tool.Error}
	}
	s.to.End()
	if s.quiet {
		return failed
	}
	if line != "" {
		s.to.Info("%s", line)
	}
	after := status.Read(status.Input{CIB: root, Now: now, NoConstraints: true, Simulation: !s.live})
	s.to.Status("Revised Cluster Status", after, false)
	return failed
}

// keeper gives what writes the document to the file that the simulation works on: the input's
// own, or that of --save-output. It is written at once, and again at the end.
func (s *simulation) keeper() (func(*etree.Element) error, error) {
	if !s.inPlace {
		return s.writer(s.saveOutput, func(file string, root *etree.Element) error { return s.save(file, xml.Format(root)) }, ""), nil
	}
	if s.file == standard {
		return nil, endWith(tool.Config, "--in-place has no file to store the result in: the input is standard input")
	}
	return s.writer(s.file, cib.WriteFile, ""), nil // with --live-check there is no file, and CIB_file stays as it is
}

// writer gives what writes the document to a file where its text is another than was written before.
func (s *simulation) writer(file string, write func(string, *etree.Element) error, written string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		if file == "" || file == standard && written == "" { // standard output is told once, at the end
			written = file
			return nil
		}
		text := string(xml.Format(root))
		if text == written {
			return nil
		}
		written = text
		if err := write(file, root); err != nil {
			code := tool.NoSuch
			if errors.Is(err, os.ErrPermission) {
				code = tool.InsufficientPriv
			}
			return endWith(code, "Could not create '%s': %s", file, tool.Reason(err))
		}
		return nil
	}
}

func (s *simulation) save(name string, data []byte) error {
	if name == standard {
		_, err := s.out.Write(data)
		return err
	}
	return os.WriteFile(name, data, 0o644) //nolint:gosec // as other tools' output
}

// profileAll plans for every file of a folder, and tells how long it took.
func (s *simulation) profileAll() (tool.Exit, error) {
	entries, err := os.ReadDir(s.profile)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return tool.NoSuch, fmt.Errorf("%s: %s", s.profile, tool.Reason(err))
		}
		return tool.Error, fmt.Errorf("%s: %s", s.profile, tool.Reason(err))
	}
	var files []string
	for _, e := range entries {
		file := filepath.Join(s.profile, e.Name())
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && e.Name()[0] != '.' && strings.HasSuffix(file, ".xml") {
			files = append(files, strings.TrimRight(s.profile, "/")+"/"+e.Name())
		}
	}
	if len(files) == 0 {
		return tool.OK, nil
	}
	s.to.BeginTimings()
	for _, file := range files {
		root, err := tool.ReadXML(s.env, file)
		if err == nil {
			root, err = s.readable(root)
		}
		if err != nil {
			s.out.Fault("%s: %v", file, err)
			continue
		}
		begin := time.Now()
		for range s.repeat {
			now, line := s.effective(root)
			if s.date != "" {
				s.to.Info("%s", line)
			}
			res, err := scheduler.Plan(scheduler.Input{CIB: root, Now: now, Utilization: s.utilization, NoScores: !s.scores})
			if err != nil {
				s.out.Fault("%s: %v", file, err)
				break
			}
			s.to.ScoreLines(res.Scores, s.scores, s.utilization)
		}
		s.to.Timing(file, time.Since(begin))
	}
	s.to.End()
	return tool.OK, nil
}
