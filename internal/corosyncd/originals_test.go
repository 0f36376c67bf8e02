package corosyncd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var originals = flag.Bool("originals", false, "play the quorum scripts on original nodes, too: it takes some minutes")

// TestScriptsOnOriginals plays the quorum scripts of corosync/node on original nodes in
// network namespaces: what they think must be what our simulated nodes think.
func TestScriptsOnOriginals(t *testing.T) {
	if !*originals {
		t.Skip("only with -originals")
	}
	files, _ := filepath.Glob("../../corosync/node/testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			if filepath.Base(f) == "expected_votes_tracking.txt" {
				t.Skip("Corosync 3.1.7 says that it cannot write the file which its manual promises")
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := playOnOriginals(t, string(text)); got != string(text) {
				t.Errorf("the originals end otherwise:\n%s", got)
			}
		})
	}
}

func playOnOriginals(t *testing.T, text string) string {
	var list []*host
	var out strings.Builder
	settle := func() { time.Sleep(4 * time.Second) } // as the simulation lets pass
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line + "\n")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		at := func(i int) *host {
			n, err := strconv.Atoi(words[i])
			if err != nil {
				t.Fatal(err)
			}
			return list[n-1]
		}
		switch words[0] {
		case "nodes":
			quorum := ""
			for _, w := range words[2:] {
				quorum += strings.ReplaceAll(strings.Replace(w, "=", ": ", 1), ",", " ") + "\n"
			}
			n, _ := strconv.Atoi(words[1])
			list = hosts(t, n, func(nodes string) string {
				c := confWith("transport: udpu\ntoken_coefficient: 0")(nodes)
				return strings.Replace(c, "provider: corosync_votequorum\n", "provider: corosync_votequorum\n"+quorum, 1)
			})
		case "start":
			for i := range words[1:] {
				at(i + 1).start(true)
			}
			settle()
		case "kill", "leave":
			s := syscall.SIGKILL
			if words[0] == "leave" {
				s = syscall.SIGTERM
			}
			for i := range words[1:] {
				h := at(i + 1)
				h.stop(s)
				h.daemon = nil
			}
			settle()
		case "split", "heal":
			bridge := 0
			if words[0] == "heal" {
				words = []string{"heal"}
				for i := range list {
					words = append(words, strconv.Itoa(i+1))
				}
			}
			for i, w := range words[1:] {
				if w == "/" {
					bridge++
					continue
				}
				list[0].bridge(at(i+1).number, bridge)
			}
			settle()
		case "wait":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d)
		case "expect":
			if o, err := at(1).output("corosync-quorumtool", "-e", words[2]); err != nil {
				out.WriteString("  " + o[strings.LastIndex(o, " ")+1:])
			}
			time.Sleep(time.Second)
		case "votes":
			if o, err := at(1).output("corosync-quorumtool", "-n", words[2], "-v", words[3]); err != nil {
				out.WriteString("  " + o[strings.LastIndex(o, " ")+1:])
			}
			time.Sleep(time.Second)
		case "show":
			for _, h := range list {
				out.WriteString("  " + h.show() + "\n")
			}
		default:
			t.Fatalf("unknown command %q", line)
		}
	}
	for _, h := range list {
		if h.daemon != nil {
			h.stop(syscall.SIGKILL)
		}
	}
	return out.String()
}

// bridge moves a host's cable to another bridge; hosts hear each other on one bridge.
func (h *host) bridge(number, bridge int) {
	h.t.Helper()
	run(h.t, "nsenter", "-t", fmt.Sprint(h.bridgePid), "-n", "sh", "-c", fmt.Sprintf(
		"ip link show br%[1]d >/dev/null 2>&1 || { ip link add br%[1]d type bridge && ip link set br%[1]d up; }; ip link set n%[2]d master br%[1]d", bridge, number))
}

// show tells what the host's daemon thinks of quorum, in the words of the scripts.
func (h *host) show() string {
	if h.daemon == nil {
		return fmt.Sprintf("%d: down", h.number)
	}
	out, _ := h.output("corosync-quorumtool", "-s")
	field := func(name string) string {
		_, rest, _ := strings.Cut(out, "\n"+name)
		value, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(value)
	}
	var members []string
	_, rest, _ := strings.Cut(out, "Name\n")
	for l := range strings.Lines(rest) {
		if f := strings.Fields(l); len(f) > 1 {
			members = append(members, f[0])
		}
	}
	quorum, _, _ := strings.Cut(field("Quorum: "), " ")
	words := ""
	for _, f := range [][2]string{{"2Node", "2node"}, {"WaitForAll", "wfa"}, {"LastManStanding", "lms"}, {"AutoTieBreaker", "atb"}, {"AllowDownscale", "downscale"}} {
		if strings.Contains(field("Flags:"), f[0]) {
			words += " " + f[1]
		}
	}
	if w, _ := h.output("corosync-cmapctl", "-q", "-g", "runtime.votequorum.wait_for_all_status"); strings.TrimSpace(w) == "1" {
		words += " waiting"
	}
	return fmt.Sprintf("%d: members %v quorate %s votes %s expected %s quorum %s%s", h.number, members,
		strings.ToLower(field("Quorate:")), field("Total votes:"), field("Expected votes:"), quorum, words)
}
