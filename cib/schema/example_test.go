package schema_test

import (
	"fmt"

	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

func ExampleValidate() {
	doc, err := xml.ParseString(`<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
  <configuration>
    <crm_config/>
    <nodes/>
    <resources>
      <primitve id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range schema.Validate(doc.Root, "pacemaker-3.9") {
		fmt.Println(doc.AttrPos(p.Element, p.Attr), p.Kind, p.Text)
	}
	// Output:
	// 6:7 unknown-element <primitve> may not stand in <resources>; did you mean <primitive>?
}
