package program

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"
)

// SetZone makes the time zone that TZ names the local one where Go does not know
// how: a zone that is written out in POSIX's form, as in "CET-1CEST,M3.5.0,M10.5.0/3".
func SetZone(tz string) {
	tz = strings.TrimPrefix(tz, ":")
	if tz == "" {
		return
	}
	if _, err := time.LoadLocation(tz); err == nil {
		return
	}
	if loc := posixZone(tz); loc != nil {
		time.Local = loc
	}
}

// posixZone reads a zone that is written out; nil if it is none. The rules are
// handed to Go in the form of a zone file that has nothing but them.
func posixZone(tz string) *time.Location {
	name, rest := zoneName(tz)
	offset, ok := zoneOffset(rest)
	if name == "" || !ok {
		return nil
	}
	var b bytes.Buffer
	block := func() {
		b.WriteString("TZif2")
		b.Write(make([]byte, 15))
		// Counts: none of UT and standard marks, leap seconds and transitions; one type; the name's characters.
		for _, n := range []uint32{0, 0, 0, 0, 1, uint32(len(name) + 1)} {
			_ = binary.Write(&b, binary.BigEndian, n)
		}
		_ = binary.Write(&b, binary.BigEndian, int32(offset))
		b.Write([]byte{0, 0})
		b.WriteString(name + "\x00")
	}
	block() // for readers of the first version, which Go skips
	block()
	b.WriteString("\n" + tz + "\n")
	loc, err := time.LoadLocationFromTZData(name, b.Bytes())
	if err != nil {
		return nil
	}
	return loc
}

// zoneName takes the name off, which is letters, or anything in <>.
func zoneName(s string) (name, rest string) {
	if inner, ok := strings.CutPrefix(s, "<"); ok {
		name, rest, _ = strings.Cut(inner, ">")
		return name, rest
	}
	n := strings.IndexFunc(s, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' })
	if n < 3 {
		return "", ""
	}
	return s[:n], s[n:]
}

// zoneOffset reads [+-]HH[:MM[:SS]], which is west of Greenwich, as seconds east of it.
func zoneOffset(s string) (int, bool) {
	sign := -1
	if t, ok := strings.CutPrefix(s, "-"); ok {
		s, sign = t, 1
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	total, unit, digits := 0, 3600, 0
	n := 0
	for i := 0; ; i++ {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' && digits < 3 {
			n, digits = n*10+int(s[i]-'0'), digits+1
			continue
		}
		if digits == 0 {
			return 0, false
		}
		total += n * unit
		if i >= len(s) || s[i] != ':' || unit == 1 {
			break
		}
		n, digits, unit = 0, 0, unit/60
	}
	return sign * total, true
}
