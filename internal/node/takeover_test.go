package node

import (
	"slices"
	"testing"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// held is a connection to a remote node on which nothing happens.
type held struct{ RemoteConn }

// Who takes a connection over takes what recurred out of the host's history, and nothing else: whoever may write to the status names the entries.
func TestTakeOverForgetsNoMore(t *testing.T) {
	const (
		plain  = "of-a_monitor_10000"
		hidden = "x']|/cib/configuration/resources/*|/cib/x[@y='"
	)
	for _, id := range []string{plain, hidden} {
		p := newPair(t)
		c := p.cores[1]
		state := remoteNodeState("r", "in_ccm", "true")
		list := state.CreateElement("lrm").CreateElement("lrm_resources")
		h := list.CreateElement("lrm_resource")
		h.CreateAttr("id", "of-a")
		for _, entry := range []struct{ id, interval string }{{id, "10000"}, {"of-a_last_0", "0"}} {
			op := h.CreateElement("lrm_rsc_op")
			for _, a := range [][2]string{{"id", entry.id}, {"operation_key", entry.id}, {"operation", "monitor"}, {"interval", entry.interval}, {"call-id", "3"}, {"rc-code", "0"}, {"op-status", "0"}} {
				op.CreateAttr(a[0], a[1])
			}
		}
		cib.Section(c.Replica.Root(), "status").AddChild(state)
		r := c.remote("r")
		r.conn, r.adopting = held{}, true
		r.here()
		p.deliver(1)
		var left []string
		for _, op := range c.Replica.Root().FindElements("//lrm_rsc_op") {
			left = append(left, op.SelectAttrValue("id", ""))
		}
		if !slices.Equal(left, []string{"of-a_last_0"}) {
			t.Errorf("%s: left are %q", id, left)
		}
		if found, err := xml.Select(c.Replica.Root(), "//primitive[@id='of-a']"); err != nil || len(found) != 1 {
			t.Errorf("%s: of the configuration there is %v, %v", id, found, err)
		}
	}
}
