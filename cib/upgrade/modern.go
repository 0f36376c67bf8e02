package upgrade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// modernPrefix begins the ids that the rewriting for 4.0 makes up.
const modernPrefix = "pcmk__3_10_upgrade-"

// modern is a document on its way from 3.10 to 4.0. References are unfolded first,
// so that each place can be rewritten by itself, and folded again at the end.
//
// The order in which things happen is that of Pacemaker's six stages, since the
// outcome of one is what the next one looks at: values, then double values and old
// kinds, then lifetimes, then what is supported no longer.
type modern struct {
	root     *etree.Element
	say      func(Message)
	original map[*etree.Element]bool // it stood in the input; not a copy, nor made up
	changed  map[*etree.Element]bool // an attribute of it is another, so ACLs by XPath may be off
}

func rewriteModern(root *etree.Element, say func(Message)) error {
	m := &modern{root: root, say: say, original: map[*etree.Element]bool{}, changed: map[*etree.Element]bool{}}
	if err := m.unfold(); err != nil {
		return err
	}
	m.values(root)
	m.sets(root)
	m.pingNodes()
	m.kinds(root)
	m.splitLocations()
	m.lifetimes()
	m.removals()
	m.fold()
	return nil
}

func (m *modern) warn(format string, args ...any) {
	m.say(Message{Warning, "WARNING: " + fmt.Sprintf(format, args...)})
}

func (m *modern) info(format string, args ...any) {
	m.say(Message{Info, "INFO: " + fmt.Sprintf(format, args...)})
}

func isSet(el *etree.Element) bool {
	switch el.Tag {
	case "cluster_property_set", "instance_attributes", "meta_attributes", "utilization":
		return true
	}
	return false
}

// renamedProperties are cluster properties that have another name in 4.0.
var renamedProperties = map[string]string{
	"crmd-finalization-timeout": "join-finalization-timeout",
	"crmd-integration-timeout":  "join-integration-timeout",
	"crmd-transition-delay":     "transition-delay",
}

// values sorts sets behind their siblings, by score, and rewrites single values.
func (m *modern) values(el *etree.Element) {
	if el.Tag == "date_spec" && has(el, "moon") {
		m.warn("Dropping moon attribute from date spec %s because moon phase is no longer supported", attr(el, "id"))
		el.RemoveAttr("moon")
		m.changed[el] = true
	}
	var others, sets []etree.Token
	for _, t := range el.Child {
		c, ok := t.(*etree.Element)
		switch {
		case !ok || !isSet(c):
			others = append(others, t)
		default:
			sets = append(sets, t)
		}
	}
	if len(sets) > 0 && el != m.root {
		slices.SortStableFunc(sets, func(a, b etree.Token) int { return compareSets(a.(*etree.Element), b.(*etree.Element)) })
		setChildren(el, append(others, sets...))
	}
	var drop []*etree.Element
	for _, c := range el.ChildElements() {
		switch {
		case c.Tag == "nvpair" && el.Tag == "cluster_property_set" && attr(c, "name") == "remove-after-stop":
			m.warn("Dropping nvpair %s because the remove-after-stop property is unsupported", attr(c, "id"))
			drop = append(drop, c)
			continue
		case c.Tag == "nvpair" && !has(c, "value"):
			drop = append(drop, c)
			continue
		case c.Tag == "fencing-level" && xpathNumber(attr(c, "index")).above(9):
			drop = append(drop, c)
			continue
		case c.Tag == "nvpair" && el.Tag == "cluster_property_set":
			if name := renamedProperties[attr(c, "name")]; name != "" {
				set(c, "name", name)
				m.changed[c] = true
			} else if attr(c, "name") == "stonith-action" && attr(c, "value") == "poweroff" {
				set(c, "value", "off")
				m.changed[c] = true
			}
		}
		m.values(c)
	}
	for _, c := range drop {
		el.RemoveChild(c)
	}
}

// number is a value as XPath 1.0 reads it; ok is false for what is none.
type number struct {
	value float64
	ok    bool
}

// xpathNumber reads digits with an optional minus; a plus makes it no number.
func xpathNumber(s string) number {
	s = strings.Trim(s, " \t\r\n")
	if s == "" || s[0] == '+' || strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '-' && r != '.' }) {
		return number{}
	}
	v, err := strconv.ParseFloat(s, 64)
	return number{v, err == nil}
}

func (n number) above(v float64) bool { return n.ok && n.value > v }

// compareSets orders sets by weight: cib-bootstrap-options, then by falling score.
func compareSets(a, b *etree.Element) int {
	ka, kb := setKey(a), setKey(b)
	for i := range ka {
		switch {
		case ka[i].ok != kb[i].ok:
			if ka[i].ok {
				return -1
			}
			return 1
		case ka[i].value > kb[i].value:
			return -1
		case ka[i].value < kb[i].value:
			return 1
		}
	}
	return 0
}

// setKey are the keys of a set, each of which sorts falling; what is no number is last.
func setKey(el *etree.Element) [6]number {
	score := attr(el, "score")
	n := xpathNumber(score)
	yes := func(b bool) number {
		if b {
			return number{1, true}
		}
		return number{0, true}
	}
	only := func(b bool) number {
		if b {
			return n
		}
		return number{}
	}
	return [...]number{
		yes(el.Tag == "cluster_property_set" && attr(el, "id") == "cib-bootstrap-options"),
		yes(score == "INFINITY" || score == "+INFINITY"),
		only(n.ok && n.value > 0),
		yes(!has(el, "score") || n.ok && n.value == 0),
		only(n.ok && n.value < 0),
		yes(score == "-INFINITY"),
	}
}

// sets leaves one pair of each name in a set: the one that is in effect.
func (m *modern) sets(el *etree.Element) {
	pairs := map[string][]*etree.Element{}
	later := map[string]bool{} // names of any elements that follow
	var drop []*etree.Element
	all := el.ChildElements()
	for _, c := range all {
		if c.Tag == "nvpair" && has(c, "name") {
			pairs[attr(c, "name")] = append(pairs[attr(c, "name")], c)
		}
	}
	if len(pairs) > 0 {
		for _, c := range slices.Backward(all) {
			name := attr(c, "name")
			if c.Tag == "nvpair" && has(c, "name") && m.outweighed(c, pairs[name], later[name]) {
				drop = append(drop, c)
			}
			if has(c, "name") {
				later[name] = true
			}
		}
	}
	for _, c := range drop {
		el.RemoveChild(c)
	}
	for _, c := range el.ChildElements() {
		m.sets(c)
	}
}

// outweighed tells whether another pair of the set counts instead. "#default" takes
// back what stands before it; among others the first counts.
func (m *modern) outweighed(pair *etree.Element, same []*etree.Element, named bool) bool {
	const reset = "#default"
	if attr(pair, "value") == reset {
		return named
	}
	at := slices.Index(same, pair)
	for _, after := range same[at+1:] {
		if attr(after, "value") == reset {
			return true
		}
	}
	if at == 0 {
		return false
	}
	return attr(same[at-1], "value") != reset
}

// pingNodes makes members of ping nodes, on which nothing may run.
func (m *modern) pingNodes() {
	var bans []*etree.Element
	walk(m.root, func(el *etree.Element) {
		if el.Tag == "node" && attr(el, "type") == "ping" {
			set(el, "type", "member")
			m.changed[el] = true
			bans = append(bans, element("rsc_location", "id", modernPrefix+"ping-node-ban-"+attr(el, "uname"),
				"rsc-pattern", ".*", "node", attr(el, "uname"), "score", "-INFINITY", "resource-discovery", "never"))
		}
	})
	if len(bans) == 0 {
		return
	}
	for _, constraints := range m.root.FindElements("//constraints") {
		for _, b := range bans {
			constraints.AddChild(b.Copy())
		}
	}
}

// kinds rewrites elements and attributes that go by another name.
func (m *modern) kinds(el *etree.Element) {
	if el.Tag == "master" {
		el.Tag = "clone"
		m.changed[el] = true
		id := modernPrefix + "promotable-legacy-" + attr(el, "id") + "-meta_attributes"
		meta := element("meta_attributes", "id", id, "score", "INFINITY")
		meta.AddChild(element("nvpair", "id", id+"-promotable", "name", "promotable", "value", "true"))
		el.InsertChildAt(0, meta)
	}
	if has(el, "masters") {
		replaceAttr(el, "masters", "promoted-max", attr(el, "masters"))
		m.changed[el] = true
	}
	for _, c := range el.ChildElements() {
		m.kinds(c)
	}
}
