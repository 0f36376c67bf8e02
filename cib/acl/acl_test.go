package acl_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/xml"
)

func parse(t testing.TB, text string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// document is a CIB with these permissions for user u (of role r) and enable-acl set.
func document(t testing.TB, permissions string) *etree.Element {
	t.Helper()
	return parse(t, `<cib validate-with="none" epoch="1" num_updates="0" admin_epoch="0"><configuration>`+
		`<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="o" name="enable-acl" value="true"/></cluster_property_set></crm_config>`+
		`<nodes><node id="1" uname="n1"/></nodes>`+
		`<resources><primitive id="A" class="ocf" type="Dummy"><meta_attributes id="A-meta"><nvpair id="A-role" name="target-role" value="Started"/></meta_attributes></primitive><primitive id="B" class="ocf" type="Dummy" description="secret"/></resources>`+
		`<constraints/>`+
		`<acls><acl_target id="u"><role id="r"/></acl_target><acl_group id="g"><role id="r"/></acl_group><acl_role id="r">`+permissions+`</acl_role></acls>`+
		`</configuration><status><node_state id="1"/></status></cib>`)
}

const (
	readAll   = `<acl_permission id="p-read" kind="read" xpath="/cib"/>`
	writeA    = `<acl_permission id="p-a" kind="write" reference="A"/>`
	writeMeta = `<acl_permission id="p-meta" kind="write" object-type="meta_attributes"/>`
	denyB     = `<acl_permission id="p-b" kind="deny" xpath="//primitive[@id='B']"/>`
)

func TestFilter(t *testing.T) {
	for name, c := range map[string]struct {
		permissions string
		user        acl.User
		want        string // a fragment; "" when nothing may be seen
		not         string
	}{
		"nothing permitted":       {"", acl.User{Name: "u"}, "", ""},
		"another user":            {readAll, acl.User{Name: "v"}, "", ""},
		"of the group":            {readAll, acl.User{Name: "v", Groups: []string{"x", "g"}}, `description="secret"`, ""},
		"all":                     {readAll, acl.User{Name: "u"}, `description="secret"`, ""},
		"denied inside":           {readAll + denyB, acl.User{Name: "u"}, `id="A"`, `id="B"`},
		"deny wins":               {`<acl_permission id="1" kind="read" reference="B"/>` + denyB, acl.User{Name: "u"}, "", ""},
		"write includes read":     {writeA, acl.User{Name: "u"}, `<cib><configuration><resources><primitive id="A" class="ocf"`, `id="B"`},
		"around it only ids":      {writeMeta, acl.User{Name: "u"}, `<cib><configuration><resources><primitive id="A"><meta_attributes id="A-meta">`, "class"},
		"an attribute's element":  {`<acl_permission id="1" kind="read" xpath="//@description"/>`, acl.User{Name: "u"}, `<primitive id="B" class="ocf"`, `id="A"`},
		"the document":            {`<acl_permission id="1" kind="read" xpath="/"/>`, acl.User{Name: "u"}, `description="secret"`, ""},
		"type with attribute":     {`<acl_permission id="1" kind="read" object-type="primitive" attribute="description"/>`, acl.User{Name: "u"}, `<primitive id="B" class="ocf"`, `id="A"`},
		"readable inside denied":  {readAll + `<acl_permission id="1" kind="deny" reference="A"/><acl_permission id="2" kind="read" reference="A-role"/>`, acl.User{Name: "u"}, `<primitive id="A"><meta_attributes id="A-meta"><nvpair id="A-role" name=`, ""},
		"an XPath that is broken": {`<acl_permission id="1" kind="read" xpath="//["/>`, acl.User{Name: "u"}, "", ""},
		"no kind":                 {`<acl_permission id="1" xpath="/cib"/>`, acl.User{Name: "u"}, "", ""},
		"root":                    {"", acl.User{Name: "root"}, `description="secret"`, ""},
		"hacluster":               {"", acl.User{Name: "hacluster"}, `description="secret"`, ""},
		"the cluster itself":      {"", acl.User{}, `description="secret"`, ""},
	} {
		root := document(t, c.permissions)
		before := string(xml.Compact(root))
		seen := acl.For(root, c.user, time.Time{}).Filter(root)
		got := ""
		if seen != nil {
			got = string(xml.Compact(seen))
		}
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) || c.not != "" && strings.Contains(strings.SplitN(got, "<acls", 2)[0], c.not) {
			t.Errorf("%s: %q, want %q, without %q", name, got, c.want, c.not)
		}
		if string(xml.Compact(root)) != before {
			t.Errorf("%s: the document changed", name)
		}
	}
}

func TestEnabled(t *testing.T) {
	for sets, want := range map[string]bool{
		``: false,
		`<cluster_property_set id="a"><nvpair id="1" name="enable-acl" value="true"/></cluster_property_set>`:  true,
		`<cluster_property_set id="a"><nvpair id="1" name="enable-acl" value="TRUE"/></cluster_property_set>`:  true,
		`<cluster_property_set id="a"><nvpair id="1" name="enable-acl" value="maybe"/></cluster_property_set>`: false,
		// The set that tools write to comes before all others, then the score counts.
		`<cluster_property_set id="a" score="5"><nvpair id="1" name="enable-acl" value="true"/></cluster_property_set><cluster_property_set id="cib-bootstrap-options"><nvpair id="2" name="enable-acl" value="false"/></cluster_property_set>`: false,
		`<cluster_property_set id="a"><nvpair id="1" name="enable-acl" value="false"/></cluster_property_set><cluster_property_set id="b" score="INFINITY"><nvpair id="2" name="enable-acl" value="1"/></cluster_property_set>`:                 true,
		`<cluster_property_set id="a"><rule id="r" score="0"><date_expression id="e" operation="gt" start="2030-01-01"/></rule><nvpair id="1" name="enable-acl" value="true"/></cluster_property_set>`:                                          false,
		`<cluster_property_set id="a"><rule id="r" score="0"><date_expression id="e" operation="gt" start="2020-01-01"/></rule><nvpair id="1" name="enable-acl" value="true"/></cluster_property_set>`:                                          true,
	} {
		root := parse(t, `<cib><configuration><crm_config>`+sets+`</crm_config></configuration></cib>`)
		if got := acl.Enabled(root, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("%s: %v", sets, got)
		}
	}
}

// TestChanges holds operations against permissions; cib.Apply is the one place that asks.
func TestChanges(t *testing.T) {
	const user = "u"
	for name, c := range map[string]struct {
		permissions string
		op          cib.Op
		section     string
		data        string
		want        cib.Code
	}{
		"read only":                  {readAll, cib.Modify, "resources", `<primitive id="A" type="x"/>`, cib.Access},
		"the same value again":       {readAll, cib.Modify, "resources", `<primitive id="A" type="Dummy"/>`, cib.OK},
		"may write it":               {readAll + writeA, cib.Modify, "resources", `<primitive id="A" type="x"/>`, cib.OK},
		"may write what is inside":   {readAll + writeA, cib.Modify, "resources", `<nvpair id="A-role" value="Stopped"/>`, cib.OK},
		"may not write beside it":    {readAll + writeA, cib.Modify, "resources", `<primitive id="B" type="x"/>`, cib.Access},
		"part of it is refused":      {readAll + writeA, cib.Modify, "", `<resources><primitive id="A" type="x"/><primitive id="B" type="x"/></resources>`, cib.Access},
		"may not delete":             {readAll, cib.Delete, "resources", `<primitive id="A"/>`, cib.Access},
		"may delete":                 {readAll + writeA, cib.Delete, "resources", `<primitive id="A"/>`, cib.OK},
		"deletes what is not there":  {readAll, cib.Delete, "resources", `<primitive id="Z"/>`, cib.OK},
		"may not create":             {readAll + writeA, cib.Create, "resources", `<primitive id="C" class="ocf" type="x"/>`, cib.Access},
		"may create what is its own": {readAll + `<acl_permission id="1" kind="write" xpath="//primitive[@id='C']"/>`, cib.Create, "resources", `<primitive id="C" class="ocf" type="x"/>`, cib.OK},
		"scaffolding":                {readAll + writeMeta, cib.Modify, "resources", `<primitive id="B"><meta_attributes id="B-meta"><nvpair id="B-1" name="n" value="v"/></meta_attributes></primitive>`, cib.OK},
		"no scaffolding in acls":     {readAll, cib.Create, "acls", `<acl_target id="x"/>`, cib.Access},
		"gives itself a role":        {readAll + writeA, cib.Modify, "acls", `<acl_target id="u"><role id="other"/></acl_target>`, cib.Access},
		"switches permissions off":   {readAll + writeA, cib.Modify, "crm_config", `<nvpair id="o" value="false"/>`, cib.Access},
		"denied inside":              {`<acl_permission id="w" kind="write" xpath="/cib"/>` + denyB, cib.Modify, "resources", `<primitive id="B" type="x"/>`, cib.Access},
		"replaces by the same":       {readAll, cib.Replace, "resources", `<primitive id="B" class="ocf" type="Dummy" description="secret"/>`, cib.OK},
		"replaces by something else": {readAll, cib.Replace, "resources", `<primitive id="B" class="ocf" type="Dummy" description="known"/>`, cib.Access},
		"replaces and drops":         {readAll + writeA, cib.Replace, "resources", `<resources><primitive id="A" class="lsb" type="Dummy"/></resources>`, cib.Access},
		"replaces its own":           {readAll + writeA, cib.Replace, "resources", `<resources><primitive id="A" class="lsb" type="Dummy"/><primitive id="B" class="ocf" type="Dummy" description="secret"/></resources>`, cib.OK},
		"erases":                     {readAll + writeA, cib.Erase, "", ``, cib.Access},
		"bumps":                      {readAll + writeA, cib.Bump, "", ``, cib.Access},
		"patches":                    {readAll, cib.Patch, "", `<diff format="2"><change operation="delete" path="/cib/configuration/resources/primitive[@id='A']"/></diff>`, cib.Access},
		"patches its own":            {readAll + writeA, cib.Patch, "", `<diff format="2"><change operation="delete" path="/cib/configuration/resources/primitive[@id='A']"/></diff>`, cib.OK},
		"in a transaction": {
			readAll + writeA, cib.Commit, "", `<cib_transaction><cib_command cib_op="cib_delete" cib_section="resources"><cib_calldata><primitive id="B"/></cib_calldata></cib_command></cib_transaction>`, cib.Access,
		},
	} {
		root := document(t, c.permissions)
		req := cib.Request{Op: c.op, Section: c.section, User: acl.User{Name: user}}
		if c.data != "" {
			req.Data = parse(t, c.data)
		}
		res, err := cib.Apply(root, req)
		if got := cib.CodeOf(err); got != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && res.Root != root {
			t.Errorf("%s: refused, but changed", name)
		}
		// Who may do all is never refused.
		req.User = acl.User{Name: "root"}
		if _, err := cib.Apply(root, req); cib.CodeOf(err) == cib.Access {
			t.Errorf("%s: refused to root: %v", name, err)
		}
	}
}

// TestWithoutPermissionNothingChanges: whatever is tried, a user changes nothing of what
// is denied to it, and sees nothing of it.
func TestWithoutPermissionNothingChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		root := document(t, readAll+writeA+denyB)
		secret := func(root *etree.Element) string {
			for _, p := range root.FindElements("./configuration/resources/primitive") {
				if p.SelectAttrValue("id", "") == "B" {
					return string(xml.Compact(p))
				}
			}
			return "gone"
		}
		b := etree.NewElement(rapid.SampledFrom([]string{"primitive", "resources", "cib", "configuration"}).Draw(rt, "tag"))
		b.CreateAttr("id", rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "id"))
		b.CreateAttr("description", rapid.SampledFrom([]string{"secret", "x"}).Draw(rt, "description"))
		if b.Tag != "primitive" {
			b.RemoveAttr("id")
			c := b.CreateElement("primitive")
			c.CreateAttr("id", rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "inner id"))
			c.CreateAttr("type", "t")
		}
		req := cib.Request{
			Op:        rapid.SampledFrom([]cib.Op{cib.Create, cib.Modify, cib.Replace, cib.Delete, cib.Erase}).Draw(rt, "op"),
			Section:   rapid.SampledFrom([]string{"", "resources", "configuration", "//primitive", "//primitive[@id='B']", "//*"}).Draw(rt, "section"),
			Data:      b,
			CanCreate: rapid.Bool().Draw(rt, "create"),
			Multiple:  rapid.Bool().Draw(rt, "multiple"),
			User:      acl.User{Name: "u"},
		}
		req.XPath = strings.HasPrefix(req.Section, "//")
		res, err := cib.Apply(root, req)
		if secret(res.Root) != secret(root) {
			rt.Fatalf("%v of %s by a user who may not: %v\n%s", req.Op, xml.Compact(b), err, xml.Compact(res.Root))
		}
		seen, _ := cib.Apply(root, cib.Request{Op: cib.Query, User: acl.User{Name: "u"}})
		if seen.Data == nil || secret(seen.Data) != "gone" {
			rt.Fatal("what is denied is seen")
		}
	})
}

func FuzzPolicy(f *testing.F) {
	f.Add("//primitive[@id='B']", "A", "nvpair", "name")
	f.Add("/cib/configuration/resources | //@id", "it's \"x\"", "*", "id")
	f.Add("//*[position()=last()]/ancestor::*", "]", "a:b", "@")
	f.Fuzz(func(t *testing.T, xpath, reference, tag, attribute string) {
		root := document(t, "")
		role := root.FindElement("//acl_role")
		for i, a := range [][]string{{"read", "xpath", xpath}, {"write", "reference", reference}, {"deny", "object-type", tag, "attribute", attribute}} {
			p := role.CreateElement("acl_permission")
			p.CreateAttr("id", string(rune('a'+i)))
			p.CreateAttr("kind", a[0])
			for j := 1; j < len(a); j += 2 {
				p.CreateAttr(a[j], a[j+1])
			}
		}
		policy := acl.For(root, acl.User{Name: "u"}, time.Time{})
		marks := policy.Marks(root)
		seen := policy.Filter(root)
		// What is seen is part of what is there, and nothing that is denied is in it.
		if seen != nil {
			for _, el := range append(seen.FindElements("//*"), seen) {
				id := el.SelectAttrValue("id", "")
				same := slices.ContainsFunc(append(root.FindElements("//*"), root), func(o *etree.Element) bool {
					return o.Tag == el.Tag && o.SelectAttrValue("id", "") == id && (marks.May(o, acl.Read) || len(el.Attr) <= 1)
				})
				if !same {
					t.Fatalf("%s %s is seen", el.Tag, id)
				}
			}
		}
	})
}

// Groups travel as they are, and those whose names would be taken for others beside them.
func TestGroupsText(t *testing.T) {
	for _, c := range []struct{ groups, want, spaced []string }{
		{nil, []string{}, nil},
		{[]string{"haclient", "wheel"}, []string{"haclient", "wheel"}, nil},
		{[]string{"domain users", "wheel", "a\tb", "a\u2003b", "100% sure", ""}, []string{"wheel"}, []string{"domain users", "a\tb", "a\u2003b", "100% sure"}},
		{[]string{"not\x01 in XML\xff"}, []string{}, []string{"not\x01 in XML\xff"}},
	} {
		if got := acl.ParseSpaced(acl.SpacedText(c.groups)); !slices.Equal(got, c.spaced) {
			t.Errorf("%q: with blanks %q, want %q", c.groups, got, c.spaced)
		}
		if got := acl.ParseGroups(acl.GroupsText(c.groups)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.groups, got, c.want)
		}
	}
}
