package halt

import "testing"

func TestAction(t *testing.T) {
	for _, c := range []struct {
		setting string
		how     How
		flush   bool
		bad     bool
	}{
		{"", Reboot, false, false},
		{"reboot", Reboot, false, false},
		{"off", Off, false, false},
		{"crash", Crash, false, false},
		{"sync-reboot", Reboot, true, false},
		{"sync-off", Off, true, false},
		{"sync-crash", Crash, true, false},
		{"sync-", Reboot, false, true},
		{"Reboot", Reboot, false, true},
		{"halt", Reboot, false, true},
	} {
		how, flush, err := Action(c.setting)
		if how != c.how || flush != c.flush || (err != nil) != c.bad {
			t.Errorf("%q: %v, %v, %v", c.setting, how, flush, err)
		}
	}
}
