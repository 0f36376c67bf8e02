package knet

import (
	"bytes"
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
	if _, err := grow(text, 4); err == nil || !strings.Contains(err.Error(), "not supported yet") {
		t.Errorf("an unknown model: %v", err)
	}
	if _, err := (Compression{Model: "lzo2"}).compressor(); err == nil {
		t.Error("lzo2 is taken")
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
