package lab

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"hacluster/internal/program"
)

// fenceLab is the fence agent of a lab: it pulls and returns a host's power, by
// the fence-agent API that any agent speaks (name=value on stdin, or options).
func fenceLab(ctx context.Context, env *program.Env) int {
	opts := map[string]string{}
	for i := 1; i < len(env.Args); i++ {
		a := env.Args[i]
		long := map[string]string{"-o": "action", "-n": "plug"}[a]
		switch {
		case long != "" && i+1 < len(env.Args):
			i++
			opts[long] = env.Args[i]
		case strings.HasPrefix(a, "--") && strings.Contains(a, "="):
			k, v, _ := strings.Cut(a[2:], "=")
			opts[k] = v
		case a == "-h" || a == "--help":
			fmt.Fprintln(env.Stdout, "fence_lab [-o ACTION] [-n HOST]: on, off, reboot, status, list, monitor or metadata; options are read as name=value from stdin where no argument is given")
			return 0
		default:
			fmt.Fprintf(env.Stderr, "fence_lab: unknown option %s\n", a)
			return 1
		}
	}
	if len(env.Args) == 1 {
		sc := bufio.NewScanner(env.Stdin)
		for sc.Scan() {
			l := strings.TrimSpace(sc.Text())
			if k, v, ok := strings.Cut(l, "="); ok && !strings.HasPrefix(l, "#") {
				opts[strings.TrimSpace(k)] = strings.TrimSpace(v)
			}
		}
		if err := sc.Err(); err != nil {
			fmt.Fprintf(env.Stderr, "fence_lab: %v\n", err)
			return 1
		}
	}
	action := opts["action"]
	if action == "" {
		action = "reboot"
	}
	if action == "metadata" {
		fmt.Fprint(env.Stdout, fenceMetadata)
		return 0
	}
	host := opts["plug"]
	for _, other := range []string{"port", "nodename"} {
		if host == "" {
			host = opts[other]
		}
	}
	if d := opts["delay"]; d != "" && (action == "off" || action == "reboot") {
		wait, err := time.ParseDuration(strings.TrimSuffix(d, "s") + "s")
		if err != nil || wait < 0 {
			fmt.Fprintf(env.Stderr, "fence_lab: delay %q is not a number of seconds\n", d)
			return 1
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return 1
		}
	}
	switch action {
	case "on", "off", "reboot", "status":
		if host == "" {
			fmt.Fprintln(env.Stderr, "fence_lab: action", action, "needs a host (plug)")
			return 1
		}
	}
	order := order{Verb: action, Host: host}
	switch action {
	case "list", "list-status", "monitor", "status":
		order.Verb = "status"
	case "on", "off", "reboot":
	case "validate-all":
		return 0
	default:
		fmt.Fprintf(env.Stderr, "fence_lab: unknown action %q\n", action)
		return 1
	}
	a, err := ask(powerPath, order)
	if err != nil {
		fmt.Fprintf(env.Stderr, "fence_lab: %s of %s: %v\n", action, host, err)
		return 1
	}
	switch action {
	case "list", "list-status":
		for _, h := range a.Config.Hosts {
			if action == "list-status" {
				fmt.Fprintf(env.Stdout, "%s,%s,%s\n", h.Name, h.Address.Addr(), h.State)
			} else {
				fmt.Fprintf(env.Stdout, "%s,%s\n", h.Name, h.Address.Addr())
			}
		}
	case "status":
		i, err := a.Config.find(host)
		if err != nil {
			fmt.Fprintln(env.Stderr, "fence_lab:", err)
			return 1
		}
		if a.Config.Hosts[i].State == "off" {
			fmt.Fprintln(env.Stdout, "Status: OFF")
			return 2
		}
		fmt.Fprintln(env.Stdout, "Status: ON")
	case "on", "off", "reboot":
		fmt.Fprintf(env.Stdout, "Success: %s of %s\n", action, host)
	}
	return 0
}

const fenceMetadata = `<?xml version="1.0" ?>
<resource-agent name="fence_lab" shortdesc="Fence agent for test hosts on one machine">
<longdesc>fence_lab pulls the mains plug of a test host that clusterd lab brought up: its network goes, and every process in it ends at once.</longdesc>
<vendor-url></vendor-url>
<parameters>
<parameter name="action" unique="0" required="1"><getopt mixed="-o, --action=[action]"/><content type="string" default="reboot"/><shortdesc lang="en">What to do</shortdesc></parameter>
<parameter name="plug" unique="0" required="0" obsoletes="port"><getopt mixed="-n, --plug=[host]"/><content type="string"/><shortdesc lang="en">The host, by its name in the lab</shortdesc></parameter>
<parameter name="port" unique="0" required="0" deprecated="1"><getopt mixed="-n, --plug=[host]"/><content type="string"/><shortdesc lang="en">The host, by its name in the lab</shortdesc></parameter>
<parameter name="delay" unique="0" required="0"><getopt mixed="--delay=[seconds]"/><content type="second" default="0"/><shortdesc lang="en">Wait this many seconds before the power is cut</shortdesc></parameter>
</parameters>
<actions>
<action name="on" automatic="0"/>
<action name="off"/>
<action name="reboot"/>
<action name="status"/>
<action name="list"/>
<action name="list-status"/>
<action name="monitor"/>
<action name="metadata"/>
<action name="validate-all"/>
</actions>
</resource-agent>
`
