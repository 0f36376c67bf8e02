package stonith

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// The scheduler restarts a device whose parameters have another digest than the operations that it recorded. So a
// change without a restart puts the new digests where the old ones stand.

// digests are those of a device's new parameters, by Pacemaker's names for the kinds; "" is none.
type digests struct{ all, nonprivate, nonreloadable string }

func (d digests) of(kind string) string {
	return map[string]string{"all": d.all, "nonprivate": d.nonprivate, "nonreloadable": d.nonreloadable}[kind]
}

// Attributes with digests, in a recorded operation and in a node's transient attributes, and which kind they hold.
var (
	recorded  = []struct{ attr, kind string }{{"op-digest", "all"}, {"op-secure-digest", "nonprivate"}, {"op-restart-digest", "nonreloadable"}}
	transient = []struct{ attr, kind string }{{"#digests-all", "all"}, {"#digests-secure", "nonprivate"}}
)

func unable(format string, args ...any) report.Item {
	i := report.Errorf(format, args...)
	i.Text = "Unable to perform restartless update of scsi devices: " + i.Text
	return i
}

// newDigests has crm_resource compute the digests of a device with other devices; times are an operation's, in
// milliseconds.
func newDigests(s *session.Session, id, node, devices string, times argv.Pairs) (digests, error) {
	args := []string{"--digests", "--resource", id, "--node", node, "--output-as", "xml", "devices=" + devices}
	for _, t := range times {
		args = append(args, "CRM_meta_"+t.Name+"="+t.Value)
	}
	r, err := s.Run("crm_resource", args...)
	if err != nil {
		return digests{}, report.Items{report.Errorf("unable to get resource operation digests:\n%s", err)}
	}
	root, err := doc.Parse([]byte(r.Stdout))
	if err != nil {
		return digests{}, report.Items{report.Errorf("unable to get resource operation digests:\n%s", r.Complaint())}
	}
	if r.Code != 0 {
		var said []string
		if st := doc.Child(root, "status"); st != nil {
			said = append(said, doc.Attr(st, "message"))
			for _, e := range doc.All(st, "error") {
				said = append(said, strings.TrimSpace(e.Text()))
			}
		}
		return digests{}, report.Items{report.Errorf("unable to get resource operation digests:\n%s", strings.Join(said, "\n"))}
	}
	var d digests
	for _, e := range doc.All(root, "digest") {
		switch doc.Attr(e, "type") {
		case "all":
			d.all = doc.Attr(e, "hash")
		case "nonprivate":
			d.nonprivate = doc.Attr(e, "hash")
		case "nonreloadable":
			d.nonreloadable = doc.Attr(e, "hash")
		}
	}
	if d == (digests{}) {
		return d, report.Items{report.Errorf("unable to get resource operation digests:\n%s", r.Complaint())}
	}
	return d, nil
}

// operations are the recorded operations of a resource on a node; interval "" is any.
func operations(root *etree.Element, id, node, action, interval string) []*etree.Element {
	var out []*etree.Element
	for _, st := range doc.Children(doc.Child(root, "status"), "node_state") {
		if doc.Attr(st, "uname") != node {
			continue
		}
		for _, r := range doc.All(st, "lrm_resource") {
			if doc.ID(r) != id {
				continue
			}
			for _, op := range doc.Children(r, "lrm_rsc_op") {
				if doc.Attr(op, "operation") == action && (interval == "" || doc.Attr(op, "interval") == interval) {
					out = append(out, op)
				}
			}
		}
	}
	return out
}

// put gives a recorded operation the digests that it has.
func (d digests) put(op *etree.Element) error {
	found := false
	for _, r := range recorded {
		if !doc.Has(op, r.attr) {
			continue
		}
		found = true
		if d.of(r.kind) == "" {
			return report.Items{unable("necessary digest for '%s' attribute is missing", r.attr)}
		}
		doc.Set(op, r.attr, d.of(r.kind))
	}
	if !found {
		return report.Items{unable("no digests attributes in lrm_rsc_op element")}
	}
	return nil
}

// putTransient puts digests into the transient attributes in which nodes record by what they were unfenced:
// ID:AGENT:DIGEST, a comma behind each.
func (d digests) putTransient(set *etree.Element, id, agent string) error {
	for _, t := range transient {
		var found []*etree.Element
		for _, nv := range doc.Children(set, "nvpair") {
			if doc.Attr(nv, "name") == t.attr {
				found = append(found, nv)
			}
		}
		if len(found) > 1 {
			return report.Items{unable("multiple digests attributes: '%s'", t.attr)}
		}
		if len(found) == 0 || doc.Attr(found[0], "value") == "" {
			continue
		}
		old := doc.Attr(found[0], "value")
		if d.of(t.kind) == "" {
			return report.Items{unable("necessary digest for '%s' attribute is missing", t.attr)}
		}
		parts := strings.Split(old, ",")
		for i, p := range parts {
			if p == "" {
				continue
			}
			f := strings.Split(p, ":")
			if len(f) != 3 {
				return report.Items{unable("invalid digest attribute value: '%s'", old)}
			}
			if f[0] == id && f[1] == agent {
				parts[i] = id + ":" + agent + ":" + d.of(t.kind)
			}
		}
		doc.Set(found[0], "value", strings.Join(parts, ","))
	}
	return nil
}

// monitors are the times of a device's monitors in milliseconds; those that cannot be read are left out, as Pacemaker
// leaves them out.
func monitors(el *etree.Element) []argv.Pairs {
	var out []argv.Pairs
	for _, op := range doc.Children(doc.Child(el, "operations"), "op") {
		if doc.Attr(op, "name") != "monitor" {
			continue
		}
		interval, ok := session.Seconds(doc.Attr(op, "interval"))
		if !ok {
			continue
		}
		p := argv.Pairs{{Name: "interval", Value: strconv.Itoa(interval * 1000)}}
		if doc.Has(op, "timeout") {
			timeout, ok := session.Seconds(doc.Attr(op, "timeout"))
			if !ok {
				continue
			}
			p = append(p, argv.Pair{Name: "timeout", Value: strconv.Itoa(timeout * 1000)})
		}
		out = append(out, p)
	}
	return out
}

// replaceDevices gives a running device other devices, and all that is recorded of it their digests.
func replaceDevices(s *session.Session, root, el *etree.Element, devices []string) error {
	id := doc.ID(el)
	nodes := session.StateOf(root).RolesWithNodes(id, true)["Started"]
	switch {
	case len(nodes) == 0:
		return s.Check(unable("resource '%s' is not running on any node, please use command 'pcs stonith update' instead", id))
	case len(nodes) > 1:
		return s.Check(unable("resource '%s' is running on more than 1 node", id))
	}
	node := nodes[0]
	list := strings.Join(sortedSet(devices), ",")
	// crm_resource reads the running cluster: the digests are those of its parameters with the new devices.
	base, err := newDigests(s, id, node, list, nil)
	if err != nil {
		return err
	}
	doc.ArrangeFirstSet(el, "instance_attributes", argv.Pairs{{Name: "devices", Value: list}}, doc.NewIDs(root), "")
	start := operations(root, id, node, "start", "")
	if len(start) != 1 {
		return s.Check(unable("lrm_rsc_op element for start operation was not found"))
	}
	if err := base.put(start[0]); err != nil {
		return err
	}
	times := monitors(el)
	if len(operations(root, id, node, "monitor", "")) != len(times) {
		return s.Check(unable("number of lrm_rsc_op and op elements for monitor operation differs"))
	}
	for _, t := range times {
		ops := operations(root, id, node, "monitor", t.Value("interval"))
		if len(ops) != 1 {
			return s.Check(unable("monitor lrm_rsc_op element for resource '%s', node '%s' and interval '%s' not found", id, node, t.Value("interval")))
		}
		d, err := newDigests(s, id, node, list, t)
		if err != nil {
			return err
		}
		if err := d.put(ops[0]); err != nil {
			return err
		}
	}
	for _, st := range doc.Children(doc.Child(root, "status"), "node_state") {
		for _, set := range doc.Children(doc.Child(st, "transient_attributes"), "instance_attributes") {
			if err := base.putTransient(set, id, doc.Attr(el, "type")); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedSet(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

var hostKey = pattern.Late(`([^=:; \t]+)[=:]([^=:; \t]+)[; \t]?`)

// mpathKeys are the reservation keys of nodes, which fence_mpath's pcmk_host_map names.
func mpathKeys(el *etree.Element, nodes []string) (map[string]string, []report.Item) {
	text, _ := doc.Value(el, "instance_attributes", "pcmk_host_map")
	if text == "" {
		return nil, []report.Item{report.Errorf("Missing mpath reservation keys, 'pcmk_host_map' not set")}
	}
	keys := map[string]string{}
	for _, m := range hostKey().FindAllStringSubmatch(text, -1) {
		keys[m[1]] = m[2]
	}
	missing := slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return keys[n] != "" })
	if n := len(missing); n > 0 {
		return nil, []report.Item{report.Errorf("Missing mpath reservation %s for %s: %s, in 'pcmk_host_map' value: '%s'",
			report.Plural(n, "key", "keys"), report.Plural(n, "node", "nodes"), report.QuoteSorted(missing), text)}
	}
	return keys, nil
}
