package upgrade

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

const head = `<cib validate-with="%" admin_epoch="0" epoch="0" num_updates="0"><configuration>`

// document is a configuration of the schema with these parts; what is not given is empty.
func document(name, resources, constraints, more string) string {
	return strings.Replace(head, "%", name, 1) + `<crm_config/><nodes/><resources>` + resources + `</resources><constraints>` + constraints + `</constraints>` + more + `</configuration><status/></cib>`
}

func TestUpgrade(t *testing.T) {
	const p = `<primitive id="a" class="ocf" provider="p" type="t"/>`
	for name, c := range map[string]struct {
		doc, max string
		schema   string
		contains string
		code     int
	}{
		"nothing but the name": {
			doc: document("pacemaker-1.0", p, "", ""), schema: "pacemaker-4.0", contains: p,
		},
		"as far as is allowed": {
			doc: document("pacemaker-1.0", p, "", ""), max: "pacemaker-3.9", schema: "pacemaker-3.9",
		},
		"no way back": {
			doc: document("pacemaker-4.0", p, "", ""), max: "pacemaker-3.9", schema: "pacemaker-4.0",
		},
		"none stays": {doc: document("none", "<x/>", "", ""), schema: "none"},
		"unknown":    {doc: document("pacemaker-9.9", p, "", ""), schema: "pacemaker-9.9", code: Corrupt},
		"invalid":    {doc: document("pacemaker-3.9", "<x/>", "", ""), schema: "pacemaker-3.9", code: SchemaValidation},
		"invalid as declared, valid later": {
			doc: document("pacemaker-3.0", `<primitive id="a" class="ocf" provider="p" type="t"><operations><op id="o" name="monitor" interval="0" role="Promoted"/></operations></primitive>`, "", ""), schema: "pacemaker-4.0",
		},
		"users become targets": {
			doc:    document("pacemaker-1.3", p, "", `<acls><acl_user id="u"><read id="r" tag="nodes" attribute="x"/></acl_user></acls>`),
			schema: "pacemaker-4.0", contains: `<acl_target id="u"><role id="auto-u"/></acl_target><acl_role id="auto-u"><acl_permission id="r" kind="read" object-type="nodes" attribute="x"/></acl_role>`,
		},
		"what operations require goes to the resource": {
			doc:    document("pacemaker-2.10", `<primitive id="a" class="ocf" provider="p" type="t"><operations><op id="o" name="start" interval="0" requires="quorum"/></operations></primitive>`, "", ""),
			schema: "pacemaker-4.0", contains: `<meta_attributes id="_2TO3_a-meta"><nvpair id="_2TO3_o-meta-requires" name="requires" value="quorum"/></meta_attributes>`,
		},
		"a master becomes a promotable clone": {
			doc:    document("pacemaker-3.9", `<master id="m">`+p+`</master>`, "", ""),
			schema: "pacemaker-4.0", contains: `<clone id="m"><meta_attributes id="pcmk__3_10_upgrade-promotable-legacy-m-meta_attributes" score="INFINITY"><nvpair id="pcmk__3_10_upgrade-promotable-legacy-m-meta_attributes-promotable" name="promotable" value="true"/></meta_attributes>`,
		},
		"a reference to what goes stops at 3.10": {
			doc: document("pacemaker-3.9", `<bundle id="b"><rkt image="i"/><primitive id="in" class="ocf" provider="p" type="t"/></bundle>`, `<rsc_location id="l" rsc="in" node="n" score="1"/>`, ""), schema: "pacemaker-3.10",
		},
		"and fails where it began there": {
			doc:    document("pacemaker-3.10", `<bundle id="b"><rkt image="i"/><primitive id="in" class="ocf" provider="p" type="t"/></bundle>`, `<rsc_location id="l" rsc="in" node="n" score="1"/>`, ""),
			schema: "pacemaker-3.10", code: TransformFailed,
		},
	} {
		doc, err := xml.ParseString(c.doc)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := string(xml.Compact(doc.Root))
		res, err := Upgrade(doc.Root, c.max)
		code := 0
		if e, ok := err.(*Error); ok {
			code = e.Code
		}
		got := string(xml.Compact(res.Root))
		if code != c.code || res.Schema != c.schema || !strings.Contains(got, c.contains) || res.Root.SelectAttrValue("validate-with", "") != c.schema {
			t.Errorf("%s: code %d (%v), schema %s\n%s\nwant code %d, schema %s, %s", name, code, err, res.Schema, got, c.code, c.schema, c.contains)
		}
		if after := string(xml.Compact(doc.Root)); after != before {
			t.Errorf("%s: the input was changed", name)
		}
	}
}

func TestForScheduler(t *testing.T) {
	for text, want := range map[string]string{
		document("pacemaker-3.9", "", "", ""):     "",
		document("pacemaker-4.0", "<x/>", "", ""): "", // the schema is another matter
		document("none", "<x/>", "", ""):          "",
		document("pacemaker-3.9", "<x/>", "", ""): "Cannot upgrade configuration (claiming pacemaker-3.9 schema) to at least pacemaker-4.0 because it does not validate with any schema from pacemaker-3.9 to the latest",
		document("pacemaker-3.9", `<bundle id="b"><rkt image="i"/><primitive id="in" class="ocf" provider="p" type="t"/></bundle>`, `<rsc_location id="l" rsc="in" node="n" score="1"/>`, ""): "Cannot upgrade configuration (claiming pacemaker-3.9 schema) to at least pacemaker-4.0 because it would not upgrade past pacemaker-3.10",
	} {
		doc, err := xml.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := ForScheduler(doc.Root); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n%q, want %q", text, got, want)
		}
	}
}

// TestForReadingPart: what a user may not read is missing in what a manager gives; it is read all the same.
func TestForReadingPart(t *testing.T) {
	const acls = `<acls><acl_role id="r"><acl_permission id="p" kind="deny" reference="Secret"/></acl_role></acls>`
	for _, c := range []struct{ schema, resources, constraints, contains string }{
		{"pacemaker-3.9", "", `<rsc_location id="l" rsc="Secret" node="n" score="1"/>`, `rsc="Secret"`},
		{"pacemaker-3.9", `<primitive id="Secret"/>`, "", `<primitive id="Secret"/>`},
		{"pacemaker-3.9", `<master id="m"><primitive id="a" class="ocf" provider="p" type="t"/></master>`, `<rsc_location id="l" rsc="Secret" node="n" score="1"/>`, `<clone id="m">`},
		{"pacemaker-2.10", `<primitive id="Secret"/>`, `<rsc_location id="l" rsc="nothing" node="n" score="1"/>`, `<primitive id="Secret"/>`},
		{"pacemaker-4.0", "", `<rsc_location id="l" rsc="Secret" node="n" score="1"/>`, `rsc="Secret"`},
	} {
		doc, err := xml.ParseString(strings.Replace(document(c.schema, c.resources, c.constraints, ""), "</configuration>", acls+"</configuration>", 1))
		if err != nil {
			t.Fatal(err)
		}
		before := string(xml.Compact(doc.Root))
		if _, err := ForScheduler(doc.Root); err == nil && c.schema != schema.Latest {
			t.Errorf("%s: a file with it is valid", before)
		}
		res, err := ForReading(doc.Root)
		if got := string(xml.Compact(res.Root)); err != nil || res.Schema != schema.Latest || !strings.Contains(got, c.contains) {
			t.Errorf("%s\nis read as %s (%v): %s\nwant %s", before, res.Schema, err, got, c.contains)
		}
		if after := string(xml.Compact(doc.Root)); after != before {
			t.Errorf("the input was changed:\n%s\n%s", before, after)
		}
	}
	if _, err := ForReading(etree.NewElement("cib")); err == nil {
		t.Error("a document without its root's attributes can be read")
	}
}

// TestProperties holds for any document: what an upgrade yields is valid by the schema
// that it names, and to upgrade it once more changes nothing.
func TestProperties(t *testing.T) {
	names := schema.Names()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		properties(t, r, names[r.IntN(len(names)-1)])
	}
}

func properties(t *testing.T, r *rand.Rand, name string) {
	t.Helper()
	root := randomDocument(r, name)
	root.CreateAttr("validate-with", name)
	before := string(xml.Compact(root))
	res, err := Upgrade(root, "")
	if string(xml.Compact(root)) != before {
		t.Fatalf("the input was changed:\n%s", before)
	}
	if err != nil {
		if res.Root != root || res.Changed {
			t.Fatalf("failed (%v), yet another document:\n%s", err, before)
		}
		return
	}
	if problems := schema.Validate(res.Root, res.Schema); len(problems) > 0 && res.Changed {
		t.Fatalf("%s to %s is not valid: %v\n%s", name, res.Schema, problems, before)
	}
	again, err := Upgrade(res.Root, "")
	if res.Schema == schema.Latest && (err != nil || again.Changed) {
		t.Fatalf("upgraded once more it changed (%v):\n%s", err, before)
	}
}

func FuzzUpgrade(f *testing.F) {
	f.Add(document("pacemaker-1.3", `<primitive id="p" class="lsb" type="t"><meta_attributes id="m"><rule id="r" score="1"/></meta_attributes></primitive>`, "", ""))
	f.Add(document("pacemaker-2.10", "", `<rsc_colocation id="c" rsc="c" with-rsc="c" score-attribute="x"/>`, ""))
	f.Add(document("pacemaker-3.10", `<primitive id="p" class="nagios" type="t"><operations id="o" id-ref="o"/></primitive>`, "", ""))
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := xml.ParseString(text)
		if err != nil || len(text) > 2000 { // a large one takes long, and shows no more than small ones
			return
		}
		res, err := Upgrade(doc.Root, "")
		if err == nil && res.Changed && !schema.Valid(res.Root, res.Schema) {
			t.Fatalf("not valid by %s", res.Schema)
		}
		for _, step := range rewrites { // also what is not valid must not stop the program
			root := doc.Root.Copy()
			_ = step(root, func(Message) {})
		}
	})
}

// TestGenerations: a schema allows all that the one before it does, but where a rewrite leaves
// a generation; Upgrade counts on it.
func TestGenerations(t *testing.T) {
	names := schema.Names()
	for i, name := range names[:len(names)-1] {
		next := names[i+1]
		if next == schema.None || schema.Same(name, next) {
			continue
		}
		r := rand.New(rand.NewPCG(3, uint64(i)))
		broken := ""
		for range 60 {
			root := schema.Random(r, name, 2)
			root.CreateAttr("validate-with", name)
			if schema.Valid(root, name) && !schema.Valid(root, next) {
				broken = schema.Validate(root, next)[0].Text
			}
		}
		if (broken != "") != (rewrites[name] != nil) {
			t.Errorf("from %s to %s: what is not valid any more: %q", name, next, broken)
		}
	}
}

// TestForReading: the result reads as that of ForScheduler; the status is the document's own where
// nothing is rewritten, and the document stays as it was, each part where it stood.
func TestForReading(t *testing.T) {
	const plain = `<primitive id="a" class="ocf" provider="p" type="t"/>`
	const master = plain + `<master id="m"><primitive id="b" class="ocf" provider="p" type="t"/></master>`
	for _, c := range [][2]string{
		{"pacemaker-1.2", plain},
		{"pacemaker-2.10", plain},
		{"pacemaker-2.10", master},
		{"pacemaker-3.0", plain},
		{"pacemaker-3.0", master},
		{"pacemaker-3.9", plain},
		{"pacemaker-3.9", master},
		{"pacemaker-4.0", plain},
	} {
		name, p := c[0], c[1]
		doc, err := xml.ParseString(document(name, p, `<!--c--><rsc_location id="l" rsc="a" node="n" score="1"/>`, ""))
		if err != nil {
			t.Fatal(err)
		}
		doc.Root.SelectElement("status").CreateElement("node_state").CreateAttr("id", "1")
		before := string(xml.Compact(doc.Root))
		want, err := ForScheduler(doc.Root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ForReading(doc.Root)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := string(xml.Compact(got.Root)), string(xml.Compact(want.Root)); a != b || got.Changed != want.Changed {
			t.Errorf("%s: got %s\nwant %s", name, a, b)
		}
		if shared := got.Root.SelectElement("status") == doc.Root.SelectElement("status"); shared == got.Rewritten {
			t.Errorf("%s: rewritten: %v; the status is shared: %v", name, got.Rewritten, shared)
		}
		inPlace(t, name, doc.Root)
		if after := string(xml.Compact(doc.Root)); after != before {
			t.Errorf("%s: the document is %s now, was %s", name, after, before)
		}
	}
}

// inPlace holds that all below el know where they stand.
func inPlace(t *testing.T, name string, el *etree.Element) {
	t.Helper()
	for i, c := range el.Child {
		if c.Parent() != el || c.Index() != i {
			t.Errorf("%s: what stands at %d in %s says that it stands at %d in %v", name, i, el.Tag, c.Index(), c.Parent())
		}
		if e, ok := c.(*etree.Element); ok {
			inPlace(t, name, e)
		}
	}
}
