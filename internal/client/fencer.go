package client

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Fencer is a connection to the fencer.
type Fencer struct {
	n      *conn
	output string // what the agent of the last action printed
}

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
	return &Fencer{n: n}, nil
}

// Close ends the connection.
func (f *Fencer) Close() { f.n.close() }

func (f *Fencer) ask(ctx context.Context, op string, opts int, data *etree.Element) (*etree.Element, error) {
	f.n.call++
	el := element("stonith_command", "t", "stonith-ng", "st_op", op, "st_callid", strconv.Itoa(f.n.call), "st_callopt", strconv.Itoa(opts), "st_timeout", "120")
	if data != nil {
		el.CreateElement("st_calldata").AddChild(data)
	}
	// Pacemaker's fencer does not answer a request that does not wait for its end: what came of it is told later.
	waits := opts&0x1000 != 0
	reply, err := f.n.send(ctx, el, waits)
	if err != nil {
		return nil, err
	}
	if !waits {
		id := strconv.Itoa(f.n.call)
		if reply, err = f.n.next(ctx, func(el *etree.Element) bool {
			return el.Tag == "st-reply" && el.SelectAttrValue("st_callid", "") == id
		}); err != nil {
			return nil, err
		}
	}
	f.output = reply.SelectAttrValue("st_output", "")
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

// Watch asks to be told of fencing; Changed then waits for the next that is told.
func (f *Fencer) Watch(ctx context.Context) error {
	for _, what := range []string{"st_notify_fence", "st_notify_history", "st_notify_history_synced"} {
		if _, err := f.n.send(ctx, element("stonith_command", "t", "stonith-ng", "st_op", "st_notify", "st_notify_activate", what), true); err != nil {
			return err
		}
	}
	return nil
}

// Changed waits until the fencer tells that the history of fencing is another.
func (f *Fencer) Changed(ctx context.Context) error {
	_, err := f.n.next(ctx, func(el *etree.Element) bool { return el.SelectAttrValue("t", "") == "st_notify" })
	return err
}

// Cleanup forgets the history of a node, "" for all.
func (f *Fencer) Cleanup(ctx context.Context, node string) error {
	_, err := f.ask(ctx, "st_fence_history", 0x81000, element("history", "st_target", node))
	return err
}

// Fence has a node fenced.
func (f *Fencer) Fence(ctx context.Context, node, action string) error {
	return f.FenceNode(ctx, FenceRequest{Target: node, Action: action, Timeout: 120 * time.Second})
}

// FenceRequest is a wish for a node to be fenced.
type FenceRequest struct {
	Target, Action string // off, reboot, on
	Timeout        time.Duration
	// Tolerance makes it needless where the same was done not longer ago.
	Tolerance time.Duration
	Delay     int // seconds to wait before; -1 leaves out the devices' own delays, too
}

// FenceNode has a node fenced, and returns when it is, or cannot be.
func (f *Fencer) FenceNode(ctx context.Context, r FenceRequest) error {
	_, err := f.ask(ctx, "st_fence", 2, element("fence", "st_target", r.Target, "st_device_action", r.Action,
		"st_timeout", seconds(r.Timeout), "st_tolerance", seconds(r.Tolerance), "st_delay", strconv.Itoa(r.Delay)))
	return err
}

func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// Devices are the devices that this node can use, to fence a target where that is not "".
func (f *Fencer) Devices(ctx context.Context, target string) ([]string, error) {
	data, err := f.ask(ctx, "st_query", 0x1002, element("st_device_id", "st_origin", "client", "st_target", target, "st_device_action", "off"))
	if err != nil || data == nil {
		return nil, err
	}
	var ids []string
	for _, d := range data.SelectElements("st_device_id") {
		ids = append(ids, d.SelectAttrValue("id", ""))
	}
	return ids, nil
}

// Execute has a device of this node carry out an action that fences nobody (list,
// monitor, status), and gives what its agent printed.
func (f *Fencer) Execute(ctx context.Context, device, action string, timeout time.Duration) (string, error) {
	data := element("st_device_id", "st_origin", "client", "st_device_id", device, "st_device_action", action, "st_timeout", seconds(timeout))
	f.output = ""
	_, err := f.ask(ctx, "st_execute", 0x1002, data)
	return f.output, err
}

// RegisterDevice adds a device; params are names and values.
func (f *Fencer) RegisterDevice(ctx context.Context, id, agent string, params ...string) error {
	data := element("st_device_id", "id", id, "agent", agent, "namespace", "stonith-ng")
	data.AddChild(element("attributes", params...))
	_, err := f.ask(ctx, "st_device_register", 0x1002, data)
	return err
}

// RemoveDevice forgets a device.
func (f *Fencer) RemoveDevice(ctx context.Context, id string) error {
	_, err := f.ask(ctx, "st_device_remove", 0x1002, element("st_device_id", "id", id))
	return err
}

// RegisterLevel adds a level of devices for a target: a node, @PATTERN or ATTRIBUTE=VALUE.
func (f *Fencer) RegisterLevel(ctx context.Context, target string, index int, devices []string) error {
	data := fenceLevel(target, index)
	data.CreateAttr("devices", strings.Join(devices, ","))
	_, err := f.ask(ctx, "st_level_add", 0x1002, data)
	return err
}

// RemoveLevel forgets a level.
func (f *Fencer) RemoveLevel(ctx context.Context, target string, index int) error {
	_, err := f.ask(ctx, "st_level_remove", 0x1002, fenceLevel(target, index))
	return err
}

func fenceLevel(target string, index int) *etree.Element {
	el := element("fencing-level", "id", strconv.Itoa(index), "index", strconv.Itoa(index))
	if name, value, ok := strings.Cut(target, "="); ok {
		el.CreateAttr("target-attribute", name)
		el.CreateAttr("target-value", value)
	} else if pattern, ok := strings.CutPrefix(target, "@"); ok {
		el.CreateAttr("target-pattern", pattern)
	} else {
		el.CreateAttr("target", target)
	}
	return el
}

// Confirm declares a node fenced by hand.
func (f *Fencer) Confirm(ctx context.Context, node string) error {
	_, err := f.ask(ctx, "st_fence", 0x1008, element("fence", "st_target", node, "st_device_action", "off"))
	return err
}
