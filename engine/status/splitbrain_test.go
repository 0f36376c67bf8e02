package status

import (
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
)

func TestSplitBrain(t *testing.T) {
	const two = `<node id="1" uname="a"/><node id="2" uname="b"/>`
	for _, c := range []struct {
		nodes, fencing, policy string
		warned                 bool
	}{
		{two, "false", "ignore", true},
		{two + `<node id="r" uname="r" type="remote"/>`, "false", "ignore", true},
		{two, "true", "ignore", false},
		{two, "false", "stop", false},
		{two + `<node id="3" uname="c"/>`, "false", "ignore", false},
	} {
		doc, err := xml.ParseString(`<cib validate-with="pacemaker-3.9"><configuration><crm_config><cluster_property_set id="s"><nvpair id="x" name="stonith-enabled" value="` + c.fencing +
			`"/><nvpair id="y" name="no-quorum-policy" value="` + c.policy + `"/></cluster_property_set></crm_config><nodes>` + c.nodes + `</nodes><resources/><constraints/></configuration><status/></cib>`)
		if err != nil {
			t.Fatal(err)
		}
		got := Read(Input{CIB: doc.Root, Now: time.Unix(1, 0)}).SplitBrain()
		if (got != "") != c.warned || c.warned && !strings.Contains(got, "pcs stonith create") {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
