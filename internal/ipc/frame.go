// Package ipc is what Pacemaker's local services and their clients share on top
// of libqb: the header of each message, and XML as its content.
//
// There are two layouts of the header, and messages that are too large travel differently in them. Both call themselves
// version 1. A receiver can tell them apart: the last word of a header holds the version in the one and nothing in the other.
// A sender answers in the layout in which it was asked. Who speaks first uses the older one, with a request that is answered
// even if its flags are not seen: to those who know the newer layout only, it is a small message without flags.
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

// Layout is where the fields of a header are.
type Layout uint8

const (
	// Packed is the layout of Pacemaker up to 3.0.0. At 24, 28, 32 and 36 are the text's size, its size when packed (0: it is not),
	// the flags and the version. A large message is compressed.
	Packed Layout = iota
	// Parts is the layout since Pacemaker 3.0.1. At 24, 28, 32 and 34 are the size of the text that this part has, with its
	// closing NUL, the flags, the version and the part's number. A large message is sent in parts.
	Parts
)

// HeaderSize is the size in bytes of a message's header, in either layout.
const HeaderSize = 40

// PartSize is the size in bytes of the buffers of those who know Parts: no message of theirs is as large.
const PartSize = 128 << 10

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
	// OfSeveral marks a part, LastOfSeveral too the last one.
	OfSeveral     = 0x80000
	LastOfSeveral = 0x100000
)

// Frame is a message with its header.
type Frame struct {
	Layout Layout
	ID     int32
	Flags  uint32
	Body   *etree.Element
}

// Marshal gives what is to be sent: one block of bytes, or, in the layout Parts, one for each part. In the layout Packed a message that is
// not smaller than limit is compressed.
func (f Frame) Marshal(limit int) ([][]byte, error) {
	text := append(xml.Compact(f.Body), 0)
	if f.Layout == Parts {
		return f.parts(text, min(limit, PartSize))
	}
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
	return [][]byte{header{layout: Packed, id: f.ID, flags: f.Flags, size: uint32(full), packed: uint32(packed)}.marshal(text)}, nil
}

// parts cuts a text that ends with NUL; each part gets a NUL of its own.
func (f Frame) parts(text []byte, limit int) ([][]byte, error) {
	room := limit - HeaderSize - 1
	if room <= 0 {
		return nil, fmt.Errorf("a limit of %d bytes leaves no room beside the header", limit)
	}
	h := header{layout: Parts, id: f.ID, flags: f.Flags}
	if len(text) <= room {
		h.size = uint32(len(text))
		return [][]byte{h.marshal(text)}, nil
	}
	text = text[:len(text)-1]
	if len(text) > MaxPayload {
		return nil, fmt.Errorf("a message of %d bytes is larger than %d", len(text), MaxPayload)
	}
	var out [][]byte
	h.flags |= OfSeveral
	for {
		n := min(len(text), room)
		if n == len(text) {
			h.flags |= LastOfSeveral
		}
		h.size = uint32(n + 1)
		out = append(out, h.marshal(text[:n]))
		if text = text[n:]; len(text) == 0 {
			return out, nil
		}
		h.part++
	}
}

// header is a message's header.
type header struct {
	layout Layout
	id     int32
	flags  uint32
	size   uint32 // of the text with its NUL
	packed uint32 // of the text when packed; 0: it is not
	part   uint16
}

// marshal gives the header and what follows it; a part that has no NUL at its end gets one.
func (h header) marshal(text []byte) []byte {
	n := len(text)
	if h.layout == Parts {
		n = int(h.size)
	}
	out := make([]byte, HeaderSize+n)
	ne := binary.NativeEndian
	ne.PutUint32(out[0:], uint32(h.id))
	ne.PutUint32(out[8:], uint32(len(out)))
	ne.PutUint32(out[24:], h.size)
	if h.layout == Parts {
		ne.PutUint32(out[28:], h.flags)
		out[32] = 1
		ne.PutUint16(out[34:], h.part)
	} else {
		ne.PutUint32(out[28:], h.packed)
		ne.PutUint32(out[32:], h.flags)
		out[36] = 1
	}
	copy(out[HeaderSize:], text)
	return out
}

// parseHeader reads a header and gives the text after it, packed where it is.
func parseHeader(data []byte) (header, []byte, error) {
	if len(data) < HeaderSize {
		return header{}, nil, fmt.Errorf("a message of %d bytes is shorter than its header", len(data))
	}
	ne := binary.NativeEndian
	h := header{id: int32(ne.Uint32(data)), size: ne.Uint32(data[24:])}
	text := data[HeaderSize:]
	has := h.size
	switch newer, older := data[32], data[36]; {
	case older == 1:
		h.packed, h.flags = ne.Uint32(data[28:]), ne.Uint32(data[32:])
		if h.packed > 0 {
			has = h.packed
		}
	case older == 0 && newer == 1:
		h.layout, h.flags, h.part = Parts, ne.Uint32(data[28:]), ne.Uint16(data[34:])
	default:
		return h, nil, fmt.Errorf("a message is of version %d; 1 is understood", max(newer, older))
	}
	if h.size > MaxPayload {
		return h, nil, fmt.Errorf("a message of %d bytes is larger than %d", h.size, MaxPayload)
	}
	if int64(has) > int64(len(text)) {
		return h, nil, fmt.Errorf("a message says it holds %d bytes and holds %d", has, len(text))
	}
	return h, text[:has], nil
}

// Reader puts together the messages that come in one direction of a connection. Its zero value is ready.
type Reader struct {
	begun *header // of the first part, while more are to come
	next  uint16
	text  []byte
}

// Take reads what arrived. done is false where it is a part and more are to come. After an error the reader begins anew.
func (r *Reader) Take(data []byte) (f Frame, done bool, err error) {
	h, text, err := parseHeader(data)
	if err == nil && h.layout == Parts && (h.flags&OfSeveral != 0 || r.begun != nil) {
		if h, text, done, err = r.add(h, text); err == nil && !done {
			return Frame{}, false, nil
		}
	}
	if err == nil {
		f, err = whole(h, text)
	}
	if err != nil {
		*r = Reader{}
		return Frame{}, false, err
	}
	return f, true, nil
}

// add takes a part; done with the last, with the header and the text of all.
func (r *Reader) add(h header, text []byte) (_ header, _ []byte, done bool, err error) {
	switch {
	case r.begun == nil && h.part != 0:
		return h, nil, false, fmt.Errorf("part %d of message %d came without the first", h.part, h.id)
	case r.begun == nil:
		first := h
		first.flags &^= OfSeveral | LastOfSeveral
		r.begun, r.next = &first, 0
	case h.flags&OfSeveral == 0 || h.id != r.begun.id:
		return h, nil, false, fmt.Errorf("message %d came between the parts of message %d", h.id, r.begun.id)
	case h.part != r.next:
		return h, nil, false, fmt.Errorf("part %d of message %d came where part %d was due", h.part, h.id, r.next)
	}
	r.next++
	r.text = append(r.text, bytes.TrimRight(text, "\x00")...)
	if len(r.text) > MaxPayload {
		return h, nil, false, fmt.Errorf("a message in parts is larger than %d bytes", MaxPayload)
	}
	if h.flags&LastOfSeveral == 0 {
		return h, nil, false, nil
	}
	all := *r.begun
	text = r.text
	*r = Reader{}
	return all, text, true, nil
}

// whole reads the text of a message, or what it was packed to.
func whole(h header, text []byte) (Frame, error) {
	f := Frame{Layout: h.layout, ID: h.id, Flags: h.flags}
	if h.packed > 0 {
		unpacked := make([]byte, h.size)
		if _, err := io.ReadFull(bzip2.NewReader(bytes.NewReader(text)), unpacked); err != nil {
			return f, fmt.Errorf("unpack a message: %w", err)
		}
		text = unpacked
	}
	doc, err := xml.Parse(bytes.TrimRight(text, "\x00"))
	if err != nil {
		return f, fmt.Errorf("a message is not XML: %w", err)
	}
	f.Body = doc.Root
	return f, nil
}
