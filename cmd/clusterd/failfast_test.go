package main

import (
	"os"
	"testing"
)

// TestDied: a daemon that says goodbye has not died, one whose end of the pipe just closes has.
func TestDied(t *testing.T) {
	for _, c := range []struct {
		said string
		want bool
	}{{"", true}, {"?", true}, {string(goodbye), false}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteString(c.said); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if got := died(r); got != c.want {
			t.Errorf("%q: %v, want %v", c.said, got, c.want)
		}
		r.Close()
	}
}
