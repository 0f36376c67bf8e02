package remote

import (
	"context"
	"fmt"
	"time"

	"github.com/beevik/etree"

	"hacluster/corosync/ipc"
	"hacluster/engine/executor"
	frame "hacluster/internal/ipc"
	"hacluster/internal/lrmd"
	"hacluster/ocf"
)

// execute makes the executor of this host. It keeps no history: the cluster does.
func (s *Server) execute() {
	s.kills = map[uint64]context.CancelFunc{}
	s.lrmd = &lrmd.Server{
		Executor: executor.New((*effects)(s)), Provider: s.provide, StartState: s.StartState, Started: s.started, Log: s.Log,
	}
	s.lrmd.Executor.Watch(s.lrmd)
	s.timer = time.AfterFunc(time.Hour, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lrmd.Executor.Tick(time.Now())
		s.rearm()
	})
}

// serveExecutor serves programs of this host that speak to the executor.
func (s *Server) serveExecutor() (*ipc.Server, error) {
	door := &lrmd.Door{
		Server: s.lrmd, Log: s.Log, Backlog: func(bool) int { return frame.Backlog },
		Do: func(f func()) {
			s.mu.Lock()
			defer s.mu.Unlock()
			f()
			s.rearm()
		},
	}
	return door.Open()
}

// rearm has the executor's next time awaited; mu is held.
func (s *Server) rearm() {
	if at := s.lrmd.Executor.Deadline(); !at.IsZero() {
		s.timer.Reset(max(0, time.Until(at)))
	}
}

// effects is the server as its executor sees it; mu is held in all calls.
type effects Server

func (e *effects) Run(run uint64, op executor.Op) {
	s := (*Server)(e)
	ctx, kill := context.WithCancel(context.Background())
	s.kills[run] = kill
	s.Log.Debug("an action begins", "resource", op.Resource, "action", op.Action)
	go func() {
		var res ocf.Result
		if op.Class == ocf.Stonith {
			res = ocf.Result{Code: ocf.CodeUnimplemented, Status: ocf.Unsupported, Reason: "Fence devices do not run on hosts that are no members"}
		} else {
			res = s.Agents.Run(ctx, lrmd.Action(op))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		kill()
		delete(s.kills, run)
		s.lrmd.Executor.Finished(time.Now(), run, lrmd.Result(res))
		s.rearm()
	}()
}

func (e *effects) Kill(run uint64) {
	if kill := e.kills[run]; kill != nil {
		kill()
	}
}

func (e *effects) Traits(executor.Op) executor.Traits    { return executor.Traits{} }
func (e *effects) Record(string, *etree.Element)         {}
func (e *effects) Forget(string, string, string)         {}
func (e *effects) Answer(executor.Op, executor.Result)   {}
func (e *effects) Recorded(executor.Op, executor.Result) {}
func (e *effects) Logf(format string, args ...any)       { e.Log.Info(fmt.Sprintf(format, args...)) }
