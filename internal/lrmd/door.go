package lrmd

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"

	"hacluster/corosync/ipc"
	"hacluster/internal/account"
	frame "hacluster/internal/ipc"
)

// Door serves the clients of this host, over the socket "lrmd".
type Door struct {
	Server *Server
	// Do runs f where the server is used.
	Do func(f func())
	// Backlog is how many events may wait for a client that does not read them.
	Backlog func(privileged bool) int
	Log     *slog.Logger
	// Name is that of the socket, "lrmd" where it is "".
	Name string

	cluster uint32 // the uid of hacluster, 0 where this host has none
}

// Open begins to serve.
func (d *Door) Open() (*ipc.Server, error) {
	d.cluster, _ = account.Cluster()
	srv, err := ipc.Listen(ipc.Config{
		Name: cmp.Or(d.Name, "lrmd"), Handler: d, Accept: func(p ipc.Peer) error { return account.MayAsk(p.UID, p.GID) }, Kind: ipc.Socket, MaxMessage: frame.MessageSize, Log: d.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("serve lrmd: %w", err)
	}
	return srv, nil
}

// caller is a client of this host.
type caller struct {
	Client
	conn     *ipc.Conn
	requests frame.Reader
	layout   atomic.Uint32 // frame.Layout of the last request
	events   int32
	patience frame.Patience
}

// Connected takes a client in.
func (d *Door) Connected(c *ipc.Conn) {
	p := c.Peer()
	who := &caller{conn: c}
	who.Privileged = p.UID == 0 || d.cluster != 0 && p.UID == d.cluster
	who.Notify = func(msg *etree.Element) { d.notify(who, msg) }
	c.SetValue(who)
	d.Do(func() {
		who.ID = "local-" + strconv.Itoa(d.Server.NextClient())
		d.Server.Connected(&who.Client)
	})
}

// Closed lets it go.
func (d *Door) Closed(c *ipc.Conn) {
	who, _ := c.Value().(*caller)
	d.Do(func() { d.Server.Left(time.Now(), &who.Client) })
}

// Message takes a request.
func (d *Door) Message(c *ipc.Conn, data []byte) {
	who, _ := c.Value().(*caller)
	f, whole, err := who.requests.Take(data)
	if err != nil {
		d.Log.Warn("a local client's message is not understood", "service", "lrmd", "pid", c.Peer().PID, "err", err)
		c.Close()
		return
	}
	if !whole {
		return
	}
	who.layout.Store(uint32(f.Layout))
	answer := func(el *etree.Element) { d.send(who, f.ID, 0, el, c.Respond) }
	if !Valid(f.Body) {
		d.Log.Warn("a local client's message is not for the executor", "pid", c.Peer().PID)
		answer(Element("ack", "function", "Message", "line", "1", "status", "76"))
		return
	}
	d.Do(func() { d.Server.Request(time.Now(), &who.Client, f.Body, answer) })
}

func (d *Door) notify(who *caller, msg *etree.Element) {
	who.events++
	d.send(who, who.events, frame.EventFlag, msg, func(part []byte) { who.conn.EventLater(part, nil) })
	who.conn.Flush()
	who.patience.Sent(who.conn.Queued, func() int { return d.Backlog(who.Privileged) }, func(backlog int) {
		d.Log.Error("a client is evicted: it does not read what it is told", "service", "lrmd", "pid", who.conn.Peer().PID, "backlog", backlog)
		who.conn.Close()
	})
}

func (d *Door) send(who *caller, id int32, flags uint32, el *etree.Element, put func([]byte)) {
	parts, err := frame.Frame{Layout: frame.Layout(who.layout.Load()), ID: id, Flags: flags, Body: el}.Marshal(who.conn.MaxMessage())
	if err != nil {
		d.Log.Warn("tell a local client", "service", "lrmd", "err", err)
		who.conn.Close()
		return
	}
	for _, part := range parts {
		put(part)
	}
}
