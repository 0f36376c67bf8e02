// Package placement makes and takes back the wishes of administrators about where
// a resource runs: location constraints whose ids tell that they were made by
// "move" and "ban" rather than written into the configuration.
//
//	w := placement.Wish{Resource: "vip", Node: "n1", Role: placement.Started}
//	w.Ban(), w.Prefer()                        // requests that make a wish come true
//	placement.Clear("vip", "n1", true, false)  // requests that take it back
//	placement.Expired{}.Of(root, now)          // ids of those that are over
package placement

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/iso8601"
	"hacluster/cib/xml"
)

// The roles that a wish may be about.
const (
	Started  = "Started"  // any active role
	Promoted = "Promoted" // schemas since 3.7
	Master   = "Master"   // earlier ones
)

// Wish is that a resource runs on a node, or that it does not.
type Wish struct {
	Resource, Node, Role string
	// End is when the wish ends (see End), "" for never.
	End string
}

// BanID is the id of the constraint that keeps a resource off a node.
func BanID(resource, node string) string {
	return xml.SanitizeID("cli-ban-" + resource + "-on-" + node)
}

// PreferID is the id of the constraint that wants a resource on a node.
func PreferID(resource string) string { return xml.SanitizeID("cli-prefer-" + resource) }

// Ban is the request that keeps the resource off the node.
func (w Wish) Ban() cib.Request {
	id := BanID(w.Resource, w.Node)
	return w.request(id, "-INFINITY", id+"-rule", id+"-expr", id+"-lifetime")
}

// Prefer is the request that puts the resource on the node, if at all possible.
func (w Wish) Prefer() cib.Request {
	made := func(part string) string { return xml.SanitizeID("cli-prefer-" + part + "-" + w.Resource) }
	return w.request(PreferID(w.Resource), "INFINITY", made("rule"), made("expr"), made("lifetime-end"))
}

func (w Wish) request(id, score, ruleID, exprID, endID string) cib.Request {
	data := etree.NewElement("constraints")
	l := add(data, "rsc_location", "id", id, "rsc", w.Resource, "role", w.Role)
	if w.End == "" {
		l.CreateAttr("node", w.Node)
		l.CreateAttr("score", score)
	} else {
		r := add(l, "rule", "id", ruleID, "score", score, "boolean-op", "and")
		add(r, "expression", "id", exprID, "attribute", "#uname", "operation", "eq", "value", w.Node, "type", "string")
		add(r, "date_expression", "id", endID, "operation", "lt", "end", w.End)
	}
	return cib.Request{Op: cib.Modify, Section: "constraints", Data: data}
}

func add(to *etree.Element, tag string, attrs ...string) *etree.Element {
	e := to.CreateElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		e.CreateAttr(attrs[i], attrs[i+1])
	}
	return e
}

// ErrDuration is a lifetime that is no duration.
var ErrDuration = errors.New("not a duration as ISO 8601 writes them")

// End is the time a lifetime (an ISO 8601 duration) from now, as a constraint holds
// it: to the second, in now's zone.
func End(now time.Time, lifetime string) (string, error) {
	d, err := iso8601.ParseDuration(lifetime)
	if err != nil {
		return "", ErrDuration
	}
	return iso8601.Of(now).Add(d).Format(iso8601.Zone), nil
}

// Clear are the requests, in their order, that take back what is wished of a resource
// on a node: that it runs there, with bans also that it does not. Force takes back
// that it runs on some node, whichever that is.
func Clear(resource, node string, bans, force bool) []cib.Request {
	prefer := PreferID(resource)
	timed := fmt.Sprintf("//rsc_location[@id=%s][rule[@id=%s]/expression[@attribute='#uname' and @value=%s]]",
		xml.QuoteXPath(prefer), xml.QuoteXPath(xml.SanitizeID("cli-prefer-rule-"+resource)), xml.QuoteXPath(node))
	data := etree.NewElement("constraints")
	if bans {
		add(data, "rsc_location", "id", BanID(resource, node))
	}
	l := add(data, "rsc_location", "id", prefer)
	if !force {
		l.CreateAttr("node", node)
	}
	return []cib.Request{
		{Op: cib.Delete, Section: timed, XPath: true},
		{Op: cib.Delete, Section: "constraints", Data: data},
	}
}

// Expired chooses among wishes that have an end; "" stands for all.
type Expired struct {
	Resource, Node string
	Promoted       bool // only those about the promoted role
}

// Of are the ids of the wishes in a CIB that ended before now.
func (x Expired) Of(root *etree.Element, now time.Time) (ids []string) {
	for _, l := range root.FindElements("./configuration/constraints/rsc_location") {
		id, resource, role := l.SelectAttrValue("id", ""), l.SelectAttrValue("rsc", ""), l.SelectAttrValue("role", "")
		end := id + "-lifetime"
		switch {
		case strings.HasPrefix(id, "cli-ban-"):
		case strings.HasPrefix(id, "cli-prefer-"):
			end = xml.SanitizeID("cli-prefer-lifetime-end-" + resource)
		default:
			continue
		}
		if x.Resource != "" && resource != x.Resource || x.Promoted && role != Promoted && role != Master || x.Node != "" && NodeOf(l) != x.Node {
			continue
		}
		for _, d := range l.FindElements(".//date_expression") {
			if d.SelectAttrValue("id", "") != end {
				continue
			}
			if t, err := iso8601.Parse(d.SelectAttrValue("end", ""), now); err == nil && iso8601.Of(now).Compare(t) > 0 {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

// NodeOf is the node that a wish is about, "" if it names none.
func NodeOf(l *etree.Element) string {
	if n := l.SelectAttr("node"); n != nil {
		return n.Value
	}
	for _, e := range l.FindElements("./rule/expression") {
		if e.SelectAttrValue("attribute", "") == "#uname" {
			return e.SelectAttrValue("value", "")
		}
	}
	return ""
}

// Drop is the request that takes a constraint back.
func Drop(id string) cib.Request {
	data := etree.NewElement("constraints")
	add(data, "rsc_location", "id", id)
	return cib.Request{Op: cib.Delete, Section: "constraints", Data: data}
}
