package session

import (
	"testing"

	"hacluster/cib/xml"
)

func TestExpatReason(t *testing.T) {
	for doc, want := range map[string]string{
		"":                     "no element found: line 1, column 0",
		"x":                    "syntax error: line 1, column 0",
		"<cib":                 "unclosed token: line 1, column 0",
		"<cib>":                "no element found: line 1, column 5",
		"<cib><a></cib>":       "mismatched tag: line 1, column 10",
		"<cib/><x/>":           "junk after document element: line 1, column 6",
		"<cib a=1/>":           "not well-formed (invalid token): line 1, column 7",
		"<cib a='1' a='2'/>":   "duplicate attribute: line 1, column 11",
		"<cib>&foo;</cib>":     "undefined entity: line 1, column 5",
		"  \n":                 "no element found: line 2, column 0",
		"<cib>\n <a>":          "no element found: line 2, column 4",
		"<cib>\n <a b='1></a>": "unclosed token: line 2, column 1",
	} {
		_, err := xml.Parse([]byte(doc))
		if err == nil {
			t.Fatalf("%q is read", doc)
		}
		if got := ExpatReason([]byte(doc), err); got != want {
			t.Errorf("%q: %q, want %q (%v)", doc, got, want, err)
		}
	}
}
