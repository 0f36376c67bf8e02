package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"hacluster/cib"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

// The programs of this file are shell scripts in Pacemaker: they put a command line
// of crm_attribute together and run it. Values are split into words as a shell does.

func init() {
	programs["crm_standby"] = crmStandby
	programs["crm_master"] = crmMaster
	programs["crm_failcount"] = crmFailcount
}

// script is such a program.
type script struct {
	name, summary, usage string
	fault                int // the exit code when the command line is wrong
	letters              string
	longs                []longOption
}

// long makes the list of long options of names, those with a value end in "=". The
// letter of a name is that of the short option in its place.
func long(names ...string) []longOption {
	var list []longOption
	for _, n := range names {
		name, letter, _ := strings.Cut(n, " ")
		plain, valued := strings.CutSuffix(name, "=")
		o := longOption{name: plain, valued: valued}
		if letter != "" {
			o.letter = letter[0]
		}
		list = append(list, o)
	}
	return list
}

// parse reads the command line; done tells that the program ends with code.
func (s *script) parse(env *program.Env) (opts []option, code int, done bool) {
	opts, _, faults := splitOptions(s.name, env.Args[1:], s.letters, s.longs)
	if len(faults) > 0 {
		say(env.Stderr, "%s\n", strings.Join(faults, "\n"))
		say(env.Stdout, "\n%s\n", s.usage)
		return nil, s.fault, true
	}
	for _, o := range opts {
		switch o.long {
		case "help":
			say(env.Stdout, "%s - %s\n\n%s\n", s.name, s.summary, s.usage)
			return nil, 0, true
		case "version":
			say(env.Stdout, "Pacemaker 3.0.2\nWritten by Andrew Beekhof and the Pacemaker project contributors\n")
			return nil, 0, true
		}
	}
	return opts, 0, false
}

// wrong ends the program because of a wrong command line.
func (s *script) wrong(env *program.Env, why string) int {
	say(env.Stderr, "error: %s\n", why)
	say(env.Stdout, "\n%s\n", s.usage)
	return s.fault
}

func say(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, format, args...) //nolint:errcheck // a closed stream ends the program elsewhere
}

// call runs another program of this binary with words, its output going to stdout.
func call(ctx context.Context, env *program.Env, stdout, stderr io.Writer, words ...string) int {
	inner := *env
	inner.Args, inner.Stdout, inner.Stderr = words, stdout, stderr
	return run(ctx, &inner)
}

// localNode is the name of this node in the running cluster, "" without one.
func localNode(ctx context.Context, env *program.Env) string {
	if node := env.Getenv("OCF_RESKEY_CRM_meta_on_node"); node != "" {
		return node
	}
	c, err := client.DialController(ctx, env.Name())
	if err != nil {
		return ""
	}
	defer c.Close()
	self, err := c.Local(ctx)
	if err != nil {
		return ""
	}
	return self.Name
}

var standbyScript = script{
	name: "crm_standby", summary: "query and change whether a node is on standby", fault: 1,
	letters: "VqGv:DN:l:i:U:Q",
	longs: long("help", "version", "verbose V", "quiet q", "query G", "update= v", "delete D", "node= N", "lifetime= l", "id= i",
		"uname= N", "get-value G", "delete-attr D", "attr-value= v", "attr-id= i"),
	usage: `Usage: crm_standby COMMAND [OPTION…]
A node on standby runs no resources.

  -G, --query             show whether the node is on standby
  -v, --update=VALUE      set it: on or off
  -D, --delete            forget the setting

  -N, --node=NODE         another node than this one
  -l, --lifetime=TIME     until when it holds: reboot or forever
  -i, --id=ID             the id of the setting in the CIB
  -q, --quiet             show only the value
  -V, --verbose           say more; may be repeated
      --help, --version   tell about this program`,
}

func crmStandby(ctx context.Context, env *program.Env) int {
	opts, code, done := standbyScript.parse(env)
	if done {
		return code
	}
	var node, words string
	var lifetime bool
	command := byte(0)
	for _, o := range opts {
		switch o.letter {
		case 'N', 'U':
			node = o.value
		case 'G', 'D':
			command = o.letter
			words += " -" + string(o.letter)
		case 'v', 'l', 'i':
			words += " -" + string(o.letter) + " " + o.value
			if o.letter == 'v' {
				command = 'v'
			} else if o.letter == 'l' {
				lifetime = true
			}
		default:
			words += " -" + string(o.letter)
		}
	}
	if node == "" {
		node = localNode(ctx, env)
	}
	words = "-N " + node + " -n standby " + words
	if command == 0 {
		command = 'G'
		words += " -G"
	}
	attribute := func(stdout, stderr io.Writer, more string) int {
		return call(ctx, env, stdout, stderr, append([]string{"crm_attribute"}, strings.Fields(words+more)...)...)
	}
	switch {
	case lifetime:
		return attribute(env.Stdout, env.Stderr, "")
	case command == 'G' && attribute(io.Discard, io.Discard, " -l forever") != 0:
		return attribute(env.Stdout, env.Stderr, " -l reboot -d off")
	case command == 'D':
		attribute(env.Stdout, env.Stderr, " -l forever")
		attribute(env.Stdout, env.Stderr, " -l reboot")
		return 0
	}
	return attribute(env.Stdout, env.Stderr, " -l forever")
}

var masterScript = script{
	name: "crm_master", summary: "query and change the promotion score of a resource", fault: 1,
	letters: "VqGv:DN:l:i:r:U:Q",
	longs: long("help", "version", "verbose V", "quiet q", "query G", "update= v", "delete D", "node= N", "lifetime= l", "id= i", "resource= r",
		"uname= ", "get-value ", "delete-attr ", "attr-value= ", "attr-id= "),
	usage: `Usage: crm_master COMMAND [OPTION…]
Deprecated: crm_attribute --promotion does the same.

  -G, --query             show the score
  -v, --update=VALUE      set it
  -D, --delete            delete it

  -r, --resource=RSC      another resource than the one that runs this program
  -N, --node=NODE         another node than this one
  -l, --lifetime=TIME     until when it holds: reboot or forever
  -i, --id=ID             the id of the score in the CIB
  -q, --quiet             show only the value
  -V, --verbose           say more; may be repeated
      --help, --version   tell about this program`,
}

func crmMaster(ctx context.Context, env *program.Env) int {
	opts, code, done := masterScript.parse(env)
	if done {
		return code
	}
	resource := env.Getenv("OCF_RESOURCE_INSTANCE")
	words := []string{"--lifetime", "forever"}
	for _, o := range opts {
		name := "--" + o.long
		if o.long == "" || o.letter != 0 {
			name = "-" + string(o.letter)
		}
		switch {
		case o.letter == 'r':
			resource = o.value
		case strings.IndexByte("vNliU", o.letter) >= 0 && o.letter != 0, o.long == "uname", o.long == "attr-value", o.long == "attr-id":
			words = append(append(words, name), strings.Fields(o.value)...)
		default:
			words = append(words, name)
		}
	}
	if resource == "" {
		return masterScript.wrong(env, "No resource specified")
	}
	words = append(append([]string{"crm_attribute", "-n"}, strings.Fields("master-"+resource)...), words...)
	return call(ctx, env, env.Stdout, env.Stderr, words...)
}

var failcountScript = script{
	name: "crm_failcount", summary: "query and forget the failures of a resource", fault: int(tool.Usage),
	letters: "qDGQVN:U:v:i:l:r:n:I:",
	longs: long("help", "version", "verbose V", "quiet q", "query G", "delete D", "resource= r", "node= N", "operation= n", "interval= I",
		"delete-attr D", "get-value G", "resource-id= r", "uname= N", "lifetime= l", "attr-value= v", "attr-id= i"),
	usage: `Usage: crm_failcount COMMAND [OPTION…]

  -G, --query             show how often the resource failed
  -D, --delete            forget its failures, and clean it up

  -r, --resource=RSC      the resource
  -n, --operation=NAME    only failures of this operation
  -I, --interval=TIME     the operation's interval
  -N, --node=NODE         another node than this one
  -q, --quiet             show only the value
  -V, --verbose           say more; may be repeated
      --help, --version   tell about this program`,
}

func crmFailcount(ctx context.Context, env *program.Env) int {
	opts, code, done := failcountScript.parse(env)
	if done {
		return code
	}
	var command byte
	var resource, operation string
	interval := "0"
	node, given := "", false
	var quiet, verbose []string
	shown := func(o option) string {
		if o.long != "" {
			return "--" + o.long
		}
		return "-" + string(o.letter)
	}
	for _, o := range opts {
		switch o.letter {
		case 'q', 'Q':
			quiet = []string{"--quiet"}
		case 'V':
			verbose = append(verbose, "-V")
		case 'G', 'D':
			command = o.letter
		case 'r':
			resource = o.value
		case 'n':
			operation = o.value
		case 'I':
			interval = o.value
		case 'N', 'U':
			node, given = o.value, true
		case 'v':
			if o.value == "0" {
				command = 'D'
			} else {
				say(env.Stderr, "warning: ignoring deprecated option '%s' with nonzero value\n", shown(o))
			}
		case 'i', 'l':
			say(env.Stderr, "warning: ignoring deprecated option '%s'\n", shown(o))
		}
	}
	if !given {
		node = localNode(ctx, env)
	}
	switch {
	case command == 0:
		return failcountScript.wrong(env, "must specify a command")
	case resource == "":
		return failcountScript.wrong(env, "resource name required")
	case node == "":
		return failcountScript.wrong(env, "node name required")
	}
	ms, ok := status.ParseInterval(interval)
	if !ok {
		say(env.Stderr, "warning: Unrecognized interval, using 0\n")
		ms = 0
	}
	if command == 'D' {
		words := append(append([]string{"crm_resource"}, quiet...), verbose...)
		words = append(words, "--cleanup", "-N", node, "-r", resource)
		if operation != "" {
			words = append(append(words, "-n"), strings.Fields(operation+" -I "+strconv.FormatInt(ms, 10)+"ms")...)
		}
		return call(ctx, env, env.Stdout, env.Stderr, words...)
	}
	name := "fail-count-" + resource
	shownName := name
	var count string
	if operation != "" {
		shownName += "#" + operation + "_" + strconv.FormatInt(ms, 10)
		count = transient(ctx, env, verbose, node, shownName)
	} else {
		var exit int
		if count, exit = sumOfFailures(ctx, env, node, name+"#"); exit != 0 {
			say(env.Stderr, "error: could not query CIB for fail counts\n")
		}
	}
	// counts of a time when operations had none of their own
	if count == "0" {
		if count = transient(ctx, env, verbose, node, name); count != "0" {
			shownName = name
		}
	}
	if len(quiet) > 0 {
		say(env.Stdout, "%s\n", count)
	} else {
		say(env.Stdout, "scope=status  name=%s value=%s\n", shownName, count)
	}
	return 0
}

// transient is the value of a transient attribute, "0" where there is none, "" where
// it cannot be told.
func transient(ctx context.Context, env *program.Env, verbose []string, node, name string) string {
	var out bytes.Buffer
	words := append(append([]string{"crm_attribute"}, verbose...), "--quiet", "--query", "-t", "status", "-d", "0", "-N", node, "-n", name)
	call(ctx, env, &out, env.Stderr, words...)
	return strings.TrimRight(out.String(), "\n")
}

// sumOfFailures adds up the attributes of a node whose names begin with prefix.
func sumOfFailures(ctx context.Context, env *program.Env, node, prefix string) (string, int) {
	c, err := tool.Open(ctx, env)
	if err != nil {
		return "", int(tool.ExitOf(err))
	}
	defer c.Close() //nolint:errcheck // nothing is written
	root, err := c.Root(ctx)
	if err != nil {
		return "", int(tool.ExitOf(err))
	}
	sum := 0
	for _, s := range root.FindElements("./status/node_state") {
		if s.SelectAttrValue("uname", "") != node {
			continue
		}
		for _, p := range s.FindElements("./transient_attributes/instance_attributes/nvpair") {
			value := p.SelectAttrValue("value", "")
			if !strings.HasPrefix(p.SelectAttrValue("name", ""), prefix) {
				continue
			}
			if n, ok := cib.Score(value); ok && n > 0 {
				sum = min(sum+n, cib.Infinity)
			}
		}
	}
	if sum >= cib.Infinity {
		return "INFINITY", 0
	}
	return strconv.Itoa(sum), 0
}
