package node

import (
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/replica"
)

// Who hands the connection to a remote node over may have told something of that node that comes into the CIB after the next one has taken the
// history over from there: a failure that a user made up, the first result of a check, that a resource is forgotten, or, in a join, all that it knew.
// The next one takes note of that, and when no change that it has asked for itself is under way, goes on with what the CIB has by then:
// what the other one did counts, unless it has done the same since; what recurred it has ordered again.

// late is what the node that had a connection before told of its host after it handed that over.
type late struct {
	from    string // that node; "" where the connection was not handed over
	counts  bool   // the host's executor is the same
	entries []historyEntry
}

// historyEntry is an entry of a history, or several: "" are all.
type historyEntry executor.Entry

func (h historyEntry) is(resource, id string) bool {
	return (h.Resource == "" || h.Resource == resource) && (h.ID == "" || h.ID == id)
}

func everything(string, string) bool { return true }

// request has the CIB changed on behalf of this node's controller or executors; done is called when that was made, or refused.
func (c *Core) request(client replica.Client, req cib.Request, lastWritten string, done func(error)) {
	c.requests++
	c.Replica.Request(client, req, lastWritten, func(_ cib.Result, err error) {
		c.requests--
		done(err)
		c.adoptLate()
	})
}

// toldLate takes note of a change of the CIB where it is of a remote node whose connection its sender has handed over to this one.
func (c *Core) toldLate(ch replica.Change) {
	c.noteCorrections(ch)
	for _, r := range c.remotes {
		switch {
		case ch.Synced:
			r.late.entries = nil // this node writes the history again
		case r.holds && !r.adopting && r.late.from != "" && r.late.from == ch.Node:
			r.late.entries = append(r.late.entries, entriesIn(ch, r.name)...)
		}
	}
	c.adoptLate()
}

// adoptLate goes on with what was told late, when the CIB has all that this node has told.
func (c *Core) adoptLate() {
	if c.requests > 0 || !c.inGroup {
		return
	}
	c.correct()
	for _, name := range c.remoteNames() {
		r := c.remotes[name]
		if r.late.entries == nil || r.conn == nil {
			continue
		}
		told := r.late.entries
		r.late.entries = nil
		r.adopt(remoteState(c.Replica.Root(), name), func(resource, id string) bool {
			return slices.ContainsFunc(told, func(h historyEntry) bool { return h.is(resource, id) })
		}, r.late.counts)
	}
}

// adopt goes on with entries of the history that the CIB has of the host; state is nil where it has none. See executor.Adopt.
func (r *remoteNode) adopt(state *etree.Element, which func(resource, entry string) bool, counts bool) {
	c := r.core
	var lrm *etree.Element
	if state != nil {
		lrm = state.SelectElement("lrm")
	}
	a := r.exec.Adopt(r.name, lrm, which, counts)
	if a.Pending {
		c.world.Logf("remote: what was under way on node %s when its connection was taken over is not known: it is looked anew what runs there", r.name)
		r.exec.Abandon("It is looked anew what runs there")
		r.up(true)
		return
	}
	for _, entry := range a.Stale { // whoever decides plans anew for that
		c.Controller.Change(forgetHistory(r.name, entry.Resource, entry.ID))
	}
	if len(a.Again) > 0 {
		own := remoteNodeState(r.name)
		lrm := own.CreateElement("lrm")
		lrm.CreateAttr("id", r.name)
		all := lrm.CreateElement("lrm_resources")
		for _, x := range a.Again {
			all.AddChild(x)
		}
		c.Controller.Change(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: own})
	}
}

// historyPath is where the CIB has a node's history.
func historyPath(node string) string {
	return "/cib/status/node_state[@uname=" + xml.QuoteXPath(node) + "]/lrm"
}

// forgotten is the rest of such a path in a change that takes entries away.
var forgotten = regexp.MustCompile(`^/lrm_resources/lrm_resource\[@id=(?:'([^']*)'|"([^"]*)")\](?:/lrm_rsc_op\[@id=(?:'([^']*)'|"([^"]*)")\])?$`)

// entryAt is what such a rest names; false: it is written in another way.
func entryAt(rest string) (historyEntry, bool) {
	m := forgotten.FindStringSubmatch(rest)
	if m == nil {
		return historyEntry{}, false
	}
	return historyEntry{m[1] + m[2], m[3] + m[4]}, true
}

// entriesIn are the entries of a node's history that a change is about.
func entriesIn(ch replica.Change, node string) []historyEntry {
	switch {
	case ch.Op == cib.Delete && ch.Client == controller.ClientExecutor:
		rest, ok := strings.CutPrefix(ch.Section, historyPath(node))
		if !ok {
			return nil
		}
		if h, plain := entryAt(rest); plain {
			return []historyEntry{h}
		}
		return []historyEntry{{}} // written in another way
	case ch.Op != cib.Modify || ch.Data == nil || ch.Data.Tag != "node_state" || ch.Data.SelectAttrValue("uname", "") != node:
	case ch.Client == controller.ClientExecutor:
		var out []historyEntry
		for _, x := range ch.Data.FindElements("lrm/lrm_resources/lrm_resource/lrm_rsc_op") {
			out = append(out, historyEntry{x.Parent().SelectAttrValue("id", ""), x.SelectAttrValue("id", "")})
		}
		return out
	case ch.Client == controller.ClientController && ch.Data.SelectElement("lrm") != nil:
		return []historyEntry{{}} // all, in the place of what was there
	}
	return nil
}
