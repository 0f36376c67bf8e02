package diskcib

import (
	"errors"
	"os"
	"strings"
	"testing"

	"hacluster/cib"
	"hacluster/cib/xml"
)

func TestDelete(t *testing.T) {
	dir := t.TempDir()
	const node = `/cib/configuration/nodes/node[@uname='n1']`
	if _, err := Delete(dir, node); !errors.Is(err, ErrMissing) {
		t.Errorf("without a CIB: %v", err)
	}
	doc, err := xml.Parse([]byte(`<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="5" num_updates="0"><configuration><crm_config/><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources/><constraints/></configuration><status/></cib>`))
	if err != nil {
		t.Fatal(err)
	}
	st := &cib.Store{Dir: dir}
	if err := st.Save(doc.Root); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Delete(dir, node, `//nvpair[@name='none']`); err != nil {
			t.Fatal(err)
		}
		root, note, err := st.Load()
		if err != nil || note != "" {
			t.Fatalf("%q, %v", note, err)
		}
		text := string(xml.Format(root))
		if strings.Contains(text, "n1") || !strings.Contains(text, "n2") || !strings.Contains(text, `epoch="6"`) {
			t.Errorf("%s", text)
		}
	}
	// A broken file does not hide that an older state is what is changed.
	if err := os.WriteFile(dir+"/cib.xml", []byte("<cib"), 0o600); err != nil {
		t.Fatal(err)
	}
	note, err := Delete(dir, `/cib/configuration/nodes/node[@uname='n2']`)
	if err != nil || !strings.Contains(note, "kept in "+dir+"/cib.auto.") {
		t.Errorf("%q, %v", note, err)
	}
	if root, note, err := st.Load(); err != nil || note != "" || strings.Contains(string(xml.Format(root)), "n2") {
		t.Errorf("%q, %v, %s", note, err, xml.Format(root))
	}
}
