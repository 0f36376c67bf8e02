package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPack(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	list := []part{
		{name: "cib.xml", path: write("c/cib.xml", "<cib/>"), required: true},
		{name: "pacemaker_authkey", path: filepath.Join(dir, "none")},
		{name: "uidgid.d", path: filepath.Dir(write("u/one", "uidgid {}\n"))},
	}
	data, err := pack(list, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	got, err := unpack(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"version.txt": "1", "cib.xml": "<cib/>", "uidgid.d/one": "uidgid {}\n"} {
		if e := find(got, name); e == nil || string(e.data) != want {
			t.Errorf("%s: %v", name, e)
		}
	}
	if e := find(got, "uidgid.d"); e == nil || !e.dir || len(got) != 4 {
		t.Errorf("%+v", got)
	}
	list[1].required = true
	if _, err := pack(list, time.Unix(0, 0)); err == nil {
		t.Error("a required file was missing")
	}
	for _, bad := range []string{"", "x", "BZh9nonsense", "\x1f\x8bx", string(data[:len(data)/2])} {
		if got, err := unpack([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestPut(t *testing.T) {
	dir := t.TempDir()
	p := part{name: "uidgid.d", path: filepath.Join(dir, "uidgid.d"), mode: 0o644}
	for _, e := range []entry{{name: "uidgid.d", dir: true}, {name: "uidgid.d/a", data: []byte("old")}, {name: "uidgid.d/a", data: []byte("new")}} {
		if err := p.put(e); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(p.path, "a")
	data, err := os.ReadFile(file)
	if err != nil || string(data) != "new" {
		t.Errorf("%q, %v", data, err)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}
