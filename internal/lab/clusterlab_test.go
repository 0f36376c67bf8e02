package lab_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hacluster/internal/lab"
	"hacluster/internal/supervise"
)

var (
	clusterLab       = flag.Int("clusterlab", 0, "TestClusterLab: how many tests are chosen at random; 0 skips it, -1 runs each once")
	clusterLabSeed   = flag.String("clusterlab-seed", "1", "TestClusterLab: the seed of its random choices")
	clusterLabChoose = flag.String("clusterlab-choose", "", "TestClusterLab: the names of tests to run in this order instead, blank separated")
	clusterLabBoot   = flag.Bool("clusterlab-boot", true, "TestClusterLab: hosts start their cluster when they are started")
	clusterLabHosts  = flag.Int("clusterlab-hosts", 3, "TestClusterLab: how many hosts the cluster has")
	clusterLabRings  = flag.String("clusterlab-originals", "", "TestClusterLab: the numbers of hosts, comma separated, whose ring is /usr/sbin/corosync, the original's")
	clusterLabTotem  = flag.String("clusterlab-totem", "transport: knet; token: 1000", "TestClusterLab: what corosync.conf says in its section totem, semicolon separated")
	clusterLabFor    = flag.Duration("clusterlab-for", 0, "TestClusterLab: how long after its start tests are begun; 0: until all were run")
	clusterLabArgs   = flag.String("clusterlab-args", "", "TestClusterLab: more of cts-lab's options, such as --disable-fencing")
	clusterLabLog    = flag.String("clusterlab-log", "", "TestClusterLab: a file that is to have all that the lab tells")
)

// clusterLabResult is what the lab says of one test at its end.
var clusterLabResult = regexp.MustCompile(`RESULT (\S+) \{(.*)\}`)

// TestClusterLab runs the lab by which Pacemaker's developers accept a release, cts-lab of the tree that HACLUSTER_PACEMAKER3 names,
// with its own resources, faults, log patterns and audits, against hosts of ours, of which some may have the original's ring; fences are real,
// by the hosts' mains plugs.
// It takes half a minute for each test, more on a busy machine:
//
//	HACLUSTER_PACEMAKER3=BUILD go test ./internal/lab -run TestClusterLab -clusterlab 50 -timeout 2h -v
func TestClusterLab(t *testing.T) {
	if *clusterLab == 0 && *clusterLabChoose == "" {
		t.Skip("only with -clusterlab or -clusterlab-choose")
	}
	tree := pacemaker3Tree(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	for _, p := range []string{"ping", "iptables"} { // resources ping, and hosts are kept from each other
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	// The path of a program that only chooses one is of no use in a host, and slow.
	if out, err := exec.Command(python, "-c", "import sys; print(sys.executable)").Output(); err == nil {
		python = strings.TrimSpace(string(out))
	}
	hosts, err := lab.DefaultHosts(*clusterLabHosts + 1) // the last is what resources ping
	if err != nil {
		t.Fatal(err)
	}
	members, target := hosts[:*clusterLabHosts], hosts[*clusterLabHosts]
	conf := clusterLabConf(members)
	b := up(t, "--hosts", strconv.Itoa(len(hosts)))
	here, err := filepath.Abs("testdata/clusterlab")
	if err != nil {
		t.Fatal(err)
	}
	for h := range strings.SplitSeq(*clusterLabRings, ",") {
		if h == "" {
			continue
		}
		b.do(h, "sh", "-c", "mkdir -p "+filepath.Dir(supervise.RingPath)+" && echo /usr/sbin/corosync > "+supervise.RingPath)
		b.clusterd("lab", "kill", "--name", b.name, h)
		b.clusterd("lab", "start", "--name", b.name, h)
	}
	private, public := clusterLabKeys(t)
	var names, plugs, addresses []string
	for _, m := range members {
		h, ip := m.Name, m.Address.Addr().String()
		names, addresses = append(names, h), append(addresses, h+"="+ip)
		plugs = append(plugs, h+":"+h, "remote-"+h+":"+h)
		b.furnish(h, tree)
		b.furnishClusterLab(h, tree, here, python, conf)
		if private != "" {
			b.feed(h, strings.NewReader(private), "sh", "-c", `umask 077; mkdir -p /root/.ssh && cd /root/.ssh && cat > clusterlab &&
				printf '%s\n' 'IdentityFile /root/.ssh/clusterlab' 'StrictHostKeyChecking no' 'UserKnownHostsFile /dev/null' 'LogLevel ERROR' > config`)
			b.serveSSH(h, public)
		}
	}
	args := []string{
		filepath.Join(here, "run.py"), "--nodes", strings.Join(names, " "), "--logfile", "/var/log/messages", "--test-ip-base", "211.183.3.200", "--populate-resources", "--yes",
		"--fencing-agent", "fence_lab", "--fencing-params", fmt.Sprintf("pcmk_host_map=%q", strings.Join(plugs, ";")),
		"--seed", *clusterLabSeed,
	}
	if *clusterLabLog != "" {
		args = append(args, "--outputfile", *clusterLabLog)
	}
	args = append(args, strings.Fields(*clusterLabArgs)...)
	switch {
	case *clusterLabChoose != "":
		args = append(args, "--choose", *clusterLabChoose)
	case *clusterLab < 0:
		args = append(args, "--once")
	default:
		args = append(args, strconv.Itoa(*clusterLab))
	}
	duration := ""
	if *clusterLabFor > 0 {
		duration = fmt.Sprint(clusterLabFor.Seconds())
	}
	run := exec.CommandContext(t.Context(), python, args...)
	run.Env = append(os.Environ(), "DURATION="+duration, "LAB="+b.name, "CLUSTERD="+filepath.Join(programs, "clusterd"), "TREE="+tree, "TARGET="+target.Address.Addr().String(),
		"HOSTS="+strings.Join(addresses, " "), "PATH="+filepath.Join(here, "bin")+":"+os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1")
	told, err := run.StderrPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	type numbers struct{ calls, failed, skipped int }
	results, order := map[string]*numbers{}, []string(nil)
	for lines := bufio.NewScanner(told); lines.Scan(); {
		l := lines.Text()
		t.Log(l)
		switch m := clusterLabResult.FindStringSubmatch(l); {
		case m != nil:
			n := results[m[1]]
			if n == nil {
				n = &numbers{}
				results[m[1]], order = n, append(order, m[1])
			}
			for word := range strings.SplitSeq(m[2], ", ") {
				key, value, _ := strings.Cut(word, ": ")
				count, _ := strconv.Atoi(value)
				switch key {
				case "'calls'":
					n.calls += count
				case "'failure'":
					n.failed += count
				case "'skipped'":
					n.skipped += count
				}
			}
		case strings.Contains(l, "BadNews: "), strings.Contains(l, "Audit") && strings.Contains(l, "FAILED"), strings.Contains(l, "A cluster that has settled"):
			t.Errorf("%s", l)
		}
	}
	err = run.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if len(order) == 0 {
		t.Fatalf("the lab did not come to its end: %v", err)
	}
	for _, name := range order {
		n := results[name]
		if n.calls == 0 && n.skipped == 0 {
			continue
		}
		line := fmt.Sprintf("%-20s run %d failed %d skipped %d", name, n.calls, n.failed, n.skipped)
		if n.failed > 0 {
			t.Error(line)
		} else {
			t.Log(line)
		}
	}
}

// clusterLabKeys is a private key by which hosts log in to each other, as some tests have them do, and the public one; "" where the machine has no sshd.
func clusterLabKeys(t *testing.T) (private, public string) {
	t.Helper()
	if sshd() == "" {
		return "", ""
	}
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	var halves [2]string
	for i, name := range []string{file, file + ".pub"} {
		half, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		halves[i] = string(half)
	}
	return halves[0], halves[1]
}

// clusterLabConf is the members' corosync.conf. Of two, the first to come has quorum, as the lab expects.
func clusterLabConf(members []lab.Host) string {
	conf := "totem {\n version: 2\n cluster_name: clusterlab\n"
	for line := range strings.SplitSeq(*clusterLabTotem, ";") {
		conf += " " + strings.TrimSpace(line) + "\n"
	}
	conf += "}\nnodelist {\n"
	for i, m := range members {
		conf += fmt.Sprintf(" node {\n ring0_addr: %s\n name: %s\n nodeid: %d\n }\n", m.Address.Addr(), m.Name, i+1)
	}
	conf += "}\nquorum {\n provider: corosync_votequorum\n"
	if len(members) == 2 {
		conf += " two_node: 1\n wait_for_all: 0\n"
	}
	return conf + "}\nlogging {\n to_syslog: no\n to_stderr: no\n to_logfile: yes\n logfile: /var/log/messages\n}\n"
}

// furnishClusterLab puts on a host what cts-lab expects there: its agents, what reads the log, and a cluster that logs to one file.
func (b *bench) furnishClusterLab(host, tree, here, python, conf string) {
	b.t.Helper()
	for from, to := range map[string]string{
		filepath.Join(tree, "cts/support/fence_dummy"): "/usr/sbin/fence_dummy",
		filepath.Join(tree, "cts/support/LSBDummy"):    "/etc/init.d/LSBDummy",
		filepath.Join(here, "cts-support"):             "/usr/libexec/pacemaker/cts-support",
	} {
		f, err := os.Open(from)
		if err != nil {
			b.t.Fatal(err)
		}
		b.feed(host, f, "sh", "-c", fmt.Sprintf("mkdir -p %s && cat > %s && chmod 755 %[2]s", filepath.Dir(to), to))
		_ = f.Close()
	}
	b.do(host, "sh", "-c", fmt.Sprintf(`
		sed -i '1s,.*,#!%s,' /usr/sbin/fence_dummy
		cp /etc/init.d/LSBDummy /etc/init.d/pacemaker-cts-dummyd@10 # which is a unit of systemd elsewhere
		ln -sf /opt/hacluster/bin/clusterd /usr/sbin/pacemaker-remoted
		cat > /usr/libexec/pacemaker/cts-exec-helper <<-'EOF'
			#!/bin/sh
			export PCMK_logfile=none
			exec /root/theirs %s/daemons/execd/.libs/cts-exec-helper "$@"
		EOF
		chmod 755 /usr/libexec/pacemaker/cts-exec-helper
		mkdir -p /etc/default && echo PCMK_logfile=/var/log/messages > /etc/default/pacemaker
		touch /var/log/messages && chown hacluster:haclient /var/log/messages && chmod 660 /var/log/messages
		cat > /etc/corosync/corosync.conf <<-'EOF'
		%s
		EOF`, python, pacemaker3, conf))
	if *clusterLabBoot {
		b.do(host, "systemctl", "-q", "enable", "corosync", "pacemaker")
	}
}
