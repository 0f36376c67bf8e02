package knet

import (
	"crypto/aes"
	"encoding/binary"
	"fmt"
	"time"
)

// Path MTU discovery finds how big a datagram may be on the way to a host: a packet of a size is sent that may not be
// cut into pieces, and the host repeats its header. It begins with the greatest that there is, so
// that this host's own interface tells at once what it lets out (TooBig); what is not answered is too big
// for the way, and the search goes on between it and the greatest that was.

const (
	// maxMTU is what a datagram can have at most.
	maxMTU = 65535
	// usualMTU is Ethernet's: the first guess where the way takes less than the interface.
	usualMTU = 1500
	// probeTries is how often a size is tried: a single packet may be lost for other reasons.
	probeTries = 2
	// maxProbes ends a search whose ground moves under it.
	maxProbes = 60
)

// discovery is what is known of the way to a host over a link. Sizes are those of whole datagrams, with the
// headers of IP and UDP.
type discovery struct {
	mtu  int       // found; 0 where nothing is yet
	next time.Time // when it is looked for again; zero where that is not needed
	// The search under way; size is 0 where there is none.
	size, sent int // what is tried, and what that makes of a packet that can be encrypted
	good, bad  int
	tries      int
	probes     int
	until      time.Time
	guesses    int
}

// least is what every way takes.
func (l *link) least() int {
	if l.to.Addr().Is6() {
		return 1280
	}
	return 576
}

// headers is what IP and UDP add to a datagram.
func (l *link) headers() int {
	if l.to.Addr().Is6() {
		return 48
	}
	return 28
}

// wayMTU is what is sent at most over a link now.
func (n *Net) wayMTU(i int, l *link) int {
	if m := n.cfg.Links[i].MTU; m != 0 {
		return m
	}
	return max(l.path.mtu, l.path.good, l.least())
}

// DataMTU is how many bytes of data a datagram to a host carries on a link, as the original counts them;
// 0 where there is no such link.
func (n *Net) DataMTU(id uint16, i int) int {
	h := n.hosts[id]
	if h == nil || i >= len(h.links) || h.links[i] == nil {
		return 0
	}
	l := h.links[i]
	return n.room(n.wayMTU(i, l)-l.headers()) - overhead
}

// fragmentSize is the least of the data MTUs of the links that are up.
func (n *Net) fragmentSize() int {
	if n.fragment == 0 {
		for _, id := range n.order {
			for i, l := range n.hosts[id].links {
				if l == nil || !l.up {
					continue
				}
				if m := n.DataMTU(id, i); n.fragment == 0 || m < n.fragment {
					n.fragment = m
				}
			}
		}
		n.fragment = max(n.fragment, 256)
	}
	return n.fragment
}

// discover begins to look for the MTU of a link that is up.
func (n *Net) discover(now time.Time, h *host, i int) {
	l := h.links[i]
	p := &l.path
	p.next = time.Time{}
	if n.cfg.Links[i].MTU != 0 || !l.up {
		return
	}
	*p = discovery{mtu: p.mtu, good: l.least()}
	n.probe(now, h, i, maxMTU)
}

// probe tries a size.
func (n *Net) probe(now time.Time, h *host, i, size int) {
	l := h.links[i]
	p := &l.path
	p.probes++
	length := n.seal.room(size - l.headers())
	b := make([]byte, length)
	b[0], b[1] = version, typePMTUd
	be.PutUint16(b[2:], n.cfg.Host)
	b[6] = uint8(i)
	p.size, p.sent = size, n.seal.sealed(length)+l.headers()
	binary.NativeEndian.PutUint16(b[7:], uint16(p.sent))
	p.until = now.Add(n.cfg.Links[i].PingTimeout)
	n.transmit(i, l, b)
}

// TooBig tells that this host's interface does not let a datagram of that size out on a link; mtu is what it lets
// out, with headers.
func (n *Net) TooBig(now time.Time, i int, mtu int) {
	for _, id := range n.order {
		h := n.hosts[id]
		l := h.links[i]
		if l == nil || !l.up || n.cfg.Links[i].MTU != 0 {
			continue
		}
		p := &l.path
		mtu := max(mtu, l.least())
		if p.mtu > mtu {
			n.found(h, i, mtu)
		}
		switch {
		case p.size > mtu:
			p.bad, p.tries = mtu+1, 0
			n.try(now, h, i, mtu)
		case p.size == 0:
			n.discover(now, h, i) // the interface lets out less than it did
		}
	}
}

// try goes on with a size, unless that took too many already.
func (n *Net) try(now time.Time, h *host, i, size int) {
	if p := &h.links[i].path; p.probes >= maxProbes {
		n.log.Warn("the path MTU changes while it is looked for", "host", h.id, "link", i)
		n.settled(now, h, i, p.good)
		return
	}
	n.probe(now, h, i, size)
}

// answered is that a host has repeated the header of a packet that tried a size.
func (n *Net) answered(now time.Time, h *host, i int, b []byte) error {
	if len(b) < pmtudSize {
		return fmt.Errorf("pmtud reply of %d bytes", len(b))
	}
	p := &h.links[i].path
	if p.size == 0 || int(b[6]) != i || int(binary.NativeEndian.Uint16(b[7:])) != p.sent {
		return nil // of a size that was given up
	}
	p.good, p.tries = max(p.size, p.good), 0
	n.fragment = 0
	n.narrow(now, h, i)
	return nil
}

// unanswered is that the time for an answer is over.
func (n *Net) unanswered(now time.Time, h *host, i int) {
	p := &h.links[i].path
	if p.tries++; p.tries < probeTries {
		n.try(now, h, i, p.size)
		return
	}
	if p.bad == 0 || p.size < p.bad {
		p.bad = p.size
	}
	p.tries = 0
	if p.mtu >= p.bad {
		n.log.Warn("the way takes less than it did", "host", h.id, "link", i, "mtu", p.mtu)
		p.mtu = 0
		n.fragment = 0
	}
	n.narrow(now, h, i)
}

// narrow goes on between what is good and what is not, or ends the search.
func (n *Net) narrow(now time.Time, h *host, i int) {
	p := &h.links[i].path
	step := 1
	if n.seal.block != nil {
		step = aes.BlockSize
	}
	if p.bad == 0 && p.good >= maxMTU || p.bad != 0 && p.bad-p.good <= step {
		n.settled(now, h, i, p.good)
		return
	}
	n.try(now, h, i, p.guess(step))
}

// guess is the size to try next: what it was last time, or else Ethernet's; where it is that, whether it is just that;
// and after that the middle of what is left.
func (p *discovery) guess(step int) int {
	likely := p.mtu
	if likely == 0 {
		likely = usualMTU
	}
	switch {
	case p.guesses == 0 && likely > p.good && likely < p.bad:
		p.guesses++
		return likely
	case p.guesses == 1 && p.good == likely && likely+step < p.bad:
		p.guesses++
		return likely + step
	}
	return (p.good + p.bad) / 2
}

// settled ends a search.
func (n *Net) settled(now time.Time, h *host, i, mtu int) {
	p := &h.links[i].path
	p.size = 0
	n.found(h, i, mtu)
	if d := n.cfg.PMTUdInterval; d > 0 {
		p.next = now.Add(d)
	}
}

func (n *Net) found(h *host, i, mtu int) {
	p := &h.links[i].path
	if p.mtu != mtu {
		n.log.Info("path MTU", "host", h.id, "link", i, "mtu", mtu, "before", p.mtu)
	}
	p.mtu, p.good = mtu, 0
	n.fragment = 0
}

// discoveries carries on the searches whose time has come.
func (n *Net) discoveries(now time.Time, h *host, i int) {
	l := h.links[i]
	switch p := &l.path; {
	case !l.up:
	case p.size != 0 && !now.Before(p.until):
		n.unanswered(now, h, i)
	case p.size == 0 && !p.next.IsZero() && !now.Before(p.next):
		n.discover(now, h, i)
	}
}
