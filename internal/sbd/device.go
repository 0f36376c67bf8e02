package sbd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is a block device, or a file in the place of one, read and written past
// all caches. A read or write that takes too long is given up, and until it has
// come back the device is of no use.
type Device struct {
	f       *os.File
	size    int
	timeout time.Duration

	mu   sync.Mutex
	busy bool
}

// ErrSlow is wrapped by errors about reads and writes that took too long.
var ErrSlow = errors.New("the device does not answer in time")

// Open opens a device; timeout is how long one read or write may take.
func Open(path string, timeout time.Duration) (*Device, error) {
	const mode = os.O_RDWR | unix.O_SYNC
	f, err := os.OpenFile(path, mode|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) { // a file system without direct access
		f, err = os.OpenFile(path, mode, 0)
	}
	if err != nil {
		return nil, err
	}
	d := &Device{f: f, size: 512, timeout: timeout}
	info, err := f.Stat()
	if err == nil && info.Mode().Type()&fs.ModeDevice != 0 {
		d.size, err = unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET)
	}
	if err == nil && (d.size < 512 || d.size > 1<<20) {
		err = fmt.Errorf("%s has sectors of %d bytes", path, d.size)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return d, nil
}

// Close closes the device.
func (d *Device) Close() error { return d.f.Close() }

// Fd is the number of the open file.
func (d *Device) Fd() int { return int(d.f.Fd()) }

// Size is of Sectors.
func (d *Device) Size() int { return d.size }

// aligned is memory that a device can be read into directly.
func (d *Device) aligned() []byte {
	b := make([]byte, 2*d.size)
	off := 0
	if r := int(uintptr(unsafe.Pointer(&b[0])) % uintptr(d.size)); r != 0 {
		off = d.size - r
	}
	return b[off : off+d.size : off+d.size]
}

func (d *Device) do(f func() error) error {
	d.mu.Lock()
	if d.busy {
		d.mu.Unlock()
		return ErrSlow
	}
	d.busy = true
	d.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		err := f()
		d.mu.Lock()
		d.busy = false
		d.mu.Unlock()
		done <- err
	}()
	t := time.NewTimer(d.timeout)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return ErrSlow
	}
}

// Read is of Sectors.
func (d *Device) Read(sector int) ([]byte, error) {
	b := d.aligned()
	err := d.do(func() error {
		n, err := d.f.ReadAt(b, int64(sector)*int64(d.size))
		if err == io.EOF && n == len(b) {
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read sector %d: %w", sector, err)
	}
	return b, nil
}

// Write is of Sectors.
func (d *Device) Write(sector int, data []byte) error {
	b := d.aligned()
	copy(b, data)
	if err := d.do(func() error { _, err := d.f.WriteAt(b, int64(sector)*int64(d.size)); return err }); err != nil {
		return fmt.Errorf("write sector %d: %w", sector, err)
	}
	return nil
}
