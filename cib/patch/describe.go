package patch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Describe tells people what a patch changes, a line for each thing: what goes and
// comes with "--" and "++", attributes that are set with "+ ", moves with "+~".
func Describe(diff *etree.Element) []string {
	lines := header(diff)
	for _, c := range diff.ChildElements() {
		path := c.SelectAttrValue("path", "")
		switch c.SelectAttrValue("operation", "") {
		case "delete":
			line := "-- " + path
			if at, ok := number(c, "position"); ok && at >= 0 {
				line += fmt.Sprintf(" (%d)", at)
			}
			lines = append(lines, line)
		case "create":
			lines = append(lines, created(c, path)...)
		case "move":
			lines = append(lines, fmt.Sprintf("+~ %s moved to offset %s", path, c.SelectAttrValue("position", "(null)")))
		case "modify":
			lines = append(lines, modified(c, path)...)
		}
	}
	return lines
}

// header tells the versions that the patch leads from and to.
func header(diff *etree.Element) []string {
	read := func(tag string) (v [3]int64) {
		if version := diff.SelectElement("version"); version != nil {
			if el := version.SelectElement(tag); el != nil {
				for i, name := range counters {
					v[i], _ = number(el, name)
				}
			}
		}
		return v
	}
	from, to := read("source"), read("target")
	switch {
	case from != to:
		return []string{
			fmt.Sprintf("Diff: --- %d.%d.%d %s", from[0], from[1], from[2], diff.SelectAttrValue("format", "(no format)")),
			fmt.Sprintf("Diff: +++ %d.%d.%d %s", to[0], to[1], to[2], diff.SelectAttrValue("digest", "(no digest)")),
		}
	case to != [3]int64{}:
		return []string{fmt.Sprintf("Local-only Change: %d.%d.%d", to[0], to[1], to[2])}
	}
	return nil
}

func modified(c *etree.Element, path string) []string {
	var set, unset []string
	if list := c.SelectElement("change-list"); list != nil {
		for _, a := range list.ChildElements() {
			name := "@" + a.SelectAttrValue("name", "")
			switch a.SelectAttrValue("operation", "") {
			case "set":
				set = append(set, name+"="+a.SelectAttrValue("value", ""))
			case "unset":
				unset = append(unset, name)
			}
		}
	}
	var lines []string
	if set != nil {
		lines = append(lines, "+  "+path+":  "+strings.Join(set, ", "))
	}
	if unset != nil {
		lines = append(lines, "-- "+path+":  "+strings.Join(unset, ", "))
	}
	return lines
}

// created shows a new element: its tag in the line that names the place, what is
// inside it below.
func created(c *etree.Element, path string) []string {
	fresh := nodes(c)
	if len(fresh) == 0 {
		return nil
	}
	el, ok := fresh[0].(*etree.Element)
	if !ok {
		return []string{"<!--" + fresh[0].(*etree.Comment).Data + "-->"}
	}
	first := "++ " + path + ": "
	lines := []string{first + " " + openTag(el, true)}
	if len(el.Child) == 0 {
		return lines
	}
	margin := "++" + strings.Repeat(" ", len(first)-1)
	var inside func(el *etree.Element, depth int)
	inside = func(el *etree.Element, depth int) {
		indent := strings.Repeat("  ", depth)
		for _, t := range nodes(el) {
			sub, ok := t.(*etree.Element)
			if !ok {
				lines = append(lines, indent+"<!--"+t.(*etree.Comment).Data+"-->")
				continue
			}
			lines = append(lines, margin+indent+openTag(sub, len(sub.Child) == 0))
			if len(sub.Child) > 0 {
				inside(sub, depth+1)
				lines = append(lines, margin+indent+"</"+sub.Tag+">")
			}
		}
	}
	inside(el, 1)
	return append(lines, margin+"</"+el.Tag+">")
}

// openTag writes a start tag. What the element's attribute "hidden" names is not shown.
func openTag(el *etree.Element, closed bool) string {
	hidden := strings.Split(el.SelectAttrValue("hidden", ""), ",")
	var b strings.Builder
	b.WriteString("<" + el.Tag)
	for _, a := range el.Attr {
		v := a.Value
		if slices.Contains(hidden, a.Key) {
			v = "*****"
		}
		b.WriteString(" " + a.Key + `="` + xml.EscapeAttr(v) + `"`)
	}
	if closed {
		b.WriteString("/>")
	} else {
		b.WriteString(">")
	}
	return b.String()
}
