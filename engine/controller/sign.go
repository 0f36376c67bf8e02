package controller

import (
	"fmt"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/status"
)

// That the cluster turns in a circle is to be seen where the cluster is looked at. So the DC has its own state in the CIB say it, in an element that
// Pacemaker's programs leave aside, from when a plan had to wait until something has happened or none has had to for turnsKept. Only that of
// the DC counts, and a new DC takes those away that it finds.

// sign is what the CIB says of a circle.
type sign struct {
	said   string // as it was written last; "": none is
	until  time.Time
	looked bool // for those of earlier DCs
}

// signal has the CIB tell of a circle, or of none.
func (c *Controller) signal(r round) {
	if len(r.steps) == 0 {
		c.unsignal()
		return
	}
	c.brake.sign.until = c.now.Add(turnsKept)
	said := fmt.Sprintf("%q", r)
	if said == c.brake.sign.said {
		return
	}
	c.brake.sign.said = said
	s := etree.NewElement("node_state")
	for _, x := range [][2]string{{"id", c.nodeID(c.self.Name)}, {"uname", c.self.Name}} {
		s.CreateAttr(x[0], x[1])
	}
	el := s.CreateElement(status.CircleTag)
	for _, x := range [][2]string{{"resources", some(r.resources)}, {"steps", some(r.steps)}, {"why", r.why}} {
		el.CreateAttr(x[0], x[1])
	}
	c.update(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: s}, nil)
}

// unsignal takes what the CIB says away.
func (c *Controller) unsignal() {
	if c.brake.sign.said == "" {
		return
	}
	c.brake.sign.said, c.brake.sign.until = "", time.Time{}
	c.forgetSign(c.self.Name)
}

func (c *Controller) forgetSign(name string) {
	c.update(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/%s", xml.QuoteXPath(name), status.CircleTag)}, nil)
}

// formerSigns takes away, once, what earlier DCs said.
func (c *Controller) formerSigns() {
	if c.brake.sign.looked {
		return
	}
	c.brake.sign.looked = true
	st := cib.Section(c.effects.CIB(), "status")
	if st == nil {
		return
	}
	for _, s := range st.SelectElements("node_state") {
		if s.SelectElement(status.CircleTag) != nil {
			c.forgetSign(s.SelectAttrValue("uname", ""))
		}
	}
}
