package node

import (
	"github.com/beevik/etree"

	frame "hacluster/internal/ipc"
	"hacluster/internal/remotecib"
)

// serveElsewhere begins to serve the CIB to other hosts, as the CIB says.
func (n *Node) serveElsewhere() {
	c := n.cfg.Elsewhere
	c.Cluster, c.Log = (*elsewhere)(n.services), n.log
	n.elsewhere = remotecib.New(c)
	n.elsewhere.Listen(remotecib.PortsOf(n.core.Replica.Root()))
}

// elsewhere is the node's services as programs on other hosts reach them.
type elsewhere services

func (e *elsewhere) Open(user string, tell func(*etree.Element)) remotecib.Session {
	return &guest{(*services)(e), &session{id: uuid(), service: "cib_rw", user: user, tell: tell}}
}

// guest is a client on another host.
type guest struct {
	s       *services
	session *session
}

func (g *guest) ID() string { return g.session.id }

// Close ends the session after the requests that came before.
func (g *guest) Close() { g.s.node.post(func() { g.s.forget(g.session) }) }

// Handle takes a request. Whoever it says it is for, the user's own permissions hold. The login has registered a client:
// Pacemaker's do so once more after it, and would take an answer for that of their next request.
func (g *guest) Handle(el *etree.Element) {
	if el.SelectAttrValue("cib_op", "") == "register" {
		return
	}
	r := &request{s: g.s, session: g.session, frame: frame.Frame{Body: el}, user: g.session.requester("")}
	g.s.node.post(r.cib)
}
