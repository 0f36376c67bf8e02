package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// TestHostileNames: what a name holds reaches no terminal and no browser as anything but text,
// in whatever form the page is; XML still says what the name is.
func TestHostileNames(t *testing.T) {
	const evil = "a\u202eb\u009b31m<script>alert(1)</script>\n\u007f\u0085\u2066c\u200b\"&d"
	escape := strings.NewReplacer("<", "&lt;", "\n", "&#10;", `"`, "&quot;", "&", "&amp;").Replace(evil)
	doc := etree.NewDocument()
	text := strings.NewReplacer("n1", "n1"+escape, "vip", "vip"+escape, "site", "site"+escape, "IPaddr2", "IPaddr2"+escape, "port in use", escape).Replace(cluster)
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	c := status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)})
	p := Page{
		Sections: AllText, Inactive: true, Detail: true, Timing: true, Live: true, LocalNode: evil,
		Fencing: []Fencing{{Target: evil, Action: "off", Client: evil, Origin: evil, Delegate: evil, State: "failed", Reason: evil}},
	}
	for form, got := range map[string]string{
		"text": Text(c, p), "html": HTML(c, p, Head{Title: evil, Stylesheet: evil}, []string{evil}), "xml": XML(c, p, Frame{Request: evil, Errors: []string{evil}}),
		"legacy xml": LegacyXML(c, Options{Inactive: true, Operations: true, FailCounts: true, Attributes: true}),
		"legacy":     Legacy(c, Options{Inactive: true, Operations: true, FailCounts: true, Attributes: true}),
	} {
		for _, r := range got {
			if r != '\n' && steers(r) {
				t.Errorf("%s: %U stands in the page", form, r)
				break
			}
		}
		if form != "text" && form != "legacy" && strings.Contains(got, "<script>") {
			t.Errorf("%s: markup gets through", form)
		}
		if !strings.Contains(got, "alert(1)") {
			t.Errorf("%s: the names are not there\n%s", form, got)
		}
	}
	back := etree.NewDocument()
	if err := back.ReadFromString(XML(c, p, Frame{})); err != nil {
		t.Fatal(err)
	}
	if r := back.FindElement("//resource"); r == nil || r.SelectAttrValue("id", "") != "vip"+evil {
		t.Errorf("the name that is read back is %q", r.SelectAttrValue("id", ""))
	}
}
