package access

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/acl"
	"hacluster/cib/xml"
)

func document(t *testing.T, schema string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(`<cib validate-with="` + schema + `" admin_epoch="0"><configuration><!-- note --><resources><primitive id="a&amp;b"><m/></primitive></resources>` +
		`<acls><acl_target id="joe"><role id="r"/></acl_target><acl_role id="r"><acl_permission id="1" kind="read" xpath="/cib"/>` +
		`<acl_permission id="2" kind="write" xpath="//primitive"/><acl_permission id="3" kind="deny" xpath="//acls"/></acl_role></acls></configuration></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

func TestShow(t *testing.T) {
	for style, want := range map[Style]string{
		Text: `<!-- ACLs as evaluated for user joe -->
vvv---[ READABLE ]---vvv
<cib validate-with="pacemaker-3.9" admin_epoch="0">
  <configuration>
    <!--  note  -->

    <resources>
      
      vvv---[ WRITABLE ]---vvv
      <primitive id="a&b">
        <m/>
      </primitive>
    </resources>
    
    vvv---[ ~DENIED~ ]---vvv
    <acls>`,
		Color: "<!-- ACLs as evaluated for user joe -->\n\x1b[34m<cib validate-with=\"pacemaker-3.9\" admin_epoch=\"0\">\n  \x1b[34m<configuration>\n    <!--  note  -->\n\n" +
			"    \x1b[34m<resources>\n      \x1b[32m<primitive id=\"a&b\">\n        \x1b[32m<m/>\x1b[0m\n      \x1b[32m</primitive>\x1b[0m\n    \x1b[34m</resources>\x1b[0m\n    \x1b[31m<acls>\n",
		Namespace: `<!-- ACLs as evaluated for user joe -->
<pcmk-access-readable:cib validate-with="pacemaker-3.9" admin_epoch="0" xmlns:pcmk-access-writable="http://clusterlabs.org/ns/pacemaker/access/writable" xmlns:pcmk-access-readable="http://clusterlabs.org/ns/pacemaker/access/readable" xmlns:pcmk-access-denied="http://clusterlabs.org/ns/pacemaker/access/denied">
  <configuration>
    <!--  note  -->

    <resources>
      <pcmk-access-writable:primitive id="a&b">
        <m/>
      </pcmk-access-writable:primitive>
    </resources>
    <pcmk-access-denied:acls>`,
	} {
		got, err := Show(document(t, "pacemaker-3.9"), acl.User{Name: "joe"}, style)
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("style %d: %v\n%s\nwant\n%s", style, err, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for user, want := range map[string]string{
		"root":  "Already in requested state",
		"j<o>e": "Invalid argument",
	} {
		if _, err := Show(document(t, "pacemaker-3.9"), acl.User{Name: user}, Text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", user, err, want)
		}
	}
	if _, err := Show(document(t, "pacemaker-1.2"), acl.User{Name: "joe"}, Text); err == nil {
		t.Error("permissions of an old form were shown")
	}
	// Who is permitted nothing is denied all.
	got, err := Show(document(t, "none"), acl.User{Name: "nobody"}, Text)
	if err != nil || !strings.Contains(got, "~DENIED~") || strings.Contains(got, "READABLE") {
		t.Errorf("%v\n%s", err, got)
	}
}
