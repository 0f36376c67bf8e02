package node

import "time"

// rivalry keeps two parts of a cluster, both of which run without regard to quorum, from taking the connection to a remote
// node from each other over and over without a pause.
type rivalry struct {
	pause time.Duration // before the next try
	taken time.Time     // when a rival took the connection last
	until time.Time     // when the try that waits begins; zero: none waits
	// begin begins it, or hears that nobody wants it any more.
	begin func(now time.Time, unwanted bool)
	// unwanted: that is so.
	unwanted bool
}

// The pause grows from the least to the most while the connection is taken more often than once in rivalCalm.
const (
	leastPause = time.Second
	mostPause  = time.Minute
	rivalCalm  = 5 * time.Minute
)

// lost notes that a rival took the connection.
func (v *rivalry) lost(now time.Time) {
	if now.Sub(v.taken) >= rivalCalm {
		v.pause = 0
	}
	v.pause, v.taken = min(max(leastPause, 2*v.pause), mostPause), now
}

// wait has a try begin when it is its turn, at the latest when half of its time is over; timeout 0: it has no end.
func (v *rivalry) wait(now time.Time, timeout time.Duration, begin func(now time.Time, unwanted bool)) {
	pause := v.pause
	if timeout > 0 {
		pause = min(pause, timeout/2)
	}
	if pause == 0 || now.Sub(v.taken) >= rivalCalm {
		begin(now, false)
		return
	}
	v.until, v.begin, v.unwanted = now.Add(pause), begin, false
}

// giveUp ends the wait for a try that nobody wants any more.
func (v *rivalry) giveUp(now time.Time) { v.until, v.unwanted = now, true }

// tick begins the try that has waited long enough, or ends it.
func (v *rivalry) tick(now time.Time) {
	if v.until.IsZero() || v.until.After(now) {
		return
	}
	v.until = time.Time{}
	v.begin(now, v.unwanted)
}
