package ocf

import (
	"bytes"
	"testing"
)

// FuzzFenceMetadata: whatever a fence agent prints as its metadata is completed or refused, and what is completed can be read again, with nothing to
// be added.
func FuzzFenceMetadata(f *testing.F) {
	f.Add([]byte(`<resource-agent name="f"><parameters><parameter name="port" required="1"/><parameter name="action"/></parameters><actions><action name="reboot"/></actions></resource-agent>`))
	f.Add([]byte(`<resource-agent/>`))
	f.Add([]byte(`<a xmlns:x="y"><x:actions/></a>`))
	f.Add([]byte("no XML"))
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := fenceMetadata(data)
		if err != nil {
			return
		}
		twice, err := fenceMetadata(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q is completed to\n%s\nand that to\n%s, %v", data, once, twice, err)
		}
	})
}
