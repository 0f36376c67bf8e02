package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
)

// clientLink is one way in which a client's messages travel. send, response and
// event block, each called from one goroutine at a time; interrupt makes them
// return. release frees what they use: nobody may be in them.
type clientLink interface {
	start(onEnd func()) // onEnd is called when the server is gone
	// send sends requests, each in two parts, which part yields, and tells how many; ErrTryAgain where the server has asked to be spared.
	send(count int, part func(i int) (head, body []byte)) (sent int, err error)
	response() ([]byte, error)
	event() ([][]byte, error) // those that are there, one at least; the list holds until the next call
	interrupt()
	release()
}

// Client is a connection to a service. Its methods may be called from any goroutine.
type Client struct {
	link       clientLink
	server     Peer
	maxMessage int

	callMu    sync.Mutex // one Call at a time
	sendMu    sync.Mutex
	released  bool // under sendMu
	responses chan []byte
	events    chan []byte // empty where sink takes them
	sink      func(c *Client, events [][]byte)

	closeOnce sync.Once
	done      chan struct{}
	err       error
}

// Dial connects to the service called name. maxMessage is the size in bytes that
// the client's messages may reach; the server may offer more. Errors: ECONNREFUSED where
// nobody serves that name, EACCES where the server does not let this process in, ECONNABORTED where it is not one of the cluster's,
// EAGAIN where it is not ready yet; errors.Is finds them.
func Dial(ctx context.Context, name string, maxMessage int) (*Client, error) {
	return dialTo(ctx, name, maxMessage, nil)
}

// DialTo is Dial with a function that is given the events that are there, in their order, from a goroutine of their own, and nil when the
// connection is over. The list is the Client's again when it returns. While it does not, the server keeps the events; it is to return
// when the connection is over.
func DialTo(ctx context.Context, name string, maxMessage int, sink func(c *Client, events [][]byte)) (*Client, error) {
	return dialTo(ctx, name, maxMessage, sink)
}

func dialTo(ctx context.Context, name string, maxMessage int, sink func(*Client, [][]byte)) (*Client, error) {
	stream, err := dialService(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	c, err := handshake(stream, maxMessage, sink)
	if !stop() && err == nil {
		c.Close()
		err = ctx.Err()
	}
	if err != nil {
		stream.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	return c, nil
}

// authentic tells whether a server is one of the cluster's: anybody may take the address of a service that does not run. It is
// root's or hacluster's, or the user's own. cluster gives the ids of hacluster, false where there is no such user.
func authentic(server Peer, self uint32, cluster func() (uid, gid uint32, ok bool)) bool {
	if server.UID == 0 || server.UID == self {
		return true
	}
	uid, gid, ok := cluster()
	return ok && (server.UID == uid || server.GID == gid)
}

// clusterUser are the ids of hacluster.
func clusterUser() (uid, gid uint32, ok bool) {
	u, err := user.Lookup("hacluster")
	if err != nil {
		return 0, 0, false
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	group, gerr := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), err == nil && gerr == nil
}

func handshake(stream *net.UnixConn, maxMessage int, sink func(*Client, [][]byte)) (*Client, error) {
	peer, err := peerOf(stream)
	if err != nil {
		return nil, err
	}
	if !authentic(peer, uint32(os.Geteuid()), clusterUser) {
		return nil, fmt.Errorf("process %d of user %d serves there, which is neither root nor hacluster: %w", peer.PID, peer.UID, syscall.ECONNABORTED)
	}
	if _, err := stream.Write(hello(maxMessage)); err != nil {
		return nil, unwrapNet(err)
	}
	b := make([]byte, welcomeSize)
	if _, err := io.ReadFull(stream, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("no answer: %w", syscall.ECONNRESET)
		}
		return nil, unwrapNet(err)
	}
	w, err := parseWelcome(b)
	if err != nil {
		return nil, err
	}
	if w.errno != 0 {
		return nil, syscall.Errno(max(w.errno, -w.errno))
	}
	c := &Client{
		server: peer, maxMessage: w.maxMessage,
		responses: make(chan []byte, 16), events: make(chan []byte, 64), sink: sink, done: make(chan struct{}),
	}
	switch w.kind {
	case Socket:
		c.link, err = newSocketClient(stream, w)
	case SharedMemory:
		c.link, err = newSharedClient(stream, w)
	default:
		err = fmt.Errorf("the server offers an unknown kind of connection, %v", w.kind)
	}
	if err != nil {
		return nil, err
	}
	c.link.start(func() { c.end(ErrClosed) })
	go c.run()
	return c, nil
}

// run hands over what arrives, and frees the connection in the end.
func (c *Client) run() {
	var readers sync.WaitGroup
	readers.Go(func() {
		defer close(c.responses)
		for {
			b, err := c.link.response()
			if err == nil {
				err = checkMessage(b)
			}
			if err != nil {
				c.end(err)
				return
			}
			select {
			case c.responses <- b:
			case <-c.done:
				return
			}
		}
	})
	readers.Go(c.readEvents)
	readers.Wait()
	c.link.interrupt() // returns only when an interrupt under way is through
	c.sendMu.Lock()
	c.released = true
	c.link.release()
	c.sendMu.Unlock()
}

func (c *Client) readEvents() {
	give := func(list [][]byte) {
		for _, b := range list {
			select {
			case c.events <- b:
			case <-c.done:
				return
			}
		}
	}
	if c.sink != nil {
		give = func(list [][]byte) { c.sink(c, list) }
		defer c.sink(c, nil)
	}
	defer close(c.events)
	for {
		list, err := c.link.event()
		for i, b := range list {
			if bad := checkMessage(b); bad != nil {
				err, list = bad, list[:i]
				break
			}
		}
		if len(list) > 0 {
			give(list)
		}
		if err == nil {
			select {
			case <-c.done:
				return
			default:
				continue
			}
		}
		c.end(err)
		return
	}
}

func (c *Client) end(err error) {
	c.closeOnce.Do(func() {
		c.err = err
		close(c.done)
		c.link.interrupt()
	})
}

// Server is the process that serves.
func (c *Client) Server() Peer { return c.server }

// MaxMessage is the size in bytes that messages may have.
func (c *Client) MaxMessage() int { return c.maxMessage }

// Done is closed when the connection is over.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection is over; nil while it stands. Close leaves ErrClosed.
func (c *Client) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Close ends the connection.
func (c *Client) Close() { c.end(ErrClosed) }

// Events yields the events in their order. It is closed when the connection is over.
// While nobody receives from it, the server keeps the events.
func (c *Client) Events() <-chan []byte { return c.events }

// Send sends a request. It waits while the service does not take any, and is
// ErrTryAgain at once where the service has asked to be spared.
func (c *Client) Send(request []byte) error {
	_, err := c.SendMany(1, func(int) (head, body []byte) { return request, nil })
	return err
}

// SendMany is Send for several requests in their order, each in two parts, which part yields: the first has the header, which tells the
// size of both. The parts may be used again when part is called for the next. It tells how many were sent; part may have
// been called for one more, and is called for that again when the rest is sent. Where part yields no header, nothing more is sent
// (ErrNoRequest). part must not call the Client.
func (c *Client) SendMany(count int, part func(i int) (head, body []byte)) (sent int, err error) {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if c.released {
		return 0, c.err
	}
	var bad error
	sent, err = c.link.send(count, func(i int) (head, body []byte) {
		head, body = part(i)
		size := len(head) + len(body)
		if bad = checkHeader(head, size); head == nil {
			bad = ErrNoRequest
		} else if bad == nil && size > c.maxMessage {
			bad = fmt.Errorf("request of %d bytes; the connection takes %d: %w", size, c.maxMessage, syscall.EMSGSIZE)
		}
		if bad != nil {
			return nil, nil
		}
		return head, body
	})
	switch {
	case bad != nil:
		return sent, bad
	case err == nil || errors.Is(err, ErrTryAgain):
		return sent, err
	}
	select {
	case <-c.done:
		return sent, c.err
	default:
		return sent, err
	}
}

// ErrNoRequest tells that there is no request where one was to be sent.
var ErrNoRequest = errors.New("no request")

// Recv waits for the next response.
func (c *Client) Recv(ctx context.Context) ([]byte, error) {
	select {
	case b, ok := <-c.responses:
		if !ok {
			<-c.done
			return nil, c.err
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Call sends a request and waits for its response. Calls wait for each other; Send may be used between.
// A Call that ctx cuts short ends the connection: its response could not be told from the next one's.
func (c *Client) Call(ctx context.Context, request []byte) ([]byte, error) {
	c.callMu.Lock()
	defer c.callMu.Unlock()
	if err := c.Send(request); err != nil {
		return nil, err
	}
	b, err := c.Recv(ctx)
	if err != nil {
		c.end(err)
	}
	return b, err
}
