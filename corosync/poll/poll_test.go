package poll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
