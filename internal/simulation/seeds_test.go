package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
	"time"
)

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// generator is what makes scenarios of seeds, as SIMULATE_MIX says.
func generator(t *testing.T) func(seed uint64) *Scenario {
	t.Helper()
	switch mix := os.Getenv("SIMULATE_MIX"); mix {
	case "":
		return Generate
	case "aimed":
		return Aimed
	case "terms":
		return Terms
	case "upgrade":
		return Upgrades
	default:
		t.Fatalf("SIMULATE_MIX: there is no mix %q", mix)
	}
	return nil
}

// TestSeeds plays scenarios made from seeds: SIMULATE_SEEDS of them from SIMULATE_FIRST on.
func TestSeeds(t *testing.T) {
	// A scenario lives for some milliseconds: collecting garbage seldom makes the run a quarter cheaper.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	first, count := number(t, "SIMULATE_FIRST", 1), number(t, "SIMULATE_SEEDS", 25)
	generate := generator(t)
	begun := time.Now()
	var events, acks, failed, fencings, needless int
	var slowest time.Duration
	traffic := map[int]int{}
	var back []time.Duration
	for seed := first; seed < first+count; seed++ {
		s := generate(seed)
		one := time.Now()
		out, err := Play(s, false)
		if d := time.Since(one); d > 20*time.Second {
			fmt.Printf("seed %d took %v for %d events\n", seed, d.Round(time.Second), out.Events)
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if done := seed - first + 1; done%1000 == 0 {
			fmt.Printf("%d seeds done, %d failed\n", done, failed)
		}
		events += out.Events
		acks += out.Acks
		slowest = max(slowest, out.Settled)
		traffic[out.Traffic]++
		fencings += out.Fencings
		if needless += out.Needless; out.Needless > 0 {
			fmt.Printf("seed %d: %d needless fencings\n", seed, out.Needless)
		}
		if out.Broken == nil {
			back = append(back, out.Recovered)
			continue
		}
		failed++
		text, _ := json.Marshal(s)
		fmt.Printf("seed %d: %s\n%s\n", seed, out.Broken, text)
	}
	if failed > 0 {
		t.Errorf("%d of %d seeds failed", failed, count)
	}
	took := time.Since(begun)
	fmt.Println("fencings:", fencings, "needless:", needless)
	fmt.Println("services were back after the last fault:", spread(back))
	fmt.Println("messages while nothing happens: scenarios", traffic)
	fmt.Printf("%d seeds from %d: %d failed, %v each, %d events, %d changes acknowledged, settled after %v at most\n",
		count, first, failed, (took / time.Duration(count)).Round(10*time.Microsecond), events, acks, slowest)
}
