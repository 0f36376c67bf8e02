// Package library is what pcsd's API calls commands of pcs's library: their names, the rights they take, their
// parameters, and which pcs command lines carry them out. It plans; the server runs.
package library

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Call is a command that is to be carried out.
type Call struct {
	// Steps are command lines of pcs, options first, one after the other until one fails.
	Steps [][]string
	// Data makes the command's result of what the steps printed; nil is none.
	Data func(stdout []string) (any, error)
	// Native names a command that the server carries out itself.
	Native string
	// Dialect is whose words the steps are, "" those of 0.11.
	Dialect string
}

// Command is one of the library's.
type Command struct {
	// Name is what version 2 of the API calls it.
	Name string
	// Need is the right that it takes; "superuser" is hacluster's alone.
	Need string
	// required and optional are the names of the parameters.
	required, optional []string
	plan               func(p *params) Call
	native             string
}

// PayloadError is parameters that a command does not take.
type PayloadError struct{ Text string }

func (e *PayloadError) Error() string { return e.Text }

// Find gives a command by its name in version 2 of the API.
func Find(name string) (Command, bool) {
	c, ok := commands[name]
	c.Name = name
	return c, ok
}

// FindV1 gives a command by its name in version 1.
func FindV1(name string) (Command, bool) { return Find(v1[name]) }

// Names are all commands.
func Names() []string { return slices.Sorted(maps.Keys(commands)) }

// NamesV1 are all names of version 1.
func NamesV1() []string { return slices.Sorted(maps.Keys(v1)) }

// Verbs are the verbs of pcs that commands carry out.
func Verbs() []string { return slices.Clone(verbs) }

// Plan reads the parameters of a command. Its errors are *PayloadError.
func (c Command) Plan(raw map[string]json.RawMessage) (Call, error) {
	var missing, unknown []string
	for _, n := range c.required {
		if _, ok := raw[n]; !ok {
			missing = append(missing, n)
		}
	}
	for n := range raw {
		if !slices.Contains(c.required, n) && !slices.Contains(c.optional, n) {
			unknown = append(unknown, n)
		}
	}
	sort.Strings(unknown)
	switch {
	case len(missing) > 0:
		return Call{}, &PayloadError{"missing parameters: " + strings.Join(missing, ", ")}
	case len(unknown) > 0:
		return Call{}, &PayloadError{"unexpected parameters: " + strings.Join(unknown, ", ")}
	}
	if c.native != "" {
		return Call{Native: c.native}, nil
	}
	p := &params{raw: raw}
	call := c.plan(p)
	if p.err != nil {
		return Call{}, p.err
	}
	for i, s := range call.Steps {
		options := slices.Clone(p.options)
		call.Steps[i] = append(append(options, "--"), s...)
	}
	return call, nil
}

// params are the parameters of a call. The first that is not of its kind is remembered.
type params struct {
	raw     map[string]json.RawMessage
	options []string
	err     error
}

func (p *params) fail(name, want string) {
	if p.err == nil {
		p.err = &PayloadError{fmt.Sprintf("parameter %s is not %s", name, want)}
	}
}

// has tells whether a parameter was given and is not null.
func (p *params) has(name string) bool {
	v, ok := p.raw[name]
	return ok && string(v) != "null"
}

// word is a parameter that becomes a word of a command line. A word that is empty or looks like an option is refused;
// after "--" it would be harmless, but nothing good is called so.
func (p *params) word(name string) string {
	s := p.text(name)
	if p.err == nil && (s == "" || strings.ContainsRune(s, 0)) {
		p.fail(name, "a text without zero bytes")
	}
	return s
}

// text is a string or a number; null is "".
func (p *params) text(name string) string {
	if !p.has(name) {
		return ""
	}
	var v any
	if json.Unmarshal(p.raw[name], &v) != nil {
		p.fail(name, "a text")
	}
	switch x := v.(type) {
	case string:
		if strings.ContainsRune(x, 0) {
			p.fail(name, "a text without zero bytes")
		}
		return x
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%f", x), ".000000")
	}
	p.fail(name, "a text")
	return ""
}

func (p *params) truth(name string) bool {
	if !p.has(name) {
		return false
	}
	var b bool
	if json.Unmarshal(p.raw[name], &b) != nil {
		p.fail(name, "true or false")
	}
	return b
}

func (p *params) list(name string) []string {
	if !p.has(name) {
		return nil
	}
	var l []string
	if json.Unmarshal(p.raw[name], &l) != nil {
		p.fail(name, "a list of texts")
	}
	for _, x := range l {
		if x == "" || strings.ContainsRune(x, 0) {
			p.fail(name, "a list of texts")
		}
	}
	return l
}

// pairs are an object's name=value words, by name.
func (p *params) pairs(name string) []string {
	if !p.has(name) {
		return nil
	}
	return p.pairsOf(name, p.raw[name])
}

func (p *params) pairsOf(name string, raw json.RawMessage) []string {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		p.fail(name, "an object of texts")
		return nil
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := ""
		switch x := m[k].(type) {
		case nil:
		case string:
			v = x
		case float64, bool:
			v = strings.TrimSuffix(fmt.Sprint(x), ".0")
		default:
			p.fail(name, "an object of texts")
		}
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(v, 0) {
			p.fail(name, "an object of texts")
		}
		out = append(out, k+"="+v)
	}
	return out
}

// each reads a list of objects.
func (p *params) each(name string) []map[string]json.RawMessage {
	var out []map[string]json.RawMessage
	if p.has(name) && json.Unmarshal(p.raw[name], &out) != nil {
		p.fail(name, "a list of objects")
	}
	return out
}

// option adds an option where a parameter is true.
func (p *params) option(name, word string) {
	if p.truth(name) {
		p.options = append(p.options, word)
	}
}

// valued adds an option with a parameter's value, where it has one.
func (p *params) valued(name, word string) {
	if v := p.text(name); v != "" {
		p.options = append(p.options, word+"="+v)
	}
}

// force reads force_flags.
func (p *params) force() {
	for _, f := range p.list("force_flags") {
		switch f {
		case "FORCE":
			p.options = append(p.options, "--force")
		case "SKIP_OFFLINE_NODES":
			p.options = append(p.options, "--skip-offline")
		default:
			p.fail("force_flags", "a list of FORCE and SKIP_OFFLINE_NODES")
		}
	}
}

// wait reads a time to wait: false is none, null and true the usual, else seconds or a time with a unit.
func (p *params) wait(name string) {
	raw, given := p.raw[name]
	switch {
	case !given || string(raw) == "false":
	case string(raw) == "null" || string(raw) == "true":
		p.options = append(p.options, "--wait")
	default:
		p.options = append(p.options, "--wait="+p.text(name))
	}
}

// words joins words of a command line with more of them.
func words(line string, more ...[]string) []string {
	return append(strings.Fields(line), slices.Concat(more...)...)
}

func one(step []string) Call { return Call{Steps: [][]string{step}} }

// keyword puts a word before others, where there are others.
func keyword(k string, rest []string) []string {
	if len(rest) == 0 {
		return nil
	}
	return append([]string{k}, rest...)
}

// jsonData is the result of commands that print it as JSON.
func jsonData(stdout []string) (any, error) {
	var v any
	if len(stdout) == 0 {
		return nil, nil
	}
	err := json.Unmarshal([]byte(stdout[len(stdout)-1]), &v)
	return v, err
}

// textData is the result of commands that print it.
func textData(stdout []string) (any, error) { return strings.Join(stdout, ""), nil }

// lineData is a list of the lines that were printed.
func lineData(stdout []string) (any, error) {
	out := []string{}
	for l := range strings.Lines(strings.Join(stdout, "")) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out, nil
}

func shows(line string) func(*params) Call {
	return func(p *params) Call {
		p.options = append(p.options, "--output-format=json")
		return Call{Steps: [][]string{strings.Fields(line)}, Data: jsonData}
	}
}
