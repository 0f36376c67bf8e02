package lab_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// pacemakerBegins starts the original Pacemaker on a host's ring, and waits until its controllers are members of a cluster.
func (b *bench) pacemakerBegins(hosts ...string) {
	b.t.Helper()
	for _, h := range hosts {
		b.do(h, "sh", "-c", "systemctl start corosync && mkdir -p /run/crm /var/log/pacemaker /var/lib/pacemaker/cib /var/lib/pacemaker/pengine /var/lib/pacemaker/cores /var/lib/pacemaker/blackbox &&"+
			" chown hacluster:haclient /run/crm /var/log/pacemaker /var/lib/pacemaker /var/lib/pacemaker/* && { PATH="+systemPath+" setsid /usr/sbin/pacemakerd >/dev/null 2>&1 </dev/null & }")
	}
	b.await(0, hosts[0], "Online: [ node"+strings.Join(hosts, " node")+" ]", "env", "PATH="+systemPath, "/usr/sbin/crm_mon", "-1")
}

// TestBesidePacemaker has a node of ours come to a cluster of original Pacemakers, and one of them to a cluster of ours: nobody takes over what the
// others run, or has them fenced, and logs say what is wrong.
func TestBesidePacemaker(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"/usr/sbin/pacemakerd", "/usr/sbin/crm_mon"} {
		if _, err := os.Stat(p); err != nil {
			t.Skip(err)
		}
	}
	const refusal, log = "Pacemaker's own controller runs on ", "/var/log/pacemaker/pacemaker.log"
	conf := func(b *bench) {
		for _, h := range []string{"1", "2", "3"} {
			b.do(h, "sh", "-c", "cat > /etc/corosync/corosync.conf <<'EOF'\n"+pairConf(3, " transport: udpu\n token: 1000\n")+"EOF")
		}
	}
	t.Run("ours", func(t *testing.T) {
		b := up(t, "--hosts", "3")
		conf(b)
		b.pacemakerBegins("2", "3")
		b.try("1", "systemctl", "start", "pacemaker")
		b.await(0, "1", refusal+"node2, node3", "cat", log)
		b.await(0, "1", "inactive", "systemctl", "is-active", "corosync") // it has no vote there
		b.await(0, "1", "failed", "systemctl", "is-active", "pacemaker")
		b.await(0, "2", "OFFLINE: [ node1 ]", "env", "PATH="+systemPath, "/usr/sbin/crm_mon", "-1")
	})
	t.Run("theirs", func(t *testing.T) {
		b := up(t, "--hosts", "3")
		conf(b)
		for _, h := range []string{"1", "2"} {
			b.do(h, "systemctl", "start", "pacemaker")
		}
		b.do("3", "systemctl", "start", "corosync")
		b.await(0, "1", "Node node3: pending", "crm_mon", "-1")
		b.do("1", "cibadmin", "-C", "-o", "resources", "-X", `<primitive id="F" class="stonith" type="fence_lab"/>`)
		b.do("3", "touch", "/run/not-fenced") // gone after a boot
		b.pacemakerBegins("3")
		for _, h := range []string{"1", "2"} {
			b.await(time.Minute, h, refusal+"node3", "cat", log) // a whole cluster looks from time to time
		}
		b.do("3", "test", "-e", "/run/not-fenced")
		b.await(0, "1", "Online: [ node1 node2 ]", "crm_mon", "-1")
	})
}
