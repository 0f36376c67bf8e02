package show

import (
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib/number"
)

// Attr is an attribute as a text of JSON, null where there is none.
func Attr(el *etree.Element, name string) any {
	if a := el.SelectAttr(name); a != nil {
		return a.Value
	}
	return nil
}

// AttrInt is an attribute as a whole number, null where it is none.
func AttrInt(el *etree.Element, name string) any {
	if n, err := strconv.Atoi(el.SelectAttrValue(name, "")); err == nil {
		return n
	}
	return nil
}

// AttrBool is an attribute as a truth value, null where there is none.
func AttrBool(el *etree.Element, name string) any {
	if a := el.SelectAttr(name); a != nil {
		return number.IsTrue(a.Value)
	}
	return nil
}
