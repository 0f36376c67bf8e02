package logging

import (
	"os"
	"strings"
)

// Settings looks variables up in the environment, and else in the first of the
// files that is there: what a distribution's service manager would have read from
// it (/etc/sysconfig/NAME, /etc/default/NAME).
func Settings(getenv func(string) string, files ...string) func(string) string {
	values := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		values = ParseSettings(string(data))
		break
	}
	return func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return values[name]
	}
}

// ParseSettings reads lines NAME=VALUE, as shells and systemd's EnvironmentFile
// read them; values may be quoted, and are not expanded.
func ParseSettings(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" || line[0] == '#' || line[0] == ';' || strings.ContainsAny(name, " \t\"'$") {
			continue
		}
		out[name] = unquote(value)
	}
	return out
}

// unquote reads a value as a shell does: quotes, backslashes, and an end at a blank.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t':
			return b.String()
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				end = len(s) - i - 1
			}
			b.WriteString(s[i+1 : i+1+end])
			i += end + 1
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0 {
					i++
				}
				b.WriteByte(s[i])
			}
		case '\\':
			if i+1 < len(s) {
				i++
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
