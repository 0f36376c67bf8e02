package verify

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
)

// In the XML form of the report a violation of the structure is told in libxml2's words,
// as Pacemaker's users read them there, for those classes of violations whose words follow
// from what was found and where:
//
//   - libxml2 reports what it expected where it gave up, then each element around it that
//     failed for that reason, up to the first one that has to be there: crm_config, nodes,
//     resources, constraints;
//   - such a section takes any number of children; when one fails, it says that its first
//     child is too much;
//   - a part that may be left out, or come any number of times, is a stranger when it fails;
//     of such a section nothing else is told;
//   - an element whose parts may come in any order is cut off at the first stranger: a part
//     that is required and stands behind it is missing.
//
// For other classes, and where the failure leaves out the declaration of an id that is
// referred to, there are no such words.

// The words of libxml2. Each ends with a line feed of its own.
const (
	rngUnexpected  = "Did not expect element %s there\n"
	rngExtra       = "Element %s has extra content: %s\n"
	rngContent     = "Element %s failed to validate content\n"
	rngAttributes  = "Element %s failed to validate attributes\n"
	rngInvalidAttr = "Invalid attribute %s for element %s\n"
	rngExpecting   = "Expecting element %s, got %s\n"
	rngNothing     = "Expecting an element %s, got nothing\n"
	rngStranger    = "Extra element %s in interleave\n"
	rngSequence    = "Invalid sequence in interleave\n"
)

// sections are the children of configuration in the order in which libxml2 looks at them.
var sections = []string{
	"crm_config", "rsc_defaults", "op_defaults", "nodes", "resources", "constraints",
	"fencing-topology", "acls", "tags", "alerts",
}

// inside are the sections that have to be there, with the child that libxml2 tries first.
var inside = map[string]string{
	"crm_config": "cluster_property_set", "nodes": "node", "resources": "primitive", "constraints": "rsc_location",
}

// structure gives libxml2's words for problems with the structure of the document; nil
// where they do not follow.
func structure(root *etree.Element, version string, problems []schema.Problem) []string {
	configuration := root.SelectElement("configuration")
	if len(problems) == 0 || configuration == nil {
		return nil
	}
	var path []*etree.Element // of the first problem, from the section down
	for _, p := range problems {
		switch p.Kind {
		case schema.UnknownElement, schema.MissingElement, schema.UnknownAttribute, schema.MissingAttribute, schema.BadValue:
		default:
			return nil
		}
		var at []*etree.Element
		for el := p.Element; el != configuration; el = el.Parent() {
			if el == nil {
				return nil
			}
			at = append(at, el)
		}
		slices.Reverse(at)
		if path != nil && (len(at) == 0 || len(path) == 0 || at[0] != path[0]) {
			return nil
		}
		if path == nil {
			path = append([]*etree.Element{}, at...)
		}
	}
	p, g := problems[0], grammarOf(version)
	if len(path) == 0 || len(path) == 1 && p.Kind == schema.UnknownElement {
		if len(problems) > 1 {
			return nil
		}
		return g.inConfiguration(configuration, p)
	}
	section := path[0]
	if g.lost(configuration, path, p) {
		return nil
	}
	switch section.Tag {
	case "rsc_defaults", "op_defaults":
		return []string{fmt.Sprintf(rngStranger, section.Tag), rngSequence, fmt.Sprintf(rngContent, configuration.Tag)}
	case "fencing-topology", "acls", "tags", "alerts":
		return []string{fmt.Sprintf(rngStranger, section.Tag), fmt.Sprintf(rngContent, configuration.Tag)}
	}
	if len(problems) > 1 {
		return nil
	}
	var lines []string
	if len(path) == 1 {
		if p.Kind != schema.UnknownAttribute {
			return nil
		}
		lines = []string{fmt.Sprintf(rngNothing, inside[section.Tag]), fmt.Sprintf(rngInvalidAttr, p.Attr, section.Tag)}
	} else {
		if lines = g.inSection(path, p); lines == nil {
			return nil
		}
		lines = append(lines, fmt.Sprintf(rngExtra, section.Tag, section.ChildElements()[0].Tag))
	}
	switch {
	case section.Tag == "crm_config" && g.fatal(section.Tag):
		lines = append(lines, rngSequence, rngSequence, fmt.Sprintf(rngContent, configuration.Tag))
	case g.fatal(section.Tag):
		lines = append(lines, rngSequence, fmt.Sprintf(rngContent, configuration.Tag))
	}
	return lines
}

// grammar is what of a version's schema has an influence on the words.
type grammar struct {
	properties bool // since 3.9 crm_config is a part that is looked at as a whole
	resources  bool // since 3.10 resources is one as well
	pairs      bool // 3.1 to 3.10 tell which pair lacks an attribute
	agents     bool // to 3.10 the attributes that name an agent are told of as one

	set string // the set of pairs that comes first
}

func grammarOf(version string) grammar {
	g := grammar{
		set:        "meta_attributes",
		agents:     schema.Compare(version, "pacemaker-4.0") < 0,
		properties: schema.Compare(version, "pacemaker-3.9") >= 0,
		resources:  schema.Compare(version, "pacemaker-3.10") >= 0,
		pairs:      schema.Compare(version, "pacemaker-3.1") >= 0 && schema.Compare(version, "pacemaker-4.0") < 0,
	}
	if g.resources {
		g.set = "instance_attributes"
	}
	return g
}

// fatal tells whether libxml2 stops looking at the sections when this one fails.
func (g grammar) fatal(section string) bool {
	switch section {
	case "crm_config":
		return g.properties
	case "resources":
		return g.resources
	}
	return inside[section] == ""
}

// inConfiguration tells of a section that is missing, or of a stranger among them, and of
// configuration's attributes.
func (g grammar) inConfiguration(configuration *etree.Element, p schema.Problem) []string {
	switch p.Kind {
	case schema.UnknownAttribute:
		return []string{fmt.Sprintf(rngInvalidAttr, p.Attr, configuration.Tag)}
	case schema.UnknownElement, schema.MissingElement:
	default:
		return nil
	}
	var before []*etree.Element // the sections that libxml2 comes to
	for _, el := range configuration.ChildElements() {
		if el == p.Element {
			break
		}
		before = append(before, el)
	}
	if p.Kind == schema.UnknownElement && (slices.Contains(sections, p.Element.Tag) || p.Element.Tag == configuration.Tag) {
		return nil // it stands twice
	}
	lines, reached := []string(nil), len(sections)
	for i, tag := range sections {
		if inside[tag] == "" || slices.ContainsFunc(before, func(el *etree.Element) bool { return el.Tag == tag }) {
			continue
		}
		lines, reached = []string{fmt.Sprintf(rngNothing, tag), rngSequence}, i
		if tag == "crm_config" {
			lines = append(lines, rngSequence) // it stands in an interleave of its own
		}
		lines = append(lines, fmt.Sprintf(rngContent, configuration.Tag))
		break
	}
	if lines == nil && p.Kind == schema.UnknownElement {
		lines = []string{fmt.Sprintf(rngExtra, configuration.Tag, p.Element.Tag)}
	}
	left := func(el *etree.Element) bool {
		section := el
		for section.Parent() != configuration {
			section = section.Parent()
		}
		return !slices.Contains(before, section) || slices.Index(sections, section.Tag) >= reached
	}
	if dangling(configuration, left, left) {
		return nil
	}
	return lines
}

// inSection tells of what is wrong below a section that has to be there, from the place
// itself up to below the section.
func (g grammar) inSection(path []*etree.Element, p schema.Problem) []string {
	section, child := path[0], path[1]
	if p.Kind == schema.UnknownElement && len(path) == 2 {
		switch section.Tag {
		case "resources", "constraints":
			return []string{fmt.Sprintf(rngUnexpected, child.Tag)}
		}
		return []string{fmt.Sprintf(rngExpecting, inside[section.Tag], child.Tag)}
	}
	at := path[1:] // from the section's child to the element that has the problem
	if p.Kind == schema.UnknownElement {
		at = at[:len(at)-1]
	}
	switch section.Tag {
	case "crm_config":
		return g.inSet(at, p)
	case "nodes":
		if len(at) == 1 && p.Kind == schema.UnknownAttribute {
			return []string{fmt.Sprintf(rngNothing, "instance_attributes"), fmt.Sprintf(rngInvalidAttr, p.Attr, child.Tag)}
		}
	case "constraints":
		if len(at) == 1 && p.Kind == schema.UnknownAttribute && len(child.ChildElements()) == 0 {
			return []string{fmt.Sprintf(rngInvalidAttr, p.Attr, child.Tag)}
		}
	case "resources":
		return g.inResource(at, p)
	}
	return nil
}

// inSet tells of a set of pairs, and of its pairs.
func (g grammar) inSet(at []*etree.Element, p schema.Problem) []string {
	set := at[0]
	if len(at) == 1 {
		switch p.Kind {
		case schema.UnknownElement:
			return []string{fmt.Sprintf(rngExtra, set.Tag, p.Element.Tag)}
		case schema.UnknownAttribute:
			return []string{fmt.Sprintf(rngInvalidAttr, p.Attr, set.Tag)}
		case schema.MissingAttribute:
			return []string{fmt.Sprintf(rngContent, set.Tag)}
		}
		return nil
	}
	if len(at) != 2 || at[1].Tag != "nvpair" {
		return nil
	}
	line := ""
	switch p.Kind {
	case schema.UnknownElement:
		line = fmt.Sprintf(rngExtra, at[1].Tag, p.Element.Tag)
	case schema.UnknownAttribute:
		line = fmt.Sprintf(rngInvalidAttr, p.Attr, at[1].Tag)
	case schema.MissingAttribute:
		if !g.pairs {
			return nil
		}
		line = fmt.Sprintf(rngAttributes, at[1].Tag)
	default:
		return nil
	}
	return []string{line, fmt.Sprintf(rngStranger, at[1].Tag), fmt.Sprintf(rngContent, set.Tag)}
}

// parts are the children that resources may have, some of them once.
var parts = []string{
	"meta_attributes", "instance_attributes", "utilization", "operations", "primitive", "group",
	"docker", "podman", "rkt", "network", "storage",
}

// inResource tells of a resource that stands by itself, of its sets and its operations.
func (g grammar) inResource(at []*etree.Element, p schema.Problem) []string {
	resource := at[0]
	failed := fmt.Sprintf(rngContent, resource.Tag)
	stranger := fmt.Sprintf(rngStranger, at[min(1, len(at)-1)].Tag)
	single := resource.Tag == "primitive" || resource.Tag == "template"
	if len(at) == 1 {
		switch {
		case p.Kind == schema.UnknownAttribute:
			return []string{fmt.Sprintf(rngInvalidAttr, p.Attr, resource.Tag)}
		case p.Kind == schema.UnknownElement && slices.Contains(parts, p.Element.Tag):
			return nil // one too many
		case p.Kind == schema.UnknownElement && (single || hasMember(resource, p.Element)):
			return []string{fmt.Sprintf(rngExtra, resource.Tag, p.Element.Tag)}
		case p.Kind == schema.UnknownElement, p.Kind == schema.MissingElement:
			return []string{fmt.Sprintf(rngNothing, g.set), rngSequence, failed}
		case g.agents && single && (p.Kind == schema.MissingAttribute || p.Kind == schema.BadValue && p.Attr == "class"):
			return []string{rngSequence, failed}
		}
		return nil
	}
	switch at[1].Tag {
	case "meta_attributes", "instance_attributes", "utilization":
		if len(at) == 2 {
			if lines := g.inSet(at[1:], p); lines != nil {
				return append(lines, stranger, failed)
			}
		}
	case "operations":
		switch {
		case !single:
		case len(at) == 2 && p.Kind == schema.UnknownElement:
			return []string{fmt.Sprintf(rngExpecting, "op", p.Element.Tag), stranger, failed}
		case len(at) == 2 && p.Kind == schema.UnknownAttribute:
			return []string{fmt.Sprintf(rngNothing, "op"), stranger, failed}
		case len(at) == 3 && p.Kind == schema.UnknownElement && len(at[2].ChildElements()) == 1:
			return []string{fmt.Sprintf(rngUnexpected, p.Element.Tag), stranger, failed}
		case len(at) == 3 && p.Kind == schema.UnknownAttribute && len(at[2].ChildElements()) == 0:
			return []string{fmt.Sprintf(rngNothing, g.set), stranger, failed}
		}
	}
	return nil
}

// hasMember tells whether what a group, clone or bundle has to contain stands before the element.
func hasMember(resource, before *etree.Element) bool {
	for _, el := range resource.ChildElements() {
		switch {
		case el == before:
			return false
		case slices.Contains([]string{"primitive", "group", "docker", "podman", "rkt"}, el.Tag) && (resource.Tag != "bundle" || el.Tag != "primitive"):
			return true
		}
	}
	return false
}

// lost tells whether something that libxml2 looks at refers to an id that it did not come
// to. The path is that of the problem, from the section down.
func (g grammar) lost(configuration *etree.Element, path []*etree.Element, p schema.Problem) bool {
	section, order, fatal := path[0], slices.Index(sections, path[0].Tag), g.fatal(path[0].Tag)
	unseen := func(el *etree.Element) bool { // el's section comes after the one that failed
		for el.Parent() != configuration {
			el = el.Parent()
		}
		return fatal && slices.Index(sections, el.Tag) > order
	}
	left := func(el *etree.Element) bool {
		if unseen(el) {
			return true
		}
		child := el
		for child != section && child != configuration && child.Parent() != section {
			child = child.Parent()
		}
		switch {
		case child == section || child == configuration || len(path) == 1 && inside[section.Tag] != "":
			return false
		case inside[section.Tag] == "":
			return true
		case el == path[1]: // its own id is looked at first
			return len(path) == 2 && p.Kind == schema.UnknownElement
		}
		return child.Index() >= path[1].Index()
	}
	return dangling(configuration, left, unseen)
}

// dangling tells whether there is a reference, out of the elements that are not unseen, to
// an id of an element that is left out.
func dangling(configuration *etree.Element, left, unseen func(*etree.Element) bool) bool {
	ids := map[string]bool{}
	var visit func(el *etree.Element, do func(*etree.Element))
	visit = func(el *etree.Element, do func(*etree.Element)) {
		for _, k := range el.ChildElements() {
			do(k)
			visit(k, do)
		}
	}
	visit(configuration, func(el *etree.Element) {
		if left(el) && !refers(el) {
			ids[el.SelectAttrValue("id", "")] = true
		}
	})
	delete(ids, "")
	found := false
	visit(configuration, func(el *etree.Element) {
		if len(ids) == 0 || unseen(el) {
			return
		}
		for _, a := range el.Attr {
			if ids[a.Value] && (a.Key != "id" || refers(el)) {
				found = true
			}
		}
	})
	return found
}

// refers tells whether the element's id is that of another.
func refers(el *etree.Element) bool {
	return el.Tag == "resource_ref" || el.Tag == "obj_ref" || el.Tag == "role"
}
