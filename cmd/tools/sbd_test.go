package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hacluster/internal/program"
)

// TestSbd types sbd's commands; the words are those of sbd 1.5.
func TestSbd(t *testing.T) {
	dir := t.TempDir()
	a, b, empty := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "empty")
	for _, f := range []string{a, b, empty} {
		if err := os.WriteFile(f, make([]byte, 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const failed = "sbd failed; please check the logs.\n"
	steady := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|device \d+`)
	for _, c := range []struct {
		words     string
		code      int
		out, errs string
	}{
		{
			"-d A -2 0 -4 0 create", 0, "Initializing device A\nCreating version 2.1 header on X (uuid: X)\nInitializing 255 slots on X\nDevice A is initialized.\n" +
				"Did you check sbd service down on all nodes before? If not do so now and restart afterwards.\n", "",
		},
		{
			"-d A dump", 0, "==Dumping header on disk A\nHeader version     : 2.1\nUUID               : X\nNumber of slots    : 255\nSector size        : 512\n" +
				"Timeout (watchdog) : 5\nTimeout (allocate) : 0\nTimeout (loop)     : 1\nTimeout (msgwait)  : 0\n==Header on disk A is dumped\n", "",
		},
		{"-d A allocate n1", 0, "Trying to allocate slot for n1 on device A.\nslot 0 is unused - trying to own\nSlot for n1 has been allocated on A.\n", ""},
		{"-d A allocate N1", 0, "Trying to allocate slot for N1 on device A.\nSlot for N1 has been allocated on A.\n", ""},
		{"-d A allocate", 1, "Trying to allocate slot for (null) on device A.\n", "slot_allocate(): No name specified.\n" + failed},
		{"-n me -d A message n1 reset", 0, "", ""},
		{"-d A list", 0, "0\tn1\treset\tme\n", ""},
		{"-d A message n9 reset", 1, "", "A: no slot found for n9\n" + failed},
		{"-d A message n1 dance", 1, "", "\"dance\" is no message: it is test, reset, off, crashdump, exit or clear\n" + failed},
		{"-n me -d A -d E message n1 exit", 1, "", "E: header magic does not match\n" + failed},
		{"-d E list", 1, "", "== Slots on disk E NOT dumped\n" + failed},
		{"-d E dump", 1, "==Dumping header on disk E\n", "==Header on disk E NOT dumped\n" + failed},
		{"-d /nonexistent dump", 1, "==Dumping header on disk /nonexistent\n", "== disk /nonexistent unreadable!\n==Header on disk /nonexistent NOT dumped\n" + failed},
		{"-d A -d A -d A -d A dump", 1, "", "You can specify up to 3 devices via the -d option.\n" + failed},
		{"-d A", 1, "", "Not enough arguments.\n"},
		{"-1 x create", 1, "", "Invalid value \"x\" for option -1\n"},
		{"list", 0, "0\tn1\texit\tme\n", ""}, // from SBD_DEVICE
	} {
		words := strings.Fields(c.words)
		for i, w := range words {
			words[i] = map[string]string{"A": a, "B": b, "E": empty}[w]
			if words[i] == "" {
				words[i] = w
			}
		}
		var out, errs bytes.Buffer
		code := run(context.Background(), &program.Env{Args: append([]string{"sbd"}, words...), Stdout: &out, Stderr: &errs, Getenv: func(n string) string {
			if n == "SBD_DEVICE" {
				return " " + a + " ; "
			}
			return ""
		}})
		plain := func(s string) string {
			s = strings.NewReplacer(a, "A", empty, "E").Replace(s)
			s, _, _ = strings.Cut(s, "Fencing over a shared disk.")
			return steady.ReplaceAllString(s, "X")
		}
		if code != c.code || plain(out.String()) != c.out || plain(errs.String()) != c.errs {
			t.Errorf("%s: %d\n%s%s\nwant %d\n%s%s", c.words, code, plain(out.String()), plain(errs.String()), c.code, c.out, c.errs)
		}
	}
}
