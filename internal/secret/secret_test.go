package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestStore(t *testing.T) {
	s := Store(filepath.Join(t.TempDir(), "lrm", "secrets"))
	if err := s.Set("ipmi", "passwd", "s3cret "); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(string(s), "ipmi", "passwd")
	for _, f := range []string{path, path + ".sign"} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder: %v %v", info.Mode(), err)
	}
	// As Pacemaker's: white space at the end is cut when it is read, so such a value does not fit its sum.
	if _, err := s.Value("ipmi", "passwd"); !errors.Is(err, ErrSum) {
		t.Errorf("%v", err)
	}
	if err := s.Set("ipmi", "passwd", "s3cret"); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Value("ipmi", "passwd"); v != "s3cret" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	if data, _ := os.ReadFile(path + ".sign"); string(data) != "33e1b232a4e6fa0028a6670753749a17\n" {
		t.Errorf("sum %q", data)
	}
	if err := os.WriteFile(path, []byte("other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Value("ipmi", "passwd"); !errors.Is(err, ErrSum) || v != "" {
		t.Errorf("a changed one: %q %v", v, err)
	}
	if err := s.Remove("ipmi", "passwd"); err != nil {
		t.Error(err)
	}
	if _, err := s.Value("ipmi", "passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is gone: %v", err)
	}
	if err := s.Remove("ipmi", "passwd"); err != nil {
		t.Errorf("once more: %v", err)
	}
	for _, bad := range [][2]string{{"..", "x"}, {"a/b", "x"}, {"a", "../x"}, {"", "x"}, {"a", ""}} {
		if err := s.Set(bad[0], bad[1], "v"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
