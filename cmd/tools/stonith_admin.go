package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/fencer"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/output/screen"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/result"
	"hacluster/ocf"
)

func init() { programs["stonith_admin"] = stonithAdmin }

// fenceTool is one run of stonith_admin.
type fenceTool struct {
	env  *program.Env
	out  *tool.Output
	page *screen.Sheet // of HTML, nil in other formats
	host ocf.Host

	given   map[byte]string // commands by letter, with what they are about
	agent   string
	params  []ocf.Param
	devices []string
	level   int
	timeout int // seconds
	delay   int // seconds
	client  string
	// tolerance is how old an equal operation may be that makes this one needless.
	tolerance                    time.Duration
	cleanup, broadcast, asNodeID bool
}

// fenceCommands are the commands from the weakest to the one that wins over all others.
const fenceCommands = "KILRQDslMBFUChHrd"

func stonithAdmin(ctx context.Context, env *program.Env) int {
	f := &fenceTool{env: env, given: map[byte]string{}, timeout: 120, client: env.Name()}
	var quiet bool
	head := screen.Head{Title: env.Request()}
	about := func(c byte) func(string) error {
		return func(v string) error { f.given[c] = v; return nil }
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "work with fence devices, and fence nodes", Usage: "COMMAND", Glued: "adehilorstvyBCDFHQRTU",
		Formats: []string{"text", "xml", "html", "none"},
		Page: func() tool.Page {
			f.page = screen.NewSheet(head)
			return f.page
		},
		Options: []tool.Option{
			{Short: 'R', Long: "register", Arg: tool.Required, Do: about('R'), Group: "definition", Value: "DEVICE", Help: "register a device, with --agent and --option"},
			{Short: 'D', Long: "deregister", Arg: tool.Required, Do: about('D'), Group: "definition", Value: "DEVICE", Help: "forget a device"},
			{Short: 'r', Long: "register-level", Arg: tool.Required, Do: about('r'), Group: "definition", Value: "TARGET", Help: "register a level for a node, @PATTERN or ATTR=VALUE, with --index and --device"},
			{Short: 'd', Long: "deregister-level", Arg: tool.Required, Do: about('d'), Group: "definition", Value: "TARGET", Help: "forget a level, with --index"},
			{Short: 'l', Long: "list", Arg: tool.Required, Do: about('l'), Group: "query", Value: "HOST", Help: "show the devices that can fence a node"},
			{Short: 'L', Long: "list-registered", Do: about('L'), Group: "query", Help: "show all devices"},
			{Short: 'I', Long: "list-installed", Do: about('I'), Group: "query", Help: "show the fence agents of this host"},
			{Short: 's', Long: "list-targets", Arg: tool.Required, Do: about('s'), Group: "query", Value: "DEVICE", Help: "show the nodes that a device can fence"},
			{Short: 'M', Long: "metadata", Do: about('M'), Group: "query", Help: "show an agent's description, with --agent"},
			{Short: 'Q', Long: "query", Arg: tool.Required, Do: about('Q'), Group: "query", Value: "DEVICE", Help: "check that a device works"},
			{Short: 'H', Long: "history", Arg: tool.Required, Do: about('H'), Group: "query", Value: "NODE", Help: "show when a node was fenced, * for all; all of it with --verbose"},
			{Short: 'h', Long: "last", Arg: tool.Required, Do: about('h'), Group: "query", Value: "NODE", Help: "show when a node was fenced last"},
			{Short: 'K', Long: "validate", Do: about('K'), Group: "query", Help: "check parameters, with --agent and --option"},
			{Short: 'F', Long: "fence", Arg: tool.Required, Do: about('F'), Group: "fencing", Value: "HOST", Help: "switch a node off"},
			{Short: 'U', Long: "unfence", Arg: tool.Required, Do: about('U'), Group: "fencing", Value: "HOST", Help: "switch a node on"},
			{Short: 'B', Long: "reboot", Arg: tool.Required, Do: about('B'), Group: "fencing", Value: "HOST", Help: "reboot a node"},
			{Short: 'C', Long: "confirm", Arg: tool.Required, Do: about('C'), Group: "fencing", Value: "HOST", Help: "tell the cluster that a node is certainly down"},
			{Short: 'c', Long: "cleanup", Do: tool.Flag(&f.cleanup), Group: "additional", Help: "with --history: forget it"},
			{Short: 'b', Long: "broadcast", Do: tool.Flag(&f.broadcast), Group: "additional", Help: "with --history: ask all nodes"},
			{Short: 'a', Long: "agent", Arg: tool.Required, Do: tool.Text(&f.agent), Group: "additional", Value: "AGENT", Help: "the agent, such as fence_xvm"},
			{Short: 'o', Long: "option", Arg: tool.Required, Do: f.option, Group: "additional", Value: "NAME=VALUE", Help: "a parameter of the device"},
			{Short: 'e', Long: "env-option", Arg: tool.Required, Do: f.envOption, Group: "additional", Value: "NAME", Help: "a parameter whose value is in OCF_RESKEY_NAME"},
			{Short: 'T', Long: "tag", Arg: tool.Required, Do: func(v string) error { f.client = env.Name() + "." + v; return nil }, Group: "additional", Value: "TAG", Help: "who asks, for logs and the history"},
			{Short: 'v', Long: "device", Arg: tool.Required, Do: func(v string) error { f.devices = append(f.devices, v); return nil }, Group: "additional", Value: "DEVICE", Help: "a device of a level"},
			{Short: 'i', Long: "index", Arg: tool.Required, Given: tool.Int(&f.level), Group: "additional", Value: "LEVEL", Help: "the level, 1 to 9"},
			{Short: 't', Long: "timeout", Arg: tool.Required, Given: tool.Int(&f.timeout), Group: "additional", Value: "SECONDS", Help: "how long it may take (120)"},
			{Short: 'y', Long: "delay", Arg: tool.Required, Given: tool.Int(&f.delay), Group: "additional", Value: "SECONDS", Help: "wait before fencing; -1 leaves out delays of the device, too"},
			{Short: 'n', Long: "as-node-id", Do: tool.Flag(&f.asNodeID), Group: "additional", Help: "with --last: the node is given by its id"},
			{Long: "tolerance", Arg: tool.Required, Do: f.tolerate, Group: "additional", Value: "TIME", Help: "do nothing where the same was done not longer ago"},
			{Long: "html-cgi", Do: tool.Flag(&head.CGI), Group: "output", Help: "with HTML: what a CGI script begins with"},
			{Long: "html-stylesheet", Arg: tool.Required, Do: tool.Text(&head.Stylesheet), Group: "output", Value: "URI", Help: "with HTML: where the style is"},
			{Long: "html-title", Arg: tool.Required, Do: tool.Text(&head.Title), Group: "output", Value: "TITLE", Help: "with HTML: the title of the page"},
			{Short: 'q', Long: "quiet", Do: tool.Flag(&quiet), Group: "additional", Help: "say less"},
		},
	})
	if out == nil {
		return code
	}
	f.out = out
	command, target := byte(0), ""
	for i := range len(fenceCommands) {
		if v, ok := f.given[fenceCommands[i]]; ok {
			command, target = fenceCommands[i], v
		}
	}
	_, needsAgent := f.given['K']
	for _, c := range []byte("RM") {
		_, given := f.given[c]
		needsAgent = needsAgent || given
	}
	switch {
	case f.timeout < 0 || f.timeout > math.MaxUint32/1000:
		out.Fault(`Integer value "%d" for -t out of range`, f.timeout)
		return out.Finish(tool.Usage, nil)
	case command == 0:
		out.Fault("%s", out.Help)
		return out.Finish(tool.Usage, nil)
	case needsAgent && f.agent == "":
		out.Fault("Please specify an agent to query using -a,--agent [value]")
		out.Fault("%s", out.Help)
		return out.Finish(tool.Usage, nil)
	}
	out.Quiet = quiet && f.page == nil
	exit, err := f.run(ctx, command, target)
	return out.Finish(exit, err)
}

func (f *fenceTool) option(v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" {
		return fmt.Errorf("Invalid option: -o %s: %s", v, result.Code(-1003))
	}
	f.setParam(name, value)
	return nil
}

func (f *fenceTool) envOption(v string) error {
	value := f.env.Getenv("OCF_RESKEY_" + v)
	if value == "" {
		return fmt.Errorf("Invalid option: -e %s", v)
	}
	f.setParam(v, value)
	return nil
}

func (f *fenceTool) setParam(name, value string) {
	for i := range f.params {
		if f.params[i].Name == name {
			f.params[i].Value = value
			return
		}
	}
	f.params = append(f.params, ocf.Param{Name: name, Value: value})
}

func (f *fenceTool) tolerate(v string) error {
	if ms, ok := status.ParseInterval(v); ok && ms >= 0 {
		f.tolerance = time.Duration(ms) * time.Millisecond
	}
	return nil
}

// run does what needs no fencer, or connects to it.
func (f *fenceTool) run(ctx context.Context, command byte, target string) (tool.Exit, error) {
	switch command {
	case 'I':
		names, err := f.host.Agents(ocf.Stonith, "")
		if err != nil {
			f.out.Fault("Failed to list installed devices: %s", tool.Reason(err))
			return tool.NoSuch, nil
		}
		f.list("fence device", "Installed fence devices", "device", names)
		return tool.OK, nil
	case 'M':
		return f.metadata(ctx)
	case 'K':
		return f.validate(ctx)
	}
	limit := time.Duration(f.timeout)*time.Second + time.Duration(max(f.delay, 0))*time.Second + time.Minute
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	what := map[byte]string{'F': "fence", 'B': "fence", 'U': "unfence"}[command]
	x, err := client.DialFencer(ctx, f.client)
	if err != nil {
		text := result.Code(107)
		if what != "" {
			return tool.Disconnect, fmt.Errorf("Couldn't %s %s: %s", what, target, text)
		}
		if f.apart() {
			return f.unconnected(command, target), nil
		}
		f.out.Fault("Could not connect to fencer: %s", text)
		return tool.Disconnect, nil
	}
	defer x.Close()
	if what != "" {
		return f.fence(ctx, x, command, what, target)
	}
	return f.ask(ctx, x, command, target)
}

// list shows a list with its length, be it quiet or not.
func (f *fenceTool) list(singular, title, item string, names []string) {
	if f.page != nil {
		var items []screen.SheetItem
		for _, n := range names {
			items = append(items, screen.SheetItem{Class: item, Text: n})
		}
		f.page.List(title, items)
		return
	}
	list := f.out.Element("list", "name", strings.ToLower(title), "count", strconv.Itoa(len(names)))
	for _, n := range names {
		f.out.Print("%s\n", n)
		tool.Add(list, "item", "name?", item).SetText(n)
	}
	f.count(len(names), singular)
}

func (f *fenceTool) count(n int, singular string) {
	if n != 1 {
		singular += "s"
	}
	f.out.Print("%d %s found\n", n, singular)
}

// apart tells that a command was given that by itself needs no fencer.
func (f *fenceTool) apart() bool {
	for c := range f.given {
		if strings.IndexByte("IKMBFU", c) >= 0 {
			return true
		}
	}
	return false
}

// unconnected is how a command ends that finds no fencer and stands beside one that
// needs none: the absence is told as that of an answer, not of the fencer.
func (f *fenceTool) unconnected(command byte, target string) tool.Exit {
	switch command {
	case 'h':
		return f.lastAt(target, nil)
	case 'H':
		f.announce(target)
		if !f.cleanup {
			f.events(nil)
		}
		return tool.Disconnect
	}
	return f.fault(command, target, result.Code(107))
}

// fault tells, in the words of a command, why it failed; querying and confirming have none.
func (f *fenceTool) fault(command byte, target string, code result.Code) tool.Exit {
	words := ""
	switch command {
	case 'L', 'l':
		words = "Failed to list registered devices"
	case 's':
		words = "Couldn't list targets"
	case 'R':
		words = fmt.Sprintf("Can't register device %s using agent %s", target, f.agent)
	case 'D':
		words = "Can't unregister device " + target
	case 'r':
		words = fmt.Sprintf("Can't register topology level %d for %s", f.level, target)
	case 'd':
		words = fmt.Sprintf("Can't unregister topology level %d for %s", f.level, target)
	}
	if words != "" {
		f.out.Fault("%s: %s", words, code)
	}
	return tool.Exit(code.Exit())
}

func (f *fenceTool) ask(ctx context.Context, x *client.Fencer, command byte, target string) (tool.Exit, error) {
	timeout := time.Duration(f.timeout) * time.Second
	var err error
	switch command {
	case 'L', 'l':
		var devices []string
		if devices, err = x.Devices(ctx, target); err == nil {
			f.list("fence device", "Registered fence devices", "device", devices)
		}
	case 'Q':
		if _, err = x.Execute(ctx, target, "monitor", timeout); err != nil {
			_, err = x.Execute(ctx, target, "list", timeout)
		}
	case 's':
		var output string
		if output, err = x.Execute(ctx, target, "list", timeout); err == nil {
			f.list("fence target", "Fence Targets", "", fencer.ParseTargets(output))
		}
	case 'C':
		err = x.Confirm(ctx, target)
	case 'h':
		return f.last(ctx, x, target)
	case 'H':
		return f.history(ctx, x, target)
	case 'R':
		var params []string
		for _, p := range f.params {
			params = append(params, p.Name, p.Value)
		}
		err = x.RegisterDevice(ctx, target, f.agent, params...)
	case 'D':
		err = x.RemoveDevice(ctx, target)
	case 'r':
		err = x.RegisterLevel(ctx, target, f.level, f.devices)
	case 'd':
		err = x.RemoveLevel(ctx, target, f.level)
	}
	if err != nil {
		return f.fault(command, target, toolCode(err)), nil
	}
	return tool.OK, nil
}

func (f *fenceTool) fence(ctx context.Context, x *client.Fencer, command byte, what, target string) (tool.Exit, error) {
	action := map[byte]string{'F': "off", 'B': "reboot", 'U': "on"}[command]
	err := x.FenceNode(ctx, client.FenceRequest{
		Target: target, Action: action, Timeout: time.Duration(f.timeout) * time.Second, Tolerance: f.tolerance, Delay: f.delay,
	})
	if err == nil {
		return tool.OK, nil
	}
	code := toolCode(err)
	reason := ""
	var refused *client.FenceError
	if errors.As(err, &refused) && refused.Reason != "" && refused.Reason != code.String() {
		reason = " (" + refused.Reason + ")"
	}
	return tool.Exit(code.Exit()), fmt.Errorf("Couldn't %s %s: %s%s", what, target, code, reason)
}

// past is the history of a node's fencing, all for "*", newest first.
func past(ctx context.Context, x *client.Fencer, node string) ([]screen.Fencing, error) {
	if node == "*" {
		node = ""
	}
	h, err := x.History(ctx, node)
	if err != nil {
		return nil, err
	}
	return screen.HistoryOf(h), nil
}

// announce tells what is going to be done with the history.
func (f *fenceTool) announce(target string) {
	if f.cleanup {
		f.out.Info("cleaning up fencing-history for node %s", target)
	}
	if f.broadcast {
		f.out.Info("gather fencing-history from all nodes")
	}
}

func (f *fenceTool) history(ctx context.Context, x *client.Fencer, target string) (tool.Exit, error) {
	f.announce(target)
	if f.cleanup {
		node := target
		if node == "*" {
			node = ""
		}
		if err := x.Cleanup(ctx, node); err != nil {
			return tool.Exit(toolCode(err).Exit()), nil
		}
		return tool.OK, nil
	}
	list, err := past(ctx, x, target)
	f.events(list)
	if err != nil {
		return tool.Exit(toolCode(err).Exit()), nil
	}
	return tool.OK, nil
}

// events shows a history: the latest success, or with --verbose all. A quiet text counts
// no event, as the original's counts none.
func (f *fenceTool) events(list []screen.Fencing) {
	var shown []screen.Fencing
	latest := slices.IndexFunc(list, func(e screen.Fencing) bool { return e.State == "success" })
	quiet := f.out.Quiet && !f.out.XML()
	verbose := f.out.Verbose > 0 && !quiet
	switch {
	case verbose:
		shown = list
	case latest >= 0:
		shown = list[latest : latest+1]
	}
	if f.page != nil {
		var items []screen.SheetItem
		for i, e := range shown {
			items = append(items, screen.SheetItem{Class: e.Class(), Text: e.Text(shown[:i], verbose)})
		}
		f.page.List("Fencing history", items)
		return
	}
	element := f.out.Element("list", "name", "fencing history", "count", strconv.Itoa(len(shown)))
	for i, e := range shown {
		f.event(element, e, shown[:i], verbose)
	}
	if quiet {
		shown = nil
	}
	f.count(len(shown), "event")
}

func (f *fenceTool) event(list *etree.Element, e screen.Fencing, newer []screen.Fencing, full bool) {
	if f.out.Quiet {
		f.out.Print("%d\n", e.At.Unix())
	} else {
		f.out.Info("%s", e.Text(newer, full))
	}
	tool.Add(list, "fence_event", e.Attributes()...)
}

// last shows when a node was fenced last.
func (f *fenceTool) last(ctx context.Context, x *client.Fencer, target string) (tool.Exit, error) {
	node := target
	if f.asNodeID {
		if c, err := client.DialController(ctx, f.client); err == nil {
			if info, err := c.Info(ctx, max(leadingInt(target), 0)); err == nil {
				node = info.Name
			}
			c.Close()
		}
	}
	list, err := past(ctx, x, node)
	if err != nil {
		return tool.Exit(toolCode(err).Exit()), nil
	}
	return f.lastAt(target, list), nil
}

// lastAt shows the latest success of a history, whose events stand newest first.
func (f *fenceTool) lastAt(target string, list []screen.Fencing) tool.Exit {
	for _, e := range list {
		if e.State == "success" {
			when := e.At.In(tool.Now(f.env).Location())
			line := fmt.Sprintf("Node %s last fenced at: %s\n", target, when.Format("Mon Jan _2 15:04:05 2006"))
			f.out.Print("%s", line)
			if f.page != nil {
				f.page.Line("", line)
			}
			f.out.Element("last-fenced", "target", target, "when", when.Format("2006-01-02 15:04:05Z07:00"))
			return tool.OK
		}
	}
	f.out.Print("Node %s has never been fenced\n", target)
	return tool.OK
}

func (f *fenceTool) fenceAgent() ocf.Agent { return ocf.Agent{Class: ocf.Stonith, Type: f.agent} }

func (f *fenceTool) metadata(ctx context.Context) (tool.Exit, error) {
	data, err := f.host.Metadata(ctx, f.fenceAgent())
	if err != nil {
		code := result.Code(19)
		if !errors.Is(err, ocf.ErrNotInstalled) {
			code = -1001
		}
		f.out.Fault("Can't get fence agent meta-data: %s", code)
		return tool.Exit(code.Exit()), nil
	}
	text := strings.TrimRight(string(data), "\n") + "\n"
	f.out.Print("%s", text)
	switch {
	case f.out.XML():
		f.out.CData("metadata", text)
	case f.page != nil:
		f.page.Code("xml", text)
	}
	return tool.OK, nil
}

func (f *fenceTool) validate(ctx context.Context) (tool.Exit, error) {
	code, output, faults := result.Code(0), "", ""
	if f.host.Installed(f.fenceAgent()) {
		res := f.host.Run(ctx, ocf.Action{Agent: f.fenceAgent(), Name: "validate-all", Params: f.params, Timeout: time.Duration(f.timeout) * time.Second})
		output, faults = res.Stdout, res.Stderr
		switch {
		case res.Status == ocf.TimedOut:
			code = 62
		case res.Code != 0 || res.Status != ocf.Done:
			code = -1001
		}
	} else {
		code, faults = 2, "Agent "+f.agent+" not found" // ENOENT, which is told as it is
	}
	number := int(code)
	if number == 62 {
		number = -number
	}
	word, valid := "succeeded", "true"
	if code != 0 {
		word, valid = "failed", "false"
	}
	on := ""
	if len(f.devices) > 0 {
		on = " on " + f.devices[0]
	}
	verdict := fmt.Sprintf("Validation of %s%s %s", f.agent, on, word)
	f.out.Info("%s", verdict)
	el := f.out.Element("validate", "agent", f.agent, "valid", valid)
	if len(f.devices) > 0 {
		el.CreateAttr("device", f.devices[0])
	}
	if f.page != nil {
		f.page.Line("", verdict)
		f.page.Heading("Command Output")
		f.page.Line("", "Return code: "+strconv.Itoa(number))
	}
	run := tool.Add(el, "command", "code", strconv.Itoa(number))
	for _, part := range []struct{ source, text string }{{"stdout", output}, {"stderr", faults}} {
		if part.text == "" {
			continue
		}
		tool.Add(run, "output", "source", part.source).SetText(part.text)
		f.out.Info("%s", part.text)
		if f.page != nil {
			f.page.Line("", strings.ToUpper(part.source[:1])+part.source[1:])
			f.page.Line("output", part.text)
		}
	}
	return tool.Exit(code.Exit()), nil
}
