package corosyncd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// toolLines are command lines of the ring's small programs, which the original's and ours must answer alike: what they
// print and their exit code. A line before "=>" is done by the original first. Words that begin with DIR/ are files of
// a folder for each. Texts of help are our own: of them only the exit code counts.
const toolLines = `
corosync-quorumtool
corosync-quorumtool -s
corosync-quorumtool -sp
corosync-quorumtool -l
corosync-quorumtool -lp
corosync-quorumtool -li
corosync-quorumtool -la
corosync-quorumtool -lai
corosync-quorumtool -lH
corosync-quorumtool -sH
corosync-quorumtool -lon
corosync-quorumtool -loi
corosync-quorumtool -loa
corosync-quorumtool -o x
corosync-quorumtool -o
corosync-quorumtool -e 0
corosync-quorumtool -e x
corosync-quorumtool -e -1
corosync-quorumtool -e 2x
corosync-quorumtool -e 4294967296
corosync-quorumtool -e 2147483648
corosync-quorumtool -e 1
corosync-quorumtool -e 2
corosync-quorumtool -e 3
corosync-quorumtool -v -1
corosync-quorumtool -v x
corosync-quorumtool -v 1 -n 0
corosync-quorumtool -v 1 -n x
corosync-quorumtool -v 1 -n -1
corosync-quorumtool -v 1 -n 99
corosync-quorumtool -v 1
corosync-quorumtool -v 1 -n 1
corosync-quorumtool -n 1
corosync-quorumtool -n 77
corosync-quorumtool -f
corosync-quorumtool -V
corosync-quorumtool -h
corosync-quorumtool -Z
corosync-quorumtool -W q
corosync-quorumtool -X info
corosync-quorumtool -C
corosync-quorumtool -e
corosync-quorumtool word
corosync-quorumtool -s word
corosync-quorumtool --status
corosync-cfgtool
corosync-cfgtool -h
corosync-cfgtool -s
corosync-cfgtool -sb
corosync-cfgtool -s -i 10.98.0.1
corosync-cfgtool -s -i 10.98.0.9
corosync-cfgtool -i 10.98.0.1
corosync-cfgtool -n
corosync-cfgtool -n -i 10.98.0.1
corosync-cfgtool -nb
corosync-cfgtool -b
corosync-cfgtool --status
corosync-cfgtool --nodes
corosync-cfgtool --brief --status
corosync-cfgtool --stat
corosync-cfgtool -a 1
corosync-cfgtool -a 2
corosync-cfgtool -a 9
corosync-cfgtool -a 0
corosync-cfgtool -a x
corosync-cfgtool -a 1x
corosync-cfgtool -a -1
corosync-cfgtool -a 4294967297
corosync-cfgtool --address 1
corosync-cfgtool --address=2
corosync-cfgtool -a
corosync-cfgtool -k 9
corosync-cfgtool -k 0
corosync-cfgtool -k x
corosync-cfgtool -k
corosync-cfgtool -L
corosync-cfgtool --reopen
corosync-cfgtool -R
corosync-cfgtool --reload
corosync-cfgtool -r
corosync-cfgtool -Z
corosync-cfgtool --zzz
corosync-cfgtool --re
corosync-cfgtool word
corosync-cfgtool -s word
corosync-cfgtool -V
corosync-cfgtool --version
corosync-cfgtool -sn
corosync-cfgtool --force
corosync-cmapctl
corosync-cmapctl totem.
corosync-cmapctl totem. nodelist.node.0
corosync-cmapctl no.such.
corosync-cmapctl no.such. totem.version
corosync-cmapctl x
corosync-cmapctl "a b"
corosync-cmapctl -q totem.
corosync-cmapctl -b totem.
corosync-cmapctl -bq totem.
corosync-cmapctl -g totem.version
corosync-cmapctl -g totem.version totem.token
corosync-cmapctl -g totem.version no.such totem.token
corosync-cmapctl -qg totem.version
corosync-cmapctl -g no.such
corosync-cmapctl -g
corosync-cmapctl -g ab
corosync-cmapctl -g "a b c"
corosync-cmapctl -s
corosync-cmapctl -s test.key
corosync-cmapctl -s test.key u32
corosync-cmapctl -s test.key u33 1
corosync-cmapctl -s test.key u8 1
corosync-cmapctl -s test.key u8 256
corosync-cmapctl -s test.key u8 -1
corosync-cmapctl -s test.key i8 -129
corosync-cmapctl -s test.key i16 40000
corosync-cmapctl -s test.key u16 70000
corosync-cmapctl -s test.key i32 2147483648
corosync-cmapctl -s test.key u32 4294967296
corosync-cmapctl -s test.key u32 0x10
corosync-cmapctl -s test.key u32 010
corosync-cmapctl -s test.key u32 " 5"
corosync-cmapctl -s test.key u32 5x
corosync-cmapctl -s test.key u32 ""
corosync-cmapctl -s test.key i64 99999999999999999999
corosync-cmapctl -s test.key u64 99999999999999999999
corosync-cmapctl -s test.key flt x
corosync-cmapctl -s test.key flt 1.5
corosync-cmapctl -s test.key dbl 1e400
corosync-cmapctl -s test.key dbl inf
corosync-cmapctl -s test.key dbl nan
corosync-cmapctl -s test.key str
corosync-cmapctl -s test.key str ""
corosync-cmapctl -s test.key str "two words" more
corosync-cmapctl -s ab u8 1
corosync-cmapctl -s totem.version u32 3
corosync-cmapctl -s runtime.config.totem.token u32 3
corosync-cmapctl -s uidgid.config.uid.7 u8 1
corosync-cmapctl -s test.bin bin DIR/bytes
corosync-cmapctl -s test.bin bin DIR/none
corosync-cmapctl -s test.a u32 16 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a i8 -5 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a dbl 0.25 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a flt 1e10 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a dbl inf => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a str "" => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a u32 " +5x" => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a u64 99999999999999999999 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a i64 99999999999999999999 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a dbl 1e400 => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a flt -inf => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a dbl 0x1.8p3z => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a dbl nan => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a bin DIR/bytes => corosync-cmapctl -g test.a
corosync-cmapctl -s test.a bin DIR/bytes => corosync-cmapctl -bg test.a
corosync-cmapctl -s test.a bin DIR/bytes => corosync-cmapctl -bqg test.a
corosync-cmapctl -s test.a bin DIR/bytes => corosync-cmapctl test.
corosync-cmapctl -s test.a bin DIR/empty => corosync-cmapctl -bg test.a
corosync-cmapctl -s test.a u8 1 => corosync-cmapctl -d test.a
corosync-cmapctl -s test.a u8 1 => corosync-cmapctl -d test.a test.none
corosync-cmapctl -d test.none
corosync-cmapctl -d totem.version
corosync-cmapctl -d
corosync-cmapctl -s test.a u8 1 => corosync-cmapctl -D test.
corosync-cmapctl -D no.such.
corosync-cmapctl -D totem.vers
corosync-cmapctl -D
corosync-cmapctl -p DIR/keys
corosync-cmapctl -p DIR/keys => corosync-cmapctl test.
corosync-cmapctl -p DIR/bad
corosync-cmapctl -p DIR/none
corosync-cmapctl -p
corosync-cmapctl -h
corosync-cmapctl -Z
corosync-cmapctl -V
corosync-cmapctl -m
corosync-cmapctl -m x
corosync-cmapctl -m default -g totem.version
corosync-cmapctl -m icmap -g totem.version
corosync-cmapctl -m stats -g totem.version
corosync-cmapctl -m stats -g stats.srp.recovery_token_lost
corosync-cmapctl -m stats stats.knet.handle.tx_c
corosync-cmapctl -m stats -s stats.srp.mcast_tx u64 1
corosync-cmapctl -m stats -s stats.clear.x u64 1
corosync-cmapctl -m stats -d stats.srp.mcast_tx
corosync-cmapctl -m stats -d stats.clear.knet
corosync-cmapctl -C x
corosync-cmapctl -C ipc
corosync-cmapctl -C totem
corosync-cmapctl -C knet
corosync-cmapctl -C schedmiss
corosync-cmapctl -C all
corosync-cmapctl -C
corosync-cmapctl -t
corosync-cmapctl -T
corosync-cmapctl -t ab
corosync-cmapctl -T "a b"
corosync-cmapctl -m stats -T stats.
corosync-cmapctl -m stats -t stats.srp.mcast_tx
corosync-cmapctl -gs totem.version
corosync-cpgtool
corosync-cpgtool -n
corosync-cpgtool -e
corosync-cpgtool -d ,
corosync-cpgtool -d ,;
corosync-cpgtool -nd ,
corosync-cpgtool -d
corosync-cpgtool -h
corosync-cpgtool -Z
corosync-cpgtool word
corosync-keygen -s 100
corosync-keygen -s 5000
corosync-keygen -s x
corosync-keygen -s 128 -k DIR/key
corosync-keygen -s 128 -k DIR/key -l
corosync-keygen -k DIR/none/key
corosync-keygen -r DIR/none -k DIR/key
corosync-keygen --size=200 --key-file=DIR/key
corosync-keygen --less-secure -k DIR/key
corosync-keygen -Z
corosync-keygen -h
corosync-keygen -k
corosync-keygen word -k DIR/key
`

// shown hides what two runs cannot have in common.
var shown = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`(?m)^Date: .*$`), "Date:"},
	{regexp.MustCompile(`version: .*`), "version"},
	{regexp.MustCompile(`(?m)^(runtime\.services\..*\.[rt]x|resources\.|stats\.ipcs\.|stats\.srp\.|stats\.knet).*\n`), ""},
	{regexp.MustCompile(`/\S*/(corosync-\w+)`), "$1"},
}

// helpText begins a text of help; what stands before it counts.
var helpText = regexp.MustCompile(`(?sim)^\n?(usage:|corosync-c[a-z]+ +\[).*`)

// toolRuns runs the lines by the original's programs or, where tools holds ours, by those, in one shell. It yields what
// each has answered.
func (h *host) toolRuns(lines []string, tools, files string) []string {
	h.t.Helper()
	var script strings.Builder
	for _, line := range lines {
		before, line, two := strings.Cut(line, " => ")
		if !two {
			before, line = ":", before
		}
		if strings.HasPrefix(line, "corosync-cmapctl -") && strings.ContainsAny(strings.Fields(line)[1], "tT") {
			line = "timeout 20 " + line // it waits for the q
		}
		if tools != "" {
			line = strings.Replace(line, "corosync-", tools+"/corosync-", 1)
		}
		fmt.Fprintf(&script, "%s >/dev/null 2>&1; %s >DIR/out 2>DIR/err <DIR/q; code=$?; cat DIR/out DIR/err; echo \"exit code $code\"; echo ==NEXT==\n", before, line)
		if strings.Contains(line, "test.") {
			fmt.Fprintln(&script, "corosync-cmapctl -D test.")
		}
	}
	out, err := h.output("sh", "-c", strings.ReplaceAll(script.String(), "DIR/", files+"/"))
	if err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	var list []string
	for text := range strings.SplitSeq(strings.TrimSuffix(out, "==NEXT==\n"), "==NEXT==\n") {
		for _, s := range shown {
			text = s.what.ReplaceAllString(text, s.by)
		}
		if lines, last, ok := strings.Cut(text, "exit code "); ok {
			text = helpText.ReplaceAllString(lines, "HELP\n") + "exit code " + last
		}
		list = append(list, strings.ReplaceAll(text, files, "DIR"))
	}
	if len(list) != len(lines) {
		h.t.Fatalf("%d answers to %d lines:\n%s", len(list), len(lines), out)
	}
	return list
}

// TestToolsAsOriginals runs the original's small programs and ours, each at an original node and at one of ours.
func TestToolsAsOriginals(t *testing.T) {
	t.Parallel()
	h := hosts(t, 2, confWith("transport: knet"))
	tools := t.TempDir()
	build := exec.Command("go", "build", "-o", tools+"/tools", "hacluster/cmd/tools")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"quorumtool", "cfgtool", "cmapctl", "cpgtool", "keygen"} {
		if err := os.Symlink("tools", filepath.Join(tools, "corosync-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	h[0].start(true)
	h[1].start(false)
	for _, o := range h {
		o.members(20*time.Second, 1, 2)
	}
	dirs := [2]string{t.TempDir(), t.TempDir()}
	for _, d := range dirs {
		for name, text := range map[string]string{
			"bytes": "a\\b\x00\x01\xff", "empty": "", "q": "q\n",
			"keys": "# a comment\n\ntest.one u8 1\ntest.two str two words\n  test.three i32 -3\n^test.none\n^^test.no\ntest.four u16 1\n^test.four\n",
			"bad":  "test.one\ntest.two u8\ntest.three u99 1\ntest.four u8 300\n^ab\n",
		} {
			if err := os.WriteFile(filepath.Join(d, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	lines := strings.Split(strings.TrimSpace(toolLines), "\n")
	for i, o := range h {
		theirs, ours := o.toolRuns(lines, "", dirs[i]), o.toolRuns(lines, tools, dirs[i])
		for i, line := range lines {
			if theirs[i] != ours[i] {
				t.Errorf("node %d (original %v): %s\nthe original:\n%sours:\n%s", o.number, o == h[0], line, theirs[i], ours[i])
			}
		}
	}

	// In the dialect of Corosync 2 both daemons' statistics stand among the other keys.
	for _, o := range h {
		out, err := o.output("env", "PCS_COMPAT=0.9.170", tools+"/corosync-cmapctl", "runtime.")
		for _, want := range []string{
			"runtime.totem.pg.mrp.srp.members.1.status (str) = joined\n", "runtime.totem.pg.mrp.srp.orf_token_rx (u64) = ", "runtime.totem.pg.msg_reserved (u32) = ",
			"runtime.connections.active (u64) = ", ".service_id (u32) = 0\n", "runtime.config.totem.token (u32) = 1000\n",
		} {
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("node %d: %q is missing: %v\n%s", o.number, want, err, out)
			}
		}
		if strings.Contains(out, "knet") {
			t.Errorf("node %d: Corosync 2 knows no knet:\n%s", o.number, out)
		}
		if out, err := o.output("env", "PCS_COMPAT=0.9.170", tools+"/corosync-cmapctl", "-g", "runtime.totem.pg.mrp.srp.operational_entered"); err != nil || !strings.HasPrefix(out, "runtime.totem.pg.mrp.srp.operational_entered (u64) = ") {
			t.Errorf("node %d: %v\n%s", o.number, err, out)
		}
	}

	// The two daemons have the same keys, of the same types.
	for _, which := range []string{"default", "stats"} {
		keys := [2]string{}
		for i, o := range h {
			out, err := o.output("corosync-cmapctl", "-m", which)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			keys[i] = keysOf(out, o.number)
		}
		if keys[0] != keys[1] {
			t.Errorf("keys of the map %s\nof the original:\n%sof ours:\n%s", which, keys[0], keys[1])
		}
	}
}

var (
	connection = regexp.MustCompile(`service(\d)\.\d+\.0x[0-9a-f]+`)
	ownKey     = regexp.MustCompile(`(?m)^runtime\.totem\.fast_detection.*\n`)
	ofValue    = regexp.MustCompile(`(?m) = .*$`)
)

// keysOf is the names and types of keys, with the node itself as "own" and the other as "other".
func keysOf(list string, own int) string {
	list = ofValue.ReplaceAllString(ownKey.ReplaceAllString(list, ""), "")
	list = connection.ReplaceAllString(list, "service$1.PID.HANDLE")
	for i, name := range map[int]string{own: "own", 3 - own: "other"} {
		list = strings.ReplaceAll(list, fmt.Sprintf("stats.knet.node%d.", i), "stats.knet."+name+".")
	}
	lines := strings.SplitAfter(list, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}
