package knet

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// The format of LZO1X, which kronosnet's model lzo2 uses. A block is a row of instructions. Each copies bytes from what
// was unpacked already (a length and a distance back from the end), and may have up to three bytes in its tail that are
// taken as they are; their number is in its two lowest bits. Longer runs of such bytes have an
// instruction of their own. By the first byte of an instruction:
//
//	000xLLLL            after an instruction without tail: a run of 3+L bytes, or 18 and what follows where L is 0
//	0000DDTT d          after one with a tail: 2 bytes from 1+D+4d
//	0000DDTT d          after a run: 3 bytes from 2049+D+4d
//	0001HLLL DDDDDDTT d 2+L bytes, or 9 and what follows, from 16384+16384H+D+64d; the distance 16384 ends the block
//	001LLLLL DDDDDDTT d 2+L bytes, or 33 and what follows, from 1+D+64d
//	01LDDDTT d          3+L bytes from 1+D+8d
//	1LLDDDTT d          5+L bytes from 1+D+8d
//
// "What follows" is any number of zeros, each of which stands for 255, and one other byte. A block may begin with a
// byte over 17: a run of that many bytes less 17, which is a tail where it is shorter than 4.

var errLZO = errors.New("not a block of LZO")

// lzoReader is what is left of a block.
type lzoReader struct {
	b   []byte
	bad bool
}

func (r *lzoReader) byte() int {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return int(c)
}

// more is a length that goes on where it is 0.
func (r *lzoReader) more(length, least int) int {
	if length > 0 {
		return length
	}
	for length = least; !r.bad; length += 255 {
		if c := r.byte(); c > 0 {
			return length + c
		}
		if length > MaxPacket {
			r.bad = true
		}
	}
	return 0
}

// unpackLZO unpacks a block; of more than limit bytes it gives limit+1.
func unpackLZO(b []byte, limit int) ([]byte, error) {
	r := &lzoReader{b: b}
	var out []byte
	take := func(n int) {
		if n > len(r.b) {
			r.bad = true
			return
		}
		out = append(out, r.b[:n]...)
		r.b = r.b[n:]
	}
	tail := 0 // of the instruction before; 4 after a run
	if len(b) > 0 && b[0] > 17 {
		n := r.byte() - 17
		take(n)
		tail = min(n, 4)
	}
	for !r.bad {
		var length, distance int
		switch c := r.byte(); {
		case c < 16 && tail == 0:
			take(3 + r.more(c, 15))
			tail = 4
			if len(out) > limit {
				return out[:limit+1], nil
			}
			continue
		case c < 16 && tail < 4:
			length, distance, tail = 2, 1+c>>2, c&3
			distance += r.byte() << 2
		case c < 16:
			length, distance, tail = 3, 2049+c>>2, c&3
			distance += r.byte() << 2
		case c < 64:
			far := 1
			if c < 32 {
				far = 16384 + c>>3&1<<14
				length = 2 + r.more(c&7, 7)
			} else {
				length = 2 + r.more(c&31, 31)
			}
			low, high := r.byte(), r.byte()
			distance, tail = far+low>>2+high<<6, low&3
			if c < 32 && distance == 16384 {
				if r.bad || len(r.b) > 0 {
					return nil, errLZO
				}
				return out, nil
			}
		default:
			distance, tail = 1+c>>2&7, c&3
			distance += r.byte() << 3
			if length = 3 + c>>5&1; c >= 128 {
				length = 5 + c>>5&3
			}
		}
		if r.bad || distance > len(out) {
			return nil, errLZO
		}
		if len(out)+length > limit {
			return append(out, make([]byte, limit+1-len(out))...), nil
		}
		for from := len(out) - distance; length > 0; length-- { // it may reach into what it makes
			out = append(out, out[from])
			from++
		}
		take(tail)
	}
	return nil, errLZO
}

// lzoWriter makes a block.
type lzoWriter struct{ out []byte }

// more writes the rest of a length that its instruction has no room for.
func (w *lzoWriter) more(rest int) {
	for ; rest > 255; rest -= 255 {
		w.out = append(w.out, 0)
	}
	w.out = append(w.out, byte(rest))
}

// run writes bytes that are taken as they are.
func (w *lzoWriter) run(b []byte) {
	switch n := len(b); {
	case n == 0:
		return
	case len(w.out) == 0 && n <= 238:
		w.out = append(w.out, byte(17+n))
	case n <= 3: // the tail of the instruction before: its second byte from the end
		w.out[len(w.out)-2] |= byte(n)
	case n <= 18:
		w.out = append(w.out, byte(n-3))
	default:
		w.out = append(w.out, 0)
		w.more(n - 18)
	}
	w.out = append(w.out, b...)
}

// copy writes that bytes are to be copied: 3 at least, from at most lzoFar back.
func (w *lzoWriter) copy(length, distance int) {
	switch {
	case length <= 8 && distance <= 2048:
		d := distance - 1
		if length <= 4 {
			w.out = append(w.out, byte(0x40|(length-3)<<5|d&7<<2), byte(d>>3))
		} else {
			w.out = append(w.out, byte(0x80|(length-5)<<5|d&7<<2), byte(d>>3))
		}
		return
	case distance <= 16384:
		w.long(0x20, length-2, 31)
		distance--
	default:
		distance -= 16384
		w.long(byte(0x10|distance>>14<<3), length-2, 7)
	}
	w.out = append(w.out, byte(distance<<2), byte(distance>>6&0xff))
}

func (w *lzoWriter) long(kind byte, length, room int) {
	if length <= room {
		w.out = append(w.out, kind|byte(length))
		return
	}
	w.out = append(w.out, kind)
	w.more(length - room)
}

const (
	lzoFar  = 49151 // the greatest distance
	lzoBits = 13    // of the table of places
)

// packLZO packs a block: at each place it takes the last one before that begins with the same four bytes.
func packLZO(b []byte, _ int) ([]byte, error) {
	w := lzoWriter{out: make([]byte, 0, len(b)+len(b)/16+67)}
	var places [1 << lzoBits]int // and 1
	done := 0                    // written
	for i := 0; i+4 <= len(b); {
		four := binary.LittleEndian.Uint32(b[i:])
		p := &places[four*2654435761>>(32-lzoBits)]
		from := *p - 1
		*p = i + 1
		if from < 0 || i-from > lzoFar || binary.LittleEndian.Uint32(b[from:]) != four || i == 0 {
			i++
			continue
		}
		length := 4 + same(b[from+4:], b[i+4:])
		w.run(b[done:i])
		w.copy(length, i-from)
		i += length
		done = i
	}
	w.run(b[done:])
	w.out = append(w.out, 0x11, 0, 0) // the end
	return w.out, nil
}

// same is how many bytes a and b begin with alike; b is the shorter one.
func same(a, b []byte) (n int) {
	for ; n+8 <= len(b); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
