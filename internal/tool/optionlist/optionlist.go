// Package optionlist shows lists of options that a configuration may hold:
// cluster properties, meta-attributes, parameters of fence devices.
package optionlist

import (
	"strings"

	"hacluster/internal/tool"
)

// Option is one option.
type Option struct {
	Name    string
	Type    string // boolean, integer, score, string, duration, timeout, port, select …
	Values  []string
	Default string // "" for none
	// Advanced options are shown only on demand, in XML always.
	Advanced bool
	Help     string // a sentence without its full stop
	More     string // what else there is to know
}

// List is a list of options.
type List struct {
	Name    string // as agents' meta-data has one
	Title   string
	Help    string
	Options []Option
}

// Show shows a list: with all also what is advanced.
func (l List) Show(out *tool.Output, all bool) {
	agent := out.Element("resource-agent", "name", l.Name, "version", tool.Version)
	tool.Add(agent, "version").SetText("1.1")
	tool.Add(agent, "longdesc", "lang", "en").SetText(l.Help)
	tool.Add(agent, "shortdesc", "lang", "en").SetText(l.Title)
	parameters := tool.Add(agent, "parameters")
	out.Print("%s\n\n", l.Title)
	shown := func(advanced bool) {
		for _, o := range l.Options {
			if o.Advanced == advanced {
				out.Print("%s", o.text())
			}
		}
	}
	shown(false)
	if all {
		out.Print("\nFor experts:\n\n")
		shown(true)
	}
	for _, o := range l.Options {
		advanced := "0"
		if o.Advanced {
			advanced = "1"
		}
		p := tool.Add(parameters, "parameter", "name", o.Name, "advanced", advanced, "generated", "0")
		tool.Add(p, "longdesc", "lang", "en").SetText(o.long())
		tool.Add(p, "shortdesc", "lang", "en").SetText(o.Help)
		c := tool.Add(p, "content", "type", o.Type, "default?", o.Default)
		for _, v := range o.Values {
			tool.Add(c, "option", "value", v)
		}
	}
}

func (o *Option) long() string {
	if o.More == "" {
		return o.Help
	}
	return o.Help + ". " + o.More
}

// text is an option as people read it.
func (o *Option) text() string {
	var b strings.Builder
	b.WriteString("  * " + o.Name + ": " + o.long() + "\n")
	values := o.Type
	if len(o.Values) > 0 {
		values = `"` + strings.Join(o.Values, `", "`) + `"`
	}
	b.WriteString("    * values: " + values)
	if o.Default != "" {
		b.WriteString(" (default: " + o.Default + ")")
	}
	return b.String() + "\n"
}
