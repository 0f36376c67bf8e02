// Package number reads numbers as C's library does: what a text begins with counts, and what follows it is the caller's to judge.
// And it reads booleans as Pacemaker does.
package number

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Blanks may precede a number.
const Blanks = " \t\n\v\f\r"

// Errors of Float.
var (
	ErrNone  = errors.New("no number")
	ErrRange = errors.New("the number is too great or too small")
)

// Float reads the floating-point number that a text begins with, in any of C's forms: decimal, hexadecimal, infinite or not a number.
// rest is what follows it; the whole text where there is none. With ErrRange value is the nearest that there is.
func Float(text string) (value float64, rest string, err error) {
	s := strings.TrimLeft(text, Blanks)
	sign := 1.0
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	lower := strings.ToLower(s)
	switch {
	case strings.HasPrefix(lower, "infinity"):
		return math.Inf(int(sign)), s[len("infinity"):], nil
	case strings.HasPrefix(lower, "inf"):
		return math.Inf(int(sign)), s[len("inf"):], nil
	case strings.HasPrefix(lower, "nan"):
		return math.NaN(), afterNaN(s[len("nan"):]), nil
	}
	n, word := 0, ""
	if strings.HasPrefix(lower, "0x") {
		if n = mantissa(lower[2:], "0123456789abcdef"); n > 0 {
			n += 2
			word = "p0"
			if e := exponent(lower[n:], 'p'); e > 0 {
				n, word = n+e, ""
			}
		}
	}
	if n == 0 {
		if n = mantissa(lower, "0123456789"); n == 0 {
			return 0, text, ErrNone
		}
		n += exponent(lower[n:], 'e')
	}
	value, perr := strconv.ParseFloat(lower[:n]+word, 64)
	if perr != nil || value != 0 && math.Abs(value) < 0x1p-1022 || value == 0 && strings.ContainsAny(digits(lower[:n]), "123456789abcdef") {
		err = ErrRange
	}
	return sign * value, s[n:], err
}

// digits are those of a number without its exponent.
func digits(word string) string {
	if hex, ok := strings.CutPrefix(word, "0x"); ok {
		word, _, _ = strings.Cut(hex, "p")
		return word
	}
	word, _, _ = strings.Cut(word, "e")
	return word
}

// mantissa is the length of the digits, with a point among them, that a text begins with; 0 without a digit.
func mantissa(s, set string) int {
	seen, point, i := false, false, 0
	for ; i < len(s); i++ {
		switch {
		case strings.IndexByte(set, s[i]) >= 0:
			seen = true
		case s[i] == '.' && !point:
			point = true
		default:
			if !seen {
				return 0
			}
			return i
		}
	}
	if !seen {
		return 0
	}
	return i
}

// exponent is the length of the exponent that a text begins with.
func exponent(s string, mark byte) int {
	if s == "" || s[0] != mark {
		return 0
	}
	i := 1
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	begin := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == begin {
		return 0
	}
	return i
}

// afterNaN skips what may be told in parentheses of what is not a number.
func afterNaN(s string) string {
	if inner, ok := strings.CutPrefix(s, "("); ok {
		end := strings.TrimLeft(inner, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
		if after, ok := strings.CutPrefix(end, ")"); ok {
			return after
		}
	}
	return s
}

// Bool reads a boolean as Pacemaker does, in any case of letters; ok is false for a text that is none.
func Bool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}

// IsTrue tells whether a text is a boolean and true.
func IsTrue(text string) bool {
	value, ok := Bool(text)
	return value && ok
}

// IsFalse tells whether a text is a boolean and false.
func IsFalse(text string) bool {
	value, ok := Bool(text)
	return !value && ok
}

// IsBool tells whether a text is a boolean.
func IsBool(text string) bool {
	_, ok := Bool(text)
	return ok
}
