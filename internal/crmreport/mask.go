package crmreport

import (
	"fmt"
	"regexp"
	"strings"
)

// masker hides the values of parameters whose names match patterns.
type masker struct {
	names []*regexp.Regexp
	value *regexp.Regexp
}

// newMasker takes patterns as grep reads them. A bad one is an error that names it.
func newMasker(patterns []string) (*masker, error) {
	m := &masker{value: regexp.MustCompile(`\bvalue="[^"]*"`)}
	for _, p := range patterns {
		r, err := regexp.Compile(`\bname="(?:` + basic(p) + `)"`)
		if err != nil {
			return nil, fmt.Errorf("%s is no regular expression: %w", p, err)
		}
		m.names = append(m.names, r)
	}
	return m, nil
}

// text hides values in XML, also where it stands in a log: in each element whose name matches.
func (m *masker) text(s string) string {
	if len(m.names) == 0 {
		return s
	}
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, ">\n")
		part := s
		if end >= 0 {
			part = s[:end+1]
		}
		s = s[len(part):]
		if strings.Contains(part, `value="`) && m.named(part) {
			part = m.value.ReplaceAllString(part, `value="****"`)
		}
		b.WriteString(part)
	}
	return b.String()
}

func (m *masker) named(part string) bool {
	for _, n := range m.names {
		if n.MatchString(part) {
			return true
		}
	}
	return false
}

// basic turns a basic regular expression, as grep and sed read it, into one of Go's.
func basic(p string) string {
	var b strings.Builder
	start := true // of the expression, or of a group
	for i := 0; i < len(p); i++ {
		c, was := p[i], start
		start = false
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			switch c = p[i]; c {
			case '(', '|':
				b.WriteByte(c)
				start = true
			case ')', '{', '}', '+', '?':
				b.WriteByte(c)
			case 'w', 'W', 's', 'S', 'b', 'B':
				b.WriteString(`\` + string(c))
			case '<', '>':
				b.WriteString(`\b`)
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		case c == '[':
			end := i + 1
			if end < len(p) && p[end] == '^' {
				end++
			}
			if end < len(p) && p[end] == ']' {
				end++
			}
			for end < len(p) && p[end] != ']' {
				if strings.HasPrefix(p[end:], "[:") {
					if n := strings.Index(p[end:], ":]"); n > 0 {
						end += n + 1
					}
				}
				end++
			}
			set := p[i:min(end+1, len(p))]
			b.WriteString(strings.ReplaceAll(set, `\`, `\\`))
			i = end
		case c == '*' && was, strings.IndexByte("(){}|+?", c) >= 0, c == '^' && !was, c == '$' && i+1 < len(p) && !strings.HasPrefix(p[i+1:], `\)`) && !strings.HasPrefix(p[i+1:], `\|`):
			b.WriteString(regexp.QuoteMeta(string(c)))
		default:
			b.WriteByte(c)
			start = c == '^'
		}
	}
	return b.String()
}
