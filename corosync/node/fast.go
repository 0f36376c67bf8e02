package node

import (
	"slices"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/totem"
)

// Fast detection: where all members are nodes of this implementation and the
// configuration leaves the timers to it, a lost node is out in less than a second instead
// of 2.2 times the token timeout, while a pause of a node of up to 400 ms throws nobody out.
//
// Nodes know each other by a service that they list in the sync after each change of
// the ring. The original takes part in the barrier of a service that it does not have, so it
// neither minds nor lists it: with such a node in the ring, the configured timers hold.

// serviceFast is the number of that service: the original's own end at 7, its limit is 63.
const serviceFast = 62

// fastTimers are the timers of fast detection. The token of an idle ring comes round
// every 28 ms and is sent again after 60, so that a pause of 400 leaves a margin for either. Two rests are shorter than the time
// after which it is sent again: a clock that was set for that is set anew for the end of the second, and does not wake for nothing.
const (
	fastToken      = 470 * time.Millisecond
	fastRetransmit = 60 * time.Millisecond
	fastHold       = 28 * time.Millisecond
	fastConsensus  = 420 * time.Millisecond
	// fastNodes is up to how many nodes these hold; more take the token longer round.
	fastNodes       = 32
	fastEachFurther = 15 * time.Millisecond
)

// fast is the state of fast detection.
type fast struct {
	on   bool
	able []uint32 // members that listed serviceFast since the last change of the ring
}

// wantsFast tells whether the configuration leaves the timers to us, and they would be slower.
func (n *Node) wantsFast() bool {
	t := n.conf.Totem
	return t.FastDetection && !t.TimersSet && n.conf.TokenEffective() > fastToken
}

// setFast switches the timers.
func (n *Node) setFast(on bool) {
	if n.fast.on == on {
		return
	}
	n.fast.on = on
	n.ring.Configure(n.ringSettings())
	n.timerKeys()
	n.log.Info("fast detection of lost nodes", "on", on)
}

// judgeFast decides after a sync.
func (n *Node) judgeFast() {
	on := n.wantsFast()
	for _, m := range n.members {
		on = on && slices.Contains(n.fast.able, m)
	}
	n.setFast(on)
}

// ringSettings are the ring's, as configured or for fast detection.
func (n *Node) ringSettings() totem.Config {
	cfg := n.cfg
	cfg.Conf = n.conf
	c := ringConfig(cfg)
	if n.fast.on {
		c.Token = fastToken + time.Duration(max(0, len(n.conf.Nodes)-fastNodes))*fastEachFurther
		c.TokenRetransmit, c.Hold, c.Consensus = fastRetransmit, fastHold, fastConsensus
		c.Pause = c.Token
	}
	return c
}

// timerKeys shows the timers that hold.
func (n *Node) timerKeys() {
	c := n.ringSettings()
	const r = "runtime.config.totem."
	n.set(r+"token", ms(c.Token))
	n.set(r+"token_retransmit", ms(c.TokenRetransmit))
	n.set(r+"hold", ms(c.Hold))
	n.set(r+"consensus", ms(c.Consensus))
	n.set("runtime.totem.fast_detection", cmap.U8(uint8(asNumber(n.fast.on))))
}
