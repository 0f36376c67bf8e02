// Package sbd is fencing over a shared disk, compatible with ClusterLabs' sbd: the
// layout of the disk, messages to nodes through their slots, and the watch that a
// node keeps over its own slot, feeding its watchdog while all is well.
//
// The disk is read and written in sectors. Sector 0 is the header; slot n, which
// names a node, is sector 1+2n, and the message to it is sector 2+2n. Numbers of
// the header are in network byte order.
package sbd

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// NameMax is how long a node's name may be.
const NameMax = 63

// The version of the layout.
const (
	version = 2
	minor   = 1
	magic   = "SBD_SBD_"
)

// Message is what a slot holds.
type Message byte

// The messages.
const (
	Clear Message = iota
	Test
	Reset
	Off
	Exit
	CrashDump
)

var messages = []string{"clear", "test", "reset", "off", "exit", "crashdump"}

// ParseMessage reads a message's name.
func ParseMessage(s string) (Message, error) {
	for i, m := range messages {
		if m == s {
			return Message(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no message: it is test, reset, off, crashdump, exit or clear", s)
}

func (m Message) String() string {
	if int(m) < len(messages) {
		return messages[m]
	}
	return "undefined"
}

// Header is the first sector. Times are seconds.
type Header struct {
	Slots                             int
	SectorSize                        uint32
	Watchdog, Allocate, Loop, MsgWait uint32
	Minor                             byte
	UUID                              [16]byte
}

// Defaults are the times of a new disk.
func Defaults() Header {
	return Header{Slots: 255, Watchdog: 5, Allocate: 2, Loop: 1, MsgWait: 10, Minor: minor}
}

func (h Header) uuid() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", h.UUID[:4], h.UUID[4:6], h.UUID[6:8], h.UUID[8:10], h.UUID[10:])
}

// Version is the layout's version, and ID the disk's own, "" where it has none.
func (h Header) Version() string { return fmt.Sprintf("%d.%d", version, h.Minor) }

// ID is the disk's UUID; "" for layouts that have none.
func (h Header) ID() string {
	if h.Minor == 0 {
		return ""
	}
	return h.uuid()
}

func (h Header) marshal(size int) []byte {
	b := make([]byte, size)
	copy(b, magic)
	b[8], b[9] = version, byte(h.Slots)
	for i, v := range []uint32{uint32(size), h.Watchdog, h.Allocate, h.Loop, h.MsgWait} {
		binary.BigEndian.PutUint32(b[12+4*i:], v)
	}
	b[32] = h.Minor
	copy(b[33:], h.UUID[:])
	return b
}

// parseHeader reads a header of a disk with sectors of that size.
func parseHeader(b []byte) (Header, error) {
	if len(b) < 49 || string(b[:8]) != magic {
		return Header{}, errors.New("header magic does not match")
	}
	if b[8] != version {
		return Header{}, fmt.Errorf("header version %d is not %d", b[8], version)
	}
	n := func(i int) uint32 { return binary.BigEndian.Uint32(b[12+4*i:]) }
	h := Header{Slots: int(b[9]), SectorSize: n(0), Watchdog: n(1), Allocate: n(2), Loop: n(3), MsgWait: n(4), Minor: b[32]}
	copy(h.UUID[:], b[33:49])
	if int64(h.SectorSize) != int64(len(b)) {
		return Header{}, fmt.Errorf("header sector size %d does not match %d", h.SectorSize, len(b))
	}
	return h, nil
}

// Sectors is a disk: reads and writes of whole sectors, each within a time of its own.
type Sectors interface {
	Size() int // of a sector, bytes
	Read(sector int) ([]byte, error)
	Write(sector int, data []byte) error
}

// Disk is a disk with the layout on it, or to be.
type Disk struct{ Sectors }

// Header reads the header.
func (d Disk) Header() (Header, error) {
	b, err := d.Read(0)
	if err != nil {
		return Header{}, err
	}
	return parseHeader(b)
}

// New gives a header for a new disk with sectors of that size, with an identity of its own.
func New(h Header, size int) (Header, error) {
	if _, err := rand.Read(h.UUID[:]); err != nil {
		return h, err
	}
	h.UUID[6], h.UUID[8] = h.UUID[6]&0x0f|0x40, h.UUID[8]&0x3f|0x80
	h.SectorSize, h.Minor = uint32(size), minor
	return h, nil
}

// Create writes a new layout, whatever was there before.
func (d Disk) Create(h Header) error {
	if err := d.Write(0, h.marshal(d.Size())); err != nil {
		return err
	}
	empty := make([]byte, d.Size())
	for i := range 2 * h.Slots {
		if err := d.Write(1+i, empty); err != nil {
			return err
		}
	}
	return nil
}

// Slot is a node's place.
type Slot struct {
	Index int
	Name  string
}

// text is a string that ends at a NUL byte.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func (d Disk) slot(i int) (name string, used bool, err error) {
	b, err := d.Read(1 + 2*i)
	if err != nil || len(b) < 2+NameMax || b[0] == 0 {
		return "", false, err
	}
	return text(b[1 : 1+NameMax]), true, nil
}

// Slots lists the slots that are taken.
func (d Disk) Slots(h Header) ([]Slot, error) {
	var out []Slot
	for i := range h.Slots {
		name, used, err := d.slot(i)
		if err != nil {
			return out, err
		}
		if used {
			out = append(out, Slot{i, name})
		}
	}
	return out, nil
}

// ErrNoSlot is wrapped by errors about a node that has no slot.
var ErrNoSlot = errors.New("no slot")

// Lookup finds a node's slot. Case does not count in names.
func (d Disk) Lookup(h Header, name string) (int, error) {
	for i := range h.Slots {
		n, used, err := d.slot(i)
		if err != nil {
			return 0, err
		}
		if used && strings.EqualFold(n, name) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w found for %s", ErrNoSlot, name)
}

// Allocate gives a node's slot, taking one that is free where it has none. Whoever
// takes one waits then, and looks whether another was quicker: told hears of each try.
func (d Disk) Allocate(ctx context.Context, h Header, name string, told func(slot int)) (int, error) {
	if name == "" || len(name) > NameMax || strings.IndexByte(name, 0) >= 0 {
		return 0, fmt.Errorf("%q is no name of a node: it has 1 to %d bytes", name, NameMax)
	}
	for {
		i, err := d.Lookup(h, name)
		if !errors.Is(err, ErrNoSlot) {
			return i, err
		}
		free := -1
		for i := range h.Slots {
			_, used, err := d.slot(i)
			if err != nil {
				return 0, err
			}
			if !used {
				free = i
				break
			}
		}
		if free < 0 {
			return 0, errors.New("no more free slots")
		}
		if told != nil {
			told(free)
		}
		b := make([]byte, d.Size())
		b[0] = 1
		copy(b[1:], name)
		if err := d.Write(1+2*free, b); err != nil {
			return 0, err
		}
		if err := Wait(ctx, time.Duration(h.Allocate)*time.Second); err != nil {
			return 0, err
		}
	}
}

// Wait waits for a time, or the end of ctx.
func Wait(ctx context.Context, t time.Duration) error {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Letter is a message with its sender.
type Letter struct {
	Message Message
	From    string
}

// Receive reads what a slot holds.
func (d Disk) Receive(slot int) (Letter, error) {
	b, err := d.Read(2 + 2*slot)
	if err != nil {
		return Letter{}, err
	}
	return Letter{Message(b[0]), text(b[1 : 1+NameMax])}, nil
}

// Send writes a message to a slot, and reads it again to be sure.
func (d Disk) Send(slot int, l Letter) error {
	b := make([]byte, d.Size())
	b[0] = byte(l.Message)
	copy(b[1:1+NameMax], l.From)
	if err := d.Write(2+2*slot, b); err != nil {
		return err
	}
	got, err := d.Read(2 + 2*slot)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, got) {
		return errors.New("write verification failed")
	}
	return nil
}
