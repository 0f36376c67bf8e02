// Package optionlist shows lists of options that a configuration may hold:
// cluster properties, meta-attributes, parameters of fence devices.
package optionlist

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/option"
	"hacluster/internal/tool"
)

// Option is one option.
type Option struct {
	Name    string
	Type    string // boolean, integer, score, string, duration, timeout, port, select …
	Values  []string
	Default string // "" for none
	// Advanced and deprecated options are shown only on demand, in XML always.
	Advanced, Deprecated bool
	Generated            bool   // set by the cluster itself
	Successor            string // what took the place of a deprecated option, if anything
	Help                 string // a sentence without its full stop
	More                 string // what else there is to know
}

// List is a list of options.
type List struct {
	Name    string // as agents' meta-data has one
	Title   string
	Help    string
	Options []Option
}

// Of is how options of the cluster are listed: each under its name, and under the one that it had before.
func Of(options []option.Option) []Option {
	var out []Option
	for _, o := range options {
		line := Option{
			Name: o.Name, Type: o.Type, Values: o.Values, Default: o.Default, Help: o.Help,
			Advanced: o.Advanced, Generated: o.Generated, Deprecated: o.Deprecated,
		}
		out = append(out, line)
		if o.Legacy != "" {
			line.Name, line.Deprecated, line.Successor, line.Help = o.Legacy, true, o.Name, "Former name of "+o.Name
			out = append(out, line)
		}
	}
	return out
}

// Metadata is a list as Pacemaker's daemons tell it of themselves when they are called with the word metadata: in the form of agents' meta-data
// of old, whose types are fewer, and where marks in the short text say what kind of option it is; programs go by these.
func (l List) Metadata() []byte {
	root := etree.NewElement("resource-agent")
	root.CreateAttr("name", l.Name)
	root.CreateAttr("version", tool.Version)
	text := func(under *etree.Element, tag, words string) {
		tool.Add(under, tag, "lang", "en").SetText(words)
	}
	tool.Add(root, "version").SetText("1.1")
	text(root, "longdesc", l.Help)
	text(root, "shortdesc", l.Title)
	parameters := tool.Add(root, "parameters")
	for _, o := range l.Options {
		p := tool.Add(parameters, "parameter", "name", o.Name)
		long := o.long()
		if len(o.Values) > 0 {
			long += ". Allowed values: " + strings.Join(o.Values, ", ")
		}
		text(p, "longdesc", long)
		text(p, "shortdesc", o.marks()+o.Help)
		c := tool.Add(p, "content", "type", o.oldType(), "default?", o.Default)
		for _, v := range o.Values {
			tool.Add(c, "option", "value", v)
		}
	}
	return xml.FormatText(root)
}

// marks stand before an option's short text.
func (o *Option) marks() string {
	out := ""
	mark := func(words string) { out += "*** " + words + " *** " }
	if o.Deprecated {
		mark("Deprecated")
	}
	if o.Successor != "" {
		mark("Replaced with " + o.Successor)
	}
	if o.Advanced {
		mark("Advanced Use Only")
	}
	return out
}

// oldType is the word for an option's type in agents' meta-data of old.
func (o *Option) oldType() string {
	switch o.Type {
	case "duration", "timeout":
		return "time"
	case "score", "nonnegative_integer", "port":
		return "integer"
	case "version":
		return "string"
	}
	return o.Type
}

// Show shows a list: with all also what is advanced or deprecated.
func (l List) Show(out *tool.Output, all bool) {
	l.text(out, all)
	agent := out.Element("resource-agent", "name", l.Name, "version", tool.Version)
	tool.Add(agent, "version").SetText("1.1")
	tool.Add(agent, "longdesc", "lang", "en").SetText(l.Help)
	tool.Add(agent, "shortdesc", "lang", "en").SetText(l.Title)
	parameters := tool.Add(agent, "parameters")
	for _, o := range l.Options {
		p := tool.Add(parameters, "parameter", "name", o.Name, "advanced", flag(o.Advanced), "generated", flag(o.Generated))
		if o.Deprecated {
			d := tool.Add(p, "deprecated")
			if o.Successor != "" {
				tool.Add(d, "replaced-with", "name", o.Successor)
			}
		}
		tool.Add(p, "longdesc", "lang", "en").SetText(o.long())
		tool.Add(p, "shortdesc", "lang", "en").SetText(o.Help)
		c := tool.Add(p, "content", "type", o.Type, "default?", o.Default)
		for _, v := range o.Values {
			tool.Add(c, "option", "value", v)
		}
	}
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// text shows the list for people.
func (l List) text(out *tool.Output, all bool) {
	out.Print("%s\n\n", l.Title)
	for _, part := range []struct {
		title string
		has   func(*Option) bool
	}{
		{"", func(o *Option) bool { return !o.Advanced && !o.Deprecated }},
		{"For experts", func(o *Option) bool { return o.Advanced && !o.Deprecated }},
		{"Deprecated, to be removed in a later release", func(o *Option) bool { return o.Deprecated }},
	} {
		begun := part.title == ""
		for i := range l.Options {
			o := &l.Options[i]
			if !part.has(o) || part.title != "" && !all {
				continue
			}
			if !begun {
				begun = true
				out.Print("\n%s:\n\n", part.title)
			}
			out.Print("%s", o.text())
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
