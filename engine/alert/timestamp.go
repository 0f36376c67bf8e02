package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Timestamp writes a time by a format of strftime(3), with one more conversion:
// %N for the fraction of the second, of as many digits as stand between (%06N), six without.
// An unknown conversion stands as it is.
func Timestamp(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		begin := i
		i++
		digits := 0
		for ; i < len(format) && format[i] >= '0' && format[i] <= '9'; i++ {
			digits = min(digits*10+int(format[i]-'0'), 100)
		}
		if i == len(format) {
			b.WriteString(format[begin:])
			break
		}
		if format[i] == 'N' {
			b.WriteString(fraction(t, digits))
			continue
		}
		if s, ok := conversion(t, format[i]); ok && i == begin+1 {
			b.WriteString(s)
			continue
		}
		b.WriteString(format[begin : i+1])
	}
	return b.String()
}

// fraction is the fraction of the second with so many digits, at most six: finer is not known.
func fraction(t time.Time, digits int) string {
	if digits == 0 || digits > 6 {
		digits = 6
	}
	return fmt.Sprintf("%06d", t.Nanosecond()/1000)[:digits]
}

// layouts are the conversions that package time has, too.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06",
	'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'P': "pm", 'r': "03:04:05 PM", 'R': "15:04",
	'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

func conversion(t time.Time, c byte) (string, bool) {
	if l, ok := layouts[c]; ok {
		return t.Format(l), true
	}
	year, week := t.ISOWeek()
	weekday, day := int(t.Weekday()), t.YearDay()-1
	hour12 := (t.Hour()+11)%12 + 1
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'G':
		return strconv.Itoa(year), true
	case 'g':
		return fmt.Sprintf("%02d", year%100), true
	case 'V':
		return fmt.Sprintf("%02d", week), true
	case 'u':
		return strconv.Itoa((weekday+6)%7 + 1), true
	case 'w':
		return strconv.Itoa(weekday), true
	case 'U': // weeks from the first Sunday
		return fmt.Sprintf("%02d", (day+7-weekday)/7), true
	case 'W': // weeks from the first Monday
		return fmt.Sprintf("%02d", (day+7-(weekday+6)%7)/7), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", hour12), true
	}
	return "", false
}
