// Package simulation runs whole clusters in one goroutine on virtual time: the
// code that clusterd runs (corosync/node with its ring, internal/node with all
// state machines of engine), only that network, disks, clocks, agents and fence
// agents are simulated ones that can fail. All chance comes from one seed, so that
// the same scenario gives the same history and a failure replays.
//
// A Scenario says what a cluster is like and what happens to it; Run lets it
// happen, holds the invariants after every event, and tells what was broken.
package simulation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/internal/node"
)

// Cluster is a simulated cluster.
type Cluster struct {
	clock
	Hosts []*Host
	// Remotes are hosts of Pacemaker Remote.
	Remotes []*Host
	// Log is what happened; it is written where Verbose is set.
	Log     []string
	Verbose bool

	random *rand.Rand
	// file is corosync.conf as the administrator has it; files are those that were read. twoNode: the role pacemaker knows of two_node.
	file    confFile
	files   map[string]*reading
	twoNode bool
	net     network
	arbiter *arbiter // the quorum device's host; nil: there is none
	check   *checker
	watch   watch
	watched *watched // once it has settled
	traffic int      // messages that were sent then
	names   map[uint32]string
	speed   speeds
	adapt   adapters
	// Fences counts what fence agents did, by target.
	Plans  int // that were made
	Fences map[string]int
	// setClocks: hosts' clocks are set while the cluster runs.
	setClocks bool
	faulty    time.Time // until when agents are under way that fail
	taken     int       // events
	limit     int       // of events; 0: maxEvents
}

// speeds are how long simulated things take at most; half of it at least.
type speeds struct{ agent, fence, boot time.Duration }

// adapters come between a node's cores and the simulated world; a test of the checker puts
// faulty ones there.
type adapters struct {
	world   func(h *Host, w node.World) node.World
	message func(h *Host, data []byte) []byte
	quorate func(h *Host, quorate bool) bool
	cast    func(h *Host, cast bool) bool // what a quorum device votes
	but     string                        // an invariant that is not held
}

// start is when simulated time begins.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// New makes a cluster of n hosts, called node1 to nodeN, that are all off. fast has lost
// nodes detected as where corosync.conf sets no timers; otherwise the token is 1 s.
func New(seed uint64, n int, fast bool) (*Cluster, error) { return newCluster(seed, n, fast, "") }

// newCluster does so with a quorum device, which decides by an algorithm; "": there is none.
func newCluster(seed uint64, n int, fast bool, algorithm string) (*Cluster, error) {
	c := &Cluster{
		clock: clock{Now: start}, random: rand.New(rand.NewPCG(seed, 1)), names: map[uint32]string{},
		Fences: map[string]int{}, speed: speeds{agent: 300 * time.Millisecond, fence: 2 * time.Second, boot: 12 * time.Second},
	}
	c.net = newNetwork(c, n)
	c.check = newChecker(c)
	if !fast {
		c.file.token = 1000
	}
	for i := 1; i <= n; i++ {
		c.file.nodes = append(c.file.nodes, c.newHost(uint32(i), "node").ID)
	}
	if algorithm != "" {
		c.file = c.file.withDevice("algorithm", algorithm)
	}
	for _, h := range c.Hosts {
		h.file, h.deviceOn = c.file, c.file.device != nil
	}
	_, err := c.read(c.file)
	return c, err
}

// newHost adds a host of the cluster, whose name begins so; it is off.
func (c *Cluster) newHost(id uint32, name string) *Host {
	h := &Host{c: c, ID: id, Name: fmt.Sprintf("%s%d", name, id), services: map[string]*service{}, lanes: map[string]*lane{}, faults: map[string]*agentFault{}, disk: disk{cib: cib.New()}, wanted: true}
	c.names[h.ID] = h.Name
	c.Hosts = append(c.Hosts, h)
	return h
}

func (c *Cluster) logf(format string, args ...any) {
	if c.Verbose {
		c.Log = append(c.Log, c.Now.Format("15:04:05.000000 ")+fmt.Sprintf(format, args...))
	}
}

// Dump is the log of a cluster.
func (c *Cluster) Dump() string { return strings.Join(c.Log, "\n") }

// Host finds a host by name; nil when there is none.
func (c *Cluster) Host(name string) *Host {
	for _, h := range c.all() {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// maxEvents is how many events a simulation may take.
const maxEvents = 600_000

// Run lets time pass, or stops where an invariant is broken.
func (c *Cluster) Run(d time.Duration) {
	end := c.Now.Add(max(0, d))
	for c.check.broken == nil {
		if c.taken++; c.taken > cmp.Or(c.limit, maxEvents) {
			c.check.fail(Unsettled, "%d events, the last at %v: something goes in circles", c.taken-1, c.Now.Sub(start))
			return
		}
		if !c.step(end) {
			c.Now = end
			return
		}
		c.check.event()
		c.look()
	}
}

// Broken is the invariant that was broken; nil while all hold.
func (c *Cluster) Broken() *Violation { return c.check.broken }

// Running tells where a resource runs in truth.
func (c *Cluster) Running(resource string) []string {
	var out []string
	for _, h := range c.all() {
		if s := h.services[resource]; s != nil && s.active {
			out = append(out, h.Name)
		}
	}
	return out
}

// Names lists the hosts on which a node takes part.
func (c *Cluster) Names() []string {
	var out []string
	for _, h := range c.Hosts {
		if h.Up() {
			out = append(out, h.Name)
		}
	}
	return out
}

// Change orders a change of the CIB at a host, as cibadmin there does; done (may be nil) is
// called with the answer unless the daemon is gone by then.
func (c *Cluster) Change(name string, req cib.Request, done func(error)) {
	c.changeOf(name, replica.Client{ID: "sim", Name: "cibadmin", User: "root"}, req, done)
}

// changeOf is Change for a client.
func (c *Cluster) changeOf(name string, client replica.Client, req cib.Request, done func(error)) {
	p := c.Host(name).pcmk
	if p == nil {
		return
	}
	p.call(func(now time.Time) {
		p.core.Change(now, client, req, func(_ cib.Result, err error) {
			if done != nil && p.running() {
				p.onceWritten(func() { done(err) })
			}
		})
	})
}

// between gives a duration of half of most to most.
func (c *Cluster) between(most time.Duration) time.Duration {
	return most/2 + time.Duration(c.random.Int64N(int64(most/2)+1))
}

// property gives a cluster property as a document has it, "" where it has none.
func property(root *etree.Element, name string) string {
	conf := cib.Section(root, "crm_config")
	if conf == nil {
		return ""
	}
	for _, set := range conf.SelectElements("cluster_property_set") {
		for _, nv := range set.SelectElements("nvpair") {
			if nv.SelectAttrValue("name", "") == name {
				return nv.SelectAttrValue("value", "")
			}
		}
	}
	return ""
}
