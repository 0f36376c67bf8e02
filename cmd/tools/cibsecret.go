package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/internal/client"
	"hacluster/internal/program"
	"hacluster/internal/secret"
	"hacluster/internal/tool"
)

func init() { programs["cibsecret"] = cibsecret }

// secretStore is where secrets are kept.
var secretStore secret.Store

// secrets is one run of cibsecret.
type secrets struct {
	env   *program.Env
	out   *tool.Output
	store secret.Store
	noCIB bool
	// reach runs a command on nodes, copy copies a file or folder to a folder of theirs.
	reach func(ctx context.Context, nodes, command []string) error
	copy  func(ctx context.Context, nodes []string, to, from string) error
	verb  string
}

// errTold is the error of what was told already; its code is the program's.
type errTold tool.Exit

func (e errTold) Error() string { return "" }

// secretVerbs are the subcommands: how many words follow, whether it needs the CIB.
var secretVerbs = []struct {
	name, usage string
	words       int
	cib         bool
	do          func(s *secrets, ctx context.Context, words []string) error
}{
	{"check", "check <resource-id> <resource-parameter>", 2, false, (*secrets).check},
	{"delete", "delete <resource-id> <resource-parameter>", 2, false, (*secrets).delete},
	{"get", "get <resource-id> <resource-parameter>", 2, false, (*secrets).get},
	{"set", "set <resource-id> <resource-parameter> <value>", 3, false, (*secrets).set},
	{"stash", "stash <resource-id> <resource-parameter>", 2, true, (*secrets).stash},
	{"sync", "sync", 0, false, (*secrets).sync},
	{"unstash", "unstash <resource-id> <resource-parameter>", 2, true, (*secrets).unstash},
}

func cibsecret(ctx context.Context, env *program.Env) int {
	s := &secrets{env: env, store: secretStore}
	var words []string
	var code int
	s.out, words, code = tool.Start(env, &tool.Program{
		Summary: "keep sensitive parameters out of the CIB", Usage: "check|delete|get|set|stash|sync|unstash [RESOURCE PARAMETER [VALUE]]",
		Options: []tool.Option{{Short: 'C', Long: "no-cib", Do: tool.Flag(&s.noCIB), Help: "neither read nor write the CIB"}},
	})
	if s.out == nil {
		return code
	}
	if len(words) == 0 {
		return s.out.Finish(tool.Usage, errors.New("Must specify a command option\n\n"+s.out.Help))
	}
	for _, v := range secretVerbs {
		if v.name != words[0] {
			continue
		}
		if len(words) != v.words+1 {
			return s.out.Finish(tool.Usage, errors.New("Usage: "+v.usage))
		}
		if !s.tools() {
			s.out.Fault("Please install one of pssh, pdsh, or ssh")
			return s.out.Finish(tool.NotInstalled, nil)
		}
		if v.cib && s.noCIB {
			s.out.Fault("No access to Pacemaker, %s not supported", v.name)
			return s.out.Finish(tool.Usage, nil)
		}
		s.verb = v.name
		err := v.do(s, ctx, words[1:])
		var told errTold
		switch {
		case err == nil:
			return s.out.Finish(tool.OK, nil)
		case errors.As(err, &told):
			return s.out.Finish(tool.Exit(told), nil)
		}
		s.out.Fault("%v", err)
		return s.out.Finish(tool.Error, nil)
	}
	return s.out.Finish(tool.Usage, errors.New("Invalid subcommand given; valid subcommands: check, delete, get, set, stash, sync, unstash"))
}

// fault tells of an error that has a code of its own.
func (s *secrets) fault(code tool.Exit, format string, args ...any) error {
	s.out.Fault(format, args...)
	return errTold(code)
}

// run runs a program; when it fails, what it said is told, too.
func (s *secrets) run(ctx context.Context, argv ...string) (string, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		// The tools of this house stand beside each other.
		beside := filepath.Join(filepath.Dir(s.env.Args[0]), argv[0])
		if _, there := os.Stat(beside); !strings.Contains(s.env.Args[0], "/") || there != nil {
			return "", s.fault(tool.Error, "Failed to execute child process “%s” (No such file or directory)", argv[0])
		}
		path = beside
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	var exit *exec.ExitError
	code := 0
	switch {
	case !errors.As(err, &exit):
		return "", s.fault(tool.Error, "Failed to execute child process “%s” (%s)", argv[0], tool.Reason(err))
	case exit.Exited():
		code = exit.ExitCode()
		s.out.Fault("Child process exited with code %d", code)
	default:
		s.out.Fault("Child process killed by %v", exit)
	}
	s.out.Print("%s\n%s\n", out.String(), errs.String())
	c := s.out.Element("command", "code", strconv.Itoa(code))
	tool.Add(c, "output", "source", "stdout").SetText(out.String())
	tool.Add(c, "output", "source", "stderr").SetText(errs.String())
	return out.String(), errTold(tool.Error)
}

// tools finds programs that reach other nodes.
func (s *secrets) tools() bool {
	const option = "StrictHostKeyChecking=no"
	has := func(name string) bool { _, err := exec.LookPath(name); return err == nil }
	do := func(ctx context.Context, argv ...string) error { _, err := s.run(ctx, argv...); return err }
	switch {
	case has("pssh"):
		s.reach = func(ctx context.Context, nodes, command []string) error {
			return do(ctx, append([]string{"pssh", "-i", "-H", strings.Join(nodes, " "), "-O", option, "--"}, command...)...)
		}
		s.copy = func(ctx context.Context, nodes []string, to, from string) error {
			return do(ctx, "pscp.pssh", "-H", strings.Join(nodes, " "), "-r", "-x", "-p", "-O", option, "--", from, to)
		}
	case has("pdsh"):
		_ = os.Setenv("PDSH_SSH_ARGS_APPEND", "-o "+option)
		s.reach = func(ctx context.Context, nodes, command []string) error {
			return do(ctx, append([]string{"pdsh", "-w", strings.Join(nodes, ","), "--"}, command...)...)
		}
		s.copy = func(ctx context.Context, nodes []string, to, from string) error {
			return do(ctx, "pdcp", "-pr", "-w", strings.Join(nodes, ","), "--", from, to)
		}
	case has("ssh"):
		s.reach = func(ctx context.Context, nodes, command []string) error {
			for _, n := range nodes {
				if err := do(ctx, append([]string{"ssh", "-o", option, n, "--"}, command...)...); err != nil {
					return err
				}
			}
			return nil
		}
		s.copy = func(ctx context.Context, nodes []string, to, from string) error {
			for _, n := range nodes {
				if err := do(ctx, "scp", "-pqr", "-o", option, from, n+":"+to); err != nil {
					return err
				}
			}
			return nil
		}
	default:
		return false
	}
	return true
}

// resource makes sure that the cluster has the resource.
func (s *secrets) resource(ctx context.Context, id string) error {
	if s.noCIB {
		return nil
	}
	if _, err := s.run(ctx, "crm_resource", "-r", id, "-W"); err != nil {
		return errTold(tool.NoSuch)
	}
	return nil
}

// parameter is a parameter's value in the CIB; false when there is none or it is not known.
func (s *secrets) parameter(ctx context.Context, id, param string) (string, bool) {
	if s.noCIB {
		return "", false
	}
	text, err := s.run(ctx, "crm_resource", "-r", id, "-g", param, "--output-as=xml")
	if err != nil {
		return "", false
	}
	doc, err := xml.ParseString(text)
	if err != nil {
		return "", false
	}
	for _, e := range doc.Root.FindElements("//item") {
		if e.SelectAttrValue("name", "") == param {
			return e.Text(), true
		}
	}
	return "", false
}

func (s *secrets) setParameter(ctx context.Context, id, param, value string) error {
	if s.noCIB {
		return nil
	}
	_, err := s.run(ctx, "crm_resource", "-r", id, "-p", param, "-v", value)
	return err
}

// check holds the local value against its sum.
func (s *secrets) check(ctx context.Context, w []string) error {
	if err := s.resource(ctx, w[0]); err != nil {
		return err
	}
	// Without the CIB it is taken for granted that the parameter is secret.
	if value, ok := s.parameter(ctx, w[0], w[1]); !s.noCIB && (!ok || value != secret.Magic) {
		return s.fault(tool.Config, "Resource %s parameter %s not set as secret, nothing to check", w[0], w[1])
	}
	sum, err := s.store.Sum(w[0], w[1])
	if err != nil {
		return s.fault(tool.NoSuch, "No checksum for resource %s parameter %s", w[0], w[1])
	}
	value, err := s.store.Raw(w[0], w[1])
	if err != nil || secret.Sum(value) != sum {
		return s.fault(tool.Digest, "Checksum mismatch for resource %s parameter %s", w[0], w[1])
	}
	return nil
}

func (s *secrets) get(ctx context.Context, w []string) error {
	if err := s.check(ctx, w); err != nil {
		return err
	}
	value, err := s.store.Raw(w[0], w[1])
	if err != nil {
		return err
	}
	s.out.Info("%s", value)
	return nil
}

func (s *secrets) delete(ctx context.Context, w []string) error {
	if err := s.resource(ctx, w[0]); err != nil {
		return err
	}
	if !s.noCIB { // first, so that no operation looks for a value that is gone
		if _, err := s.run(ctx, "crm_resource", "-r", w[0], "-d", w[1]); err != nil {
			return err
		}
	}
	return s.remove(ctx, w)
}

func (s *secrets) set(ctx context.Context, w []string) error {
	if err := s.resource(ctx, w[0]); err != nil {
		return err
	}
	if now, ok := s.parameter(ctx, w[0], w[1]); ok && now != secret.Magic && now != w[2] {
		return s.fault(tool.Config, "CIB value <%s> different for %s rsc parameter %s; please delete it first", now, w[0], w[1])
	}
	err := s.store.Set(w[0], w[1], w[2])
	var folder *secret.FolderError
	var file *secret.FileError
	switch {
	case errors.As(err, &folder):
		code := tool.Error
		if errors.Is(err, fs.ErrPermission) {
			code = tool.InsufficientPriv
		}
		return s.fault(code, "Could not create directory %s: %s", folder.Path, tool.Reason(folder.Err))
	case errors.As(err, &file):
		return s.fault(tool.IOErr, "Could not create file %s: Input/output error", file.Path)
	case err != nil:
		return err
	}
	if err := s.spread(ctx, w); err != nil {
		return err
	}
	return s.setParameter(ctx, w[0], w[1], secret.Magic)
}

func (s *secrets) stash(ctx context.Context, w []string) error {
	if err := s.resource(ctx, w[0]); err != nil {
		return err
	}
	value, ok := s.parameter(ctx, w[0], w[1])
	switch {
	case !ok:
		return s.fault(tool.NoSuch, "Nothing to stash for resource %s parameter %s", w[0], w[1])
	case value == secret.Magic:
		return s.fault(tool.Exists, "Resource %s parameter %s already set as secret", w[0], w[1])
	}
	return s.set(ctx, append(slices.Clone(w), value))
}

func (s *secrets) unstash(ctx context.Context, w []string) error {
	value, err := s.store.Raw(w[0], w[1])
	if err != nil {
		return s.fault(tool.NoSuch, "Nothing to unstash for resource %s parameter %s", w[0], w[1])
	}
	if err := s.resource(ctx, w[0]); err != nil {
		return err
	}
	if now, _ := s.parameter(ctx, w[0], w[1]); now != secret.Magic {
		s.out.Info("Resource %s parameter %s is not set as secret, but we have a local value so proceeding anyway", w[0], w[1])
	}
	// The CIB first, so that no operation looks for a value that is gone: with many nodes it takes a while until all are told.
	if err := s.setParameter(ctx, w[0], w[1], value); err != nil {
		return err
	}
	return s.remove(ctx, w)
}

// remove takes a value away here and on the other nodes.
func (s *secrets) remove(ctx context.Context, w []string) error {
	if err := s.store.Remove(w[0], w[1]); err != nil {
		return err
	}
	return s.spread(ctx, w)
}

// spread makes a value on the other nodes as it is here.
func (s *secrets) spread(ctx context.Context, w []string) error {
	path, err := s.store.Path(w[0], w[1])
	if err != nil {
		return err
	}
	peers, err := s.peers(ctx)
	if err != nil || peers == nil {
		return err
	}
	if s.verb == "delete" {
		s.out.Info("Deleting %s from %s ...", path, strings.Join(peers, " "))
	} else {
		s.out.Info("Syncing %s to %s ...", path, strings.Join(peers, " "))
	}
	if len(peers) == 0 {
		return nil
	}
	folder := filepath.Dir(path)
	if err := s.reach(ctx, peers, []string{"mkdir", "-p", folder}); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return s.reach(ctx, peers, []string{"rm", "-f", path, path + ".sign"})
	}
	if err := s.copy(ctx, peers, folder, path); err != nil {
		return err
	}
	return s.copy(ctx, peers, folder, path+".sign")
}

// sync makes all secrets on the other nodes as they are here.
func (s *secrets) sync(ctx context.Context, _ []string) error {
	peers, err := s.peers(ctx)
	if err != nil || peers == nil {
		return err
	}
	dir := s.store.Folder()
	s.out.Info("Syncing %s to %s ...", dir, strings.Join(peers, " "))
	if len(peers) == 0 {
		return nil
	}
	// Nothing here must not become nothing anywhere: that would be a mistake, not a wish.
	if _, err := os.Stat(dir); err != nil {
		return s.fault(tool.NoSuch, "There are no secrets in %s to sync", dir)
	}
	if err := s.reach(ctx, peers, []string{"rm", "-rf", dir}); err != nil {
		return err
	}
	if err := s.reach(ctx, peers, []string{"mkdir", "-p", filepath.Dir(dir)}); err != nil {
		return err
	}
	return s.copy(ctx, peers, filepath.Dir(dir), dir)
}

// peers are the other nodes that answer; nil when there are none at all.
func (s *secrets) peers(ctx context.Context) ([]string, error) {
	fault := func() error { return s.fault(tool.Disconnect, "Could not get list of cluster nodes") }
	c, err := tool.Open(ctx, s.env)
	if err != nil {
		return nil, fault()
	}
	defer c.Close() //nolint:errcheck // nothing is written
	root, err := c.Root(ctx)
	if err != nil {
		return nil, fault()
	}
	self := ""
	if tool.Path(s.env) == "" {
		ctl, err := client.DialController(ctx, s.env.Name())
		if err == nil {
			defer ctl.Close()
			var n client.Node
			if n, err = ctl.Local(ctx); err == nil {
				self = n.Name
			}
		}
		if err != nil {
			return nil, s.fault(tool.Disconnect, "Could not get local node name")
		}
	}
	all := slices.DeleteFunc(nodeNames(root), func(n string) bool { return n == self })
	if len(all) == 0 {
		return nil, nil
	}
	up := s.answering(ctx, all)
	for _, n := range all {
		if !slices.Contains(up, n) {
			s.out.Info("Node %s is down - you'll need to update it with `cibsecret sync` later", n)
		}
	}
	return up, nil
}

// nodeNames are the members, guests and remote nodes of a configuration.
func nodeNames(root *etree.Element) []string {
	var out []string
	for _, n := range root.FindElements("configuration/nodes/node") {
		if t := n.SelectAttr("type"); t == nil || t.Value == "member" {
			name := n.SelectAttrValue("uname", n.SelectAttrValue("id", ""))
			out = append(out, name)
		}
	}
	primitives := root.FindElements("configuration//primitive")
	for _, p := range primitives {
		for _, v := range p.FindElements("meta_attributes//nvpair") {
			if v.SelectAttrValue("name", "") == "remote-node" {
				out = append(out, v.SelectAttrValue("value", ""))
			}
		}
	}
	for _, p := range primitives {
		if p.SelectAttrValue("type", "") == "remote" && p.SelectAttrValue("provider", "") == "pacemaker" {
			out = append(out, p.SelectAttrValue("id", ""))
		}
	}
	return out
}

// answering are the nodes that answer a ping. It is never nil.
func (s *secrets) answering(ctx context.Context, all []string) []string {
	up := []string{}
	if _, err := exec.LookPath("fping"); err == nil && os.Geteuid() == 0 {
		text, _ := s.run(ctx, append([]string{"fping", "-a", "-q"}, all...)...)
		return append(up, strings.Fields(text)...)
	}
	for _, n := range all {
		if strings.HasPrefix(n, "-") {
			continue
		}
		if _, err := s.run(ctx, "ping", "-c", "2", "-q", n); err == nil {
			up = append(up, n)
		}
	}
	return up
}
