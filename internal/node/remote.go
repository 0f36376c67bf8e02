package node

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/attribute"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
)

// A remote node runs services but no cluster: one of the cluster's nodes is connected
// to it, runs agents there, keeps the history of what came of them, and answers its
// programs. The connection is a resource (ocf:pacemaker:remote) like others: the scheduler
// says which node is to have it, and what is to be done when it is lost.

// Remotes makes connections to remote nodes. Its callbacks come through the core's owner.
type Remotes interface {
	// Connect tries until it is connected, req.Timeout is over or cancel is called; done hears of that once, and with
	// ErrUnwanted where it was cancel.
	Connect(req RemoteRequest, done func(now time.Time, c RemoteConn, err error)) (cancel func())
}

// RemoteRequest is a remote node to connect to.
type RemoteRequest struct {
	Node, Address string
	Port          int // 0 is the usual one
	Timeout       time.Duration
	Guest         bool // it is a guest of this cluster, started by one of its resources
	// Lost, Taken and ShutdownAsked are what the connection tells later: that it is over,
	// that another node connected, that the host wants to go down.
	Lost, Taken, ShutdownAsked func(now time.Time)
}

// RemoteConn is a connection to a remote node.
type RemoteConn interface {
	// Run runs an agent there; done is not called when the connection is lost before. kill ends the agent of a recurring
	// operation; done hears of that.
	Run(op executor.Op, done func(now time.Time, res executor.Result)) (kill func())
	// Forget has the host forget a resource.
	Forget(resource string)
	// Poke asks whether the other end is there.
	Poke(done func(now time.Time))
	// AnswerShutdown tells the host whether what it runs will be stopped.
	AnswerShutdown(yes bool)
	// StartState is what the host wants to begin as (standby, online); "" for no wish.
	StartState() string
	// Uptime is for how long the host's executor had run when this node connected, in whole seconds; negative where it does not tell.
	Uptime() time.Duration
	Close()
}

// RemoteKeyError is an error of Connect that no further try will mend: its text is the
// failure's reason.
type RemoteKeyError string

func (e RemoteKeyError) Error() string { return string(e) }

// ErrUnwanted ends a try to connect that nobody wants any more.
var ErrUnwanted = errors.New("the connection is not wanted any more")

// remoteNode is a remote node as the node that is, or was, connected to it sees it.
type remoteNode struct {
	core *Core
	name string
	exec *executor.Executor
	conn RemoteConn
	// kills ends the agents that run over the connection, by the executor's number of the run.
	kills map[uint64]func()
	// known: this node has had to do with the connection.
	known bool
	// moving: another node is about to take the connection over; moved: it did.
	moving, moved bool
	// holds: this node was the last to say that it is connected, in the order of messages.
	holds bool
	// adopting: this node took the connection over, and what is known of the host when all have heard of that.
	adopting bool
	late     late  // what the node that had it tells after that
	began    int64 // since when the host's executor runs, see startedAttr
	poke     *poke
	rivalry  rivalry
	cancel   func() // ends the try to connect that is under way; nil: there is none
}

// poke is a question under way.
type poke struct {
	due  time.Time
	done func(now time.Time, res executor.Result)
}

// remote gives the record of a remote node.
func (c *Core) remote(name string) *remoteNode {
	r := c.remotes[name]
	if r == nil {
		r = &remoteNode{core: c, name: name}
		r.renew()
		c.remotes[name] = r
	}
	return r
}

// renew begins with an executor that knows of nothing.
func (r *remoteNode) renew() {
	r.exec, r.kills = executor.New((*remoteEffects)(r)), map[uint64]func(){}
}

// connectionTraits are what a connection's meta-data say: where the host is needs another connection, all else is taken over as it
// stands. What the host runs goes on then.
var connectionTraits = executor.Traits{Known: true, Parameters: []string{"reconnect_interval", "port", "server"}, Reloadable: []string{"reconnect_interval"}, ReloadAgent: true}

const (
	codeOK          = 0
	codeError       = 1
	codeInvalid     = 2
	codeUnsupported = 3
	codeNotRunning  = 7

	statusCancelled = 1

	statusTimeout = 2
	statusError   = 4
	statusNoConn  = 8
)

// connection does an operation of the connection to a remote node; kill ends a try to connect that nobody wants any more.
func (c *Core) connection(op executor.Op, finished func(now time.Time, res executor.Result)) (kill func()) {
	r := c.remote(op.Resource)
	r.known = true
	answer := func(code, status int, reason string) {
		c.world.Later(func(now time.Time) { finished(now, executor.Result{Code: code, Status: status, Reason: reason}) })
	}
	switch op.Action {
	case "start", "migrate_from":
		if op.Action == "start" && r.conn != nil && !r.moving && !r.moved {
			r.restart(op, finished)
		} else {
			r.start(op, finished)
		}
		return r.giveUp
	case "stop":
		r.stop()
		answer(codeOK, 0, "")
	case "migrate_to":
		r.moving, r.moved = true, false
		answer(codeOK, 0, "")
	case "monitor":
		if r.conn == nil {
			answer(codeNotRunning, 0, "Remote connection inactive")
		} else {
			r.ask(op, finished)
		}
	case "reload", "reload-agent":
		answer(codeOK, 0, "") // what may be changed so only the scheduler reads
	default:
		answer(codeUnsupported, 3, "A connection to a remote node has no action "+op.Action)
	}
	return nil
}

// giveUp ends a try to connect, however far it is; one that has just succeeded stays so.
func (r *remoteNode) giveUp() {
	switch p := r.poke; {
	case r.cancel != nil:
		r.cancel()
	case !r.rivalry.until.IsZero():
		r.rivalry.giveUp(r.core.now)
	case p != nil:
		r.poke = nil
		r.core.world.Later(func(now time.Time) { p.done(now, unwantedResult) })
	}
}

// unwantedResult is that of a try which nobody wants any more: it counts for nothing.
var unwantedResult = executor.Result{Code: codeError, Status: statusCancelled, Reason: ErrUnwanted.Error()}

// restart starts a connection that is there: when the other end answers, nothing is to be done. A scheduler that does not know how a start on a
// lost node ended orders one over and over, and each new connection would be news that has it plan again.
func (r *remoteNode) restart(op executor.Op, finished func(now time.Time, res executor.Result)) {
	first := op
	first.Timeout /= 2
	r.ask(first, func(now time.Time, res executor.Result) {
		if res.Code == codeOK || res.Status == statusCancelled {
			finished(now, res)
			return
		}
		r.core.now, op.Timeout = now, op.Timeout-first.Timeout
		r.start(op, finished)
	})
}

func (r *remoteNode) start(op executor.Op, finished func(now time.Time, res executor.Result)) {
	c := r.core
	begin := c.now
	end := func(now time.Time, code, status int, reason string) {
		c.now = now
		finished(now, executor.Result{Code: code, Status: status, Reason: reason, Duration: now.Sub(begin)})
	}
	if c.connect == nil {
		c.world.Later(func(now time.Time) { end(now, codeUnsupported, 3, "This node cannot connect to remote nodes") })
		return
	}
	if r.conn != nil {
		r.drop("A new connection is made")
	}
	r.moving, r.moved = false, false
	port, err := strconv.Atoi(cmp.Or(op.Param("port"), "0"))
	if err != nil || port < 0 || port > 65535 {
		c.world.Later(func(now time.Time) {
			end(now, codeInvalid, statusError, fmt.Sprintf("%q is no port", op.Param("port")))
		})
		return
	}
	r.rivalry.wait(c.now, op.Timeout, func(now time.Time, unwanted bool) {
		if unwanted {
			finished(now, unwantedResult)
			return
		}
		timeout := op.Timeout
		if timeout > 0 {
			timeout -= now.Sub(begin)
		}
		r.open(op, RemoteRequest{
			Node: r.name, Address: cmp.Or(op.Param("addr"), op.Param("server"), r.name), Port: port, Timeout: timeout, Guest: op.Container != "",
		}, end)
	})
}

// open makes the connection that op asks for; end hears how that went.
func (r *remoteNode) open(op executor.Op, req RemoteRequest, end func(now time.Time, code, status int, reason string)) {
	c := r.core
	var conn RemoteConn
	mine := func(f func(now time.Time)) func(now time.Time) {
		return func(now time.Time) {
			if c.now = now; r.conn != nil && r.conn == conn {
				f(now)
			}
		}
	}
	req.Lost, req.Taken, req.ShutdownAsked = mine(r.lost), mine(r.taken), mine(r.shutdownAsked)
	if !wanted(c.Replica.Root(), r.name) {
		c.world.Later(func(now time.Time) { end(now, codeError, statusCancelled, ErrUnwanted.Error()) })
		return
	}
	r.cancel = c.connect.Connect(req, func(now time.Time, got RemoteConn, err error) {
		c.now, r.cancel = now, nil
		var key RemoteKeyError
		switch {
		case errors.Is(err, ErrUnwanted):
			end(now, codeError, statusCancelled, err.Error())
		case errors.As(err, &key):
			end(now, codeInvalid, statusError, key.Error())
		case err != nil:
			end(now, codeError, statusTimeout, err.Error()+" without enough time to retry")
		default:
			conn, r.conn = got, got
			r.connected(op)
			end(now, codeOK, 0, "")
		}
	})
}

// unwanted ends tries to connect to remote nodes that are not configured any more, or whose connection is to be stopped: the
// plan that the change asks for waits for them, and they may have a minute left.
func (c *Core) unwanted() {
	for _, name := range c.remoteNames() {
		r := c.remotes[name]
		if r.cancel == nil && r.rivalry.until.IsZero() || wanted(c.Replica.Root(), name) {
			continue
		}
		c.world.Logf("remote: the connection to node %s is not wanted any more", name)
		r.giveUp()
	}
}

// wanted tells whether a configuration has a connection to a remote node: a resource of that name, or one that has it as a
// guest, which does not plainly say that it is to be stopped.
func wanted(root *etree.Element, name string) bool {
	resources := cib.Section(root, "resources")
	if resources == nil {
		return false
	}
	bundle := name[:max(0, strings.LastIndexByte(name, '-'))] // what a bundle's instances are called
	found := false
	var walk func(el, owner *etree.Element)
	walk = func(el, owner *etree.Element) {
		switch el.Tag {
		case "primitive", "bundle", "group", "clone", "template":
			owner = el
		}
		named := false
		switch id := el.SelectAttrValue("id", ""); el.Tag {
		case "primitive":
			named = id == name
		case "bundle":
			named = id == bundle
		case "nvpair":
			named = el.SelectAttrValue("name", "") == "remote-node" && el.SelectAttrValue("value", "") == name
		}
		found = found || named && !stopped(owner)
		for _, x := range el.Child {
			if x, ok := x.(*etree.Element); ok && !found {
				walk(x, owner)
			}
		}
	}
	walk(resources, resources)
	return found
}

// stopped tells whether all that a resource has of its own of its target role is that it is to be stopped.
func stopped(resource *etree.Element) bool {
	is := false
	for _, set := range resource.SelectElements("meta_attributes") {
		if set.SelectAttr("id-ref") != nil || set.SelectElement("rule") != nil {
			return false
		}
		for _, nv := range set.SelectElements("nvpair") {
			switch {
			case nv.SelectAttr("id-ref") != nil:
				return false
			case nv.SelectAttrValue("name", "") == "target-role":
				if is = strings.EqualFold(nv.SelectAttrValue("value", ""), "Stopped"); !is {
					return false
				}
			}
		}
	}
	return is
}

// remoteDown tells the cluster that a node is not there any more. Its history stays: what it
// ran may be running still.
func (c *Core) remoteDown(name string) {
	c.Attributes.Forget(name)
	c.Controller.Change(stateOfRemote(name, "in_ccm", "false"))
	c.Controller.RemoteState(name, false)
}

// remoteFenced tells it, as the DC, of one that was fenced: nothing of what it ran runs any more.
func (c *Core) remoteFenced(name string) {
	(*controllerEffects)(c).asDC(func() { c.Attributes.Forget(name) })
	c.Controller.ChangeAsDC(withoutHistory(name))
	c.Controller.ChangeAsDC(stateOfRemote(name, "in_ccm", "false", "node_fenced", strconv.FormatInt(c.now.Unix(), 10)))
	c.Controller.RemoteState(name, false)
}

// withoutHistory is a change that takes a remote node's history out of the CIB.
func withoutHistory(node string) cib.Request {
	return cib.Request{Op: cib.Delete, XPath: true, Section: historyPath(node)}
}

// stateOfRemote is one that writes a remote node's state.
func stateOfRemote(name string, attrs ...string) cib.Request {
	return cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: remoteNodeState(name, attrs...)}
}

// remoteNodeState is an element node_state of a remote node.
func remoteNodeState(name string, attrs ...string) *etree.Element {
	s := etree.NewElement("node_state")
	s.CreateAttr("id", name)
	s.CreateAttr("uname", name)
	s.CreateAttr("remote_node", "true")
	for i := 0; i+1 < len(attrs); i += 2 {
		s.CreateAttr(attrs[i], attrs[i+1])
	}
	s.CreateAttr("crm-debug-origin", "remote_node_state")
	return s
}

// drop ends a connection, and what was under way over it.
func (r *remoteNode) drop(why string) {
	if r.conn == nil {
		return
	}
	conn := r.conn
	r.conn, r.holds, r.adopting, r.late = nil, false, false, late{}
	conn.Close()
	r.exec.Abandon(why)
	r.renew()
	if p := r.poke; p != nil {
		r.poke = nil
		r.core.world.Later(func(now time.Time) {
			p.done(now, executor.Result{Code: codeError, Status: statusError, Reason: "Remote connection unexpectedly dropped during monitor"})
		})
	}
}

func (r *remoteNode) stop() {
	r.drop("The connection is stopped")
	if !r.moved {
		r.core.remoteDown(r.name)
	}
	r.moving, r.moved = false, false
}

func (r *remoteNode) lost(now time.Time) {
	if r.moved {
		r.drop("Another node is connected")
		return
	}
	if r.inMaintenance() {
		r.core.world.Logf("remote: the connection to node %s, which is in maintenance, is lost", r.name)
		r.unwatched(now)
		return
	}
	r.core.world.Logf("remote: the connection to node %s is lost", r.name)
	r.core.Executor.FailRecurring(now, r.name, "Lost connection to remote executor")
	r.drop("Lost connection to remote executor")
}

// unwatched ends a connection in maintenance: nobody monitors it, and nothing is to be done but to tell that it is gone.
func (r *remoteNode) unwatched(now time.Time) {
	r.stop()
	r.core.Executor.Stopped(now, executor.Op{Resource: r.name, Node: r.core.self.Name, FeatureSet: controller.FeatureSet})
}

func (r *remoteNode) inMaintenance() bool {
	s := remoteState(r.core.Replica.Root(), r.name)
	return s != nil && s.SelectAttrValue("node_in_maintenance", "") == "1"
}

// taken: another node connected. Was that not announced, this node has been given up by the others.
func (r *remoteNode) taken(now time.Time) {
	if r.moving {
		r.moving, r.moved = false, true
		return
	}
	r.core.world.Logf("remote: another node connected to %s, which nobody announced", r.name)
	r.rivalry.lost(now)
	if r.inMaintenance() {
		r.moved = true // that one says that the node is there
		r.unwatched(now)
		return
	}
	r.lost(now)
}

func (r *remoteNode) shutdownAsked(now time.Time) {
	c := r.core
	c.world.Logf("remote: node %s asks to shut down", r.name)
	t := strconv.FormatInt(now.Unix(), 10)
	c.Attributes.Set(attribute.Update{Name: "shutdown", Host: r.name, Value: &t, Remote: true})
	r.conn.AnswerShutdown(true)
}

// ask pokes the other end.
func (r *remoteNode) ask(op executor.Op, finished func(now time.Time, res executor.Result)) {
	p := &poke{done: finished}
	if op.Timeout > 0 {
		p.due = r.core.now.Add(op.Timeout)
	}
	r.poke = p
	r.conn.Poke(func(now time.Time) {
		r.core.now = now
		if r.poke == p {
			r.poke = nil
			finished(now, executor.Result{})
		}
	})
}

// tick gives up an end that does not answer.
func (r *remoteNode) tick(now time.Time) {
	r.exec.Tick(now)
	r.rivalry.tick(now)
	if p := r.poke; p != nil && !p.due.IsZero() && !p.due.After(now) {
		r.poke = nil
		p.done(now, executor.Result{Code: codeError, Status: statusTimeout, Reason: "Remote executor did not respond"})
		r.core.Executor.FailRecurring(now, r.name, "Lost connection to remote executor")
		r.drop("Remote executor did not respond")
	}
}

func (r *remoteNode) deadline() time.Time {
	next := r.exec.Deadline()
	if t := r.rivalry.until; !t.IsZero() && (next.IsZero() || t.Before(next)) {
		next = t
	}
	if p := r.poke; p != nil && !p.due.IsZero() && (next.IsZero() || p.due.Before(next)) {
		next = p.due
	}
	return next
}

// remoteNames lists the remote nodes that this node has records of, in order.
func (c *Core) remoteNames() []string {
	out := make([]string, 0, len(c.remotes))
	for n := range c.remotes {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// IsRemote tells whether the CIB knows a node of this name as a remote one.
func (c *Core) IsRemote(name string) bool {
	named := func(m controller.Member) bool { return m.Name == name }
	if slices.ContainsFunc(c.ring, named) || slices.ContainsFunc(c.members, named) {
		return false
	}
	if c.remotes[name] != nil {
		return true
	}
	return remoteIn(c.Replica.Root(), name)
}

// remoteState is what the CIB says of a remote node, nil where it says nothing.
func remoteState(root *etree.Element, name string) *etree.Element {
	if st := cib.Section(root, "status"); st != nil {
		for _, s := range st.SelectElements("node_state") {
			if s.SelectAttrValue("uname", "") == name && s.SelectAttrValue("remote_node", "") == "true" {
				return s
			}
		}
	}
	return nil
}

func remoteIn(root *etree.Element, name string) bool { return remoteState(root, name) != nil }

func remoteOnline(root *etree.Element, name string) bool {
	s := remoteState(root, name)
	return s != nil && s.SelectAttrValue("in_ccm", "") == "true"
}

// RemoteConnected tells whether this node is connected to that remote node.
func (c *Core) RemoteConnected(name string) bool {
	return c.remotes[name] != nil && c.remotes[name].conn != nil
}

// RemoteExecutor gives the executor of a remote node that this node is connected to; nil where it is not.
func (c *Core) RemoteExecutor(name string) *executor.Executor {
	if !c.RemoteConnected(name) {
		return nil
	}
	return c.remotes[name].exec
}

// holdsRemote tells whether this node does what all are told to do on that remote node: of two that are connected to it while the
// connection moves, one does.
func (c *Core) holdsRemote(name string) bool {
	r := c.remotes[name]
	return r != nil && r.conn != nil && r.holds
}

// executorOf gives the executor that runs what is ordered for a node: nil where that is
// none of this node's.
func (c *Core) executorOf(node string) *executor.Executor {
	if node == "" || node == c.self.Name {
		return c.Executor
	}
	return c.remote(node).exec
}

// remoteEffects is what an executor for a remote node does to the world.
type remoteEffects remoteNode

func (r *remoteEffects) own() *executorEffects { return (*executorEffects)(r.core) }

func (r *remoteEffects) Run(run uint64, op executor.Op) {
	exec, kills := r.exec, r.kills
	finished := func(now time.Time, res executor.Result) {
		r.core.now = now
		delete(kills, run)
		exec.Finished(now, run, res)
	}
	switch {
	case r.conn == nil:
		r.core.world.Later(func(now time.Time) { finished(now, unconnected(r.known, op)) })
	case op.Class == "stonith":
		r.core.world.Later(func(now time.Time) {
			finished(now, executor.Result{Code: codeUnsupported, Status: 3, Reason: "Fence devices do not run on remote nodes"})
		})
	default:
		kills[run] = r.conn.Run(op, finished)
	}
}

func (r *remoteEffects) Traits(op executor.Op) executor.Traits { return r.core.world.Traits(op) }

// Kill ends a check that nobody waits for any more, and does nothing for what is done once: no executor ends that.
func (r *remoteEffects) Kill(run uint64) {
	if kill := r.kills[run]; kill != nil {
		kill()
	}
}

// unconnected is the result of what is ordered for a remote node without a connection to it. Pacemaker, too, writes it into that
// node's history (its do_lrm_invoke); notifications cannot fail.
func unconnected(known bool, op executor.Op) executor.Result {
	switch {
	case op.Action == "notify":
		return executor.Result{}
	case known:
		return executor.Result{Code: codeError, Status: statusNoConn, Reason: "Not connected to remote executor"}
	}
	return executor.Result{Code: codeError, Status: statusNoConn, Reason: "Local node has no connection to remote"}
}

func (r *remoteEffects) Record(node string, resource *etree.Element) {
	s := etree.NewElement("node_state")
	s.CreateAttr("id", node)
	s.CreateAttr("uname", node)
	s.CreateAttr("remote_node", "true")
	lrm := s.CreateElement("lrm")
	lrm.CreateAttr("id", node)
	lrm.CreateElement("lrm_resources").AddChild(resource)
	r.own().write(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: s})
}

func (r *remoteEffects) Forget(node, resource, entry string) {
	if entry == "" && r.conn != nil {
		r.conn.Forget(resource)
	}
	r.own().Forget(node, resource, entry)
}

func (r *remoteEffects) Answer(op executor.Op, res executor.Result)   { r.own().Answer(op, res) }
func (r *remoteEffects) Recorded(op executor.Op, res executor.Result) { r.own().Recorded(op, res) }
func (r *remoteEffects) Logf(format string, args ...any)              { r.own().Logf(format, args...) }
