package fencer

import (
	"slices"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/status"
)

// Devices reads the fence devices of a configuration, in its order, with the parameters that they have on a node: as the scheduler reads them, templates, defaults,
// references and rules included.
func Devices(root *etree.Element, node string, now time.Time) []*Device {
	part := fencingPart(root)
	if part == nil {
		return nil
	}
	c := status.Read(status.Input{CIB: part, Now: now})
	self := c.FindNode(node)
	var out []*Device
	var walk func(list []*status.Resource)
	walk = func(list []*status.Resource) {
		for _, r := range list {
			switch {
			case r.Kind == status.Clone && len(r.Children) > 0:
				walk(r.Children[:1]) // all are the same
			case r.Kind != status.Primitive:
				walk(r.Children)
			case r.Has(status.FenceDevice):
				out = append(out, readDevice(c, r, self))
			}
		}
	}
	walk(c.Resources)
	return out
}

func readDevice(c *status.Cluster, r *status.Resource, self *status.Node) *Device {
	d := &Device{ID: status.BaseName(r.ID), Agent: r.XML.SelectAttrValue("type", ""), Disabled: r.Disabled(), Unfences: r.Meta.Value("provides") == "unfencing"}
	for _, p := range c.Params(r, self) {
		d.Params = append(d.Params, Param(p))
	}
	if !c.Options.Symmetric {
		d.Otherwise = -cib.Infinity
	}
	for at := r; at != nil; at = at.Parent {
		for _, l := range slices.Backward(at.Locations) {
			if l.Health || l.Role > status.RoleStarted {
				continue
			}
			for _, s := range l.Nodes {
				d.score(s.Node.Name, s.Score)
			}
		}
	}
	return d
}

// score adds a location's score.
func (d *Device) score(node string, n int) {
	if d.Scores == nil {
		d.Scores = map[string]int{}
	}
	old, known := d.Scores[node]
	switch {
	case !known && d.Otherwise < 0:
		d.Scores[node] = n
	case old <= -cib.Infinity || n <= -cib.Infinity:
		d.Scores[node] = -cib.Infinity
	default:
		d.Scores[node] = max(-cib.Infinity, min(cib.Infinity, old+n))
	}
}

// fencingPart is what bears on fence devices: of a large configuration with many services it is little. nil: there is no device. What refers to other
// parts is left whole.
func fencingPart(root *etree.Element) *etree.Element {
	resources := cib.Section(root, "resources")
	if resources == nil {
		return nil
	}
	part := &etree.Element{Tag: "resources"}
	ids := map[string]bool{}
	whole := false
	for _, r := range resources.ChildElements() {
		if r.Tag == "template" {
			part.Child = append(part.Child, r.Copy())
			continue
		}
		device := r.Tag == "primitive" && cib.Fences(resources, r)
		for _, p := range r.FindElements(".//primitive") {
			device = device || cib.Fences(resources, p)
		}
		if !device {
			continue
		}
		for _, e := range append(r.FindElements(".//*"), r) {
			ids[e.SelectAttrValue("id", "")] = true
			whole = whole || e.SelectAttr("id-ref") != nil
		}
		part.Child = append(part.Child, r.Copy())
	}
	if len(ids) == 0 {
		return nil
	}
	if whole {
		return root
	}
	out := &etree.Element{Tag: root.Tag, Attr: slices.Clone(root.Attr)}
	conf := out.CreateElement("configuration")
	for _, name := range []string{"crm_config", "nodes", "rsc_defaults", "tags"} {
		if s := cib.Section(root, name); s != nil {
			conf.AddChild(s.Copy())
		}
	}
	conf.AddChild(part)
	cons := conf.CreateElement("constraints")
	if s := cib.Section(root, "constraints"); s != nil {
		for _, l := range s.SelectElements("rsc_location") {
			if rsc := l.SelectAttrValue("rsc", ""); rsc == "" || ids[rsc] || cib.Section(root, "tags") != nil {
				cons.AddChild(l.Copy())
			}
		}
	}
	states := out.CreateElement("status")
	if s := cib.Section(root, "status"); s != nil {
		for _, n := range s.SelectElements("node_state") {
			x := states.CreateElement(n.Tag)
			x.Attr = slices.Clone(n.Attr)
			for _, a := range n.SelectElements("transient_attributes") {
				x.AddChild(a.Copy())
			}
		}
	}
	return out
}

// reading is a reading of the configuration's devices that holds until the document changes, and for a while: rules know dates.
type reading struct {
	root    *etree.Element
	version string
	at      time.Time
	devices []*Device
}

const readingAge = 10 * time.Second

// configured are the devices of the configuration.
func (f *Fencer) configured() []*Device {
	root := f.effects.CIB()
	version := ""
	for _, name := range []string{"admin_epoch", "epoch", "num_updates"} {
		if a := root.SelectAttr(name); a != nil {
			version += a.Value + "."
		}
	}
	if r := &f.reading; version == "" || r.root != root || r.version != version || f.now.Sub(r.at).Abs() > readingAge {
		last := r.devices
		*r = reading{root, version, f.now, Devices(root, f.self, f.now)}
		for _, old := range last {
			// What is known of a device holds for as long as it is the same.
			if !slices.ContainsFunc(r.devices, func(d *Device) bool {
				return d.ID == old.ID && d.Agent == old.Agent && slices.Equal(d.Params, old.Params)
			}) {
				f.unlearn(old.ID)
			}
		}
	}
	return slices.Clone(f.reading.devices)
}
