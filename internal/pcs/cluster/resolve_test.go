package cluster

import "testing"

// What the C library's getaddrinfo takes for an address, and what not.
func TestNumbered(t *testing.T) {
	for _, w := range []string{"1", "1.2", "1.2.3", "192.0.2.1", "256", "0x7f.1", "1.256", "1.65536", "4294967295", "010.1", "00"} {
		if !numbered(w) {
			t.Errorf("%q is an address", w)
		}
	}
	for _, w := range []string{
		"", "node1", "1.2.3.256", "1.16777216", "4294967296", "09", "1.", ".1", "0x", "1.2.3.4.5", "1.2.3.4.", "1.2.3.4 ", "-1", "+1", "1_0", "0b1", "::1",
	} {
		if numbered(w) {
			t.Errorf("%q is no address", w)
		}
	}
}
