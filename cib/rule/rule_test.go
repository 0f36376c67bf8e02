package rule_test

import (
	"testing"
	"time"

	"hacluster/cib/rule"
	"hacluster/cib/xml"
)

var now = time.Date(2024, 2, 29, 10, 30, 15, 0, time.UTC) // a Thursday in week 9

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2005-020T12:30":            "2005-01-20 12:30:00",
		"2005-W03-4T12:30:05":       "2005-01-20 12:30:05",
		"20050120T123005Z":          "2005-01-20 12:30:05",
		"2005-01-20 12:30:05+02:00": "2005-01-20 10:30:05",
		"2024-02-29":                "2024-02-29 00:00:00",
		"epoch":                     "1970-01-01 00:00:00",
	} {
		got, err := rule.ParseTime(text, now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if s := got.UTC().Format("2006-01-02 15:04:05"); s != want {
			t.Errorf("%s is %s, not %s", text, s, want)
		}
	}
	for _, text := range []string{"", "tomorrow", "2023-02-29", "2005-13-01", "2005-W54-1", "12:61"} {
		if got, err := rule.ParseTime(text, now); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{
		"P1M":       "2024-03-29 10:30:15",
		"P1Y":       "2025-03-01 10:30:15",
		"PT36H":     "2024-03-01 22:30:15",
		"P2W":       "2024-03-14 10:30:15",
		"P1DT1M45S": "2024-03-01 10:32:00",
	} {
		d, err := rule.ParseDuration(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if s := d.AddTo(now).Format("2006-01-02 15:04:05"); s != want {
			t.Errorf("%s later is %s, not %s", text, s, want)
		}
	}
	for _, text := range []string{"", "P", "1D", "PXD", "P1X"} {
		if d, err := rule.ParseDuration(text); err == nil {
			t.Errorf("%q was taken for %v", text, d)
		}
	}
}

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
		{"office hours", `<rule id="r"><date_expression id="d" operation="date_spec"><date_spec id="s" hours="9-16" weekdays="1-5"/></date_expression></rule>`, rule.Pass, ""},
		{"weekend", `<rule id="r"><date_expression id="d" operation="date_spec"><date_spec id="s" weekdays="6-7"/></date_expression></rule>`, rule.Unsatisfied, ""},
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

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2005-020T12:30", "2005-W03-4T12:30:05Z", "T10:00+01:00", "epoch", "20050120"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := rule.ParseTime(s, now)
		if err != nil {
			return
		}
		if b, err := rule.ParseTime(a.UTC().Format("2006-01-02 15:04:05Z"), now); a.Year() >= 1000 && a.UTC().Year() <= 9999 && (err != nil || b.Unix() != a.Unix()) {
			t.Errorf("%q is %v, which reads as %v, %v", s, a, b, err)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"P1Y2M3DT4H5M6S", "P2W", "PT36H"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if d, err := rule.ParseDuration(s); err == nil {
			d.AddTo(now)
			d.Milliseconds()
		}
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
