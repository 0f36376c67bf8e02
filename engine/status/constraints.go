package status

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
)

// readConstraints reads all constraints in document order.
func (c *Cluster) readConstraints(section *etree.Element) {
	for e := range elements(section, "") {
		if _, ok := attr(e, "id"); !ok {
			c.configErr("Ignoring <%s> constraint without id", e.Tag)
			continue
		}
		c.constraint = get(e, "id")
		switch e.Tag {
		case "rsc_order":
			c.readOrdering(e)
		case "rsc_colocation":
			c.readColocation(e)
		case "rsc_location":
			c.readLocation(e)
		case "rsc_ticket":
			c.readTicketConstraint(e)
		default:
			c.configErr("Unsupported constraint type: %s", e.Tag)
		}
	}
	c.constraint = ""
}

// constraintResource finds the resource that a constraint names; a name known
// from history only stands for the whole clone.
func (c *Cluster) constraintResource(id string) *Resource {
	r := c.Find(id)
	if r != nil && r.ID != id {
		r = r.Top(false)
	}
	return r
}

// resourceOrTag finds what a constraint names: a resource, or the members of a
// template or tag.
func (c *Cluster) resourceOrTag(id string) (*Resource, *References) {
	if r := c.constraintResource(id); r != nil {
		return r, nil
	}
	for _, list := range [...][]*References{c.Templates, c.Tags} {
		if t := findReference(list, id); t != nil {
			if len(t.Refs) == 0 {
				return nil, nil
			}
			return nil, t
		}
	}
	c.configWarn("No resource, template, or tag named '%s'", id)
	return nil, nil
}

// resourceSet is a set of resources in a constraint.
type resourceSet struct {
	id    string
	attrs Values
	refs  []string
}

func setOf(e *etree.Element) *resourceSet {
	s := &resourceSet{id: get(e, "id")}
	for _, a := range e.Attr {
		s.attrs = append(s.attrs, Pair{a.Key, a.Value})
	}
	for r := range elements(e, "resource_ref") {
		s.refs = append(s.refs, get(r, "id"))
	}
	return s
}

// flag reads a boolean attribute of a set; given is false if it is absent or
// no boolean.
func (s *resourceSet) flag(name string) (value, given bool) {
	t, ok := s.attrs.Get(name)
	if !ok {
		return false, false
	}
	return number.Bool(t)
}

// expandedSets replaces templates and tags in the sets of a constraint by
// their members, and those by theirs. It returns nil if nothing is to be replaced, or if
// anything among it is neither.
func (c *Cluster) expandedSets(e *etree.Element) []*resourceSet {
	var sets []*resourceSet
	found := false
	referred := map[int]*etree.Element{}
	for x := range elements(e, "resource_set") {
		if _, ok := attr(x, "id-ref"); ok { // not looked into here
			referred[len(sets)] = x
			sets = append(sets, nil)
			continue
		}
		s := setOf(x)
		var refs []string
		var expand func(ids []string, within []*References) bool
		expand = func(ids []string, within []*References) bool {
			for _, id := range ids {
				r, t := c.resourceOrTag(id)
				switch {
				case r != nil:
					refs = append(refs, id)
				case t == nil || slices.Contains(within, t):
					c.configErr("Ignoring resource sets for constraint '%s' because '%s' is not a valid resource or tag", get(e, "id"), id)
					return false
				default:
					found = true
					if !expand(t.Refs, append(within, t)) {
						return false
					}
				}
			}
			return true
		}
		if !expand(s.refs, nil) {
			return nil
		}
		s.refs = refs
		sets = append(sets, s)
	}
	if !found {
		return nil
	}
	for i := range sets {
		if x := referred[i]; x != nil {
			if x = c.deref(x); x == nil {
				return sets[:i]
			}
			sets[i] = setOf(x)
		}
	}
	return sets
}

// constraintSets yields the sets of a constraint as written, following id-ref;
// a reference that leads nowhere ends it with ok false.
func (c *Cluster) constraintSets(e *etree.Element) (sets []*resourceSet, ok bool) {
	seen := map[*etree.Element]bool{}
	x := first(e, "resource_set")
	for x != nil {
		if x = c.deref(x); x == nil || seen[x] { // a circle has no end
			return sets, false
		}
		seen[x] = true
		sets = append(sets, setOf(x))
		x = nextSet(x)
	}
	return sets, true
}

func nextSet(x *etree.Element) *etree.Element {
	p := x.Parent()
	if p == nil {
		return nil
	}
	seen := false
	for s := range elements(p, "resource_set") {
		if seen {
			return s
		}
		seen = s == x
	}
	return nil
}

// sides reads a constraint between two sides named by attributes, either of
// which may be a template or tag. It returns nil sets if both are resources;
// ok is false if the constraint is to be ignored.
func (c *Cluster) sides(e *etree.Element, names, roles [2]string, move string, both bool) (sets []*resourceSet, ok bool) {
	if sets = c.expandedSets(e); sets != nil {
		return sets, true
	}
	id := get(e, "id")
	var found [2]struct {
		id  string
		rsc *Resource
		tag *References
	}
	count := 2
	if names[1] == "" {
		count = 1
	}
	for i := range count {
		v, ok := attr(e, names[i])
		if !ok {
			return nil, true
		}
		found[i].id = v
	}
	for i := range count {
		f := &found[i]
		f.rsc, f.tag = c.resourceOrTag(f.id)
		if f.rsc == nil && f.tag == nil {
			c.configErr("Ignoring constraint '%s' because '%s' is not a valid resource or tag", id, f.id)
			return nil, false
		}
	}
	if found[0].tag == nil && (count == 1 || found[1].tag == nil) {
		return nil, true
	}
	if both && found[0].tag != nil && found[1].tag != nil {
		c.configErr("Ignoring constraint '%s' because two templates or tags cannot be colocated", id)
		return nil, false
	}
	for i := range count {
		f := &found[i]
		s := &resourceSet{id: f.id, attrs: Values{{"id", f.id}}}
		if f.tag != nil {
			s.refs = f.tag.Refs
			s.attrs.Set("sequential", "false")
		} else {
			s.refs = []string{f.id}
		}
		if v, ok := attr(e, roles[i]); ok {
			s.attrs.Set(move, v)
		}
		sets = append(sets, s)
	}
	return sets, true
}

// constraintRole reads a role of a constraint: Started means any.
func (c *Cluster) constraintRole(id, text string, given bool) (Role, bool) {
	role, _ := c.role(text)
	switch {
	case role == RoleUnknown && given:
		c.configErr("Ignoring constraint %s: Invalid role '%s'", id, text)
		return 0, false
	case role == RoleStarted:
		return RoleUnknown, true
	}
	return role, true
}

// colocations -------------------------------------------------------------------

func (c *Cluster) readColocation(e *etree.Element) {
	id := get(e, "id")
	if id == "" {
		c.configErr("Ignoring rsc_colocation without id")
		return
	}
	sets, ok := c.sides(e, [2]string{"rsc", "with-rsc"}, [2]string{"rsc-role", "with-rsc-role"}, "role", true)
	if !ok {
		return
	}
	score := 0
	if s, ok := attr(e, "score"); ok {
		if score, ok = c.score(s); !ok {
			c.configErr("Ignoring colocation %s because '%s' is not a valid score", id, s)
			return
		}
	}
	influence, hasInfluence := attr(e, "influence")
	inf := func(r *Resource) bool {
		if hasInfluence {
			if v, ok := number.Bool(influence); ok {
				return v
			}
			c.configErr("Constraint '%s' has invalid value for influence (using default)", id)
		}
		return r.Has(Critical)
	}
	ok = true
	if sets == nil {
		sets, ok = c.constraintSets(e)
	}
	var last *resourceSet
	for _, s := range sets {
		if s.id == "" {
			c.configErr("Ignoring resource_set without #id")
			continue
		}
		c.colocateSet(s, score, id, inf)
		if last != nil {
			c.colocateSets(id, last, s, score, inf)
		}
		last = s
	}
	if last != nil || !ok {
		return
	}
	dep, prim := get(e, "rsc"), get(e, "with-rsc")
	primary := c.constraintResource(prim)
	dependent := c.constraintResource(dep)
	if dependent == nil {
		c.configErr("Ignoring constraint '%s' because resource '%s' does not exist", id, nullText(e, "rsc"))
		return
	}
	if primary == nil {
		c.configErr("Ignoring constraint '%s' because resource '%s' does not exist", id, nullText(e, "with-rsc"))
		return
	}
	if number.IsTrue(get(e, "symmetrical")) {
		c.configWarn("The colocation constraint 'symmetrical' attribute has been removed")
	}
	depRole, depGiven := attr(e, "rsc-role")
	primRole, primGiven := attr(e, "with-rsc-role")
	c.newColocation(id, get(e, "node-attribute"), score, dependent, primary, depRole, depGiven, primRole, primGiven, inf(dependent))
}

func nullText(e *etree.Element, name string) string {
	if s, ok := attr(e, name); ok {
		return s
	}
	return "(null)"
}

func (c *Cluster) newColocation(id, attr string, score int, dep, prim *Resource, depRole string, depGiven bool, primRole string, primGiven bool, influence bool) {
	r1, ok := c.constraintRole(id, depRole, depGiven)
	if !ok {
		return
	}
	r2, ok := c.constraintRole(id, primRole, primGiven)
	if !ok {
		return
	}
	c.Colocate(&Colocation{
		ID: id, Attr: attr, Score: score, Dependent: dep, Primary: prim,
		DependentRole: r1, PrimaryRole: r2, Influence: influence, Explicit: true,
	})
}

// Colocate enters a colocation; one with score 0 is dropped.
func (c *Cluster) Colocate(k *Colocation) {
	if k.Score == 0 {
		return
	}
	if k.Attr == "" {
		k.Attr = "#uname"
	}
	InsertThisWith(&k.Dependent.ThisWith, k)
	InsertWithThis(&k.Primary.WithThis, k)
	c.Colocation = append(c.Colocation, k)
	if k.Score <= -Infinity {
		c.separate(k.Dependent, k.DependentRole, k.Primary, k.PrimaryRole)
		c.separate(k.Primary, k.PrimaryRole, k.Dependent, k.DependentRole)
	}
}

// separate orders what makes first give up its role before what makes then
// take its own, if that happens on the same node.
func (c *Cluster) separate(first *Resource, firstRole Role, then *Resource, thenRole Role) {
	down := []string{"stop"}
	switch firstRole {
	case RolePromoted:
		down = []string{"demote"}
	case RoleUnpromoted:
		down = []string{"stop", "promote"}
	}
	up := []string{"start"}
	switch thenRole {
	case RolePromoted:
		up = []string{"promote"}
	case RoleUnpromoted:
		up = []string{"start", "demote"}
	}
	for _, d := range down {
		for _, u := range up {
			c.OrderTasks(first, d, then, u, AntiColocation)
		}
	}
}

// comparePeers orders colocations by the resource on their other side.
func comparePeers(a, b *Resource) int {
	switch {
	case a.Priority != b.Priority:
		return b.Priority - a.Priority
	case a.Kind != b.Kind:
		return int(b.Kind) - int(a.Kind)
	}
	if a.Kind == Clone {
		switch {
		case a.Has(Promotable) && !b.Has(Promotable):
			return -1
		case !a.Has(Promotable) && b.Has(Promotable):
			return 1
		}
	}
	return strings.Compare(a.ID, b.ID)
}

// InsertThisWith inserts a colocation into a list sorted by primary, before
// its equals.
func InsertThisWith(list *[]*Colocation, k *Colocation) {
	insert(list, k, func(o *Colocation) int { return comparePeers(o.Primary, k.Primary) })
}

// InsertWithThis inserts a colocation into a list sorted by dependent, before
// its equals.
func InsertWithThis(list *[]*Colocation, k *Colocation) {
	insert(list, k, func(o *Colocation) int { return comparePeers(o.Dependent, k.Dependent) })
}

func insert(list *[]*Colocation, k *Colocation, compare func(*Colocation) int) {
	at := 0
	for at < len(*list) && compare((*list)[at]) < 0 {
		at++
	}
	*list = append(*list, nil)
	copy((*list)[at+1:], (*list)[at:])
	(*list)[at] = k
}

// colocateSet colocates the members of a set with each other.
func (c *Cluster) colocateSet(s *resourceSet, score int, id string, inf func(*Resource) bool) {
	role, roleGiven := s.attrs.Get("role")
	if t, ok := s.attrs.Get("score"); ok {
		if score, ok = c.score(t); !ok {
			c.configErr("Ignoring colocation '%s' for set '%s' because '%s' is not a valid score", id, s.id, t)
			return
		}
	}
	if score == 0 {
		return
	}
	withPrevious := true
	if o, ok := s.attrs.Get("ordering"); ok && !strings.EqualFold(o, "group") {
		withPrevious = false
		c.warnOnceAs("set ordering", "Support for 'ordering' other than 'group' in resource_set (such as "+s.id+") is deprecated and will be removed in a future release")
	}
	if seq, given := s.flag("sequential"); given && !seq {
		return
	}
	var earlier []*Resource
	for _, ref := range s.refs {
		r := c.constraintResource(ref)
		if r == nil {
			c.configErr("Ignoring %s and later resources in set %s: No such resource", ref, s.id)
			return
		}
		if score > 0 {
			if len(earlier) > 0 {
				o := earlier[len(earlier)-1]
				i := inf(r)
				if withPrevious {
					c.newColocation(s.id, "", score, r, o, role, roleGiven, role, roleGiven, i)
				} else {
					c.newColocation(s.id, "", score, o, r, role, roleGiven, role, roleGiven, i)
				}
			}
		} else {
			i := inf(r)
			for _, ref := range s.refs {
				if r.ID == ref {
					break
				}
				if o := c.constraintResource(ref); o != nil {
					c.newColocation(s.id, "", score, r, o, role, roleGiven, role, roleGiven, i)
				}
			}
		}
		earlier = append(earlier, r)
	}
}

// colocateSets makes one set depend on the next.
func (c *Cluster) colocateSets(id string, a, b *resourceSet, score int, inf func(*Resource) bool) {
	if score == 0 {
		return
	}
	role1, given1 := a.attrs.Get("role")
	role2, given2 := b.attrs.Get("role")
	var r1, r2 *Resource
	if seq, given := a.flag("sequential"); (!given || seq) && len(a.refs) > 0 {
		if r1 = c.constraintResource(a.refs[0]); r1 == nil {
			c.configErr("Ignoring colocation of set %s with set %s because first resource %s not found", a.id, b.id, a.refs[0])
			return
		}
	}
	if seq, given := b.flag("sequential"); !given || seq {
		ref := ""
		if len(b.refs) > 0 {
			ref = b.refs[len(b.refs)-1]
		}
		if r2 = c.constraintResource(ref); r2 == nil {
			c.configErr("Ignoring colocation of set %s with set %s because last resource %s not found", a.id, b.id, ref)
			return
		}
	}
	pair := func(x, y *Resource, i bool) {
		c.newColocation(id, "", score, x, y, role1, given1, role2, given2, i)
	}
	switch {
	case r1 != nil && r2 != nil:
		pair(r1, r2, inf(r1))
	case r1 != nil:
		i := inf(r1)
		for _, ref := range b.refs {
			if y := c.constraintResource(ref); y != nil {
				pair(r1, y, i)
			} else {
				c.configErr("Ignoring set %s colocation with resource %s in set %s: No such resource", a.id, ref, b.id)
			}
		}
	case r2 != nil:
		for _, ref := range a.refs {
			if x := c.constraintResource(ref); x != nil {
				pair(x, r2, inf(x))
			} else {
				c.configErr("Ignoring colocation of set %s resource %s with set %s: No such resource", a.id, ref, b.id)
			}
		}
	default:
		for _, ref := range a.refs {
			x := c.constraintResource(ref)
			if x == nil {
				c.configErr("Ignoring colocation of set %s resource %s with set %s: No such resource", a.id, ref, b.id)
				continue
			}
			i := inf(x)
			for _, ref2 := range b.refs {
				if y := c.constraintResource(ref2); y != nil {
					pair(x, y, i)
				} else {
					c.configErr("Ignoring colocation of set %s resource %s with set %s resource %s: No such resource", a.id, ref, b.id, ref2)
				}
			}
		}
	}
}

// tickets -----------------------------------------------------------------------

func (c *Cluster) readTicketConstraint(e *etree.Element) {
	id := get(e, "id")
	name, ok := attr(e, "ticket")
	if !ok {
		c.configErr("Ignoring constraint '%s' without ticket", id)
		return
	}
	t := c.newTicket(name)
	sets, ok := c.sides(e, [2]string{"rsc", ""}, [2]string{"rsc-role", ""}, "role", false)
	if !ok {
		return
	}
	loss := get(e, "loss-policy")
	ok = true
	if sets == nil {
		sets, ok = c.constraintSets(e)
	}
	for _, s := range sets {
		if s.id == "" {
			c.configErr("Ignoring <resource_set> without id")
			return
		}
		role, given := s.attrs.Get("role")
		for _, ref := range s.refs {
			r := c.constraintResource(ref)
			if r == nil {
				c.configErr("%s: No resource found for %s", s.id, ref)
				return
			}
			c.newTicketConstraint(s.id, r, t, role, given, loss)
		}
	}
	if len(sets) > 0 || !ok {
		return
	}
	ref, ok := attr(e, "rsc")
	if !ok {
		c.configErr("Ignoring constraint '%s' without resource", id)
		return
	}
	r := c.constraintResource(ref)
	if r == nil {
		c.configErr("Ignoring constraint '%s' because resource '%s' does not exist", id, ref)
		return
	}
	role, given := attr(e, "rsc-role")
	c.newTicketConstraint(id, r, t, role, given, loss)
}

func (c *Cluster) newTicketConstraint(id string, r *Resource, t *Ticket, roleText string, given bool, loss string) {
	role, ok := c.constraintRole(id, roleText, given)
	if !ok {
		return
	}
	k := &TicketConstraint{ID: id, Ticket: t, Resource: r, Role: role}
	switch strings.ToLower(loss) {
	case "fence":
		k.Policy = LossFence
		if !c.Options.FencingEnabled {
			c.configErr("Resetting 'loss-policy' for ticket '%s' to 'stop' because fencing is not configured", t.ID)
			k.Policy = LossStop
		}
	case "freeze":
		k.Policy = LossFreeze
	case "demote":
		k.Policy = LossDemote
	case "stop":
		k.Policy = LossStop
	default:
		if role == RolePromoted {
			k.Policy = LossDemote
		}
	}
	r.Tickets = append(r.Tickets, k)
	if !t.Granted || t.Standby {
		c.withoutTicket(r, k)
	}
}

// withoutTicket applies the lack of a ticket to a resource.
func (c *Cluster) withoutTicket(r *Resource, k *TicketConstraint) {
	if len(r.Children) > 0 {
		for _, m := range r.Children {
			c.withoutTicket(m, k)
		}
		return
	}
	from := Origin{Code: OriginTicket, ID: k.ID, Resource: k.Resource.ID}
	ban := func() { c.ScoreAll(r, -Infinity, from) }
	matches := k.Role == RoleUnknown || k.Role == r.Role
	if k.Ticket.Granted || len(r.Active) == 0 {
		if k.Role != RolePromoted || k.Policy == LossStop {
			ban()
		}
		return
	}
	switch k.Policy {
	case LossStop:
		ban()
	case LossDemote:
		if k.Role != RolePromoted {
			ban()
		}
	case LossFence:
		if matches {
			ban()
			for _, n := range r.Active {
				c.FenceNode(n, "deadman ticket was lost", false, from)
			}
		}
	case LossFreeze:
		if matches {
			r.Clear(Managed)
			r.Set(Blocked)
		}
	}
}
