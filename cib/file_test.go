package cib_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// TestOverwriteFile: who holds the file open reads the new text, and nothing of the old one behind it.
func TestOverwriteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	long := cib.New()
	for range 20 {
		long.FindElement("//resources").CreateElement("primitive")
	}
	if err := cib.OverwriteFile(file, long); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := cib.OverwriteFile(file, cib.New()); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(held)
	if err != nil || string(got) != string(xml.Format(cib.New())) {
		t.Errorf("%v\n%s", err, got)
	}
}
