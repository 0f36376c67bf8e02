package status_test

import (
	"strings"
	"testing"

	"hacluster/cib/xml"
	"hacluster/engine/status"
)

// TestBlockReferences: a block is found by its id in the resource's own element only, a single pair everywhere.
func TestBlockReferences(t *testing.T) {
	const primitive = `<primitive id="%" class="ocf" provider="lab" type="Dummy">`
	of := func(id string) string { return strings.Replace(primitive, "%", id, 1) }
	doc, err := xml.ParseString(`<cib validate-with="pacemaker-4.0"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources>` +
		of("a") + `<instance_attributes id="ai"><nvpair id="ai1" name="x" value="1"/></instance_attributes></primitive>` +
		of("b") + `<instance_attributes id-ref="ai"/></primitive>` +
		of("c") + `<instance_attributes id="ci"><nvpair id-ref="ai1"/></instance_attributes></primitive>` +
		of("d") + `<instance_attributes id="di"><nvpair id="di1" name="x" value="4"/></instance_attributes><instance_attributes id-ref="di"/></primitive>` +
		`<group id="g">` + of("e") + `<instance_attributes id-ref="ei"/></primitive>` + of("f") + `<instance_attributes id="ei"><nvpair id="ei1" name="x" value="5"/></instance_attributes></primitive></group>` +
		`</resources><constraints/></configuration><status/></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	c := status.Read(status.Input{CIB: doc.Root})
	for id, want := range map[string]string{"a": "1", "b": "", "c": "1", "d": "4", "e": "", "f": "5"} {
		if x := c.Params(c.Find(id), nil).Value("x"); x != want {
			t.Errorf("%s has x=%q, want %q", id, x, want)
		}
	}
	told := 0
	for _, m := range c.Messages {
		if strings.Contains(m.Text, "does not reference a valid object") {
			told++
		}
	}
	if told == 0 {
		t.Error("nothing is said of references to nothing")
	}
}
