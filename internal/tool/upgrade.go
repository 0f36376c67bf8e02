package tool

import (
	"fmt"
	"io"

	"hacluster/cib/upgrade"
)

// TellUpgrade writes what an upgrade in memory rewrote. All programs that read a
// configuration as the scheduler does tell it, whatever else they are asked.
func TellUpgrade(w io.Writer, messages []upgrade.Message) {
	for _, m := range messages {
		fmt.Fprintln(w, m.Text) //nolint:errcheck // nobody is left to tell
	}
}
