package attribute

import (
	"fmt"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// SetWriter tells whether this node writes to the CIB; a new writer writes all it knows.
func (m *Manager) SetWriter(now time.Time, yes bool) {
	if yes && !m.writer {
		m.writer = true
		m.refresh(now)
		m.Tick(now)
	}
	m.writer = yes
}

// refresh makes all values be written.
func (m *Manager) refresh(now time.Time) {
	for _, a := range m.attrs {
		for _, v := range a.values {
			v.dirty = true
		}
		a.due = now
	}
}

// Rewrite has the writer write all values of a node anew; host "": all that is known of all, and what is gone is removed.
func (m *Manager) Rewrite(now time.Time, host string) {
	switch {
	case !m.writer:
		return
	case host == "":
		m.refresh(now)
		m.Tick(now)
		return
	}
	for _, a := range m.attrs {
		if v := a.values[host]; v != nil && !v.gone {
			v.dirty = true
			a.due = now
		}
	}
	m.Tick(now)
}

// Deadline is when Tick is due next; zero: not at all.
func (m *Manager) Deadline() time.Time {
	var next time.Time
	if !m.writer {
		return next
	}
	for _, a := range m.attrs {
		if !a.due.IsZero() && !a.private && (next.IsZero() || a.due.Before(next)) {
			next = a.due
		}
	}
	return next
}

// id is a node's id as the CIB has it: that of a remote node is its name.
func (m *Manager) id(host string, v *value) string {
	if v.remote {
		return host
	}
	return m.effects.NodeID(host)
}

// setID is the id of the element that holds an attribute of a node.
func (a *attr) setID(node string) string {
	switch {
	case a.set != "":
		return a.set
	case a.kind != "":
		return "status-" + node + "-" + a.kind
	}
	return "status-" + node
}

// Tick writes what is due: of each node all values at once, and what is gone.
func (m *Manager) Tick(now time.Time) {
	if !m.writer {
		return
	}
	states := map[string]*etree.Element{}
	for _, name := range names(m.attrs) {
		a := m.attrs[name]
		if a.private || a.due.IsZero() || a.due.After(now) {
			continue
		}
		a.due = time.Time{}
		for _, host := range names(a.values) {
			v := a.values[host]
			node := m.id(host, v)
			if !v.dirty || node == "" {
				continue
			}
			if v.news {
				m.effects.Wrote(host, name, v.text)
			}
			v.dirty, v.news = false, false
			id := xml.SanitizeID(a.setID(node) + "-" + name)
			if v.gone {
				m.effects.Write(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@id=%s]/transient_attributes//nvpair[@id=%s]", xml.QuoteXPath(node), xml.QuoteXPath(id))})
				continue
			}
			if states[host] == nil {
				states[host] = newState(node, host, v.remote)
			}
			pair := a.holder(states[host], node).CreateElement("nvpair")
			pair.CreateAttr("id", id)
			pair.CreateAttr("name", name)
			pair.CreateAttr("value", v.text)
		}
	}
	for _, host := range names(states) {
		m.effects.Write(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: states[host]})
	}
}

func newState(node, host string, remote bool) *etree.Element {
	state := etree.NewElement("node_state")
	state.CreateAttr("id", node)
	state.CreateAttr("uname", host)
	if remote {
		state.CreateAttr("remote_node", "true")
	}
	state.CreateElement("transient_attributes").CreateAttr("id", node)
	return state
}

// holder finds or makes the element of a state that holds the attribute.
func (a *attr) holder(state *etree.Element, node string) *etree.Element {
	all := state.SelectElement("transient_attributes")
	kind := a.kind
	if kind == "" {
		kind = "instance_attributes"
	}
	for _, e := range all.SelectElements(kind) {
		if e.SelectAttrValue("id", "") == a.setID(node) {
			return e
		}
	}
	e := all.CreateElement(kind)
	e.CreateAttr("id", a.setID(node))
	return e
}

// clearNode removes all of a node's transient attributes.
func (m *Manager) clearNode(host string) {
	m.effects.Write(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/transient_attributes", xml.QuoteXPath(host))})
}
