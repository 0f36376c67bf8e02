package node

import (
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// A host of Pacemaker's asks at its start for schemas newer than those that it knows; it needs none that the document does not follow.
func TestSchemasAfter(t *testing.T) {
	root := cib.New()
	root.CreateAttr("validate-with", "pacemaker-3.9")
	for _, c := range []struct {
		version string
		code    cib.Code
	}{
		{"pacemaker-3.9", 0},
		{"pacemaker-4.0", 0},
		{"pacemaker-9.9", 0}, // that host is newer than this one
		{"pacemaker-3.0", cib.NotSupported},
		{"", cib.Protocol},
	} {
		asked := etree.NewElement("x")
		if c.version != "" {
			asked.CreateAttr("version", c.version)
		}
		data, err := schemasAfter(asked, root)
		if got := cib.CodeOf(err); got != c.code || (data != nil) != (c.code == 0) {
			t.Errorf("%q: %v %v, want code %d", c.version, data, err, c.code)
		}
		if data != nil && (data.Tag != "schemas" || len(data.Child) > 0) {
			t.Errorf("%q: %v", c.version, data)
		}
	}
	if _, err := schemasAfter(nil, root); cib.CodeOf(err) != cib.Protocol {
		t.Errorf("nothing asked: %v", err)
	}
}
