package node

import (
	"maps"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/replica"
)

// The DC changes a history in the place of who keeps it, its node or the one that is connected to a remote node: it writes that a step was lost of whose end it has
// heard nothing in time, and takes out that a resource was migrated away where that is over. Who keeps the history takes that in when the CIB has all that it
// has told itself: what is in the CIB by then is the later one. An executor that knew nothing of it would not forget it when the failure is cleared, and a
// join would have the history again as it was before.

// noteCorrections takes note of what a change has the DC do with histories that this node keeps.
func (c *Core) noteCorrections(ch replica.Change) {
	switch {
	case ch.Synced: // this node writes its histories again
		clear(c.corrections)
		return
	case ch.Client != controller.ClientController:
		return
	}
	for _, node := range append(c.remoteNames(), c.self.Name) {
		if entries := correctionsIn(ch, node); len(entries) > 0 && c.kept(node) != nil {
			c.corrections[node] = append(c.corrections[node], entries...)
		}
	}
}

// correctionsIn are the entries of a node's history that a change has the DC write, or take out.
func correctionsIn(ch replica.Change, node string) []executor.Entry {
	if ch.Op == cib.Delete {
		rest, ok := strings.CutPrefix(ch.Section, historyPath(node))
		if h, plain := entryAt(rest); ok && plain && h.ID != "" {
			return []executor.Entry{executor.Entry(h)}
		}
		return nil
	}
	lost := controller.Lost(ch)
	if len(lost) == 0 || ch.Data.SelectAttrValue("uname", "") != node {
		return nil
	}
	out := make([]executor.Entry, 0, len(lost))
	for _, x := range lost {
		out = append(out, executor.Entry{Resource: x.Parent().SelectAttrValue("id", ""), ID: x.SelectAttrValue("id", "")})
	}
	return out
}

// kept is the executor whose history of a node this one keeps; nil: it keeps none.
func (c *Core) kept(node string) *executor.Executor {
	switch {
	case node == c.self.Name:
		return c.Executor
	case c.holdsRemote(node):
		return c.remotes[node].exec
	}
	return nil
}

// correct has the executors know of that.
func (c *Core) correct() {
	for _, node := range slices.Sorted(maps.Keys(c.corrections)) {
		entries := c.corrections[node]
		delete(c.corrections, node)
		if e := c.kept(node); e != nil {
			e.Correct(node, c.historyIn(node), entries)
		}
	}
}

// historyIn is the history of a node in the CIB, nil where it has none.
func (c *Core) historyIn(node string) *etree.Element {
	st := cib.Section(c.Replica.Root(), "status")
	if st == nil {
		return nil
	}
	for _, s := range st.SelectElements("node_state") {
		if remote := s.SelectAttrValue("remote_node", "") == "true"; s.SelectAttrValue("uname", "") == node && remote == (node != c.self.Name) {
			return s.SelectElement("lrm")
		}
	}
	return nil
}
