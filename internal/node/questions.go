package node

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
)

// Questions that a client has for another node go through the group, as all that nodes tell each other.

// answerWithin is how long a node has for an answer. One of a release that does not know the question never gives one.
const answerWithin = 30 * time.Second

// question is one to another node that was not answered yet.
type question struct {
	node, answer string // who is asked, and the task of the message that answers
	until        time.Time
	done         func(answer *etree.Element) // nil: none comes
}

// isMember tells whether a node is in the group.
func (c *Core) isMember(name string) bool {
	return slices.ContainsFunc(c.members, func(m controller.Member) bool { return m.Name == name })
}

// ask puts a question, a message without sender and receiver, to another node; done hears nil when that is no member of
// the group, leaves it before it answers, or takes too long. Clients ask at any time, not only when something has happened: that is now.
func (c *Core) ask(now time.Time, node string, msg *etree.Element, answer string, done func(answer *etree.Element)) {
	if !c.isMember(node) {
		done(nil)
		return
	}
	c.asked++
	ref := strconv.Itoa(c.asked)
	c.questions[ref] = question{node, answer, now.Add(answerWithin), done}
	c.address(msg, node, ref)
	c.send(msg)
}

// questionMessage is a question, or an answer.
func questionMessage(task string) *etree.Element {
	m := etree.NewElement("message")
	m.CreateAttr("t", controller.Type)
	m.CreateAttr("crm_task", task)
	return m
}

// address writes on a message from whom it is, to whom, and about what.
func (c *Core) address(m *etree.Element, to, ref string) {
	m.CreateAttr("src", c.self.Name)
	m.CreateAttr("crm_host_to", to)
	m.CreateAttr("reference", ref)
}

// questioned takes a question or an answer; false when the message is neither.
func (c *Core) questioned(from string, msg *etree.Element) bool {
	task, ref := msg.SelectAttrValue("crm_task", ""), msg.SelectAttrValue("reference", "")
	var reply *etree.Element
	here := msg.SelectAttrValue("crm_host_to", "") == c.self.Name
	switch task {
	case taskPing:
		if here {
			reply = c.pong()
		}
	case taskQuery:
		if here {
			reply = c.queryAnswer(msg)
		}
	case taskPong, taskQueried:
		if q, ok := c.questions[ref]; ok && here && q.node == from && q.answer == task {
			delete(c.questions, ref)
			q.done(msg)
		}
		return true
	default:
		return false
	}
	if reply != nil {
		c.address(reply, from, ref)
		c.send(reply)
	}
	return true
}

// unanswered ends the questions that are, as far as this says, not to be answered any more.
func (c *Core) unanswered(lost func(question) bool) {
	for _, ref := range slices.Sorted(maps.Keys(c.questions)) { // in one order, so that a run can be repeated
		if q, ok := c.questions[ref]; ok && lost(q) {
			delete(c.questions, ref)
			q.done(nil)
		}
	}
}

// questionsDue is when the first question has waited too long; zero: none waits.
func (c *Core) questionsDue() (next time.Time) {
	for _, q := range c.questions {
		if next.IsZero() || q.until.Before(next) {
			next = q.until
		}
	}
	return next
}

// What controllers tell of their state.
const (
	taskPing = "ping"
	taskPong = "pong"
)

// Ping asks the controller of a node, "" for this one, for its state; done hears "" when it does not say.
func (c *Core) Ping(now time.Time, node string, done func(state string)) {
	if node == "" || node == c.self.Name {
		done(c.pingState())
		return
	}
	c.ask(now, node, questionMessage(taskPing), taskPong, func(answer *etree.Element) {
		if answer == nil {
			done("")
			return
		}
		done(answer.SelectAttrValue("crmd_state", ""))
	})
}

func (c *Core) pong() *etree.Element {
	m := questionMessage(taskPong)
	m.CreateAttr("crmd_state", c.pingState())
	return m
}

// pingState is the controller's state for who asks; the log has it, too, as those who watch it go by that.
func (c *Core) pingState() string {
	state := string(c.Controller.State())
	c.world.Logf("controller: Current ping state: %s", state)
	return state
}

// What nodes ask of each other's CIB, and the attributes of that.
const (
	taskQuery   = "cib_query"
	taskQueried = "cib_queried"

	queryGroups = "hacluster-groups"
	querySpaced = "hacluster-spaced-groups" // those whose names have blanks; a release that does not know it leaves them out
	detailAttr  = "hacluster-detail"        // what an error says beside its code
)

// QueryAt queries the document that a node has, "" for this one, at the time that req.Now is. The user's permissions hold; its groups are those on the
// node that asks.
func (c *Core) QueryAt(node string, req cib.Request, done func(*etree.Element, error)) {
	if node == "" || node == c.self.Name {
		done(c.Replica.Query(req))
		return
	}
	if err := c.ThereFor(node); err != nil {
		done(nil, err)
		return
	}
	m := questionMessage(taskQuery)
	m.CreateAttr("cib_section", req.Section)
	m.CreateAttr("cib_callopt", strconv.FormatUint(uint64(req.Options()), 10))
	m.CreateAttr("cib_user", req.User.Name)
	m.CreateAttr(queryGroups, acl.GroupsText(req.User.Groups))
	if spaced := acl.SpacedText(req.User.Groups); spaced != "" {
		m.CreateAttr(querySpaced, spaced)
	}
	c.ask(req.Now, node, m, taskQueried, func(answer *etree.Element) {
		if answer == nil {
			done(nil, &cib.Error{Code: cib.Unreached, Detail: fmt.Sprintf("node %s has not told what its CIB has", node)})
			return
		}
		done(readAnswer(answer))
	})
}

// named is a member's name as it is written, whichever way a client writes it.
func (c *Core) named(node string) string {
	for _, m := range c.members {
		if strings.EqualFold(m.Name, node) {
			return m.Name
		}
	}
	return node
}

// ThereFor tells why a node cannot take part in what a client wants of it by name, nil if it can.
func (c *Core) ThereFor(node string) error {
	if node == "" || c.isMember(node) {
		return nil
	}
	return &cib.Error{Code: cib.Unreached, Detail: fmt.Sprintf("node %s is not there: there are %s", node, strings.Join(memberNames(c.members), ", "))}
}

// queryAnswer is what this node's document has of what is asked.
func (c *Core) queryAnswer(msg *etree.Element) *etree.Element {
	req := cib.Request{
		Op: cib.Query, Section: msg.SelectAttrValue("cib_section", ""), Now: c.now,
		User: acl.User{
			Name:   msg.SelectAttrValue("cib_user", ""),
			Groups: slices.Concat(acl.ParseGroups(msg.SelectAttrValue(queryGroups, "")), acl.ParseSpaced(msg.SelectAttrValue(querySpaced, ""))),
		},
	}
	opts, err := strconv.ParseUint(msg.SelectAttrValue("cib_callopt", "0"), 10, 32)
	var data *etree.Element
	if err == nil {
		req.SetOptions(cib.Options(opts))
		data, err = c.Replica.Query(req)
	} else {
		err = &cib.Error{Code: cib.Protocol, Detail: err.Error()}
	}
	m := questionMessage(taskQueried)
	m.CreateAttr("cib_rc", strconv.Itoa(-int(cib.CodeOf(err))))
	if detail := cib.DetailOf(err); detail != "" {
		m.CreateAttr(detailAttr, detail)
	}
	if data != nil {
		m.CreateElement("cib_calldata").AddChild(xml.Copy(data))
	}
	return m
}

// readAnswer reads what queryAnswer wrote.
func readAnswer(msg *etree.Element) (data *etree.Element, err error) {
	if d := msg.SelectElement("cib_calldata"); d != nil {
		if el := d.ChildElements(); len(el) > 0 {
			data = el[0]
		}
	}
	rc, err := strconv.Atoi(msg.SelectAttrValue("cib_rc", ""))
	switch {
	case err != nil || rc > 0:
		return nil, &cib.Error{Code: cib.Protocol, Detail: fmt.Sprintf("node %s answers with the code %q", msg.SelectAttrValue("src", ""), msg.SelectAttrValue("cib_rc", ""))}
	case rc != 0:
		return data, &cib.Error{Code: cib.Code(-rc), Detail: msg.SelectAttrValue(detailAttr, "")}
	}
	return data, nil
}
