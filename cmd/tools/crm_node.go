package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/internal/client"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_node"] = crmNode }

// nodeTool is one run of crm_node.
type nodeTool struct {
	env     *program.Env
	out     *tool.Output
	command byte // of the last option that is one; 0 without
	id      int
	target  string
}

func crmNode(ctx context.Context, env *program.Env) int {
	n := &nodeTool{env: env}
	var quiet, force, removal bool
	command := func(c byte) func(string) error {
		return func(string) error { n.command = c; return nil }
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "tell about the nodes of the cluster", Usage: "COMMAND", Glued: "NR", OutputCode: true,
		Options: []tool.Option{
			{Short: 'i', Long: "cluster-id", Do: command('i'), Group: "command", Help: "show the id of this node"},
			{Short: 'l', Long: "list", Do: command('l'), Group: "command", Help: "show all nodes that there are or were"},
			{Short: 'n', Long: "name", Do: command('n'), Group: "command", Help: "show the name of this node"},
			{Short: 'p', Long: "partition", Do: command('p'), Group: "command", Help: "show the members of the partition that this node is in"},
			{Short: 'q', Long: "quorum", Do: command('q'), Group: "command", Help: "show 1 when this partition has quorum, else 0"},
			{Short: 'N', Long: "name-for-id", Arg: tool.Required, Do: func(v string) error { n.command, n.id = 'N', max(leadingInt(v), 0); return nil }, Group: "command", Value: "ID", Help: "show the name of the node with this id"},
			{Short: 'R', Long: "remove", Arg: tool.Required, Do: func(v string) error { n.command, n.target, removal = 'R', v, true; return nil }, Group: "command", Value: "NODE", Help: "forget a node that is gone for good, by name or id"},
			{Short: 'f', Long: "force", Do: tool.Flag(&force), Group: "additional", Help: "needed for --remove"},
			{Short: 'C', Long: "corosync", Do: func(string) error { return nil }},
			{Short: 'Q', Long: "quiet", Do: tool.Flag(&quiet), Group: "additional", Help: "say less"},
		},
	})
	if out == nil {
		return code
	}
	n.out = out
	switch {
	case n.command == 0:
		out.Fault("%s", out.Help)
		return out.Finish(tool.Usage, nil)
	case removal && !force:
		return out.Finish(tool.Usage, errors.New("The supplied command is considered dangerous.  To prevent accidental destruction of the cluster, the --force flag is required in order to proceed."))
	}
	exit, err := n.run(ctx)
	return out.Finish(exit, err)
}

func (n *nodeTool) run(ctx context.Context) (tool.Exit, error) {
	if n.command == 'R' {
		return n.remove(ctx)
	}
	if name := n.env.Getenv("OCF_RESKEY_CRM_meta_on_node"); name != "" && n.id == 0 && (n.command == 'n' || n.command == 'N') {
		n.name(name) // for an agent, the node that it works for
		return tool.OK, nil
	}
	c, err := client.DialController(ctx, n.env.Name())
	if err != nil {
		if n.command == 'l' || n.command == 'p' {
			err = fmt.Errorf("Could not connect to controller: %s", toolCode(err))
		} else {
			err = nil
		}
		return tool.Disconnect, err
	}
	defer c.Close()
	if n.command == 'l' || n.command == 'p' {
		return n.list(ctx, c)
	}
	info, err := c.Info(ctx, n.id)
	if err != nil {
		return tool.Exit(toolCode(err).Exit()), fmt.Errorf("Could not ask the controller: %s", err)
	}
	if info.Name == "" && n.command != 'q' {
		n.out.Fault("Node is not known to cluster")
		return tool.NoHost, nil
	}
	switch n.command {
	case 'i':
		id := info.ID
		if _, err := strconv.ParseUint(id, 10, 32); err != nil {
			id = "0" // a remote node's, which has a name only
		}
		n.out.Info("%s", id)
		n.out.Element("node-info", "nodeid", id)
	case 'q':
		number := "0"
		if info.Quorum {
			number = "1"
		}
		n.out.Info("%s", number)
		n.out.Element("cluster-info", "quorum", strconv.FormatBool(info.Quorum))
	default:
		n.name(info.Name)
	}
	return tool.OK, nil
}

func (n *nodeTool) name(name string) {
	n.out.Info("%s", name)
	n.out.Element("node-info", "nodeid", "0", "uname", name)
}

func (n *nodeTool) list(ctx context.Context, c *client.Controller) (tool.Exit, error) {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return tool.Disconnect, fmt.Errorf("Lost connection to controller")
	}
	slices.SortFunc(nodes, func(a, b client.Node) int { return compareNames(a.Name, b.Name) })
	var members []string
	list := n.out.Element("nodes")
	for _, m := range nodes {
		state := "lost"
		if m.Member {
			state = "member"
			if m.Name != "" {
				members = append(members, m.Name)
			}
		}
		if n.command == 'l' {
			n.out.Info("%s %s %s", m.ID, m.Name, state)
		}
		if n.command == 'l' || m.Member {
			tool.Add(list, "node", "id", m.ID, "name", m.Name, "state", state)
		}
	}
	if n.command == 'p' && len(members) > 0 {
		n.out.Info("%s", strings.Join(members, " "))
	}
	return tool.OK, nil
}

// compareNames orders names without regard to case, and numbers in them by value.
func compareNames(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for a != "" && b != "" {
		if digit(a[0]) && digit(b[0]) {
			x, restA := leading(a)
			y, restB := leading(b)
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
			a, b = restA, restB
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// leading takes a number without leading zeros off the beginning of s.
func leading(s string) (digits, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return strings.TrimLeft(s[:len(s)-len(rest)], "0"), rest
}

// remove has all daemons forget a node, and takes it out of the CIB.
func (n *nodeTool) remove(ctx context.Context) (tool.Exit, error) {
	name, id, shown := n.target, "", n.target
	if v, err := strconv.ParseInt(n.target, 10, 64); err == nil && v > 0 {
		name, id, shown = "", strconv.FormatInt(v, 10), "by ID"
	}
	failed := func(what string, err error) (tool.Exit, error) {
		code := toolCode(err)
		return tool.Exit(code.Exit()), fmt.Errorf("Could not purge node %s from %s: %s", shown, what, code)
	}
	c, err := client.DialController(ctx, n.env.Name())
	if err != nil {
		return failed("controller", err)
	}
	defer c.Close()
	if err := c.ForgetNode(ctx, name, id); err != nil {
		return failed("controller", err)
	}
	if err := client.ForgetNode(ctx, n.env.Name(), name, id); err != nil {
		return failed("attribute manager", err)
	}
	doc, err := tool.Open(ctx, n.env)
	if err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not connect to the CIB: %s", tool.TextOf(err))
	}
	for _, part := range [][2]string{{"nodes", "node"}, {"status", "node_state"}} {
		el := etree.NewElement(part[1])
		if name != "" {
			el.CreateAttr("uname", name)
		} else {
			el.CreateAttr("id", id)
		}
		if _, err := doc.Do(ctx, cib.Request{Op: cib.Delete, Section: part[0], Data: el}); err != nil {
			_ = doc.Close()
			return failed("CIB", err)
		}
	}
	if err := doc.Close(); err != nil {
		return failed("CIB", err)
	}
	return tool.OK, nil
}
