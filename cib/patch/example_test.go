package patch_test

import (
	"fmt"

	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

func ExampleDiff() {
	parse := func(text string) *xml.Document {
		doc, err := xml.ParseString(text)
		if err != nil {
			panic(err)
		}
		return doc
	}
	before := parse(`<cib admin_epoch="0" epoch="1" num_updates="0"><configuration><nodes><node id="1" uname="alpha"/></nodes></configuration></cib>`)
	after := parse(`<cib admin_epoch="0" epoch="2" num_updates="0"><configuration><nodes><node id="2" uname="beta"/></nodes></configuration></cib>`)

	p := patch.Diff(before.Root, after.Root, patch.Versions)
	for _, line := range patch.Describe(p) {
		fmt.Println(line)
	}
	res, err := patch.Apply(before.Root, p, patch.CheckVersion)
	fmt.Println(patch.Same(res.Root, after.Root), err)
	// Output:
	// Diff: --- 0.1.0 2
	// Diff: +++ 0.2.0 (no digest)
	// -- /cib/configuration/nodes/node[@id='1']
	// +  /cib:  @epoch=2
	// ++ /cib/configuration/nodes:  <node id="2" uname="beta"/>
	// true <nil>
}
