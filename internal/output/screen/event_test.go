package screen

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// TestHistoryOf: the fencer tells its history in no order.
func TestHistoryOf(t *testing.T) {
	h := etree.NewElement("st_history")
	for _, e := range [][4]string{{"a", "4", "100", "5"}, {"b", "0", "0", "0"}, {"c", "2", "100", "7"}, {"d", "2", "300", "0"}, {"e", "1", "0", "0"}, {"f", "2", "100", "5"}} {
		x := h.CreateElement("st_execute")
		for i, k := range []string{"st_target", "st_state", "st_date", "st_date_nsec"} {
			x.CreateAttr(k, e[i])
		}
	}
	var got strings.Builder
	for _, f := range HistoryOf(h) {
		got.WriteString(f.Target)
	}
	if got.String() != "bedcaf" {
		t.Errorf("got %s, want b and e, which are under way, then d, c, a and f", &got)
	}
	if HistoryOf(nil) != nil {
		t.Error("no history has entries")
	}
}
