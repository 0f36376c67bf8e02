package notifyd

import (
	"fmt"
	"testing"

	"hacluster/corosync/cmap"
)

// TestWords has lines and signals as the original's source has them.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		e            Event
		line, signal string
	}{
		{Member{"node2", 2, "10.0.0.2", "left"}, "node2[2] ip:10.0.0.2 left", "NodeStateChange [node2 2 10.0.0.2 left]"},
		{Quorum{"node1", 1, true}, "node1[1] is now quorate", "QuorumStateChange [node1 1 quorate]"},
		{Quorum{"node1", 1, false}, "node1[1] has lost quorum", "QuorumStateChange [node1 1 not quorate]"},
		{Connection{"node1", 1, "0x5.77.cibadmin", true}, "node1[1] 0x5.77.cibadmin is now connected to corosync", "ConnectionStateChange [node1 1 0x5.77.cibadmin connected]"},
		{Connection{"node1", 1, "0x5.77.cibadmin", false}, "node1[1] 0x5.77.cibadmin is now disconnected from corosync", "ConnectionStateChange [node1 1 0x5.77.cibadmin disconnected]"},
		{Link{"node1", 1, 2, 0, false}, "node1[1] link 0 to node 2 is now disconnected", "QuorumStateChange [node1 1 2 0 disconnected]"},
	} {
		name, args := c.e.Signal()
		if got := fmt.Sprintf("%s %v", name, args); c.e.String() != c.line || got != c.signal {
			t.Errorf("%q, %q\nwant %q, %q", c.e, got, c.line, c.signal)
		}
	}
	for text, want := range map[string]string{"r(0) ip(192.168.100.92) ": "192.168.100.92", "r(0) ip(10.0.0.1) r(1) ip(fd00::1) ": "fd00::1", "": "", "x(": "", "10.0.0.1": ""} {
		if got := address(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestStat: of all statistics, connections and links are told of.
func TestStat(t *testing.T) {
	var got []string
	w := watcher{o: Options{Name: "node1"}, id: 1, tell: func(e Event) { got = append(got, e.String()) }}
	for _, e := range []cmap.Event{
		{Change: cmap.Added, Key: "stats.ipcs.service0.77.0x5.procname", New: cmap.Text("cibadmin")},
		{Change: cmap.Added, Key: "stats.ipcs.service0.77.0x5.sent", New: cmap.Text("1")},
		{Change: cmap.Deleted, Key: "stats.ipcs.service0.77.0x5.procname", Old: cmap.Text("cibadmin")},
		{Change: cmap.Modified, Key: "stats.knet.node2.link1.connected", New: cmap.U8(1)},
		{Change: cmap.Modified, Key: "stats.knet.node2.link1.mtu", New: cmap.U8(1)},
		{Change: cmap.Added, Key: "stats.ipcs.service0.procname"},
	} {
		w.stat(e)
	}
	if fmt.Sprint(got) != "[node1[1] 0x5.77.cibadmin is now connected to corosync node1[1] 0x5.77.cibadmin is now disconnected from corosync node1[1] link 1 to node 2 is now operational]" {
		t.Errorf("%q", got)
	}
}
