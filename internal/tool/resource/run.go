package resource

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/cib/upgrade"
	"hacluster/engine/status"
	"hacluster/internal/client"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

// fault is how a command failed: with an exit code, and a text unless the code says enough.
type fault struct {
	code tool.Exit
	text string
}

func (f *fault) Error() string { return f.text }

func failf(code tool.Exit, format string, args ...any) error {
	return &fault{code, fmt.Sprintf(format, args...)}
}

// refused is an error of a CIB operation, whose code says enough.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return &fault{code: tool.Exit(cib.CodeOf(err).Exit())}
}

// call is a command at work.
type call struct {
	*options
	env *program.Env
	out *tool.Output
	now time.Time

	cib        *tool.CIB
	original   *etree.Element  // the CIB as it is, before a schema upgrade in memory
	cluster    *status.Cluster // what it says
	rsc        *status.Resource
	at         *status.Node
	controller *client.Controller // nil for a file
}

// match says by which names a resource is found, besides its id.
type match int

const (
	byHistory  match = 1 << iota // the name that its history has
	byBase                       // an instance's id without its number
	byAnonBase                   // the same, if its instances are not told apart
)

// verb is one command.
type verb struct {
	do func(c *call, ctx context.Context) error
	// find says how --resource is looked up; 0 leaves that to the command.
	find match
	// wants --resource, --node
	resource, node bool
	// whole refuses a single instance of a clone.
	whole bool
	// what must be read and reached first
	cib, model, controller bool
	// constraints are part of the model.
	constraints bool
}

const common = byHistory | byAnonBase

// verbs are the commands by their long options.
var verbs = map[string]verb{
	"":                      {do: (*call).list, cib: true, model: true},
	"list":                  {do: (*call).list, cib: true, model: true},
	"list-raw":              {do: (*call).listInstances, cib: true, model: true},
	"list-cts":              {do: (*call).listForTests, cib: true, model: true},
	"list-operations":       {do: (*call).listOperations, cib: true, model: true},
	"list-all-operations":   {do: (*call).listOperations, cib: true, model: true},
	"list-options":          {do: (*call).listOptions},
	"list-standards":        {do: (*call).listStandards},
	"list-ocf-providers":    {do: (*call).listProviders},
	"list-agents":           {do: (*call).listAgents},
	"list-ocf-alternatives": {do: (*call).listAlternatives},
	"show-metadata":         {do: (*call).showMetadata},
	"query-xml":             {do: (*call).showXML, find: byHistory | byBase, resource: true, cib: true, model: true},
	"query-xml-raw":         {do: (*call).showXML, find: byHistory | byBase, resource: true, cib: true, model: true},
	"get-parameter":         {do: (*call).getParameter, find: byHistory | byBase, resource: true, cib: true, model: true},
	"locate":                {do: (*call).locate, find: common, resource: true, cib: true, model: true},
	"constraints":           {do: (*call).showConstraints, find: common, resource: true, cib: true, model: true, constraints: true},
	"why":                   {do: (*call).why, find: common, cib: true, model: true},
	"run":                   {do: (*call).run, find: common, resource: true, cib: true, model: true},
	"cleanup":               {do: (*call).cleanup, find: common, cib: true, model: true, controller: true},
	"refresh":               {do: (*call).refresh, find: common, cib: true, model: true, controller: true},
	"set-parameter":         {do: (*call).setParameter, find: byHistory | byBase, resource: true, cib: true, model: true, constraints: true},
	"delete-parameter":      {do: (*call).deleteParameter, find: byHistory | byBase, resource: true, cib: true, model: true},
	"move":                  {do: (*call).move, find: common, resource: true, whole: true, cib: true, model: true},
	"ban":                   {do: (*call).ban, find: common, resource: true, whole: true, cib: true, model: true},
	"clear":                 {do: (*call).clear, find: common, resource: true, whole: true, cib: true, model: true},
	"delete":                {do: (*call).remove, resource: true, cib: true},
	"fail":                  {do: (*call).fail, find: byHistory, resource: true, node: true, cib: true, model: true, controller: true},
	"restart":               {do: (*call).restart, find: common, resource: true, whole: true, cib: true, model: true},
	"wait":                  {do: (*call).wait, cib: true},
	"digests":               {do: (*call).digests, find: common, resource: true, node: true, cib: true, model: true},
}

// Run is the program crm_resource; it gives the exit code.
func Run(ctx context.Context, env *program.Env) int {
	o := &options{}
	p := o.program()
	out, _, code := tool.Start(env, p)
	if out == nil {
		return code
	}
	out.Quiet = o.quiet
	c := &call{options: o, env: env, out: out, now: tool.Now(env)}
	err := c.perform(ctx)
	end := tool.OK
	var f *fault
	switch {
	case errors.As(err, &f):
		end = f.code
	case err != nil:
		end = tool.Error
	}
	return out.Finish(end, p.Told(end, err))
}

// perform goes through the steps before a command, carries it out and ends the work.
func (c *call) perform(ctx context.Context) (err error) {
	v := verbs[c.command]
	byHand, err := c.agentByHand()
	if err != nil {
		return err
	}
	switch {
	case v.resource && !byHand && !c.expired && !c.hasResource:
		return failf(tool.Usage, "Must supply a resource ID with -r/--resource")
	case v.node && !c.hasNode:
		return failf(tool.Usage, "Must supply a node name with -N/--node")
	}
	if v.cib && !byHand {
		if c.cib, err = tool.Open(ctx, c.env); err != nil {
			return failf(tool.Exit(cib.CodeOf(err).Exit()), "Could not connect to the CIB: %s", cib.CodeOf(err))
		}
		defer func() {
			if e := c.cib.Close(); e != nil && err == nil {
				err = failf(tool.IOErr, "%s", tool.Reason(e))
			}
		}()
	}
	if v.model && !byHand {
		if err := c.read(ctx, !v.constraints); err != nil {
			return err
		}
	}
	// a file holds for the state, a shadow only for the configuration
	if v.controller && c.env.Getenv("CIB_file") == "" {
		if c.controller, err = client.DialController(ctx, c.env.Name()); err != nil {
			return failf(tool.Disconnect, "Error connecting to controller: Connection refused")
		}
		defer c.controller.Close()
	}
	if c.hasNode {
		if c.cluster != nil {
			c.at = c.cluster.FindNode(c.node)
		}
		if c.at == nil {
			return failf(tool.NoSuch, "Node '%s' not found", c.node)
		}
	}
	if v.find != 0 && c.hasResource && !byHand {
		if c.rsc = find(c.cluster.Resources, c.resource, v.find); c.rsc == nil {
			return failf(tool.NoSuch, "Resource '%s' not found", c.resource)
		}
		if v.whole && c.rsc.Parent.IsClone() && strings.Contains(c.resource, ":") {
			return failf(tool.InvalidParam, "Cannot operate on clone resource instance '%s'", c.resource)
		}
	}
	return v.do(c, ctx)
}

// read reads the configuration and what it says.
func (c *call) read(ctx context.Context, noConstraints bool) error {
	root, err := c.cib.Root(ctx)
	if err != nil {
		c.out.Fault("Could not obtain the current CIB: %s", cib.CodeOf(err))
		return refused(err)
	}
	up, err := c.cib.Raise(root)
	first := c.original == nil
	if first {
		tool.TellUpgrade(c.env.Stderr, up.Messages)
	}
	if err != nil {
		code := cib.SchemaValidation
		var failed *upgrade.Error
		if errors.As(err, &failed) {
			code = cib.Code(failed.Code)
		}
		c.out.Fault("Could not upgrade the current CIB XML: %s", code)
		return &fault{code: tool.Exit(code.Exit())}
	}
	if first && root.SelectAttrValue("validate-with", "") == schema.None {
		fmt.Fprintln(c.env.Stderr, tool.Unchecked) //nolint:errcheck // nobody is left to tell
	}
	c.original = root
	c.cluster = status.Read(status.Input{CIB: up.Root, Now: c.now, NoConstraints: noConstraints})
	if first {
		c.notices()
	}
	return nil
}

// notices tells what reading the configuration brought up.
func (c *call) notices() {
	for _, n := range c.cluster.Notices {
		c.out.Info("%s", n)
	}
}

// find finds a resource by its id or another name that how allows, depth first.
func find(list []*status.Resource, id string, how match) *status.Resource {
	for _, r := range list {
		switch {
		case r.ID == id,
			how&byHistory != 0 && r.HistoryID != "" && r.HistoryID == id,
			(how&byBase != 0 || how&byAnonBase != 0 && !r.Has(status.Unique)) && status.BaseName(r.ID) == id:
			return r
		}
		if k := find(r.Children, id, how); k != nil {
			return k
		}
	}
	return nil
}
