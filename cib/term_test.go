package cib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTermText(t *testing.T) {
	for _, s := range []string{"0 0", "3 4", "18446744073709551615 18446744073709551615", "3 4 0.12", "3 4 1.0"} {
		if term, err := ParseTerm(s); err != nil || term.String() != s {
			t.Errorf("%q is read as %v, %v", s, term, err)
		}
	}
	for _, s := range []string{"", "1", "-1 2", "1 2 3", "1 2 3.", "1 2 -1.3", "1 2 3.4 5", "1x 2", "01 2", "1 2 3.4x", "18446744073709551616 0"} {
		if term, err := ParseTerm(s); err == nil {
			t.Errorf("%q is read as %v", s, term)
		}
	}
}

func FuzzParseTerm(f *testing.F) {
	f.Add("3 4 0.12")
	f.Fuzz(func(t *testing.T, s string) {
		if term, err := ParseTerm(s); err == nil && term.String() != strings.Join(strings.Fields(s), " ") {
			t.Errorf("%q is %q", s, term)
		}
	})
}

// TestTermCompare: the term counts first, then up to where it is trusted, and no change that was not.
func TestTermCompare(t *testing.T) {
	at := func(epoch, updates int64) Version { return Version{Epoch: epoch, NumUpdates: updates} }
	for _, c := range []struct {
		a    string
		v    Version
		b    string
		w    Version
		want int
	}{
		{"2 9", at(5, 0), "1 9", at(50, 0), 1},
		{"2 3", at(5, 0), "2 9", at(6, 0), -1},
		{"2 2", at(5, 7), "2 2", at(5, 1), 0}, // the status is not what was acknowledged
		{"2 2 0.4", at(50, 0), "2 2", at(5, 0), -1},
		{"2 2 0.5", at(50, 0), "2 2", at(5, 0), 0},
		{"2 2 0.5", at(6, 0), "2 2 0.4", at(9, 0), 1},
		{"0 7", at(5, 0), "0 0", at(4, 0), 1},
	} {
		a, _ := ParseTerm(c.a)
		b, _ := ParseTerm(c.b)
		if got := a.Compare(c.v, b, c.w); got != c.want {
			t.Errorf("%s at %v against %s at %v: %d, want %d", c.a, c.v, c.b, c.w, got, c.want)
		}
		if got := b.Compare(c.w, a, c.v); got != -c.want {
			t.Errorf("%s at %v against %s at %v, the other way round: %d", c.a, c.v, c.b, c.w, got)
		}
	}
}

// TestTermPowerLoss cuts the power before every step of saving a term: the one before or the new one is there.
func TestTermPowerLoss(t *testing.T) {
	r := &recorder{names: map[string]int{}}
	s := &Store{Dir: t.TempDir(), disk: r}
	first, second := Term{Number: 1, Promised: 1}, Term{Number: 1, Promised: 2, Forked: true, Base: Version{Epoch: 7}}
	if err := s.Save(at(t, 7)); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveTerm(first); err != nil {
		t.Fatal(err)
	}
	base := wreck(folder{map[string]int{}, map[int][]byte{}}, r.steps, len(r.steps), 0)
	r.steps = nil
	if err := s.SaveTerm(second); err != nil {
		t.Fatal(err)
	}
	for n := 0; n <= len(r.steps); n++ {
		for lost := range uint(1) << unsafe(r.steps, n) {
			dir := t.TempDir()
			wreck(base, r.steps, n, lost).write(t, dir)
			got, note, err := (&Store{Dir: dir, disk: quick{}}).LoadTerm()
			if err != nil || note != "" || got != second && (got != first || n == len(r.steps)) {
				t.Fatalf("before step %d, names lost %b: %v %q %v", n, lost, got, note, err)
			}
		}
	}
}

// TestTermOfLostDocument: what takes the place of a document that is gone is of no term, but the promise holds.
func TestTermOfLostDocument(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"gone":        func(dir string) error { return os.Remove(filepath.Join(dir, "cib.xml")) },
		"broken":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "cib.xml"), []byte("<cib"), 0o600) },
		"term broken": func(dir string) error { return os.WriteFile(filepath.Join(dir, termFile), []byte("x"), 0o600) },
	} {
		s := &Store{Dir: t.TempDir(), disk: quick{}}
		if err := s.Save(at(t, 7)); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveTerm(Term{Number: 4, Promised: 5}); err != nil {
			t.Fatal(err)
		}
		if err := spoil(s.Dir); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Load(); err != nil {
			t.Fatal(err)
		}
		want := Term{Promised: 5}
		if name == "term broken" {
			want = Term{}
		}
		for range 2 { // it is so on the disk, too
			got, note, err := s.LoadTerm()
			if err != nil || got != want || (note != "") != (name == "term broken") {
				t.Errorf("%s: %v %q %v, want %v", name, got, note, err, want)
			}
			if err := s.Save(at(t, 1)); err != nil {
				t.Fatal(err)
			}
			if name == "term broken" {
				break
			}
		}
	}
}
