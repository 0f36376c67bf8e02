// Package corosyncconf is corosync.conf as pcs edits it: sections in sections, options in
// order, unknown ones kept, comments and layout not. It writes the file in pcs's own layout.
package corosyncconf

import (
	"errors"
	"slices"
	"strings"

	"hacluster/internal/pcs/pattern"
)

// Option is name: value.
type Option struct{ Name, Value string }

// Section is a section of the file; the file itself is one without a name.
type Section struct {
	Name     string
	Options  []Option
	Sections []*Section
	parent   *Section
}

// What can be wrong with a file, in pcs's words.
var (
	ErrMissingClose = errors.New("missing closing brace")
	ErrExtraClose   = errors.New("unexpected closing brace")
	ErrNoName       = errors.New("missing a section name before {")
	ErrAfterOpen    = errors.New("extra characters after {")
	ErrAroundClose  = errors.New("extra characters before or after }")
	ErrLine         = errors.New("a line is not opening or closing a section or key: value")
)

// maxDepth bounds sections inside each other.
const maxDepth = 64

// Parse reads a file as pcs does from 0.10 on.
func Parse(text string) (*Section, error) { return parse(text, true) }

// Parse09 reads a file as 0.9 does, to which only braces that do not match are wrong: it takes no notice of what stands
// beside them, and of lines that say nothing.
func Parse09(text string) (*Section, error) { return parse(text, false) }

func parse(text string, strict bool) (*Section, error) {
	root := &Section{}
	at, depth := root, 0
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		switch {
		case strings.Contains(line, "{"):
			i := strings.LastIndex(line, "{")
			if strict && strings.TrimSpace(line[i+1:]) != "" {
				return nil, ErrAfterOpen
			}
			name := strings.TrimSpace(line[:i])
			if strict && name == "" {
				return nil, ErrNoName
			}
			if depth++; depth > maxDepth {
				return nil, ErrMissingClose
			}
			at = at.Add(&Section{Name: name})
		case strings.Contains(line, "}"):
			if strict && line != "}" {
				return nil, ErrAroundClose
			}
			if at.parent == nil {
				return nil, ErrExtraClose
			}
			at = at.parent
			depth--
		case strings.Contains(line, ":"):
			name, value, _ := strings.Cut(line, ":")
			at.Options = append(at.Options, Option{strings.TrimSpace(name), strings.TrimSpace(value)})
		case strict:
			return nil, ErrLine
		}
	}
	if at.parent != nil {
		return nil, ErrMissingClose
	}
	return root, nil
}

// String writes the section in pcs's layout.
func (s *Section) String() string {
	var lines []string
	for _, o := range s.Options {
		lines = append(lines, o.Name+": "+o.Value)
	}
	if len(s.Options) > 0 && len(s.Sections) > 0 {
		lines = append(lines, "")
	}
	for i, c := range s.Sections {
		lines = append(lines, strings.Split(strings.TrimSuffix(c.String(), "\n"), "\n")...)
		if i < len(s.Sections)-1 {
			lines = append(lines, "")
		}
	}
	if s.parent != nil {
		for i, l := range lines {
			if l != "" {
				lines[i] = "    " + l
			}
		}
		lines = append([]string{s.Name + " {"}, append(lines, "}")...)
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// Add puts a section at the end and gives it back.
func (s *Section) Add(c *Section) *Section {
	c.parent = s
	s.Sections = append(s.Sections, c)
	return c
}

// Remove takes a section out.
func (s *Section) Remove(c *Section) {
	s.Sections = slices.DeleteFunc(s.Sections, func(x *Section) bool { return x == c })
	c.parent = nil
}

// All are the sections of a name.
func (s *Section) All(name string) []*Section {
	var out []*Section
	for _, c := range s.Sections {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// Last is the last section of a name, made where there is none.
func (s *Section) Last(name string) *Section {
	if all := s.All(name); len(all) > 0 {
		return all[len(all)-1]
	}
	return s.Add(&Section{Name: name})
}

// Get is the value of an option, the last one where it stands several times.
func (s *Section) Get(name string) (string, bool) {
	for i := len(s.Options) - 1; i >= 0; i-- {
		if s.Options[i].Name == name {
			return s.Options[i].Value, true
		}
	}
	return "", false
}

// Value is Get, "" without.
func (s *Section) Value(name string) string { v, _ := s.Get(name); return v }

// Put adds an option at the end.
func (s *Section) Put(name, value string) *Section {
	s.Options = append(s.Options, Option{name, value})
	return s
}

// Set changes an option in its first place and drops its other places; a new one is added.
func (s *Section) Set(name, value string) {
	found := false
	var out []Option
	for _, o := range s.Options {
		if o.Name != name {
			out = append(out, o)
		} else if !found {
			found = true
			out = append(out, Option{name, value})
		}
	}
	s.Options = out
	if !found {
		s.Put(name, value)
	}
}

// Drop removes an option.
func (s *Section) Drop(name string) {
	s.Options = slices.DeleteFunc(s.Options, func(o Option) bool { return o.Name == name })
}

// Names and values that can stand in the file.
var (
	NameRE    = pattern.Late(`^[a-zA-Z0-9/_-]+$`)
	badValues = "{}\n\r"
)

// Verify names what cannot be written: sections, options, and options with their values.
func (s *Section) Verify(prefix string) (sections, options []string, values []Option) {
	path := join(prefix, s.Name)
	if s.Name != "" && !NameRE().MatchString(s.Name) {
		sections = append(sections, path)
	}
	for _, o := range s.Options {
		if !NameRE().MatchString(o.Name) {
			options = append(options, join(path, o.Name))
		}
		if strings.ContainsAny(o.Value, badValues) {
			values = append(values, Option{join(path, o.Name), o.Value})
		}
	}
	for _, c := range s.Sections {
		a, b, v := c.Verify(path)
		sections, options, values = append(sections, a...), append(options, b...), append(values, v...)
	}
	return sections, options, values
}

func join(a, b string) string {
	if a != "" && b != "" {
		return a + "." + b
	}
	return a + b
}
