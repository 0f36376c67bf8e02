package pcsd

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
)

// The calls of the original's web interface that change resources, fencing, nodes and permissions. Each is one command
// line of pcs, or a few, carried out as 0.11 for the user of the call. Constraints are in webconstraint.go.

// webCalls are the names of the calls, what they take and what carries them out.
func webCalls() map[string]endpoint {
	write := func(required string, run func(*webCall) answer) endpoint { return webEndpoint("write", required, run) }
	grant := func(required string, run func(*webCall) answer) endpoint { return webEndpoint("grant", required, run) }
	read := func(run func(*webCall) answer) endpoint { return webEndpoint("read", "", run) }
	offline := func(e endpoint) endpoint { e.pacemaker = false; return e }
	return map[string]endpoint{
		"resource_start":                    write("resource", func(c *webCall) answer { return c.told(nil, "resource", "enable", c.value("resource")) }),
		"resource_stop":                     write("resource", func(c *webCall) answer { return c.told(nil, "resource", "disable", c.value("resource")) }),
		"resource_cleanup":                  write("resource", func(c *webCall) answer { return c.forget("cleanup") }),
		"resource_refresh":                  write("resource", func(c *webCall) answer { return c.forget("refresh") }),
		"update_resource":                   write("", (*webCall).updateResource),
		"update_fence_device":               write("", (*webCall).updateFenceDevice),
		"remove_resource":                   write("", (*webCall).removeResource),
		"add_meta_attr_remote":              write("res_id key", (*webCall).addMeta),
		"add_group":                         write("resource_group resources", (*webCall).addGroup),
		"update_cluster_settings":           webEndpoint("", "", (*webCall).updateSettings),
		"add_fence_level_remote":            write("level devices node", (*webCall).fenceLevel),
		"add_node_attr_remote":              write("node key", (*webCall).nodeAttribute),
		"resource_change_group":             write("", (*webCall).changeGroup),
		"resource_promotable":               write("", resourceVerb("resource_id", "promotable", "create promotable resource from")),
		"resource_clone":                    write("", resourceVerb("resource_id", "clone", "create clone resource from")),
		"resource_unclone":                  write("", resourceVerb("resource_id", "unclone", "unclone")),
		"resource_ungroup":                  write("", resourceVerb("group_id", "ungroup", "ungroup group")),
		"set_resource_utilization":          write("", utilization("resource_id", "resource")),
		"set_node_utilization":              write("", utilization("node", "node")),
		"add_acl_role":                      grant("name", (*webCall).addRole),
		"remove_acl_roles":                  grant("", (*webCall).removeRoles),
		"add_acl":                           grant("", (*webCall).addACL),
		"remove_acl":                        grant("", (*webCall).removeACL),
		"add_constraint_remote":             write("", (*webCall).addConstraint),
		"add_constraint_rule_remote":        write("", (*webCall).addRule),
		"add_constraint_set_remote":         write("", (*webCall).addSet),
		"remove_constraint_remote":          write("", (*webCall).removeConstraint),
		"remove_constraint_rule_remote":     write("", (*webCall).removeRule),
		"get_cluster_properties_definition": offline(read((*webCall).properties)),
		"get_avail_resource_agents":         offline(read((*webCall).agents)),
		"get_resource_agent_metadata":       read(func(c *webCall) answer { return c.metadata("resource_agent", "resource") }),
		"get_fence_agent_metadata":          read(func(c *webCall) answer { return c.metadata("fence_agent", "stonith") }),
	}
}

// webCall is one call that is carried out.
type webCall struct {
	*request
	s *Server
}

// webEndpoint is a call that needs pacemaker to run and, if it names any, fields.
func webEndpoint(need, required string, run func(*webCall) answer) endpoint {
	return endpoint{need: need, pacemaker: true, run: func(s *Server, r *request) answer {
		if a := missing(r, required); a != nil {
			return *a
		}
		return run(&webCall{r, s})
	}}
}

// missing refuses a call that lacks a field.
func missing(r *request, names string) *answer {
	var lacks []string
	for n := range strings.FieldsSeq(names) {
		if !r.has(n) {
			lacks = append(lacks, "'"+n+"'")
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	a := plainBad("Required parameters missing: " + strings.Join(lacks, ", "))
	return &a
}

// pcs carries a command line out; flags are its options.
func (c *webCall) pcs(flags []string, words ...string) live.Result {
	args := append(append(slices.Clone(flags), "--"), words...)
	res, err := c.s.conf.Programs.Run(c.Context(), append(c.environment(), "PCS_COMPAT=0.11"), "", "pcs", args...)
	if err != nil {
		return live.Result{Code: 1, Stderr: "Error: " + err.Error() + "\n"}
	}
	return res
}

// linesOf are the lines of a text, each with its end.
func linesOf(text string) []string {
	out := []string{}
	for l := range strings.Lines(text) {
		out = append(out, l)
	}
	return out
}

// told carries a command out and tells how it went as JSON.
func (c *webCall) told(flags []string, words ...string) answer {
	res := c.pcs(flags, words...)
	if res.Code == 0 {
		return ok(`{"success":"true"}`)
	}
	return okJSON(struct {
		Error    string   `json:"error"`
		Stdout   []string `json:"stdout"`
		Stderror []string `json:"stderror"`
	}{"true", linesOf(res.Stdout), linesOf(res.Stderr)})
}

// updated tells how the creation or change of a resource went.
func updated(res live.Result) answer {
	if res.Code == 0 {
		return ok("{}")
	}
	return okJSON(struct {
		Error  string   `json:"error"`
		Stderr []string `json:"stderr"`
		Stdout []string `json:"stdout"`
	}{"true", linesOf(res.Stderr), linesOf(res.Stdout)})
}

func (c *webCall) forget(verb string) answer {
	var flags []string
	if c.value("strict") == "1" {
		flags = []string{"--strict"}
	}
	return c.told(flags, "resource", verb, c.value("resource"))
}

// force is the option of calls that are forced.
func (c *webCall) force() []string {
	if c.has("force") {
		return []string{"--force"}
	}
	return nil
}

// options are the words for an agent's parameters: _res_paramne_NAME are set, _res_paramempty_NAME where they are not empty.
func (c *webCall) options() []string {
	var out []string
	for _, field := range slices.Sorted(maps.Keys(c.form)) {
		if n, is := strings.CutPrefix(field, "_res_paramne_"); is {
			out = append(out, n+"="+c.value(field))
		}
		if n, is := strings.CutPrefix(field, "_res_paramempty_"); is && c.value(field) != "" {
			out = append(out, n+"="+c.value(field))
		}
	}
	if c.has("disabled") {
		out = append(out, "meta", "target-role=Stopped")
	}
	return out
}

// position is where in a group a resource goes.
func (c *webCall) position() []string {
	p := c.value("in_group_position")
	if (p == "before" || p == "after") && c.has("in_group_reference_resource_id") {
		return []string{"--" + p, c.value("in_group_reference_resource_id")}
	}
	return nil
}

func (c *webCall) updateResource() answer {
	if !c.has("resource_id") {
		return c.createResource()
	}
	id, options := c.value("resource_id"), c.options()
	if len(options) > 0 {
		if i := strings.LastIndexByte(id, ':'); c.has("resource_clone") && i >= 0 {
			id = id[:i]
		}
		c.pcs(c.force(), append([]string{"resource", "update", id}, options...)...)
	}
	switch group, was := c.value("resource_group"), c.value("_orig_resource_group"); {
	case group != "":
		c.pcs(c.position(), "resource", "group", "add", group, id)
	case c.has("resource_group") && was != "":
		c.pcs(nil, "resource", "group", "remove", was, id)
	}
	whole, _, _ := strings.Cut(id, ":")
	for _, kind := range []string{"clone", "promotable"} {
		is, was := c.has("resource_"+kind), c.value("_orig_resource_"+kind)
		switch {
		case is && was == "false":
			c.pcs(nil, "resource", kind, id)
		case !is && was == "true":
			c.pcs(nil, "resource", "unclone", whole)
		}
	}
	return ok("{}")
}

func (c *webCall) createResource() answer {
	if a := missing(c.request, "name resource_type"); a != nil {
		return *a
	}
	flags, name, group := c.force(), c.value("name"), c.value("resource_group")
	if group != "" {
		flags = append(append(flags, "--group", group), c.position()...)
	}
	if c.value("resource_type") == "ocf:pacemaker:remote" && !c.has("force") {
		flags = append(flags, "--force") // pcs would rather have it made by another verb
	}
	res := c.pcs(flags, append([]string{"resource", "create", name, c.value("resource_type")}, c.options()...)...)
	if res.Code != 0 {
		return updated(res)
	}
	if group != "" {
		name = group
	}
	for _, kind := range []string{"clone", "promotable"} {
		if c.value("resource_"+kind) != "" {
			c.pcs(nil, "resource", kind, name)
			break
		}
	}
	return updated(res)
}

func (c *webCall) updateFenceDevice() answer {
	words, flags := c.options(), c.force()
	switch {
	case !c.has("resource_id"):
		if a := missing(c.request, "name resource_type"); a != nil {
			return *a
		}
		words, flags = append([]string{"stonith", "create", c.value("name"), c.value("resource_type")}, words...), nil
	case len(words) == 0:
		return ok("{}")
	default:
		words = append([]string{"stonith", "update", c.value("resource_id")}, words...)
	}
	return updated(c.pcs(flags, words...))
}

func (c *webCall) removeResource() answer {
	noun := "resource"
	if c.value("is-stonith") == "true" {
		noun = "stonith"
	}
	words := []string{noun, "delete"}
	for _, field := range slices.Sorted(maps.Keys(c.form)) {
		if id, is := strings.CutPrefix(field, "resid-"); is {
			words = append(words, id)
		}
	}
	return c.silent("", c.force(), words...)
}

// silent carries a command out whose success needs no words; before stands before the errors of a failure.
func (c *webCall) silent(before string, flags []string, words ...string) answer {
	if res := c.pcs(flags, words...); res.Code != 0 {
		return plainBad(before + res.Stderr)
	}
	return ok("")
}

func (c *webCall) addMeta() answer {
	noun, key := "resource", c.value("key")
	if c.value("is-stonith") == "true" {
		noun = "stonith"
	}
	var flags []string
	if key == "remote-node" || key == "remote-addr" {
		flags = []string{"--force"} // guest nodes have no call of their own
	}
	if c.pcs(flags, noun, "meta", c.value("res_id"), key+"="+c.value("value")).Code != 0 {
		return plainBad("Error adding meta attribute")
	}
	return ok("Successfully added meta attribute")
}

func (c *webCall) addGroup() answer {
	return c.silent("", nil, append([]string{"resource", "group", "add", c.value("resource_group")}, strings.Fields(c.value("resources"))...)...)
}

// updateSettings sets cluster properties, those that differ. Who may set enable-acl may need no other right.
func (c *webCall) updateSettings() answer {
	wanted := map[string]string{}
	for _, f := range nested(c.form, "config") {
		wanted[f.key] = strings.TrimSpace(f.value)
	}
	if len(wanted) == 0 {
		return plainBad("Required parameters missing: 'config'")
	}
	have := c.settings()
	var change []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		now, is := have[name]
		if is && now != wanted[name] || !is && wanted[name] != "" {
			change = append(change, name)
		}
	}
	words := []string{"property", "set"}
	for _, name := range change {
		lower, need := strings.ToLower(name), "write"
		if lower == "enable-acl" {
			need = "grant"
		}
		if !c.s.may(c.request, need) {
			return answer{http.StatusForbidden, "Permission denied"}
		}
		words = append(words, lower+"="+wanted[name])
	}
	if len(change) > 0 {
		if res := c.pcs(c.force(), words...); res.Code != 0 {
			return plainBad(res.Stderr)
		}
	}
	return ok("Update Successful")
}

// settings are the cluster properties of the running configuration.
func (c *webCall) settings() map[string]string {
	out := map[string]string{}
	res, err := c.s.conf.Programs.Run(c.Context(), c.environment(), "", "cibadmin", "-Q", "-l")
	if err != nil || res.Code != 0 {
		return out
	}
	root, err := doc.Parse([]byte(res.Stdout))
	if err != nil {
		return out
	}
	if section := doc.Section(root, "crm_config"); section != nil {
		for _, nv := range doc.All(section, "nvpair") {
			out[doc.Attr(nv, "name")] = doc.Attr(nv, "value")
		}
	}
	return out
}

func (c *webCall) fenceLevel() answer {
	words := []string{"stonith", "level", "add", c.value("level"), c.value("node"), c.value("devices")}
	if c.has("remove") {
		words = []string{"stonith", "level", "remove", c.value("level"), "target", c.value("node"), "stonith", c.value("devices")}
	}
	if a := c.silent("", nil, words...); a.code != http.StatusOK {
		return a
	}
	return ok("Successfully added fence level")
}

func (c *webCall) nodeAttribute() answer {
	// 2 is that what is to be removed was not there.
	if code := c.pcs(nil, "node", "attribute", c.value("node"), c.value("key")+"="+c.value("value")).Code; code != 0 && code != 2 {
		return plainBad("Error adding attribute to node")
	}
	return ok("Successfully added attribute to node")
}

func (c *webCall) changeGroup() answer {
	if !c.has("resource_id") || !c.has("group_id") {
		return plainBad("resource_id and group_id have to be specified.")
	}
	id, group, was := c.value("resource_id"), c.value("group_id"), c.value("old_group_id")
	switch {
	case group != "":
		return c.silent(fmt.Sprintf("Unable to add resource '%s' to group '%s': ", id, group), c.position(), "resource", "group", "add", group, id)
	case c.has("old_group_id"):
		return c.silent(fmt.Sprintf("Unable to remove resource '%s' from group '%s': ", id, was), nil, "resource", "group", "remove", was, id)
	}
	return ok("")
}

// resourceVerb is a verb of one resource or group.
func resourceVerb(field, verb, unable string) func(*webCall) answer {
	return func(c *webCall) answer {
		if !c.has(field) {
			return plainBad(field + " has to be specified.")
		}
		id := c.value(field)
		return c.silent(fmt.Sprintf("Unable to %s '%s': ", unable, id), nil, "resource", verb, id)
	}
}

func utilization(field, noun string) func(*webCall) answer {
	return func(c *webCall) answer {
		if !c.has(field) || !c.has("name") {
			return plainBad(field + " and name are required")
		}
		of, pair := c.value(field), c.value("name")+"="+c.value("value")
		return c.silent(fmt.Sprintf("Unable to set utilization '%s' for %s '%s': ", pair, noun, of), nil, noun, "utilization", of, pair)
	}
}

func (c *webCall) properties() answer {
	res := c.pcs(nil, "property", "get_cluster_properties_definition")
	if res.Code != 0 {
		return plainBad("{}")
	}
	return ok(res.Stdout)
}

func (c *webCall) agents() answer {
	type agent struct {
		Name     string  `json:"full_name"`
		Class    string  `json:"class"`
		Provider *string `json:"provider"`
		Type     string  `json:"type"`
	}
	out := map[string]*agent{}
	for l := range strings.Lines(c.pcs([]string{"--nodesc"}, "resource", "list").Stdout) {
		name := strings.TrimRight(l, "\n")
		class, rest, found := strings.Cut(name, ":")
		if !found {
			out[name] = nil
			continue
		}
		a := &agent{Name: name, Class: class, Type: rest}
		// The name of a unit of systemd may have colons behind an @.
		if p, t, more := strings.Cut(rest, ":"); more && !strings.Contains(p, "@") {
			a.Provider, a.Type = &p, t
		}
		out[name] = a
	}
	return okJSON(out)
}

func (c *webCall) metadata(field, noun string) answer {
	name := c.value(field)
	if !c.has(field) {
		return plainBad(fmt.Sprintf("Parameter %q required.", field))
	}
	verb := "get_resource_agent_info"
	if noun == "stonith" {
		verb = "get_fence_agent_info"
	}
	res := c.pcs(nil, noun, verb, name)
	switch {
	case res.Code == 0:
		return ok(strings.Join(linesOf(res.Stdout), "\n"))
	case noun == "resource" && strings.Contains(res.Stderr, "is not supported"):
		data, err := json.Marshal(name)
		if err != nil {
			return plainBad(err.Error())
		}
		return ok(`{"name":` + string(data) + `,"longdesc":"","shortdesc":"","parameters":[]}`)
	}
	return plainBad(strings.Join(linesOf(res.Stderr), "\n"))
}
