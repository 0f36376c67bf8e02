package resource

import (
	"context"
	"slices"
	"strings"

	"hacluster/internal/host"
	"hacluster/internal/tool"
	"hacluster/ocf"
)

// host are this machine's agents.
func (c *call) host() (*ocf.Host, error) {
	h, err := host.Agents()
	if err != nil {
		return nil, failf(tool.OSErr, "%s", tool.Reason(err))
	}
	return h, nil
}

// names shows names, a line each, and as elements of a list.
func (c *call) names(list []string, tag, item string, attrs ...string) {
	all := c.out.Element(tag, attrs...)
	for _, n := range list {
		c.out.Print("%s\n", n)
		tool.Add(all, item).SetText(n)
	}
}

// standards are the standards in the order in which they are listed.
var standards = []string{ocf.OCF, ocf.Service, ocf.LSB, ocf.Systemd, ocf.Stonith}

func (c *call) listStandards(context.Context) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	there := h.Standards()
	list := slices.DeleteFunc(slices.Clone(standards), func(s string) bool { return !slices.Contains(there, s) })
	if len(list) == 0 {
		c.out.Fault("No standards found")
		return &fault{code: tool.NoSuch}
	}
	all := c.out.Element("list", "name", "standards", "count", itoa(len(list)))
	for _, n := range list {
		c.out.Print("%s\n", n)
		tool.Add(all, "item").SetText(n)
	}
	return nil
}

func (c *call) listProviders(context.Context) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	list, err := h.Providers()
	if err != nil || len(list) == 0 {
		c.out.Fault("No OCF providers found")
		return &fault{code: tool.NoSuch}
	}
	c.names(list, "providers", "provider", "standard", ocf.OCF)
	return nil
}

func (c *call) listAlternatives(context.Context) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	var list []string
	all, _ := h.Providers()
	for _, p := range all {
		if h.Installed(ocf.Agent{Class: ocf.OCF, Provider: p, Type: c.spec}) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		c.out.Fault("No OCF providers found for %s", c.spec)
		return &fault{code: tool.NoSuch}
	}
	c.names(list, "providers", "provider", "for", c.spec)
	return nil
}

func (c *call) listAgents(context.Context) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	standard, provider, given := strings.Cut(c.spec, ":")
	providers := []string{provider}
	if standard == ocf.OCF && provider == "" {
		providers, _ = h.Providers()
	}
	var list []string
	for _, p := range providers {
		some, _ := h.Agents(standard, p) // what cannot be read has no agents
		list = append(list, some...)
	}
	if len(list) == 0 {
		if given {
			c.out.Fault("No agents found for standard '%s' and provider '%s'", standard, provider)
		} else {
			c.out.Fault("No agents found for standard '%s'", standard)
		}
		return &fault{code: tool.Error}
	}
	c.names(list, "agents", "agent", "standard", standard, "provider?", provider)
	return nil
}

// parseAgent reads standard:provider:type, or standard:type but for ocf.
func parseAgent(spec string) (ocf.Agent, bool) {
	standard, rest, _ := strings.Cut(spec, ":")
	if !strings.EqualFold(standard, ocf.OCF) {
		return ocf.Agent{Class: standard, Type: rest}, standard != "" && rest != "" && rest[0] != ':'
	}
	provider, kind, _ := strings.Cut(rest, ":")
	return ocf.Agent{Class: standard, Provider: provider, Type: kind}, provider != "" && kind != ""
}

func (c *call) showMetadata(ctx context.Context) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	a, ok := parseAgent(c.spec)
	if !ok {
		return failf(tool.NoSuch, "'%s' is not a valid agent specification", c.spec)
	}
	data, err := h.Metadata(ctx, a)
	if err != nil {
		return failf(tool.NoSuch, "Metadata query for %s failed: No such device or address", c.spec)
	}
	c.out.Print("%s", data)
	c.out.CData("metadata", string(data))
	return nil
}

// agentByHand checks an agent that the command line names, and tells whether it does.
func (c *call) agentByHand() (bool, error) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	isOCF := text(c.class) == ocf.OCF
	switch {
	case c.class == nil && c.provider == nil && c.agent == nil:
		if c.hasParams {
			return false, failf(tool.Usage, "--option must be used with --validate and without -r")
		}
		return false, nil
	case c.hasResource:
		return true, failf(tool.Usage, "--class, --agent, and --provider cannot be used with -r/--resource")
	case c.command != "run":
		return true, failf(tool.Usage, "--class, --agent, and --provider can only be used with --validate and --force-*")
	case isOCF && (c.provider == nil || c.agent == nil):
		return true, failf(tool.Usage, "--provider and --agent are required with --class=ocf")
	case isOCF:
	case c.provider != nil:
		return true, failf(tool.Usage, "--provider is supported only with --class=ocf")
	case c.agent == nil:
		return true, failf(tool.Usage, "--agent is required with --class")
	case c.class == nil:
		return true, failf(tool.Usage, "--class is required with --agent")
	}
	h, err := c.host()
	if err != nil {
		return true, err
	}
	a := ocf.Agent{Class: *c.class, Provider: text(c.provider), Type: *c.agent}
	switch {
	case h.Installed(a):
		return true, nil
	case a.Class == ocf.Stonith:
		return true, failf(tool.Usage, "%s is not a known fencing agent", a.Type)
	}
	return true, failf(tool.Usage, "%s is not a known resource agent", a)
}
