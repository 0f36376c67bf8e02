package property

import (
	"testing"

	"hacluster/internal/pcs/session"
)

func TestWatchdog(t *testing.T) {
	const only, never = "stonith-watchdog-timeout can only be unset or set to 0 while SBD is ", "stonith-watchdog-timeout cannot be unset or set to 0 while SBD is "
	off, alone, shared := session.SBD{Watchdog: 5}, session.SBD{Enabled: true, Watchdog: 5}, session.SBD{Enabled: true, Devices: []string{"/dev/a"}, Watchdog: 5}
	for _, c := range []struct {
		sbd         session.SBD
		value, want string
	}{
		{off, "", ""},
		{off, "0s", ""},
		{off, "nonsense", ""},
		{off, "10", only + "disabled"},
		{shared, "", ""},
		{shared, "0", ""},
		{shared, "10", only + "enabled with devices"},
		{alone, "", never + "enabled without devices"},
		{alone, "0", never + "enabled without devices"},
		{alone, "5s", "The stonith-watchdog-timeout must be greater than SBD watchdog timeout '5', entered '5s'"},
		{alone, "6", ""},
		{alone, "1min", ""},
	} {
		got := ""
		for _, i := range watchdog(c.sbd, c.value, false) {
			got += i.Text
		}
		if got != c.want {
			t.Errorf("%+v %q: %q, want %q", c.sbd, c.value, got, c.want)
		}
	}
}
