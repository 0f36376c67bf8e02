// Package client reaches the daemons of the cluster node that this host is, over
// their local services: our own clusterd, or Pacemaker's daemons of the lines 2.1 and 3.0.
package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/corosync/ipc"
	frame "hacluster/internal/ipc"
)

// ErrNotRunning is wrapped by errors about daemons that do not answer.
var ErrNotRunning error = notRunning{}

// notRunning reads as Pacemaker's tools say it.
type notRunning struct{}

func (notRunning) Error() string { return "Transport endpoint is not connected" }

// conn is a connection to one service. It begins in the layout of messages that every daemon reads, and goes on in the one in
// which it is answered. So the first request of a connection must be one that is answered even if its flags are not seen.
type conn struct {
	c      *ipc.Client
	name   string
	events chan frame.Frame
	layout atomic.Uint32 // frame.Layout

	mu      sync.Mutex // one call at a time
	last    int32
	call    int
	answers frame.Reader
}

func dial(ctx context.Context, service string) (*conn, error) {
	c, err := ipc.Dial(ctx, service, frame.MessageSize)
	if err != nil {
		return nil, fmt.Errorf("%w (%s: %w)", ErrNotRunning, service, err)
	}
	n := &conn{c: c, name: service, events: make(chan frame.Frame, 256), call: 1}
	go func() {
		defer close(n.events)
		var events frame.Reader
		for data := range c.Events() {
			f, done, err := events.Take(data)
			if err != nil {
				c.Close()
				return
			}
			if !done {
				continue
			}
			n.layout.Store(uint32(f.Layout))
			select {
			case n.events <- f:
			case <-c.Done():
				return
			}
		}
	}()
	return n, nil
}

func (n *conn) close() { n.c.Close() }

// send sends a message; with wait it gives the response.
func (n *conn) send(ctx context.Context, el *etree.Element, wait bool) (*etree.Element, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	f := frame.Frame{Layout: frame.Layout(n.layout.Load()), ID: n.last, Body: el}
	if wait {
		f.Flags = frame.WaitsForReply
	}
	parts, err := f.Marshal(n.c.MaxMessage())
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		if err := n.put(ctx, part); err != nil {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	if !wait {
		return nil, nil
	}
	for {
		data, err := n.c.Recv(ctx)
		if err != nil {
			n.c.Close() // a response that comes now could not be told from the next one's
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		r, done, err := n.answers.Take(data)
		if err != nil {
			n.c.Close()
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		if done {
			n.layout.Store(uint32(r.Layout))
			return r.Body, nil
		}
	}
}

// put sends a message, or a part of one, when the service takes it.
func (n *conn) put(ctx context.Context, data []byte) error {
	for {
		err := n.c.Send(data)
		if !errors.Is(err, ipc.ErrTryAgain) {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next waits for an event that fits.
func (n *conn) next(ctx context.Context, fits func(*etree.Element) bool) (*etree.Element, error) {
	for {
		select {
		case f, ok := <-n.events:
			if !ok {
				return nil, fmt.Errorf("%s: %w", n.name, ErrNotRunning)
			}
			if fits(f.Body) {
				return f.Body, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func element(tag string, attrs ...string) *etree.Element {
	el := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			el.CreateAttr(attrs[i], attrs[i+1])
		}
	}
	return el
}

// CIB is a connection to the CIB manager.
type CIB struct {
	// Node is whose CIB manager carries requests out; "" is that of the host that is connected to.
	Node string

	n    link
	call int
}

// link carries the messages of a CIB manager's client.
type link interface {
	// send sends a message; with wait it gives the response.
	send(ctx context.Context, el *etree.Element, wait bool) (*etree.Element, error)
	// watch asks for notifications of changes.
	watch(ctx context.Context) error
	// next waits for an event that fits.
	next(ctx context.Context, fits func(*etree.Element) bool) (*etree.Element, error)
	// skip drops the events that have come.
	skip() error
	close()
}

// DialCIB connects; name tells the daemon who asks (update-client).
func DialCIB(ctx context.Context, name string) (*CIB, error) {
	n, err := dial(ctx, "cib_rw")
	if err != nil {
		return nil, err
	}
	const id = "1"
	hello := element("cib_command", "t", "cib", "cib_op", string(cib.Query), "cib_callid", id, "cib_clientname", name,
		"cib_callopt", strconv.FormatUint(uint64(cib.OptNoChildren|cib.OptScopeLocal), 10))
	if _, err = n.send(ctx, hello, false); err == nil {
		_, err = n.next(ctx, func(el *etree.Element) bool { return el.SelectAttrValue("cib_callid", "") == id })
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return &CIB{n: n, call: 1}, nil
}

// Close ends the connection.
func (c *CIB) Close() { c.n.close() }

// Do carries a request out: it returns when every node that is to has the change.
// The error is *cib.Error where the CIB manager refused.
func (c *CIB) Do(ctx context.Context, req cib.Request) (*etree.Element, error) {
	c.call++
	opts := req.Options() | cib.OptSync
	if req.Op == cib.Query && c.Node == "" {
		opts |= cib.OptScopeLocal
	}
	el := element("cib_command", "t", "cib", "cib_op", string(req.Op), "cib_host", c.Node, "cib_section", req.Section,
		"cib_callid", strconv.Itoa(c.call), "cib_callopt", strconv.FormatUint(uint64(opts), 10), "cib_user", req.User.Name,
		"cib_schema_max", req.MaxSchema)
	if req.Data != nil {
		el.CreateElement("cib_calldata").AddChild(req.Data.Copy())
	}
	reply, err := c.n.send(ctx, el, true)
	if err != nil {
		return nil, err
	}
	var data *etree.Element
	if d := reply.SelectElement("cib_calldata"); d != nil {
		if ch := d.ChildElements(); len(ch) > 0 {
			data = ch[0]
		}
	}
	rc, err := strconv.Atoi(reply.SelectAttrValue("cib_rc", "0"))
	if err != nil {
		return nil, fmt.Errorf("the CIB manager's answer is malformed: cib_rc %q", reply.SelectAttrValue("cib_rc", ""))
	}
	if rc < 0 {
		return data, &cib.Error{Code: cib.Code(-rc), Detail: reply.SelectAttrValue("hacluster-detail", "")}
	}
	return data, nil
}

// Query gives the whole CIB.
func (c *CIB) Query(ctx context.Context) (*etree.Element, error) {
	return c.Do(ctx, cib.Request{Op: cib.Query})
}

// Watch asks to be told of changes; Changed then waits for the next.
func (c *CIB) Watch(ctx context.Context) error { return c.n.watch(ctx) }

func (n *conn) watch(ctx context.Context) error {
	_, err := n.send(ctx, element("cib-callback", "cib_op", "cib_notify", "cib_notify_type", "cib_diff_notify", "cib_notify_activate", "1"), true)
	return err
}

// Changed waits until the CIB changed.
func (c *CIB) Changed(ctx context.Context) error {
	_, err := c.n.next(ctx, func(el *etree.Element) bool { return el.SelectAttrValue("t", "") == "cib_notify" })
	return err
}

// Next waits until the CIB changed, and gives the patchset that leads there; nil where the
// daemon does not tell it.
func (c *CIB) Next(ctx context.Context) (*etree.Element, error) {
	el, err := c.n.next(ctx, func(el *etree.Element) bool { return el.SelectAttrValue("t", "") == "cib_notify" })
	if err != nil {
		return nil, err
	}
	if r := el.SelectElement("cib_update_result"); r != nil {
		return r.SelectElement("diff"), nil
	}
	return nil, nil
}

// Version asks for the version of the CIB alone.
func (c *CIB) Version(ctx context.Context) (cib.Version, error) {
	root, err := c.Do(ctx, cib.Request{Op: cib.Query, NoChildren: true})
	if err != nil {
		return cib.Version{}, err
	}
	return cib.VersionOf(root), nil
}

// ChangedAll waits until the CIB changed, and takes all changes that are known by
// then as one. The connection is to be used for nothing else.
func (c *CIB) ChangedAll(ctx context.Context) error {
	if err := c.Changed(ctx); err != nil {
		return err
	}
	return c.n.skip()
}

func (n *conn) skip() error {
	for {
		select {
		case _, ok := <-n.events:
			if !ok {
				return fmt.Errorf("%s: %w", n.name, ErrNotRunning)
			}
		default:
			return nil
		}
	}
}

// Controller is a connection to the controller.
type Controller struct {
	n    *conn
	refs int
	name string
}

// DialController connects.
func DialController(ctx context.Context, name string) (*Controller, error) {
	n, err := dial(ctx, "crmd")
	if err != nil {
		return nil, err
	}
	return &Controller{n: n, name: name}, nil
}

// Close ends the connection.
func (c *Controller) Close() { c.n.close() }

// ask sends a task and waits for its answer's payload; src is the node that answered.
func (c *Controller) ask(ctx context.Context, task, to string, payload *etree.Element, attrs ...string) (answer *etree.Element, src string, err error) {
	return c.askFor(ctx, task, to, payload, hasReference, attrs...)
}

// askFor is ask where answers are told by another mark than the task's reference.
func (c *Controller) askFor(ctx context.Context, task, to string, payload *etree.Element, fits func(ref string) func(*etree.Element) bool, attrs ...string) (answer *etree.Element, src string, err error) {
	out, err := c.exchange(ctx, task, to, payload, fits, attrs...)
	if err != nil {
		return nil, "", err
	}
	if x := out.SelectElement("crm_xml"); x != nil {
		if ch := x.ChildElements(); len(ch) > 0 {
			return ch[0], out.SelectAttrValue("src", ""), nil
		}
	}
	return nil, "", fmt.Errorf("the controller's answer to %s is empty", task)
}

// exchange is askFor for the whole message, which may have no payload.
func (c *Controller) exchange(ctx context.Context, task, to string, payload *etree.Element, fits func(ref string) func(*etree.Element) bool, attrs ...string) (*etree.Element, error) {
	c.refs++
	ref := fmt.Sprintf("%s-%s-%d", task, c.name, c.refs)
	el := element("create_request_adv", append([]string{
		"origin", "client", "t", "crmd", "version", cib.FeatureSet, "subt", "request", "reference", ref,
		"crm_task", task, "crm_sys_to", to, "crm_sys_from", c.name,
	}, attrs...)...)
	if payload != nil {
		el.CreateElement("crm_xml").AddChild(payload)
	}
	if _, err := c.n.send(ctx, el, false); err != nil {
		return nil, err
	}
	return c.n.next(ctx, fits(ref))
}

func hasReference(ref string) func(*etree.Element) bool {
	return func(el *etree.Element) bool { return el.SelectAttrValue("reference", "") == ref }
}

// State gives the controller's state (S_IDLE …).
func (c *Controller) State(ctx context.Context) (string, error) {
	el, _, err := c.ask(ctx, "ping", "crmd", nil)
	if err != nil {
		return "", err
	}
	return el.SelectAttrValue("crmd_state", ""), nil
}

// Pong is a controller's answer to a ping.
type Pong struct{ Node, Subsystem, State, Result string }

// Ping asks the controller of a node, "" for the one that decides.
func (c *Controller) Ping(ctx context.Context, node string) (Pong, error) {
	to, attrs := "crmd", []string{"crm_host_to", node}
	if node == "" {
		to = "dc"
	}
	el, src, err := c.ask(ctx, "ping", to, nil, attrs...)
	if err != nil {
		return Pong{}, err
	}
	return Pong{src, el.SelectAttrValue("crm_subsystem", ""), el.SelectAttrValue("crmd_state", ""), el.SelectAttrValue("result", "")}, nil
}

// DC names the node that decides; "" when there is none.
func (c *Controller) DC(ctx context.Context) (string, error) {
	_, src, err := c.ask(ctx, "ping", "dc", nil)
	return src, err
}

// Node is a node that the cluster knows.
type Node struct {
	ID, Name string
	Member   bool
}

// Nodes lists the nodes.
func (c *Controller) Nodes(ctx context.Context) ([]Node, error) {
	el, _, err := c.ask(ctx, "list-nodes", "crmd", nil)
	if err != nil {
		return nil, err
	}
	var out []Node
	for _, n := range el.SelectElements("node") {
		out = append(out, Node{n.SelectAttrValue("id", ""), n.SelectAttrValue("uname", ""), n.SelectAttrValue("in_ccm", "") == "member"})
	}
	return out, nil
}

// Local is this host's node.
func (c *Controller) Local(ctx context.Context) (Node, error) {
	el, _, err := c.ask(ctx, "node-info", "crmd", nil)
	if err != nil {
		return Node{}, err
	}
	return Node{el.SelectAttrValue("id", ""), el.SelectAttrValue("uname", ""), true}, nil
}

// NodeInfo is what the controller tells of a node.
type NodeInfo struct {
	Node        // Name is "" for a node that is not known
	Quorum bool // this node's partition has quorum
}

// Info tells of the node with that id, 0 for this host's.
func (c *Controller) Info(ctx context.Context, id int) (NodeInfo, error) {
	number := ""
	if id != 0 {
		number = strconv.Itoa(id)
	}
	el, _, err := c.ask(ctx, "node-info", "crmd", nil, "id", number)
	if err != nil {
		return NodeInfo{}, err
	}
	return NodeInfo{
		Node{el.SelectAttrValue("id", ""), el.SelectAttrValue("uname", ""), el.SelectAttrValue("crmd", "") == "member"},
		el.SelectAttrValue("have-quorum", "") == "true",
	}, nil
}

// ForgetNode has all controllers forget a node, given by name or by id.
func (c *Controller) ForgetNode(ctx context.Context, node, id string) error {
	if _, err := c.State(ctx); err != nil { // that is answered in any layout
		return err
	}
	c.refs++
	el := element("create_request_adv", "origin", "client", "t", "crmd", "version", cib.FeatureSet, "subt", "request",
		"reference", fmt.Sprintf("rm_node_cache-%s-%d", c.name, c.refs), "crm_task", "rm_node_cache", "crm_sys_to", "crmd", "crm_sys_from", c.name,
		"uname", node, "id", id)
	_, err := c.n.send(ctx, el, true)
	return err
}

// ResourceOrder is what a controller does about a resource on a node.
type ResourceOrder struct {
	Node string
	// Router is the member whose controller stands for the node, where that is a
	// Pacemaker Remote node; "" is Node itself.
	Router string
	// ID is the name that the history has, LongID the instance's own if that is another.
	ID, LongID, Class, Provider, Type string
	// CIBOnly is for a node without controller: only its history in the CIB is meant.
	CIBOnly bool
}

// Forget has a node forget the history of a resource: what it does then is looked anew.
func (c *Controller) Forget(ctx context.Context, o ResourceOrder) error {
	return c.order(ctx, "lrm_delete", "forget", o)
}

// Fail has a node report that a resource failed.
func (c *Controller) Fail(ctx context.Context, o ResourceOrder) error {
	return c.order(ctx, "lrm_fail", "fail", o)
}

// carriedOut tells the answer to an order: Pacemaker's controllers, those before 3.0 when they probe again, too, do not keep its
// reference, they name the task.
func carriedOut(ref string) func(*etree.Element) bool {
	same := hasReference(ref)
	return func(el *etree.Element) bool { return same(el) || el.SelectAttrValue("crm_task", "") == "lrm_invoke" }
}

func (c *Controller) order(ctx context.Context, task, doing string, o ResourceOrder) error {
	op := element("rsc_op", "transition-key", "0:0:0:xxxxxxxx-xrsc-opxx-xcrm-resourcexxxx", "on_node", o.Node)
	to := o.Node
	if o.Router != "" && o.Router != o.Node {
		op.CreateAttr("router_node", o.Router)
		to = o.Router
	}
	if o.CIBOnly {
		op.CreateAttr("mode", "cib")
		to = ""
	}
	op.AddChild(element("primitive", "id", o.ID, "long-id", o.LongID, "class", o.Class, "provider", o.Provider, "type", o.Type))
	op.AddChild(element("attributes", "crm_feature_set", cib.FeatureSet, "CRM_meta_timeout", "60000"))
	el, _, err := c.askFor(ctx, task, "crmd", op, carriedOut, "crm_host_to", to)
	if err != nil {
		return err
	}
	if r := el.FindElement(".//lrm_rsc_op"); r != nil && r.SelectAttrValue("rc-code", "0") != "0" {
		return fmt.Errorf("node %s could not %s resource %s: code %s", o.Node, doing, o.ID, r.SelectAttrValue("rc-code", ""))
	}
	return nil
}

// ProbeAgain has all nodes, or one, look anew at what runs; router is the member whose controller stands for the node, where that
// is a Pacemaker Remote node. Pacemaker's controllers answer with nothing in it.
func (c *Controller) ProbeAgain(ctx context.Context, node, router string) error {
	data := element("data_for_probe_again", "on_node", node)
	to := node
	if router != "" && router != node {
		data.CreateAttr("router_node", router)
		to = router
	}
	_, err := c.exchange(ctx, "probe_again", "crmd", data, carriedOut, "crm_host_to", to)
	return err
}

// ClearFailures forgets fail counts: of a resource, operation with its interval, on a node; "" means all.
func ClearFailures(ctx context.Context, resource, operation, interval, node string) error {
	n, err := dialAttributes(ctx, "crm_resource")
	if err != nil {
		return err
	}
	defer n.close()
	_, err = n.send(ctx, element("create_attrd_op", "t", "attrd", "src", "crm_resource", "task", "clear-failure", "attr_resource", resource,
		"attr_clear_operation", operation, "attr_clear_interval", interval, "attr_host", node), true)
	return err
}
