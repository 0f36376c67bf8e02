package iso8601

import "fmt"

// Style is how a time is written.
type Style int

// Styles to be combined: [Since1] wins over [SinceEpoch], both win over all
// others; [Weeks] wins over [Ordinal].
const (
	UTC        Style = 0         // 2026-11-25 12:00:00Z
	Zone       Style = 1 << iota // in the time's own zone: 2026-11-25 13:00:00 +01:00
	Ordinal                      // 2026-329 12:00:00Z
	Weeks                        // 2026-W48-3 12:00:00Z
	Since1                       // seconds since 0001-01-01
	SinceEpoch                   // seconds since 1970-01-01
)

// Format writes the time.
func (t Time) Format(style Style) string {
	switch {
	case style&Since1 != 0:
		return fmt.Sprint(t.Seconds())
	case style&SinceEpoch != 0:
		return fmt.Sprint(t.Unix())
	}
	if style&Zone == 0 {
		t = t.UTC()
	}
	var date string
	switch {
	case style&Weeks != 0:
		y, w, d := t.Week()
		date = fmt.Sprintf("%d-W%02d-%d", y, w, d)
	case style&Ordinal != 0:
		date = fmt.Sprintf("%d-%03d", t.Year, t.Day)
	default:
		m, d := t.Date()
		date = fmt.Sprintf("%04d-%02d-%02d", t.Year, m, d)
	}
	zone := "Z"
	if t.Offset != 0 {
		sign, o := '+', t.Offset
		if o < 0 {
			sign, o = '-', -o
		}
		zone = fmt.Sprintf(" %c%02d:%02d", sign, o/3600, o/60%60)
	}
	return fmt.Sprintf("%s %02d:%02d:%02d%s", date, t.Second/3600, t.Second/60%60, t.Second%60, zone)
}
