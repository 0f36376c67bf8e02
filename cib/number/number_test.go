package number

import (
	"errors"
	"math"
	"testing"
)

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
		rest string
		err  error
	}{
		{"5", 5, "", nil},
		{" \t+5.5%", 5.5, "%", nil},
		{"-5 %", -5, " %", nil},
		{".5x", 0.5, "x", nil},
		{"5.", 5, "", nil},
		{"1e3", 1000, "", nil},
		{"1e", 1, "e", nil},
		{"1e+", 1, "e+", nil},
		{"1_000", 1, "_000", nil},
		{"0x10", 16, "", nil},
		{"0x1.8p1", 3, "", nil},
		{"0x1p", 1, "p", nil},
		{"0x", 0, "x", nil},
		{"0xg", 0, "xg", nil},
		{"inf", math.Inf(1), "", nil},
		{"-Infinityx", math.Inf(-1), "x", nil},
		{"infin", math.Inf(1), "in", nil},
		{"nan(x1)%", math.NaN(), "%", nil},
		{"nan(x 1)", math.NaN(), "(x 1)", nil},
		{"%", 0, "%", ErrNone},
		{"", 0, "", ErrNone},
		{"+", 0, "+", ErrNone},
		{".", 0, ".", ErrNone},
		{".e1", 0, ".e1", ErrNone},
		{"--5", 0, "--5", ErrNone},
		{"1e999", math.Inf(1), "", ErrRange},
		{"-1e999x", math.Inf(-1), "x", ErrRange},
		{"1e-999", 0, "", ErrRange},
		{"1e-310", 1e-310, "", ErrRange},
		{"0e-999", 0, "", nil},
		{"0.000e5", 0, "", nil},
	} {
		got, rest, err := Float(c.text)
		if (got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want))) || rest != c.rest || !errors.Is(err, c.err) {
			t.Errorf("%q: %v, rest %q, %v; want %v, rest %q, %v", c.text, got, rest, err, c.want, c.rest, c.err)
		}
	}
}
