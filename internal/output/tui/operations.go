package tui

import (
	"regexp"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hacluster/engine/status"
)

// operationLine is a line of the first page about an operation in a resource's history.
var operationLine = regexp.MustCompile(`^\s+[*+] \(([^)]*)\) ([a-z_]+)`)

// annotate finds what the lines of the first page are about: nodes, resources and operations.
func (v *view) annotate(text []string) []Line {
	lines := make([]Line, len(text))
	var node, resource string // under which an operation's line stands
	failures := false
	for i, l := range text {
		subjects := v.mentions(l)
		switch {
		case l != "" && l[0] != ' ' && l[0] != '*':
			node, resource = "", ""
			failures = strings.HasPrefix(l, "Failed ") && strings.Contains(l, "Actions:") && !strings.Contains(l, "Fencing")
		case strings.Contains(l, "migration-threshold=") && len(subjects) > 0 && subjects[0].Kind == Resource:
			resource = subjects[0].ID
		case strings.Contains(l, "Node") && len(subjects) > 0 && subjects[0].Kind == Node:
			node, resource = subjects[0].ID, ""
		}
		if m := operationLine.FindStringSubmatchIndex(l); m != nil && node != "" && resource != "" {
			if op, ok := v.recorded(node, resource, l[m[2]:m[3]], l[m[4]:m[5]]); ok {
				op.Start, op.End = ansi.StringWidth(l[:m[2]-1]), ansi.StringWidth(l)
				subjects = []Subject{op}
			}
		} else if failures {
			if op, ok := v.failed(l, subjects); ok {
				op.Start = len(l) - len(strings.TrimLeft(l, " *"))
				op.End = op.Start + ansi.StringWidth(l[op.Start:])
				subjects = append([]Subject{op}, subjects...)
			}
		}
		lines[i] = Line{Text: l, Style: lineStyle(l), Subjects: subjects}
	}
	return lines
}

// recorded finds an operation in the history of a resource on a node, by its call and task.
func (v *view) recorded(node, resource, call, what string) (Subject, bool) {
	n := v.c.FindNode(node)
	if n == nil {
		return Subject{}, false
	}
	for e := range n.History() {
		id := e.SelectAttrValue("id", "")
		if id != resource && status.BaseName(id) != status.BaseName(resource) {
			continue
		}
		for _, op := range e.SelectElements("lrm_rsc_op") {
			name := op.SelectAttrValue("operation", "")
			if op.SelectAttrValue("call-id", "") == call && (name == what || name == "monitor" && what == "probe") {
				return Subject{Kind: Operation, ID: id, Node: node, Op: op.SelectAttrValue("id", "")}, true
			}
		}
	}
	return Subject{}, false
}

// failed finds the failed operation that a line is about, which names these subjects.
func (v *view) failed(line string, subjects []Subject) (Subject, bool) {
	node := ""
	for _, s := range subjects {
		if s.Kind == Node {
			node = s.ID
			break
		}
	}
	for _, f := range v.c.Failures {
		id, key := resourceID(f), f.XML.SelectAttrValue("operation_key", f.XML.SelectAttrValue("id", ""))
		if f.Node.Name != node || id == "" {
			continue
		}
		if strings.Contains(line, key+" on ") || strings.Contains(line, " "+clean(id)+" ") && strings.Contains(line, " "+task(f.XML)+" ") {
			return Subject{Kind: Operation, ID: id, Node: node, Op: f.XML.SelectAttrValue("id", "")}, true
		}
	}
	return Subject{}, false
}
