package catalog

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// originals are the codes that pcs 0.11.12 has.
//
//go:embed testdata/codes.txt
var originals string

// payloads are the codes whose reports pcs 0.11.12 can make, each with the fields of its payload, marked as in reports.txt by
// what the original puts there.
//
//go:embed testdata/payloads.txt
var payloads string

// TestPayloads holds the fields of every code that we tell against the original's: none is left out, none is new, and each is
// of the original's type.
func TestPayloads(t *testing.T) {
	want := map[string][]string{}
	for line := range strings.Lines(payloads) {
		w := strings.Fields(line)
		slices.Sort(w[1:])
		want[w[0]] = w[1:]
	}
	list, err := forms()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, f := range list {
		told[f.code] = true
		fields, ok := want[f.code]
		if got := slices.Sorted(slices.Values(f.fields)); ok && !slices.Equal(got, fields) {
			t.Errorf("%s has %v, the original's %v", f.code, got, fields)
		}
	}
	// Whose words are all those of another program is told apart by who tells of it; a program that is started is told of
	// only to those who debug pcs itself.
	others := []string{
		"NODE_COMMUNICATION_COMMAND_UNSUCCESSFUL", "RESOURCE_BAN_PCMK_SUCCESS", "RESOURCE_MOVE_PCMK_SUCCESS", "RESOURCE_UNMOVE_UNBAN_PCMK_SUCCESS",
		"RUN_EXTERNAL_PROCESS_STARTED", "WAIT_FOR_IDLE_ERROR",
	}
	for code := range want {
		if !told[code] && !slices.Contains(others, code) {
			t.Errorf("%s is not told of", code)
		}
	}
}

// TestTable reads the table: every code is one of the original's, every field of words is one of the payload, and
// words that a form makes are found as that form's.
func TestTable(t *testing.T) {
	list, err := forms()
	if err != nil {
		t.Fatal(err)
	}
	codes := strings.Fields(originals)
	seen := map[string]bool{}
	for _, f := range list {
		seen[f.code] = true
		if !slices.Contains(codes, f.code) {
			t.Errorf("%s is no code of the original", f.code)
		}
		f.once.Do(f.compile)
		var known []string
		for _, n := range f.fields {
			known = append(known, strings.TrimRight(n, "?[]#!%"))
		}
		for _, n := range f.names {
			if name, _ := value(n, ""); name != "*" && !slices.Contains(known, name) {
				t.Errorf("%s: {%s} of %q is no field", f.code, n, f.words)
			}
		}
		for n := range f.fixed {
			if !slices.Contains(known, n) {
				t.Errorf("%s: %s is no field", f.code, n)
			}
		}
		words := field.ReplaceAllStringFunc(f.words, func(p string) string {
			m := field.FindStringSubmatch(p)
			switch kind := m[2]; {
			case kind == "#":
				return "7"
			case kind == "[]":
				return "'x'"
			case kind == "[...]":
				return "'x', 'y', 'z'"
			case kind == "[and...]":
				return "'x', 'y' and 'z'"
			case kind == "[or...]":
				return "'x', 'y' or 'z'"
			case kind == "[pair...]":
				return "x=y"
			case kind == "@agent":
				return "ocf:x:y"
			case strings.HasPrefix(kind, "@"):
				for w := range vocabularies[kind[1:]] {
					return w
				}
			}
			return "x"
		})
		r, found := Find(words, f.code, "")
		if !found || r.Code != f.code {
			t.Errorf("%q of %s is found as %s", words, f.code, r.Code)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
	if len(seen) < 400 {
		t.Errorf("only %d codes", len(seen))
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ words, command, code, message, payload string }{
		{"Host 'n9' is not known to pcs, try to authenticate the host using 'pcs host auth n9' command", "", "HOST_NOT_FOUND", "Host 'n9' is not known to pcs", `{"host_list":["n9"]}`},
		{"invalid option 'x', allowed options are: 'a', 'b'", "", "INVALID_OPTIONS", "", `{"allowed":["a","b"],"allowed_patterns":[],"option_names":["x"],"option_type":null}`},
		{"invalid totem options: 'x', 'y', there are no options allowed", "", "INVALID_OPTIONS", "", `{"allowed":[],"allowed_patterns":[],"option_names":["x","y"],"option_type":"totem"}`},
		{"'a' already exists", "", "ID_ALREADY_EXISTS", "", `{"id":"a"}`},
		{"'a' already exists", "acl.create_target", "CIB_ACL_TARGET_ALREADY_EXISTS", "", `{"target_id":"a"}`},
		{"You must specify a node when moving/banning a stopped resource", "resource.move_autoclean", "CANNOT_MOVE_RESOURCE_STOPPED_NO_NODE_SPECIFIED", "", ""},
		{"group/clone 'x' does not exist", "", "ID_NOT_FOUND", "", `{"context_id":null,"context_type":null,"expected_types":["group","clone"],"id":"x"}`},
		{"'5x' is not a valid token value, use a non-negative integer", "", "INVALID_OPTION_VALUE", "", `{"allowed_values":"a non-negative integer","cannot_be_empty":false,"forbidden_characters":null,"option_name":"token","option_value":"5x"}`},
		{"Unable to read Corosync configuration '/etc/corosync/corosync.conf': No such file or directory", "", "FILE_IO_ERROR", "", `{"file_path":"/etc/corosync/corosync.conf","file_type_code":"COROSYNC_CONF","operation":"read","reason":"No such file or directory"}`},
		{"Hosts do not have the same version of 'pcsd'; hosts 'n1', 'n3' have version 0.11.5; host 'n2' has version 0.11.12", "", "SERVICE_VERSION_MISMATCH", "", `{"hosts_version":{},"service":"pcsd"}`},
		{"Unable to authenticate to n2 (HTTP error: 401), try running 'pcs host auth n2'", "", "NODE_COMMUNICATION_ERROR_NOT_AUTHORIZED", "Unable to authenticate to n2 (HTTP error: 401)", ""},
		{"Cannot add 2 links, there would be 9 links defined which is more than allowed number of 8 links", "", "COROSYNC_CANNOT_ADD_REMOVE_LINKS_TOO_MANY_FEW_LINKS", "", `{"add_or_not_remove":true,"links_change_count":2,"links_limit_count":8,"links_new_count":9}`},
		{"Clone option 'x' is not compatible with 'ocf:heartbeat:y' resource agent of resource 'r'", "", "RESOURCE_CLONE_INCOMPATIBLE_META_ATTRIBUTES", "", `{"attribute":"x","group_id":null,"resource_agent":{"provider":"heartbeat","standard":"ocf","type":"y"},"resource_id":"r"}`},
		{"nothing that the library says", "", "", "", ""},
	} {
		r, found := Find(c.words, "", c.command)
		data, err := json.Marshal(r.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if c.message == "" {
			c.message = c.words
		}
		if found != (c.code != "") || found && (r.Code != c.code || r.Message != c.message || c.payload != "" && string(data) != c.payload) {
			t.Errorf("%q: %v %s %q\n%s", c.words, found, r.Code, r.Message, data)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	for b.Loop() {
		Find("'a' already exists", "", "")
	}
}
