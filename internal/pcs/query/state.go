package query

import (
	"maps"
	"slices"
)

// condition is a wish about one attribute of a resource's state.
type condition struct {
	attr string
	ok   func(value string, given bool) bool
}

func is(attr string, values ...string) condition {
	return condition{attr, func(v string, given bool) bool { return given && slices.Contains(values, v) }}
}

// states are the states that can be asked for; one of a state's conditions has to hold.
var states = map[string][]condition{
	"started":         {is("role", "Started")},
	"stopped":         {is("role", "Stopped")},
	"promoted":        {is("role", "Promoted")},
	"unpromoted":      {is("role", "Unpromoted")},
	"starting":        {is("role", "Starting")},
	"stopping":        {is("role", "Stopping")},
	"migrating":       {is("role", "Migrating")},
	"promoting":       {is("role", "Promoting")},
	"demoting":        {is("role", "Demoting")},
	"monitoring":      {is("pending", "Monitoring")},
	"disabled":        {is("disabled", "true")},
	"enabled":         {is("disabled", "false")},
	"managed":         {is("managed", "true")},
	"unmanaged":       {is("managed", "false")},
	"maintenance":     {is("maintenance", "true")},
	"failed":          {is("failed", "true")},
	"active":          {is("active", "true")},
	"orphaned":        {is("orphaned", "true")},
	"blocked":         {is("blocked", "true")},
	"failure_ignored": {is("failure_ignored", "true")},
	"pending":         {is("role", "Starting", "Stopping", "Migrating", "Promoting", "Demoting"), is("pending", "Monitoring")},
	"locked_to":       {{"locked_to", func(_ string, given bool) bool { return given }}},
}

func stateWords() []string { return slices.Sorted(maps.Keys(states)) }

// quantifier says of how many things a test has to hold.
type quantifier func(list []*resource, ok func(*resource) bool) bool

var quantifiers = map[string]quantifier{"all": all, "any": anyOf, "none": none}

func all(list []*resource, ok func(*resource) bool) bool {
	return !slices.ContainsFunc(list, func(r *resource) bool { return !ok(r) })
}

func anyOf(list []*resource, ok func(*resource) bool) bool { return slices.ContainsFunc(list, ok) }

func none(list []*resource, ok func(*resource) bool) bool { return !slices.ContainsFunc(list, ok) }

func (q quantifier) or(other quantifier) quantifier {
	if q == nil {
		return other
	}
	return q
}

// test is the question whether a resource is in a state.
type test struct {
	conditions []condition
	node       string
	onNode     bool
	// members says of how many members of a group, instances of how many instances of a clone
	// or replicas of a bundle; nil asks the whole first.
	members, instances quantifier
}

// check answers a test. Of a group all members must pass, of a clone or bundle any instance,
// unless the whole has the attribute itself or the test says otherwise.
func (c *cluster) check(n name, t *test) (bool, error) {
	r, err := c.must(n)
	if err != nil {
		return false, err
	}
	cloned := r.kind == clone
	if r.kind == primitive || r.kind == group {
		in, err := c.clone(n)
		if err != nil {
			return false, err
		}
		cloned = in != ""
	}
	if cloned && c.hasBundle {
		return false, errClones
	}
	list := []*resource{r}
	if r.kind == primitive || r.kind == group {
		list = c.all(n)
		if cloned {
			list = slices.DeleteFunc(slices.Clone(list), (*resource).orphaned)
		}
		if len(list) == 0 {
			return false, notThere(n)
		}
	}
	if t.members != nil && !c.manyMembers(r) {
		return false, errMembers
	}
	if t.instances != nil && !c.manyInstances(n, r) {
		return false, errInstances
	}
	for _, cond := range t.conditions {
		if r.kind == clone || r.kind == bundle {
			if t.whole(r, cond) {
				return true, nil
			}
		} else if t.instances.or(anyOf)(list, func(i *resource) bool { return t.part(i, cond) }) {
			return true, nil
		}
	}
	return false, nil
}

func (c *cluster) manyMembers(r *resource) bool {
	return r.kind == group || r.kind == clone && slices.ContainsFunc(r.members, func(m *resource) bool { return m.kind == group && !m.orphaned() })
}

func (c *cluster) manyInstances(n name, r *resource) bool {
	if n.instance != "" {
		return false
	}
	if r.kind == clone || r.kind == bundle {
		return true
	}
	if in, err := c.clone(n); err == nil && in != "" {
		return true
	}
	return r.kind == primitive && c.parentOf(n.id, bundle) != ""
}

// whole tests a clone or bundle.
func (t *test) whole(r *resource, cond condition) bool {
	if v, ok := r.attrs[cond.attr]; ok && t.instances == nil && !t.onNode {
		return cond.ok(v, true)
	}
	list := r.members
	if r.kind == clone {
		list = slices.DeleteFunc(slices.Clone(list), (*resource).orphaned)
	}
	return len(list) > 0 && t.instances.or(anyOf)(list, func(i *resource) bool { return t.part(i, cond) })
}

// part tests a group or primitive.
func (t *test) part(r *resource, cond condition) bool {
	if r.kind == group {
		if v, ok := r.attrs[cond.attr]; ok && t.members == nil && !t.onNode {
			return cond.ok(v, true)
		}
		return len(r.members) > 0 && t.members.or(all)(r.members, func(m *resource) bool { return t.part(m, cond) })
	}
	v, given := r.attrs[cond.attr]
	return cond.ok(v, given) && (!t.onNode || slices.Contains(r.nodes, t.node))
}
