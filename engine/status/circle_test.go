package status

import (
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
)

// What the DC says of a circle counts, what others said when they were DC does not.
func TestCircle(t *testing.T) {
	const sign = `<hacluster_circle resources="web" steps="web_start_0 on a" why="Transient attribute change: master-web of a"/>`
	for name, c := range map[string]struct {
		dc, a, b string
		want     string
	}{
		"none":         {"1", "", "", ""},
		"of the DC":    {"1", sign, "", "The cluster turns in a circle with web, and waits some seconds each time: the same steps (web_start_0 on a) are planned again and again, and all that happens in between is: Transient attribute change: master-web of a. "},
		"of another":   {"2", sign, "", ""},
		"without a DC": {"", sign, sign, ""},
		"damaged":      {"1", "<hacluster_circle/>", "", "The cluster turns in a circle with something, "},
	} {
		t.Run(name, func(t *testing.T) {
			dc := ""
			if c.dc != "" {
				dc = ` dc-uuid="` + c.dc + `"`
			}
			doc, err := xml.ParseString(`<cib` + dc + `><configuration><crm_config/><nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes><resources/><constraints/></configuration><status>` +
				`<node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member">` + c.a + `</node_state><node_state id="2" uname="b" in_ccm="true" crmd="online" join="member" expected="member">` + c.b + `</node_state></status></cib>`)
			if err != nil {
				t.Fatal(err)
			}
			got := Read(Input{CIB: doc.Root, Now: time.Unix(1, 0)}).Circle()
			if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
				t.Errorf("says %q, want %q", got, c.want)
			}
		})
	}
}
