package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/cib/xml"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/result"
)

func init() { programs["crm_shadow"] = crmShadow }

// shadow is a run of crm_shadow.
type shadow struct {
	env *program.Env
	out *tool.Output

	command           string
	name              string // of the shadow
	force, batch, all bool
	schema            string
}

// failure is an error with the exit code that it ends the program with.
type failure struct {
	code tool.Exit
	text string
}

func (f *failure) Error() string { return f.text }

func failf(code tool.Exit, format string, args ...any) error {
	return &failure{code, fmt.Sprintf(format, args...)}
}

// errnoExit is the exit code for an error of the system.
func errnoExit(err error) tool.Exit {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return tool.Exit(result.Code(errno).Exit())
	}
	return tool.Error
}

func crmShadow(ctx context.Context, env *program.Env) int {
	s := &shadow{env: env}
	command := func(short byte, long, value, help string) tool.Option {
		o := tool.Option{Short: short, Long: long, Group: "query", Value: value, Help: help}
		if value != "" {
			o.Arg, o.Group = tool.Required, "command"
		}
		o.Do = func(v string) error { s.command, s.name = long, v; return nil }
		return o
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "work on a copy of the configuration before it goes live",
		Usage:   "QUERY|COMMAND",
		Glued:   "CDcersv",
		Words:   tool.RefuseWords,
		Options: []tool.Option{
			command('w', "which", "", "the name of the shadow in use"),
			command('p', "display", "", "what is in the shadow in use"),
			command('d', "diff", "", "what differs between the shadow in use and the cluster; exit code 1 if anything does"),
			command('F', "file", "", "the file of the shadow in use"),
			command('c', "create", "NAME", "make a shadow from the cluster's configuration"),
			command('e', "create-empty", "NAME", "make a shadow with an empty configuration"),
			command('C', "commit", "NAME", "make a shadow the cluster's configuration"),
			command('D', "delete", "NAME", "delete a shadow"),
			{Short: 'E', Long: "edit", Do: func(string) error { s.command = "edit"; return nil }, Group: "command", Help: "open the shadow in use in $EDITOR"},
			command('r', "reset", "NAME", "make a shadow anew from the cluster's configuration"),
			command('s', "switch", "NAME", "use another shadow"),
			{Short: 'f', Long: "force", Do: tool.Flag(&s.force), Group: "other", Help: "do it even if something is overwritten"},
			{Short: 'b', Long: "batch", Do: tool.Flag(&s.batch), Group: "other", Help: "start no shell"},
			{Short: 'a', Long: "all", Do: tool.Flag(&s.all), Group: "other", Help: "with --commit: all of it, with the status"},
			{Short: 'v', Long: "validate-with", Arg: tool.Required, Do: tool.Text(&s.schema), Group: "other", Value: "SCHEMA", Help: "with --create-empty: the schema that it declares"},
		},
	})
	if out == nil {
		return code
	}
	s.out = out
	err := s.run(ctx)
	var f *failure
	if errors.As(err, &f) {
		return out.Finish(f.code, f)
	}
	if err != nil {
		return out.Finish(tool.Error, err)
	}
	return out.Finish(tool.OK, nil)
}

func (s *shadow) run(ctx context.Context) error {
	switch s.command {
	case "":
		return failf(tool.Usage, "Must specify a query or command option\n\n%s", s.out.Help)
	case "commit":
		return s.commit(ctx)
	case "create", "reset":
		return s.create(ctx, s.command == "reset")
	case "create-empty":
		return s.createEmpty()
	case "delete":
		return s.delete()
	case "switch":
		if err := s.exists(); err != nil {
			return err
		}
		return s.setUp("To switch to the named shadow instance")
	}
	// The others are about the shadow in use.
	if s.name = s.env.Getenv("CIB_shadow"); s.name == "" {
		return failf(tool.NoSuch, "No active shadow configuration defined")
	}
	switch s.command {
	case "which":
		s.out.Print("%s\n", s.name)
		s.out.Element("shadow", "instance", s.name)
		return nil
	case "file":
		s.out.Print("%s\n", s.file())
		s.out.Element("shadow", "instance", s.name, "file", s.file())
		return nil
	}
	if err := s.exists(); err != nil {
		return err
	}
	switch s.command {
	case "edit":
		return s.edit()
	case "diff":
		return s.diff(ctx)
	}
	return s.display()
}

func (s *shadow) file() string { return tool.ShadowPath(s.env, s.name) }

// danger is the refusal of what wants --force. what names what would be hurt.
func (s *shadow) danger(code tool.Exit, reason, what string, mismatch bool) error {
	active := s.env.Getenv("CIB_shadow")
	if mismatch && active != "" && active != s.name {
		reason += fmt.Sprintf(".\nAdditionally, the supplied shadow instance (%s) is not the same as the active one (%s)", s.name, active)
	}
	return failf(code, "%s.\nTo prevent accidental destruction of the %s, the --force flag is required in order to proceed.", reason, what)
}

func (s *shadow) exists() error {
	if _, err := os.Stat(s.file()); err != nil {
		return failf(errnoExit(err), "Could not access shadow instance '%s': %s", s.name, tool.Reason(err))
	}
	return nil
}

// open opens the CIB that the shadow is, or will be, a copy of.
func (s *shadow) open(ctx context.Context) (*tool.CIB, error) {
	env := *s.env
	env.Getenv = func(name string) string {
		if name == "CIB_shadow" {
			return ""
		}
		return s.env.Getenv(name)
	}
	c, err := tool.Open(ctx, &env)
	if err != nil {
		return nil, failf(tool.ExitOf(err), "Could not connect to CIB: %s", tool.TextOf(err))
	}
	return c, nil
}

// real gives the CIB that is no shadow.
func (s *shadow) real(ctx context.Context) (*etree.Element, error) {
	c, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	root, err := c.Do(ctx, cib.Request{Op: cib.Query, Verbose: s.out.Verbose > 0})
	if cerr := c.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, failf(tool.ExitOf(err), "Could not query the non-shadow CIB: %s", tool.TextOf(err))
	}
	return root, nil
}

func (s *shadow) read() (*etree.Element, error) {
	root, err := tool.ReadXML(s.env, s.file())
	if err != nil {
		return nil, failf(tool.NoInput, "Could not parse XML from input file '%s'", s.file())
	}
	return root, nil
}

func (s *shadow) write(root *etree.Element, what string) error {
	if err := cib.WriteFile(s.file(), root); err != nil {
		return failf(errnoExit(err), "Could not %s the shadow instance '%s': %s", what, s.name, tool.Reason(err))
	}
	return nil
}

func (s *shadow) commit(ctx context.Context) (err error) {
	if !s.force {
		return s.danger(tool.Usage, "The commit command overwrites the active cluster configuration", "cluster", true)
	}
	if err := s.exists(); err != nil {
		return err
	}
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	failed := func(err error) error {
		return failf(tool.ExitOf(err), "Could not commit shadow instance '%s' to the CIB: %s", s.name, tool.TextOf(err))
	}
	defer func() {
		if cerr := c.Close(); cerr != nil && err == nil {
			err = failed(cerr)
		}
	}()
	root, err := s.read()
	if err != nil {
		return err
	}
	req := cib.Request{Op: cib.Replace, Data: root, Verbose: s.out.Verbose > 0}
	if !s.all {
		req.Section, req.Data = "configuration", root.SelectElement("configuration")
	}
	if _, err := c.Do(ctx, req); err != nil {
		return failed(err)
	}
	return nil
}

func (s *shadow) create(ctx context.Context, reset bool) error {
	what := "create"
	if reset {
		what = "reset"
	}
	if !s.force {
		if reset {
			return s.danger(tool.Usage, "The reset command overwrites the active shadow configuration", "shadow file", true)
		}
		if err := s.absent(); err != nil {
			return err
		}
	}
	root, err := s.real(ctx)
	if err != nil {
		return err
	}
	if err := s.write(root, what); err != nil {
		return err
	}
	return s.setUp("A new shadow instance was created. To begin using it")
}

// absent refuses to overwrite a shadow.
func (s *shadow) absent() error {
	if _, err := os.Stat(s.file()); err == nil {
		return s.danger(tool.CantCreat, fmt.Sprintf("A shadow instance '%s' already exists", s.name), "shadow file", false)
	}
	return nil
}

func (s *shadow) createEmpty() error {
	if !s.force {
		if err := s.absent(); err != nil {
			return err
		}
	}
	root := cib.Empty(s.schema, 0)
	s.out.Info("Created new %s configuration", root.SelectAttrValue("validate-with", ""))
	if err := s.write(root, "create"); err != nil {
		return err
	}
	return s.setUp("A new shadow instance was created. To begin using it")
}

func (s *shadow) delete() error {
	if !s.force {
		return s.danger(tool.Usage, "The delete command removes the specified shadow file", "shadow file", true)
	}
	if err := os.Remove(s.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failf(errnoExit(err), "Could not remove shadow instance '%s': %s", s.name, tool.Reason(err))
	}
	if s.env.Getenv("CIB_shadow") != s.name {
		return nil
	}
	if s.env.Getenv("PS1") == s.prompt() {
		s.instruct("Press Ctrl+D to exit the crm_shadow shell")
	} else {
		s.instruct("Remember to unset the CIB_shadow variable by entering the following into your shell:\n\tunset CIB_shadow")
	}
	return nil
}

func (s *shadow) instruct(text string) {
	s.out.Info("%s", text)
	s.out.Element("instruction").SetText(text)
}

// prompt is how the shell of a shadow asks for commands.
func (s *shadow) prompt() string {
	name := s.name
	if len(name) > 40 {
		name = name[:40]
	}
	return "shadow[" + name + "] # "
}

// setUp leads into the shadow: into a shell of its own, or by telling how.
func (s *shadow) setUp(how string) error {
	shell := s.env.Getenv("SHELL")
	switch {
	case s.env.Getenv("CIB_shadow") == s.name && s.env.Getenv("PS1") == s.prompt():
		return nil
	case s.batch || shell == "":
		s.instruct(how + ", enter the following into your shell:\n\texport CIB_shadow=" + s.name)
		return nil
	}
	s.out.Info("Setting up shadow instance")
	s.instruct("Press Ctrl+D to exit the crm_shadow shell")
	args := []string{shell}
	if filepath.Base(shell) == "bash" {
		args = append(args, "--norc", "--noprofile")
	}
	err := syscall.Exec(shell, args, environ(os.Environ(), "PS1="+s.prompt(), "CIB_shadow="+s.name))
	return failf(errnoExit(err), "Failed to launch shell '%s': %s", shell, tool.Reason(err))
}

// environ is an environment with some variables set anew.
func environ(old []string, set ...string) []string {
	var out []string
	for _, v := range old {
		name, _, _ := strings.Cut(v, "=")
		anew := false
		for _, n := range set {
			anew = anew || strings.HasPrefix(n, name+"=")
		}
		if !anew {
			out = append(out, v)
		}
	}
	return append(out, set...)
}

func (s *shadow) edit() error {
	editor := s.env.Getenv("EDITOR")
	if editor == "" {
		return failf(tool.NotConfigured, "No value for EDITOR defined")
	}
	path, err := exec.LookPath(editor)
	if err == nil {
		err = syscall.Exec(path, []string{editor, s.file()}, os.Environ())
	}
	return failf(tool.OSFile, "Could not invoke EDITOR (%s %s): %s", editor, s.file(), reasonOf(err))
}

// reasonOf is tool.Reason, with the system's words for a program that is not there.
func reasonOf(err error) string {
	if errors.Is(err, exec.ErrNotFound) {
		return tool.Reason(syscall.ENOENT)
	}
	return tool.Reason(err)
}

func (s *shadow) display() error {
	root, err := s.read()
	if err != nil {
		return err
	}
	text := string(xml.FormatText(root))
	s.out.Print("%s\n", strings.TrimRight(text, " \t\n"))
	tool.Add(s.out.Element("shadow", "instance", s.name), "content").CreateCData(text)
	return nil
}

func (s *shadow) diff(ctx context.Context) error {
	old, err := s.real(ctx)
	if err != nil {
		return err
	}
	now, err := s.read()
	if err != nil {
		return err
	}
	el := s.out.Element("shadow", "instance", s.name)
	diff := patch.Diff(old, now, patch.AttributeOrder)
	if diff == nil {
		return nil
	}
	tool.Add(el, "xml-patchset").CreateCData(string(xml.FormatText(diff)))
	for _, line := range patch.Describe(diff) {
		s.out.Print("%s\n", line)
	}
	return &failure{code: tool.Error}
}
