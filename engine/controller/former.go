package controller

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// Transient attributes live as long as a node does, and the DC that takes in a node which was started anew clears them. But a document that all take over
// later may be of a part of the cluster that had lost this node, and has not cleared them yet. What this node knows of itself is written
// again; of the rest that goes which it was not in the document that it had before: somebody else than the cluster may have written what was.

// noteFormer takes note of this node's attributes in a document that was taken over which were not in the one before.
func (c *Controller) noteFormer(ch replica.Change) {
	if !ch.Synced {
		return
	}
	had := map[string]bool{}
	for _, name := range c.attributesIn(ch.Was) {
		had[name] = true
	}
	for _, name := range c.attributesIn(ch.Data) {
		if !had[name] {
			c.former[name] = true
		}
	}
}

// attributesIn lists the transient attributes that a document has of this node.
func (c *Controller) attributesIn(root *etree.Element) []string {
	var out []string
	st := cib.Section(root, "status")
	if st == nil {
		return nil
	}
	for _, s := range st.SelectElements("node_state") {
		if s.SelectAttrValue("uname", "") != c.self.Name {
			continue
		}
		for _, nv := range s.FindElements("transient_attributes//nvpair") {
			out = append(out, nv.SelectAttrValue("name", ""))
		}
	}
	return out
}

// forgetFormer takes attributes of this node of which it knows nothing out of the CIB: those of before it was started anew, and failures, which nobody
// but the cluster counts.
func (c *Controller) forgetFormer() {
	for _, name := range c.attributesIn(c.effects.CIB()) {
		counts := strings.HasPrefix(name, "fail-count-") || strings.HasPrefix(name, "last-failure-")
		if (counts || c.former[name]) && !c.effects.HasAttribute(name) {
			c.Change(cib.Request{Op: cib.Delete, XPath: true, Multiple: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/transient_attributes//nvpair[@name=%s]", xml.QuoteXPath(c.self.Name), xml.QuoteXPath(name))})
		}
	}
	clear(c.former)
}
