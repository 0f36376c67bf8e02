package knet

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestAssembly holds that fragments make their packet in whatever order they come, more than once, too.
func TestAssembly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		unit, count := 1+rng.IntN(100), 2+rng.IntN(9)
		packet := make([]byte, (count-1)*unit+1+rng.IntN(unit))
		for i := range packet {
			packet[i] = byte(rng.Uint32())
		}
		a := &assembly{have: make([]bool, count), left: count}
		for n, i := range rng.Perm(count) {
			if a.left != count-n {
				t.Fatalf("%d fragments of %d are missing", a.left, count)
			}
			for range 1 + rng.IntN(2) {
				b := bytes.Clone(packet[i*unit : min(len(packet), (i+1)*unit)])
				if err := a.add(i, b); err != nil {
					t.Fatal(err)
				}
				clear(b) // it is the caller's
			}
		}
		if a.left != 0 || !bytes.Equal(a.packet, packet) {
			t.Fatalf("%d fragments of %d bytes do not make their packet of %d", count, unit, len(packet))
		}
	}
	type part struct{ i, size int }
	for name, parts := range map[string][]part{
		"one is empty":           {{0, 0}},
		"one is shorter":         {{0, 10}, {1, 9}},
		"one is longer":          {{0, 10}, {1, 11}},
		"the last is longer":     {{0, 10}, {2, 11}},
		"the last was longer":    {{2, 11}, {0, 10}},
		"it becomes too big":     {{0, MaxPacket / 2}},
		"it is too big, at last": {{0, MaxPacket/2 - 1}, {1, MaxPacket/2 - 1}, {2, MaxPacket/2 - 1}},
	} {
		a := &assembly{have: make([]bool, 3), left: 3}
		var err error
		for _, p := range parts {
			err = a.add(p.i, make([]byte, p.size))
		}
		if err == nil {
			t.Errorf("%s: nothing is said", name)
		}
	}
}
