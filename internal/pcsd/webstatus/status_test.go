package webstatus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/doc"
)

// parse reads a file of the testdata.
func parse(t *testing.T, path string) *etree.Element {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := doc.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// told is what the original's answers hold. plain_list are the resources without crm_mon and history.
func told(cib, monitor *etree.Element) map[string]any {
	c := Configuration(cib)
	return map[string]any{
		"groups": c.Groups, "constraints": c.Constraints, "cluster_settings": c.Settings, "acls": c.ACLs, "fence_levels": c.FenceLevels,
		"node_attr": c.NodeAttrs, "nodes_utilization": c.Utilization,
		"resource_list": Resources(cib, monitor, true, time.UTC), "plain_list": Resources(cib, nil, false, time.UTC),
	}
}

// plain is a value as a reader of JSON has it.
func plain(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAsTheOriginal compares with what the code of pcs 0.11.12 answers for the same CIBs and crm_mon's pages.
func TestAsTheOriginal(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no answers", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f, ".json")
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		got := plain(t, told(parse(t, name+".cib.xml"), parse(t, name+".mon.xml")))
		for _, d := range differences(name, got, want) {
			t.Error(d)
		}
	}
}

// differences names each place where two values differ.
func differences(at string, got, want any) []string {
	var out []string
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for k := range w {
			out = append(out, differences(at+"/"+k, g[k], w[k])...)
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				out = append(out, at+"/"+k+" is ours alone")
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			out = append(out, differences(at+"/"+string(rune('0'+i%10)), g[i], w[i])...)
		}
		return out
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		out = append(out, at+": "+string(g)+", want "+string(w))
	}
	return out
}

// TestNothingThere: without a CIB there are lists and tables, all empty.
func TestNothingThere(t *testing.T) {
	got, err := json.Marshal(told(nil, nil))
	const want = `{"acls":{},"cluster_settings":{},"constraints":{},"fence_levels":{},"groups":[],"node_attr":{},"nodes_utilization":{},"plain_list":[],"resource_list":[]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
}

func FuzzTold(f *testing.F) {
	for _, s := range []string{
		`<cib><configuration><resources><clone id="c"/><master/><group id="g"><primitive/></group></resources><constraints><rsc_location><rule><rule/></rule></rsc_location></constraints></configuration></cib>`,
		`<pacemaker-result><resources><resource id=":"/></resources></pacemaker-result>`, `<cib><status><node_state><lrm/></node_state></status></cib>`,
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, cib, monitor string) {
		c, err := doc.Parse([]byte(cib))
		if err != nil {
			return
		}
		m, err := doc.Parse([]byte(monitor))
		if err != nil {
			m = nil
		}
		if _, err := json.Marshal(told(c, m)); err != nil {
			t.Error(err)
		}
	})
}
