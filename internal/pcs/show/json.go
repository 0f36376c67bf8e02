package show

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Field is a member of an object.
type Field struct {
	Name  string
	Value any
}

// Object is a JSON object that keeps its order. Values are nil, bool, int, string, *string,
// []string, []any, Object.
type Object []Field

// JSON writes a value as Python's json.dumps does; indent 0 writes one line.
func JSON(v any, indent int) string {
	var b strings.Builder
	writeJSON(&b, v, indent, 0)
	return b.String()
}

func writeJSON(b *strings.Builder, v any, indent, level int) {
	switch x := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(x))
	case int:
		b.WriteString(strconv.Itoa(x))
	case string:
		writeString(b, x)
	case *string:
		if x == nil {
			b.WriteString("null")
			return
		}
		writeString(b, *x)
	case *bool:
		if x == nil {
			b.WriteString("null")
			return
		}
		b.WriteString(strconv.FormatBool(*x))
	case []string:
		list := make([]any, len(x))
		for i, s := range x {
			list[i] = s
		}
		writeJSON(b, list, indent, level)
	case []any:
		sequence(b, '[', ']', len(x), indent, level, func(i int) { writeJSON(b, x[i], indent, level+1) })
	case Object:
		sequence(b, '{', '}', len(x), indent, level, func(i int) {
			writeString(b, x[i].Name)
			b.WriteString(": ")
			writeJSON(b, x[i].Value, indent, level+1)
		})
	default:
		panic(fmt.Sprintf("show.JSON: no form for %T", v))
	}
}

func sequence(b *strings.Builder, open, shut byte, n, indent, level int, item func(int)) {
	b.WriteByte(open)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
			if indent == 0 {
				b.WriteByte(' ')
			}
		}
		if indent > 0 {
			b.WriteString("\n" + strings.Repeat(" ", indent*(level+1)))
		}
		item(i)
	}
	if indent > 0 && n > 0 {
		b.WriteString("\n" + strings.Repeat(" ", indent*level))
	}
	b.WriteByte(shut)
}

func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// Opt is a text, or null for an empty one.
func Opt(s string) any {
	if s == "" {
		return nil
	}
	return s
}
