// Package catalog knows the reports of pcs's library: their codes, their words and what stands in them. Who drives the
// API tells kinds of reports apart by code and reads their payload; pcs shows words. So a report's kind is found by its words.
//
// reports.txt has a line for each code, with the fields of its payload, and below it the forms of its words, set in by a tab:
//
//	CODE FIELD… a field's mark says what it is: none a text, ? a text or null, [] a list, # a number, ! true or false, % an object
//		WORDS	OBJECT	= WORDS OF THE LIBRARY
//
// OBJECT, where it is there, is what these words say without naming it. The third column stands where the library's words
// are others than those that pcs shows. In words stand {NAME} for a text, {NAME#} for a number, {NAME[]} for one item in
// quotes, {NAME[...]}, {NAME[and...]} and {NAME[or...]} for several, bare, words, lines, slash and pair where they stand without quotes, {NAME@KIND} for a word of
// a vocabulary, and {*} for what is not told apart.
package catalog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed reports.txt
var table string

// Report is a report of the library.
type Report struct {
	Code, Message string
	Payload       map[string]any
}

// form is one form of a report's words.
type form struct {
	code   string
	fields []string
	words  string
	fixed  map[string]any
	// library are the library's words, "" for the same.
	library string
	// literal is the longest part without a field; weight counts all such bytes.
	literal string
	weight  int

	once    sync.Once
	pattern *regexp.Regexp
	names   []string
}

var field = regexp.MustCompile(`\{(\*|\w+)(#|@\w+|\[[a-z]*(?:\.\.\.)?\])?\}`)

// forms reads the table, once.
var forms = sync.OnceValues(func() ([]*form, error) { return parse(table) })

func parse(text string) ([]*form, error) {
	var out []*form
	var code string
	var fields []string
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		rest, below := strings.CutPrefix(line, "\t")
		if !below {
			f := strings.Fields(line)
			if len(f) == 0 {
				return nil, fmt.Errorf("line %d is empty", n)
			}
			code, fields = f[0], f[1:]
			continue
		}
		columns := strings.Split(rest, "\t")
		f := &form{code: code, fields: fields, words: unescape(columns[0])}
		for _, c := range columns[1:] {
			if words, is := strings.CutPrefix(c, "= "); is {
				f.library = unescape(words)
			} else if err := json.Unmarshal([]byte(c), &f.fixed); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
		for _, part := range field.Split(f.words, -1) {
			f.weight += len(part)
			if len(part) > len(f.literal) {
				f.literal = part
			}
		}
		out = append(out, f)
	}
	// The most telling comes first.
	slices.SortStableFunc(out, func(a, b *form) int { return b.weight - a.weight })
	return out, nil
}

var unescape = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace

// vocabularies are words for values, by kind.
var vocabularies = map[string]map[string]string{
	"container": {"property set": "property_set", "stonith resource": "stonith", "group": "group"},
	"item":      {"device": "device", "property": "property", "resource": "resource"},
	"items":     {"devices": "device", "properties": "property", "resources": "resource"},
	"action": {
		"backup": "backup", "change permissions of": "chmod", "change ownership of": "chown", "read": "read", "remove": "remove",
		"update": "update", "write": "write",
	},
	"file": {
		"Booth configuration": "BOOTH_CONFIG", "Booth key": "BOOTH_KEY", "CIB": "CIB", "Corosync authkey": "COROSYNC_AUTHKEY",
		"Corosync configuration": "COROSYNC_CONF", "QDevice certificate database": "COROSYNC_QDEVICE_NSSDB",
		"QNetd CA certificate": "COROSYNC_QNETD_CA_CERT", "QNetd certificate database": "COROSYNC_QNETD_NSSDB",
		"Pacemaker authkey": "PACEMAKER_AUTHKEY", "pcsd configuration": "PCSD_ENVIRONMENT_CONFIG",
		"pcsd SSL certificate": "PCSD_SSL_CERT", "pcsd SSL key": "PCSD_SSL_KEY", "disaster-recovery configuration": "PCS_DR_CONFIG",
		"known-hosts": "PCS_KNOWN_HOSTS", "pcs configuration": "PCS_SETTINGS_CONF", "PCS_USERS_CONF": "PCS_USERS_CONF",
	},
}

// compile makes the pattern of a form's words.
func (f *form) compile() {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	at := 0
	for _, m := range field.FindAllStringSubmatchIndex(f.words, -1) {
		b.WriteString(regexp.QuoteMeta(f.words[at:m[0]]))
		at = m[1]
		name, kind := f.words[m[2]:m[3]], ""
		if m[4] >= 0 {
			kind = f.words[m[4]:m[5]]
		}
		f.names = append(f.names, name+kind)
		b.WriteString("(" + shape(kind) + ")")
	}
	b.WriteString(regexp.QuoteMeta(f.words[at:]) + `\z`)
	f.pattern = regexp.MustCompile(b.String())
}

// shape is the pattern of a field's words.
func shape(kind string) string {
	if of, is := strings.CutPrefix(kind, "@"); is && vocabularies[of] != nil {
		words := slices.Collect(maps.Keys(vocabularies[of]))
		slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
		}
		return strings.Join(words, "|")
	}
	switch kind {
	case "#":
		return `\d+`
	case "[]":
		return `'[^']*'`
	case "[...]":
		return `'[^']*'(?:, '[^']*')*`
	case "[pair...]":
		return "[^=]*=.*?"
	case "[and...]", "[or...]":
		word := strings.Trim(kind, "[].")
		return `'[^']*'(?:, '[^']*')* ` + word + ` '[^']*'`
	}
	return ".*?"
}

// value reads what a field's words say.
func value(name, text string) (string, any) {
	m := field.FindStringSubmatch("{" + name + "}")
	name, kind := m[1], m[2]
	if of, is := strings.CutPrefix(kind, "@"); is {
		if of == "agent" {
			return name, agent(text)
		}
		return name, vocabularies[of][text]
	}
	switch {
	case kind == "#":
		n, err := strconv.Atoi(text)
		if err != nil {
			return name, nil
		}
		return name, n
	case kind == "[bare]":
		return name, []string{text}
	case kind == "[words...]":
		return name, strings.Fields(text)
	case kind == "[lines...]":
		return name, strings.Split(text, "\n")
	case kind == "[pair...]":
		return name, strings.SplitN(text, "=", 2)
	case kind == "[slash...]":
		return name, strings.Split(text, "/")
	case strings.HasPrefix(kind, "[bare"):
		return name, strings.Split(text, ", ")
	case kind != "":
		for _, word := range []string{"and", "or"} {
			text = strings.Replace(text, "' "+word+" '", "', '", 1)
		}
		return name, strings.Split(strings.Trim(text, "'"), "', '")
	}
	return name, text
}

// agent divides an agent's name as the API does.
func agent(name string) map[string]any {
	f := strings.Split(name, ":")
	out := map[string]any{"standard": f[0], "provider": nil, "type": f[len(f)-1]}
	if len(f) == 3 {
		out["provider"] = f[1]
	}
	return out
}

// Find gives the report that has the words which pcs shows; false tells that the library has none such. Where the words are
// those of several reports, the command that is carried out decides (resource.ban), or else code, if it is one of theirs.
func Find(words, code, command string) (Report, bool) {
	list, err := forms()
	if err != nil {
		return Report{}, false // a test reads the table
	}
	var best *form
	var said []string
	for _, f := range list {
		if best != nil && f.weight < best.weight {
			break
		}
		if !strings.Contains(words, f.literal) {
			continue
		}
		f.once.Do(f.compile)
		m := f.pattern.FindStringSubmatch(words)
		if m == nil {
			continue
		}
		if best == nil || f.rank(code, command) > best.rank(code, command) {
			best, said = f, m
		}
	}
	if best == nil {
		return Report{}, false
	}
	return best.report(words, said), true
}

// owners are the commands, by the beginnings of their names, whose reports have words that other reports have, too; "" is
// all the others.
var owners = map[string]string{
	"CIB_ACL_TARGET_ALREADY_EXISTS": "acl.create_target", "ID_ALREADY_EXISTS": "",
	"INVALID_OPTION_VALUE": "", "NODE_COMMUNICATION_ERROR_UNABLE_TO_CONNECT": "",
	"CIB_CLUSTER_NAME_REMOVED": "cluster_property.", "COROSYNC_CONFIG_ACCEPTED_BY_NODE": "", "QDEVICE_CERTIFICATE_ACCEPTED_BY_NODE": "quorum.add_device",
	"QDEVICE_CERTIFICATE_REMOVED_FROM_NODE":                       "quorum.remove_device",
	"CANNOT_BAN_RESOURCE_MASTER_RESOURCE_NOT_PROMOTABLE":          "resource.ban",
	"CANNOT_MOVE_RESOURCE_MASTER_RESOURCE_NOT_PROMOTABLE":         "resource.move",
	"CANNOT_BAN_RESOURCE_STOPPED_NO_NODE_SPECIFIED":               "resource.ban",
	"CANNOT_MOVE_RESOURCE_STOPPED_NO_NODE_SPECIFIED":              "resource.move",
	"CANNOT_UNMOVE_UNBAN_RESOURCE_MASTER_RESOURCE_NOT_PROMOTABLE": "resource.unmove",
}

// rank says how well a form that has the words fits what else is known.
func (f *form) rank(code, command string) int {
	owner, shared := owners[f.code]
	switch {
	case shared && owner != "" && command != "" && strings.HasPrefix(command, owner):
		return 3
	case f.code == code:
		return 2
	case shared && owner == "":
		return 1
	}
	return 0
}

func (f *form) report(words string, m []string) Report {
	r := Report{Code: f.code, Message: words, Payload: map[string]any{}}
	for _, name := range f.fields {
		bare := strings.TrimRight(name, "?[]#!%")
		switch {
		case strings.HasSuffix(name, "[]"):
			r.Payload[bare] = []string{}
		case strings.HasSuffix(name, "%"):
			r.Payload[bare] = map[string]any{}
		case strings.HasSuffix(name, "!"):
			r.Payload[bare] = false
		default:
			r.Payload[bare] = nil
		}
	}
	maps.Copy(r.Payload, f.fixed)
	said := map[string]string{}
	for i, name := range f.names {
		said[name] = m[i+1]
		if name == "*" {
			continue
		}
		n, v := value(name, m[i+1])
		if v == "" && f.optional(n) {
			v = nil
		}
		r.Payload[n] = v
	}
	if f.library != "" {
		r.Message = field.ReplaceAllStringFunc(f.library, func(p string) string { return said[strings.Trim(p, "{}")] })
	}
	return r
}

func (f *form) optional(name string) bool { return slices.Contains(f.fields, name+"?") }
