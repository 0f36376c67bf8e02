package fencer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
)

// TestDevices: what a node may use, and with which parameters, as the scheduler reads it.
func TestDevices(t *testing.T) {
	const nodes = `<nodes><node id="1" uname="n1"><instance_attributes id="n1-a"><nvpair id="n1-r" name="rack" value="7"/></instance_attributes></node><node id="2" uname="n2"/></nodes>`
	device := func(inside string) string {
		return `<primitive id="A" class="stonith" type="fence_a">` + inside + `</primitive>`
	}
	for _, c := range []struct {
		name, options, resources, constraints, rest string
		want                                        string // of n1 and n2: whether each may use it, and n1's parameters
	}{
		{"plain", "", device(`<instance_attributes id="i"><nvpair id="p" name="ip" value="1"/></instance_attributes>`), "", "", "A fence_a true true [{ip 1}]"},
		{"of a template", "", `<template id="T" class="stonith" type="fence_t"><instance_attributes id="ti"><nvpair id="tp" name="ip" value="2"/></instance_attributes></template><primitive id="A" template="T"><instance_attributes id="i"><nvpair id="p" name="login" value="x"/></instance_attributes></primitive>`, "", "", "A fence_t true true [{login x} {ip 2}]"},
		{"by reference", "", device(`<instance_attributes id="i"><nvpair id-ref="p"/></instance_attributes>`) + `<primitive id="S" class="ocf" provider="p" type="t"><instance_attributes id="i2"><nvpair id="p" name="ip" value="3"/></instance_attributes></primitive>`, "", "", "A fence_a true true [{ip 3}]"},
		{"by rule", "", device(`<instance_attributes id="i" score="2"><rule id="r" score="0"><expression id="e" attribute="rack" operation="eq" value="7"/></rule><nvpair id="p" name="ip" value="4"/></instance_attributes><instance_attributes id="i3" score="1"><nvpair id="p3" name="ip" value="5"/></instance_attributes>`), "", "", "A fence_a true true [{ip 4}]"},
		{"in a group", "", `<group id="G">` + device("") + `</group>`, `<rsc_location id="l" rsc="G" node="n1" score="-INFINITY"/>`, "", "A fence_a false true []"},
		{"a clone", "", `<clone id="C">` + device("") + `</clone>`, `<rsc_location id="l" rsc="C" node="n2" score="-1"/>`, "", "A fence_a true false []"},
		{"a location with a rule", "", device(""), `<rsc_location id="l" rsc="A"><rule id="r" score="-INFINITY"><expression id="e" attribute="rack" operation="eq" value="7"/></rule></rsc_location>`, "", "A fence_a false true []"},
		{"a location of a set", "", device(""), `<rsc_location id="l" node="n1" score="-INFINITY"><resource_set id="s"><resource_ref id="A"/></resource_set></rsc_location>`, "", "A fence_a false true []"},
		{"locations add up", "", device(""), `<rsc_location id="l" rsc="A" node="n1" score="-5"/><rsc_location id="m" rsc-pattern="^A" node="n1" score="6"/>`, "", "A fence_a true true []"},
		{"nowhere by itself", `<nvpair id="o" name="symmetric-cluster" value="false"/>`, device(""), `<rsc_location id="l" rsc="A" node="n1" score="1"/>`, "", "A fence_a true false []"},
		{"disabled by default", "", device(""), "", `<rsc_defaults><meta_attributes id="d"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></rsc_defaults>`, "A fence_a false false []"},
		{"no device", "", `<primitive id="S" class="ocf" provider="p" type="t"/>`, "", "", ""},
	} {
		doc, err := xml.ParseString(`<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9"><configuration><crm_config><cluster_property_set id="c">` + c.options + `</cluster_property_set></crm_config>` + nodes + `<resources>` + c.resources + `</resources><constraints>` + c.constraints + `</constraints>` + c.rest + `</configuration><status/></cib>`)
		if err != nil {
			t.Fatal(c.name, err)
		}
		before := string(xml.Compact(doc.Root))
		var got []string
		for _, d := range Devices(doc.Root, "n1", time.Unix(1000, 0)) {
			got = append(got, fmt.Sprint(d.ID, " ", d.Agent, " ", d.usable("n1"), " ", d.usable("n2"), " ", d.Params))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
		if after := string(xml.Compact(doc.Root)); after != before {
			t.Errorf("%s: the document was changed: %s", c.name, after)
		}
	}
}

func TestParseTargets(t *testing.T) {
	for text, want := range map[string]string{
		"n1,a1\nn2 a2;x\\nn3": "n1 a1 n2 a2 x n3", "n1, ON\nOff,n2\n": "n1 n2", "invalid option x\nn1": "n1", "n1|up\n(x)": "n1", "": "",
	} {
		if got := strings.Join(ParseTargets(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
