package knet

import "testing"

// CVE-2018-1084: of a packet shorter than its authentication the length without it was computed, and was huge. A packet of
// any length that nobody with the key has made is refused, however short.
func TestCVE_2018_1084(t *testing.T) {
	for _, cipher := range []string{"none", "aes128", "aes192", "aes256"} {
		for _, hash := range []string{"md5", "sha1", "sha256", "sha384", "sha512"} {
			p := newPair(t, 1, cipher, hash, "passive", 1)
			for size := range 300 {
				b := make([]byte, size)
				for i := range b {
					b[i] = byte(i*7 + size)
				}
				if err := p.a.Receive(p.now, 0, address(2, 0), b); err == nil {
					t.Fatalf("%s, %s: %d bytes of nothing are taken", cipher, hash, size)
				}
			}
		}
	}
}
