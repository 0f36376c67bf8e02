// Package nodeattr finds, sets and deletes name/value pairs of a CIB as
// crm_attribute does: cluster options, defaults, node and ticket attributes.
//
//	p := nodeattr.Place{Section: "nodes", Node: "1"}
//	name := "standby"
//	pairs, err := p.Find(ctx, c, &name, nil)
//	err = p.Create(ctx, c, nil, &name, "on")
//
// c is anything that carries out CIB operations.
package nodeattr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// Doer carries one CIB operation out and gives its answer.
type Doer interface {
	Do(ctx context.Context, req cib.Request) (*etree.Element, error)
}

// Place is where pairs are looked for and put.
type Place struct {
	Section string  // crm_config, rsc_defaults, op_defaults, nodes, status, tickets, or another section
	Node    string  // the id of a node; not for the first three and tickets
	Remote  bool    // the node is one of Pacemaker Remote
	Kind    string  // the element that holds the pairs, where it is not the section's usual one: utilization
	Set     *string // the id of that element, nil for any
}

// ErrSection tells that a CIB has no such section.
var ErrSection = errors.New("unknown section")

// sections are those that an expression can begin with, the deeper ones below configuration.
var sections = []string{
	"crm_config", "nodes", "resources", "constraints", "op_defaults", "rsc_defaults", "acls", "fencing-topology", "tags", "alerts",
}

// global tells that the section's pairs belong to no node.
func (p *Place) global() bool {
	return slices.Contains([]string{"crm_config", "op_defaults", "rsc_defaults", "tickets"}, strings.ToLower(p.Section))
}

// path is the expression that finds the pairs' parents.
func (p *Place) path() (string, error) {
	section := p.Section
	kind := p.Kind
	if kind == "" {
		kind = "instance_attributes"
	}
	inside := ""
	switch lower := strings.ToLower(section); {
	case lower == "crm_config":
		kind = "cluster_property_set"
	case lower == "op_defaults" || lower == "rsc_defaults":
		kind = "meta_attributes"
	case lower == "tickets":
		section, inside = "status", "//tickets"
	case lower == "status":
		inside, kind = "//node_state[@id="+xml.QuoteXPath(p.Node)+"]", "transient_attributes"
	default:
		inside = "//node[@id=" + xml.QuoteXPath(p.Node) + "]"
	}
	switch {
	case slices.Contains(sections, section):
		section = "/configuration/" + section
	case section == "status" || section == "configuration":
		section = "/" + section
	case section == "cib" || section == "all":
		section = ""
	default:
		return "", ErrSection
	}
	path := "//cib" + section + inside + "//" + kind
	if p.Set != nil {
		path += "[@id=" + xml.QuoteXPath(*p.Set) + "]"
	}
	return path, nil
}

// Find gives the elements nvpair of the place with that name and id, nil for any, in
// document order. When there are none, the error's code is cib.NotFound.
func (p *Place) Find(ctx context.Context, c Doer, name, id *string) ([]*etree.Element, error) {
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	path += "//nvpair"
	var conditions []string
	if id != nil {
		conditions = append(conditions, "@id="+xml.QuoteXPath(*id))
	}
	if name != nil {
		conditions = append(conditions, "@name="+xml.QuoteXPath(*name))
	}
	if len(conditions) > 0 {
		path += "[" + strings.Join(conditions, " and ") + "]"
	}
	el, err := c.Do(ctx, cib.Request{Op: cib.Query, XPath: true, Section: path})
	switch {
	case err != nil:
		return nil, err
	case el == nil:
		return nil, &cib.Error{Code: cib.NotFound}
	case el.Tag == "xpath-query":
		return el.ChildElements(), nil
	}
	return []*etree.Element{el}, nil
}

// Modify sets a pair that is there. A name of nil stays as it is.
func (p *Place) Modify(ctx context.Context, c Doer, id, name *string, value string) error {
	_, err := c.Do(ctx, cib.Request{Op: cib.Modify, Section: p.Section, Data: pair(etree.NewElement("nvpair"), id, name, value)})
	return err
}

// SetID is the id of the element that a new pair is put in.
func (p *Place) SetID() string {
	switch section := strings.ToLower(p.Section); {
	case p.Set != nil:
		return *p.Set
	case section == "crm_config":
		return "cib-bootstrap-options"
	case section == "tickets":
		return "status-tickets"
	case p.global():
		return p.Section + "-options"
	case p.Kind != "":
		return p.Section + "-" + p.Node + "-" + p.Kind
	}
	return p.Section + "-" + p.Node
}

// Create adds a pair; the elements around it are made where they are missing. An
// id of nil is made of the set's and the name, a name of nil is the id.
func (p *Place) Create(ctx context.Context, c Doer, id, name *string, value string) error {
	set := p.SetID()
	switch {
	case id == nil:
		made := xml.SanitizeID(set + "-" + *name)
		id = &made
	case name == nil:
		name = id
	}
	section, kind := p.Section, p.Kind
	if kind == "" {
		kind = "instance_attributes"
	}
	var top, at *etree.Element
	switch lower := strings.ToLower(section); {
	case lower == "tickets":
		section = "status"
		top = etree.NewElement("status")
		at = top.CreateElement("tickets")
	case lower == "nodes" && p.Remote:
		top = etree.NewElement("nodes")
		at = with(top.CreateElement("node"), "type", "remote", "id", p.Node, "uname", p.Node)
	case lower == "nodes":
		top = with(etree.NewElement("node"), "id", p.Node)
		at = top
	case lower == "status":
		top = with(etree.NewElement("node_state"), "id", p.Node)
		at = with(top.CreateElement("transient_attributes"), "id", p.Node)
	default:
		top = etree.NewElement(section)
		at = top
		kind = "meta_attributes"
		if lower == "crm_config" {
			kind = "cluster_property_set"
		}
	}
	pair(with(at.CreateElement(kind), "id", set).CreateElement("nvpair"), id, name, value)
	_, err := c.Do(ctx, cib.Request{Op: cib.Modify, Section: section, Data: top})
	return err
}

// Delete removes the pair of that id and name, nil for any, wherever in the section it is.
func (p *Place) Delete(ctx context.Context, c Doer, id, name *string) error {
	_, err := c.Do(ctx, cib.Request{Op: cib.Delete, Section: p.Section, Data: names(etree.NewElement("nvpair"), id, name)})
	return err
}

// pair makes el, an nvpair, hold a name and a value.
func pair(el *etree.Element, id, name *string, value string) *etree.Element {
	return with(names(el, id, name), "value", value)
}

// names makes el hold an id and a name, where there are. A pair that has no id is looked for by one
// that is made of its name.
func names(el *etree.Element, id, name *string) *etree.Element {
	if id == nil && name != nil {
		made := "nvpair-" + *name
		id = &made
	}
	if id != nil {
		el.CreateAttr("id", *id)
	}
	if name != nil {
		el.CreateAttr("name", *name)
	}
	return el
}

func with(el *etree.Element, attrs ...string) *etree.Element {
	for i := 0; i+1 < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
	return el
}

// Node is a node that attributes can belong to.
type Node struct {
	ID     string
	Remote bool
}

// FindNode finds a node by its name, without regard to case: in the configuration, among the
// connections of remote and guest nodes, and among the states of remote nodes.
// When there is none, the error's code is cib.NotFound.
func FindNode(ctx context.Context, c Doer, name string) (Node, error) {
	lower := func(attr string) string {
		return fmt.Sprintf("translate(@%s,'ABCDEFGHIJKLMNOPQRSTUVWXYZ','abcdefghijklmnopqrstuvwxyz') =%s", attr, xml.QuoteXPath(asciiLower(name)))
	}
	path := "/cib/configuration/nodes/node[" + lower("uname") + "]" +
		"|/cib/configuration/resources/primitive[@class='ocf'][@provider='pacemaker'][@type='remote'][" + lower("id") + "]" +
		"|/cib/configuration/resources/primitive/meta_attributes/nvpair[@name='remote-node'][" + lower("value") + "]" +
		"|/cib/status/node_state[@remote_node='true'][" + lower("id") + "]"
	el, err := c.Do(ctx, cib.Request{Op: cib.Query, XPath: true, Section: path})
	if err != nil {
		return Node{}, err
	}
	if el != nil && el.Tag == "xpath-query" {
		el = el.ChildElements()[0]
	}
	var n Node
	switch {
	case el == nil:
	case el.Tag == "node" && strings.EqualFold(el.SelectAttrValue("type", ""), "remote"):
		n = Node{el.SelectAttrValue("uname", ""), true}
	case el.Tag == "node":
		n = Node{el.SelectAttrValue("id", ""), false}
	case el.Tag == "primitive":
		n = Node{el.SelectAttrValue("id", ""), true}
	case el.Tag == "nvpair":
		n = Node{el.SelectAttrValue("value", ""), true}
	case el.Tag == "node_state":
		n = Node{el.SelectAttrValue("uname", ""), true}
	}
	if n.ID == "" {
		return Node{}, &cib.Error{Code: cib.NotFound}
	}
	return n, nil
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}
