package schema

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"
)

// What follows finds what may stand in place of, or beside, what was found: for the words of diagnose.go.

// insteadOf names the attributes that el, which lacks children of the form f, may have in place
// of them; "" where no form of its is complete with attributes alone.
func (d *definition) insteadOf(f *form, el *etree.Element, counts []int) string {
	var have uint64
	for i := range el.Attr {
		if at, ok := d.attrAt[el.Attr[i].Key]; ok {
			have |= 1 << at
		}
	}
	for i := range d.forms {
		o := &d.forms[i]
		attrs := o.alone(d, f, have)
		if len(attrs) > 0 && o.allows(have) && o.required&^have == o.required&^f.required&^have && o.holds(counts) {
			return list(attrs, "with")
		}
	}
	return ""
}

// holds tells whether the form has room for that many children of each kind, and needs no more.
func (f *form) holds(counts []int) bool {
	for k, n := range counts {
		if n > 0 && f.partOf[k] < 0 {
			return false
		}
	}
	for _, p := range f.parts {
		n := 0
		for _, k := range p.kids {
			n += counts[k]
		}
		if n < p.min || p.max >= 0 && n > p.max {
			return false
		}
	}
	return true
}

// allows tells whether all these attributes may stand in the form.
func (f *form) allows(have uint64) bool {
	for at, t := range f.types {
		if t == nil && have&(1<<at) != 0 {
			return false
		}
	}
	return true
}

// alone are the required attributes of f that are not in other and not there.
func (f *form) alone(d *definition, other *form, have uint64) []string {
	var out []string
	for at, n := range d.attrs {
		if f.required&(1<<at) != 0 && other.types[at] == nil && have&(1<<at) == 0 {
			out = append(out, n)
		}
	}
	return out
}

// names lists the attributes that the form allows beside those that are there.
func (f *form) names(d *definition, have uint64) string {
	var out []string
	for at, n := range d.attrs {
		if f.types[at] != nil && have&(1<<at) == 0 {
			out = append(out, n)
		}
	}
	return list(out, "or")
}

// conflict names what is there and excludes the attribute: the required attributes of
// the form that no form with the attribute has, or else children.
func conflict(d *definition, f *form, at int, have uint64, counts []int) string {
	var out []string
	for o, n := range d.attrs {
		if o == at || have&(1<<o) == 0 || f.types[o] == nil {
			continue
		}
		together := slices.ContainsFunc(d.forms, func(g form) bool { return g.types[o] != nil && g.types[at] != nil })
		if !together {
			out = append(out, n)
		}
	}
	for k, kid := range d.kids {
		if counts[k] == 0 || f.partOf[k] < 0 {
			continue
		}
		together := slices.ContainsFunc(d.forms, func(g form) bool { return g.partOf[k] >= 0 && g.types[at] != nil })
		if !together {
			out = append(out, "<"+kid.tag+">")
		}
	}
	return list(out, "and")
}

// excludes names the attributes of el that keep the child out.
func excludes(d *definition, f *form, el *etree.Element, kid int) string {
	var out []string
	for i := range el.Attr {
		at, ok := d.attrAt[el.Attr[i].Key]
		if !ok || f.types[at] == nil {
			continue
		}
		if !slices.ContainsFunc(d.forms, func(g form) bool { return g.types[at] != nil && g.partOf[kid] >= 0 }) {
			out = append(out, el.Attr[i].Key)
		}
	}
	for k, other := range d.kids {
		if k != kid && f.partOf[k] >= 0 && el.SelectElement(other.tag) != nil &&
			!slices.ContainsFunc(d.forms, func(g form) bool { return g.partOf[k] >= 0 && g.partOf[kid] >= 0 }) {
			out = append(out, "<"+other.tag+">")
		}
	}
	return list(out, "and")
}

// homes are the elements of this version that hold children of that name.
func (c *checker) homes(tag string) []string {
	var out []string
	for _, d := range c.g.all {
		if _, ok := d.kidAt[tag]; ok {
			if n := "<" + d.tag + ">"; !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// versions tells from when on, or until when, something is known that version v knows.
func (c *checker) versions(v int) string {
	if v > c.g.version {
		return fmt.Sprintf("%s has it, this document declares %s: raise it with \"cibadmin --upgrade\"", names[v], names[c.g.version])
	}
	return fmt.Sprintf("the last to have it was %s, this document declares %s: declare the former and raise it with \"cibadmin --upgrade\"", names[v], names[c.g.version])
}

// otherVersion tells that another version allows the attribute in such an element, with
// a value that fits.
func (c *checker) otherVersion(d *definition, attr string, fits func(*valueType) bool) string {
	name := ""
	for n, o := range c.g.all {
		if o == d {
			name = n
		}
	}
	for step := 1; step < len(names); step++ {
		for _, v := range []int{c.g.version + step, c.g.version - step} {
			if v < 0 || v >= index(None) {
				continue
			}
			o := grammarOf(v).all[name]
			if o == nil {
				continue
			}
			at, ok := o.attrAt[attr]
			if ok && (fits == nil || slices.ContainsFunc(o.forms, func(f form) bool { return f.types[at] != nil && fits(f.types[at]) })) {
				return c.versions(v)
			}
		}
	}
	return ""
}

// likely tells whether an attribute of <in> usually names elements of that tag.
func likely(attr, in, tag string) bool {
	switch attr {
	case "id-ref":
		return tag == in
	case "template":
		return tag == "template"
	case "reference", "ref":
		return true
	}
	switch in {
	case "role", "role_ref":
		return tag == "acl_role"
	}
	switch tag {
	case "primitive", "group", "clone", "master", "bundle", "template", "tag":
		return true
	}
	return false
}
