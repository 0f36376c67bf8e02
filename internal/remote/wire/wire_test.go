package wire

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// A message arrives as it was sent; one that is larger than the limit is refused before it is read.
func TestStream(t *testing.T) {
	a, b := net.Pipe()
	x, y := New(a), New(b)
	defer x.Abort()
	defer y.Abort()
	y.Limit(1000)
	el := etree.NewElement("cib_command")
	el.CreateAttr("op", "a <b>")
	if err := x.Send(el); err != nil {
		t.Fatal(err)
	}
	got, err := y.Receive()
	if err != nil || got.Tag != "cib_command" || got.SelectAttrValue("op", "") != "a <b>" {
		t.Fatalf("%v, %v", got, err)
	}
	el.CreateAttr("long", strings.Repeat("x", 1000))
	if err := x.Send(el); err != nil {
		t.Fatal(err)
	}
	if _, err := y.Receive(); err == nil || !strings.Contains(err.Error(), "is larger than 1000") {
		t.Errorf("a large message: %v", err)
	}
	if err := y.Send(el); err == nil {
		t.Error("a large message is sent")
	}
}

func FuzzHeader(f *testing.F) {
	head := make([]byte, headerSize)
	binary.LittleEndian.PutUint32(head, magic)
	binary.LittleEndian.PutUint32(head[24:], headerSize+5)
	binary.LittleEndian.PutUint32(head[28:], headerSize)
	binary.LittleEndian.PutUint32(head[36:], 5)
	f.Add(head, []byte("<a/>\x00"))
	f.Fuzz(func(_ *testing.T, head, body []byte) {
		if len(head) < headerSize {
			return
		}
		packed, full, err := parseHeader(head, MaxMessage)
		if err == nil && full < 1<<20 {
			_, _ = parseBody(body, packed > 0, full)
		}
	})
}
