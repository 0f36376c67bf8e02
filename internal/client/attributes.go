package client

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"syscall"

	"github.com/beevik/etree"
)

// Wait is until when a change of an attribute is waited for.
type Wait string

// What can be waited for.
const (
	WaitNo      Wait = ""        // the request was accepted
	WaitLocal   Wait = "local"   // this node has the value
	WaitCluster Wait = "cluster" // all nodes have it
)

// AttributeChange is a change of a node attribute that the attribute manager keeps.
type AttributeChange struct {
	// Task is "update" (also when ""), "update-both" or "update-delay": whether the
	// value, both, or only the delay of its writing is set.
	Task    string
	Name    string
	Pattern bool    // Name is an extended regular expression for the names of attributes that there are
	Value   *string // nil deletes
	Node    string  // "" is this node
	Remote  bool
	Private bool   // never written to the CIB
	Delay   string // of its writing, an interval; "" leaves the attribute's as it is
	Set     string // the id of the element that holds it in the CIB
	SetType string // utilization, else instance_attributes
	Wait    Wait
}

// AttributeError is a refusal of the attribute manager.
type AttributeError struct{ Errno syscall.Errno }

func (e *AttributeError) Error() string { return e.Errno.Error() }

// ChangeAttributes has the attribute manager change attributes, all at once. name
// tells who asks. The error wraps ErrNotRunning or is *AttributeError.
func ChangeAttributes(ctx context.Context, name string, changes ...AttributeChange) error {
	msg := element("attrd_update", "t", "attrd", "src", name)
	if len(changes) == 1 {
		changes[0].put(msg)
	} else {
		msg.CreateAttr("task", "update")
		for i := range changes {
			changes[i].put(msg.CreateElement("op"))
		}
	}
	return attributeCommand(ctx, msg)
}

func (c *AttributeChange) put(el *etree.Element) {
	task := c.Task
	if task == "" {
		task = "update"
	}
	el.CreateAttr("task", task)
	which := "attr_name"
	if c.Pattern {
		which = "attr_regex"
	}
	el.CreateAttr(which, c.Name)
	if c.Value != nil {
		el.CreateAttr("attr_value", *c.Value)
	}
	for _, a := range [][2]string{
		{"attr_host", c.Node},
		{"attr_dampening", c.Delay},
		{"attr_set", c.Set},
		{"attr_set_type", c.SetType},
		{"attr_sync_point", string(c.Wait)},
	} {
		if a[1] != "" {
			el.CreateAttr(a[0], a[1])
		}
	}
	el.CreateAttr("attr_is_remote", flag(c.Remote))
	el.CreateAttr("attr_is_private", flag(c.Private))
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// RefreshAttributes has the attribute manager write all values anew.
func RefreshAttributes(ctx context.Context, name string) error {
	return attributeCommand(ctx, element("attrd_refresh", "t", "attrd", "src", name, "task", "refresh"))
}

// ForgetNode has the attribute manager forget all values of a node, given by name or by id.
func ForgetNode(ctx context.Context, name, node, id string) error {
	return attributeCommand(ctx, element("attrd_remove", "t", "attrd", "src", name, "task", "peer-remove", "attr_host", node, "attr_host_id", id))
}

// dialAttributes connects to the attribute manager, for requests that are only acknowledged where that is asked for.
func dialAttributes(ctx context.Context, name string) (*conn, error) {
	n, err := dial(ctx, "attrd")
	if err != nil {
		return nil, err
	}
	if _, err := n.send(ctx, attributeQuery(name, "probe", ""), true); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// attributeQuery asks for an attribute's values.
func attributeQuery(name, attr, node string) *etree.Element {
	return element("attrd_query", "t", "attrd", "src", name, "task", "query", "attr_name", attr, "attr_host", node)
}

// attributeCommand sends a request and waits until it is accepted, or, where it
// says so, until it is carried out.
func attributeCommand(ctx context.Context, msg *etree.Element) error {
	n, err := dialAttributes(ctx, msg.SelectAttrValue("src", ""))
	if err != nil {
		return err
	}
	defer n.close()
	reply, err := n.send(ctx, msg, true)
	if err != nil {
		return err
	}
	switch status, err := strconv.Atoi(reply.SelectAttrValue("status", "0")); {
	case err != nil:
		return fmt.Errorf("the attribute manager's answer is malformed: status %q", reply.SelectAttrValue("status", ""))
	case status == ackInvalid:
		return &AttributeError{syscall.EINVAL}
	case status == ackProtocol:
		return &AttributeError{syscall.EPROTO}
	}
	return nil
}

// The statuses of an acknowledgement that tell of a refusal.
const (
	ackInvalid  = 2
	ackProtocol = 76
)

// AttributeValue is the value of an attribute on one node.
type AttributeValue struct {
	Node  string
	Value string
	Set   bool // there is one
}

// Attribute gives the values of an attribute on all nodes, or on one. found is false when no
// node ever had one.
func Attribute(ctx context.Context, name, attr, node string) (values []AttributeValue, found bool, err error) {
	n, err := dial(ctx, "attrd")
	if err != nil {
		return nil, false, err
	}
	defer n.close()
	reply, err := n.send(ctx, attributeQuery(name, attr, node), true)
	if err != nil {
		return nil, false, err
	}
	if reply.SelectAttr("attr_name") == nil {
		return nil, false, nil
	}
	for _, x := range reply.SelectElements("node") {
		v := x.SelectAttr("attr_value")
		value := AttributeValue{Node: x.SelectAttrValue("attr_host", ""), Set: v != nil}
		if v != nil {
			value.Value = v.Value
		}
		values = append(values, value)
	}
	slices.Reverse(values) // as Pacemaker's program has them
	return values, true, nil
}
