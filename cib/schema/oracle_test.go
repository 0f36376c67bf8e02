package schema

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

var (
	oracleDocs = flag.Int("oracle.docs", 16, "random documents per version that are held against xmllint")
	oracleDir  = flag.String("oracle.dir", "/usr/share/pacemaker", "folder of the RELAX NG files to compare with")
	oracleSeed = flag.Uint64("oracle.seed", 1, "seed of the random documents")
)

// TestOracle compares the verdict on random documents, valid and broken, with
// libxml2's by Pacemaker's own schemas where they are installed.
func TestOracle(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}
	tested := 0
	for v, name := range names[:index(None)] {
		rng := filepath.Join(*oracleDir, name+".rng")
		if _, err := os.Stat(rng); err != nil {
			continue
		}
		tested++
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := rand.New(rand.NewPCG(*oracleSeed, uint64(v)))
			valid, wrong := 0, 0
			for done := 0; done < *oracleDocs; {
				n := min(500, *oracleDocs-done)
				ours := map[string]bool{}
				args := []string{"--noout", "--relaxng", rng}
				docs := map[string]*etree.Element{}
				for i := range n {
					root := randomDocument(r, v)
					path := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
					if err := os.WriteFile(path, xml.FormatText(root), 0o600); err != nil {
						t.Fatal(err)
					}
					// Judge what was written: blank text does not come back.
					doc, err := xml.Parse(xml.FormatText(root))
					if err != nil {
						t.Fatal(err)
					}
					ours[path] = len(Validate(doc.Root, name)) == 0
					if quick := Valid(doc.Root, name); quick != ours[path] {
						t.Fatalf("Valid says %v, Validate %v of\n%s", quick, ours[path], xml.Format(root))
					}
					docs[path] = root
					args = append(args, path)
				}
				out, _ := exec.Command(xmllint, args...).CombinedOutput()
				seen := 0
				for _, line := range strings.Split(string(out), "\n") {
					path, verdict, ok := strings.Cut(line, " ")
					if !ok || docs[path] == nil || verdict != "validates" && verdict != "fails to validate" {
						continue
					}
					seen++
					want := verdict == "validates"
					if want {
						valid++
					}
					if ours[path] == want {
						continue
					}
					if wrong++; wrong <= 3 {
						var theirs []string
						for _, l := range strings.Split(string(out), "\n") {
							if strings.HasPrefix(l, path+":") {
								theirs = append(theirs, l)
							}
						}
						t.Errorf("xmllint: %v, we: %v\n%v\n%s\n%s", want, ours[path], Validate(docs[path], name), strings.Join(theirs, "\n"), xml.Format(docs[path]))
					}
				}
				if seen != n {
					t.Fatalf("xmllint judged %d of %d:\n%.2000s", seen, n, out)
				}
				done += n
			}
			t.Logf("%d documents, %d valid, %d judged otherwise", *oracleDocs, valid, wrong)
		})
	}
	if tested == 0 {
		t.Skipf("no schemas in %s", *oracleDir)
	}
}

// randomDocument is valid, or of a neighbouring version, or broken in a few places.
func randomDocument(r *rand.Rand, v int) *etree.Element {
	of := v
	if r.IntN(4) == 0 {
		of = min(max(v-3+r.IntN(7), 0), index(None)-1)
	}
	root := Random(r, names[of], 2)
	root.CreateAttr("validate-with", names[v])
	if n := r.IntN(4); n > 0 {
		Mutate(r, root, n)
	}
	// Installed schemas list other versions in validate-with, and older ones do not
	// ask for it: that is not what is compared.
	if root.SelectAttrValue("validate-with", "") == "" {
		root.CreateAttr("validate-with", names[v])
	}
	return root
}
