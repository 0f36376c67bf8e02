package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// TestLauncher: a page that is made on a remote host says that Pacemaker itself does not run there.
func TestLauncher(t *testing.T) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<cib crm_feature_set="3.20.5" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes>
<resources><primitive id="far" class="ocf" provider="pacemaker" type="remote"/></resources><constraints/></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string][2]string{
		"n1":  {"running", "(Pacemaker is running)"},
		"far": {"remote", "(pacemaker-remoted is running (on a Pacemaker Remote node))"},
	} {
		read := func() *status.Cluster {
			return status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1700000000, 0)})
		}
		p := Page{Sections: DefaultXML, Live: true, LocalNode: host}
		if got := XML(read(), p, Frame{}); !strings.Contains(got, `pacemakerd-state="`+want[0]+`"`) {
			t.Errorf("%s: not %s in\n%s", host, want[0], got)
		}
		p.Sections = DefaultText
		if got := Text(read(), p); !strings.Contains(got, want[1]) {
			t.Errorf("%s: not %s in\n%s", host, want[1], got)
		}
	}
}
