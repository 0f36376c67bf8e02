package controller

import (
	"testing"
	"time"

	"github.com/beevik/etree"
)

// What orders tell as the time never goes back: not behind the newest result in the CIB where the clock of a new DC is behind, nor where the DC's own clock is set
// back; nor does it wait when the clock is ahead.
func TestStampsNeverGoBack(t *testing.T) {
	w := begin()
	op := w.root.SelectElement("status").CreateElement("node_state").CreateElement("lrm").CreateElement("lrm_resources").CreateElement("lrm_resource").CreateElement("lrm_rsc_op")
	op.Attr = []etree.Attr{{Key: "last-rc-change", Value: "5000"}}
	w.c.lookBack()
	for _, x := range []struct{ clock, want int64 }{{4000, 5001}, {5000, 5001}, {6000, 6000}, {2000, 6000}, {5999, 6000}, {6001, 6001}, {9000, 9000}, {1, 9000}} {
		w.c.now = time.Unix(x.clock, 0)
		if got := w.c.stamp().Unix(); got != x.want {
			t.Errorf("the clock shows %d: results are stamped %d, not %d", x.clock, got, x.want)
		}
	}
}
