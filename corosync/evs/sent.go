package evs

import (
	"bytes"
	"slices"

	"hacluster/corosync/wire"
)

// Send tells that a process hands a message to its ring.
func (c *Checker) Send(id Process, q Queue, group string, body []byte) {
	p := c.processes[id]
	p.chains[q].next = append(p.chains[q].next, wire.Grouped(group, body))
}

// SyncDone tells that a process's sync is through: from now on it sends by its normal queue.
func (c *Checker) SyncDone(id Process) { c.processes[id].syncing = false }

// Known tells whether a packet of that ring and number was put there already: it is sent again.
func (c *Checker) Known(m *wire.Mcast) bool {
	r := c.rings[m.Ring]
	if r == nil || m.Seq == 0 || int(m.Seq) > len(r.packets) {
		return false
	}
	k := &r.packets[m.Seq-1]
	return k.from.Node == m.From && bytes.Equal(k.bytes, m.Payload)
}

// Packet tells that a process puts a new packet on a ring; one that is sent again is none.
func (c *Checker) Packet(id Process, m *wire.Mcast) error {
	p, r := c.processes[id], c.ring(m.Ring)
	if want := uint32(len(r.packets) + 1); m.Seq != want { // two tokens, or a number left out
		return broken(Numbering, id, "puts packet %d on ring %v, whose next is %d", m.Seq, m.Ring, want)
	}
	if m.From != id.Node {
		return broken(Integrity, id, "sends packet %d of ring %v as node %d", m.Seq, m.Ring, m.From)
	}
	k := packet{from: id, bytes: slices.Clone(m.Payload)}
	if !m.Encapsulated {
		if p.ring() != r {
			return broken(SameConfiguration, id, "puts a message on ring %v before that is its configuration", m.Ring)
		}
		var err error
		if k.messages, err = c.unpack(p, m); err != nil {
			return err
		}
	}
	r.packets = append(r.packets, k)
	return nil
}

// unpack takes the messages out that end in a packet, and holds them against what was sent.
func (c *Checker) unpack(p *process, m *wire.Mcast) ([]message, error) {
	packed, err := wire.ParsePacked(m.Payload, false)
	if err != nil {
		return nil, broken(Integrity, p.id, "packet %d of ring %v: %v", m.Seq, m.Ring, err)
	}
	q := Normal
	if p.syncing {
		q = Sync
	}
	ch := &p.chains[q]
	var whole []message
	for i, b := range packed.Messages {
		if goesOn := i == 0 && packed.Continuation != 0; goesOn != (ch.open && i == 0) {
			return nil, broken(Integrity, p.id, "packet %d of ring %v: a message in pieces does not go on, or was never begun", m.Seq, m.Ring)
		}
		if !ch.open {
			ch.open, ch.began, ch.bytes = true, m.Ring, nil
		}
		ch.bytes = append(ch.bytes, b...)
		if i == len(packed.Messages)-1 && packed.Fragmented != 0 {
			return whole, nil
		}
		ch.open = false
		if !ch.take(ch.bytes, q) {
			return nil, broken(Integrity, p.id, "packet %d of ring %v: %d bytes are not the message that comes next", m.Seq, m.Ring, len(ch.bytes))
		}
		whole = append(whole, message{ch.began, slices.Clone(ch.bytes)})
	}
	return whole, nil
}

// take takes a message off those that wait. Those of a sync that ended early are never sent.
func (ch *chain) take(b []byte, q Queue) bool {
	for i, n := range ch.next {
		if bytes.Equal(n, b) {
			ch.next = ch.next[i+1:]
			return true
		}
		if q == Normal {
			return false
		}
	}
	return false
}
