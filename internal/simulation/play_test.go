package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// TestRegressions plays the scenarios that found a defect once.
func TestRegressions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no regressions", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var s Scenario
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			out, err := Play(&s, false)
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
