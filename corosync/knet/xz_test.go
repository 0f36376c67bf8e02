package knet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"runtime"
	"testing"
)

// TestDictionaryOfOthers holds that a header which asks for a dictionary of 4 GiB is read, and costs no such thing.
func TestDictionaryOfOthers(t *testing.T) {
	text := bytes.Repeat([]byte("round and round "), 500)
	b, err := packXZ(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	header := b[xzStreamHeader:][:12]
	at := bytes.Index(header, []byte{xzFilterLZMA2, 1}) + 2
	header[at] = 40
	binary.LittleEndian.PutUint32(header[8:], crc32.ChecksumIEEE(header[:8]))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := unpackXZ(b, MaxPacket)
	runtime.ReadMemStats(&after)
	if err != nil || !bytes.Equal(out, text) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}

	for _, c := range []struct {
		name string
		at   int
		to   byte
	}{
		{"no such stream", 0, 0},
		{"a header longer than the packet", xzStreamHeader, 255},
		{"a broken header", xzStreamHeader + at, 7},
	} {
		broken := bytes.Clone(b)
		broken[c.at] = c.to
		if _, err := unpackXZ(broken, MaxPacket); err == nil {
			t.Errorf("%s is taken", c.name)
		}
	}
	header[at] = 41
	binary.LittleEndian.PutUint32(header[8:], crc32.ChecksumIEEE(header[:8]))
	if _, err := unpackXZ(b, MaxPacket); err == nil {
		t.Error("a dictionary size that does not exist is taken")
	}
}
