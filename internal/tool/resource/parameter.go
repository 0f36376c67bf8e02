package resource

import (
	"context"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// getParameter shows a parameter.
func (c *call) getParameter(context.Context) error {
	current, all, _ := c.rsc.ActiveNode()
	if all > 1 {
		c.out.Fault("%s is active on more than one node, returning the default value for %s", c.rsc.ID, c.parameter)
		current = nil
	}
	var value string
	var ok bool
	switch c.set {
	case "instance_attributes":
		value, ok = c.cluster.Params(c.rsc, current).Get(c.parameter)
	case "meta_attributes":
		value, ok = c.rsc.Meta.Get(c.parameter)
	case elementSet:
		if a := c.rsc.XML.SelectAttr(c.parameter); a != nil {
			value, ok = a.Value, true
		}
	default:
		value, ok = c.cluster.ConfiguredUtilization(c.rsc).Get(c.parameter)
	}
	if !ok {
		c.out.Fault("Attribute '%s' not found for '%s'", c.parameter, c.rsc.ID)
		return nil
	}
	c.out.Print("%s\n", value)
	tool.Add(c.out.Element("list", "name", "attributes", "count", "1"), "item", "name", c.parameter).SetText(value)
	return nil
}

// place is where in the configuration a parameter is looked for: below the element
// of an id, in sets of a kind ("" is any) and with an id ("" is any), nvpairs of an
// id and a name ("" is any).
type place struct{ element, set, setID, pair, name string }

func (p place) xpath() string {
	var b strings.Builder
	fmt.Fprintf(&b, "//cib/configuration/resources//*[@id=%s]", xml.QuoteXPath(p.element))
	if p.set != "" {
		b.WriteString("/" + p.set)
		if p.setID != "" {
			fmt.Fprintf(&b, "[@id=%s]", xml.QuoteXPath(p.setID))
		}
	}
	b.WriteString("//nvpair")
	switch {
	case p.pair != "" && p.name != "":
		fmt.Fprintf(&b, "[@id=%s and @name=%s]", xml.QuoteXPath(p.pair), xml.QuoteXPath(p.name))
	case p.pair != "":
		fmt.Fprintf(&b, "[@id=%s]", xml.QuoteXPath(p.pair))
	case p.name != "":
		fmt.Fprintf(&b, "[@name=%s]", xml.QuoteXPath(p.name))
	}
	return b.String()
}

// errMany is that a parameter stands in several places.
var errMany = &fault{code: tool.Multiple}

// look looks for a parameter: the one nvpair that fits, nil if there is none, or
// errMany, with all of them listed.
func (c *call) look(ctx context.Context, p place) (*etree.Element, error) {
	found, err := c.cib.Do(ctx, cib.Request{Op: cib.Query, Section: p.xpath(), XPath: true})
	switch code := cib.CodeOf(err); {
	case code == cib.NotFound || err == nil && found == nil:
		return nil, nil
	case err != nil:
		return nil, refused(err)
	case found.Tag != "xpath-query" && len(found.ChildElements()) == 0:
		return found, nil
	}
	c.out.Info("Multiple attributes match name=%s", p.name)
	for _, e := range found.ChildElements() {
		c.out.Info("  Value: %s \t(id=%s)", e.SelectAttrValue("value", "(null)"), e.SelectAttrValue("id", "(null)"))
	}
	c.out.Info("")
	return found, errMany
}

// asked is the place of the parameter as the command line names it, below no
// element in particular.
func (c *call) asked() place {
	return place{set: c.set, setID: c.setID, pair: c.pair, name: c.parameter}
}

// below is the same place below an element.
func (p place) below(element string) place {
	p.element = element
	return p
}

// targets are the resources whose parameter is meant when r's is: a member or
// instance that has one already, the clone for what its only resource lacks. The last
// is the one that gets it where no other has.
func (c *call) targets(ctx context.Context, r *status.Resource, name string, want place, doing string) ([]*status.Resource, error) {
	switch {
	case c.force:
		return []*status.Resource{r}, nil
	case r.Parent.IsClone():
		if e, err := c.look(ctx, want.below(name)); e == nil || err != nil {
			r = r.Parent
			c.out.Info("Performing %s of '%s' on '%s', the parent of '%s'", doing, want.name, r.ID, name)
		}
		return []*status.Resource{r}, nil
	case r.Parent == nil && r.IsClone() && len(r.Children) > 0:
		child := r.Children[0]
		if id := status.BaseName(child.ID); child.Kind == status.Primitive {
			if e, err := c.look(ctx, c.asked().below(id)); e != nil && err == nil {
				c.out.Info("A value for '%s' already exists in child '%s', performing %s on that instead of '%s'", c.parameter, id, doing, name)
				r = child
			}
		}
		return []*status.Resource{r}, nil
	}
	var list []*status.Resource
	var walk func(r *status.Resource, top bool)
	walk = func(r *status.Resource, top bool) {
		for i, k := range r.Children {
			if i > 0 && r.IsClone() {
				break // one instance stands for all
			}
			walk(k, false)
		}
		if e, err := c.look(ctx, want.below(status.BaseName(r.ID))); top || e != nil && err == nil {
			list = append(list, r)
		}
	}
	walk(r, true)
	return list, nil
}

// element is a resource's element in the CIB as it is.
func (c *call) element(r *status.Resource) *etree.Element {
	id := r.XMLID()
	for _, e := range c.original.FindElements("./configuration/resources//*") {
		if e.SelectAttrValue("id", "") == id {
			return e
		}
	}
	return nil
}

// replaceElement puts a resource's element back with another value of the
// parameter; nil takes it off.
func (c *call) replaceElement(ctx context.Context, value *string) error {
	e := c.element(c.rsc)
	if e == nil {
		return &fault{code: tool.NoSuch}
	}
	e = e.Copy()
	if value == nil {
		e.RemoveAttr(c.parameter)
	} else {
		e.CreateAttr(c.parameter, *value)
	}
	_, err := c.cib.Do(ctx, cib.Request{Op: cib.Replace, Section: "resources", Data: e})
	return refused(err)
}

// change is a parameter that was set.
type change struct {
	r         *status.Resource
	id        string // of the resource, without an instance's number
	setID     string // "" when an nvpair was there
	pair      string // "" for one that was made under an id that the user gave
	set, name string
	value     string
}

// setParameter sets a parameter.
func (c *call) setParameter(ctx context.Context) error {
	if c.value == "" {
		return failf(tool.Usage, "You need to supply a value with the -v option")
	}
	if c.set == elementSet {
		if err := c.replaceElement(ctx, &c.value); err != nil {
			return err
		}
		c.out.Info("Set attribute: name=%s value=%s", c.parameter, c.value)
		return nil
	}
	s := &setter{call: c, seen: map[*status.Resource]bool{}}
	if err := s.set(ctx, c.rsc, c.resource, c.asked()); err != nil {
		return err
	}
	if len(s.done) == 0 {
		return nil
	}
	all := c.out.Element("resource-settings")
	for _, d := range s.done {
		pair, in := d.pair, ""
		if pair == "" {
			pair = "(null)"
		}
		if d.setID != "" {
			in = " set=" + d.setID
		}
		c.out.Info("Set '%s' option: id=%s%s name=%s value=%s", d.id, pair, in, d.name, d.value)
		e := tool.Add(tool.Add(all, d.r.XML.Tag, "id", d.r.ID), d.set, "id?", d.setID)
		tool.Add(e, "nvpair", "id?", d.pair, "value", d.value, "name", d.name)
	}
	return nil
}

// setter sets a parameter of one resource after the other.
type setter struct {
	*call
	seen map[*status.Resource]bool
	done []change
}

// set sets the parameter where r's, called by name, is meant. The error is that of the last one.
func (s *setter) set(ctx context.Context, r *status.Resource, name string, want place) error {
	top := r.Top(false).ID
	if want.pair == "" && !s.force {
		_, _ = s.look(ctx, place{element: top, name: want.name}) // for its list of doubles
	}
	list := []*status.Resource{r}
	if want.set == "instance_attributes" {
		if err := s.noMeta(ctx, top, want); err != nil {
			return err
		}
	} else {
		var err error
		if list, err = s.targets(ctx, r, name, want, "update"); err != nil {
			return err
		}
	}
	if want.setID != "" || want.pair != "" {
		list = list[len(list)-1:]
	}
	var last error
	for _, r := range list {
		stop, err := s.setOne(ctx, r, want)
		if stop {
			return err
		}
		last = err
		if !s.recursive || want.set != "meta_attributes" {
			continue
		}
		s.seen[r] = true
		for _, k := range r.WithThis {
			if !s.seen[k.Dependent] && k.Score > 0 {
				_ = s.set(ctx, k.Dependent, k.Dependent.ID, place{set: want.set, name: want.name}) // each for itself
			}
		}
	}
	return last
}

// noMeta refuses an instance attribute that a meta-attribute has the name of, unless forced.
func (s *setter) noMeta(ctx context.Context, top string, want place) error {
	if s.force {
		return nil
	}
	want.set = "meta_attributes"
	e, err := s.look(ctx, want.below(top))
	if e == nil {
		return err
	}
	if !s.quiet {
		id := e.SelectAttrValue("id", "(null)")
		s.out.Fault("WARNING: There is already a meta attribute for '%s' called '%s' (id=%s)", top, want.name, id)
		s.out.Fault("         Delete '%s' first or use the force option to override", id)
	}
	return errMany
}

// setOne sets the parameter of one resource; stop tells that no others are to follow.
func (s *setter) setOne(ctx context.Context, r *status.Resource, want place) (stop bool, err error) {
	id := status.BaseName(r.ID)
	found, err := s.look(ctx, want.below(id))
	if err != nil {
		return true, err
	}
	d := change{r: r, id: id, setID: want.setID, set: want.set, name: want.name, value: s.value}
	pair := want.pair
	nvpair := func(id string) *etree.Element {
		return element("nvpair", "id", id, "name", d.name, "value", d.value)
	}
	var data *etree.Element
	if found != nil {
		d.pair = found.SelectAttrValue("id", "")
		data = nvpair(d.pair)
	} else {
		if d.setID == "" {
			d.setID = id + "-" + d.set
		}
		if pair == "" {
			pair = d.setID + "-" + d.name
			d.pair = pair
		}
		e := s.element(r)
		if e == nil {
			return true, &fault{code: tool.NoSuch}
		}
		data = element(e.Tag, "id", id)
		tool.Add(data, d.set, "id", d.setID).AddChild(nvpair(pair))
	}
	if _, err = s.cib.Do(ctx, cib.Request{Op: cib.Modify, Section: "resources", Data: data}); err == nil {
		s.done = append(s.done, d)
	}
	return false, refused(err)
}

func element(tag string, attrs ...string) *etree.Element {
	e := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		e.CreateAttr(attrs[i], attrs[i+1])
	}
	return e
}

// deleteParameter deletes a parameter.
func (c *call) deleteParameter(ctx context.Context) error {
	if c.pair == "" && !c.force {
		_, _ = c.look(ctx, place{element: c.rsc.Top(false).ID, name: c.parameter}) // for its list of doubles
	}
	if c.set == elementSet {
		if err := c.replaceElement(ctx, nil); err != nil {
			return err
		}
		c.out.Info("Deleted attribute: %s", c.parameter)
		return nil
	}
	list := []*status.Resource{c.rsc}
	if c.set == "meta_attributes" {
		var err error
		if list, err = c.targets(ctx, c.rsc, c.resource, c.asked(), "delete"); err != nil {
			return err
		}
	}
	var last error
	for _, r := range list {
		id := status.BaseName(r.ID)
		found, err := c.look(ctx, c.asked().below(id))
		if err != nil {
			return err
		}
		if found == nil {
			last = &fault{code: tool.NoSuch}
			continue
		}
		pair := found.SelectAttrValue("id", "")
		data := element("nvpair", "id", pair, "name", c.parameter)
		if c.pair != "" {
			data.CreateAttr("id", c.pair)
		}
		_, err = c.cib.Do(ctx, cib.Request{Op: cib.Delete, Section: "resources", Data: data})
		if last = refused(err); last == nil {
			in := ""
			if c.setID != "" {
				in = " set=" + c.setID
			}
			c.out.Info("Deleted '%s' option: id=%s%s name=%s", id, pair, in, c.parameter)
		}
	}
	return last
}

// remove deletes a resource.
func (c *call) remove(ctx context.Context) error {
	if c.kind == nil {
		return failf(tool.Usage, "You need to specify a resource type with -t")
	}
	_, err := c.cib.Do(ctx, cib.Request{Op: cib.Delete, Section: "resources", Data: element(*c.kind, "id", c.resource)})
	if err != nil {
		code := cib.CodeOf(err)
		return failf(tool.Exit(code.Exit()), "Could not delete resource %s: %s", c.resource, code)
	}
	return nil
}
