package local

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"hacluster/corosync/ipc"
	"hacluster/corosync/wire"
)

var order = binary.NativeEndian

// Sizes of names: cpg's group names and cmap's key names.
const (
	MaxGroupName = 128
	groupSize    = 8 + MaxGroupName
	maxKeyName   = 256
	keySize      = 8 + maxKeyName
	addressSize  = 24
	// MaxNodes is how many nodes a ring can have.
	MaxNodes = 384
)

// block is the bytes of a message, with fields read and written at absolute offsets.
type block []byte

func (b block) u32(off int) uint32           { return order.Uint32(b[off:]) }
func (b block) u64(off int) uint64           { return order.Uint64(b[off:]) }
func (b block) put32(off int, v uint32)      { order.PutUint32(b[off:], v) }
func (b block) put64(off int, v uint64)      { order.PutUint64(b[off:], v) }
func (b block) putText(off, n int, s string) { copy(b[off:off+n], s) }

// text is a string that ends at a NUL or after n bytes.
func (b block) text(off, n int) string {
	s, _, _ := strings.Cut(string(b[off:off+n]), "\x00")
	return s
}

// need says that a message is too short for what it is.
func (b block) need(n int, what string) error {
	if len(b) < n {
		return fmt.Errorf("%s of %d bytes; at least %d belong to it", what, len(b), n)
	}
	return nil
}

// needList is need for a list of count entries of size bytes each from offset off.
func (b block) needList(off int, count uint32, size int, what string) error {
	if uint64(len(b)) < uint64(off)+uint64(count)*uint64(size) {
		return fmt.Errorf("%s of %d bytes cannot hold %d entries", what, len(b), count)
	}
	return nil
}

func (b block) group(off int) (string, error) {
	n := b.u32(off)
	if n > MaxGroupName {
		return "", fmt.Errorf("group name of %d bytes: %w", n, Invalid)
	}
	return string(b[off+8 : off+8+int(n)]), nil
}

func (b block) putGroup(off int, name string) {
	n := min(len(name), MaxGroupName)
	b.put32(off, uint32(n))
	copy(b[off+8:], name[:n])
}

func (b block) key(off int) (string, error) {
	n := order.Uint16(b[off:])
	if n > maxKeyName {
		return "", fmt.Errorf("key name of %d bytes: %w", n, Invalid)
	}
	return string(b[off+8 : off+8+int(n)]), nil
}

func (b block) putKey(off int, name string) {
	n := min(len(name), maxKeyName)
	order.PutUint16(b[off:], uint16(n))
	copy(b[off+8:], name[:n])
}

// nodes reads count node ids at off; the caller has checked the length.
func (b block) nodes(off int, count uint32) []uint32 {
	list := make([]uint32, count)
	for i := range list {
		list[i] = b.u32(off + 4*i)
	}
	return list
}

func (b block) putNodes(off int, list []uint32) {
	for i, n := range list {
		b.put32(off+4*i, n)
	}
}

func request(id int32, size int) block                 { return ipc.Request(id, size) }
func response(id int32, status Status, size int) block { return ipc.Response(id, int32(status), size) }

// Plain is a request that is its header only.
func Plain(id int32) []byte { return ipc.Request(id, ipc.RequestHeader) }

// Answer is a response that is its header only.
func Answer(id int32, status Status) []byte {
	return ipc.Response(id, int32(status), ipc.ResponseHeader)
}

// StatusOf is the outcome that a response holds: nil for OK. A response that is too short is Library.
func StatusOf(b []byte) error {
	s := Status(ipc.ErrorOf(b))
	switch s {
	case OK:
		return nil
	case math.MinInt32:
		return Library
	}
	return s
}

// RingID names a ring: its representative's node id, and a number that grows.
type RingID = wire.RingID

// numberRequest is a request that holds one u32 after its header.
func numberRequest(id int32, v uint32) []byte {
	b := request(id, 24)
	b.put32(16, v)
	return b
}

// NumberOf reads the u32 after the header of a request.
func NumberOf(b []byte) (uint32, error) {
	if err := block(b).need(20, "request"); err != nil {
		return 0, err
	}
	return block(b).u32(16), nil
}

// NumberAnswer is a response with one u32 after its header.
func NumberAnswer(id int32, status Status, v uint32) []byte {
	b := response(id, status, 32)
	b.put32(24, v)
	return b
}

// AnsweredNumber reads the u32 after the header of a response.
func AnsweredNumber(b []byte) (uint32, error) {
	if err := block(b).need(28, "response"); err != nil {
		return 0, err
	}
	return block(b).u32(24), nil
}

// HandleRequest is a request with one u64 after its header.
func HandleRequest(id int32, v uint64) []byte {
	b := request(id, 24)
	b.put64(16, v)
	return b
}

// HandleOf reads the u64 after the header of a request.
func HandleOf(b []byte) (uint64, error) {
	if err := block(b).need(24, "request"); err != nil {
		return 0, err
	}
	return block(b).u64(16), nil
}

// HandleAnswer is a response with one u64 after its header.
func HandleAnswer(id int32, status Status, v uint64) []byte {
	b := response(id, status, 32)
	b.put64(24, v)
	return b
}

// AnsweredHandle reads the u64 after the header of a response.
func AnsweredHandle(b []byte) (uint64, error) {
	if err := block(b).need(32, "response"); err != nil {
		return 0, err
	}
	return block(b).u64(24), nil
}
