package node

import "testing"

func TestComplaint(t *testing.T) {
	for _, c := range []struct{ stderr, want string }{
		{"", ""},
		{"sorry\n", "sorry"},
		{"one\ntwo\n\n", "one\ntwo"},
		{
			"/usr/sbin/fence_ipmilan:5: DeprecationWarning: 'pipes' is deprecated\n  from pipes import quote\n2026-11-30 09:06:40,499 ERROR: Failed: Unable to obtain correct plug status or plug is not available\n\n\n",
			"Failed: Unable to obtain correct plug status or plug is not available",
		},
		{
			"2026-11-30 09:06:40,499 WARNING: Parse error: Ignoring unknown option 'x=1'\n2026-11-30 09:06:40,500 ERROR: sending message to sbd device(s)                 failed with return code 1\n2026-11-30 09:06:40,501 ERROR: DETAIL: output on stderr was \"no\n\"\n",
			`sending message to sbd device(s) failed with return code 1; DETAIL: output on stderr was "no`,
		},
		{"2026-11-30 09:06:40,499 INFO: Executing: x\nbroken\n", "2026-11-30 09:06:40,499 INFO: Executing: x\nbroken"},
	} {
		if got := complaint(c.stderr); got != c.want {
			t.Errorf("%q: %q, want %q", c.stderr, got, c.want)
		}
	}
}
