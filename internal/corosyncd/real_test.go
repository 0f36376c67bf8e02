package corosyncd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// confWith makes the text of a configuration with these settings of the section totem.
func confWith(totem string) func(nodes string) string {
	return func(nodes string) string {
		return `totem {
version: 2
cluster_name: proof
token: 1000
` + totem + `
}
nodelist {
` + nodes + `}
quorum {
provider: corosync_votequorum
}
logging {
to_stderr: yes
to_syslog: no
}
`
	}
}

// TestRealNodeInOurRing has an original node join two of ours, and holds that the
// messages of processes on all three arrive everywhere in one order.
func TestRealNodeInOurRing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	t.Parallel()
	for name, totem := range map[string]string{
		"udpu":        "transport: udpu",
		"knet":        "transport: knet",
		"knet-aes256": "transport: knet\ncrypto_cipher: aes256\ncrypto_hash: sha256",
		"knet-zlib":   "transport: knet\nknet_compression_model: zlib",
		"knet-zstd":   "transport: knet\nknet_compression_model: zstd\ncrypto_cipher: aes128\ncrypto_hash: sha1",
		"knet-lz4":    "transport: knet\nknet_compression_model: lz4",
		"knet-lzma":   "transport: knet\ntoken: 3000\nknet_compression_model: lzma\nknet_compression_level: 1", // it takes its time
		"knet-bzip2":  "transport: knet\ntoken: 3000\nknet_compression_model: bzip2\nknet_compression_level: 9",
		"knet-lzo2":   "transport: knet\nknet_compression_model: lzo2",
		"udp":         "transport: udp",
		"udp-address": "transport: udp\ninterface {\nlinknumber: 0\nmcastaddr: 239.255.7.1\nmcastport: 5415\n}",
		"udp-all":     "transport: udp\ninterface {\nlinknumber: 0\nbroadcast: yes\n}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			realNode(t, confWith(totem))
		})
	}
}

func realNode(t *testing.T, conf func(string) string) {
	h := hosts(t, 3, conf)
	h[0].start(false)
	h[0].members(5*time.Second, 1)
	h[1].start(true)
	h[0].members(10*time.Second, 1, 2)
	h[1].members(5*time.Second, 1, 2)
	h[2].start(false)
	for _, o := range h {
		o.members(10*time.Second, 1, 2, 3)
	}
	const count = 300
	var outs [3]bytes.Buffer
	var wait sync.WaitGroup
	for i, o := range h {
		c := o.command(os.Args[0])
		c.Env = append(os.Environ(), "COROSYNCD_CLIENT=3", fmt.Sprintf("COROSYNCD_COUNT=%d", count))
		var errs bytes.Buffer
		c.Stdout, c.Stderr = &outs[i], &errs
		wait.Go(func() {
			if err := c.Run(); err != nil {
				t.Errorf("client on node %d: %v\n%s", o.number, err, errs.String())
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	for i := range outs {
		if n := strings.Count(outs[i].String(), "\n"); n != 3*count {
			t.Errorf("node %d has %d messages, not %d", i+1, n, 3*count)
		}
		if outs[i].String() != outs[0].String() {
			t.Errorf("the order on node %d is another than on node 1", i+1)
		}
	}

	// A node that is killed, a node that says good-bye, and both back again.
	h[1].stop(syscall.SIGKILL)
	h[0].members(10*time.Second, 1, 3)
	h[2].members(5*time.Second, 1, 3)
	h[1].start(true)
	h[0].members(10*time.Second, 1, 2, 3)
	said := func() string {
		text, err := os.ReadFile(h[1].log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := len(said())
	h[2].stop(syscall.SIGTERM)
	h[1].members(10*time.Second, 1, 2)
	h[2].start(false)
	h[1].members(10*time.Second, 1, 2, 3)
	const missed = "Failed to receive the leave message"
	if since := said()[before:]; strings.Contains(since, missed) || !strings.Contains(since, "Members left: 3") {
		t.Errorf("the original has not heard that a node has said good-bye:\n%s", since)
	}
	// The representative of the ring, killed and back: it must not use a ring's number again.
	h[0].stop(syscall.SIGKILL)
	h[0].start(false)
	h[2].members(10*time.Second, 1, 2, 3)
	h[1].members(5*time.Second, 1, 2, 3)
	// A paused process: the others go on, and take it back.
	if err := h[2].daemon.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h[1].members(15*time.Second, 1, 2)
	if err := h[2].daemon.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for _, o := range h {
		o.members(15*time.Second, 1, 2, 3)
	}
	if !strings.Contains(said(), missed) {
		t.Error("the original does not tell of a node that has gone without a word")
	}
}

// TestRealTools runs the original's tools against our daemon.
func TestRealTools(t *testing.T) {
	h := hosts(t, 1, confWith("transport: udpu"))[0]
	h.start(false)
	h.members(5*time.Second, 1)
	for _, c := range []struct {
		name string
		args []string
		want []string
		code int
	}{
		{"corosync-quorumtool", []string{"-s"}, []string{"Nodes:            1", "Ring ID:          1.5", "Quorate:          Yes", "Expected votes:   1", "n1 (local)"}, 0},
		{"corosync-cmapctl", nil, []string{
			"totem.cluster_name (str) = proof", "runtime.config.totem.token (u32) = 1000", "runtime.members.1.ip (str) = r(0) ip(10.98.0.1) ",
			"nodelist.node.0.nodeid (u32) = 1", "runtime.votequorum.this_node_id (u32) = 1", "internal_configuration.service.5.name (str) = corosync_votequorum",
		}, 0},
		{"corosync-cmapctl", []string{"-m", "stats"}, []string{"stats.srp.operational_entered (u64) = 1"}, 0},
		{"corosync-cmapctl", []string{"-C", "totem"}, nil, 0},
		{"corosync-cmapctl", []string{"-m", "stats"}, []string{"stats.srp.operational_entered (u64) = 0"}, 0},
		{"corosync-cmapctl", []string{"-C", "knet"}, nil, 0},
		{"corosync-cmapctl", []string{"-C", "ipc"}, nil, 0},
		{"corosync-cmapctl", []string{"-C", "schedmiss"}, nil, 0},
		{"corosync-cmapctl", []string{"-m", "stats", "-s", "stats.clear.other", "u32", "1"}, []string{"CS_ERR_NOT_SUPPORTED"}, 1},
		{"corosync-cmapctl", []string{"-m", "stats", "-s", "stats.srp.mcast_tx", "u64", "1"}, []string{"CS_ERR_ACCESS"}, 1},
		{"corosync-quorumtool", []string{"-f"}, nil, 0},
		{"corosync-cmapctl", []string{"-s", "totem.token", "u32", "2000"}, nil, 0},
		{"corosync-cmapctl", []string{"-g", "totem.token"}, []string{"totem.token (u32) = 2000"}, 0},
		{"corosync-cmapctl", []string{"-s", "totem.version", "u32", "3"}, []string{"CS_ERR_ACCESS"}, 1},
		{"corosync-cmapctl", []string{"-d", "totem.token"}, nil, 0},
		{"corosync-cmapctl", []string{"-g", "totem.token"}, []string{"Can't get key totem.token. Error CS_ERR_NOT_EXIST"}, 1},
		{"corosync-cfgtool", []string{"-s"}, []string{"Local node ID 1, transport udpu", "localhost"}, 0},
		{"corosync-cfgtool", []string{"-a", "1"}, []string{"10.98.0.1"}, 0},
		{"corosync-cfgtool", []string{"-R"}, []string{"Reloading corosync.conf...\nDone"}, 0},
		{"corosync-quorumtool", []string{"-e", "3"}, []string{"CS_ERR_INVALID_PARAM"}, 1},
		{"corosync-cpgtool", nil, []string{"Group Name"}, 0},
	} {
		out, err := h.output(c.name, c.args...)
		code := 0
		if e, ok := err.(*exec.ExitError); ok {
			code = e.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != c.code {
			t.Errorf("%s %v: exit code %d, not %d\n%s", c.name, c.args, code, c.code, out)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s %v does not print %q:\n%s", c.name, c.args, w, out)
			}
		}
	}
	out, err := h.output("corosync-cfgtool", "-H")
	if err != nil {
		t.Errorf("shutdown: %v\n%s", err, out)
	}
	select {
	case err := <-h.ended:
		h.ended <- err
		if err != nil {
			t.Errorf("the daemon ends with %v", err)
		}
	case <-time.After(patience * 5 * time.Second):
		t.Error("the daemon does not shut down")
	}
}

// TestReload adds a node to the files of a running ring of both kinds, reloads from the
// original's side and from ours, and takes the node out again.
func TestReload(t *testing.T) {
	h := hosts(t, 3, confWith("transport: udpu"))
	whole, err := os.ReadFile(filepath.Join(h[0].dir, "etc", "corosync.conf"))
	if err != nil {
		t.Fatal(err)
	}
	third := "node {\nring0_addr: 10.98.0.3\nnodeid: 3\nname: n3\n}\n"
	if !strings.Contains(string(whole), third) {
		t.Fatal("the file looks otherwise")
	}
	write := func(text string) {
		for _, o := range h {
			if err := os.WriteFile(filepath.Join(o.dir, "etc", "corosync.conf"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(strings.Replace(string(whole), third, "", 1))
	h[0].start(false)
	h[1].start(true)
	for _, o := range h[:2] {
		o.members(10*time.Second, 1, 2)
	}
	write(string(whole))
	if out, err := h[1].output("corosync-cfgtool", "-R"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, o := range h[:2] {
		o.await(5*time.Second, func(out string) bool { return strings.Contains(out, "= 3\n") }, "corosync-cmapctl", "-g", "nodelist.node.2.nodeid")
		o.await(5*time.Second, func(out string) bool {
			return strings.Contains(out, "Expected votes:   3") && strings.Contains(out, "Quorum:           2")
		}, "corosync-quorumtool", "-s")
		// Three nodes wait longer for a token.
		o.await(5*time.Second, func(out string) bool { return strings.Contains(out, "= 1650\n") }, "corosync-cmapctl", "-g", "runtime.config.totem.token")
	}
	h[2].start(false)
	for _, o := range h {
		o.members(10*time.Second, 1, 2, 3)
	}
	h[2].stop(syscall.SIGTERM)
	h[1].members(10*time.Second, 1, 2)
	write(strings.Replace(string(whole), third, "", 1))
	if out, err := h[0].output("corosync-cfgtool", "-R"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, o := range h[:2] {
		o.await(5*time.Second, func(out string) bool { return strings.Contains(out, "CS_ERR_NOT_EXIST") }, "corosync-cmapctl", "-g", "nodelist.node.2.nodeid")
		o.await(5*time.Second, func(out string) bool { return strings.Contains(out, "Expected votes:   2") }, "corosync-quorumtool", "-s")
	}
	write("totem {\nversion: 9\n}\n")
	if out, err := h[0].output("corosync-cfgtool", "-R"); err == nil || !strings.Contains(out, "CS_ERR_INVALID_PARAM") {
		t.Errorf("a broken file is reloaded: %v\n%s", err, out)
	}
	h[0].members(time.Second, 1, 2)
}

// TestSocketConnections runs the original's tools over datagram sockets instead of shared memory.
func TestSocketConnections(t *testing.T) {
	h := hosts(t, 1, func(nodes string) string {
		return confWith("transport: udpu")(nodes) + "system {\nqb_ipc_type: socket\n}\n"
	})[0]
	h.start(false)
	h.members(5*time.Second, 1)
	out, err := h.output("corosync-cmapctl")
	if err != nil || strings.Count(out, "\n") < 80 {
		t.Errorf("%v\n%s", err, out)
	}
	c := h.command(os.Args[0])
	c.Env = append(os.Environ(), "COROSYNCD_CLIENT=1", "COROSYNCD_COUNT=200")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestBrokenFiles holds that a daemon which cannot start says why, and where.
func TestBrokenFiles(t *testing.T) {
	good := confWith("transport: udpu")("node {\nring0_addr: 192.0.2.1\nnodeid: 1\n}\n")
	for _, c := range []struct{ old, new, want string }{
		{"transport: udpu", "transport: udpu\n}}", "corosync.conf:6: a closing brace must stand alone on its line"},
		{"version: 2", "version: x", "corosync.conf:2: totem.version"},
		{"nodeid: 1", "nodeid: 0", "corosync.conf:8: the node has no nodeid"},
		{"192.0.2.1", "no.such.host.invalid", "corosync.conf:8: the address of node 1"},
		{"", "", "no address of the nodelist belongs to this host"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "corosync.conf")
		if err := os.WriteFile(path, []byte(strings.Replace(good, c.old, c.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		err := Run(t.Context(), Options{ConfPath: path, StateDir: dir})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, not %s", c.new, err, c.want)
		}
	}
	if err := Run(t.Context(), Options{ConfPath: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without file: %v", err)
	}
}

// TestRingNumberKept holds that the number of a ring is kept where no new file can be written, as long as there is an old one to overwrite, and that the daemon
// ends, and says so, where it cannot be kept.
func TestRingNumberKept(t *testing.T) {
	for _, old := range []bool{true, false} {
		f := files{Options{StateDir: t.TempDir()}}
		if old {
			if err := f.storeRingSeq(1, 4); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(f.state(ringFile(1)+".new"), 0o755); err != nil { // where the new file is to be
			t.Fatal(err)
		}
		err := f.storeRingSeq(1, 8)
		if seq, _ := f.ringSeq(1); (err == nil) != old || old && seq != 8 {
			t.Errorf("with an old file %v: %v, and %d was kept", old, err, seq)
		}
	}
	h := hosts(t, 1, confWith("transport: udpu"))[0]
	if err := os.Mkdir(filepath.Join(h.dir, "state", ringFile(1)+".new"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.start(false)
	select {
	case <-h.ended:
		h.ended <- nil // for who cleans up
	case <-time.After(20 * time.Second):
		t.Fatal("the daemon runs")
	}
	if log, err := os.ReadFile(h.log); err != nil || !strings.Contains(string(log), "the number of ring 5 cannot be kept: ") {
		t.Errorf("%v\n%s", err, log)
	}
}

// TestNewKey changes the key and the cipher of a running cluster of an original node and
// two of ours, again and again: nobody is thrown out.
func TestNewKey(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	crypto := func(cipher, hash string) func(string) string {
		return confWith("transport: knet\ncrypto_cipher: " + cipher + "\ncrypto_hash: " + hash)
	}
	h := hosts(t, 3, crypto("aes256", "sha256"))
	h[0].start(false)
	h[1].start(true)
	h[2].start(false)
	for _, o := range h {
		o.members(15*time.Second, 1, 2, 3)
	}
	ring := func(o *host) string {
		out, _ := o.output("corosync-quorumtool", "-s")
		_, id, _ := strings.Cut(out, "Ring ID:")
		id, _, _ = strings.Cut(id, "\n")
		return strings.TrimSpace(id)
	}
	before := ring(h[0])
	if before == "" {
		t.Fatal("no ring")
	}
	nodes := ""
	for i := 1; i <= 3; i++ {
		nodes += fmt.Sprintf("node {\nring0_addr: 10.98.0.%d\nnodeid: %d\nname: n%d\n}\n", i, i, i)
	}
	for step, c := range []struct {
		cipher, hash string
		key          string
		by           int
	}{
		{"aes256", "sha256", "another key", 0}, // reload asked for at ours
		{"aes128", "sha512", "another key", 1}, // at the original
		{"none", "none", "another key", 2},
		{"aes192", "sha1", "a third key", 1},
	} {
		for _, o := range h {
			for name, text := range map[string]string{"corosync.conf": crypto(c.cipher, c.hash)(nodes), "authkey": strings.Repeat(c.key, 30)} {
				f := filepath.Join(o.dir, "etc", name)
				_ = os.Remove(f)
				if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if out, err := h[c.by].output("corosync-cfgtool", "-R"); err != nil {
			t.Fatalf("step %d: %v: %s", step, err, out)
		}
		for _, o := range h {
			o.await(10*time.Second, func(out string) bool { return strings.TrimSpace(out) == c.cipher }, "sh", "-c", "corosync-cmapctl -q -g totem.crypto_cipher | sed 's/.*= //'")
		}
		// Longer than a lost token would go unnoticed, and than the old key is taken.
		end := time.Now().Add(4 * time.Second)
		for time.Now().Before(end) {
			for _, o := range h {
				if now := ring(o); now != before {
					t.Fatalf("step %d: node %d is in ring %s, was in %s", step, o.number, now, before)
				}
			}
		}
	}
}

// TestReloadLinks has a ring of both kinds come to a second link, lose its first, and give up the second, all while it runs.
func TestReloadLinks(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	conf := confWith("transport: knet")
	h := hosts(t, 2, conf)
	write := func(second bool) {
		nodes := ""
		for i := 1; i <= 2; i++ {
			nodes += fmt.Sprintf("node {\nring0_addr: 10.98.0.%d\n", i)
			if second {
				nodes += fmt.Sprintf("ring1_addr: 10.99.0.%d\n", i)
			}
			nodes += fmt.Sprintf("nodeid: %d\nname: n%d\n}\n", i, i)
		}
		for _, o := range h {
			if err := os.WriteFile(filepath.Join(o.dir, "etc", "corosync.conf"), []byte(conf(nodes)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, o := range h {
		o.must("ip", "addr", "add", fmt.Sprintf("10.99.0.%d/24", i+1), "dev", "eth0")
		o.start(i == 0)
	}
	for _, o := range h {
		o.members(15*time.Second, 1, 2)
	}
	link := func(i int) func(string) bool {
		return func(out string) bool {
			return strings.Contains(out, fmt.Sprintf("LINK: %d ", i)) && strings.Contains(out, fmt.Sprintf("(10.%d.0.", 98+i)) &&
				strings.Contains(out[strings.Index(out, fmt.Sprintf("LINK: %d ", i)):], "enabled connected mtu: ")
		}
	}
	for by := range h { // asked for at the original, and at ours
		write(true)
		h[by].must("corosync-cfgtool", "-R")
		for _, o := range h {
			o.await(10*time.Second, link(1), "corosync-cfgtool", "-n")
		}
		// What was only the second link carries the ring.
		h[1].must("nft", "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; add rule inet cut in ip saddr 10.98.0.0/24 drop")
		for _, o := range h {
			o.await(10*time.Second, func(out string) bool {
				return strings.Contains(out, "nodeid: ") && !link(0)(strings.Split(out, "LINK: 1")[0]) && link(1)(out)
			}, "corosync-cfgtool", "-n")
		}
		h[1].must("nft", "delete table inet cut")
		for _, o := range h {
			o.await(10*time.Second, link(0), "corosync-cfgtool", "-n")
			o.members(time.Second, 1, 2)
		}
		write(false)
		h[1-by].must("corosync-cfgtool", "-R")
		for _, o := range h {
			o.await(10*time.Second, func(out string) bool { return link(0)(out) && !strings.Contains(out, "LINK: 1") }, "corosync-cfgtool", "-n")
			o.members(time.Second, 1, 2)
			if out, err := o.output("corosync-cmapctl", "-m", "stats", "stats.knet"); err != nil || strings.Contains(out, ".link1.") {
				t.Errorf("node %d: %v\n%s", o.number, err, out)
			}
		}
	}
}
