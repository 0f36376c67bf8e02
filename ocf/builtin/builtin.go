// Package builtin is resource agents that need no package: IPaddr2, apache,
// Dummy and Stateful. They do the real work, take the parameters of ClusterLabs'
// agents of the same names, and are programs by the OCF interface like any
// agent: action in argv, parameters in the environment, result as exit code.
//
// They run only where the agent of that name is not installed.
package builtin

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hacluster/ocf"
)

// Env is the world as an agent sees it.
type Env struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
}

// param is a parameter's value, or the agent's default for it.
func (e *Env) param(a *agent, name string) string {
	if v := e.Getenv("OCF_RESKEY_" + name); v != "" {
		return v
	}
	for _, p := range a.params {
		if p.name == name {
			return p.def
		}
	}
	return ""
}

func (e *Env) instance() string { return e.Getenv("OCF_RESOURCE_INSTANCE") }

// fail writes a line to the agent's error output, where the cluster reads the reason.
func (e *Env) fail(code int, format string, args ...any) int {
	fmt.Fprintf(e.Stderr, "ocf-exit-reason:"+format+"\n", args...)
	return code
}

type param struct {
	name, def, short string
	required, unique bool
}

type action struct {
	name, timeout, interval, role string
}

type agent struct {
	provider, typ, short, long string
	params                     []param
	actions                    []action
	run                        func(ctx context.Context, e *Env, action string) int
}

func agents() []*agent {
	return []*agent{ipaddr2(), apache(), dummy("heartbeat"), dummy("pacemaker"), stateful()}
}

// List names the built-in agents.
func List() []ocf.Agent {
	var out []ocf.Agent
	for _, a := range agents() {
		out = append(out, ocf.Agent{Class: ocf.OCF, Provider: a.provider, Type: a.typ})
	}
	return out
}

func find(provider, typ string) *agent {
	for _, a := range agents() {
		if a.provider == provider && a.typ == typ {
			return a
		}
	}
	return nil
}

// Has tells whether an agent is built in.
func Has(provider, typ string) bool { return find(provider, typ) != nil }

// Run runs an agent's action and gives its OCF exit code.
func Run(ctx context.Context, provider, typ, action string, e *Env) int {
	a := find(provider, typ)
	if a == nil {
		return e.fail(ocf.CodeNotInstalled, "%s:%s is not built in", provider, typ)
	}
	switch action {
	case "meta-data":
		fmt.Fprint(e.Stdout, a.metadata())
		return ocf.CodeOK
	case "usage", "help":
		fmt.Fprintf(e.Stdout, "usage: %s ACTION, parameters as OCF_RESKEY_* in the environment\n", typ)
		return ocf.CodeOK
	}
	for _, x := range a.actions {
		if x.name != action {
			continue
		}
		if action != "stop" && action != "monitor" {
			for _, p := range a.params {
				if p.required && e.param(a, p.name) == "" {
					return e.fail(ocf.CodeNotConfigured, "parameter %s is required", p.name)
				}
			}
		}
		return a.run(ctx, e, action)
	}
	return e.fail(ocf.CodeUnimplemented, "%s has no action %s", typ, action)
}

func quote(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func (a *agent) metadata() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version=\"1.0\"?>\n<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\">\n<resource-agent name=%q version=\"1.0\">\n<version>1.0</version>\n", a.typ)
	fmt.Fprintf(&b, "<longdesc lang=\"en\">\n%s\n</longdesc>\n<shortdesc lang=\"en\">%s</shortdesc>\n<parameters>\n", quote(a.long), quote(a.short))
	for _, p := range a.params {
		flag := func(v bool) string {
			if v {
				return "1"
			}
			return "0"
		}
		fmt.Fprintf(&b, "<parameter name=%q unique=%q required=%q>\n<longdesc lang=\"en\">\n%s\n</longdesc>\n<shortdesc lang=\"en\">%s</shortdesc>\n", p.name, flag(p.unique), flag(p.required), quote(p.short), quote(p.short))
		if p.def != "" {
			fmt.Fprintf(&b, "<content type=\"string\" default=\"%s\"/>\n", quote(p.def))
		} else {
			b.WriteString("<content type=\"string\"/>\n")
		}
		b.WriteString("</parameter>\n")
	}
	b.WriteString("</parameters>\n<actions>\n")
	for _, x := range append(a.actions, action{name: "meta-data", timeout: "5s"}) {
		fmt.Fprintf(&b, "<action name=%q timeout=%q", x.name, x.timeout)
		if x.interval != "" {
			fmt.Fprintf(&b, " interval=%q depth=\"0\"", x.interval)
		}
		if x.role != "" {
			fmt.Fprintf(&b, " role=%q", x.role)
		}
		b.WriteString("/>\n")
	}
	b.WriteString("</actions>\n</resource-agent>\n")
	return b.String()
}

// stateFile is where an agent without a service of its own remembers that it runs.
func stateFile(e *Env, a *agent) string {
	if f := e.param(a, "state"); f != "" {
		return f
	}
	return filepath.Join("/run", a.typ+"-"+strings.ReplaceAll(e.instance(), "/", "_")+".state")
}

func dummy(provider string) *agent {
	a := &agent{
		provider: provider, typ: "Dummy", short: "Example stateless resource agent",
		long:   "Does nothing but remember, in a file, whether it was started. It is for trying a cluster out.",
		params: []param{{name: "state", short: "The file that remembers the state", unique: true}, {name: "fake", def: "dummy", short: "A parameter that can be changed without effect"}},
		actions: []action{
			{name: "start", timeout: "20s"},
			{name: "stop", timeout: "20s"},
			{name: "monitor", timeout: "20s", interval: "10s"},
			{name: "reload", timeout: "20s"},
			{name: "migrate_to", timeout: "20s"},
			{name: "migrate_from", timeout: "20s"},
			{name: "validate-all", timeout: "20s"},
		},
	}
	a.run = func(_ context.Context, e *Env, action string) int {
		file := stateFile(e, a)
		_, err := os.Stat(file)
		switch action {
		case "start", "migrate_from":
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				return e.fail(ocf.CodeError, "%v", err)
			}
		case "stop", "migrate_to":
			if err == nil {
				if err := os.Remove(file); err != nil {
					return e.fail(ocf.CodeError, "%v", err)
				}
			}
		case "monitor":
			if err != nil {
				return ocf.CodeNotRunning
			}
		}
		return ocf.CodeOK
	}
	return a
}

func stateful() *agent {
	a := &agent{
		provider: "pacemaker", typ: "Stateful", short: "Example stateful resource agent",
		long:   "Remembers, in a file, whether it is started and whether it is promoted. It is for trying promotable clones out.",
		params: []param{{name: "state", short: "The file that remembers the state", unique: true}},
		actions: []action{
			{name: "start", timeout: "20s"},
			{name: "stop", timeout: "20s"},
			{name: "monitor", timeout: "20s", interval: "10s", role: "Promoted"},
			{name: "monitor", timeout: "20s", interval: "11s", role: "Unpromoted"},
			{name: "promote", timeout: "10s"},
			{name: "demote", timeout: "10s"},
			{name: "notify", timeout: "5s"},
			{name: "validate-all", timeout: "20s"},
		},
	}
	a.run = func(_ context.Context, e *Env, action string) int {
		file := stateFile(e, a)
		data, err := os.ReadFile(file)
		set := func(role string) int {
			if err := os.WriteFile(file, []byte(role), 0o644); err != nil {
				return e.fail(ocf.CodeError, "%v", err)
			}
			return ocf.CodeOK
		}
		switch action {
		case "start", "demote":
			return set("unpromoted")
		case "promote":
			if err != nil {
				return e.fail(ocf.CodeNotRunning, "not started")
			}
			return set("promoted")
		case "stop":
			if err == nil {
				if err := os.Remove(file); err != nil {
					return e.fail(ocf.CodeError, "%v", err)
				}
			}
		case "monitor":
			switch {
			case err != nil:
				return ocf.CodeNotRunning
			case string(data) == "promoted":
				return ocf.CodeRunningPromoted
			}
		}
		return ocf.CodeOK
	}
	return a
}
