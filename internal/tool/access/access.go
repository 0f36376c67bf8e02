// Package access shows a CIB with what a user may read and write marked in it.
package access

import (
	"errors"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/schema"
)

// Style is how permissions are marked.
type Style int

// The styles.
const (
	Text      Style = iota // a line before each element whose permission differs from that around it
	Color                  // green what may be written, blue what may be read, red the rest
	Namespace              // a prefix on each element whose permission differs from that around it
)

// marks of the permissions, in the order writable, readable, denied.
var (
	names  = [3]string{"writable", "readable", "denied"}
	titles = [3]string{"vvv---[ WRITABLE ]---vvv", "vvv---[ READABLE ]---vvv", "vvv---[ ~DENIED~ ]---vvv"}
	colors = [3]string{"\x1b[32m", "\x1b[34m", "\x1b[31m"}
)

const reset = "\x1b[0m"

// ErrPrivileged tells that the user may do all, so that there is nothing to show.
var ErrPrivileged = errors.New("Already in requested state") //nolint:staticcheck // the tool's words

// Show gives the document as the user sees it, all of it, with the marks; no newline at the end.
func Show(root *etree.Element, user acl.User, style Style) (string, error) {
	if strings.ContainsAny(user.Name, "<>&") {
		return "", &cib.Error{Code: cib.Invalid}
	}
	policy := acl.Permissions(root, user)
	if policy == nil {
		return "", ErrPrivileged
	}
	if schema.Compare(root.SelectAttrValue("validate-with", ""), "pacemaker-2.0") < 0 {
		return "", &cib.Error{Code: cib.SchemaValidation}
	}
	p := &printer{style: style, marks: policy.Marks(root)}
	p.b.WriteString("<!-- ACLs as evaluated for user " + user.Name + " -->\n")
	p.element(root, 0, -1, "")
	return p.b.String(), nil
}

type printer struct {
	b     strings.Builder
	style Style
	marks acl.Marks
	seen  map[int]bool // permissions that occur
}

// permission is the index of what may be done with el.
func (p *printer) permission(el *etree.Element) int {
	switch {
	case p.marks.May(el, acl.Write):
		return 0
	case p.marks.May(el, acl.Read):
		return 1
	}
	return 2
}

// element writes an element. outer is the permission of what is around it, before
// the white space that stands before it.
func (p *printer) element(el *etree.Element, depth, outer int, before string) {
	may := p.permission(el)
	prefix, open, end := "", "", ""
	switch {
	case p.style == Color:
		open, end = colors[may], reset
	case may == outer:
	case p.style == Namespace:
		prefix = "pcmk-access-" + names[may] + ":"
	default:
		if before == "" {
			p.b.WriteString(titles[may] + "\n")
		} else {
			p.b.WriteString(before + titles[may] + before)
		}
	}
	p.b.WriteString(open + "<" + prefix + el.Tag)
	for i := range el.Attr {
		if a := &el.Attr[i]; a.Space != "xmlns" && a.Key != "xmlns" {
			p.b.WriteString(" " + a.Key + `="` + a.Value + `"`)
		}
	}
	if p.style == Namespace && depth == 0 {
		p.seen = map[int]bool{}
		p.occurring(el)
		for i, n := range names {
			if p.seen[i] {
				p.b.WriteString(" xmlns:pcmk-access-" + n + `="http://clusterlabs.org/ns/pacemaker/access/` + n + `"`)
			}
		}
	}
	if !visible(el) {
		p.b.WriteString("/>" + end)
		return
	}
	p.b.WriteString(">")
	space := "\n" + strings.Repeat("  ", depth+1)
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
			p.b.WriteString(space)
			p.element(t, depth+1, may, space)
		case *etree.Comment:
			p.b.WriteString(space + "<!-- " + t.Data + " -->\n")
		case *etree.CharData:
			p.b.WriteString(t.Data)
		}
	}
	p.b.WriteString("\n" + strings.Repeat("  ", depth) + open + "</" + prefix + el.Tag + ">" + end)
}

// visible tells that an element has something inside that needs an end tag.
func visible(el *etree.Element) bool {
	for _, t := range el.Child {
		switch t.(type) {
		case *etree.Element, *etree.Comment:
			return true
		}
	}
	return false
}

func (p *printer) occurring(el *etree.Element) {
	p.seen[p.permission(el)] = true
	for _, c := range el.ChildElements() {
		p.occurring(c)
	}
}
