package quorumdevice

import "testing"

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		line string
		want command
		bad  bool
	}{
		{"status \n", command{verb: "status"}, false},
		{"list verbose cluster \"a \\\"b\" \n", command{"list", true, `a "b`}, false},
		{"list cluster", command{}, true},
		{"status loudly", command{}, true},
		{"list cluster \"a", command{}, true},
		{"", command{}, true},
	} {
		got, err := parseCommand(c.line)
		if (err != nil) != c.bad || !c.bad && got != c.want {
			t.Errorf("%q: %+v, %v", c.line, got, err)
		}
	}
}
