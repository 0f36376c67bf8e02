package schema

import (
	"testing"

	"hacluster/cib/xml"
)

func TestOrderOfNames(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"pacemaker-2.9", "pacemaker-2.10", -1},
		{"pacemaker-4.0", "pacemaker-3.10", 1},
		{"none", Latest, 1},
		{"pacemaker-1.1", "pacemaker-1.0", -1},
		{"pacemaker-1.1", "", 0},
		{"pacemaker-3.9", "pacemaker-3.9", 0},
	} {
		got := Compare(c.a, c.b)
		if got < 0 != (c.want < 0) || got > 0 != (c.want > 0) {
			t.Errorf("Compare(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if Known("pacemaker-1.1") || Known("") || !Known("none") || !Known("pacemaker-1.0") {
		t.Error("Known is wrong about a name")
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"pacemaker-3.9", "pacemaker-3.10", true}, {"pacemaker-3.8", "pacemaker-3.9", false}, {"pacemaker-3.10", "pacemaker-4.0", false}, {"none", "none", true}, {"pacemaker-4.0", "none", false}} {
		if Same(c.a, c.b) != c.want {
			t.Errorf("Same(%s, %s) is not %v", c.a, c.b, c.want)
		}
	}
}

// TestEveryVersionCompiles reads the grammar's text for each version.
func TestEveryVersionCompiles(t *testing.T) {
	src, err := parseSource(grammarText)
	if err != nil {
		t.Fatal(err)
	}
	for v, name := range names[:index(None)] {
		g, err := compile(src, v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if g.all["primitive"] == nil || g.all["bundle"] == nil != (v < index("pacemaker-2.8")) {
			t.Errorf("%s lacks a part, or has one too early", name)
		}
	}
}

// TestVerdict keeps the traps: what looks alike and is judged otherwise.
func TestVerdict(t *testing.T) {
	const head = `<cib admin_epoch="0" epoch="0" num_updates="0" validate-with="pacemaker-3.9">`
	wrap := func(config string) string {
		return head + `<configuration><crm_config/><nodes/><resources><primitive id="a" class="ocf" provider="p" type="t"/></resources><constraints>` + config + `</constraints></configuration></cib>`
	}
	for name, c := range map[string]struct {
		doc, schema string
		valid       bool
	}{
		"a rule without score in 3.8":    {wrap(`<rsc_location id="l" rsc="a"><rule id="r"><expression id="e" attribute="x" operation="defined"/></rule></rsc_location>`), "pacemaker-3.8", false},
		"a rule without score in 3.9":    {wrap(`<rsc_location id="l" rsc="a"><rule id="r"><expression id="e" attribute="x" operation="defined"/></rule></rsc_location>`), "pacemaker-3.9", true},
		"blanks around a typed value":    {wrap(`<rsc_location id=" l " rsc=" a " node="n" score=" INFINITY "/>`), "pacemaker-4.0", true},
		"the wrong case of a score":      {wrap(`<rsc_location id="l" rsc="a" node="n" score="infinity"/>`), "pacemaker-4.0", false},
		"score and rule":                 {wrap(`<rsc_location id="l" rsc="a" node="n" score="1"><rule id-ref="l"/></rsc_location>`), "pacemaker-4.0", false},
		"a constraint that names itself": {wrap(`<rsc_location id="l" rsc="l" node="n" score="1"/>`), "pacemaker-4.0", true},
		"a name that nothing has":        {wrap(`<rsc_location id="l" rsc="b" node="n" score="1"/>`), "pacemaker-4.0", false},
		"an id twice":                    {wrap(`<rsc_location id="a" rsc="a" node="n" score="1"/>`), "pacemaker-4.0", false},
		"a namespace that is not used":   {wrap(`<rsc_location xmlns:x="u" id="l" rsc="a" node="n" score="1"/>`), "pacemaker-4.0", true},
		"an attribute of a namespace":    {wrap(`<rsc_location xml:lang="en" id="l" rsc="a" node="n" score="1"/>`), "pacemaker-4.0", false},
		"a default namespace":            {wrap(`<rsc_location xmlns="u" id="l" rsc="a" node="n" score="1"/>`), "pacemaker-4.0", false},
		"blank CDATA":                    {wrap(`<![CDATA[  ]]>`), "pacemaker-4.0", true},
		"text":                           {wrap(`x`), "pacemaker-4.0", false},
		"a comment":                      {wrap(`<!-- x -->`), "pacemaker-4.0", true},
		"anything in status":             {head + `<configuration><crm_config/><nodes/><resources/><constraints/></configuration><status a="1"><x id="1a">t</x></status></cib>`, "pacemaker-4.0", true},
		"status first":                   {head + `<status/><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`, "pacemaker-4.0", false},
		"anything with none":             {`<x/>`, "none", true},
		"another root":                   {`<x/>`, "pacemaker-4.0", false},
	} {
		doc, err := xml.ParseString(c.doc)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := Validate(doc.Root, c.schema); (len(got) == 0) != c.valid {
			t.Errorf("%s: %v, want valid %v", name, got, c.valid)
		}
		if Valid(doc.Root, c.schema) != c.valid {
			t.Errorf("%s: Valid is wrong", name)
		}
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "_": true, "é": true, "a1-.": true, "中": true, "a\u0300": true, "a\u00b7": true,
		"": false, "1": false, "-a": false, "a:b": false, "a b": false, "µ": false, "\u0300a": false, "ſ": false, "a😀": false, "a\xff": false,
	} {
		if isNCName(id) != want {
			t.Errorf("isNCName(%q) is not %v", id, want)
		}
	}
}
