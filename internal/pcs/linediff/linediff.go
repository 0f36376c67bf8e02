// Package linediff compares texts line by line the way that pcs shows it: "- " and "+ " before lines of one side, two
// blanks before common ones, and "? " before hints where in a changed line the change is.
package linediff

import (
	"slices"
	"strings"
)

// match is a run of equal elements.
type match struct{ a, b, size int }

// matcher finds equal runs in two sequences, the longest first.
type matcher[T comparable] struct {
	a, b []T
	at   map[T][]int // where in b an element is, without those that are too frequent in a long b
}

// frequent is the length from which on frequent elements do not count.
const frequent = 200

func newMatcher[T comparable](a, b []T) *matcher[T] {
	m := &matcher[T]{a: a, b: b, at: map[T][]int{}}
	for i, x := range b {
		m.at[x] = append(m.at[x], i)
	}
	if n := len(b); n >= frequent {
		for x, list := range m.at {
			if len(list) > n/100+1 {
				delete(m.at, x)
			}
		}
	}
	return m
}

// longest is the longest run within limits; of equal ones the first.
func (m *matcher[T]) longest(alo, ahi, blo, bhi int) match {
	best := match{alo, blo, 0}
	length := map[int]int{}
	for i := alo; i < ahi; i++ {
		next := map[int]int{}
		for _, j := range m.at[m.a[i]] {
			if j < blo {
				continue
			}
			if j >= bhi {
				break
			}
			k := length[j-1] + 1
			next[j] = k
			if k > best.size {
				best = match{i - k + 1, j - k + 1, k}
			}
		}
		length = next
	}
	for best.a > alo && best.b > blo && m.a[best.a-1] == m.b[best.b-1] {
		best.a, best.b, best.size = best.a-1, best.b-1, best.size+1
	}
	for best.a+best.size < ahi && best.b+best.size < bhi && m.a[best.a+best.size] == m.b[best.b+best.size] {
		best.size++
	}
	return best
}

func (m *matcher[T]) matches() []match {
	var out []match
	var find func(alo, ahi, blo, bhi int)
	find = func(alo, ahi, blo, bhi int) {
		x := m.longest(alo, ahi, blo, bhi)
		if x.size == 0 {
			return
		}
		if alo < x.a && blo < x.b {
			find(alo, x.a, blo, x.b)
		}
		out = append(out, x)
		if x.a+x.size < ahi && x.b+x.size < bhi {
			find(x.a+x.size, ahi, x.b+x.size, bhi)
		}
	}
	find(0, len(m.a), 0, len(m.b))
	return out
}

// step is a difference, or equality, of two ranges.
type step struct {
	equal              bool
	alo, ahi, blo, bhi int
}

func (m *matcher[T]) steps() []step {
	var out []step
	i, j := 0, 0
	for _, x := range append(m.matches(), match{len(m.a), len(m.b), 0}) {
		if i < x.a || j < x.b {
			out = append(out, step{false, i, x.a, j, x.b})
		}
		i, j = x.a+x.size, x.b+x.size
		if x.size > 0 {
			if n := len(out); n > 0 && out[n-1].equal && out[n-1].ahi == x.a && out[n-1].bhi == x.b {
				out[n-1].ahi, out[n-1].bhi = i, j
			} else {
				out = append(out, step{true, x.a, i, x.b, j})
			}
		}
	}
	return out
}

func (m *matcher[T]) ratio() float64 {
	n := 0
	for _, x := range m.matches() {
		n += x.size
	}
	if len(m.a)+len(m.b) == 0 {
		return 1
	}
	return 2 * float64(n) / float64(len(m.a)+len(m.b))
}

// Lines compares two texts.
func Lines(a, b []string) []string {
	d := differ{a: a, b: b}
	for _, s := range newMatcher(a, b).steps() {
		switch {
		case s.equal:
			d.dump("  ", a[s.alo:s.ahi])
		case s.alo == s.ahi:
			d.dump("+ ", b[s.blo:s.bhi])
		case s.blo == s.bhi:
			d.dump("- ", a[s.alo:s.ahi])
		default:
			d.replace(s.alo, s.ahi, s.blo, s.bhi)
		}
	}
	return d.out
}

type differ struct{ a, b, out []string }

func (d *differ) dump(mark string, lines []string) {
	for _, l := range lines {
		d.out = append(d.out, mark+l)
	}
}

// replace shows ranges without a common line: the two most similar lines next to each other.
func (d *differ) replace(alo, ahi, blo, bhi int) {
	best, bi, bj := 0.74, -1, -1
	ei, ej := -1, -1
	for j := blo; j < bhi; j++ {
		for i := alo; i < ahi; i++ {
			if d.a[i] == d.b[j] {
				if ei < 0 {
					ei, ej = i, j
				}
				continue
			}
			if r := newMatcher([]rune(d.a[i]), []rune(d.b[j])).ratio(); r > best {
				best, bi, bj = r, i, j
			}
		}
	}
	same := false
	if best < 0.75 {
		if ei < 0 {
			if bhi-blo < ahi-alo {
				d.dump("+ ", d.b[blo:bhi])
				d.dump("- ", d.a[alo:ahi])
			} else {
				d.dump("- ", d.a[alo:ahi])
				d.dump("+ ", d.b[blo:bhi])
			}
			return
		}
		bi, bj, same = ei, ej, true
	}
	d.between(alo, bi, blo, bj)
	if same {
		d.dump("  ", d.a[bi:bi+1])
	} else {
		d.hint([]rune(d.a[bi]), []rune(d.b[bj]))
	}
	d.between(bi+1, ahi, bj+1, bhi)
}

func (d *differ) between(alo, ahi, blo, bhi int) {
	switch {
	case alo < ahi && blo < bhi:
		d.replace(alo, ahi, blo, bhi)
	case alo < ahi:
		d.dump("- ", d.a[alo:ahi])
	case blo < bhi:
		d.dump("+ ", d.b[blo:bhi])
	}
}

// hint shows two similar lines with marks below what changed.
func (d *differ) hint(a, b []rune) {
	var ma, mb strings.Builder
	for _, s := range newMatcher(a, b).steps() {
		la, lb := s.ahi-s.alo, s.bhi-s.blo
		switch {
		case s.equal:
			ma.WriteString(strings.Repeat(" ", la))
			mb.WriteString(strings.Repeat(" ", lb))
		case la == 0:
			mb.WriteString(strings.Repeat("+", lb))
		case lb == 0:
			ma.WriteString(strings.Repeat("-", la))
		default:
			ma.WriteString(strings.Repeat("^", la))
			mb.WriteString(strings.Repeat("^", lb))
		}
	}
	for _, side := range []struct {
		mark  string
		line  []rune
		hints string
	}{{"- ", a, ma.String()}, {"+ ", b, mb.String()}} {
		d.out = append(d.out, side.mark+string(side.line))
		if h := strings.TrimRight(side.hints, " "); h != "" {
			d.out = append(d.out, "? "+keepTabs(side.line, []rune(h)))
		}
	}
}

// keepTabs keeps a line's tabs in its hints, so that they stand below what they are about.
func keepTabs(line, hints []rune) string {
	hints = slices.Clone(hints)
	for i, r := range hints {
		if r == ' ' && i < len(line) && line[i] == '\t' {
			hints[i] = '\t'
		}
	}
	return string(hints)
}
