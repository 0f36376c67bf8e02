package resource

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/tool"
	"hacluster/ocf"
)

func itoa(n int) string { return strconv.Itoa(n) }

// task is what an agent does for the action that the command line names.
func task(action string) string {
	switch action {
	case "validate":
		return "validate-all"
	case "force-check":
		return "monitor"
	}
	return strings.TrimPrefix(action, "force-")
}

// run runs an agent here: that of the resource, or the one that the command line names.
func (c *call) run(ctx context.Context) error {
	if c.rsc == nil {
		a := ocf.Agent{Class: *c.class, Type: *c.agent}
		if c.provider != nil {
			a.Provider = *c.provider
		}
		return c.execute(ctx, a, "", c.params)
	}
	r := c.rsc
	if r.IsClone() {
		switch c.action {
		case "force-start", "force-demote", "force-promote":
			if len(spots(r, c.resource)) > 0 && !c.force {
				c.out.Fault("It is not safe to %s %s here: the cluster claims it is already active", c.action, r.ID)
				c.out.Fault("Try setting target-role=Stopped first or specifying the force option")
				return &fault{code: tool.Unsafe}
			}
		}
		if len(r.Children) > 0 {
			r = r.Children[0]
		}
	}
	switch {
	case r.Kind == status.Group:
		c.out.Fault("Sorry, the %s option doesn't support group resources", c.action)
		return &fault{code: tool.Unimplemented}
	case r.Kind == status.Bundle || r.Bundled():
		c.out.Fault("Sorry, the %s option doesn't support bundled resources", c.action)
		return &fault{code: tool.Unimplemented}
	}
	params := append(status.Values(nil), c.cluster.Params(r, nil)...)
	for _, p := range r.Meta {
		if name := status.MetaName(p.Name); name != "" {
			params.Set(name, p.Value)
		}
	}
	if c.timeout == 0 {
		name := task(c.action)
		meta := c.cluster.ActionMeta(r, nil, name, 0, r.FindOp(name, 0, true))
		if ms, ok := status.ParseInt(meta.Value("timeout")); ok && ms > 0 {
			c.timeout = time.Duration(ms) * time.Millisecond
		}
	}
	name := c.resource
	if !r.Parent.IsClone() || r.Has(status.Unique) {
		name = r.ID
	}
	return c.execute(ctx, ocf.Agent{Class: r.Class, Provider: r.Provider, Type: r.Type}, name, params)
}

// defaultTimeout is how long an action may take where nothing is configured.
const defaultTimeout = 20 * time.Second

// execute runs an agent and tells what came of it. name is the resource's, "" without one.
func (c *call) execute(ctx context.Context, a ocf.Agent, name string, params status.Values) error {
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	params.Set("CRM_meta_timeout", strconv.FormatInt(c.timeout.Milliseconds(), 10))
	params.Set("crm_feature_set", status.FeatureSet)
	for _, p := range c.overrides {
		params.Set(p.Name, p.Value)
	}
	h, err := c.host()
	if err != nil {
		return err
	}
	h.WorkDir = "." // what the environment names for the agent's own tools, such as CIB_file, may be relative
	res := c.start(ctx, h, a, name, params)
	c.report(a, name, res)
	if res.Code != 0 {
		return &fault{code: tool.Exit(res.Code)}
	}
	return nil
}

// start runs the agent; standards whose agents only the cluster may run are refused.
func (c *call) start(ctx context.Context, h *ocf.Host, a ocf.Agent, name string, params status.Values) ocf.Result {
	class := h.ClassOf(a)
	if class != ocf.OCF && class != ocf.LSB {
		return ocf.Result{Code: ocf.CodeUnimplemented, Status: ocf.Failed, Reason: "Manual execution of the " + class + " standard is unsupported"}
	}
	if name == "" {
		name = "test"
	}
	act := ocf.Action{Agent: a, Resource: name, Name: task(c.action), Timeout: c.timeout}
	for _, p := range params {
		act.Params = append(act.Params, ocf.Param{Name: p.Name, Value: p.Value})
	}
	if c.level >= 0 {
		act.Params = append(act.Params, ocf.Param{Name: "OCF_CHECK_LEVEL", Value: itoa(c.level)})
	}
	// Whoever runs an agent by hand runs it in his own environment, and wants to see what it says.
	h.Umask = 0o026
	h.Env = append(os.Environ(), "PCMK_service=crm_resource", "PCMK_logfacility=none", "HA_logfacility=none", "PCMK_debug="+itoa(min(c.verbose, 1)), "HA_debug="+itoa(min(c.verbose, 1)))
	if c.verbose > 1 {
		h.Env = append(h.Env, "OCF_TRACE_RA=1")
	}
	if os.Getenv("OCF_TRACE_FILE") == "" {
		h.Env = append(h.Env, "OCF_TRACE_FILE=/dev/stderr")
	}
	res := h.Run(ctx, act)
	if res.Status == ocf.TimedOut {
		res.Reason = "Resource agent did not exit within specified timeout"
	}
	return res
}

// report tells what came of an agent's run.
func (c *call) report(a ocf.Agent, name string, res ocf.Result) {
	e := c.out.Element("resource-agent-action", "action", c.action, "class", a.Class, "type", a.Type, "rsc?", name, "provider?", a.Provider)
	overrides := tool.Add(e, "overrides")
	keys := make([]string, len(c.overrides))
	for i := range c.overrides {
		keys[i] = c.overrides[i].Name
	}
	for _, i := range status.HashOrder(keys) {
		p := c.overrides[i]
		of := ""
		if name != "" {
			of = " for '" + name + "'"
		}
		c.out.Print("Overriding the cluster configuration%s with '%s' = '%s'\n", of, p.Name, p.Value)
		tool.Add(overrides, "override", "name", p.Name, "value", p.Value, "rsc?", name)
	}
	code, status := tool.Exit(res.Code), screen.StatusText(int64(res.Status))
	tool.Add(e, "agent-status", "code", itoa(res.Code), "message", code.String(),
		"execution_code", itoa(int(res.Status)), "execution_message", status, "reason?", xml.Text(res.Reason))
	if !c.out.XML() {
		what, reason := c.action, res.Reason
		if name != "" {
			what += " for " + name
		}
		if reason != "" {
			reason = ": " + reason
		}
		if res.Status == ocf.Done {
			c.out.Info("Operation %s (%s) returned %d (%s%s)", what, a, res.Code, code, reason)
		} else {
			c.out.Fault("Operation %s (%s) could not be executed (%s%s)", what, a, status, reason)
		}
	}
	c.said(e, res)
}

// said shows what an agent wrote.
func (c *call) said(to *etree.Element, res ocf.Result) {
	if res.Stdout == "" && res.Stderr == "" {
		return
	}
	if _, err := xml.ParseString(res.Stdout); res.Stdout != "" && err == nil {
		c.out.Print("%s", res.Stdout)
		tool.Add(to, "command").CreateCData(res.Stdout)
		return
	}
	command := tool.Add(to, "command", "code", fmt.Sprint(res.Code))
	for _, s := range [][2]string{{"stdout", res.Stdout}, {"stderr", res.Stderr}} {
		if s[1] != "" {
			c.out.Print("%s\n", s[1])
			tool.Add(command, "output", "source", s[0]).SetText(xml.Text(s[1]))
		}
	}
}
