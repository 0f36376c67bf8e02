package screen

import (
	"errors"
	"strings"
)

// Sections is a set of parts of a page.
type Sections uint32

// The parts of a page.
const (
	Stack Sections = 1 << iota
	DC
	Times
	Counts
	MaintMode
	ClusterOptions
	NodeList
	Resources
	Failures
	Attributes
	FailCounts
	Operations
	Tickets
	Bans
	FencingFailed
	FencingPending
	FencingSucceeded

	Summary    = Stack | DC | Times | Counts | MaintMode
	FencingAll = FencingFailed | FencingPending | FencingSucceeded
	// DefaultText is what a page shows to people; DefaultXML is everything.
	DefaultText = Summary | NodeList | Resources | Failures | FencingFailed | FencingPending
	DefaultXML  = AllText | ClusterOptions
	AllText     = Summary | NodeList | Resources | Failures | Attributes | FailCounts | Operations | Tickets | Bans | FencingAll
)

func (s Sections) has(part Sections) bool { return s&part != 0 }

var sectionNames = map[string]Sections{
	"attributes": Attributes, "bans": Bans, "counts": Counts, "dc": DC, "failcounts": FailCounts, "failures": Failures, "fencing": FencingAll,
	"fencing-failed": FencingFailed, "fencing-pending": FencingPending, "fencing-succeeded": FencingSucceeded, "maint-mode": MaintMode,
	"nodes": NodeList, "operations": Operations, "options": ClusterOptions, "resources": Resources, "stack": Stack, "summary": Summary,
	"tickets": Tickets, "times": Times,
}

const (
	includeWords = "--include options: all, attributes, bans[:PREFIX], counts, dc, default, failcounts, failures, fencing, fencing-failed, " +
		"fencing-pending, fencing-succeeded, maint-mode, nodes, none, operations, options, resources, stack, summary, tickets, times"
	excludeWords = "--exclude options: all, attributes, bans, counts, dc, failcounts, failures, fencing, fencing-failed, " +
		"fencing-pending, fencing-succeeded, maint-mode, nodes, none, operations, options, resources, stack, summary, tickets, times"
)

// Include adds the sections of a comma-separated list. all and base are what
// the words all and default mean for the form of the page.
func (p *Page) Include(list string, all, base Sections) error {
	if list == "" {
		return nil
	}
	for word := range strings.SplitSeq(list, ",") {
		lower := strings.ToLower(word)
		switch {
		case word == "all":
			p.Sections = all
		case strings.HasPrefix(lower, "bans"):
			p.Sections |= Bans
			p.BanPrefix = ""
			if _, prefix, ok := strings.Cut(word, ":"); ok {
				p.BanPrefix = prefix
			}
		case word == "default", word == "defaults":
			p.Sections |= base
		case word == "none":
			p.Sections = 0
		case sectionNames[lower] != 0:
			p.Sections |= sectionNames[lower]
		default:
			return errors.New(includeWords)
		}
	}
	return nil
}

// Exclude takes the sections of a comma-separated list away.
func (p *Page) Exclude(list string, all Sections) error {
	if list == "" {
		return nil
	}
	for word := range strings.SplitSeq(list, ",") {
		switch part := sectionNames[strings.ToLower(word)]; {
		case word == "all":
			p.Sections = 0
		case word == "none":
			p.Sections = all
		case part != 0:
			p.Sections &^= part
		default:
			return errors.New(excludeWords)
		}
	}
	return nil
}
