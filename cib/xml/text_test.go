package xml

import (
	"testing"

	"github.com/beevik/etree"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"plain\ttext\n":       "plain\ttext\n",
		"über <&\"> €":        "über <&\"> €",
		"caf\xe9":             "caf�",
		"\x00\x01\x1b[31m":    "���[31m",
		"\x7f\u0085":          "\x7f\u0085",
		"\uFFFE\uFFFF\uFFFD":  "���",
		"half \xe2\x82":       "half ��",
		"\xed\xa0\x80 a half": "��� a half",
	} {
		got := Text(in)
		if got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
		el := etree.NewElement("a")
		el.CreateAttr("b", got)
		doc, err := Parse(Compact(el))
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if again := doc.Root.SelectAttrValue("b", ""); again != got {
			t.Errorf("%q came back as %q", got, again)
		}
	}
}
