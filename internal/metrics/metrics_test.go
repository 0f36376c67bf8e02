package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

const cluster = `<cib crm_feature_set="3.20.0" validate-with="pacemaker-3.9" admin_epoch="0" epoch="9" num_updates="3" cib-last-written="Mon Nov 23 16:00:00 2026" have-quorum="0" dc-uuid="1">
<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/><nvpair id="o2" name="maintenance-mode" value="true"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"><instance_attributes id="a"><nvpair id="a1" name="rack" value="&quot;A\1&quot;&#10;two"/></instance_attributes></node><node id="2" uname="n2"/></nodes>
<resources>
<primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/>
<group id="g"><primitive id="web" class="systemd" type="httpd"/></group>
<clone id="pings"><primitive id="ping" class="ocf" provider="pacemaker" type="ping"/></clone>
<clone id="gc"><group id="cg"><primitive id="deep" class="ocf" provider="pacemaker" type="Dummy"/></group></clone>
</resources>
<constraints><rsc_location id="off" rsc="vip" node="n2" score="-INFINITY"/><rsc_location id="on" rsc="web" role="Started" node="n1" score="50"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><lrm_rsc_op id="vip_last_0" operation_key="vip_start_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0" transition-magic="0:0;1:1:0:a" transition-key="1:1:0:a"/></lrm_resource>
<lrm_resource id="web" class="systemd" type="httpd"><lrm_rsc_op id="web_last_failure_0" operation_key="web_start_0" operation="start" call-id="6" rc-code="1" op-status="0" interval="0" transition-magic="0:1;2:1:0:a" transition-key="2:1:0:a" last-rc-change="1700000010"/></lrm_resource>
<lrm_resource id="ping" class="ocf" provider="pacemaker" type="ping"><lrm_rsc_op id="ping_last_0" operation_key="ping_start_0" operation="start" call-id="7" rc-code="0" op-status="0" interval="0" transition-magic="0:0;3:1:0:a" transition-key="3:1:0:a"/></lrm_resource>
</lrm_resources></lrm><transient_attributes id="1"><instance_attributes id="t"><nvpair id="t1" name="fail-count-web#start_0" value="INFINITY"/></instance_attributes></transient_attributes></node_state>
</status></cib>`

// sources are of a node in a ring of two that has lost the other one.
func sources(t *testing.T) Sources {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	doc, err := xml.ParseString(cluster)
	if err != nil {
		t.Fatal(err)
	}
	return Sources{
		CIB: func(context.Context) (*etree.Element, error) { return doc.Root, nil },
		Ring: func(context.Context) (Ring, error) {
			return Ring{
				Node: 1, RingID: 1, Votes: &Votes{Expected: 2, Highest: 2, Total: 1, Quorum: 2}, Members: []Member{{1, "n1", 1}},
				Links: []Link{{0, "10.0.0.1", false}, {1, "10.0.1.1", true}},
			}, nil
		},
		SBD: func(context.Context) ([]Device, error) {
			return []Device{{Path: "/dev/b"}, {Path: "/dev/a", Healthy: true, Watchdog: 5, MsgWait: 10}}, nil
		},
		Now: func() time.Time { return time.Date(2026, 11, 23, 16, 17, 3, 0, time.UTC) },
		Log: slog.New(slog.DiscardHandler),
	}
}

func get(s Sources, path string) (int, string) {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

// TestScrape compares a scrape with the file in testdata; REWRITE=1 writes it anew.
func TestScrape(t *testing.T) {
	code, got := get(sources(t), "/metrics")
	if code != 200 {
		t.Errorf("code %d", code)
	}
	const file = "testdata/scrape.txt"
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
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if code, _ := get(sources(t), "/"); code != 200 {
		t.Errorf("its first page: %d", code)
	}
	if code, _ := get(sources(t), "/other"); code != 404 {
		t.Errorf("another page: %d", code)
	}
}

// TestDaemonsDown: whoever does not answer is missing, and told to be; the others are there.
func TestDaemonsDown(t *testing.T) {
	s := sources(t)
	s.CIB = func(context.Context) (*etree.Element, error) { return nil, errors.New("down") }
	_, got := get(s, "/metrics")
	for _, want := range []string{`ha_cluster_scrape_success{collector="pacemaker"} 0`, `ha_cluster_scrape_success{collector="corosync"} 1`, "ha_cluster_corosync_quorate 0"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "pacemaker_nodes") {
		t.Error("it tells of nodes it does not know")
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{"": "", "no": "", "YES": ":9664", "9000": ":9000", "10.0.0.1:9664": "10.0.0.1:9664", "[::1]:80": "[::1]:80"} {
		if got, err := Address(in); got != want || err != nil {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
	for _, bad := range []string{"maybe", "70000", "1.2.3.4:x", "::1"} {
		if got, err := Address(bad); err == nil {
			t.Errorf("%q gave %q", bad, got)
		}
	}
}
