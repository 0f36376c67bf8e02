package status_test

import (
	"strings"
	"testing"

	"hacluster/cib/xml"
	"hacluster/engine/status"
)

// TestSetsOfTags: a set may name tags, which may name tags; where any member is nothing known, or a
// tag is a member of itself, no set of the constraint is expanded.
func TestSetsOfTags(t *testing.T) {
	for members, want := range map[string]string{
		`<obj_ref id="b"/><obj_ref id="U"/>`:       "",
		`<obj_ref id="b"/><obj_ref id="nothing"/>`: "Ignoring resource sets for constraint 'o' because 'nothing' is not a valid resource or tag",
		`<obj_ref id="T"/><obj_ref id="b"/>`:       "Ignoring resource sets for constraint 'o' because 'T' is not a valid resource or tag",
	} {
		doc, err := xml.ParseString(`<cib validate-with="pacemaker-4.0"><configuration><crm_config/><nodes/><resources>` +
			`<primitive id="a" class="ocf" provider="lab" type="Dummy"/><primitive id="b" class="ocf" provider="lab" type="Dummy"/><primitive id="c" class="ocf" provider="lab" type="Dummy"/></resources>` +
			`<constraints><rsc_order id="o"><resource_set id="s"><resource_ref id="T"/><resource_ref id="c"/></resource_set></rsc_order></constraints>` +
			`<tags><tag id="T">` + members + `</tag><tag id="U"><obj_ref id="a"/></tag></tags></configuration><status/></cib>`)
		if err != nil {
			t.Fatal(err)
		}
		c := status.Read(status.Input{CIB: doc.Root})
		told := ""
		for _, m := range c.Messages {
			if strings.Contains(m.Text, "constraint 'o'") {
				told = m.Text
			}
		}
		if told != want {
			t.Errorf("%s: %q, want %q", members, told, want)
		}
		if ordered := len(c.Orderings) > 0; ordered != (want == "") {
			t.Errorf("%s: %d orders", members, len(c.Orderings))
		}
	}
}
