package lab_test

import (
	"strings"
	"testing"
	"time"
)

// A host that takes connections and says nothing costs pcs the time for a connection,
// however many such hosts there are, and what the user asks for where they ask.
func TestSilentHosts(t *testing.T) {
	b := up(t, "--hosts", "3")
	for _, h := range []string{"1", "2", "3"} {
		b.do(h, "sh", "-c", "echo 0.9.152 > /etc/hacluster/dialect; systemctl start pcsd; echo hacluster:secret | chpasswd")
	}
	b.do("1", "pcs", "cluster", "auth", "node1", "node2", "node3", "-u", "hacluster", "-p", "secret")
	b.clusterd("lab", "pause", "--name", b.name, "2")
	b.clusterd("lab", "pause", "--name", b.name, "3")
	for _, c := range []struct {
		argv  []string
		want  string
		limit time.Duration
	}{
		{[]string{"pcs", "cluster", "setup", "--name", "c", "node1", "node2", "node3"}, "Error: node2: error checking node availability: Connection timed out after 10000 milliseconds\n", 12 * time.Second},
		{[]string{"pcs", "cluster", "setup", "--name", "c", "node1", "node2", "node3", "--request-timeout=1"}, "Error: node3: error checking node availability: Connection timed out after 1000 milliseconds\n", 3 * time.Second},
		{[]string{"pcs", "cluster", "auth", "node1", "node2", "node3", "-u", "hacluster", "-p", "secret"}, "Error: Unable to communicate with node2\n", 24 * time.Second},
	} {
		begin := time.Now()
		code, out := b.try("1", c.argv...)
		if took := time.Since(begin); code != 1 || !strings.Contains(out, c.want) || took > c.limit {
			t.Errorf("%v: exit code %d after %s\n%s", c.argv, code, took, out)
		}
	}
	// Packets that are dropped are no answer either; where the kernel knows that nobody is there, it says so earlier.
	b.clusterd("lab", "resume", "--name", b.name, "2")
	b.clusterd("lab", "cut", "--name", b.name, "2")
	begin := time.Now()
	code, out := b.try("1", "pcs", "cluster", "setup", "--name", "c", "node1", "node2")
	if took := time.Since(begin); code != 1 || !strings.Contains(out, "Error: node2: error checking node availability: ") || took > 12*time.Second {
		t.Errorf("exit code %d after %s\n%s", code, took, out)
	}
}
