package cib

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

// query answers with a part of root, which is not to be changed.
func query(root *etree.Element, req Request) (*etree.Element, error) {
	if !req.XPath {
		s := Section(root, req.Section)
		if s == nil {
			return nil, fail(NotFound, "there is no section %s", req.Section)
		}
		if req.NoChildren {
			return bare(s), nil
		}
		return s, nil
	}
	matches, err := xml.Select(root, req.Section)
	if err != nil || len(matches) == 0 {
		return nil, fail(NotFound, "nothing matches %s", req.Section)
	}
	if len(matches) == 1 && matches[0].IsElement() {
		switch m := matches[0].Element; {
		case req.NoChildren:
			return bare(m), nil
		case !req.PathsOnly:
			return m, nil
		}
	}
	out := etree.NewElement("xpath-query")
	for _, m := range matches {
		switch {
		case req.NoChildren && m.IsElement():
			out.AddChild(bare(m.Element))
		case req.PathsOnly:
			out.CreateElement("xpath-query-path").CreateAttr("id", Path(m.Element))
		case m.Attr != "":
			// A later attribute of the same name takes the place of the earlier one.
			value := m.Element.SelectAttrValue(m.Attr, "")
			out.RemoveAttr(m.Attr)
			out.CreateAttr(m.Attr, value)
		case m.IsElement():
			out.AddChild(xml.Copy(m.Element))
		case m.Document:
			// It is in the answer, but writes nothing.
			out.CreateText("")
		default:
			if c := clean(m.Token); c != nil {
				out.AddChild(c)
			}
		}
	}
	return out, nil
}

func bare(el *etree.Element) *etree.Element {
	b := etree.NewElement(el.Tag)
	b.Attr = slices.Clone(el.Attr)
	return b
}

// Path is the element's place as patches and queries write it: /cib/status/node_state[@id='1'].
func Path(el *etree.Element) string { return patch.Path(el) }
