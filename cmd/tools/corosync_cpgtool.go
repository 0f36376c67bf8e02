package main

import (
	"context"
	"fmt"
	"strings"

	"hacluster/corosync/client"
	"hacluster/internal/program"
)

func init() { programs["corosync-cpgtool"] = corosyncCpgtool }

const cpgtoolHelp = `corosync-cpgtool [-d delimiter] [-e] [-n] [-h]

Show the process groups of the cluster and who is in them.
options:
	-d	what stands between fields
	-e	show all characters of group names as they are
	-n	show only the names of groups
	-h	this text
`

// corosyncCpgtool shows the groups of processes.
func corosyncCpgtool(ctx context.Context, env *program.Env) int {
	opts, _, err := getopt(env, "hd:ne", nil)
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return 1
	}
	between, plain, names := "", false, false
	for _, o := range opts {
		switch o.letter {
		case 'd':
			if o.value != "" {
				between = o.value[:1]
			}
		case 'e':
			plain = true
		case 'n':
			names = true
		case 'h':
			fmt.Fprint(env.Stdout, cpgtoolHelp)
			return 0
		}
	}
	g, err := client.DialCPG(ctx)
	if err != nil {
		fmt.Fprintf(env.Stderr, "Could not initialize corosync cpg API error %d\n", uint32(outcome(err)))
		return 1
	}
	defer g.Close()
	cfg, err := client.DialCfg(ctx)
	if err != nil {
		fmt.Fprintf(env.Stderr, "Could not initialize corosync configuration API error %d\n", uint32(outcome(err)))
		return 1
	}
	defer cfg.Close()
	list, err := g.Groups(ctx)
	if err != nil {
		fmt.Fprintf(env.Stderr, "Cannot initialize cpg iterator error %d\n", uint32(outcome(err)))
		return 1
	}
	show := func(name string) string {
		if plain {
			return name
		}
		return escaped(name)
	}
	if names {
		seen := map[string]bool{}
		for _, e := range list {
			if seen[e.Group] {
				continue
			}
			seen[e.Group] = true
			end := between
			if end == "" {
				end = "\n"
			}
			fmt.Fprint(env.Stdout, show(e.Group), end)
		}
		if between != "" {
			fmt.Fprintln(env.Stdout)
		}
		return 0
	}
	if between != "" {
		fmt.Fprintf(env.Stdout, "GRP_NAME%[1]sPID%[1]sNODEID\n", between)
	} else {
		fmt.Fprintf(env.Stdout, "Group Name\t%10s\t%10s\n", "PID", "Node ID")
	}
	last, first := "", true
	for _, e := range list {
		if between != "" {
			fmt.Fprintf(env.Stdout, "%s%s%d%s%d\n", show(e.Group), between, e.PID, between, e.Node)
			continue
		}
		if first || e.Group != last {
			fmt.Fprintln(env.Stdout, show(e.Group))
			last, first = e.Group, false
		}
		var words []string
		if addrs, err := cfg.NodeAddrs(ctx, e.Node); err == nil {
			for _, a := range addrs {
				words = append(words, a.String())
			}
		}
		fmt.Fprintf(env.Stdout, "\t\t%10d\t%10d (%s)\n", e.PID, e.Node, strings.Join(words, " "))
	}
	return 0
}

// escaped is a group's name with what cannot be printed as \xNN.
func escaped(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		case c >= 0x80: // as a signed char in C
			fmt.Fprintf(&b, `\xFFFFFF%02X`, c)
		default:
			fmt.Fprintf(&b, `\x%02X`, c)
		}
	}
	return b.String()
}
