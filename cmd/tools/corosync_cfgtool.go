package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hacluster/corosync/client"
	"hacluster/corosync/local"
	"hacluster/internal/program"
)

const cfgtoolHelp = `usage: corosync-cfgtool [[-i IP_address] [-b] -s] [-R] [-L] [-k nodeid] [-a nodeid] [-h] [-H] [--force]

corosync-cfgtool shows and controls the running corosync daemon.

options:
  -i, --if          look at one address only (with -s)
  -s, --status      show the state of the links, in the order of the links
  -n, --nodes       show the state of the links, in the order of the nodes
  -b, --brief       one digit per node (with -s)
  -R, --reload      have all nodes read corosync.conf again
  -L, --reopen      have corosync open its log files again
  -k, --kill        end the daemon of a node, by its id
  -a, --address     show the addresses of a node, by its id
  -h                show this text
  -H, --shutdown    end the daemon of this host
  --force           with -H: do not ask the programs that use it
`

func corosyncCfgtool(ctx context.Context, env *program.Env) int {
	opts, _, err := getopt(env, "i:snbrRLk:a:hH", map[string]byte{
		"if:": 'i', "status": 's', "nodes": 'n', "brief": 'b', "reload": 'R', "reopen": 'L', "kill:": 'k', "address:": 'a', "shutdown": 'H', "force": 0,
	})
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return 1
	}
	old, err := legacy(env)
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return 1
	}
	t := &cfgtool{env: env}
	action, node := byte('h'), uint32(0)
	for _, o := range opts {
		switch o.letter {
		case 0:
			t.force = true
		case 'b':
			t.brief = true
		case 'i':
			t.address = o.value
		case 'k', 'a':
			n, err := strconv.ParseUint(o.value, 10, 32)
			if err != nil || n == 0 {
				fmt.Fprintln(env.Stderr, "The nodeid was not valid, try a positive number")
				return 1
			}
			action, node = o.letter, uint32(n)
		default:
			action = o.letter
		}
	}
	switch action {
	case 'h':
		fmt.Fprint(env.Stdout, cfgtoolHelp)
		return 0
	case 'r':
		if !old {
			fmt.Fprint(env.Stdout, cfgtoolHelp)
			return 0
		}
		fmt.Fprintln(env.Stdout, "Re-enabling all failed rings.")
		return 0
	case 'R':
		fmt.Fprintln(env.Stdout, "Reloading corosync.conf...")
	case 'H':
		fmt.Fprintln(env.Stdout, "Shutting down corosync")
	case 's':
		if old {
			fmt.Fprintln(env.Stdout, "Printing ring status.")
		}
	}
	if t.cfg, err = starting(ctx, client.DialCfg); err != nil {
		fmt.Fprintf(env.Stderr, "Could not initialize corosync configuration API error %d\n", outcome(err))
		return 1
	}
	defer t.cfg.Close()
	switch action {
	case 's':
		if old {
			return t.rings(ctx)
		}
		return t.links(ctx, false)
	case 'n':
		return t.links(ctx, true)
	case 'R':
		if err := t.cfg.Reload(ctx); err != nil {
			return t.fail("Could not reload configuration. Error %d (%v)", outcome(err), outcome(err))
		}
		fmt.Fprintln(env.Stdout, "Done")
	case 'L':
		if err := t.cfg.ReopenLogs(ctx); err != nil {
			return t.fail("Could not reopen corosync logging files. Error %d", outcome(err))
		}
	case 'k':
		fmt.Fprintf(env.Stdout, "Killing node %d\n", node)
		if err := t.cfg.Kill(ctx, node, "killed by corosync-cfgtool"); err != nil {
			return t.fail("Could not kill node (error = %v)", outcome(err))
		}
	case 'a':
		list, err := t.cfg.NodeAddrs(ctx, node)
		if err != nil {
			return t.fail("Could not get node address for nodeid %d", node)
		}
		words := make([]string, len(list))
		for i, a := range list {
			words[i] = a.String()
		}
		fmt.Fprintln(env.Stdout, strings.Join(words, " "))
	case 'H':
		how := uint32(local.ShutdownRequest)
		if t.force {
			how = local.ShutdownRegardless
		}
		if err := t.cfg.Shutdown(ctx, how); err != nil {
			t.fail("Could not shutdown (error = %d)", outcome(err))
		}
	}
	return 0
}

// cfgtool is one run of corosync-cfgtool.
type cfgtool struct {
	env     *program.Env
	cfg     *client.Cfg
	brief   bool
	force   bool
	address string
}

func (t *cfgtool) fail(format string, args ...any) int {
	fmt.Fprintf(t.env.Stderr, format+"\n", args...)
	return 1
}

// rings prints the state of this node's rings as Corosync 2 does.
func (t *cfgtool) rings(ctx context.Context) int {
	node, err := t.cfg.LocalNode(ctx)
	if err != nil {
		return t.fail("Could not get the local node id, the error is: %d", outcome(err))
	}
	fmt.Fprintf(t.env.Stdout, "Local node ID %d\n", node)
	rings, err := t.cfg.Rings(ctx)
	if err != nil {
		return t.fail("Could not get the ring status, the error is: %d", outcome(err))
	}
	for i, r := range rings {
		if t.address != "" && t.address != r.Name {
			continue
		}
		text := r.Status
		if text == "OK" || strings.Trim(text, "3n") == "" {
			text = fmt.Sprintf("ring %d active with no faults", i)
		}
		if strings.Trim(text, "013n") == "" {
			text = fmt.Sprintf("Marking ringid %d interface %s FAULTY", i, r.Name)
		}
		fmt.Fprintf(t.env.Stdout, "RING ID %d\n\tid\t= %s\n\tstatus\t= %s\n", i, r.Name, text)
	}
	return 0
}

// links prints the state of the links to all nodes as Corosync 3 does.
func (t *cfgtool) links(ctx context.Context, byNode bool) int {
	m, err := client.DialCmap(ctx)
	if err != nil {
		return t.fail("Could not initialize corosync cmap API error %d", outcome(err))
	}
	defer m.Close()
	transport, err := m.Text(ctx, "totem.transport")
	if err != nil {
		return t.fail("Could not get the transport, the error is: %d", outcome(err))
	}
	if transport == "" {
		transport = "knet"
	}
	me, err := t.cfg.LocalNode(ctx)
	if err != nil {
		return t.fail("Could not get the local node id, the error is: %d", outcome(err))
	}
	var ids []uint32
	for e, err := range m.All(ctx, "nodelist.node.") {
		if err != nil {
			return t.fail("Could not get nodelist from cmap. error %d", outcome(err))
		}
		if words := strings.Split(e.Key, "."); len(words) == 4 && words[3] == "nodeid" {
			if id, ok := e.Value.Uint(); ok {
				ids = append(ids, uint32(id))
			}
		}
	}
	if len(ids) == 0 {
		return t.fail("No nodes found in nodelist")
	}
	slices.Sort(ids)
	fmt.Fprintf(t.env.Stdout, "Local node ID %d, transport %s\n", me, transport)
	all := make([]local.NodeStatus, len(ids))
	for i, id := range ids {
		if all[i], err = t.cfg.NodeStatus(ctx, id); err != nil {
			fmt.Fprintf(t.env.Stderr, "Could not get the node status for nodeid %d, the error is: %d\n", id, outcome(err))
		}
	}
	kind := func(link int) string {
		if transport != "knet" {
			return "" // known from the first line
		}
		if k, err := m.Text(ctx, fmt.Sprintf("totem.interface.%d.knet_transport", link)); err == nil && k != "" {
			return k
		}
		return "udp"
	}
	if byNode {
		t.byNode(me, all, kind, transport == "knet")
	} else {
		t.byLink(me, ids, all, kind)
	}
	return 0
}

func (t *cfgtool) byNode(me uint32, all []local.NodeStatus, kind func(int) string, knet bool) {
	for _, s := range all {
		if !s.Reachable || s.Node == me {
			continue
		}
		fmt.Fprintf(t.env.Stdout, "nodeid: %d reachable", s.Node)
		if s.Remote {
			fmt.Fprint(t.env.Stdout, " remote")
		}
		if s.External {
			fmt.Fprint(t.env.Stdout, " external")
		}
		fmt.Fprintln(t.env.Stdout)
		for i, l := range s.Links {
			if !l.Enabled {
				continue
			}
			arrow := ""
			if knet {
				arrow = "->"
			}
			fmt.Fprintf(t.env.Stdout, "   LINK: %d %s (%s%s%s) enabled", i, kind(i), l.Source, arrow, l.Destination)
			if l.Connected {
				fmt.Fprint(t.env.Stdout, " connected")
			}
			if l.DynConnected {
				fmt.Fprint(t.env.Stdout, " dynconnected")
			}
			fmt.Fprintf(t.env.Stdout, " mtu: %d\n", l.MTU)
		}
		fmt.Fprintln(t.env.Stdout)
	}
}

func (t *cfgtool) byLink(me uint32, ids []uint32, all []local.NodeStatus, kind func(int) string) {
	// The links of this node to itself tell nothing: the last other node's are looked at.
	other := 0
	for i, id := range ids {
		if id != me {
			other = i
		}
	}
	for i := range all[other].Links {
		if !all[other].Links[i].Enabled {
			continue
		}
		fmt.Fprintf(t.env.Stdout, "LINK ID %d %s\n\taddr\t= %s\n", i, kind(i), all[other].Links[i].Source)
		if t.brief {
			fmt.Fprint(t.env.Stdout, "\tstatus\t= ")
			for j, s := range all {
				digit := 0
				if s.Links[i].Enabled {
					digit |= 1
				}
				if s.Links[i].Connected {
					digit |= 2
				}
				if ids[j] == me {
					fmt.Fprint(t.env.Stdout, "n")
				} else {
					fmt.Fprint(t.env.Stdout, digit)
				}
			}
			fmt.Fprintln(t.env.Stdout)
			continue
		}
		fmt.Fprintln(t.env.Stdout, "\tstatus:")
		for j, s := range all {
			word := "disconnected"
			switch {
			case ids[j] == me:
				word = "localhost"
			case s.Links[i].Connected:
				word = "connected"
			}
			fmt.Fprintf(t.env.Stdout, "\t\tnodeid: %10d:\t%s\n", ids[j], word)
		}
	}
}
