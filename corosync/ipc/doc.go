// Package ipc speaks libqb's local protocol: how a program of a host talks to a
// daemon of the same host. Corosync's services (cmap, cfg, cpg, quorum,
// votequorum) and Pacemaker's (cib_rw, crmd, lrmd, …) are all reached this way,
// so both halves here know nothing of what the messages say.
//
// # Messages
//
// A message is a block of bytes that begins with a header in the host's byte
// order: an i32 id at offset 0, an i32 size of the whole message at offset 8,
// and in responses and events an i32 error at offset 16. The bytes between hold
// nothing. Request and Response make blocks with that header; ID and ErrorOf read it.
//
// # A connection
//
// The client connects to the abstract stream socket that has the service's name (or to a file, where
// /etc/libqb/force-filesystem-sockets says so)
// and says how big its messages may get. The server looks at who is there, and
// answers with an error, or with one of two ways to go on:
//
//   - Socket: two pairs of datagram sockets, one pair for requests and their
//     responses, one for events. One datagram is one message.
//   - SharedMemory: three rings in files below /dev/shm, for requests,
//     responses and events, with a semaphore each.
//
// The server chooses, a client of libqb follows. The stream socket stays open:
// when it closes, the connection is over for both.
//
// # Server
//
//	s, err := ipc.Listen(ipc.Config{Name: "crmd", Handler: h})
//
// The handler's Message method is called for the requests of one connection one
// after the other, from that connection's own goroutine: while it does not
// return, the client's next requests wait (and its library says "try again").
// Conn.Respond and Conn.Event queue a message and never block.
//
// # Client
//
//	c, err := ipc.Dial(ctx, "crmd", 128<<10)
//	answer, err := c.Call(request) // one request, its response
//	for event := range c.Events() { … }
package ipc
