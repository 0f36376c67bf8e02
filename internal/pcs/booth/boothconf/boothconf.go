// Package boothconf is the configuration of booth, which grants tickets to sites: lines of name = value, of which
// those behind a ticket belong to it.
package boothconf

import (
	"regexp"
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/pattern"
)

// AuthfileSwitch is the option that some builds of booth need for their key to be used.
const AuthfileSwitch = "enable-authfile"

// GlobalNames are options that belong to no ticket, wherever they stand.
var GlobalNames = []string{
	"transport", "port", "name", "authfile", "maxtimeskew", "site", "arbitrator", "site-user", "site-group", "arbitrator-user",
	"arbitrator-group", "debug", "ticket",
}

// Ticket is a ticket with its options.
type Ticket struct {
	Name    string
	Options argv.Pairs
}

// Conf is a configuration. Names of options may repeat.
type Conf struct {
	Options argv.Pairs
	Tickets []Ticket
}

// BadLines are lines that cannot be read.
type BadLines []string

func (e BadLines) Error() string { return "unexpected lines: " + strings.Join(e, "; ") }

var lineForms = []func() *regexp.Regexp{
	pattern.Late(`^([a-zA-Z0-9_-]+)\s*=\s*([^'"]+)$`),
	pattern.Late(`^([a-zA-Z0-9_-]+)\s*=\s*'([^']*)'\s*(#.*)?$`),
	pattern.Late(`^([a-zA-Z0-9_-]+)\s*=\s*"([^"]*)"\s*(#.*)?$`),
}

// Parse reads a configuration. With switches, AuthfileSwitch is an option of no ticket. The error is BadLines.
func Parse(text string, switches bool) (*Conf, error) {
	c := &Conf{}
	var bad BadLines
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, ok := split(line)
		switch {
		case !ok && (line == "" || line[0] == '#'):
		case !ok:
			bad = append(bad, line)
		case name == "ticket":
			c.Tickets = append(c.Tickets, Ticket{Name: value})
		case len(c.Tickets) == 0 || slices.Contains(GlobalNames, name) || switches && name == AuthfileSwitch:
			c.Options = append(c.Options, argv.Pair{Name: name, Value: value})
		default:
			t := &c.Tickets[len(c.Tickets)-1]
			t.Options = append(t.Options, argv.Pair{Name: name, Value: value})
		}
	}
	if len(bad) > 0 {
		return nil, bad
	}
	return c, nil
}

func split(line string) (name, value string, ok bool) {
	for _, f := range lineForms {
		if m := f().FindStringSubmatch(line); m != nil {
			return m[1], m[2], true
		}
	}
	return "", "", false
}

// String writes the configuration.
func (c *Conf) String() string {
	var b strings.Builder
	for _, o := range c.Options {
		b.WriteString(o.Name + " = " + o.Value + "\n")
	}
	for _, t := range c.Tickets {
		b.WriteString(`ticket = "` + t.Name + "\"\n")
		for _, o := range t.Options {
			b.WriteString("  " + o.Name + " = " + o.Value + "\n")
		}
	}
	return b.String()
}

// Option is the last value of an option; ok is false without.
func (c *Conf) Option(name string) (value string, ok bool) {
	for _, o := range c.Options {
		if o.Name == name {
			value, ok = o.Value, true
		}
	}
	return value, ok
}

// Set puts an option in front, in place of all of its name; an empty value only drops them.
func (c *Conf) Set(name, value string) {
	c.Options = c.Options.Without(name)
	if value != "" {
		c.Options = append(argv.Pairs{{Name: name, Value: value}}, c.Options...)
	}
}

// Has tells whether there is a ticket of the name.
func (c *Conf) Has(ticket string) bool {
	return slices.ContainsFunc(c.Tickets, func(t Ticket) bool { return t.Name == ticket })
}

// Remove drops tickets of the name.
func (c *Conf) Remove(ticket string) {
	c.Tickets = slices.DeleteFunc(c.Tickets, func(t Ticket) bool { return t.Name == ticket })
}
