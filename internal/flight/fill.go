package flight

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fill puts a message's values into its format, as printf does. What is missing, or not understood, stays as the format has it.
func fill(message []byte) string {
	f, values, _ := bytes.Cut(message, []byte{0})
	v := &reader{b: values}
	var out strings.Builder
	for rest := string(f); rest != ""; {
		before, after, found := strings.Cut(rest, "%")
		out.WriteString(before)
		if !found {
			break
		}
		var c conversion
		rest = c.read(after, v)
		c.write(&out, v)
	}
	return out.String()
}

// reader takes values from what follows a format.
type reader struct {
	b     []byte
	short bool // more was asked for than there is
}

func (r *reader) number(size int) (n uint64) {
	if len(r.b) < size {
		r.short = true
		return 0
	}
	for i := range size {
		n |= uint64(r.b[i]) << (8 * i)
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) text() string {
	s, rest, found := bytes.Cut(r.b, []byte{0})
	if !found && len(s) == 0 {
		r.short = true
	}
	r.b = rest
	return string(s)
}

// widest is the widest field that is filled up.
const widest = 512

// conversion is one place of a format.
type conversion struct {
	spec             string // as it stands there
	flags            string
	width, precision int // -1: not given
	long             bool
	verb             byte
}

// read reads a conversion, which begins behind its %, and gives what follows it.
func (c *conversion) read(s string, v *reader) string {
	c.width, c.precision = -1, -1
	size := &c.width
	i := 0
	for ; i < len(s); i++ {
		switch ch := s[i]; {
		case strings.IndexByte("#- +'I", ch) >= 0, ch == '0' && *size < 0 && size == &c.width:
			if strings.IndexByte(c.flags, ch) < 0 {
				c.flags += string(ch)
			}
		case ch >= '0' && ch <= '9':
			*size = min(max(*size, 0)*10+int(ch-'0'), widest)
		case ch == '*':
			*size = min(int(int32(v.number(4))), widest)
		case ch == '.':
			size = &c.precision
			*size = 0
		case strings.IndexByte("lztj", ch) >= 0:
			c.long = true
		case ch == 'h':
		default:
			c.verb, c.spec = ch, "%"+s[:i+1]
			return s[i+1:]
		}
	}
	c.spec = "%" + s
	return ""
}

func (c *conversion) write(out *strings.Builder, v *reader) {
	size := 4
	if c.long {
		size = 8
	}
	value := ""
	switch c.verb {
	case '%':
		_ = v.number(1) // it stands among the values, too
		out.WriteByte('%')
		return
	case 'd', 'i':
		n := int64(v.number(size))
		if size == 4 {
			n = int64(int32(n))
		}
		value = strconv.FormatInt(n, 10)
	case 'u':
		value = strconv.FormatUint(v.number(size), 10)
	case 'o':
		value = strconv.FormatUint(v.number(size), 8)
	case 'x', 'X', 'p':
		if c.verb == 'p' {
			size = 8
		}
		value = strconv.FormatUint(v.number(size), 16)
		if c.verb == 'p' || strings.Contains(c.flags, "#") {
			value = "0x" + value
		}
		if c.verb == 'X' {
			value = strings.ToUpper(value)
		}
	case 'e', 'E', 'f', 'F', 'g', 'G', 'a', 'A':
		precision := c.precision
		if precision < 0 {
			precision = 6
		}
		value = strconv.FormatFloat(math.Float64frombits(v.number(8)), c.verb|0x20, precision, 64)
	case 'c':
		value = string(rune(v.number(1)))
	case 's':
		value = v.text()
		if c.precision >= 0 {
			value = value[:min(len(value), c.precision)]
		}
	default:
		out.WriteString(c.spec)
		return
	}
	if v.short {
		out.WriteString(c.spec)
		return
	}
	pad := max(c.width, 0)
	switch {
	case strings.Contains(c.flags, "-"):
		fmt.Fprintf(out, "%-*s", pad, value)
	case strings.Contains(c.flags, "0") && c.verb != 's':
		out.WriteString(strings.Repeat("0", max(0, pad-len(value))) + value)
	default:
		fmt.Fprintf(out, "%*s", pad, value)
	}
}
