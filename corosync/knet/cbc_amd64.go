package knet

import (
	"crypto/aes"

	"golang.org/x/sys/cpu"
)

// The processor's AES instructions take several cycles each, but begin one every cycle: so eight blocks at a time take hardly
// longer than one. CBC decrypts the blocks of a packet independently of each other; it encrypts them one after
// the other, but the fragments of a packet independently. The standard library does neither side by side.

// schedule is the round keys of AES: for encryption in their order, for decryption in theirs.
type schedule struct {
	rounds   int
	enc, dec [15 * aes.BlockSize]byte
}

// newSchedule expands a key of 16, 24 or 32 bytes as FIPS 197 tells; nil where the processor has no AES instructions.
func newSchedule(key []byte) *schedule {
	if !cpu.X86.HasAES {
		return nil
	}
	s := &schedule{rounds: len(key)/4 + 6}
	n := copy(s.enc[:], key)
	power := byte(1)
	for i := n; i < (s.rounds+1)*aes.BlockSize; i += 4 {
		word := [4]byte(s.enc[i-4 : i])
		switch {
		case i%n == 0:
			word = [4]byte{substitute(word[1]) ^ power, substitute(word[2]), substitute(word[3]), substitute(word[0])}
			power = double(power)
		case n > 24 && i%n == aes.BlockSize:
			word = [4]byte{substitute(word[0]), substitute(word[1]), substitute(word[2]), substitute(word[3])}
		}
		for j, b := range word {
			s.enc[i+j] = s.enc[i-n+j] ^ b
		}
	}
	for i := range s.rounds + 1 {
		from, to := s.enc[(s.rounds-i)*aes.BlockSize:], s.dec[i*aes.BlockSize:]
		if i == 0 || i == s.rounds {
			copy(to[:aes.BlockSize], from)
		} else {
			inverse(&from[0], &to[0])
		}
	}
	return s
}

// double is twice b in the field of AES.
func double(b byte) byte { return b<<1 ^ b>>7*0x1b }

// substitute is the S-box of AES: the inverse in its field, and an affine map.
func substitute(b byte) byte {
	inverse := byte(1) // b to the power of 254
	for bit := 7; bit >= 0; bit-- {
		inverse = times(inverse, inverse)
		if 254>>bit&1 != 0 {
			inverse = times(inverse, b)
		}
	}
	out := byte(0x63)
	for shift := range 5 {
		out ^= inverse<<shift | inverse>>(8-shift)
	}
	return out
}

func times(a, b byte) (product byte) {
	for ; b != 0; a, b = double(a), b>>1 {
		product ^= a * (b & 1)
	}
	return product
}

// encrypt encrypts, in place, what stands behind the IV in each of the lanes: whole blocks. The list is used up.
func (s *schedule) encrypt(lanes [][]byte) {
	for len(lanes) > 0 {
		group := lanes[:min(8, len(lanes))]
		lanes = lanes[len(group):]
		for len(group) > 0 {
			least := len(group[0])
			for _, l := range group {
				least = min(least, len(l))
			}
			blocks := least/aes.BlockSize - 1
			switch {
			case blocks < 1:
			case len(group) == 1:
				encrypt1(&s.enc[0], s.rounds, &group[0][0], blocks)
			default:
				var heads [8]*byte
				for i := range heads {
					// Where there are fewer than eight, some come to the same twice.
					heads[i] = &group[min(i, len(group)-1)][0]
				}
				encrypt8(&s.enc[0], s.rounds, &heads, blocks)
			}
			left := group[:0]
			for _, l := range group {
				if rest := l[max(0, blocks)*aes.BlockSize:]; len(rest) > aes.BlockSize {
					left = append(left, rest) // its last ciphertext is the IV of what is left
				}
			}
			group = left
		}
	}
}

// decrypt decrypts, in place, the whole blocks behind the IV.
func (s *schedule) decrypt(b []byte) {
	decrypt(&s.dec[0], s.rounds, &b[0], len(b)/aes.BlockSize-1)
}

// encrypt8 goes on in eight lanes by so many blocks, one at least: a lane is the address of an IV, or the last ciphertext, with
// the blocks behind it. Lanes may be the same.
//
//go:noescape
func encrypt8(keys *byte, rounds int, lanes *[8]*byte, blocks int)

// encrypt1 is encrypt8 with one lane.
//
//go:noescape
func encrypt1(keys *byte, rounds int, lane *byte, blocks int)

// decrypt works from the last block to the first, so that each finds the ciphertext before it.
//
//go:noescape
func decrypt(keys *byte, rounds int, buf *byte, blocks int)

// inverse makes a round key for decryption of one for encryption.
//
//go:noescape
func inverse(from, to *byte)
