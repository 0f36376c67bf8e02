package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

// output is where a page goes, and in which form.
type output struct {
	env *program.Env
	r   *request
	to  string // a file, "" for standard output
}

// newOutput checks that the file, if one is asked for, can be written.
func newOutput(env *program.Env, r *request) (*output, error) {
	o := &output{env: env, r: r}
	if r.toStdout() {
		return o, nil
	}
	o.to = r.to
	f, err := os.OpenFile(r.to, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return o, f.Close()
}

// write puts a page out. A file gets a new page at once as a whole: who reads it
// never sees half of one.
func (o *output) write(page string) error {
	if o.to == "" {
		_, err := io.WriteString(o.env.Stdout, page)
		return err
	}
	path, err := filepath.EvalSymlinks(o.to)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return os.WriteFile(path, []byte(page), 0o644)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil { // a file in a folder that is not ours
		return os.WriteFile(path, []byte(page), info.Mode().Perm())
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.WriteString(page); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Chmod(info.Mode().Perm()); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// done ends the program after a page was written.
func (o *output) done(code int, err error) int {
	if err != nil {
		fmt.Fprintf(o.env.Stderr, "crm_mon: %v\n", err)
		return exitIO
	}
	return code
}

func (o *output) head() screen.Head {
	h := screen.Head{Title: o.r.title, Stylesheet: o.r.style, CGI: o.r.cgi}
	if o.to != "" && !o.r.old {
		h.Refresh = int(o.r.interval / time.Second)
	}
	return h
}

func (o *output) version() int {
	v := screen.Current()
	switch o.r.format {
	case "xml":
		return o.done(0, o.write(screen.XML(nil, o.r.Page, screen.Frame{Request: o.env.Request(), Old: o.r.old, Version: &v})))
	case "html":
		return o.done(0, o.write(screen.HTMLVersion(o.head(), v)))
	case "none":
		return 0
	}
	return o.done(0, o.write(v.Text()))
}

// usage ends with a message about the command line.
func (o *output) usage(told string) int {
	if o.r.format == "text" && !o.r.old {
		fmt.Fprint(o.env.Stderr, help+"\n\n")
	}
	return o.fail(exitUsage, told)
}

// fail ends with a message, in the form that was asked for.
func (o *output) fail(code int, told string) int {
	if code != 0 {
		told = "crm_mon: " + told
	}
	var err error
	switch o.r.format {
	case "xml":
		err = o.write(screen.XML(nil, o.r.Page, screen.Frame{Request: o.env.Request(), Old: o.r.old, Code: int64(code), Errors: []string{told}}))
		if o.r.old {
			if code != 0 {
				fmt.Fprintln(o.env.Stderr, screen.ExitText(int64(code)))
			}
			fmt.Fprintln(o.env.Stderr, told)
		}
	case "html":
		err = o.write(screen.HTML(nil, o.r.Page, o.head(), []string{told}))
	case "none":
	default:
		fmt.Fprintln(o.env.Stderr, told)
	}
	return o.done(code, err)
}

// once shows the cluster as it is now.
func (o *output) once(ctx context.Context, src source) int {
	m, err := src.read(ctx, o.r.Sections&screen.FencingAll != 0)
	if err != nil {
		return o.fail(src.unusable(err))
	}
	return o.done(0, o.show(m, src.isLive()))
}

// warn tells, before the page of a running cluster, what puts its data at risk, and that its plans wait.
func (o *output) warn(m tui.Snapshot) {
	c := status.Read(status.Input{CIB: m.Root, Now: m.At, NoConstraints: true})
	for _, why := range []string{c.SplitBrain(), c.Circle()} {
		if why != "" {
			fmt.Fprintln(o.env.Stderr, why)
		}
	}
}

func (o *output) show(m tui.Snapshot, live bool) error {
	if live && o.r.mode == oneShot && o.r.legacy == nil && o.r.format == "text" {
		o.warn(m)
	}
	if l := o.r.legacy; l != nil {
		page, _ := l.page(m)
		return o.write(page)
	}
	p := o.r.Page
	p.Fencing, p.FencingErr, p.Live, p.LocalNode = m.Fencing, m.FencingErr, live, m.LocalNode
	c := status.Read(status.Input{CIB: m.Root, Now: m.At, NoConstraints: p.Sections&(screen.Bans|screen.Tickets) == 0})
	switch o.r.format {
	case "xml":
		return o.write(screen.XML(c, p, screen.Frame{Request: o.env.Request(), Old: o.r.old}))
	case "html":
		return o.write(screen.HTML(c, p, o.head(), nil))
	case "text":
		if o.r.old {
			return o.write(screen.Bare(c, p))
		}
		return o.write(screen.Text(c, p))
	}
	return nil
}

// keep shows the cluster as it changes, and tells a program what was done in it.
func (o *output) keep(ctx context.Context) int {
	seen := newTeller(o.r, o.env)
	follow(ctx, o.env, o.r.interval, func(s news) {
		switch {
		case s.err != nil:
			if o.to != "" && o.r.format != "none" {
				_ = o.fail(exitDisconnected, "Not connected to CIB: Connection to the cluster lost")
			}
		default:
			state, ok := s.taken()
			if !ok {
				return
			}
			if o.to != "" {
				if err := o.show(state, !tool.Elsewhere(o.env)); err != nil {
					fmt.Fprintf(o.env.Stderr, "crm_mon: %v\n", err)
				}
			}
			seen.tell(ctx, state)
		}
	})
	return 0
}
