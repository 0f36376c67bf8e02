package lab_test

import (
	"flag"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var earlier = flag.String("earlier", "", "TestUpgrade: folders with all programs of earlier releases, as `make build` leaves them in bin, with commas between")

// A service that remembers on its host when it was started, stopped, and by how many processes it runs.
const journaled = `#!/bin/sh
now() { echo $1 $(date +%s%N) >> /root/holder.log; }
running() { [ -s /run/holder ] && kill -0 $(cat /run/holder) 2>/dev/null; }
case $1 in
start) running || { setsid sleep 100000 >/dev/null 2>&1 & echo $! > /run/holder; now start; } ;;
stop) ! running || { kill $(cat /run/holder); rm -f /run/holder; now stop; } ;;
status) running || exit 3 ;;
esac
`

// TestUpgrade takes a cluster of an earlier release to this one, as docs/upgrading.md says, while services run and a client changes the CIB.
func TestUpgrade(t *testing.T) {
	if *earlier == "" {
		t.Skip("by -earlier only")
	}
	for i, programs := range strings.Split(*earlier, ",") {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) { upgrade(t, programs, i%2 == 0) })
	}
}

// rolling is a cluster of three hosts, and a fourth one that is a remote node and serves their quorum device; their programs change.
type rolling struct {
	*bench
	mu       sync.Mutex
	away     string // the host that is being upgraded
	written  []string
	refused  int
	stop     chan struct{}
	finished sync.WaitGroup
	outside  bool // whether there is the fourth host
}

func upgrade(t *testing.T, earlier string, outsideFirst bool) {
	u := &rolling{bench: up(t, "--hosts", "4"), stop: make(chan struct{})}
	all := []string{"1", "2", "3"}
	for _, h := range append(all, "4") {
		// What plays the host, its systemctl and its power switch, stays of this release.
		u.do(h, "sh", "-c", "mkdir -p /srv/earlier && cp /opt/hacluster/bin/clusterd /srv/ && cd /opt/hacluster/lab/bin && for l in *; do [ ! -L $l ] || ln -sf /srv/clusterd $l; done")
		pack := exec.Command("tar", "-C", earlier, "-cf", "-", ".")
		files, err := pack.StdoutPipe()
		if err == nil {
			err = pack.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		u.feed(h, files, "tar", "-C", "/srv/earlier", "-xf", "-")
		if err := pack.Wait(); err != nil {
			t.Fatal(err)
		}
		u.feed(h, strings.NewReader(journaled), "sh", "-c", "cat > /etc/init.d/holder && chmod 755 /etc/init.d/holder")
		u.programs(h, true)
	}
	u.form(3, true, "")
	u.do("1", "pcs", "resource", "create", "Holder", "lsb:holder", "op", "monitor", "interval=5s")
	u.await(30*time.Second, "1", "Holder\t(lsb:holder):\tStarted", "crm_mon", "-1r")
	if code, _ := u.try("4", "clusterd", "pacemaker-remote", "--help"); code == 0 { // an earlier release may have no such thing
		u.outside = true
		u.addQuorumDevice(all...)
		u.addRemote(append(all, "4")...)
	}
	u.finished.Add(1)
	go u.change()
	if u.outside && outsideFirst {
		u.replaceOutside()
	}
	u.replace("1", false)
	u.replace("1", true) // a node may get the earlier release again while others have it
	for _, h := range all {
		u.replace(h, false)
	}
	if u.outside && !outsideFirst {
		u.replaceOutside()
	}
	close(u.stop)
	u.finished.Wait()
	u.nothingLost(all...)
	u.once(all...)
	for _, h := range all {
		for _, other := range append(all, "4") {
			if n := u.fenced(h, other); n != 0 {
				t.Errorf("node%s was fenced %d times, node%s says", other, n, h)
			}
		}
	}
	if log := u.do("1", "cat", "/var/log/pacemaker/pacemaker.log"); !strings.Contains(log, "holds among node1, node2, node3") {
		t.Error("no term was announced when all had this release")
	}
	t.Logf("%d changes of the CIB, %d times a client was told that one failed", len(u.written), u.refused)
	u.detached(all...)
}

// addQuorumDevice has the fourth host serve a device that has two votes.
func (u *rolling) addQuorumDevice(hosts ...string) {
	u.t.Helper()
	u.do("4", "systemctl", "start", "corosync-qnetd")
	for _, h := range hosts {
		u.do(h, "sed", "-i", `s/provider: corosync_votequorum/&\n    device {\n        model: net\n        votes: 2\n        net {\n            host: node4\n            algorithm: lms\n            tls: off\n        }\n    }/`, "/etc/corosync/corosync.conf")
	}
	u.do("1", "corosync-cfgtool", "-R")
	for _, h := range hosts {
		u.do(h, "systemctl", "start", "corosync-qdevice")
	}
	for _, h := range hosts {
		u.votes(h)
	}
}

// votes waits until a host counts those of the device, too.
func (u *rolling) votes(host string) {
	u.t.Helper()
	u.await(60*time.Second, host, "voted", "sh", "-c", "corosync-quorumtool | grep -q '^Total votes: *5' && echo voted")
}

// addRemote has the fourth host run a service for the cluster.
func (u *rolling) addRemote(hosts ...string) {
	u.t.Helper()
	for _, h := range hosts {
		u.do(h, "sh", "-c", "echo the same everywhere > /etc/pacemaker/authkey")
	}
	u.do("4", "systemctl", "start", "pacemaker_remote")
	u.do("1", "pcs", "stonith", "create", "Fence4", "fence_lab", "pcmk_host_list=node4")
	for _, r := range []string{"VirtualIP", "Holder"} {
		u.do("1", "pcs", "constraint", "location", r, "avoids", "node4")
	}
	u.do("1", "pcs", "resource", "create", "node4", "ocf:pacemaker:remote", "reconnect_interval=5s", "--force")
	u.do("1", "pcs", "resource", "create", "Far", "ocf:pacemaker:Dummy", "op", "monitor", "interval=5s")
	u.do("1", "pcs", "constraint", "location", "Far", "prefers", "node4")
	u.farAway()
}

func (u *rolling) farAway() {
	u.t.Helper()
	u.await(60*time.Second, "1", "Started node4", "sh", "-c", "crm_mon -1r | grep Far")
}

// replaceOutside changes the fourth host's programs; what it runs is elsewhere meanwhile, and the device has no vote.
func (u *rolling) replaceOutside() {
	u.t.Helper()
	u.do("4", "systemctl", "stop", "pacemaker_remote", "corosync-qnetd")
	u.programs("4", false)
	u.do("4", "systemctl", "start", "pacemaker_remote", "corosync-qnetd")
	u.votes("1")
	u.do("1", "crm_resource", "--refresh", "--resource", "node4") // it is connected to again when something has the cluster plan
	u.farAway()
}

// programs has a host run those of the earlier release, or these.
func (u *rolling) programs(host string, earlier bool) {
	u.t.Helper()
	if earlier {
		u.do(host, "mount", "--bind", "/srv/earlier", "/opt/hacluster/bin")
	} else {
		u.do(host, "umount", "/opt/hacluster/bin")
	}
}

// replace stops a host's cluster, changes its programs and starts it again.
func (u *rolling) replace(host string, earlier bool) {
	u.t.Helper()
	u.mu.Lock()
	u.away = host
	u.mu.Unlock()
	u.do(host, "pcs", "cluster", "stop")
	u.programs(host, earlier)
	u.do(host, "pcs", "cluster", "start")
	for _, h := range []string{"1", "2", "3"} {
		u.await(60*time.Second, h, "Online: [ node1 node2 node3 ]", "crm_mon", "-1r")
	}
	u.mu.Lock()
	u.away = ""
	u.mu.Unlock()
	if u.outside {
		u.votes(host)
	}
	if !earlier { // not every release can wait
		u.do(host, "crm_resource", "--wait", "--timeout=60s")
	}
	u.settled(60*time.Second, "1", "2", "3")
}

// change writes to the CIB on one host after the other, but for the one that is stopped, and notes what was acknowledged.
func (u *rolling) change() {
	defer u.finished.Done()
	for n := 1; ; n++ {
		select {
		case <-u.stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		u.mu.Lock()
		away := u.away
		u.mu.Unlock()
		host := strconv.Itoa(n%3 + 1)
		if host == away {
			continue
		}
		name := fmt.Sprintf("change-%d", n)
		code, _ := u.try(host, "pcs", "property", "set", "--force", name+"=made")
		u.mu.Lock()
		if code == 0 {
			u.written = append(u.written, name)
		} else {
			u.refused++
		}
		u.mu.Unlock()
	}
}

// nothingLost finds all that was acknowledged on all hosts.
func (u *rolling) nothingLost(hosts ...string) {
	u.t.Helper()
	if len(u.written) < 10 {
		u.t.Errorf("only %d changes were made", len(u.written))
	}
	for _, h := range hosts {
		cib := u.do(h, "cibadmin", "-Q", "-o", "crm_config")
		lost := slices.DeleteFunc(slices.Clone(u.written), func(name string) bool { return strings.Contains(cib, `name="`+name+`"`) })
		if len(lost) > 0 {
			u.t.Errorf("node%s lacks %v", h, lost)
		}
	}
}

// once holds what the hosts noted of the service against each other: at no time did it run twice.
func (u *rolling) once(hosts ...string) {
	u.t.Helper()
	type event struct {
		at         int64
		what, host string
	}
	var events []event
	for _, h := range hosts {
		_, log := u.try(h, "cat", "/root/holder.log")
		for l := range strings.Lines(log) {
			what, at, _ := strings.Cut(strings.TrimSpace(l), " ")
			if n, err := strconv.ParseInt(at, 10, 64); err == nil {
				events = append(events, event{n, what, h})
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return int(a.at - b.at) })
	at := ""
	for _, e := range events {
		switch {
		case e.what == "start" && at != "":
			u.t.Errorf("the service was started on node%s while it ran on node%s", e.host, at)
		case e.what == "start":
			at = e.host
		case e.host == at:
			at = ""
		}
	}
	if at == "" || len(events) < 3 {
		u.t.Errorf("the service is nowhere, or was never moved: %v", events)
	}
}

// detached stops the cluster everywhere while nothing is managed, as for a release that cannot work with the one before: its services go on.
func (u *rolling) detached(hosts ...string) {
	u.t.Helper()
	at := ""
	for _, h := range hosts {
		if code, _ := u.try(h, "sh", "-c", "kill -0 $(cat /run/holder)"); code == 0 {
			at = h
		}
	}
	const pid = "kill -0 $(cat /run/holder) && cat /run/holder"
	before := u.do(at, "sh", "-c", pid)
	u.do("1", "pcs", "property", "set", "maintenance-mode=true")
	u.do("1", "crm_resource", "--wait", "--timeout=60s")
	for _, h := range hosts {
		u.do(h, "pcs", "cluster", "stop", "--force")
	}
	for _, h := range hosts {
		u.do(h, "pcs", "cluster", "start")
	}
	u.await(60*time.Second, "1", "Online: [ node1 node2 node3 ]", "crm_mon", "-1r")
	u.do("1", "crm_resource", "--wait", "--timeout=60s")
	u.do("1", "pcs", "property", "set", "maintenance-mode=false")
	u.do("1", "crm_resource", "--wait", "--timeout=60s")
	if now := u.do(at, "sh", "-c", pid); now != before {
		u.t.Errorf("the service is process %s, was %s", now, before)
	}
	u.once(hosts...)
}
