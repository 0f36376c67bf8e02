package knet

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCBC holds what the processor's instructions make of packets side by side, of any number and length, against the standard
// library, for each length of a key.
func TestCBC(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	rng := rand.New(source)
	random := func(n int) []byte { b := make([]byte, n); _, _ = source.Read(b); return b }
	for _, size := range []int{16, 24, 32} {
		for range 300 {
			key := random(size)
			s := newSchedule(key)
			if s == nil {
				t.Skip("this processor has no AES instructions that are used here")
			}
			block, err := aes.NewCipher(key)
			if err != nil {
				t.Fatal(err)
			}
			var plain, lanes, want [][]byte
			for range 1 + rng.IntN(20) {
				b := random(aes.BlockSize * (2 + rng.IntN(1+rng.IntN(100))))
				plain, lanes, want = append(plain, b), append(lanes, slices.Clone(b)), append(want, slices.Clone(b))
			}
			s.encrypt(slices.Clone(lanes))
			for i, w := range want {
				cipher.NewCBCEncrypter(block, w[:aes.BlockSize]).CryptBlocks(w[aes.BlockSize:], w[aes.BlockSize:])
				if !bytes.Equal(lanes[i], w) {
					t.Fatalf("key of %d bytes: packet %d of %d, with %d bytes, is encrypted wrongly", size, i, len(want), len(w))
				}
				s.decrypt(lanes[i])
				if !bytes.Equal(lanes[i], plain[i]) {
					t.Fatalf("key of %d bytes: a packet of %d bytes is decrypted wrongly", size, len(w))
				}
			}
		}
	}
}

// TestSeal holds that packets of all lengths are opened again, for each cipher, with the processor's instructions and without them, one
// against the other.
func TestSeal(t *testing.T) {
	key := bytes.Repeat([]byte("0123456789abcdef"), 16)
	for _, name := range []string{"none", "aes128", "aes192", "aes256"} {
		with, err := newSeal(name, "sha256", key, rand.NewChaCha8([32]byte{}))
		if err != nil {
			t.Fatal(err)
		}
		without, err := newSeal(name, "sha256", key, rand.NewChaCha8([32]byte{2}))
		if err != nil {
			t.Fatal(err)
		}
		without.keys = nil
		for n := range 300 {
			p := bytes.Repeat([]byte{byte(n)}, n)
			for _, way := range [][2]*seal{{with, without}, {without, with}, {with, with}} {
				b, err := way[0].close(p)
				if err != nil || len(b) != with.sealed(n) {
					t.Fatalf("%s: %d bytes are sealed to %d: %v", name, n, len(b), err)
				}
				if got, err := way[1].open(b); err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%s: a packet of %d bytes is not opened again: %v", name, n, err)
				}
			}
		}
	}
}

// BenchmarkSeal seals and opens the fragments of a packet, all of them at a time.
func BenchmarkSeal(b *testing.B) {
	key := bytes.Repeat([]byte("0123456789abcdef"), 16)
	for _, packet := range []int{100, 64000} {
		for _, own := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d bytes own=%v", packet, own), func(b *testing.B) {
				s, err := newSeal("aes256", "sha256", key, rand.NewChaCha8([32]byte{}))
				if err != nil {
					b.Fatal(err)
				}
				if !own {
					s.keys = nil
				}
				fragment := min(packet, 1397)
				data := make([]byte, fragment)
				list := make([][]byte, packet/fragment)
				for i := range list {
					list[i] = make([]byte, 0, s.sealed(fragment))
				}
				b.SetBytes(int64(packet))
				for b.Loop() {
					for i := range list {
						list[i], _ = s.lay(list[i][:0], data)
					}
					s.finish(list)
					for _, p := range list {
						if _, err := s.open(p); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
