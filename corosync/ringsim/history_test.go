package ringsim

import (
	"flag"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 0, "how many histories TestSeeds plays; 0 is a few hundred")
	first = flag.Uint64("first", 0, "the seed of its first")
	nodes = flag.Int("nodes", 0, "how many nodes each has; 0 is as the seed says, 2 to 32")
	one   = flag.Int64("one", -1, "plays this seed only, and tells what happens")
)

// TestSeeds plays histories from seeds. Each that fails says which to play again with -one.
func TestSeeds(t *testing.T) {
	if *one >= 0 {
		if o := History(Plan{Seed: uint64(*one), Nodes: *nodes, Trace: t.Output()}); o.Err != nil {
			t.Fatal(o)
		}
		return
	}
	n := *seeds
	if n == 0 {
		n = 400
		if testing.Short() {
			n = 50
		}
	}
	begin, tell := time.Now(), time.Now()
	events, delivered, failed := 0, 0, 0
	for seed := *first; seed < *first+uint64(n); seed++ {
		o := History(Plan{Seed: seed, Nodes: *nodes})
		events, delivered = events+o.Events, delivered+o.Delivered
		if o.Err != nil {
			t.Errorf("seed %d: %v", seed, o)
			if failed++; failed == 20 {
				t.Fatal("that is enough")
			}
		}
		if time.Since(tell) > time.Minute {
			tell = time.Now()
			t.Logf("%d of %d seeds after %v", seed-*first+1, n, time.Since(begin).Round(time.Second))
		}
	}
	t.Logf("%d seeds, %d events, %d deliveries, %v for each", n, events, delivered, time.Since(begin)/time.Duration(n))
}

// TestFound plays the histories again in which something was found.
func TestFound(t *testing.T) {
	for name, seed := range map[string]uint64{
		"who insists on failed nodes of the last gathering is failed for them, for ever":           551,
		"the same on a ring of eleven nodes, round which the token takes longer than merge detect": 1410,
	} {
		t.Run(name, func(t *testing.T) {
			if o := History(Plan{Seed: seed}); o.Err != nil {
				t.Error(o)
			}
		})
	}
}
