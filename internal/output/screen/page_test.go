package screen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

const cluster = `<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" have-quorum="1" dc-uuid="1" cib-last-written="Mon Nov 23 16:00:00 2026">
<configuration><crm_config><cluster_property_set id="o"><nvpair id="i" name="cluster-infrastructure" value="corosync"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><group id="web"><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/><primitive id="site" class="ocf" provider="heartbeat" type="apache"/></group>
<clone id="ping-clone"><primitive id="ping" class="ocf" provider="pacemaker" type="ping"/></clone></resources>
<constraints><rsc_location id="off" rsc="web" node="n2" score="-INFINITY"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><lrm_rsc_op id="vip_start_0" operation_key="vip_start_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0" transition-magic="0:0;1:1:0:a" transition-key="1:1:0:a" exec-time="12" last-rc-change="1700000000"/></lrm_resource>
<lrm_resource id="site" class="ocf" provider="heartbeat" type="apache"><lrm_rsc_op id="site_last_failure_0" operation_key="site_start_0" operation="start" call-id="6" rc-code="1" op-status="0" interval="0" transition-magic="0:1;2:1:0:a" transition-key="2:1:0:a" exit-reason="port in use" exec-time="1500" last-rc-change="1700000010"/></lrm_resource>
<lrm_resource id="ping" class="ocf" provider="pacemaker" type="ping"><lrm_rsc_op id="ping_start_0" operation_key="ping_start_0" operation="start" call-id="7" rc-code="0" op-status="0" interval="0" transition-magic="0:0;3:1:0:a" transition-key="3:1:0:a"/></lrm_resource>
</lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`

// TestPages compares pages with the files in testdata; REWRITE=1 writes them anew.
func TestPages(t *testing.T) {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	doc := etree.NewDocument()
	if err := doc.ReadFromString(cluster); err != nil {
		t.Fatal(err)
	}
	read := func() *status.Cluster {
		return status.Read(status.Input{CIB: doc.Root(), Now: time.Date(2026, 11, 23, 16, 17, 3, 0, time.UTC)})
	}
	all := Page{Sections: AllText, Inactive: true, Timing: true}
	byNode := Page{Sections: DefaultText, ByNode: true, Inactive: true, Detail: true}
	fenced := Page{Sections: DefaultText, Live: true, Fencing: []Fencing{
		{Target: "n2", Action: "reboot", Origin: "n1", Delegate: "n1", Client: "c.1", State: "success", At: time.Unix(1700000020, 5000)},
		{Target: "n2", Action: "reboot", Origin: "n1", Delegate: "n1", Client: "c.1", State: "failed", Reason: "no device", At: time.Unix(1700000010, 0)},
	}}
	for name, got := range map[string]string{
		"full.txt":   Text(read(), all),
		"bare.txt":   Bare(read(), Page{Sections: DefaultXML, Inactive: true, Timing: true}),
		"bynode.txt": Text(read(), byNode),
		"fenced.txt": Text(read(), fenced),
		"filter.txt": Text(read(), Page{Sections: Resources, Resource: "vip", Inactive: true}),
		"page.xml":   XML(read(), Page{Sections: DefaultXML}, Frame{Request: "crm_mon --output-as=xml"}),
		"legacy.txt": Legacy(read(), Options{Inactive: true, FenceLevel: 1}),
	} {
		file := filepath.Join("testdata", name)
		if os.Getenv("REWRITE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestStackWithoutValue: each form has its own way to say that the property has no value.
func TestStackWithoutValue(t *testing.T) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(strings.Replace(cluster, ` value="corosync"`, "", 1)); err != nil {
		t.Fatal(err)
	}
	c, p := status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)}), Page{Sections: Stack}
	for want, got := range map[string]string{
		"* Stack: (null)\n": Text(c, p),
		"<span class=\"bold\">Stack: </span><span></span>": HTML(c, p, Head{}, nil),
		"<stack/>": XML(c, p, Frame{}),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}

func TestLegacyXML(t *testing.T) {
	time.Local = time.UTC
	doc := etree.NewDocument()
	if err := doc.ReadFromString(cluster); err != nil {
		t.Fatal(err)
	}
	c := status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)})
	got := LegacyXML(c, Options{Inactive: true})
	for _, want := range []string{
		"<?xml version=\"1.0\"?>\n<crm_mon version=\"1.1.23\">\n    <summary>\n        <stack type=\"corosync\" />\n",
		`        <node name="n1" id="1" online="true" standby="false" standby_onfail="false" maintenance="false" pending="false" unclean="false" shutdown="false" expected_up="true" is_dc="true" resources_running="3" type="member" />`,
		"        <group id=\"web\" number_resources=\"2\" >\n            <resource id=\"vip\" resource_agent=\"ocf::heartbeat:IPaddr2\" role=\"Started\" active=\"true\" orphaned=\"false\" blocked=\"false\" managed=\"true\" failed=\"false\" failure_ignored=\"false\" nodes_running_on=\"1\" >\n                <node name=\"n1\" id=\"1\" cached=\"false\"/>\n",
		`        <failure op_key="site_start_0" node="n1" exitstatus="unknown error" exitreason="port in use" exitcode="1" call="6" status="complete" last-rc-change="Tue Nov 14 22:13:30 2023"`,
		"        <cluster_options stonith-enabled=\"true\" symmetric-cluster=\"true\" no-quorum-policy=\"stop\" maintenance-mode=\"false\" />\n",
		"</crm_mon>\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if line, code := LegacyLine(c); line != "CLUSTER OK: 2 nodes online, 4 resource instances configured" || code != 0 {
		t.Errorf("%q, exit code %d", line, code)
	}
}

// TestNamesAlike: a node whose name differs from that of an active one only in case does not count as
// one on which a clone is stopped, and such names stand in the order of the original.
func TestNamesAlike(t *testing.T) {
	const instance = `<lrm id="1"><lrm_resources><lrm_resource id="p" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="p_last_0" operation_key="p_start_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0" transition-magic="0:0;3:1:0:a" transition-key="3:1:0:a"/></lrm_resource></lrm_resources></lrm>`
	nodes, states := "", ""
	for i, name := range []string{"A", "N01", "n1", "a", "Node-A", "node-A", "n01"} {
		id := string(rune('1' + i))
		nodes += `<node id="` + id + `" uname="` + name + `"/>`
		active := instance
		if name == "N01" || name == "a" || name == "n01" {
			active = ""
		}
		states += `<node_state id="` + id + `" uname="` + name + `" in_ccm="true" crmd="online" join="member" expected="member">` + active + `</node_state>`
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<cib validate-with="pacemaker-4.0"><configuration><crm_config/><nodes>` + nodes + `</nodes><resources><clone id="c"><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></clone></resources><constraints/></configuration><status>` + states + `</status></cib>`); err != nil {
		t.Fatal(err)
	}
	got := Text(status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)}), Page{Sections: Resources, Inactive: true})
	if want := "    * Started: [ A n1 Node-A node-A ]\n    * Stopped: [ N01 n01 ]\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestBeyondASCII: pages in HTML and attributes in XML tell such characters by their numbers.
func TestBeyondASCII(t *testing.T) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<cib validate-with="pacemaker-4.0"><configuration><crm_config/><nodes><node id="1" uname="köln"/></nodes><resources/><constraints/></configuration><status/></cib>`); err != nil {
		t.Fatal(err)
	}
	read := func() *status.Cluster {
		return status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)})
	}
	for format, got := range map[string]string{
		"html": HTML(read(), Page{Sections: DefaultText}, Head{}, nil),
		"xml":  XML(read(), Page{Sections: DefaultXML}, Frame{Request: "crm_mon"}),
	} {
		if !strings.Contains(got, "k&#xF6;ln") || strings.Contains(got, "ö") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// TestTicketGrantedAtZero: a time that cannot be read counts as the beginning of time, which is one to tell.
func TestTicketGrantedAtZero(t *testing.T) {
	time.Local = time.UTC
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<cib validate-with="pacemaker-4.0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status><tickets><ticket_state id="t" granted="true" last-granted="N"/></tickets></status></cib>`); err != nil {
		t.Fatal(err)
	}
	c := status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)})
	if got := Text(c, Page{Sections: Tickets}); !strings.Contains(got, `last-granted="Thu Jan  1 00:00:00 1970"`) {
		t.Error(got)
	}
}
