package ipc

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// plainRing is a ring in memory of the process, of so many words.
func plainRing(words int) *ring {
	return &ring{head: &mapping{b: make([]byte, ringHeaderSize)}, data: &mapping{b: make([]byte, 4*words)}, words: uint32(words)}
}

// FuzzRing holds that a ring gives back what was put in, in its order, whatever sizes follow each other, and that nothing that the other process
// writes there instead does harm.
func FuzzRing(f *testing.F) {
	f.Add(uint8(9), []byte{1, 5, 0x82, 7, 0, 0x81, 30, 3, 0x8f}, []byte(nil))
	f.Add(uint8(200), bytes.Repeat([]byte{90, 3, 0x81, 0}, 200), []byte{0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, words uint8, steps, hostile []byte) {
		r := plainRing(4 + int(words))
		var in [][]byte // is in the ring
		list := make([][]byte, 0, 8)
		take := func() {
			var err error
			if list, err = r.read(list[:0], 64, func(n int) []byte { return make([]byte, n) }); err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 && len(in) > 0 {
				t.Fatalf("of %d messages none is there", len(in))
			}
			for _, b := range list {
				if len(in) == 0 || !bytes.Equal(b, in[0]) {
					t.Fatalf("%d bytes are read, which were not written there", len(b))
				}
				in = in[1:]
			}
		}
		for i, s := range steps {
			if s >= 0x80 {
				take()
				continue
			}
			m := message{bytes.Repeat([]byte{byte(i)}, int(s)), bytes.Repeat([]byte{^byte(i)}, i%40)}
			wrote, err := r.write([]message{m, m})
			if err != nil {
				t.Fatal(err)
			}
			if wrote == 0 && len(in) == 0 && int(s)+i%40+chunkMargin <= 4*int(r.words) {
				t.Fatalf("an empty ring of %d bytes has no room for %d", 4*r.words, int(s)+i%40)
			}
			for range wrote {
				in = append(in, append(bytes.Clone(m.head), m.body...))
			}
		}
		for len(in) > 0 {
			take()
		}
		// The other process writes what it likes.
		for i := 0; i+4 <= len(hostile); i += 4 {
			v := binary.NativeEndian.Uint32(hostile[i:])
			switch {
			case i/4%3 == 0:
				*r.head.word(ringRead) = v
			case i/4%3 == 1:
				*r.head.word(ringWrite) = v
			default:
				*r.data.word(int(v>>8%r.words) * 4) = v
			}
			*r.head.word(ringSemaphore) = v
			for range 3 {
				list, _ = r.read(list[:0], 64, func(n int) []byte {
					if n > len(r.data.b) {
						t.Fatalf("a message of %d bytes from a ring of %d", n, len(r.data.b))
					}
					return make([]byte, n)
				})
				_, _ = r.write([]message{{hostile, nil}, {nil, hostile}})
			}
		}
	})
}
