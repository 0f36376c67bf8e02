package xml

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// decode gives the document as UTF-8 without a byte order mark. The encoding is that
// of the byte order mark, else the declared one, else UTF-8.
func decode(data []byte) (string, *Error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return "", &Error{Pos{1, 1}, "encoding UTF-32 is not supported"}
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return decode16(data[2:], func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 })
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decode16(data[2:], func(b []byte) uint16 { return uint16(b[1]) | uint16(b[0])<<8 })
	case bytes.HasPrefix(data, []byte("<\x00?\x00")):
		return decode16(data, func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 })
	case bytes.HasPrefix(data, []byte("\x00<\x00?")):
		return decode16(data, func(b []byte) uint16 { return uint16(b[1]) | uint16(b[0])<<8 })
	}
	marked := bytes.HasPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	name := declared(data)
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8":
		return plain(data)
	case "us-ascii", "ascii":
		for i, b := range data {
			if b >= 0x80 && !marked {
				return "", placed(data, i, "byte %#02x is not ASCII, as the document declares", b)
			}
		}
		return plain(data)
	case "utf-16", "utf-16le", "utf-16be", "ucs-2", "iso-10646-ucs-2", "utf-32", "ucs-4", "iso-10646-ucs-4":
		return "", &Error{Pos{1, 1}, "the document declares encoding " + name + " but is not written in it"}
	}
	if marked {
		return plain(data)
	}
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil {
		enc, err = htmlindex.Get(name)
	}
	if err != nil || enc == nil {
		return "", &Error{Pos{1, 1}, fmt.Sprintf("encoding %q is not known", clip(name))}
	}
	return other(data, name, enc)
}

// other decodes an encoding of one or more bytes a character.
func other(data []byte, name string, enc encoding.Encoding) (string, *Error) {
	out, err := enc.NewDecoder().Bytes(data)
	if err != nil {
		return "", &Error{Pos{1, 1}, fmt.Sprintf("the document is not in encoding %s: %v", name, err)}
	}
	if i := bytes.IndexRune(out, utf8.RuneError); i >= 0 {
		return "", placed(out, i, "what stands here is no character of encoding %s", name)
	}
	return plain(out)
}

// plain checks that data are UTF-8 without NUL bytes.
func plain(data []byte) (string, *Error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return "", placed(data, i, "a NUL byte may not stand in XML")
	}
	if i := invalidUTF8(data); i >= 0 {
		return "", placed(data, i, "byte %#02x is not valid UTF-8", data[i])
	}
	return string(data), nil
}

func placed(data []byte, offset int, format string, args ...any) *Error {
	d := &Document{src: string(data[:offset])}
	return &Error{d.place(offset), fmt.Sprintf(format, args...)}
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// decode16 decodes UTF-16, whose units get reads from two bytes.
func decode16(data []byte, get func([]byte) uint16) (string, *Error) {
	var b strings.Builder
	b.Grow(len(data)/2 + 16)
	fail := func(msg string) (string, *Error) {
		return "", placed([]byte(b.String()), b.Len(), "%s", msg)
	}
	for i := 0; i+1 < len(data); i += 2 {
		r := rune(get(data[i:]))
		if utf16.IsSurrogate(r) {
			if i+3 >= len(data) {
				return fail("half a character of UTF-16")
			}
			if r = utf16.DecodeRune(r, rune(get(data[i+2:]))); r == utf8.RuneError {
				return fail("half a character of UTF-16")
			}
			i += 2
		}
		if r == 0 {
			return fail("a NUL character may not stand in XML")
		}
		b.WriteRune(r)
	}
	if len(data)%2 != 0 {
		return fail("the document ends in half a character of UTF-16")
	}
	return b.String(), nil
}

// declared is the encoding that the XML declaration names, "" without one.
func declared(data []byte) string {
	if !bytes.HasPrefix(data, []byte("<?xml")) {
		return ""
	}
	head := data[:min(len(data), 1024)]
	end := bytes.Index(head, []byte("?>"))
	if end < 0 {
		return ""
	}
	return pseudoAttr(string(head[:end]), "encoding")
}

// pseudoAttr is the value of name in a declaration: name = "value".
func pseudoAttr(head, name string) string {
	i := strings.Index(head, name)
	if i < 0 {
		return ""
	}
	rest := strings.TrimLeft(head[i+len(name):], " \t\r\n=")
	if len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	if j := strings.IndexByte(rest[1:], rest[0]); j >= 0 {
		return rest[1 : j+1]
	}
	return ""
}
