package ringsim

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the outcome of the scenarios in testdata as what is expected")

// TestScenarios plays the scenarios in testdata; Play tells how to read them.
func TestScenarios(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no scenarios")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Play(string(text))
			switch {
			case err != nil:
				t.Fatal(err)
			case *rewrite:
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			case got != string(text):
				t.Errorf("the scenario ends otherwise:\n%s", got)
			}
		})
	}
}

// TestUnreadable holds that a scenario that cannot be read says where.
func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"start 1", "nodes", "nodes x", "nodes 1\nstart 2", "nodes 1\nsay 1", "nodes 1\nrun x", "nodes 1\nfly 1 2", "nodes 1\nlose gold 1 1",
		"nodes 1\nwhen token 1 1 sing 1", "set color=red", "set mtu=x", "repeat 3 2\nnodes 1", "nodes 1 2\nstart 1 2\nsplit 1 / 2\ntogether 1s", "nodes 1\nsay 1 1",
	} {
		if got, err := Play(text); err == nil {
			t.Errorf("%q is played: %s", text, got)
		}
	}
}
