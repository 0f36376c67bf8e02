package node

import (
	"strconv"
	"time"

	"hacluster/corosync/ipc"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	frame "hacluster/internal/ipc"
	"hacluster/internal/lrmd"
)

// serveExecutor serves the executor's protocol (socket lrmd): its clients order operations of the same executor as the
// cluster, see what that does, and what they order is in the history, as what nobody planned.
func (n *Node) serveExecutor(started time.Time) (*ipc.Server, error) {
	core := n.core
	server := &lrmd.Server{
		Executor: core.Executor, StartState: n.cfg.StartState, Started: started, Log: n.log, Alert: (*world)(n).RunAlert,
		Complete: func(op *executor.Op) { op.Node, op.FeatureSet = core.self.Name, controller.FeatureSet },
	}
	core.Executor.Watch(server)
	door := &lrmd.Door{Server: server, Log: n.log, Backlog: n.backlog, Do: func(f func()) {
		n.post(func() {
			core.now = time.Now()
			f()
		})
	}}
	return door.Open()
}

// backlog is how many events may wait for a client that does not read them, by the property cluster-ipc-limit, which
// raises it for root's and hacluster's. It is called from the node's loop.
func (n *Node) backlog(privileged bool) int {
	limit := frame.Backlog
	if set, err := strconv.Atoi(n.core.Controller.Option("cluster-ipc-limit")); err == nil && privileged {
		limit = max(limit, set)
	}
	return limit
}
