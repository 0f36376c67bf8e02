package replica

import (
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// All nodes apply the same changes in one order, so their documents are equal, unless one was damaged: by a fault of
// the program, or of the machine. So the DC has them compared, some seconds after a change at the latest: it asks all, and each
// tells the fingerprint of what its document was when the question came, at the same place in the order. Where they
// differ, the controller has all take over one. Only the members of one term are asked, see term.go: they had one document.

// The messages of a comparison.
const (
	compareOp     = "hacluster_compare"
	fingerprintOp = "hacluster_fingerprint"

	idAttr          = "id"
	fingerprintAttr = "fingerprint"
	versionAttr     = "version"
)

// compareEvery is how long after the last comparison the next may be.
const compareEvery = 5 * time.Second

// comparison is the last one that was asked for.
type comparison struct {
	id, asker   string
	fingerprint string // of this node's document then; "" where it is not to be compared
	version     string
	differs     bool // some other's was told of
}

// Lead tells whether this node, as the DC, has the documents compared.
func (r *Replica) Lead(now time.Time, yes bool) {
	r.compareAt = time.Time{}
	if r.leads = yes; yes {
		r.now = now
		r.compareSoon()
	}
}

// compareSoon has the documents compared, for this one changed.
func (r *Replica) compareSoon() {
	if r.leads && r.compareAt.IsZero() {
		r.compareAt = r.now.Add(compareEvery)
	}
}

// compare asks all, where all know what is asked.
func (r *Replica) compare() {
	if r.compareAt = (time.Time{}); !r.leads || !r.view.announced || r.view.term == 0 || len(r.effects.Members()) < 2 {
		return
	}
	r.calls++
	r.effects.Broadcast(r.message(compareOp, idAttr, r.node+"-"+strconv.FormatUint(r.calls, 10), termAttr, strconv.FormatUint(r.view.term, 10)))
}

// shares tells whether this node had one document with another when the term was announced that both are of.
func (r *Replica) shares(node string) bool {
	return r.view.announced && slices.Contains(r.view.members, node) && slices.Contains(r.view.members, r.node)
}

// onCompare tells what this node's document is.
func (r *Replica) onCompare(from string, msg *etree.Element) {
	r.compared = comparison{id: msg.SelectAttrValue(idAttr, ""), asker: from}
	if n, ok := termOf(msg); !ok || n != r.view.term || !r.shares(from) || r.sync != nil {
		return
	}
	r.compared.fingerprint = strconv.FormatUint(cib.Fingerprint(r.Root()), 16)
	r.compared.version = cib.VersionOf(r.Root()).String()
	r.effects.Broadcast(r.message(fingerprintOp, idAttr, r.compared.id, fingerprintAttr, r.compared.fingerprint, versionAttr, r.compared.version))
}

// onFingerprint compares what another node's document was with this one's.
func (r *Replica) onFingerprint(from string, msg *etree.Element) {
	c := &r.compared
	theirs := msg.SelectAttrValue(fingerprintAttr, "")
	if msg.SelectAttrValue(idAttr, "") != c.id || c.fingerprint == "" || theirs == c.fingerprint || !r.shares(from) || c.asker != r.node && c.asker != from {
		return
	}
	r.effects.Logf("the CIB of node %s (version %s, fingerprint %s) and this node's (version %s, fingerprint %s) differ, though both applied the same changes: one of them is damaged",
		from, msg.SelectAttrValue(versionAttr, ""), theirs, c.version, c.fingerprint)
	if c.asker == r.node && r.leads && !c.differs {
		c.differs = true
		r.effects.Differ()
	}
}
