package evs

import (
	"bytes"
	"slices"

	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// Deliver tells that a process is given a message.
func (c *Checker) Deliver(id Process, d *totem.Deliver) error {
	p := c.processes[id]
	r := p.ring()
	if p.ended || r == nil || d.Ring != r.id {
		var last wire.RingID
		if r != nil {
			last = r.id
		}
		return broken(SameConfiguration, id, "is given a message of ring %v; its configuration is %v", d.Ring, last)
	}
	if d.Seq == 0 || int(d.Seq) > len(r.packets) {
		return broken(Integrity, id, "is given a message in packet %d of ring %v, which has %d", d.Seq, d.Ring, len(r.packets))
	}
	k := &r.packets[d.Seq-1]
	if k.from.Node != d.From {
		return broken(Integrity, id, "is given packet %d of ring %v as one of node %d; it is of %v", d.Seq, d.Ring, d.From, k.from)
	}
	if !slices.Contains(r.members, d.From) {
		return broken(Integrity, id, "is given a message of node %d, which is not in ring %v", d.From, d.Ring)
	}
	// Which of the packet's: the next that this process has not had, or the first equal one.
	b := wire.Grouped(d.Group, d.Message)
	at := position{d.Seq, -1}
	had := false
	for i, m := range k.messages {
		if !bytes.Equal(m.bytes, b) {
			continue
		}
		at.index = i
		if had = !p.cursor.before(at); !had {
			break
		}
	}
	switch {
	case at.index < 0:
		return broken(Integrity, id, "is given %d bytes in packet %d of ring %v that were not sent so", len(d.Message), d.Seq, d.Ring)
	case had && slices.Contains(p.had, at):
		return broken(Once, id, "is given a message of packet %d of ring %v again", d.Seq, d.Ring)
	case had:
		return broken(Order, id, "is given a message of packet %d of ring %v after one of packet %d", d.Seq, d.Ring, p.cursor.seq)
	}
	if err := c.passOver(p, at); err != nil {
		return err
	}
	m := &k.messages[at.index]
	if m.began != r.id && !c.together(p, k.from, m.began) {
		return broken(Integrity, id, "is given a message of %v whose beginning, on ring %v, it has not had", k.from, m.began)
	}
	p.cursor = at
	p.had = append(p.had, at)
	c.delivered++
	return nil
}

// passOver holds that a process may go without the messages between the last that it was given and the one at to.
func (c *Checker) passOver(p *process, to position) error {
	r := p.ring()
	at := position{p.cursor.seq, p.cursor.index + 1}
	if at.seq == 0 {
		at = position{1, 0}
	}
	for ; at.before(to); at.index++ {
		if int(at.seq) > len(r.packets) {
			return nil
		}
		k := &r.packets[at.seq-1]
		if at.index >= len(k.messages) {
			at = position{at.seq + 1, -1}
			continue
		}
		if m := k.messages[at.index]; m.began != r.id && !c.together(p, k.from, m.began) {
			continue // of a message that was under way when this process came it has not the beginning
		}
		switch {
		case p.trans == nil:
			return broken(NoGap, p.id, "is given packet %d of ring %v without what is in packet %d of %v", to.seq, r.id, at.seq, k.from)
		case slices.Contains(p.trans.members, k.from.Node):
			property := MembersDelivery
			if k.from == p.id {
				property = SelfDelivery
			}
			return broken(property, p.id, "leaves ring %v for %v without what is in packet %d of %v, which comes along", r.id, p.trans.ring, at.seq, k.from)
		}
	}
	return nil
}

// together tells whether a process has come with another all the way from a ring to its last one.
func (c *Checker) together(p *process, other Process, from wire.RingID) bool {
	o := c.processes[other]
	i := slices.IndexFunc(p.rings, func(r *ring) bool { return r.id == from })
	j := slices.IndexFunc(o.rings, func(r *ring) bool { return r.id == from })
	if i < 0 || j < 0 {
		return false
	}
	way := p.rings[i:]
	if len(o.rings)-j < len(way) || !slices.Equal(way, o.rings[j:j+len(way)]) {
		return false
	}
	// In one ring after the other is not yet together: each must have counted on the other.
	for k := range way[:len(way)-1] {
		if g := way[k].passages[passageTo{way[k+1].id}]; g == nil || !slices.Contains(g.trans, other.Node) || !slices.Contains(g.trans, p.id.Node) {
			return false
		}
	}
	return true
}

// Configuration tells that a process is given a configuration.
func (c *Checker) Configuration(id Process, t *totem.Configuration) error {
	p := c.processes[id]
	if p.ended {
		return broken(SameConfiguration, id, "is given a configuration after its end")
	}
	if t.Transitional {
		return c.transitional(p, t)
	}
	return c.regular(p, t)
}

func (c *Checker) transitional(p *process, t *totem.Configuration) error {
	if p.trans != nil {
		return broken(Transitional, p.id, "is given one to %v after one to %v", t.Ring, p.trans.ring)
	}
	if r := p.ring(); r != nil {
		switch {
		case !slices.Contains(t.Members, p.id.Node):
			return broken(Transitional, p.id, "does not come along to %v itself: %v", t.Ring, t.Members)
		case len(without(t.Members, r.members)) > 0:
			return broken(Transitional, p.id, "to %v come %v, who are not all of ring %v: %v", t.Ring, t.Members, r.id, r.members)
		case !slices.Equal(t.Left, without(r.members, t.Members)):
			return broken(Transitional, p.id, "to %v come %v of %v, but those who left are said to be %v", t.Ring, t.Members, r.members, t.Left)
		}
		g := r.passages[passageTo{t.Ring}]
		if g == nil {
			g = &passage{first: p.id, trans: slices.Clone(t.Members)}
			r.passages[passageTo{t.Ring}] = g
		} else if !slices.Equal(g.trans, t.Members) {
			return broken(Transitional, p.id, "from ring %v to %v come %v; for %v these are %v", r.id, t.Ring, t.Members, g.first, g.trans)
		}
	}
	p.trans = &configuration{t.Ring, slices.Clone(t.Members), slices.Clone(t.Left)}
	return nil
}

func (c *Checker) regular(p *process, t *totem.Configuration) error {
	if p.trans == nil || p.trans.ring != t.Ring {
		return broken(Transitional, p.id, "is given the regular configuration %v without one", t.Ring)
	}
	old, r := p.ring(), c.ring(t.Ring)
	if err := c.agreement(p, r, t); err != nil {
		return err
	}
	if old != nil {
		if err := c.passOver(p, position{seq: uint32(len(old.packets) + 1)}); err != nil {
			return err
		}
		if err := c.sameMessages(p, old, t.Ring); err != nil {
			return err
		}
	}
	// Who comes along comes from the same ring.
	for _, n := range p.trans.members {
		var from wire.RingID
		if old != nil {
			from = old.id
		}
		if was, ok := r.came[n]; ok && was != from {
			return broken(Transitional, p.id, "says that node %d comes to %v from ring %v; it is from %v", n, t.Ring, from, was)
		}
		r.came[n] = from
	}
	r.given[p.id.Node] = p.id
	p.rings = append(p.rings, r)
	p.trans, p.syncing = nil, true
	p.cursor, p.had = position{}, nil
	return nil
}

func (c *Checker) agreement(p *process, r *ring, t *totem.Configuration) error {
	if r.members == nil {
		r.members = slices.Clone(t.Members)
	}
	switch {
	case !slices.Equal(r.members, t.Members):
		return broken(Agreement, p.id, "is given %v with members %v; others have %v", t.Ring, t.Members, r.members)
	case !slices.Contains(t.Members, p.id.Node):
		return broken(Agreement, p.id, "is given %v and is not in it: %v", t.Ring, t.Members)
	case !slices.IsSorted(t.Members) || t.Members[0] != t.Ring.Rep:
		return broken(Agreement, p.id, "is given %v, whose representative is not the first of %v", t.Ring, t.Members)
	case t.Ring.Seq <= c.seqs[p.id.Node]:
		return broken(Agreement, p.id, "is given %v after a ring of number %#x", t.Ring, c.seqs[p.id.Node])
	case !slices.Equal(t.Joined, without(t.Members, p.trans.members)):
		return broken(Agreement, p.id, "is given %v with %v, of whom %v come along and %v are said to be new", t.Ring, t.Members, p.trans.members, t.Joined)
	}
	if other, ok := r.given[p.id.Node]; ok {
		return broken(Agreement, p.id, "is given %v, which %v had", t.Ring, other)
	}
	c.seqs[p.id.Node] = t.Ring.Seq
	return nil
}

// sameMessages holds that all who go from a ring to the next together have had the same messages in it.
// Of messages that began before, each has what it came with: passOver and Deliver look after those.
func (c *Checker) sameMessages(p *process, old *ring, to wire.RingID) error {
	had := slices.DeleteFunc(slices.Clone(p.had), func(at position) bool {
		return old.packets[at.seq-1].messages[at.index].began != old.id
	})
	g := old.passages[passageTo{to}]
	if g.had == nil {
		g.first, g.had = p.id, append([]position{}, had...)
		return nil
	}
	if !slices.Equal(g.had, had) {
		i := 0
		for i < len(had) && i < len(g.had) && had[i] == g.had[i] {
			i++
		}
		return broken(VirtualSynchrony, p.id, "goes from %v to %v with %d messages, %v with %d; they differ at the %dth", old.id, to, len(had), g.first, len(g.had), i+1)
	}
	return nil
}

// without is what is in a and not in b; nil where nothing is.
func without(a, b []uint32) []uint32 {
	var d []uint32
	for _, n := range a {
		if !slices.Contains(b, n) {
			d = append(d, n)
		}
	}
	return d
}

// Settled tells whether all that a process has sent is on a ring, and it has been given all of its last ring.
func (c *Checker) Settled(id Process) bool {
	p := c.processes[id]
	r := p.ring()
	if r == nil || len(p.chains[Normal].next) > 0 || p.chains[Normal].open {
		return false
	}
	return c.passOver(p, position{seq: uint32(len(r.packets) + 1)}) == nil
}
