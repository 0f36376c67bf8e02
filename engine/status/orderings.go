package status

import (
	"github.com/beevik/etree"

	"hacluster/cib/number"
)

type orderingKind int8

const (
	mandatory orderingKind = iota
	optional
	serialize
)

type symmetry int8

const (
	asymmetric symmetry = iota
	symmetric
	inverse
)

// OrderTasks records an order between two tasks of two resources.
func (c *Cluster) OrderTasks(first *Resource, firstTask string, then *Resource, thenTask string, kinds OrderKind) {
	c.NewOrdering(&Ordering{FirstRsc: first, FirstTask: firstTask, ThenRsc: then, ThenTask: thenTask, Kinds: kinds})
}

// NewOrdering records an order, and what it means for live migrations.
func (c *Cluster) NewOrdering(o *Ordering) {
	if o.FirstRsc == nil && o.FirstAction != nil {
		o.FirstRsc = o.FirstAction.Resource
	}
	if o.ThenRsc == nil && o.ThenAction != nil {
		o.ThenRsc = o.ThenAction.Resource
	}
	if a := o.FirstAction; a != nil && o.FirstTask == "" {
		o.FirstTask, o.FirstInterval = a.KeyTask, a.Interval
	}
	if a := o.ThenAction; a != nil && o.ThenTask == "" {
		o.ThenTask, o.ThenInterval = a.KeyTask, a.Interval
	}
	if o.ID == "" {
		o.ID = c.constraint
	}
	c.Orderings = append(c.Orderings, o)
	c.orderMigrations(o)
}

// orderMigrations records what an order of start and stop means for live
// migrations of either side.
func (c *Cluster) orderMigrations(o *Ordering) {
	a, b := o.FirstRsc, o.ThenRsc
	if a == nil || b == nil || a == b || isParent(a, b) || isParent(b, a) {
		return
	}
	firstMay, thenMay := a.Has(MigrationAllowed), b.Has(MigrationAllowed)
	if !firstMay && !thenMay {
		return
	}
	if o.FirstInterval != 0 || o.ThenInterval != 0 {
		return
	}
	flags := Ordered
	switch {
	case o.FirstTask == "start" && o.ThenTask == "start":
		if firstMay && thenMay {
			c.OrderTasks(a, "migrate_from", b, "migrate_to", Ordered)
		}
		if thenMay {
			if firstMay {
				flags |= IfUnmigratable
			}
			c.OrderTasks(a, "start", b, "migrate_to", flags)
		}
	case thenMay && o.FirstTask == "stop" && o.ThenTask == "stop":
		if firstMay {
			flags |= IfUnmigratable
		}
		c.OrderTasks(a, "stop", b, "migrate_to", flags)
		if b.PartialTarget != nil {
			c.OrderTasks(a, "stop", b, "migrate_from", flags)
		}
	case thenMay && o.FirstTask == "promote" && o.ThenTask == "start":
		c.OrderTasks(a, "promote", b, "migrate_to", Ordered)
	case thenMay && o.FirstTask == "demote" && o.ThenTask == "stop":
		c.OrderTasks(a, "demote", b, "migrate_to", Ordered)
		if b.PartialTarget != nil {
			c.OrderTasks(a, "demote", b, "migrate_from", Ordered)
		}
	}
}

// isParent tells whether r is somewhere inside p.
func isParent(r, p *Resource) bool {
	for q := r.Parent; q != nil; q = q.Parent {
		if q == p {
			return true
		}
	}
	return false
}

func (c *Cluster) invert(task string) string {
	switch task {
	case "start":
		return "stop"
	case "stop":
		return "start"
	case "promote":
		return "demote"
	case "demote":
		return "promote"
	case "promoted":
		return "demoted"
	case "demoted":
		return "promoted"
	case "running":
		return "stopped"
	case "stopped":
		return "running"
	}
	c.configWarn("Unknown action '%s' specified in order constraint", task)
	return ""
}

func (c *Cluster) orderKind(v Values) orderingKind {
	kind, ok := v.Get("kind")
	if !ok {
		if s, ok := v.Get("score"); ok {
			n, _ := c.score(s)
			c.warnOnce("Support for 'score' in rsc_order is deprecated and will be removed in a future release (use 'kind' instead)")
			if n == 0 {
				return optional
			}
		}
		return mandatory
	}
	switch kind {
	case "Mandatory":
	case "Optional":
		return optional
	case "Serialize":
		return serialize
	default:
		id, ok := v.Get("id")
		if !ok {
			id = "missing ID"
		}
		c.configErr("Resetting 'kind' for constraint %s to 'Mandatory' because '%s' is not valid", id, kind)
	}
	return mandatory
}

func (c *Cluster) orderSymmetry(v Values, parent orderingKind, parentText string, parentGiven bool) symmetry {
	kind := parent
	if v.Has("kind") || v.Has("score") {
		kind = c.orderKind(v)
	}
	value, given := false, false
	if s, ok := v.Get("symmetrical"); ok {
		value, given = number.Bool(s)
	}
	if !given && parentGiven {
		value, given = number.IsTrue(parentText), true
	}
	if given {
		if value {
			if kind != serialize {
				return symmetric
			}
			c.configWarn("Ignoring symmetrical for '%s' because not valid with kind of 'Serialize'", v.Value("id"))
		}
		return asymmetric
	}
	if kind == serialize {
		return asymmetric
	}
	return symmetric
}

func orderFlags(kind orderingKind, first string, sym symmetry) OrderKind {
	switch kind {
	case optional:
		return Ordered
	case serialize:
		return Serialize
	}
	switch sym {
	case asymmetric:
		return Ordered | Asymmetric
	case symmetric:
		f := Ordered | FirstImpliesThen
		switch first {
		case "start", "started", "running", "promote", "promoted", "migrate_from":
			f |= UnrunnableBlocks
		}
		return f
	}
	return Ordered | ThenImpliesFirst
}

func attrsOf(e *etree.Element) Values {
	v := make(Values, 0, len(e.Attr))
	for _, a := range e.Attr {
		v = append(v, Pair{a.Key, a.Value})
	}
	return v
}

func (c *Cluster) readOrdering(e *etree.Element) {
	v := attrsOf(e)
	id := v.Value("id")
	sym, symGiven := v.Get("symmetrical")
	kind := c.orderKind(v)
	symm := c.orderSymmetry(v, kind, "", false)
	sets, ok := c.sides(e, [2]string{"first", "then"}, [2]string{"first-action", "then-action"}, "action", false)
	if !ok {
		return
	}
	ok = true
	if sets == nil {
		sets, ok = c.constraintSets(e)
	}
	var last *resourceSet
	for _, s := range sets {
		if !c.orderSet(s, kind, sym, symGiven) {
			return
		}
		if last != nil {
			if !c.orderSets(id, last, s, kind, symm) {
				return
			}
			if symm == symmetric && !c.orderSets(id, s, last, kind, inverse) {
				return
			}
		}
		last = s
	}
	if last != nil || !ok {
		return
	}
	resource := func(name string) *Resource {
		ref, ok := v.Get(name)
		if !ok {
			c.configErr("Ignoring constraint '%s' without %s", id, name)
			return nil
		}
		r := c.constraintResource(ref)
		if r == nil {
			c.configErr("Ignoring constraint '%s' because resource '%s' does not exist", id, ref)
		}
		return r
	}
	first := resource("first")
	if first == nil {
		return
	}
	then := resource("then")
	if then == nil {
		return
	}
	firstTask, ok := v.Get("first-action")
	if !ok {
		firstTask = "start"
	}
	thenTask, ok := v.Get("then-action")
	if !ok {
		thenTask = firstTask
	}
	kind = c.orderKind(v)
	symm = c.orderSymmetry(v, kind, "", false)
	flags := orderFlags(kind, firstTask, symm)
	if n := c.minimumFirst(first, v); n > 0 {
		p := c.NewPseudoGlobal("clone-one-or-more:" + id)
		p.Required = n
		for _, k := range first.Children {
			c.NewOrdering(&Ordering{FirstRsc: k, FirstTask: firstTask, ThenAction: p, Kinds: MinRunnable | GraphThen})
		}
		c.NewOrdering(&Ordering{FirstAction: p, ThenRsc: then, ThenTask: thenTask, Kinds: flags | UnrunnableBlocks})
	} else {
		c.OrderTasks(first, firstTask, then, thenTask, flags)
	}
	if symm == symmetric {
		c.orderInverse(id, kind, first, firstTask, then, thenTask)
	}
}

// NewPseudoGlobal gets or creates an optional pseudo action without resource.
func (c *Cluster) NewPseudoGlobal(name string) *Action {
	if a := c.global(name); a != nil {
		return a
	}
	a := c.NewGlobal(name, name, nil, true)
	a.Set(Pseudo | Runnable)
	return a
}

// minimumFirst is the number of instances that must run before what depends on
// a clone may, 0 for all.
func (c *Cluster) minimumFirst(r *Resource, v Values) int {
	if r.Kind != Clone {
		return 0
	}
	if s, ok := r.Meta.Get("clone-min"); ok {
		return IntAtLeast(s, 0)
	}
	if s, ok := v.Get("require-all"); ok {
		c.warnOnce("Support for require-all in ordering constraints is deprecated and will be removed in a future release (use clone-min clone meta-attribute instead)")
		if all, _ := number.Bool(s); !all {
			return 1
		}
	}
	return 0
}

func (c *Cluster) orderInverse(id string, kind orderingKind, first *Resource, firstTask string, then *Resource, thenTask string) {
	f := c.invert(firstTask)
	t := c.invert(thenTask)
	if f == "" || t == "" {
		c.configWarn("Cannot invert constraint '%s' (please specify inverse manually)", id)
		return
	}
	c.OrderTasks(then, t, first, f, orderFlags(kind, f, inverse))
}

// orderSet orders the members of a set.
func (c *Cluster) orderSet(s *resourceSet, parent orderingKind, parentSym string, parentGiven bool) bool {
	task, ok := s.attrs.Get("action")
	if !ok {
		task = "start"
	}
	kind := parent
	if s.attrs.Has("kind") {
		kind = c.orderKind(s.attrs)
	}
	sequential := true
	if t, ok := s.attrs.Get("sequential"); ok {
		sequential = number.IsTrue(t)
	}
	symm := c.orderSymmetry(s.attrs, parent, parentSym, parentGiven)
	flags := orderFlags(kind, task, symm)
	list, ok := c.members(s, s.id)
	if !ok {
		return false
	}
	if len(list) == 1 {
		return true
	}
	for i, r := range list {
		if kind == serialize {
			for _, t := range list[i+1:] {
				c.OrderTasks(r, task, t, task, flags)
			}
		} else if sequential && i > 0 {
			c.OrderTasks(list[i-1], task, r, task, flags)
		}
	}
	if symm == asymmetric {
		return true
	}
	task = c.invert(task)
	flags = orderFlags(kind, task, inverse)
	for i := range list {
		if sequential && i > 0 {
			c.OrderTasks(list[i], task, list[i-1], task, flags)
		}
	}
	return true
}

func (c *Cluster) members(s *resourceSet, id string) ([]*Resource, bool) {
	list := make([]*Resource, 0, len(s.refs))
	for _, ref := range s.refs {
		r := c.constraintResource(ref)
		if r == nil {
			c.configErr("%s: No resource found for %s", id, ref)
			return nil, false
		}
		list = append(list, r)
	}
	return list, true
}

// orderSets orders one set before another.
func (c *Cluster) orderSets(id string, a, b *resourceSet, kind orderingKind, symm symmetry) bool {
	all := true
	if v, given := a.flag("require-all"); given {
		all = v
	}
	task := func(s *resourceSet) string {
		t, ok := s.attrs.Get("action")
		if !ok {
			t = "start"
		}
		if symm == inverse {
			t = c.invert(t)
		}
		return t
	}
	task1, task2 := task(a), task(b)
	if task1 == "stop" || task1 == "demote" {
		all = true
	}
	flags := orderFlags(kind, task1, symm)
	if !all {
		p := c.NewPseudoGlobal("one-or-more:" + a.id)
		p.Required = 1
		firsts, ok := c.members(a, id)
		for _, r := range firsts {
			c.NewOrdering(&Ordering{FirstRsc: r, FirstTask: task1, ThenAction: p, Kinds: MinRunnable | GraphThen})
		}
		if !ok {
			return false
		}
		thens, ok := c.members(b, id)
		for _, r := range thens {
			c.NewOrdering(&Ordering{FirstAction: p, ThenRsc: r, ThenTask: task2, Kinds: flags | UnrunnableBlocks})
		}
		return ok
	}
	pick := func(s *resourceSet, last bool) ([]*Resource, bool) {
		if v, given := s.flag("sequential"); given && v && len(s.refs) > 0 {
			ref := s.refs[0]
			if last {
				ref = s.refs[len(s.refs)-1]
			}
			r := c.constraintResource(ref)
			if r == nil {
				c.configErr("%s: No resource found for %s", id, ref)
				return nil, false
			}
			return []*Resource{r}, true
		}
		return c.members(s, id)
	}
	firsts, ok := pick(a, symm != inverse)
	if !ok {
		return false
	}
	thens, ok := pick(b, symm == inverse)
	if !ok {
		return false
	}
	for _, f := range firsts {
		for _, t := range thens {
			c.OrderTasks(f, task1, t, task2, flags)
		}
	}
	return true
}
