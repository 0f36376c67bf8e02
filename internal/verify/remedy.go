package verify

import (
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// remedies tell what to do about what the scheduler says; the first that fits counts. $1 and so
// on are what the pattern's groups hold.
var remedies = []struct {
	pattern *regexp.Regexp
	help    string
}{
	{regexp.MustCompile(`^Resource start-up disabled`), "configure a fence device (pcs stonith create …) for every node, or set fencing-enabled=false where losing data is acceptable"},
	{regexp.MustCompile(`is unclean but cannot be fenced`), "configure fencing that reaches this node, or make the node known to be down (stonith_admin --confirm)"},
	{regexp.MustCompile(`^Resource functionality and data integrity`), "set fencing-enabled=true and configure fence devices"},
	{regexp.MustCompile(`is duplicate of`), "give one of the two another interval (an extra second will do), or remove it"},
	{regexp.MustCompile(`action cannot be recurring`), "set interval to 0 for this action; only monitor recurs"},
	{regexp.MustCompile(`not a valid role|Invalid role|has invalid role`), "the roles are Started, Stopped, Promoted and Unpromoted"},
	{regexp.MustCompile(`'target-role'.*only makes sense for promotable`), "only what is in a clone with promotable=true can be promoted: make it so, or use target-role=Started"},
	{regexp.MustCompile(`'target-role'`), "set target-role to Started, Stopped, Promoted or Unpromoted, or remove it"},
	{regexp.MustCompile(`resource '[^']*' does not exist|not a valid resource or tag|No resource, template, or tag named|No resource found for|No such resource|first resource .* not found|last resource .* not found`), "name a resource that is configured, or remove the constraint"},
	{regexp.MustCompile(`^No template named`), "name a template that is configured"},
	{regexp.MustCompile(`should not reference itself`), "let the primitive name another element, of the kind template"},
	{regexp.MustCompile(`not a valid score|is not a valid value: Bad input|as .*score because`), "use a whole number, INFINITY or -INFINITY"},
	{regexp.MustCompile(`neither score nor score-attribute`), "give the rule a score: the constraint has no effect without"},
	{regexp.MustCompile(`not a valid boolean-op|invalid boolean-op`), "boolean-op is and, or or"},
	{regexp.MustCompile(`^Using default value for cluster option`), "correct the value, or remove the option to keep the default"},
	{regexp.MustCompile(`^Resetting 'on-fail'.*'fence' is not valid when fencing is disabled`), "turn fencing on, or use another on-fail"},
	{regexp.MustCompile(`'on-fail'`), "on-fail is one of ignore, block, stop, restart, standby, fence, demote (monitor of promoted instances and promote only), restart-container"},
	{regexp.MustCompile(`^Resetting 'requires'|requires fencing but|Resetting "requires"`), "requires is nothing, quorum, fencing or unfencing; the last two need fencing to be on"},
	{regexp.MustCompile(`'kind' for constraint`), "kind is Optional, Mandatory or Serialize"},
	{regexp.MustCompile(`'loss-policy'`), "turn fencing on, or use loss-policy stop, demote or freeze"},
	{regexp.MustCompile(`no-quorum-policy`), "turn fencing on for no-quorum-policy=fence, or use stop, freeze, ignore or demote"},
	{regexp.MustCompile(`cannot be used as a promotable clone`), "only agents of the OCF standard can be promoted: remove promotable from the clone, or use another agent"},
	{regexp.MustCompile(`because configuration is invalid`), "see the message before: the resource is left out until that is corrected"},
	{regexp.MustCompile(`'interval-origin'`), "interval-origin is a date and time in ISO 8601, such as 2026-01-31 04:00:00"},
	{regexp.MustCompile(`resource-discovery value`), "resource-discovery is always, never or exclusive"},
	{regexp.MustCompile(`fencing level .*index`), "index is a whole number from 1 to 9"},
	{regexp.MustCompile(`has invalid value for influence`), "influence is true or false"},
	{regexp.MustCompile(`rsc-pattern has invalid value`), "rsc-pattern is an extended regular expression (POSIX)"},
	{regexp.MustCompile(`^Cannot interleave`), "give both clones the same clone-node-max, or drop interleave"},
	{regexp.MustCompile(`non-colocated`), "the members of such a group run on different nodes: use a resource set with sequential=false instead"},
	{regexp.MustCompile(`has no members|has nothing to clone`), "add a resource to it, or remove it"},
	{regexp.MustCompile(`clone-node-max`), "remove clone-node-max, or set globally-unique=true"},
	{regexp.MustCompile(`globally-unique`), "remove globally-unique: such an agent cannot tell its instances apart"},
	{regexp.MustCompile(`without (id|ID|#id)`), "give the element an id of its own"},
	{regexp.MustCompile(`id-ref '`), "name the id of a set of the same kind, or write the values here"},
	{regexp.MustCompile(`ip-range-start or control-port|control-port`), "give the bundle's network ip-range-start, or a control-port with replicas-per-host=1"},
	{regexp.MustCompile(`Invalid (mount|port) directive`), "a storage mapping needs source-dir and target-dir, a port mapping port or range"},
	{regexp.MustCompile(`is not a valid interval|timeout`), "use a time such as 30s, 5min or PT5M"},
	{regexp.MustCompile(`[Tt]reating .*as not passing`), "correct the rule: as it is, it never holds"},
	{regexp.MustCompile(`contains no conditions`), "give the rule an expression, or remove it"},
	{regexp.MustCompile(`feature set`), "the configuration was written by newer software; check it with that"},
	{regexp.MustCompile(`More than one node entry`), "remove all but one of them"},
	{regexp.MustCompile(`unrecognized type`), "the type of a node is member or remote"},
	{regexp.MustCompile(`[Ii]gnoring resource history|lrm_|node_state|Expected result not found`), "part of the status section: crm_resource --refresh renews it"},
	{regexp.MustCompile(`^Support for the (Master|Slave) role`), "write Promoted for Master and Unpromoted for Slave"},
	{regexp.MustCompile(`^Support for legacy name '([^']*)' for .* '([^']*)' is`), "rename $1 to $2"},
	{regexp.MustCompile(`is deprecated|has been removed`), "use what the message names instead, before the release that drops it"},
}

func remedy(text string) string {
	for _, r := range remedies {
		if m := r.pattern.FindStringSubmatchIndex(text); m != nil {
			return string(r.pattern.ExpandString(nil, r.help, text, m))
		}
	}
	return "correct what the message names; until then that part of the configuration has no effect, or its default"
}

var (
	quoted = regexp.MustCompile(`'([^']+)'|"([^"]+)"`)
	bare   = regexp.MustCompile(`[^\s'"<>(),;]+`)
)

// common are words of messages that are no ids, even if an element has such an id.
var common = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields("a an and as be because but by can cannot fencing for from has have in is it node no not of on one only or resource role set than that the this to value with without") {
		m[w] = true
	}
	return m
}()

// place finds what the words of a finding name: an option in the element that has an id, that element,
// an option anywhere, or whoever names a role that they name.
func (c *check) place(f *Finding) {
	if c.ids == nil {
		c.ids = map[string]*etree.Element{}
		c.walk(c.root)
	}
	var words []string
	for _, m := range quoted.FindAllStringSubmatch(f.Text, -1) {
		words = append(words, m[1]+m[2])
	}
	for _, w := range bare.FindAllString(f.Text, -1) {
		if w = strings.TrimRight(w, ".:"); !common[w] {
			words = append(words, w)
		}
	}
	for _, w := range words {
		el := c.ids[w]
		if el == nil {
			if base, _, ok := strings.Cut(w, ":"); ok { // an instance of a clone
				el = c.ids[base]
			}
		}
		if el != nil {
			if pair := c.option(el, words); pair != nil {
				el = pair
			}
			c.locate(f, el)
			return
		}
	}
	for _, key := range [...]string{named, acting} {
		for _, w := range words {
			if el := c.ids[key+w]; el != nil {
				c.locate(f, el)
				return
			}
		}
	}
	if el := cib.Section(c.root, "crm_config"); el != nil {
		c.locate(f, el)
	}
}

// option is the pair that sets an option to a value, both among the words: in el, else for what is inside
// of defaults or in what el takes them from. nil: none.
func (c *check) option(el *etree.Element, words []string) *etree.Element {
	places := []*etree.Element{el}
	if t := c.ids[el.SelectAttrValue("template", "")]; t != nil {
		places = append(places, t)
	}
	for p := el.Parent(); p != nil && (p.Tag == "group" || p.Tag == "clone" || p.Tag == "master"); p = p.Parent() {
		places = append(places, p)
	}
	for _, section := range [...]string{"rsc_defaults", "op_defaults"} {
		if d := cib.Section(c.root, section); d != nil {
			places = append(places, d)
		}
	}
	for _, p := range places {
		for _, set := range p.ChildElements() {
			for _, pair := range set.SelectElements("nvpair") {
				if slices.Contains(words, pair.SelectAttrValue("name", "")) && slices.Contains(words, pair.SelectAttrValue("value", "")) {
					return pair
				}
			}
		}
	}
	return nil
}

func (c *check) locate(f *Finding, el *etree.Element) {
	f.Element, f.ID = el.Tag, el.SelectAttrValue("id", "")
	if c.src.Doc != nil {
		f.Pos = c.src.Doc.Pos(el)
	}
}

// Beside ids, walk notes what has a name and what acts in a role, behind these.
const (
	named  = "\x00"
	acting = "\x01"
)

// walk notes the first element of each id, name of a pair or a node, and role.
func (c *check) walk(el *etree.Element) {
	for _, k := range el.ChildElements() {
		if id := k.SelectAttrValue("id", ""); id != "" && c.ids[id] == nil {
			c.ids[id] = k
		}
		if name := k.SelectAttrValue("name", ""); k.Tag == "nvpair" && name != "" && c.ids[named+name] == nil {
			c.ids[named+name] = k
		}
		if name := k.SelectAttrValue("uname", ""); k.Tag == "node" && name != "" && c.ids[named+name] == nil {
			c.ids[named+name] = k
		}
		for _, a := range k.Attr {
			role := strings.HasSuffix(a.Key, "role") || a.Key == "value" && strings.HasSuffix(k.SelectAttrValue("name", ""), "role")
			if role && c.ids[acting+a.Value] == nil {
				c.ids[acting+a.Value] = k
			}
		}
		if k.Tag != "status" {
			c.walk(k)
		}
	}
}
