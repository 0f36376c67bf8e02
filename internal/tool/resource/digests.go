package resource

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// digests shows the digests of a resource's parameters on a node, with what is to
// be tried in place of the configuration.
func (c *call) digests(context.Context) error {
	if c.rsc.Kind != status.Primitive {
		return &fault{code: tool.Unimplemented}
	}
	task, ms := "start", uint32(0)
	entry := c.cluster.Representative(c.rsc, c.at)
	if entry != nil {
		if t := entry.SelectAttr("operation"); t != nil {
			task = t.Value
			n, _ := status.ParseInt(entry.SelectAttrValue("interval", ""))
			ms = uint32(max(n, 0))
		}
	}
	d := c.cluster.Calculate(c.rsc, task, ms, c.at, entry, c.overrides, true)
	all := c.out.Element("digests", "resource", c.rsc.ID, "node", c.at.Name, "task", task, "interval", fmt.Sprintf("%dms", d.Interval))
	order := c.shownOrder()
	for _, k := range []struct {
		kind, words, hash string
		params            status.Values
	}{
		{"all", "all parameters", d.All, d.Params},
		{"nonprivate", "non-private parameters", d.Secure, d.SecureParams},
		{"nonreloadable", "non-reloadable parameters", d.Restart, d.RestartParams},
	} {
		if k.hash == "" {
			continue
		}
		c.out.Print("%s (%s)\n", k.hash, k.words)
		e := tool.Add(tool.Add(all, "digest", "type", k.kind, "hash", k.hash), "parameters")
		for _, p := range order(k.params) {
			e.CreateAttr(p.Name, p.Value)
		}
	}
	return nil
}

// shownOrder puts parameters into the order in which Pacemaker shows them: first
// those that were given in place of configured ones, then the configured ones, each
// as GLib's table of them is walked through, then the rest.
func (c *call) shownOrder() func(status.Values) status.Values {
	rank := map[string]int{}
	for _, list := range []status.Values{c.overrides, c.cluster.Params(c.rsc, c.at)} {
		names := make([]string, len(list))
		for i, p := range list {
			names[i] = p.Name
		}
		for _, i := range status.HashOrder(names) {
			if _, ok := rank[names[i]]; !ok {
				rank[names[i]] = len(rank)
			}
		}
	}
	at := func(p status.Pair) int {
		if n, ok := rank[p.Name]; ok && !strings.HasPrefix(p.Name, "CRM_meta_") {
			return n
		}
		return len(rank)
	}
	return func(v status.Values) status.Values {
		v = slices.Clone(v)
		slices.SortStableFunc(v, func(a, b status.Pair) int { return at(a) - at(b) })
		return v
	}
}
