package doc

import "github.com/beevik/etree"

// Containers are the kinds of container that a bundle may have, by their tags.
var Containers = []string{"docker", "podman", "rkt"}

// ByID gives the first element of these tags, looked for in their order, with this id, or nil.
func ByID(root *etree.Element, id string, tags ...string) *etree.Element {
	for _, t := range tags {
		for _, e := range All(root, t) {
			if ID(e) == id {
				return e
			}
		}
	}
	return nil
}

// IsStonith tells whether a resource is a fence device.
func IsStonith(el *etree.Element) bool {
	return el.Tag == "primitive" && Attr(el, "class") == "stonith"
}

// Cloned gives the resource of a clone, nil where it has none.
func Cloned(clone *etree.Element) *etree.Element {
	if in := Children(clone, "group", "primitive"); len(in) > 0 {
		return in[0]
	}
	return nil
}

// Container gives a bundle's container, nil where pcs does not know its kind.
func Container(bundle *etree.Element) *etree.Element {
	if in := Children(bundle, Containers...); len(in) > 0 {
		return in[0]
	}
	return nil
}

// Members gives the resources that a resource is made of, as far as the next level.
func Members(el *etree.Element) []*etree.Element {
	switch el.Tag {
	case "group", "bundle":
		return Children(el, "primitive")
	case "clone", "master":
		if c := Cloned(el); c != nil {
			return []*etree.Element{c}
		}
	}
	return nil
}
