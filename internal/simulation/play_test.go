package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// TestPlay plays one scenario and prints its log: that of the seed SIMULATE_PLAY, or the one in
// the file that it names.
func TestPlay(t *testing.T) {
	what := os.Getenv("SIMULATE_PLAY")
	if what == "" {
		t.Skip("SIMULATE_PLAY names no scenario")
	}
	var s *Scenario
	if text, err := os.ReadFile(what); err == nil {
		s = &Scenario{}
		if err := json.Unmarshal(text, s); err != nil {
			t.Fatal(err)
		}
	} else {
		s = Generate(number(t, "SIMULATE_PLAY", 0))
	}
	out, err := Play(s, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range out.Log {
		fmt.Println(l)
	}
	fmt.Printf("settled after %v, %d events\n", out.Settled, out.Events)
	if out.Broken != nil {
		t.Error(out.Broken)
	}
}
