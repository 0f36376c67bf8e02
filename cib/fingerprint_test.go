package cib

import (
	"fmt"
	"strings"
	"testing"
)

func TestFingerprint(t *testing.T) {
	seen := map[uint64]string{}
	for _, text := range []string{
		`<cib/>`, `<cib a="b"/>`, `<cib a=""/>`, `<cib ab=""/>`, `<cib a="b" c="d"/>`, `<cib c="d" a="b"/>`, `<cib a="b c" d=""/>`,
		`<cib><a/></cib>`, `<cib><a/><b/></cib>`, `<cib><b/><a/></cib>`, `<cib><a><b/></a></cib>`, `<cib><a/><a/></cib>`,
	} {
		doc, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		f := Fingerprint(doc.Root)
		if f != Fingerprint(doc.Root.Copy()) {
			t.Errorf("a copy of %s has another", text)
		}
		if other, ok := seen[f]; ok {
			t.Errorf("%s has that of %s", text, other)
		}
		seen[f] = text
	}
}

func BenchmarkFingerprint(b *testing.B) {
	var text strings.Builder
	text.WriteString("<cib><status>")
	for i := range 10000 {
		fmt.Fprintf(&text, `<lrm_rsc_op id="resource%[1]d_last_0" operation_key="resource%[1]d_start_0" operation="start" crm-debug-origin="controld_update_resource_history" transition-key="1:%[1]d:0:00000001-0000-4000-8000-000000000002" call-id="%[1]d" rc-code="0" op-status="0" last-rc-change="1767225600" exec-time="20" queue-time="0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`, i)
	}
	text.WriteString("</status></cib>")
	doc, err := Parse([]byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("fingerprint", func(b *testing.B) {
		b.SetBytes(int64(text.Len()))
		for range b.N {
			Fingerprint(doc.Root)
		}
	})
	b.Run("digest", func(b *testing.B) {
		b.SetBytes(int64(text.Len()))
		for range b.N {
			DiskDigest(doc.Root)
		}
	})
}
