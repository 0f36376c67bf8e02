package nssdb

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestDER(t *testing.T) {
	for _, c := range []struct{ ber, want string }{
		{"3003020105", "3003020105"},
		{"30800201050000", "3003020105"},
		{"2480040161040262630000", "0403616263"},
		{"3080240404026162040163", ""}, // no end
		{"a080040161040162" + "0000", "a006040161040162"},
		{"308006022a03300006" + "0000", ""},
		{"308006022a033000a080040161040162" + "0000" + "0000", "300a06022a033000" + "80026162"},
	} {
		b, err := hex.DecodeString(c.ber)
		if err != nil {
			t.Fatal(err)
		}
		n, _, err := parse(b, 0)
		got := ""
		if err == nil {
			got = hex.EncodeToString(n.whole().der())
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s (%v)", c.ber, got, c.want, err)
		}
	}
	long := node{tag: octets, content: bytes.Repeat([]byte{1}, 300)}
	if n, rest, err := parse(long.der(), 0); err != nil || len(rest) > 0 || len(n.content) != 300 {
		t.Error(n, rest, err)
	}
}

func FuzzBundle(f *testing.F) {
	for _, s := range []string{"", "30800201050000", "3080020103308006092a864886f70d010701a080248004023080000000000000", "30840fffffff"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _ = Bundle(b)
	})
}
