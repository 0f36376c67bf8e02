package controller

import (
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/number"
	"hacluster/cib/xml"
)

// With shutdown-lock a resource waits for the node that ran it until it was shut down. That stands in the history of the resource there, which says
// nothing else of it when the node is back, for the node knows nothing: so who writes a node's history anew takes it over.

// lockAttr of an order, and of a resource's history, is since when it is locked to the node: seconds since 1970.
const lockAttr = "shutdown-lock"

// locked are the histories of resources that are locked to a node, without what was done there.
func (c *Controller) locked(node string) []*etree.Element {
	st := cib.Section(c.effects.CIB(), "status")
	if st == nil || !number.IsTrue(c.option("shutdown-lock", "false")) {
		return nil
	}
	expired := int64(0)
	if limit := c.limit("shutdown-lock-limit", 0); limit > 0 {
		expired = c.now.Add(-limit).Unix()
	}
	var out []*etree.Element
	for _, s := range st.SelectElements("node_state") {
		if s.SelectAttrValue("uname", "") != node {
			continue
		}
		for _, r := range s.FindElements("./lrm/lrm_resources/lrm_resource") {
			if at, err := strconv.ParseInt(r.SelectAttrValue(lockAttr, ""), 10, 64); err != nil || at == 0 || at < expired {
				continue
			}
			el := etree.NewElement(r.Tag)
			el.Attr = slices.Clone(r.Attr)
			out = append(out, el)
		}
	}
	return out
}

// keepLocks has a history that is to take the place of a node's say what is locked to it.
func (c *Controller) keepLocks(state *etree.Element) {
	locked := c.locked(state.SelectAttrValue("uname", ""))
	if len(locked) == 0 {
		return
	}
	lrm := state.SelectElement("lrm")
	if lrm == nil {
		lrm = state.CreateElement("lrm")
		lrm.CreateAttr("id", state.SelectAttrValue("id", ""))
	}
	all := lrm.SelectElement("lrm_resources")
	if all == nil {
		all = lrm.CreateElement("lrm_resources")
	}
	for _, l := range locked {
		id := l.SelectAttrValue("id", "")
		known := slices.ContainsFunc(all.SelectElements("lrm_resource"), func(r *etree.Element) bool { return r.SelectAttrValue("id", "") == id })
		if !known { // else the node says itself whether it is locked still
			all.AddChild(l)
		}
	}
}

// Forgotten is a change of the CIB that has it tell nothing of what a remote node ran, but for what is locked to it.
func (c *Controller) Forgotten(node string) cib.Request {
	path := "/cib/status/node_state[@uname=" + xml.QuoteXPath(node) + "]/lrm"
	state := etree.NewElement("node_state")
	state.CreateAttr("id", node)
	state.CreateAttr("uname", node)
	if c.keepLocks(state); len(state.Child) == 0 {
		return cib.Request{Op: cib.Delete, XPath: true, Section: path}
	}
	return cib.Request{Op: cib.Replace, XPath: true, Section: path, Data: state.SelectElement("lrm")}
}
