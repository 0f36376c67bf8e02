package simulation

import (
	"errors"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// disk is what survives a loss of power.
type disk struct {
	cib     *etree.Element
	term    cib.Term
	ringSeq uint64
	tracked uint32
	full    bool // the role pacemaker can write nothing
	crammed bool // nor can corosync
	// tear: the next write is cut short by a loss of power.
	tear bool
	// slow is how long a write takes at most until it is on the disk, half of it at least; corosync's too where slowRing is set. While it writes, a
	// process does nothing else.
	slow     time.Duration
	slowRing bool
	writes   []write // of the role pacemaker, that were begun one after the other and may not be over
}

// write is one that takes its time: what was on the disk before it, and when it began and is over.
type write struct {
	cib        *etree.Element
	term       cib.Term
	begun, end time.Time
}

// interrupted has the writes that are under way end where they are: the store leaves the old state or the new one.
func (d *disk) interrupted(c *Cluster) {
	for _, w := range d.writes {
		switch {
		case !w.end.After(c.Now):
			continue
		case w.begun.After(c.Now) || c.random.IntN(2) == 0:
			d.cib, d.term = w.cib, w.term
		case len(d.writes) > 1: // this one is on the disk, and none of those after it
			for i := range d.writes {
				if d.writes[i].begun.After(w.begun) {
					d.cib, d.term = d.writes[i].cib, d.writes[i].term
					break
				}
			}
		}
		break
	}
	d.writes = nil
}

var errFull = errors.New("no space left on device")

func (w *world) Save(root *etree.Element) error {
	w.p.h.c.moment(MomentSave, w.p.h)
	return w.write(func(d *disk) { d.cib = xml.Copy(root) })
}

func (w *world) SaveTerm(t cib.Term) error {
	w.p.h.c.moment(MomentTerm, w.p.h)
	w.p.h.c.check.promised(w.p.h, t)
	return w.write(func(d *disk) { d.term = t })
}

// write changes what is on the disk.
func (w *world) write(change func(d *disk)) error {
	h := w.p.h
	switch {
	case !w.p.alive:
	case h.disk.full:
		return errFull
	case h.disk.tear:
		// Power is lost while it writes: the store leaves the old state or the new one.
		h.disk.tear = false
		if h.c.random.IntN(2) == 0 {
			change(&h.disk)
		}
		h.PowerOff()
		h.bootAfter(h.c.between(h.c.speed.boot))
	case h.disk.slow > 0:
		w.p.writeSlowly(change)
	default:
		change(&h.disk)
	}
	return nil
}

// writeSlowly changes what is on the disk, and has the process stand still until it is there.
func (p *process) writeSlowly(change func(d *disk)) {
	h, c := p.h, p.h.c
	if !p.writing() {
		p.written, h.disk.writes = c.Now, nil
		if p.early = len(p.outbox); p.early > 0 {
			h.later(localLatency, p.sendEarly)
		}
	}
	begun := p.written
	p.written = begun.Add(c.between(h.disk.slow))
	c.logf("%s: writes until %s", h.Name, p.written.Format("15:04:05.000"))
	h.disk.writes = append(h.disk.writes, write{h.disk.cib, h.disk.term, begun, p.written})
	change(&h.disk)
	p.onceWritten(func() {
		if !p.stopped() {
			p.busyAgain()
		}
	})
}

// sendEarly begins to send what the process had to say before it began to write: that is sent beside it.
func (p *process) sendEarly() {
	if p.alive && !p.paused && p.h.ring != nil {
		p.flush()
		p.h.ring.work()
	}
}

// writing tells whether the process waits for the disk.
func (p *process) writing() bool { return p.written.After(p.h.c.Now) }

// unwritten is how long it still does.
func (p *process) unwritten() time.Duration { return max(0, p.written.Sub(p.h.c.Now)) }

// onceWritten does something when the process waits for the disk no more; not where it is gone by then.
func (p *process) onceWritten(f func()) {
	if !p.writing() {
		f()
		return
	}
	p.h.later(p.unwritten(), func() {
		if p.alive {
			f()
		}
	})
}

// writing tells whether corosync waits for the disk.
func (r *ring) writing() bool { return r.written.After(r.h.c.Now) }

// store writes something of corosync's. It may take its time; where it cannot be written corosync ends (false).
func (r *ring) store(change func(d *disk)) bool {
	h, c := r.h, r.h.c
	switch {
	case h.disk.crammed:
		c.logf("%s: corosync ends: %v", h.Name, errFull)
		h.ringEnded()
		h.later(restartDelay, h.startRing)
		return false
	case h.disk.slow > 0 && h.disk.slowRing:
		took := c.between(h.disk.slow)
		r.written = c.Now.Add(took)
		c.logf("%s: corosync writes for %v", h.Name, took)
		h.later(took, r.resume)
	}
	change(&h.disk)
	return true
}
