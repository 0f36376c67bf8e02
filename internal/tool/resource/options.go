package resource

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// options are the command line.
type options struct {
	command string // the last one given; "" is a list of all resources

	resource, node     string
	hasResource        bool
	hasNode            bool
	kind               *string // --resource-type
	force, all, quiet  bool
	expired, recursive bool
	promoted           bool

	interval, operation string
	lifetime            *string
	timeout             time.Duration

	set         string // where parameters are: an element's name, or attributeSet
	parameter   string
	value       string
	setID, pair string // ids, "" when not given
	list        string // --list-options
	spec        string // of agents

	class, provider, agent *string
	params                 status.Values // --option
	hasParams              bool
	overrides              status.Values // NAME=VALUE words
	action                 string        // validate, force-start …
	level                  int           // -1: not given
	verbose                int
}

// elementSet stands for the attributes of a resource's own element among the sets
// that a parameter may be in.
const elementSet = "element"

// pairOf reads NAME=VALUE.
func pairOf(text string) (status.Pair, bool) {
	name, value, ok := strings.Cut(text, "=")
	return status.Pair{Name: name, Value: value}, ok && name != ""
}

// parseTimeout reads a span of time; without unit it is in seconds.
func parseTimeout(text string) (time.Duration, error) {
	ms, ok := status.ParseInterval(text)
	if !ok || ms < 0 || strings.HasPrefix(strings.TrimSpace(text), "P") {
		return 0, errors.New("")
	}
	return time.Duration(min(ms, math.MaxUint32)) * time.Millisecond, nil
}

// check is what must hold before --version counts.
func (o *options) check(words []string) error {
	if o.expired && o.command != "clear" {
		return errors.New("--expired requires --clear or -U")
	}
	if len(words) == 0 {
		return nil
	}
	if !o.hasOverrides() {
		var b strings.Builder
		b.WriteString("non-option ARGV-elements:")
		for i, w := range words {
			fmt.Fprintf(&b, "\n[%d of %d] %s", i+1, len(words), w)
		}
		return errors.New(b.String())
	}
	for _, w := range words {
		p, ok := pairOf(w)
		if !ok {
			return fmt.Errorf("Error parsing '%s' as a name=value pair", w) //nolint:staticcheck // the words are an interface
		}
		o.overrides.Set(p.Name, p.Value)
	}
	return nil
}

// hasOverrides tells whether a command that takes NAME=VALUE words was given, the
// last or another.
func (o *options) hasOverrides() bool { return o.overrides != nil }

// program describes the command line and what it is read into.
func (o *options) program() *tool.Program {
	o.set, o.level = "instance_attributes", -1
	p := &tool.Program{
		Summary: "ask about a cluster's resources, and do things with them",
		Usage:   "[NAME=VALUE…]",
		Glued:   "GHINSTdginpstuvx",
		Outcome: true,
		Check:   o.check,
	}
	group := ""
	add := func(opt tool.Option) {
		opt.Group = group
		p.Options = append(p.Options, opt)
	}
	command := func(short byte, name, help string) {
		add(tool.Option{Short: short, Long: name, Help: help, Do: func(string) error { o.command = name; return nil }})
	}
	about := func(short byte, name, value string, target *string, help string) {
		add(tool.Option{Short: short, Long: name, Arg: tool.Required, Value: value, Help: help, Do: func(v string) error {
			o.command, *target = name, v
			return nil
		}})
	}
	text := func(short byte, name, value, help string, target *string, given ...*bool) {
		add(tool.Option{Short: short, Long: name, Arg: tool.Required, Value: value, Help: help, Do: tool.Text(target, given...)})
	}
	optional := func(short byte, name, value, help string, target **string) {
		add(tool.Option{Short: short, Long: name, Arg: tool.Required, Value: value, Help: help, Do: func(v string) error { *target = &v; return nil }})
	}
	flag := func(short byte, name, help string, target *bool) {
		add(tool.Option{Short: short, Long: name, Help: help, Do: tool.Flag(target)})
	}
	set := func(short byte, name, is, help string) {
		add(tool.Option{Short: short, Long: name, Help: help, Do: func(string) error { o.set = is; return nil }})
	}
	run := func(name, help string, level tool.Arg) {
		add(tool.Option{Long: name, Arg: level, Value: "LEVEL", Help: help, Bare: func() { o.run(name) }, Do: func(v string) error {
			o.run(name)
			return o.checkLevel(v)
		}})
	}

	flag('Q', "quiet", "say less", &o.quiet)
	text('r', "resource", "ID", "the resource that is meant", &o.resource, &o.hasResource)
	add(tool.Option{Short: 'V', Long: "verbose", Help: "say more; may be repeated", Do: tool.Count(&o.verbose)})

	group = "query"
	command('L', "list", "list all resources with their state")
	command('l', "list-raw", "list the ids of all instances of resources")
	command('c', "list-cts", "")
	command('O', "list-operations", "list operations that still count, of a resource or a node if asked")
	command('o', "list-all-operations", "list all recorded operations, of a resource or a node if asked")
	add(tool.Option{Long: "list-options", Arg: tool.Required, Value: "KIND", Help: "list options that resources have: primitive (meta-attributes) or fencing", Do: func(v string) error {
		o.command, o.list = "list-options", v
		if v != "primitive" && v != "fencing" {
			return errors.New("")
		}
		return nil
	}})
	command(0, "list-standards", "list the standards that agents may follow")
	command(0, "list-ocf-providers", "list the providers of OCF agents")
	about(0, "list-agents", "STD:PROV", &o.spec, "list the agents of a standard, or of a provider")
	about(0, "list-ocf-alternatives", "AGENT", &o.spec, "list the providers that have an OCF agent of this name")
	about(0, "show-metadata", "SPEC", &o.spec, "show what class:provider:agent says of itself")
	command('q', "query-xml", "show a resource's configuration, templates expanded")
	command('w', "query-xml-raw", "show a resource's configuration as it was written")
	about('g', "get-parameter", "NAME", &o.parameter, "show a parameter of a resource")
	command('W', "locate", "show where a resource runs")
	command('a', "constraints", "show a resource's locations and colocations")
	add(tool.Option{Short: 'A', Long: "stack", Help: "the same, with those of all resources that are drawn in", Do: func(string) error {
		o.command, o.recursive = "constraints", true
		return nil
	}})
	command('Y', "why", "tell why resources do not run")

	group = "command"
	run("validate", "have an agent check a resource's parameters", tool.Optional)
	command('C', "cleanup", "forget failures, so that what failed is tried again")
	command('R', "refresh", "forget what is known of resources, so that it is looked anew")
	about('p', "set-parameter", "NAME", &o.parameter, "set a parameter of a resource; the value follows -v")
	about('d', "delete-parameter", "NAME", &o.parameter, "delete a parameter of a resource")

	group = "location"
	command('M', "move", "move a resource: to a node, or off the one it runs on")
	command('B', "ban", "keep a resource off a node")
	command('U', "clear", "take back what --move and --ban did")
	flag('e', "expired", "with --clear: only what is over anyway", &o.expired)
	optional('u', "lifetime", "DURATION", "with --move and --ban: how long (ISO 8601)", &o.lifetime)
	flag(0, "promoted", "with --move, --ban, --clear: only the promoted role is meant", &o.promoted)
	flag(0, "master", "", &o.promoted)

	group = "advanced"
	command('D', "delete", "delete a resource from the configuration; wants -t")
	command('F', "fail", "tell the cluster that a resource failed on a node")
	command(0, "restart", "stop a resource, and start it again with all that depends on it")
	command(0, "wait", "wait until the cluster has nothing to do")
	add(tool.Option{Long: "digests", Help: "show the digests by which changed parameters are noticed", Do: func(string) error {
		o.command = "digests"
		o.takeOverrides()
		return nil
	}})
	run("force-demote", "demote a resource here, past the cluster", tool.None)
	run("force-stop", "stop a resource here, past the cluster", tool.None)
	run("force-start", "start a resource here, past the cluster", tool.None)
	run("force-promote", "promote a resource here, past the cluster", tool.None)
	run("force-check", "look whether a resource runs here, past the cluster", tool.Optional)

	group = "additional"
	text('N', "node", "NAME", "the node that is meant", &o.node, &o.hasNode)
	flag(0, "recursive", "go along colocations, with --set-parameter and --constraints", &o.recursive)
	optional('t', "resource-type", "ELEMENT", "the resource's element (primitive, group …), with -D", &o.kind)
	text('v', "parameter-value", "VALUE", "the value for -p", &o.value)
	set('m', "meta", "meta_attributes", "a meta-attribute is meant, with -p, -g and -d")
	set('z', "utilization", "utilization", "a utilization attribute is meant")
	set(0, "element", elementSet, "an attribute of the resource's element is meant")
	text('n', "operation", "NAME", "only this operation, with -C", &o.operation)
	text('I', "interval", "INTERVAL", "the interval of the operation, with -C and -n", &o.interval)
	optional(0, "class", "CLASS", "an agent that is no configured resource's, with --validate and --force-*", &o.class)
	optional(0, "agent", "AGENT", "the same", &o.agent)
	optional(0, "provider", "PROVIDER", "the same", &o.provider)
	add(tool.Option{Long: "option", Arg: tool.Required, Value: "NAME=VALUE", Help: "a parameter for it; may be repeated", Do: func(v string) error {
		pair, ok := pairOf(v)
		if !ok {
			return errors.New("")
		}
		o.params.Set(pair.Name, pair.Value)
		o.hasParams = true
		return nil
	}})
	text('s', "set-name", "ID", "the set of attributes that is meant, with -p and -d", &o.setID)
	text('i', "nvpair", "ID", "the id of the nvpair that is meant, with -p and -d", &o.pair)
	add(tool.Option{Short: 'T', Long: "timeout", Arg: tool.Required, Value: "TIME", Help: "how long to wait, with --restart, --wait and --force-*", Do: func(v string) (err error) {
		o.timeout, err = parseTimeout(v)
		return err
	}})
	flag(0, "all", "with --list-options: advanced ones, too", &o.all)
	flag('f', "force", "do it all the same", &o.force)
	text('H', "host-uname", "", "", &o.node, &o.hasNode)
	return p
}

// run takes an operation that an agent is to be run for.
func (o *options) run(name string) {
	o.command, o.action = "run", name
	o.takeOverrides()
}

// checkLevel takes how thorough an agent is to be.
func (o *options) checkLevel(level string) error {
	n, ok := status.ParseInt(level)
	if !ok || n > math.MaxInt32 {
		return fmt.Errorf("Invalid check level setting: %s", level) //nolint:staticcheck // the words are an interface
	}
	o.level = int(max(n, 0))
	return nil
}

func (o *options) takeOverrides() {
	if o.overrides == nil {
		o.overrides = status.Values{}
	}
}
