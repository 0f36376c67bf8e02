package node

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hacluster/corosync/local"
)

var rewrite = flag.Bool("rewrite", false, "write the outcome of the scripts in testdata as what is expected")

// TestScripts plays the scripts in testdata. A line is a command, what it prints stands
// indented below it:
//
//	nodes 3 wait_for_all=1 …   a cluster with these settings of the section quorum
//	start 1 2 | kill 3 | leave 2 | split 1 2 / 3 | heal | wait 5s
//	expect 1 5                 setexpected of 5 votes on node 1
//	votes 1 2 3                setvotes of node 2 to 3 on node 1
//	show                       what each node thinks
func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("the script ends otherwise:\n%s", got)
			}
		})
	}
}

func play(t *testing.T, text string) string {
	var c *cluster
	var out strings.Builder
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
		number := func(i int) uint32 {
			n, err := strconv.ParseUint(words[i], 10, 32)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return uint32(n)
		}
		switch words[0] {
		case "nodes":
			quorum := ""
			for _, w := range words[2:] {
				quorum += strings.Replace(w, "=", ": ", 1) + "\n"
			}
			c = newCluster(t, 1, int(number(1)), strings.ReplaceAll(quorum, ",", " "))
		case "start":
			for i := range words[1:] {
				c.hosts[number(i+1)].start()
			}
			c.run(4 * time.Second)
		case "kill":
			for i := range words[1:] {
				c.hosts[number(i+1)].kill()
			}
			c.run(4 * time.Second)
		case "leave":
			for i := range words[1:] {
				c.hosts[number(i+1)].leave()
			}
			c.run(4 * time.Second)
		case "split":
			side := 1
			for i, w := range words[1:] {
				if w == "/" {
					side++
				} else {
					c.side[number(i+1)] = side
				}
			}
			c.run(4 * time.Second)
		case "heal":
			clear(c.side)
			c.run(4 * time.Second)
		case "wait":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			c.run(d)
		case "expect", "votes":
			h := c.hosts[number(1)]
			u := h.connect(Votequorum)
			m := local.SetExpectedRequest(number(2))
			if words[0] == "votes" {
				m = local.SetVotesRequest(number(2), number(3))
			}
			if err := local.StatusOf(h.call(u, m)); err != nil {
				out.WriteString("  " + err.Error() + "\n")
			}
			h.disconnect(u)
			c.run(time.Second)
		case "show":
			for _, id := range c.ids {
				out.WriteString("  " + c.hosts[id].show() + "\n")
			}
		default:
			t.Fatalf("unknown command %q", line)
		}
	}
	return out.String()
}
