package fleet

import (
	"strings"
	"testing"

	"hacluster/internal/pcs/report"
)

func lines(items []report.Item) string {
	var out []string
	for _, i := range items {
		out = append(out, i.Text)
	}
	return strings.Join(out, "\n")
}

func TestUnfit(t *testing.T) {
	h := Host{Node: "n1", Services: map[string]Service{"pacemaker": {Installed: true, Running: true}, "corosync": {}}, InCluster: true}
	items, taken := h.Unfit([]string{"pacemaker", "corosync"}, []string{"pacemaker"}, true, false)
	if !taken || len(items) != 3 || items[0].Force != report.NoForce || items[1].Force != report.ByForce {
		t.Errorf("%v\n%s", taken, lines(items))
	}
	if got, want := items[0].Text, "n1: Required cluster services not installed: 'corosync'"; got != want {
		t.Errorf("%s", got)
	}
	if items, taken = (Host{Node: "n2", Services: map[string]Service{"pacemaker": {Installed: true}}}).Unfit([]string{"pacemaker"}, []string{"pacemaker"}, true, false); taken || len(items) > 0 {
		t.Errorf("a fit host: %s", lines(items))
	}
}

func TestVersions(t *testing.T) {
	hosts := []Host{
		{Node: "a", Services: map[string]Service{"pcsd": {Version: "1"}}},
		{Node: "b", Services: map[string]Service{"pcsd": {Version: "2"}}},
		{Node: "c", Services: map[string]Service{"pcsd": {Version: "2"}}},
	}
	want := "Hosts do not have the same version of 'pcsd'; hosts 'b', 'c' have version 2; host 'a' has version 1"
	if got := lines(Versions(hosts, "pcsd", "corosync")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
