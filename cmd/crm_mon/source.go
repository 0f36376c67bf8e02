package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hacluster/cib"
	"hacluster/cib/upgrade"
	corosync "hacluster/corosync/client"
	"hacluster/internal/client"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

// source is where the cluster's state comes from: a file, a shadow, or the
// cluster itself.
type source struct {
	env  *program.Env
	file string // given on the command line; "" leaves it to the environment
}

func (s source) environment() *program.Env {
	e := *s.env
	if s.file != "" {
		e.Getenv = func(name string) string {
			switch name {
			case "CIB_file":
				return s.file
			case "CIB_shadow":
				return ""
			}
			return s.env.Getenv(name)
		}
	}
	return &e
}

func (s source) isFile() bool { return tool.Path(s.environment()) != "" }

// isLive tells whether the daemons of the cluster can be asked: it is not a file, nor that of other hosts.
func (s source) isLive() bool { return !s.isFile() && !tool.Elsewhere(s.environment()) }

// limit is how long one reading of the running cluster may take.
const limit = 30 * time.Second

// read reads the state once; fenced asks for the history of fencing, too.
func (s source) read(ctx context.Context, fenced bool) (tui.Snapshot, error) {
	if s.isFile() {
		c, err := tool.Open(ctx, s.environment())
		if err != nil {
			return tui.Snapshot{}, err
		}
		root, err := c.Root(ctx)
		if err != nil {
			return tui.Snapshot{}, err
		}
		if root.SelectAttrValue("validate-with", "") == "none" {
			fmt.Fprintln(s.env.Stderr, tool.Unchecked)
			return tui.Snapshot{Root: root, At: time.Now()}, nil
		}
		res, err := upgrade.ForSchedulerValid(root) // Open has held it against its schema
		tool.TellUpgrade(s.env.Stderr, res.Messages)
		if err != nil {
			return tui.Snapshot{}, &cib.Error{Code: cib.SchemaValidation}
		}
		return tui.Snapshot{Root: res.Root, At: time.Now()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	m, err := readCluster(ctx, s.environment(), fenced)
	tool.TellWhy(s.environment(), err)
	return m, err
}

// readCluster reads the running cluster once.
func readCluster(ctx context.Context, env *program.Env, fenced bool) (tui.Snapshot, error) {
	c, err := tool.DialCIB(ctx, env)
	if err != nil {
		return tui.Snapshot{}, err
	}
	defer c.Close()
	root, err := c.Query(ctx)
	if err != nil {
		return tui.Snapshot{}, err
	}
	return newMirror(root).snapshot(more(ctx, env, fenced)), nil
}

// more is what other daemons than the CIB manager know now. What they do not answer is missing on
// the page, no more. Those of a cluster of other hosts cannot be asked.
func more(ctx context.Context, env *program.Env, fenced bool) tui.Snapshot {
	m := tui.Snapshot{At: time.Now()}
	if tool.Elsewhere(env) {
		return m
	}
	if fenced {
		m.Fencing, m.FencingErr = fencingHistory(ctx)
	}
	if c, err := client.DialController(ctx, "crm_mon"); err == nil {
		defer c.Close()
		if n, err := c.Local(ctx); err == nil {
			m.LocalNode = n.Name
		}
	}
	m.Votes, m.Token = votes(ctx), token(ctx)
	return m
}

// token asks Corosync how the ring's token fares; nil where it does not say.
func token(ctx context.Context) *tui.Token {
	m, err := corosync.DialCmap(ctx)
	if err != nil {
		return nil
	}
	defer m.Close()
	limit, err := m.Uint(ctx, "runtime.config.totem.token")
	if err != nil || m.UseStats(ctx) != nil {
		return nil
	}
	mean, err := m.Uint(ctx, "stats.srp.mtt_rx_token")
	if err != nil {
		return nil
	}
	return &tui.Token{Mean: time.Duration(mean) * time.Millisecond, Limit: time.Duration(limit) * time.Millisecond}
}

// votes asks Corosync how the quorum stands; nil where it does not say.
func votes(ctx context.Context) *tui.Votes {
	v, err := corosync.DialVotequorum(ctx)
	if err != nil {
		return nil
	}
	defer v.Close()
	i, err := v.Info(ctx, 0)
	if err != nil {
		return nil
	}
	return &tui.Votes{Expected: int(i.Expected), Total: int(i.Total), Quorum: int(i.Quorum)}
}

// unusable says why a state could not be read, in the program's words.
func (s source) unusable(err error) (int, string) {
	var e *cib.Error
	if tool.Elsewhere(s.environment()) {
		return 0, "Could not connect to the CIB: " + tool.TextOf(err)
	}
	if !s.isFile() {
		return exitDisconnected, "Connection to cluster failed: Connection refused"
	}
	if errors.As(err, &e) && e.Code == cib.NotFound {
		return 0, "Could not connect to the CIB: No such device or address"
	}
	return 0, "Could not connect to the CIB: Update does not conform to the configured schema"
}

// fencingHistory asks the fencer what was fenced, newest first.
func fencingHistory(ctx context.Context) ([]screen.Fencing, error) {
	f, err := client.DialFencer(ctx, "crm_mon")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := f.History(ctx, "")
	if err != nil {
		return nil, err
	}
	return screen.HistoryOf(h), nil
}
