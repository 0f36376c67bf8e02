package report

import (
	"bytes"
	"reflect"
	"testing"
)

// TestRecords tells items as records, and reads them back beside what else was written.
func TestRecords(t *testing.T) {
	items := []Item{
		{Text: "broken:\nbadly", Force: ByForce, Code: "X"},
		{Severity: Warning, Text: "careful", Node: "n1"},
		{Severity: Info, Text: "going"},
		{Severity: Deprecation, Text: "old"},
	}
	var b bytes.Buffer
	c := &Console{Stdout: &b, Stderr: &b, Minor: 9, Records: true}
	c.Tell(items...)
	b.WriteString("a program's words\n")
	c.Warn("more")
	got, rest := ReadRecords(b.String())
	if want := append(items, Item{Severity: Warning, Text: "more"}); !reflect.DeepEqual(got, want) || rest != "a program's words\n" || !c.Failed() {
		t.Errorf("got %+v, rest %q", got, rest)
	}
}
