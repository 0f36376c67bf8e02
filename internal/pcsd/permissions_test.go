package pcsd

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrokenPermissions: a file of permissions that is broken gives none, and the log says where it is broken.
func TestBrokenPermissions(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := &Server{conf: Config{Paths: pathsIn(dir), Log: slog.New(slog.NewTextHandler(&log, nil))}}
	if p := s.permissions(); len(p) != 1 || p[0].Name != adminGroup {
		t.Errorf("without a file: %v", p)
	}
	file := s.settingsPath()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("{\n  \"permissions\": [}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := s.permissions(); len(p) != 0 {
		t.Errorf("of a broken file: %v", p)
	}
	if text := log.String(); !strings.Contains(text, file) || !strings.Contains(text, "line 2 column 19 (char 20)") {
		t.Errorf("the log: %s", text)
	}
}
