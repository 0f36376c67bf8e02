package sbd

import (
	"strings"
	"testing"
)

func TestReadOptions(t *testing.T) {
	for _, c := range []struct{ text, node, settings, args, fault string }{
		{"", "", "", "", ""},
		{"-n node1", "node1", "", "", ""},
		{"-W -P -nx -I5", "x", "SBD_PACEMAKER=yes", "--io 5s", ""},
		{"-WW -vzTZ -d /a -d /b -C 9", "", "PCMK_debug=sbd SBD_WATCHDOG_DEV=/dev/null SBD_DEVICE=/a;/b", "--crash-watchdog 9s --own-watchdog-timeout --cluster-first --trace 1", ""},
		{"-S 1 -1 7 -r off", "", "SBD_STARTMODE=clean SBD_WATCHDOG_TIMEOUT=7 SBD_TIMEOUT_ACTION=off", "", ""},
		{"-n", "", "", "", `"" is no value for option -n`},
		{"-C many", "", "", "", `"many" is no value for option -C`},
		{"-q", "", "", "", "there is no option -q"},
		{"-:", "", "", "", "there is no option -:"},
		{"watch", "", "", "", `"watch" is no option`},
		{"-c", "", "", "--check-cluster=true", ""},
		{"-cc -PP", "", "SBD_PACEMAKER=no", "--check-cluster=false", ""},
	} {
		o, err := ReadOptions(c.text)
		var settings []string
		if err == nil {
			settings = o.End()
		}
		if err != nil {
			if err.Error() != c.fault {
				t.Errorf("%q: %v, want %q", c.text, err, c.fault)
			}
			continue
		}
		if s, a := strings.Join(settings, " "), strings.Join(o.Args, " "); c.fault != "" || o.Node != c.node || s != c.settings || a != c.args {
			t.Errorf("%q: node %q, settings %q, options %q", c.text, o.Node, s, a)
		}
	}
}
