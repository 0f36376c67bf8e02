package status

import (
	"regexp"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/cib/rule"
)

// NodeAttr is an attribute of a node as a resource sees it: with attribute
// target "host", a guest's or bundle node's attributes are those of its host.
func NodeAttr(n *Node, name, target string, assigned bool) (string, bool) {
	if n == nil {
		return "", false
	}
	if target != "host" || !n.IsGuest() {
		if strings.EqualFold(target, "host") && n.IsGuest() {
			target = "host"
		} else {
			return n.Attrs.Get(name)
		}
	}
	var host *Node
	l := n.Conn.Launcher
	if assigned {
		host = l.Assigned
	} else if len(l.Active) > 0 {
		host = l.Active[0]
	}
	if host == nil {
		return "", false
	}
	return host.Attrs.Get(name)
}

// locationRole reads the role of a location: only Stopped and Promoted filter.
func (c *Cluster) locationRole(text string, given bool) (Role, bool) {
	if !given {
		return RoleUnknown, true
	}
	role, _ := c.role(text)
	switch role {
	case RoleUnknown:
		return 0, false
	case RoleStarted, RoleUnpromoted:
		return RoleUnknown, true
	}
	return role, true
}

// newLocation enters a location constraint, newest first.
func (c *Cluster) newLocation(id string, r *Resource, discovery string, given bool) *Location {
	l := &Location{ID: id, Resource: r}
	switch {
	case !given || strings.EqualFold(discovery, "always"):
	case strings.EqualFold(discovery, "never"):
		l.Discovery = DiscoverNever
	case strings.EqualFold(discovery, "exclusive"):
		l.Discovery = DiscoverExclusive
		r.Set(ExclusiveProbes)
	default:
		c.configErr("Invalid resource-discovery value %s in location constraint", discovery)
	}
	r.Locations = append(r.Locations, l)
	c.Locations = append(c.Locations, l)
	return l
}

func (c *Cluster) readLocation(e *etree.Element) {
	id := get(e, "id")
	sets, ok := c.sides(e, [2]string{"rsc", ""}, [2]string{"role", ""}, "role", false)
	if !ok {
		return
	}
	expanded := sets != nil
	ok = true
	if sets == nil {
		sets, ok = c.constraintSets(e)
	}
	for _, s := range sets {
		if s.attrs.Value("id") == "" && !s.attrs.Has("id") {
			c.configErr("Ignoring resource_set without id in constraint '%s'", id)
			return
		}
		role, roleGiven := s.attrs.Get("role")
		score, scoreGiven := s.attrs.Get("score")
		for _, ref := range s.refs {
			r := c.constraintResource(ref)
			if r == nil {
				c.configErr("%s: No resource found for %s", s.id, ref)
				return
			}
			c.locate(e, r, role, roleGiven, score, scoreGiven, "", nil, expanded)
		}
	}
	if len(sets) > 0 || !ok {
		return
	}
	if ref, ok := attr(e, "rsc"); ok {
		r := c.constraintResource(ref)
		if r == nil {
			c.configWarn("Ignoring constraint '%s' because resource '%s' does not exist", id, ref)
		} else {
			c.locate(e, r, "", false, "", false, "", nil, false)
		}
	}
	if pattern, ok := attr(e, "rsc-pattern"); ok {
		text, invert := strings.CutPrefix(pattern, "!")
		re, err := regexp.CompilePOSIX(text)
		if err != nil {
			c.configErr("Ignoring constraint '%s' because rsc-pattern has invalid value '%s'", id, text)
			return
		}
		for _, r := range c.Resources {
			groups := re.FindStringSubmatchIndex(r.ID)
			switch {
			case !invert && groups != nil:
				c.locate(e, r, "", false, "", false, r.ID, groups, false)
			case invert && groups == nil:
				c.locate(e, r, "", false, "", false, "", nil, false)
			}
		}
	}
}

// locate makes a location constraint for one resource.
func (c *Cluster) locate(e *etree.Element, r *Resource, role string, roleGiven bool, score string, scoreGiven bool, matched string, groups []int, moved bool) {
	id := get(e, "id")
	if !scoreGiven {
		score, scoreGiven = attr(e, "score")
	}
	discovery, discoveryGiven := attr(e, "resource-discovery")
	node, onNode := attr(e, "node")
	if onNode && scoreGiven {
		n := c.FindNode(node)
		if n == nil {
			return
		}
		v, ok := c.score(score)
		if !ok {
			c.configErr("Ignoring location constraint %s because '%s' is not a valid score", id, score)
			return
		}
		if !roleGiven && !moved {
			role, roleGiven = attr(e, "role")
		}
		filter, ok := c.locationRole(role, roleGiven)
		if !ok {
			c.configErr("Ignoring location constraint %s because '%s' is not a valid role", id, role)
			return
		}
		l := c.newLocation(id, r, discovery, discoveryGiven)
		l.Role = filter
		l.Nodes = append(l.Nodes, NodeScore{n, v})
		return
	}
	x := first(e, "rule")
	if x == nil {
		return
	}
	if x = c.deref(x); x == nil {
		return
	}
	ruleID, ok := attr(x, "id")
	if !ok {
		c.configErr("Ignoring location constraint '%s' because its rule has no id", id)
		return
	}
	ruleRole, given := attr(x, "role")
	filter, ok := c.locationRole(ruleRole, given)
	if !ok {
		c.configErr("Ignoring location constraint '%s' because rule '%s' has invalid role '%s'", id, ruleID, ruleRole)
		return
	}
	if op, ok := attr(x, "boolean-op"); ok && !strings.EqualFold(op, "and") && !strings.EqualFold(op, "or") {
		c.configErr("Ignoring location constraint '%s' because rule '%s' has invalid boolean-op '%s'", id, ruleID, op)
		return
	}
	value := 0
	attribute, byAttr := attr(x, "score-attribute")
	if byAttr {
		attribute = rule.Expand(attribute, matched, groups)
	} else {
		s, ok := attr(x, "score")
		if !ok {
			c.configErr("Ignoring location constraint rule %s because neither score nor score-attribute was specified", ruleID)
			return
		}
		if value, ok = c.score(s); !ok {
			c.configErr("Ignoring location constraint rule %s because '%s' is not a valid score: Bad input value provided", ruleID, s)
			return
		}
	}
	l := c.newLocation(ruleID, r, discovery, discoveryGiven)
	l.Role = filter
	in := c.input()
	in.Meta = r.Meta.Get
	in.Matched, in.Submatches = matched, groups
	target := r.Meta.Value("container-attribute-target")
	for _, n := range c.Nodes {
		in.Attr = n.Attrs.Get
		params := c.Params(r, n) // also where the rule asks for none: what is wrong with them is told
		in.Param = params.Get
		if rule.Evaluate(x, &in) != rule.Pass {
			continue
		}
		if byAttr {
			s, ok := NodeAttr(n, attribute, target, false)
			if !ok || s == "" {
				continue
			}
			if value, ok = c.score(s); !ok {
				continue
			}
		}
		l.Nodes = append([]NodeScore{{n, value}}, l.Nodes...)
	}
}

// readHealth turns the health of nodes into location constraints.
func (c *Cluster) readHealth() {
	o := &c.Options
	if o.HealthStrategy == "none" {
		return
	}
	base := 0
	if o.HealthStrategy == "progressive" {
		base = o.HealthBase
	}
	for _, n := range c.Nodes {
		sum := base
		for _, a := range n.Attrs {
			if strings.HasPrefix(a.Name, "#health") {
				if s, ok := c.score(a.Value); ok {
					sum = AddScores(s, sum)
				}
			}
		}
		if sum == 0 {
			continue
		}
		for _, r := range c.Resources {
			if sum < 0 && number.IsTrue(r.Meta.Value("allow-unhealthy-nodes")) {
				continue
			}
			l := c.newLocation(o.HealthStrategy, r, "", false)
			l.Health = true
			l.Nodes = append(l.Nodes, NodeScore{n, sum})
		}
	}
}

// Health is how well a node is: 1 green, 0 yellow, -1 red.
func (c *Cluster) Health(n *Node) int {
	if c.Options.HealthStrategy == "none" {
		return 1
	}
	health := 1
	for _, a := range n.Attrs {
		if !strings.HasPrefix(a.Name, "#health") {
			continue
		}
		if strings.EqualFold(a.Value, "red") {
			return -1
		}
		if strings.EqualFold(a.Value, "yellow") {
			health = 0
			continue
		}
		s, ok := c.score(a.Value)
		if !ok {
			continue
		}
		if s <= c.Options.HealthRed {
			return -1
		}
		if s <= c.Options.HealthYellow && c.Options.HealthYellow != c.Options.HealthGreen {
			health = 0
		}
	}
	return health
}
