package webstatus

import (
	"encoding/json"
	"os"
	"testing"
)

// TestOverview compares with what the code of pcs 0.11.12 makes of the same answers; want is null where it refuses.
func TestOverview(t *testing.T) {
	data, err := os.ReadFile("testdata/overview/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name    string
		Answers []Answer
		Want    any
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, c := range cases {
		got, ok := Overview("c", c.Answers)
		if ok != (c.Want != nil) {
			t.Errorf("%s: told %v", c.Name, ok)
		}
		for _, d := range differences(c.Name, plain(t, got), c.Want) {
			t.Error(d)
		}
	}
}

func FuzzOverview(f *testing.F) {
	for _, s := range []string{`{"cluster_name":"c","node":{"quorum":true,"services":{"sbd":1}},"resource_list":[1,null]}`, `{"node":null}`, `[]`, `null`, `{"cluster_name":"c","node":{"name":1},"pcsd_capabilities":[{}]}`} {
		f.Add(s, 200)
	}
	f.Fuzz(func(t *testing.T, body string, code int) {
		got, _ := Overview("c", []Answer{{"n1", code, body}, {"n2", 200, body}})
		if _, err := json.Marshal(got); err != nil {
			t.Error(err)
		}
	})
}
