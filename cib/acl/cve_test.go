package acl_test

import (
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/xml"
)

// CVE-2015-1867: elements that are new were not looked at when permissions were, so that who may only read could give itself
// a role. Whatever is added, by whatever operation and however deep in it the new element is, is held against them.
func TestCVE_2015_1867(t *testing.T) {
	const role = `<acl_role id="all"><acl_permission id="all-w" kind="write" xpath="/cib"/></acl_role>`
	const target = `<acl_target id="u"><role id="r"/><role id="all"/></acl_target>`
	root := document(t, readAll)
	for name, req := range map[string]cib.Request{
		"a role":                 {Op: cib.Create, Section: "acls", Data: parse(t, role)},
		"a role by modify":       {Op: cib.Modify, Section: "acls", Data: parse(t, "<acls>"+role+"</acls>"), CanCreate: true},
		"a user":                 {Op: cib.Create, Section: "acls", Data: parse(t, `<acl_target id="w"><role id="r"/></acl_target>`)},
		"a role of a user":       {Op: cib.Modify, Section: "acls", Data: parse(t, target)},
		"a permission":           {Op: cib.Modify, Section: "acls", Data: parse(t, `<acl_role id="r"><acl_permission id="n" kind="write" xpath="/cib"/></acl_role>`), CanCreate: true},
		"acls in place of acls":  {Op: cib.Replace, Section: "acls", Data: parse(t, "<acls>"+role+target+"</acls>")},
		"a whole configuration":  {Op: cib.Replace, Data: func() *etree.Element { c := root.Copy(); c.FindElement("//acls").AddChild(parse(t, role)); return c }()},
		"a node":                 {Op: cib.Create, Section: "nodes", Data: parse(t, `<node id="9" uname="n9"/>`)},
		"permissions turned off": {Op: cib.Modify, Section: "crm_config", Data: parse(t, `<cluster_property_set id="cib-bootstrap-options"><nvpair id="o" name="enable-acl" value="false"/></cluster_property_set>`)},
	} {
		before := string(xml.Compact(root))
		req.User = acl.User{Name: "u"}
		res, err := cib.Apply(root, req)
		if cib.CodeOf(err) != cib.Access || string(xml.Compact(res.Root)) != before {
			t.Errorf("%s: %v", name, err)
		}
	}
}
