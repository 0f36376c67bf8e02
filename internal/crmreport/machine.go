package crmreport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Machine is the host that a report is made on. Tests hand in their own.
type Machine struct {
	// Root stands before the paths of the host's files, "" for none.
	Root string
	// Name is the host's name, as uname -n tells it.
	Name string
	// Home and Dir are the folders where a report goes without a name, and with one that is not absolute.
	Home, Dir string
	Getenv    func(string) string
	// Run runs a program with the words of its command line and answers what it wrote; the error tells that there is none.
	Run func(ctx context.Context, input string, argv ...string) (Result, error)
	// Ask has pcsd of another node make a report of its own, with the given words for crm_report: the packed report. nil where there is no pcsd.
	Ask    func(ctx context.Context, node string, words []string) ([]byte, error)
	Stderr io.Writer
	Now    func() time.Time
}

// Result is what a program wrote, and the code that it ended with.
type Result struct {
	Stdout, Stderr []byte
	Code           int
}

// patience is how long a program may take that tells about the host: a daemon that hangs must not keep the report from being made.
const patience = 2 * time.Minute

// Run is Machine.Run of this machine: programs that stand beside this one come before those on PATH.
func Run(ctx context.Context, input string, argv ...string) (Result, error) {
	path := argv[0]
	if !strings.Contains(path, "/") {
		if self, err := os.Executable(); err == nil {
			if p := filepath.Join(filepath.Dir(self), path); executable(p) {
				path = p
			}
		}
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Args[0] = argv[0]
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = 5 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	r := Result{Stdout: out.Bytes(), Stderr: errs.Bytes()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		r.Code, err = exit.ExitCode(), nil
	}
	return r, err
}

func executable(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().IsRegular() && i.Mode().Perm()&0o111 != 0
}

func (m *Machine) path(p string) string { return m.Root + p }

// has tells whether a file of the host is there.
func (m *Machine) has(p string) bool {
	_, err := os.Stat(m.path(p))
	return err == nil
}

// tell runs a program; what it wrote to both streams comes back, "" without the program.
func (m *Machine) tell(ctx context.Context, argv ...string) string {
	r, _ := m.try(ctx, argv...)
	return string(r.Stdout) + string(r.Stderr)
}

// try runs a program; there tells whether there is one.
func (m *Machine) try(ctx context.Context, argv ...string) (r Result, there bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := m.Run(ctx, "", argv...)
	return r, !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, os.ErrNotExist)
}

// hasProgram tells whether there is a program, which need not be harmless to run.
func (m *Machine) hasProgram(name string) bool {
	for _, dir := range append(filepath.SplitList(m.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if executable(filepath.Join(m.path(dir), name)) {
			return true
		}
	}
	return false
}

// roles are our words for the originals' daemons.
var roles = map[string]string{"corosync": "corosync", "pacemaker-controld": "pacemaker", "pacemaker-remoted": "pacemaker-remote"}

// running tells whether one of the daemons runs, the original's or ours.
func (m *Machine) running(daemons ...string) bool {
	files, _ := filepath.Glob(m.path("/proc/[0-9]*/cmdline"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || len(data) == 0 {
			continue
		}
		argv := strings.Split(string(data), "\x00")
		name := strings.TrimSuffix(filepath.Base(strings.Fields(argv[0] + " ?")[0]), ":")
		for _, d := range daemons {
			switch {
			case name == d, name == "pacemakerd" && d == "pacemaker-controld":
				return true
			case name == "clusterd" && len(argv) > 1 && roles[d] == argv[1]:
				return true
			}
		}
	}
	return false
}

// changed are the files below dirs that changed after from and not after to, with those folders before their names.
func (m *Machine) changed(from, to time.Time, dirs ...string) []string {
	var list []string
	for _, dir := range dirs {
		_ = filepath.WalkDir(m.path(dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil //nolint:nilerr // what cannot be read is left out
			}
			if i, err := d.Info(); err == nil && i.ModTime().After(from) && !i.ModTime().After(to) {
				list = append(list, path)
			}
			return nil
		})
	}
	slices.Sort(list)
	return list
}
