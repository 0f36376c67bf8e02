package main

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/output/tui"
)

const twoNodes = `<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" have-quorum="1" dc-uuid="1"><configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources><constraints/></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`

// The keys of the old screen keep their meaning, in both dialects.
func TestKeysSwitchParts(t *testing.T) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(twoNodes); err != nil {
		t.Fatal(err)
	}
	s := tui.Snapshot{Root: doc.Root(), At: time.Date(2026, 11, 23, 16, 17, 3, 0, time.UTC)}
	r, err := parseRequest(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.format = "text"
	if err := r.choose(); err != nil {
		t.Fatal(err)
	}
	old, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]tui.Pager{"3": &pageScreen{r}, "1.1": &legacyScreen{old}} {
		show := func() string {
			return p.Render(status.Read(status.Input{CIB: s.Root, Now: s.At}), s)
		}
		if strings.Contains(show(), "vip") {
			t.Errorf("%s: a stopped resource shows before r", name)
		}
		if !p.Key("r") || !strings.Contains(show(), "vip") {
			t.Errorf("%s: after r:\n%s", name, show())
		}
		if !p.Key("D") || strings.Contains(show(), "Stack") {
			t.Errorf("%s: after D:\n%s", name, show())
		}
		for _, k := range []string{"c", "f", "n", "o", "t", "A", "L", "R", "b", "j", "m"} {
			if !p.Key(k) {
				t.Errorf("%s: %s means nothing", name, k)
			}
		}
		if p.Key("x") {
			t.Errorf("%s: x means something", name)
		}
		var letters string
		for _, sw := range p.Switches() {
			letters += sw.Key
		}
		if letters != "cfnortALDRbjm" {
			t.Errorf("%s: switches %s", name, letters)
		}
	}
}
