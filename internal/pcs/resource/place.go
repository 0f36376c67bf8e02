package resource

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/session"
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

// apply changes the CIB; it gives the bans that were made without the user naming the node.
func (p placement) apply(s *session.Session, root *etree.Element) ([]ban, error) {
	if p.what == "clear" {
		return nil, p.clear(s, root)
	}
	now := time.Now()
	end := ""
	if p.lifetime != "" {
		t, err := addDuration(now, p.lifetime)
		if err != nil {
			return nil, err
		}
		end = t.UTC().Format("2006-01-02 15:04:05Z")
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
		if node == "" && !s.Live() {
			node = p.node
		}
		if node == "" {
			return nil, fmt.Errorf("Node '%s' not found\nError performing operation: No such object", p.node) //nolint:staticcheck // crm_resource's words
		}
		if p.what == "ban" {
			p.ban(root, node, end)
			return []ban{{p.banID(node), node}}, nil
		}
		if len(active) > 1 && !p.promoted && !p.manyAllowed(root) {
			return nil, &manyError{fmt.Sprintf("Resource '%s' not moved: active on multiple nodes", p.id), true}
		}
		if slices.Contains(active, node) && !s.Opts.Force() {
			return nil, fmt.Errorf("Error performing operation: Situation already as requested: %s is already active on %s", p.id, node) //nolint:staticcheck // crm_resource's words
		}
		p.drop(root, func(string) bool { return true })
		if p.step != nil {
			if err := p.step(root); err != nil {
				return nil, err
			}
		}
		p.prefer(root, node, end)
		return nil, nil
	}
	if len(active) != 1 {
		if len(active) == 0 {
			return nil, errNowhere
		}
		return nil, &manyError{text: fmt.Sprintf("Resource '%s' not moved: active in %d locations.\nTo prevent '%s' from running on a specific location, specify a node.\nError performing operation: Invalid argument", p.id, len(active), p.id)}
	}
	p.ban(root, active[0], end)
	return []ban{{p.banID(active[0]), active[0]}}, nil
}

func (p placement) manyAllowed(root *etree.Element) bool {
	el := find(root, p.id, "clone", "master", "bundle")
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

func (p placement) banID(node string) string { return "cli-ban-" + p.id + "-on-" + node }

func (p placement) role(root *etree.Element) string {
	switch {
	case !p.promoted:
		return "Started"
	case doc.NewRoles(root):
		return "Promoted"
	}
	return "Master"
}

func (p placement) replace(root *etree.Element, el *etree.Element) {
	section := doc.EnsureSection(root, "constraints")
	for _, c := range doc.Children(section, "rsc_location") {
		if doc.ID(c) == doc.ID(el) {
			section.RemoveChild(c)
		}
	}
	section.AddChild(el)
}

func (p placement) ban(root *etree.Element, node, end string) {
	id := p.banID(node)
	el := doc.New("rsc_location", "id", id, "rsc", p.id, "role", p.role(root))
	if end == "" {
		el.CreateAttr("node", node)
		el.CreateAttr("score", "-INFINITY")
	} else {
		r := doc.Append(el, "rule", "id", id+"-rule", "score", "-INFINITY", "boolean-op", "and")
		doc.Append(r, "expression", "id", id+"-expr", "attribute", "#uname", "operation", "eq", "value", node, "type", "string")
		doc.Append(r, "date_expression", "id", id+"-lifetime", "operation", "lt", "end", end)
	}
	p.replace(root, el)
}

func (p placement) prefer(root *etree.Element, node, end string) {
	id := "cli-prefer-" + p.id
	el := doc.New("rsc_location", "id", id, "rsc", p.id, "role", p.role(root))
	if end == "" {
		el.CreateAttr("node", node)
		el.CreateAttr("score", "INFINITY")
	} else {
		r := doc.Append(el, "rule", "id", "cli-prefer-rule-"+p.id, "score", "INFINITY", "boolean-op", "and")
		doc.Append(r, "expression", "id", "cli-prefer-expr-"+p.id, "attribute", "#uname", "operation", "eq", "value", node, "type", "string")
		doc.Append(r, "date_expression", "id", "cli-prefer-lifetime-end-"+p.id, "operation", "lt", "end", end)
	}
	p.replace(root, el)
}

// drop removes constraints of these ids that are for the node, "" for all nodes.
func (p placement) drop(root *etree.Element, of func(node string) bool) {
	section := doc.Section(root, "constraints")
	for _, c := range doc.Children(section, "rsc_location") {
		switch id := doc.ID(c); {
		case id == "cli-prefer-"+p.id:
			if n := nodeOf(c); n == "" || of(n) {
				section.RemoveChild(c)
			}
		case strings.HasPrefix(id, "cli-ban-"+p.id+"-on-"):
			if of(strings.TrimPrefix(id, "cli-ban-"+p.id+"-on-")) {
				section.RemoveChild(c)
			}
		}
	}
}

func nodeOf(constraint *etree.Element) string {
	if n := doc.Attr(constraint, "node"); n != "" {
		return n
	}
	for _, e := range doc.All(constraint, "expression") {
		if doc.Attr(e, "attribute") == "#uname" {
			return doc.Attr(e, "value")
		}
	}
	return ""
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
		p.drop(root, fits)
		return nil
	}
	section := doc.Section(root, "constraints")
	now := time.Now()
	for _, c := range doc.Children(section, "rsc_location") {
		id := doc.ID(c)
		ours := id == "cli-prefer-"+p.id || strings.HasPrefix(id, "cli-ban-"+p.id+"-on-")
		if !ours || !fits(nodeOf(c)) {
			continue
		}
		for _, d := range doc.All(c, "date_expression") {
			if end, err := parseEnd(doc.Attr(d, "end")); err == nil && !now.Before(end) {
				section.RemoveChild(c)
				break
			}
		}
	}
	return nil
}

func parseEnd(text string) (time.Time, error) {
	for _, form := range []string{"2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(form, strings.TrimSpace(text)); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", text)
}

// addDuration adds an ISO 8601 duration (P1DT2H, also PT5M and the short P1H) to a time.
func addDuration(t time.Time, text string) (time.Time, error) {
	bad := fmt.Errorf("Invalid duration specified: %s\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations (including 'P1H' …)", text) //nolint:staticcheck // crm_resource's words
	rest, ok := strings.CutPrefix(text, "P")
	if !ok || rest == "" {
		return t, bad
	}
	clock := false
	for rest != "" {
		if rest[0] == 'T' {
			clock, rest = true, rest[1:]
			continue
		}
		n, i := 0, 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' && i < 9 {
			n, i = n*10+int(rest[i]-'0'), i+1
		}
		if i == 0 || i == len(rest) {
			return t, bad
		}
		switch rest[i] {
		case 'Y':
			t = t.AddDate(n, 0, 0)
		case 'W':
			t = t.AddDate(0, 0, 7*n)
		case 'D':
			t = t.AddDate(0, 0, n)
		case 'M':
			if clock {
				t = t.Add(time.Duration(n) * time.Minute)
			} else {
				t = t.AddDate(0, n, 0)
			}
		case 'H':
			t = t.Add(time.Duration(n) * time.Hour)
		case 'S':
			t = t.Add(time.Duration(n) * time.Second)
		default:
			return t, bad
		}
		rest = rest[i+1:]
	}
	return t, nil
}
