package knet

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestCompression holds that every model gives back what it was given, and that a
// packet that claims to be compressed costs no more than a packet may have.
func TestCompression(t *testing.T) {
	text := bytes.Repeat([]byte("the ring's token goes round and round; "), 200)
	for _, m := range models {
		for _, level := range []int{0, 1, 6} {
			n := &Net{cfg: Config{Compression: Compression{Model: m.name, Level: level}}, packer: &m}
			small, number := n.shrink(text)
			if number != m.number || len(small) >= len(text)/2 {
				t.Errorf("%s, level %d: model %d, %d of %d bytes", m.name, level, number, len(small), len(text))
			}
			back, err := grow(small, number)
			if err != nil || !bytes.Equal(back, text) {
				t.Errorf("%s, level %d: %d bytes come back: %v", m.name, level, len(back), err)
			}
			if out, number := n.shrink(text[:100]); number != 0 || len(out) != 100 {
				t.Errorf("%s: a packet at the threshold is compressed", m.name)
			}
		}
		bomb, err := m.pack(make([]byte, 40*MaxPacket), 0)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := grow(bomb, m.number); err == nil {
			t.Errorf("%s: %d bytes out of %d", m.name, len(out), len(bomb))
		}
		if _, err := grow([]byte("no such thing"), m.number); err == nil {
			t.Errorf("%s: anything is taken", m.name)
		}
	}
	if _, err := grow(text, 8); err == nil || !strings.Contains(err.Error(), "not supported yet") {
		t.Errorf("an unknown model: %v", err)
	}
	if _, err := (Compression{Model: "lzo1"}).compressor(); err == nil {
		t.Error("lzo1 is taken")
	}
}

// TestLZO holds blocks of all kinds of runs, lengths and distances.
func TestLZO(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for n := range 600 {
		// A run, a repetition, and something behind it.
		b := slices.Concat(noise[:n], noise[:n%97], noise[60_000:60_000+n%31])
		holdLZO(t, b)
	}
	for _, distance := range []int{5, 2047, 2048, 2049, 16383, 16384, 16385, 32767, 32768, 32769, 49150, 49151, 49152} {
		for _, length := range []int{4, 5, 8, 9, 10, 33, 34, 288, 289, 544, 1000} {
			for tail := range 6 {
				b := slices.Concat(noise[:distance], noise[:length], noise[65_000:65_000+tail], noise[distance/2:distance/2+length])
				holdLZO(t, b[:min(len(b), MaxPacket)])
			}
		}
	}
	holdLZO(t, make([]byte, MaxPacket))
	holdLZO(t, noise[:MaxPacket])
	// Blocks of another packer, with instructions that ours does not use.
	for _, c := range []struct{ packed, want string }{
		{"\x16abcde\x11\x00\x00", "abcde"},
		{"\x13ab\x04\x00\x11\x00\x00", "abab"},
		{"\x02abcde\x20\x01\x10\x00\x11\x00\x00", "abcde" + strings.Repeat("abcde", 7)[:34]},
		{"\x11\x00\x00", ""},
	} {
		if got, err := unpackLZO([]byte(c.packed), MaxPacket); err != nil || string(got) != c.want {
			t.Errorf("%q: %q, not %q: %v", c.packed, got, c.want, err)
		}
	}
	for _, bad := range []string{"", "\x16abc", "\x16abcde", "\x16abcde\x11\x00", "\x16abcde\x11\x00\x00x", "\x40\x00", "\x00\x00\x00", "\x12a\x80\xff\x11\x00\x00"} {
		if got, err := unpackLZO([]byte(bad), MaxPacket); err == nil {
			t.Errorf("%q is unpacked: %q", bad, got)
		}
	}
}

func holdLZO(t *testing.T, b []byte) {
	t.Helper()
	packed, err := packLZO(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	back, err := unpackLZO(packed, MaxPacket)
	if err != nil || !bytes.Equal(back, b) {
		t.Fatalf("%d bytes, packed %d, come back as %d: %v", len(b), len(packed), len(back), err)
	}
}

func FuzzGrow(f *testing.F) {
	for _, m := range models {
		b, err := m.pack(bytes.Repeat([]byte("abc"), 100), 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, m.number)
	}
	f.Fuzz(func(t *testing.T, b []byte, number uint8) {
		if out, err := grow(b, number); err == nil && len(out) > MaxPacket && number != 0 {
			t.Errorf("%d bytes", len(out))
		}
	})
}
