package fencer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// capability is what a device of this node can do to a target.
type capability struct {
	device *Device
	traits Traits
}

// answerQuery tells the asking node which devices of this node can fence the target, and what that takes.
func (f *Fencer) answerQuery(from string, m *etree.Element) {
	target, action := m.SelectAttrValue("st_target", ""), m.SelectAttrValue("st_device_action", "")
	if action != "on" {
		f.beginsAt(m.SelectAttrValue("st_remote_op", ""), f.effects.Began(target))
	}
	op := &operation{Record: Record{ID: m.SelectAttrValue("st_remote_op", ""), Target: target, Action: action, Origin: from}}
	limit := 20 * time.Second
	if s, err := strconv.Atoi(m.SelectAttrValue("st_timeout", "")); err == nil && s > 0 {
		limit = time.Duration(s) * time.Second
	}
	f.capable(target, action, limit, func(can []capability) {
		out := f.message("st_offer", from, op)
		for _, c := range can {
			out.AddChild(f.offerElement(c, action, target))
		}
		f.effects.Broadcast(out)
	})
}

// offerElement tells of a device as Pacemaker's fencers tell each other: for a reboot, which may become off and on, of these, too.
func (f *Fencer) offerElement(c capability, action, target string) *etree.Element {
	el := etree.NewElement("st_device_id")
	el.CreateAttr("id", c.device.ID)
	if f.verified[c.device.ID] {
		el.CreateAttr("st_monitor_verified", "1")
	}
	if f.failed[c.device.ID] {
		el.CreateAttr("st_failed", "1")
	}
	describe := func(el *etree.Element, action string) {
		seconds := func(name string, d time.Duration) {
			if d > 0 {
				el.CreateAttr(name, strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
			}
		}
		seconds("st_action_timeout", c.device.timeout(action, 0))
		if action != "on" {
			base, most := c.device.delays(target)
			seconds("st_delay_max", most)
			seconds("st_delay_base", base)
		}
		if !c.traits.allowed(action, f.self, target) || action == "on" && !c.traits.On {
			el.CreateAttr("st_action_disallowed", "true")
		}
	}
	own := c.traits.own(action)
	describe(el, own)
	switch action {
	case "on":
		if c.traits.Automatic || c.device.Unfences {
			el.CreateAttr("st_required", "1")
		}
	case "reboot":
		for _, a := range []string{"off", "on"} {
			x := el.CreateElement("st_device_action")
			x.CreateAttr("id", a)
			describe(x, a)
			if a == "on" && !c.traits.On {
				x.CreateAttr(missingAttr, "1")
			}
			if a == "on" && (c.traits.Automatic || c.device.Unfences) {
				x.CreateAttr("st_required", "1")
			}
		}
	}
	return el
}

// missingAttr of an action in an offer tells that the agent does not have it; the original's fencers know that of their own agents alone.
const missingAttr = "hacluster-missing"

// parseOffer reads such an element. What an older fencer does not say is taken for allowed.
func parseOffer(node string, el *etree.Element, action string) *offer {
	o := &offer{node: node, device: el.SelectAttrValue("id", ""), required: el.SelectAttrValue("st_required", "") == "1", verified: el.SelectAttrValue("st_monitor_verified", "") == "1", failed: el.SelectAttrValue("st_failed", "") == "1", actions: map[string]terms{}, tried: map[string]bool{}}
	read := func(el *etree.Element) terms {
		seconds := func(name string) time.Duration {
			n, _ := strconv.ParseInt(el.SelectAttrValue(name, ""), 10, 32)
			return time.Duration(max(0, n)) * time.Second
		}
		t := terms{timeout: seconds("st_action_timeout"), delay: seconds("st_delay_max"), disallowed: el.SelectAttrValue("st_action_disallowed", "") == "true", required: el.SelectAttrValue("st_required", "") == "1", missing: el.SelectAttrValue(missingAttr, "") == "1"}
		if t.delay == 0 {
			t.delay = seconds("st_delay_base")
		}
		return t
	}
	o.actions[action] = read(el)
	for _, x := range el.SelectElements("st_device_action") {
		o.actions[x.SelectAttrValue("id", "")] = read(x)
	}
	return o
}

// Query finds the devices that this node can use, to fence a target where that is not "";
// done hears of them in the configuration's order.
func (f *Fencer) Query(now time.Time, target, action string, done func(devices []*Device)) {
	f.now = now
	all := f.usable()
	if target == "" {
		done(all)
		return
	}
	f.capable(target, action, 20*time.Second, func(can []capability) {
		var out []*Device
		for _, c := range can {
			out = append(out, c.device)
		}
		done(out)
	})
}

// usable are the devices that this node may use.
func (f *Fencer) usable() []*Device {
	return slices.DeleteFunc(f.devices(), func(d *Device) bool { return !d.usable(f.self) })
}

// Check has a device of this node carry out an action that fences nobody: list, monitor
// or status (of target, "" for none). A monitor is only for devices that were started here. The text tells why nothing is done, "" where it is.
func (f *Fencer) Check(now time.Time, device, action, target string, timeout time.Duration, done func(AgentResult)) (refused string) {
	f.now = now
	d := f.device(device)
	switch {
	case d == nil || !d.usable(f.self):
		return "'" + device + "' not found"
	case action == "monitor" && !f.started[device] && !f.registered(device):
		return "'" + device + "' not active"
	}
	f.ask(d, action, target, timeout, done)
	return ""
}

// ask runs an action that fences nobody, when the device has room for it.
func (f *Fencer) ask(d *Device, action, target string, timeout time.Duration, done func(AgentResult)) {
	agentAction, _ := d.call(action, target, "")
	params := func(plug string) []Param {
		_, p := d.call(action, target, plug)
		return p
	}
	timeout = d.timeout(action, timeout)
	f.acquire(d, func() {
		f.attempt(d, action, agentAction, params, timeout, nil, func(res AgentResult) {
			if res.Code == 0 {
				f.verified[d.ID] = true
				delete(f.failed, d.ID)
			}
			f.release(d)
			done(res)
		})
	})
}

// capable finds out which of this node's devices can do something to a target, in the configuration's order.
func (f *Fencer) capable(target, action string, limit time.Duration, done func([]capability)) {
	all := slices.DeleteFunc(f.usable(), func(d *Device) bool { return d.Agent == WatchdogAgent || !f.effects.Installed(d.Agent) })
	f.describe(all, func(traits map[string]Traits) {
		can := make([]bool, len(all))
		open := len(all)
		end := func() {
			var out []capability
			for i, d := range all {
				if can[i] {
					out = append(out, capability{d, traits[d.Agent]})
				}
			}
			done(out)
		}
		if open == 0 {
			end()
			return
		}
		for i, d := range all {
			f.reaches(d, traits[d.Agent], target, action, limit, func(yes bool) {
				can[i] = yes
				if open--; open == 0 {
					end()
				}
			})
		}
	})
}

// reaches finds out whether a device can do something to a target.
func (f *Fencer) reaches(d *Device, t Traits, target, action string, limit time.Duration, done func(bool)) {
	own := t.own(action)
	if action == "on" && !t.On || !t.allowed(own, f.self, target) && (action != "reboot" || !t.allowed("off", f.self, target)) {
		done(false)
		return
	}
	check := d.check()
	switch {
	case check != "":
	case f.unlisted[d.ID]:
		check = "status"
	case t.List:
		check = "dynamic-list"
	case t.Status:
		check = "status"
	default:
		check = "none"
	}
	switch check {
	case "static-list":
		done(d.static(target))
	case "none":
		done(true)
	case "status":
		f.ask(d, "status", target, limit, func(res AgentResult) { done(!res.Failed && (res.Code == 0 || res.Code == 2)) })
	case "dynamic-list":
		if c, ok := f.lists[d.ID]; ok && f.now.Sub(c.at) < listAge {
			done(d.listed(c.output, target))
			return
		}
		f.ask(d, "list", "", limit, func(res AgentResult) {
			last, known := f.lists[d.ID]
			switch {
			case res.Code == 0:
				last = cached{res.Output, f.now}
				f.lists[d.ID] = last
			case known:
				f.effects.Logf("Device %s cannot list its targets (%s): what it listed before holds", d.ID, res.Reason)
			default:
				f.effects.Logf("Device %s cannot list its targets (%s), and is taken for one that cannot fence %s", d.ID, res.Reason, target)
				if d.check() == "" {
					f.unlisted[d.ID] = true
				}
				done(false)
				return
			}
			done(d.listed(last.output, target))
		})
	default:
		f.effects.Logf("Device %s: pcmk_host_check %q is none", d.ID, check)
		done(false)
	}
}

// listed tells whether the output of a device's list names the target, or what the device calls it.
func (d *Device) listed(output, target string) bool {
	if alias := d.alias(target); alias != "" {
		target = alias
	}
	return slices.ContainsFunc(ParseTargets(output), func(w string) bool { return strings.EqualFold(w, target) })
}
