// Command crm_mon shows the state of a cluster: once, or refreshed as it
// changes. The dialect decides whose words it speaks: those of Pacemaker 1.1
// for 0.9, else those of Pacemaker 3.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/dialect"
	"hacluster/internal/output/screen"
	"hacluster/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, env *program.Env) int {
	version, _, err := dialect.Current(env.Getenv, dialect.Path)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return 1
	}
	// Formats came after 1.1: who asks for one means the newer program.
	if version.Legacy() && !slices.ContainsFunc(env.Args, func(a string) bool { return strings.HasPrefix(a, "--output-as") }) {
		return runLegacy(ctx, env)
	}
	return runPage(ctx, env)
}

func runLegacy(ctx context.Context, env *program.Env) int {
	s, err := parse(env.Args[1:])
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return 64
	}
	if s.file == "" {
		s.file = fileFrom(env.Getenv)
	}
	if !s.once && s.file == "" && onTerminal(env.Stdout) {
		return watch(ctx, env, &legacyScreen{s}, 5*time.Second)
	}
	level := s.FenceLevel
	if s.file != "" {
		s.FenceLevel = 0
	}
	root, history, err := load(ctx, s.file, level > 0)
	if err != nil {
		if s.file == "" {
			fmt.Fprint(env.Stdout, "\nError: cluster is not available on this node\n")
			return 107
		}
		fmt.Fprintf(env.Stdout, "\nConnection to cluster failed: %v\n", err)
		return 78
	}
	s.Fencing = history
	c := status.Read(status.Input{CIB: root, Now: time.Now()})
	fmt.Fprint(env.Stdout, screen.Legacy(c, s.Options))
	return 0
}

func runPage(ctx context.Context, env *program.Env) int {
	r, err := parseRequest(env.Args[1:])
	for _, n := range r.notes {
		fmt.Fprintln(env.Stderr, n)
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return 64
	}
	if r.help {
		fmt.Fprint(env.Stdout, help)
		return 0
	}
	if r.file == "" {
		r.file = fileFrom(env.Getenv)
	}
	switch r.format {
	case "console":
		if !r.once && !r.daemon && r.file == "" && (r.to == "" || r.to == "-") && onTerminal(env.Stdout) {
			r.format = "text"
			if err := r.choose(); err != nil {
				fmt.Fprintf(env.Stderr, "%s\n\ncrm_mon: %v\n", help, err)
				return 64
			}
			return watch(ctx, env, &pageScreen{r}, r.interval)
		}
		r.format = "text"
	case "text", "html", "xml", "none":
	default:
		fmt.Fprintf(env.Stderr, "crm_mon: Error creating output format %s: Unknown output format\n", r.format)
		return 1
	}
	out, done, err := target(env, r.to)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: Error creating output format %s: No such file or directory\n", r.format)
		return 1
	}
	defer done()
	frame := screen.Frame{Request: env.Args, Old: r.old}
	// fail ends with a message, in the form that was asked for.
	fail := func(code int64, told string) int {
		if code != 0 {
			told = "crm_mon: " + told
		}
		frame.Code, frame.Errors = code, []string{told}
		switch {
		case r.format == "xml":
			fmt.Fprint(out, screen.XML(nil, r.Page, frame))
			if r.old {
				if code != 0 {
					fmt.Fprintln(env.Stderr, screen.ExitText(code))
				}
				fmt.Fprintln(env.Stderr, told)
			}
		case r.format == "none":
		default:
			fmt.Fprintln(env.Stderr, told)
		}
		return int(code)
	}
	if r.version {
		if r.format != "text" {
			return program.NotYet(env, "the version in this form")
		}
		fmt.Fprint(out, "Pacemaker 3.0.2\nWritten by Andrew Beekhof and the Pacemaker project contributors\n")
		return 0
	}
	if err := r.choose(); err != nil {
		if r.format == "text" {
			fmt.Fprint(env.Stderr, help+"\n\n")
		}
		return fail(64, err.Error())
	}
	switch {
	case !r.daemon:
	case r.format == "none" && r.agent == "":
		return fail(64, "--daemonize requires --external-agent if used with --output-as=none")
	case (r.to == "" || r.to == "-") && r.agent == "":
		if r.format == "text" {
			fmt.Fprint(env.Stderr, help+"\n\n")
		}
		return fail(64, "--daemonize requires at least one of --output-to (with value not set to '-') and --external-agent")
	default:
		return program.NotYet(env, "running in the background")
	}
	root, history, err := load(ctx, r.file, r.Sections&screen.FencingAll != 0)
	switch {
	case err == nil:
	case r.file == "":
		return fail(102, "Connection to cluster failed: Connection refused")
	case errors.Is(err, fs.ErrNotExist):
		return fail(0, "Could not connect to the CIB: No such device or address")
	default:
		return fail(0, "Could not connect to the CIB: Update does not conform to the configured schema")
	}
	r.Fencing, r.Live = history, r.file == ""
	c := status.Read(status.Input{CIB: root, Now: time.Now(), NoConstraints: r.Sections&(screen.Bans|screen.Tickets) == 0})
	switch r.format {
	case "xml":
		fmt.Fprint(out, screen.XML(c, r.Page, frame))
	case "text":
		fmt.Fprint(out, screen.Text(c, r.Page))
	case "none":
	default:
		return program.NotYet(env, "this form of the page")
	}
	return 0
}

// fileFrom is the CIB file that the environment names, a shadow first; "" for
// the running cluster.
func fileFrom(getenv func(string) string) string {
	if name := getenv("CIB_shadow"); name != "" {
		return filepath.Join(cmp.Or(getenv("CIB_shadow_dir"), "/var/lib/pacemaker/cib"), "shadow."+name)
	}
	if file := getenv("CIB_file"); file != "-" {
		return file
	}
	return "/dev/stdin"
}

// load reads the CIB, from a file or the running cluster with the history of its fencing.
func load(ctx context.Context, file string, fenced bool) (*etree.Element, []screen.Fencing, error) {
	if file != "" {
		doc, err := cib.Load(file)
		if err != nil {
			return nil, nil, err
		}
		return doc.Root, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := client.DialCIB(ctx, "crm_mon")
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	root, err := c.Query(ctx)
	if err != nil || !fenced {
		return root, nil, err
	}
	history, err := fencingHistory(ctx)
	return root, history, err
}

// fencingHistory asks the fencer what was fenced, newest first.
func fencingHistory(ctx context.Context) (list []screen.Fencing, err error) {
	f, err := client.DialFencer(ctx, "crm_mon")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := f.History(ctx, "")
	if err != nil || h == nil {
		return nil, err
	}
	for _, e := range h.SelectElements("st_execute") {
		list = append(list, fencing(e))
	}
	return list, nil
}

func fencing(e *etree.Element) screen.Fencing {
	get := func(name string) string { return e.SelectAttrValue(name, "") }
	sec, _ := strconv.ParseInt(get("st_date"), 10, 64)
	nsec, _ := strconv.ParseInt(get("st_date_nsec"), 10, 64)
	state := map[string]string{"2": "success", "4": "failed"}[get("st_state")]
	if state == "" {
		state = "pending"
	}
	return screen.Fencing{
		Target: get("st_target"), Action: get("st_device_action"), Origin: get("st_origin"), Delegate: get("st_delegate"), Client: get("st_clientname"),
		State: state, Reason: get("exit-reason"), At: time.Unix(sec, nsec),
	}
}
