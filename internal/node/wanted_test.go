package node

import (
	"testing"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// What ends a try to connect to a remote node must be plain: a try that ends for nothing is made again at once.
func TestWantedConnections(t *testing.T) {
	for _, c := range []struct {
		resources string
		want      bool
	}{
		{``, false},
		{`<primitive id="x"/>`, false},
		{`<primitive id="r" class="ocf" provider="pacemaker" type="remote"/>`, true},
		{`<primitive id="f" class="stonith"><instance_attributes id="i"><nvpair id="n" name="pcmk_host_list" value="r"/></instance_attributes></primitive>`, false},
		{`<group id="g"><primitive id="r"/></group>`, true},
		{`<primitive id="r"><meta_attributes id="m"><nvpair id="n" name="target-role" value="stopped"/></meta_attributes></primitive>`, false},
		{`<primitive id="r"><meta_attributes id="m"><nvpair id="n" name="target-role" value="Started"/></meta_attributes></primitive>`, true},
		{`<primitive id="r"><meta_attributes id="m"><rule id="u"/><nvpair id="n" name="target-role" value="Stopped"/></meta_attributes></primitive>`, true},
		{`<primitive id="r"><meta_attributes id="m"><nvpair id="n" name="target-role" value="Stopped"/></meta_attributes><meta_attributes id-ref="o"/></primitive>`, true},
		{`<primitive id="r"><meta_attributes id="m"><nvpair id="n" name="target-role" value="Stopped"/><nvpair id-ref="o"/></meta_attributes></primitive>`, true},
		{`<primitive id="vm"><meta_attributes id="m"><nvpair id="n" name="remote-node" value="r"/></meta_attributes></primitive>`, true},
		{`<primitive id="vm"><meta_attributes id="m"><nvpair id="n" name="remote-node" value="r"/><nvpair id="s" name="target-role" value="Stopped"/></meta_attributes></primitive>`, false},
		{`<template id="t"><meta_attributes id="m"><nvpair id="n" name="remote-node" value="r"/></meta_attributes></template>`, true},
	} {
		doc, err := cib.Parse([]byte(`<cib validate-with="pacemaker-3.9"><configuration><resources>` + c.resources + `</resources></configuration></cib>`))
		if err != nil {
			t.Fatal(err)
		}
		if got := wanted(doc.Root, "r"); got != c.want {
			t.Errorf("%s: %v", c.resources, got)
		}
	}
	doc, err := xml.ParseString(`<cib><configuration><resources><bundle id="web-app"><docker/></bundle></resources></configuration></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	if !wanted(doc.Root, "web-app-1") || wanted(doc.Root, "web-1") || wanted(doc.Root, "web") {
		t.Error("instances of bundles")
	}
}
