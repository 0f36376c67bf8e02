package iso8601_test

import (
	"testing"
	"time"

	"hacluster/cib/iso8601"
)

// now is a Thursday in week 9, five hours behind UTC.
var now = time.Date(2024, 2, 29, 10, 30, 15, 0, time.FixedZone("", -5*3600))

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"2005-020T12:30":            "2005-01-20 12:30:00 -05:00",
		"2005-W03-4T12:30:05Z":      "2005-01-20 12:30:05Z",
		"2020-W53-7":                "2021-01-03 00:00:00Z",
		"2020-W01-1":                "2019-12-30 00:00:00Z",
		"20050120T123005Z":          "2005-01-20 12:30:05Z",
		"2005-01-20 12:30:05+02:00": "2005-01-20 12:30:05 +02:00",
		"2005-01-20 12:30 -02":      "2005-01-20 12:30:00 -02:00",
		"2005-01-20T2359-02":        "2005-01-20 23:59:00 -02:00",
		"2005-01-20T12+24":          "2005-01-20 12:02:04 +24:00",
		"2005-01-20T12:30.5z":       "2005-01-20 12:30:00 -05:00",
		"2005-01-20 12 z":           "2005-01-20 12:00:00Z",
		"2019-12-31T24:00Z":         "2020-01-01 00:00:00Z",
		"2024-02-29":                "2024-02-29 00:00:00Z",
		"2024-1-1x":                 "2024-01-01 00:00:00Z",
		"+2020-01-01T12Z":           "2020-01-01 00:00:00Z",
		"20-01-01":                  "0020-01-01 00:00:00Z",
		"10000-01-01":               "10000-01-01 00:00:00Z",
		"EPOCH/":                    "1970-01-01 00:00:00Z",
		"T1200":                     "2024-02-29 12:00:00 -05:00",
		"12:00Z":                    "2024-02-29 12:00:00Z",
	} {
		got, err := iso8601.Parse(text, now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if s := got.Format(iso8601.Zone); s != want {
			t.Errorf("%s is %s, not %s", text, s, want)
		}
	}
	for _, text := range []string{
		"", "tomorrow", "2023-02-29", "2005-13-01", "2005-W54-1", "2020-W00-1", "2020-W10", "2020W011", "2020-W10-8", "12:61", "0000-01-01",
		"0000-W01-1", "-2020-01-01", "2020-000", "2021-366", "2020001", "2020/01/01", "2020-01-01 ", "2020-01-01T", "2020-01-01T24:00:01Z",
		"2020-01-01T-1:00", "99999999999999999999-01-01", "2020-01-01 00:00:10 +25:00",
	} {
		if got, err := iso8601.Parse(text, now); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

func TestFormat(t *testing.T) {
	at, _ := iso8601.Parse("2021-01-03 01:30:00 +02:00", now)
	for style, want := range map[iso8601.Style]string{
		iso8601.UTC:                                         "2021-01-02 23:30:00Z",
		iso8601.Zone | iso8601.Ordinal:                      "2021-003 01:30:00 +02:00",
		iso8601.Weeks | iso8601.Ordinal:                     "2020-W53-6 23:30:00Z",
		iso8601.SinceEpoch | iso8601.Weeks:                  "1609630200",
		iso8601.Since1 | iso8601.SinceEpoch | iso8601.Weeks: "63745227000",
	} {
		if got := at.Format(style); got != want {
			t.Errorf("style %b: %s, want %s", style, got, want)
		}
	}
}

// TestWeeks compares with the calendar of Go's library.
func TestWeeks(t *testing.T) {
	for day := time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
		y, w := day.ISOWeek()
		at := iso8601.Of(day)
		gy, gw, gd := at.Week()
		m, d := at.Date()
		if gy != y || gw != w || gd%7 != int(day.Weekday()) || m != int(day.Month()) || d != day.Day() || at.Unix() != day.Unix() {
			t.Fatalf("%s: %d-W%d-%d, month %d, day %d, %d seconds", day, gy, gw, gd, m, d, at.Unix())
		}
	}
}

func TestAdd(t *testing.T) {
	for _, c := range []struct{ at, length, want string }{
		{"2024-02-29 10:30:15Z", "P1M", "2024-03-29 10:30:15Z"},
		{"2024-02-29 10:30:15Z", "P1Y", "2025-03-01 10:30:15Z"}, // the day of the year stays
		{"2009-01-31", "P1M", "2009-02-28 00:00:00Z"},
		{"2009-03-31", "P-1M", "2009-02-28 00:00:00Z"},
		{"2024-02-29", "PT36H", "2024-03-01 12:00:00Z"},
		{"2024-02-29", "P2WT-1S", "2024-03-13 23:59:59Z"},
		{"2019-02-28 23:59:59Z", "PT1S", "2019-02-28 24:00:00Z"},
		{"2019-02-28 23:59:59Z", "PT2S", "2019-03-01 00:00:01Z"},
		{"2020-02-29", "P2147483647D", "5881630-09-08 00:00:00Z"},
		{"2020-02-29", "P2147483647Y", "2147483647-03-01 00:00:00Z"},
		{"2147483647-12-01", "P31D", "2147483647-12-31 00:00:00Z"},
		{"0001-02-01", "P-2147483647D", "0001-01-01 00:00:00Z"},
		{"0801-02-01", "P-292225D", "0001-01-01 00:00:00Z"},
		{"0001-02-01", "P-3Y", "0001-02-01 00:00:00Z"},
	} {
		at, err := iso8601.Parse(c.at, now)
		if err != nil {
			t.Fatal(err)
		}
		d, err := iso8601.ParseDuration(c.length)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.Add(d).Format(iso8601.UTC); got != c.want {
			t.Errorf("%s and %s: %s, want %s", c.at, c.length, got, c.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{
		"P1M":              " 1 month ",
		"P1Y2M3DT4H5M6S":   "   1 year  2 months  3 days 14706 seconds (4 hours 5 minutes 6 seconds)",
		"P-1D":             "-1 days ",
		"PT-90S":           "-90 seconds (1 minute 30 seconds)",
		"P1W1D/x":          " 8 days ",
		"P1Y3Y":            "   3 years ",
		"P1H":              "3600 seconds (1 hour)",
		"PT61S":            "61 seconds (1 minute 1 seconds)",
		"P:1DT1S and more": " 1 day 1 second",
	} {
		d, err := iso8601.ParseDuration(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if d.String() != want {
			t.Errorf("%s is %q, not %q", text, d, want)
		}
	}
	for _, text := range []string{
		"", "P", "PT", "P 1D", "1D", "-P1D", "PXD", "P1X", "P1", "P0D", "P1.5D", "P1Y0Y", "PT99999999999S", "PT2147483647H", "P400000000W",
		"P0001-02-03T04:05:06", "P00021015T103020", "PT--1S",
	} {
		if d, err := iso8601.ParseDuration(text); err == nil {
			t.Errorf("%q was taken for %v", text, d)
		}
	}
}

func TestPeriods(t *testing.T) {
	for text, want := range map[string]string{
		"2020-01-01/2020-02-01":            "2020-01-01 00:00:00Z to 2020-02-01 00:00:00Z",
		"P1M/2020-02-01":                   "2020-01-01 00:00:00Z to 2020-02-01 00:00:00Z",
		"2020-02-01/2020-01-01/2019-01-01": "2020-02-01 00:00:00Z to 2020-01-01 00:00:00Z",
		"PT1H":                             "2024-02-29 15:30:15Z to 2024-02-29 16:30:15Z",
		"epoch/P1Y":                        "1970-01-01 00:00:00Z to 1971-01-01 00:00:00Z",
	} {
		p, err := iso8601.ParsePeriod(text, now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := p.Start.Format(iso8601.UTC) + " to " + p.End.Format(iso8601.UTC); got != want {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
	for _, text := range []string{"", "/", "2020-01-01", "2020-01-01/", "P1M/P1M", "P1M/", "x/y", "2020-01-01 23:59:59Z/PT1S", "/2020-01-01"} {
		if p, err := iso8601.ParsePeriod(text, now); err == nil {
			t.Errorf("%q was taken for %v", text, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2005-020T12:30", "2005-W03-4T12:30:05Z", "T10:00+01:00", "epoch", "20050120", "2005-01-01 24:00 -24:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := iso8601.Parse(s, now)
		if err != nil || a.Offset%60 != 0 { // seconds of an offset are not written
			return
		}
		for _, style := range []iso8601.Style{iso8601.Zone, iso8601.Zone | iso8601.Ordinal, iso8601.Zone | iso8601.Weeks} {
			text := a.Format(style)
			if style&iso8601.Weeks != 0 && (a.Year < 2 || a.Year > 999999) {
				// A year before the first cannot be read; seven digits in a row are a date, as Pacemaker has it.
				continue
			}
			if b, err := iso8601.Parse(text, now); err != nil || a.Compare(b) != 0 {
				t.Errorf("%q is %v, written %s, which reads as %v, %v", s, a, text, b, err)
			}
		}
	})
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"P1Y2M3DT4H5M6S/2020-01-01", "2020-01-01/P2W", "PT36H", "epoch/T10:00"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if p, err := iso8601.ParsePeriod(s, now); err == nil {
			p.Start.Format(iso8601.Weeks)
			p.End.Format(iso8601.Ordinal)
		}
		if d, err := iso8601.ParseDuration(s); err == nil {
			d.Milliseconds()
		}
	})
}
