package verify

import (
	"fmt"

	"hacluster/cib/schema"
)

// A violation of the schema is told in our own words, but for two kinds that Pacemaker's
// users know word by word, from libxml2: references to nothing, and attributes of the
// root. They are kept where nothing else is wrong. The XML form of the report has more of
// libxml2's words: see structure.

func (c *check) hasWords(p schema.Problem) bool {
	if p.Kind == schema.BadReference {
		return true
	}
	if p.Element != c.root {
		return false
	}
	switch p.Kind {
	case schema.MissingAttribute, schema.BadValue, schema.UnknownAttribute:
		return true
	}
	return false
}

func words(p schema.Problem) []string {
	return []string{fmt.Sprintf("IDREF attribute %s references an unknown ID \"%s\"\n", p.Attr, p.Value)}
}

// rootWords tells of the root's attributes: of the first of the required ones that is
// wrong, or else of those that may not stand there.
func (c *check) rootWords(problems []schema.Problem) []string {
	const failed = "Element cib failed to validate attributes\n"
	wrong := map[string]schema.Problem{}
	for _, p := range problems {
		if p.Element == c.root {
			wrong[p.Attr] = p
		}
	}
	for _, name := range []string{"validate-with", "admin_epoch", "epoch", "num_updates"} {
		p, ok := wrong[name]
		switch {
		case !ok:
		case p.Kind == schema.BadValue && name != "validate-with":
			return []string{fmt.Sprintf("Type nonNegativeInteger doesn't allow value '%s'\n", p.Value), failed}
		default:
			return []string{failed}
		}
	}
	var lines []string
	for _, p := range problems {
		if p.Element == c.root {
			lines = append(lines, fmt.Sprintf("Invalid attribute %s for element cib\n", p.Attr))
		}
	}
	return lines
}

// beforeReference are the optional attributes that libxml2 tries before a reference of the
// element. Each that is there makes it look at the reference twice as often, and tell so.
var beforeReference = map[string][]string{
	"rsc_location":   {"resource-discovery"},
	"rsc_colocation": {"score", "score-attribute", "score-attribute-mangle", "influence"},
	"rsc_order":      {"symmetrical", "require-all", "score", "kind"},
	"rsc_ticket":     {"loss-policy"},
	"primitive":      {"description"},
	"acl_permission": {"description"},
}

func repeats(p schema.Problem) int {
	n := 1
	for _, name := range beforeReference[p.Element.Tag] {
		if p.Element.SelectAttr(name) != nil {
			n *= 2
		}
	}
	return n
}
