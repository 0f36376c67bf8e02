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

// around is an index that may be beyond the end, by less than the ring's size.
func (r *ring) around(i uint32) uint32 {
	if i >= r.words {
		return i - r.words
	}
	return i
}

// at is the word at an index, to be read or written before what publishes it.
func (r *ring) at(i uint32) *uint32 { return r.data.word(int(r.around(i)) * 4) }

// after is the index behind a message; length is less than the ring's size.
func (r *ring) after(i uint32, length int) uint32 {
	return r.around(r.around(i+2) + uint32(length+3)/4)
}

// message is one that is written, in two parts.
type message struct{ head, body []byte }

// writing is under way: messages are put at the end of the ring one after the other, and are published together, by done. Whoever reads
// looks at the semaphore first.
type writing struct {
	r     *ring
	w, rd uint32
	empty bool
	wrote int
}

func (r *ring) begin() (o writing, err error) {
	o.r = r
	if o.w, err = r.index(ringWrite); err != nil {
		return o, err
	}
	if o.rd, err = r.index(ringRead); err != nil {
		return o, err
	}
	o.empty = o.w == o.rd && r.waiting() == 0
	return o, nil
}

// add puts a message behind the others; false where there is no room now.
func (o *writing) add(m message) bool {
	r, w := o.r, o.w
	size := len(m.head) + len(m.body)
	var free uint32
	switch {
	case w > o.rd:
		free = o.rd + r.words - w - 1
	case w < o.rd:
		free = o.rd - w - 1
	case o.empty:
		free = r.words
	}
	if int64(free)*4 < int64(size)+chunkMargin {
		return false
	}
	at := r.fill(int(r.around(w+2))*4, m.head)
	r.fill(at, m.body)
	*r.at(w) = uint32(size)
	*r.at(w + 1) = markWhole
	o.w, o.empty = r.after(w, size), false
	o.wrote++
	return true
}

// done publishes what was added.
func (o *writing) done() {
	if o.wrote > 0 {
		atomic.StoreUint32(o.r.head.word(ringWrite), o.w)
		o.r.post(o.wrote)
	}
}

// write puts messages at the end of the ring as long as there is room, and tells how many.
func (r *ring) write(list []message) (wrote int, err error) {
	o, err := r.begin()
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		if !o.add(m) {
			break
		}
	}
	o.done()
	return o.wrote, nil
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

// read appends the first messages of the ring to a list, as many as the list has room for, and not many more bytes than most; nothing
// where there is none. They are in blocks that take makes. Of a ring that is damaged it yields what was before.
func (r *ring) read(list [][]byte, most int, take func(n int) []byte) (_ [][]byte, err error) {
	before := len(list)
	waiting := min(int(r.waiting()), cap(list)-before)
	if waiting == 0 {
		return list, nil
	}
	rd, err := r.index(ringRead)
	if err != nil {
		return list, err
	}
	for bytes := 0; len(list)-before < waiting && bytes < most; {
		length := *r.at(rd)
		if *r.at(rd + 1) != markWhole || int64(length)+8 > int64(r.words)*4 {
			err = errRing
			break
		}
		start, end := int(r.around(rd+2))*4, int(r.words)*4
		b := take(int(length))
		copy(b[copy(b, r.data.b[start:end]):], r.data.b)
		*r.at(rd) = 0
		*r.at(rd + 1) = markConsumed
		rd = r.after(rd, int(length))
		list = append(list, b)
		bytes += len(b)
	}
	if n := len(list) - before; n > 0 {
		// There is room only when nothing more is said to wait.
		atomic.AddUint64(r.semaphore(), -uint64(n))
		atomic.StoreUint32(r.head.word(ringRead), rd)
	}
	return list, err
}

// The semaphore is glibc's: the low half of a 64 bit word counts, the high half
// tells how many wait.

func (r *ring) semaphore() *uint64 { return (*uint64)(unsafe.Pointer(&r.head.b[ringSemaphore])) }

func (r *ring) waiting() uint32 { return uint32(atomic.LoadUint64(r.semaphore())) }

// post tells of messages that were written.
func (r *ring) post(messages int) {
	if v := atomic.AddUint64(r.semaphore(), uint64(messages)); v>>32 > 0 {
		r.wake()
	}
}

// wake makes those who wait look again.
func (r *ring) wake() {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(r.head.word(ringSemaphore))), 1, 1<<30, 0, 0, 0)
}

// await waits until there is a message, or stop is closed (false).
// Who closes stop calls wake after it; the timeout is for a wake that comes too early.
func (r *ring) await(stop <-chan struct{}) bool {
	for {
		if r.waiting() > 0 {
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
