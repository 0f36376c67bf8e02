// Package session is what a verb of pcs is given: the options, the streams, the dialect,
// the CIB and corosync.conf that it works on, agents, services and other nodes.
package session

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hacluster/internal/dialect"
	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcsd/client"
	"hacluster/internal/program"
)

// World is what the process that runs pcs hands in.
type World struct {
	// Cluster is the local daemon; nil where none can be reached.
	Cluster live.Cluster
	// Programs runs crm_mon and the others; nil runs them as processes.
	Programs live.Programs
	// Services are the host's; nil uses systemctl.
	Services live.Services
	// Agents is where agents come from; PCS_AGENT_METADATA_DIR in the environment overrides it.
	Agents agents.Source
	// Actions runs agents by hand; nil where they cannot be run.
	Actions live.Agents
	// Ordinary has the user be no root, even where the process is root's.
	Ordinary bool
	// Wire, if given, stands between pcs and other hosts.
	Wire func(http.RoundTripper) http.RoundTripper
	// Host are the paths of this host; the zero value is the usual ones.
	Host Paths
}

// Paths are the files of a host.
type Paths struct {
	Dialect      string // /etc/hacluster/dialect
	CorosyncConf string // /etc/corosync/corosync.conf
	CorosyncKey  string // /etc/corosync/authkey
	UIDGIDDir    string // /etc/corosync/uidgid.d/
	PacemakerKey string // /etc/pacemaker/authkey
	CIBDir       string // /var/lib/pacemaker/cib
	PcsdDir      string // /var/lib/pcsd
	BoothDir     string // /etc/booth
	SBDConfig    string // see SBDFile
}

// withDefaults fills empty paths, from the environment where pcs has a setting for it.
func (p Paths) withDefaults(getenv func(string) string) Paths {
	def := func(s *string, env, path string) {
		if *s == "" {
			*s = path
			if v := getenv(env); env != "" && v != "" {
				*s = v
			}
		}
	}
	def(&p.Dialect, "", dialect.Path)
	def(&p.CorosyncConf, "PCS_COROSYNC_CONF_FILE", "/etc/corosync/corosync.conf")
	def(&p.CorosyncKey, "", "/etc/corosync/authkey")
	def(&p.UIDGIDDir, "PCS_COROSYNC_UIDGID_DIR", "/etc/corosync/uidgid.d/")
	def(&p.PacemakerKey, "", "/etc/pacemaker/authkey")
	def(&p.CIBDir, "", "/var/lib/pacemaker/cib")
	def(&p.PcsdDir, "STATE_DIRECTORY", "/var/lib/pcsd")
	def(&p.BoothDir, "", "/etc/booth")
	return p
}

// Session is one command being carried out.
type Session struct {
	Ctx context.Context
	Env *program.Env
	// Version is the dialect; Fixed tells that it was asked for and not only the default.
	Version dialect.Version
	Fixed   bool
	Opts    *argv.Options
	Out     *report.Console
	Style   report.Style
	World   World
	Paths   Paths
	// Command are the words that led to the running verb, for its usage text.
	Command []string

	cib        cibState
	stdin      *bufio.Reader
	remote     *client.Client
	remoteOnce sync.Once // calls to many nodes begin at once
	hosts      *client.Hosts
	hostsOnce  sync.Once
	conf       *confState
	fenced     *fencedCache
}

// New makes a session for a dialect.
func New(ctx context.Context, env *program.Env, w World, v dialect.Version, opts *argv.Options) *Session {
	s := &Session{Ctx: ctx, Env: env, Opts: opts, World: w, Paths: w.Host.withDefaults(env.Getenv)}
	s.Out = &report.Console{Stdout: env.Stdout, Stderr: env.Stderr, DebugOn: opts.Has("--debug"), Records: env.Getenv(report.RecordsVariable) != ""}
	s.SetVersion(v)
	if opts.Has("--corosync_conf") {
		s.Paths.CorosyncConf = opts.Value("--corosync_conf")
	}
	if dir := env.Getenv("PCS_AGENT_METADATA_DIR"); dir != "" {
		s.World.Agents = agents.Folder{Dir: dir}
	}
	if s.World.Agents == nil {
		s.World.Agents = agents.Folder{Dir: "/nonexistent"}
	}
	if s.World.Programs == nil {
		s.World.Programs = processes{}
	}
	if s.Out.DebugOn {
		d := &debugger{out: s.Out}
		s.World.Programs, s.World.Wire = toldPrograms{s.World.Programs, d}, d.wire(s.World.Wire)
	}
	if s.World.Services == nil {
		s.World.Services = Systemctl{s.World.Programs}
	}
	return s
}

// SetVersion changes the dialect.
func (s *Session) SetVersion(v dialect.Version) {
	s.Version = v
	s.Out.Minor = v[1]
	s.Style = report.Style{Minor: v[1]}
}

// RecordedDialect is the dialect that the cluster of this host was set up in; "" where none is recorded. It goes to other
// nodes with corosync.conf, whatever is spoken for one command.
func (s *Session) RecordedDialect() string {
	v, recorded, err := dialect.Current(func(string) string { return "" }, s.Paths.Dialect)
	if err != nil || !recorded {
		return ""
	}
	return v.String()
}

// Legacy tells whether the dialect is 0.9.
func (s *Session) Legacy() bool { return s.Version.Legacy() }

// Only refuses options of the command line but those named, as pcs does from 0.10 on: 0.9 never refused any.
func (s *Session) Only(options ...string) error {
	if s.Legacy() {
		return nil
	}
	return s.Opts.Only(options...)
}

// Minor is the dialect's generation: 9, 10, 11 or 12.
func (s *Session) Minor() int { return s.Version[1] }

// Since tells whether the dialect is 0.minor.patch or newer.
func (s *Session) Since(minor, patch int) bool {
	return s.Version.AtLeast(dialect.Version{0, minor, patch})
}

// File tells whether -f was given, and which file.
func (s *Session) File() (string, bool) { return s.Opts.Value("-f"), s.Opts.Has("-f") }

// Live tells whether the verb works on the running cluster.
func (s *Session) Live() bool { return !s.Opts.Has("-f") }

// KeyValues reads name=value words with the dialect's complaints.
func (s *Session) KeyValues(args []string) (argv.Pairs, error) {
	if s.Legacy() {
		return argv.KeyValues09(args)
	}
	return argv.KeyValues(args)
}

// Deprecated tells that a form goes away.
func (s *Session) Deprecated(text string) { s.Out.Deprecated(text) }

// Ask writes a prompt and reads a line from standard input; where that has ended, the answer is empty.
func (s *Session) Ask(prompt string) (string, error) {
	s.Out.Raw(prompt)
	if s.stdin == nil {
		s.stdin = bufio.NewReader(s.Env.Stdin)
	}
	line, err := s.stdin.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// Interactive tells whether standard input is a terminal.
func (s *Session) Interactive() bool {
	f, ok := s.Env.Stdin.(*os.File)
	if !ok {
		return false
	}
	return isTerminal(f)
}

// AskPassword is Ask without echo where standard input is a terminal.
func (s *Session) AskPassword(prompt string) (string, error) {
	f, ok := s.Env.Stdin.(*os.File)
	if !ok || !isTerminal(f) {
		return s.Ask(prompt)
	}
	restore, err := noEcho(f)
	if err != nil {
		return s.Ask(prompt)
	}
	defer func() { restore(); s.Out.Raw("\n") }()
	return s.Ask(prompt)
}

// Remote is the client that talks to pcsd of other nodes.
func (s *Session) Remote() *client.Client {
	s.remoteOnce.Do(func() {
		s.remote = client.New(client.Config{
			StateDir: s.Paths.PcsdDir, Home: s.Env.Getenv("HOME"), Getenv: s.Env.Getenv, Root: s.Root(),
			ConnectTimeout: s.RequestTimeout(client.ConnectTimeout), Wire: s.World.Wire,
		})
	})
	return s.remote
}

// CIBFile is the CIB on this host's disk.
func (s *Session) CIBFile() string { return filepath.Join(s.Paths.CIBDir, "cib.xml") }

// Answers are the options that answer Confirm's questions, in the generation that is spoken.
func (s *Session) Answers() []string {
	if s.Minor() >= 12 {
		return []string{"--force", "--yes"}
	}
	return []string{"--force"}
}

// Confirm warns and asks whether to go on; Answers say yes, and without a terminal it is an error.
func (s *Session) Confirm(warning string) (bool, error) {
	options := s.Answers()
	answer := options[len(options)-1]
	if s.Opts.Has("--force") && !s.Opts.Has("--yes") && answer == "--yes" {
		s.Deprecated("Using --force to confirm this action is deprecated and might be removed in a future release, use --yes instead")
	}
	if s.Opts.Has("--force") || s.Opts.Has("--yes") {
		s.Out.Warn(warning)
		return true, nil
	}
	if !s.Interactive() {
		return false, report.Fatal(warning + ", use " + answer + " to override")
	}
	s.Out.Print("WARNING: " + warning)
	said, err := s.Ask("Type 'yes' or 'y' to proceed, anything else to cancel: ")
	if err != nil {
		return false, err
	}
	if said == "yes" || said == "y" {
		return true, nil
	}
	s.Out.Print("Canceled")
	return false, nil
}

// DefaultPaths fills empty paths with the usual ones, or with what the environment says.
func DefaultPaths(p Paths, getenv func(string) string) Paths { return p.withDefaults(getenv) }
