package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in the header file of a ring, and marks of its chunks. The indices
// count 4 byte words; a chunk is its length, its mark, and its data.
const (
	ringHeaderSize = 8252
	ringWrite      = 0
	ringRead       = 4
	ringWords      = 8
	ringHeaderPath = 12
	ringDataPath   = 4108
	ringReferences = 8204
	ringSemaphore  = 8208 // u32 value, u32 waiters: one 64 bit word for both
	ringShared     = 8216 // 128: the semaphore is shared between processes
	ringFlow       = 8240

	markWhole    = 0xA1A1A1A1
	markWriting  = 0xA110CED0
	markConsumed = 0xD0D0D0D0

	chunkMargin = 12
	pageSize    = 4096
)

var errRing = errors.New("the ring in shared memory is damaged")

// ring is a queue of messages in two shared files, with one writer and one
// reader in different processes. Nothing that is read from it is trusted.
type ring struct {
	head, data *mapping
	words      uint32
}

func ringDataSize(maxMessage int) int {
	return (maxMessage + 13 + pageSize - 1) / pageSize * pageSize
}

// newRing makes the files of a ring, called name-header and name-data in p.
func newRing(p *place, name string, maxMessage int) (*ring, error) {
	r := &ring{words: uint32(ringDataSize(maxMessage) / 4)}
	var err error
	if r.head, err = p.file(name+"-header", ringHeaderSize); err != nil {
		return nil, err
	}
	if r.data, err = p.file(name+"-data", int(r.words)*4); err != nil {
		r.unmap()
		return nil, err
	}
	err = guarded(func() error {
		binary.NativeEndian.PutUint32(r.head.b[ringWords:], r.words)
		copy(r.head.b[ringHeaderPath:ringDataPath-1], p.path(name+"-header"))
		copy(r.head.b[ringDataPath:ringReferences-1], p.path(name+"-data"))
		binary.NativeEndian.PutUint32(r.head.b[ringShared:], 128)
		atomic.StoreUint32(r.head.word(ringReferences), 1)
		return nil
	})
	if err != nil {
		r.unmap()
		return nil, err
	}
	return r, nil
}

// openRing opens the ring that the other process made at path.
func openRing(path string) (*ring, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%q is not the path of a ring", path)
	}
	head, err := openMapping(path+"-header", ringFlow+4)
	if err != nil {
		return nil, err
	}
	r := &ring{head: head}
	if err := guarded(func() error { r.words = binary.NativeEndian.Uint32(head.b[ringWords:]); return nil }); err != nil {
		r.unmap()
		return nil, err
	}
	if r.words < 4 || r.words > maxMessageLimit/4+2*pageSize {
		r.unmap()
		return nil, errRing
	}
	if r.data, err = openMapping(path+"-data", int(r.words)*4); err != nil {
		r.unmap()
		return nil, err
	}
	if err := guarded(func() error { atomic.AddUint32(head.word(ringReferences), 1); return nil }); err != nil {
		r.unmap()
		return nil, err
	}
	return r, nil
}

func (r *ring) unmap() {
	if r != nil {
		r.head.unmap()
		r.data.unmap()
	}
}

func (r *ring) index(off int) (uint32, error) {
	i := atomic.LoadUint32(r.head.word(off))
	if i >= r.words {
		return 0, errRing
	}
	return i, nil
}

func (r *ring) at(i uint32) *uint32 { return r.data.word(int(i%r.words) * 4) }

func (r *ring) after(i uint32, length int) uint32 {
	return uint32((uint64(i) + 2 + uint64(length+3)/4) % uint64(r.words))
}

// write puts a message, which may be in two parts, at the end of the ring; false where there is no room now.
func (r *ring) write(head, body []byte) (bool, error) {
	size := len(head) + len(body)
	w, err := r.index(ringWrite)
	if err != nil {
		return false, err
	}
	rd, err := r.index(ringRead)
	if err != nil {
		return false, err
	}
	var free uint32
	switch {
	case w > rd:
		free = rd + r.words - w - 1
	case w < rd:
		free = rd - w - 1
	case r.waiting() > 0:
		free = 0
	default:
		free = r.words
	}
	if int64(free)*4 < int64(size)+chunkMargin {
		return false, nil
	}
	atomic.StoreUint32(r.at(w), 0)
	atomic.StoreUint32(r.at(w+1), markWriting)
	at := int((w+2)%r.words) * 4
	at = r.fill(at, head)
	r.fill(at, body)
	atomic.StoreUint32(r.at(w), uint32(size))
	atomic.StoreUint32(r.head.word(ringWrite), r.after(w, size))
	atomic.StoreUint32(r.at(w+1), markWhole)
	r.post()
	return true, nil
}

// fill copies b to an offset of the ring's bytes and tells where it ends.
func (r *ring) fill(at int, b []byte) int {
	end := int(r.words) * 4
	n := copy(r.data.b[at:end], b)
	if n == len(b) {
		return at + n
	}
	return copy(r.data.b, b[n:])
}

// read takes the first message out of the ring, in a block that take makes. The caller has taken the semaphore.
func (r *ring) read(take func(n int) []byte) ([]byte, error) {
	rd, err := r.index(ringRead)
	if err != nil {
		return nil, err
	}
	if atomic.LoadUint32(r.at(rd+1)) != markWhole {
		return nil, errRing
	}
	length := atomic.LoadUint32(r.at(rd))
	if int64(length)+8 > int64(r.words)*4 {
		return nil, errRing
	}
	start, end := int((rd+2)%r.words)*4, int(r.words)*4
	b := take(int(length))
	copy(b[copy(b, r.data.b[start:end]):], r.data.b)
	atomic.StoreUint32(r.at(rd), 0)
	atomic.StoreUint32(r.at(rd+1), markConsumed)
	atomic.StoreUint32(r.head.word(ringRead), r.after(rd, int(length)))
	return b, nil
}

// The semaphore is glibc's: the low half of a 64 bit word counts, the high half
// tells how many wait.

func (r *ring) semaphore() *uint64 { return (*uint64)(unsafe.Pointer(&r.head.b[ringSemaphore])) }

func (r *ring) waiting() uint32 { return uint32(atomic.LoadUint64(r.semaphore())) }

func (r *ring) post() {
	if v := atomic.AddUint64(r.semaphore(), 1); v>>32 > 0 {
		r.wake()
	}
}

// wake makes those who wait look again.
func (r *ring) wake() {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(r.head.word(ringSemaphore))), 1, 1<<30, 0, 0, 0)
}

// tryTake takes one from the semaphore if it can.
func (r *ring) tryTake() bool {
	for {
		v := atomic.LoadUint64(r.semaphore())
		if uint32(v) == 0 {
			return false
		}
		if atomic.CompareAndSwapUint64(r.semaphore(), v, v-1) {
			return true
		}
	}
}

// take waits until it can take one from the semaphore, or stop is closed (false).
// Who closes stop calls wake after it; the timeout is for a wake that comes too early.
func (r *ring) take(stop <-chan struct{}) bool {
	for {
		if r.tryTake() {
			return true
		}
		select {
		case <-stop:
			return false
		default:
		}
		atomic.AddUint64(r.semaphore(), 1<<32)
		ts := unix.NsecToTimespec(int64(500 * time.Millisecond))
		_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(r.head.word(ringSemaphore))), 0, 0,
			uintptr(unsafe.Pointer(&ts)), 0, 0)
		atomic.AddUint64(r.semaphore(), ^uint64(1<<32-1))
	}
}
