package ipc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// place is the folder that holds the files of one connection, and belongs to its client.
type place struct {
	dir   string
	owner Peer
}

var placeNumber atomic.Uint32

func newPlace(parent string, client Peer) (*place, error) {
	pattern := fmt.Sprintf("qb-%d-%d-%d-*", os.Getpid(), client.PID, placeNumber.Add(1)%100000)
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return nil, fmt.Errorf("folder for a connection: %w", err)
	}
	p := &place{dir: dir, owner: client}
	if err := p.own(dir, 0o770); err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// own gives a file to the client. A server that is not root serves its own user only, and need not.
func (p *place) own(path string, mode os.FileMode) error {
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, int(p.owner.UID), int(p.owner.GID))
}

// file makes a file of size bytes and maps it.
func (p *place) file(name string, size int) (*mapping, error) {
	path := p.path(name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Memory is taken when it is written to: most connections use little of their rings. Where
	// there is none left, guarded turns the fault into an error.
	err = f.Truncate(int64(size))
	if err == nil {
		_, err = f.WriteAt([]byte{0}, 0) // where there is none already, that is told here
	}
	if err != nil {
		return nil, fmt.Errorf("%d bytes for a connection: %w", size, err)
	}
	if err := p.own(path, 0o600); err != nil {
		return nil, err
	}
	return mapFile(f, size)
}

// remove deletes the folder and everything in it.
func (p *place) remove() { _ = os.RemoveAll(p.dir) }

// mapping is a file shared with the other process.
type mapping struct{ b []byte }

func mapFile(f *os.File, size int) (*mapping, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", f.Name(), err)
	}
	return &mapping{b}, nil
}

// openMapping maps a file that the other process made; it must have at least size bytes.
func openMapping(path string, size int) (*mapping, error) {
	if strings.Contains(path, "..") {
		return nil, fmt.Errorf("%q is not a path of a connection", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() < int64(size) {
		return nil, fmt.Errorf("%s has %d bytes, fewer than %d", path, st.Size(), size)
	}
	return mapFile(f, size)
}

func (m *mapping) unmap() {
	if m != nil && m.b != nil {
		_ = unix.Munmap(m.b)
		m.b = nil
	}
}

// word is the 4 byte word at offset off, for atomic use.
func (m *mapping) word(off int) *uint32 { return (*uint32)(unsafe.Pointer(&m.b[off])) }
