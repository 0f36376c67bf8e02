package tool

import (
	"fmt"
	"io"

	"hacluster/cib/upgrade"
)

// TellUpgrade writes what an upgrade in memory rewrote, but for what is of use to those
// who debug it only.
func TellUpgrade(w io.Writer, messages []upgrade.Message) {
	for _, m := range messages {
		if m.Severity > upgrade.Debug {
			fmt.Fprintln(w, m.Text) //nolint:errcheck // nobody is left to tell
		}
	}
}
