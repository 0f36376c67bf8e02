package pcs

import (
	"slices"
	"testing"

	"hacluster/internal/dialect"
)

func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		version string
		number  int
		has     []string
		lacks   []string
	}{
		{"0.9.152", 0, nil, []string{"booth"}},
		{"0.9", 179, []string{"booth", "pcmk.resource.master"}, []string{"pcmk.tag", "status.pcmk.query.resource"}},
		{"0.10", 262, []string{"booth", "pcmk.tag"}, []string{"pcmk.resource.master"}},
		{"0.11", 288, []string{"booth", "pcmk.tag", "status.pcmk.query.resource"}, []string{"booth.ticket.cleanup.auto"}},
		{"0.12", 290, []string{"booth", "booth.ticket.cleanup.auto"}, []string{"pcmk.resource.master"}},
	} {
		v, err := dialect.Parse(c.version)
		if err != nil {
			t.Fatal(err)
		}
		got := capabilities(v)
		if len(got) != c.number || !slices.IsSorted(got) {
			t.Errorf("%s: %d codes, want %d, sorted: %v", c.version, len(got), c.number, slices.IsSorted(got))
		}
		for _, code := range c.has {
			if !slices.Contains(got, code) {
				t.Errorf("%s lacks %s", c.version, code)
			}
		}
		for _, code := range c.lacks {
			if slices.Contains(got, code) {
				t.Errorf("%s has %s", c.version, code)
			}
		}
	}
}
