package poll

import (
	"errors"
	"flag"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var stress = flag.Duration("poll-stress", time.Second, "how long arrivals race with who waits for them, and settings of an alarm with it going off")

// TestArrivals holds that a reader learns of all that arrives, of nothing else, and of the end.
func TestArrivals(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	a, err := NewArrivals(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	got, over := make(chan byte, 10), make(chan error)
	looks := 0
	go func() {
		over <- a.Read(func() bool {
			looks++
			for b := []byte{0}; ; {
				if n, err := unix.Read(pair[0], b); n != 1 || err != nil {
					return false
				}
				got <- b[0]
			}
		})
	}()
	const rounds = 100
	for i := range byte(rounds) {
		if _, err := unix.Write(pair[1], []byte{i}); err != nil {
			t.Fatal(err)
		}
		// What leaves from here is nothing that arrives.
		if _, err := unix.Write(pair[0], []byte{i}); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Read(pair[1], []byte{0}); err != nil {
			t.Fatal(err)
		}
		if b := <-got; b != i {
			t.Fatalf("%d has arrived, not %d", b, i)
		}
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := <-over; err == nil {
		t.Error("Read ended without an error")
	}
	if looks > rounds+1 {
		t.Errorf("it looked %d times for %d arrivals", looks, rounds)
	}
	unix.Close(pair[0])
}

// TestAlarm holds that an alarm goes off when it was set last, once, and that Close ends the waiting.
func TestAlarm(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	off, over := make(chan time.Time), make(chan error)
	go func() {
		for {
			if err := a.Wait(); err != nil {
				over <- err
				return
			}
			off <- time.Now()
		}
	}()
	set := func(d time.Duration) {
		t.Helper()
		if err := a.Set(d); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []time.Duration{20 * time.Millisecond, 0, -time.Hour} {
		began := time.Now()
		set(time.Hour)
		set(d)
		if at := <-off; at.Sub(began) < d {
			t.Errorf("set for %v, it went off after %v", d, at.Sub(began))
		}
	}
	set(time.Millisecond)
	set(50 * time.Millisecond)
	began := time.Now()
	if at := <-off; at.Sub(began) < 20*time.Millisecond {
		select {
		case <-off: // the first had gone off before the second was set
		case <-time.After(time.Minute):
			t.Error("it went off when it was set before, only")
		}
	}
	set(time.Hour)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := <-over; err == nil {
		t.Error("Wait ended without an error")
	}
	if err := a.Set(0); err == nil {
		t.Error("an alarm that is closed can be set")
	}
}

// counter counts what another goroutine waits for.
type counter struct {
	n   atomic.Int64
	new chan struct{}
}

func newCounter() *counter { return &counter{new: make(chan struct{}, 1)} }

func (c *counter) add() {
	c.n.Add(1)
	select {
	case c.new <- struct{}{}:
	default:
	}
}

// await waits until there are so many.
func (c *counter) await(t *testing.T, n int64) {
	t.Helper()
	for limit := time.NewTimer(time.Minute); c.n.Load() < n; {
		select {
		case <-c.new:
		case <-limit.C:
			t.Fatalf("%d of %d have come", c.n.Load(), n)
		}
	}
}

// TestNoArrivalIsMissed has arrivals race with a reader that takes one or all and waits again: each is answered, or the
// test hangs. Nothing comes afterwards that would hide one that was missed.
func TestNoArrivalIsMissed(t *testing.T) {
	for name, kind := range map[string]int{"datagrams": unix.SOCK_DGRAM, "stream": unix.SOCK_STREAM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			a, err := NewArrivals(pair[0])
			if err != nil {
				t.Fatal(err)
			}
			taken := newCounter()
			over := make(chan struct{})
			go func() {
				defer close(over)
				b := make([]byte, 1)
				for one := false; ; one = !one { // by turns, one is taken and it is called anew, or all that is there
					err := a.Read(func() bool {
						for {
							n, err := unix.Read(pair[0], b)
							if n != 1 || err != nil {
								return false
							}
							if taken.add(); one {
								return true
							}
						}
					})
					if err != nil {
						return
					}
				}
			}()
			sent := int64(0)
			for began := time.Now(); time.Since(began) < *stress; {
				for range 1 + sent%7 {
					for {
						_, err := unix.Write(pair[1], []byte{1})
						if err == nil {
							break
						}
						if !errors.Is(err, unix.EAGAIN) {
							t.Fatal(err)
						}
						taken.await(t, sent-1) // a datagram that is not taken may fill the socket
					}
					sent++
				}
				taken.await(t, sent)
			}
			t.Logf("%d arrivals", sent)
			if err := a.Close(); err != nil {
				t.Error(err)
			}
			<-over
			unix.Close(pair[0])
			unix.Close(pair[1])
		})
	}
}

// TestNoAlarmIsMissed sets an alarm anew while it goes off, as a ring does whose deadline moves: the last setting always comes.
func TestNoAlarmIsMissed(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	off := newCounter()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for a.Wait() == nil {
			off.add()
		}
	}()
	rounds := 0
	for began := time.Now(); time.Since(began) < *stress; rounds++ {
		for i := range rounds % 5 {
			if err := a.Set(time.Duration((rounds*7+i*13)%40) * time.Microsecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Set(time.Hour); err != nil { // what has not gone off will not any more
			t.Fatal(err)
		}
		before := off.n.Load()
		if err := a.Set(time.Duration(rounds%40) * time.Microsecond); err != nil {
			t.Fatal(err)
		}
		off.await(t, before+1)
	}
	t.Logf("%d alarms", rounds)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	<-over
}
