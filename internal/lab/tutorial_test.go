package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"hacluster/internal/lab"
)

// TestTutorial types the tutorial into two hosts; then the same under other names,
// at other addresses: nothing is tied to the tutorial's words; and with original nodes as the ring
// below our Pacemaker.
func TestTutorial(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can bring test hosts up")
	}
	if testing.Short() {
		t.Skip("test hosts take time")
	}
	if _, err := os.Stat("/usr/sbin/apache2"); err != nil {
		t.Skip("no apache2 on this machine for the tutorial's web service")
	}
	own, err := lab.DefaultHosts(2)
	if err != nil {
		t.Fatal(err)
	}
	host := func(name, address string) lab.Host {
		return lab.Host{Name: name, Address: netip.MustParsePrefix(address)}
	}
	for _, c := range []struct {
		name     string
		hosts    []lab.Host
		names    lab.Names
		corosync string
	}{
		{"tutorial-own", own, lab.TutorialNames, ""},
		{"tutorial-others", []lab.Host{host("alpha", "10.20.30.1/24"), host("beta", "10.20.30.2/24")}, lab.Names{Cluster: "shop", VIP: "Front", Web: "Site", Address: "10.20.30.77"}, ""},
		{"tutorial-original-ring", own, lab.TutorialNames, "/usr/sbin/corosync"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(c.corosync); c.corosync != "" && err != nil {
				t.Skip(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			var out bytes.Buffer
			if err := lab.PlayTutorial(ctx, lab.Config{Name: fmt.Sprintf("%s-%d", c.name, os.Getpid()), While: os.Getpid(), Hosts: c.hosts, Corosync: c.corosync}, c.names, &out); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
		})
	}
}
