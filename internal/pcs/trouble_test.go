package pcs_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hacluster/internal/pcs/usage"
)

// A file of testdata/trouble is named after a dialect and holds commands that talk to other hosts, with what pcs says, and
// its exit code, where one of the hosts is in trouble:
//
//	$ cluster start --all        what is typed on node1 of a cluster of node1, node2 and node3
//	with device                  what the cluster has, too: a quorum device at node4, or a recovery site, node4
//	at node4                     which host is in trouble: node3 where no such line is
//	down 1                       a trouble, and the exit code
//		node1: Starting Cluster...  what is said, one line after another
//
// The answers are those of the originals, with the same hosts.
type trouble struct {
	line    int
	words   string
	at      int
	with    string // of extras
	answers []answer
}

// extras are what a cluster may have, too.
var extras = map[string]func(t *testing.T, w *town){
	"device": func(t *testing.T, w *town) {
		conf := strings.Replace(troubledConf, "    provider: corosync_votequorum\n", `    provider: corosync_votequorum

    device {
        model: net
        votes: 1

        net {
            algorithm: ffsplit
            host: node4
        }

        heuristics {
            mode: on
            exec_a: /bin/true
        }
    }
`, 1)
		for _, h := range w.hosts[:3] {
			put(t, h.paths.CorosyncConf, conf)
			h.active["corosync"], h.active["corosync-qdevice"], h.enabled["corosync"], h.enabled["corosync-qdevice"] = true, true, true, true
		}
	},
	"site": func(t *testing.T, w *town) {
		nodes := func(names ...string) string {
			list := ""
			for _, n := range names {
				list += `,{"name":"` + n + `"}`
			}
			return "[" + strings.TrimPrefix(list, ",") + "]"
		}
		here, there := nodes("node1", "node2", "node3"), nodes("node4")
		for _, h := range w.hosts[:3] {
			put(t, h.paths.PcsdDir+"/disaster-recovery", `{"local":{"role":"PRIMARY"},"remote_sites":[{"role":"RECOVERY","nodes":`+there+`}]}`)
		}
		put(t, w.hosts[3].paths.PcsdDir+"/disaster-recovery", `{"local":{"role":"RECOVERY"},"remote_sites":[{"role":"PRIMARY","nodes":`+here+`}]}`)
	},
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

type answer struct {
	kind string
	code int
	text string
}

// troubles are what can be wrong with a host.
var troubles = map[string]func(t *testing.T, h *house){
	// Nobody listens.
	"down": func(_ *testing.T, h *house) { h.off = true },
	// It takes requests and never answers.
	"hung": func(_ *testing.T, h *house) { h.silent = true },
	// The token that others have for it is no longer good.
	"expired": func(t *testing.T, h *house) {
		if err := os.WriteFile(h.paths.PcsdDir+"/pcs_users.conf", []byte("[]"), 0o600); err != nil {
			t.Fatal(err)
		}
	},
	// It permits nothing to the user whose token it is.
	"denied": func(t *testing.T, h *house) {
		users := strings.Replace(h.read(h.paths.PcsdDir+"/pcs_users.conf"), "hacluster", "somebody", 1)
		if err := os.WriteFile(h.paths.PcsdDir+"/pcs_users.conf", []byte(users), 0o600); err != nil {
			t.Fatal(err)
		}
	},
	// It answers with what is no answer.
	"garbled": func(_ *testing.T, h *house) { h.garbled = true },
}

func readTroubles(text string) ([]trouble, error) {
	var out []trouble
	for i, line := range strings.Split(text, "\n") {
		bad := fmt.Errorf("line %d: %q", i+1, line)
		var last *trouble
		if len(out) > 0 {
			last = &out[len(out)-1]
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
		case word == "$":
			out = append(out, trouble{line: i + 1, words: rest, at: 3})
		case last == nil:
			return nil, bad
		case line[0] == '\t':
			if len(last.answers) == 0 {
				return nil, bad
			}
			last.answers[len(last.answers)-1].text += line[1:] + "\n"
		case word == "with":
			if extras[rest] == nil {
				return nil, bad
			}
			last.with = rest
		case word == "at":
			n, err := strconv.Atoi(strings.TrimPrefix(rest, "node"))
			if err != nil {
				return nil, bad
			}
			last.at = n
		default:
			code, err := strconv.Atoi(rest)
			if err != nil || troubles[word] == nil {
				return nil, bad
			}
			last.answers = append(last.answers, answer{kind: word, code: code})
		}
	}
	return out, nil
}

// troubledTown is a cluster of three hosts with two links, a host that is in none, one that runs the remote node node5,
// and the guest node6.
func troubledTown(t *testing.T, version string) *town {
	t.Helper()
	conf := troubledConf
	if version == "0.9" {
		conf = troubledConf09
	}
	w := newTown(t, 6)
	for _, h := range w.hosts[:3] {
		for path, text := range map[string]string{
			h.paths.CorosyncConf: conf, h.paths.CorosyncKey: "key", h.paths.PacemakerKey: "key", h.paths.CIBDir + "/cib.xml": troubledCIB,
			h.paths.BoothDir + "/booth.conf": "authfile = " + h.paths.BoothDir + "/booth.key\nsite = 10.0.0.1\nsite = 10.0.0.2\narbitrator = 10.0.0.4\n", h.paths.BoothDir + "/booth.key": "key",
		} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, h := range w.hosts {
		if err := os.WriteFile(h.paths.SBDConfig, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	agents := builtIn(t)
	remote := agents.Host.Root + "/resource.d/pacemaker/remote"
	if err := writeProgram(remote, "#!/bin/sh\ncat <<'EOF'\n"+remoteAgent+"EOF\n"); err != nil {
		t.Fatal(err)
	}
	w.hosts[0].cluster, w.hosts[0].agents = &paper{text: []byte(troubledCIB)}, agents
	return w
}

const troubledConf = `totem {
    version: 2
    cluster_name: c
    transport: knet
    cluster_uuid: 5f2a8d0e7c4b41a2963d8e1f0b7a5c64
    ip_version: ipv4-6
    crypto_cipher: aes256
    crypto_hash: sha256
}

nodelist {
    node {
        ring0_addr: 10.0.0.1
        ring1_addr: 10.1.0.1
        name: node1
        nodeid: 1
    }

    node {
        ring0_addr: 10.0.0.2
        ring1_addr: 10.1.0.2
        name: node2
        nodeid: 2
    }

    node {
        ring0_addr: 10.0.0.3
        ring1_addr: 10.1.0.3
        name: node3
        nodeid: 3
    }
}

quorum {
    provider: corosync_votequorum
}

logging {
    to_logfile: yes
    logfile: /var/log/cluster/corosync.log
    to_syslog: yes
    timestamp: on
}
`

// troubledConf09 is the same as 0.9 writes it, where nodes are called by their addresses; there is one link.
const troubledConf09 = `totem {
    version: 2
    cluster_name: c
    secauth: off
    transport: udpu
}

nodelist {
    node {
        ring0_addr: node1
        nodeid: 1
    }

    node {
        ring0_addr: node2
        nodeid: 2
    }

    node {
        ring0_addr: node3
        nodeid: 3
    }
}

quorum {
    provider: corosync_votequorum
}

logging {
    to_logfile: yes
    logfile: /var/log/cluster/corosync.log
    to_syslog: yes
}
`

// remoteAgent describes the agent that stands for remote nodes.
const remoteAgent = `<resource-agent name="remote"><version>1.1</version>
<parameters>
<parameter name="server"><content type="string"/></parameter>
<parameter name="port"><content type="integer" default="3121"/></parameter>
<parameter name="reconnect_interval"><content type="time"/></parameter>
</parameters>
<actions>
<action name="start" timeout="60s"/><action name="stop" timeout="60s"/><action name="monitor" timeout="30s"/>
<action name="migrate_to" timeout="60s"/><action name="migrate_from" timeout="60s"/><action name="meta-data" timeout="5s"/>
</actions></resource-agent>
`

const troubledCIB = `<cib validate-with="pacemaker-3.8" crm_feature_set="3.16.0" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1">
<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="node1"/><node id="2" uname="node2"/><node id="3" uname="node3"/></nodes>
<resources>
<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="node5" class="ocf" provider="pacemaker" type="remote"/>
<primitive id="G" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="G-m"><nvpair id="G-m-r" name="remote-node" value="node6"/></meta_attributes></primitive>
</resources>
<constraints/></configuration>
<status>
<node_state id="1" uname="node1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="node2" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="3" uname="node3" in_ccm="true" crmd="online" join="member" expected="member"/>
</status></cib>
`

var (
	reasons = regexp.MustCompile(`(Failed to connect|Operation timed out after|Connection timed out|SSL connection timeout)[^)\n]*`)
	places  = regexp.MustCompile(`/tmp/[^ '":;,)]*/`)
	names   = regexp.MustCompile(`Warning: Unable to resolve hostname: .*\n`)
)

// tidy leaves out of an answer what is another one each time, or on another machine: where hosts have addresses of their names.
func tidy(out string) string {
	return names.ReplaceAllString(places.ReplaceAllString(reasons.ReplaceAllString(out, "REASON"), "DIR/"), "")
}

// sorted are an answer's lines, but for empty ones, in an order of their own: hosts answer in any.
func sorted(out string) string {
	lines := slices.DeleteFunc(strings.Split(out, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// ask types the command where a host is in trouble.
func (c trouble) ask(t *testing.T, version, kind string) (out string, code int, took time.Duration) {
	w := troubledTown(t, version)
	if c.with != "" {
		extras[c.with](t, w)
	}
	troubles[kind](t, w.hosts[c.at-1])
	begin := time.Now()
	out, code = w.typed(version, c.words)
	return tidy(out), code, time.Since(begin)
}

func TestTrouble(t *testing.T) {
	for _, version := range []string{"0.9", "0.11"} {
		text, err := os.ReadFile("testdata/trouble/" + version + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		all, err := readTroubles(string(text))
		if err != nil {
			t.Fatal(version, err)
		}
		var waiting sync.WaitGroup
		room := make(chan struct{}, 8)
		for _, c := range all {
			for _, a := range c.answers {
				room <- struct{}{}
				waiting.Go(func() {
					defer func() { <-room }()
					out, code, took := c.ask(t, version, a.kind)
					if code != a.code || sorted(out) != sorted(a.text) || took > 60*time.Second {
						t.Errorf("%s.txt:%d: pcs %s, node%d %s: exit code %d, want %d, after %s\n%swant:\n%s", version, c.line, c.words, c.at, a.kind, code, a.code, took, out, a.text)
					}
				})
			}
		}
		waiting.Wait()
	}
}

// untroubled are the forms that reach other hosts and have no command among the troubles of a dialect, with the reason.
var untroubled = map[string]map[string]string{
	"0.9": {
		"cluster auth":           "the original's answers are those of a helper that was not there; TestWrongPassword tells of hosts",
		"cluster status":         "asks other hosts as status pcsd does",
		"config restore":         "an archive has to be there",
		"pcsd sync-certificates": "the original's answers are those of a helper that was not there",
		"status":                 "asks other hosts as status pcsd does",
		"status cluster":         "the same",
	},
	"0.11": {
		"config restore":              "an archive has to be there",
		"resource delete":             "asks other hosts only about SBD, as stonith sbd disable does",
		"resource remove":             "the same",
		"stonith delete":              "the same",
		"stonith disable":             "the same",
		"stonith remove":              "the same",
		"stonith update-scsi-devices": "a device that unfences has to run; TestUpdateScsiDevicesFails tells of hosts",
	},
}

// TestEveryFormInTrouble holds the forms that reach other hosts against the commands that are typed where one is in trouble.
func TestEveryFormInTrouble(t *testing.T) {
	for version, reasons := range untroubled {
		text, err := os.ReadFile("testdata/trouble/" + version + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		all, err := readTroubles(string(text))
		if err != nil {
			t.Fatal(err)
		}
		minor, err := strconv.Atoi(strings.TrimPrefix(version, "0."))
		if err != nil {
			t.Fatal(err)
		}
		left := map[string]bool{}
		for words := range reasons {
			left[words] = true
		}
		for _, f := range usage.Forms() {
			if !f.In(minor) || !strings.Contains(f.On, "P") {
				continue
			}
			form := strings.Join(append([]string{f.Section}, f.Words()...), " ")
			typed := slices.ContainsFunc(all, func(c trouble) bool { return c.words == form || strings.HasPrefix(c.words, form+" ") })
			if form == "status" {
				typed = slices.ContainsFunc(all, func(c trouble) bool { return c.words == form || c.words == "status --full" })
			}
			_, named := reasons[form]
			if typed == named {
				t.Errorf("%s: pcs %s: typed %v, named as left out %v", version, form, typed, named)
			}
			delete(left, form)
		}
		for words := range left {
			t.Errorf("%s: pcs %s is left out and is no form that reaches other hosts", version, words)
		}
	}
}

// TestWrongPassword logs in with a password that a host does not take, or where one does not answer. What is said of each
// is the original's.
func TestWrongPassword(t *testing.T) {
	for _, c := range []struct {
		version, words string
		code           int
		want           string
	}{
		{"0.11", "host auth node2 addr=AT2 node4 addr=AT4 -u hacluster -p wrong", 1, "Error: node2: Username and/or password is incorrect\nError: node4: Username and/or password is incorrect\n"},
		{"0.11", "client local-auth PORT -u hacluster -p wrong", 1, "Error: localhost: Username and/or password is incorrect\n"},
		{"0.9", "cluster auth AT4 -u hacluster -p wrong", 1, "Error: 127.0.0.1: Username and/or password is incorrect\n"},
	} {
		w := troubledTown(t, c.version)
		troubles["expired"](t, w.hosts[2])
		words := strings.Replace(c.words, "PORT", strconv.Itoa(w.hosts[0].at.Port), 1)
		for i, h := range w.hosts {
			words = strings.ReplaceAll(words, "AT"+strconv.Itoa(i+1), h.at.Addr+":"+strconv.Itoa(h.at.Port))
		}
		before := w.hosts[0].read(w.hosts[0].paths.PcsdDir + "/known-hosts")
		out, code := w.typed(c.version, words)
		if code != c.code || sorted(tidy(out)) != sorted(c.want) {
			t.Errorf("%s pcs %s: exit code %d, want %d\n%swant:\n%s", c.version, words, code, c.code, out, c.want)
		}
		if after := w.hosts[0].read(w.hosts[0].paths.PcsdDir + "/known-hosts"); after != before {
			t.Errorf("%s pcs %s: a password that is wrong changes the known hosts:\n%s", c.version, words, after)
		}
	}
}
