package main

import (
	"strconv"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/output/tui"
)

func mark(on bool) string {
	if on {
		return "*"
	}
	return " "
}

// pageScreen is the page of Pacemaker 3.
type pageScreen struct{ *request }

func (s *pageScreen) Render(c *status.Cluster, m tui.Snapshot) string {
	p := s.Page
	p.Live, p.Fencing, p.FencingErr, p.LocalNode = true, m.Fencing, m.FencingErr, m.LocalNode
	return screen.Text(c, p)
}

func (s *pageScreen) Key(k string) bool {
	switch k {
	case "m":
		s.level = (s.level + 1) % 4
		s.Sections &^= screen.FencingAll
		s.Sections |= [4]screen.Sections{0, screen.FencingFailed | screen.FencingPending, screen.FencingAll, screen.FencingAll}[s.level]
	case "c":
		s.Sections ^= screen.Tickets
	case "f":
		s.Sections ^= screen.FailCounts
	case "o":
		if s.Sections ^= screen.Operations; s.Sections&screen.Operations == 0 {
			s.Timing = false
		}
	case "A":
		s.Sections ^= screen.Attributes
	case "L":
		s.Sections ^= screen.Bans
	case "D":
		if s.Sections&screen.Summary != 0 {
			s.Sections &^= screen.Summary
		} else {
			s.Sections |= screen.Summary
		}
	case "n":
		s.ByNode = !s.ByNode
	case "r":
		s.Inactive = !s.Inactive
	case "R":
		s.Detail = !s.Detail
	case "b":
		s.Brief = !s.Brief
	case "j":
		s.NoPending = !s.NoPending
	case "t":
		if s.Timing = !s.Timing; s.Timing {
			s.Sections |= screen.Operations
		}
	default:
		return false
	}
	return true
}

func (s *pageScreen) Switches() []tui.Switch {
	part := func(p screen.Sections) string { return mark(s.Sections&p != 0) }
	list := [][3]string{
		{"c", part(screen.Tickets), "show cluster tickets"},
		{"f", part(screen.FailCounts), "show resource fail counts"},
		{"n", mark(s.ByNode), "group resources by node"},
		{"o", part(screen.Operations), "show operation history"},
		{"r", mark(s.Inactive), "show inactive resources"},
		{"t", mark(s.Timing), "show timing details"},
		{"A", part(screen.Attributes), "show node attributes"},
		{"L", part(screen.Bans), "show negative location constraints"},
		{"D", mark(s.Sections&screen.Summary == 0), "hide headers"},
		{"R", mark(s.Detail), "show more details"},
		{"b", mark(s.Brief), "brief output"},
		{"j", mark(!s.NoPending), "show pending actions"},
		{"m", strconv.Itoa(s.level), "fencing history"},
	}
	out := make([]tui.Switch, len(list))
	for i, l := range list {
		out[i] = tui.Switch{Key: l[0], State: l[1], What: l[2]}
	}
	return out
}

// legacyScreen is the page of Pacemaker 1.1.
type legacyScreen struct{ settings }

func (s *legacyScreen) Render(c *status.Cluster, m tui.Snapshot) string {
	o := s.Options
	o.Fencing = m.Fencing
	return screen.Legacy(c, o)
}

func (s *legacyScreen) fields() map[string]*bool {
	return map[string]*bool{
		"c": &s.Tickets, "f": &s.FailCounts, "n": &s.ByNode, "o": &s.Operations, "r": &s.Inactive, "t": &s.Timing, "A": &s.Attributes,
		"L": &s.Bans, "D": &s.NoSummary, "R": &s.Detail, "b": &s.Brief,
	}
}

func (s *legacyScreen) Key(k string) bool {
	switch k {
	case "m":
		s.FenceLevel = (s.FenceLevel + 1) % 4
		return true
	case "j":
		s.NoPending = !s.NoPending
		return true
	}
	field := s.fields()[k]
	if field == nil {
		return false
	}
	*field = !*field
	switch {
	case k == "t" && s.Timing:
		s.Operations = true
	case k == "o" && !s.Operations:
		s.Timing = false
	}
	return true
}

func (s *legacyScreen) Switches() []tui.Switch {
	list := (&pageScreen{&request{}}).Switches()
	for i := range list {
		switch f := s.fields()[list[i].Key]; {
		case f != nil:
			list[i].State = mark(*f)
		case list[i].Key == "j":
			list[i].State = mark(!s.NoPending)
		default:
			list[i].State = strconv.Itoa(s.FenceLevel)
		}
	}
	return list
}
