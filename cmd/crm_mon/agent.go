package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
)

// teller runs a program (--external-agent) for everything that was done in the cluster
// since it last looked: for each completed operation, but not for a probe that found
// what was expected, and where asked for each fencing.
type teller struct {
	env                *program.Env
	agent, recipient   string
	fencings           bool
	known              map[string]string // operations by node and id, with what they came to
	fenced             map[string]bool
	looked, fencLooked bool
}

func newTeller(r *request, env *program.Env) *teller {
	return &teller{env: env, agent: r.agent, recipient: r.recipient, fencings: r.watchFencing}
}

// happened is what a program is told of.
type happened struct {
	node, rsc, task, desc string
	rc, target, execution int64
}

func (t *teller) tell(ctx context.Context, m tui.Snapshot) {
	if t.agent == "" {
		return
	}
	for _, h := range t.news(m) {
		t.run(ctx, h)
	}
}

// news are the operations that ended since the last look; the first look knows all as old.
func (t *teller) news(m tui.Snapshot) (list []happened) {
	now := map[string]string{}
	for _, state := range m.Root.FindElements("./status/node_state") {
		node := state.SelectAttrValue("uname", state.SelectAttrValue("id", ""))
		for _, op := range state.FindElements("./lrm/lrm_resources/lrm_resource/lrm_rsc_op") {
			key := node + "\x00" + op.Parent().SelectAttrValue("id", "") + "\x00" + op.SelectAttrValue("id", "")
			mark := op.SelectAttrValue("transition-magic", "") + "\x00" + op.SelectAttrValue("call-id", "") + "\x00" + op.SelectAttrValue("last-rc-change", "")
			now[key] = mark
			if !t.looked || t.known[key] == mark {
				continue
			}
			if h, ok := operation(node, op); ok {
				list = append(list, h)
			}
		}
	}
	t.known, t.looked = now, true
	if !t.fencings || m.FencingErr != nil {
		return list
	}
	fenced := map[string]bool{}
	for _, f := range m.Fencing {
		if f.State == "pending" {
			continue
		}
		key := f.ID + "\x00" + f.Target + "\x00" + f.At.Format(time.RFC3339Nano)
		fenced[key] = true
		if t.fencLooked && !t.fenced[key] {
			list = append(list, fencedNews(f))
		}
	}
	t.fenced, t.fencLooked = fenced, true
	return list
}

// operation is what an entry of the history says; false if nobody is to be told.
func operation(node string, op *etree.Element) (happened, bool) {
	num := func(name string, otherwise int64) int64 {
		if n, ok := status.ParseInt(op.SelectAttrValue(name, "")); ok {
			return n
		}
		return otherwise
	}
	h := happened{
		node: node, rsc: op.Parent().SelectAttrValue("id", ""), task: op.SelectAttrValue("operation", ""),
		rc: num("rc-code", 193), execution: num("op-status", -1), desc: "OK",
	}
	h.target = expected(op)
	switch {
	case h.execution == -1:
		return h, false
	case h.execution == 0 && h.rc == h.target:
		if h.rc == 7 {
			return h, false
		}
	case h.execution == 0:
		h.desc = screen.ExitText(h.rc)
	default:
		h.desc = screen.StatusText(h.execution)
	}
	return h, true
}

// expected is the exit code that the transition reckoned with: the third part of its key.
func expected(op *etree.Element) int64 {
	parts := strings.SplitN(op.SelectAttrValue("transition-key", ""), ":", 4)
	if len(parts) == 4 {
		if n, ok := status.ParseInt(parts[2]); ok {
			return n
		}
	}
	return 0
}

func fencedNews(f screen.Fencing) happened {
	h := happened{node: f.Target, task: f.Action}
	by, how := f.Delegate, "OK"
	if by == "" {
		by = "the cluster"
	}
	if f.State == "failed" {
		h.rc, how = 1, "Error"
		if f.Reason != "" {
			how += " (" + f.Reason + ")"
		}
	}
	h.desc = fmt.Sprintf("Operation %s of %s by %s for %s@%s: %s (ref=%s)", f.Action, f.Target, by, f.Client, f.Origin, how, f.ID)
	return h
}

func (t *teller) run(ctx context.Context, h happened) {
	cmd := exec.CommandContext(ctx, t.agent)
	cmd.Env = append(os.Environ(),
		"CRM_notify_recipient="+t.recipient, "CRM_notify_node="+h.node, "CRM_notify_task="+h.task, "CRM_notify_desc="+h.desc,
		"CRM_notify_rc="+strconv.FormatInt(h.rc, 10), "CRM_notify_target_rc="+strconv.FormatInt(h.target, 10), "CRM_notify_status="+strconv.FormatInt(h.execution, 10))
	if h.rsc != "" {
		cmd.Env = append(cmd.Env, "CRM_notify_rsc="+h.rsc)
	}
	// A program that takes its time does not hold the page up.
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(t.env.Stderr, "crm_mon: %v\n", err)
		return
	}
	go func() { _ = cmd.Wait() }()
}

// background is how a process that was started by detach knows itself.
const background = "HACLUSTER_CRM_MON_BACKGROUND"

func inBackground(env *program.Env) bool { return env.Getenv(background) != "" }

// detach starts this program again, in a session of its own.
func detach(env *program.Env) int {
	self, err := os.Executable()
	if err == nil {
		cmd := exec.Command(self, env.Args[1:]...)
		cmd.Args[0] = env.Args[0]
		cmd.Env = append(os.Environ(), background+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err = cmd.Start(); err == nil {
			err = cmd.Process.Release()
		}
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", errors.Join(errors.New("cannot run in the background"), err))
		return exitIO
	}
	return 0
}
