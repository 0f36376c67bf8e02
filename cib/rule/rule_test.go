package rule_test

import (
	"testing"
	"time"

	"hacluster/cib/rule"
	"hacluster/cib/xml"
)

var now = time.Date(2024, 2, 29, 10, 30, 15, 0, time.UTC) // a Thursday in week 9

func TestRules(t *testing.T) {
	attrs := map[string]string{"site": "east", "cores": "16", "version": "3.10.1"}
	cases := []struct {
		name, xml string
		want      rule.Outcome
		next      string
	}{
		{"equal", `<rule id="r"><expression id="e" attribute="site" operation="eq" value="east"/></rule>`, rule.Pass, ""},
		{"numbers", `<rule id="r"><expression id="e" attribute="cores" operation="gt" type="number" value="9"/></rule>`, rule.Pass, ""},
		{"strings", `<rule id="r"><expression id="e" attribute="cores" operation="gt" type="string" value="9"/></rule>`, rule.Unsatisfied, ""},
		{"versions", `<rule id="r"><expression id="e" attribute="version" operation="gte" type="version" value="3.9"/></rule>`, rule.Pass, ""},
		{"defined", `<rule id="r"><expression id="e" attribute="rack" operation="not_defined"/></rule>`, rule.Pass, ""},
		{"and", `<rule id="r" boolean-op="and"><expression id="e" attribute="site" operation="eq" value="east"/><expression id="f" attribute="rack" operation="defined"/></rule>`, rule.Unsatisfied, ""},
		{"or", `<rule id="r" boolean-op="or"><expression id="e" attribute="site" operation="eq" value="west"/><rule id="s"><expression id="f" attribute="cores" operation="defined"/></rule></rule>`, rule.Pass, ""},
		{"before", `<rule id="r"><date_expression id="d" operation="in_range" start="2024-03-01" end="2024-03-02"/></rule>`, rule.Unsatisfied, "2024-03-01 00:00:00"},
		{"within", `<rule id="r"><date_expression id="d" operation="in_range" start="2024-02-01" end="2024-03-02"/></rule>`, rule.Pass, "2024-03-02 00:00:01"},
		{"after", `<rule id="r"><date_expression id="d" operation="lt" end="2024-02-01"/></rule>`, rule.Unsatisfied, ""},
		{"for a while", `<rule id="r"><date_expression id="d" operation="in_range" start="2024-02-29 09:00:00"><duration id="u" hours="2"/></date_expression></rule>`, rule.Pass, "2024-02-29 11:00:01"},
		{"long ago", `<rule id="r"><date_expression id="d" operation="in_range" end="2024-02-29 10:30:15Z"/></rule>`, rule.Pass, "2024-02-29 10:30:16"},
		{"until midnight", `<rule id="r"><date_expression id="d" operation="in_range" start="2024-02-29 00:00:01Z"><duration id="u" seconds="86399"/></date_expression></rule>`, rule.Pass, "2024-03-01 00:00:01"},
		{"no amount", `<rule id="r"><date_expression id="d" operation="in_range" start="2024-02-29"><duration id="u" days="some"/></date_expression></rule>`, rule.Unsatisfied, ""},
		{"after", `<rule id="r"><date_expression id="d" operation="gt" start="2024-02-29 10:30:15Z"/></rule>`, rule.Unsatisfied, "2024-02-29 10:30:16"},
		{"office hours", `<rule id="r"><date_expression id="d" operation="date_spec"><date_spec id="s" hours="9-16" weekdays="1-5"/></date_expression></rule>`, rule.Pass, ""},
		{"weekend", `<rule id="r"><date_expression id="d" operation="date_spec"><date_spec id="s" weekdays="6-7"/></date_expression></rule>`, rule.Unsatisfied, ""},
		{"signed range", `<rule id="r"><date_expression id="d" operation="date_spec"><date_spec id="s" years="+2024" hours="-11" weeks=" 9-"/></date_expression></rule>`, rule.Pass, ""},
		{"bad range", `<rule id="r"><date_expression id="d" operation="date_spec"><date_spec id="s" years="2024x"/></date_expression></rule>`, rule.Unsatisfied, ""},
		{"nonsense", `<rule id="r"><expression id="e" attribute="site" operation="like" value="e"/></rule>`, rule.Unsatisfied, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc, err := xml.ParseString(c.xml)
			if err != nil {
				t.Fatal(err)
			}
			var next time.Time
			in := rule.Input{Now: now, Next: &next, Attr: func(name string) (string, bool) { v, ok := attrs[name]; return v, ok }}
			if got := rule.Evaluate(doc.Root, &in); got != c.want {
				t.Errorf("outcome %v, not %v", got, c.want)
			}
			got := ""
			if !next.IsZero() {
				got = next.UTC().Format("2006-01-02 15:04:05")
			}
			if got != c.next {
				t.Errorf("changes at %q, not %q", got, c.next)
			}
		})
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, s := range []string{
		`<rule id="r"><date_expression id="d" operation="in_range" start="2020-01-01"><duration id="u" years="1" hours="-5"/></date_expression></rule>`,
		`<rule id="r" boolean-op="or"><date_expression id="d" operation="date_spec"><date_spec id="s" years="2020-" hours="9-16"/></date_expression></rule>`,
		`<rule id="r"><expression id="e" attribute="a%1" operation="gte" type="version" value="1.2"/><op_expression id="o" name="monitor" interval="10s"/></rule>`,
		`<rule id="r"><rsc_expression id="e" class="ocf"/><rule id="s" boolean-op="x"/></rule>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		doc, err := xml.ParseString(s)
		if err != nil {
			return
		}
		var next time.Time
		rule.Evaluate(doc.Root, &rule.Input{Now: now, Next: &next, Attr: func(name string) (string, bool) { return name, name != "" }})
	})
}

func TestDates(t *testing.T) {
	for text, want := range map[string]rule.Outcome{
		`<date_expression id="d" operation="in_range" start="2024-03-01" end="2024-03-02"/>`:                    rule.BeforeRange,
		`<date_expression id="d" operation="in_range" start="2024-02-01" end="2024-03-02"/>`:                    rule.Pass,
		`<date_expression id="d" operation="lt" end="2024-02-01"/>`:                                             rule.AfterRange,
		`<date_expression id="d" operation="date_spec"><date_spec id="s" weekdays="6-7"/></date_expression>`:    rule.BeforeRange,
		`<date_expression id="d" operation="date_spec"><date_spec id="s" years="2020-2023"/></date_expression>`: rule.AfterRange,
	} {
		doc, err := xml.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.Date(doc.Root, &rule.Input{Now: now}); got != want {
			t.Errorf("%s: outcome %v, not %v", text, got, want)
		}
	}
}
