package schema

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// naming tells what a value names, beside being checked.
type naming int

const (
	plain     naming = iota
	identity         // the value names its element, uniquely
	reference        // the value names an element
)

// valueType is what an attribute may hold.
type valueType struct {
	name  string
	names naming
	words []string // the only words that are allowed
	not   []string // or the words that are not
	check func(string) bool
	says  string // what may stand there, for messages
}

// builtins are the types that grammar.txt names without defining them.
var builtins = map[string]*valueType{
	"text":     {name: "text"},
	"id":       {names: identity, check: isNCName, says: "an identifier: letters, digits, '_', '-' and '.', beginning with a letter or '_'"},
	"ref":      {names: reference, check: isNCName, says: "the id of another element"},
	"score":    {check: isScore, says: "a score: a whole number, INFINITY, +INFINITY or -INFINITY"},
	"boolean":  {words: []string{"true", "false", "1", "0"}},
	"integer":  {check: isInteger, says: "a whole number"},
	"count":    {check: func(s string) bool { return isInteger(s) && (s[0] != '-' || isZero(s)) }, says: "a whole number that is not negative"},
	"positive": {check: isPositive, says: "a whole number above 0"},
	"level":    {check: func(s string) bool { return isPositive(s) && len(significant(s)) == 1 }, says: "a whole number from 1 to 9"},
	"devices":  {check: isDevices, says: "names of fence devices, separated by commas without blanks"},
	"ports":    {check: isPorts, says: "a range of ports as FIRST-LAST"},
	"schema":   {words: names},
}

func init() {
	for name, t := range builtins {
		t.name = name
	}
}

// raw tells that values are compared as written, blanks included.
func (t *valueType) raw() bool { return t.name == "devices" || t.name == "ports" }

// accepts tells whether the attribute may have the value.
func (t *valueType) accepts(value string) bool {
	if t.check == nil && t.words == nil && t.not == nil {
		return true
	}
	if !t.raw() {
		value = collapse(value)
	}
	switch {
	case t.words != nil:
		return slices.Contains(t.words, value)
	case t.not != nil:
		return !slices.Contains(t.not, value)
	}
	return t.check(value)
}

// collapse drops blanks at the ends and makes one of each run inside.
func collapse(s string) string {
	dirty := s != "" && (blank(s[0]) || blank(s[len(s)-1]))
	for i := 1; i < len(s) && !dirty; i++ {
		dirty = blank(s[i]) && (s[i] != ' ' || blank(s[i-1]))
	}
	if !dirty {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x80 && blank(byte(r)) }), " ")
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isNCName tells an XML name without a colon.
func isNCName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case c >= utf8.RuneSelf:
			return wideName(s)
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return s != ""
}

func wideName(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r >= utf8.RuneSelf && unicode.Is(idStart, r):
		case i > 0 && (r >= '0' && r <= '9' || r == '-' || r == '.' || r >= utf8.RuneSelf && unicode.Is(idRest, r)):
		default:
			return false
		}
	}
	return true
}

// maxDigits are the significant digits that a number of XML Schema may have here.
const maxDigits = 24

func isInteger(s string) bool {
	digits := s
	if s != "" && (s[0] == '+' || s[0] == '-') {
		digits = s[1:]
	}
	if digits == "" {
		return false
	}
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return len(significant(s)) <= maxDigits
}

// significant gives the digits without sign and leading zeros.
func significant(s string) string { return strings.TrimLeft(strings.TrimLeft(s, "+-"), "0") }

func isZero(s string) bool { return significant(s) == "" }

func isPositive(s string) bool { return isInteger(s) && s[0] != '-' && !isZero(s) }

func isScore(s string) bool {
	return isInteger(s) || s == "INFINITY" || s == "+INFINITY" || s == "-INFINITY"
}

func isDevices(s string) bool {
	name := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '-':
			name = true
		case c == ',' && name:
			name = false
		default:
			return false
		}
	}
	return name
}

func isPorts(s string) bool {
	for i := 0; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && s[i] != '-' {
			return false
		}
	}
	return s != ""
}

// valueType reads the TYPE of an attribute's line.
func (c *compiler) valueType(n *node, text string) *valueType {
	if t := builtins[text]; t != nil {
		return t
	}
	if t := c.types[text]; t != nil {
		return t
	}
	t := &valueType{name: text}
	c.types[text] = t
	if def := c.src.types[text]; def != nil {
		for _, line := range def.kids {
			if c.g.version < line.from || c.g.version > line.to {
				continue
			}
			if b := builtins[line.text]; b != nil {
				*t = *b
				continue
			}
			t.add(line, line.text)
		}
		return t
	}
	t.add(n, text)
	return t
}

func (t *valueType) add(n *node, text string) {
	how, list, _ := strings.Cut(text, " ")
	words := strings.Split(list, "|")
	switch how {
	case "is":
		t.words = append(t.words, words...)
	case "not":
		t.not = append(t.not, words...)
	default:
		n.bad("there is no type %q", text)
	}
}
