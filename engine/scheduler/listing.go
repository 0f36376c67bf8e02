package scheduler

import "fmt"

// Listing writes what changes as Pacemaker lists it, a line each, in columns.
func Listing(lines []SummaryLine) []string {
	id, text := 5, 5
	for _, l := range lines { // the widths are those that were needed in the end
		if l.Resource != "" {
			if n := len(l.Resource); n > id {
				id = n + 2
			}
			text = max(text, len(l.where()))
		}
	}
	var out []string
	for _, l := range lines {
		switch {
		case !l.Show:
		case l.Resource == "":
			out = append(out, l.Verb+" "+l.Node+" '"+l.Reason+"'")
		default:
			reason := ""
			switch {
			case l.Reason != "" && l.Blocked:
				reason = "  due to " + l.Reason + " (blocked)"
			case l.Reason != "":
				reason = "  due to " + l.Reason
			case l.Blocked:
				reason = "  blocked"
			}
			out = append(out, fmt.Sprintf("%-8s   %-*s   ( %*s )%s", l.Verb, id, l.Resource, text, l.where(), reason))
		}
	}
	return out
}

// where tells from where to where, and the roles where they are worth showing.
func (l SummaryLine) where() string {
	host := l.Source == l.Dest
	switch {
	case l.Source == "" && l.NeedRole:
		return l.Role + " -> " + l.NextRole + " " + l.Dest
	case l.Source == "":
		return l.Dest
	case l.Dest == "" && l.NeedRole, l.NeedRole && l.SameRole && host:
		return l.Role + " " + l.Source
	case l.Dest == "", l.SameRole && host:
		return l.Source
	case l.SameRole && l.NeedRole:
		return l.Source + " -> " + l.Dest + " " + l.Role
	case l.SameRole:
		return l.Source + " -> " + l.Dest
	case host:
		return l.Role + " -> " + l.NextRole + " " + l.Source
	}
	return l.Role + " " + l.Source + " -> " + l.NextRole + " " + l.Dest
}
