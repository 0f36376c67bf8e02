package lab_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var fenceAgents = flag.Bool("fence-agents", false, "TestFenceIPMI: also by hand, and with a password that is wrong (20 s more)")

// unpacked is where packages are that pcs must not find on this machine.
const unpacked = "/usr/local/lib/hacluster-originals"

// equip puts the fence agents of ClusterLabs into hosts, unchanged, and our sbd where those look for one; what needs a package
// that is not at hand is skipped.
func (b *bench) equip(needs string, hosts ...string) {
	b.t.Helper()
	if _, err := os.Stat(unpacked + needs); err != nil {
		b.t.Skipf("a package of Debian's is not at hand (scripts/prepare --tests gets it): %v", err)
	}
	for _, h := range hosts {
		b.do(h, "sh", "-c", "cp -a "+unpacked+"/usr/. /usr/ && ln -sf /opt/hacluster/bin/sbd /usr/sbin/sbd")
	}
}

// blockDevice makes a block device over a file for as long as the test lasts; all hosts see it.
func blockDevice(t *testing.T, size string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	out, err := exec.Command("sh", "-c", "truncate -s "+size+" "+file+" && losetup -f --show "+file).CombinedOutput()
	if err != nil {
		t.Skipf("no block device can be made over a file: %v: %s", err, out)
	}
	disk := strings.TrimSpace(string(out))
	held, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	// It goes when nobody has it open any more, whatever ends the test.
	if out, err := exec.Command("losetup", "-d", disk).CombinedOutput(); err != nil {
		t.Errorf("%s stays: %v: %s", disk, err, out)
	}
	return disk
}

// TestFenceSBD has the agent fence_sbd fence hosts: one without a network, then one whose daemons stand still. It writes to the
// disk that all share, and the host's own watch ends it. Then the service is elsewhere, and all know who did it.
func TestFenceSBD(t *testing.T) {
	t.Parallel()
	disk := blockDevice(t, "4M")
	b := clusterWith(t, 3, false, "")
	all := []string{"1", "2", "3"}
	b.equip("/usr/sbin/fence_sbd", all...)
	// No watch ends its host for being late: that would be another fencing than this one.
	b.do("1", "/usr/sbin/sbd", "-d", disk, "-1", "60", "-2", "0", "-3", "1", "-4", "4", "create")
	for _, h := range all {
		b.do(h, "sh", "-c", "mkdir -p /etc/default; touch /run/watchdog; printf 'SBD_DEVICE="+disk+"\\nSBD_WATCHDOG_DEV=/run/watchdog\\n' > /etc/default/sbd; systemctl -q enable sbd; systemctl start sbd")
	}
	clear := func(h string) { b.await(30*time.Second, "1", "node"+h+"\tclear\t", "sbd", "-d", disk, "list") }
	for _, h := range all {
		clear(h)
	}
	b.do("1", "pcs", "stonith", "create", "Disk", "fence_sbd", "devices="+disk)
	b.do("1", "pcs", "property", "set", "stonith-enabled=true")
	b.await(30*time.Second, "1", "Disk\t(stonith:fence_sbd):\tStarted", "crm_mon", "-1r")
	// What it asks for besides: which nodes there are, and whether a disk is one.
	for _, c := range []struct {
		words, want string
		code        int
	}{
		{"-o list", "node2,node2\n", 0},
		{"-o list-status", "node2,node2,on\n", 0},
		{"-o status -n node3", "Status: ON", 0},
		{"-o status -n node9", "Unable to obtain correct plug status", 1},
		{"-o monitor", "", 0},
		{"-o monitor --devices=/dev/nosuch", `"/dev/nosuch" does not exist`, 255},
	} {
		if code, out := b.try("1", append([]string{"/usr/sbin/fence_sbd", "--devices=" + disk}, strings.Fields(c.words)...)...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("fence_sbd %s: exit code %d, want %d and %q\n%s", c.words, code, c.code, c.want, out)
		}
	}
	for i, how := range []string{"cut", "stop"} {
		at := b.settled(30*time.Second, all...)
		survivor := other(at)
		if how == "cut" {
			b.clusterd("lab", "cut", "--name", b.name, at)
		} else {
			b.do(at, "pkill", "-STOP", "-f", "clusterd (corosync|pacemaker)$")
		}
		done := "reboot of node" + at + " successful: delegate=node"
		b.await(60*time.Second, survivor, done, "crm_mon", "-1m")
		page := b.do(survivor, "crm_mon", "-1m")
		if strings.Count(page, " successful: ") != i+1 {
			t.Errorf("%s: others were fenced, too:\n%s", how, page)
		}
		_, by, _ := strings.Cut(page, done)
		if list := b.do(survivor, "sbd", "-d", disk, "list"); len(by) == 0 || !strings.Contains(list, "node"+at+"\treset\tnode"+by[:1]+"\n") {
			t.Errorf("%s: node%s was fenced by %.1s, and the disk says:\n%s", how, at, by, list)
		}
		if !strings.Contains(b.clusterd("lab", "status", "--name", b.name), "off") {
			t.Fatalf("%s: node%s counts as fenced, and is not off", how, at)
		}
		rest := slices.DeleteFunc(slices.Clone(all), func(h string) bool { return h == at })
		for begin := time.Now(); len(b.holders(rest...)) != 1; time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > patience {
				t.Fatalf("%s: the address is on %v", how, b.holders(rest...))
			}
		}
		b.clusterd("lab", "start", "--name", b.name, at)
		if how == "cut" {
			b.clusterd("lab", "heal", "--name", b.name, at)
		}
		clear(at)
	}
	b.settled(30*time.Second, all...)
}

// controllers has a host run one management controller for each of other hosts, as they are soldered to servers: ipmi_sim, whose
// power switch is the lab's. The one of nodeN listens at port 910N.
func (b *bench) controllers(host string, hosts ...string) {
	b.t.Helper()
	b.do(host, "sh", "-c", `cat > /srv/chassis <<'EOF'
#!/bin/sh
host=$1 verb=$2
shift 2
while [ $# -gt 0 ]; do
  case $verb:$1 in
    get:power) if fence_lab -o status -n $host >/dev/null; then echo power:1; else echo power:0; fi ;;
    get:*) echo "$1:0" ;;
    set:power) if [ $2 = 1 ]; then fence_lab -o on -n $host; else fence_lab -o off -n $host; fi >/dev/null; shift ;;
    set:reset) fence_lab -o reboot -n $host >/dev/null; shift ;;
    set:*) shift ;;
  esac
  shift
done
EOF
chmod 755 /srv/chassis`)
	for _, h := range hosts {
		b.do(host, "sh", "-c", `mkdir -p /srv/bmc`+h+` && cd /srv/bmc`+h+` && cat > lan.conf <<'EOF' && printf 'mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n' > cmd
name "bmc`+h+`"
set_working_mc 0x20
startlan 1
  addr 0.0.0.0 910`+h+`
  priv_limit admin
  allowed_auths_admin md5
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "/srv/chassis node`+h+`"
startnow false
user 2 true "admin" "s3cret" admin 10 md5
EOF
setsid ipmi_sim -n -c lan.conf -f cmd -s . > log 2>&1 </dev/null &`)
	}
}

// TestFenceIPMI has the agent fence_ipmilan fence hosts by their management controllers: a lost one, by hand to off, and with a
// password that is wrong.
func TestFenceIPMI(t *testing.T) {
	t.Parallel()
	b := clusterOf(t, 3, 2, false, "")
	b.equip("/usr/sbin/fence_ipmilan", "1", "2", "3")
	b.controllers("3", "1", "2")
	for _, h := range []string{"1", "2"} {
		b.do("1", "pcs", "stonith", "create", "Power"+h, "fence_ipmilan", "ipaddr=node3", "ipport=910"+h, "login=admin", "passwd=s3cret", "lanplus=1", "cipher=3", "pcmk_host_list=node"+h)
	}
	b.do("1", "pcs", "property", "set", "stonith-enabled=true")
	started := func(h string) {
		b.await(30*time.Second, "1", "Power"+h+"\t(stonith:fence_ipmilan):\tStarted", "crm_mon", "-1r")
	}
	started("1")
	started("2")
	at := b.settled(30*time.Second, "1", "2")
	survivor := other(at)
	agent := func(port, password, action string) (int, string) {
		return b.try("3", "/usr/sbin/fence_ipmilan", "-a", "node3", "--ipport", port, "-l", "admin", "-p", password, "-P", "-C", "3", "--power-timeout=2", "-o", action)
	}
	for _, c := range []struct {
		port, password, action, want string
		code                         int
	}{
		{"910" + at, "s3cret", "status", "Status: ON", 0},
		{"910" + at, "s3cret", "monitor", "", 0},
		{"910" + at, "wrong", "off", "Unable to obtain correct plug status", 1},
		{"9109", "s3cret", "off", "Connection timed out", 1},
	} {
		if code, out := agent(c.port, c.password, c.action); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%v: exit code %d\n%s", c, code, out)
		}
	}
	// A host without a network cannot reach the other's controller either: there is no duel.
	b.do(at, "sh", "-c", "echo x > /run/boot") // gone after a boot
	b.clusterd("lab", "cut", "--name", b.name, at)
	b.await(60*time.Second, survivor, "reboot of node"+at+" successful: delegate=node"+survivor, "crm_mon", "-1m")
	if code, out := b.try(at, "cat", "/run/boot"); code == 0 {
		t.Errorf("node%s counts as rebooted, and was not: %s", at, out)
	}
	b.await(30*time.Second, survivor, address+"/", "ip", "-br", "addr", "show", "eth0")
	b.clusterd("lab", "heal", "--name", b.name, at)
	b.settled(30*time.Second, "1", "2")
	if !*fenceAgents {
		return
	}
	// By hand, to off and back.
	b.do(survivor, "pcs", "stonith", "fence", "node"+at, "--off")
	if !strings.Contains(b.clusterd("lab", "status", "--name", b.name), "off") {
		t.Fatalf("node%s counts as off, and is not", at)
	}
	if code, out := agent("910"+at, "s3cret", "status"); code != 2 || !strings.Contains(out, "Status: OFF") {
		t.Errorf("the controller of a host that is off: %d %s", code, out)
	}
	if code, out := agent("910"+at, "s3cret", "on"); code != 0 || !strings.Contains(out, "Success: Powered ON") {
		t.Errorf("on: %d %s", code, out)
	}
	b.settled(30*time.Second, "1", "2")
	// A password that is wrong: the device fails where it is asked, and nobody counts as fenced.
	b.do(survivor, "pcs", "stonith", "update", "Power"+at, "passwd=wrong")
	if code, out := b.try(survivor, "stonith_admin", "-B", "node"+at, "-t", "10"); code == 0 {
		t.Errorf("fenced with a wrong password: %s", out)
	}
	b.await(30*time.Second, survivor, "reboot of node"+at+" failed", "crm_mon", "-1m")
	b.await(30*time.Second, survivor, "exitreason='Failed: Unable to obtain correct plug status or plug is not available'", "crm_mon", "-1")
	b.do(at, "true")
}
