package placement

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

const empty = `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="0" num_updates="0"><configuration><crm_config/><nodes/><resources>` +
	`<primitive id="vip" class="lsb" type="x"/><primitive id="a" class="lsb" type="x"/><primitive id="b" class="lsb" type="x"/>` +
	`</resources><constraints/></configuration><status/></cib>`

func apply(t *testing.T, root *etree.Element, reqs ...cib.Request) *etree.Element {
	t.Helper()
	for _, r := range reqs {
		res, err := cib.Apply(root, r)
		if err != nil {
			t.Fatal(err)
		}
		root = res.Root
	}
	return root
}

func parse(t *testing.T, text string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

func constraints(root *etree.Element) string {
	return string(xml.Compact(root.FindElement("./configuration/constraints")))
}

func TestWish(t *testing.T) {
	for _, c := range []struct {
		name string
		req  cib.Request
		want string
	}{
		{
			"ban", Wish{Resource: "vip", Node: "n 1", Role: Started}.Ban(),
			`<rsc_location id="cli-ban-vip-on-n.1" rsc="vip" role="Started" node="n 1" score="-INFINITY"/>`,
		},
		{
			"prefer", Wish{Resource: "vip", Node: "n1", Role: Promoted}.Prefer(),
			`<rsc_location id="cli-prefer-vip" rsc="vip" role="Promoted" node="n1" score="INFINITY"/>`,
		},
		{
			"ban for a time", Wish{Resource: "vip", Node: "n1", Role: Started, End: "2030-01-01"}.Ban(),
			`<rsc_location id="cli-ban-vip-on-n1" rsc="vip" role="Started"><rule id="cli-ban-vip-on-n1-rule" score="-INFINITY" boolean-op="and">` +
				`<expression id="cli-ban-vip-on-n1-expr" attribute="#uname" operation="eq" value="n1" type="string"/>` +
				`<date_expression id="cli-ban-vip-on-n1-lifetime" operation="lt" end="2030-01-01"/></rule></rsc_location>`,
		},
		{
			"prefer for a time", Wish{Resource: "vip", Node: "n1", Role: Started, End: "2030-01-01"}.Prefer(),
			`<rsc_location id="cli-prefer-vip" rsc="vip" role="Started"><rule id="cli-prefer-rule-vip" score="INFINITY" boolean-op="and">` +
				`<expression id="cli-prefer-expr-vip" attribute="#uname" operation="eq" value="n1" type="string"/>` +
				`<date_expression id="cli-prefer-lifetime-end-vip" operation="lt" end="2030-01-01"/></rule></rsc_location>`,
		},
	} {
		root := apply(t, parse(t, empty), c.req, c.req) // a wish repeated is the same wish
		if got, want := constraints(root), "<constraints>"+c.want+"</constraints>"; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
	}
}

func TestClear(t *testing.T) {
	wish := func(node, end string) Wish { return Wish{Resource: "vip", Node: node, Role: Started, End: end} }
	for _, c := range []struct {
		name        string
		wishes      []cib.Request
		bans, force bool
		left        int
	}{
		{"ban there", []cib.Request{wish("n1", "").Ban(), wish("n2", "").Ban()}, true, false, 1},
		{"ban kept", []cib.Request{wish("n1", "").Ban()}, false, false, 1},
		{"preferred there", []cib.Request{wish("n1", "").Prefer()}, false, false, 0},
		{"preferred elsewhere", []cib.Request{wish("n2", "").Prefer()}, true, false, 1},
		{"preferred elsewhere, forced", []cib.Request{wish("n2", "").Prefer()}, true, true, 0},
		{"for a time", []cib.Request{wish("n1", "2030-01-01").Prefer()}, false, false, 0},
		{"for a time, elsewhere", []cib.Request{wish("n2", "2030-01-01").Prefer()}, false, false, 1},
	} {
		root := apply(t, parse(t, empty), c.wishes...)
		root = apply(t, root, Clear("vip", "n1", c.bans, c.force)...)
		if got := len(root.FindElements("./configuration/constraints/*")); got != c.left {
			t.Errorf("%s: %d left, want %d: %s", c.name, got, c.left, constraints(root))
		}
	}
}

func TestExpired(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	past, err := End(now.Add(-2*time.Hour), "PT1H")
	if err != nil {
		t.Fatal(err)
	}
	future, _ := End(now, "PT1H")
	root := apply(t, parse(t, empty),
		Wish{"a", "n1", Started, past}.Ban(), Wish{"a", "n2", Started, future}.Ban(), Wish{"a", "n3", Started, ""}.Ban(),
		Wish{"b", "n2", Promoted, past}.Prefer())
	for _, c := range []struct {
		of   Expired
		want []string
	}{
		{Expired{}, []string{"cli-ban-a-on-n1", "cli-prefer-b"}},
		{Expired{Resource: "a"}, []string{"cli-ban-a-on-n1"}},
		{Expired{Node: "n2"}, []string{"cli-prefer-b"}},
		{Expired{Promoted: true}, []string{"cli-prefer-b"}},
		{Expired{Resource: "a", Node: "n2"}, nil},
	} {
		if got := c.of.Of(root, now); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.of, got, c.want)
		}
	}
}

func TestEnd(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))
	for lifetime, want := range map[string]string{
		"PT1H": "2026-01-31 13:00:00 +01:00", "P1M": "2026-02-28 12:00:00 +01:00", "PT5M30S": "2026-01-31 12:05:30 +01:00",
	} {
		if got, err := End(now, lifetime); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", lifetime, got, err, want)
		}
	}
	if got, _ := End(now.UTC(), "PT1H"); got != "2026-01-31 12:00:00Z" {
		t.Errorf("in UTC: %q", got)
	}
	for _, lifetime := range []string{"", "5", "PT0S", "P0D", "2030-01-01", "bogus"} {
		if got, err := End(now, lifetime); !errors.Is(err, ErrDuration) {
			t.Errorf("%q: %q, %v", lifetime, got, err)
		}
	}
}
