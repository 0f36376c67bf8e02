package xml

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

func utf16Bytes(text string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func TestEncodings(t *testing.T) {
	const text = `<?xml version="1.0" encoding="UTF-16"?><a x="é🙂"/>`
	latin := func(enc, value string) []byte {
		return []byte(`<?xml version="1.0" encoding="` + enc + `"?><a x="` + value + `"/>`)
	}
	for name, c := range map[string]struct {
		in   []byte
		want string // of x
	}{
		"UTF-16 little, marked":   {append([]byte("\xff\xfe"), utf16Bytes(text, false)...), "é🙂"},
		"UTF-16 big, marked":      {append([]byte("\xfe\xff"), utf16Bytes(text, true)...), "é🙂"},
		"UTF-16 little, declared": {utf16Bytes(text, false), "é🙂"},
		"UTF-16 big, declared":    {utf16Bytes(text, true), "é🙂"},
		"ISO-8859-1":              {latin("ISO-8859-1", "\xe9"), "é"},
		"latin1":                  {latin("latin1", "\xe9"), "é"},
		"ISO-8859-15":             {latin("ISO-8859-15", "\xa4"), "€"},
		"windows-1252":            {latin("windows-1252", "\x80"), "€"},
		"KOI8-R":                  {latin("KOI8-R", "\xc1"), "а"},
		"Shift_JIS":               {latin("Shift_JIS", "\x82\xa0"), "あ"},
		"UTF-8 with its mark":     {[]byte("\xef\xbb\xbf<a x='é'/>"), "é"},
		"ASCII":                   {latin("US-ASCII", "e"), "e"},
	} {
		doc, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := doc.Root.SelectAttrValue("x", ""); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		in   []byte
		want string
	}{
		"Latin bytes as UTF-8":    {latin("UTF-8", "\xe9"), "line 1, column 45: byte 0xe9 is not valid UTF-8"},
		"Latin bytes as ASCII":    {latin("US-ASCII", "\xe9"), "is not ASCII"},
		"no character of windows": {latin("windows-1252", "\x81"), "is no character"},
		"unknown encoding":        {latin("EBCDIC-X", "e"), `encoding "EBCDIC-X" is not known`},
		"UTF-16 in name only":     {latin("UTF-16", "e"), "not written in it"},
		"UTF-32":                  {[]byte("\xff\xfe\x00\x00<\x00\x00\x00"), "UTF-32"},
		"half a character":        {append(utf16Bytes(text, false), 0x3c), "half a character"},
		"a lone surrogate":        {append([]byte("\xff\xfe"), utf16Bytes("<a>", false)[:6]...), "no end tag"},
		"NUL in UTF-16":           {append([]byte("\xff\xfe"), utf16Bytes("<a>\x00", false)...), "NUL"},
	} {
		_, err := Parse(c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// laughs is a document whose entity stands for 10^n times three letters.
func laughs(n int) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE a [<!ENTITY l0 "lol">`)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, `<!ENTITY l%d "%s">`, i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	fmt.Fprintf(&b, `]><a x="&l%d;"/>`, n)
	return b.String()
}

func TestEntities(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nested":           {`<!DOCTYPE a [<!ENTITY x "&y;1"><!ENTITY y "2">]><a b="v&x;"/>`, `<a b="v"/>`},
		"nothing before":   {`<!DOCTYPE a [<!ENTITY x "1">]><a b="&x;" c="2"/>`, `<a c="2"/>`},
		"unused loop":      {`<!DOCTYPE a [<!ENTITY x "&x;">]><a/>`, `<a/>`},
		"ten times three":  {laughs(1), `<a/>`},
		"ten billion":      {laughs(10), "stands for too much text"},
		"loop":             {`<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a b="&x;"/>`, "stands for itself"},
		"nested undefined": {`<!DOCTYPE a [<!ENTITY x "&z;">]><a b="&x;"/>`, "not defined"},
		"less-than":        {`<!DOCTYPE a [<!ENTITY x "&#60;">]><a b="&x;"/>`, "holds '<'"},
		"external":         {`<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><a b="&x;"/>`, "not part of this document"},
		"less-than inside": {`<!DOCTYPE a [<!ENTITY x "&#38;#60;">]><a b="v&x;"/>`, `<a b="v"/>`},
		"ampersand":        {`<!DOCTYPE a [<!ENTITY x "y&#38;z">]><a b="&x;"/>`, "holds '&'"},
		"bad declaration":  {`<!DOCTYPE a [<!ENTITY x "y & z">]><a/>`, "column 28: '&' begins no reference"},
		"percent":          {`<!DOCTYPE a [<!ENTITY x "5%">]><a/>`, "'%' may not stand in an entity"},
		"behind another":   {`<!DOCTYPE a [<!ENTITY x "1">]><a b="&x;&z;"/>`, "not defined"},
		"in content":       {`<!DOCTYPE a [<!ENTITY x "1">]><a>&x;</a>`, "may not stand in its content"},
	} {
		doc, err := ParseString(c.in)
		got := fmt.Sprint(err)
		if err == nil {
			got = string(Compact(doc.Root))
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestExpand: the full values are there for as long as they are asked for.
func TestExpand(t *testing.T) {
	doc, err := ParseString(`<!DOCTYPE a [<!ENTITY x "&y;1&#38;#60;&#10;"><!ENTITY y "2">]><a b="v&x;&amp;w" c="&y;" d="&lt;" e="&y;" f="&y;" g=""/>`)
	if err != nil {
		t.Fatal(err)
	}
	const cut, full = `<a b="v" d="&lt;" g=""/>`, `<a b="v21&lt; &amp;w" c="2" d="&lt;" e="2" f="2" g=""/>`
	restore := doc.Expand()
	if got := string(Compact(doc.Root)); got != full {
		t.Errorf("%s, want %s", got, full)
	}
	restore()
	if got := string(Compact(doc.Root)); got != cut {
		t.Errorf("%s, want %s", got, cut)
	}
}

// TestHostile: what is made to keep a reader busy, or to fill its memory, is refused
// (or read) soon, with little more memory than the document itself takes.
func TestHostile(t *testing.T) {
	const big = 100 << 20
	if testing.Short() {
		t.Skip("needs a few hundred MB")
	}
	many := func(n int, f func(b *bytes.Buffer, i int)) []byte {
		var b bytes.Buffer
		for i := range n {
			f(&b, i)
		}
		return b.Bytes()
	}
	for name, c := range map[string]struct {
		in   func() []byte
		want string // "" when it is to be read
	}{
		"10,000 deep":        {func() []byte { return []byte(strings.Repeat("<a>", 10000)) }, "more than 256 elements"},
		"100 MB of blanks":   {func() []byte { return bytes.Repeat([]byte(" "), big) }, "the document is empty"},
		"100 MB of elements": {func() []byte { return append([]byte("<r>"), bytes.Repeat([]byte("<a/>"), big/4)...) }, "more than 100000 elements and attributes"},
		"100 MB of a value":  {func() []byte { return append([]byte(`<a b="`), bytes.Repeat([]byte("="), big)...) }, "does not end"},
		"a value too long":   {func() []byte { return append(append([]byte(`<a b="`), bytes.Repeat([]byte("="), 11<<20)...), `"/>`...) }, "longer than"},
		"100 MB of NULs":     {func() []byte { return make([]byte, big) }, "NUL"},
		"300 MB":             {func() []byte { return make([]byte, 300<<20) }, "larger than"},
		"a NUL in a tag":     {func() []byte { return []byte("<a \x00/>") }, "line 1, column 4: a NUL byte"},
		"ten thousand attributes": {func() []byte {
			return append([]byte("<a"), append(many(1e4, func(b *bytes.Buffer, i int) { fmt.Fprintf(b, ` a%d=""`, i) }), "/>"...)...)
		}, ""},
		"ten thousand prefixes": {func() []byte {
			return append([]byte("<a"), append(many(1e4, func(b *bytes.Buffer, i int) { fmt.Fprintf(b, ` xmlns:p%d="u" p%d:x=""`, i, i) }), "/>"...)...)
		}, ""},
		"open comment":       {func() []byte { return append([]byte("<a><!--"), bytes.Repeat([]byte("<!--"), 1<<20)...) }, "comment"},
		"open instructions":  {func() []byte { return append([]byte("<a>"), bytes.Repeat([]byte("<?p "), 1<<20)...) }, "does not end"},
		"open document type": {func() []byte { return append([]byte("<!DOCTYPE a ["), bytes.Repeat([]byte("<!ENTITY x "), 1<<20)...) }, "document type does not end"},
	} {
		in := c.in()
		before := allocated()
		began := time.Now()
		_, err := parse(in, 100000)
		took, used := time.Since(began), allocated()-before
		var e *Error
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if limit := uint64(3*len(in) + 32<<20); used > limit {
			t.Errorf("%s: %d MB were allocated for %d MB", name, used>>20, len(in)>>20)
		}
	}
}

// allocated is how much was allocated since the program began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
