package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hacluster/cib"
)

// scenario reads the scenario that a variable of the environment names: a file, or a seed.
func scenario(t *testing.T, variable string) *Scenario {
	t.Helper()
	what := os.Getenv(variable)
	if what == "" {
		t.Skip(variable + " names no scenario")
	}
	if text, err := os.ReadFile(what); err == nil {
		s := &Scenario{}
		if err := json.Unmarshal(text, s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	return generator(t)(number(t, variable, 0))
}

// TestPlay plays one scenario, SIMULATE_PLAY, and prints its log; the CIB at its end is written
// to the file SIMULATE_CIB.
func TestPlay(t *testing.T) {
	out, err := Play(scenario(t, "SIMULATE_PLAY"), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range out.Log {
		fmt.Println(l)
	}
	if file := os.Getenv("SIMULATE_CIB"); file != "" && out.CIB != nil {
		if err := cib.WriteFile(file, out.CIB); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("settled after %v, %d events\n", out.Settled, out.Events)
	if out.Broken != nil {
		t.Error(out.Broken)
	}
}

// TestShrink makes a scenario that breaks an invariant, or has somebody fenced needlessly, SIMULATE_SHRINK, as small as it can.
func TestShrink(t *testing.T) {
	s, out, err := Shrink(scenario(t, "SIMULATE_SHRINK"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if out.fault() == "" {
		t.Error("nothing is wrong with it")
	}
	fmt.Printf("%s\n%v, needless fencings: %d\n", text, out.Broken, out.Needless)
}

// kept reads the scenarios that found a defect once, by name.
func kept(t *testing.T) map[string]*Scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no regressions", err)
	}
	all := map[string]*Scenario{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s := &Scenario{}
		if err := json.Unmarshal(text, s); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = s
	}
	return all
}

// TestRegressions plays the scenarios that found a defect once.
func TestRegressions(t *testing.T) {
	all := kept(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			out, err := Play(all[name], false)
			if err != nil {
				t.Fatal(err)
			}
			if out.Broken != nil {
				t.Error(out.Broken)
			}
			if out.Needless > 0 {
				t.Errorf("%d fencings that nobody had reason for", out.Needless)
			}
		})
	}
}

// TestVaried plays the same scenarios with other chance: each with SIMULATE_VARY other seeds, from SIMULATE_FIRST on; SIMULATE_ONLY names one of them.
// What happens is the same, but not how long packets, agents and fence agents take.
func TestVaried(t *testing.T) {
	count := number(t, "SIMULATE_VARY", 0)
	if count == 0 {
		t.Skip("SIMULATE_VARY says not how many seeds")
	}
	first, only := number(t, "SIMULATE_FIRST", 1), os.Getenv("SIMULATE_ONLY")
	all := kept(t)
	if only != "" && all[only] == nil {
		t.Fatalf("SIMULATE_ONLY: no scenario %q is kept", only)
	}
	played, failed, needless := 0, 0, 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if only != "" && name != only {
			continue
		}
		for seed := first; seed < first+count; seed++ {
			s := *all[name]
			s.Seed = seed
			out, err := Play(&s, false)
			if err != nil {
				t.Fatalf("%s, seed %d: %v", name, seed, err)
			}
			played++
			if needless += out.Needless; out.Needless > 0 {
				fmt.Printf("%s, seed %d: %d needless fencings\n", name, seed, out.Needless)
			}
			if out.Broken != nil {
				failed++
				text, _ := json.Marshal(s)
				fmt.Printf("%s, seed %d: %s\n%s\n", name, seed, out.Broken, text)
			}
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d failed", failed, played)
	}
	fmt.Printf("%d scenarios with other chance: %d failed, %d needless fencings\n", played, failed, needless)
}
