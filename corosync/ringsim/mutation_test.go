package ringsim

import (
	"errors"
	"slices"
	"testing"

	"hacluster/corosync/evs"
	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// mutant breaks a property on purpose: the effect-th time that it can, it changes an effect.
type mutant struct {
	name string
	// finds are the properties of which any may be found broken.
	finds []evs.Property
	// change yields what comes in the place of an effect; false where this one does not do.
	change func(m *mutating, e totem.Effect) ([]totem.Effect, bool)
}

// mutating is a mutant at work on a history.
type mutating struct {
	*mutant
	wait    int // how many chances it lets pass
	done    bool
	process evs.Process
	held    totem.Effect // what the process is given later
	struck  evs.Process  // whose effect was changed
	after   int          // what that process was given since
	packets map[wire.Retransmit]bool
}

func (m *mutating) See(p evs.Process, e totem.Effect) []totem.Effect {
	m.process = p
	if m.done {
		out := []totem.Effect{e}
		if p != m.struck {
			return out
		}
		c, configuration := e.(*totem.Configuration)
		_, delivery := e.(*totem.Deliver)
		if configuration && c.Transitional && m.held != nil {
			return out // late as it is, it may come after this one
		}
		if configuration || delivery {
			m.after++
			if m.held != nil {
				out, m.held = append(out, m.held), nil
			}
		}
		return out
	}
	changed, ok := m.change(m, e)
	if ok {
		if m.wait--; m.wait < 0 {
			m.done, m.struck = true, p
			return changed
		}
		m.held = nil
	}
	return []totem.Effect{e}
}

// message is a delivery of more than nothing; those of a sync are left in peace, that it comes to its end.
func message(e totem.Effect) (totem.Deliver, bool) {
	d, ok := e.(*totem.Deliver)
	if !ok || d.Group != wire.GroupServices {
		return totem.Deliver{}, false
	}
	return *d, true
}

func onMessage(change func(d totem.Deliver) []totem.Effect) func(*mutating, totem.Effect) ([]totem.Effect, bool) {
	return func(_ *mutating, e totem.Effect) ([]totem.Effect, bool) {
		d, ok := message(e)
		if !ok {
			return nil, false
		}
		return change(d), true
	}
}

// onRegular changes configurations that others have too, and that have somebody in them who is not new.
func onRegular(change func(m *mutating, c totem.Configuration) []totem.Effect) func(*mutating, totem.Effect) ([]totem.Effect, bool) {
	return func(m *mutating, e totem.Effect) ([]totem.Effect, bool) {
		c, ok := e.(*totem.Configuration)
		if !ok || c.Transitional || len(c.Members) < 2 || len(c.Joined) == 0 {
			return nil, false
		}
		return change(m, *c), true
	}
}

func onTransitional(change func(m *mutating, c totem.Configuration) []totem.Effect) func(*mutating, totem.Effect) ([]totem.Effect, bool) {
	return func(m *mutating, e totem.Effect) ([]totem.Effect, bool) {
		c, ok := e.(*totem.Configuration)
		if !ok || !c.Transitional || len(c.Members) < 2 || len(c.Left) == 0 {
			return nil, false
		}
		return change(m, *c), true
	}
}

// onPacket changes packets of messages as they are put on a ring.
func onPacket(change func(p *wire.Mcast)) func(*mutating, totem.Effect) ([]totem.Effect, bool) {
	return func(m *mutating, e totem.Effect) ([]totem.Effect, bool) {
		c, ok := e.(*totem.Multicast)
		if !ok || wire.Kind(c.Packet[3]) != wire.KindMcast || c.Packet[4] == 1 {
			return nil, false
		}
		p, _ := wire.Parse(slices.Clone(c.Packet))
		k := p.(*wire.Mcast)
		id := wire.Retransmit{Ring: k.Ring, Seq: k.Seq}
		again := m.packets[id]
		m.packets[id] = true
		if again || len(k.Payload) < 20 || k.Payload[4] != 0 || k.Payload[5] != 0 {
			return nil, false // sent before, or of a message in pieces
		}
		change(k)
		return []totem.Effect{&totem.Multicast{To: c.To, Packet: k.Marshal()}}, true
	}
}

var mutants = []mutant{
	{"a message is left out", []evs.Property{evs.NoGap, evs.MembersDelivery, evs.SelfDelivery, evs.VirtualSynchrony}, onMessage(func(totem.Deliver) []totem.Effect { return nil })},
	{"a message comes twice", []evs.Property{evs.Once}, onMessage(func(d totem.Deliver) []totem.Effect { return []totem.Effect{&d, &d} })},
	{"a message comes late", []evs.Property{evs.NoGap, evs.SameConfiguration, evs.MembersDelivery, evs.SelfDelivery, evs.VirtualSynchrony}, func(m *mutating, e totem.Effect) ([]totem.Effect, bool) {
		d, ok := message(e)
		if ok {
			m.held = &d
		}
		return nil, ok
	}},
	{"a message is changed", []evs.Property{evs.Integrity}, onMessage(func(d totem.Deliver) []totem.Effect {
		d.Message = slices.Clone(d.Message)
		d.Message[len(d.Message)-1]++
		return []totem.Effect{&d}
	})},
	{"a message is cut short", []evs.Property{evs.Integrity}, onMessage(func(d totem.Deliver) []totem.Effect {
		d.Message = d.Message[:len(d.Message)-1]
		return []totem.Effect{&d}
	})},
	{"a message is said to be another's", []evs.Property{evs.Integrity}, onMessage(func(d totem.Deliver) []totem.Effect {
		d.From++
		return []totem.Effect{&d}
	})},
	{"a message nobody has sent", []evs.Property{evs.Integrity}, onMessage(func(d totem.Deliver) []totem.Effect {
		return []totem.Effect{&d, &totem.Deliver{From: d.From, Group: d.Group, Message: []byte("made up"), Ring: d.Ring, Seq: d.Seq + 1}}
	})},
	{"a message of another ring", []evs.Property{evs.SameConfiguration}, onMessage(func(d totem.Deliver) []totem.Effect {
		d.Ring.Seq -= 4
		return []totem.Effect{&d}
	})},
	{"a number is given out twice", []evs.Property{evs.Numbering}, onPacket(func(m *wire.Mcast) { m.Seq-- })},
	{"a number is left out", []evs.Property{evs.Numbering}, onPacket(func(m *wire.Mcast) { m.Seq++ })},
	{"a packet is sent as another node's", []evs.Property{evs.Integrity}, onPacket(func(m *wire.Mcast) { m.From++ })},
	{"a packet is changed as it is sent", []evs.Property{evs.Integrity}, onPacket(func(m *wire.Mcast) { m.Payload[len(m.Payload)-1]++ })},
	{"a packet for a ring that is not the configuration", []evs.Property{evs.SameConfiguration, evs.Numbering}, onPacket(func(m *wire.Mcast) { m.Ring.Seq += 4000; m.Seq = 1 })},
	{"no transitional configuration", []evs.Property{evs.Transitional}, onTransitional(func(*mutating, totem.Configuration) []totem.Effect { return nil })},
	{"two transitional configurations", []evs.Property{evs.Transitional}, onTransitional(func(_ *mutating, c totem.Configuration) []totem.Effect { return []totem.Effect{&c, &c} })},
	{"who comes along leaves one out", []evs.Property{evs.Transitional, evs.Agreement}, onTransitional(func(m *mutating, c totem.Configuration) []totem.Effect {
		i := slices.IndexFunc(c.Members, func(n uint32) bool { return n != m.process.Node })
		c.Left = append(slices.Clone(c.Left), c.Members[i])
		slices.Sort(c.Left)
		c.Members = slices.Delete(slices.Clone(c.Members), i, i+1)
		return []totem.Effect{&c}
	})},
	{"who comes along is not itself", []evs.Property{evs.Transitional}, onTransitional(func(m *mutating, c totem.Configuration) []totem.Effect {
		c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(n uint32) bool { return n == m.process.Node })
		return []totem.Effect{&c}
	})},
	{"who left comes along", []evs.Property{evs.Transitional, evs.Agreement}, onTransitional(func(_ *mutating, c totem.Configuration) []totem.Effect {
		c.Members = append(slices.Clone(c.Members), c.Left[0])
		slices.Sort(c.Members)
		c.Left = c.Left[1:]
		return []totem.Effect{&c}
	})},
	{"nobody is said to have left", []evs.Property{evs.Transitional}, onTransitional(func(_ *mutating, c totem.Configuration) []totem.Effect {
		c.Left = nil
		return []totem.Effect{&c}
	})},
	{"one more member", []evs.Property{evs.Agreement}, onRegular(func(_ *mutating, c totem.Configuration) []totem.Effect {
		c.Members = append(slices.Clone(c.Members), 4000)
		c.Joined = append(slices.Clone(c.Joined), 4000)
		return []totem.Effect{&c}
	})},
	{"not a member itself", []evs.Property{evs.Agreement}, onRegular(func(m *mutating, c totem.Configuration) []totem.Effect {
		c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(n uint32) bool { return n == m.process.Node })
		return []totem.Effect{&c}
	})},
	{"nobody is said to be new", []evs.Property{evs.Agreement}, onRegular(func(_ *mutating, c totem.Configuration) []totem.Effect {
		c.Joined = nil
		return []totem.Effect{&c}
	})},
	{"a configuration comes again", []evs.Property{evs.Transitional, evs.Agreement}, onRegular(func(_ *mutating, c totem.Configuration) []totem.Effect { return []totem.Effect{&c, &c} })},
	{"a configuration of an old number", []evs.Property{evs.Transitional, evs.Agreement}, onRegular(func(m *mutating, c totem.Configuration) []totem.Effect {
		t := totem.Configuration{Transitional: true, Ring: c.Ring, Members: c.Members}
		return []totem.Effect{&c, &t, &c}
	})},
}

// TestMutants breaks what histories that are sound do, in ways of which each must be found, as what it is.
func TestMutants(t *testing.T) {
	for i := range mutants {
		m := &mutants[i]
		t.Run(m.name, func(t *testing.T) {
			struck := 0
			for seed := uint64(0); seed < 400 && struck < 12; seed++ {
				w := &mutating{mutant: m, wait: int(seed % 17), packets: map[wire.Retransmit]bool{}}
				o := History(Plan{Seed: seed, Nodes: 2 + int(seed%3), Steps: 8, Spy: w})
				if !w.done {
					continue
				}
				var v *evs.Violation
				switch {
				case errors.As(o.Err, &v) && slices.Contains(m.finds, v.Property):
					struck++
				case errors.As(o.Err, &v):
					t.Errorf("seed %d: found as %v", seed, v)
				case w.after > 0: // what a process was not given before it ended harms nobody
					t.Errorf("seed %d: not found: %v", seed, o)
				}
			}
			if struck < 5 {
				t.Errorf("it could be tried %d times only", struck)
			}
		})
	}
}
