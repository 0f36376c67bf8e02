package move

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/iso8601"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/session"
	placing "hacluster/internal/placement"
)

// placement is a wish of the user about where a resource runs: constraints that crm_resource
// would make under ids of its own, cli-prefer-ID and cli-ban-ID-on-NODE.
type placement struct {
	// what is "move", "ban" or "clear".
	what, id, node string
	promoted       bool
	lifetime       string // P1H…; "" is for ever
	expired        bool   // clear only what is no longer in effect
	// step, if not nil, stores what is done so far: Pacemaker drops old wishes in a change of its own.
	step func(*etree.Element) error
}

// ban is a constraint that keeps a resource off a node.
type ban struct{ constraint, node string }

var errNowhere = errors.New("not active")

// manyError tells that a resource runs in several places; named that a node was.
type manyError struct {
	text  string
	named bool
}

func (e *manyError) Error() string { return e.text }

// durationError is a lifetime that is none, in crm_resource's words, which have no name before them.
type durationError struct{ text string }

func (e *durationError) Error() string {
	return "Invalid duration specified: " + e.text + "\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations"
}

// apply changes the CIB; it gives the bans that were made without the user naming the node.
func (p placement) apply(s *session.Session, root *etree.Element) ([]ban, error) {
	if p.what == "clear" {
		return nil, p.clear(s, root)
	}
	st := session.StateOf(root)
	active := p.activeOn(st)
	if p.node != "" {
		node := ""
		for _, n := range st.Nodes() {
			if strings.EqualFold(n.Name, p.node) {
				node = n.Name
			}
		}
		if node == "" {
			return nil, fmt.Errorf("Node '%s' not found\nError performing operation: No such object", p.node) //nolint:staticcheck // crm_resource's words
		}
		if p.what == "ban" {
			return p.ban(root, node)
		}
		if len(active) > 1 && !p.promoted && !p.manyAllowed(root) {
			return nil, &manyError{fmt.Sprintf("Resource '%s' not moved: active on multiple nodes", p.id), true}
		}
		if slices.Contains(active, node) && !s.Opts.Force() {
			return nil, fmt.Errorf("Error performing operation: Situation already as requested: %s is already active on %s", p.id, node) //nolint:staticcheck // crm_resource's words
		}
		// the bans of other nodes stay
		p.drop(root, func(string) bool { return true }, func(n string) bool { return strings.EqualFold(n, node) })
		if p.step != nil {
			if err := p.step(root); err != nil {
				return nil, err
			}
		}
		return nil, p.prefer(root, node)
	}
	if len(active) != 1 {
		if len(active) == 0 {
			return nil, errNowhere
		}
		return nil, &manyError{text: fmt.Sprintf("Resource '%s' not moved: active in %d locations.\nTo prevent '%s' from running on a specific location, specify a node.\nError performing operation: Invalid argument", p.id, len(active), p.id)}
	}
	return p.ban(root, active[0])
}

func (p placement) manyAllowed(root *etree.Element) bool {
	el := doc.ByID(root, p.id, "clone", "master", "bundle")
	return el != nil
}

// activeOn are the nodes that the resource runs on, or where it is promoted when that is meant.
func (p placement) activeOn(st *session.State) []string {
	roles := st.RolesWithNodes(p.id, true)
	var out []string
	add := func(nodes []string) {
		for _, n := range nodes {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	add(roles["Promoted"])
	if !p.promoted && len(out) != 1 {
		add(roles["Started"])
		add(roles["Unpromoted"])
	}
	return out
}

func (p placement) banID(node string) string { return placing.BanID(p.id, node) }

func (p placement) role(root *etree.Element) string {
	switch {
	case !p.promoted:
		return placing.Started
	case doc.NewRoles(root):
		return placing.Promoted
	}
	return placing.Master
}

// wish is the wish about a node, until end.
func (p placement) wish(root *etree.Element, node, end string) placing.Wish {
	return placing.Wish{Resource: p.id, Node: node, Role: p.role(root), End: end}
}

// put makes a wish's constraint, in place of the one of its id.
func (p placement) put(root *etree.Element, req cib.Request) {
	section := doc.EnsureSection(root, "constraints")
	for _, el := range req.Data.ChildElements() {
		for _, c := range doc.Children(section, "rsc_location") {
			if doc.ID(c) == doc.ID(el) {
				section.RemoveChild(c)
			}
		}
		section.AddChild(el.Copy())
	}
}

func (p placement) ban(root *etree.Element, node string) ([]ban, error) {
	end, err := p.end()
	if err != nil {
		return nil, err
	}
	p.put(root, p.wish(root, node, end).Ban())
	return []ban{{p.banID(node), node}}, nil
}

func (p placement) prefer(root *etree.Element, node string) error {
	end, err := p.end()
	if err == nil {
		p.put(root, p.wish(root, node, end).Prefer())
	}
	return err
}

// end is when the constraint shall end to count, "" for never. What the duration is worth is asked last,
// when all else is known to fit.
func (p placement) end() (string, error) {
	if p.lifetime == "" {
		return "", nil
	}
	end, err := placing.End(time.Now(), p.lifetime)
	if err != nil {
		return "", &durationError{p.lifetime}
	}
	return end, nil
}

// drop removes constraints of these ids that are for the node, "" for all nodes.
func (p placement) drop(root *etree.Element, preferred, banned func(node string) bool) {
	section := doc.Section(root, "constraints")
	for _, c := range doc.Children(section, "rsc_location") {
		switch id := doc.ID(c); {
		case id == "cli-prefer-"+p.id:
			if n := placing.NodeOf(c); n == "" || preferred(n) {
				section.RemoveChild(c)
			}
		case strings.HasPrefix(id, "cli-ban-"+p.id+"-on-"):
			if banned(strings.TrimPrefix(id, "cli-ban-"+p.id+"-on-")) {
				section.RemoveChild(c)
			}
		}
	}
}

func (p placement) clear(s *session.Session, root *etree.Element) error {
	if p.node != "" && (s.Live() || !s.Legacy()) {
		known := false
		for _, n := range session.StateOf(root).Nodes() {
			known = known || strings.EqualFold(n.Name, p.node)
		}
		if !known {
			return fmt.Errorf("Node '%s' not found\nError performing operation: No such object", p.node) //nolint:staticcheck // crm_resource's words
		}
	}
	fits := func(n string) bool { return p.node == "" || strings.EqualFold(n, p.node) }
	if !p.expired {
		p.drop(root, fits, fits)
		return nil
	}
	section := doc.Section(root, "constraints")
	now := time.Now()
	for _, c := range doc.Children(section, "rsc_location") {
		id := doc.ID(c)
		ours := id == "cli-prefer-"+p.id || strings.HasPrefix(id, "cli-ban-"+p.id+"-on-")
		if !ours || !fits(placing.NodeOf(c)) {
			continue
		}
		for _, d := range doc.All(c, "date_expression") {
			if end, err := iso8601.Parse(doc.Attr(d, "end"), now); err == nil && end.Compare(iso8601.Of(now)) < 0 {
				section.RemoveChild(c)
				break
			}
		}
	}
	return nil
}
