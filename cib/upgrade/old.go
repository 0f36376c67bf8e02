package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// old is a document on its way from 2.10 to 3.0. Sets that refer to others are unfolded
// first, so that each place can be rewritten by itself, and folded again where the copy
// still equals the original. The rewriting reads one tree and builds another.
type old struct {
	say func(Message)
}

func rewriteOld(root *etree.Element, say func(Message)) error {
	o := &old{say}
	if err := o.unfold(root); err != nil {
		return err
	}
	out := o.convert(root)
	if err := o.fold(out); err != nil {
		return err
	}
	children := append([]etree.Token(nil), out.Child...)
	setChildren(out, nil)
	setChildren(root, children)
	root.Attr = out.Attr
	return nil
}

// rename is a line of a table of old names.
type rename struct {
	with     string // the new name; empty: the pair is dropped
	where    string // the section that the pair moves to; empty: it stays
	cases    string // the values, or names of operations, that this line is for: a|b
	value    string // the new value
	hint     string // what to do instead
	severity Severity
	prefix   string // the beginning of values that this line is for; it is cut off
}

const (
	hintStandalone  = "standalone alerts can be configured instead"
	hintQuorum      = "corosync (2+) infrastructure tracks quorum on its own"
	hintStack       = "corosync (2+) infrastructure can be used instead, though the value is not of significance"
	hintThreshold   = "migration-threshold in rsc_defaults can be configured instead"
	hintRsc         = "migration-threshold can be configured instead"
	hintIsolation   = "i.e. resource at hand disabled; isolation wrappers obsoleted with bundle resources"
	hintOperations  = "only start/promote operation taken into account"
	hintNeverEffect = "was actually never in effect"
)

// The tables: for each old name the lines that may apply, special cases first.
var (
	oldProperties = map[string][]rename{
		"cluster-infrastructure":   {{cases: "heartbeat|openais|classic openais|classic openais (with plugin)|cman", hint: hintStack, severity: Info}},
		"cluster_recheck_interval": {{with: "cluster-recheck-interval"}},
		"dc_deadtime":              {{with: "dc-deadtime"}},
		"election_timeout":         {{with: "election-timeout"}},
		"no_quorum_policy":         {{with: "no-quorum-policy"}},
		"remove_after_stop":        {{with: "remove-after-stop"}},
		"shutdown_escalation":      {{with: "shutdown-escalation"}},
		"startup_fencing":          {{with: "startup-fencing"}},
		"stonith_action":           {{with: "stonith-action"}},
		"stonith_enabled":          {{with: "stonith-enabled"}},
		"stop_orphan_actions":      {{with: "stop-orphan-actions"}},
		"stop_orphan_resources":    {{with: "stop-orphan-resources"}},
		"symmetric_cluster":        {{with: "symmetric-cluster"}},
		"transition_idle_timeout":  {{with: "cluster-delay"}},

		"default-action-timeout":      {{with: "timeout", where: "op_defaults"}},
		"default_action_timeout":      {{with: "timeout", where: "op_defaults"}},
		"default-resource-stickiness": {{with: "resource-stickiness", where: "rsc_defaults"}},
		"default_resource_stickiness": {{with: "resource-stickiness", where: "rsc_defaults"}},
		"is-managed-default":          {{with: "is-managed", where: "rsc_defaults"}},
		"is_managed_default":          {{with: "is-managed", where: "rsc_defaults"}},

		"default-resource-failure-stickiness": failureStickiness("rsc_defaults", hintThreshold),
		"default_resource_failure_stickiness": failureStickiness("rsc_defaults", hintThreshold),

		"default-migration-threshold": {{hint: hintThreshold, severity: Info}},
		"default_migration_threshold": {{hint: hintThreshold, severity: Info}},
		"expected-quorum-votes":       {{hint: hintQuorum, severity: Info}},
		"notification-agent":          {{hint: hintStandalone, severity: Info}},
		"notification-recipient":      {{hint: hintStandalone, severity: Info}},
	}

	oldParameters = map[string][]rename{
		"pcmk_arg_map":     {{with: "pcmk_host_argument", prefix: "port:"}, {}},
		"pcmk_list_cmd":    {{with: "pcmk_list_action"}},
		"pcmk_monitor_cmd": {{with: "pcmk_monitor_action"}},
		"pcmk_off_cmd":     {{with: "pcmk_off_action"}},
		"pcmk_on_cmd":      {{with: "pcmk_on_action"}},
		"pcmk_reboot_cmd":  {{with: "pcmk_reboot_action"}},
		"pcmk_status_cmd":  {{with: "pcmk_status_action"}},
	}

	oldMeta = map[string][]rename{
		"isolation":                   {stopped},
		"isolation-host":              {stopped},
		"isolation-instance":          {stopped},
		"isolation-wrapper":           {stopped},
		"resource-failure-stickiness": failureStickiness("", hintRsc),
		"resource_failure_stickiness": failureStickiness("", hintRsc),
	}

	stopped = rename{with: "target-role", value: "Stopped", hint: hintIsolation, severity: Warning}

	// Of operations: attributes and meta attributes; cases are names of operations.
	oldOperation = map[string][]rename{
		"requires": {{with: "requires", where: "meta_attributes", cases: "start|promote"}, {hint: hintOperations, severity: Info}},
	}

	oldOperationParameters = map[string][]rename{
		"requires":        {{with: "requires", where: "per-resource-meta_attributes", cases: "start|promote"}, {hint: hintOperations, severity: Info}},
		"interval-origin": {{with: "interval-origin", where: "meta_attributes"}},
		"start-delay":     {{with: "start-delay", where: "meta_attributes"}},
		"enabled":         {{with: "enabled", where: "meta_attributes"}},
		"on-fail":         {{with: "on-fail", where: "meta_attributes"}},
		"record-pending":  {{with: "record-pending", where: "meta_attributes"}},
		"role":            {{with: "role", where: "meta_attributes"}},
		"timeout":         {{with: "timeout", where: "meta_attributes"}},
	}
)

func failureStickiness(where, hint string) []rename {
	return []rename{{with: "migration-threshold", where: where, cases: "-INFINITY", value: "1"}, {hint: hint, severity: Info}}
}

// find gives the line of the table that goes for the name; value is what the cases are
// held against. nil: the name is not an old one.
func find(table map[string][]rename, name, value string) *rename {
	for i := range table[name] {
		r := &table[name][i]
		switch {
		case r.prefix != "":
			if strings.HasPrefix(value, r.prefix) && !strings.Contains(value, ",") {
				return r
			}
		case r.cases != "":
			// Pacemaker looks for the value between the bars, so that a value may
			// also be several neighbouring ones.
			if strings.Contains("|"+r.cases+"|", "|"+value+"|") {
				return r
			}
		default:
			return r
		}
	}
	return nil
}

// tell says what happens to what (an old name) in the context.
func (o *old) tell(area, context, what string, r *rename) {
	if r == nil {
		return
	}
	label := [...]string{Debug: "DEBUG: ", Info: "INFO: ", Warning: "WARNING: "}[r.severity] + area + ": "
	var b strings.Builder
	b.WriteString(label)
	if context != "" {
		b.WriteString(context + ": ")
	}
	switch {
	case r.with == "":
		b.WriteString("dropping " + what)
	case r.where != "":
		fmt.Fprintf(&b, "moving %s under %s as %s unless already defined there", what, r.where, r.with)
	case r.with == what:
		fmt.Fprintf(&b, "keeping %s as %s", what, r.with)
	default:
		fmt.Fprintf(&b, "renaming %s as %s", what, r.with)
	}
	if r.value != "" {
		b.WriteString(", redefined as " + r.value)
		if r.cases != "" {
			b.WriteByte(',')
		}
	}
	switch {
	case r.cases != "":
		b.WriteString(" for matching " + r.cases)
	case r.prefix != "":
		fmt.Fprintf(&b, " for matching %s prefix that will, meanwhile, get dropped", r.prefix)
	}
	o.say(Message{r.severity, b.String()})
	if r.hint != "" {
		o.say(Message{r.severity, label + "... " + r.hint})
	}
}

// renamed is the pair under its new name, without what is inside.
func renamed(pair *etree.Element, r *rename) *etree.Element {
	c := shell(pair)
	for i := range c.Attr {
		switch a := &c.Attr[i]; {
		case a.Key == "name":
			a.Value = r.with
		case a.Key == "value" && r.value != "":
			a.Value = r.value
		case a.Key == "value" && r.prefix != "":
			a.Value = strings.TrimPrefix(a.Value, r.prefix)
		}
	}
	return c
}

// convert gives the new form of an element and all inside it.
func (o *old) convert(el *etree.Element) *etree.Element {
	switch el.Tag {
	case "node":
		return o.node(el)
	case "rsc_colocation":
		return o.colocation(el)
	case "primitive", "template":
		return o.resource(el)
	case "configuration":
		return o.configuration(el)
	}
	out := shell(el)
	o.convertInto(out, el.Child)
	return out
}

// convertInto appends the new forms of tokens to out.
func (o *old) convertInto(out *etree.Element, tokens []etree.Token) {
	for _, t := range tokens {
		el, ok := t.(*etree.Element)
		if !ok {
			copyTokens(out, []etree.Token{t})
			continue
		}
		if el.Tag == "cluster_property_set" {
			if n := o.properties(el); n != nil {
				out.AddChild(n)
			}
			continue
		}
		out.AddChild(o.convert(el))
	}
}

func (o *old) node(el *etree.Element) *etree.Element {
	out := shell(el)
	if attr(el, "type") == "normal" {
		o.tell("Cluster node", attr(el, "uname")+" (id="+attr(el, "id")+")", "type", &rename{with: "type", cases: "normal", value: "member"})
		set(out, "type", "member")
	}
	o.convertInto(out, el.Child)
	return out
}

func (o *old) colocation(el *etree.Element) *etree.Element {
	out := shell(el)
	for _, a := range el.Attr {
		if a.Key == "score-attribute" || a.Key == "score-attribute-mangle" {
			o.tell("Constraints-colocation", attr(el, "id"), a.Key, &rename{hint: hintNeverEffect, severity: Info})
			out.RemoveAttr(a.Key)
		}
	}
	o.convertInto(out, el.Child)
	return out
}

// before are the comments right in front of the element at i.
func before(tokens []etree.Token, i int) []etree.Token {
	start := i
	for start > 0 {
		if _, ok := tokens[start-1].(*etree.Comment); !ok {
			break
		}
		start--
	}
	return tokens[start:i]
}

// properties rewrites a set of cluster properties; nil when nothing is left in it.
// Comments stay only in front of pairs that stay.
func (o *old) properties(el *etree.Element) *etree.Element {
	out, left := shell(el), false
	for i, t := range el.Child {
		c, ok := t.(*etree.Element)
		switch {
		case !ok:
			if _, comment := t.(*etree.Comment); !comment {
				copyTokens(out, []etree.Token{t})
			}
		case c.Tag != "nvpair":
			out.AddChild(o.convert(c))
		default:
			r := find(oldProperties, attr(c, "name"), attr(c, "value"))
			o.tell("Cluster properties", attr(c, "id"), attr(c, "name"), r)
			if r != nil && (r.with == "" || r.where != "") {
				continue
			}
			left = true
			copyTokens(out, before(el.Child, i))
			if r != nil {
				out.AddChild(renamed(c, r))
			} else {
				out.AddChild(o.convert(c))
			}
		}
	}
	if !left {
		return nil
	}
	return out
}

// configuration rewrites all sections; defaults of operations and resources take in
// what moved there from the cluster properties.
func (o *old) configuration(el *etree.Element) *etree.Element {
	out := shell(el)
	for _, t := range el.Child {
		c, ok := t.(*etree.Element)
		if !ok {
			copyTokens(out, []etree.Token{t})
			continue
		}
		n := o.convert(c)
		out.AddChild(n)
		if c.Tag == "op_defaults" || c.Tag == "rsc_defaults" {
			for _, s := range kids(n, "meta_attributes") {
				if !hasKid(s, "rule") {
					copyTokens(s, moved(el, c.Tag, kids(c, "meta_attributes")))
					break
				}
			}
		}
	}
	for _, section := range []string{"op_defaults", "rsc_defaults"} {
		if hasKid(el, section) {
			continue
		}
		if pairs := moved(el, section, nil); len(pairs) > 0 {
			meta := element("meta_attributes", "id", "_2TO3_-"+strings.ReplaceAll(section, "_", "-"))
			copyTokens(meta, pairs)
			n := element(section)
			n.AddChild(meta)
			out.AddChild(n)
		}
	}
	return out
}

// moved are the properties that belong into the section, with the comments in front of
// them, unless a rule-less one of its sets has them already.
func moved(configuration *etree.Element, section string, sets []*etree.Element) []etree.Token {
	var out []etree.Token
	for _, crm := range kids(configuration, "crm_config") {
		for _, s := range kids(crm, "cluster_property_set") {
			if hasKid(s, "rule") {
				continue
			}
			for i, t := range s.Child {
				c, ok := t.(*etree.Element)
				if !ok || c.Tag != "nvpair" {
					continue
				}
				r := find(oldProperties, attr(c, "name"), attr(c, "value"))
				if r == nil || r.where != section || slices.ContainsFunc(sets, func(set *etree.Element) bool { return !hasKid(set, "rule") && named(set, r.with) }) {
					continue
				}
				out = append(out, before(s.Child, i)...)
				out = append(out, renamed(c, r))
			}
		}
	}
	return out
}

// named tells whether the set has a pair of that name.
func named(set *etree.Element, name string) bool {
	return slices.ContainsFunc(kids(set, "nvpair"), func(p *etree.Element) bool { return attr(p, "name") == name })
}
