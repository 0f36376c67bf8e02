package xml

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/beevik/etree"
)

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":             {"", "line 1, column 1: the document is empty"},
		"text":              {"hello", "line 1, column 1: a start tag was expected"},
		"no end tag":        {"<a>\n <b>", "line 2, column 2: element b has no end tag"},
		"crossed":           {"<a><b></a></b>", "end tag a closes element b"},
		"two roots":         {"<a/>\n<b/>", "line 2, column 1: extra content"},
		"attribute twice":   {"<a x='1' x='2'/>", "column 10: attribute x stands twice"},
		"unquoted":          {"<a x=1/>", "not in quotes"},
		"no value":          {"<a x/>", "has no value"},
		"open value":        {"<a x='1/>", "does not end"},
		"unbound prefix":    {"<a p:x='1'/>", "prefix p of attribute p:x is not declared"},
		"prefix after use":  {"<a><b xmlns:p='u'/><p:c/></a>", "prefix p of element p:c is not declared"},
		"unknown entity":    {"<a x='&nope;'/>", "entity nope is not defined"},
		"bare ampersand":    {"<a x='a&b'/>", "begins no reference"},
		"control character": {"<a x='\x01'/>", "control character"},
		"reference to one":  {"<a x='&#1;'/>", "&#1; is not a character"},
		"bad UTF-8":         {"<a x='\xff'/>", "byte 0xff is not valid UTF-8"},
		"XML 1.1":           {"<?xml version='1.1'?><a/>", "only XML version 1.0"},
		"late declaration":  {" <?xml version='1.0'?><a/>", "very beginning"},
		"encoding":          {"<?xml version='1.0' encoding='UTF-16'?><a/>", "not written in it"},
		"less-than":         {"<a x='<'/>", "'<' may not stand"},
		"comment":           {"<a><!-- -- --></a>", "inside a comment"},
		"deep":              {strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300), "more than 256"},
	} {
		_, err := ParseString(c.in)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for in, want := range map[string]string{
		"<a/>": "<a/>",
		"<?xml version='1.0'?>\n<!-- x --><a></a>":          "<a/>",
		"<a x='1' y=\"'\"/>":                                `<a x="1" y="'"/>`,
		"<a x='a\tb\r\nc'/>":                                `<a x="a b c"/>`,
		"<a x='&#9;&#10;&quot;&lt;&gt;&amp;&apos;'/>":       `<a x="&#x09;&#x0A;&quot;&lt;&gt;&amp;'"/>`,
		"<a>\n  <b/>\n <!--c--> <![CDATA[<&]]> t&amp;u</a>": `<a><b/><!--c--><![CDATA[<&]]> t&amp;u</a>`,
		"<a xmlns:p='u'><p:b p:c='1'/></a>":                 `<a><b c="1"/></a>`,
		"\xef\xbb\xbf<a x='é'/>":                            `<a x="é"/>`,
		"<!DOCTYPE a [<!ENTITY e 'v'>]><a x='1&e;2'/>":      `<a x="1"/>`,
	} {
		doc, err := ParseString(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := string(Compact(doc.Root)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestFormat(t *testing.T) {
	doc, err := ParseString(`<a><b x="1"><c/></b><!--n--><d>text</d></a>`)
	if err != nil {
		t.Fatal(err)
	}
	want := "<a>\n  <b x=\"1\">\n    <c/>\n  </b>\n  <!--n-->\n  <d>\n  </d>\n</a>\n"
	if got := string(Format(doc.Root)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPositions(t *testing.T) {
	doc, err := ParseString("<a>\n  <é  id='x'\n   n=\"2\"/><c/>\n</a>")
	if err != nil {
		t.Fatal(err)
	}
	b, c := doc.Root.ChildElements()[0], doc.Root.ChildElements()[1]
	for what, got := range map[string]Pos{"2:3": doc.Pos(b), "2:7": doc.AttrPos(b, "id"), "3:4": doc.AttrPos(b, "n"), "3:11": doc.Pos(c)} {
		if got.String() != what {
			t.Errorf("got %s, want %s", got, what)
		}
	}
	if p := doc.Pos(etree.NewElement("x")); p != (Pos{}) {
		t.Errorf("a foreign element stands at %v", p)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("<a><b c='&lt;'>x</b><!--y--></a>")
	f.Add("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e 'v'>]><a x='&e;'/>")
	f.Fuzz(func(t *testing.T, in string) {
		doc, err := ParseString(in)
		if err != nil {
			return
		}
		once := string(Compact(doc.Root))
		again, err := ParseString(once)
		if err != nil {
			// A name with a colon but no prefix is written without it; nothing else may be lost.
			if strings.Contains(in, ":") {
				return
			}
			t.Fatalf("%q was written as %q, which is refused: %v", in, once, err)
		}
		if twice := string(Compact(again.Root)); twice != once && !strings.Contains(in, ":") && !strings.Contains(in, "CDATA") {
			t.Fatalf("%q then %q", once, twice)
		}
	})
}

func BenchmarkParse5MB(b *testing.B) {
	one := `<primitive id="r%" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="r%-i"><nvpair id="r%-i-ip" name="ip" value="10.0.0.1"/></instance_attributes></primitive>`
	src := []byte("<cib>\n" + strings.Repeat(one+"\n", 5_000_000/len(one)) + "</cib>")
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Parse(src); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSanitizeID(t *testing.T) {
	for in, want := range map[string]string{
		"a b#c": "a.b.c", "x:0": "x:0", "1a": "_a", "-a": "_a", "éa": "éa", "“a": "_..a", "a“": "a...", "": "", "a\xffb": "a.b", "·a": "_.a", "a·": "a·",
	} {
		if got := SanitizeID(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestRoom: what is read takes no more memory than the text and the elements and attributes of the tree do, and a fifth.
func TestRoom(t *testing.T) {
	const elements, attrs = 2000, 19
	var b strings.Builder
	b.WriteString("<cib>")
	for range elements - 1 {
		b.WriteString("<lrm_rsc_op")
		for i := range attrs {
			fmt.Fprintf(&b, ` name-%d="of the value"`, i)
		}
		b.WriteString("/>")
	}
	b.WriteString("</cib>")
	text := []byte(b.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Parse(text); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	took := after.TotalAlloc - before.TotalAlloc
	// Of a list that grows as it is read, all rooms that it had count: the children, and the order of the elements.
	const lists = 4 * (16 + 8 + 4)
	need := float64(len(text)) + elements*float64(unsafe.Sizeof(etree.Element{})+lists) + elements*attrs*float64(unsafe.Sizeof(etree.Attr{}))
	t.Logf("%d bytes where %.0f are needed", took, need)
	if float64(took) > 1.2*need {
		t.Errorf("reading took %d bytes where %.0f are needed", took, need)
	}
}
