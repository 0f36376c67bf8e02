package flight

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"hacluster/internal/logging"
)

func some(n int) (out []Entry) {
	for i := range n {
		out = append(out, Entry{Time: time.Unix(1700000000+int64(i), 5e6), Severity: i % 9, Func: strings.Repeat("f", i%5+1), Line: uint32(i), Tags: uint32(i % 3), Text: fmt.Sprintf("50%% of %d\tdone", i)})
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 7, 500, 3000} {
		got, err := Parse(Marshal(some(n)))
		if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, some(n)) {
			t.Errorf("%d entries: %d, %v", n, len(got), err)
		}
	}
}

// The ring of a file may begin anywhere.
func TestWrapped(t *testing.T) {
	file := Marshal(some(20))
	words, end := order.Uint32(file[20:]), order.Uint32(file[24:])
	for _, turn := range []uint32{1, 2, 17, words - 1, words - end/2, words - 3} {
		out := append([]byte(nil), file...)
		for i := range words {
			copy(out[40+(i+turn)%words*4:], file[40+i*4:44+i*4])
		}
		order.PutUint32(out[24:], (end+turn)%words)
		order.PutUint32(out[28:], turn%words)
		order.PutUint32(out[36:], words+(end+turn)%words+turn%words+version)
		if got, err := Parse(out); err != nil || !reflect.DeepEqual(got, some(20)) {
			t.Errorf("turned by %d: %d entries, %v", turn, len(got), err)
		}
	}
}

func TestDamaged(t *testing.T) {
	good := Marshal(some(3))
	for name, c := range map[string]struct {
		file []byte
		want int // entries before the damage
	}{
		"nothing":         {nil, 0},
		"cut":             {good[:100], 0},
		"no header":       {good[40:], 0},
		"another sum":     {change(good, 36, 1), 0},
		"no mark":         {change(good, 40+4, 1), 0},
		"a long entry":    {change(good, 40, 200), 1},
		"a long function": {change(good, 48+9, 200), 0},
	} {
		got, err := Parse(c.file)
		if !errors.Is(err, ErrFormat) || len(got) != c.want {
			t.Errorf("%s: %d entries, %v", name, len(got), err)
		}
	}
}

func change(b []byte, at int, by byte) []byte {
	out := append([]byte(nil), b...)
	out[at] += by
	return out
}

// Messages of other programs have formats with values.
func TestFill(t *testing.T) {
	le := func(n uint64, size int) string {
		b := order.AppendUint64(nil, n)
		return string(b[:size])
	}
	for _, c := range []struct{ format, values, want string }{
		{"plain", "", "plain"},
		{"%d of %u", le(0xffffffff, 4) + le(7, 4), "-1 of 7"},
		{"%lld %zu %lx", le(1<<40, 8) + le(2, 8) + le(255, 8), "1099511627776 2 ff"},
		{"%s(%5.2s|%-4s|)", "abc\x00xyz\x00q\x00", "abc(   xy|q   |)"},
		{"%05d %#x %X", le(42, 4) + le(16, 4) + le(255, 4), "00042 0x10 FF"},
		{"%*d|%c|%p", le(4, 4) + le(9, 4) + "A" + le(0xabc, 8), "   9|A|0xabc"},
		{"%.1f", le(0x3ff8000000000000, 8), "1.5"},
		{"%d and %s", le(3, 4), "3 and %s"},
		{"%y %", "", "%y %"},
		{"%999999999999d", le(1, 4), strings.Repeat(" ", widest-1) + "1"},
	} {
		if got := fill([]byte(c.format + "\x00" + c.values)); got != c.want {
			t.Errorf("%q: %q, want %q", c.format, got, c.want)
		}
	}
}

// A recorder keeps what is told at all levels, and of all that as much as it may.
func TestRecorder(t *testing.T) {
	r := &Recorder{}
	log := logging.New(r).Logger()
	log.Debug("a small thing", "what", "it", "n", 1)
	got := r.Entries()
	if len(got) != 1 || got[0].Text != "[MAIN] a small thing: it (n=1)" || got[0].Severity != 7 || got[0].Func != "TestRecorder" || got[0].Line == 0 {
		t.Errorf("%+v", got)
	}
	for i := range 3 * Size / 300 {
		log.Warn(strings.Repeat("x", 300), "i", i)
	}
	got = r.Entries()
	file := Marshal(got)
	if len(file) < Size*9/10 || len(file) > Size+2*page {
		t.Errorf("%d bytes are kept, of %d entries", len(file), len(got))
	}
	if last := got[len(got)-1].Text; !strings.HasSuffix(last, fmt.Sprintf("(i=%d)", 3*Size/300-1)) {
		t.Errorf("the last one is %s", last)
	}
	if r.Enabled(slog.LevelDebug-1, "") || cap(r.entries) > 4*len(got) {
		t.Errorf("traces are wanted, or %d entries take the room of %d", len(got), cap(r.entries))
	}
}

// What is written is what libqb's own program prints.
func TestOriginalReads(t *testing.T) {
	dir := t.TempDir()
	r := &Recorder{entries: some(40)}
	path, err := r.Dump(dir, time.Unix(1700000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(filepath.Join(dir, Link)); err != nil || to != path {
		t.Errorf("the link leads to %q, %v, not to %s", to, err, path)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := r.Dump(dir, time.Unix(1700000001, 0)); err != nil {
		t.Errorf("once more: %v", err)
	}
	program, err := exec.LookPath("qb-blackbox")
	if err != nil {
		t.Skip("qb-blackbox (package libqb-tools) is not on this machine")
	}
	out, _ := exec.Command(program, path).Output() // it ends with a complaint where there is no more
	var printed []string
	for l := range strings.Lines(string(out)) {
		if strings.Contains(l, "50% of") {
			printed = append(printed, strings.ReplaceAll(strings.TrimSuffix(l, "\n"), "\t", " "))
		}
	}
	var want []string
	for _, e := range some(40) {
		want = append(want, e.String())
	}
	if !reflect.DeepEqual(printed, want) {
		t.Errorf("it prints\n%s\nwant\n%s", out, strings.Join(want, "\n"))
	}
}

// A format of nothing but flags costs no more than its length.
func TestManyFlags(t *testing.T) {
	message := []byte("%" + strings.Repeat("#0-", 1000) + "5d|\x00\x07\x00\x00\x00")
	var got string
	if n := testing.AllocsPerRun(1, func() { got = fill(message) }); n > 50 || got != "7    |" {
		t.Errorf("%q, with %v allocations", got, n)
	}
}

// Who asks for them again before they are written gets them whole, too.
func TestDumpTwice(t *testing.T) {
	dir := t.TempDir()
	r := &Recorder{entries: some(40)}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := r.Dump(dir, time.Unix(1700000000, 0)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	file, err := os.ReadFile(filepath.Join(dir, Link))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Parse(file); err != nil || len(got) != 40 {
		t.Errorf("%d entries, %v", len(got), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Marshal(some(5)))
	f.Add(Marshal(nil)[20:])
	f.Add(change(Marshal(some(2)), 28, 3))
	f.Fuzz(func(t *testing.T, file []byte) {
		entries, err := Parse(file)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%v", err)
		}
		for _, e := range entries {
			if s := e.String(); strings.ContainsAny(s, "\n\x00\x1b") {
				t.Errorf("%q", s)
			}
		}
	})
}
