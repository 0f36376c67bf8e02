package screen

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// A fencer that does not answer is told of once, in each form; the page stands.
func TestNoFencingHistory(t *testing.T) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(cluster); err != nil {
		t.Fatal(err)
	}
	c := status.Read(status.Input{CIB: doc.Root(), Now: time.Unix(1795449600, 0)})
	for _, test := range []struct {
		err        error
		text, code string
	}{
		{fmt.Errorf("st_query: %w", context.DeadlineExceeded), "Failed to get fencing history: Timeout occurred", `<fence_history status="124"/>`},
		{fmt.Errorf("connection refused"), "Failed to get fencing history: Not connected", `<fence_history status="102"/>`},
	} {
		p := Page{Sections: AllText, Live: true, FencingErr: test.err}
		for form, got := range map[string]string{"text": Text(c, p), "html": HTML(c, p, Head{}, nil)} {
			if strings.Count(got, test.text) != 1 || !strings.Contains(got, "Failed Fencing Actions") || !strings.Contains(got, "Node List") {
				t.Errorf("%s: %s", form, got)
			}
		}
		if got := XML(c, p, Frame{}); !strings.Contains(got, test.code) {
			t.Errorf("%q is missing in %s", test.code, got)
		}
	}
}
