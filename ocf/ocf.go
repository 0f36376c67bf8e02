// Package ocf finds and runs the agents through which a cluster starts, stops
// and watches services: resource agents of classes ocf, lsb, systemd and
// service, and fence agents (class stonith).
//
// Agents are programs that the distributions ship; they run unmodified. Where an
// ocf agent is not installed but built in (package ocf/builtin), the built-in one
// runs in its place, by the same interface.
//
//	h := ocf.Host{}                                    // this machine
//	names, _ := h.Agents(ocf.OCF, "heartbeat")          // Dummy, IPaddr2 …
//	res := h.Run(ctx, ocf.Action{Agent: a, Resource: "VIP", Name: "start", Params: p, Timeout: 20 * time.Second})
//	res.Code                                            // 0, or what went wrong
package ocf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hacluster/ocf/systemd"
)

// The classes (standards) of agents.
const (
	OCF     = "ocf"
	LSB     = "lsb"
	Systemd = "systemd"
	Service = "service"
	Stonith = "stonith"
)

// Agent names an agent: class, provider (class ocf only) and type.
type Agent struct{ Class, Provider, Type string }

func (a Agent) String() string {
	if a.Provider != "" {
		return a.Class + ":" + a.Provider + ":" + a.Type
	}
	return a.Class + ":" + a.Type
}

// ErrNotInstalled is wrapped by errors about an agent that is not there.
var ErrNotInstalled = errors.New("agent is not installed")

// Host is where agents are looked for. The zero value is this machine.
type Host struct {
	Root     string   // of OCF, "/usr/lib/ocf" if empty
	FenceDir string   // of fence agents, "/usr/sbin" if empty
	InitDir  string   // of LSB scripts, "/etc/init.d" if empty
	WorkDir  string   // that agents start in, "/" if empty or not there
	Umask    int      // what the files that agents make are not permitted, 0: as this process's
	Env      []string // what every agent finds in its environment; PATH of this process if it names none
	// BuiltIn runs an agent that is built in: the argv to start it, nil for none.
	BuiltIn func(provider, typ string) []string
	// BuiltInList names the built-in agents of a provider; a nil one has none.
	BuiltInList func() []Agent
	// Secret gives the value of a parameter whose value in the configuration is
	// SecretMagic; nil where there are no secrets: then it is given as it is.
	Secret func(resource, param string) (string, error)
	// RunDir keeps which agents run that change a resource, so that the next process waits for them, see awaitEarlier; "": nothing does.
	RunDir string
	// Systemd is the manager of systemd's units; nil where there is no systemd.
	Systemd *systemd.Manager
}

func (h *Host) root() string     { return either(h.Root, "/usr/lib/ocf") }
func (h *Host) fenceDir() string { return either(h.FenceDir, "/usr/sbin") }
func (h *Host) initDir() string  { return either(h.InitDir, "/etc/init.d") }

// Dir is where agents start.
func (h *Host) Dir() string {
	if fi, err := os.Stat(h.WorkDir); h.WorkDir != "" && err == nil && fi.IsDir() {
		return h.WorkDir
	}
	return "/"
}

func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Standards are the classes that this host has agents of, sorted.
func (h *Host) Standards() []string {
	var out []string
	if p, err := h.Providers(); err == nil && len(p) > 0 {
		out = append(out, OCF)
	}
	lsb, _ := h.Agents(LSB, "")
	if len(lsb) > 0 {
		out = append(out, LSB)
	}
	out = append(out, Service)
	if f, err := h.Agents(Stonith, ""); err == nil && len(f) > 0 {
		out = append(out, Stonith)
	}
	if units, err := h.systemdUnits(); err == nil && len(units) > 0 {
		out = append(out, Systemd)
	}
	slices.Sort(out)
	return out
}

// Providers are the providers of ocf agents, sorted.
func (h *Host) Providers() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(h.root(), "resource.d"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if fi, err := os.Stat(filepath.Join(h.root(), "resource.d", e.Name())); err == nil && fi.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, e.Name())
		}
	}
	if h.BuiltInList != nil {
		for _, a := range h.BuiltInList() {
			if !slices.Contains(out, a.Provider) {
				out = append(out, a.Provider)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Agents lists the types of a class (and provider, for ocf), sorted as C sorts.
func (h *Host) Agents(class, provider string) ([]string, error) {
	var out []string
	switch class {
	case OCF:
		if provider == "" || strings.ContainsAny(provider, "/\x00") || provider == ".." {
			return nil, fmt.Errorf("%q is not a provider", provider)
		}
		out = programs(filepath.Join(h.root(), "resource.d", provider), "")
		if h.BuiltInList != nil {
			for _, a := range h.BuiltInList() {
				if a.Provider == provider && !slices.Contains(out, a.Type) {
					out = append(out, a.Type)
				}
			}
		}
	case LSB:
		out = programs(h.initDir(), "")
	case Stonith:
		out = programs(h.fenceDir(), "fence_")
		out = slices.DeleteFunc(out, func(s string) bool {
			return slices.Contains(notAgents, s)
		})
	case Systemd:
		return h.systemdUnits()
	case Service:
		units, err := h.systemdUnits()
		if err != nil {
			return nil, err
		}
		out = append(units, programs(h.initDir(), "")...)
		slices.Sort(out)
		return slices.Compact(out), nil
	default:
		return nil, fmt.Errorf("%q is not a class of agents", class)
	}
	slices.Sort(out)
	return out, nil
}

// notAgents are programs named like fence agents that are none.
var notAgents = []string{"fence_ack_manual", "fence_check", "fence_node", "fence_tool", "fence_virtd", "fence_legacy", "fence_na", "fence_pcmk", "fence_sanlockd", "fence_virt_ctl"}

// programs lists what can be run in a folder.
func programs(dir, prefix string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !strings.HasPrefix(e.Name(), prefix) || strings.HasSuffix(e.Name(), ".metadata") {
			continue
		}
		if fi, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			out = append(out, e.Name())
		}
	}
	return out
}

// argv is how an agent's program is started, without the action.
func (h *Host) argv(a Agent) ([]string, error) {
	if a.Type == "" || strings.Contains(a.Type, "/") || strings.Contains(a.Provider, "/") || a.Provider == ".." {
		return nil, fmt.Errorf("%s: %w", a, ErrNotInstalled)
	}
	var path string
	switch a.Class {
	case OCF:
		path = filepath.Join(h.root(), "resource.d", a.Provider, a.Type)
	case LSB:
		path = filepath.Join(h.initDir(), a.Type)
	case Stonith:
		path = filepath.Join(h.fenceDir(), a.Type)
	default:
		return nil, fmt.Errorf("%s: %w", a, ErrNotInstalled)
	}
	if _, err := os.Stat(path); err == nil {
		return []string{path}, nil // whether it can be run is seen when it is
	}
	if a.Class == OCF && h.BuiltIn != nil {
		if argv := h.BuiltIn(a.Provider, a.Type); argv != nil {
			return argv, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", a, ErrNotInstalled)
}

// Installed tells whether the agent is there.
func (h *Host) Installed(a Agent) bool {
	switch a.Class {
	case Systemd:
		return h.unitExists(a.Type)
	case Service:
		return h.Installed(Agent{Class: LSB, Type: a.Type}) || h.unitExists(a.Type)
	}
	_, err := h.argv(a)
	return err == nil
}
