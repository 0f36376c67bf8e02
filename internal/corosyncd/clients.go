package corosyncd

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"hacluster/corosync/conf"
	"hacluster/corosync/ipc"
	"hacluster/corosync/node"
)

// serve opens the sockets of all services.
func (d *daemon) serve(c *conf.Config) ([]*ipc.Server, error) {
	kind := ipc.SharedMemory
	if c.System.IPCType == "socket" {
		kind = ipc.Socket
	}
	var servers []*ipc.Server
	for s := range node.Names {
		service := node.Service(s)
		if service == node.Votequorum && c.Quorum.Provider == "" {
			continue
		}
		server, err := ipc.Listen(ipc.Config{
			Name: service.String(), Handler: &handler{d, service}, Accept: d.accept, Kind: kind, MaxMessage: 1 << 20,
			Dir: d.o.ShmDir, Log: d.log,
		})
		if err != nil {
			for _, o := range servers {
				o.Close()
			}
			return nil, fmt.Errorf("corosync runs already, or another program has its sockets: %w", err)
		}
		servers = append(servers, server)
	}
	return servers, nil
}

// accept decides who may connect: root, and whom the configuration names, once the first sync is through.
func (d *daemon) accept(p ipc.Peer) error {
	err := error(syscall.EAGAIN)
	d.enter(func(time.Time) {
		switch {
		case !d.node.Ready():
		case d.node.Allowed(p.UID, p.GID):
			err = nil
		default:
			err = syscall.EACCES
		}
	})
	return err
}

// handler connects the clients of one service with the node.
type handler struct {
	d       *daemon
	service node.Service
}

// session is what a connection's own goroutine knows of it. taken has room for one: who tells holds the lock.
type session struct {
	id    node.Client
	taken chan struct{}
}

func (h *handler) Connected(c *ipc.Conn) {
	s := &session{taken: make(chan struct{}, 1)}
	c.SetValue(s)
	process := node.Process{PID: c.Peer().PID, Name: programOf(c.Peer().PID)}
	h.d.enter(func(now time.Time) {
		h.d.lastClient++
		s.id = h.d.lastClient
		h.d.conns[s.id], h.d.done[s.id] = c, s.taken
		h.d.node.Connect(now, s.id, h.service, process)
	})
}

// programOf is the name of a process; as the original's where it cannot be told.
func programOf(pid uint32) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "unknown"
	}
	return strings.TrimSuffix(string(b), "\n")
}

// Message is Messages with one.
func (h *handler) Message(c *ipc.Conn, m []byte) { h.Messages(c, [][]byte{m}) }

// Messages returns when the node has taken the requests: until then the client's next ones wait.
func (h *handler) Messages(c *ipc.Conn, list [][]byte) {
	s := c.Value().(*session)
	for len(list) > 0 {
		served := 0
		if !h.d.enter(func(now time.Time) { served = h.d.node.Requests(now, s.id, list) }) {
			return
		}
		if list = list[served:]; len(list) == 0 {
			return
		}
		list = list[1:]
		select {
		case <-s.taken:
		case <-c.Done():
			return
		case <-h.d.over:
			return
		}
	}
}

func (h *handler) Closed(c *ipc.Conn) {
	s := c.Value().(*session)
	h.d.enter(func(now time.Time) {
		delete(h.d.conns, s.id)
		h.d.teller = nil
		delete(h.d.done, s.id)
		delete(h.d.held, s.id)
		h.d.node.Disconnect(now, s.id)
	})
}
