package patch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// Error is a patch that does not fit. Code is Pacemaker's legacy number.
type Error struct {
	Code int
	Msg  string
}

func (e *Error) Error() string { return e.Msg }

// The codes of an Error.
const (
	CodeInvalid   = 22  // the patch itself is malformed
	CodeNoMessage = 42  // a modify says nothing
	CodeOldData   = 205 // the document is newer than the patch's source
	CodeFailed    = 206 // the document is older, or a place is missing
)

func fail(code int, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// Check tells Apply whether the versions must fit.
type Check bool

// Whether a patch's source version must be that of the document.
const (
	CheckVersion  Check = true
	IgnoreVersion Check = false
)

// Result is a patched document. Config tells that something below configuration changed.
type Result struct {
	Root   *etree.Element
	Config bool
}

type placed struct {
	pos    int
	parent *etree.Element
	token  etree.Token
}

// Apply carries the patch out on a copy of root, which stays as it was. The error is *Error.
func Apply(root, diff *etree.Element, check Check) (Result, error) {
	if f := diff.SelectAttrValue("format", "1"); f != "2" {
		return Result{}, fail(CodeInvalid, "patch format %s is not supported (2 is)", f)
	}
	if check {
		if err := versions(root, diff); err != nil {
			return Result{}, err
		}
	}
	work := root.Copy()
	res := Result{Root: work}
	var later []placed
	for _, c := range diff.ChildElements() {
		if c.Tag != "change" {
			continue
		}
		op, path := c.SelectAttrValue("operation", ""), c.SelectAttrValue("path", "")
		if op == "" {
			continue
		}
		if strings.HasPrefix(path, "/cib/configuration") {
			res.Config = true
		}
		target := locate(work, path, c)
		switch op {
		case "delete":
			if target != nil {
				if p := parentOf(target); p != nil {
					p.RemoveChild(target)
				}
			}
			continue
		case "create", "modify", "move":
			if target == nil {
				return Result{}, fail(CodeFailed, "%s: there is no %s", op, path)
			}
		default:
			return Result{}, fail(CodeFailed, "%s: unknown operation %q", path, op)
		}
		switch op {
		case "modify":
			el, isElement := target.(*etree.Element)
			r := c.SelectElement("change-result")
			if r == nil || len(r.ChildElements()) == 0 || !isElement {
				return Result{}, fail(CodeNoMessage, "modify of %s says nothing", path)
			}
			el.Attr = nil
			for _, a := range r.ChildElements()[0].Attr {
				el.CreateAttr(a.Key, a.Value)
			}
		case "create":
			el, isElement := target.(*etree.Element)
			if !isElement {
				return Result{}, fail(CodeFailed, "create: %s is not an element", path)
			}
			for _, t := range nodes(c) {
				later = append(later, placed{position(c), el, copyOf(t)})
				break
			}
		case "move":
			p := parentOf(target)
			if p == nil {
				return Result{}, fail(CodeFailed, "the root cannot be moved")
			}
			p.RemoveChild(target)
			p.AddChild(target)
			later = append(later, placed{position(c), p, target})
		}
	}
	slices.SortStableFunc(later, func(a, b placed) int { return a.pos - b.pos })
	for _, l := range later {
		if parentOf(l.token) == l.parent {
			l.parent.RemoveChild(l.token)
		}
		at := len(l.parent.Child)
		if siblings := nodes(l.parent); l.pos >= 0 && l.pos < len(siblings) {
			at = siblings[l.pos].Index()
		}
		l.parent.InsertChildAt(at, l.token)
	}
	return res, nil
}

func position(c *etree.Element) int {
	n, err := strconv.Atoi(c.SelectAttrValue("position", "-1"))
	if err != nil {
		return -1
	}
	return n
}

func copyOf(t etree.Token) etree.Token {
	if el, ok := t.(*etree.Element); ok {
		return el.Copy()
	}
	return etree.NewComment(t.(*etree.Comment).Data)
}

func parentOf(t etree.Token) *etree.Element {
	if p := t.Parent(); p != nil && p.Tag != "" {
		return p
	}
	return nil
}

// locate walks a path of steps "name" and "name[@id='ID']" down from root.
func locate(root *etree.Element, path string, c *etree.Element) etree.Token {
	steps := split(path)
	if len(steps) == 0 || !isStep(root, steps[0]) {
		return nil
	}
	at := root
	for i, s := range steps[1:] {
		if s == "comment" && i == len(steps)-2 {
			if c.SelectAttr("position") == nil {
				return nil
			}
			want := position(c)
			if c.SelectAttrValue("operation", "") == "move" {
				want = -1
			}
			for j, n := range nodes(at) {
				if _, ok := n.(*etree.Comment); ok && (j == want || want < 0) {
					return n
				}
			}
			return nil
		}
		var next *etree.Element
		for _, child := range at.ChildElements() {
			if isStep(child, s) {
				next = child
				break
			}
		}
		if next == nil {
			return nil
		}
		at = next
	}
	return at
}

// split cuts a path at the slashes outside quotes.
func split(path string) []string {
	if !strings.HasPrefix(path, "/") {
		return nil
	}
	var steps []string
	quoted, from := false, 1
	for i := 1; i < len(path); i++ {
		switch path[i] {
		case '\'':
			quoted = !quoted
		case '/':
			if !quoted {
				steps = append(steps, path[from:i])
				from = i + 1
			}
		}
	}
	return append(steps, path[from:])
}

func isStep(el *etree.Element, step string) bool {
	tag, cond, has := strings.Cut(step, "[@id='")
	if el.Tag != tag {
		return false
	}
	return !has || el.SelectAttrValue("id", "") == strings.TrimSuffix(cond, "']")
}

// versions holds the document's counters against the patch's source and target.
func versions(root, diff *etree.Element) error {
	var have, source, target [3]int64
	for i, name := range counters {
		have[i] = max(0, number(root, name, 0))
	}
	source = have
	target = have
	target[2]++
	if v := diff.SelectElement("version"); v != nil {
		for tag, to := range map[string]*[3]int64{"source": &source, "target": &target} {
			el := v.SelectElement(tag)
			if el == nil {
				continue
			}
			for i, name := range counters {
				if to[i] = number(el, name, -1); to[i] < 0 {
					return fail(CodeInvalid, "the patch's %s has no proper %s", tag, name)
				}
			}
		}
	}
	for i := range have {
		if have[i] < source[i] {
			return fail(CodeFailed, "the document is at %s %d, the patch starts from %d", counters[i], have[i], source[i])
		}
		if have[i] > source[i] {
			return fail(CodeOldData, "the document is at %s %d, the patch starts from %d", counters[i], have[i], source[i])
		}
	}
	for i := range have {
		if target[i] > source[i] {
			return nil
		}
		if target[i] < source[i] {
			break
		}
	}
	return fail(CodeOldData, "the patch does not lead to a newer version")
}

func number(el *etree.Element, name string, missing int64) int64 {
	a := el.SelectAttr(name)
	if a == nil {
		return missing
	}
	n, err := strconv.ParseInt(a.Value, 10, 64)
	if err != nil {
		return missing
	}
	return n
}
