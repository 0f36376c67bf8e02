package simulation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/corosync/conf"
	"hacluster/corosync/local"
	corosync "hacluster/corosync/node"
)

// corosync.conf is a file of each host, which may be changed while the cluster runs; a reload has all members of the ring read theirs. So nodes
// are added and removed, and timers and options of quorum changed, as pcs does it.

// LateName is what nodes are called that are not in corosync.conf at first, with their number.
const LateName = "late"

// confFile is a corosync.conf.
type confFile struct {
	nodes  []uint32
	token  int // ms; 0: none is set
	quorum map[string]string
	device map[string]string // options of the quorum device, see deviceText; nil: there is none
}

// with is the file with another one of its options; "": without it. token is one, too.
func (f confFile) with(option, value string) confFile {
	if option == "token" {
		f.token, _ = strconv.Atoi(value)
		return f
	}
	f.quorum = maps.Clone(f.quorum)
	if f.quorum == nil {
		f.quorum = map[string]string{}
	}
	f.quorum[option] = value
	if value == "" {
		delete(f.quorum, option)
	}
	return f
}

// withNode and withoutNode are the file after `pcs cluster node add` and `remove`.
func (f confFile) withNode(id uint32) confFile {
	f.nodes = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(f.nodes), id))))
	return f
}

func (f confFile) withoutNode(id uint32) confFile {
	f.nodes = slices.DeleteFunc(slices.Clone(f.nodes), func(n uint32) bool { return n == id })
	return f
}

// twoNode tells whether each of two nodes has quorum alone: pcs sets that for two nodes.
func (f confFile) twoNode() bool {
	if v, ok := f.quorum["two_node"]; ok {
		return v == "1"
	}
	return len(f.nodes) == 2 && f.device == nil && f.quorum["auto_tie_breaker"] == ""
}

// text is what stands in the file.
func (f confFile) text(c *Cluster) string {
	var b strings.Builder
	b.WriteString("totem {\nversion: 2\ntransport: udpu\ncluster_name: sim\n")
	if f.token > 0 {
		fmt.Fprintf(&b, "token: %d\ntoken_coefficient: 0\n", f.token)
	}
	b.WriteString("}\nnodelist {\n")
	for _, id := range f.nodes {
		fmt.Fprintf(&b, "node {\nnodeid: %d\nring0_addr: 10.0.0.%d\nname: %s\n}\n", id, id, c.names[id])
	}
	b.WriteString("}\nquorum {\nprovider: corosync_votequorum\n" + deviceText(f.device))
	if f.twoNode() {
		b.WriteString("two_node: 1\n")
	}
	for _, k := range slices.Sorted(maps.Keys(f.quorum)) {
		if k != "two_node" {
			fmt.Fprintf(&b, "%s: %s\n", k, f.quorum[k])
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// reading is a corosync.conf as Corosync has read it.
type reading struct {
	conf    *conf.Config
	addrs   map[uint32][]netip.Addr
	names   map[uint32]string
	twoNode bool
}

// read reads a file, the same one once.
func (c *Cluster) read(f confFile) (*reading, error) {
	text := f.text(c)
	if r := c.files[text]; r != nil {
		return r, nil
	}
	r := &reading{addrs: map[uint32][]netip.Addr{}, names: map[uint32]string{}, twoNode: f.twoNode()}
	for _, id := range f.nodes {
		r.addrs[id], r.names[id] = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(id)})}, c.names[id]
	}
	var err error
	if r.conf, err = conf.Read("corosync.conf", []byte(text)); err == nil {
		err = r.conf.Validate()
	}
	if err == nil { // there are options that cannot be used together
		_, err = corosync.New(corosync.Config{Conf: r.conf, Node: f.nodes[0], Addresses: r.addrs, Rand: rand.New(rand.NewPCG(1, 1))})
	}
	if err != nil {
		return nil, err
	}
	if c.files == nil {
		c.files = map[string]*reading{}
	}
	c.files[text] = r
	return r, nil
}

// has tells whether a node is in the file.
func (r *reading) has(id uint32) bool { return r.addrs[id] != nil }

// reading is what this host's file says now.
func (h *Host) reading() *reading {
	r, err := h.c.read(h.file)
	if err != nil {
		panic(err) // the configuration is the simulation's own
	}
	return r
}

// addLate adds n hosts which are in nobody's file yet, and are off.
func (c *Cluster) addLate(n int) {
	for range n {
		h := c.newHost(uint32(len(c.Hosts)+1), LateName)
		h.spare = true
	}
	c.net = newNetwork(c, len(c.Hosts))
}

// nodes are the hosts that belong to the cluster, as the administrator has it.
func (c *Cluster) nodes() []*Host {
	if len(c.file.nodes) == len(c.Hosts) {
		return c.Hosts
	}
	return slices.DeleteFunc(slices.Clone(c.Hosts), func(h *Host) bool { return h.spare })
}

// edit changes the administrator's corosync.conf, and brings it to all hosts but some, then has one of them have all read theirs.
func (d *drive) edit(f confFile, but ...uint32) {
	if _, err := d.read(f); err != nil {
		d.logf("corosync.conf is not changed: %v", err)
		return
	}
	d.file = f
	d.logf("corosync.conf: %s; not on %v", strings.ReplaceAll(f.text(d.Cluster), "\n", " "), but)
	for _, h := range d.Hosts {
		if !slices.Contains(but, h.ID) {
			h.file = f
		}
	}
	d.reload()
}

// reload asks a host to have all read their files, as `corosync-cfgtool -R` does.
func (d *drive) reload() {
	for _, h := range d.nodes() {
		if r := h.ring; r != nil && r.node.Ready() && !r.stopped() {
			d.logf("%s: asks all to read corosync.conf again", h.Name)
			r.node.Request(d.Now, r.connect(corosync.Cfg), local.Plain(local.CfgReload))
			r.work()
			return
		}
	}
}

// reread has the role corosync read its file, and pacemaker hear of it.
func (r *ring) reread() {
	r.file = r.h.reading()
	r.h.c.logf("%s: corosync.conf is read again", r.h.Name)
	r.h.c.moment(MomentReread, r.h)
	r.node.Reload(r.h.c.Now, r.file.conf, r.file.addrs, false, nil)
	if p := r.h.pcmk; p.running() {
		p.call(func(now time.Time) { p.configured(now) })
	}
	if d := r.device; d != nil {
		d.later(d.reread)
	} else {
		r.h.startDevice() // one may have waited for it to be configured
	}
}

// configured has the core take over what corosync knows of nodes.
func (p *process) configured(now time.Time) {
	if r := p.h.ring; r != nil {
		p.core.Configure(now, r.file.names, p.h.c.twoNode && r.file.twoNode)
	}
}

// mustKnow does so where somebody comes whom the core has not heard of.
func (p *process) mustKnow(now time.Time, ids []uint32) {
	if !p.core.Knows(ids) {
		p.configured(now)
	}
}

// conf lets a step change corosync.conf. An argument "not=N" leaves the file of host N as it was.
func (d *drive) conf(h *Host, s Step) error {
	var but []uint32
	f := d.file
	for _, x := range strings.Fields(s.Arg) {
		option, value, ok := strings.Cut(x, "=")
		if !ok {
			return fmt.Errorf("%q is no OPTION=VALUE", x)
		}
		if option == "not" {
			n, _ := strconv.Atoi(value)
			but = append(but, uint32(n))
			continue
		}
		if s.Do == "add-device" || s.Do == "tune-device" {
			f = f.withDevice(option, value)
			continue
		}
		f = f.with(option, value)
	}
	switch s.Do {
	case "tune":
		d.edit(f, but...)
	case "add-node":
		if !h.spare || h.gone {
			return nil
		}
		h.spare = false
		d.edit(f.withNode(h.ID), but...)
		h.disk = disk{cib: cib.New()}
		h.deviceOn = d.file.device != nil
		d.at(ms(s.For), h.Boot)
	case "remove-node":
		d.remove(h)
	case "add-device", "tune-device":
		d.equip(f, s.Do == "add-device", but)
	case "remove-device":
		d.unequip(but)
	}
	return nil
}

// remove removes a node as pcs does: its cluster is stopped, for good, then it is taken out of the files, and out of the CIB.
func (d *drive) remove(h *Host) {
	if h.spare || len(d.file.nodes) <= 2 {
		return
	}
	if !slices.ContainsFunc(d.nodes(), func(o *Host) bool {
		return o != h && d.strong(o) && 2*(len(d.check.in[o.ID])-1) > len(d.file.nodes)-1
	}) {
		// pcs refuses that without --force. What so many of the others have that each majority of them has one is safe.
		others := slices.DeleteFunc(slices.Clone(d.file.nodes), func(id uint32) bool { return id == h.ID })
		d.forced(func(m *mark) bool {
			have := 0
			for _, o := range d.Hosts {
				if slices.Contains(others, o.ID) && m.at(o) {
					have++
				}
			}
			return have > len(others)-(len(others)/2+1)
		}, "%s is removed though the others have no quorum without it", h.Name)
	}
	h.gone = true // the administrator does not start it again
	d.removing++
	h.StopCluster()
	patience := 20
	var next func()
	next = func() {
		if patience--; patience > 0 && (h.ring != nil || h.pcmk != nil) {
			d.at(500*time.Millisecond, next)
			return
		}
		h.PowerOff() // nothing of the cluster is left on it, and a person says so
		d.check.fenced(h, false)
		h.spare = true
		left := d.file.withoutNode(h.ID)
		if left.twoNode() {
			// From now on each of two has quorum alone, also one that heard nothing of what most of three had.
			d.forced(func(m *mark) bool {
				return !slices.ContainsFunc(d.nodes(), func(o *Host) bool { return !m.at(o) })
			}, "%s is removed, so that each of the others has quorum alone", h.Name)
		}
		d.edit(left)
		d.at(time.Second, func() {
			d.removing--
			d.forgetNode(h)
		})
	}
	next()
}

// forced notes that acknowledged changes may be lost, and that it is the administrator's doing: those that are not safe.
func (d *drive) forced(safe func(m *mark) bool, why string, args ...any) {
	d.logf("FORCED: "+why, args...)
	for _, m := range d.marks {
		m.forced = m.forced || !safe(m)
	}
}

// at tells whether a host's CIB, or that on its disk where its daemon does not run, has a mark; or has it no more, where its removal was ordered.
func (m *mark) at(h *Host) bool {
	root := h.disk.cib
	if h.pcmk.running() {
		root = h.pcmk.core.Replica.Root()
	}
	return root != nil && (property(root, m.name) != "") != m.deleting
}

// quorumTwice notes that two parts of the cluster have quorum, where corosync.conf lets them: fewer votes are expected than there are nodes, or not
// all have the same file. What both have is safe.
func (d *drive) quorumTwice(h *Host) {
	d.quorumOnce(h)
	for _, o := range d.rivals(h) {
		d.forced(func(m *mark) bool { return m.at(h) && m.at(o) }, "%s and %s have quorum, and do not see each other", h.Name, o.Name)
	}
}

// rivals are hosts of another part with quorum than a host's, where corosync.conf lets both have it.
func (d *drive) rivals(h *Host) (out []*Host) {
	if !d.check.loose || !h.pcmk.running() || !h.pcmk.quorate {
		return nil
	}
	for _, o := range d.nodes() {
		if o == h || !o.pcmk.running() || !o.pcmk.quorate || slices.Contains(h.members(), o.ID) || slices.Contains(o.members(), h.ID) {
			continue
		}
		if d.mayBoth(h, o) {
			out = append(out, o)
		}
	}
	return out
}

// mayBoth tells whether corosync.conf lets two hosts have quorum that do not see each other: fewer votes are expected than there are nodes, or both
// have not read the same.
func (d *drive) mayBoth(h, o *Host) bool {
	return h.file.text(d.Cluster) != o.file.text(d.Cluster) || h.file.quorum["expected_votes"] != "" || h.file.twoNode() || h.ring.file != o.ring.file
}

// forgetNode takes a node out of the CIB and the daemons' memory, as `crm_node --remove` does.
func (d *drive) forgetNode(h *Host) {
	for _, o := range d.nodes() {
		if !o.pcmk.running() {
			continue
		}
		o.pcmk.call(func(time.Time) { o.pcmk.core.Forget(h.Name) })
		for _, path := range []string{"//nodes/node[@uname=%s]", "//status/node_state[@uname=%s]"} {
			d.Change(o.Name, cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf(path, xml.QuoteXPath(h.Name))}, nil)
		}
		return
	}
}
