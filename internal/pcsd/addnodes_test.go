package pcsd

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

func TestToldBy(t *testing.T) {
	got := ""
	for _, r := range toldBy("n1: done\nWarning: careful\n\nError: broken:\n  badly, use --force to override\nError: Errors have occurred, therefore pcs is unable to continue\n") {
		got += fmt.Sprintf("%s=%s;", levels[r.Severity], r.Text)
	}
	if want := "INFO=n1: done;WARNING=careful;ERROR=broken:\n  badly, use --force to override;"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBoothSaveFiles(t *testing.T) {
	dir := t.TempDir()
	s := &Server{}
	s.conf.Paths.BoothDir = dir
	call := func(data string, more ...string) string {
		form := url.Values{"data_json": {data}}
		for _, m := range more {
			form.Set(m, "1")
		}
		return s.boothSaveFiles(&request{form: form}).body
	}
	two := `[{"name":"b.conf","data":"site = 1\n","is_authfile":false},{"name":"b.key","data":"a2V5","is_authfile":true}]`
	for _, c := range []struct{ got, want string }{
		{call(two), `{"existing":[],"saved":["b.conf","b.key"],"failed":{}}`},
		{call(two), `{"existing":["b.conf","b.key"],"saved":[],"failed":{}}`},
		{call(two, "rewrite_existing"), `{"existing":["b.conf","b.key"],"saved":["b.conf","b.key"],"failed":{}}`},
		{call(`[{"name":"../x","data":""}]`), "Invalid input data format"},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "b.key")); err != nil || string(data) != "key" {
		t.Errorf("%q, %v", data, err)
	}
}
