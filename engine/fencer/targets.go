package fencer

import "strings"

// ParseTargets reads names of targets as they stand in pcmk_host_list and as agents list them: apart by blanks, commas, semicolons or lines (an escaped
// end of line is one). A line that complains is none, and neither are a target's states. What no name may hold ends one.
func ParseTargets(text string) []string {
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(text, `\n`, "\n")) {
		if strings.Contains(line, "invalid") || strings.Contains(line, "variable") {
			continue
		}
		for _, w := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n\v\f,;", r) }) {
			if i := strings.IndexFunc(w, func(r rune) bool { return !inName(r) }); i >= 0 {
				w = w[:i]
			}
			if w != "" && !strings.EqualFold(w, "on") && !strings.EqualFold(w, "off") {
				out = append(out, w)
			}
		}
	}
	return out
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.'
}
