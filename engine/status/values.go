package status

import (
	"math"
	"strconv"
	"strings"

	"hacluster/cib/iso8601"
)

// ParseInt reads the leading integer of s: blanks and a sign may precede it,
// what follows it does not matter. One that is out of range is clipped, and not ok.
func ParseInt(s string) (n int64, ok bool) {
	n, clipped, ok := scanInt(s)
	return n, ok && !clipped
}

// scanInt is ParseInt where a number out of range is ok, too; clipped tells of it.
func scanInt(s string) (n int64, clipped, ok bool) {
	s = strings.TrimLeft(s, blanks)
	end := 0
	if s != "" && (s[0] == '-' || s[0] == '+') {
		end = 1
	}
	begin := end
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == begin {
		return 0, false, false
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	return n, err != nil, true
}

// IntAtLeast reads an integer of C: below the minimum, or no number at all,
// gives the minimum; above the greatest, that one.
func IntAtLeast(s string, minimum int) int {
	n, _, ok := scanInt(s)
	if !ok || n < int64(minimum) {
		return minimum
	}
	if n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(n)
}

// score reads a score; the health words stand for the configured scores.
func (c *Cluster) score(s string) (int, bool) {
	switch s {
	case "INFINITY", "+INFINITY":
		return Infinity, true
	case "-INFINITY":
		return -Infinity, true
	}
	switch {
	case strings.EqualFold(s, "red"):
		return c.Options.HealthRed, true
	case strings.EqualFold(s, "yellow"):
		return c.Options.HealthYellow, true
	case strings.EqualFold(s, "green"):
		return c.Options.HealthGreen, true
	}
	n, _, ok := scanInt(s)
	if !ok {
		return 0, false
	}
	return int(min(max(n, -Infinity), Infinity)), true
}

// AddScores adds two scores: minus infinity wins, then infinity, and finite
// sums are clipped.
func AddScores(a, b int) int {
	switch {
	case a <= -Infinity || b <= -Infinity:
		return -Infinity
	case a >= Infinity || b >= Infinity:
		return Infinity
	}
	return min(max(a+b, -Infinity), Infinity)
}

// ScoreText writes a score as scores are printed.
func ScoreText(n int) string {
	switch {
	case n >= Infinity:
		return "INFINITY"
	case n <= -Infinity:
		return "-INFINITY"
	}
	return strconv.Itoa(n)
}

// ParseInterval reads a span of time in milliseconds, as intervals are written: a number with
// a unit, or an ISO 8601 duration.
func ParseInterval(s string) (ms int64, ok bool) {
	if strings.HasPrefix(s, "P") {
		return durationMS(s)
	}
	return ParseTimeout(s)
}

const blanks = " \t\n\r\v\f"

// ParseTimeout reads a span of time in milliseconds, as timeouts and delays are written: a
// number with a unit, for which an ISO 8601 duration does not do.
func ParseTimeout(s string) (ms int64, ok bool) {
	t := strings.TrimLeft(s, blanks)
	if t == "" {
		return 0, false
	}
	n, _, ok := scanInt(t)
	if !ok {
		return 0, false
	}
	if t[0] == '+' || t[0] == '-' {
		t = t[1:]
	}
	rest := strings.TrimLeft(t, "0123456789.")
	rest = strings.ToLower(strings.TrimLeft(rest, blanks))
	var f, d int64 = 1000, 1
	switch {
	case rest == "" || strings.HasPrefix(rest, "s"):
	case strings.HasPrefix(rest, "ms"):
		f = 1
	case strings.HasPrefix(rest, "us"):
		f, d = 1, 1000
	case strings.HasPrefix(rest, "m"):
		f = 60000
	case strings.HasPrefix(rest, "h"):
		f = 3600000
	default:
		return 0, false
	}
	if n > math.MaxInt64/f {
		return math.MaxInt64, true
	}
	if n < math.MinInt64/f {
		return math.MinInt64, true
	}
	return n * f / d, true
}

// interval is a valid interval in milliseconds, or 0.
func interval(s string) uint32 {
	ms, ok := ParseInterval(s)
	if !ok || ms < 0 {
		return 0
	}
	return uint32(min(ms, math.MaxUint32))
}

// seconds rounds milliseconds to seconds: something stays something.
func seconds(ms uint32) int64 {
	if ms == 0 {
		return 0
	}
	s := (int64(ms) + 500) / 1000
	return max(s, 1)
}

// ParseRole reads a role name with its old aliases.
func ParseRole(s string) (Role, bool) {
	switch strings.ToLower(s) {
	case "", "unknown":
		return RoleUnknown, true
	case "stopped":
		return RoleStopped, true
	case "started":
		return RoleStarted, true
	case "unpromoted", "slave":
		return RoleUnpromoted, true
	case "promoted", "master":
		return RolePromoted, true
	}
	return RoleUnknown, false
}

// role reads a role and warns of its old names.
func (c *Cluster) role(s string) (Role, bool) {
	switch {
	case strings.EqualFold(s, "slave"):
		c.warnOnce("Support for the Slave role is deprecated and will be removed in a future release. Use Unpromoted instead.")
	case strings.EqualFold(s, "master"):
		c.warnOnce("Support for the Master role is deprecated and will be removed in a future release. Use Promoted instead.")
	}
	return ParseRole(s)
}

// CompareNames orders node names: case does not count, runs of digits compare
// as numbers, then by their length.
func CompareNames(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if digit(a[i]) && digit(b[j]) {
			si, sj := i, j
			for i < len(a) && digit(a[i]) {
				i++
			}
			for j < len(b) && digit(b[j]) {
				j++
			}
			na, nb := strings.TrimLeft(a[si:i], "0"), strings.TrimLeft(b[sj:j], "0")
			if len(na) != len(nb) {
				return len(na) - len(nb)
			}
			if na != nb {
				return strings.Compare(na, nb)
			}
			if d := (i - si) - (j - sj); d != 0 {
				return d
			}
			continue
		}
		ca, cb := lower(a[i]), lower(b[j])
		if ca != cb {
			return int(ca) - int(cb)
		}
		i++
		j++
	}
	return (len(a) - i) - (len(b) - j)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// CompareVersions orders version texts by their numeric segments; a missing
// segment counts as zero.
func CompareVersions(a, b string) int {
	a, b = strings.TrimLeft(a, " \t"), strings.TrimLeft(b, " \t")
	for a != "" || b != "" {
		var na, nb int64
		na, a = segment(a)
		nb, b = segment(b)
		if na != nb {
			if na < nb {
				return -1
			}
			return 1
		}
	}
	return 0
}

func segment(s string) (n int64, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	if i == 0 {
		return 0, ""
	}
	n, _ = ParseInt(s[:i])
	if i < len(s) && s[i] == '.' {
		return n, s[i+1:]
	}
	return n, ""
}

// MergeSort sorts as GLib does: a stable merge sort that splits n items into
// the first n/2 and the rest. The split matters where the comparison is not
// transitive.
func MergeSort[T any](list []T, compare func(a, b T) int) {
	if len(list) < 2 {
		return
	}
	mergeSort(list, make([]T, len(list)), compare)
}

func mergeSort[T any](list, tmp []T, compare func(a, b T) int) {
	if len(list) < 2 {
		return
	}
	m := len(list) / 2
	mergeSort(list[:m], tmp[:m], compare)
	mergeSort(list[m:], tmp[m:], compare)
	copy(tmp, list)
	i, j := 0, m
	for k := range list {
		if j >= len(tmp) || (i < m && compare(tmp[i], tmp[j]) <= 0) {
			list[k] = tmp[i]
			i++
		} else {
			list[k] = tmp[j]
			j++
		}
	}
}

func durationMS(s string) (int64, bool) {
	d, err := iso8601.ParseDuration(s)
	if err != nil {
		return 0, false
	}
	return d.Milliseconds(), true
}

// Score reads a score as it stands in the configuration.
func (c *Cluster) Score(s string) (int, bool) { return c.score(s) }

// ConfigErr records an error of the configuration, ConfigWarn a warning.
func (c *Cluster) ConfigErr(format string, args ...any) { c.configErr(format, args...) }

// ConfigWarn records a warning about the configuration.
func (c *Cluster) ConfigWarn(format string, args ...any) { c.configWarn(format, args...) }

// Seconds rounds milliseconds to seconds: something stays something.
func Seconds(ms uint32) int64 { return seconds(ms) }

// ConfiguredUtilization is what a resource needs as its own configuration says.
func (c *Cluster) ConfiguredUtilization(r *Resource) (v Values) {
	in := c.input()
	c.blocks(r.XML, "utilization", "", &in, &v)
	return v
}
