package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
)

// user lets a user do something on a host.
func (d *drive) user(h *Host, s Step) error {
	switch s.Do {
	case "stop-cluster":
		h.StopCluster()
		d.at(20*time.Second, func() { d.enlist(h) })
		return nil
	case "set":
		d.set(h)
		return nil
	case "unset":
		d.unset(h)
		return nil
	case "cleanup", "refresh":
		d.forget(h, s.Arg, s.Do == "refresh")
		return nil
	}
	if s.Do == "shoot" || s.Do == "fail" {
		d.order(h, s)
		return nil
	}
	modify := func(section, text string) error {
		doc, err := xml.ParseString(text)
		if err != nil {
			return err
		}
		d.Change(h.Name, cib.Request{Op: cib.Modify, Section: section, CanCreate: true, Data: doc.Root}, nil)
		return nil
	}
	remove := func(path string) error {
		d.Change(h.Name, cib.Request{Op: cib.Delete, XPath: true, Section: path}, nil)
		return nil
	}
	switch s.Do {
	case "create":
		return modify("resources", primitive(s.Arg))
	case "delete":
		return remove(fmt.Sprintf("//primitive[@id=%s]", xml.QuoteXPath(s.Arg)))
	case "standby", "unstandby":
		id := strings.TrimPrefix(s.Arg, "node")
		value := map[string]string{"standby": "on", "unstandby": "off"}[s.Do]
		return modify("nodes", fmt.Sprintf(`<node id="%[1]s" uname="%[2]s"><instance_attributes id="nodes-%[1]s"><nvpair id="nodes-%[1]s-standby" name="standby" value="%[3]s"/></instance_attributes></node>`, id, s.Arg, value))
	case "move":
		what, to, _ := strings.Cut(s.Arg, " ")
		return modify("constraints", fmt.Sprintf(`<rsc_location id="cli-prefer-%[1]s" rsc="%[1]s" role="Started" node="%[2]s" score="INFINITY"/>`, top(what), to))
	case "maintenance":
		switchTo := func(value string) error {
			return modify("crm_config", `<cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-maintenance-mode" name="maintenance-mode" value="`+value+`"/></cluster_property_set>`)
		}
		d.at(ms(s.For), func() { _ = switchTo("false") })
		d.ends = append(d.ends, func() {
			d.at(endsAfter, func() {
				for _, o := range d.Hosts { // whoever is there
					h = o
					_ = switchTo("false")
				}
			})
		})
		return switchTo("true")
	case "clear":
		return remove(fmt.Sprintf("//rsc_location[@id='cli-prefer-%s']", top(s.Arg)))
	}
	return fmt.Errorf("nobody knows how to %s", s.Do)
}

// strong tells that a host is in a partition that holds most nodes.
func (d *drive) strong(h *Host) bool {
	return h.pcmk.running() && h.pcmk.quorate && 2*len(d.check.in[h.ID]) > len(d.file.nodes)
}

// set puts a new value into the CIB.
func (d *drive) set(h *Host) {
	m := &mark{name: fmt.Sprintf("sim-%d", len(d.marks)+1), forced: d.restoring > 0}
	d.marks = append(d.marks, m)
	set := etree.NewElement("cluster_property_set")
	set.CreateAttr("id", "sim")
	nv := set.CreateElement("nvpair")
	nv.CreateAttr("id", m.name)
	nv.CreateAttr("name", m.name)
	nv.CreateAttr("value", "yes")
	d.moment(MomentAsked, h)
	d.Change(h.Name, cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: set}, func(err error) {
		d.logf("%s: set %s: %v (strong %v)", h.Name, m.name, err, d.strong(h))
		m.forced = m.forced || d.termless() || len(d.rivals(h)) > 0
		if m.acked = err == nil && d.strong(h); m.acked {
			d.moment(MomentAcked, h)
		}
	})
}

// unset takes the oldest value that is there away.
func (d *drive) unset(h *Host) {
	for _, m := range d.marks {
		if !m.acked || m.deleting {
			continue
		}
		m.deleting = true
		d.Change(h.Name, cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("//nvpair[@id=%s]", xml.QuoteXPath(m.name))}, func(err error) {
			d.logf("%s: unset %s: %v (strong %v)", h.Name, m.name, err, d.strong(h))
			m.forced = m.forced || d.termless() || len(d.rivals(h)) > 0
			m.taken = err == nil && d.strong(h)
		})
		return
	}
}

// order has a node fenced, or a failure made up, as a person asks for it.
func (d *drive) order(h *Host, s Step) {
	p := h.pcmk
	if !p.running() {
		return
	}
	p.call(func(now time.Time) {
		if s.Do == "shoot" {
			d.check.human[s.Arg] = true
			p.core.Fencer.Fence(now, fencer.Request{Target: s.Arg, Action: "reboot", Client: "stonith_admin", Timeout: time.Minute}, func(error) {})
			return
		}
		for _, o := range d.all() {
			if v := o.services[s.Arg]; v != nil && v.active {
				order := etree.NewElement("rsc_op")
				order.CreateAttr("operation", "asyncmon")
				order.CreateAttr("on_node", o.Name)
				order.CreateAttr("transition-key", "0:0:0:xxxxxxxx-xrsc-opxx-xcrm-resourcexxxx")
				x := order.CreateElement("primitive")
				for _, a := range [][2]string{{"id", s.Arg}, {"class", "ocf"}, {"provider", "pacemaker"}, {"type", "Dummy"}} {
					x.CreateAttr(a[0], a[1])
				}
				d.check.failures[s.Arg+" "+o.Name]++
				p.core.Invoke(o.Name, order)
			}
		}
	})
}

// forget has a resource's failures forgotten (cleanup), or all its history (refresh).
func (d *drive) forget(h *Host, resource string, all bool) {
	p := h.pcmk
	if !p.running() {
		return
	}
	d.check.refreshed[resource] = true
	p.call(func(now time.Time) {
		for _, state := range cib.Section(p.core.Replica.Root(), "status").SelectElements("node_state") {
			name := state.SelectAttrValue("uname", "")
			if !p.core.IsRemote(name) && !slices.ContainsFunc(p.core.Members(), func(m controller.Member) bool { return m.Name == name }) {
				continue
			}
			path := fmt.Sprintf("//node_state[@uname=%s]//lrm_resource[@id=%s]", xml.QuoteXPath(name), xml.QuoteXPath(resource))
			r := first(p.core.Replica.Root(), path)
			if r == nil || !all && !slices.ContainsFunc(r.SelectElements("lrm_rsc_op"), func(op *etree.Element) bool { return op.SelectAttrValue("id", "") == resource+"_last_failure_0" }) {
				continue
			}
			p.core.Attributes.ClearFailures(resource, "", 0, name)
			order := etree.NewElement("rsc_op")
			order.CreateAttr("operation", "delete")
			order.CreateAttr("on_node", name)
			x := order.CreateElement("primitive")
			for _, a := range r.Attr {
				x.CreateAttr(a.Key, a.Value)
			}
			p.core.Invoke(name, order)
			p.core.Change(now, replica.Client{Name: "crm_resource", User: "root"}, cib.Request{Op: cib.Delete, XPath: true, Section: path}, nil)
		}
	})
}
