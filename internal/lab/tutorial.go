package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// scene is one command of the tutorial, or a word about what comes.
type scene struct {
	say     string
	on      []int // hosts, counted from 1
	run     string
	answers []string
	// until repeats the command until its output holds all of these.
	until []string
	// fails tells that the command is meant to end with an error.
	fails bool
}

// Names are what a run of the tutorial calls things.
type Names struct{ Cluster, VIP, Web, Address string }

// TutorialNames are the tutorial's own.
var TutorialNames = Names{Cluster: "song_cluster", VIP: "VirtualIP", Web: "WebService", Address: "211.183.3.106"}

// tutorial is the scenes with the tutorial's names; renamed gives others.
func tutorial() []scene {
	both, one, two := []int{1, 2}, []int{1}, []int{2}
	vip := TutorialNames.Address
	running := func(res, agent, node string) string {
		return res + "\t(ocf::heartbeat:" + agent + "):\tStarted " + node
	}
	return []scene{
		{say: "Packages, ports and the daemon pcsd, on both hosts"},
		{on: both, run: "yum install -y pacemaker corosync pcs psmisc policycoreutils-python"},
		{on: both, run: "firewall-cmd --permanent --add-service=high-availability"},
		{on: both, run: "firewall-cmd --reload"},
		{on: both, run: "systemctl start pcsd.service"},
		{on: both, run: "systemctl enable pcsd.service"},
		{on: both, run: "passwd hacluster", answers: []string{"secret", "secret"}},
		{say: "A cluster of the two, set up from the first"},
		{on: one, run: "pcs cluster auth node1 node2", answers: []string{"hacluster", "secret"}},
		{on: one, run: "pcs cluster setup --name song_cluster node1 node2"},
		{on: one, run: "pcs cluster start --all"},
		{on: one, run: "corosync-cfgtool -s", until: []string{"no faults"}},
		{on: one, run: "corosync-cmapctl | egrep -i members", until: []string{"members.2.status (str) = joined"}},
		{on: one, run: "pcs status corosync"},
		{on: one, run: "pcs status", until: []string{"Online: [ node1 node2 ]"}},
		{say: "Without a fence device the configuration is not safe; the tutorial turns fencing off"},
		{on: one, run: "crm_verify -L -V", fails: true},
		{on: one, run: "pcs property set stonith-enabled=false"},
		{on: one, run: "crm_verify -L"},
		{say: "An address that the cluster keeps up"},
		{on: one, run: "pcs resource create VirtualIP ocf:heartbeat:IPaddr2 ip=" + vip + " cidr_netmask=24 op monitor interval=30s"},
		{on: one, run: "pcs status", until: []string{running("VirtualIP", "IPaddr2", "node1")}},
		{on: one, run: "ip addr show eth0", until: []string{vip + "/24"}},
		{say: "The first host stops: the address moves to the second"},
		{on: one, run: "pcs cluster stop node1"},
		{on: one, run: "pcs status", fails: true},
		{on: two, run: "pcs status", until: []string{"OFFLINE: [ node1 ]", running("VirtualIP", "IPaddr2", "node2")}},
		{on: two, run: "pcs cluster start node1"},
		{on: two, run: "pcs status", until: []string{"Online: [ node1 node2 ]", running("VirtualIP", "IPaddr2", "node2")}},
		{on: two, run: "pcs resource defaults resource-stickiness=60"},
		{say: "A web service"},
		{on: both, run: "yum -y install httpd wget"},
		{on: both, run: `printf '<Location /server-status>\nSetHandler server-status\nRequire local\n</Location>\n' > /etc/httpd/conf.d/status.conf`},
		{on: both, run: "echo served by $(hostname) > /var/www/html/index.html"},
		{on: two, run: `pcs resource create WebService ocf:heartbeat:apache configfile=/etc/httpd/conf/httpd.conf statusurl="http://localhost/server-status" op monitor interval=1min`},
		{on: two, run: "pcs status", until: []string{running("WebService", "apache", "")}},
		{say: "Constraints: the web service goes with the address, and after it"},
		{on: two, run: "pcs constraint colocation add WebService with VirtualIP INFINITY"},
		{on: two, run: "pcs constraint order VirtualIP then WebService"},
		{on: two, run: "pcs constraint"},
		{on: two, run: "pcs status", until: []string{running("VirtualIP", "IPaddr2", "node2"), running("WebService", "apache", "node2")}},
		{on: one, run: "wget -q -O - http://" + vip + "/", until: []string{"served by node2"}},
		{on: two, run: "pcs constraint location WebService prefers node1=50"},
		{on: two, run: "pcs constraint location WebService prefers node2=INFINITY"},
		{on: two, run: "pcs constraint location WebService avoids node2"},
		{on: two, run: "pcs constraint --full"},
		{on: two, run: "pcs status", until: []string{running("VirtualIP", "IPaddr2", "node1"), running("WebService", "apache", "node1")}},
		{on: two, run: "wget -q -O - http://" + vip + "/", until: []string{"served by node1"}},
		{say: "The end"},
		{on: two, run: "pcs cluster stop --all"},
		{on: two, run: "pcs cluster destroy"},
	}
}

// renamed gives a scene other names, of the hosts too.
func (s scene) renamed(n Names, hosts []Host) scene {
	r := strings.NewReplacer("node1", hosts[0].Name, "node2", hosts[1].Name, TutorialNames.Cluster, n.Cluster,
		TutorialNames.VIP, n.VIP, TutorialNames.Web, n.Web, TutorialNames.Address, n.Address)
	s.run = r.Replace(s.run)
	until := make([]string, len(s.until))
	for i, u := range s.until {
		until[i] = r.Replace(u)
	}
	s.until = until
	return s
}

// sceneLimit is how long a state may take to come true.
const sceneLimit = 60 * time.Second

// PlayTutorial brings a lab up, types the tutorial into its hosts, shows what comes
// back, and takes the lab down again. The error names the command that failed.
func PlayTutorial(ctx context.Context, cfg Config, n Names, out io.Writer) error {
	name, hosts := cfg.Name, cfg.Hosts
	if len(hosts) != 2 {
		return fmt.Errorf("the tutorial is for two hosts, not %d", len(hosts))
	}
	fmt.Fprintf(out, "Two hosts on this machine, %s (%s) and %s (%s), on a network without a way out.\n",
		hosts[0].Name, hosts[0].Address.Addr(), hosts[1].Name, hosts[1].Address.Addr())
	if err := Up(ctx, cfg); err != nil {
		return err
	}
	err := play(ctx, name, hosts, n, out)
	if derr := Down(context.WithoutCancel(ctx), name); derr != nil {
		err = errors.Join(err, derr)
	}
	if err == nil {
		fmt.Fprintln(out, "\nThe tutorial ran to its end; the hosts are gone.")
	}
	return err
}

func play(ctx context.Context, name string, hosts []Host, n Names, out io.Writer) error {
	for _, s := range tutorial() {
		s = s.renamed(n, hosts)
		if s.say != "" {
			fmt.Fprintf(out, "\n== %s\n", s.say)
		}
		for _, h := range s.on {
			fmt.Fprintf(out, "\n[root@%s ~]# %s\n", hosts[h-1].Name, s.run)
			begin := time.Now()
			for {
				var b bytes.Buffer
				input := strings.NewReader(strings.Join(append(s.answers, ""), "\n"))
				code, err := Exec(ctx, name, hosts[h-1].Name, []string{"sh", "-c", s.run}, input, &b, &b)
				if err != nil {
					return err
				}
				missing := ""
				for _, want := range s.until {
					if !strings.Contains(b.String(), want) {
						missing = want
						break
					}
				}
				good := (code != 0) == s.fails && missing == ""
				late := time.Since(begin) > sceneLimit
				if good || late || len(s.until) == 0 {
					if _, err := out.Write(b.Bytes()); err != nil {
						return err
					}
				}
				if good {
					break
				}
				if late || len(s.until) == 0 {
					if missing != "" {
						return fmt.Errorf("on %s, after %s: %s\nits output does not hold %q", hosts[h-1].Name, sceneLimit, s.run, missing)
					}
					return fmt.Errorf("on %s: %s\nended with exit code %d", hosts[h-1].Name, s.run, code)
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(500 * time.Millisecond):
				}
			}
		}
	}
	return nil
}
