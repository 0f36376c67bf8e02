package knet

import (
	"errors"
	"fmt"
	"slices"
)

// assembly is a packet of which fragments have arrived. All but the last have the same size, so that each has its place.
type assembly struct {
	have   []bool
	left   int
	unit   int // the size of a fragment; 0 until one beside the last is here
	packet []byte
	tail   []byte // the last fragment, while unit is 0
}

var errFragment = errors.New("a fragment does not fit the others of its packet")

// add takes the i-th fragment; what has arrived before counts for nothing.
func (a *assembly) add(i int, b []byte) error {
	last := len(a.have) - 1
	switch {
	case a.have[i]:
		return nil
	case len(b) == 0:
		return errFragment
	case i == last && a.unit == 0:
		a.tail = slices.Clone(b)
	case i == last:
		if len(b) > a.unit {
			return errFragment
		}
		a.packet = a.packet[:last*a.unit+copy(a.packet[last*a.unit:], b)]
	case a.unit == 0:
		if len(b)*last >= MaxPacket {
			return fmt.Errorf("packet of more than %d bytes in fragments", MaxPacket)
		}
		if len(a.tail) > len(b) {
			return errFragment
		}
		a.unit, a.packet = len(b), make([]byte, len(b)*len(a.have))
		copy(a.packet[i*a.unit:], b)
		if a.tail != nil {
			a.packet = a.packet[:last*a.unit+copy(a.packet[last*a.unit:], a.tail)]
			a.tail = nil
		}
	default:
		if len(b) != a.unit {
			return errFragment
		}
		copy(a.packet[i*a.unit:], b)
	}
	a.have[i] = true
	if a.left--; a.left == 0 && len(a.packet) > MaxPacket {
		return fmt.Errorf("packet of %d bytes in fragments; %d are possible", len(a.packet), MaxPacket)
	}
	return nil
}
