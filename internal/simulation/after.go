package simulation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/executor"
	"hacluster/ocf"
)

// What must be true once a cluster has settled, of what the scheduler does not see or cannot be asked about.

// The invariants that are held then.
const (
	// Differ: all nodes know the same attributes and the same fencing, and the CIB has each node's attributes and history as that node has them.
	Differ = "nodes that know other things"
	// Misplaced: services are where the constraints have them be, by a reading of these that has nothing of the scheduler.
	Misplaced = "against a constraint"
	// Unwatched: recurring monitors run once on their interval where their resource is active, and nowhere else.
	Unwatched = "recurring monitors"
	// Miscounted: no more failures are counted than there were.
	Miscounted = "failures that never were"
	// Noisy: a cluster in which nothing happens sends hardly anything.
	Noisy = "messages without end"
)

// quietTime is how long a settled cluster is watched: long enough for each monitor to run twice, and for a recheck.
const quietTime = 70 * time.Second

// idleLimit is how many messages all nodes may send in that time, idlePlans how many plans a DC may make.
const (
	idleLimit = 12
	idlePlans = 3
)

// watched is what agents did while a cluster was watched.
type watched struct {
	since time.Time
	sent  map[string]int // by kind
	plans int
	runs  map[string][]time.Duration // of monitors, by host, resource and interval: when
	other []string                   // what else ran
}

// afterwards holds what must be true once a cluster has settled.
func (d *drive) afterwards() {
	for _, hold := range []func(){d.alike, d.placed, d.counted, d.quietly} {
		if d.Broken() == nil {
			hold()
		}
	}
}

// alike holds that all nodes know the same.
func (d *drive) alike() {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	var first []string
	for i, h := range d.nodes() {
		core := h.pcmk.core
		var know []string
		for _, name := range core.Attributes.Names() {
			for _, host := range core.Attributes.Hosts(name) {
				v, _ := core.Attributes.Get(host, name)
				know = append(know, fmt.Sprintf("attribute %s of %s = %s", name, host, v))
			}
		}
		for _, r := range core.Fencer.History("") {
			know = append(know, fmt.Sprintf("fencing %s of %s (%s) by %s for %s: %v", r.ID, r.Target, r.Action, r.Delegate, r.Client, r.State))
		}
		slices.Sort(know)
		if i == 0 {
			first = know
		} else if !slices.Equal(first, know) {
			d.check.fail(Differ, "%s and %s: %s", d.Hosts[0].Name, h.Name, strings.Join(unlike(first, know), "; "))
			return
		}
	}
	for _, state := range cib.Section(root, "status").SelectElements("node_state") {
		host := state.SelectAttrValue("uname", "")
		exec := d.executor(host)
		if exec == nil {
			continue
		}
		have, own := histories(state.FindElement("lrm")), histories(exec.State(state.SelectAttrValue("id", "")))
		if !slices.Equal(have, own) {
			d.check.fail(Differ, "the CIB has another history of %s than that has itself: %s", host, strings.Join(unlike(have, own), "; "))
			return
		}
	}
	core := d.Hosts[0].pcmk.core // all know the same
	for _, state := range cib.Section(root, "status").SelectElements("node_state") {
		host := state.SelectAttrValue("uname", "")
		var written, known []string
		for _, nv := range state.FindElements("transient_attributes/instance_attributes/nvpair") {
			written = append(written, nv.SelectAttrValue("name", "")+" = "+nv.SelectAttrValue("value", ""))
		}
		for _, name := range core.Attributes.Names() {
			if v, ok := core.Attributes.Get(host, name); ok {
				known = append(known, name+" = "+v)
			}
		}
		slices.Sort(written)
		slices.Sort(known)
		if !slices.Equal(written, known) {
			d.check.fail(Differ, "the CIB has other attributes of %s than the nodes know: %s", host, strings.Join(unlike(written, known), "; "))
			return
		}
	}
}

// executor is who runs agents on a host, itself or a node that is connected to it; nil: nobody.
func (d *drive) executor(host string) *executor.Executor {
	for _, h := range d.nodes() {
		if h.Name == host {
			return h.pcmk.core.Executor
		}
		if e := h.pcmk.core.RemoteExecutor(host); e != nil {
			return e
		}
	}
	return nil
}

// unlike are the lines that only one of two sorted lists has.
func unlike(a, b []string) (out []string) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, "only the first has "+x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			out = append(out, "only the second has "+x)
		}
	}
	return out
}

// histories are the entries of a node's history, sorted.
func histories(lrm *etree.Element) (out []string) {
	if lrm == nil {
		return nil
	}
	for _, r := range lrm.FindElements("lrm_resources/lrm_resource") {
		for _, op := range r.SelectElements("lrm_rsc_op") {
			get := func(name string) string { return op.SelectAttrValue(name, "") }
			out = append(out, fmt.Sprintf("%s %s: %s call %s status %s code %s key %s", r.SelectAttrValue("id", ""), get("id"), get("operation"), get("call-id"), get("op-status"), get("rc-code"), get("transition-key")))
		}
	}
	slices.Sort(out)
	return out
}

// stuck are the resources of which nothing can be said: an agent lied of them, or a stop failed, so that they are where they are.
func (d *drive) stuck() map[string]bool {
	out := maps.Clone(d.check.lies)
	root := d.Hosts[0].pcmk.core.Replica.Root()
	for _, r := range root.FindElements("./status/node_state/lrm/lrm_resources/lrm_resource") {
		for _, op := range r.SelectElements("lrm_rsc_op") {
			switch action := op.SelectAttrValue("operation", ""); {
			case (action == "stop" || action == "demote" || strings.HasPrefix(action, "migrate")) && op.SelectAttrValue("rc-code", "") != "0":
				out[r.SelectAttrValue("id", "")] = true
			}
		}
	}
	for _, r := range d.s.Resources { // the members of a group wait for each other
		if all := primitives(r); slices.ContainsFunc(all, func(p string) bool { return out[p] }) {
			for _, p := range all {
				out[p] = true
			}
		}
	}
	return out
}

// where are the hosts on which a resource is active; of a group: on which its last member is.
func (d *drive) where(resource string) []string {
	all := primitives(resource)
	return d.Running(all[len(all)-1])
}

// placed holds that services are where constraints have them be.
func (d *drive) placed() {
	if d.maintained() || len(d.check.falses) > 0 {
		return
	}
	stuck := d.stuck()
	if d.s.Constraints && len(stuck) > 0 {
		return // what is ordered before what cannot be stopped cannot be, either
	}
	free := func(resource string) bool {
		return !slices.ContainsFunc(primitives(resource), func(p string) bool { return stuck[p] })
	}
	for _, r := range d.s.Resources {
		if !free(r) {
			continue
		}
		for _, p := range primitives(r) {
			if on := d.Running(p); !everywhere(p) && len(on) > 1 {
				d.check.fail(Misplaced, "%s runs on %v", p, on)
			}
		}
		if all := primitives(r); len(all) > 1 {
			if a, b := d.Running(all[0]), d.Running(all[1]); len(b) > 0 && !slices.Equal(a, b) {
				d.check.fail(Misplaced, "%s runs on %v, %s, which is before it in its group, on %v", all[1], b, all[0], a)
			}
		}
		for _, h := range d.nodes() {
			if d.standby(h.Name) {
				for _, p := range primitives(r) {
					if s := h.services[p]; s != nil && s.active {
						d.check.fail(Misplaced, "%s runs on %s, which is in standby", p, h.Name)
					}
				}
			}
		}
	}
	if !d.s.Constraints {
		return
	}
	for i, r := range d.s.Resources {
		if i == 0 || !free(r) || !free(d.s.Resources[i-1]) {
			continue
		}
		first := d.s.Resources[i-1]
		a, b := d.where(first), d.where(r)
		if len(b) > 0 && len(a) == 0 {
			d.check.fail(Misplaced, "%s runs on %v, and %s, which it is ordered after, nowhere", r, b, first)
		}
		for _, x := range b {
			if i%2 == 1 && !slices.Contains(a, x) {
				d.check.fail(Misplaced, "%s runs on %v, and %s, which it is to be with, on %v", r, b, first, a)
			}
		}
	}
}

// first is the first element that an XPath selects in a document; nil: none.
func first(root *etree.Element, path string) *etree.Element {
	matches, err := xml.Select(root, path)
	if err != nil || len(matches) == 0 || !matches[0].IsElement() {
		return nil
	}
	return matches[0].Element
}

// standby tells whether a node is in standby.
func (d *drive) standby(name string) bool {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	nv := first(root, fmt.Sprintf("/cib/configuration/nodes/node[@uname=%s]/instance_attributes/nvpair[@name='standby']", xml.QuoteXPath(name)))
	return nv != nil && nv.SelectAttrValue("value", "") == "on"
}

// failedAgent notes that an agent told of a failure, by what was expected of it.
func (k *checker) failedAgent(h *Host, op executor.Op, res executor.Result) {
	if expected := op.Expected(); res.Status != 0 || res.Code != expected && !(op.Action == "monitor" && op.Interval == 0 && (res.Code == ocf.CodeOK || res.Code == ocf.CodeNotRunning || res.Code == ocf.CodeRunningPromoted)) {
		k.failures[op.Resource+" "+h.Name]++
	}
}

// untold notes failures that no agent told of: what was ordered for a remote host ended with a result that there is no connection to it, or the DC writes that a step
// was lost.
func (k *checker) untold(p *process, from uint32, data []byte) {
	if from != p.h.ID || !bytes.Contains(data, []byte(`op-status="8"`)) && !bytes.Contains(data, []byte(lostOrigin)) {
		return // the one who wrote it hears of it, too
	}
	doc, err := xml.Parse(data)
	if err != nil {
		return
	}
	for _, state := range doc.Root.FindElements(".//node_state") {
		for _, op := range state.FindElements(".//lrm_rsc_op") {
			if op.SelectAttrValue("op-status", "") != "8" && op.SelectAttrValue("crm-debug-origin", "") != lostOrigin {
				continue
			}
			if resource, _, _ := strings.Cut(op.SelectAttrValue("operation_key", ""), "_"); strings.HasSuffix(op.SelectAttrValue("id", ""), "_last_failure_0") {
				resource, _, _ = strings.Cut(resource, ":")
				k.failures[resource+" "+state.SelectAttrValue("uname", "")]++
			}
		}
	}
}

// lostOrigin is what the DC says of an entry that it writes of a step that was lost.
const lostOrigin = "controld_record_action_event"

// counted holds that no more failures are counted than there were.
func (d *drive) counted() {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	for _, state := range cib.Section(root, "status").SelectElements("node_state") {
		node := state.SelectAttrValue("uname", "")
		for _, nv := range state.FindElements("transient_attributes/instance_attributes/nvpair") {
			name, value := nv.SelectAttrValue("name", ""), nv.SelectAttrValue("value", "")
			rest, ok := strings.CutPrefix(name, "fail-count-")
			if !ok || value == "INFINITY" {
				continue
			}
			resource, _, _ := strings.Cut(rest, "#")
			resource, _, _ = strings.Cut(resource, ":")
			n, err := strconv.Atoi(value)
			had := d.check.failures[resource+" "+node]
			if d.check.upgraded {
				had *= 2
			}
			if err != nil || n > had && d.primitive(resource) {
				d.check.fail(Miscounted, "%s of %s is %s, and %d failed there since it began", name, node, value, had)
			}
		}
	}
}

// primitive tells whether a resource is one that agents of the simulation run.
func (d *drive) primitive(id string) bool { return strings.ContainsRune("PLGCMV", rune(id[0])) }

// quietly watches a cluster in which nothing happens.
func (d *drive) quietly() {
	w := &watched{since: d.Now, sent: map[string]int{}, runs: map[string][]time.Duration{}}
	d.watched = w
	d.Run(quietTime)
	d.watched = nil
	if d.Broken() != nil {
		return
	}
	total := 0
	for _, n := range w.sent {
		total += n
	}
	d.traffic = total
	switch {
	case len(w.other) > 0 && len(d.check.lies) > 0: // what an agent lied about is found meanwhile, and mended
	case total > idleLimit*len(d.Hosts):
		d.check.fail(Noisy, "%d messages within %v: %v", total, quietTime, w.sent)
	case w.plans > idlePlans:
		d.check.fail(Noisy, "%d plans within %v", w.plans, quietTime)
	case len(w.other) > 0:
		d.check.fail(Noisy, "agents run where nothing happens: %v", w.other)
	}
	stuck := d.stuck()
	if d.maintained() {
		return // its end was made in a part whose changes gave way, and nothing is watched in maintenance
	}
	if d.s.Constraints && len(stuck) > 0 {
		return // what is to leave, and waits for what cannot be stopped, has no monitor ordered
	}
	for _, h := range d.all() {
		if h.remote && !slices.ContainsFunc(d.nodes(), func(o *Host) bool { return o.pcmk.core.RemoteConnected(h.Name) }) {
			continue // all nodes are in standby, perhaps: nobody is connected that could have it watched
		}
		for _, id := range slices.Sorted(maps.Keys(h.services)) {
			s := h.services[id]
			if stuck[id] || len(d.check.falses) > 0 || d.unknown(h, id) {
				continue
			}
			want := map[string]bool{}
			if s.active {
				want["10s"] = !s.promoted
				want["11s"] = s.promoted
			}
			for _, interval := range []string{"10s", "11s"} {
				key := h.Name + " " + id + " " + interval
				n := len(w.runs[key])
				switch {
				case want[interval] && (n < 4 || n > 8):
					d.check.fail(Unwatched, "%s is active on %s, and its monitor of %s ran %d times within %v: %v", id, h.Name, interval, n, quietTime, w.runs[key])
				case !want[interval] && n > 0:
					d.check.fail(Unwatched, "the monitor of %s of %s ran %d times on %s, where it is not (active %v, promoted %v)", interval, id, n, h.Name, s.active, s.promoted)
				}
			}
		}
	}
}

// maintained tells whether the cluster is in maintenance still.
func (d *drive) maintained() bool {
	return property(d.Hosts[0].pcmk.core.Replica.Root(), "maintenance-mode") == "true"
}

// unknown tells whether nobody can know that a service runs: its resource was created in a part of the cluster whose changes gave way to others,
// and the daemon that had started it was killed; or it was deleted while the connection to its remote host was lost, which without fencing counts as stopped, and
// when it is back only what is configured is looked for.
func (d *drive) unknown(h *Host, resource string) bool {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	if first(root, fmt.Sprintf("/cib/configuration/resources//primitive[@id=%s]", xml.QuoteXPath(resource))) != nil {
		return false
	}
	return h.services[resource].daemon < h.starts || h.remote && !fencingOn(root)
}

// ran notes that an agent began while a cluster was watched.
func (c *Cluster) ran(h *Host, op executor.Op) {
	w := c.watched
	switch {
	case w == nil:
	case op.Interval > 0:
		key := h.Name + " " + op.Resource + " " + op.Interval.String()
		w.runs[key] = append(w.runs[key], c.Now.Sub(w.since))
	default:
		w.other = append(w.other, op.Action+" "+op.Resource+" on "+h.Name)
	}
}

// sends notes a message while a cluster was watched.
func (c *Cluster) sends(data []byte) {
	// Promotable agents tell with each monitor how good a place this is.
	if w := c.watched; w != nil && !bytes.Contains(data, []byte(`attr_name="master-`)) {
		text := string(data)
		w.sent[text[:min(len(text), 160)]]++
	}
}
