package main

import (
	"context"
	"fmt"

	"hacluster/engine/option"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/optionlist"
	"hacluster/internal/tool/resource"
)

// part is one of Pacemaker's daemons that the role pacemaker is instead of. Programs ask them, by their names and with the word metadata, which
// options there are.
type part struct {
	summary string
	list    func() optionlist.List // of its options; nil: it has none
}

// parts are these daemons by their names.
var parts = map[string]part{
	"pacemaker-attrd": {summary: "the daemon of nodes' attributes"},
	"pacemaker-execd": {summary: "the daemon that runs resource agents"},
	option.CIBManager: {"the daemon of the CIB", optionsOf(option.CIBManager, "Options of the CIB manager", "Options of the cluster that the CIB manager goes by.")},
	option.Controller: {"the daemon that leads the cluster", optionsOf(option.Controller, "Options of the controller", "Options of the cluster that the controller goes by.")},
	option.Scheduler:  {"the daemon that plans", optionsOf(option.Scheduler, "Options of the scheduler", "Options of the cluster that the scheduler goes by.")},
	"pacemaker-fenced": {"the daemon that fences nodes", func() optionlist.List {
		l := resource.FencingParameters()
		l.Name = "pacemaker-fenced"
		return l
	}},
}

func optionsOf(daemon, title, help string) func() optionlist.List {
	return func() optionlist.List {
		return optionlist.List{Name: daemon, Title: title, Help: help, Options: optionlist.Of(option.Of(daemon))}
	}
}

// run is the daemon's command line. It does not start: pacemakerd is all of them.
func (p part) run(_ context.Context, env *program.Env) int {
	var ignored bool
	var text string
	out, words, code := tool.Start(env, &tool.Program{
		Summary: p.summary + "; pacemakerd does its work, and with the word metadata this tells of its options", Usage: "[metadata]", Glued: "lr", NoOutput: true,
		Options: []tool.Option{
			{Short: 's', Long: "stand-alone", Do: tool.Flag(&ignored)},
			{Short: 'w', Long: "disk-writes", Do: tool.Flag(&ignored)},
			{Short: 'l', Long: "logfile", Arg: tool.Required, Do: tool.Text(&text)},
			{Short: 'r', Long: "cib-root", Arg: tool.Required, Do: tool.Text(&text)},
		},
	})
	switch {
	case out == nil:
		return code
	case len(words) == 1 && words[0] == "metadata" && p.list != nil:
		out.Print("%s", p.list().Metadata())
		return out.Finish(tool.OK, nil)
	case len(words) > 0:
		return out.Finish(tool.Usage, fmt.Errorf("%s: not understood; what there is to ask for is metadata, of the daemons that have options", words[0]))
	}
	return out.Finish(tool.Fatal, fmt.Errorf("this is no daemon of its own: pacemakerd does its work, and that of the others"))
}
