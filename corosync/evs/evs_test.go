package evs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// story is what happens to processes, told in short:
//
//	1 start | 1 end            the process of node 1
//	1 ring 5 = 1 2 3           its regular configuration: ring 1.5 with these members (the lowest gives the ring its name)
//	1 trans 9 = 1 2            its transitional configuration to ring 9
//	1 puts 5 1 a b             it puts packet 1 on ring 5, with messages a and b; "a>" goes on in the next packet, ">a" goes one on
//	1 gets 5 1 a from 2        it is given message a in packet 1 of ring 5
//
// What does not hold stands behind the last line of a story.
type story struct {
	c     *Checker
	lives map[uint32]int
	trans map[uint32][]uint32
	parts map[uint32]uint8
}

func (s *story) line(l string) error {
	var node uint32
	var verb string
	_, _ = fmt.Sscan(l, &node, &verb)
	p := Process{node, s.lives[node]}
	words := strings.Fields(l)[2:]
	number := func(i int) (n uint64) { _, _ = fmt.Sscan(words[i], &n); return n }
	list := func() (l []uint32) {
		for i := range words[2:] {
			l = append(l, uint32(number(i+2)))
		}
		return l
	}
	switch verb {
	case "start":
		s.lives[node]++
		s.c.Start(Process{node, s.lives[node]})
	case "end":
		s.c.End(p)
	case "trans":
		seq := number(0)
		s.trans[node] = list()
		old := s.c.processes[p].ring()
		var left []uint32
		if old != nil {
			left = without(old.members, s.trans[node])
		}
		return s.c.Configuration(p, &totem.Configuration{Transitional: true, Ring: s.ring(seq), Members: list(), Left: left})
	case "ring":
		seq := number(0)
		defer s.c.SyncDone(p)
		return s.c.Configuration(p, &totem.Configuration{Ring: s.ring(seq), Members: list(), Joined: without(list(), s.trans[node])})
	case "puts":
		m := &wire.Mcast{Node: node, From: node, Ring: s.ring(number(0)), Seq: uint32(number(1))}
		var packed wire.Packed
		for _, w := range words[2:] {
			if rest, ok := strings.CutPrefix(w, ">"); ok {
				packed.Continuation, w = max(s.parts[node], 1), rest
			}
			b := []byte(w)
			if whole, ok := strings.CutSuffix(w, ">"); ok {
				s.parts[node]++
				packed.Fragmented = s.parts[node]
				b = wire.Grouped("a", []byte(whole+"-"))
				s.c.Send(p, Normal, "a", []byte(whole+"-"+whole))
			} else if packed.Continuation == 0 || len(packed.Messages) > 0 {
				b = wire.Grouped("a", b)
				s.c.Send(p, Normal, "a", []byte(w))
			}
			packed.Messages = append(packed.Messages, b)
		}
		m.Payload = packed.Marshal()
		return s.c.Packet(p, m)
	case "gets":
		return s.c.Deliver(p, &totem.Deliver{Ring: s.ring(number(0)), Seq: uint32(number(1)), Group: "a", Message: []byte(words[2]), From: uint32(number(4))})
	}
	return nil
}

func (s *story) ring(seq uint64) wire.RingID { return wire.RingID{Rep: 1, Seq: seq} }

const three = `1 start; 2 start; 3 start
1 trans 5 = 1; 1 ring 5 = 1 2 3; 2 trans 5 = 2; 2 ring 5 = 1 2 3; 3 trans 5 = 3; 3 ring 5 = 1 2 3
`

// TestStories holds what is sound against the checker, and what is not, in the smallest stories there are.
func TestStories(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		wrong Property
	}{
		"all in order":               {"1 puts 5 1 a b; 2 puts 5 2 c; 1 gets 5 1 a from 1; 2 gets 5 1 a from 1; 1 gets 5 1 b from 1; 1 gets 5 2 c from 2; 2 gets 5 1 b from 1; 2 gets 5 2 c from 2", ""},
		"two packets of one number":  {"1 puts 5 1 a; 2 puts 5 1 b", Numbering},
		"a number without packet":    {"1 puts 5 2 a", Numbering},
		"an answer before its cause": {"1 puts 5 1 a; 1 gets 5 1 a from 1; 2 gets 5 1 a from 1; 2 puts 5 2 b; 3 puts 5 1 c", Numbering},
		"never sent":                 {"1 puts 5 1 a; 2 gets 5 1 x from 1", Integrity},
		"of another":                 {"1 puts 5 1 a; 2 gets 5 1 a from 3", Integrity},
		"in no packet":               {"2 gets 5 1 a from 1", Integrity},
		"twice":                      {"1 puts 5 1 a; 2 gets 5 1 a from 1; 2 gets 5 1 a from 1", Once},
		"equal messages":             {"1 puts 5 1 a a; 2 gets 5 1 a from 1; 2 gets 5 1 a from 1", ""},
		"a gap":                      {"1 puts 5 1 a; 1 puts 5 2 b; 2 gets 5 2 b from 1", NoGap},
		"a gap within a packet":      {"1 puts 5 1 a b; 2 gets 5 1 b from 1", NoGap},
		"another order, who left": {
			"3 puts 5 1 a; 1 puts 5 2 b; 1 trans 9 = 1 2; 1 gets 5 2 b from 1; 1 gets 5 1 a from 3",
			Order,
		},
		"after the ring":      {"3 puts 5 1 a; 2 trans 9 = 2; 2 ring 9 = 1 2; 2 gets 5 1 a from 3", SameConfiguration},
		"before the ring":     {"1 puts 9 1 a", SameConfiguration},
		"after the end":       {"1 puts 5 1 a; 2 end; 2 gets 5 1 a from 1", SameConfiguration},
		"own is missing":      {"1 puts 5 1 a; 1 trans 9 = 1 2; 1 ring 9 = 1 2", SelfDelivery},
		"a member's is lost":  {"2 puts 5 1 a; 1 trans 9 = 1 2; 1 ring 9 = 1 2", MembersDelivery},
		"a leaver's is lost":  {"3 puts 5 1 a; 1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 ring 9 = 1 2", ""},
		"one has a leaver's":  {"3 puts 5 1 a; 1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 gets 5 1 a from 3; 2 ring 9 = 1 2", VirtualSynchrony},
		"the other has":       {"3 puts 5 1 a; 1 gets 5 1 a from 3; 1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 ring 9 = 1 2", VirtualSynchrony},
		"who parts may":       {"3 puts 5 1 a; 1 gets 5 1 a from 3; 1 trans 9 = 1; 1 ring 9 = 1 2; 2 trans 13 = 2; 2 ring 13 = 1 2", ""},
		"a gap that all have": {"3 puts 5 1 a; 3 puts 5 2 b; 1 trans 9 = 1 2; 1 gets 5 2 b from 3; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 gets 5 2 b from 3; 2 ring 9 = 1 2", ""},

		"no transitional":  {"1 ring 9 = 1 2", Transitional},
		"for another ring": {"1 trans 9 = 1 2; 1 ring 13 = 1 2", Transitional},
		"two of them":      {"1 trans 9 = 1 2; 1 trans 13 = 1 2", Transitional},
		"without itself":   {"1 trans 9 = 2 3", Transitional},
		"with a stranger":  {"1 trans 9 = 1 2 4", Transitional},
		"not the same":     {"1 trans 9 = 1 2; 2 trans 9 = 2", Transitional},
		"not from there":   {"1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 7 = 2; 2 ring 7 = 1 2; 2 trans 9 = 2; 2 ring 9 = 1 2", Transitional},
		"both from there":  {"1 trans 9 = 1; 1 ring 9 = 1 2; 2 trans 9 = 2", Transitional},

		"other members":      {"1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 ring 9 = 1 2 3", Agreement},
		"not a member":       {"3 trans 9 = 3; 3 ring 9 = 1 2", Agreement},
		"representative":     {"3 trans 9 = 3; 3 ring 9 = 2 3", Agreement},
		"an older one":       {"1 trans 3 = 1 2; 1 ring 3 = 1 2", Agreement},
		"older after an end": {"1 trans 9 = 1 2; 1 ring 9 = 1 2; 1 end; 1 start; 1 trans 9 = 1; 1 ring 9 = 1 2", Agreement},

		"in pieces":              {"1 puts 5 1 a>; 1 puts 5 2 >a b; 2 gets 5 2 a-a from 1; 2 gets 5 2 b from 1", ""},
		"in pieces, lost":        {"1 puts 5 1 a>; 1 puts 5 2 >a b; 2 gets 5 2 b from 1", NoGap},
		"in pieces, unbegun":     {"1 puts 5 1 >a", Integrity},
		"in pieces, over":        {"1 puts 5 1 a>; 1 puts 5 2 b", Integrity},
		"in pieces over rings":   {"1 puts 5 1 a>; 1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 ring 9 = 1 2; 1 puts 9 1 >a; 2 gets 9 1 a-a from 1", ""},
		"missed over rings":      {"1 puts 5 1 a>; 1 trans 9 = 1 2; 1 ring 9 = 1 2; 2 trans 9 = 1 2; 2 ring 9 = 1 2; 1 puts 9 1 >a b; 2 gets 9 1 b from 1", NoGap},
		"who comes misses it":    {"1 puts 5 1 a>; 2 trans 7 = 2; 2 ring 7 = 1 2; 1 trans 11 = 1; 1 ring 11 = 1 2; 2 trans 11 = 2; 2 ring 11 = 1 2; 1 puts 11 1 >a b; 2 gets 11 1 b from 1", ""},
		"who comes cannot have":  {"1 puts 5 1 a>; 2 trans 7 = 2; 2 ring 7 = 1 2; 1 trans 11 = 1; 1 ring 11 = 1 2; 2 trans 11 = 2; 2 ring 11 = 1 2; 1 puts 11 1 >a b; 2 gets 11 1 a-a from 1", Integrity},
		"sent after what it saw": {"2 puts 5 1 a; 1 gets 5 1 a from 2; 1 puts 5 2 b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{New(), map[uint32]int{}, map[uint32][]uint32{}, map[uint32]uint8{}}
			lines := strings.FieldsFunc(three+c.text, func(r rune) bool { return r == ';' || r == '\n' })
			for i, l := range lines {
				err := s.line(l)
				var v *Violation
				switch {
				case err == nil && (i < len(lines)-1 || c.wrong == ""):
				case err == nil:
					t.Fatalf("nothing is found; %s is broken", c.wrong)
				case !errors.As(err, &v) || v.Property != c.wrong || i < len(lines)-1:
					t.Fatalf("line %d, %s: %v", i+1, l, err)
				}
			}
		})
	}
}
