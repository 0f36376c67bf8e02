package conf

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/cmap"
)

// TestFormatOfPcs holds that files written by pcs come back byte for byte.
func TestFormatOfPcs(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.conf")
	if len(files) < 2 {
		t.Fatal("no files")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(f, text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := root.Format(); !bytes.Equal(got, text) {
			t.Errorf("%s is written as\n%s", f, got)
		}
		c, err := Read(f, text)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func read(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Read("test.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMeaning(t *testing.T) {
	text, err := os.ReadFile("testdata/pcs-0.9.conf")
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, string(text))
	if c.Totem.ClusterName != "song_cluster" || c.Totem.Transport != "udpu" || c.Totem.Cipher != "none" || c.Totem.SecAuth {
		t.Errorf("totem: %+v", c.Totem)
	}
	if len(c.Nodes) != 2 || c.Nodes[1].ID != 2 || c.Nodes[1].Address() != "node2" || c.Nodes[1].Name != "" || c.Nodes[1].DisplayName() != "node2" {
		t.Errorf("nodes: %+v", c.Nodes)
	}
	if !c.Quorum.TwoNode || !c.Quorum.WaitForAll || c.Quorum.WaitForAllSet {
		t.Errorf("quorum: %+v", c.Quorum)
	}
	if c.Supported() != nil {
		t.Error("udpu is not supported")
	}
	want := map[string]string{
		"totem.version": "2", "totem.secauth": "off", "nodelist.node.1.nodeid": "2", "nodelist.node.0.ring0_addr": "node1",
		"quorum.two_node": "1", "logging.logfile": "/var/log/cluster/corosync.log",
	}
	types := map[string]cmap.Type{"totem.version": cmap.Uint32, "quorum.two_node": cmap.Uint8, "nodelist.node.1.nodeid": cmap.Uint32}
	for _, k := range c.Keys {
		if w, ok := want[k.Name]; ok {
			if k.Value.String() != w {
				t.Errorf("%s = %v, not %s", k.Name, k.Value, w)
			}
			delete(want, k.Name)
		}
		if w, ok := types[k.Name]; ok && w != k.Value.Type {
			t.Errorf("%s is of type %v, not %v", k.Name, k.Value.Type, w)
		}
	}
	for k := range want {
		t.Errorf("no key %s", k)
	}
}

func TestSystem(t *testing.T) {
	const rest = "totem {\nversion: 2\ntransport: udpu\n}\nnodelist {\nnode {\nring0_addr: a\nnodeid: 1\n}\n}\n"
	for text, want := range map[string]System{
		"":                                  {IPCType: "native", RealTime: true, MoveToRootCgroup: "auto"},
		"sched_rr: no\npriority: -7\n":      {IPCType: "native", Priority: -7, MoveToRootCgroup: "auto"},
		"sched_rr: no\npriority: max\n":     {IPCType: "native", Priority: math.MinInt32, MoveToRootCgroup: "auto"},
		"priority: min\n":                   {IPCType: "native", RealTime: true, Priority: math.MaxInt32, MoveToRootCgroup: "auto"},
		"move_to_root_cgroup: no\n":         {IPCType: "native", RealTime: true, MoveToRootCgroup: "no"},
		"state_dir: /x\nqb_ipc_type: shm\n": {IPCType: "shm", StateDir: "/x", RealTime: true, MoveToRootCgroup: "auto"},
	} {
		if got := read(t, rest+"system {\n"+text+"}\n").System; got != want {
			t.Errorf("%q: %+v, not %+v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"sched_rr: 1": `:12: system.sched_rr`, "priority: high": `:12: system.priority: "high" is not max, min or a number`,
		"priority: 99999999999": `:12: system.priority`, "move_to_root_cgroup: on": `:12: system.move_to_root_cgroup`,
	} {
		_, err := Read("corosync.conf", []byte(rest+"system {\n"+text+"\n}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", text, err, want)
		}
	}
}

// TestTimers holds the formulas against what corosync 3.1.7 shows for 2 nodes, and for 3 and 5 as measured.
func TestTimers(t *testing.T) {
	node := func(n int) string {
		s := ""
		for i := range n {
			s += "node {\nnodeid: " + string(rune('1'+i)) + "\nring0_addr: 10.0.0." + string(rune('1'+i)) + "\n}\n"
		}
		return "nodelist {\n" + s + "}\n"
	}
	for _, c := range []struct {
		nodes, token                           int
		effective, retransmit, hold, consensus int
	}{
		{2, 0, 3000, 714, 561, 3600},
		{2, 1000, 1000, 238, 180, 1200},
		{3, 1000, 1650, 392, 303, 1980},
		{5, 1000, 2950, 702, 551, 3540},
	} {
		text := "totem {\nversion: 2\ntransport: udpu\n"
		if c.token > 0 {
			text += "token: 1000\n"
		}
		cfg := read(t, text+"}\n"+node(c.nodes))
		got := []time.Duration{cfg.TokenEffective(), cfg.Totem.TokenRetransmit, cfg.Totem.Hold, cfg.Totem.Consensus}
		for i, want := range []int{c.effective, c.retransmit, c.hold, c.consensus} {
			if got[i] != time.Duration(want)*time.Millisecond {
				t.Errorf("%d nodes, token %d: value %d is %v, not %d ms", c.nodes, c.token, i, got[i], want)
			}
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"totem {\n version: 2\n":          `test.conf:1: section "totem" is not closed`,
		"\n}\n":                           "test.conf:2: a closing brace where no section is open",
		"totem {\nnonsense\n}\n":          `test.conf:2: "nonsense" is no section, no closing brace and no "key: value"`,
		"{\n}\n":                          "test.conf:1: a section needs a name before its opening brace",
		"totem { x\n}\n":                  `test.conf:1: "x" after an opening brace`,
		"totem {\n: 3\n}\n":               "test.conf:2: a value needs a key before its colon",
		"totem {\n\ntoken: soon\n}\n":     `test.conf:3: totem.token: "soon" is not a number of type u32`,
		"totem {\ntransport: pigeon\n}\n": `test.conf:2: totem.transport: "pigeon" is not one of knet, udpu, udp`,
		"uidgid {\nuid: x\nname: y\n}\n":  "test.conf:3: uidgid.name: only uid and gid can stand here",
		"totem {\nfoo\x00bar: 1\n}\n":     "test.conf:2: the line holds a NUL",
		"totem {\nv: " + strings.Repeat("x", 600) + "\n}\n": "test.conf:2: the line has 603 bytes; 511 are possible",
	} {
		_, err := Read("test.conf", []byte(text))
		var e *Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := "totem {\nversion: 2\ntransport: udpu\n}\nnodelist {\nnode {\nnodeid: 1\nring0_addr: a\n}\nnode {\nnodeid: 2\nring0_addr: b\n}\n}\n"
	if err := read(t, good).Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"version: 2", "version: 1", "test.conf:2: totem.version must be 2"},
		{"transport: udpu", "transport: udpu\ncrypto_hash: sha1", "knows no encryption"},
		{"nodeid: 2", "nodeid: 1", "test.conf:10: nodeid 1 is the node's in line 6, too"},
		{"ring0_addr: b", "ring0_addr: a", `test.conf:10: address "a" is in line 6, too`},
		{"ring0_addr: b", "ring0_addr: b\nring1_addr: c", "ring1_addr cannot be used"},
		{"nodeid: 2\n", "", "test.conf:10: the node has no nodeid"},
		{"ring0_addr: b\n", "", "test.conf:10: the node has no ring0_addr"},
		{"transport: udpu", "transport: udpu\ntoken: 10", "totem.token is 10 ms; at least 30 are needed"},
	} {
		err := read(t, strings.Replace(good, c.old, c.new, 1)).Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v", c.new, c.old, err)
		}
	}
	for c, want := range map[string]string{
		"knet\ninterface {\nlinknumber: 0\nknet_transport: sctp\n}": "test.conf:6: not supported yet: knet_transport sctp",
	} {
		if err := read(t, strings.Replace(good, "udpu", c, 1)).Supported(); !errors.Is(err, ErrNotYet) || err.Error() != want {
			t.Errorf("%s: %v, not %s", c, err, want)
		}
	}
	for _, c := range []string{"knet", "udp", "knet\nknet_compression_model: zlib", "knet\nknet_compression_model: lzo2"} {
		if err := read(t, strings.Replace(good, "udpu", c, 1)).Supported(); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestEdit(t *testing.T) {
	root, err := Parse("x", []byte("totem {\n  # note\n  version: 2\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := root.All("totem")[0]
	s.Set("version", "3")
	s.Set("token", "5000")
	root.Add("quorum").Set("provider", "corosync_votequorum")
	want := "totem {\n    version: 3\n    token: 5000\n}\n\nquorum {\n    provider: corosync_votequorum\n}\n"
	if got := string(root.Format()); got != want {
		t.Errorf("got\n%s", got)
	}
	s.Unset("token", 0)
	if _, ok := s.Get("token"); ok {
		t.Error("token is still there")
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.conf")
	for _, name := range files {
		text, _ := os.ReadFile(name)
		f.Add(text)
	}
	f.Add([]byte("totem {\ninterface {\nlinknumber: 3\n}\n}\nuidgid {\nuid: 1\n}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Read("fuzz", text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error of type %T", err)
			}
			return
		}
		_ = c.Validate()
		first := c.Root.Format()
		again, err := Parse("fuzz", first)
		if err != nil {
			if strings.Contains(err.Error(), "bytes; 511") {
				return // indentation made the line too long
			}
			t.Fatalf("what Format writes cannot be read: %v\n%s", err, first)
		}
		if !bytes.Equal(first, again.Format()) {
			t.Fatalf("not stable:\n%q\n%q", first, again.Format())
		}
	})
}
