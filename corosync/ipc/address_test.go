package ipc

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSocketFiles: where the host says so, client and server meet at files; one that a dead server left is replaced,
// one of a living server is not, and a folder that is missing keeps nobody from the others.
func TestSocketFiles(t *testing.T) {
	dir := t.TempDir()
	force, dirs := forceFiles, socketDirs
	t.Cleanup(func() { forceFiles, socketDirs = force, dirs })
	forceFiles, socketDirs = filepath.Join(dir, "force"), []string{filepath.Join(dir, "missing"), dir}
	if err := os.WriteFile(forceFiles, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), "nobody", 1000); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody serves: %v", err)
	}
	kinds(t, func(t *testing.T, k Kind) {
		name, _, server := serve(t, k, nil)
		c := dial(t, name)
		if _, err := c.Call(t.Context(), Request(1, RequestHeader)); err != nil {
			t.Fatal(err)
		}
		if address, err := abstract(name); err != nil {
			t.Fatal(err)
		} else if s, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); err != nil {
			t.Fatal(err)
		} else {
			if err := syscall.Connect(s, &syscall.SockaddrUnix{Name: address}); err == nil {
				t.Error("somebody listens at the abstract address, too")
			}
			syscall.Close(s)
		}
		if _, err := Listen(Config{Name: name, Handler: &echo{}}); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second server: %v", err)
		}
		server.Close()
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			t.Error("the file is left")
		}
		s, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err == nil {
			err = syscall.Bind(s, &syscall.SockaddrUnix{Name: path}) // what one leaves that is killed
			syscall.Close(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := Listen(Config{Name: name, Handler: &echo{}})
		if err != nil {
			t.Fatalf("after one that was killed: %v", err)
		}
		again.Close()
	})
}
