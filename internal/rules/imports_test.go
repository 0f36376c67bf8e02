// Package rules holds the tests that keep the rules of the house.
package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// allowed lists, for each floor of the house, the floors that it may import.
var allowed = map[string][]string{
	"cib":      {"cib"},
	"corosync": {"corosync"},
	"ocf":      {"ocf"},
	"engine":   {"engine", "cib"},
	"internal": {"internal", "engine", "cib", "corosync", "ocf"},
	"cmd":      {"internal", "engine", "cib", "corosync", "ocf"},
}

// TestImportsPointDown holds every import between our own packages against allowed.
func TestImportsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "hacluster/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	packages := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		from := floor(p.ImportPath)
		for _, i := range p.Imports {
			if !strings.HasPrefix(i, "hacluster/") {
				continue
			}
			if to := floor(i); !contains(allowed[from], to) {
				t.Errorf("%s imports %s: %s may import only %s", p.ImportPath, i, from, strings.Join(allowed[from], ", "))
			}
		}
	}
	if packages < 5 {
		t.Fatalf("go list named %d packages only", packages)
	}
}

func floor(path string) string {
	return strings.SplitN(strings.TrimPrefix(path, "hacluster/"), "/", 2)[0]
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
