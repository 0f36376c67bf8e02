package xpath_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/cib/xpath"
)

func document(t testing.TB) *etree.Element {
	t.Helper()
	data, err := os.ReadFile("testdata/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xml.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// describe writes a result as testdata/libxml2.txt has it: how many nodes there are,
// and the first twelve of them, elements by name and id, attributes by name and value.
func describe(nodes []xpath.Node) string {
	words := []string{fmt.Sprint(len(nodes))}
	for i, n := range nodes {
		if i == 12 {
			break
		}
		switch t := n.Token.(type) {
		case *etree.Comment:
			words = append(words, t.Data)
			continue
		}
		switch {
		case n.El == nil:
			words = append(words, "")
		case n.Attr > 0:
			words = append(words, n.El.Attr[n.Attr-1].Key+n.El.Attr[n.Attr-1].Value)
		default:
			words = append(words, n.El.Tag+"#"+n.El.SelectAttrValue("id", ""))
		}
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// TestLikeLibxml2 holds each expression against what libxml2 2.9.14 gave for it.
func TestLikeLibxml2(t *testing.T) {
	root := document(t)
	f, err := os.Open("testdata/libxml2.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	lines := bufio.NewScanner(f)
	count := 0
	for lines.Scan() {
		expr, want, _ := strings.Cut(lines.Text(), "\t")
		count++
		got := "error"
		if e, err := xpath.Compile(expr); err == nil {
			if nodes, err := e.Select(root); err == nil {
				got = describe(nodes)
			}
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", expr, got, want)
		}
	}
	if count < 300 {
		t.Fatalf("only %d expressions", count)
	}
}

func TestID(t *testing.T) {
	root := document(t)
	for expr, want := range map[string]string{
		"id('ip')":        "1 primitive#ip",
		"id('web op1 1')": "1 primitive#web", // neither the status nor nodes have ids
		"id(//@rsc)":      "2 primitive#ip primitive#web",
		"id('ip')/*":      "1 meta_attributes#m1",
	} {
		e, err := xpath.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := e.Select(root)
		if got := describe(nodes); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", expr, got, err, want)
		}
	}
}

// TestBounded: what would take for ever ends with an error, and soon.
func TestBounded(t *testing.T) {
	root := document(t)
	for i := range 300 {
		c := root.CreateElement("status")
		for j := range 10 {
			c.CreateElement("x").CreateAttr("id", fmt.Sprint(i, j))
		}
	}
	for name, expr := range map[string]string{
		"loops in loops":   "//*[count(//*[count(//*[count(//*)>1])>1])>1]",
		"many steps":       "//*" + strings.Repeat("//..//*", 30),
		"too long":         "//" + strings.Repeat("x", xpath.MaxLength),
		"too deep":         strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200),
		"deep predicates":  "//*" + strings.Repeat("[*", 200) + strings.Repeat("]", 200),
		"text of all":      "//*[contains(string(/),string(//*))]" + strings.Repeat("[//*[contains(.,'a')]]", 20),
		"preceding of all": "//*/preceding::*/following::*/preceding::*",
	} {
		began := time.Now()
		e, err := xpath.Compile(expr)
		if err == nil {
			_, err = e.Select(root)
		}
		var fault *xpath.Error
		if err != nil && !errors.As(err, &fault) || err == nil && name != "text of all" && name != "many steps" {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func FuzzSelect(f *testing.F) {
	for _, s := range []string{
		"//primitive[@id='ip']/..", "(//a|//b)[last()]/@*[name()='x']", "count(//*[contains(@id,'x')])>1 or not(//y)",
		"/descendant::*[position() mod 2 = 0]/preceding-sibling::node()", "id('x')/following::text()", "//a[substring(@b, 1, 2)*2 - -1 div 3]",
	} {
		f.Add(s)
	}
	root := document(f)
	before := string(xml.Compact(root))
	f.Fuzz(func(t *testing.T, expr string) {
		e, err := xpath.Compile(expr)
		if err != nil {
			return
		}
		nodes, err := e.Select(root)
		if err != nil {
			return
		}
		seen := map[xpath.Node]bool{}
		for _, n := range nodes {
			if seen[n] {
				t.Fatalf("%q gives a node twice", expr)
			}
			seen[n] = true
		}
		if string(xml.Compact(root)) != before {
			t.Fatal("the document changed")
		}
	})
}

func BenchmarkSelect(b *testing.B) {
	root := document(b)
	res := root.FindElement("./configuration/resources")
	for i := range 37000 {
		res.CreateElement("primitive").CreateAttr("id", fmt.Sprint("p", i))
	}
	for _, expr := range []string{"//primitive[@id='p36000']", "/cib/configuration/resources/primitive[@id='ip']", "/cib/status"} {
		e, err := xpath.Compile(expr)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				if _, err := e.Select(root); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
