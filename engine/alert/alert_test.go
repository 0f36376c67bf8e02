package alert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

const alerts = `<cib><configuration><alerts>
<alert id="all" path="/a"><meta_attributes id="m"><nvpair id="m1" name="timeout" value="5s"/><nvpair id="m2" name="timestamp-format" value="%Y"/></meta_attributes>
 <instance_attributes id="i"><nvpair id="i1" name="where" value="here"/><nvpair id="i2" name="who" value="me"/></instance_attributes>
 <recipient id="r1" value="one"/>
 <recipient id="r2" value="two"><meta_attributes id="n"><nvpair id="n1" name="timeout" value="7s"/></meta_attributes>
  <instance_attributes id="j"><nvpair id="j1" name="where" value="there"/></instance_attributes></recipient>
 <recipient id="r3" value="off"><meta_attributes id="o"><nvpair id="o1" name="enabled" value="false"/></meta_attributes></recipient></alert>
<alert id="bare" path="/b"/>
<alert id="fencing" path="/c"><select><select_fencing/></select></alert>
<alert id="attrs" path="/d"><select><select_attributes><attribute id="x" name="pingd"/></select_attributes></select></alert>
<alert id="late" path="/e"><meta_attributes id="p"><rule id="ru" score="0"><date_expression id="de" operation="gt" start="2030-01-01"/></rule><nvpair id="p1" name="enabled" value="false"/></meta_attributes></alert>
</alerts></configuration></cib>`

func root(t *testing.T) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(alerts)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

func TestWhoIsCalled(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 30, 5, 123456789, time.UTC)
	resource, ok := ResourceEvent(Operation{Node: "n1", Resource: "db", Task: "start", Duration: 250 * time.Millisecond})
	if !ok {
		t.Fatal("a start is not told")
	}
	for _, c := range []struct {
		event Event
		when  time.Time
		want  string
	}{
		{NodeEvent("n1", "1", true), now, "all/r1 all/r2 bare/ late/"},
		{NodeEvent("n1", "1", false), now.AddDate(5, 0, 0), "all/r1 all/r2 bare/"},
		{resource, now, "all/r1 all/r2 bare/ late/"},
		{FencingEvent("n2", "text", 0), now, "all/r1 all/r2 bare/ fencing/ late/"},
		{AttributeEvent("n1", "1", "pingd", "100"), now, "attrs/"},
		{AttributeEvent("n1", "1", "other", "100"), now, ""},
	} {
		var got []string
		for _, r := range New("3").Runs(root(t), c.when, c.event) {
			got = append(got, r.Alert+"/"+r.Recipient)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.event.Kind, s, c.want)
		}
	}
}

func TestWhatTheyAreTold(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 30, 5, 123456789, time.UTC)
	e, _ := ResourceEvent(Operation{Node: "n1", Resource: "db", Task: "monitor", Interval: 10 * time.Second, Code: 7, Status: 0})
	m := New("3.0.2")
	m.Runs(root(t), now, e)
	runs := m.Runs(root(t), now, e)
	has := func(r Run, list ...string) {
		t.Helper()
		for _, v := range list {
			if !slices.Contains(r.Env, v) {
				t.Errorf("%s/%s lacks %q in %q", r.Alert, r.Recipient, v, r.Env)
			}
		}
	}
	has(runs[0], "CRM_alert_kind=resource", "CRM_alert_node=n1", "CRM_alert_rsc=db", "CRM_alert_task=monitor", "CRM_alert_interval=10000", "CRM_alert_rc=7",
		"CRM_alert_target_rc=0", "CRM_alert_status=0", "CRM_alert_desc=Not running", "CRM_alert_node_sequence=5", "CRM_alert_timestamp=2026", "CRM_alert_timestamp_usec=123456",
		"CRM_alert_recipient=one", "CRM_notify_recipient=one", "CRM_alert_version=3.0.2", "where=here", "who=me")
	has(runs[1], "CRM_alert_recipient=two", "where=there", "who=me")
	has(runs[2], "CRM_alert_timestamp=12:30:05.123456")
	if runs[0].Timeout != 5*time.Second || runs[1].Timeout != 7*time.Second || runs[2].Timeout != 30*time.Second {
		t.Errorf("timeouts %v %v %v", runs[0].Timeout, runs[1].Timeout, runs[2].Timeout)
	}
	if _, ok := ResourceEvent(Operation{Task: "monitor", Code: 7, Expected: 7}); ok {
		t.Error("a probe that found what was expected is told")
	}
	if e, ok := ResourceEvent(Operation{Task: "monitor", Code: 1, Expected: 7, Status: 2}); !ok || !slices.Contains(e.Vars, Var{"desc", "Timed out"}) {
		t.Errorf("a probe that took too long: %v", e)
	}
}

func TestTimestamp(t *testing.T) {
	at := time.Date(2026, 1, 4, 3, 4, 5, 6007000, time.FixedZone("CET", 3600))
	for format, want := range map[string]string{
		"%H:%M:%S.%06N": "03:04:05.006007", "%H:%M:%S.%02N": "03:04:05.00", "%N": "006007", "%09N": "006007",
		"%Y-%m-%d %j %a %A %b %B": "2026-01-04 004 Sun Sunday Jan January", "%e|%k|%l|%I %p": " 4| 3| 3|03 AM",
		"%G-W%V-%u %w %U %W": "2026-W01-7 0 01 00", "%s": "1767492245", "%z %Z": "+0100 CET", "100%%": "100%", "%q %": "%q %", "%C%y %D": "2026 01/04/26",
	} {
		if got := Timestamp(at, format); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	f.Add("%H:%M:%S.%06N")
	f.Add("%99999999999999N%")
	f.Fuzz(func(t *testing.T, format string) {
		if out := Timestamp(time.Unix(0, 0), format); len(out) > 200+50*len(format) {
			t.Errorf("%d bytes of a format of %d", len(out), len(format))
		}
	})
}
