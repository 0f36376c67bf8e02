package schema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// large is a valid document of about that many bytes.
func large(tb testing.TB, size int) *etree.Element {
	tb.Helper()
	var res, cons strings.Builder
	for i := 0; res.Len()+cons.Len() < size; i++ {
		fmt.Fprintf(&res, `<primitive id="r%d" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="r%d-i"><nvpair id="r%d-ip" name="ip" value="10.0.0.1"/><nvpair id="r%d-nic" name="nic" value="eth0"/></instance_attributes><operations><op id="r%d-mon" name="monitor" interval="10s" timeout="20s" on-fail="restart"/></operations></primitive>`, i, i, i, i, i)
		fmt.Fprintf(&cons, `<rsc_location id="l%d" rsc="r%d" score="INFINITY" node="n1"/>`, i, i)
	}
	doc, err := xml.ParseString(`<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="0" num_updates="0"><configuration><crm_config/><nodes/><resources>` +
		res.String() + `</resources><constraints>` + cons.String() + `</constraints></configuration><status/></cib>`)
	if err != nil {
		tb.Fatal(err)
	}
	return doc.Root
}

func BenchmarkValidate5MB(b *testing.B) {
	root := large(b, 5_000_000)
	if p := Validate(root, Latest); p != nil {
		b.Fatal(p)
	}
	for b.Loop() {
		Valid(root, "pacemaker-3.9")
	}
}

func BenchmarkCompile(b *testing.B) {
	src := readSource()
	for b.Loop() {
		if _, err := compile(src, index(Latest)); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzValidate lets documents and schemas meet by chance: no panic, and both ways of
// asking agree. What is random and valid has to stay so.
func FuzzValidate(f *testing.F) {
	f.Add(`<cib validate-with="pacemaker-3.9"><configuration><resources><primitive id="a"/></resources></configuration></cib>`, 3, uint64(1))
	f.Add(`<cib xmlns="u"><status><x>t</x></status></cib>`, 25, uint64(2))
	f.Fuzz(func(t *testing.T, text string, version int, seed uint64) {
		if version < 0 || version >= index(None) {
			return
		}
		name := names[version]
		check := func(root *etree.Element) bool {
			problems := Validate(root, name)
			if Valid(root, name) != (len(problems) == 0) {
				t.Fatalf("Valid and Validate do not agree: %v", problems)
			}
			for _, p := range problems {
				if p.Element == nil || p.Text == "" || strings.Contains(p.Text, "%!") {
					t.Fatalf("a problem tells nothing: %+v", p)
				}
			}
			return len(problems) == 0
		}
		if doc, err := xml.ParseString(text); err == nil {
			check(doc.Root)
		}
		r := rand.New(rand.NewPCG(seed, 0))
		root := Random(r, name, 2)
		if !check(root) {
			t.Fatalf("made up, yet not valid: %v", Validate(root, name))
		}
		Mutate(r, root, 3)
		check(root)
	})
}
