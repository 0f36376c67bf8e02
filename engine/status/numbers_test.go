package status

import (
	"math"
	"testing"

	"hacluster/engine/option"
)

func TestValidOption(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"node-health-red", "5x", true},
		{"node-health-red", "-9223372036854775808", true},
		{"node-health-red", "9223372036854775808", false},
		{"node-health-red", "-INFINITY", true},
		{"cluster-delay", "9223372036854775807", true},
		{"cluster-delay", "9223372036854775808", false},
		{"cluster-delay", "-9223372036854775808", false},
		{"cluster-delay", "-1", false},
		{"cluster-delay", "PT5M", true},
		{"load-threshold", "80%", true},
		{"load-threshold", "5.5%", true},
		{"load-threshold", "+5 %", false},
		{"load-threshold", "-5%", false},
		{"load-threshold", "nan%", false},
		{"load-threshold", "%", true},
		{"load-threshold", "80", false},
	} {
		o := option.Find(c.name)
		if o == nil {
			t.Fatalf("there is no option %s", c.name)
		}
		if got := validOption(o, c.value); got != c.want {
			t.Errorf("%s=%s: valid: %v", c.name, c.value, got)
		}
	}
}

func TestParseIntervalUnits(t *testing.T) {
	for text, want := range map[string]int64{"5": 5000, "+5.7 s": 5000, "-5ms": -5, "2024-01-01": -1, "5-3s": -1, "PT5M": 300000} {
		if got, ok := ParseInterval(text); ok != (want != -1) || ok && got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{" \t-12x", -12, true},
		{"+7", 7, true},
		{"9223372036854775808", math.MaxInt64, false},
		{"-9223372036854775809s", math.MinInt64, false},
		{"", 0, false},
		{"-", 0, false},
		{"--1", 0, false},
		{"x1", 0, false},
	} {
		if got, ok := ParseInt(c.text); got != c.want || ok != c.ok {
			t.Errorf("%q: %d, %v", c.text, got, ok)
		}
	}
}
