package status

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// FeatureSet is the feature set whose rules this package follows.
const FeatureSet = cib.FeatureSet

// DigestOutcome says how recorded parameters compare with configured ones.
type DigestOutcome int8

// The outcomes of comparing digests.
const (
	DigestMatch DigestOutcome = iota
	DigestMismatch
	DigestRestart
	DigestUnknown
)

// Digest holds the digests of one operation of a resource on a node, and how
// the last comparison came out.
type Digest struct {
	Outcome               DigestOutcome
	All, Secure, Restart  string
	Params, SecureParams  Values
	RestartParams         Values
	Interval              uint32 // ms, of the operation
	hasSecure, hasRestart bool
}

type digestEntry struct {
	rsc    *Resource
	task   string
	ms     uint32
	digest *Digest
}

// MetaName is the name that an action's meta-attribute has for an agent, or ""
// if it is not passed on.
func MetaName(name string) string {
	if strings.ContainsAny(name, "#:") {
		return ""
	}
	return "CRM_meta_" + strings.ReplaceAll(name, "-", "_")
}

// RemoteAddress is the address of a bundle connection that is written
// "#uname": the host of the container. It is "" for any other resource.
func (c *Cluster) RemoteAddress(r *Resource) string {
	if !c.HasMagicAddress(r) {
		return ""
	}
	n := r.Launcher.Assigned
	if n == nil {
		if len(r.Launcher.Active) == 0 {
			return ""
		}
		n = c.CurrentNode(r.Launcher)
	}
	if n == nil {
		return ""
	}
	return n.Name
}

// HasMagicAddress tells whether the resource is a bundle connection whose
// address depends on where the container runs.
func (c *Cluster) HasMagicAddress(r *Resource) bool {
	addr, ok := c.Params(r, nil).Get("addr")
	return ok && addr == "#uname" && r.Has(RemoteConnection) && r.Launcher != nil
}

var digestDrop = map[string]bool{
	"id": true, "crm_feature_set": true, "op-digest": true, "on_node": true,
	"on_node_uuid": true, "pcmk_external_ip": true,
}

// digestFilter leaves out what is no parameter of the agent.
func digestFilter(v Values) Values {
	name, _ := v.Get("CRM_meta_interval")
	ms, _ := ParseInt(name)
	timeout, has := v.Get("CRM_meta_timeout")
	out := make(Values, 0, len(v))
	for _, p := range v {
		if !digestDrop[p.Name] && !strings.HasPrefix(p.Name, "CRM_meta_") {
			out = append(out, p)
		}
	}
	if ms > 0 && has {
		out = append(out, Pair{"CRM_meta_timeout", timeout})
	}
	return out
}

// OperationDigest is the digest of an operation that was executed with the
// given values, meta-attributes among them.
func OperationDigest(v Values) string { return DigestOf(digestFilter(v)) }

// DigestOf is the digest of a list of parameters.
func DigestOf(v Values) string {
	sorted := append(Values(nil), v...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Name < sorted[j].Name })
	b := make([]byte, 0, 256)
	b = append(b, " <parameters"...)
	for _, p := range sorted {
		b = append(b, ' ')
		b = append(b, p.Name...)
		b = append(b, '=', '"')
		b = appendEscaped(b, p.Value)
		b = append(b, '"')
	}
	b = append(b, "/>\n"...)
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func appendEscaped(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '<':
			b = append(b, "&lt;"...)
		case ch == '>':
			b = append(b, "&gt;"...)
		case ch == '&':
			b = append(b, "&amp;"...)
		case ch == '"':
			b = append(b, "&quot;"...)
		case ch < 0x20:
			b = append(b, '&', '#', 'x', digits[ch>>4], digits[ch&15], ';')
		default:
			b = append(b, ch)
		}
	}
	return b
}

// Calculate works out the digests of an operation; entry is its history entry,
// if any, overrides win over the resource's parameters.
func (c *Cluster) Calculate(r *Resource, task string, ms uint32, n *Node, entry *etree.Element, overrides Values, secure bool) *Digest {
	d := &Digest{}
	params := c.Params(r, n)
	d.Params = c.digestParams(d, r, task, ms, n, overrides, params)
	d.All = DigestOf(d.Params)
	if secure {
		list := c.secureParams(r, d.Params, entry, overrides, params)
		d.SecureParams, d.hasSecure = list, true
		d.Secure = DigestOf(list)
	}
	if entry != nil {
		if _, ok := c.entryRestart(entry); ok {
			list := restartParams(d.Params, entry)
			d.RestartParams, d.hasRestart = list, true
			d.Restart = DigestOf(list)
		}
	}
	return d
}

// digestParams are the parameters that an operation's digest is of: overrides, those of the resource, and the operation's own. It notes the
// interval, and that there are own ones of an operation that does not recur.
func (c *Cluster) digestParams(d *Digest, r *Resource, task string, ms uint32, n *Node, overrides, params Values) Values {
	var all Values
	if addr := c.RemoteAddress(r); addr != "" {
		all.Add("addr", addr)
	}
	for _, p := range overrides {
		if p.Name == "CRM_meta_interval" {
			if v, ok := ParseInt(p.Value); ok && v >= 0 {
				ms = uint32(v)
			}
		}
		all.Add(p.Name, p.Value)
	}
	d.Interval = ms
	for _, p := range params {
		all.Add(p.Name, p.Value)
	}
	op := r.FindOp(task, ms, true)
	if op != nil {
		in := c.input()
		in.Attr = n.Attrs.Get
		var own Values
		c.blocks(op.XML, "instance_attributes", "", &in, &own)
		if ms == 0 && len(own) > 0 {
			d.Outcome = DigestRestart
		}
		for _, p := range own {
			all.Add(p.Name, p.Value)
		}
	}
	for _, p := range c.ActionMeta(r, n, task, ms, op) {
		if name := MetaName(p.Name); name != "" {
			all.Add(name, p.Value)
		}
	}
	return digestFilter(all)
}

// digestVersion is the feature set of who wrote a history entry, else of the CIB, else this one's.
func (c *Cluster) digestVersion(entry *etree.Element) string {
	version := ""
	if entry != nil {
		version = get(entry, "crm_feature_set")
	}
	return cmp.Or(version, get(c.CIB, "crm_feature_set"), FeatureSet)
}

// secureParams are those parameters, of all that an operation's digest is of, that are no secrets; before feature set 3.16.0 they were of overrides
// and the resource's parameters alone.
func (c *Cluster) secureParams(r *Resource, all Values, entry *etree.Element, overrides, params Values) Values {
	old := CompareVersions(c.digestVersion(entry), "3.16.0") < 0
	names, listed := "passwd password user", true
	if entry != nil {
		names, listed = attr(entry, "op-secure-params")
	}
	var list Values
	if old {
		for _, p := range overrides {
			list.Add(p.Name, p.Value)
		}
		for _, p := range params {
			list.Add(p.Name, p.Value)
		}
	} else {
		list = append(list, all...)
	}
	if listed {
		for _, name := range strings.Split(names, " ") {
			list.Remove(name)
		}
	}
	if old && strings.EqualFold(r.Class, "stonith") {
		kept := list[:0]
		for _, p := range list {
			if !isFenceParam(p.Name) {
				kept = append(kept, p)
			}
		}
		list = kept
	}
	list = digestFilter(list) // what is left of all has no interval any more, so that the timeout goes, too
	if old {
		list.Remove("CRM_meta_timeout")
	}
	return list
}

// restartParams are those of all parameters that a history entry names as ones whose change needs a restart; all where it names none.
func restartParams(all Values, entry *etree.Element) Values {
	list := append(Values(nil), all...)
	force, ok := attr(entry, "op-force-restart")
	if !ok {
		return list
	}
	keep := map[string]bool{}
	for _, name := range strings.Split(force, " ") {
		keep[name] = true
	}
	kept := list[:0]
	for _, p := range list {
		if keep[p.Name] {
			kept = append(kept, p)
		}
	}
	return kept
}

var fenceSuffixes = []string{"_action", "_timeout", "_retries"}

// isFenceParam tells whether a parameter is one that every fence device has.
func isFenceParam(name string) bool {
	switch name {
	case "provides", "stonith-timeout", "fencing-timeout":
		return true
	}
	rest, ok := strings.CutPrefix(name, "pcmk_")
	if !ok {
		return false
	}
	switch rest {
	case "host_argument", "host_map", "host_list", "host_check", "delay_max", "delay_base", "action_limit":
		return true
	}
	for _, act := range []string{"on", "off", "reboot", "status", "list", "monitor"} {
		if s, ok := strings.CutPrefix(rest, act); ok {
			for _, suffix := range fenceSuffixes {
				if s == suffix {
					return true
				}
			}
		}
	}
	return false
}

func (c *Cluster) digest(r *Resource, task string, ms uint32, n *Node, entry *etree.Element, secure bool) *Digest {
	for _, e := range n.digests {
		if e.rsc == r && e.ms == ms && e.task == task {
			return e.digest
		}
	}
	d := c.Calculate(r, task, ms, n, entry, nil, secure)
	n.digests = append(n.digests, digestEntry{r, task, ms, d})
	return d
}

// CompareDigest compares a history entry with the configured parameters.
func (c *Cluster) CompareDigest(r *Resource, entry *etree.Element, n *Node) *Digest {
	task := get(entry, "operation")
	v, _ := ParseInt(get(entry, "interval"))
	ms := uint32(max(v, 0))
	d := c.digest(r, task, ms, n, entry, c.Simulation)
	recorded, has := c.entryRestart(entry)
	all, hasAll := attr(entry, "op-digest")
	switch {
	case d.hasRestart && has && d.Restart != recorded:
		d.Outcome = DigestRestart
	case !hasAll:
		d.Outcome = DigestUnknown
	case all != d.All:
		if ms != 0 || d.Outcome != DigestRestart {
			d.Outcome = DigestMismatch
		}
	default:
		d.Outcome = DigestMatch
	}
	return d
}

// entryRestart is the recorded restart digest of an entry, which an ignored
// expired failure replaces.
func (c *Cluster) entryRestart(entry *etree.Element) (string, bool) {
	if c.Expired[entry] {
		return "calculated-failure-timeout", true
	}
	return attr(entry, "op-restart-digest")
}

// HasRestartDigest tells whether an entry records a restart digest.
func (c *Cluster) HasRestartDigest(entry *etree.Element) bool {
	_, ok := c.entryRestart(entry)
	return ok
}

// FencingDigest compares a fence device with what a node was last unfenced by.
func (c *Cluster) FencingDigest(r *Resource, agent string, n *Node) *Digest {
	d := c.digest(r, "stonith-on", 0, n, nil, true)
	all, ok := n.Attrs.Get("#digests-all")
	if !ok {
		d.Outcome = DigestUnknown
		return d
	}
	secure, hasSecure := n.Attrs.Get("#digests-secure")
	switch {
	case strings.Contains(all, r.ID+":"+agent+":"+d.All):
		d.Outcome = DigestMatch
	case hasSecure && strings.Contains(secure, r.ID+":"+agent+":"+d.Secure):
		d.Outcome = DigestMatch
		c.Notices = append(c.Notices, "Only 'private' parameters to "+r.ID+" for unfencing "+n.ShownName()+" changed")
	default:
		d.Outcome = DigestMismatch
		if c.Simulation {
			c.Notices = append(c.Notices, "Parameters to "+r.ID+" for unfencing "+n.ShownName()+" changed, try '"+r.ID+":"+agent+":"+d.Secure+"'")
		}
	}
	return d
}

func uitoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
