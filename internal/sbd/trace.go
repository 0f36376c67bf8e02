package sbd

import "time"

// Trace is how the ends of a node are tried out: 0 is in earnest.
type Trace int

// The levels that the original's trace mode has; beyond the last, only what a message asks for ends a node, in earnest.
const (
	traceDump  Trace = iota + 1 // whatever ends the node dumps its memory
	traceLog                    // the watch ends instead; nothing is done where the node is alone
	traceDelay                  // it is done later, so that the log is on the disk by then; nothing is done where the node is alone
)

// strike is how a node is ended.
type strike struct {
	message Message
	// over: it is not ended, the watch is.
	over bool
	// disarm: the watchdog first; limit is another timeout for it, where it is not 0.
	disarm bool
	limit  time.Duration
	delay  time.Duration
	why    string // that it is not as asked for
}

// strike tells how a node is ended that is to be by a message's kind. The watchdog must not strike while the kernel dumps its
// memory: it is disarmed, or gets the time crash for it.
func (l Trace) strike(m Message, crash time.Duration) strike {
	k := strike{message: m}
	switch {
	case l == traceDump && m != CrashDump:
		k.message, k.why = CrashDump, "a dump instead of the end that was asked for"
	case l == traceLog:
		return strike{message: m, over: true, why: "the watch ends instead of the node"}
	case l == traceDelay:
		k.disarm, k.delay, k.why = true, 10*time.Second, "the end is delayed"
	}
	if k.message == CrashDump {
		k.disarm, k.limit = k.disarm || crash == 0, crash
	}
	return k
}
