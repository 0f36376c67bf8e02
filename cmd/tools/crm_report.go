package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"hacluster/internal/crmreport"
	"hacluster/internal/output/screen"
	pcsd "hacluster/internal/pcsd/client"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func init() { programs["crm_report"] = crmReport }

const reportUsage = `crm_report - pack all that is needed to understand what went wrong in a cluster

Usage: crm_report --from TIME [OPTION…] [DEST]

  -f, --from TIME       when it was not yet wrong: "2026-11-30 08:50:57", or a time of day
  -t, --to TIME         when it was right again (now)

  -n, --nodes NODES     the nodes to ask, "a b" or -n a -n b (all of the cluster)
  -S, --single-node     this host alone
  -M                    do not look for the cluster's logs
  -l, --logfile FILE    a log beside those that are found; may be repeated
  -p PATTERN            hide the values of parameters with such names, too (passw.*); may be repeated
  -L PATTERN            lines of logs that matter, too (CRIT: ERROR:); may be repeated
  -c, --cluster TYPE    of which kind the cluster is: corosync
  -C, --corosync        the same as -c corosync
  -u, --user USER       as whom other nodes are asked over ssh (root)
  -e, --rsh COMMAND     what runs commands on other nodes (ssh -T)
  -D, --max-depth N     accepted: files have their places
  -d, --as-directory    leave the report as a folder
      --sos-mode        for sosreport
  -V                    say more
  DEST, --dest DEST     the report's name, DEST.tar.bz2 (in the home folder, pcmk-DAY)
  -v, --version, --features, -h, --help
                        as the first word: tell about this program

Other nodes are asked through pcsd where this host is known there (pcs host auth), else, and with -e or -u at once, over ssh. They
need a crm_report, this one or Pacemaker's. Passwords are hidden in the configuration and in logs, and keys are left out;
nonetheless, look at a report before you give it to others.
`

// crmReport makes a report. Its command line is read as a script's that uses getopt(1): faults are told, and passed over.
func crmReport(ctx context.Context, env *program.Env) int {
	longs := long("help h", "corosync C", "dest=", "node= n", "nodes= n", "from= f", "to= t", "sos-mode", "logfile= l", "as-directory d", "single-node S",
		"cluster= c", "user= u", "max-depth= D", "version v", "features", "rsh= e")
	opts, rest, faults := splitOptions(env.Name(), env.Args[1:], "hv?xl:f:t:n:L:p:c:dSCu:D:MVse:", longs)
	for _, f := range faults {
		say(env.Stderr, "%s\n", f)
	}
	if len(opts) == 0 {
		say(env.Stdout, "%s", reportUsage)
		return 0
	}
	v := screen.Current()
	switch first := opts[0]; {
	case first.letter == 'v':
		say(env.Stdout, "%s %s-%s\n", env.Name(), v.Number, v.Build)
		return 0
	case first.long == "features":
		say(env.Stdout, "%s-%s: %s\n", v.Number, v.Build, v.Features)
		return 0
	}
	now := tool.Now(env)
	m, err := reportMachine(env, now)
	if err != nil {
		say(env.Stderr, "%s: %v\n", env.Name(), err)
		return 1
	}
	o := crmreport.Options{Cluster: "any", SearchLogs: true, Mask: crmreport.DefaultMask, Patterns: crmreport.DefaultPatterns}
	for _, opt := range opts {
		switch {
		case opt.letter == 'h':
			say(env.Stdout, "%s", reportUsage)
			return 0
		case opt.letter == 'v', opt.letter == '?', opt.long == "features":
			shown := "-" + string(opt.letter)
			if opt.long != "" {
				shown = "--" + opt.long
			}
			say(env.Stdout, "Unknown argument: %s\n%s", shown, reportUsage)
			return 1
		case opt.letter == 'V':
			o.Debug = true
		case opt.letter == 'f':
			o.From, _ = crmreport.ParseTime(opt.value, now)
		case opt.letter == 't':
			o.To, _ = crmreport.ParseTime(opt.value, now)
		case opt.letter == 'n':
			o.Nodes = append(o.Nodes, strings.Fields(opt.value)...)
		case opt.letter == 'S':
			o.Nodes = []string{m.Name}
		case opt.letter == 'l':
			o.Logs = append(o.Logs, strings.Fields(opt.value)...)
		case opt.letter == 'p':
			o.Mask = append(o.Mask[:len(o.Mask):len(o.Mask)], strings.Fields(opt.value)...)
		case opt.letter == 'L':
			o.Patterns = append(o.Patterns[:len(o.Patterns):len(o.Patterns)], strings.ReplaceAll(opt.value, " ", `\W`))
		case opt.letter == 'd':
			o.Directory = true
		case opt.letter == 'C':
			o.Cluster = "corosync"
		case opt.letter == 'c':
			o.Cluster = opt.value
		case opt.letter == 'e':
			o.Shell = strings.Fields(opt.value)
		case opt.letter == 'u':
			o.User = opt.value
		case opt.letter == 'M':
			o.SearchLogs = false
		case opt.long == "sos-mode":
			o.Sos, o.Nodes = true, []string{m.Name}
		case opt.long == "dest":
			o.Dest = opt.value
		}
	}
	if len(rest) > 0 && rest[0] != "" {
		o.Dest = rest[0]
	}
	return crmreport.Make(ctx, o, m)
}

// reportMachine is this host, with pcsd on others where they are known.
func reportMachine(env *program.Env, now time.Time) (*crmreport.Machine, error) {
	name, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	c := pcsd.New(pcsd.Config{StateDir: cmp.Or(env.Getenv("STATE_DIRECTORY"), "/var/lib/pcsd"), Home: env.Getenv("HOME"), Root: os.Geteuid() == 0, Getenv: env.Getenv})
	return &crmreport.Machine{
		Name: name, Home: env.Getenv("HOME"), Dir: dir, Getenv: env.Getenv, Run: crmreport.Run, Stderr: env.Stderr,
		Now: func() time.Time { return now },
		Ask: func(ctx context.Context, node string, words []string) ([]byte, error) {
			return askForReport(ctx, c, node, words)
		},
	}, nil
}

// reportPatience is how long another node may need for its part.
const reportPatience = 15 * time.Minute

// askForReport has a node's pcsd make its part.
func askForReport(ctx context.Context, c *pcsd.Client, node string, words []string) ([]byte, error) {
	if h, known := c.Lookup(node); !known || h.Token == "" {
		return nil, errors.New("this host is not known there")
	}
	r := c.Call(ctx, node, pcsd.Request{Path: "remote/crm_report", Form: url.Values{"option": words}, Timeout: reportPatience})
	switch {
	case r.Kind == pcsd.OK:
		return []byte(r.Body), nil
	case r.Code == 0:
		return nil, errors.New(r.Reason)
	case r.Kind == pcsd.NotSupported:
		return nil, errors.New("its pcsd makes no reports")
	case r.Kind == pcsd.Unauthorized, r.Kind == pcsd.Denied:
		return nil, errors.New("its pcsd does not allow it")
	}
	return nil, fmt.Errorf("pcsd answers %d: %s", r.Code, strings.TrimSpace(r.Body))
}
