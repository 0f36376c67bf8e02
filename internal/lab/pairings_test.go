package lab_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	pairings     = flag.Bool("pairings", false, "TestPairings: run the list of testdata/pairings.txt, which takes some ten minutes for each side")
	pairingsOnly = flag.String("pairings-only", "", "TestPairings: only the lines that this expression matches, and what sets up")
)

// site is a host of a running cluster, and how a command is run there.
type site struct {
	name         string
	try          func(host string, argv ...string) (int, string)
	theirs, ours string // PATH that finds the originals' programs, and ours
	native       string // the PATH of the programs that belong to the cluster
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// sh runs a line with the programs that path finds.
func (s *site) sh(path, line string) string {
	code, out := s.try("1", "env", "PATH="+path, "sh", "-c", "cd /root; "+line)
	return fmt.Sprintf("%s[exit code %d]\n", out, code)
}

// rest waits until the cluster has nothing left to do.
func (s *site) rest(t *testing.T) {
	t.Helper()
	if out := s.sh(s.native, "crm_resource --wait --timeout 60"); !strings.Contains(out, "[exit code 0]") {
		t.Errorf("the cluster of %s does not come to rest: %s", s.name, out)
	}
}

// pairConf is a corosync.conf of n hosts at the labs' addresses.
func pairConf(n int, totem string) string {
	conf := "totem {\n version: 2\n cluster_name: pair\n crypto_cipher: none\n crypto_hash: none\n" + totem + "}\nnodelist {\n"
	for i := range n {
		conf += fmt.Sprintf(" node {\n ring0_addr: 211.183.3.%d\n name: node%d\n nodeid: %d\n }\n", []int{104, 105, 107}[i], i+1, i+1)
	}
	conf += "}\nquorum {\n provider: corosync_votequorum\n"
	if n == 2 {
		conf += " two_node: 1\n wait_for_all: 0\n"
	}
	return conf + "}\nlogging {\n to_syslog: no\n}\n"
}

// begin starts the cluster on n hosts, one after the other, so that the first decides.
func (s *site) begin(t *testing.T, n int, totem string) {
	t.Helper()
	online := ""
	for i := range n {
		h := fmt.Sprint(i + 1)
		online += "node" + h + " "
		if code, out := s.try(h, "sh", "-c", "cat > /etc/corosync/corosync.conf <<'EOF'\n"+pairConf(n, totem)+"EOF\nsystemctl start pacemaker"); code != 0 {
			t.Fatalf("%s: host %s does not start: %s", s.name, h, out)
		}
		s.await(t, 90*time.Second, func() bool {
			out := s.sh(s.native, "crm_mon -1")
			return strings.Contains(out, "Online: [ "+online+"]") && !strings.Contains(out, "Current DC: NONE")
		})
	}
}

func (s *site) await(t *testing.T, limit time.Duration, good func() bool) {
	t.Helper()
	for begin := time.Now(); !good(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > limit {
			t.Fatalf("%s: not within %s:\n%s", s.name, limit, s.sh(s.native, "crm_mon -1rf"))
		}
	}
}

// What is another each time, or the mark of a version, counts as equal.
var varying = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d( \d{4})?( [+-]\d\d:\d\d| Z| [A-Z]{3,4}| \d{4})*`), "DATE"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( ?Z| ?[+-]\d\d:\d\d)?`), "DATE"},
	{regexp.MustCompile(`\b(last-lrm-refresh|epoch|num_updates|admin_epoch|call-id|call|last-rc-change|last-run|exec-time|queue-time|exec|queue|op-digest|op-[a-z]+-digest|transition-key|transition-magic|crm-debug-origin|crm_feature_set|feature_set|feature-set|validate-with|version|api-version|last-granted|execution-date|update-client|update-origin|update-user|pid|uuid)=("[^"]*"|'[^']*'|\d+(ms)?)`), "$1=…"},
	{regexp.MustCompile(`(\bversion |pacemakerd|Pacemaker )\d\.[-0-9a-z.]+`), "$1…"},
	{regexp.MustCompile(`\d\.\d\.\d-[0-9a-z]+`), "VERSION"},
	{regexp.MustCompile(`feature set 3[.\d]+|(name="#feature-set" |name=#feature-set |name=last-lrm-refresh )value=\S+`), "FEATURES"},
	{regexp.MustCompile(`stonith_admin\.\d+@node1 last failed`), "stonith_admin.PID@node1 last failed"},
	{regexp.MustCompile(`\b1\d{9}\b`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UUID"},
}

func alike(text string) string {
	for _, v := range varying {
		text = v.what.ReplaceAllString(text, v.with)
	}
	return text
}

// apart shows in what two texts differ.
func apart(a, b string) string {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	cut := func(lines []string) string { return strings.Join(lines[:min(len(lines), 20)], "") }
	return fmt.Sprintf("- %s+ %s", strings.ReplaceAll(cut(x), "\n", "\n- "), strings.ReplaceAll(cut(y), "\n", "\n+ "))
}

// TestPairings runs a list of commands by the originals' programs against our cluster, and by ours against
// the originals'; each says what it says on the cluster that it belongs to.
func TestPairings(t *testing.T) {
	if !*pairings {
		t.Skip("by -pairings only")
	}
	only, err := regexp.Compile(*pairingsOnly)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("testdata/pairings.txt")
	if err != nil {
		t.Fatal(err)
	}
	o := originalHosts(t, 2)
	for _, p := range []string{"pcs", "crm_mon", "crm_verify", "tools"} {
		o.ours("1", p, "ours/"+p)
	}
	names, err := os.ReadFile("../../cmd/tools/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range strings.Fields(string(names)) {
		if err := os.Symlink("tools", filepath.Join(o.dir, "hosts/node1/root/ours", n)); err != nil {
			t.Fatal(err)
		}
	}
	b := up(t, "--hosts", "2")
	real := &site{"the originals", o.try, systemPath, "/root/ours:" + systemPath, systemPath}
	mine := &site{"ours", b.try, systemPath, "/opt/hacluster/bin:" + systemPath, "/opt/hacluster/bin:" + systemPath}
	sites := []*site{real, mine}
	for _, s := range sites {
		s.begin(t, 2, " transport: knet\n token: 3000\n")
	}
	var commands []command
	for l := range strings.Lines(string(list)) {
		var c command
		c.line = strings.TrimSpace(l)
		if setup, ok := strings.CutPrefix(c.line, "setup "); ok {
			for _, s := range sites {
				if out := s.sh(s.native, setup); !strings.Contains(out, "[exit code 0]") {
					t.Fatalf("%s: %s: %s", s.name, setup, out)
				}
				s.rest(t)
			}
			continue
		}
		if rest, ok := strings.CutPrefix(c.line, "known "); ok {
			c.known, c.line, _ = strings.Cut(rest, ": ")
		}
		c.line, c.settles = strings.CutPrefix(c.line, "settle ")
		c.line, c.changes = strings.CutPrefix(c.line, "change ")
		if c.line != "" && c.line[0] != '#' && only.MatchString(c.line) {
			commands = append(commands, c)
		}
	}
	t.Run("theirs", func(t *testing.T) {
		pair(t, commands, func(s *site) string { return s.theirs }, real, mine)
	})
	t.Run("ours", func(t *testing.T) {
		pair(t, commands, func(s *site) string { return s.ours }, mine, real)
	})
}

// command is a line of the list.
type command struct {
	line    string
	changes bool
	settles bool   // it makes both clusters equal again, by their own programs
	known   string // why it may differ
}

// pair runs the commands by one side's programs, on their own cluster and on the other one.
func pair(t *testing.T, commands []command, path func(*site) string, native, far *site) {
	differ := 0
	for _, c := range commands {
		var said [2]string
		for i, s := range []*site{native, far} {
			begin := time.Now()
			if c.settles {
				s.sh(s.native, c.line)
				s.rest(t)
				continue
			}
			said[i] = alike(s.sh(path(s), c.line))
			if took := time.Since(begin); took > 5*time.Second {
				t.Logf("on the cluster of %s: %s: took %s", s.name, c.line, took.Round(time.Second/10))
			}
			if c.changes {
				s.rest(t)
			}
		}
		switch {
		case said[0] == said[1]:
		case c.known != "":
			t.Logf("%s: differs, as is known: %s", c.line, c.known)
		default:
			differ++
			t.Errorf("at home (-) and on the other cluster (+): %s\n%s", c.line, apart(said[0], said[1]))
		}
	}
	t.Logf("%d commands, %d differ", len(commands), differ)
}
