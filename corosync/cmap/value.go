package cmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Type is the type of a value, with the numbers that the protocol uses.
type Type uint8

// The types. Integers and floating point numbers are kept in the host's byte order.
const (
	Int8   Type = 1
	Uint8  Type = 2
	Int16  Type = 3
	Uint16 Type = 4
	Int32  Type = 5
	Uint32 Type = 6
	Int64  Type = 7
	Uint64 Type = 8
	Float  Type = 9
	Double Type = 10
	String Type = 11
	Binary Type = 12
)

var typeNames = [...]string{"", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "flt", "dbl", "str", "bin"}

// String is the short name that corosync-cmapctl prints: "u32", "str", …
func (t Type) String() string {
	if t >= Int8 && t <= Binary {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// TypeOf is the type with the short name s; false where there is none.
func TypeOf(s string) (Type, bool) {
	for i, n := range typeNames {
		if i > 0 && n == s {
			return Type(i), true
		}
	}
	return 0, false
}

// size is the number of bytes that a value of type t has; 0 where any will do.
func (t Type) size() int {
	switch t {
	case Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int32, Uint32, Float:
		return 4
	case Int64, Uint64, Double:
		return 8
	}
	return 0
}

// Value is a typed value. Data is as it travels: numbers in the host's byte
// order, a string with its closing NUL.
type Value struct {
	Type Type
	Data []byte
}

// Check tells whether Data is what Type asks for.
func (v Value) Check() error {
	if v.Type < Int8 || v.Type > Binary {
		return fmt.Errorf("unknown type %d", v.Type)
	}
	if n := v.Type.size(); n > 0 && len(v.Data) != n {
		return fmt.Errorf("%v of %d bytes, not %d", v.Type, len(v.Data), n)
	}
	return nil
}

func integer(t Type, u uint64) Value {
	b := make([]byte, 8)
	switch t.size() {
	case 1:
		b[0] = byte(u)
	case 2:
		binary.NativeEndian.PutUint16(b, uint16(u))
	case 4:
		binary.NativeEndian.PutUint32(b, uint32(u))
	default:
		binary.NativeEndian.PutUint64(b, u)
	}
	return Value{t, b[:t.size()]}
}

// U8 makes a value of type Uint8.
func U8(v uint8) Value { return integer(Uint8, uint64(v)) }

// U16 makes a value of type Uint16.
func U16(v uint16) Value { return integer(Uint16, uint64(v)) }

// U32 makes a value of type Uint32.
func U32(v uint32) Value { return integer(Uint32, uint64(v)) }

// U64 makes a value of type Uint64.
func U64(v uint64) Value { return integer(Uint64, v) }

// I32 makes a value of type Int32.
func I32(v int32) Value { return integer(Int32, uint64(v)) }

// F32 makes a value of type Float.
func F32(v float32) Value { return integer(Float, uint64(math.Float32bits(v))) }

// F64 makes a value of type Double.
func F64(v float64) Value { return integer(Double, math.Float64bits(v)) }

// Text makes a value of type String. It ends at the first NUL of s.
func Text(s string) Value {
	s, _, _ = strings.Cut(s, "\x00")
	return Value{String, append([]byte(s), 0)}
}

// Bytes makes a value of type Binary.
func Bytes(b []byte) Value { return Value{Binary, b} }

// Uint is the value of an integer as its bits, sign extended; false for other types.
func (v Value) Uint() (uint64, bool) {
	if v.Check() != nil {
		return 0, false
	}
	switch v.Type {
	case Int8:
		return uint64(int64(int8(v.Data[0]))), true
	case Uint8:
		return uint64(v.Data[0]), true
	case Int16:
		return uint64(int64(int16(binary.NativeEndian.Uint16(v.Data)))), true
	case Uint16:
		return uint64(binary.NativeEndian.Uint16(v.Data)), true
	case Int32:
		return uint64(int64(int32(binary.NativeEndian.Uint32(v.Data)))), true
	case Uint32:
		return uint64(binary.NativeEndian.Uint32(v.Data)), true
	case Int64, Uint64:
		return binary.NativeEndian.Uint64(v.Data), true
	}
	return 0, false
}

// Text is the value of a string, without its NUL; false for other types.
func (v Value) Text() (string, bool) {
	if v.Type != String {
		return "", false
	}
	s, _, _ := strings.Cut(string(v.Data), "\x00")
	return s, true
}

// Signed tells whether t is an integer with a sign.
func (t Type) Signed() bool { return t <= Int64 && t%2 == 1 }

// String is the value as corosync-cmapctl prints it; "" for binary ones.
func (v Value) String() string {
	if s, ok := v.Text(); ok {
		return s
	}
	if u, ok := v.Uint(); ok {
		if v.Type.Signed() {
			return strconv.FormatInt(int64(u), 10)
		}
		return strconv.FormatUint(u, 10)
	}
	if v.Check() == nil {
		switch v.Type {
		case Float:
			return fixed(float64(math.Float32frombits(binary.NativeEndian.Uint32(v.Data))))
		case Double:
			return fixed(math.Float64frombits(binary.NativeEndian.Uint64(v.Data)))
		}
	}
	return ""
}

// fixed is a number with six digits behind the point, as C prints it.
func fixed(f float64) string {
	switch {
	case math.IsNaN(f) && math.Signbit(f):
		return "-nan"
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'f', 6, 64), "+"))
	}
	return strconv.FormatFloat(f, 'f', 6, 64)
}

// Parse reads a value of type t from text, as `corosync-cmapctl -s` takes it: of a number what stands first in the text,
// after blanks, counts, as C's sscanf has it, and one that is too big for 64 bits is the greatest of them. An error names the text.
func Parse(t Type, text string) (Value, error) {
	bad := fmt.Errorf("%s is not valid %v type value", text, t)
	number := strings.TrimLeft(text, " \t\n\v\f\r")
	switch {
	case t == String:
		return Text(text), nil
	case t == Binary:
		return Bytes([]byte(text)), nil
	case t == Float || t == Double:
		f, ok := scanFloat(number)
		if !ok {
			return Value{}, bad
		}
		if t == Float {
			return integer(Float, uint64(math.Float32bits(float32(f)))), nil
		}
		return F64(f), nil
	case t.size() == 0:
		return Value{}, bad
	}
	number, negative := strings.CutPrefix(number, "-")
	if !negative {
		number = strings.TrimPrefix(number, "+")
	}
	end := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(number)
	}
	if end == 0 {
		return Value{}, bad
	}
	outside := fmt.Errorf("%s is not valid %v integer", text, t)
	u, err := strconv.ParseUint(number[:end], 10, 64) // the greatest, where it is too big
	bits := t.size() * 8
	if t.Signed() {
		i := int64(min(u, math.MaxInt64))
		if negative {
			i = -int64(min(u, 1<<63))
		}
		if i != i<<(64-bits)>>(64-bits) {
			return Value{}, outside
		}
		return integer(t, uint64(i)), nil
	}
	if negative && err == nil {
		u = -u
	}
	if bits < 64 && u>>bits != 0 {
		return Value{}, outside
	}
	return integer(t, u), nil
}

// scanFloat reads the number that a text begins with, as C's strtod does; one that is too big is infinite.
func scanFloat(text string) (float64, bool) {
	number, negative := strings.CutPrefix(strings.ToLower(text), "-")
	if !negative {
		number = strings.TrimPrefix(number, "+")
	}
	if strings.HasPrefix(number, "-") || strings.HasPrefix(number, "+") {
		return 0, false
	}
	// The longest beginning that is a number: the form is Go's but for what C leaves out and Go adds.
	for end := len(number); end > 0; end-- {
		word := number[:end]
		if strings.ContainsRune(word, '_') {
			continue
		}
		if strings.HasPrefix(word, "0x") && !strings.ContainsRune(word, 'p') {
			word += "p0" // the exponent
		}
		f, err := strconv.ParseFloat(word, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			continue
		}
		if negative {
			f = math.Copysign(f, -1)
		}
		return f, true
	}
	return 0, false
}
