package node

import (
	"compress/bzip2"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
)

// TestInputs: what plans were made from is kept in the series of what came of them, as many as the cluster's options say.
func TestInputs(t *testing.T) {
	in := inputs{dir: t.TempDir(), owner: -1, failed: func(err error) { t.Error(err) }}
	in.open()
	named := map[string]int{} // the newest, by the file
	epoch := 0
	save := func(series, keep string) string {
		t.Helper()
		d, err := xml.ParseString(fmt.Sprintf(`<cib epoch="%d" num_updates="0" admin_epoch="0"/>`, epoch))
		if err != nil {
			t.Fatal(err)
		}
		file, err := in.save(d.Root, time.Unix(7, 0), series, keep)
		if err != nil {
			t.Fatal(err)
		}
		if file == "" {
			return ""
		}
		named[filepath.Base(file)] = epoch
		return filepath.Base(file)
	}
	for _, c := range []struct{ series, keep, want string }{
		{"pe-input", "3", "pe-input-0.bz2"},
		{"pe-input", "3", "pe-input-1.bz2"},
		{"pe-warn", "3", "pe-warn-0.bz2"},
		{"pe-input", "3", "pe-input-2.bz2"},
		{"pe-input", "3", "pe-input-0.bz2"},
		{"pe-input", "-1", "pe-input-1.bz2"},
		{"pe-error", "-1", "pe-error-0.bz2"},
		{"pe-error", "-1", "pe-error-1.bz2"},
		{"pe-error", "1", "pe-error-0.bz2"},
		{"pe-input", "0", ""},
	} {
		epoch++
		if got := save(c.series, c.keep); got != c.want {
			t.Errorf("%s, %s kept: %q, want %q", c.series, c.keep, got, c.want)
		}
	}
	epoch++
	first := save("pe-input", "-1")
	if again := save("pe-input", "-1"); again != first {
		t.Errorf("the same CIB again is kept as %s, want %s", again, first)
	}
	d, err := xml.ParseString(`<cib epoch="99"/>`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.save(d.Root, time.Unix(7, 0), "pe-warn", "many"); err == nil {
		t.Error("a limit that is no number is taken")
	}
	var series []string
	for _, trouble := range []string{"", "warnings", "errors"} {
		series = append(series, seriesOf(trouble))
	}
	if !slices.Equal(series, []string{"pe-input", "pe-warn", "pe-error"}) {
		t.Error(series)
	}
	in.close()
	found, err := os.ReadDir(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		epoch, ok := named[e.Name()]
		if filepath.Ext(e.Name()) != ".bz2" {
			continue
		}
		f, err := os.Open(filepath.Join(in.dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(bzip2.NewReader(f))
		_ = f.Close()
		if want := fmt.Sprintf(`epoch="%d"`, epoch); !ok || err != nil || !strings.Contains(string(text), want) || !strings.Contains(string(text), `execution-date="7"`) {
			t.Errorf("%s has %q, %v, not %s", e.Name(), text, err, want)
		}
		delete(named, e.Name())
	}
	if len(named) > 0 {
		t.Errorf("not written: %v", named)
	}
}
