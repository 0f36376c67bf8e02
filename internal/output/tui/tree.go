package tui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/engine/status"
)

// edge is one thing that a resource depends on.
type edge struct {
	text   string // what ties it: "after start of", "with"
	to     *status.Resource
	id     string // of the constraint, "" where it follows from the structure
	blocks bool   // it is what keeps the resource from running
	why    string
}

// tree draws what a resource depends on, and what depends on it. The edge that
// blocks is marked.
func (v *view) tree(r *status.Resource) []Line {
	s := &sheet{}
	s.title("What %s depends on", r.ID)
	v.branch(s, r, 0, map[*status.Resource]bool{})
	s.title("What depends on %s", r.ID)
	n := 0
	for _, o := range v.c.All {
		if o == r || o.Kind == status.Primitive && o.Instance > 0 {
			continue
		}
		for _, e := range v.edges(o) {
			if e.to == r {
				n++
				s.add(Plain, "  %s  %s it%s", o.ID, e.text, inBrackets(e.id))
				s.about(Subject{Kind: Resource, ID: o.ID})
			}
		}
	}
	if n == 0 {
		s.add(Faint, "  nothing")
	}
	return s.lines
}

func inBrackets(id string) string {
	if id == "" {
		return ""
	}
	return "  (" + id + ")"
}

func (v *view) branch(s *sheet, r *status.Resource, depth int, seen map[*status.Resource]bool) {
	indent := strings.Repeat("   ", depth)
	state := roleWord(r)
	if len(r.Active) > 0 {
		state += " on " + names(r.Active)
	}
	s.add(resourceStyle(r), "  %s%s  %s", indent, r.ID, state)
	s.about(Subject{Kind: Resource, ID: r.ID})
	if seen[r] {
		return
	}
	seen[r] = true
	for _, own := range v.obstacles(r) {
		s.add(Bad, "  %s|- %s   <== BLOCKS", indent, own)
	}
	for _, e := range v.edges(r) {
		line, style := fmt.Sprintf("  %s|- %s %s%s", indent, e.text, e.to.ID, inBrackets(e.id)), Plain
		if e.blocks {
			line, style = line+"   <== BLOCKS: "+e.why, Bad
		}
		s.add(style, "%s", line)
		s.about(Subject{Kind: Resource, ID: e.to.ID})
		if seen[e.to] {
			continue
		}
		v.branch(s, e.to, depth+1, seen)
	}
}

// running tells whether a resource is wholly active.
func (v *view) running(r *status.Resource) bool { return v.c.IsActive(r, r.Kind == status.Group) }

// obstacles are what keeps a resource from running by itself.
func (v *view) obstacles(r *status.Resource) (list []string) {
	if v.running(r) {
		return nil
	}
	switch {
	case r.Disabled():
		list = append(list, "it is disabled (target-role Stopped)")
	case !r.Has(status.Managed):
		list = append(list, "it is not managed")
	case v.c.Options.StopAll:
		list = append(list, "the cluster keeps all resources stopped (stop-all-resources)")
	case !v.c.Quorate && v.c.Options.QuorumPolicy != status.QuorumIgnore:
		list = append(list, "there is no quorum (no-quorum-policy "+v.c.Options.QuorumPolicy.String()+")")
	}
	if r.Has(status.Blocked) {
		list = append(list, "it is blocked after a failure")
	}
	for _, t := range r.Tickets {
		if !t.Ticket.Granted || t.Ticket.Standby {
			list = append(list, "ticket "+t.Ticket.ID+" is not granted  ("+t.ID+")")
		}
	}
	if r.Kind == status.Primitive && len(list) == 0 {
		able, reasons := 0, []string{}
		for _, n := range v.c.Nodes {
			if n.IsRemote {
				continue
			}
			why := v.bannedBy(r, n.Name)
			if why == "" {
				able++
				continue
			}
			reasons = append(reasons, n.Name+" ("+why+")")
		}
		if able == 0 && len(reasons) > 0 {
			list = append(list, "no node may run it: "+strings.Join(reasons, "; "))
		}
	}
	return list
}

// edges are what a resource depends on: by constraints, and by what it is part of.
func (v *view) edges(r *status.Resource) (list []edge) {
	want := !v.running(r)
	add := func(e edge) {
		if e.to == nil || e.to == r {
			return
		}
		for _, o := range list {
			if o.to == e.to && o.text == e.text && o.id == e.id {
				return
			}
		}
		list = append(list, e)
	}
	if g := r.Parent; g != nil && g.Kind == status.Group {
		for i, m := range g.Children {
			if m == r && i > 0 {
				before := g.Children[i-1]
				e := edge{text: "in group " + g.ID + " after", to: before}
				if want && !v.running(before) {
					e.blocks, e.why = true, before.ID+" is "+strings.ToLower(roleWord(before))
				}
				add(e)
			}
		}
	}
	if r.Parent != nil {
		add(edge{text: "part of", to: r.Parent})
	}
	if r.Launcher != nil {
		e := edge{text: "started by", to: r.Launcher}
		if want && !v.running(r.Launcher) {
			e.blocks, e.why = true, r.Launcher.ID+" is "+strings.ToLower(roleWord(r.Launcher))
		}
		add(e)
	}
	id := r.XMLID()
	if r.Kind != status.Primitive || r.Instance < 0 {
		id = r.ID
	}
	for _, c := range v.Root.FindElements("./configuration/constraints/*") {
		switch c.Tag {
		case "rsc_order":
			for _, pair := range orderedPairs(c) {
				if pair[1] == id {
					add(v.orderEdge(c, v.find(pair[0]), want))
				}
			}
		case "rsc_colocation":
			for _, pair := range colocatedPairs(c) {
				if pair[0] == id {
					add(v.colocationEdge(c, v.find(pair[1]), want))
				}
			}
		}
	}
	return list
}

func (v *view) orderEdge(c *etree.Element, first *status.Resource, want bool) edge {
	get := func(name string) string { return c.SelectAttrValue(name, "") }
	action := cmp.Or(get("first-action"), "start")
	e := edge{text: "after " + action + " of", to: first, id: get("id")}
	kind := get("kind")
	if kind == "" && get("score") == "0" {
		kind = "Optional"
	}
	if first == nil || !want || kind == "Optional" || kind == "Serialize" {
		return e
	}
	missing := false
	switch action {
	case "start":
		missing = !v.running(first)
	case "promote":
		missing = true
		for _, m := range members(first) {
			if m.Role == status.RolePromoted {
				missing = false
			}
		}
	}
	if missing {
		e.blocks, e.why = true, first.ID+" has not done it"
	}
	return e
}

func (v *view) colocationEdge(c *etree.Element, with *status.Resource, want bool) edge {
	score := cmp.Or(c.SelectAttrValue("score", ""), "INFINITY")
	e := edge{text: "with", to: with, id: c.SelectAttrValue("id", "")}
	n, _ := v.c.Score(score)
	if n < 0 {
		e.text = "apart from"
	}
	if with != nil && want && n >= 1000000 && len(with.Places(status.Current)) == 0 {
		e.blocks, e.why = true, with.ID+" is nowhere"
	}
	return e
}

// orderedPairs are the (first, then) of an ordering, colocatedPairs the (dependent,
// primary) of a colocation; sets are taken apart.
func orderedPairs(c *etree.Element) (list [][2]string) {
	if f, t := c.SelectAttrValue("first", ""), c.SelectAttrValue("then", ""); f != "" && t != "" {
		return [][2]string{{f, t}}
	}
	return setPairs(c, false)
}

func colocatedPairs(c *etree.Element) (list [][2]string) {
	if r, w := c.SelectAttrValue("rsc", ""), c.SelectAttrValue("with-rsc", ""); r != "" && w != "" {
		return [][2]string{{r, w}}
	}
	return setPairs(c, true)
}

// setPairs takes sets apart: neighbours in a sequential set, and everything in a set with
// everything in the one before. In a colocation, who comes later in a set depends on who comes
// before, and an earlier set on a later one.
func setPairs(c *etree.Element, colocation bool) (list [][2]string) {
	var before []string
	for _, set := range c.SelectElements("resource_set") {
		var ids []string
		for _, ref := range set.SelectElements("resource_ref") {
			ids = append(ids, ref.SelectAttrValue("id", ""))
		}
		if seq := set.SelectAttrValue("sequential", "true"); number.IsTrue(seq) {
			for i := 1; i < len(ids); i++ {
				if colocation {
					list = append(list, [2]string{ids[i], ids[i-1]})
				} else {
					list = append(list, [2]string{ids[i-1], ids[i]})
				}
			}
		}
		for _, a := range before {
			for _, b := range ids {
				list = append(list, [2]string{a, b})
			}
		}
		before = ids
	}
	return list
}
