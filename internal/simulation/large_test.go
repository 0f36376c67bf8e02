package simulation

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/beevik/etree"
	"golang.org/x/sys/unix"

	"hacluster/cib"
	"hacluster/engine/replica"
)

// TestLarge plays what weighs on a large cluster, as many nodes and resources as SIMULATE_LARGE
// says (16x1000): the start of all, the loss of a node, the loss of the DC, and a new look at what
// runs everywhere. Nobody may be thrown out who was not lost. It tells how long each took in the
// cluster, whose nodes have all the computing time in the world, and how much of that it took,
// summed over the nodes.
func TestLarge(t *testing.T) {
	nodes, resources := 4, 40
	if size := os.Getenv("SIMULATE_LARGE"); size != "" {
		if n, err := fmt.Sscanf(size, "%dx%d", &nodes, &resources); n != 2 || err != nil {
			t.Fatalf("SIMULATE_LARGE=%q is no size like 16x1000", size)
		}
	}
	s := &Scenario{Seed: 1, Nodes: nodes, Fencing: true, Devices: "one", Length: 1 << 30}
	for r := range resources {
		s.Resources = append(s.Resources, fmt.Sprintf("P%d", r+1))
	}
	c, err := New(s.Seed, nodes, false)
	if err != nil {
		t.Fatal(err)
	}
	c.limit, c.check.every = 100_000_000, 10*time.Second
	c.Verbose = testing.Verbose()
	doc, err := s.document()
	if err != nil {
		t.Fatal(err)
	}
	d := &drive{Cluster: c, s: s}
	lost := map[string]bool{}
	phase := func(name string, begin func()) {
		t.Helper()
		since, spent, began, plans := c.Now, used(t), time.Now(), c.Plans
		begin()
		why := "it has not begun"
		for c.Now.Sub(since) < 30*time.Minute && why != "" && c.Broken() == nil {
			d.Run(2 * time.Second)
			why = d.settled()
		}
		t.Logf("%-22s %6.1f s in the cluster, %4d plans, %6.1f s of computing on all nodes, %6.1f s here", name, c.Now.Sub(since).Seconds(), c.Plans-plans, (used(t) - spent).Seconds(), time.Since(began).Seconds())
		if why != "" || c.Broken() != nil {
			t.Fatalf("%s: %s %v", name, why, c.Broken())
		}
		for _, h := range c.Hosts {
			if n := c.Fences[h.Name]; n > 1 || n == 1 && !lost[h.Name] {
				t.Errorf("%s: %s was fenced %d times", name, h.Name, n)
			}
			if !h.pcmk.running() || !h.joined() {
				t.Errorf("%s: %s is out", name, h.Name)
			}
		}
		for _, r := range s.Resources {
			if on := c.Running(r); len(on) != 1 {
				t.Fatalf("%s: %s runs on %v", name, r, on)
			}
		}
	}
	phase("all start", func() {
		for _, h := range c.Hosts {
			h.disk.cib = doc
			h.Boot()
		}
	})
	lose := func(h *Host) {
		lost[h.Name] = true
		h.PowerOff()
	}
	dc := func() *Host { return c.Host(c.Hosts[0].pcmk.core.Controller.DC()) }
	phase("a node is lost", func() {
		for _, h := range c.Hosts {
			if h != dc() && !lost[h.Name] {
				lose(h)
				return
			}
		}
	})
	phase("the DC is lost", func() { lose(dc()) })
	phase("all is looked at anew", func() {
		p := dc().pcmk
		p.call(func(now time.Time) {
			root := p.core.Replica.Root()
			for _, state := range root.FindElements("./status/node_state") {
				name := state.SelectAttrValue("uname", "")
				for _, r := range state.FindElements("./lrm/lrm_resources/lrm_resource") {
					order := etree.NewElement("rsc_op")
					order.CreateAttr("operation", "delete")
					order.CreateAttr("on_node", name)
					x := order.CreateElement("primitive")
					for _, a := range r.Attr {
						x.CreateAttr(a.Key, a.Value)
					}
					p.core.Invoke(name, order)
				}
				p.core.Change(now, replica.Client{Name: "crm_resource", User: "root"}, cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname='%s']/lrm", name)}, nil)
			}
		})
	})
}

// used is the computing time that this process was given.
func used(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
