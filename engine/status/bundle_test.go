package status_test

import (
	"slices"
	"testing"

	"hacluster/cib/xml"
	"hacluster/engine/status"
)

// TestBundleAddresses: an IPv6 address stands in ids as it is, and none is known to follow it: then
// there is no parameter for it.
func TestBundleAddresses(t *testing.T) {
	for first, want := range map[string][]string{
		"fe80::1":    {"b-ip-fe80::1 ip=fe80::1", "b-ip-.null."},
		"10.0.0.253": {"b-ip-10.0.0.253 ip=10.0.0.253", "b-ip-10.0.0.254 ip=10.0.0.254"},
		"10.0.0.254": {"b-ip-10.0.0.254 ip=10.0.0.254", "b-ip-10.0.1.1 ip=10.0.1.1"},
	} {
		doc, err := xml.ParseString(`<cib validate-with="pacemaker-4.0"><configuration><crm_config/><nodes/><resources>` +
			`<bundle id="b"><podman image="i" replicas="2"/><network ip-range-start="` + first + `"/></bundle>` +
			`</resources><constraints/></configuration><status/></cib>`)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range status.Read(status.Input{CIB: doc.Root}).Find("b").Bundle.Parts {
			line := p.IP.ID
			for _, v := range p.IP.XML.FindElements("./instance_attributes/nvpair") {
				if v.SelectAttrValue("name", "") == "ip" {
					line += " ip=" + v.SelectAttrValue("value", "")
				}
			}
			got = append(got, line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %s: %q, want %q", first, got, want)
		}
	}
}
