package xpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxLength is how many bytes an expression may have.
const MaxLength = 64 << 10

// kind is what a token is.
type kind int

const (
	end      kind = iota
	operator      // ( ) [ ] . .. @ , :: / // | + - = != < <= > >= * and or mod div
	name          // a name, prefix:name, prefix:*, or *
	literal
	number
	variable
)

type token struct {
	kind kind
	text string
	num  float64
	at   int
}

// Error is an expression that is malformed, or that cannot be evaluated.
type Error struct {
	Expr string
	At   int // offset in Expr
	Msg  string
}

func (e *Error) Error() string {
	expr := e.Expr
	if len(expr) > 80 {
		expr = strings.ToValidUTF8(expr[:80], "") + "…"
	}
	return fmt.Sprintf("XPath %q, at %d: %s", expr, e.At, e.Msg)
}

func nameStart(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80 && r != utf8.RuneError
}

func nameRune(r rune) bool { return nameStart(r) || r == '-' || r == '.' || r >= '0' && r <= '9' }

// ncname is the length of the name without a colon that s begins with.
func ncname(s string) int {
	for i, r := range s {
		if i == 0 && !nameStart(r) || !nameRune(r) {
			return i
		}
	}
	return len(s)
}

// tokens takes an expression apart.
func tokens(expr string) ([]token, error) {
	var out []token
	fail := func(at int, format string, args ...any) ([]token, error) {
		return nil, &Error{expr, at, fmt.Sprintf(format, args...)}
	}
	if len(expr) > MaxLength {
		return fail(0, "%d bytes are more than %d", len(expr), MaxLength)
	}
	for i := 0; i < len(expr); {
		c, rest := expr[i], expr[i:]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '"' || c == '\'':
			j := strings.IndexByte(rest[1:], c)
			if j < 0 {
				return fail(i, "a text does not end")
			}
			out = append(out, token{kind: literal, text: rest[1 : j+1], at: i})
			i += j + 2
			continue
		case c >= '0' && c <= '9' || c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
			j := 0
			for dot := false; j < len(rest) && (rest[j] >= '0' && rest[j] <= '9' || rest[j] == '.' && !dot); j++ {
				dot = dot || rest[j] == '.'
			}
			n, _ := strconv.ParseFloat(rest[:j], 64) // beyond the range it is infinite
			out = append(out, token{kind: number, num: n, at: i})
			i += j
			continue
		case c == '$':
			j := ncname(rest[1:])
			out = append(out, token{kind: variable, text: rest[1 : j+1], at: i})
			i += j + 1
			continue
		}
		if op := punctuation(rest); op != "" && op != "*" {
			out = append(out, token{kind: operator, text: op, at: i})
			i += len(op)
			continue
		}
		// A name or a star is an operator where an operand has just ended.
		operand := len(out) > 0 && !before(out[len(out)-1])
		if c == '*' {
			k := name
			if operand {
				k = operator
			}
			out = append(out, token{kind: k, text: "*", at: i})
			i++
			continue
		}
		j := ncname(rest)
		if j == 0 {
			return fail(i, "%q means nothing here", firstRune(rest))
		}
		text := rest[:j]
		if operand {
			switch text {
			case "and", "or", "mod", "div":
				out = append(out, token{kind: operator, text: text, at: i})
				i += j
				continue
			}
			return fail(i, "an operator is expected, not %q", text)
		}
		// A prefix belongs to the name, an axis does not.
		if after := rest[j:]; strings.HasPrefix(after, ":") && !strings.HasPrefix(after, "::") {
			k := ncname(after[1:])
			if k == 0 && strings.HasPrefix(after, ":*") {
				k = 1
			}
			if k == 0 {
				return fail(i+j, "a name is expected after the prefix")
			}
			text = rest[:j+1+k]
		}
		out = append(out, token{kind: name, text: text, at: i})
		i += len(text)
	}
	return append(out, token{kind: end, at: len(expr)}), nil
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// before tells that an operand may follow the token.
func before(t token) bool {
	if t.kind != operator {
		return false
	}
	switch t.text {
	case ")", "]", ".", "..":
		return false
	}
	return true
}

// punctuation is the sign that s begins with.
func punctuation(s string) string {
	for _, op := range []string{"::", "..", "//", "!=", "<=", ">="} {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	if strings.IndexByte("()[].@,/|+-=<>*", s[0]) >= 0 {
		return s[:1]
	}
	return ""
}
