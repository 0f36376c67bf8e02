package sbd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Health is what the cluster on this node says of it.
type Health int

// The states of health.
const (
	Unsure Health = iota // neither well nor unwell: nothing is said
	Well
	Unwell // no member, unclean, or without quorum where disks are there
	Left   // the cluster was stopped here in good order
)

// Daemon keeps watch over a node: it reads the node's slots, asks the cluster, and
// feeds the watchdog while all is well.
type Daemon struct {
	Devices []string
	Node    string
	// Header gives the times of a watch without disks; with disks theirs hold.
	Header Header
	// Watchdog arms it; nil where there is none.
	Watchdog func(timeout time.Duration) (Feeder, error)
	// Clean: a node that was fenced does not start before its slot was cleared.
	Clean bool
	// Delay is how long to wait before all else.
	Delay Delay
	// Cluster asks the cluster on this node; nil where it is no witness.
	Cluster func(ctx context.Context) Health
	// ClusterFirst is of Watch.
	ClusterFirst bool
	IO           time.Duration // of one read or write; IOTimeout if 0
	Startup      time.Duration // how long devices may take to appear
	// Act ends the node (Reset, Off, CrashDump), by a message's wish or, with a why that begins with NoLiveness, by Late.
	Act func(m Message, why string)
	// Late is what is done where the node has been alone for too long; Reset if Clear.
	Late Message
	// OwnLimit: the watchdog has the right timeout already, and is not given one.
	OwnLimit bool
	// CrashLimit is the watchdog's timeout while the kernel dumps its memory; 0: it is disarmed for that.
	CrashLimit time.Duration
	// Warn is how long the watchdog may go unfed without being told of, 0: for ever; nil: three fifths of its time.
	Warn *time.Duration
	// Trace is how the end of a node is tried out.
	Trace Trace
	Log   *slog.Logger
	// Ready is called when the watch has begun; without disks at once, for the cluster may wait for that.
	Ready func()
	// Open opens a device; nil is the host's.
	Open func(path string, timeout time.Duration) (Sectors, error)
}

// Feeder is an armed watchdog.
type Feeder interface {
	Feed() error
	// Limit sets another timeout.
	Limit(timeout time.Duration) error
	Disarm() error
}

// NoLiveness begins the reason of who ends a node that was alone for too long.
const NoLiveness = "no liveness for "

// ErrFencedBefore is why a start is refused: the node was fenced, and nobody has said that it may come back.
var ErrFencedBefore = errors.New("found a fencing message: start-up is refused until it is cleared by hand")

// report is what one who looks at a disk tells.
type report struct {
	disk   int
	letter Message // Clear: it was read, and there is nothing
	fatal  error
}

// Run keeps watch until ctx ends or a message asks for it: then the watchdog is
// disarmed. An error is a start that failed.
func (d *Daemon) Run(ctx context.Context) error {
	if d.IO == 0 {
		d.IO = IOTimeout
	}
	if d.Open == nil {
		d.Open = func(path string, timeout time.Duration) (Sectors, error) { return Open(path, timeout) }
	}
	h := d.Header
	if len(d.Devices) > 0 {
		var err error
		if h, err = d.first(ctx); err != nil {
			return err
		}
	}
	if wait := d.Delay.Length(len(d.Devices) > 0, h); wait > 0 {
		d.Log.Info("the start is delayed", "time", wait)
		if Wait(ctx, wait) != nil {
			return nil // asked to end before it began
		}
	}
	loop := max(time.Duration(h.Loop)*time.Second, 10*time.Millisecond)
	limit := time.Duration(h.Watchdog) * time.Second
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	reports, health := make(chan report), make(chan Health)
	for i, path := range d.Devices {
		go d.disk(inner, i, path, h, loop, reports)
	}
	if d.Cluster != nil {
		go func() {
			for {
				select {
				case health <- d.Cluster(inner):
				case <-inner.Done():
					return
				}
				if Wait(inner, max(loop, limit/4)) != nil {
					return
				}
			}
		}()
	}
	w := Watch{Disks: len(d.Devices), Cluster: d.Cluster != nil, ClusterFirst: d.ClusterFirst, Fresh: d.IO + loop, Limit: limit, Warn: warnAfter(limit)}
	if d.Warn != nil {
		w.Warn = *d.Warn
	}
	if d.Late == Clear {
		d.Late = Reset
	}
	if d.Trace > 0 {
		d.Log.Error("trace mode is on: this is not for production", "level", int(d.Trace))
	}
	if d.Cluster != nil {
		w.Fresh = max(w.Fresh, limit/2+loop)
	}
	w.Begin(time.Now())
	ready := d.Ready
	tell := func() {
		if ready != nil {
			ready()
			ready = nil
		}
	}
	if len(d.Devices) == 0 {
		tell()
	}
	tick := time.NewTicker(loop)
	defer tick.Stop()
	var dog Feeder
	end := func() error {
		if dog != nil {
			return dog.Disarm()
		}
		return nil
	}
	acted, told := false, false
	// act ends the node, and tells whether the watch is to end in its place.
	act := func(m Message, why string) (over bool) {
		k := d.Trace.strike(m, d.CrashLimit)
		if k.why != "" {
			d.Log.Warn("trace mode: "+k.why, "asked", m, "why", why)
		}
		if k.over {
			return true
		}
		d.prepare(ctx, dog, k)
		if k.disarm {
			dog = nil
		}
		d.Act(k.message, why)
		acted = true
		return false
	}
	for {
		select {
		case <-ctx.Done():
			return end()
		case r := <-reports:
			switch {
			case r.fatal != nil:
				return errors.Join(r.fatal, end())
			case r.letter == Exit:
				return end()
			case r.letter == Reset || r.letter == Off || r.letter == CrashDump:
				if act(r.letter, fmt.Sprintf("%s requested a %s", d.Devices[r.disk], r.letter)) {
					return end()
				}
			default:
				w.Disk(r.disk, time.Now())
			}
		case s := <-health:
			switch s {
			case Well:
				w.Alive(time.Now())
			case Unwell:
				w.Unwell()
			case Left:
				w.Left()
			}
		case <-tick.C:
		}
		if acted {
			continue // the node is to be gone; it is not fed any more, in case it is still there
		}
		v := w.Tick(time.Now())
		if v.Arm {
			if d.Watchdog != nil {
				var err error
				own := limit
				if d.OwnLimit {
					own = 0
				}
				if dog, err = d.Watchdog(own); err != nil {
					return fmt.Errorf("watchdog: %w", err)
				}
			}
			d.Log.Info("the watch has begun", "node", d.Node, "disks", len(d.Devices), "watchdog", dog != nil)
			tell()
		}
		if v.Feed && dog != nil {
			if err := dog.Feed(); err != nil {
				d.Log.Error("the watchdog cannot be fed", "err", err)
			}
		}
		told = told && !v.Feed
		late := false // the node ends
		switch {
		case v.Abort:
			return errors.New("not enough votes to proceed. Aborting start-up")
		case v.Die && d.Trace >= traceLog:
			if !told {
				d.Log.Error("trace mode: the node would have been ended", "why", NoLiveness+limit.String())
				told = true
			}
		case v.Die:
			late = true
		}
		if v.Late {
			d.Log.Warn("the watchdog was not fed for too long", "time", w.Warn, "limit", limit)
			late = late || d.Trace > 0 && dog != nil // before the watchdog strikes
		}
		if late && act(d.Late, NoLiveness+limit.String()) {
			return end()
		}
	}
}

// warnAfter is how long a watchdog of that time may go unfed without being told of.
func warnAfter(limit time.Duration) time.Duration {
	if limit < 5*time.Second {
		return 2 * time.Second
	}
	return (limit * 3 / 5).Truncate(time.Second)
}

// prepare has the watchdog not be in the way of what ends the node.
func (d *Daemon) prepare(ctx context.Context, dog Feeder, k strike) {
	if dog != nil {
		var err error
		switch {
		case k.disarm:
			err = dog.Disarm()
		case k.limit > 0 && !d.OwnLimit:
			err = dog.Limit(k.limit)
		}
		if err != nil {
			d.Log.Warn("the watchdog", "err", err)
		}
	}
	if k.delay > 0 {
		_ = Wait(ctx, k.delay)
	}
}

// first reads the header of the first device that has one; it waits for devices to appear.
func (d *Daemon) first(ctx context.Context) (Header, error) {
	until := time.Now().Add(d.Startup)
	for {
		var faults []error
		for _, path := range d.Devices {
			s, err := d.Open(path, d.IO)
			if err == nil {
				var h Header
				h, err = Disk{s}.Header()
				closeSectors(s)
				if err == nil {
					return h, nil
				}
			}
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
		}
		if !time.Now().Before(until) {
			return Header{}, fmt.Errorf("no devices were available at start-up within %v: %w", d.Startup, errors.Join(faults...))
		}
		if err := Wait(ctx, time.Second); err != nil { // nobody tells when a device appears
			return Header{}, err
		}
	}
}

func closeSectors(s Sectors) {
	if c, ok := s.(interface{ Close() error }); ok {
		_ = c.Close()
	}
}

// disk looks at a device for ever; when something is wrong with it, it begins anew after a while.
func (d *Daemon) disk(ctx context.Context, i int, path string, h Header, loop time.Duration, out chan<- report) {
	started := false
	for ctx.Err() == nil {
		err := d.look(ctx, i, path, h, loop, &started, out)
		if ctx.Err() != nil {
			return
		}
		d.Log.Warn("a device is of no use", "device", path, "err", err)
		if Wait(ctx, 5*loop) != nil {
			return
		}
	}
}

func (d *Daemon) look(ctx context.Context, i int, path string, first Header, loop time.Duration, started *bool, out chan<- report) error {
	s, err := d.Open(path, d.IO)
	if err != nil {
		return err
	}
	defer closeSectors(s)
	disk := Disk{s}
	h, err := disk.Header()
	if err != nil {
		return err
	}
	if h.Watchdog != first.Watchdog || h.Allocate != first.Allocate || h.Loop != first.Loop || h.MsgWait != first.MsgWait {
		return errors.New("its timeouts do not match the first device's")
	}
	tell := func(r report) error {
		select {
		case out <- r:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	slot, err := disk.Allocate(ctx, h, d.Node, nil)
	if err != nil {
		return err
	}
	node, err := disk.Read(1 + 2*slot)
	if err != nil {
		return err
	}
	if !*started {
		if d.Clean {
			l, err := disk.Receive(slot)
			if err != nil {
				return err
			}
			if l.Message != Exit && l.Message != Clear {
				return tell(report{disk: i, fatal: ErrFencedBefore})
			}
		}
		if err := disk.Send(slot, Letter{}); err != nil {
			return err
		}
		*started = true
		d.Log.Info("monitoring a slot", "slot", slot, "device", path)
	}
	for {
		if err := Wait(ctx, loop); err != nil {
			return err
		}
		// Whether the disk is still the one that it was: another's layout has no word for this node.
		now, err := disk.Header()
		if err != nil {
			return err
		}
		if now != h {
			return errors.New("its header changed since start-up")
		}
		mine, err := disk.Read(1 + 2*slot)
		if err != nil {
			return err
		}
		if !bytes.Equal(mine[:2+NameMax], node[:2+NameMax]) {
			return errors.New("the node's entry changed since start-up")
		}
		l, err := disk.Receive(slot)
		if err != nil {
			return err
		}
		if l.Message != Clear {
			d.Log.Warn(fmt.Sprintf("received command %s from %s on disk %s", l.Message, l.From, path))
		}
		switch l.Message {
		case Clear, Reset, Off, CrashDump, Exit:
		default: // a test, or half of a message
			if err := disk.Send(slot, Letter{}); err != nil {
				return err
			}
			l.Message = Clear
		}
		if err := tell(report{disk: i, letter: l.Message}); err != nil {
			return err
		}
	}
}
