// Package corosyncd is the corosync role of a host: it reads corosync.conf, joins
// the ring with the other nodes, and serves the local clients of cpg, cmap, cfg,
// quorum and votequorum, as the original daemon does.
//
// What a node does is decided in package corosync/node, without I/O. Here are the
// sockets, the files and the clock, and one loop that owns the node.
package corosyncd

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"hacluster/corosync/conf"
	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
	"hacluster/corosync/node"
	"hacluster/corosync/poll"
	"hacluster/corosync/totem"
	"hacluster/corosync/transport"
	"hacluster/internal/logging"
	"hacluster/internal/realtime"
)

// Options says where a daemon finds things. The zero value is the host's own places.
type Options struct {
	// ConfPath is the configuration file; /etc/corosync/corosync.conf where it is "".
	ConfPath string
	// UIDGIDDir holds files with uidgid sections; uidgid.d beside ConfPath where it is "".
	UIDGIDDir string
	// StateDir keeps the number of the last ring; what the file says, or /var/lib/corosync, where it is "".
	StateDir string
	// ShmDir is where the files of local connections are made; /dev/shm where it is "".
	ShmDir string
	// Log gets what the daemon tells; nil discards it.
	Log *slog.Logger
	// Ready, where it is not nil, is called once when local clients can connect.
	Ready func()
	// Alive is called at least every AliveEvery, where that is not 0, as long as the node takes what it is told.
	Alive      func()
	AliveEvery time.Duration
	// Configured, where it is not nil, is called with the section logging whenever the configuration was read.
	Configured func(conf.Logging)
	// ReopenLogs, where it is not nil, is called when a client asks to open the log files again.
	ReopenLogs func()
	// DumpFlight, where it is not nil, is called when a client asks for the flight data to be written into a folder. The ring waits until it returns.
	DumpFlight func(dir string)
}

// ErrOrdered is what Run returns when the daemon was told to end by the cluster
// (killed by another node, or with an outdated configuration), and not by ctx.
var ErrOrdered = errors.New("the daemon was ended by the cluster")

// Run is the daemon's life. It ends when ctx does, after it has told the other nodes, when a
// client shuts it down (nil), or with an error: a configuration that cannot be used
// (*conf.Error, joined), a disk that the number of a ring cannot be written to, or ErrOrdered.
func Run(ctx context.Context, o Options) error {
	o = o.filled()
	files := files{o}
	c, err := files.configuration()
	if err != nil {
		return err
	}
	if o.Configured != nil {
		o.Configured(c.Logging)
	}
	d := &daemon{o: o, files: files, log: o.Log, over: make(chan struct{}), conns: map[node.Client]*ipc.Conn{}, done: map[node.Client]chan struct{}{}, held: map[node.Client]bool{}}
	if d.addrs, err = d.resolve(ctx, c); err != nil {
		return err
	}
	if d.me, err = localNode(c, d.addrs); err != nil {
		return err
	}
	if d.files.o.StateDir == "" {
		d.files.o.StateDir = c.System.StateDir
	}
	seq, err := d.files.ringSeq(d.me)
	if err != nil {
		return err
	}
	tracked, err := d.files.tracked()
	if err != nil {
		return err
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return err
	}
	uids, gids := d.files.access(c)
	d.node, err = node.New(node.Config{
		Conf: c, Node: d.me, Addresses: d.addrs, Links: d.links(c), Counters: func() []node.Counter { return append(d.net.counters(), d.misses.counters()...) }, ClearCounters: d.clearCounters, Delivery: d.delivery, SendFailures: func() uint32 { return d.net.sendFailures() }, RingSeq: seq, Tracked: tracked, UIDs: uids, GIDs: gids,
		Rand: mathrand.New(mathrand.NewChaCha8(seed)), Log: o.Log,
	})
	if err != nil {
		return err
	}
	if d.clock, err = poll.NewAlarm(); err != nil {
		return err
	}
	defer d.clock.Close() //nolint:errcheck // it ends what waits for it
	o.Log.Info(fmt.Sprintf("Corosync Cluster Engine %s starting up", Version))
	o.Log.Info(fmt.Sprintf("Initializing transport (%s).", transportTitle(c.Totem.Transport)), logging.Daemon, "TOTEM")
	d.net, err = openWires(ctx, c, d.me, d.addrs, o.Log)
	if err != nil {
		return err
	}
	defer d.net.close()
	servers, err := d.serve(c)
	if err != nil {
		return err
	}
	defer func() {
		d.end()
		for _, s := range servers {
			s.Close()
		}
	}()
	realtime.Take(realtime.Wish{RoundRobin: c.System.RealTime, Nice: c.System.Priority, RootCgroup: c.System.MoveToRootCgroup}, o.Log)
	o.Log.Info("This node is on the ring", "node", d.me, "address", d.addrs[d.me][0], "transport", c.Totem.Transport, "cluster", c.Totem.ClusterName)
	return d.live(ctx)
}

func (o Options) filled() Options {
	if o.ConfPath == "" {
		o.ConfPath = "/etc/corosync/corosync.conf"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// daemon is a running daemon. Whoever has something for the node, a socket's reader, a client's connection or the
// clock, takes the lock, tells the node, and carries out what that makes of it: so nothing waits for
// another goroutine to be scheduled.
type daemon struct {
	o     Options
	files files
	log   *slog.Logger

	mu      sync.Mutex // for all that follows
	me      uint32
	addrs   addresses
	node    *node.Node
	net     wires
	ready   bool
	own     [][]byte // packets of this node to itself
	unsent  bool     // packets of the ring wait to be transmitted
	clock   *poll.Alarm
	armed   time.Time // when the clock comes; zero while it is not set
	aliveAt time.Time // when Options.Alive is to be called; zero for never
	lookAt  time.Time // from when on to look whether the process runs
	lookBy  time.Time // and when at the latest: on an idle ring the token comes before
	ended   bool
	result  error
	flushes []*ipc.Conn // with events that the client is not told of yet, or that wait for room

	over chan struct{} // closed when the daemon has ended

	lastClient node.Client
	conns      map[node.Client]*ipc.Conn
	told       node.Client                   // who had the last event
	teller     *ipc.Conn                     // of conns
	done       map[node.Client]chan struct{} // to be told when a request was taken
	held       map[node.Client]bool          // whose library was told to hold back
	exit       *node.Exit
	unkept     error // the number of a ring could not be kept: nothing more is done
	misses     misses
	dropped    int // packets that could not be used, since complained
	complained time.Time
}

// links is what the node asks about its links; nil where the transport does not know.
func (d *daemon) links(c *conf.Config) func(uint32) (bool, [8]local.Link) {
	if c.Totem.Transport != "knet" {
		return nil
	}
	return func(node uint32) (bool, [8]local.Link) { return d.net.state(node) }
}

// resolve finds the addresses of all nodes.
func (d *daemon) resolve(ctx context.Context, c *conf.Config) (addresses, error) {
	all := addresses{}
	seen := map[netip.Addr]uint32{}
	for _, n := range c.Nodes {
		list := make([]netip.Addr, conf.MaxLinks)
		for i, text := range n.Addrs {
			if text == "" {
				continue
			}
			a, err := transport.Resolve(ctx, transport.SystemLookup, text, c.Totem.IPVersion)
			if err != nil {
				return nil, &conf.Error{File: c.File, Line: n.Line, Text: fmt.Sprintf("the address of node %d: %v", n.ID, err)}
			}
			if other, ok := seen[a]; ok {
				return nil, &conf.Error{File: c.File, Line: n.Line, Text: fmt.Sprintf("nodes %d and %d have the same address, %v", other, n.ID, a)}
			}
			seen[a] = n.ID
			list[i] = a
		}
		all[n.ID] = list
	}
	return all, nil
}

// clearCounters sets counters that are not the node's to 0: those of the transport, or of the times of standing still.
func (d *daemon) clearCounters(which node.Clearing) {
	switch which {
	case node.ClearTransport:
		d.net.clear()
	case node.ClearMisses:
		d.misses.clear()
	case node.ClearDelivery:
		for _, c := range d.conns {
			c.ClearStats()
		}
	}
}

// delivery tells what a client was given.
func (d *daemon) delivery(id node.Client) node.Delivery {
	c := d.conns[id]
	if c == nil {
		return node.Delivery{}
	}
	return node.Delivery(c.Stats())
}

// localNode finds which node this host is.
func localNode(c *conf.Config, addrs addresses) (uint32, error) {
	local, err := transport.LocalAddrs()
	if err != nil {
		return 0, fmt.Errorf("the addresses of this host: %w", err)
	}
	for _, n := range c.Nodes {
		for _, a := range local {
			if slices.Contains(addrs[n.ID], a) {
				return n.ID, nil
			}
		}
	}
	return 0, &conf.Error{File: c.File, Text: "no address of the nodelist belongs to this host"}
}

// live is the daemon's life: it waits for the end.
func (d *daemon) live(ctx context.Context) error {
	d.enter(func(now time.Time) { d.node.Start(now) })
	d.net.start(func(batch []transport.Datagram) {
		// Whose request has come, too, is first: it goes with the token, where that is what has arrived.
		runtime.Gosched()
		d.enter(func(now time.Time) {
			for _, g := range batch {
				d.arrived(now, g)
			}
		})
	})
	go func() {
		for d.clock.Wait() == nil {
			d.enter(d.advance)
		}
	}()
	select {
	case <-ctx.Done():
		d.enter(func(time.Time) { d.leave() })
		<-d.over
	case <-d.over:
	}
	return d.result
}

// advance is what the clock does.
func (d *daemon) advance(now time.Time) {
	d.armed = time.Time{}
	d.net.advance(now)
	if !d.node.Deadline().After(now) {
		d.node.Advance(now)
	}
	if d.o.AliveEvery > 0 && !now.Before(d.aliveAt) {
		d.o.Alive()
		d.aliveAt = now.Add(d.o.AliveEvery)
	}
}

// enter has f tell the node something, and carries out what comes of it; false when the daemon has ended.
func (d *daemon) enter(f func(now time.Time)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return false
	}
	now := time.Now()
	f(now)
	if !now.Before(d.lookAt) {
		soon, late := d.misses.look(now, d.node.Token(), d.log)
		d.lookAt, d.lookBy = now.Add(soon), now.Add(late)
	}
	for d.settle() {
	}
	if !d.ended {
		d.arm()
	}
	return true
}

// arm has the clock come in time. One that comes too early is left to do so, and set anew then: a deadline moves with each token.
func (d *daemon) arm() {
	deadline := d.node.Deadline()
	for _, t := range []time.Time{d.net.deadline(), d.lookBy, d.aliveAt} {
		if !t.IsZero() && t.Before(deadline) {
			deadline = t
		}
	}
	if !d.armed.IsZero() && !deadline.Before(d.armed) {
		return
	}
	d.armed = deadline
	if err := d.clock.Set(time.Until(deadline)); err != nil {
		d.armed = time.Time{} // whatever comes next tries again
		d.log.Error("the clock cannot be set", "error", err)
	}
}

// settle carries out what the node asks for, and tells whether that made for more.
func (d *daemon) settle() (more bool) {
	d.carryOut()
	switch {
	case d.node.Left():
		d.finish(nil)
		return false
	case d.unkept != nil:
		d.finish(d.unkept)
		return false
	case d.exit != nil && d.exit.Orderly:
		d.exit = nil
		d.leave()
		return true
	case d.exit != nil:
		d.finish(fmt.Errorf("%w: %s", ErrOrdered, d.exit.Reason))
		return false
	}
	if len(d.own) == 0 {
		return false
	}
	own := d.own
	d.own = nil
	for _, p := range own {
		d.receive(time.Now(), p)
	}
	return true
}

func (d *daemon) finish(err error) {
	d.ended, d.result = true, err
	close(d.over)
}

// arrived takes a datagram.
func (d *daemon) arrived(now time.Time, g transport.Datagram) {
	packets, err := d.net.receive(now, g)
	if err != nil {
		d.ignored(now, err)
	}
	for _, p := range packets {
		d.receive(now, p)
	}
	d.carryOutEffects() // what the next one says may be about what this one did
}

func (d *daemon) receive(now time.Time, packet []byte) {
	if err := d.node.Receive(now, packet); err != nil {
		d.ignored(now, err)
	}
}

// ignored tells of what arrived and cannot be used, not more often than every ten seconds.
func (d *daemon) ignored(now time.Time, err error) {
	d.dropped++
	if now.Sub(d.complained) >= 10*time.Second {
		d.log.Warn("what arrives is ignored", "reason", err, "times", d.dropped)
		d.complained, d.dropped = now, 0
	}
}

func (d *daemon) leave() {
	d.log.Info("Unloading all Corosync service engines.", logging.Daemon, "SERV")
	d.node.Leave(time.Now())
}

// carryOut does what the node asks for, sends what is to be sent, and tells clients what they are given.
func (d *daemon) carryOut() {
	d.carryOutEffects()
	if d.unsent && len(d.flushes) > 0 && d.node.MemberCount() <= tellFirst {
		d.flush() // what they were given is short, else it would have been sent
	}
	d.net.transmit()
	d.unsent = false
	d.flush()
}

// flush tells clients of their events.
func (d *daemon) flush() {
	d.flushes = slices.DeleteFunc(d.flushes, func(c *ipc.Conn) bool { return !c.Flush() })
}

// tellFirst is up to how many members a ring's packets wait until clients are told of what is short: then who waits for its own message is awake
// while they go round, and its next one is here when the token is. With more they are under way long enough for that in any case, and where each
// node told its clients first, all the others would wait for that, one after the other.
const tellFirst = 2

// briefly tells whether what clients are to be given takes so little time that the ring's packets may wait for it (tellFirst).
func (d *daemon) briefly(e *node.Tell) bool { return d.node.Pending() < 4 && len(e.Data) <= 2048 }

func (d *daemon) carryOutEffects() {
	if d.unkept != nil {
		return
	}
	for e := d.node.Next(); e != nil; e = d.node.Next() {
		switch e := e.(type) {
		case *totem.Unicast:
			if e.To == d.me {
				d.own = append(d.own, e.Packet)
			} else {
				d.net.unicast(time.Now(), e.To, e.Packet)
				d.unsent = true
			}
		case *totem.Multicast:
			d.net.multicast(time.Now(), e.To, e.Packet)
			d.unsent = true
		case *totem.Doubt:
			d.net.doubt(time.Now())
		case *totem.StoreSeq:
			if err := d.files.storeRingSeq(d.me, e.Seq); err != nil {
				// A ring whose number nobody knows after a crash could be taken for the next one that gets it: this node takes no part, as with the original.
				d.unkept = fmt.Errorf("the number of ring %d cannot be kept: %w", e.Seq, err)
				return
			}
		case *totem.Flush:
			d.net.flush()
		case *node.Respond:
			if c := d.conns[e.Client]; c != nil {
				c.Respond(e.Message)
			}
		case *node.Tell:
			if d.unsent && !d.briefly(e) { // others wait for it, and what a client is given takes long
				d.net.transmit()
				d.unsent = false
			}
			if d.told != e.Client || d.teller == nil {
				d.told, d.teller = e.Client, d.conns[e.Client]
			}
			if c := d.teller; c != nil {
				c.EventLater(e.Message, e.Data)
				if len(d.flushes) == 0 || d.flushes[len(d.flushes)-1] != c && !slices.Contains(d.flushes, c) {
					d.flushes = append(d.flushes, c)
				}
			}
		case *node.Wait:
			// The client's library tells its program to try again.
			if c := d.conns[e.Client]; c != nil {
				c.FlowControl(true)
				d.held[e.Client] = true
			}
		case *node.Done:
			if c := d.conns[e.Client]; c != nil && d.held[e.Client] {
				c.FlowControl(false)
				delete(d.held, e.Client)
			}
			select {
			case d.done[e.Client] <- struct{}{}:
			default: // it has gone
			}
		case *node.StoreTracked:
			if err := d.files.storeTracked(e.Votes); err != nil {
				d.log.Error("the expected votes cannot be kept", "error", err)
			}
		case *node.ReadConf:
			d.reload()
		case *node.Rekey:
			d.net.rekey(time.Now(), e.Phase)
		case *node.ReopenLogs:
			if d.o.ReopenLogs != nil {
				d.o.ReopenLogs()
			}
		case *node.DumpFlight:
			if d.o.DumpFlight != nil {
				d.o.DumpFlight(filepath.Dir(d.files.state("x")))
			}
		case *node.Exit:
			d.exit = e
		}
	}
	if !d.ready && d.node.Ready() {
		d.ready = true
		if d.o.Ready != nil {
			d.o.Ready()
		}
	}
}

// reload reads the configuration again.
func (d *daemon) reload() {
	d.net.transmit() // what waits leaves over the links that there are now
	c, err := d.files.configuration()
	var addrs addresses
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		addrs, err = d.resolve(ctx, c)
		cancel()
	}
	if err == nil && c.NodeByID(d.me) == nil {
		err = &conf.Error{File: c.File, Text: fmt.Sprintf("this node, %d, is not in the nodelist", d.me)}
	}
	newKey := false
	if err == nil {
		newKey, err = d.net.newKey(c)
	}
	if err == nil {
		d.addrs = addrs
		d.net.configure(time.Now(), c, addrs)
		if d.o.Configured != nil {
			d.o.Configured(c.Logging)
		}
	}
	d.node.Reload(time.Now(), c, addrs, newKey, err)
}

// end has nobody enter any more.
func (d *daemon) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.finish(nil)
	}
}

var order = binary.LittleEndian

// transportTitle is how Corosync's log calls a transport.
func transportTitle(t string) string {
	switch t {
	case "udp":
		return "UDP/IP Multicast"
	case "udpu":
		return "UDP/IP Unicast"
	}
	return "Kronosnet"
}
