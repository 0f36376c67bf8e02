package executor

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

func TestAdopt(t *testing.T) {
	doc, err := xml.ParseString(`<lrm id="far"><lrm_resources>
		<lrm_resource id="A" class="ocf" provider="p" type="t" container="c" shutdown-lock="77">
			<lrm_rsc_op id="A_last_0" operation_key="A_start_0" operation="start" interval="0" op-status="0" rc-code="0" call-id="12"/>
			<lrm_rsc_op id="A_monitor_5000" operation_key="A_monitor_5000" operation="monitor" interval="5000" op-status="-1" rc-code="193" call-id="-1"/>
			<lrm_rsc_op id="A_last_failure_0" operation_key="A_monitor_5000" operation="monitor" interval="5000" op-status="0" rc-code="7" call-id="15"/>
		</lrm_resource>
		<lrm_resource id="B" class="ocf" provider="p" type="t"><lrm_rsc_op id="B_last_0" operation_key="B_monitor_0" operation="monitor" interval="0" op-status="0" rc-code="7" call-id="3"/></lrm_resource>
	</lrm_resources></lrm>`)
	if err != nil {
		t.Fatal(err)
	}
	lrm := doc.Root
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	if got := e.Adopt("far", lrm, all, true); !slices.Equal(got.Stale, []Entry{{"A", "A_monitor_5000"}}) || got.Again != nil || got.Pending {
		t.Errorf("what is to be ordered again: %v", got)
	}
	if got := New(f).Adopt("far", nil, all, true); got.Stale != nil || got.Again != nil || got.Pending {
		t.Errorf("of no history: %v", got)
	}
	if got := f.take(); got != "" {
		t.Errorf("it did %s", got)
	}
	text := string(xml.Compact(e.State("far")))
	for _, want := range []string{
		`<lrm_resource id="A" class="ocf" provider="p" type="t" container="c" shutdown-lock="77">`, `id="A_last_failure_0"`, `id="B_last_0" operation_key="B_monitor_0"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if strings.Contains(text, `id="A_monitor_5000"`) {
		t.Errorf("what recurred is in the history: %s", text)
	}
	// What comes later counts as later.
	now := time.Unix(1000, 0)
	e.Invoke(now, Op{Resource: "B", Class: "ocf", Provider: "p", Type: "t", Action: "start", Node: "far", Key: "1:2:0:uuid"})
	e.Finished(now, f.order[0], Result{})
	if text := string(xml.Compact(e.State("far"))); !strings.Contains(text, `operation_key="B_start_0"`) || !strings.Contains(text, `call-id="16"`) {
		t.Errorf("after a start: %s", text)
	}
	lrm.FindElement("//lrm_rsc_op[@id='B_last_0']").CreateAttr("op-status", "-1")
	if got := New(f).Adopt("far", lrm, all, true); !got.Pending {
		t.Error("a probe is under way")
	}
}

func all(string, string) bool { return true }

// An executor that has taken a history over hears what the other one told late: what it did itself stays, and comes into the CIB again where that has something else
// by now; the rest is as it stands there.
func TestAdoptLate(t *testing.T) {
	const (
		probed  = `<lrm_rsc_op id="A_last_0" operation_key="A_monitor_0" operation="monitor" interval="0" op-status="0" rc-code="7" call-id="3"/>`
		failed  = `<lrm_rsc_op id="A_last_failure_0" operation_key="A_asyncmon_0" operation="asyncmon" interval="0" op-status="0" rc-code="1" call-id="9"/>`
		checked = `<lrm_rsc_op id="A_monitor_5000" operation_key="A_monitor_5000" operation="monitor" interval="5000" op-status="0" rc-code="0" call-id="8"/>`
		stops   = `<lrm_rsc_op id="A_last_0" operation_key="A_stop_0" operation="stop" interval="0" op-status="-1" rc-code="193" call-id="-1"/>`
	)
	for _, x := range []struct {
		name         string
		started      bool // by this one, after it has taken the history over
		late         string
		which        string // entry; "": all
		otherStart   bool
		again, stale string
		pending      bool
		knows        string
	}{
		{name: "a failure", late: probed + failed, which: "A_last_failure_0", knows: "A_last_0 A_last_failure_0"},
		{name: "a failure of an earlier start", late: probed + failed, which: "A_last_failure_0", otherStart: true, stale: "A_last_failure_0", knows: "A_last_0"},
		{name: "what it has taken over is of an earlier start", late: probed, which: "A_last_0", otherStart: true, stale: "A_last_0", knows: ""},
		{name: "what recurs", late: probed + checked, which: "A_monitor_5000", stale: "A_monitor_5000", knows: "A_last_0"},
		{name: "forgotten", late: "", knows: ""},
		{name: "forgotten, another entry", late: "", which: "A_other", knows: "A_last_0"},
		{name: "under way", late: stops, which: "A_last_0", pending: true, knows: "A_last_0"},
		{name: "what was done since", started: true, late: probed, which: "A_last_0", again: "A_last_0:A_start_0", knows: "A_last_0"},
		{name: "what was done since is forgotten", started: true, late: "", again: "A_last_0:A_start_0", knows: "A_last_0"},
		{name: "under way before what was done since", started: true, late: stops, again: "A_last_0:A_start_0", knows: "A_last_0"},
		{name: "another entry than what was done since", started: true, late: probed + failed, which: "A_last_failure_0", knows: "A_last_0 A_last_failure_0"},
	} {
		history := func(entries string) *etree.Element {
			doc, err := xml.ParseString(`<lrm id="far"><lrm_resources><lrm_resource id="A" class="ocf" provider="p" type="t">` + entries + `</lrm_resource></lrm_resources></lrm>`)
			if err != nil {
				t.Fatal(err)
			}
			return doc.Root
		}
		f := &fake{runs: map[uint64]Op{}}
		e := New(f)
		e.Adopt("far", history(probed), all, true)
		if x.started {
			now := time.Unix(1000, 0)
			e.Invoke(now, Op{Resource: "A", Class: "ocf", Provider: "p", Type: "t", Action: "start", Node: "far", Key: "1:2:0:uuid"})
			e.Finished(now, f.order[0], Result{})
		}
		got := e.Adopt("far", history(x.late), func(resource, entry string) bool { return resource == "A" && (x.which == "" || entry == x.which) }, !x.otherStart)
		var again, stale, knows []string
		for _, entry := range got.Stale {
			stale = append(stale, entry.ID)
		}
		for _, el := range got.Again {
			for _, op := range el.SelectElements("lrm_rsc_op") {
				again = append(again, op.SelectAttrValue("id", "")+":"+op.SelectAttrValue("operation_key", ""))
			}
		}
		for _, op := range e.State("far").FindElements("//lrm_rsc_op") {
			knows = append(knows, op.SelectAttrValue("id", ""))
		}
		if strings.Join(again, " ") != x.again || strings.Join(stale, " ") != x.stale || got.Pending != x.pending || strings.Join(knows, " ") != x.knows {
			t.Errorf("%s: again %v, stale %v, pending %v; it knows %v", x.name, again, got.Stale, got.Pending, knows)
		}
		if e.Adopt("far", e.State("far"), all, true).Again != nil {
			t.Errorf("%s: it has again what the CIB has", x.name)
		}
	}
}

// Where the DC has changed entries in an executor's place, the executor knows them as they stand, and is as it was otherwise: what is under way goes on, and what is
// done later takes their place.
func TestCorrect(t *testing.T) {
	const (
		migrated = `<lrm_rsc_op id="A_migrate_to_0" operation_key="A_migrate_to_0" operation="migrate_to" interval="0" op-status="0" rc-code="0" call-id="3" transition-key="2:1:0:uuid"/>`
		last     = `<lrm_rsc_op id="A_last_0" operation_key="A_start_0" operation="start" interval="0" op-status="2" rc-code="1" call-id="-1" transition-key="1:2:0:uuid"/>`
		failure  = `<lrm_rsc_op id="A_last_failure_0" operation_key="A_start_0" operation="start" interval="0" op-status="2" rc-code="1" call-id="-1" transition-key="1:2:0:uuid"/>`
	)
	now := time.Unix(1000, 0)
	start := Op{Resource: "A", Class: "ocf", Provider: "p", Type: "t", Action: "start", Node: "n", Key: "1:2:0:uuid"}
	for _, x := range []struct {
		name    string
		begun   bool // the start is under way
		in      string
		entries []Entry
		knows   string // once corrected
		ended   string // once the start has ended well
	}{
		{"of a step that it never heard of", false, last + failure, []Entry{{"A", "A_last_0"}, {"A", "A_last_failure_0"}}, "A_last_0:2 A_last_failure_0:2 A_migrate_to_0:0", ""},
		{"of one under way", true, migrated + last + failure, []Entry{{"A", "A_last_0"}, {"A", "A_last_failure_0"}}, "A_last_0:2 A_last_failure_0:2 A_migrate_to_0:0", "A_last_0:0 A_last_failure_0:2 A_migrate_to_0:0"},
		{"of two steps, one after the other", true, migrated + last + failure, []Entry{{"A", "A_last_0"}, {"A", "A_last_failure_0"}, {"A", "A_last_0"}, {"A", "A_last_failure_0"}}, "A_last_0:2 A_last_failure_0:2 A_migrate_to_0:0", "A_last_0:0 A_last_failure_0:2 A_migrate_to_0:0"},
		{"of another one than those", true, migrated + last + failure, []Entry{{"A", "A_last_failure_0"}, {"B", "A_last_0"}}, "A_last_0:-1 A_last_failure_0:2 A_migrate_to_0:0", "A_last_0:0 A_last_failure_0:2 A_migrate_to_0:0"},
		{"taken out", true, last, []Entry{{"A", "A_migrate_to_0"}}, "A_last_0:-1", "A_last_0:0"},
		{"of what it has told since", true, last, nil, "A_last_0:-1 A_migrate_to_0:0", "A_last_0:0 A_migrate_to_0:0"},
	} {
		history := func(entries string) *etree.Element {
			doc, err := xml.ParseString(`<lrm id="n"><lrm_resources><lrm_resource id="A" class="ocf" provider="p" type="t">` + entries + `</lrm_resource></lrm_resources></lrm>`)
			if err != nil {
				t.Fatal(err)
			}
			return doc.Root
		}
		f := &fake{runs: map[uint64]Op{}}
		e := New(f)
		e.Adopt("n", history(migrated), all, true)
		if x.begun {
			e.Invoke(now, start)
		}
		f.take()
		knows := func() string {
			var out []string
			for _, op := range e.State("n").FindElements("//lrm_rsc_op") {
				out = append(out, op.SelectAttrValue("id", "")+":"+op.SelectAttrValue("op-status", ""))
			}
			return strings.Join(out, " ")
		}
		e.Correct("n", history(x.in), x.entries)
		if got := knows(); got != x.knows {
			t.Errorf("%s: it knows %s, not %s", x.name, got, x.knows)
		}
		if got := f.take(); got != "" {
			t.Errorf("%s: it did %s", x.name, got)
		}
		if x.begun {
			e.Finished(now, f.order[len(f.order)-1], Result{})
			if got := knows(); got != x.ended {
				t.Errorf("%s: in the end it knows %s, not %s", x.name, got, x.ended)
			}
		}
	}
	// What waits for something else is lost as what runs is.
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	probe, stop := start, start
	probe.Action, probe.Key, stop.Action, stop.Key = "monitor", "1:1:7:uuid", "stop", "2:1:0:uuid"
	e.Invoke(now, probe)
	e.Invoke(now, stop)
	if text := string(xml.Compact(e.State("n"))); !strings.Contains(text, `operation="stop"`) || !strings.Contains(text, `op-status="-1"`) {
		t.Errorf("before: %s", text)
	}
	lost, err := xml.ParseString(`<lrm id="n"><lrm_resources><lrm_resource id="A"><lrm_rsc_op id="A_last_0" operation="stop" interval="0" op-status="2" transition-key="2:1:0:uuid"/></lrm_resource></lrm_resources></lrm>`)
	if err != nil {
		t.Fatal(err)
	}
	e.Correct("n", lost.Root, []Entry{{"A", "A_last_0"}})
	if text := string(xml.Compact(e.State("n"))); !strings.Contains(text, `op-status="2"`) || strings.Contains(text, `op-status="-1"`) {
		t.Errorf("what waits is lost: %s", text)
	}
	// A failure that is cleared goes, though the executor has never heard of the step.
	f = &fake{runs: map[uint64]Op{}}
	e = New(f)
	doc, err := xml.ParseString(`<lrm id="n"><lrm_resources><lrm_resource id="A" class="ocf" provider="p" type="t">` + failure + `</lrm_resource></lrm_resources></lrm>`)
	if err != nil {
		t.Fatal(err)
	}
	e.Correct("n", doc.Root, []Entry{{"A", "A_last_failure_0"}})
	e.Invoke(now, Op{Resource: "A", Action: "clear_failcount", Node: "n"})
	if got := f.take(); got != "forget A A_last_failure_0" {
		t.Errorf("cleared: %s", got)
	}
	e.Correct("n", nil, []Entry{{"A", "A_last_0"}, {"C", "C_last_0"}}) // of which nothing is there
}

// What a DC writes of a step that was lost has no number of a call. Before the history is written again under another DC the executor gives it one, after all that it
// did before it took that in, and before all that it did since.
func TestNumberLost(t *testing.T) {
	now := time.Unix(1000, 0)
	doc, err := xml.ParseString(`<lrm id="n"><lrm_resources><lrm_resource id="A" class="ocf" provider="p" type="t">
		<lrm_rsc_op id="A_last_0" operation_key="A_stop_0" operation="stop" interval="0" op-status="2" rc-code="1" call-id="-1" transition-key="1:2:0:first"/>
		<lrm_rsc_op id="A_last_failure_0" operation_key="A_stop_0" operation="stop" interval="0" op-status="2" rc-code="1" call-id="-1" transition-key="1:2:0:first"/>
		</lrm_resource></lrm_resources></lrm>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, early := range []bool{false, true} {
		f := &fake{runs: map[uint64]Op{}}
		e := New(f)
		do := func(action string) {
			e.Invoke(now, Op{Resource: "A", Class: "ocf", Provider: "p", Type: "t", Action: action, Node: "n", Key: "2:1:0:second"})
			e.Finished(now, f.order[len(f.order)-1], Result{})
		}
		call := func(entry string) int {
			n, err := strconv.Atoi(e.State("n").FindElement("//lrm_rsc_op[@id='"+entry+"']").SelectAttrValue("call-id", ""))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		do("start")
		started := call("A_last_0")
		e.Correct("n", doc.Root, []Entry{{"A", "A_last_0"}, {"A", "A_last_failure_0"}})
		if call("A_last_0") != -1 || call("A_last_failure_0") != -1 {
			t.Errorf("it has them otherwise than the CIB: %d, %d", call("A_last_0"), call("A_last_failure_0"))
		}
		if early {
			e.NumberLost()
			if call("A_last_0") != call("A_last_failure_0") {
				t.Errorf("one step has two numbers: %d, %d", call("A_last_0"), call("A_last_failure_0"))
			}
		}
		do("stop")
		e.NumberLost()
		if lost, stopped := call("A_last_failure_0"), call("A_last_0"); lost <= started || stopped <= lost {
			t.Errorf("numbered before what is done next (%v): started %d, lost %d, stopped %d", early, started, lost, stopped)
		}
	}
}
