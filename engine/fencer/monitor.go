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
	if timeout <= 0 {
		timeout = monitorLimit // what waits for it must not wait for ever
	}
	f.ask(d, "monitor", "", timeout, done)
	return true
}

// Started takes note that a device was started on this node, or stopped: a node that watches over a device is the first choice for fencing with it.
func (f *Fencer) Started(id string, yes bool) {
	f.started[id] = yes
	if d := f.device(id); yes && d != nil {
		f.needs(d)
	}
	if !yes {
		delete(f.started, id)
		delete(f.verified, id)
	}
}

// attempt runs an agent for an action, which it calls as agentAction says, again after a failure as often as the device's retries say while
// there is time; forbidden (may be nil) is asked before each try, and gives the reason why there is to be none.
func (f *Fencer) attempt(d *Device, action, agentAction string, params func(plug string) []Param, timeout time.Duration, forbidden func() string, done func(AgentResult)) {
	tries, most := 0, d.retries(action)
	begun := f.now
	var try func()
	try = func() {
		if forbidden != nil {
			if why := forbidden(); why != "" {
				done(AgentResult{Code: 1, Reason: why, Failed: true})
				return
			}
		}
		if tries++; tries > 1 {
			f.effects.Logf("Attempt %d to execute %s (%s). remaining timeout is %d", tries, d.Agent, agentAction, (timeout-f.now.Sub(begun))/time.Second)
		}
		f.effects.Run(d.Agent, agentAction, params, timeout-f.now.Sub(begun), func(res AgentResult) {
			switch {
			case res.Code == 0:
			case tries >= most:
				f.effects.Logf("Attempted to execute agent %s (%s) the maximum number of times (%d) allowed", d.Agent, agentAction, most)
			case !res.TimedOut && f.now.Sub(begun)+retryWait < timeout*7/10:
				f.effects.Logf("Device %s failed (%s), trying again", d.ID, res.Reason)
				// Who waits for his turn may have lost quorum when it comes.
				f.delayed = append(f.delayed, delayed{f.now.Add(retryWait), try})
				return
			}
			done(res)
		})
	}
	try()
}

// retryWait is how long a device that failed is left alone.
const retryWait = time.Second
