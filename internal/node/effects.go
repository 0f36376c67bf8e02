package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/alert"
	"hacluster/engine/attribute"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
)

// Each state machine sees the core as the Effects that it asks for.
type (
	replicaEffects    Core
	attributeEffects  Core
	controllerEffects Core
	executorEffects   Core
	fencerEffects     Core
)

func (c *replicaEffects) Broadcast(msg *etree.Element)   { (*Core)(c).send(msg) }
func (c *replicaEffects) Save(root *etree.Element) error { return c.world.Save(root) }
func (c *replicaEffects) SaveTerm(t cib.Term) error      { return c.world.SaveTerm(t) }
func (c *replicaEffects) Nodes() int                     { return len(c.names) }
func (c *replicaEffects) Logf(format string, a ...any)   { c.world.Logf("cib: "+format, a...) }
func (c *replicaEffects) Members() []string              { return (*fencerEffects)(c).Members() }
func (c *replicaEffects) MaxSchema() string {
	name, _ := c.Controller.MaxSchema()
	return name
}

func (c *replicaEffects) Agreed() int { return c.Controller.Agreed() }

func (c *replicaEffects) Shares(dc string) bool { return c.Controller.Joined(dc) }

func (c *replicaEffects) Follows(dc string) bool { return c.Controller.DC() == dc }

func (c *replicaEffects) Differ() { c.Controller.Differ(c.now) }

func (c *replicaEffects) Changed(ch replica.Change) {
	c.world.CIBChanged(ch)
	c.Controller.CIBChanged(c.now, ch)
	(*Core)(c).toldLate(ch)
	if ch.Config {
		(*Core)(c).checkWatchdog()
		(*Core)(c).unwanted()
	}
}

func (c *attributeEffects) Broadcast(msg *etree.Element) { (*Core)(c).send(msg) }
func (c *attributeEffects) NodeID(name string) string    { return (*Core)(c).nodeID(name) }
func (c *attributeEffects) Members() []string            { return (*fencerEffects)(c).Members() }
func (c *attributeEffects) Leader() string               { return c.Replica.Leader() }
func (c *attributeEffects) Logf(format string, a ...any) { c.world.Logf("attributes: "+format, a...) }

func (c *attributeEffects) Wrote(host, name, value string) {
	core := (*Core)(c)
	core.alert(alert.AttributeEvent(host, core.nodeID(host), name, value))
}

func (c *attributeEffects) Write(req cib.Request) {
	c.Controller.AsDC(func(leads bool) {
		c.Replica.Request(replica.Client{Name: controller.ClientAttributes, User: "hacluster", DC: leads}, req, "", func(_ cib.Result, err error) {
			if err != nil {
				c.world.Logf("attributes: could not be written: %v", err)
			}
		})
	})
}

func (c *controllerEffects) core() *Core                  { return (*Core)(c) }
func (c *controllerEffects) Broadcast(msg *etree.Element) { c.core().send(msg) }
func (c *controllerEffects) CIB() *etree.Element          { return c.Replica.Root() }
func (c *controllerEffects) Logf(format string, a ...any) { c.world.Logf("controller: "+format, a...) }
func (c *controllerEffects) Exit(reason string)           { c.world.Exit(reason) }
func (c *controllerEffects) Histories() []*etree.Element {
	id := strconv.FormatUint(uint64(c.self.ID), 10)
	own := etree.NewElement("node_state")
	own.CreateAttr("id", id)
	own.CreateAttr("uname", c.self.Name)
	own.AddChild(c.Executor.State(id))
	all := []*etree.Element{own}
	for _, name := range c.tells() {
		r := c.remotes[name]
		state := remoteNodeState(name, r.state()...)
		state.AddChild(r.exec.State(name))
		all = append(all, state)
	}
	return all
}

// tells are the remote nodes whose histories this node writes.
func (c *controllerEffects) tells() []string {
	return slices.DeleteFunc(c.core().remoteNames(), func(name string) bool {
		r := c.remotes[name]
		return r.conn == nil || r.moved || r.adopting
	})
}

func (c *controllerEffects) NumberLost() {
	c.Executor.NumberLost()
	for _, name := range c.tells() {
		c.remotes[name].exec.NumberLost()
	}
}

func (c *controllerEffects) Update(req cib.Request, asDC bool, done func(error)) {
	c.core().request(replica.Client{Name: controller.ClientController, User: "hacluster", DC: asDC}, req, c.now.Format(time.ANSIC), func(err error) {
		if done != nil {
			done(err)
		}
	})
}

func (c *controllerEffects) Leader() string          { return c.Replica.Leader() }
func (c *controllerEffects) Follow(dc string) string { return c.Replica.Follow(dc) }

func (c *controllerEffects) Sync(source string, done func(error)) { c.Replica.Sync(source, done) }

func (c *controllerEffects) ShareAttributes(strangers []string) {
	c.Attributes.AsDC(func() { c.Attributes.Share(strangers) })
}

func (c *controllerEffects) Absent() string { return c.Attributes.Absent() }

func (c *controllerEffects) Term() cib.Term    { return c.Replica.Term() }
func (c *controllerEffects) Termless(yes bool) { c.Replica.Termless(yes) }

func (c *controllerEffects) Raise(members []string, above uint64, adopt bool) {
	c.Replica.Raise(members, above, adopt)
}

func (c *controllerEffects) SetAttribute(node, name string, value *string) {
	c.setAttribute(attribute.Update{Name: name, Host: node, Value: value})
}

func (c *controllerEffects) HasAttribute(name string) bool {
	_, ok := c.Attributes.Get(c.self.Name, name)
	return ok
}

func (c *controllerEffects) CountFailure(node, name, value, failure string) {
	c.setAttribute(attribute.Update{Name: name, Host: node, Value: &value, Of: failure})
}

func (c *controllerEffects) setAttribute(u attribute.Update) {
	u.Remote = c.core().IsRemote(u.Host)
	set := func() { c.Attributes.Set(u) }
	if u.Host == c.self.Name {
		set() // what a node tells of itself it may tell whoever is DC
		return
	}
	c.asDC(set)
}

// asDC orders a change of attributes that is for the DC to order, where this node is it.
func (c *controllerEffects) asDC(order func()) {
	c.Controller.AsDC(func(leads bool) {
		if leads {
			c.Attributes.AsDC(order)
		} else {
			order()
		}
	})
}

func (c *controllerEffects) RewriteAttributes(node string) { c.Attributes.Rewrite(c.now, node) }

func (c *controllerEffects) ShareFencing() { c.Fencer.Share() }

func (c *controllerEffects) ClearFailures(resource, node string) {
	c.asDC(func() { c.Attributes.ClearFailures(resource, "", 0, node) })
}

func (c *controllerEffects) Plan(now time.Time, transition int, sparing bool) (controller.Plan, error) {
	root := c.Replica.Root()
	if sparing {
		root = withoutStartupFencing(root)
	}
	p, err := c.world.Plan(root, now)
	if err == nil {
		trouble, saved := "", ""
		if p.Trouble != "" {
			trouble = " (with " + p.Trouble + ")"
		}
		if p.Input != "" {
			saved = ", saving inputs in " + p.Input
		}
		text := fmt.Sprintf("Calculated transition %d%s%s", transition, trouble, saved)
		switch p.Trouble {
		case "":
			c.world.Logf("scheduler: %s", text)
		case "errors":
			c.world.Logf("scheduler: %v", grave{slog.LevelError, text})
		default:
			c.world.Logf("scheduler: %v", errors.New(text))
		}
	}
	return p, err
}

func (c *controllerEffects) Fence(r controller.FenceRequest, done func(error)) {
	c.Fencer.Fence(c.now, fencer.Request{Target: r.Target, Action: r.Action, Client: fencer.ClientName(fencer.ClientController, c.pid), Timeout: r.Timeout, Delay: r.Delay, Controller: true}, done)
}

func (c *controllerEffects) Execute(order *etree.Element) {
	op, err := parseOrder(order, c.now)
	if err != nil {
		c.world.Logf("controller: an order cannot be carried out: %v", err)
		return
	}
	if (op.Action == "delete" || op.Action == "asyncmon") && op.Node != c.self.Name && !c.core().holdsRemote(op.Node) {
		return // told to all, meant for the node that is connected
	}
	e := c.core().executorOf(op.Node)
	if op.Action == "asyncmon" {
		e.Fail(c.now, op)
		return
	}
	switch op.Action {
	case "delete", "cancel":
	default:
		c.world.Logf("controller: Requesting local execution of %s operation for %s on %s", readable(op), op.Resource, op.Node)
	}
	e.Invoke(c.now, op)
}

func (c *controllerEffects) Configured() []controller.Member { return c.core().configured() }

func (c *controllerEffects) IsRemote(node string) bool { return c.core().IsRemote(node) }

func (c *controllerEffects) RemoteHeld(node, by string) {
	if r := c.remotes[node]; r != nil {
		r.heldBy(by)
	}
}

func (c *controllerEffects) RemoteFenced(node string) { c.core().remoteFenced(node) }

func (c *controllerEffects) BecameDC(yes bool) {
	c.Attributes.SetWriter(c.now, yes)
	c.Replica.Lead(c.now, yes)
}

// clocksAgree is how far a node's clock may be ahead of the DC's and count as the same.
const clocksAgree = 2 * time.Second

// parseOrder reads an element rsc_op, at this node's time.
func parseOrder(order *etree.Element, now time.Time) (executor.Op, error) {
	op := executor.Op{
		Action: order.SelectAttrValue("operation", ""), Key: order.SelectAttrValue("transition-key", ""),
		Node: order.SelectAttrValue("on_node", ""), FeatureSet: controller.FeatureSet,
	}
	for _, el := range order.ChildElements() {
		if el.Tag == "attributes" {
			for _, a := range el.Attr {
				if a.Key == "CRM_meta_op_target_rc" {
					continue // the key has it; no agent is told
				}
				op.Params = append(op.Params, executor.Param{Name: a.Key, Value: a.Value})
			}
			continue
		}
		op.Resource, op.Class = el.SelectAttrValue("id", ""), el.SelectAttrValue("class", "")
		op.Provider, op.Type = el.SelectAttrValue("provider", ""), el.SelectAttrValue("type", "")
	}
	if op.Resource == "" || op.Action == "" {
		return op, fmt.Errorf("order %s names no resource or no operation", op.Key)
	}
	ms := func(name string) time.Duration {
		n, _ := strconv.ParseInt(op.Param(name), 10, 64)
		return time.Duration(max(0, n)) * time.Millisecond
	}
	op.Interval, op.Timeout, op.StartDelay = ms("CRM_meta_interval"), ms("CRM_meta_timeout"), ms("CRM_meta_start_delay")
	op.Container = op.Param("CRM_meta_container")
	if at, err := strconv.ParseInt(order.SelectAttrValue(controller.TimeAttr, ""), 10, 64); err == nil {
		// An order takes its time to come: what lies within that is no difference of clocks.
		if d := time.UnixMilli(at).Sub(now); d > 0 || d < -clocksAgree {
			op.Clock = d
		}
	}
	op.Lock, _ = strconv.ParseInt(order.SelectAttrValue(executor.LockAttr, ""), 10, 64)
	if op.Action == "cancel" {
		op.Interval = 0
	}
	return op, nil
}

func (c *executorEffects) Logf(format string, a ...any) { c.world.Logf("executor: "+format, a...) }

func (c *executorEffects) Run(run uint64, op executor.Op) {
	core := (*Core)(c)
	finished := func(now time.Time, res executor.Result) {
		core.now = now
		delete(core.kills, run)
		core.Executor.Finished(now, run, res)
	}
	switch {
	case op.Connects():
		core.kills[run] = core.connection(op, func(now time.Time, res executor.Result) {
			res.Traits = connectionTraits
			finished(now, res)
		})
		return
	case op.Class != "stonith":
		core.kills[run] = c.world.RunAgent(op, finished)
		return
	}
	// A fence device runs nowhere: started means that this node watches over it.
	answer := func(code int, reason string) {
		c.world.Later(func(now time.Time) {
			finished(now, executor.Result{Code: code, Reason: reason, Traits: c.world.Traits(op)})
		})
	}
	switch {
	case op.Action == "stop":
		delete(core.running, op.Resource)
		core.Fencer.Started(op.Resource, false)
		if op.By.ID != "" {
			core.Fencer.Deregister(op.Resource)
		}
		answer(0, "")
		return
	case op.Action == "monitor" && op.Interval == 0:
		code := 7
		if core.running[op.Resource] {
			code = 0
		}
		answer(code, "")
		return
	case op.Action != "start" && op.Action != "monitor":
		answer(3, "fence devices have no action "+op.Action)
		return
	}
	if op.Action == "start" && op.By.ID != "" {
		// A client's device is one of its own, as one that is registered with the fencer.
		d := fencer.Device{ID: op.Resource, Agent: op.Type}
		for _, p := range op.Params {
			d.Params = append(d.Params, fencer.Param(p))
		}
		core.Fencer.Register(d)
	}
	there := core.Fencer.Monitor(core.now, op.Resource, op.Timeout, func(res fencer.AgentResult) {
		code, status := 0, 0
		if res.TimedOut {
			status = statusTimeout
		}
		if res.Code != 0 {
			code = 1
		} else if op.Action == "start" {
			core.running[op.Resource] = true
			core.Fencer.Started(op.Resource, true)
		}
		finished(core.now, executor.Result{Code: code, Status: status, Reason: res.Reason, Output: res.Output, Traits: c.world.Traits(op)})
	})
	if !there {
		answer(1, "there is no fence device "+op.Resource)
	}
}

func (c *executorEffects) Traits(op executor.Op) executor.Traits {
	if op.Connects() {
		return connectionTraits
	}
	return c.world.Traits(op)
}

// Kill ends an agent, or a try to connect to a remote node. What else is done in an agent's place ends by itself.
func (c *executorEffects) Kill(run uint64) {
	if kill := c.kills[run]; kill != nil {
		kill()
	}
}

func (c *executorEffects) write(req cib.Request) {
	(*Core)(c).request(replica.Client{Name: controller.ClientExecutor, User: "hacluster"}, req, "", func(err error) {
		if err != nil {
			c.world.Logf("executor: a result could not be recorded: %v", err)
		}
	})
}

func (c *executorEffects) Record(node string, resource *etree.Element) {
	id := (*Core)(c).nodeID(node)
	s := etree.NewElement("node_state")
	s.CreateAttr("id", id)
	s.CreateAttr("uname", node)
	lrm := s.CreateElement("lrm")
	lrm.CreateAttr("id", id)
	lrm.CreateElement("lrm_resources").AddChild(resource)
	c.write(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: s})
}

func (c *executorEffects) Forget(node, resource, entry string) {
	c.write(forgetHistory(node, resource, entry))
}

func (c *executorEffects) Recorded(op executor.Op, res executor.Result) {
	(*Core)(c).logResult(op, res)
	e, ok := alert.ResourceEvent(alert.Operation{
		Node: op.Node, Resource: op.Resource, Task: op.Action, Interval: op.Interval, Duration: res.Duration,
		Code: res.Code, Expected: op.Expected(), Status: res.Status,
	})
	if ok {
		(*Core)(c).alert(e)
	}
}

func (c *executorEffects) Answer(op executor.Op, res executor.Result) {
	m := etree.NewElement("message")
	for _, a := range [][2]string{
		{"t", controller.Type},
		{"crm_task", "lrm_result"},
		{"src", c.self.Name},
		{"rsc_id", op.Resource},
		{"transition-magic", fmt.Sprintf("%d:%d;%s", res.Status, res.Code, op.Key)},
	} {
		m.CreateAttr(a[0], a[1])
	}
	(*Core)(c).send(m)
}

func (c *fencerEffects) Broadcast(msg *etree.Element) { (*Core)(c).send(msg) }
func (c *fencerEffects) CIB() *etree.Element          { return c.Replica.Root() }
func (c *fencerEffects) Installed(agent string) bool  { return c.world.Installed(agent) }
func (c *fencerEffects) Changed()                     { c.world.FencingChanged() }
func (c *fencerEffects) Logf(format string, a ...any) { c.world.Logf("fencer: "+format, a...) }
func (c *fencerEffects) Members() []string {
	return memberNames(c.members)
}

func (c *fencerEffects) MayFence(target string) bool {
	return c.Controller.MayFence(target)
}

func (c *fencerEffects) IsDC() bool { return c.Controller.IsDC() }

func (c *fencerEffects) Overruled(target string, askers []string) bool {
	return c.Controller.Overruled(target, askers)
}

// Duel: each of two nodes has quorum without the other, and nothing shows that the target
// cannot act: one that is in the ring without its daemon cannot.
func (c *fencerEffects) Duel(target string) bool {
	if len(c.names) != 2 || !c.twoNode && c.Controller.Option("no-quorum-policy") != "ignore" {
		return false
	}
	named := func(m controller.Member) bool { return m.Name == target }
	return !slices.ContainsFunc(c.ring, named) || slices.ContainsFunc(c.members, named)
}

func (c *fencerEffects) Began(target string) int { return c.Controller.FencingBegan(target) }

func (c *fencerEffects) Meant(target string, joins int) { c.Controller.FencingMeant(target, joins) }

func (c *fencerEffects) Completed(r fencer.Record) {
	c.world.FencingEnded(r)
	rc, word := 0, "OK"
	if r.State != fencer.Done {
		rc, word = 201, cmp.Or(r.Reason, "Generic Pacemaker error")
	}
	by := cmp.Or(r.Delegate, "the cluster")
	(*Core)(c).logFencing(r)
	(*Core)(c).alert(alert.FencingEvent(r.Target, fmt.Sprintf("Operation %s of %s by %s for %s@%s: %s (ref=%s)", r.Action, r.Target, by, r.Client, r.Origin, word, r.ID), rc))
}

func (c *fencerEffects) Fenced(target string, ours bool) {
	if r := c.remotes[target]; r != nil && r.conn != nil {
		r.lost(c.now)
	}
	c.Controller.Fenced(c.now, target, ours)
	if target == c.self.Name {
		c.fenced = true
		if c.Controller.Option("fencing-reaction") == "panic" {
			c.world.Panic("this node was fenced, so others say, and fencing-reaction is panic")
		}
		c.world.Exit("fenced")
	}
}

func (c *fencerEffects) Traits(agent string, done func(fencer.Traits)) {
	core := (*Core)(c)
	c.world.FenceTraits(agent, func(now time.Time, t fencer.Traits) {
		core.now = now
		core.Fencer.Advance(now)
		done(t)
	})
}

func (c *fencerEffects) Run(agent, action string, params func(plug string) []fencer.Param, timeout time.Duration, done func(fencer.AgentResult)) {
	core := (*Core)(c)
	c.world.RunFence(agent, action, params, timeout, func(now time.Time, res fencer.AgentResult) {
		core.now = now
		core.Fencer.Advance(now)
		done(res)
	})
}
