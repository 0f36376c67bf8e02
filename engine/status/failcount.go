package status

import (
	"strings"

	"github.com/beevik/etree"
)

// FailFlags select what a fail count includes.
type FailFlags int8

// What counts as a failure.
const (
	FailEffective FailFlags = 1 << iota // only failures that have not expired
	FailLaunched                        // also those of launched resources
)

// FailName is the name under which a resource's failures are counted.
func (r *Resource) FailName() string {
	name := r.HistoryID
	if name == "" {
		name = r.ID
	}
	if r.Has(Unique) {
		return name
	}
	return BaseName(name)
}

// failAttr tells whether an attribute is prefix-NAME[:N]#OP_INTERVAL.
func failAttr(attr, prefix, name string, numbered bool) bool {
	rest, ok := strings.CutPrefix(attr, prefix)
	if !ok {
		return false
	}
	if rest, ok = strings.CutPrefix(rest, name); !ok {
		return false
	}
	if numbered && strings.HasPrefix(rest, ":") {
		i := 1
		for i < len(rest) && digit(rest[i]) {
			i++
		}
		if i == 1 {
			return false
		}
		rest = rest[i:]
	}
	if rest, ok = strings.CutPrefix(rest, "#"); !ok {
		return false
	}
	i := len(rest)
	for i > 0 && digit(rest[i-1]) {
		i--
	}
	return i < len(rest) && i > 1 && rest[i-1] == '_'
}

const (
	failCountPrefix   = "fail-count-"
	lastFailurePrefix = "last-failure-"
)

// CountsFailures tells whether any failures are counted for a node.
func CountsFailures(n *Node) bool {
	for i := range n.Attrs {
		if a := &n.Attrs[i]; strings.HasPrefix(a.Name, failCountPrefix) || strings.HasPrefix(a.Name, lastFailurePrefix) {
			return true
		}
	}
	return false
}

// FailCount is the number of failures of a resource on a node, and the time of
// the last one (0 without failures). entry is the history entry that asks, if
// any.
func (c *Cluster) FailCount(n *Node, r *Resource, flags FailFlags, entry *etree.Element) (count int, last int64) {
	name := ""
	for i := range n.Attrs {
		a := &n.Attrs[i]
		if !strings.HasPrefix(a.Name, failCountPrefix) && !strings.HasPrefix(a.Name, lastFailurePrefix) {
			continue
		}
		if name == "" {
			name = r.FailName()
		}
		if failAttr(a.Name, failCountPrefix, name, !r.Has(Unique)) {
			if s, ok := c.score(a.Value); ok {
				count = AddScores(count, s)
			}
		} else if failAttr(a.Name, lastFailurePrefix, name, !r.Has(Unique)) {
			if t, ok := ParseInt(a.Value); ok {
				last = max(last, t)
			}
		}
	}
	if count > 0 && r.FailureTimeout > 0 && c.blockFailure(n, r, entry) {
		c.configWarn("Ignoring failure timeout (%s) for %s because it conflicts with on-fail=block", ReadableInterval(r.FailureTimeout), r.ID)
		r.FailureTimeout = 0
	}
	if flags&FailEffective != 0 && count > 0 && last > 0 && r.FailureTimeout > 0 && c.Now.Unix() > last+seconds(r.FailureTimeout) {
		count = 0
	}
	if flags&FailLaunched != 0 && len(r.Launched) > 0 && !r.Bundled() {
		for _, l := range r.Launched {
			k, t := c.FailCount(n, l, flags, entry)
			count += k
			last = max(last, t)
		}
	}
	if count <= 0 || last <= 0 {
		last = 0
	}
	return count, last
}

// blockFailure tells whether a failure of the resource there blocks it.
func (c *Cluster) blockFailure(n *Node, r *Resource, entry *etree.Element) bool {
	name := BaseName(r.ID)
	for i := range r.Ops {
		o := &r.Ops[i]
		if r.XML.Tag != "primitive" || get(r.XML, "id") != name || get(o.XML, "on-fail") != "block" {
			continue
		}
		if entry != nil {
			if matchedFailure(name, o, entry) {
				return true
			}
			continue
		}
		for state := range elements(c.StatusXML, "node_state") {
			if get(state, "uname") != n.Name {
				continue
			}
			for e := range allResources(state) {
				if get(e, "id") != name {
					continue
				}
				for op := range elements(e, "lrm_rsc_op") {
					if get(op, "operation") == o.Name && get(op, "interval") == uitoa(o.Interval) && matchedFailure(name, o, op) {
						return true
					}
				}
			}
		}
	}
	return false
}

func matchedFailure(name string, o *Op, entry *etree.Element) bool {
	ms, _ := ParseInt(get(entry, "interval"))
	if int64(o.Interval) != ms || !strings.EqualFold(o.Name, get(entry, "operation")) {
		return false
	}
	id := get(entry, "id")
	if strings.EqualFold(id, name+"_last_failure_0") {
		return true
	}
	if !strings.EqualFold(id, OpKey(name, o.Name, o.Interval)) {
		return false
	}
	rc, _ := ParseInt(get(entry, "rc-code"))
	return int(rc) != expectedResult(entry)
}

// ReadableInterval writes milliseconds as people read them: 1m30s.
func ReadableInterval(ms uint32) string {
	if ms == 0 {
		return "0s"
	}
	var b strings.Builder
	put := func(unit uint32, name string) {
		if n := ms / unit; n > 0 {
			b.WriteString(uitoa(n) + name)
			ms %= unit
		}
	}
	put(24*3600*1000, "d")
	put(3600*1000, "h")
	put(60*1000, "m")
	if ms >= 1000 {
		s := uitoa(ms / 1000)
		if ms %= 1000; ms > 0 {
			frac := uitoa(1000 + ms)
			s += "." + frac[1:]
		}
		b.WriteString(s + "s")
	} else if ms > 0 {
		b.WriteString(uitoa(ms) + "ms")
	}
	return b.String()
}

// ClearFailCount requires the fail count of a resource on a node to be cleared.
func (c *Cluster) ClearFailCount(r *Resource, n *Node) *Action {
	a := c.NewAction(r, "clear_failcount", 0, n, false)
	a.Meta.Set("op_no_wait", "true")
	return a
}
