package attribute

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// A node that comes to the group takes over the values of those who were there: the
// state that one of them had when the order to share was delivered, and on top of it every
// update that was delivered since. Where two parts of a cluster come together, each takes
// over the values of the other's nodes so; a node knows its own best.

// taking is a takeover under way at a node that came.
type taking struct {
	from  string
	since []*etree.Element // updates since the order
}

// Group takes the members of the group, and who of them came with this change. It has the
// first of those who know all values share them with those who do not.
func (m *Manager) Group(members, joined []string) {
	for _, n := range members {
		if slices.Contains(joined, n) {
			delete(m.knows, n)
		} else if slices.Contains(joined, m.node) {
			m.knows[n] = true // it was here before this node
		}
	}
	if len(members) == 1 && members[0] == m.node {
		m.knows[m.node] = true // there is nobody who would know more
	}
	first := ""
	var to []string
	for _, n := range slices.Sorted(slices.Values(members)) {
		switch {
		case !m.knows[n]:
			to = append(to, n)
		case first == "":
			first = n
		}
	}
	if first != m.node || len(to) == 0 {
		return
	}
	m.count++
	m.order("sync", "attr_sync_id", m.node+"."+strconv.Itoa(m.count), "attr_host_to", strings.Join(to, " "))
}

// meant tells whether a message is for this node.
func (m *Manager) meant(msg *etree.Element) bool {
	return slices.Contains(strings.Fields(msg.SelectAttrValue("attr_host_to", "")), m.node)
}

// ordered begins a takeover.
func (m *Manager) ordered(msg *etree.Element) {
	id, from := msg.SelectAttrValue("attr_sync_id", ""), msg.SelectAttrValue("src", "")
	if m.meant(msg) {
		m.taking[id] = &taking{from: from}
	}
	if from == m.node {
		m.effects.Broadcast(m.view(id, msg.SelectAttrValue("attr_host_to", "")))
	}
}

// view is all that this node knows.
func (m *Manager) view(id, to string) *etree.Element {
	msg := etree.NewElement("attrd_sync")
	msg.CreateAttr("t", Type)
	msg.CreateAttr("task", "sync-response")
	msg.CreateAttr("src", m.node)
	msg.CreateAttr("attr_sync_id", id)
	msg.CreateAttr("attr_host_to", to)
	var of []string // the nodes whose values this node knows from their beginning
	for _, n := range names(m.knows) {
		if m.knows[n] && !slices.Contains(strings.Fields(to), n) {
			of = append(of, n)
		}
	}
	msg.CreateAttr("attr_host_of", strings.Join(of, " "))
	for _, name := range names(m.attrs) {
		a := m.attrs[name]
		for _, host := range names(a.values) {
			v := a.values[host]
			if v.gone {
				continue
			}
			op := msg.CreateElement("op")
			op.CreateAttr("attr_name", name)
			op.CreateAttr("attr_host", host)
			op.CreateAttr("attr_value", v.text)
			for _, x := range []struct {
				name, value string
				set         bool
			}{
				{"attr_is_private", "1", a.private},
				{"attr_is_remote", "1", v.remote},
				{"attr_set", a.set, a.set != ""},
				{"attr_set_type", a.kind, a.kind != ""},
				{"attr_dampening", strconv.FormatInt(a.dampen.Milliseconds(), 10), a.dampen > 0},
			} {
				if x.set {
					op.CreateAttr(x.name, x.value)
				}
			}
		}
	}
	return msg
}

// shared ends a takeover.
func (m *Manager) shared(now time.Time, msg *etree.Element) {
	for _, n := range strings.Fields(msg.SelectAttrValue("attr_host_to", "")) {
		m.knows[n] = true
	}
	id := msg.SelectAttrValue("attr_sync_id", "")
	t := m.taking[id]
	if t == nil {
		return
	}
	delete(m.taking, id)
	of := strings.Fields(msg.SelectAttrValue("attr_host_of", ""))
	meant := func(host string) bool { return host != m.node && slices.Contains(of, host) }
	for _, a := range m.attrs {
		for host := range a.values {
			if meant(host) {
				delete(a.values, host)
			}
		}
	}
	for _, op := range msg.ChildElements() {
		host := op.SelectAttrValue("attr_host", "")
		_, have := m.Get(host, op.SelectAttrValue("attr_name", ""))
		if meant(host) || host != m.node && !have {
			m.apply(now, op, false)
		}
	}
	for _, u := range t.since {
		switch u.SelectAttrValue("task", "") {
		case "update":
			for _, op := range u.ChildElements() {
				if meant(op.SelectAttrValue("attr_host", "")) {
					m.apply(now, op, false)
				}
			}
		case "clear-failure":
			m.clear(now, u, meant)
		case "peer-remove":
			if host := u.SelectAttrValue("attr_host", ""); meant(host) {
				m.drop(host)
			}
		}
	}
}
