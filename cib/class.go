package cib

import (
	"strings"

	"github.com/beevik/etree"
)

// ClassOf is the class of a primitive's agent, which it may have from its template; resources is the section that holds both.
func ClassOf(resources, primitive *etree.Element) string {
	name := primitive.SelectAttrValue("template", "")
	if name == "" || resources == nil {
		return primitive.SelectAttrValue("class", "")
	}
	for _, t := range resources.SelectElements("template") {
		if t.SelectAttrValue("id", "") == name {
			return t.SelectAttrValue("class", "")
		}
	}
	return ""
}

// Fences tells whether a primitive is a fence device.
func Fences(resources, primitive *etree.Element) bool {
	return strings.EqualFold(ClassOf(resources, primitive), "stonith")
}
