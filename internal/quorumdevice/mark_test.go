package quorumdevice

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMark: the original pcs takes a folder for initialised where one of the files of NSS's databases is.
func TestMark(t *testing.T) {
	server, node := t.TempDir(), t.TempDir()
	if err := InitServer(server); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(server, CACert))
	if err != nil {
		t.Fatal(err)
	}
	if err := InitNode(node, ca); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{server, node} {
		if _, err := os.Stat(filepath.Join(dir, "pkcs11.txt")); err != nil {
			t.Error(err)
		}
	}
}
