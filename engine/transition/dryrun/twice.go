package dryrun

import "github.com/beevik/etree"

// commitState commits a node's state, which is written as a whole: each element of it is merged
// into the first of its name and id. Where a state holds something twice, the second is merged
// into the first, again at each write, so that what it says wins over what was written there.
func (s *Simulation) commitState(n *etree.Element) {
	twice, known := s.twice[n]
	if !known {
		if s.twice == nil {
			s.twice = map[*etree.Element]bool{}
		}
		twice = holdsTwice(n)
		s.twice[n] = twice
	}
	if twice || s.fresh != nil {
		s.joinTwins(n)
		if s.fresh != nil {
			s.fresh.Parent().RemoveChild(s.fresh)
			s.fresh = nil
		}
		s.known = nil
	}
	s.commit(false)
}

// name is what tells an element from its siblings.
type name struct{ tag, id, idRef string }

func nameOf(e *etree.Element) name {
	if id := e.SelectAttr("id"); id != nil {
		return name{tag: e.Tag, id: "=" + id.Value}
	}
	return name{tag: e.Tag, idRef: get(e, "id-ref")}
}

func holdsTwice(e *etree.Element) bool {
	seen := map[name]bool{}
	for _, k := range e.ChildElements() {
		if seen[nameOf(k)] || holdsTwice(k) {
			return true
		}
		seen[nameOf(k)] = true
	}
	return false
}

// joinTwins merges what is in an element twice into the first.
func (s *Simulation) joinTwins(e *etree.Element) {
	first := map[name]*etree.Element{}
	for _, k := range e.ChildElements() {
		if f := first[nameOf(k)]; f != nil {
			s.merge(f, k)
			continue
		}
		first[nameOf(k)] = k
		s.joinTwins(k)
	}
}

func (s *Simulation) merge(to, from *etree.Element) {
	for _, a := range from.Attr {
		s.set(to, a.Key, a.Value)
	}
	for _, k := range from.ChildElements() {
		var t *etree.Element
		for _, o := range to.ChildElements() {
			if o.Tag != k.Tag {
				continue
			}
			if n := nameOf(k); n == (name{tag: k.Tag}) || nameOf(o) == n {
				t = o
				break
			}
		}
		if t == nil {
			t = s.create(to, k.Tag)
		}
		s.merge(t, k)
	}
}
