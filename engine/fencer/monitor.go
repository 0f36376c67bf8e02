package fencer

import "time"

// monitorLimit is how long a device's monitor may take where nobody says.
const monitorLimit = 60 * time.Second

// Monitor runs a device's monitor on this node, as its parameters pcmk_monitor_action, pcmk_monitor_timeout and pcmk_monitor_retries say, when the device has
// room for it: many devices serve one session at a time, so that counts as any action (pcmk_action_limit). false: there is no such
// device.
func (f *Fencer) Monitor(now time.Time, id string, timeout time.Duration, done func(AgentResult)) bool {
	f.Advance(now)
	d := f.device(id)
	if d == nil {
		return false
	}
	if timeout = d.timeout("monitor", timeout); timeout <= 0 {
		timeout = monitorLimit // what waits for it must not wait for ever
	}
	action, _ := d.call("monitor", "", "")
	params := func(string) []Param {
		_, p := d.call("monitor", "", "")
		return p
	}
	f.acquire(d, func() {
		f.attempt(d, "monitor", action, params, timeout, nil, func(res AgentResult) {
			f.release(d)
			done(res)
		})
	})
	return true
}

// attempt runs an agent for an action, which it calls as agentAction says, again after a failure as often as the device's retries say while
// there is time; forbidden (may be nil) is asked before each try.
func (f *Fencer) attempt(d *Device, action, agentAction string, params func(plug string) []Param, timeout time.Duration, forbidden func() bool, done func(AgentResult)) {
	tries := d.retries(action)
	begun := f.now
	var try func()
	try = func() {
		if forbidden != nil && forbidden() {
			done(AgentResult{Code: 1, Reason: noQuorum})
			return
		}
		tries--
		f.effects.Run(d.Agent, agentAction, params, timeout, func(res AgentResult) {
			if res.Code != 0 && tries > 0 && f.now.Sub(begun) < timeout*7/10 {
				f.effects.Logf("Device %s failed (%s), trying again", d.ID, res.Reason)
				// Who waits for his turn may have lost quorum when it comes.
				f.delayed = append(f.delayed, delayed{f.now.Add(time.Second), try})
				return
			}
			done(res)
		})
	}
	try()
}
