package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/iso8601"
	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/output/screen"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crmadmin"] = crmadmin }

// adminTool is one run of crmadmin.
type adminTool struct {
	env     *program.Env
	out     *tool.Output
	command byte   // of the last option that is one; 0 without
	value   string // of that option
	export  bool
	ipcName string
	timeout time.Duration
}

func crmadmin(ctx context.Context, env *program.Env) int {
	a := &adminTool{env: env}
	var quiet, health bool
	command := func(c byte) func(string) error {
		return func(v string) error { a.command, a.value = c, v; return nil }
	}
	program := &tool.Program{
		Summary: "ask the controllers of the cluster", Usage: "COMMAND", Glued: "itKNS",
		Options: []tool.Option{
			{Short: 'S', Long: "status", Arg: tool.Required, Do: command('S'), Group: "command", Value: "NODE", Help: "show the state of a node's controller"},
			{Short: 'P', Long: "pacemakerd", Do: command('P'), Group: "command", Help: "show the state of Pacemaker on this node"},
			{Short: 'D', Long: "dc_lookup", Do: command('D'), Group: "command", Help: "show which node coordinates the cluster"},
			{Short: 'N', Long: "nodes", Arg: tool.Optional, Do: command('N'), Group: "command", Value: "TYPE", Help: "list nodes: cluster, guest, remote, several with commas, or all"},
			{Short: 't', Long: "timeout", Arg: tool.Required, Do: a.setTimeout, Group: "additional", Value: "TIME", Help: "how long to wait for an answer"},
			{Short: 'B', Long: "bash-export", Do: tool.Flag(&a.export), Group: "additional", Help: "show nodes as assignments of a shell"},
			{Short: 'i', Long: "ipc-name", Arg: tool.Required, Do: tool.Text(&a.ipcName), Group: "additional", Value: "NAME", Help: "the name to ask Pacemaker under"},
			{Short: 'q', Long: "quiet", Do: tool.Flag(&quiet), Group: "additional", Help: "show only what was asked for"},
			{Short: 'H', Long: "health", Do: tool.Flag(&health)},
		},
	}
	out, _, code := tool.Start(env, program)
	if out == nil {
		return code
	}
	a.out, out.Quiet = out, quiet
	if health {
		out.Fault("Cluster-wide health option not supported")
	}
	if a.command == 0 {
		out.Fault("error: Must specify a command option")
	}
	if health || a.command == 0 {
		out.Fault("%s", out.Help)
		return out.Finish(tool.Usage, nil)
	}
	if err := a.run(ctx); err != nil {
		rc := toolCode(err)
		out.Fault("error: Command failed: %s", rc)
		return out.Finish(tool.Exit(rc.Exit()), nil)
	}
	return out.Finish(tool.OK, nil)
}

func (a *adminTool) setTimeout(v string) error {
	ms, ok := status.ParseInterval(v)
	if !ok || ms < 0 {
		return errors.New("")
	}
	a.timeout = time.Duration(ms) * time.Millisecond
	return nil
}

func (a *adminTool) run(ctx context.Context) error {
	if a.command == 'N' {
		return a.nodes(ctx)
	}
	limit := a.timeout
	if limit == 0 {
		limit = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	name := a.env.Name()
	if a.command == 'P' {
		if a.ipcName != "" {
			name = a.ipcName
		}
		return a.launcher(ctx, name)
	}
	c, err := client.DialController(ctx, name)
	if err != nil {
		return err
	}
	defer c.Close()
	if a.command == 'D' {
		dc, err := c.DC(ctx)
		if err != nil {
			return err
		}
		shown := dc
		if dc == "" {
			shown = "not yet elected"
		}
		a.out.Info("Designated Controller is: %s", shown)
		if a.out.Quiet && dc != "" {
			a.out.Print("%s\n", dc)
		}
		a.out.Element("dc", "node_name", dc)
		if dc == "" {
			return &codeError{-1040}
		}
		return nil
	}
	p, err := c.Ping(ctx, a.value)
	if err != nil {
		return err
	}
	if p.State == "" { // nobody of that name is in the cluster now
		return &codeError{-1005}
	}
	a.out.Info("Controller on %s in state %s: %s", p.Node, p.State, p.Result)
	if a.out.Quiet {
		a.out.Print("%s\n", p.State)
	}
	a.out.Element(p.Subsystem, "node_name", p.Node, "state", p.State, "result", p.Result)
	return nil
}

// launcherStates are the states of pacemakerd as people read them.
var launcherStates = map[string]string{
	"init":                "Initializing pacemaker",
	"starting_daemons":    "Pacemaker daemons are starting",
	"wait_for_ping":       "Waiting for startup trigger from SBD",
	"running":             "Pacemaker is running",
	"shutting_down":       "Pacemaker daemons are shutting down",
	"shutdown_complete":   "Pacemaker daemons are shut down (reporting to SBD)",
	client.LauncherRemote: screen.RemoteHost,
}

func (a *adminTool) launcher(ctx context.Context, name string) error {
	l, err := client.Launcher(ctx, name)
	if err != nil {
		return err
	}
	words, ok := launcherStates[l.State]
	if !ok {
		words = "Invalid pacemakerd state"
	}
	updated := iso8601.Of(l.At.In(tool.Now(a.env).Location())).Format(iso8601.Zone)
	a.out.Info("Status of %s: '%s' (last updated %s)", l.Subsystem, words, updated)
	if a.out.Quiet {
		a.out.Print("%s\n", l.State)
	}
	a.out.Element("pacemakerd", "sys_from", l.Subsystem, "state", l.State, "last_updated", updated)
	return nil
}

// nodeKinds are the kinds of nodes, where they stand in a CIB, and which attribute is their id.
var nodeKinds = []struct{ name, path, id string }{
	{"cluster", "//cib/configuration/nodes/node[not(@type) or @type='member']", "id"},
	{"guest", "//cib//configuration//primitive//meta_attributes//nvpair[@name='remote-node']", "value"},
	{"remote", "//cib//configuration//primitive[@type='remote'][@provider='pacemaker']", "id"},
}

func (a *adminTool) nodes(ctx context.Context) error {
	var root *etree.Element
	c, err := tool.Open(ctx, a.env)
	if err == nil {
		defer c.Close() //nolint:errcheck // nothing is written
		root, err = c.Root(ctx)
	}
	if err != nil {
		a.out.Fault("Could not connect to the CIB: %s", tool.TextOf(err))
		return err
	}
	wanted := strings.Split(a.value, ",")
	list := a.out.Element("nodes")
	found := false
	for _, k := range nodeKinds {
		if a.value != "" && !slices.Contains(wanted, "all") && !slices.Contains(wanted, k.name) {
			continue
		}
		matches, err := xml.Select(root, k.path)
		if err != nil {
			return fmt.Errorf("nodes of kind %s: %w", k.name, err)
		}
		for _, m := range matches {
			id := m.Element.SelectAttrValue(k.id, "")
			name := m.Element.SelectAttrValue("uname", id)
			found = true
			switch {
			case a.out.Quiet:
				a.out.Print("%s\n", name)
			case a.export:
				a.out.Info("export %s=%s", name, id)
			default:
				a.out.Info("%s node: %s (%s)", k.name, name, id)
			}
			tool.Add(list, "node", "type", k.name, "name", name, "id", id)
		}
	}
	if !found {
		a.out.Info("No nodes configured")
	}
	return nil
}
