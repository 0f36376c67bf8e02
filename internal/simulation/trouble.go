package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// Troubles of real hosts and real people: disks that take seconds for a write, or have no space for corosync either; clocks that are set while the cluster runs;
// hosts that hear everybody and are heard by nobody, or the other way round; a network that is bad for minutes; people who restore an old configuration,
// take the status apart, or have a node forgotten that is alive.

// The first seeds with troubles: of Generate, Aimed and Terms.
const (
	firstWithTrouble      = 7_600_000
	firstAimedWithTrouble = 8_600_000
	firstTermsWithTrouble = 9_500_000
)

// weatherLength is how long a bad network lasts at most, in ms.
const weatherLength = 120_000

// troubles gives a scenario one to three of these.
func (s *Scenario) troubles(r *rand.Rand) {
	for range 1 + r.IntN(3) {
		at := r.IntN(s.Length)
		if len(s.Steps) > 0 && r.IntN(2) == 0 { // with what happens to others
			at = min(s.Length-1, max(0, s.Steps[r.IntN(len(s.Steps))].At+r.IntN(2000)-1000))
		}
		st := s.trouble(r, at)
		if st.Do == "weather" {
			st.For = 20_000 + r.IntN(weatherLength-20_000)
			s.Length = max(s.Length, min(st.At+st.For, weatherLength))
		}
		s.Steps = append(s.Steps, st)
	}
}

// atTrouble aims one or two of them at moments.
func (a *aim) atTrouble(r *rand.Rand) {
	for range 1 + r.IntN(2) {
		st := a.s.trouble(r, a.at())
		if r.IntN(4) != 0 {
			st.At = max(0, a.from-1000)
			st.On, st.Nth = Moments[r.IntN(len(Moments))], r.IntN(4)
			st.Delay = []int{0, r.IntN(1000), r.IntN(50000), r.IntN(500000)}[r.IntN(4)]
			st.Who = []string{WhoHere, WhoHere, WhoDC, WhoOther}[r.IntN(4)]
		}
		a.s.Steps = append(a.s.Steps, st)
	}
}

// slowly has a disk, or all, take long for each write, and strikes while something is written.
func (a *aim) slowly(r *rand.Rand) {
	s := a.s
	st := Step{At: r.IntN(max(1, s.Length/2)), Do: "slow-disk", Host: 1 + r.IntN(s.Nodes), For: 3000 + r.IntN(s.Length), Arg: fmt.Sprint([]int{20, 200, 1000, 4000}[r.IntN(4)])}
	if r.IntN(4) == 0 {
		st.Arg += " corosync"
	}
	if r.IntN(3) == 0 {
		st.Arg += " all"
	}
	s.Steps = append(s.Steps, st)
	for range 1 + r.IntN(3) {
		s.Steps = append(s.Steps, Step{
			At: st.At, Do: []string{"power", "kill-pacemaker", "pause", "part", "kill-corosync"}[r.IntN(5)], For: 300 + r.IntN(3000),
			On: []string{MomentTerm, MomentTerm, MomentSave, MomentAsked}[r.IntN(4)], Nth: r.IntN(6), Delay: r.IntN(400_000), Who: []string{WhoHere, WhoHere, WhoDC, WhoOther}[r.IntN(4)],
		})
	}
}

// trouble makes one.
func (s *Scenario) trouble(r *rand.Rand, at int) Step {
	st := Step{At: at, Host: 1 + r.IntN(s.Nodes), For: 500 + r.IntN(15000)}
	some := fmt.Sprintf("node%d", 1+r.IntN(s.Nodes))
	switch r.IntN(14) {
	case 0, 1, 2:
		st.Do, st.Arg = "slow-disk", fmt.Sprint([]int{20, 200, 1000, 3000, 8000}[r.IntN(5)])
		if r.IntN(3) == 0 {
			st.Arg += " corosync"
		}
		if r.IntN(4) == 0 {
			st.Arg += " all"
		}
	case 3:
		st.Do, st.Arg = "full", []string{"corosync", "corosync all", "all"}[r.IntN(3)]
	case 4, 5, 6:
		// As when a host's clock is set by hand, or for the first time after it was started.
		st.Do, st.Arg = "clock", fmt.Sprint([]int{1, -1}[r.IntN(2)]*[]int{1, 5, 60, 3600, 86400 * 400}[r.IntN(5)])
		if r.IntN(2) == 0 {
			st.For = 0 // for good
		}
		if r.IntN(4) == 0 {
			st.Arg += " all"
		}
	case 7:
		st.Do = []string{"mute", "deaf"}[r.IntN(2)]
	case 8:
		st.Do, st.Arg = "weather", fmt.Sprintf("%d %d", 1+r.IntN(8), []int{5, 50, 100, 200}[r.IntN(4)])
	case 9, 10:
		st.Do, st.Arg = "restore", []string{"configuration", "configuration", "whole"}[r.IntN(3)]
		if s.Late > 0 || slices.ContainsFunc(s.Steps, func(o Step) bool { return o.Do == "remove-node" }) {
			st.Do, st.Arg = "wreck", "all" // the old one has other nodes
		}
	case 11, 12:
		st.Do, st.Arg = "wreck", []string{"state " + some, "lrm " + some, "attributes " + some, "all"}[r.IntN(4)]
	case 13:
		st.Do, st.Arg = "forget-node", some
	}
	return st
}

// trouble lets one happen; false where a step is none. Arguments are numbers first; of "all", what happens to a host does so to all at once.
func (d *drive) trouble(h *Host, s Step) (bool, error) {
	args := strings.Fields(s.Arg)
	number := func(i int) int {
		if i >= len(args) {
			return 0
		}
		n, _ := strconv.Atoi(args[i])
		return n
	}
	hosts := []*Host{h}
	if slices.Contains(args, "all") {
		hosts = d.nodes()
	}
	switch s.Do {
	case "full":
		for _, o := range hosts {
			o.disk.full, o.disk.crammed = true, slices.Contains(args, "corosync")
			d.until(s, func() { o.disk.full, o.disk.crammed = false, false })
		}
	case "slow-disk":
		for _, o := range hosts {
			o.disk.slow, o.disk.slowRing = ms(number(0)), slices.Contains(args, "corosync")
			d.until(s, func() { o.disk.slow = 0 })
		}
	case "clock":
		by := time.Duration(number(0)) * time.Second
		for _, o := range hosts {
			d.setClock(o, by)
			if s.For > 0 {
				d.until(s, func() { d.setClock(o, -by) })
			}
		}
	case "mute", "deaf":
		d.net.oneWay(h.ID, s.Do == "mute", true)
		d.until(s, func() { d.net.oneWay(h.ID, s.Do == "mute", false) })
	case "weather":
		d.net.bad(float64(number(0))/100, ms(number(1))/2)
		d.until(s, func() { d.net.bad(0, 0) })
	case "restore":
		d.restore(h, slices.Contains(args, "whole"))
	case "wreck":
		return true, d.wreck(h, s.Arg)
	case "forget-node":
		d.purge(h, s.Arg)
	default:
		return false, nil
	}
	return true, nil
}

// setClock sets a host's clock, while whatever runs on it runs on.
func (d *drive) setClock(h *Host, by time.Duration) {
	h.skew += by
	d.logf("%s: the clock is set by %v", h.Name, by)
	if p := h.pcmk; p.running() {
		p.after()
	}
}

// oneWay has nobody hear of a host, or that host of nobody.
func (w *network) oneWay(host uint32, mute, yes bool) {
	for o := range w.cut {
		if a, b := host, uint32(o); a != b && mute {
			w.cut[a][b] = yes
		} else if a != b {
			w.cut[b][a] = yes
		}
	}
}

// bad has packets lost, and all links slow: each end of one takes so long.
func (w *network) bad(loss float64, end time.Duration) {
	w.loss = loss
	for i := range w.slow {
		w.slow[i] = end
	}
}

// restore is a person who brings the configuration back that there was in the beginning, or the whole CIB, as `cibadmin --replace` does. What was changed
// since is gone.
func (d *drive) restore(h *Host, whole bool) {
	if !h.pcmk.running() || d.old == nil {
		return
	}
	req := cib.Request{Op: cib.Replace, Section: "configuration", Data: xml.Copy(d.old.SelectElement("configuration"))}
	if whole {
		req.Section, req.Data = "", xml.Copy(d.old)
		v := cib.VersionOf(h.pcmk.core.Replica.Root()) // an older one is refused
		v.Epoch++
		for _, a := range [][2]string{{"admin_epoch", fmt.Sprint(v.AdminEpoch)}, {"epoch", fmt.Sprint(v.Epoch)}, {"num_updates", "0"}} {
			req.Data.CreateAttr(a[0], a[1])
		}
	}
	all := func(*mark) bool { return false }
	d.restoring++ // if nobody hears that it was, it may have been all the same
	d.forced(all, "%s restores the CIB (whole %v)", h.Name, whole)
	d.Change(h.Name, req, func(err error) {
		d.forced(all, "it is restored: %v", err)
		d.restoring--
	})
}

// wreck is a person who deletes a part of the status.
func (d *drive) wreck(h *Host, which string) error {
	what, node, _ := strings.Cut(which, " ")
	of := "/cib/status/node_state[@uname=" + xml.QuoteXPath(node) + "]"
	path := map[string]string{"state": of, "lrm": of + "/lrm", "attributes": of + "/transient_attributes", "all": "/cib/status/node_state"}[what]
	if path == "" {
		return fmt.Errorf("the status has no part %q", what)
	}
	d.Change(h.Name, cib.Request{Op: cib.Delete, XPath: true, Multiple: true, Section: path}, nil)
	return nil
}

// purge has a node forgotten, which may be alive, as `crm_node --remove --force` does.
func (d *drive) purge(h *Host, name string) {
	p := h.pcmk
	o := d.Host(name)
	if !p.running() || o == nil {
		return
	}
	d.check.purged[o.ID] = true
	d.logf("%s: %s is to be forgotten", h.Name, name)
	p.call(func(now time.Time) {
		p.core.Forget(name)
		p.core.Attributes.Forget(name)
		for _, part := range [][2]string{{"nodes", "node"}, {"status", "node_state"}} {
			el := etree.NewElement(part[1])
			el.CreateAttr("uname", name)
			p.core.Change(now, replica.Client{Name: "crm_node", User: "root"}, cib.Request{Op: cib.Delete, Section: part[0], Data: el}, nil)
		}
	})
}
