package simulation

import (
	"fmt"
	"strings"
	"time"
)

// A guest is a host of Pacemaker Remote that a resource, Vn, starts and stops: a virtual machine. It has power as long as that runs, and stands
// still with the host that it runs on.

// GuestName is what guests are called, with the number of their resource.
const GuestName = "guest"

// guestBoot is how long a guest takes at most until its daemon runs.
const guestBoot = 3 * time.Second

// addGuests adds n guests, which are off.
func (c *Cluster) addGuests(n int) {
	for i := 1; i <= n; i++ {
		h := c.addRemote(fmt.Sprintf("%s%d", GuestName, i))
		h.guest = true
	}
}

// guest is the guest that a resource is; nil: it is none.
func (c *Cluster) guest(resource string) *Host {
	if n, ok := strings.CutPrefix(resource, "V"); ok {
		return c.Host(GuestName + n)
	}
	return nil
}

// resource is the resource that a guest is.
func (h *Host) resource() string { return "V" + strings.TrimPrefix(h.Name, GuestName) }

// guestStarts and guestEnds follow the resource on a host.
func (h *Host) guestStarts(resource string) {
	g := h.c.guest(resource)
	if g == nil || g.On {
		return
	}
	g.home = h
	g.bootAfter(h.c.between(guestBoot))
}

func (h *Host) guestEnds(resource string) {
	if g := h.c.guest(resource); g != nil && g.home == h {
		g.machineEnds()
	}
}

// machineEnds takes a guest's power away. Without fencing its resource may run on another host, too, as another machine with its name: then that is the one which
// is reached now, and knows nothing of what the other did.
func (h *Host) machineEnds() {
	was := h.home
	h.home = nil
	h.boots++ // also one that is about to boot
	h.PowerOff()
	for _, o := range h.c.Hosts {
		if s := o.services[h.resource()]; o != was && o.On && s != nil && s.active {
			o.guestStarts(h.resource())
			return
		}
	}
}

// guests are those that run on a host.
func (h *Host) guests() (list []*Host) {
	for _, g := range h.c.Remotes {
		if g.home == h {
			list = append(list, g)
		}
	}
	return list
}

// gone takes note that what a guest ran runs no more where its resource runs nowhere any more, as far as anybody can know.
func (k *checker) gone() {
	for _, g := range k.c.Remotes {
		if !g.guest || len(k.maybe[g.resource()]) > 0 {
			continue
		}
		for _, held := range []map[string]map[uint32]bool{k.maybe, k.promoted} {
			for _, hosts := range held {
				delete(hosts, g.ID)
			}
		}
	}
}
