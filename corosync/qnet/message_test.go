package qnet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"
)

// TestCaptured reads what the originals said and writes it again, byte by byte.
func TestCaptured(t *testing.T) {
	data, err := os.ReadFile("testdata/qnetd.json")
	if err != nil {
		t.Fatal(err)
	}
	var capture struct {
		Messages []struct {
			Message, Hex string
			Type         Type
		}
	}
	if err := json.Unmarshal(data, &capture); err != nil {
		t.Fatal(err)
	}
	if len(capture.Messages) < 10 {
		t.Fatalf("%d messages only", len(capture.Messages))
	}
	for i, c := range capture.Messages {
		raw, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(bytes.NewReader(raw), DefaultSize)
		if err != nil {
			t.Errorf("message %d, %s: %v", i, c.Message, err)
			continue
		}
		if m.Type != c.Type {
			t.Errorf("message %d: type %v, want %v", i, m.Type, c.Type)
		}
		if again := m.Marshal(); !bytes.Equal(again, raw) {
			t.Errorf("message %d, %s:\n%x, want\n%x", i, c.Message, again, raw)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"cut head", "0001", "unexpected EOF"},
		{"cut body", "00010000000400", "unexpected EOF"},
		{"too long", "000100010000", "preinit reply of 65536 bytes is too long"},
		{"option past the end", "000800000005000000040a", "echo request: option 0 of 4 bytes, where 1 are left"},
		{"short number", "00080000000600000002000a", "echo request: option 0: 2 bytes, not 4"},
		{"vote out of range", "000e00000005001300010900", "vote info: option 19: value 9"},
		{"node without id", "000a0000000400110000", "node list: option 17: a node without id"},
		{"empty name", "00000000000400010000", "preinit: option 1: empty"},
		{"odd list", "00030000000500040001ff", "init: option 4: a list of 1 bytes"},
	} {
		raw, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(bytes.NewReader(raw), DefaultSize)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add((&Message{Type: Init, Seq: 2, TieBreaker: TieBreaker{ByNode, 3}}).With(OptSeq, OptTieBreaker, OptRing).Marshal())
	f.Add((&Message{Type: NodeList, Nodes: []Node{{1, 2, Member}, {2, 0, Dead}}}).With(OptNodeInfo).Marshal())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data), DefaultSize)
		if err != nil {
			var bad *Malformed
			if errors.As(err, &bad) && bad.Message == nil {
				t.Error("malformed without its message")
			}
			return
		}
		again, err := Read(bytes.NewReader(m.Marshal()), DefaultSize)
		if errors.Is(err, io.EOF) || err != nil {
			t.Fatalf("%v of our own bytes", err)
		}
		// A message may carry options that its type does not have: those are not written.
		first := again.Marshal()
		third, err := Read(bytes.NewReader(first), DefaultSize)
		if err != nil || !reflect.DeepEqual(third, again) {
			t.Fatalf("%v: %v is not %v", err, third, again)
		}
	})
}
