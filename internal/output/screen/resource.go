package screen

import (
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// Listing shows resources outside of a page, as crm_resource does: in the
// same words, without what only a page has.
type Listing struct{ Cluster *status.Cluster }

// inList is how a list of resources alone is shown: all of them, each without its node.
func inList() Page { return Page{Inactive: true, RscOnly: true} }

// List is the list of all resources; ok is false when there is none.
func (s Listing) List() (text string, ok bool) {
	l := &textList{}
	ok = (&textPage{view: newView(s.Cluster, inList()), list: l}).resourceList()
	return l.b.String(), ok
}

// ListXML adds the list of all resources to an element; it tells whether there is any.
func (s Listing) ListXML(to *etree.Element) bool {
	w := &xmlPage{view: newView(s.Cluster, inList()), at: to}
	return w.resourceList()
}

// Text is one resource with all that is in it, a line each, without headings and bullets.
func (s Listing) Text(r *status.Resource) string {
	l := &textList{plain: true}
	(&textPage{view: newView(s.Cluster, Page{}), list: l}).resource(r, everything, false)
	return l.b.String()
}

// XML adds one resource with all that is in it to an element.
func (s Listing) XML(to *etree.Element, r *status.Resource) {
	w := &xmlPage{view: newView(s.Cluster, Page{}), at: to}
	w.resource(r, everything, false)
}

// State is the line of a primitive without its node.
func (s Listing) State(r *status.Resource) string {
	l := &textList{plain: true}
	n := s.Cluster.CurrentNode(r)
	if n == nil {
		n = r.PendingNode
	}
	(&textPage{view: newView(s.Cluster, inList()), list: l}).primitive(r, shownID(r), n, false, true)
	return strings.TrimSuffix(l.b.String(), "\n")
}

// ShownID is a resource's id as people see it: with the number of an instance
// only where instances are told apart.
func ShownID(r *status.Resource) string { return shownID(r) }

// StatusText says how an operation ended, by its op-status.
func StatusText(st int64) string { return statusText(st) }

// Time is a time as screens show it.
func Time(seconds int64) string { return stamp(time.Unix(seconds, 0)) }
