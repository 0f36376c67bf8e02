// Package corpus gives tests the recorded inputs that lie beside the project,
// in shared/conformance; where they do not lie, such a test is skipped.
package corpus

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// Document is a CIB of the corpus.
type Document struct {
	Name string // suite and case that it was recorded in
	Text string
}

// folder finds the suites in one of the folders above.
func folder() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		suites := filepath.Join(dir, "shared", "conformance", "suites")
		if _, err := os.Stat(suites); err == nil {
			return suites, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// CIBs returns the documents that the cases of some suites are given, each
// text once, in the order of their names.
func CIBs(tb testing.TB, suites ...string) []Document {
	tb.Helper()
	root, ok := folder()
	if !ok {
		tb.Skip("the recorded corpus is not here")
	}
	var list []Document
	seen := map[string]bool{}
	for _, suite := range suites {
		texts := map[string]string{}
		type blob struct{ Sha, Text string }
		err := lines(filepath.Join(root, suite, "blobs.jsonl.gz"), func(data []byte) error {
			var b blob
			err := json.Unmarshal(data, &b)
			texts[b.Sha] = b.Text
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
		type recorded struct {
			ID    string
			Files map[string]string
		}
		err = lines(filepath.Join(root, suite, "cases.jsonl.gz"), func(data []byte) error {
			var c recorded
			if err := json.Unmarshal(data, &c); err != nil {
				return err
			}
			for name, sha := range c.Files {
				text := texts[sha]
				if strings.HasSuffix(name, ".xml") && !seen[sha] && strings.Contains(text, "<cib") {
					seen[sha] = true
					list = append(list, Document{c.ID, text})
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	if len(list) == 0 {
		tb.Fatal("the corpus holds no CIB")
	}
	return list
}

// Commands returns the command lines of the cases of some suites, the program's name first.
func Commands(tb testing.TB, suites ...string) [][]string {
	tb.Helper()
	root, ok := folder()
	if !ok {
		tb.Skip("the recorded corpus is not here")
	}
	var list [][]string
	for _, suite := range suites {
		err := lines(filepath.Join(root, suite, "cases.jsonl.gz"), func(data []byte) error {
			var c struct{ Argv []string }
			err := json.Unmarshal(data, &c)
			list = append(list, c.Argv)
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

func lines(file string, each func([]byte) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	scan := bufio.NewScanner(z)
	scan.Buffer(nil, 64<<20)
	for scan.Scan() {
		if err := each(scan.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return scan.Err()
}
