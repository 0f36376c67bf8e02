package dialect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"0.9": "0.9.170", "0.9.152": "0.9.152", "0.11": "0.11.12", " 0.12.1\n": "0.12.1",
	} {
		if v, err := Parse(text); err != nil || v.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", text, v, err, want)
		}
	}
	for _, text := range []string{"", "0", "0.9.x", "0.8", "1.0", "0.9.1.2", "-1.9", "0.9.-3"} {
		if v, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, v)
		}
	}
}

func TestCurrent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "etc", "dialect")
	env := func(s string) func(string) string { return func(string) string { return s } }
	if v, fixed, err := Current(env(""), file); v != Default || fixed || err != nil {
		t.Errorf("with nothing set: %v %v %v", v, fixed, err)
	}
	if err := Record(file, Seed); err != nil {
		t.Fatal(err)
	}
	if v, fixed, err := Current(env(""), file); v != Seed || !fixed || err != nil {
		t.Errorf("with a recorded one: %v %v %v", v, fixed, err)
	}
	if v, _, err := Current(env("0.10"), file); v.String() != "0.10.18" || err != nil {
		t.Errorf("with PCS_COMPAT: %v %v", v, err)
	}
	if _, _, err := Current(env("7"), file); err == nil || !strings.Contains(err.Error(), "PCS_COMPAT") {
		t.Errorf("with a bad PCS_COMPAT: %v", err)
	}
	if err := os.WriteFile(file, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Current(env(""), file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("with a broken file: %v", err)
	}
}
