package replica

import (
	"github.com/beevik/etree"

	"hacluster/cib"
)

// A DC that stood still may have had something written of nodes that others have overtaken: that one was fenced, for instance, which takes its history
// away, when it is back by then and services were started there. So a request of the DC says that it is one, and comes to nothing where another
// node leads. Requests of the original's programs, and those of nodes for themselves, say nothing, and are made.
//
// All that share a document must do the same with each request. Who leads is therefore taken from the order of messages: it is who ordered
// the last takeover, which gave all of the group one document. Where a join needs none, for the documents of all who answered are equal, it is
// who offered it, from the offer on, which is where they told what they have; who then still has another leader tells, and that
// makes a takeover necessary. Until it leads, a DC keeps what is for it to write.
//
// For the same reason a takeover is for that DC to order whose offer a node accepted last: one that stood still in the middle of a join
// may have had all take over its document, with nothing in it of what was changed under the next DC.

// DCAttr of a request tells that its sender asks as the DC.
const DCAttr = "hacluster-dc"

// Leader is whose requests as the DC are made here; "": anybody's.
func (r *Replica) Leader() string { return r.leader }

// Follow takes note that this node has accepted a DC's offer, and tells who leads: that one, or another until a takeover.
func (r *Replica) Follow(dc string) (leader string) {
	if r.leader == "" {
		r.leader = dc
	}
	return r.leader
}

// outdated leaves a request out of one who asks as the DC and does not lead.
func (r *Replica) outdated(from string, msg *etree.Element) bool {
	if msg.SelectAttrValue(DCAttr, "") != "true" || r.leader == "" || r.leader == from {
		return false
	}
	if r.someTermless() {
		return false // there are nodes of a release that makes it whoever leads, and all are to do the same
	}
	r.effects.Logf("change of %s that node %s ordered as the DC is not made, for the DC is %s", msg.SelectAttrValue("cib_section", ""), from, r.leader)
	r.answer(from, msg, cib.Result{Root: r.Root()}, &cib.Error{Code: cib.NotPermitted, Detail: "node " + r.leader + " is the DC"})
	return true
}
