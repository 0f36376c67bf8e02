package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// quoter is the one function that writes a text as it stands in an XPath.
const quoter = "QuoteXPath"

// What of a text shows that it is an XPath which another text is put into: the comparison of an attribute, or of a step, with a verb of fmt, or at
// the end, where the other one follows.
var (
	pathVerb   = regexp.MustCompile(`\[[^\]]*=\s*(['"]?)%(?:\[\d+\])?([a-z])`)
	pathBefore = regexp.MustCompile(`\[[^\]]*=\s*(['"]?)$`)
	anyVerb    = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?([a-zA-Z%])`)
)

// composed finds where a file puts texts into XPaths that were not quoted for that: what is between quotes ends where the text has one, and selects
// something else then.
type composed struct {
	set    *token.FileSet
	consts map[string]bool // names of constants of the package
	found  []string
}

func (c *composed) report(n ast.Node, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s: %s", c.set.Position(n.Pos()), fmt.Sprintf(format, args...)))
}

// text is the value of a literal.
func text(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// called is the name of the function that an expression calls.
func called(e ast.Expr) string {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return ""
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// constant tells that an expression is made of literals and constants.
func (c *composed) constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return c.consts[e.Name]
	case *ast.SelectorExpr: // of another package
		id, ok := e.X.(*ast.Ident)
		return ok && id.Obj == nil && ast.IsExported(e.Sel.Name)
	case *ast.BinaryExpr:
		return c.constant(e.X) && c.constant(e.Y)
	case *ast.ParenExpr:
		return c.constant(e.X)
	}
	return false
}

// quoted tells that an expression is what the quoter gives, or nothing that needs quotes.
func (c *composed) quoted(e ast.Expr) bool { return called(e) == quoter || c.constant(e) }

func (c *composed) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		c.call(n)
	case *ast.BinaryExpr:
		if n.Op == token.ADD {
			c.sum(n)
		}
	}
	return true
}

// call looks at a path that is looked up, and at a format.
func (c *composed) call(n *ast.CallExpr) {
	if f := called(n); (f == "FindElement" || f == "FindElements") && len(n.Args) == 1 && !c.constant(n.Args[0]) {
		c.report(n, "the path of %s is composed: one that is malformed is a panic", f)
	}
	for i, a := range n.Args {
		if format, ok := text(a); ok {
			c.format(format, n, n.Args[i+1:])
		}
	}
}

// format looks at a text that may be a format, and what follows it in a call.
func (c *composed) format(format string, n *ast.CallExpr, args []ast.Expr) {
	places := pathVerb.FindAllStringSubmatchIndex(format, -1)
	if len(places) == 0 || len(args) == 0 {
		return
	}
	verbs := anyVerb.FindAllStringSubmatchIndex(format, -1)
	for _, p := range places {
		if verb := format[p[4]:p[5]]; verb == "d" {
			continue
		} else if p[2] != p[3] || verb == "q" {
			c.report(n, "%q has quotes of its own around a verb", format)
			continue
		}
		arg := 0
		for _, v := range verbs {
			if v[1] >= p[5] {
				if v[2] >= 0 {
					arg, _ = strconv.Atoi(format[v[2]:v[3]])
					arg--
				}
				break
			}
			if format[v[4]:v[5]] != "%" {
				arg++
			}
		}
		if arg >= len(args) || !c.quoted(args[arg]) {
			c.report(n, "%q is given a text that %s has not quoted", format, quoter)
		}
	}
}

// sum looks at what is put behind a part of an XPath.
func (c *composed) sum(n *ast.BinaryExpr) {
	left := n.X
	if b, ok := left.(*ast.BinaryExpr); ok && b.Op == token.ADD {
		left = b.Y
	}
	s, ok := text(left)
	if !ok {
		return
	}
	if m := pathBefore.FindStringSubmatch(s); m != nil && (m[1] != "" && !c.constant(n.Y) || !c.quoted(n.Y)) {
		c.report(n, "behind %q stands a text that %s has not quoted", s, quoter)
	}
}

// composedIn finds them in the files of a package, by name.
func composedIn(set *token.FileSet, files []*ast.File) []string {
	c := &composed{set: set, consts: map[string]bool{}}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, s := range d.Specs {
					for _, id := range s.(*ast.ValueSpec).Names {
						c.consts[id.Name] = true
					}
				}
			}
			return true
		})
	}
	for _, f := range files {
		ast.Inspect(f, c.visit)
	}
	return c.found
}

// TestXPathsAreQuoted: no name comes into an XPath but as QuoteXPath writes it, and no path of etree's, which knows no such quotes, is composed.
func TestXPathsAreQuoted(t *testing.T) {
	set, folders := token.NewFileSet(), map[string][]*ast.File{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) < 100 {
		t.Fatalf("%d packages only", len(folders))
	}
	for _, files := range folders {
		for _, found := range composedIn(set, files) {
			t.Error(found)
		}
	}
}

// What the rule finds, and what it lets pass.
func TestComposedIn(t *testing.T) {
	for _, c := range []struct {
		code string
		want int
	}{
		{`fmt.Sprintf("//node[@id='%s']", id)`, 1},
		{`fmt.Sprintf("//node[@id=\"%s\"]", id)`, 1},
		{`fmt.Sprintf("//node[@id=%q]", id)`, 1},
		{`fmt.Sprintf("//node[@id=%s]", id)`, 1},
		{`fmt.Sprintf("//%s[@id=%s]", tag, id)`, 1},
		{`fmt.Sprintf("//node[@id=%s]/x[@id=%s]", xml.QuoteXPath(id), id)`, 1},
		{`fmt.Sprintf("//node[@id=%[2]s]", xml.QuoteXPath(id), id)`, 1},
		{`fmt.Sprintf("//node[@id='a' and @uname = %s]", id)`, 1},
		{`fmt.Sprintf("//node[name()=%s]", id)`, 1},
		{`logf(1, "//node[@id='%s']", id)`, 1},
		{`"//node[@id='" + id + "']"`, 1},
		{`"//node[@id=" + id + "]"`, 1},
		{`at + "/node[@id='" + xml.QuoteXPath(id) + "']"`, 1},
		{`root.FindElement("./" + id)`, 1},
		{`root.FindElements(path)`, 1},
		{`root.FindElement(fmt.Sprintf("./node[@id='%s']", id))`, 2},
		{`fmt.Sprintf("//node[@id=%s]", xml.QuoteXPath(id))`, 0},
		{`fmt.Sprintf("//%s[@id=%s]", tag, xml.QuoteXPath(id))`, 0},
		{`fmt.Sprintf("%d%% //node[@id=%s]", 1, xml.QuoteXPath(id))`, 0},
		{`fmt.Sprintf("//node[@id=%[2]s]", id, xml.QuoteXPath(id))`, 0},
		{`fmt.Sprintf("//node[@id=%s]", "'1'")`, 0},
		{`fmt.Sprintf("//node[@id='%s']", fixed)`, 1},
		{`fmt.Sprintf("//node[%d=%d]", 1, n)`, 0},
		{`"//node[@id='" + fixed + "']"`, 0},
		{`"//node[@id=" + xml.QuoteXPath(id) + "]"`, 0},
		{`"//node[@id='1']/" + id`, 0},
		{`"node " + id + "[x=1]"`, 0},
		{`root.FindElement("./node[@id='1']")`, 0},
		{`root.FindElement("./" + fixed)`, 0},
		{`root.FindElement("./" + status.Tag)`, 0},
	} {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, "x.go", "package x\nconst fixed = `a`\nvar y = "+c.code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(c.code, err)
		}
		if got := composedIn(set, []*ast.File{f}); len(got) != c.want {
			t.Errorf("%s: %d found, want %d: %s", c.code, len(got), c.want, strings.Join(slices.Compact(got), "; "))
		}
	}
}
