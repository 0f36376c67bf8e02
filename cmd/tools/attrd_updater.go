package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"hacluster/internal/client"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/result"
)

func init() { programs["attrd_updater"] = attrdUpdater }

// updaterTool is one run of attrd_updater.
type updaterTool struct {
	env     *program.Env
	out     *tool.Output
	command byte
	all     bool
	named   bool
	valued  bool
	value   string
	change  client.AttributeChange
}

func attrdUpdater(ctx context.Context, env *program.Env) int {
	u := &updaterTool{env: env, command: 'Q'}
	c := &u.change
	var pattern *string
	var delayed bool
	command := func(letter byte) func(string) error {
		return func(v string) error {
			u.command, u.value, u.valued = letter, v, letter == 'U' || letter == 'B'
			return nil
		}
	}
	lifetime := func(v string) error {
		switch v {
		case "nodes", "forever", "status", "reboot":
			return nil
		}
		return fmt.Errorf("Unknown value for --lifetime: %s", v)
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "query and change transient attributes of nodes", Usage: "--name=NAME COMMAND", Glued: "dlnsvBNUS",
		Options: []tool.Option{
			{Short: 'n', Long: "name", Arg: tool.Required, Do: tool.Text(&c.Name, &u.named), Group: "required", Value: "NAME", Help: "the attribute"},
			{Short: 'P', Long: "pattern", Arg: tool.Required, Do: func(v string) error { pattern = &v; return nil }, Group: "required", Value: "RE", Help: "all attributes whose name matches; not with --query"},
			{Short: 'U', Long: "update", Arg: tool.Required, Do: command('U'), Group: "command", Value: "VALUE", Help: "set the value; a delay counts only for a new attribute"},
			{Short: 'B', Long: "update-both", Arg: tool.Required, Do: command('B'), Group: "command", Value: "VALUE", Help: "set the value and the delay"},
			{Short: 'Y', Long: "update-delay", Do: command('Y'), Group: "command", Help: "set the delay"},
			{Short: 'Q', Long: "query", Do: command('Q'), Group: "command", Help: "show the value on this node"},
			{Short: 'D', Long: "delete", Do: command('D'), Group: "command", Help: "delete the attribute"},
			{Short: 'R', Long: "refresh", Do: command('R'), Group: "command", Help: "write all values to the CIB anew"},
			{Short: 'd', Long: "delay", Arg: tool.Required, Do: tool.Text(&c.Delay, &delayed), Group: "additional", Value: "TIME", Help: "how long to wait for further changes before the value is written to the CIB"},
			{Short: 's', Long: "set", Arg: tool.Required, Do: tool.Text(&c.Set), Group: "additional", Value: "ID", Help: "the id of the element that holds the value in the CIB"},
			{Short: 'N', Long: "node", Arg: tool.Required, Do: tool.Text(&c.Node), Group: "additional", Value: "NODE", Help: "another node than this one"},
			{Short: 'A', Long: "all", Do: tool.Flag(&u.all), Group: "additional", Help: "with --query: all nodes"},
			{Short: 'l', Long: "lifetime", Arg: tool.Required, Do: lifetime, Group: "additional", Value: "TIME", Help: "without effect"},
			{Short: 'p', Long: "private", Do: tool.Flag(&c.Private), Group: "additional", Help: "never write the attribute to the CIB"},
			{Short: 'W', Long: "wait", Arg: tool.Required, Do: waitUntil(&c.Wait), Group: "additional", Value: "UNTIL", Help: "wait for the change: no, local or cluster"},
			{Short: 'z', Long: "utilization", Do: func(string) error { c.SetType = "utilization"; return nil }, Group: "additional", Help: "a new attribute is what the node has to offer"},
			{Short: 'q', Long: "quiet", Do: func(string) error { return nil }},
			{Short: 'v', Arg: tool.Required, Do: command('U')},
			{Short: 'S', Long: "section", Arg: tool.Required, Do: lifetime},
		},
	})
	if out == nil {
		return code
	}
	u.out = out
	usage := func(text string) int { return out.Finish(tool.Usage, errors.New(text)) }
	if pattern != nil {
		switch {
		case u.named:
			return usage("Error: --name and --pattern cannot be used at the same time")
		case strings.IndexByte("BDUY", u.command) < 0:
			return usage("Error: pattern can only be used with delete or update")
		}
		c.Name, c.Pattern, u.named = *pattern, true, true
	}
	switch {
	case u.command != 'R' && !u.named:
		return usage("Command requires --name or --pattern argument")
	case (u.command == 'B' || u.command == 'Y') && !delayed:
		out.Info("Warning: '%c' command given without required --delay", u.command)
	}
	if u.command == 'Q' {
		exit, err := u.query(ctx)
		return out.Finish(exit, err)
	}
	exit, err := u.update(ctx)
	return out.Finish(exit, err)
}

// waitUntil reads until when a change is waited for.
func waitUntil(to *client.Wait) func(string) error {
	return func(v string) error {
		w, ok := map[string]client.Wait{"no": client.WaitNo, "local": client.WaitLocal, "cluster": client.WaitCluster}[v]
		if !ok {
			return errors.New("--wait= must be one of 'no', 'local', 'cluster'")
		}
		*to = w
		return nil
	}
}

func (u *updaterTool) query(ctx context.Context) (tool.Exit, error) {
	name, node := u.change.Name, ""
	if !u.all {
		if node = agentNode(u.env, u.change.Node); node == "" {
			if node = u.change.Node; node == "" {
				node = "localhost"
			}
		}
	}
	values, found, err := client.Attribute(ctx, u.env.Name(), name, node)
	if err != nil {
		code := toolCode(err)
		return tool.Exit(code.Exit()), fmt.Errorf("Could not connect to attribute manager: %s", code)
	}
	if !found || len(values) == 0 {
		return tool.Config, fmt.Errorf("Could not query value of %s: attribute does not exist", name)
	}
	escape := strings.NewReplacer(`"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	for _, v := range values {
		host := ""
		if v.Node != "" {
			host = fmt.Sprintf(`host="%s" `, v.Node)
		}
		u.out.Info(`name="%s" %svalue="%s"`, name, host, escape.Replace(v.Value))
		u.out.Element("attribute", "name", name, "value", v.Value, "host?", v.Node)
	}
	return tool.OK, nil
}

func (u *updaterTool) update(ctx context.Context) (tool.Exit, error) {
	c := u.change
	name, value := "(null)", "(null)"
	if u.named {
		name = c.Name
	}
	if u.valued {
		c.Value = &u.value
		value = u.value
	}
	if agent := agentNode(u.env, c.Node); agent != "" {
		c.Node = agent
	}
	var err error
	switch {
	case (u.command == 'B' || u.command == 'Y') && c.Delay == "":
		err = &client.AttributeError{Errno: syscall.EINVAL}
	case u.command == 'R':
		err = client.RefreshAttributes(ctx, u.env.Name())
	default:
		switch u.command {
		case 'B':
			c.Task = "update-both"
		case 'Y':
			c.Task = "update-delay"
		case 'D':
			c.Delay = ""
		}
		err = client.ChangeAttributes(ctx, u.env.Name(), c)
	}
	if err == nil {
		return tool.OK, nil
	}
	code := toolCode(err)
	if errors.Is(err, client.ErrNotRunning) {
		code = result.Code(syscall.EINVAL) // as Pacemaker has it
	}
	return tool.Exit(code.Exit()), fmt.Errorf("Could not update %s=%s: %s (%d)", name, value, code, int(code))
}
