package cib

import (
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// schemaNumber reads the number of "pacemaker-3.9".
func schemaNumber(name string) (major, minor int, ok bool) {
	rest, ok := strings.CutPrefix(name, "pacemaker-")
	if !ok {
		return 0, 0, false
	}
	a, b, ok := strings.Cut(rest, ".")
	if !ok {
		return 0, 0, false
	}
	major, err := strconv.Atoi(a)
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(b)
	return major, minor, err == nil
}

// oldForms finds what schemas before 3.0 wrote in another way: it would have to be rewritten.
func oldForms(root *etree.Element) string {
	for _, el := range root.FindElements("./configuration//*") {
		name := el.SelectAttrValue("name", "")
		switch el.Tag {
		case "nvpair":
			set := el.Parent().Tag
			switch {
			case set == "cluster_property_set" && (strings.HasPrefix(name, "default-") || name == "is-managed-default" || name == "migration-limit" || strings.Contains(name, "_")):
				return "the property " + name
			case set == "meta_attributes" && (strings.HasPrefix(name, "isolation") || strings.Contains(name, "_")):
				return "the meta attribute " + name
			}
		case "op":
			if el.SelectAttr("requires") != nil {
				return "requires in an operation"
			}
		case "rsc_order", "rsc_colocation", "resource_set":
			for _, a := range []string{"score-attribute", "score-attribute-mangle"} {
				if el.SelectAttr(a) != nil {
					return a + " in a constraint"
				}
			}
		}
	}
	return ""
}

// upgrade raises the schema to the newest.
func (e *edit) upgrade() error {
	have := e.root.SelectAttrValue("validate-with", "")
	if have == "none" {
		return fail(SchemaUnchanged, "no schema is asked for")
	}
	major, minor, ok := schemaNumber(have)
	if !ok {
		return fail(NotSupported, "schema %q is not known", have)
	}
	newMajor, newMinor, _ := schemaNumber(NewSchema)
	if major > newMajor || major == newMajor && minor >= newMinor {
		return fail(SchemaUnchanged, "%s", have)
	}
	if major < 3 {
		if old := oldForms(e.root); old != "" {
			return fail(NotSupported, "not supported yet: rewriting %s of schema %s", old, have)
		}
	}
	e.root.CreateAttr("validate-with", NewSchema)
	v := VersionOf(e.root)
	v.AdminEpoch++
	v.Epoch, v.NumUpdates = 1, 1
	v.Set(e.root)
	e.changed = true
	return nil
}
