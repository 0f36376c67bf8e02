package show

import (
	"strings"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/report"
)

// ParamLines describe a parameter of an agent, or an option of the cluster.
func ParamLines(p agents.Param) []string {
	title := []string{p.Name}
	switch {
	case len(p.DeprecatedBy) > 0:
		title = append(title, "(deprecated by "+strings.Join(p.DeprecatedBy, ", ")+")")
	case p.Deprecated:
		title = append(title, "(deprecated)")
	}
	if p.Required {
		title = append(title, "(required)")
	}
	if p.UniqueGroup != "" {
		if strings.HasPrefix(p.UniqueGroup, agents.DefaultGroup) {
			title = append(title, "(unique)")
		} else {
			title = append(title, "(unique group: "+p.UniqueGroup+")")
		}
	}
	if p.Advanced {
		title = append(title, "(advanced use only)")
	}
	var text []string
	if p.DeprecatedDesc != nil && *p.DeprecatedDesc != "" {
		text = append(text, "DEPRECATED: {parameter.deprecated_desc}")
	}
	desc := "No description available"
	switch {
	case p.Long != nil && *p.Long != "":
		desc = strings.ReplaceAll(*p.Long, "\n", " ")
	case p.Short != nil && *p.Short != "":
		desc = strings.ReplaceAll(*p.Short, "\n", " ")
	}
	text = append(text, "Description: "+desc)
	if len(p.Enum) > 0 {
		text = append(text, "Allowed values: "+report.QuoteSorted(p.Enum))
	} else if p.Type != "" {
		text = append(text, "Type: "+p.Type)
	}
	if p.Default != nil && *p.Default != "" {
		text = append(text, "Default: "+*p.Default)
	}
	return append([]string{strings.Join(title, " ")}, Indent(text)...)
}

// ParamJSON is a parameter as an object.
func ParamJSON(p agents.Param) Object {
	var enum any
	if p.Enum != nil {
		enum = p.Enum
	}
	by := p.DeprecatedBy
	if by == nil {
		by = []string{}
	}
	return Object{
		{"name", p.Name},
		{"shortdesc", p.Short},
		{"longdesc", p.Long},
		{"type", p.Type},
		{"default", p.Default},
		{"enum_values", enum},
		{"required", p.Required},
		{"advanced", p.Advanced},
		{"deprecated", p.Deprecated},
		{"deprecated_by", by},
		{"deprecated_desc", p.DeprecatedDesc},
		{"unique_group", Opt(p.UniqueGroup)},
		{"reloadable", p.Reloadable},
	}
}
