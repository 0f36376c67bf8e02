package session

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSBDConfig(t *testing.T) {
	etc := t.TempDir()
	want := func(file string) {
		t.Helper()
		if got := sbdConfig(etc); got != filepath.Join(etc, file) {
			t.Errorf("got %s, want %s", got, file)
		}
	}
	want("sysconfig/sbd")
	for _, step := range []struct{ file, want string }{
		{"default/other", "default/sbd"},
		{"sysconfig/other", "sysconfig/sbd"},
		{"default/sbd", "default/sbd"},
		{"sysconfig/sbd", "sysconfig/sbd"},
	} {
		f := filepath.Join(etc, step.file)
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		want(step.want)
	}
}
