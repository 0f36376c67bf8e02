package agents

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Agent is an agent's meta-data. Pointers are nil where it says nothing.
type Agent struct {
	Name   Name
	Exists bool
	// Version is the version of the OCF standard, "1.0" or "1.1".
	Version     string
	Short, Long *string
	Params      []Param
	Actions     []Action
}

// Param is a parameter.
type Param struct {
	Name           string
	Short, Long    *string
	Type           string
	Default        *string
	Enum           []string // values of a select; nil for other types
	Required       bool
	Advanced       bool
	Deprecated     bool
	DeprecatedBy   []string
	DeprecatedDesc *string
	UniqueGroup    string // "" for none
	Reloadable     bool
	// Obsoletes is the older name that this one replaces (OCF 1.0).
	Obsoletes string
	// Warning is what 0.9 adds to a description.
	Warning string
}

// Action is an action; its attributes keep their order.
type Action struct {
	Name                string
	Attrs               []etree.Attr
	Automatic, OnTarget bool
}

// Attr is an attribute, nil without.
func (a Action) Attr(name string) *string {
	for _, x := range a.Attrs {
		if x.Key == name {
			v := x.Value
			return &v
		}
	}
	return nil
}

// VersionError is meta-data of a version of OCF that nobody here knows.
type VersionError struct {
	Name    Name
	Version string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("agent %s implements OCF %s", e.Name, e.Version)
}

// DefaultGroup begins the names of groups of one unique parameter.
const DefaultGroup = "_pcs_unique_group_"

// Parse reads meta-data. errors of the XML are given as they are.
func Parse(n Name, data []byte) (*Agent, error) {
	d, err := xml.Parse(data)
	if err != nil {
		return nil, err
	}
	root := d.Root
	a := &Agent{Name: n, Exists: true, Version: "1.0"}
	if v := root.SelectElement("version"); v != nil {
		a.Version = strings.TrimSpace(v.Text())
	}
	if a.Version != "1.0" && a.Version != "1.1" {
		return nil, &VersionError{n, a.Version}
	}
	a.Short, a.Long = textOf(root, "shortdesc"), textOf(root, "longdesc")
	if a.Version == "1.0" && (a.Short == nil || *a.Short == "") {
		if s := root.SelectAttr("shortdesc"); s != nil {
			a.Short = &s.Value
		}
	}
	replaces := map[string][]string{}
	if ps := root.SelectElement("parameters"); ps != nil {
		for _, p := range ps.SelectElements("parameter") {
			a.Params = append(a.Params, parseParam(p, a.Version))
			if o := p.SelectAttrValue("obsoletes", ""); o != "" && a.Version == "1.0" {
				replaces[o] = append(replaces[o], p.SelectAttrValue("name", ""))
			}
		}
	}
	if n.Stonith() {
		// The fencer fills these in by itself.
		for i := range a.Params {
			if p := &a.Params[i]; p.Name == "action" || p.Name == "plug" || p.Name == "port" {
				p.Required = false
			}
		}
	}
	for i := range a.Params {
		if by := replaces[a.Params[i].Name]; a.Version == "1.0" && by != nil {
			by = slices.Clone(by)
			slices.Sort(by)
			a.Params[i].DeprecatedBy = slices.Compact(by)
		}
	}
	if as := root.SelectElement("actions"); as != nil {
		for _, x := range as.SelectElements("action") {
			a.Actions = append(a.Actions, Action{
				Name: x.SelectAttrValue("name", ""), Attrs: x.Attr,
				Automatic: x.SelectAttrValue("automatic", "") == "1", OnTarget: x.SelectAttrValue("on_target", "") == "1",
			})
		}
	}
	return a, nil
}

func textOf(el *etree.Element, tag string) *string {
	c := el.SelectElement(tag)
	if c == nil || c.Text() == "" {
		return nil
	}
	t := strings.TrimSpace(c.Text())
	return &t
}

func parseParam(p *etree.Element, version string) Param {
	out := Param{
		Name: p.SelectAttrValue("name", ""), Short: textOf(p, "shortdesc"), Long: textOf(p, "longdesc"), Type: "string",
		Required: p.SelectAttrValue("required", "") == "1",
	}
	if c := p.SelectElement("content"); c != nil {
		out.Type = c.SelectAttrValue("type", "string")
		if d := c.SelectAttr("default"); d != nil {
			out.Default = &d.Value
		}
		if out.Type == "select" {
			out.Enum = []string{}
			for _, o := range c.SelectElements("option") {
				out.Enum = append(out.Enum, o.SelectAttrValue("value", ""))
			}
		}
	}
	if version == "1.0" {
		out.Deprecated = p.SelectAttrValue("deprecated", "") == "1"
		out.Obsoletes = p.SelectAttrValue("obsoletes", "")
		if p.SelectAttrValue("unique", "") == "1" {
			out.UniqueGroup, out.Reloadable = DefaultGroup+out.Name, true
		}
		return out
	}
	out.Advanced = p.SelectAttrValue("advanced", "") == "1"
	out.Reloadable = p.SelectAttrValue("reloadable", "") == "1"
	out.UniqueGroup = p.SelectAttrValue("unique-group", "")
	if d := p.SelectElement("deprecated"); d != nil {
		out.Deprecated = true
		for _, r := range d.SelectElements("replaced-with") {
			out.DeprecatedBy = append(out.DeprecatedBy, r.SelectAttrValue("name", ""))
		}
		out.DeprecatedDesc = textOf(d, "desc")
	}
	return out
}

// Void stands for an agent that is not there.
func Void(n Name) *Agent { return &Agent{Name: n, Version: "1.0"} }

// ParamNames are all parameters' names.
func (a *Agent) ParamNames() []string {
	out := make([]string, 0, len(a.Params))
	for _, p := range a.Params {
		if !slices.Contains(out, p.Name) {
			out = append(out, p.Name)
		}
	}
	return out
}

// HasAction tells whether the agent has an action.
func (a *Agent) HasAction(name string) bool {
	return slices.ContainsFunc(a.Actions, func(x Action) bool { return x.Name == name })
}

// Unfencing tells whether a fence agent turns nodes on as they join.
func (a *Agent) Unfencing() bool {
	return a.Name.Stonith() && slices.ContainsFunc(a.Actions, func(x Action) bool { return x.Name == "on" && x.OnTarget && x.Automatic })
}

// Promotable tells whether the agent knows promote and demote.
func (a *Agent) Promotable() bool { return a.HasAction("promote") && a.HasAction("demote") }

// UniqueGroups are the groups of parameters that must be unique together, in order of appearance.
func (a *Agent) UniqueGroups() (order []string, groups map[string][]string) {
	groups = map[string][]string{}
	for _, p := range a.Params {
		if p.UniqueGroup == "" {
			continue
		}
		if _, ok := groups[p.UniqueGroup]; !ok {
			order = append(order, p.UniqueGroup)
		}
		groups[p.UniqueGroup] = append(groups[p.UniqueGroup], p.Name)
	}
	return order, groups
}

// StonithActionReplacedBy are the parameters to be used in place of a fence agent's "action".
var StonithActionReplacedBy = []string{"pcmk_off_action", "pcmk_reboot_action"}

func str(s string) *string { return &s }

// What the parameters for tracing are for, in the words that pcs prints: they come from no agent.
const (
	traceText     = "Set to 1 to turn on resource agent tracing (expect large output)"
	traceFileText = "Path to a file to store resource agent tracing log"
)

// traceParams are parameters that OCF agents of the usual providers have without naming them.
func traceParams(have []Param) []Param {
	var out []Param
	named := func(n string) bool {
		return slices.ContainsFunc(have, func(p Param) bool { return strings.EqualFold(p.Name, n) })
	}
	if !named("trace_ra") {
		out = append(out, Param{
			Name: "trace_ra", Short: str(traceText),
			Long: str(traceText + " The trace output will be saved to trace_file, if set, or by default to $HA_VARRUN/ra_trace/<type>/<id>.<action>.<timestamp> e.g. $HA_VARRUN/ra_trace/oracle/db.start.2012-11-27.08:37:08"),
			Type: "integer", Default: str("0"), Advanced: true,
		})
	}
	if !named("trace_file") {
		out = append(out, Param{
			Name: "trace_file", Short: str(traceFileText), Long: str(traceFileText),
			Type: "string", Default: str(""), Advanced: true,
		})
	}
	return out
}

// Complete gives the agent as pcs from 0.10 on sees it: fence agents with the parameters of
// the fencer (fenced, of Daemon's meta-data), OCF agents with those for tracing.
func (a *Agent) Complete(fenced []Param) *Agent {
	c := *a
	c.Params = slices.Clone(a.Params)
	if a.Name.Stonith() {
		c.Params = slices.DeleteFunc(c.Params, func(p Param) bool { return p.Name == "help" || p.Name == "version" })
		for i := range c.Params {
			if p := &c.Params[i]; p.Name == "action" {
				p.Required, p.Advanced, p.Deprecated = false, true, true
				p.DeprecatedBy = append(slices.Clone(StonithActionReplacedBy), p.DeprecatedBy...)
			}
		}
		port, next := map[string]bool{}, []string{"port"}
		for len(next) > 0 {
			current := next
			next = nil
			for _, p := range c.Params {
				if slices.Contains(current, p.Name) && !port[p.Name] {
					port[p.Name] = true
					next = append(next, p.DeprecatedBy...)
				}
			}
		}
		for i := range c.Params {
			if port[c.Params[i].Name] {
				c.Params[i].Required = false
			}
		}
		c.Params = append(c.Params, fenced...)
	}
	if a.Exists && a.Name.OCF() && (a.Name.Provider == "heartbeat" || a.Name.Provider == "pacemaker") {
		c.Params = append(c.Params, traceParams(c.Params)...)
	}
	return &c
}

// DaemonParams are a daemon's parameters as pcs from 0.10 on reads them: enumerations and the
// mark of advanced use are taken out of the descriptions.
func DaemonParams(a *Agent) []Param {
	out := slices.Clone(a.Params)
	for i := range out {
		p := &out[i]
		if p.Type == "enum" {
			values, long := splitAllowed(p.Long)
			if p.Default != nil && !slices.Contains(values, *p.Default) {
				values = append(values, *p.Default)
			}
			p.Type, p.Long, p.Enum = "select", long, values
		}
		if p.Type == "select" {
			_, p.Long = splitAllowed(p.Long)
		}
		if p.Short != nil && p.Long != nil && *p.Short == *p.Long || p.Short == nil && p.Long == nil {
			p.Long = nil
		}
		if p.Short != nil {
			for _, mark := range []string{"Advanced use only:", "*** Advanced Use Only ***"} {
				if rest, ok := strings.CutPrefix(*p.Short, mark); ok {
					p.Advanced = true
					rest = strings.TrimLeft(rest, " \t\n")
					p.Short = nil
					if rest != "" {
						p.Short = &rest
					}
					break
				}
			}
		}
		if p.Short != nil && p.Long != nil {
			s := *p.Short
			if s != "" && !strings.HasSuffix(s, ".") {
				s += "."
			}
			p.Long = str(strings.TrimSpace(s + "\n" + *p.Long))
		}
	}
	return out
}

func splitAllowed(long *string) ([]string, *string) {
	if long == nil {
		return nil, nil
	}
	parts := strings.Split(*long, "  Allowed values: ")
	if len(parts) != 2 {
		return nil, long
	}
	return strings.Split(parts[1], ", "), &parts[0]
}

// Complete09 gives the agent as pcs 0.9 sees it: parameters that replace older ones are not
// shown, and fence agents have the fencer's.
func (a *Agent) Complete09(fenced []Param) *Agent {
	c := *a
	c.Params = slices.DeleteFunc(slices.Clone(a.Params), func(p Param) bool { return p.Obsoletes != "" })
	if a.Name.Stonith() {
		c.Params = slices.DeleteFunc(c.Params, func(p Param) bool { return p.Name == "help" || p.Name == "version" })
		for i := range c.Params {
			if p := &c.Params[i]; p.Name == "action" {
				p.Required, p.Advanced = false, true
				p.Warning = "Specifying 'action' is deprecated and not necessary with current Pacemaker versions. Use 'pcmk_off_action', 'pcmk_reboot_action' instead."
			}
		}
		c.Params = append(c.Params, fenced...)
	}
	if a.Exists && a.Name.OCF() && (a.Name.Provider == "heartbeat" || a.Name.Provider == "pacemaker") {
		c.Params = append(c.Params, traceParams(c.Params)...)
	}
	return &c
}

// DaemonParams09 are a daemon's parameters as pcs 0.9 reads them.
func DaemonParams09(a *Agent) []Param {
	out := slices.DeleteFunc(slices.Clone(a.Params), func(p Param) bool { return p.Obsoletes != "" })
	for i := range out {
		short, long := "", ""
		if out[i].Short != nil {
			short = *out[i].Short
		}
		if out[i].Long != nil {
			long = *out[i].Long
		}
		out[i].Long = str(strings.TrimSpace(short + "\n" + long))
		out[i].Advanced = strings.HasPrefix(short, "Advanced use only")
	}
	return out
}

// NameOf is the name of a primitive's agent.
func NameOf(el *etree.Element) Name {
	return Name{Standard: el.SelectAttrValue("class", ""), Provider: el.SelectAttrValue("provider", ""), Type: el.SelectAttrValue("type", "")}
}
