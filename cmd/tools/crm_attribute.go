package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	cluster "hacluster/engine/option"
	"hacluster/internal/client"
	"hacluster/internal/program"
	"hacluster/internal/tool"
	"hacluster/internal/tool/nodeattr"
	"hacluster/internal/tool/optionlist"
)

func init() { programs["crm_attribute"] = crmAttribute }

// attributeTool is one run of crm_attribute.
type attributeTool struct {
	env *program.Env
	out *tool.Output
	cib *tool.CIB

	command  byte // G, v, D, L
	options  string
	all      bool
	place    nodeattr.Place
	name     *string // of what was not given it is nil; an empty word is a name, too
	id       *string
	pattern  *string
	value    string
	fallback *string
	part     *string // of --type, --lifetime, --utilization
	node     *string
	wait     client.Wait
	// promotion tells that the name is that of a promotion score.
	promotion bool
}

func crmAttribute(ctx context.Context, env *program.Env) int {
	a := &attributeTool{env: env, command: 'G'}
	var quiet bool
	name := func(v string) error { a.name, a.promotion = &v, false; return nil }
	word := func(target **string) func(string) error {
		return func(v string) error { *target = &v; return nil }
	}
	command := func(c byte) func(string) error {
		return func(string) error { a.command = c; return nil }
	}
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "query and change options of the cluster and attributes of nodes", Usage: "--name=NAME COMMAND", Glued: "NPUdilnpstv",
		Options: []tool.Option{
			{Short: 'a', Long: "all", Do: tool.Flag(&a.all), Group: "selection", Help: "list advanced and deprecated options, too"},
			{Short: 'i', Long: "id", Arg: tool.Required, Do: word(&a.id), Group: "selection", Value: "ID", Help: "the pair that has this id"},
			{Short: 'n', Long: "name", Arg: tool.Required, Do: name, Group: "selection", Value: "NAME", Help: "the option or attribute of this name"},
			{Short: 'P', Long: "pattern", Arg: tool.Required, Do: word(&a.pattern), Group: "selection", Value: "RE", Help: "all whose name matches"},
			{Short: 'p', Long: "promotion", Arg: tool.Optional, Do: a.score, Group: "selection", Value: "RSC", Help: "the promotion score of a resource, by default the one that runs this program"},
			{Short: 's', Long: "set-name", Arg: tool.Required, Do: word(&a.place.Set), Group: "selection", Value: "ID", Help: "inside the set that has this id"},
			{Short: 'L', Long: "list-options", Arg: tool.Required, Do: func(v string) error { a.command, a.options = 'L', v; return nil }, Group: "command", Value: "cluster", Help: "show the options that there are"},
			{Short: 'D', Long: "delete", Do: command('D'), Group: "command", Help: "delete it"},
			{Short: 'G', Long: "query", Do: command('G'), Group: "command", Help: "show its value"},
			{Short: 'v', Long: "update", Arg: tool.Required, Do: func(v string) error { a.command, a.value = 'v', v; return nil }, Group: "command", Value: "VALUE", Help: "set it"},
			{Short: 'd', Long: "default", Arg: tool.Required, Do: word(&a.fallback), Group: "additional", Value: "VALUE", Help: "the value to show where there is none"},
			{Short: 'l', Long: "lifetime", Arg: tool.Required, Do: word(&a.part), Group: "additional", Value: "TIME", Help: "until when a node attribute holds: reboot or forever"},
			{Short: 'N', Long: "node", Arg: tool.Required, Do: word(&a.node), Group: "additional", Value: "NODE", Help: "an attribute of this node"},
			{Short: 't', Long: "type", Arg: tool.Required, Do: word(&a.part), Group: "additional", Value: "SECTION", Help: "crm_config, rsc_defaults, op_defaults, tickets, nodes or status"},
			{Long: "score", Do: func(string) error { return nil }, Group: "additional", Help: "count a value such as value++ up from the present one (always on)"},
			{Short: 'W', Long: "wait", Arg: tool.Required, Do: waitUntil(&a.wait), Group: "additional", Value: "UNTIL", Help: "wait for a change: no, local or cluster"},
			{Short: 'z', Long: "utilization", Do: func(string) error { a.place.Kind = "utilization"; return word(&a.part)("nodes") }, Group: "additional", Help: "what a node has to offer"},
			{Short: 'q', Long: "quiet", Do: tool.Flag(&quiet), Group: "additional", Help: "show only the value"},
			{Long: "attr-name", Arg: tool.Required, Do: name},
			{Long: "get-value", Do: command('G')},
			{Short: 'U', Long: "node-uname", Arg: tool.Required, Do: word(&a.node)},
			{Short: 'Q', Do: tool.Flag(&quiet)},
		},
	})
	if out == nil {
		return code
	}
	a.out, out.Quiet = out, quiet
	exit, err := a.run(ctx)
	return out.Finish(exit, err)
}

// score makes the name that of a promotion score.
func (a *attributeTool) score(resource string) error {
	if resource == "" {
		resource = a.env.Getenv("OCF_RESOURCE_INSTANCE")
	}
	a.promotion, a.name = true, nil
	if resource != "" {
		name := "master-" + resource
		a.name = &name
	}
	return nil
}

func (a *attributeTool) run(ctx context.Context) (tool.Exit, error) {
	switch {
	case a.command == 'L':
		return a.list()
	case a.promotion && a.name == nil:
		return tool.Usage, errors.New("-p/--promotion must be called from an OCF resource agent or with a resource ID specified")
	}
	var err error
	if a.cib, err = tool.Open(ctx, a.env); err != nil {
		return tool.ExitOf(err), fmt.Errorf("Could not connect to the CIB: %s", tool.TextOf(err))
	}
	exit, told := a.perform(ctx)
	if err := a.cib.Close(); err != nil && exit == tool.OK {
		return tool.ExitOf(err), fmt.Errorf("Error performing operation: %s", tool.TextOf(err))
	}
	return exit, told
}

// section is the part of the CIB that is meant.
func (a *attributeTool) section() string {
	switch {
	case a.part != nil && strings.EqualFold(*a.part, "reboot"):
		return "status"
	case a.part != nil && strings.EqualFold(*a.part, "forever"):
		return "nodes"
	case a.part != nil:
		return *a.part
	case a.promotion:
		return "status"
	case a.node != nil:
		return "nodes"
	}
	return "crm_config"
}

func (a *attributeTool) perform(ctx context.Context) (tool.Exit, error) {
	a.place.Section = a.section()
	if s := a.place.Section; !strings.EqualFold(s, "crm_config") && !strings.EqualFold(s, "tickets") {
		if exit, err := a.findNode(ctx); exit != tool.OK {
			return exit, err
		}
	}
	usage := func(text string) (tool.Exit, error) { return tool.Usage, errors.New(text) }
	switch anything := a.name != nil || a.pattern != nil; {
	case a.command == 'D' && !anything:
		return usage("Error: must specify attribute name or pattern to delete")
	case a.command == 'v' && !anything:
		return usage("Error: must specify attribute name or pattern to update")
	case a.name != nil && a.pattern != nil:
		return usage("Error: --name and --pattern cannot be used at the same time")
	}
	var err error
	switch {
	case a.command == 'G':
		err = a.query(ctx)
	case a.cib.Live() && strings.EqualFold(a.place.Section, "status"):
		var exit tool.Exit
		if exit, err = a.send(ctx); exit != tool.OK || err != nil {
			return exit, err
		}
	case a.pattern != nil:
		err = a.each(ctx)
	case a.command == 'D':
		err = a.remove(ctx, a.name)
	default:
		err = a.update(ctx, a.name)
	}
	switch {
	case err == nil:
		return tool.OK, nil
	case errors.Is(err, errSeveral):
		return tool.Multiple, err
	case errors.Is(err, nodeattr.ErrSection):
		err = &cib.Error{Code: cib.NoMessage}
	}
	return tool.ExitOf(err), fmt.Errorf("Error performing operation: %s", tool.TextOf(err))
}

var errSeveral = errors.New("Please choose from one of the matches below and supply the 'id' with --attr-id")

// findNode finds the node that is meant: the one that was named, the one for which
// an agent works, or this one.
func (a *attributeTool) findNode(ctx context.Context) (tool.Exit, error) {
	if a.node == nil {
		if name := agentNode(a.env, ""); name != "" {
			a.node = &name
		} else if a.env.Getenv("CIB_file") != "" {
			name, _ = os.Hostname()
			a.node = &name
		}
	} else if name := agentNode(a.env, *a.node); *a.node != "" && name != "" {
		a.node = &name
	}
	if a.node == nil {
		c, err := client.DialController(ctx, a.env.Name())
		if err != nil {
			return tool.Disconnect, nil
		}
		defer c.Close()
		self, err := c.Local(ctx)
		if err != nil {
			return tool.Disconnect, nil
		}
		a.node = &self.Name
	}
	n, err := nodeattr.FindNode(ctx, a.cib, *a.node)
	if err != nil {
		return tool.NoSuch, fmt.Errorf("Could not map name=%s to a UUID", *a.node)
	}
	a.place.Node, a.place.Remote = n.ID, n.Remote
	return tool.OK, nil
}

// agentNode is the node that a resource agent's attributes belong to, when a
// program is run by one and no other node is named; "" otherwise.
func agentNode(env *program.Env, name string) string {
	if name != "" && !strings.EqualFold(name, "auto") && !strings.EqualFold(name, "localhost") {
		return ""
	}
	host := env.Getenv("OCF_RESKEY_CRM_meta_physical_host")
	if host != "" && strings.EqualFold(env.Getenv("OCF_RESKEY_CRM_meta_container_attribute_target"), "host") {
		return host
	}
	if node := env.Getenv("OCF_RESKEY_CRM_meta_on_node"); node != "" {
		return node
	}
	return name
}

// matches tells whether a name matches the pattern; one that is no pattern matches nothing.
func (a *attributeTool) matches(name string) bool {
	re, err := regexp.CompilePOSIX(*a.pattern)
	return err == nil && re.MatchString(name)
}

func (a *attributeTool) query(ctx context.Context) error {
	name, id := a.name, a.id
	if a.pattern != nil {
		name, id = nil, nil
	}
	pairs, err := a.place.Find(ctx, a.cib, name, id)
	if cib.CodeOf(err) == cib.NotFound && a.fallback != nil {
		if a.pattern != nil {
			name = a.pattern
		}
		a.show(name, *a.fallback)
		return nil
	}
	if err != nil {
		return err
	}
	shown := false
	for _, p := range pairs {
		if name := given(p, "name"); a.pattern == nil || name != nil && a.matches(*name) {
			a.show(name, p.SelectAttrValue("value", "(null)"))
			shown = true
		}
	}
	if !shown && len(pairs) > 1 {
		return &cib.Error{Code: cib.NotFound}
	}
	return nil
}

// show tells of one pair.
func (a *attributeTool) show(name *string, value string) {
	known, id := "", ""
	if name != nil {
		known = *name
	}
	if a.id != nil {
		id = *a.id
	}
	if a.out.Quiet {
		a.out.Print("%s\n", value)
	} else {
		shown := ""
		if id != "" {
			shown = "id=" + id + " "
		}
		escaped := strings.NewReplacer(`"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(value)
		a.out.Print("scope=%s %sname=%s value=%s\n", a.place.Section, shown, known, escaped)
	}
	attrs := []string{"name", known, "value", value, "scope", a.place.Section, "id?", id}
	if name == nil {
		attrs = attrs[2:]
	}
	a.out.Element("attribute", attrs...)
}

// given is an attribute of an element, nil where it has none.
func given(el *etree.Element, name string) *string {
	if a := el.SelectAttr(name); a != nil {
		return &a.Value
	}
	return nil
}

// each sets or deletes all pairs that match the pattern. As in Pacemaker, a place
// that holds a single pair is left alone.
func (a *attributeTool) each(ctx context.Context) error {
	pairs, err := a.place.Find(ctx, a.cib, nil, nil)
	if err != nil {
		if a.command == 'D' && cib.CodeOf(err) == cib.NotFound {
			return nil
		}
		return err
	}
	if len(pairs) == 1 {
		return nil
	}
	for _, p := range pairs {
		name := given(p, "name")
		if name == nil || !a.matches(*name) {
			continue
		}
		do := a.update
		if a.command == 'D' {
			do = a.remove
		}
		if err := do(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (a *attributeTool) update(ctx context.Context, name *string) error {
	pairs, err := a.place.Find(ctx, a.cib, name, a.id)
	set := "<null>"
	if a.place.Set != nil {
		set = *a.place.Set
	}
	switch {
	case len(pairs) > 1:
		a.several(pairs, name)
		return errSeveral
	case err == nil:
		err = a.place.Modify(ctx, a.cib, given(pairs[0], "id"), name, a.value)
	case cib.CodeOf(err) != cib.NotFound:
		return err
	default:
		set = a.place.SetID()
		err = a.place.Create(ctx, a.cib, a.id, name, a.value)
	}
	if err != nil {
		section := a.place.Section
		if strings.EqualFold(section, "tickets") && len(pairs) == 0 {
			section = "status"
		}
		a.out.Fault("Error setting %s=%s (section=%s, set=%s): %s", *name, a.value, section, set, tool.TextOf(err))
	}
	return err
}

func (a *attributeTool) remove(ctx context.Context, name *string) error {
	id := a.id
	shown := "(null)"
	if id == nil {
		pairs, err := a.place.Find(ctx, a.cib, name, nil)
		switch {
		case cib.CodeOf(err) == cib.NotFound:
			return nil
		case err != nil:
			return err
		case len(pairs) > 1:
			a.several(pairs, name)
			return nil
		}
		if id = given(pairs[0], "id"); id != nil {
			shown = *id
		}
	}
	if err := a.place.Delete(ctx, a.cib, id, name); err != nil {
		if cib.CodeOf(err) == cib.NotFound {
			return nil
		}
		return err
	}
	what, set := "option", ""
	if a.place.Node != "" {
		what = "attribute"
	}
	if a.place.Set != nil {
		set = " set=" + *a.place.Set
	}
	a.out.Info("Deleted %s %s: id=%s%s name=%s", a.place.Section, what, shown, set, *name)
	return nil
}

// several lists pairs of one name.
func (a *attributeTool) several(pairs []*etree.Element, name *string) {
	a.out.Info("Multiple attributes match name=%s", *name)
	for _, p := range pairs {
		a.out.Info("  Value: %s \t(id=%s)", p.SelectAttrValue("value", ""), p.SelectAttrValue("id", "<null>"))
	}
}

// send has the attribute manager set or delete a transient attribute of the
// running cluster.
func (a *attributeTool) send(ctx context.Context) (tool.Exit, error) {
	change := client.AttributeChange{Node: *a.node, Remote: a.place.Remote, Wait: a.wait}
	if a.place.Set != nil {
		change.Set = *a.place.Set
	}
	if a.pattern != nil {
		change.Name, change.Pattern = *a.pattern, true
	} else {
		change.Name = *a.name
	}
	told := "(null)"
	if a.command == 'v' {
		change.Value = &a.value
		told = a.value
	}
	err := client.ChangeAttributes(ctx, a.env.Name(), change)
	if err == nil {
		return tool.OK, nil
	}
	code := toolCode(err)
	return tool.Exit(code.Exit()), fmt.Errorf("Could not update %s=%s: %s (%d)", change.Name, told, code, int(code))
}

// list shows the options that a cluster has.
func (a *attributeTool) list() (tool.Exit, error) {
	if a.options != "cluster" {
		return tool.Usage, fmt.Errorf("Invalid --list-options value '%s'. Allowed values: cluster", a.options)
	}
	l := optionlist.List{Name: "cluster-options", Title: "Options of the cluster", Help: "What the cluster as a whole goes by.", Options: optionlist.Of(cluster.Cluster)}
	l.Show(a.out, a.all)
	return tool.OK, nil
}
