package corosynccheck

import (
	"strings"
	"testing"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
)

func pairs(words ...string) argv.Pairs {
	var p argv.Pairs
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		p = append(p, argv.Pair{Name: name, Value: value})
	}
	return p
}

func texts(items []report.Item) string {
	var out []string
	for _, i := range items {
		mark := map[report.Severity]string{report.Error: "E", report.Warning: "W"}[i.Severity]
		if i.Force == report.ByForce {
			mark += "!"
		}
		out = append(out, mark+" "+i.Text)
	}
	return strings.Join(out, "\n")
}

func TestRules(t *testing.T) {
	r := Rules{Style: report.Style{Minor: 11}, Resolve: func(name string) bool { return name != "nowhere" }}
	node := func(name string, addrs ...string) corosyncconf.NewNode {
		return corosyncconf.NewNode{Name: name, Addrs: addrs}
	}
	for name, tt := range map[string]struct {
		got  []report.Item
		want string
	}{
		"totem":            {r.Totem(pairs("token=3000", "join=x"), false), "E 'x' is not a valid join value, use a non-negative integer"},
		"totem, unset":     {r.Totem(pairs("token="), true), ""},
		"totem, unknown":   {r.Totem(pairs("nonsense=1"), false), "nonsense"},
		"quorum":           {r.Quorum(pairs("wait_for_all=1", "last_man_standing=2"), false, false, nil), "E '2' is not a valid last_man_standing value, use '0', '1'"},
		"quorum, requires": {r.Quorum(pairs("last_man_standing_window=1000"), false, false, nil), "last_man_standing"},
		"device":           {r.Device(corosyncconf.QuorumDevice{Model: "net", Options: pairs("host=q")}, []string{"1"}, false), "algorithm"},
		"names twice":      {r.Create("c", []corosyncconf.NewNode{node("a", "10.0.0.1"), node("a", "10.0.0.2")}, "knet", "ipv6-4"), "E Node names must be unique, duplicate names: 'a'"},
		"unresolvable":     {r.Create("c", []corosyncconf.NewNode{node("a", "nowhere")}, "knet", "ipv6-4"), "E! Unable to resolve addresses: 'nowhere'"},
		"no address":       {r.Create("c", []corosyncconf.NewNode{node("a")}, "knet", "ipv6-4"), "address"},
	} {
		t.Run(name, func(t *testing.T) {
			got := texts(tt.got)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
