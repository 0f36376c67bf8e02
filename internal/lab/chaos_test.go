package lab_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	chaosFaults = flag.Int("faults", 0, "how many random faults TestChaos brings about; 0 skips it")
	chaosSeed   = flag.Uint64("chaos-seed", 1, "what TestChaos draws from")
	chaosTotem  = flag.String("chaos-totem", "token: 1000", "what corosync.conf says in its section totem in TestChaos, semicolon separated; empty: the defaults, with fast detection")
	chaosOnly   = flag.String("chaos-only", "", "the names of the faults that TestChaos draws from, comma separated; empty: all")
	chaosFence  = flag.String("chaos-fence", "good", "the fence agent of TestChaos: good, fail, slow or lie")
)

// The service of the chaos: it takes lines at the virtual address, answers with who it is, and
// says every 20 ms on a witness that all hosts share that it runs.
const writer = `#!/usr/bin/python3
import os, socket, sys, threading, time
host, witness = sys.argv[1], sys.argv[2]
os.makedirs('/var/lib/writer', exist_ok=True)
data = os.open('/var/lib/writer/data', os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
out = os.open(witness, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
me = '%s-%d-%d' % (host, os.getpid(), time.time_ns())
def beat():
    while True:
        os.write(out, ('%d %s\n' % (time.time_ns(), me)).encode())
        time.sleep(0.02)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('', 7000))
s.listen(50)
threading.Thread(target=beat, daemon=True).start()
while True:
    c, _ = s.accept()
    try:
        c.settimeout(1)
        line = c.recv(100)
        if line != b'?\n':
            os.write(data, line)
        c.sendall((me + '\n').encode())
    except OSError:
        pass
    c.close()
`

const writerAgent = `#!/bin/sh
: ${OCF_FUNCTIONS_DIR=/usr/lib/ocf/lib/heartbeat}
pid=/run/writer.pid
running() { [ -s $pid ] && kill -0 $(cat $pid) 2>/dev/null; }
answers() { python3 -c "import socket; s=socket.create_connection(('127.0.0.1',7000),2); s.sendall(b'?\n'); exit(0 if s.recv(99) else 1)" 2>/dev/null; }
case $1-$(cat /run/hang 2>/dev/null) in monitor-monitor|*-all) sleep 60 ;; esac
case $1 in
meta-data) cat <<'EOF'
<?xml version="1.0"?>
<resource-agent name="writer" version="1.0"><version>1.1</version><longdesc>x</longdesc><shortdesc>x</shortdesc><parameters><parameter name="witness"><content type="string"/></parameter></parameters>
<actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/><action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/></actions></resource-agent>
EOF
;;
start)
  running && exit 0
  setsid /usr/bin/python3 /usr/local/sbin/writer.py $(hostname) "$OCF_RESKEY_witness" </dev/null >/run/writer.log 2>&1 &
  echo $! > $pid
  while running; do answers && exit 0; sleep 0.1; done # one that was killed meanwhile is not waited for
  exit 1 ;;
stop)
  running || exit 0
  kill -9 $(cat $pid); while running; do sleep 0.1; done; rm -f $pid; exit 0 ;;
monitor)
  running || exit 7
  answers || exit 1
  exit 0 ;;
*) exit 3 ;;
esac
`

const chaosFenceAgent = `#!/bin/sh
in=$(cat); action=$(echo "$in" | sed -n 's/^action=//p'); mode=$(cat %s 2>/dev/null)
case "$action:$mode" in
off:fail|reboot:fail) exit 1 ;;
off:slow|reboot:slow) sleep 4 ;;
off:lie|reboot:lie) exit 0 ;;
esac
echo "$in" | /usr/sbin/fence_lab
`

const chaosClient = `
import socket, time, os
n = 0
out = open('/root/client.log', 'a', buffering=1)
while not os.path.exists('/root/stop'):
    n += 1
    try:
        s = socket.create_connection(('%s', 7000), 1)
        s.settimeout(1)
        s.sendall(('%%d\n' %% n).encode())
        got = s.recv(100).decode().strip()
        s.close()
        if got: out.write('%%d %%s\n' %% (time.time_ns(), got))
    except OSError:
        pass
    time.sleep(0.05)
`

// chaos is a cluster of three hosts with a service, and a client on a fourth one.
type chaos struct {
	*bench
	random  *rand.Rand
	witness string // on the machine
	mode    string // file with the fence agent's mode
	acked   []int  // changes of the CIB that were acknowledged
	tried   int
}

func newChaos(t *testing.T) *chaos {
	totem := ""
	for line := range strings.SplitSeq(*chaosTotem, ";") {
		totem += "    " + strings.TrimSpace(line) + "\n"
	}
	b := clusterOf(t, 4, 3, false, totem)
	c := &chaos{bench: b, random: rand.New(rand.NewPCG(*chaosSeed, 9)), witness: filepath.Join(programs, "witness-"+b.name), mode: filepath.Join(programs, "mode-"+b.name)}
	inside := func(p string) string { return "/opt/hacluster/bin/" + filepath.Base(p) }
	c.set("good")
	for _, h := range []string{"1", "2", "3"} {
		for file, text := range map[string]string{"/usr/local/sbin/writer.py": writer, "/usr/lib/ocf/resource.d/lab/writer": writerAgent, "/usr/sbin/fence_chaos": fmt.Sprintf(chaosFenceAgent, inside(c.mode))} {
			b.do(h, "sh", "-c", "mkdir -p $(dirname "+file+"); cat > "+file+" <<'END OF FILE'\n"+text+"END OF FILE\nchmod 755 "+file)
		}
		b.do(h, "sh", "-c", "echo 0.11.12 > /etc/hacluster/dialect")
	}
	b.do("1", "pcs", "property", "set", "stonith-enabled=true", "stonith-timeout=20s")
	for _, h := range []string{"1", "2", "3"} {
		b.do("1", "pcs", "stonith", "create", "Fence"+h, "fence_chaos", "pcmk_host_list=node"+h)
	}
	b.do("1", "pcs", "resource", "update", "VirtualIP", "op", "monitor", "interval=2s", "timeout=5s")
	b.do("1", "pcs", "resource", "create", "Writer", "ocf:lab:writer", "witness="+inside(c.witness), "op", "monitor", "interval=1s", "timeout=3s", "op", "stop", "timeout=4s")
	b.do("1", "pcs", "resource", "group", "add", "Service", "VirtualIP", "Writer")
	b.do("1", "pcs", "resource", "meta", "Writer", "failure-timeout=5s")
	b.do("4", "sh", "-c", "cat > /root/client.py <<'EOF'\n"+fmt.Sprintf(chaosClient, address)+"EOF\nsetsid python3 /root/client.py >/dev/null 2>&1 </dev/null &")
	c.back(60 * time.Second)
	return c
}

func (c *chaos) set(mode string) {
	c.t.Helper()
	if err := os.WriteFile(c.mode, []byte(mode), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// answers are the times at which the client was answered, since then.
func (c *chaos) answers(since time.Time) []time.Time {
	_, out := c.try("4", "cat", "/root/client.log")
	var list []time.Time
	for l := range strings.Lines(out) {
		ns, _, _ := strings.Cut(l, " ")
		if n, err := strconv.ParseInt(ns, 10, 64); err == nil && time.Unix(0, n).After(since) {
			list = append(list, time.Unix(0, n))
		}
	}
	return list
}

// whole tells whether all hosts are members of one cluster that has nothing left to do.
func (c *chaos) whole() bool {
	pages := map[string]bool{}
	for _, h := range []string{"1", "2", "3"} {
		code, out := c.try(h, "timeout", "5", "crm_mon", "-1")
		_, list, _ := strings.Cut(out, "Node List:")
		pages[list] = true
		if code != 0 || !strings.Contains(list, "Online: [ node1 node2 node3 ]") || strings.Contains(list, "pending") || strings.Contains(list, "ing node") || strings.Contains(list, "UNCLEAN") {
			return false
		}
	}
	return len(pages) == 1
}

// back waits until the client is answered again and all hosts are one cluster.
func (c *chaos) back(limit time.Duration) {
	c.t.Helper()
	begin := time.Now()
	for !c.whole() || len(c.answers(time.Now().Add(-500*time.Millisecond))) == 0 {
		if *chaosFence == "lie" {
			c.restartTheFenced()
		}
		if time.Since(begin) > limit {
			for _, h := range []string{"1", "2", "3"} {
				_, page := c.try(h, "timeout", "5", "crm_mon", "-1rfm")
				c.t.Logf("node%s:\n%s", h, page)
			}
			c.t.Fatalf("after %s the service is not back", limit)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// restartTheFenced turns hosts off and on whose daemon ended because the others hold it for fenced, which was a lie: their
// services run on, and it is for an administrator to end them.
func (c *chaos) restartTheFenced() {
	for _, h := range []string{"1", "2", "3"} {
		if _, out := c.try(h, "systemctl", "is-active", "pacemaker"); strings.TrimSpace(out) == "failed" {
			c.t.Logf("node%s was said to be fenced, and is turned off and on", h)
			c.clusterd("lab", "kill", "--name", c.name, h)
			c.clusterd("lab", "start", "--name", c.name, h)
		}
	}
}

// change has the CIB changed from some host; the function that it gives waits for that and remembers what was acknowledged. A host that stands
// still is in no hurry, and what ends the fault does not wait for it. A part without quorum takes changes too, as Pacemaker's does, and gives them up
// when it meets the others.
func (c *chaos) change() (done func()) {
	c.tried++
	change := c.tried
	n := strconv.Itoa(change)
	h := strconv.Itoa(1 + c.random.IntN(3))
	script := "timeout 20 crm_attribute -t rsc_defaults -n acked-" + n + " -v " + n + " && corosync-quorumtool -s | grep -q 'Quorate:.*Yes'"
	ended := make(chan int, 1)
	go func() {
		code, _ := c.try(h, "sh", "-c", script)
		ended <- code
	}()
	return func() {
		if code := <-ended; code == 0 {
			c.acked = append(c.acked, change)
		}
	}
}

// lost are changes that were acknowledged and are not there: in the CIB, or within limit on a disk.
func (c *chaos) lost(limit time.Duration) []string {
	missing := func(where string, argv ...string) (out []string) {
		for _, h := range []string{"1", "2", "3"} {
			_, page := c.try(h, argv...)
			for _, n := range c.acked {
				if !strings.Contains(page, fmt.Sprintf(`name="acked-%d"`, n)) {
					out = append(out, fmt.Sprintf("%d in the %s of node%s", n, where, h))
				}
			}
		}
		return out
	}
	if out := missing("CIB", "cibadmin", "-Q", "-o", "rsc_defaults"); len(out) > 0 {
		return out
	}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if out := missing("file", "cat", "/var/lib/pacemaker/cib/cib.xml"); len(out) == 0 || time.Since(begin) > limit {
			return out
		}
	}
}

// beat is a moment at which an instance of the service said that it runs.
type beat struct {
	at int64 // ns since the epoch
	by string
}

// beats are those since then, in their order.
func (c *chaos) beats(since time.Time) []beat {
	c.t.Helper()
	data, err := os.ReadFile(c.witness)
	if err != nil {
		c.t.Fatal(err)
	}
	var beats []beat
	for l := range strings.Lines(string(data)) {
		f := strings.Fields(l)
		if len(f) != 2 {
			continue
		}
		if n, err := strconv.ParseInt(f[0], 10, 64); err == nil && n > since.UnixNano() {
			beats = append(beats, beat{n, f[1]})
		}
	}
	slices.SortFunc(beats, func(a, b beat) int { return int(a.at - b.at) })
	return beats
}

// alone waits until one instance of the service runs: an agent that lied let two of them run.
func (c *chaos) alone(limit time.Duration) {
	c.t.Helper()
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		by := map[string]bool{}
		for _, b := range c.beats(time.Now().Add(-300 * time.Millisecond)) {
			by[b.by] = true
		}
		if at := c.holders("1", "2", "3"); len(by) == 1 && len(at) == 1 {
			return
		} else if time.Since(begin) > limit {
			c.t.Fatalf("%s later the address is on %v, and these run: %v", limit, at, slices.Sorted(maps.Keys(by)))
		}
	}
}

// twice tells of moments at which two instances of the service ran.
func (c *chaos) twice(since time.Time) string {
	beats := c.beats(since)
	over := map[string]bool{}
	for i := 1; i < len(beats); i++ {
		if beats[i].by != beats[i-1].by {
			over[beats[i-1].by] = true
			if over[beats[i].by] {
				return fmt.Sprintf("%s runs at %s, after %s was started", beats[i].by, time.Unix(0, beats[i].at).Format("15:04:05.000"), beats[i-1].by)
			}
		}
	}
	return ""
}

// dc is the host that decides, as a host sees it.
func (c *chaos) dc() string {
	_, out := c.try("1", "crmadmin", "-D", "-q")
	return strings.TrimSpace(out)
}

// fault brings one about on a host and gives what ends it.
func (c *chaos) fault(h string) (name string, heal func()) {
	role := func(name string) func() {
		c.try(h, "sh", "-c", `kill -9 $(pgrep -f "clusterd `+name+`$")`)
		return func() {}
	}
	lab := func(verb string) { c.clusterd("lab", verb, "--name", c.name, h) }
	all := []struct {
		name string
		do   func() func()
	}{
		{"kill pacemaker", func() func() { return role("pacemaker") }},
		{"kill corosync", func() func() { return role("corosync") }},
		{"kill pcsd", func() func() { return role("pcsd") }},
		{"kill service", func() func() {
			c.try(h, "sh", "-c", "kill -9 $(cat /run/writer.pid)")
			return func() {}
		}},
		{"cut", func() func() { lab("cut"); return func() { lab("heal") } }},
		{"pause", func() func() {
			lab("pause")
			return func() { c.resume(h) }
		}},
		{"power", func() func() { lab("kill"); return func() { c.start(h) } }},
		{"disk", func() func() {
			c.try(h, "sh", "-c", "mount --bind /var/lib/pacemaker/cib /var/lib/pacemaker/cib && mount -o remount,bind,ro /var/lib/pacemaker/cib")
			return func() { c.try(h, "umount", "/var/lib/pacemaker/cib") }
		}},
		{"full disk", func() func() {
			c.try(h, "sh", "-c", fullDisk)
			return func() { c.try(h, "sh", "-c", roomAgain) }
		}},
		{"hang", func() func() {
			c.try(h, "sh", "-c", "echo monitor > /run/hang")
			return func() { c.try(h, "rm", "-f", "/run/hang") }
		}},
		{"hang for good", func() func() {
			if !slices.Contains(c.holders(h), h) {
				return func() {} // nothing would come of it
			}
			// Its stop hangs, too: only fencing ends that, and with it this file.
			c.try(h, "sh", "-c", "echo all > /run/hang")
			return func() {
				if *chaosFence == "good" || *chaosFence == "slow" {
					c.fencedOff(h)
					return
				}
				c.try(h, "rm", "-f", "/run/hang")
			}
		}},
	}
	if *chaosOnly != "" {
		chosen := all[:0]
		for _, f := range all {
			if slices.Contains(strings.Split(*chaosOnly, ","), f.name) {
				chosen = append(chosen, f)
			}
		}
		if all = chosen; len(all) == 0 {
			c.t.Fatalf("-chaos-only %q names no fault", *chaosOnly)
		}
	}
	f := all[c.random.IntN(len(all))]
	return f.name, f.do()
}

// fullDisk puts the host's CIB on a small disk and leaves no byte free on it; roomAgain makes room and puts it back.
const (
	fullDisk = `set -e; cd /var/lib/pacemaker
mkdir -p /run/small /run/large; mount --bind . /run/large; mount -t tmpfs -o size=2m small /run/small
cp -a cib/. /run/small/; chown --reference=cib /run/small; chmod --reference=cib /run/small
mount --bind /run/small cib; umount /run/small
cat /dev/zero > cib/filler || true`
	roomAgain = `set -e; cd /var/lib/pacemaker
mountpoint -q cib || exit 0
rm -f cib/filler; cp -a cib/. /run/large/cib/; umount -l cib; umount /run/large`
)

// fencedOff waits until the host was turned off and on by the others.
func (c *chaos) fencedOff(h string) {
	c.t.Helper()
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if code, _ := c.try(h, "test", "!", "-e", "/run/hang"); code == 0 {
			return
		}
		if time.Since(begin) > 60*time.Second {
			c.t.Fatalf("node%s, where the service hangs, was not fenced", h)
		}
	}
}

// resume and start do what is left to do: the host may have been fenced meanwhile.
func (c *chaos) resume(h string) { c.maybe("resume", h) }
func (c *chaos) start(h string)  { c.maybe("start", h) }

func (c *chaos) maybe(verb, h string) {
	out := c.clusterd("lab", "status", "--name", c.name)
	for l := range strings.Lines(out) {
		if strings.Contains(l, "node"+h) && (verb == "resume" && strings.Contains(l, "paused") || verb == "start" && strings.Contains(l, "off")) {
			c.clusterd("lab", verb, "--name", c.name, h)
		}
	}
}

// TestChaos has random faults happen to a cluster that serves a client: the service never runs
// twice, no acknowledged change of the CIB is lost, and the service comes back every time.
func TestChaos(t *testing.T) {
	if *chaosFaults == 0 {
		t.Skip("by -faults N only")
	}
	c := newChaos(t)
	outages := map[string][]time.Duration{}
	given := 0 // changes that were lost to a lie
	for i := range *chaosFaults {
		c.set(*chaosFence)
		h := strconv.Itoa(1 + c.random.IntN(3))
		if at := c.holders("1", "2", "3"); len(at) == 1 && c.random.IntN(2) == 0 {
			h = at[0] // where it hurts
		}
		at, dc := c.holders("1", "2", "3"), c.dc()
		begin := time.Now()
		name, heal := c.fault(h)
		t.Logf("%d: %s of node%s; the service is on %v, the DC is %s", i+1, name, h, at, dc)
		changed := c.change()
		time.Sleep(time.Duration(c.random.IntN(8000)) * time.Millisecond) // half of them are over before a token of 1 s tells of a lost host
		heal()
		changedAgain := c.change()
		if *chaosFence == "fail" || *chaosFence == "lie" {
			c.set("good") // somebody repairs it
		}
		changed()
		changedAgain()
		c.back(60 * time.Second)
		c.alone(30 * time.Second)
		longest, last := time.Duration(0), begin
		for _, at := range append(c.answers(begin), time.Now()) {
			longest, last = max(longest, at.Sub(last)), at
		}
		outages[name] = append(outages[name], longest)
		t.Logf("%d: no answer for %s at most, whole again after %s", i+1, longest.Round(10*time.Millisecond), time.Since(begin).Round(10*time.Millisecond))
		if why := c.twice(begin); why != "" && *chaosFence != "lie" {
			t.Fatalf("fault %d (%s of node%s): %s", i+1, name, h, why)
		}
		if lost := c.lost(20 * time.Second); len(lost) > 0 {
			if *chaosFence != "lie" { // nodes that a lie let live can fence those that acknowledged it
				t.Fatalf("fault %d (%s of node%s): acknowledged changes are lost: %v", i+1, name, h, lost)
			}
			t.Logf("%d: an agent that lies cost acknowledged changes: %v", i+1, lost)
			given += len(c.acked)
			c.acked = slices.DeleteFunc(c.acked, func(n int) bool {
				return slices.ContainsFunc(lost, func(l string) bool { return strings.HasPrefix(l, strconv.Itoa(n)+" ") })
			})
			given -= len(c.acked)
		}
	}
	t.Logf("%d of %d changes of the CIB were acknowledged, %d were lost", len(c.acked)+given, c.tried, given)
	for _, name := range slices.Sorted(maps.Keys(outages)) {
		d := outages[name]
		slices.Sort(d)
		r := func(i int) time.Duration { return d[i].Round(10 * time.Millisecond) }
		t.Logf("%-15s %3d times: without an answer %8s, half within %8s, at most %8s", name, len(d), r(0), r(len(d)/2), r(len(d)-1))
	}
}
