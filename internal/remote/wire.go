// Package remote is Pacemaker Remote: how a cluster node reaches a host that runs
// services but takes no part in the cluster, and what runs on that host.
//
// The two ends talk over TCP port 3121 with TLS (a key that both have, or certificates),
// in the form that Pacemaker's own daemons use there: XML behind a header of 40 bytes.
// The node orders agents to be run (messages lrmd_command) and hears how they ended
// (lrmd_notify); the host passes on what its local programs ask the cluster
// (lrmd_ipc_proxy). Original nodes and original remote hosts can be on either end.
package remote

import (
	"net"
	"strconv"
	"sync"

	"github.com/beevik/etree"

	"hacluster/internal/remote/wire"
)

// stream carries messages over a connection, each with a number and a kind. send may be called from any goroutine,
// receive from one.
type stream struct {
	*wire.Stream

	mu sync.Mutex
	id int
}

func newStream(c net.Conn) *stream { return &stream{Stream: wire.New(c)} }

// The kinds of messages (lrmd_remote_msg_type).
const (
	kindRequest = "request"
	kindReply   = "reply"
	kindNotify  = "notify"
)

// send queues a message of a kind; it does not wait. id is that of the request that it
// replies to; 0 takes the next one, which is given back.
func (s *stream) send(el *etree.Element, kind string, id int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 && kind == kindRequest {
		s.id++
		id = s.id
	}
	el.CreateAttr("lrmd_remote_msg_id", strconv.Itoa(id))
	el.CreateAttr("lrmd_remote_msg_type", kind)
	return id, s.Send(el)
}
