package simulation

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

const seeds = 8

// up brings a cluster up with the one resource P1, with or without fencing.
func up(t testing.TB, seed uint64, n int, fencing bool) *drive {
	return upWith(t, seed, n, fencing, "")
}

// upWith does so with a quorum device, which decides by an algorithm.
func upWith(t testing.TB, seed uint64, n int, fencing bool, device string) *drive {
	t.Helper()
	s := &Scenario{Seed: seed, Nodes: n, Fencing: fencing, Devices: "one", Device: device, Resources: []string{"P1"}, Length: 1 << 30}
	c, err := newCluster(seed, n, false, device)
	if err != nil {
		t.Fatal(err)
	}
	c.Verbose = true
	if device != "" {
		c.addArbiter()
		c.arbiter.power(true)
	}
	doc, err := s.document()
	if err != nil {
		t.Fatal(err)
	}
	d := &drive{Cluster: c, s: s}
	for _, h := range c.Hosts {
		h.disk.cib = doc
		h.Boot()
	}
	d.Run(15 * time.Second)
	if why := d.settled(); why != "" {
		t.Fatalf("seed %d: %s\n%s", seed, why, c.Dump())
	}
	return d
}

// parse reads an element.
func parse(t testing.TB, text string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// one requires that P1 runs in exactly one place, which is none of not.
func one(t testing.TB, d *drive, not ...string) *Host {
	t.Helper()
	got := d.Running("P1")
	if d.Broken() != nil || len(got) != 1 || slices.Contains(not, got[0]) {
		t.Fatalf("seed %d: P1 runs on %v, not to be on %v; %v\n%s", d.s.Seed, got, not, d.Broken(), d.Dump())
	}
	return d.Host(got[0])
}

// calm requires that the cluster is settled.
func calm(t testing.TB, d *drive) {
	t.Helper()
	if why := d.settled(); why != "" {
		t.Fatalf("seed %d: %s\n%s", d.s.Seed, why, d.Dump())
	}
}

func TestStopMovesAndStartJoins(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 2, false)
		h := one(t, d)
		h.StopCluster()
		d.Run(20 * time.Second)
		one(t, d, h.Name)
		if h.Up() || h.ring != nil {
			t.Fatalf("seed %d: %s did not leave\n%s", seed, h.Name, d.Dump())
		}
		h.StartCluster()
		d.Run(20 * time.Second)
		calm(t, d)
		one(t, d)
	}
}

func TestLostNodeIsFencedOnce(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for how, lose := range map[string]func(*drive, *Host){
			"power": func(_ *drive, h *Host) { h.PowerOff() },
			"part":  func(d *drive, h *Host) { d.net.part([]uint32{h.ID}, true) },
			"kill":  func(_ *drive, h *Host) { h.KillPacemaker() },
		} {
			d := up(t, seed, 3, true)
			h := one(t, d)
			lose(d, h)
			d.Run(15 * time.Second)
			one(t, d, h.Name)
			if d.Fences[h.Name] != 1 || len(d.Fences) != 1 {
				t.Fatalf("seed %d %s: fenced %v, want %s once\n%s", seed, how, d.Fences, h.Name, d.Dump())
			}
			d.net.heal()
			d.Run(30 * time.Second)
			one(t, d)
			calm(t, d)
		}
	}
}

func TestMinorityGivesUp(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 3, false)
		h := one(t, d)
		d.net.part([]uint32{h.ID}, true)
		d.Run(20 * time.Second)
		one(t, d, h.Name)
		d.net.heal()
		d.Run(20 * time.Second)
		one(t, d)
		calm(t, d)
	}
}

func TestSplitWithoutFencingHeals(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 2, false)
		d.net.part([]uint32{one(t, d).ID}, true)
		d.Run(20 * time.Second)
		d.net.heal()
		d.Run(30 * time.Second)
		one(t, d)
		calm(t, d)
	}
}

func TestKilledDaemonLeavesServicesRunning(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 2, false)
		h := one(t, d)
		for _, o := range d.Hosts {
			if o != h {
				o.StopCluster() // there is nobody to take over
			}
		}
		d.Run(10 * time.Second)
		before := len(d.Log)
		h.KillPacemaker()
		d.Run(20 * time.Second)
		one(t, d)
		for _, l := range d.Log[before:] {
			if strings.Contains(l, "agent: start P1") || strings.Contains(l, "agent: stop P1") {
				t.Fatalf("seed %d: the service was touched: %s", seed, l)
			}
		}
	}
}

// TestSameSeedSameHistory: a history replays from its seed.
func TestSameSeedSameHistory(t *testing.T) {
	for _, seed := range []uint64{3, 4, 26} {
		var logs [2]string
		for i := range logs {
			out, err := Play(Generate(seed), true)
			if err != nil {
				t.Fatal(err)
			}
			logs[i] = strings.Join(out.Log, "\n")
		}
		if logs[0] != logs[1] {
			t.Errorf("two runs of seed %d differ", seed)
		}
	}
}

// TestAlerts holds that each node's agents hear of a lost node once, of its fencing once,
// and that what runs again is told by the node that it runs on.
func TestAlerts(t *testing.T) {
	d := up(t, 7, 3, true)
	doc, err := xml.ParseString(`<alerts><alert id="a" path="/agent"/></alerts>`)
	if err != nil {
		t.Fatal(err)
	}
	d.Change("node1", cib.Request{Op: cib.Modify, Section: "alerts", CanCreate: true, Data: doc.Root}, nil)
	d.Run(2 * time.Second)
	victim := one(t, d)
	d.speed.boot = time.Hour
	victim.PowerOff()
	d.Run(60 * time.Second)
	home := one(t, d, victim.Name)
	for _, h := range d.Hosts {
		if h == victim {
			continue
		}
		count := map[string]int{}
		for _, r := range h.Alerts {
			get := func(name string) string {
				i := slices.IndexFunc(r.Env, func(v string) bool { return strings.HasPrefix(v, "CRM_alert_"+name+"=") })
				if i < 0 {
					return ""
				}
				return strings.TrimPrefix(r.Env[i], "CRM_alert_"+name+"=")
			}
			count[strings.TrimSpace(strings.Join([]string{get("kind"), get("node"), get("rsc"), get("task"), get("desc")}, " "))]++
		}
		fenced := 0
		for k, v := range count {
			if strings.HasPrefix(k, "fencing "+victim.Name+"  st_notify_fence Operation reboot of "+victim.Name+" by node") && strings.Contains(k, ": OK (ref=") {
				fenced += v
			}
		}
		started := count["resource "+h.Name+" P1 start OK"]
		if want := map[bool]int{true: 1, false: 0}[h == home]; count["node "+victim.Name+"   lost"] != 1 || fenced != 1 || started != want {
			t.Errorf("%s heard %v", h.Name, count)
		}
	}
}
