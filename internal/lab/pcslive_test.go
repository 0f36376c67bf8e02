package lab_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// typed is a command line on a host, and what has to come of it.
type typed struct {
	host, line string
	code       int
	// want are parts of the output, in their order.
	want []string
}

// typeAll carries command lines out. A line that begins with an exclamation mark is the shell's.
func (b *bench) typeAll(lines []typed) {
	b.t.Helper()
	for _, c := range lines {
		argv := append([]string{"pcs"}, strings.Fields(c.line)...)
		if script, is := strings.CutPrefix(c.line, "!"); is {
			argv = []string{"sh", "-c", script}
		}
		begin := time.Now()
		code, out := b.try(c.host, argv...)
		took := time.Since(begin)
		rest := out
		for _, w := range c.want {
			_, after, found := strings.Cut(rest, w)
			if !found {
				b.t.Errorf("node%s: %s: %q is missing, or not in its place\n%s", c.host, c.line, w, out)
				break
			}
			rest = after
		}
		if code != c.code {
			b.t.Fatalf("node%s: %s: exit code %d, want %d, after %s\n%s", c.host, c.line, code, c.code, took, out)
		}
	}
}

var pcsVerbs = flag.Bool("pcs-verbs", false, "type the rarer verbs of pcs on hosts, too (some 30 s more)")

// TestPcsOnHosts types the verbs that reach many hosts, on hosts with real daemons: three are a cluster, one joins and leaves
// it and is another site, one has the quorum device's server; at the end one is off.
func TestPcsOnHosts(t *testing.T) {
	t.Parallel()
	b := up(t, "--hosts", "5")
	for i, h := range []string{"1", "2", "3", "4", "5"} {
		b.do(h, "sh", "-c", "echo 0.11 > /etc/hacluster/dialect; systemctl start pcsd; echo hacluster:secret | chpasswd; ip addr add 10.9.0."+string(rune('1'+i))+"/24 dev eth0")
	}
	b.typeAll([]typed{
		{"1", "host auth node1 node2 -u hacluster -p wrong", 1, []string{"Username and/or password is incorrect"}},
		{"1", "host auth node1 node2 node3 node4 node5 -u hacluster -p secret", 0, []string{": Authorized"}},
		{"1", "cluster setup c node1 node2 node3 node9", 1, []string{"Error: Host 'node9' is not known to pcs, try to authenticate the host using 'pcs host auth node9' command"}},
		{"1", "cluster setup c node1 node2 node3 transport knet ip_version=ipv4 link transport=udp crypto cipher=aes256 hash=sha256 totem token=3000 quorum wait_for_all=1 --enable --start --wait=120", 0, []string{"Cluster has been successfully set up.", "Enabling cluster on hosts: 'node1', 'node2', 'node3'...", ": Cluster started"}},
		{"2", "!cat /etc/corosync/corosync.conf", 0, []string{"cluster_name: c", "token: 3000", "crypto_cipher: aes256", "wait_for_all: 1"}},
		{"1", "property set stonith-enabled=false", 0, nil},
		{"1", "resource create d ocf:pacemaker:Dummy", 0, nil},

		{"1", "cluster rename d", 1, []string{"Error: Corosync is running on node 'node1'", "In order to proceed, stop the cluster."}},
		{"1", "cluster config update totem token=2500", 0, []string{"Sending updated corosync.conf to nodes...", ": Corosync configuration reloaded"}},
	})
	b.await(30*time.Second, "3", "2500", "corosync-cmapctl", "-g", "totem.token")
	b.links()
	b.typeAll([]typed{
		{"1", "cluster authkey corosync", 0, []string{"node3: successful distribution of the file 'corosync authkey'", ": Corosync configuration reloaded"}},
		{"1", "cluster sync", 0, []string{"node3: Succeeded"}},
		{"1", "cluster reload corosync", 0, []string{"Corosync reloaded"}},
		{"1", "pcsd sync-certificates", 0, []string{"Synchronizing pcsd SSL certificates on node(s) 'node1', 'node2', 'node3'..."}},
		{"1", "!cp /var/lib/pcsd/pcsd.crt /tmp/c; cp /var/lib/pcsd/pcsd.key /tmp/k; pcs pcsd certkey /tmp/c /tmp/k", 1, []string{"certificate and/or key already exists, use --force to overwrite"}},
		{"1", "pcsd certkey /tmp/c /tmp/k --force", 0, nil},
		{"2", "!cmp /var/lib/pcsd/pcsd.crt /dev/stdin < /var/lib/pcsd/pcsd.crt", 0, nil},
		{"1", "status pcsd", 0, []string{"node3: Online"}},

		// A node joins a running cluster, and leaves it.
		{"1", "cluster node add node4 --start --enable --wait=120", 0, []string{"node4: successful distribution of the file 'corosync authkey'", "node4: Succeeded", "node4: Cluster started"}},
	})
	b.await(60*time.Second, "4", "Online: node1 node2 node3 node4", "pcs", "status", "nodes")
	b.typeAll([]typed{
		{"1", "cluster node remove node4", 0, []string{"Destroying cluster on hosts: 'node4'...", "node4: Successfully destroyed cluster", ": Corosync configuration reloaded"}},
		{"1", "cluster node clear node4", 0, nil},
		{"1", "cluster node clear node2", 1, []string{"Error: node 'node2' seems to be still in the cluster; this command should be used only with nodes that have been removed from the cluster"}},
		{"4", "!test ! -e /etc/corosync/corosync.conf", 0, nil},
	})
	if *pcsVerbs {
		b.otherVerbs()
	}

	// A host that takes connections and says nothing, and one that is off.
	b.clusterd("lab", "pause", "--name", b.name, "3")
	b.typeAll([]typed{
		{"1", "cluster sync --request-timeout=5", 1, []string{"node2: Succeeded", "Error: Unable to set corosync config: Unable to connect to node3, check if pcsd is running there or try setting higher timeout with --request-timeout option (Connection timed out after 5000 milliseconds)"}},
	})
	b.clusterd("lab", "resume", "--name", b.name, "3")
	b.clusterd("lab", "kill", "--name", b.name, "3")
	b.await(60*time.Second, "1", "OFFLINE: [ node3 ]", "crm_mon", "-1")
	b.typeAll([]typed{
		{"1", "cluster authkey corosync --request-timeout=5", 1, []string{"Error: ", "node3", ", use --skip-offline to override"}},
		{"1", "cluster node add node4 --skip-offline --request-timeout=10", 0, []string{"Warning: Omitting node 'node3'", "node4: Succeeded"}},
		{"1", "cluster destroy --all --request-timeout=20", 1, []string{"node2: Successfully destroyed cluster", "Error: unable to destroy cluster\nnode3: Unable to connect to node3, check if pcsd is running there"}},
		{"1", "!test ! -e /etc/corosync/corosync.conf", 0, nil},
		{"4", "!test ! -e /etc/corosync/corosync.conf", 0, nil},
		{"1", "status pcsd", 1, nil},
	})
}

// links has the running cluster get a link beside its only one, do without the first, and get it back: all without a change of
// the ring.
func (b *bench) links() {
	b.t.Helper()
	b.typeAll([]typed{
		{"2", "!corosync-quorumtool -s | grep 'Ring ID' > /tmp/ring && test -s /tmp/ring", 0, nil},
		{"1", "cluster link add node1=10.9.0.1 node2=10.9.0.2 node3=10.9.0.3 options linknumber=1 link_priority=5", 0, []string{"Sending updated corosync.conf to nodes...", "node3: Succeeded", ": Corosync configuration reloaded"}},
	})
	connected := func(link string) {
		b.t.Helper()
		for _, h := range []string{"1", "2", "3"} {
			b.await(30*time.Second, h, "2\n", "sh", "-c", "corosync-cfgtool -s | sed -n '/^LINK ID "+link+"/,/^LINK ID [^"+link+"]/p' | grep -c ':.*[^s]connected'")
		}
	}
	connected("1")
	b.typeAll([]typed{
		{"2", "!corosync-cfgtool -s", 0, []string{"LINK ID 0 udp", "LINK ID 1 udp", "addr\t= 10.9.0.2"}},
		{"2", "!corosync-cmapctl -g totem.interface.1.knet_link_priority", 0, []string{"= 5"}},
		{"1", "cluster link remove 0", 0, []string{"node3: Succeeded", ": Corosync configuration reloaded"}},
	})
	for _, h := range []string{"1", "2", "3"} {
		b.await(30*time.Second, h, "gone", "sh", "-c", "corosync-cfgtool -s | grep -q '^LINK ID 0' || echo gone")
	}
	connected("1")
	b.typeAll([]typed{
		{"3", "resource config d", 0, nil}, // the nodes hear each other over what is left
		{"1", "cluster link remove 1", 1, []string{"Error: "}},
		{"1", "cluster link update 1 options link_priority=7", 1, []string{"Error: ", "stop the cluster"}},
		{"1", "cluster link add node1=211.183.3.104 node2=211.183.3.105 node3=211.183.3.107 options linknumber=0", 0, []string{"node3: Succeeded", ": Corosync configuration reloaded"}},
	})
	connected("0")
	b.typeAll([]typed{
		{"1", "cluster link remove 1", 0, []string{"node3: Succeeded", ": Corosync configuration reloaded"}},
		{"2", "!corosync-quorumtool -s | grep 'Ring ID' | cmp - /tmp/ring", 0, nil},
	})
}

// otherVerbs types the verbs of other sites, booth, SBD, backups, the quorum device and users, and what takes a cluster that is down.
func (b *bench) otherVerbs() {
	b.t.Helper()
	b.typeAll([]typed{
		// Another site.
		{"4", "host auth node1 node2 node3 node4 -u hacluster -p secret", 0, nil},
		{"4", "cluster setup second node4 --start --wait=120", 0, []string{"node4: Cluster started"}},
		{"1", "dr set-recovery-site node4", 0, []string{"node4: successful distribution of the file 'disaster-recovery config'", "node3: successful distribution"}},
		{"2", "dr config", 0, []string{"Role: Primary", "Role: Recovery", "node4"}},
		{"1", "dr status", 0, []string{"--- Local cluster - Primary site ---", "--- Remote cluster - Recovery site ---", "Cluster name: second"}},
		{"1", "dr destroy", 0, []string{"node4: successful removal of the file"}},
		{"4", "cluster destroy", 0, nil},

		// Booth's files; its daemon is not built.
		{"1", "booth setup sites 211.183.3.104 211.183.3.105 arbitrators 211.183.3.107", 0, nil},
		{"1", "booth ticket add T", 0, nil},
		{"1", "booth sync", 0, []string{"Sending booth configuration to cluster nodes...", "Booth config saved"}},
		{"4", "booth pull node1", 0, []string{"Booth config saved"}},
		{"4", "booth config", 0, []string{"site = 211.183.3.104", `ticket = "T"`}},
		{"1", "booth destroy", 0, nil},

		{"1", "stonith sbd enable --no-watchdog-validation SBD_WATCHDOG_TIMEOUT=7", 0, []string{"node3: SBD config saved", "node3: sbd enabled"}},
		{"2", "stonith sbd config", 0, []string{"SBD_WATCHDOG_TIMEOUT=7", "node3: /dev/watchdog"}},
		{"2", "stonith sbd status", 0, []string{"node3: YES | YES |"}},
		{"1", "stonith sbd disable", 0, []string{"node3: sbd disabled"}},

		{"1", "config backup /tmp/backup", 0, nil},
		{"1", "config checkpoint", 0, []string{"checkpoint 1: date"}},
		{"1", "config checkpoint diff 1 live", 0, []string{"stonith-enabled=false"}},
	})
	onDevice := func(server string) {
		b.typeAll([]typed{
			{"1", "quorum device add model net host=node5 algorithm=ffsplit", 0, []string{"node3: corosync-qdevice enabled", ": Corosync configuration reloaded", "node3: corosync-qdevice started"}},
		})
		b.await(60*time.Second, "1", "Connected", "pcs", "quorum", "device", "status")
		b.await(60*time.Second, "1", "Total votes:      4", "pcs", "quorum", "status")
		b.typeAll([]typed{
			{"1", "quorum device update model tie_breaker=highest", 0, []string{"Reloading qdevice configuration on nodes...", "node3: corosync-qdevice started"}},
			{"1", "quorum config", 0, []string{"algorithm: ffsplit", "host: node5", "tie_breaker: highest"}},
		})
		b.await(60*time.Second, "5", `Cluster "c":`, server, "-l")
		b.typeAll([]typed{
			{"1", "quorum device remove", 0, []string{"node3: corosync-qdevice disabled", "node3: corosync-qdevice stopped", "Removing qdevice certificates from nodes..."}},
		})
		b.await(60*time.Second, "1", "Total votes:      3", "pcs", "quorum", "status")
	}
	b.typeAll([]typed{
		{"1", "quorum device add model net host=node5 algorithm=ffsplit", 1, []string{"Error: node5: Error: Quorum device 'net' has not been initialized yet"}},
		{"5", "qdevice setup model net --enable --start", 0, []string{"Quorum device 'net' initialized", "quorum device started"}},
	})
	onDevice("corosync-qnetd-tool")
	b.typeAll([]typed{{"5", "qdevice destroy net", 0, []string{"Quorum device 'net' configuration files removed"}}})
	if theirs := []string{"/usr/bin/corosync-qnetd", "/usr/bin/corosync-qnetd-certutil", "/usr/bin/certutil"}; !slices.ContainsFunc(theirs, func(p string) bool {
		_, err := os.Stat(p)
		return err != nil
	}) {
		// The original's server with its own database, out of which pcsd signs.
		b.typeAll([]typed{
			{"5", "!/usr/bin/corosync-qnetd-certutil -i && mkdir -p /run/corosync-qnetd && { setsid /usr/bin/corosync-qnetd -f >/tmp/qnetd.log 2>&1 & }", 0, nil},
		})
		onDevice("/usr/bin/corosync-qnetd-tool")
	}

	// Users who are not root have the local pcsd act for them, as far as they may. They have to be let into the folder of the programs.
	if err := os.Chmod(programs, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := os.Chmod(programs, 0o700); err != nil {
			b.t.Error(err)
		}
	})
	b.typeAll([]typed{
		{"1", "!useradd -m -G haclient ann && echo ann:annpw | chpasswd", 0, nil},
		{"1", `!su ann -c "pcs status pcsd"`, 1, []string{"Unable to authenticate against the local pcsd"}},
		{"1", `!su ann -c "pcs client local-auth -u ann -p wrong"`, 1, []string{"Error: localhost: Username and/or password is incorrect"}},
		{"1", `!su ann -c "pcs client local-auth -u ann -p annpw"`, 0, []string{"localhost: Authorized"}},
		{"1", `!su ann -c "pcs status pcsd"`, 0, []string{"node3: Online"}},
		{"1", `!su ann -c "pcs cluster destroy"`, 1, []string{"Permission denied"}},
		{"1", "host deauth node5", 0, nil},
		{"1", "pcsd status node5", 2, []string{"node5: Unable to authenticate"}},

		// A token that is no longer good.
		{"3", "!cp /var/lib/pcsd/pcs_users.conf /tmp/users && echo '[]' > /var/lib/pcsd/pcs_users.conf", 0, nil},
		{"1", "status pcsd", 2, []string{"node3: Unable to authenticate"}},
		{"1", "cluster config update totem token=2600", 1, []string{"Error: Unable to authenticate to node3 (HTTP error: 401), try running 'pcs host auth node3'"}},
		{"3", "!cp /tmp/users /var/lib/pcsd/pcs_users.conf", 0, nil},

		// What only a cluster that is down takes.
		{"1", "cluster stop --all", 0, []string{"Stopping Cluster (pacemaker)...", "Stopping Cluster (corosync)..."}},
		{"1", "cluster rename d", 0, []string{"Removing CIB cluster name property on nodes...", "node3: Succeeded"}},
		{"1", "cluster link update 0 node1=10.9.0.1 node2=10.9.0.2 node3=10.9.0.3", 0, []string{"Corosync is not running on node 'node3'", "node3: Succeeded"}},
		{"1", "cluster link add node1=211.183.3.104 node2=211.183.3.105 node3=211.183.3.107 options linknumber=1 link_priority=5 --force", 0, []string{"Warning: Unable to load CIB", "node3: Succeeded"}},
		{"1", "cluster link update 1 options link_priority=7", 0, []string{"node3: Succeeded"}},
		{"1", "cluster start --all --wait=120", 0, []string{"node3: Started"}},
		{"3", "!corosync-cfgtool -s", 0, []string{"addr\t= 10.9.0.3", "addr\t= 211.183.3.107"}},
	})
	b.await(60*time.Second, "2", "d\n", "crm_attribute", "-t", "crm_config", "-n", "cluster-name", "-G", "-q")
	b.typeAll([]typed{
		{"1", "cluster stop --all", 0, nil},
		{"1", "config restore /tmp/backup.tar.bz2", 0, []string{"node1: Succeeded", "node2: Succeeded", "node3: Succeeded"}},
		{"3", "!cat /etc/corosync/corosync.conf", 0, []string{"cluster_name: c"}},
		{"1", "cluster start --all --wait=120", 0, []string{"node3: Started"}},
		{"2", "resource config d", 0, []string{"Resource: d (class=ocf provider=pacemaker type=Dummy)"}},
	})
}
