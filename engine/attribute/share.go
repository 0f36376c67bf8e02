package attribute

import (
	"fmt"
	"hash/fnv"
	"maps"
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
	both  bool             // of a takeover that a DC has ordered
	since []*etree.Element // updates since the order
	left  []string         // who left since: of these nothing counts that was known when it was ordered
}

// freshTask is what a node tells first that comes to the group: what is known of it from then on is all there is.
const freshTask = "fresh"

// Group takes the members of the group, and who of them came with this change. It has the
// first of those who know all values share them with those who do not.
func (m *Manager) Group(members, joined []string) {
	for _, n := range members {
		if slices.Contains(joined, n) {
			delete(m.knows, n)
			if n != m.node {
				delete(m.full, n)
			}
		} else if slices.Contains(joined, m.node) {
			m.knows[n] = true // it was here before this node
		}
	}
	if slices.Contains(joined, m.node) {
		m.full = map[string]bool{m.node: true}
		m.order(freshTask)
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
	switch {
	case first == m.node:
		if len(to) > 0 {
			m.share(to, false)
		}
	case !slices.Contains(joined, m.node) && len(joined) > 0 && m.valued():
		// The one who shares may not know this node's values: groups that come together may part again before they do.
		m.count++
		m.order("sync", "attr_sync_id", m.node+"."+strconv.Itoa(m.count), "attr_host_to", strings.Join(joined, " "), ownAttr, "true")
	}
}

// valued tells whether this node has values of its own.
func (m *Manager) valued() bool {
	for _, a := range m.attrs {
		if v := a.values[m.node]; v != nil && !v.gone {
			return true
		}
	}
	return false
}

// own is what this node knows of itself.
func (m *Manager) own(id string, to []string) *etree.Element {
	own := m.view(id, to, []string{m.node}, false)
	own.CreateAttr(ownAttr, "true")
	for _, op := range own.ChildElements() {
		if op.SelectAttrValue("attr_host", "") != m.node {
			own.RemoveChild(op)
		}
	}
	return own
}

// share has others take over what this node knows; both: and all others what these know of themselves.
func (m *Manager) share(to []string, both bool) {
	m.count++
	attrs := []string{"attr_sync_id", m.node + "." + strconv.Itoa(m.count), "attr_host_to", strings.Join(to, " ")}
	if both {
		attrs = append(attrs, bothAttr, "true")
	}
	m.order("sync", attrs...)
}

// Share has strangers, who made the changes of another DC than this one, know what this node knows, and all others what they know of themselves.
func (m *Manager) Share(strangers []string) {
	if len(strangers) > 0 {
		m.share(strangers, true)
	}
}

// Absent is a fingerprint of the values of nodes that are not in the group; "" where there are none.
func (m *Manager) Absent() string {
	sum, members := fnv.New64a(), m.effects.Members()
	some := false
	m.Each(func(name, host, value string) {
		if !slices.Contains(members, host) {
			some = true
			fmt.Fprintf(sum, "%q %q %q\n", name, host, value)
		}
	})
	if !some {
		return ""
	}
	return strconv.FormatUint(sum.Sum64(), 16)
}

const (
	// ownAttr of an order tells that its sender shares what it knows of itself.
	ownAttr = "hacluster-own"
	// bothAttr of an order tells that all others take over, too, what those to whom it is given know of themselves; of what is taken
	// over, that all is in it that is known of nodes that are not here.
	bothAttr = "hacluster-both"
	// leaderAttr of what is taken over is the DC whose updates as such are in it.
	leaderAttr = "hacluster-leader"
)

// ordered begins a takeover.
func (m *Manager) ordered(msg *etree.Element) {
	id, from := msg.SelectAttrValue("attr_sync_id", ""), msg.SelectAttrValue("src", "")
	to, both := strings.Fields(msg.SelectAttrValue("attr_host_to", "")), msg.SelectAttrValue(bothAttr, "") == "true"
	if both { // nobody answers an earlier DC
		maps.DeleteFunc(m.taking, func(_ string, t *taking) bool { return t.both })
	}
	if slices.Contains(to, m.node) {
		m.taking[id] = &taking{from: from, both: both}
	}
	if from == m.node && msg.SelectAttr(ownAttr) != nil {
		m.effects.Broadcast(m.own(id, to))
	} else if from == m.node {
		var of []string // the nodes whose values this node knows from their beginning
		for _, n := range names(m.full) {
			if !both || !slices.Contains(to, n) { // those tell of themselves
				of = append(of, n)
			}
		}
		m.effects.Broadcast(m.view(id, to, of, both))
	}
	if !both {
		return
	}
	for _, n := range to {
		if n != m.node {
			m.taking[id+"."+n] = &taking{from: n, both: true}
			continue
		}
		others := slices.DeleteFunc(slices.Clone(m.effects.Members()), func(o string) bool { return o == n })
		m.effects.Broadcast(m.own(id+"."+n, others))
	}
}

// view is all that this node knows; of these nodes from their beginning, and of those that are not here, where it decides.
func (m *Manager) view(id string, to, of []string, decides bool) *etree.Element {
	msg := etree.NewElement("attrd_sync")
	msg.CreateAttr("t", Type)
	msg.CreateAttr("task", "sync-response")
	msg.CreateAttr("src", m.node)
	msg.CreateAttr("attr_sync_id", id)
	msg.CreateAttr("attr_host_to", strings.Join(to, " "))
	msg.CreateAttr("attr_host_of", strings.Join(of, " "))
	if decides {
		msg.CreateAttr(bothAttr, "true")
	}
	if l := m.effects.Leader(); l != "" {
		msg.CreateAttr(leaderAttr, l)
	}
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
				{countedAttr, strings.Join(v.counted, " "), len(v.counted) > 0},
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
	if msg.SelectAttr(ownAttr) == nil {
		for _, n := range strings.Fields(msg.SelectAttrValue("attr_host_to", "")) {
			m.knows[n] = true
		}
	}
	id := msg.SelectAttrValue("attr_sync_id", "")
	t := m.taking[id]
	if t == nil {
		return
	}
	delete(m.taking, id)
	gone := func(host string) bool { return slices.Contains(t.left, host) }
	of := slices.DeleteFunc(strings.Fields(msg.SelectAttrValue("attr_host_of", "")), gone)
	decided := msg.SelectAttrValue(bothAttr, "") == "true"
	if l, own := msg.SelectAttrValue(leaderAttr, ""), m.effects.Leader(); !decided && l != "" && own != "" && l != own {
		// Who follows another DC may have made other changes: it knows of itself alone.
		of = slices.DeleteFunc(of, func(n string) bool { return n != msg.SelectAttrValue("src", "") })
	}
	for _, n := range of {
		m.full[n] = true
	}
	here := func(host string) bool { return slices.Contains(m.effects.Members(), host) }
	meant := func(host string) bool {
		return host != m.node && !gone(host) && (slices.Contains(of, host) || decided && !here(host))
	}
	for _, a := range m.attrs {
		for host, v := range a.values {
			if !meant(host) {
				continue
			}
			v.counted = nil
			if !v.gone {
				v.gone, v.text = true, ""
				a.changed(now, v, false)
			}
		}
	}
	for _, op := range msg.ChildElements() {
		host := op.SelectAttrValue("attr_host", "")
		_, have := m.Get(host, op.SelectAttrValue("attr_name", ""))
		// Of a node that is here those tell who know it from its beginning.
		if meant(host) || host != m.node && !have && !here(host) && !gone(host) {
			m.apply(now, op, false)
		}
	}
	for _, u := range t.since {
		if outdated(u, msg.SelectAttrValue(leaderAttr, "")) {
			continue // nor is it in what was taken over
		}
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
