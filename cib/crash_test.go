package cib

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// recorder is a disk that notes each step of writing, with the file (inode) it is about.
type recorder struct {
	osDisk
	names map[string]int // what stands in the folder
	steps []step
	files int
}

type step struct {
	what     string // create, write, sync, rename, link, remove, folder
	from, to string
	file     int
	data     []byte
}

func (r *recorder) note(s step) { r.steps = append(r.steps, s) }

func (r *recorder) create(dir string) (tempFile, error) {
	f, err := r.osDisk.create(dir)
	if err != nil {
		return nil, err
	}
	r.files++
	name := filepath.Base(f.Name())
	r.names[name] = r.files
	r.note(step{what: "create", to: name, file: r.files})
	return &recorded{f, r, r.files}, nil
}

func (r *recorder) rename(from, to string) error {
	err := r.osDisk.rename(from, to)
	if err == nil {
		a, b := filepath.Base(from), filepath.Base(to)
		r.note(step{what: "rename", from: a, to: b, file: r.names[a]})
		r.names[b] = r.names[a]
		delete(r.names, a)
	}
	return err
}

func (r *recorder) link(from, to string) error {
	err := r.osDisk.link(from, to)
	if err == nil {
		a, b := filepath.Base(from), filepath.Base(to)
		r.note(step{what: "link", from: a, to: b, file: r.names[a]})
		r.names[b] = r.names[a]
	}
	return err
}

func (r *recorder) remove(name string) error {
	err := r.osDisk.remove(name)
	if err == nil {
		r.note(step{what: "remove", from: filepath.Base(name)})
		delete(r.names, filepath.Base(name))
	}
	return err
}

func (r *recorder) syncDir(dir string) error {
	r.note(step{what: "folder"})
	return r.osDisk.syncDir(dir)
}

type recorded struct {
	tempFile
	r    *recorder
	file int
}

func (f *recorded) Write(data []byte) (int, error) {
	f.r.note(step{what: "write", file: f.file, data: slices.Clone(data)})
	return f.tempFile.Write(data)
}

func (f *recorded) Sync() error {
	f.r.note(step{what: "sync", file: f.file})
	return f.tempFile.Sync()
}

// folder is what a disk holds: names, and the contents of the files that they name.
type folder struct {
	names map[string]int
	data  map[int][]byte
}

// wreck is the folder after power was lost before step n: of the names that were
// changed since the folder was last synced only those of lost survive that have their
// bit unset, and a file that was not synced is cut in half.
func wreck(base folder, steps []step, n int, lost uint) folder {
	out := folder{maps.Clone(base.names), maps.Clone(base.data)}
	safe := 0
	synced := map[int]bool{}
	for i, s := range steps[:n] {
		switch s.what {
		case "folder":
			safe = i
		case "sync":
			synced[s.file] = true
		}
	}
	bit := uint(1)
	for i, s := range steps[:n] {
		switch s.what {
		case "write":
			out.data[s.file] = s.data
			if !synced[s.file] {
				out.data[s.file] = s.data[:len(s.data)/2]
			}
			continue
		case "sync", "folder":
			continue
		}
		if i > safe {
			gone := lost&bit != 0
			bit <<= 1
			if gone {
				continue
			}
		}
		if s.from != "" && s.what != "link" {
			delete(out.names, s.from)
		}
		if s.to != "" {
			out.names[s.to] = s.file
		}
	}
	return out
}

// unsafe is how many changes of names before step n are not synced.
func unsafe(steps []step, n int) int {
	count := 0
	for _, s := range steps[:n] {
		switch s.what {
		case "folder":
			count = 0
		case "create", "rename", "link", "remove":
			count++
		}
	}
	return count
}

func (f folder) write(t *testing.T, dir string) {
	t.Helper()
	for name, file := range f.names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, f.data[file], 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1000+file), 0) // later files are newer
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
}

func at(t *testing.T, epoch int) *etree.Element {
	t.Helper()
	root := New()
	root.CreateAttr("epoch", fmt.Sprint(epoch))
	return root
}

// TestPowerLoss cuts the power before every step of saving, with every choice of
// names that had not reached the disk: what is read afterwards is the state before or
// the new one, and after Save returned it is the new one.
func TestPowerLoss(t *testing.T) {
	for _, before := range []int{0, 1, 2, 4} {
		t.Run(fmt.Sprintf("after %d states", before), func(t *testing.T) {
			dir := t.TempDir()
			r := &recorder{names: map[string]int{}}
			s := &Store{Dir: dir, Backups: 3, disk: r}
			base := folder{map[string]int{}, map[int][]byte{}}
			for e := 1; e <= before; e++ {
				if err := s.Save(at(t, e)); err != nil {
					t.Fatal(err)
				}
			}
			base = wreck(base, r.steps, len(r.steps), 0)
			r.steps = nil
			if err := s.Save(at(t, before+1)); err != nil {
				t.Fatal(err)
			}
			if len(r.steps) < 8 {
				t.Fatalf("only %d steps were seen", len(r.steps))
			}
			for n := 0; n <= len(r.steps); n++ {
				names := unsafe(r.steps, n)
				if names > 10 {
					t.Fatalf("%d names are not synced before step %d", names, n)
				}
				for lost := range uint(1) << names {
					wrecked(t, base, r.steps, n, lost, before)
				}
			}
		})
	}
}

func wrecked(t *testing.T, base folder, steps []step, n int, lost uint, before int) {
	t.Helper()
	dir, err := os.MkdirTemp(memory(), "wreck")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of a test
	wreck(base, steps, n, lost).write(t, dir)
	s := &Store{Dir: dir, Backups: 3, disk: quick{}}
	root, note, err := s.Load()
	if err != nil {
		t.Fatalf("before step %d, names lost %b: %v", n, lost, err)
	}
	got, want := VersionOf(root).Epoch, []int64{int64(before), int64(before) + 1}
	if n == len(steps) {
		want = want[1:]
	}
	if !slices.Contains(want, got) {
		t.Fatalf("before step %d (%+v), names lost %b: epoch %d is read, want one of %v; %s\n%v", n, steps[:n], lost, got, want, note, ls(dir))
	}
	// Life goes on.
	if err := s.Save(at(t, 99)); err != nil {
		t.Fatal(err)
	}
	if root, note, err := s.Load(); err != nil || note != "" || VersionOf(root).Epoch != 99 {
		t.Fatalf("after the next save: %v %q %v", VersionOf(root), note, err)
	}
}

// quick is a disk that does not wait for the real one.
type quick struct{ osDisk }

func (quick) syncDir(string) error { return nil }

func (q quick) create(dir string) (tempFile, error) {
	f, err := q.osDisk.create(dir)
	return quickFile{f}, err
}

type quickFile struct{ tempFile }

func (quickFile) Sync() error { return nil }

// memory is a folder in memory, if there is one: thousands of files come and go.
func memory() string {
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func ls(dir string) []string {
	var out []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			out = append(out, strings.TrimPrefix(path, dir))
		}
		return nil
	})
	return out
}

// TestPowerLossOfFile is the same for a file that a tool writes.
func TestPowerLossOfFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cib.xml")
	r := &recorder{names: map[string]int{}}
	if err := writeFile(r, file, at(t, 1)); err != nil {
		t.Fatal(err)
	}
	base := wreck(folder{map[string]int{}, map[int][]byte{}}, r.steps, len(r.steps), 0)
	r.steps = nil
	if err := writeFile(r, file, at(t, 2)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n <= len(r.steps); n++ {
		for lost := range uint(1) << unsafe(r.steps, n) {
			f := wreck(base, r.steps, n, lost)
			doc, err := xml.Parse(f.data[f.names["cib.xml"]])
			if err != nil {
				t.Fatalf("before step %d, names lost %b: %v", n, lost, err)
			}
			got := VersionOf(doc.Root).Epoch
			if got != 1 && got != 2 || n == len(r.steps) && got != 2 {
				t.Fatalf("before step %d, names lost %b: epoch %d", n, lost, got)
			}
		}
	}
}
