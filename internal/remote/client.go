package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/lrmd"
)

// Operation is an agent's action that a host is to run.
type Operation struct {
	Resource, Class, Provider, Type string
	Action                          string
	Recurring                       bool // a check that is repeated: it can be killed
	Timeout                         time.Duration
	Params                          []lrmd.Param
	Key                             string // for the host's log
}

// Outcome is how it ended.
type Outcome struct {
	Code, Status   int
	Reason, Output string
	Duration       time.Duration
}

// Events is what a connection tells of its own accord, from its own goroutine.
type Events interface {
	// Lost: the connection ended; why is nil after Close.
	Lost(why error)
	// Taken: another node connected to the host.
	Taken()
	// ShutdownAsked: the host wants to go down, its services are to be stopped.
	ShutdownAsked()
	// Proxy is a message lrmd_ipc_proxy of a local program of the host.
	Proxy(msg *etree.Element)
}

// Conn is a connection to a host.
type Conn struct {
	s      *stream
	events Events
	// Uptime is for how long the host's daemon had run, in whole seconds, negative where it does not tell; StartState what it wants to begin as.
	Uptime     time.Duration
	StartState string

	mu         sync.Mutex
	closed     bool
	registered map[string]bool
	runs       int
	running    map[string]func(Outcome)     // by userdata
	replies    map[int]func(*etree.Element) // by id of the request
}

// Dial connects to a host's daemon; name is this node's.
func Dial(ctx context.Context, address string, sec Settings, name string, e Events) (*Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 6}}
	raw, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	tls, err := sec.Secure(ctx, raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	c := &Conn{s: newStream(tls), events: e, registered: map[string]bool{}, running: map[string]func(Outcome){}, replies: map[int]func(*etree.Element){}}
	if err := c.register(ctx, name); err != nil {
		c.s.Close()
		return nil, err
	}
	go c.read()
	return c, nil
}

func (c *Conn) register(ctx context.Context, name string) error {
	stop := context.AfterFunc(ctx, func() { c.s.Abort() })
	defer stop()
	hello := lrmd.Element("lrmd_command", "t", "lrmd", "lrmd_op", "register", "lrmd_clientname", name, "lrmd_protocol_version", lrmd.Protocol, "lrmd_is_ipc_provider", "true")
	if _, err := c.s.send(hello, kindRequest, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyRejected, err)
	}
	for {
		msg, err := c.s.Receive()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("register with the host: %w", err)
		case msg.SelectAttrValue("lrmd_remote_msg_type", "") != kindReply:
			continue
		}
		if rc := lrmd.Number(msg, "lrmd_rc"); rc != 0 || msg.SelectAttrValue("lrmd_op", "") != "register" {
			return fmt.Errorf("the host's daemon does not take this node: code %d", rc)
		}
		c.Uptime = -1
		if s, err := strconv.ParseUint(msg.SelectAttrValue("uptime", ""), 10, 31); err == nil {
			c.Uptime = time.Duration(s) * time.Second
		}
		c.StartState = msg.SelectAttrValue("node_start_state", "")
		return nil
	}
}

func (c *Conn) read() {
	var why error
	for {
		msg, err := c.s.Receive()
		if err != nil {
			why = err
			break
		}
		switch msg.SelectAttrValue("lrmd_remote_msg_type", "") {
		case kindReply:
			c.mu.Lock()
			id := lrmd.Number(msg, "lrmd_remote_msg_id")
			f := c.replies[id]
			delete(c.replies, id)
			c.mu.Unlock()
			if f != nil {
				f(msg)
			}
		case kindNotify:
			c.notified(msg)
		}
	}
	c.mu.Lock()
	if c.closed {
		why = nil
	}
	c.closed = true
	c.mu.Unlock()
	c.s.Close()
	c.events.Lost(why)
}

func (c *Conn) notified(msg *etree.Element) {
	if msg.Tag == "lrmd_ipc_proxy" {
		if msg.SelectAttrValue("lrmd_ipc_op", "") == "shutdown_req" {
			c.events.ShutdownAsked()
			return
		}
		c.events.Proxy(msg)
		return
	}
	switch msg.SelectAttrValue("lrmd_op", "") {
	case "lrmd_rsc_new_client":
		c.events.Taken()
	case "lrmd_rsc_exec":
		key := msg.SelectAttrValue("lrmd_rsc_userdata_str", "")
		c.mu.Lock()
		f := c.running[key]
		delete(c.running, key)
		c.mu.Unlock()
		if f != nil {
			f(Outcome{
				Code: lrmd.Number(msg, "lrmd_exec_rc"), Status: lrmd.Number(msg, "lrmd_exec_op_status"), Reason: msg.SelectAttrValue("lrmd_rsc_exit_reason", ""),
				Output: msg.SelectAttrValue("lrmd_rsc_output", ""), Duration: time.Duration(lrmd.Number(msg, "lrmd_exec_time")) * time.Millisecond,
			})
		}
	}
}

func (c *Conn) command(op string, data *etree.Element, options int, reply func(*etree.Element)) error {
	msg := lrmd.Element("lrmd_command", "t", "lrmd", "lrmd_op", op, "lrmd_timeout", "0", "lrmd_callopt", strconv.Itoa(options))
	if data != nil {
		msg.CreateElement("lrmd_calldata").AddChild(data)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.New("the connection is closed")
	}
	id, err := c.s.send(msg, kindRequest, 0)
	if err == nil && reply != nil {
		c.replies[id] = reply
	}
	return err
}

// cancelled is the status of what was killed.
const cancelled = 1

// untilAgain is the interval that the host is told of checks that are repeated. Its daemon ends the agent of nothing else, and
// repeats them by itself; when they are due is this end's to say, so that they are cancelled there when they have ended.
const untilAgain = 24 * time.Hour

// interval is what the host is told of an operation's.
func (op *Operation) interval() string {
	if op.Recurring {
		return strconv.FormatInt(untilAgain.Milliseconds(), 10)
	}
	return "0"
}

// Kill ends the agent of a recurring operation that the host runs, or has the host not run it; done of Run hears that it was cancelled.
func (c *Conn) Kill(op Operation) error {
	if !op.Recurring {
		return nil
	}
	return c.command("lrmd_rsc_cancel", lrmd.Element("lrmd_rsc", "lrmd_origin", "Kill", "lrmd_rsc_id", op.Resource, "lrmd_rsc_action", op.Action,
		"lrmd_rsc_interval", op.interval()), 0, nil)
}

// Run has the host run an agent once; done hears how it ended, unless the connection is
// lost before. It does not wait.
func (c *Conn) Run(op Operation, done func(Outcome)) error {
	c.mu.Lock()
	c.runs++
	key := op.Key + "#" + strconv.Itoa(c.runs)
	known := c.registered[op.Resource]
	c.registered[op.Resource] = true
	c.running[key] = func(o Outcome) {
		if o.Status != cancelled {
			_ = c.Kill(op) // it is not to be repeated there
		}
		done(o)
	}
	c.mu.Unlock()
	fail := func(o Outcome) {
		c.mu.Lock()
		f := c.running[key]
		delete(c.running, key)
		c.mu.Unlock()
		if f != nil {
			f(o)
		}
	}
	if !known {
		rsc := lrmd.Element("lrmd_rsc", "lrmd_origin", "Run", "lrmd_rsc_id", op.Resource, "lrmd_class", op.Class, "lrmd_provider", op.Provider, "lrmd_type", op.Type)
		if err := c.command("lrmd_rsc_register", rsc, 3, nil); err != nil {
			return err
		}
	}
	rsc := lrmd.Element("lrmd_rsc", "lrmd_origin", "Run", "lrmd_rsc_id", op.Resource, "lrmd_rsc_action", op.Action, "lrmd_rsc_userdata_str", key,
		"lrmd_rsc_interval", op.interval(), "lrmd_timeout", strconv.FormatInt(op.Timeout.Milliseconds(), 10), "lrmd_rsc_start_delay", "0")
	lrmd.AddParams(rsc, op.Params)
	return c.command("lrmd_rsc_exec", rsc, 4, func(reply *etree.Element) {
		if rc := lrmd.Number(reply, "lrmd_rc"); rc < 0 {
			fail(Outcome{Code: 1, Status: 4, Reason: fmt.Sprintf("The host's daemon does not run it: code %d", rc)})
		}
	})
}

// Forget has the host forget a resource, after what it does for it.
func (c *Conn) Forget(resource string) error {
	c.mu.Lock()
	known := c.registered[resource]
	delete(c.registered, resource)
	c.mu.Unlock()
	if !known {
		return nil
	}
	return c.command("lrmd_rsc_unregister", lrmd.Element("lrmd_rsc", "lrmd_origin", "Forget", "lrmd_rsc_id", resource), 0, nil)
}

// Poke asks whether the host's daemon is there; done hears when it answers.
func (c *Conn) Poke(done func()) error {
	return c.command("lrmd_rsc_poke", lrmd.Element("lrmd_rsc", "lrmd_rsc_id", "poke"), 0, func(*etree.Element) { done() })
}

// Forward sends a message lrmd_ipc_proxy to the host.
func (c *Conn) Forward(op, session string, id int, body *etree.Element) error {
	msg := lrmd.Element("lrmd_ipc_proxy", "lrmd_ipc_op", op, "lrmd_ipc_session", session, "lrmd_op", "ipc_fwd")
	if op == "response" {
		msg.CreateAttr("lrmd_ipc_msg_id", strconv.Itoa(id))
	}
	if body != nil {
		msg.CreateElement("lrmd_ipc_msg").AddChild(body.Copy())
	}
	_, err := c.s.send(msg, kindRequest, 0)
	return err
}

// AnswerShutdown tells the host whether its services will be stopped.
func (c *Conn) AnswerShutdown(yes bool) error {
	if yes {
		return c.Forward("shutdown_ack", "", 0, nil)
	}
	return c.Forward("shutdown_nack", "", 0, nil)
}

// Close ends the connection.
func (c *Conn) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.s.Close()
}
