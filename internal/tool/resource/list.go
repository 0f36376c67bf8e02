package resource

import (
	"context"
	"fmt"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/output/screen"
	"hacluster/internal/tool"
)

func (c *call) listing() screen.Listing { return screen.Listing{Cluster: c.cluster} }

// list shows all resources.
func (c *call) list(context.Context) error {
	var any bool
	if c.out.XML() {
		if any = c.listing().ListXML(c.out.Result()); !any {
			tool.Add(c.out.Element("resources"), "item").SetText("No resources")
		}
	} else {
		var text string
		text, any = c.listing().List()
		c.out.Print("%s", text)
	}
	if !any {
		return &fault{code: tool.NoSuch}
	}
	return nil
}

// leaves are the resources that hold no others, depth first.
func leaves(list []*status.Resource) (all []*status.Resource) {
	for _, r := range list {
		if len(r.Children) == 0 {
			all = append(all, r)
		}
		all = append(all, leaves(r.Children)...)
	}
	return all
}

func (c *call) listInstances(context.Context) error {
	if len(c.cluster.Resources) == 0 {
		c.out.Fault("NO resources configured\n")
		return &fault{code: tool.NoSuch}
	}
	all := leaves(c.cluster.Resources)
	list := c.out.Element("list", "name", "resource names", "count", fmt.Sprint(len(all)))
	for _, r := range all {
		c.out.Print("%s\n", r.ID)
		tool.Add(list, "item", "name", "resource").SetText(r.ID)
	}
	return nil
}

// listForTests lists what tests of clusters go by.
func (c *call) listForTests(context.Context) error {
	var walk func(list []*status.Resource)
	walk = func(list []*status.Resource) {
		for _, r := range list {
			history, parent, host := r.HistoryID, "NA", "NA"
			if history == "" {
				history = r.ID
			}
			if r.Parent != nil {
				parent = r.Parent.ID
			}
			if n := c.cluster.CurrentNode(r); n != nil {
				host = n.Name
			}
			get := func(name, absent string) string { return r.XML.SelectAttrValue(name, absent) }
			quorum := 1
			if r.Has(status.FenceDevice) {
				quorum = 0
			}
			bits := flagBits(r)
			c.out.Info("Resource: %s %s %s %s %s %s %s %s %d %d 0x%016x", r.XML.Tag, r.ID, history, parent, get("provider", "NA"),
				get("class", "(null)"), get("type", "(null)"), host, quorum, bits, bits)
			walk(r.Children)
		}
	}
	walk(c.cluster.Resources)
	for _, e := range c.cluster.CIB.FindElements("./configuration/constraints/rsc_colocation") {
		get := func(name string) string { return e.SelectAttrValue(name, "NA") }
		if e.SelectAttr("id") != nil {
			c.out.Info("Constraint rsc_colocation %s %s %s %s %s %s", get("id"), get("rsc"), get("with-rsc"), get("score"), get("rsc-role"), get("with-rsc-role"))
		}
	}
	return nil
}

// bits are the places of a resource's flags in Pacemaker's number.
var bits = []struct {
	flag status.ResourceFlags
	at   uint
}{
	{status.Removed, 0},
	{status.Managed, 1},
	{status.Blocked, 2},
	{status.RemovedLaunched, 3},
	{status.Notify, 4},
	{status.Unique, 5},
	{status.FenceDevice, 6},
	{status.Promotable, 7},
	{status.Unassigned, 8},
	{status.StopIfFailed, 12},
	{status.NestingAllowed, 14},
	{status.Critical, 15},
	{status.Failed, 16},
	{status.RemoteConnection, 18},
	{status.StartPending, 19},
	{status.ExclusiveProbes, 20},
	{status.StopUnexpected, 22},
	{status.MigrationAllowed, 23},
	{status.FailureIgnored, 24},
	{status.ReplicaContainer, 25},
	{status.InMaintenance, 26},
	{status.RequiresQuorumF, 28},
	{status.NeedsFencing, 29},
	{status.NeedsUnfencing, 30},
}

func flagBits(r *status.Resource) (n uint64) {
	for _, b := range bits {
		if r.Has(b.flag) {
			n |= 1 << b.at
		}
	}
	return n
}

// listOperations shows what nodes recorded.
func (c *call) listOperations(context.Context) error {
	node := ""
	if c.at != nil {
		node = c.at.Name
	}
	list := c.cluster.Recorded(c.resource, node, c.command == "list-operations")
	if len(list) == 0 {
		return nil
	}
	all := c.out.Element("operations")
	for _, op := range list {
		get := func(name string) string { return op.XML.SelectAttrValue(name, "(null)") }
		key := op.XML.SelectAttrValue("operation_key", get("id"))
		st, ok := status.ParseInt(op.XML.SelectAttrValue("op-status", ""))
		if !ok {
			st = -2
		}
		said := screen.StatusText(st)
		e := tool.Add(all, "operation", "op", key, "node", op.Node, "call?", op.XML.SelectAttrValue("call-id", ""),
			"rc?", op.XML.SelectAttrValue("rc-code", ""), "status", said)
		state := "Unknown resource " + op.Resource
		if r := c.cluster.Find(op.Resource); r != nil {
			state = c.listing().State(r)
			e.CreateAttr("rsc", screen.ShownID(r))
			provider := ""
			if r.Class == "ocf" {
				provider = r.Provider
			}
			e.CreateAttr("agent", r.Class+":"+provider+":"+r.Type)
		}
		when := ""
		if at, ok := status.ParseInt(op.XML.SelectAttrValue("last-rc-change", "")); ok {
			when = fmt.Sprintf(", last-rc-change='%s', exec=%sms", screen.Time(at), get("exec-time"))
			e.CreateAttr("last-rc-change", screen.Time(at))
			if t := op.XML.SelectAttr("exec-time"); t != nil {
				e.CreateAttr("exec-time", t.Value)
			}
		}
		c.out.Print("%s: %s (node=%s, call=%s, rc=%s%s): %s\n", state, key, op.Node, get("call-id"), get("rc-code"), when, said)
	}
	return nil
}

// showXML shows a resource's state and configuration.
func (c *call) showXML(context.Context) error {
	e := c.rsc.XML
	if c.command == "query-xml-raw" {
		e = c.rsc.Source
	}
	if n, ok := instanceOf(c.rsc); ok {
		e = numbered(e, n)
	}
	text := string(xml.Format(e))
	if c.out.XML() {
		config := c.out.Element("resource_config")
		c.listing().XML(config, c.rsc)
		tool.Add(config, "xml").CreateCData(text)
		return nil
	}
	c.out.Print("%sResource XML:\n%s", c.listing().Text(c.rsc), text)
	return nil
}

// instanceOf is the number of the clone's instance that a resource is, or is a member of.
func instanceOf(r *status.Resource) (int, bool) {
	for ; r.Parent != nil; r = r.Parent {
		if r.Parent.IsClone() {
			return r.Instance, true
		}
	}
	return 0, false
}

// numbered is a copy of an instance's element that tells its number, as do the members of a group.
func numbered(e *etree.Element, n int) *etree.Element {
	e = e.Copy()
	e.CreateAttr("clone", itoa(n))
	for _, k := range e.SelectElements("primitive") {
		k.CreateAttr("clone", itoa(n))
	}
	return e
}
