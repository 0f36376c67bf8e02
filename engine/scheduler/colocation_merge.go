package scheduler

import "hacluster/engine/status"

// Flags of a merge of scores.
type mergeFlags int8

const (
	mergeActive      mergeFlags = 1 << iota // throw the result away if it leaves no node
	mergeNonNegative                        // do not let preferences ban nodes
	mergeThisWith                           // follow what a resource depends on
)

// unusable marks a node that a nonnegative merge would have banned.
const unusable = -100000000

// addDependent lets a primary take the wishes of a dependent into account.
func (p *planner) addDependent(k *colocation, prim *Resource) {
	if !influences(k, nil) {
		return
	}
	flags := mergeActive
	if prim.Kind == status.Clone {
		flags |= mergeNonNegative
	}
	p.mergeScores(k.Dependent, prim, &prim.Allowed, k, float32(k.Score)/float32(infinity), flags)
}

// mostMerges bounds the merges of one plan. Every path of colocations counts on
// its own, so that a set whose members all avoid each other has 2ⁿ of them;
// the largest clusters come nowhere near the bound.
const mostMerges = 3_000_000

// mergeScores merges the preferences of source, and of what is colocated with
// it, into a table that belongs to target.
func (p *planner) mergeScores(source, target *Resource, nodes *table, k *colocation, factor float32, flags mergeFlags) {
	if source.Has(status.Merging) {
		return
	}
	if p.merges++; p.merges >= mostMerges {
		if p.merges == mostMerges {
			p.c.ConfigWarn("Leaving out preferences of colocated resources because colocations form too many chains")
		}
		return
	}
	source.Set(status.Merging)
	defer source.Clear(status.Merging)
	if source.Kind == status.Group {
		if len(source.Children) == 0 {
			return
		}
		m := source.Children[0]
		if k == nil {
			m = source.Children[len(source.Children)-1]
		}
		p.mergeScores(m, target, nodes, k, factor, flags)
		return
	}
	var work table
	if k == nil {
		work = source.Allowed.Clone()
		target = source
	} else {
		work = (*nodes).Clone()
		p.addMatching(work, source, target, k, factor, flags&mergeNonNegative != 0)
	}
	if p.anyAvailable(work) {
		this := flags&mergeThisWith != 0
		var list []*colocation
		if this {
			list = thisWith(source)
		} else {
			list = withThis(source)
		}
		for _, c := range list {
			f := factor * float32(c.Score) / float32(infinity)
			other := c.Dependent
			if this {
				other = c.Primary
			} else if !influences(c, nil) {
				continue
			}
			p.mergeScores(other, target, &work, c, f, flags|mergeActive)
		}
	} else if flags&mergeActive != 0 {
		return
	}
	if flags&mergeNonNegative != 0 {
		for i := range work {
			if work[i].Known && work[i].Score == unusable {
				work[i].Score = 1
				if p.c.Trace != nil && k != nil {
					from := colocationOrigin(k, source)
					from.Score, from.Replaces = 1, true
					work[i].Why = p.c.Trace.Add(work[i].Why, from)
				}
			}
		}
	}
	*nodes = work
}

// addMatching adds factor times the source's score to every node.
func (p *planner) addMatching(work table, source, target *Resource, k *colocation, factor float32, nonNegative bool) {
	byName := k.Attr == "#uname" && !p.hostAttrs
	from := source.Allowed
	if source == k.Dependent && k.Explicit && source.Parent != nil && source.Parent.Kind == status.Group && source != source.Parent.Children[0] {
		from = from.Clone()
		saved := source.Allowed
		source.Allowed = from
		for i := len(p.c.Locations) - 1; i >= 0; i-- {
			if l := p.c.Locations[i]; l.Resource == source.Parent {
				p.applyLocation(source, l)
			}
		}
		from = source.Allowed
		source.Allowed = saved
	}
	for i := range work {
		e := &work[i]
		if !e.Known {
			continue
		}
		n := p.c.ByIndex[i]
		score := -infinity
		if byName {
			if f := from.At(n); f != nil && n.Available() && int(f.Score) > score {
				score = int(f.Score)
			}
		} else {
			v, ok := colocAttr(n, k.Attr, target)
			for j := range from {
				if !from[j].Known || int(from[j].Score) <= score || !p.c.ByIndex[j].Available() {
					continue
				}
				w, ok2 := colocAttr(p.c.ByIndex[j], k.Attr, source)
				if sameAttr(v, ok, w, ok2) {
					score = int(from[j].Score)
				}
			}
		}
		if factor < 0 && score < 0 && (k.Primary.Stickiness >= -score || !influences(k, nil) || !allowedOnOne(k.Dependent)) {
			continue
		}
		if e.Score == unusable {
			continue
		}
		f := float64(factor * float32(score))
		var delta int
		if f < 0 {
			delta = int(f - 0.5)
		} else {
			delta = int(f + 0.5)
		}
		if delta == 0 && score != 0 {
			if factor > 0 {
				delta = 1
			} else if factor < 0 {
				delta = -1
			}
		}
		sum := add(e.Score, delta)
		if nonNegative && sum < 0 {
			if e.Score > 0 {
				e.Score = unusable // keeps its origins until it is given a score again
				continue
			}
			if e.Score == 0 {
				continue
			}
		}
		e.Score = sum
		if p.c.Trace != nil && delta != 0 {
			from := colocationOrigin(k, source)
			from.Score = delta
			e.Why = p.c.Trace.Add(e.Why, from)
		}
	}
}

// allowedOnOne tells whether exactly one node is left to a resource.
func allowedOnOne(r *Resource) bool {
	n := 0
	for i := range r.Allowed {
		if r.Allowed[i].Known && r.Allowed[i].Score >= 0 {
			n++
		}
	}
	return n == 1
}
