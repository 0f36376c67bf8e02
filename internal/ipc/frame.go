// Package ipc is what Pacemaker's local services and their clients share on top
// of libqb: the header of each message, and XML as its content.
//
// The layout is that of Pacemaker 2.1, so that its installed tools and our
// daemon, and our tools and its daemons, understand each other.
package ipc

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/beevik/etree"
	dsnet "github.com/dsnet/compress/bzip2"

	"hacluster/cib/xml"
)

// HeaderSize is the size in bytes of a message's header.
const HeaderSize = 40

// MaxPayload bounds what a message may unpack to.
const MaxPayload = 256 << 20

// MessageSize is the greatest message, in bytes, that our clients ask to be allowed.
const MessageSize = 16 << 20

// Flags of a message.
const (
	Compressed     = 0x1
	WaitsForReply  = 0x200
	EventFlag      = 0x10000
	ServerInternal = 0x20000
)

// Frame is a message with its header.
type Frame struct {
	ID    int32
	Flags uint32
	Body  *etree.Element
}

// Marshal gives the frame's bytes; one larger than limit is compressed.
func (f Frame) Marshal(limit int) ([]byte, error) {
	text := append(xml.Compact(f.Body), 0)
	full := len(text)
	packed := 0
	if full+HeaderSize >= limit {
		var b bytes.Buffer
		z, err := dsnet.NewWriter(&b, nil)
		if err != nil {
			return nil, err
		}
		if _, err := z.Write(text); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		if b.Len()+HeaderSize >= limit {
			return nil, fmt.Errorf("a message of %d bytes (%d compressed) is larger than the %d that the other end takes", full, b.Len(), limit)
		}
		text, packed = b.Bytes(), b.Len()
		f.Flags |= Compressed
	}
	out := make([]byte, HeaderSize+len(text))
	le := binary.LittleEndian
	le.PutUint32(out[0:], uint32(f.ID))
	le.PutUint32(out[8:], uint32(len(out)))
	le.PutUint32(out[24:], uint32(full))
	le.PutUint32(out[28:], uint32(packed))
	le.PutUint32(out[32:], f.Flags)
	out[36] = 1
	copy(out[HeaderSize:], text)
	return out, nil
}

// Parse reads a frame.
func Parse(data []byte) (Frame, error) {
	if len(data) < HeaderSize {
		return Frame{}, fmt.Errorf("a message of %d bytes is shorter than its header", len(data))
	}
	le := binary.LittleEndian
	f := Frame{ID: int32(le.Uint32(data)), Flags: le.Uint32(data[32:])}
	full, packed := le.Uint32(data[24:]), le.Uint32(data[28:])
	if v := data[36]; v > 1 {
		return f, fmt.Errorf("a message is of version %d; 1 is understood", v)
	}
	if full > MaxPayload {
		return f, fmt.Errorf("a message of %d bytes is larger than %d", full, MaxPayload)
	}
	body := data[HeaderSize:]
	if packed > 0 {
		if int(packed) > len(body) {
			return f, fmt.Errorf("a message says it holds %d bytes and holds %d", packed, len(body))
		}
		unpacked := make([]byte, full)
		if _, err := io.ReadFull(bzip2.NewReader(bytes.NewReader(body[:packed])), unpacked); err != nil {
			return f, fmt.Errorf("unpack a message: %w", err)
		}
		body = unpacked
	} else if int(full) > len(body) {
		return f, fmt.Errorf("a message says it holds %d bytes and holds %d", full, len(body))
	} else {
		body = body[:full]
	}
	doc, err := xml.Parse(bytes.TrimRight(body, "\x00"))
	if err != nil {
		return f, fmt.Errorf("a message is not XML: %w", err)
	}
	f.Body = doc.Root
	return f, nil
}
