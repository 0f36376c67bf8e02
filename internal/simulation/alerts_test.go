package simulation

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAlerts holds that each node's agents hear of a lost node once, of its fencing once,
// and that what runs again is told by the node that it runs on.
func TestAlerts(t *testing.T) {
	c := up(t, 7, 3, true)
	create(t, c, "node1", "alerts", `<alerts><alert id="a" path="/agent"/></alerts>`)
	c.Run(2 * time.Second)
	victim := one(t, c, 7)
	c.Kill(victim)
	c.Run(60 * time.Second)
	home := one(t, c, 7, victim)
	for _, n := range c.Nodes {
		if n.Name == victim {
			continue
		}
		count := map[string]int{}
		for _, r := range n.Alerts {
			get := func(name string) string {
				i := slices.IndexFunc(r.Env, func(v string) bool { return strings.HasPrefix(v, "CRM_alert_"+name+"=") })
				if i < 0 {
					return ""
				}
				return strings.TrimPrefix(r.Env[i], "CRM_alert_"+name+"=")
			}
			count[strings.TrimSpace(strings.Join([]string{get("kind"), get("node"), get("rsc"), get("task"), get("desc")}, " "))]++
		}
		fenced := 0
		for k, v := range count {
			if strings.HasPrefix(k, "fencing "+victim+"  st_notify_fence Operation reboot of "+victim+" by node") && strings.Contains(k, ": OK (ref=") {
				fenced += v
			}
		}
		started := count["resource "+n.Name+" R start ok"]
		if want := map[bool]int{true: 1, false: 0}[n.Name == home]; count["node "+victim+"   lost"] != 1 || fenced != 1 || started != want {
			t.Errorf("%s heard %v", n.Name, count)
		}
	}
}
