// Package conf reads and writes corosync.conf.
//
// There are two layers. A Section is the file as it stands: sections in braces
// with "key: value" lines, whatever they are called, each with its line number;
// Parse makes it, Format writes it as pcs does. A Config is what the file means
// to a node: typed settings with their defaults filled in, made by Read and
// checked by Validate. Nothing here touches the disk or the network.
package conf

import (
	"bytes"
	"fmt"
	"strings"
)

// Section is a part of the file between braces; the file itself is a Section without name.
type Section struct {
	Name     string
	Line     int // of its opening brace, from 1; 0 where it was not read
	Attrs    []Attr
	Sections []*Section
}

// Attr is one "key: value".
type Attr struct {
	Name, Value string
	Line        int
}

// Error is what is wrong in a file, and where.
type Error struct {
	File string
	Line int // 0 where no line is to blame
	Text string
	// Kind is what the error wraps; nil for nothing.
	Kind error
}

// Unwrap is Kind.
func (e *Error) Unwrap() error { return e.Kind }

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

const (
	maxLine  = 511 // what the original reads of a line, without its end
	maxPath  = 254
	maxDepth = 32
)

// Parse reads a file; name is its name in errors, which are of type *Error.
func Parse(name string, text []byte) (*Section, error) {
	root := &Section{}
	stack := []*Section{root}
	path := []string{}
	for i, raw := range bytes.Split(text, []byte("\n")) {
		fail := func(format string, args ...any) (*Section, error) {
			return nil, &Error{File: name, Line: i + 1, Text: fmt.Sprintf(format, args...)}
		}
		if len(raw) > maxLine {
			return fail("the line has %d bytes; %d are possible", len(raw), maxLine)
		}
		line := trim(strings.TrimSuffix(string(raw), "\r"))
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.IndexByte(line, 0) >= 0 {
			return fail("the line holds a NUL")
		}
		here := stack[len(stack)-1]
		if before, after, ok := strings.Cut(line, "{"); ok {
			section := trim(before)
			switch {
			case section == "":
				return fail("a section needs a name before its opening brace")
			case trim(after) != "":
				return fail("%q after an opening brace", trim(after))
			case len(stack) > maxDepth:
				return fail("sections are nested deeper than %d", maxDepth)
			case len(strings.Join(path, "."))+len(section)+1 > maxPath:
				return fail("the name of the section is too long")
			}
			s := &Section{Name: section, Line: i + 1}
			here.Sections = append(here.Sections, s)
			stack, path = append(stack, s), append(path, section)
			continue
		}
		if before, after, ok := strings.Cut(line, ":"); ok {
			key := trim(before)
			switch {
			case key == "":
				return fail("a value needs a key before its colon")
			case len(strings.Join(path, "."))+len(key)+1 > maxPath:
				return fail("the name of the key is too long")
			}
			here.Attrs = append(here.Attrs, Attr{key, trim(after), i + 1})
			continue
		}
		switch {
		case line == "}" && len(stack) > 1:
			stack, path = stack[:len(stack)-1], path[:len(path)-1]
		case line == "}":
			return fail("a closing brace where no section is open")
		case strings.Contains(line, "}"):
			return fail("a closing brace must stand alone on its line")
		default:
			return fail("%q is no section, no closing brace and no \"key: value\"", line)
		}
	}
	if len(stack) > 1 {
		open := stack[len(stack)-1]
		return nil, &Error{File: name, Line: open.Line, Text: fmt.Sprintf("section %q is not closed", open.Name)}
	}
	return root, nil
}

// trim removes spaces, tabs and the no-break space that word processors leave.
func trim(s string) string { return strings.Trim(s, " \t\u00a0") }

// Format writes the file as pcs does: four spaces a level, values before
// sections, empty lines between. Comments are not kept.
func (s *Section) Format() []byte {
	var b bytes.Buffer
	s.body(&b, "")
	return b.Bytes()
}

func (s *Section) body(b *bytes.Buffer, indent string) {
	for _, a := range s.Attrs {
		fmt.Fprintf(b, "%s%s: %s\n", indent, a.Name, a.Value)
	}
	for i, sub := range s.Sections {
		if i > 0 || len(s.Attrs) > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%s%s {\n", indent, sub.Name)
		sub.body(b, indent+"    ")
		fmt.Fprintf(b, "%s}\n", indent)
	}
}

// Get is the value of the last attribute called name, as the original takes it; false where there is none.
func (s *Section) Get(name string) (Attr, bool) {
	for i := len(s.Attrs) - 1; i >= 0; i-- {
		if s.Attrs[i].Name == name {
			return s.Attrs[i], true
		}
	}
	return Attr{}, false
}

// All lists the sections called name.
func (s *Section) All(name string) []*Section {
	var list []*Section
	for _, sub := range s.Sections {
		if sub.Name == name {
			list = append(list, sub)
		}
	}
	return list
}

// Set gives the attribute name a value, where it stands or at the end.
func (s *Section) Set(name, value string) {
	for i := range s.Attrs {
		if s.Attrs[i].Name == name {
			s.Attrs[i].Value = value
			s.Unset(name, i+1)
			return
		}
	}
	s.Attrs = append(s.Attrs, Attr{Name: name, Value: value})
}

// Unset removes the attributes called name from number from on.
func (s *Section) Unset(name string, from int) {
	kept := s.Attrs[:from]
	for _, a := range s.Attrs[from:] {
		if a.Name != name {
			kept = append(kept, a)
		}
	}
	s.Attrs = kept
}

// Add appends a new section.
func (s *Section) Add(name string) *Section {
	sub := &Section{Name: name}
	s.Sections = append(s.Sections, sub)
	return sub
}
