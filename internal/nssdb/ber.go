package nssdb

import (
	"errors"
	"fmt"
)

// NSS writes PKCS #12 files in BER: with lengths that are not told, and texts in pieces. What reads them here takes DER.

// node is an element of BER.
type node struct {
	tag      byte
	content  []byte // of a primitive one
	children []node // of a constructed one
}

const (
	constructed = 0x20
	octets      = 0x04
	sequence    = 0x30
	oid         = 0x06
	zero        = 0x80 // [0]
	deepest     = 32
)

var errBER = errors.New("not BER")

// parse reads one element; rest is what follows.
func parse(b []byte, depth int) (n node, rest []byte, err error) {
	if len(b) < 2 || b[0]&0x1f == 0x1f || depth > deepest {
		return n, nil, errBER
	}
	n.tag = b[0]
	length, b := int(b[1]), b[2:]
	open := length == 0x80
	if length > 0x80 {
		size := length & 0x7f
		if size > 4 || len(b) < size {
			return n, nil, errBER
		}
		length = 0
		for _, c := range b[:size] {
			length = length<<8 | int(c)
		}
		b = b[size:]
	}
	switch {
	case open && n.tag&constructed == 0:
		return n, nil, errBER
	case open:
		for {
			if len(b) >= 2 && b[0] == 0 && b[1] == 0 {
				return n, b[2:], nil
			}
			var child node
			if child, b, err = parse(b, depth+1); err != nil {
				return n, nil, err
			}
			n.children = append(n.children, child)
		}
	case length < 0 || length > len(b):
		return n, nil, errBER
	case n.tag&constructed == 0:
		n.content = b[:length]
		return n, b[length:], nil
	}
	for inside := b[:length]; len(inside) > 0; {
		var child node
		if child, inside, err = parse(inside, depth+1); err != nil {
			return n, nil, err
		}
		n.children = append(n.children, child)
	}
	return n, b[length:], nil
}

// pieces joins what an element or its pieces hold.
func (n node) pieces() []byte {
	if n.tag&constructed == 0 {
		return n.content
	}
	var out []byte
	for _, c := range n.children {
		out = append(out, c.pieces()...)
	}
	return out
}

// whole joins texts that are in pieces: octet strings, and the encrypted content behind an identifier and an algorithm.
func (n node) whole() node {
	if n.tag == octets|constructed {
		return node{tag: octets, content: n.pieces()}
	}
	children := make([]node, len(n.children))
	for i, c := range n.children {
		if i == 2 && n.tag == sequence && n.children[0].tag == oid && n.children[1].tag == sequence && c.tag == zero|constructed {
			children[i] = node{tag: zero, content: c.pieces()}
			continue
		}
		children[i] = c.whole()
	}
	n.children = children
	return n
}

// der writes an element with lengths that are told.
func (n node) der() []byte {
	content := n.content
	if n.tag&constructed != 0 {
		content = nil
		for _, c := range n.children {
			content = append(content, c.der()...)
		}
	}
	size := len(content)
	head := []byte{n.tag, byte(size)}
	if size >= 0x80 {
		var length []byte
		for ; size > 0; size >>= 8 {
			length = append([]byte{byte(size)}, length...)
		}
		head = append([]byte{n.tag, 0x80 | byte(len(length))}, length...)
	}
	return append(head, content...)
}

// normal gives a PKCS #12 file in DER. Its check sum is left out: it is over the bytes that there were.
func normal(b []byte) ([]byte, error) {
	top, _, err := parse(b, 0)
	if err != nil {
		return nil, fmt.Errorf("the file is %w", err)
	}
	top = top.whole()
	if len(top.children) < 2 {
		return nil, errors.New("the file is no PKCS #12 file")
	}
	top.children = top.children[:2]
	// What is inside octet strings that hold data is BER, too.
	safe, err := inside(&top.children[1])
	if err != nil || safe == nil {
		return nil, errors.New("the file is no PKCS #12 file")
	}
	for i := range safe.children {
		n, err := inside(&safe.children[i])
		if err != nil {
			return nil, err
		}
		if n != nil {
			put(&safe.children[i], n)
		}
	}
	put(&top.children[1], safe)
	return top.der(), nil
}

// inside reads the element in the octet string of a content: SEQUENCE { identifier, [0] { OCTET STRING } }; nil where it has another form.
func inside(content *node) (*node, error) {
	if len(content.children) != 2 || len(content.children[1].children) != 1 || content.children[1].children[0].tag != octets {
		return nil, nil //nolint:nilnil // see above
	}
	n, _, err := parse(content.children[1].children[0].content, 0)
	if err != nil {
		return nil, err
	}
	n = n.whole()
	return &n, nil
}

func put(content, n *node) { content.children[1].children[0].content = n.der() }
