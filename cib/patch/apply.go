package patch

import (
	"crypto/md5" //nolint:gosec // the digest that Pacemaker's patches carry
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
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

// Result is a patched document. Config tells that something below configuration
// was created, deleted or given other attributes (a move alone does not count).
type Result struct {
	Root   *etree.Element
	Config bool
}

// placed is a node that is put in its place when all else is done.
type placed struct {
	pos    int
	parent *etree.Element
	token  etree.Token
	create bool
}

// Apply carries the patch out on a copy of root, which stays as it was. With
// KeepOrder attributes that were there keep their places. The error is *Error.
func Apply(root, diff *etree.Element, check Check, opts ...Option) (Result, error) {
	work := xml.Copy(root)
	config, err := ApplyTo(work, diff, nil, check, opts...)
	if err != nil {
		return Result{}, err
	}
	return Result{Root: work, Config: config}, nil
}

// ApplyTo is Apply on the document itself. j is told of all that changes: after an error it
// can undo what was done up to there.
func ApplyTo(root, diff *etree.Element, j *Journal, check Check, opts ...Option) (config bool, err error) {
	format, _ := number(diff, "format")
	if format != 2 {
		return false, fail(CodeInvalid, "patch format %s is not supported (2 is)", diff.SelectAttrValue("format", "1"))
	}
	if check {
		if err := versions(root, diff); err != nil {
			return false, err
		}
	}
	a := &applier{root: root, was: j, keepOrder: slices.Contains(opts, KeepOrder)}
	for _, c := range diff.ChildElements() {
		if op := c.SelectAttr("operation"); op != nil {
			a.change(op.Value, c.SelectAttrValue("path", ""), c)
		}
	}
	slices.SortStableFunc(a.later, func(x, y placed) int { return x.pos - y.pos })
	for _, l := range a.later {
		a.place(l)
	}
	if a.err != nil {
		return false, a.err
	}
	if want := diff.SelectAttr("digest"); want != nil && !strings.EqualFold(Digest(a.root), want.Value) {
		return false, fail(CodeFailed, "the result's digest is %s, not %s as the patch says", Digest(a.root), want.Value)
	}
	return a.config, nil
}

// applier is a patch at work.
type applier struct {
	root      *etree.Element
	was       *Journal
	keepOrder bool
	config    bool
	later     []placed
	err       error // the last fault; one does not end the work, so that the code is that of the last
}

func (a *applier) fault(code int, format string, args ...any) { a.err = fail(code, format, args...) }

// touch notes that el, or something right below it, changes.
func (a *applier) touch(el *etree.Element) {
	for ; el != nil; el = parentOf(el) {
		if el.Tag == "configuration" && parentOf(el) == a.root {
			a.config = true
		}
	}
}

// change carries out what can be done at once, and notes the rest for later.
func (a *applier) change(op, path string, c *etree.Element) {
	position := -1
	if op == "delete" {
		if n, ok := number(c, "position"); ok {
			position = int(n)
		}
	}
	target := locate(a.root, path, position)
	if target == nil {
		if op != "delete" {
			a.fault(CodeFailed, "%s: there is no %s", op, path)
		}
		return
	}
	el, isElement := target.(*etree.Element)
	switch op {
	case "delete":
		parent := parentOf(target)
		if parent == nil {
			a.fault(CodeFailed, "delete: the root cannot go")
			return
		}
		if isElement {
			a.touch(el)
		} else {
			a.touch(parent)
		}
		a.was.Child(parent)
		parent.RemoveChild(target)
	case "modify":
		a.modify(el, c)
	case "create":
		a.create(el, c)
	case "move":
		parent := parentOf(target)
		if parent == nil {
			a.fault(CodeFailed, "move: the root cannot be moved")
			return
		}
		a.was.Child(parent)
		parent.RemoveChild(target)
		parent.AddChild(target)
		at, _ := number(c, "position")
		a.later = append(a.later, placed{int(at), parent, target, false})
	default:
		a.fault(CodeFailed, "%s: unknown operation %q", path, op)
	}
}

func (a *applier) modify(el, c *etree.Element) {
	r := c.SelectElement("change-result")
	if r == nil || len(nodes(r)) == 0 || el == nil {
		a.fault(CodeNoMessage, "modify of %s says nothing", c.SelectAttrValue("path", ""))
		return
	}
	want, ok := nodes(r)[0].(*etree.Element)
	if !ok {
		want = etree.NewElement("none")
	}
	a.touch(el)
	a.was.Attr(el)
	if !a.keepOrder {
		el.Attr = nil
	}
	el.Attr = slices.DeleteFunc(el.Attr, func(at etree.Attr) bool { return want.SelectAttr(at.Key) == nil })
	for _, at := range want.Attr {
		el.CreateAttr(at.Key, at.Value)
	}
}

func (a *applier) create(el, c *etree.Element) {
	fresh := nodes(c)
	if el == nil || len(fresh) == 0 {
		a.fault(CodeFailed, "create below %s: there is nothing to create", c.SelectAttrValue("path", ""))
		return
	}
	at, ok := number(c, "position")
	if !ok {
		at = 0
	}
	a.later = append(a.later, placed{int(at), el, copyOf(fresh[0]), true})
}

// place puts a node where it belongs: before the sibling that has its position now,
// else at the end. A node that was moved must end where the patch says.
func (a *applier) place(l placed) {
	if l.create {
		siblings := nodes(l.parent)
		at := len(l.parent.Child)
		if l.pos >= 0 && l.pos < len(siblings) {
			at = siblings[l.pos].Index()
		}
		a.was.Child(l.parent)
		l.parent.InsertChildAt(at, l.token)
		if el, ok := l.token.(*etree.Element); ok {
			a.touch(el)
		} else {
			a.touch(l.parent)
		}
		return
	}
	l.parent = parentOf(l.token)
	if l.parent == nil {
		return
	}
	a.was.Child(l.parent)
	l.parent.RemoveChild(l.token)
	siblings := nodes(l.parent)
	at := len(l.parent.Child)
	if l.pos >= 0 && l.pos < len(siblings) {
		at = siblings[l.pos].Index()
	}
	l.parent.InsertChildAt(at, l.token)
	if l.pos < 0 || l.pos > len(siblings) {
		a.fault(CodeFailed, "move: there is no position %d for %s", l.pos, Path(l.parent))
	}
}

func copyOf(t etree.Token) etree.Token {
	if el, ok := t.(*etree.Element); ok {
		return xml.Copy(el)
	}
	return etree.NewComment(t.(*etree.Comment).Data)
}

func parentOf(t etree.Token) *etree.Element {
	if p := t.Parent(); p != nil && p.Tag != "" {
		return p
	}
	return nil
}

// idStep is what follows a step's name before an id.
const idStep = "[@id="

// locate walks a path of steps "name" and "name[@id='ID']" down from root. position is
// that of a comment among its siblings, negative when any will do.
func locate(root *etree.Element, path string, position int) etree.Token {
	steps := split(path)
	if len(steps) == 0 || !isStep(root, steps[0]) {
		return nil
	}
	at := root
	for i, s := range steps[1:] {
		next := child(at, s, i == len(steps)-2, position)
		el, ok := next.(*etree.Element)
		if !ok {
			return next // a comment, or nothing
		}
		at = el
	}
	return at
}

// child gives the child that a step names; comments only where it is the last. A step
// without an id means the first element of that name that has none. (Pacemaker takes
// the first of that name, and so the wrong one where some have ids and some have not.)
func child(parent *etree.Element, step string, last bool, position int) etree.Token {
	_, _, wantsID := strings.Cut(step, idStep)
	var other *etree.Element
	for i, n := range nodes(parent) {
		el, isElement := n.(*etree.Element)
		switch {
		case isElement && isStep(el, step):
			if wantsID || el.SelectAttr("id") == nil {
				return el
			}
			if other == nil {
				other = el
			}
		case !isElement && step == "comment" && last && (position < 0 || position == i):
			return n
		}
	}
	if other != nil {
		return other
	}
	return nil
}

// split cuts a path at the slashes outside quotes.
func split(path string) []string {
	if !strings.HasPrefix(path, "/") {
		return nil
	}
	var steps []string
	quote, from := byte(0), 1 // 0: outside of quotes
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'', c == '"':
			quote = c
		case c == '/':
			steps = append(steps, path[from:i])
			from = i + 1
		}
	}
	return append(steps, path[from:])
}

func isStep(el *etree.Element, step string) bool {
	tag, cond, has := strings.Cut(step, idStep)
	if el.Tag != tag {
		return false
	}
	if !has {
		return true
	}
	id, rest, ok := xml.UnquoteXPath(cond)
	if !ok || rest != "]" {
		id = strings.TrimSuffix(strings.TrimPrefix(cond, "'"), "']") // Pacemaker quotes nothing
	}
	return el.SelectAttrValue("id", "") == id
}

// versions holds the document's counters against the patch's source and target.
func versions(root, diff *etree.Element) error {
	var have, source, target [3]int64
	for i, name := range counters {
		n, _ := number(root, name)
		have[i] = max(0, n)
	}
	source = have
	target = have
	target[2]++
	if v := diff.SelectElement("version"); v != nil {
		for _, side := range []struct {
			tag string
			to  *[3]int64
		}{{"source", &source}, {"target", &target}} {
			el := v.SelectElement(side.tag)
			if el == nil {
				continue
			}
			for i, name := range counters {
				n, ok := number(el, name)
				if !ok {
					return fail(CodeInvalid, "the patch's %s has no proper %s", side.tag, name)
				}
				side.to[i] = n
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
	}
	return fail(CodeOldData, "the patch does not lead to a newer version")
}

// number reads a 32-bit number that an attribute's value begins with.
func number(el *etree.Element, name string) (int64, bool) {
	a := el.SelectAttr(name)
	if a == nil {
		return 0, false
	}
	s := strings.TrimLeft(a.Value, " \t\n\v\f\r")
	end := 0
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(s[:end], 10, 32)
	return n, err == nil
}

// Digest is the digest that patches carry: MD5, 32 hex digits, of a document on one
// line without text and without the attributes that tell who wrote it when.
func Digest(root *etree.Element) string {
	h := md5.Sum(xml.CompactWithout(root, "crm-debug-origin", "cib-last-written", "update-origin", "update-client", "update-user")) //nolint:gosec // see the import
	return hex.EncodeToString(h[:])
}
