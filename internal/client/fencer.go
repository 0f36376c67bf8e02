package client

import (
	"context"
	"fmt"
	"strconv"

	"github.com/beevik/etree"
)

// Fencer is a connection to the fencer.
type Fencer struct{ n *conn }

// DialFencer connects; name tells who asks.
func DialFencer(ctx context.Context, name string) (*Fencer, error) {
	n, err := dial(ctx, "stonith-ng")
	if err != nil {
		return nil, err
	}
	if _, err := n.send(ctx, element("stonith_command", "t", "stonith-ng", "st_op", "register", "st_clientname", name), true); err != nil {
		n.close()
		return nil, err
	}
	return &Fencer{n}, nil
}

// Close ends the connection.
func (f *Fencer) Close() { f.n.close() }

func (f *Fencer) ask(ctx context.Context, op string, opts int, data *etree.Element) (*etree.Element, error) {
	f.n.call++
	el := element("stonith_command", "t", "stonith-ng", "st_op", op, "st_callid", strconv.Itoa(f.n.call), "st_callopt", strconv.Itoa(opts), "st_timeout", "120")
	if data != nil {
		el.CreateElement("st_calldata").AddChild(data)
	}
	reply, err := f.n.send(ctx, el, true)
	if err != nil {
		return nil, err
	}
	if opts&0x1000 == 0 {
		id := strconv.Itoa(f.n.call)
		if reply, err = f.n.next(ctx, func(el *etree.Element) bool {
			return el.Tag == "st-reply" && el.SelectAttrValue("st_callid", "") == id
		}); err != nil {
			return nil, err
		}
	}
	if rc := reply.SelectAttrValue("st_rc", "0"); rc != "0" {
		code, err := strconv.Atoi(rc)
		if err != nil {
			return nil, fmt.Errorf("the fencer's answer is malformed: st_rc %q", rc)
		}
		return nil, &FenceError{Code: max(code, -code), Reason: reply.SelectAttrValue("exit-reason", "")}
	}
	if d := reply.SelectElement("st_calldata"); d != nil {
		if ch := d.ChildElements(); len(ch) > 0 {
			return ch[0], nil
		}
	}
	return nil, nil
}

// FenceError is a refusal or failure that the fencer tells of.
type FenceError struct {
	Code   int // a legacy code of Pacemaker's, positive
	Reason string
}

func (e *FenceError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the fencer refused with code -%d", e.Code)
	}
	return e.Reason
}

// History gives the fencing history of a node, "" for all: an element st_history, nil when it is empty.
func (f *Fencer) History(ctx context.Context, node string) (*etree.Element, error) {
	return f.ask(ctx, "st_fence_history", 0x1000, element("history", "st_target", node))
}

// Cleanup forgets the history of a node, "" for all.
func (f *Fencer) Cleanup(ctx context.Context, node string) error {
	_, err := f.ask(ctx, "st_fence_history", 0x81000, element("history", "st_target", node))
	return err
}

// Fence has a node fenced.
func (f *Fencer) Fence(ctx context.Context, node, action string) error {
	_, err := f.ask(ctx, "st_fence", 2, element("fence", "st_target", node, "st_device_action", action, "st_timeout", "120"))
	return err
}

// Confirm declares a node fenced by hand.
func (f *Fencer) Confirm(ctx context.Context, node string) error {
	_, err := f.ask(ctx, "st_fence", 0x1008, element("fence", "st_target", node, "st_device_action", "off"))
	return err
}
