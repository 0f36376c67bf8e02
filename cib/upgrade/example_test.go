package upgrade_test

import (
	"fmt"

	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
)

func ExampleUpgrade() {
	doc, err := xml.ParseString(`<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="o">
        <nvpair id="o-r" name="remove-after-stop" value="true"/>
      </cluster_property_set>
    </crm_config>
    <nodes/>
    <resources>
      <master id="m"><primitive id="p" class="ocf" provider="pacemaker" type="Stateful"/></master>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>`)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := upgrade.Upgrade(doc.Root, "") // as far as it goes
	fmt.Println(res.Schema, err)
	for _, m := range res.Messages {
		fmt.Println(m.Text)
	}
	fmt.Print(string(xml.Format(res.Root.FindElement("configuration/resources"))))
	// Output:
	// pacemaker-4.0 <nil>
	// WARNING: Dropping nvpair o-r because the remove-after-stop property is unsupported
	// <resources>
	//   <clone id="m">
	//     <meta_attributes id="pcmk__3_10_upgrade-promotable-legacy-m-meta_attributes" score="INFINITY">
	//       <nvpair id="pcmk__3_10_upgrade-promotable-legacy-m-meta_attributes-promotable" name="promotable" value="true"/>
	//     </meta_attributes>
	//     <primitive id="p" class="ocf" provider="pacemaker" type="Stateful"/>
	//   </clone>
	// </resources>
}
