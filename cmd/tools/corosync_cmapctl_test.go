package main

import (
	"slices"
	"testing"

	"hacluster/corosync/client"
	"hacluster/corosync/cmap"
)

// TestLegacyKeys holds where Corosync 2 has the keys of today's maps.
func TestLegacyKeys(t *testing.T) {
	for modern, want := range map[string]string{
		"runtime.members.1.ip":               "runtime.totem.pg.mrp.srp.members.1.ip",
		"stats.srp.mcast_tx":                 "runtime.totem.pg.mrp.srp.mcast_tx",
		"stats.pg.msg_reserved":              "runtime.totem.pg.msg_reserved",
		"stats.ipcs.global.active":           "runtime.connections.active",
		"totem.token":                        "totem.token",
		"runtime.config.totem.token":         "runtime.config.totem.token",
		"runtime.config.totem.token_warning": "",
		"stats.knet.node1.link0.mtu":         "",
		"runtime.totem.fast_detection":       "",
	} {
		got, ok := legacyKey(modern)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q", modern, got)
		}
		if back, _ := modernKey(want); want != "" && back != modern {
			t.Errorf("%s comes from %s", want, back)
		}
	}
	list := legacyConnections([]client.Entry{
		{Key: "stats.ipcs.service2.77.0x5f.procname", Value: cmap.Text("a program!")},
		{Key: "stats.ipcs.service2.77.0x5f.requests", Value: cmap.U64(5)},
		{Key: "stats.ipcs.service2.77.0x5f.queued", Value: cmap.U32(1)},
		{Key: "stats.ipcs.global.active", Value: cmap.U64(1)},
	})
	if len(list) != 13 || !slices.ContainsFunc(list, func(e client.Entry) bool {
		return e.Key == "runtime.connections.a_program_:77:0x5f.requests" && e.Value.String() == "5"
	}) {
		t.Errorf("%v", list)
	}
}
